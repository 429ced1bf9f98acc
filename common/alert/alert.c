#define _GNU_SOURCE /* pipe2() */

#include "alert.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alertmail.h"
#include "child.h"
#include "deadline.h"
#include "emit.h"
#include "news.h"

enum {
	MAIL_MAX = 1 << 20, /* bytes; the addresses are most of it */
	HOUR_MS = 3600000,
	DAY_MS = 24 * HOUR_MS
};

static const char child_path[] =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* The names by which alerts-summed counts. */
static const char *const names[] = { "problem-opened", "problem-worse",
	"problem-resolved", "problem-stale", "reporter-silent", "other" };

enum {
	NAMES = sizeof names / sizeof names[0]
};

/* An event that waits, as it will be sent. */
struct item {
	struct item *next;
	const char *name; /* static storage */
	struct buf json;  /* a line */
	struct buf mail;  /* from the Subject on */
};

struct alert {
	struct log *log;
	struct alert_limits limits;
	int cancel[2]; /* a byte in it ends what runs */
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t wake;   /* something is queued, or it is over */
	pthread_cond_t ended;  /* the thread has nothing more to do */
	struct conf *conf;     /* NULL until alert_configure() */
	struct item *first;
	struct item **last;
	unsigned items;
	bool is_stopping;
	bool is_cancelled;
	bool has_ended;

	uint64_t hour_end;      /* of AlertRate */
	uint64_t told;          /* in that hour */
	uint64_t summed[NAMES]; /* left out, by name */
	enum severity worst;    /* of these */
	struct news news;
};

/*
 * The queue.
 */

static void
free_item(struct item **item)
{
	if (*item == NULL)
		return;
	buf_free(&(*item)->json);
	buf_free(&(*item)->mail);
	free(*item);
	*item = NULL;
}

static size_t
name_index(const char *name)
{
	size_t i = 0;

	while (i < NAMES - 1 && strcmp(names[i], name) != 0)
		i++;
	return i;
}

/* Print an event for both ways to send it. NULL: no memory. */
static struct item *
make_item(const struct event *ev, const char *name)
{
	struct item *item = calloc(1, sizeof *item);
	enum status st;

	if (item == NULL)
		return NULL;
	item->name = name;
	buf_init(&item->json, EMIT_LINE_MAX + 1);
	buf_init(&item->mail, MAIL_MAX);
	st = emit_json(&item->json, ev, NULL);
	if (st == ST_OK)
		st = buf_addc(&item->json, '\n');
	if (st == ST_OK)
		st = alertmail_text(&item->mail, ev);
	if (st != ST_OK)
		free_item(&item);
	return item;
}

static struct item *
take_item(struct alert *alert)
{
	struct item *item = alert->first;

	alert->first = item->next;
	if (alert->first == NULL)
		alert->last = &alert->first;
	alert->items--;
	return item;
}

static bool
put_item(struct alert *alert, const struct event *ev, size_t name)
{
	struct item *item = NULL;

	if (alert->items < ALERT_QUEUE_MAX)
		item = make_item(ev, names[name]);
	if (item == NULL)
		return false;
	*alert->last = item;
	alert->last = &item->next;
	alert->items++;
	return true;
}

/* Is there room in this hour? An hour begins when the last one is over. */
static bool
is_in_rate(struct alert *alert, uint64_t now)
{
	uint64_t rate = alert->conf->alert_rate;

	if (now >= alert->hour_end) {
		alert->hour_end = now + alert->limits.hour_ms;
		alert->told = 0;
	}
	return rate == 0 || alert->told < rate;
}

static bool
has_target(const struct conf *conf)
{
	return conf != NULL &&
	    (conf->alert_command[0] != '\0' || conf->alert_mail.count > 0);
}

static uint64_t
count_summed(const struct alert *alert)
{
	uint64_t count = 0;

	for (size_t i = 0; i < NAMES; i++)
		count += alert->summed[i];
	return count;
}

void
alert_event(struct alert *alert, const struct event *ev)
{
	uint64_t now = deadline_now();
	size_t name = name_index(ev->name);

	(void)pthread_mutex_lock(&alert->mutex);
	if (has_target(alert->conf) && !alert->is_stopping &&
	    news_take(&alert->news, ev, now)) {
		/* What was left out before is said first. */
		if (count_summed(alert) == 0 && is_in_rate(alert, now) &&
		    put_item(alert, ev, name)) {
			alert->told++;
		} else {
			if (count_summed(alert) == 0 ||
			    ev->severity < alert->worst)
				alert->worst = ev->severity;
			alert->summed[name]++;
		}
		(void)pthread_cond_signal(&alert->wake);
	}
	(void)pthread_mutex_unlock(&alert->mutex);
}

/*
 * The thread: sending.
 */

