#include "intake.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive.h"
#include "event.h"
#include "extract.h"
#include "rank.h"
#include "rawmail.h"
#include "reading.h"
#include "reportlog.h"
#include "text.h"

/* Milliseconds that a log may take for the lines of a report. */
enum {
	LOG_WAIT = 1000
};

/* What became of one candidate. */
struct item {
	enum status status;
	struct fault fault;
	/* With ST_OK: */
	struct archived archived;
	bool is_unsynced; /* the syncer is to see to it */
	enum state_added added;
	struct tracker_news news;
};

struct intake {
	struct intake_site *site;
	struct conf *conf;
	struct extract *ex;
	struct rawmail *raw;   /* with ArchiveMessage, else NULL */
	struct verify *verify; /* unless DKIM is off, else NULL */
	uint64_t fed;          /* bytes given to raw */

	const struct intake_origin *origin;
	const char *submitter;
	struct outcome *outcome;
	bool is_upload;
	enum auth auth;   /* of the report at hand, if it is an upload */
	bool has_decoder; /* it is large, and counts against the bound */
	size_t read; /* which candidate the reading holds; SIZE_MAX: none */
	struct reading reading;
	struct item item[EXTRACT_CANDIDATES_MAX]; /* empty until it is taken */
};

/*
 * An intake without anything. Not calloc(): what is filled at the end of the
 * message is large, and the pages need not be there until then.
 */
static struct intake *
make_empty(const struct conf *conf)
{
	struct intake *in = malloc(sizeof *in);

	if (in != NULL) {
		memset(in, 0, offsetof(struct intake, reading));
		reading_init(&in->reading, conf);
	}
	return in;
}

void
intake_site_init(struct intake_site *site, struct log *log,
    struct verify_site *verify, struct tracker *tracker, struct syncer *syncer)
{
	site->log = log;
	site->verify = verify;
	site->tracker = tracker;
	site->syncer = syncer;
	(void)sem_init(&site->decoders, 0, INTAKE_DECODERS);
}

static struct intake *
make(struct intake_site *site, struct conf *conf, const char *queue_id,
    bool is_upload)
{
	bool is_verified = conf->dkim != DKIM_OFF && !is_upload;
	struct intake *in = make_empty(conf);
	char tmp[PATH_MAX];
	struct extract_limits limits = {
		.message_max = conf->max_message_size,
		.mime = { MIME_DEPTH_MAX, MIME_PARTS_MAX },
		.spool_dir = tmp,
	};

	if (in == NULL)
		return NULL;
	archive_tmp(conf->archive_directory, tmp, sizeof tmp);
	in->site = site;
	in->conf = conf_ref(conf);
	in->is_upload = is_upload;
	in->ex = extract_new(&limits);
	if (conf->archive_message)
		in->raw = rawmail_new(tmp, conf->max_message_size);
	if (is_verified)
		in->verify = verify_new(site->verify, conf, queue_id, false);
	if (in->ex == NULL || (conf->archive_message && in->raw == NULL) ||
	    (is_verified && in->verify == NULL))
		intake_free(&in);
	else if (is_upload)
		extract_set_upload(in->ex);
	return in;
}

struct intake *
intake_new(struct intake_site *site, struct conf *conf, const char *queue_id)
{
	return make(site, conf, queue_id, false);
}

struct intake *
intake_new_upload(struct intake_site *site, struct conf *conf)
{
	return make(site, conf, NULL, true);
}

void
intake_free(struct intake **in)
{
	if (*in == NULL)
		return;
	reading_clear(&(*in)->reading);
	verify_free(&(*in)->verify);
	rawmail_free(&(*in)->raw);
	extract_free(&(*in)->ex);
	conf_unref(&(*in)->conf);
	free(*in);
	*in = NULL;
}

/* Is the message still small enough to be kept? */
static bool
is_kept(struct intake *in, size_t len)
{
	in->fed += len;
	return in->raw != NULL && in->fed <= in->conf->max_message_size;
}

void
intake_field(struct intake *in, const char *name, const char *value)
{
	if (is_kept(in, strlen(name) + strlen(value) + 3))
		rawmail_field(in->raw, name, value);
	if (in->verify != NULL)
		verify_field(in->verify, name, value);
	extract_field(in->ex, name, value);
}

