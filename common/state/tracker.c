#include "tracker.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "event.h"
#include "trackerthread.h"

struct tracker_item {
	enum problem_change change;
	struct state_problem problem;
};

/* A report on its way in, on the stack of the thread that brings it. */
struct request {
	struct request *next;
	const struct conf *conf;
	const struct state_report *report;
	struct state_events events;
	enum state_added added;
	bool is_done; /* under turn */
};

/*
 * Telling.
 */

void
tracker_tell_event(
    struct tracker *t, const struct event *ev, const char *queue_id)
{
	(void)log_event(t->log, ev, queue_id);
	if (t->alert != NULL)
		alert_event(t->alert, ev);
}

void
tracker_tell_problem(struct tracker *t, enum problem_change change,
    const struct state_problem *problem, const char *queue_id)
{
	struct event ev;

	event_problem(&ev, change, problem);
	tracker_tell_event(t, &ev, queue_id);
}

/*
 * News of a report.
 */

static void
collect_problem(void *ctx, enum problem_change change,
    const struct state_problem *before, const struct state_problem *after)
{
	struct tracker_news *news = ctx;
	struct tracker_item *grown = NULL;

	(void)before;
	if (news->count < news->max)
		grown = realloc(news->item, (news->count + 1) * sizeof *grown);
	if (grown == NULL) {
		news->omitted++;
		return;
	}
	news->item = grown;
	grown[news->count++] =
	    (struct tracker_item){ .change = change, .problem = *after };
}

/* A report makes no reporter silent. */
static void
collect_silent(void *ctx, const struct state_reporter *reporter)
{
	(void)ctx;
	(void)reporter;
}

void
tracker_tell(
    struct tracker *tracker, struct tracker_news *news, const char *queue_id)
{
	struct event ev;

	for (size_t i = 0; i < news->count; i++)
		tracker_tell_problem(tracker, news->item[i].change,
		    &news->item[i].problem, queue_id);
	if (news->omitted > 0) {
		event_init(&ev, "omitted", SEV_WARNING);
		event_count(&ev, "problem-count", news->omitted);
		event_string(&ev, "severity", severity_str(SEV_WARNING));
		tracker_tell_event(tracker, &ev, queue_id);
	}
	free(news->item);
	*news = (struct tracker_news){ .count = 0 };
}

/*
 * Being behind.
 */

/* Of what passes by itself, nothing needs to be done. */
static const char *
action_against(enum status st)
{
	switch (st) {
	case ST_STATE:
		return "make StateFile, and the directory that it is in, "
		       "writable for the milter's user; until then reports are "
		       "archived, and added to the index later";
	case ST_ARCHIVE:
		return "make ArchiveDirectory, and all below it, readable for "
		       "the milter's user; until then the index lacks reports";
	default:
		return "none: reports are archived, and added to the index "
		       "later";
	}
}

void
tracker_complain(struct tracker *t, const struct fault *fault)
{
	struct event ev;
	bool is_new;

	(void)pthread_mutex_lock(&t->mutex);
	is_new = t->complaint != fault->status;
	t->complaint = fault->status;
	(void)pthread_mutex_unlock(&t->mutex);
	if (!is_new)
		return;
	event_init(&ev, "error", SEV_ERR);
	event_fault(&ev, fault);
	event_string(&ev, "severity", severity_str(SEV_ERR));
	event_string(&ev, "action", action_against(fault->status));
	(void)log_event(t->log, &ev, NULL);
}

void
tracker_fall_behind(struct tracker *t, int64_t since, const struct fault *fault)
{
	(void)pthread_mutex_lock(&t->mutex);
	if (!t->is_behind || since < t->since)
		t->since = since;
	t->is_behind = true;
	(void)pthread_cond_signal(&t->wake);
	(void)pthread_mutex_unlock(&t->mutex);
	tracker_complain(t, fault);
}

/* A report has left problems to the thread. */
static void
note_unsettled(struct tracker *t)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->is_unsettled = true;
	(void)pthread_cond_signal(&t->wake);
	(void)pthread_mutex_unlock(&t->mutex);
}

struct state *
tracker_state(struct tracker *t)
{
	struct state *state;

	(void)pthread_mutex_lock(&t->mutex);
	state = t->is_behind || t->is_stopping ? NULL : t->state;
	(void)pthread_mutex_unlock(&t->mutex);
	return state;
}

/*
 * Adding. A transaction costs as much as a few reports do, so whoever has the
 * turn adds those of all who are waiting for theirs.
 */

static void
push_request(struct tracker *t, struct request *request)
{
	(void)pthread_mutex_lock(&t->mutex);
	request->next = t->requests;
	t->requests = request;
	(void)pthread_mutex_unlock(&t->mutex);
}

static struct request *
take_requests(struct tracker *t)
{
	struct request *requests;

	(void)pthread_mutex_lock(&t->mutex);
	requests = t->requests;
	t->requests = NULL;
	(void)pthread_mutex_unlock(&t->mutex);
	return requests;
}