/* One program for one event; how it failed goes to the log. */
static void
run_program(struct alert *alert, const struct item *item, char *const *argv,
    const struct buf *input)
{
	char event[64], path[sizeof child_path], text[CHILD_TEXT_MAX];
	char *const environment[] = { path, event, NULL };
	struct child child = {
		.argv = argv,
		.environment = environment,
		.input = input->data,
		.input_len = input->len,
		.limit_ms = alert->limits.limit_ms,
		.grace_ms = alert->limits.grace_ms,
		.cancel_fd = alert->cancel[0],
	};
	struct child_end end;
	struct event ev;

	memcpy(path, child_path, sizeof path);
	(void)snprintf(event, sizeof event, "TLSRPT_EVENT=%s", item->name);
	child_run(&child, &end);
	if (end.how == CHILD_EXITED && end.code == 0)
		return;
	child_describe(&end, text);
	event_init(&ev, "error", SEV_ERR);
	event_string(&ev, "reason", status_str(ST_ALERT));
	event_string(&ev, "detail", text);
	event_string(&ev, "command", argv[0]);
	event_string(&ev, "alert", item->name);
	(void)log_event(alert->log, &ev, NULL);
}

static void
run_command(
    struct alert *alert, const struct item *item, const struct conf *conf)
{
	char *const argv[] = { conf->alert_command, NULL };

	run_program(alert, item, argv, &item->json);
}

static void
report_no_memory(struct alert *alert, const struct item *item)
{
	struct event ev;

	event_init(&ev, "error", SEV_ERR);
	event_string(&ev, "reason", status_str(ST_NO_MEMORY));
	event_string(&ev, "detail", "no memory for an alert");
	event_string(&ev, "alert", item->name);
	(void)log_event(alert->log, &ev, NULL);
}

static void
run_sendmail(
    struct alert *alert, const struct item *item, const struct conf *conf)
{
	static const char *const options[] = { "-i", "-f", "<>", "--" };
	const size_t count = sizeof options / sizeof options[0];
	const struct conf_list *to = &conf->alert_mail;
	/* posix_spawn() writes to none of them. */
	const char **argv = calloc(1 + count + to->count + 1, sizeof *argv);
	struct buf mail;
	enum status st;

	buf_init(&mail, 2 * MAIL_MAX);
	st = argv != NULL ? alertmail_addresses(&mail, to) : ST_NO_MEMORY;
	if (st == ST_OK)
		st = buf_add(&mail, item->mail.data, item->mail.len);
	if (st == ST_OK) {
		argv[0] = alert->limits.sendmail;
		for (size_t i = 0; i < count; i++)
			argv[1 + i] = options[i];
		for (size_t i = 0; i < to->count; i++)
			argv[1 + count + i] = to->item[i];
		run_program(alert, item, (char *const *)argv, &mail);
	} else {
		report_no_memory(alert, item);
	}
	buf_free(&mail);
	free(argv);
}

/*
 * The hour is over: the event that sums it. Begins the next hour, in which it
 * is the first. The mutex is held; NULL when there is no memory, and then it is
 * tried again.
 */
static struct item *
make_sum(struct alert *alert, uint64_t now)
{
	struct item *item;
	struct event ev;

	event_init(&ev, "alerts-summed", alert->worst);
	event_count(&ev, "alerts", count_summed(alert));
	for (size_t i = 0; i < NAMES; i++) {
		if (alert->summed[i] > 0)
			event_count(&ev, names[i], alert->summed[i]);
	}
	event_string(&ev, "severity", severity_str(alert->worst));
	item = make_item(&ev, "alerts-summed");
	alert->hour_end = now + alert->limits.hour_ms;
	alert->told = 1;
	if (item != NULL) {
		memset(alert->summed, 0, sizeof alert->summed);
		(void)log_event(alert->log, &ev, NULL);
	}
	return item;
}

/*
 * Wait for the next to be sent. NULL: it is over. The mutex is held.
 */
static struct item *
next_item(struct alert *alert)
{
	struct item *item = NULL;

	while (item == NULL && !alert->is_cancelled) {
		bool has_sum = count_summed(alert) > 0;
		uint64_t now = deadline_now();

		if (alert->first != NULL) {
			item = take_item(alert);
		} else if (has_sum &&
		    (now >= alert->hour_end || alert->is_stopping)) {
			item = make_sum(alert, now);
			if (item == NULL && alert->is_stopping)
				return NULL;
		} else if (alert->is_stopping) {
			return NULL;
		} else if (has_sum) {
			struct timespec ts;

			deadline_in(&ts, CLOCK_MONOTONIC,
			    (unsigned)(alert->hour_end - now));
			(void)pthread_cond_timedwait(
			    &alert->wake, &alert->mutex, &ts);
		} else {
			(void)pthread_cond_wait(&alert->wake, &alert->mutex);
		}
	}
	return item;
}