void
intake_body(struct intake *in, const char *data, size_t len)
{
	if (is_kept(in, len))
		rawmail_body(in->raw, data, len);
	if (in->verify != NULL)
		verify_body(in->verify, data, len);
	extract_body(in->ex, data, len);
}

/*
 * First it is asked who sent the message. That may take a while, so it is done
 * before anything that others wait for is held.
 */

static void
verify_message(struct intake *in)
{
	const struct extract_meta *meta = extract_meta(in->ex);

	/* Mail without anything like a report asks nothing of DNS. */
	if (in->verify != NULL && extract_count(in->ex) > 0)
		verify_finish(in->verify, meta->from_domain, meta->submitter,
		    &in->outcome->verdict);
}

/* Does the report at hand count? */
static bool
is_genuine(const struct intake *in)
{
	return in->is_upload
	    ? dispose_is_vouched_for(in->conf, in->auth)
	    : dispose_is_genuine(in->conf, &in->outcome->verdict);
}

/* auth= and client=, of what came by HTTPS. */
static void
add_upload(const struct intake *in, struct event *ev)
{
	event_upload(
	    ev, in->is_upload ? auth_str(in->auth) : NULL, in->origin->client);
}

/*
 * Then all reports are read, assessed and archived, one at a time.
 */

/* Read candidate i, unless it is the one at hand. */
static enum status
read_candidate(struct intake *in, size_t i, struct fault *fault)
{
	enum status st;

	if (in->read == i)
		return ST_OK;
	in->read = SIZE_MAX;
	while (sem_wait(&in->site->decoders) == -1 && errno == EINTR)
		;
	st = reading_candidate(&in->reading, in->ex, i, in->conf, fault);
	in->reading.report.dev |= in->outcome->verdict.dev;
	if (st == ST_OK) {
		in->read = i;
		in->auth = pathsecret_vouches(in->conf, in->origin->auth,
		    in->origin->path_token, &in->reading.report);
	}
	/* A small one may keep its text while it waits for the disk. */
	in->has_decoder = st == ST_OK && in->reading.text.cap > INTAKE_SMALL;
	if (!in->has_decoder)
		(void)sem_post(&in->site->decoders);
	return st;
}

/* Let go of the reading, and of the right to have one. */
static void
drop_reading(struct intake *in)
{
	if (in->read == SIZE_MAX)
		return;
	reading_clear(&in->reading);
	in->read = SIZE_MAX;
	if (in->has_decoder)
		(void)sem_post(&in->site->decoders);
	in->has_decoder = false;
}

/* What is in the archive, and genuine, is added to its index. */
static void
index_report(struct intake *in, struct item *item, const struct record *record)
{
	const struct state_report report = {
		.report = &in->reading.report,
		.received = record->received,
		.path = item->archived.path,
		.sha256 = item->archived.sha256,
		.rank = rank_of(record),
	};

	item->added = item->archived.is_duplicate ? STATE_KNOWN : STATE_NEW;
	if (in->site->tracker != NULL && item->added == STATE_NEW &&
	    is_genuine(in))
		item->added = tracker_add(
		    in->site->tracker, in->conf, &report, &item->news);
}

/* Durable at once, unless the message is there in any case. */
static enum status
archive_it(struct intake *in, struct item *item, const struct record *record,
    struct spool *message)
{
	const char *directory = in->conf->archive_directory;
	struct archived *archived = &item->archived;
	enum status st;

	if (in->site->syncer == NULL ||
	    !dispose_is_kept(in->conf, &in->outcome->verdict))
		return archive_store(
		    directory, record, message, archived, &item->fault);
	st = archive_write(directory, record, message, archived, &item->fault);
	item->is_unsynced = st == ST_OK && !archived->is_duplicate;
	return st;
}

/* Once it is known what becomes of the message, which a failure names. */
static void
sync_later(struct intake *in, size_t count, enum conf_action action)
{
	for (size_t i = 0; i < count; i++) {
		if (in->item[i].is_unsynced)
			syncer_add(in->site->syncer,
			    in->conf->archive_directory,
			    in->item[i].archived.path, action);
	}
}