static enum status
add_group(struct state *state, struct request *requests, struct fault *fault)
{
	int64_t now = (int64_t)time(NULL);
	enum status st = state_begin_group(state, fault), end;

	if (st != ST_OK)
		return st;
	for (struct request *r = requests; r != NULL && st == ST_OK;
	     r = r->next)
		st = state_add(state, r->report, r->conf, now, &r->events,
		    &r->added, fault);
	/* What failed may not have spoilt what came before it. */
	end = state_commit(state, now, NULL, fault);
	return st != ST_OK ? st : end;
}

/* With the turn: add all that wait. */
static void
add_requests(struct tracker *t)
{
	struct request *requests = take_requests(t), *next;
	struct state *state = tracker_state(t);
	int64_t since = INT64_MAX;
	struct fault fault;
	enum status st = ST_OK;

	if (state != NULL)
		st = add_group(state, requests, &fault);
	/* They live no longer than until they are seen to be done. */
	for (struct request *r = requests; r != NULL; r = next) {
		next = r->next;
		if (st != ST_OK)
			r->added = STATE_NEW;
		if (r->report->received < since)
			since = r->report->received;
		r->is_done = true;
	}
	if (st != ST_OK)
		tracker_fall_behind(t, since, &fault);
	else if (state != NULL && state_is_unsettled(state))
		note_unsettled(t);
}

enum state_added
tracker_add(struct tracker *tracker, const struct conf *conf,
    const struct state_report *report, struct tracker_news *news)
{
	struct request request = {
		.conf = conf,
		.report = report,
		.events = { collect_problem, collect_silent, news },
		.added = STATE_NEW,
	};

	news->max = conf->max_failure_lines < TRACKER_NEWS_MAX
	    ? (size_t)conf->max_failure_lines
	    : TRACKER_NEWS_MAX;
	push_request(tracker, &request);
	/* Who waits here for another process waits for all behind it. */
	(void)pthread_mutex_lock(&tracker->turn);
	if (!request.is_done)
		add_requests(tracker);
	(void)pthread_mutex_unlock(&tracker->turn);
	/* The thread may have found the record before us. */
	return request.added == STATE_PRESENT ? STATE_NEW : request.added;
}

/*
 * Life and death.
 */

bool
tracker_is_wanted(const struct conf *conf)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(conf->state_file, '/');

	if (slash == NULL) /* none */
		return false;
	if (conf_is_given(conf, "StateFile"))
		return true;
	(void)snprintf(directory, sizeof directory, "%.*s",
	    (int)(slash - conf->state_file), conf->state_file);
	return access(directory, F_OK) == 0;
}

struct tracker *
tracker_new(struct log *log, struct alert *alert, bool is_daemon)
{
	struct tracker *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->log = log;
	t->alert = alert;
	t->is_daemon = is_daemon;
	t->is_behind = true;
	t->since = (int64_t)time(NULL);
	(void)pthread_mutex_init(&t->turn, NULL);
	(void)pthread_mutex_init(&t->mutex, NULL);
	(void)pthread_cond_init(&t->wake, NULL);
	(void)pthread_cond_init(&t->tried, NULL);
	return t;
}

void
tracker_configure(struct tracker *tracker, struct conf *conf)
{
	struct conf *old;

	(void)pthread_mutex_lock(&tracker->mutex);
	old = tracker->conf;
	tracker->conf = conf_ref(conf);
	if (tracker->first == NULL)
		tracker->first = conf_ref(conf);
	(void)pthread_mutex_unlock(&tracker->mutex);
	conf_unref(&old);
}

enum status
tracker_start(
    struct tracker *tracker, unsigned milliseconds, struct fault *fault)
{
	struct timespec ts;
	int rc = 0;

	if (pthread_create(&tracker->thread, NULL, tracker_run, tracker) != 0)
		return fault_set(fault, ST_NO_MEMORY, "cannot start a thread");
	deadline_in(&ts, CLOCK_REALTIME, milliseconds);
	(void)pthread_mutex_lock(&tracker->mutex);
	tracker->has_thread = true;
	while (!tracker->has_tried && rc == 0)
		rc = pthread_cond_timedwait(
		    &tracker->tried, &tracker->mutex, &ts);
	(void)pthread_mutex_unlock(&tracker->mutex);
	return ST_OK;
}

void
tracker_stop(struct tracker *tracker)
{
	bool has_thread;

	(void)pthread_mutex_lock(&tracker->mutex);
	tracker->is_stopping = true;
	has_thread = tracker->has_thread;
	tracker->has_thread = false;
	(void)pthread_cond_signal(&tracker->wake);
	(void)pthread_mutex_unlock(&tracker->mutex);
	if (has_thread)
		(void)pthread_join(tracker->thread, NULL);
	/* Whoever is adding a report ends first. */
	(void)pthread_mutex_lock(&tracker->turn);
	state_close(&tracker->state);
	(void)pthread_mutex_unlock(&tracker->turn);
}

void
tracker_free(struct tracker **tracker)
{
	struct tracker *t = *tracker;

	if (t == NULL)
		return;
	*tracker = NULL;
	tracker_stop(t);
	conf_unref(&t->conf);
	conf_unref(&t->first);
	(void)pthread_cond_destroy(&t->tried);
	(void)pthread_cond_destroy(&t->wake);
	(void)pthread_mutex_destroy(&t->mutex);
	(void)pthread_mutex_destroy(&t->turn);
	free(t);
}
