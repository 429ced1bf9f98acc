#include "tracker.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "event.h"
#include "reindex.h"

enum {
	FAULTS_MAX =
	    10, /* records of a walk whose trouble is told one by one */
	EVIDENCE_MAX = 300, /* sightings that one report may cost */
	SETTLE_AT_ONCE = 4, /* problems, while reports wait */
	SETTLE_PART = 10    /* of the thread's time that settling may take */
};

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

struct tracker {
	struct log *log;
	struct alert *alert;

	pthread_mutex_t turn;  /* one report is added after the other */
	pthread_mutex_t mutex; /* over what follows; held for moments only */
	pthread_cond_t wake;   /* behind, or to stop */
	pthread_cond_t tried;  /* the thread has tried to be in step */
	pthread_t thread;
	bool has_thread;
	bool has_tried;
	bool is_stopping;
	struct request *requests;
	struct conf *conf;
	struct conf *first;  /* the one at the start */
	struct state *state; /* once it could be opened; set by the thread */
	bool is_unsettled;   /* there is something for state_settle() */
	bool is_behind;
	int64_t since;         /* what came before is in the state */
	enum status complaint; /* the last one; ST_OK when in step */
};

static int64_t
now_seconds(void)
{
	return (int64_t)time(NULL);
}

/*
 * Telling.
 */

static void
tell(struct tracker *t, const struct event *ev, const char *queue_id)
{
	(void)log_event(t->log, ev, queue_id);
	if (t->alert != NULL)
		alert_event(t->alert, ev);
}

static void
tell_problem(struct tracker *t, enum problem_change change,
    const struct state_problem *problem, const char *queue_id)
{
	struct event ev;

	event_problem(&ev, change, problem);
	tell(t, &ev, queue_id);
}

/* For what no message at hand has brought about. */

static void
on_problem(void *ctx, enum problem_change change,
    const struct state_problem *before, const struct state_problem *after)
{
	(void)before;
	tell_problem(ctx, change, after, NULL);
}

static void
on_silent(void *ctx, const struct state_reporter *reporter)
{
	struct event ev;

	event_silent(&ev, reporter);
	tell(ctx, &ev, NULL);
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
		tell_problem(tracker, news->item[i].change,
		    &news->item[i].problem, queue_id);
	if (news->omitted > 0) {
		event_init(&ev, "omitted", SEV_WARNING);
		event_count(&ev, "problem-count", news->omitted);
		event_string(&ev, "severity", severity_str(SEV_WARNING));
		tell(tracker, &ev, queue_id);
	}
	free(news->item);
	*news = (struct tracker_news){ .count = 0 };
}

/*
 * Being behind.
 */

/* Say what is wrong, once for each kind of trouble. */
static void
complain(struct tracker *t, const struct fault *fault)
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
	event_string(&ev, "action",
	    "none: reports are archived, and added to the index later");
	(void)log_event(t->log, &ev, NULL);
}

static void
fall_behind(struct tracker *t, int64_t since, const struct fault *fault)
{
	(void)pthread_mutex_lock(&t->mutex);
	if (!t->is_behind || since < t->since)
		t->since = since;
	t->is_behind = true;
	(void)pthread_cond_signal(&t->wake);
	(void)pthread_mutex_unlock(&t->mutex);
	complain(t, fault);
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

/* The state, if it can be used now. */
static struct state *
state_in_step(struct tracker *t)
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
	int64_t now = now_seconds();
	enum status st = state_begin_group(state, fault);

	if (st != ST_OK)
		return st;
	for (struct request *r = requests; r != NULL && st == ST_OK;
	     r = r->next)
		st = state_add(state, r->report, r->conf, now, &r->events,
		    &r->added, fault);
	return state_commit(state, now, NULL, fault);
}