static enum status
store(struct intake *in, struct item *item)
{
	const struct extract_meta *meta = extract_meta(in->ex);
	const struct record record = {
		.received = (int64_t)time(NULL),
		.queue_id = in->origin->queue_id,
		.envelope_from = in->origin->envelope_from,
		.client = in->origin->client,
		.auth = in->is_upload ? auth_str(in->auth) : NULL,
		.message_id = meta->message_id,
		.subject = meta->subject,
		.submitter = in->submitter,
		.verdict = &in->outcome->verdict,
		.is_unverified = !is_genuine(in),
		.report = &in->reading.report,
		.assessment = &in->reading.assessment,
		.text = &in->reading.text,
	};
	struct spool *message = NULL;
	enum status st = ST_OK;

	if (in->raw != NULL && in->fed <= in->conf->max_message_size)
		st = rawmail_finish(in->raw, &message, &item->fault);
	if (st == ST_OK)
		st = archive_it(in, item, &record, message);
	if (st == ST_OK)
		index_report(in, item, &record);
	return st;
}

/* Does it count, and did not before? */
static bool
is_new(const struct item *item)
{
	return item->added == STATE_NEW || item->added == STATE_REPLACES ||
	    item->added == STATE_RISES;
}

static void
count_report(struct intake *in, const struct item *item)
{
	const struct assessment *as = &in->reading.assessment;
	const char *name = in->reading.report.organization_name;
	struct outcome *out = in->outcome;

	if (!is_genuine(in)) {
		out->unverified++;
		return;
	}
	if (out->reports + out->duplicates == 0 && name != NULL)
		(void)text_copy(out->organization_name,
		    sizeof out->organization_name, name);
	if (is_new(item))
		out->reports++;
	else
		out->duplicates++;
	if (as->severity < out->severity)
		out->severity = as->severity;
	out->totals.successful =
	    count_add(out->totals.successful, as->totals.successful);
	out->totals.failed = count_add(out->totals.failed, as->totals.failed);
}

/* Note what could not be read, or could not be done; the first is shown. */
static void
count_fault(struct outcome *out, const struct fault *fault)
{
	bool is_failure = status_is_failure(fault->status);

	if (out->fault.status == ST_OK || (is_failure && !out->has_failed))
		out->fault = *fault;
	if (is_failure)
		out->has_failed = true;
	else
		out->malformed++;
}

static void
take_candidate(struct intake *in, size_t i)
{
	struct item *item = &in->item[i];

	*item = (struct item){ .status = ST_OK };
	item->status = read_candidate(in, i, &item->fault);
	/* What will come again is kept when it does. */
	if (item->status == ST_OK &&
	    !dispose_is_later(in->conf, &in->outcome->verdict))
		item->status = store(in, item);
	if (item->status == ST_OK)
		count_report(in, item);
	else if (item->status != ST_NOT_A_REPORT)
		count_fault(in->outcome, &item->fault);
	/* Of several, each is read again when it is logged. */
	if (item->status != ST_OK || extract_count(in->ex) > 1)
		drop_reading(in);
}

/*
 * What is to be said of the message as a whole: trouble in reading it, or a
 * claim that none of its parts bears out. ST_OK when there is nothing.
 */
static enum status
judge_message(struct intake *in, enum status st, struct fault *fault)
{
	const struct outcome *out = in->outcome;
	bool is_silent =
	    out->reports + out->duplicates + out->unverified + out->malformed ==
		0 &&
	    !out->has_failed;

	if (st == ST_OK && is_silent && extract_claims_report(in->ex))
		st = fault_set(fault, ST_EMPTY,
		    "the message says that it is a TLS report, and has none");
	if (st == ST_OK && is_silent)
		return fault_set(
		    fault, ST_NOT_A_REPORT, "it holds no TLS report");
	if (st != ST_OK)
		count_fault(in->outcome, fault);
	return st;
}

/*
 * Then all is logged, with the decision in it.
 */

static const char *
queue_id_of(const struct intake *in)
{
	const char *queue_id = in->origin->queue_id;

	return queue_id != NULL ? queue_id : "NOQUEUE";
}

static void
write_event(struct intake *in, const struct event *ev)
{
	(void)log_event(in->site->log, ev, queue_id_of(in));
}

static void
log_report(struct intake *in, struct item *item, enum conf_action action)
{
	const char *name = !is_genuine(in) ? "unverified"
	    : is_new(item)                 ? "report"
					   : "duplicate";
	struct event ev;

	event_report(&ev, name, &in->reading.report, &in->reading.assessment,
	    in->submitter, &in->outcome->verdict);
	add_upload(in, &ev);
	event_string(&ev, "disposition", action_str(action));
	event_string(&ev, "archive", item->archived.path);
	if (item->added != STATE_NEW && item->added != STATE_KNOWN)
		event_string(&ev, "content", "differs");
	write_event(in, &ev);
	/* The details of a duplicate are known, of a forgery worth nothing. */
	if (is_genuine(in) && is_new(item))
		reportlog_details(
		    in->site->log, queue_id_of(in), in->conf, &in->reading);
}

