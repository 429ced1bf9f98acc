#include "trackerthread.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "reindex.h"
#include "text.h"

enum {
	FAULTS_MAX = 10,    /* records of a walk that are named one by one */
	EVIDENCE_MAX = 300, /* sightings that one report may cost */
	EVIDENCE_MS = 200,  /* and all reports of so many milliseconds */
	OTHERS_STEP_MS = 20,
	SETTLE_AT_ONCE = 16,       /* problems, while reports wait */
	SETTLE_PAUSE_NS = 1000000, /* meanwhile, so that others get in */
	SETTLE_LAST_MS = 5000,     /* at the end of a process for a message */
	SETTLE_PART = 10 /* of the thread's time that settling may take */
};

/* For what no message at hand has brought about. */

static void
on_problem(void *ctx, enum problem_change change,
    const struct state_problem *before, const struct state_problem *after)
{
	(void)before;
	tracker_tell_problem(ctx, change, after, NULL);
}

static void
on_silent(void *ctx, const struct state_reporter *reporter)
{
	struct event ev;

	event_silent(&ev, reporter);
	tracker_tell_event(ctx, &ev, NULL);
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

/*
 * Sleep. What ends it is a state and not a change: whatever has come up since
 * the thread last looked is seen here.
 */
static void
nap(struct tracker *t, unsigned milliseconds, bool is_retry, bool is_for_work)
{
	struct timespec ts;
	int rc = 0;

	deadline_in(&ts, CLOCK_REALTIME, milliseconds);
	(void)pthread_mutex_lock(&t->mutex);
	while (!t->is_stopping && (is_retry || !t->is_behind) &&
	    !(is_for_work && t->is_unsettled) && rc == 0)
		rc = pthread_cond_timedwait(&t->wake, &t->mutex, &ts);
	(void)pthread_mutex_unlock(&t->mutex);
}

/* Walks through the archive, one after the other. */
struct walk_log {
	struct tracker *tracker;
	const struct conf *conf;
	uint64_t end;  /* of waiting for others, by deadline_now() */
	bool has_turn; /* no other can make the state */
	bool is_making;
	uint64_t faults;
	char named[FAULTS_MAX][STATE_PATH_MAX];
};

/* Another process makes the state, or has it locked: false when that has
   lasted too long. */
static bool
wait_for_others(struct walk_log *walk)
{
	struct tracker *t = walk->tracker;

	if (is_stopping(t) || deadline_now() >= walk->end)
		return false;
	if (!t->is_waiting)
		log_text(t->log, SEV_INFO,
		    "waiting for another process that is making the index %s, "
		    "or has it locked",
		    walk->conf->state_file);
	t->is_waiting = true;
	nap(t, OTHERS_STEP_MS, true, false);
	return true;
}

static enum status
on_progress(void *ctx, const struct reindex_progress *progress)
{
	const struct walk_log *walk = ctx;

	(void)progress;
	return is_stopping(walk->tracker) ? ST_STATE_BUSY : ST_OK;
}

static bool
is_named(const struct walk_log *walk, const char *path)
{
	for (size_t i = 0; i < FAULTS_MAX && i < walk->faults; i++) {
		if (strcmp(walk->named[i], path) == 0)
			return true;
	}
	return false;
}

/* What one walk has named the next does not name again. */
static void
on_fault(void *ctx, const char *path, const struct fault *fault)
{
	struct walk_log *walk = ctx;

	if (is_named(walk, path))
		return;
	if (walk->faults < FAULTS_MAX)
		(void)text_copy(
		    walk->named[walk->faults], STATE_PATH_MAX, path);
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
	options->evidence_ms = EVIDENCE_MS;
}

/* The first use of the state. */
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
	if (t->is_daemon)
		st = state_check(state, fault);
	if (st == ST_OK)
		st = state_counts(state, (int64_t)time(NULL), &counts, fault);
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

/* Can the state be used? */
static enum status
try_state(struct tracker *t, const struct conf *conf, struct fault *fault)
{
	enum status st = t->state == NULL ? open_first(t, conf, fault) : ST_OK;
	bool is_whole;

	/* What is open may have been removed, or put in another's place. */
	return st == ST_OK ? state_is_whole(t->state, &is_whole, fault) : st;
}

static bool
is_mendable(enum status st)
{
	return st == ST_STATE_DAMAGED || st == ST_STATE_VERSION;
}

/* With the lock: what was of no use before another may have made anew. */
static bool
is_needed(void *ctx)
{
	struct walk_log *walk = ctx;
	struct tracker *t = walk->tracker;
	const char *path = walk->conf->state_file;
	struct fault fault;
	enum status st = try_state(t, walk->conf, &fault);

	walk->has_turn = true;
	walk->is_making = is_mendable(st);
	if (!walk->is_making)
		return false;
	/* That it is not there yet is no trouble. */
	if (t->state != NULL || st == ST_STATE_VERSION ||
	    access(path, F_OK) == 0)
		tracker_complain(t, &fault);
	log_text(
	    t->log, SEV_NOTICE, "making the index %s from the archive", path);
	return true;
}

/*
 * Until when the archive makes the state: what it is made of is no news, and
 * what came since the tracker fell behind has been told to nobody.
 */
static int64_t
find_until(struct tracker *t)
{
	int64_t until = (int64_t)time(NULL);

	(void)pthread_mutex_lock(&t->mutex);
	if (t->since < until)
		until = t->since;
	(void)pthread_mutex_unlock(&t->mutex);
	return until;
}

/* Make the state anew from what was archived until then, or wait for another
   that does. */
static enum status
make_anew(struct tracker *t, const struct conf *conf, struct walk_log *walk,
    struct fault *fault)
{
	const struct reindex_handler handler = { on_progress, on_fault, walk,
		is_needed, walk };
	struct reindex_progress progress;
	struct state_options options;
	int64_t until;
	enum status st;

	set_options(conf, &options);
	do {
		until = find_until(t);
		st = reindex(conf->state_file, conf->archive_directory, conf,
		    &options, until, (int64_t)time(NULL), &handler, &progress,
		    fault);
	} while (
	    st == ST_STATE_BUSY && !walk->has_turn && wait_for_others(walk));
	if (st != ST_OK || !walk->is_making)
		return st;
	log_text(t->log, SEV_INFO, "%llu reports in the index",
	    (unsigned long long)progress.added);
	(void)pthread_mutex_lock(&t->mutex);
	if (until < t->since)
		t->since = until;
	(void)pthread_mutex_unlock(&t->mutex);
	walk->is_making = false;
	return ST_OK;
}

static enum status
have_state(struct tracker *t, const struct conf *conf, struct walk_log *walk,
    struct fault *fault)
{
	enum status st = try_state(t, conf, fault);

	if (!is_mendable(st))
		return st;
	st = make_anew(t, conf, walk, fault);
	return st == ST_OK ? try_state(t, conf, fault) : st;
}

static enum status
add_missing(struct tracker *t, const struct conf *conf, struct walk_log *walk,
    uint64_t *added, struct fault *fault)
{
	const struct reindex_handler handler = {
		.progress = on_progress,
		.fault = on_fault,
		.ctx = walk,
	};
	const struct state_events events = { on_problem, on_silent, t };
	struct reindex_progress progress;
	enum status st =
	    reindex_missing(t->state, conf->archive_directory, t->since, conf,
		(int64_t)time(NULL), &handler, &events, &progress, fault);

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
catch_up(struct tracker *t, const struct conf *conf, struct walk_log *walk,
    struct fault *fault)
{
	uint64_t added = 0;
	bool had_complaint;
	enum status st = have_state(t, conf, walk, fault);

	if (st == ST_OK)
		st = add_missing(t, conf, walk, &added, fault);
	if (st != ST_OK)
		return st;
	set_behind(t, false);
	st = add_missing(t, conf, walk, &added, fault);
	if (st != ST_OK)
		return st;
	t->is_waiting = false;
	(void)pthread_mutex_lock(&t->mutex);
	had_complaint = t->complaint != ST_OK && !t->is_behind;
	if (had_complaint)
		t->complaint = ST_OK;
	(void)pthread_mutex_unlock(&t->mutex);
	if (had_complaint || added > 0)
		log_text(t->log, SEV_NOTICE,
		    "the index is in step with the archive: %llu report%s "
		    "added",
		    (unsigned long long)added, added == 1 ? "" : "s");
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

	if (state_tick(t->state, (int64_t)time(NULL), &events, &fault) != ST_OK)
		tracker_fall_behind(t, (int64_t)time(NULL), &fault);
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
	const struct timespec pause = { 0, SETTLE_PAUSE_NS };
	uint64_t begin = deadline_now();
	enum status st = ST_OK;
	struct fault fault;
	bool has_more = true;

	(void)pthread_mutex_lock(&t->mutex);
	t->is_unsettled = false;
	(void)pthread_mutex_unlock(&t->mutex);
	while (st == ST_OK && has_more && !is_stopping(t)) {
		st = state_settle(t->state, SETTLE_AT_ONCE, (int64_t)time(NULL),
		    &events, &has_more, &fault);
		/* A mutex goes to whoever asks first: not to us again, while
		   reports wait for it. */
		(void)nanosleep(&pause, NULL);
	}
	if (st != ST_OK)
		tracker_fall_behind(t, (int64_t)time(NULL), &fault);
	return TRACKER_SETTLE_MS +
	    SETTLE_PART * (unsigned)(deadline_now() - begin);
}

/* In step: sleep until there is something to do, or the time has come. */
static void
rest(struct tracker *t, time_t until)
{
	time_t now = time(NULL);

	if (state_is_unsettled(t->state))
		nap(t, settle(t), false, false);
	else if (now < until)
		nap(t, 1000 * (unsigned)(until - now), false, true);
}

/*
 * A process for one message: nobody may come after it, so that what its report
 * has brought about is told now, as far as it takes no long time.
 */
static void
settle_last(struct tracker *t)
{
	const struct state_events events = { on_problem, on_silent, t };
	uint64_t end = deadline_now() + SETTLE_LAST_MS;
	bool has_more, is_behind;
	struct fault fault;

	(void)pthread_mutex_lock(&t->mutex);
	is_behind = t->is_behind;
	(void)pthread_mutex_unlock(&t->mutex);
	has_more = !is_behind && state_is_unsettled(t->state);
	while (has_more && deadline_now() < end &&
	    state_settle(t->state, SETTLE_AT_ONCE, (int64_t)time(NULL), &events,
		&has_more, &fault) == ST_OK)
		;
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
	struct walk_log walk = {
		.tracker = t,
		.end = deadline_now() + 1000 * TRACKER_OTHERS_SECONDS,
	};
	struct fault fault;
	struct conf *conf;
	enum status st;

	(void)pthread_mutex_lock(&t->mutex);
	conf = conf_ref(t->conf);
	(void)pthread_mutex_unlock(&t->mutex);
	walk.conf = conf;
	/* At the start, another that starts may be putting its own in place, or
	   adding what is missing; no report waits for the index yet. */
	do
		st = catch_up(t, conf, &walk, &fault);
	while (st == ST_STATE_BUSY && !t->has_tried && !walk.is_making &&
	    wait_for_others(&walk));
	if (st != ST_OK && !is_stopping(t)) {
		set_behind(t, true);
		tracker_complain(t, &fault);
	}
	conf_unref(&conf);
	return st == ST_OK;
}

void *
tracker_run(void *arg)
{
	struct tracker *t = arg;
	time_t retry = TRACKER_RETRY_SECONDS;
	time_t next = 0;

	while (!is_stopping(t)) {
		if (tracker_state(t) == NULL && !try_to_catch_up(t)) {
			mark_tried(t);
			nap(t, 1000 * (unsigned)retry, true, false);
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
	if (!t->is_daemon)
		settle_last(t);
	return NULL;
}