/* With the turn: add all that wait. */
static void
add_requests(struct tracker *t)
{
	struct request *requests = take_requests(t), *next;
	struct state *state = state_in_step(t);
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
		fall_behind(t, since, &fault);
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
 * Catching up, in the thread.
 */

static bool
is_stopping(struct tracker *t)
{
	bool is_so;

	(void)pthread_mutex_lock(&t->mutex);
	is_so = t->is_stopping;
	(void)pthread_mutex_unlock(&t->mutex);
	return is_so;
}

/* A walk through the archive. */
struct walk_log {
	struct tracker *tracker;
	uint64_t faults;
};

static enum status
on_progress(void *ctx, const struct reindex_progress *progress)
{
	const struct walk_log *walk = ctx;

	(void)progress;
	return is_stopping(walk->tracker) ? ST_STATE_BUSY : ST_OK;
}

static void
on_fault(void *ctx, const char *path, const struct fault *fault)
{
	struct walk_log *walk = ctx;

	if (++walk->faults <= FAULTS_MAX)
		log_text(walk->tracker->log, SEV_WARNING,
		    "not in the index: %s: %s: %s", path,
		    status_str(fault->status), fault->detail);
	else if (walk->faults == FAULTS_MAX + 1)
		log_text(walk->tracker->log, SEV_WARNING,
		    "not in the index: further records");
}

static void
set_options(const struct conf *conf, struct state_options *options)
{
	state_options(options);
	options->limits.resolve_after = (int64_t)conf->resolve_after;
	options->silent_after = (int64_t)conf->silent_after;
	options->busy_ms = TRACKER_BUSY_MS;
	options->evidence_max = EVIDENCE_MAX;
}

/* The first use of the state: all of it is looked at. */
static enum status
open_first(struct tracker *t, const struct conf *conf, struct fault *fault)
{
	struct state_options options;
	struct state_counts counts;
	struct state *state;
	enum status st;

	set_options(conf, &options);
	options.archive = t->first->archive_directory;
	st = state_open(&state, conf->state_file, &options, fault);
	if (st != ST_OK)
		return st;
	st = state_check(state, fault);
	if (st == ST_OK)
		st = state_counts(state, now_seconds(), &counts, fault);
	if (st != ST_OK) {
		state_close(&state);
		return st;
	}
	(void)pthread_mutex_lock(&t->mutex);
	t->state = state;
	/* What was archived and not added when the process ended. */
	if (counts.received < t->since)
		t->since = counts.received;
	(void)pthread_mutex_unlock(&t->mutex);
	return ST_OK;
}

/* Make the state anew from what was archived until now. */
static enum status
make_anew(struct tracker *t, const struct conf *conf, struct fault *fault)
{
	struct walk_log walk = { .tracker = t };
	const struct reindex_handler handler = { on_progress, on_fault, &walk };
	struct reindex_progress progress;
	struct state_options options;
	int64_t until = now_seconds();
	enum status st;

	set_options(conf, &options);
	log_text(t->log, SEV_NOTICE, "making the index %s from the archive",
	    conf->state_file);
	st = reindex(conf->state_file, conf->archive_directory, conf, &options,
	    until, until, &handler, &progress, fault);
	if (st != ST_OK)
		return st;
	log_text(t->log, SEV_INFO, "%llu reports in the index",
	    (unsigned long long)progress.added);
	(void)pthread_mutex_lock(&t->mutex);
	t->since = until;
	(void)pthread_mutex_unlock(&t->mutex);
	return ST_OK;
}

static enum status
have_state(struct tracker *t, const struct conf *conf, struct fault *fault)
{
	enum status st = t->state == NULL ? open_first(t, conf, fault) : ST_OK;
	bool is_whole;

	/* What is open may have been removed, or put in another's place. */
	if (st == ST_OK)
		st = state_is_whole(t->state, &is_whole, fault);
	if (st != ST_STATE_DAMAGED && st != ST_STATE_VERSION)
		return st;
	/* That it is not there yet is no trouble. */
	if (t->state != NULL || st == ST_STATE_VERSION ||
	    access(conf->state_file, F_OK) == 0)
		complain(t, fault);
	st = make_anew(t, conf, fault);
	return st == ST_OK && t->state == NULL ? open_first(t, conf, fault)
					       : st;
}

/* is_again: what cannot be read has been named. */
static enum status
add_missing(struct tracker *t, const struct conf *conf, bool is_again,
    uint64_t *added, struct fault *fault)
{
	struct walk_log walk = { .tracker = t };
	const struct reindex_handler handler = { on_progress,
		is_again ? NULL : on_fault, &walk };
	const struct state_events events = { on_problem, on_silent, t };
	struct reindex_progress progress;
	enum status st = reindex_missing(t->state, conf->archive_directory,
	    t->since, conf, now_seconds(), &handler, &events, &progress, fault);

	*added += progress.added + progress.differing;
	return st;
}

static void
set_behind(struct tracker *t, bool is_behind)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->is_behind = is_behind;
	(void)pthread_mutex_unlock(&t->mutex);
}

/*
 * Add what is missing; then let reports be added as they come, and add once
 * more: what came in between, and went away when the tracker was behind.
 */