/* "malformed", "error" or "not-a-report", with where it came from. */
static void
log_fault(struct intake *in, const struct fault *fault, enum conf_action action)
{
	const struct extract_meta *meta = extract_meta(in->ex);
	const char *name = "malformed";
	enum severity severity = SEV_WARNING;
	struct event ev;

	if (status_is_failure(fault->status)) {
		name = "error";
		severity = SEV_ERR;
	}
	event_init(&ev, name, severity);
	event_fault(&ev, fault);
	event_verdict(&ev, &in->outcome->verdict);
	event_string(&ev, "submitter", in->submitter);
	event_string(&ev, "envelope-from", in->origin->envelope_from);
	event_string(&ev, "message-id", meta->message_id);
	event_string(&ev, "subject", meta->subject);
	add_upload(in, &ev);
	event_string(&ev, "severity", severity_str(severity));
	event_string(&ev, "disposition", action_str(action));
	write_event(in, &ev);
}

static void
log_not_a_report(struct intake *in, enum conf_action action)
{
	const struct extract_meta *meta = extract_meta(in->ex);
	struct event ev;

	event_init(&ev, "not-a-report", SEV_INFO);
	event_string(&ev, "envelope-from", in->origin->envelope_from);
	event_string(&ev, "message-id", meta->message_id);
	event_string(&ev, "subject", meta->subject);
	add_upload(in, &ev);
	event_string(&ev, "disposition", action_str(action));
	write_event(in, &ev);
}

/* What the report means for problems that are known, or are not yet. */
static void
log_problems(struct intake *in, struct item *item)
{
	if (in->site->tracker != NULL)
		tracker_tell(in->site->tracker, &item->news, queue_id_of(in));
}

static void
log_candidate(struct intake *in, size_t i, enum conf_action action)
{
	struct item *item = &in->item[i];

	if (item->status == ST_NOT_A_REPORT)
		return;
	/* It could be read a moment ago: only memory can be lacking now. */
	if (item->status == ST_OK &&
	    read_candidate(in, i, &item->fault) == ST_OK)
		log_report(in, item, action);
	else
		log_fault(in, &item->fault, action);
	log_problems(in, item);
	if (extract_count(in->ex) > 1)
		drop_reading(in);
}

/* Discard only when the lines are written; else the mail is delivered. */
static enum conf_action
confirm(struct intake *in, enum conf_action action)
{
	struct fault fault;

	if (action != ACTION_DISCARD || in->origin->is_last ||
	    log_wait(in->site->log, LOG_WAIT))
		return action;
	(void)fault_set(&fault, ST_LOG_STALLED,
	    "the log took no lines, so the mail is delivered");
	log_fault(in, &fault, ACTION_DELIVER);
	return ACTION_DELIVER;
}

enum conf_action
intake_finish(struct intake *in, const struct intake_origin *origin,
    struct outcome *outcome)
{
	struct circumstances circumstances = {
		.has_other_recipients = origin->has_other_recipients,
		.is_log_ready = log_wait(in->site->log, LOG_WAIT),
		.is_last = origin->is_last,
		.is_upload = in->is_upload,
	};
	struct fault fault;
	enum conf_action action;
	size_t count;
	enum status st;

	*outcome = (struct outcome){ .severity = SEV_INFO };
	in->origin = origin;
	in->auth = origin->auth;
	in->outcome = outcome;
	in->read = SIZE_MAX;
	st = extract_finish(in->ex, &fault);
	in->submitter =
	    reading_submitter(extract_meta(in->ex), origin->envelope_from);
	verify_message(in);
	count = extract_count(in->ex);
	for (size_t i = 0; i < count; i++)
		take_candidate(in, i);
	st = judge_message(in, st, &fault);
	action = dispose(in->conf, outcome, &circumstances);
	sync_later(in, count, action);
	for (size_t i = 0; i < count; i++)
		log_candidate(in, i, action);
	drop_reading(in);
	if (st == ST_NOT_A_REPORT)
		log_not_a_report(in, action);
	else if (st != ST_OK)
		log_fault(in, &fault, action);
	return confirm(in, action);
}