static void *
run_thread(void *arg)
{
	struct alert *alert = arg;
	struct item *item;
	sigset_t all;

	/* SIGPIPE above all, of a program that does not read. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, NULL);
	(void)pthread_mutex_lock(&alert->mutex);
	while ((item = next_item(alert)) != NULL) {
		/* A reload may have taken the targets away meanwhile. */
		struct conf *conf = conf_ref(alert->conf);

		(void)pthread_mutex_unlock(&alert->mutex);
		if (conf->alert_command[0] != '\0')
			run_command(alert, item, conf);
		if (conf->alert_mail.count > 0)
			run_sendmail(alert, item, conf);
		conf_unref(&conf);
		free_item(&item);
		(void)pthread_mutex_lock(&alert->mutex);
	}
	alert->has_ended = true;
	(void)pthread_cond_signal(&alert->ended);
	(void)pthread_mutex_unlock(&alert->mutex);
	return NULL;
}

/*
 * Life and death.
 */

struct alert *
alert_new(struct log *log)
{
	struct alert *alert = calloc(1, sizeof *alert);
	pthread_condattr_t attributes;

	if (alert == NULL)
		return NULL;
	if (pipe2(alert->cancel, O_CLOEXEC) == -1) {
		free(alert);
		return NULL;
	}
	alert->log = log;
	alert->limits = (struct alert_limits){
		.sendmail = "/usr/sbin/sendmail",
		.limit_ms = ALERT_LIMIT_MS,
		.grace_ms = ALERT_GRACE_MS,
		.hour_ms = HOUR_MS,
	};
	alert->last = &alert->first;
	news_init(&alert->news, DAY_MS);
	(void)pthread_mutex_init(&alert->mutex, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&alert->wake, &attributes);
	(void)pthread_cond_init(&alert->ended, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return alert;
}

void
alert_set_limits(struct alert *alert, const struct alert_limits *limits)
{
	alert->limits = *limits;
}

enum status
alert_start(struct alert *alert, struct fault *fault)
{
	if (pthread_create(&alert->thread, NULL, run_thread, alert) != 0)
		return fault_set(
		    fault, ST_NO_MEMORY, "cannot start the thread of alerts");
	alert->has_thread = true;
	return ST_OK;
}

/* Before it is needed. */
static void
check_program(struct alert *alert, const char *path)
{
	struct event ev;

	if (access(path, X_OK) == 0)
		return;
	event_init(&ev, "error", SEV_ERR);
	event_string(&ev, "reason", status_str(ST_ALERT));
	event_string(&ev, "detail", strerror(errno));
	event_string(&ev, "command", path);
	(void)log_event(alert->log, &ev, NULL);
}

void
alert_configure(struct alert *alert, struct conf *conf)
{
	struct conf *old;

	(void)pthread_mutex_lock(&alert->mutex);
	old = alert->conf;
	alert->conf = conf_ref(conf);
	(void)pthread_mutex_unlock(&alert->mutex);
	conf_unref(&old);
	if (conf->alert_command[0] != '\0')
		check_program(alert, conf->alert_command);
	if (conf->alert_mail.count > 0)
		check_program(alert, alert->limits.sendmail);
}

/* Stop the thread, which has so long to end what it does. */
static void
stop(struct alert *alert, unsigned milliseconds)
{
	struct timespec ts;
	int rc = 0;

	deadline_in(&ts, CLOCK_MONOTONIC, milliseconds);
	(void)pthread_mutex_lock(&alert->mutex);
	alert->is_stopping = true;
	(void)pthread_cond_signal(&alert->wake);
	while (!alert->has_ended && rc == 0)
		rc = pthread_cond_timedwait(&alert->ended, &alert->mutex, &ts);
	alert->is_cancelled = true;
	(void)pthread_mutex_unlock(&alert->mutex);
	/* It ends what runs, and what is run next. */
	(void)!write(alert->cancel[1], "", 1);
	(void)pthread_join(alert->thread, NULL);
}

/* What waits, and was never told, is gone. */
static void
report_lost(struct alert *alert)
{
	uint64_t lost = alert->items + count_summed(alert);
	struct event ev;

	if (lost == 0)
		return;
	event_init(&ev, "error", SEV_ERR);
	event_string(&ev, "reason", status_str(ST_ALERT));
	event_string(&ev, "detail", "there was no time for all alerts");
	event_count(&ev, "alerts", lost);
	(void)log_event(alert->log, &ev, NULL);
}

void
alert_free(struct alert **alert, unsigned milliseconds)
{
	struct alert *a = *alert;

	if (a == NULL)
		return;
	*alert = NULL;
	if (a->has_thread)
		stop(a, milliseconds);
	report_lost(a);
	while (a->first != NULL) {
		struct item *item = take_item(a);

		free_item(&item);
	}
	conf_unref(&a->conf);
	(void)close(a->cancel[0]);
	(void)close(a->cancel[1]);
	(void)pthread_cond_destroy(&a->wake);
	(void)pthread_cond_destroy(&a->ended);
	(void)pthread_mutex_destroy(&a->mutex);
	free(a);
}
