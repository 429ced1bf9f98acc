/*
 * tlsrpt ingest, for one message on standard input: what Exim, Postfix's pipe
 * and Sieve start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "alert.h"
#include "archive.h"
#include "feed.h"
#include "ingest.h"
#include "intake.h"
#include "keep.h"
#include "render.h"
#include "tracker.h"

enum {
	BLOCK = 65536,
	CLIENT_MAX = 512,
	QUEUE_ID_MAX = 64,
	/* For the index to be opened, and brought up to date. */
	INDEX_MILLISECONDS = 2000,
	ALERT_MILLISECONDS = 10000, /* for an alert that runs at the end */
	LOG_MILLISECONDS = 2000     /* for lines that wait at the end */
};

/* The message on its way in. */
struct incoming {
	const struct ingest *ingest;
	struct log *log;
	struct verify_site *verify;
	struct alert *alert;
	struct tracker *tracker;
	struct intake_site site;
	struct intake *intake;
	struct keep *raw; /* as it came, for when nobody can read it */
	uint64_t size;
	struct intake_origin origin;
	char client[CLIENT_MAX];
};

/*
 * The answers. Postfix's pipe(8) takes an enhanced status code (RFC 3463) at
 * the start of what we print; other MTAs quote it.
 */

/* Our own trouble: the mail stays in the queue. */
static int
try_later(const struct fault *fault)
{
	(void)fprintf(stderr, "4.3.0 TLS report cannot be taken now: %s: ",
	    status_str(fault->status));
	render_string(stderr, fault->detail);
	(void)fputc('\n', stderr);
	return EX_TEMPFAIL;
}

static int
try_dns_later(const struct verdict *verdict)
{
	(void)fprintf(stderr, "4.7.5 TLS report cannot be verified now: %s\n",
	    verdict_reason_str(verdict->reason));
	return EX_TEMPFAIL;
}

static int
reject(const struct outcome *outcome)
{
	const struct verdict *verdict = &outcome->verdict;

	if (outcome->malformed > 0) {
		(void)fprintf(stderr, "5.6.0 TLS report cannot be read: %s: ",
		    status_str(outcome->fault.status));
		render_string(stderr, outcome->fault.detail);
	} else {
		(void)fprintf(stderr, "5.7.20 TLS report is not genuine: %s",
		    verdict_reason_str(verdict->reason));
		if (verdict->domain[0] != '\0') {
			(void)fputs(", s=", stderr);
			render_string(stderr, verdict->selector);
			(void)fputs(" d=", stderr);
			render_string(stderr, verdict->domain);
		}
	}
	(void)fputc('\n', stderr);
	return EX_DATAERR;
}

/*
 * Where it comes from: options, or what Exim, Postfix's local(8) and
 * Pigeonhole put into the environment.
 */

static const char *
from_environment(const char *option, const char *name)
{
	return option != NULL ? option : getenv(name);
}

/* A queue id begins each line of the log: letters, digits and "-", or none. */
static const char *
check_queue_id(const char *id)
{
	size_t len = id != NULL
	    ? strspn(id,
		  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		  "0123456789-")
	    : 0;

	return len > 0 && len <= QUEUE_ID_MAX && id[len] == '\0' ? id : NULL;
}

static void
find_origin(struct incoming *in)
{
	const struct ingest *ingest = in->ingest;
	const char *name = getenv("CLIENT_HOSTNAME");
	const char *address = getenv("CLIENT_ADDRESS");

	if (ingest->client != NULL)
		(void)snprintf(
		    in->client, sizeof in->client, "%s", ingest->client);
	else if (name != NULL && name[0] != '\0' && address != NULL)
		(void)snprintf(
		    in->client, sizeof in->client, "%s [%s]", name, address);
	else if (address != NULL)
		(void)snprintf(in->client, sizeof in->client, "%s", address);
	in->origin = (struct intake_origin){
		.queue_id = check_queue_id(
		    from_environment(ingest->queue_id, "MESSAGE_ID")),
		.envelope_from = from_environment(ingest->sender, "SENDER"),
		.client = in->client,
		.is_last = true,
	};
}

/* There is no mailbox to leave it in, and it must not be lost. */
static int
keep(struct incoming *in)
{
	struct fault fault;

	return keep_finish(in->raw, in->log, &in->origin, &fault) == ST_OK
	    ? EX_OK
	    : try_later(&fault);
}

/* The exit status that stands for what the intake has decided. */
static int
answer(
    struct incoming *in, enum conf_action action, const struct outcome *outcome)
{
	if (outcome->has_failed)
		return try_later(&outcome->fault);
	if (action == ACTION_TEMPFAIL)
		return try_dns_later(&outcome->verdict);
	if (action == ACTION_REJECT)
		return reject(outcome);
	return action == ACTION_KEEP ? keep(in) : EX_OK;
}