static enum status
catch_up(struct tracker *t, const struct conf *conf, struct fault *fault)
{
	uint64_t added = 0;
	bool had_complaint;
	enum status st = have_state(t, conf, fault);

	if (st == ST_OK)
		st = add_missing(t, conf, false, &added, fault);
	if (st != ST_OK)
		return st;
	set_behind(t, false);
	st = add_missing(t, conf, true, &added, fault);
	if (st != ST_OK)
		return st;
	(void)pthread_mutex_lock(&t->mutex);
	had_complaint = t->complaint != ST_OK && !t->is_behind;
	if (had_complaint)
		t->complaint = ST_OK;
	(void)pthread_mutex_unlock(&t->mutex);
	if (had_complaint || added > 0)
		log_text(t->log, SEV_NOTICE,
		    "the index is in step with the archive: %llu reports added",
		    (unsigned long long)added);
	return ST_OK;
}

/*
 * The thread.
 */

static void
tick(struct tracker *t)
{
	const struct state_events events = { on_problem, on_silent, t };
	struct fault fault;

	if (state_tick(t->state, now_seconds(), &events, &fault) != ST_OK)
		fall_behind(t, now_seconds(), &fault);
}

/*
 * Work out what reports have left, a few problems at a time, so that none waits
 * for long. Returns the milliseconds until the next time: the more there was to
 * do, the more reports it is done for at once.
 */
static unsigned
settle(struct tracker *t)
{
	const struct state_events events = { on_problem, on_silent, t };
	struct timespec begin, end;
	enum status st = ST_OK;
	struct fault fault;
	bool has_more = true;
	int64_t took;

	(void)pthread_mutex_lock(&t->mutex);
	t->is_unsettled = false;
	(void)pthread_mutex_unlock(&t->mutex);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	while (st == ST_OK && has_more && !is_stopping(t))
		st = state_settle(t->state, SETTLE_AT_ONCE, now_seconds(),
		    &events, &has_more, &fault);
	if (st != ST_OK)
		fall_behind(t, now_seconds(), &fault);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	took = (end.tv_sec - begin.tv_sec) * 1000 +
	    (end.tv_nsec - begin.tv_nsec) / 1000000;
	return TRACKER_SETTLE_MS + SETTLE_PART * (unsigned)took;
}

static void
nap(struct tracker *t, unsigned milliseconds, bool is_for_work)
{
	struct timespec ts;
	bool was_behind;
	int rc = 0;

	deadline_in(&ts, CLOCK_REALTIME, milliseconds);
	(void)pthread_mutex_lock(&t->mutex);
	was_behind = t->is_behind;
	while (!t->is_stopping && t->is_behind == was_behind &&
	    !(is_for_work && t->is_unsettled) && rc == 0)
		rc = pthread_cond_timedwait(&t->wake, &t->mutex, &ts);
	(void)pthread_mutex_unlock(&t->mutex);
}

/* In step: sleep until there is something to do, or the time has come. */
static void
rest(struct tracker *t, time_t until)
{
	time_t now = time(NULL);

	if (state_is_unsettled(t->state))
		nap(t, settle(t), false);
	else if (now < until)
		nap(t, 1000 * (unsigned)(until - now), true);
}

static void
mark_tried(struct tracker *t)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->has_tried = true;
	(void)pthread_cond_broadcast(&t->tried);
	(void)pthread_mutex_unlock(&t->mutex);
}

static bool
try_to_catch_up(struct tracker *t)
{
	struct fault fault;
	struct conf *conf;
	enum status st;

	(void)pthread_mutex_lock(&t->mutex);
	conf = conf_ref(t->conf);
	(void)pthread_mutex_unlock(&t->mutex);
	st = catch_up(t, conf, &fault);
	if (st != ST_OK && !is_stopping(t)) {
		set_behind(t, true);
		complain(t, &fault);
	}
	conf_unref(&conf);
	return st == ST_OK;
}

static void *
run_thread(void *arg)
{
	struct tracker *t = arg;
	time_t retry = TRACKER_RETRY_SECONDS;
	time_t next = 0;

	while (!is_stopping(t)) {
		if (state_in_step(t) == NULL && !try_to_catch_up(t)) {
			mark_tried(t);
			nap(t, 1000 * (unsigned)retry, false);
			if (retry < TRACKER_RETRY_SECONDS_MAX)
				retry *= 2;
			continue;
		}
		mark_tried(t);
		retry = TRACKER_RETRY_SECONDS;
		if (time(NULL) >= next) {
			next = time(NULL) + TRACKER_TICK_SECONDS;
			tick(t);
		}
		rest(t, next);
	}
	return NULL;
}

/*
 * Life and death.
 */

struct tracker *
tracker_new(struct log *log, struct alert *alert)
{
	struct tracker *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->log = log;
	t->alert = alert;
	t->is_behind = true;
	t->since = now_seconds();
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

	if (pthread_create(&tracker->thread, NULL, run_thread, tracker) != 0)
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