/*
 * Reading.
 */

static enum status
take_block(struct incoming *in, struct feed *feed, const char *data, size_t len,
    struct fault *fault)
{
	in->size += len;
	if (keep_more(in->raw, data, len) != ST_OK ||
	    feed_more(feed, data, len) != ST_OK)
		return fault_set(fault, ST_NO_MEMORY, "no memory");
	return ST_OK;
}

static enum status
read_message(struct incoming *in, struct feed *feed, struct fault *fault)
{
	static char block[BLOCK];
	enum status st = ST_OK;

	while (st == ST_OK) {
		ssize_t n = read(STDIN_FILENO, block, sizeof block);

		if (n == 0)
			return ST_OK;
		if (n > 0)
			st = take_block(in, feed, block, (size_t)n, fault);
		else if (errno != EINTR)
			st = fault_set(fault, ST_SPOOL, "standard input: %s",
			    strerror(errno));
	}
	return st;
}

static int
take_message(struct incoming *in)
{
	static struct feed feed;
	struct outcome outcome;
	enum conf_action action;
	struct fault fault;
	enum status st;

	feed_init(&feed, in->intake);
	st = read_message(in, &feed, &fault);
	if (feed_finish(&feed) != ST_OK && st == ST_OK)
		st = fault_set(&fault, ST_NO_MEMORY, "no memory");
	if (st != ST_OK)
		return try_later(&fault);
	if (in->size == 0) {
		(void)fputs("5.6.0 no message on standard input\n", stderr);
		return EX_NOINPUT;
	}
	action = intake_finish(in->intake, &in->origin, &outcome);
	return answer(in, action, &outcome);
}

/*
 * Making ready.
 */

static enum status
make_sites(struct incoming *in, struct fault *fault)
{
	struct conf *conf = in->ingest->conf;

	in->log = log_new(conf, NULL);
	in->verify = verify_site_new();
	if (in->log == NULL || in->verify == NULL)
		return fault_set(fault, ST_NO_MEMORY, "no memory");
	in->alert = alert_new(in->log);
	if (in->alert != NULL && tracker_is_wanted(conf))
		in->tracker = tracker_new(in->log, in->alert, false);
	if (in->alert == NULL ||
	    (in->tracker == NULL && tracker_is_wanted(conf)))
		return fault_set(fault, ST_NO_MEMORY, "no memory");
	alert_configure(in->alert, conf);
	if (in->tracker != NULL)
		tracker_configure(in->tracker, conf);
	intake_site_init(&in->site, in->log, in->verify, in->tracker, NULL);
	return ST_OK;
}

static enum status
open_sites(struct incoming *in, struct fault *fault)
{
	struct conf *conf = in->ingest->conf;
	enum status st = archive_check(conf->archive_directory, fault);

	if (st == ST_OK)
		st = make_sites(in, fault);
	if (st == ST_OK)
		st = verify_site_configure(in->verify, conf, fault);
	if (st == ST_OK && log_start(in->log) != ST_OK)
		st = fault_set(fault, ST_NO_MEMORY, "cannot start a thread");
	if (st == ST_OK)
		st = alert_start(in->alert, fault);
	if (st == ST_OK && in->tracker != NULL)
		st = tracker_start(in->tracker, INDEX_MILLISECONDS, fault);
	return st;
}

static void
close_sites(struct incoming *in)
{
	tracker_free(&in->tracker);
	alert_free(&in->alert, ALERT_MILLISECONDS);
	verify_site_free(&in->verify);
	log_free(&in->log, LOG_MILLISECONDS);
}

static enum status
open_message(struct incoming *in, struct fault *fault)
{
	struct conf *conf = in->ingest->conf;

	in->intake = intake_new(&in->site, conf, in->origin.queue_id);
	in->raw = keep_new(conf->archive_directory);
	if (in->intake == NULL || in->raw == NULL)
		return fault_set(fault, ST_NO_MEMORY, "no memory");
	return ST_OK;
}

int
ingest_message(const struct ingest *ingest)
{
	struct incoming in = { .ingest = ingest };
	struct fault fault;
	enum status st;
	int status;

	find_origin(&in);
	st = open_sites(&in, &fault);
	if (st == ST_OK)
		st = open_message(&in, &fault);
	status = st == ST_OK ? take_message(&in) : try_later(&fault);
	keep_free(&in.raw);
	intake_free(&in.intake);
	close_sites(&in);
	return status;
}
