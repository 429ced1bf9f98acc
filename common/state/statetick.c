/*
 * statetick: what becomes of a state when no report comes: what reports have
 * left to be worked out, and what time alone brings about.
 */
#include "statedb.h"

enum {
	TICK_PART = 100, /* events in one transaction of state_tick() */
	SILENT_HISTORY = 30 * PROBLEM_DAY
};

enum status
state_settle(struct state *state, size_t max, int64_t now,
    const struct state_events *events, bool *has_more, struct fault *fault)
{
	enum status st = state_enter(state, fault);

	*has_more = true;
	if (st != ST_OK)
		return st;
	st = state_work_out_some(state, now, max, has_more, fault);
	/* Else state_leave() would go on with all the others. */
	state->is_bounded = true;
	st = state_leave(state, now, events, st, fault);
	(void)pthread_mutex_lock(&state->mutex);
	if (st == ST_OK && !*has_more)
		state->is_unsettled = false;
	(void)pthread_mutex_unlock(&state->mutex);
	return st;
}

bool
state_is_unsettled(struct state *state)
{
	bool is_so;

	(void)pthread_mutex_lock(&state->mutex);
	is_so = state->is_unsettled;
	(void)pthread_mutex_unlock(&state->mutex);
	return is_so;
}

/*
 * What time alone brings about.
 */

/* Some problems that have gone stale: noted, and marked as told. */
static enum status
take_stale(
    struct state *state, int64_t limit, size_t *count, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(
	    state, SQL_PROBLEM_STALE, "ii", limit, (int64_t)TICK_PART);
	struct state_news news = {
		.change = PROBLEM_IS_STALE,
		.has_before = true,
	};
	int64_t id[TICK_PART];
	enum status st;
	bool is_row;

	*count = 0;
	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row && *count < TICK_PART) {
		id[(*count)++] = sqlite3_column_int64(stmt, 0);
		statedb_problem(stmt, 1, &news.before);
		news.after = news.before;
		news.after.episode.state = PROBLEM_STALE;
		st = state_note(state, &news, fault);
		if (st != ST_OK) {
			(void)sqlite3_reset(stmt);
			return st;
		}
	}
	for (size_t i = 0; i < *count && st == ST_OK; i++)
		st = statedb_run(state,
		    statedb_bind(state, SQL_PROBLEM_SET_STALE, "i", id[i]),
		    fault);
	return st;
}

/* Some reporters that have fallen silent, likewise. */
static enum status
take_silent(
    struct state *state, int64_t now, size_t *count, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_SILENT, "iii",
	    now - state->options.silent_after, now - SILENT_HISTORY,
	    (int64_t)TICK_PART);
	struct state_news news = { .change = PROBLEM_SAME };
	int64_t id[TICK_PART];
	enum status st;
	bool is_row;

	*count = 0;
	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row && *count < TICK_PART) {
		id[(*count)++] = sqlite3_column_int64(stmt, 0);
		statedb_text(stmt, 1, news.reporter.organization_name,
		    sizeof news.reporter.organization_name);
		news.reporter.newest = sqlite3_column_int64(stmt, 2);
		news.reporter.reports = (uint64_t)sqlite3_column_int64(stmt, 3);
		st = state_note(state, &news, fault);
		if (st != ST_OK) {
			(void)sqlite3_reset(stmt);
			return st;
		}
	}
	for (size_t i = 0; i < *count && st == ST_OK; i++)
		st = statedb_run(state,
		    statedb_bind(state, SQL_SILENT_TOLD, "i", id[i]), fault);
	return st;
}

/*
 * A transaction for each part: there may be thousands, and a report does not
 * wait for all of them.
 */
static enum status
tick_part(struct state *state, int64_t now, bool is_for_stale, size_t *count,
    const struct state_events *events, struct fault *fault)
{
	enum status st = state_enter(state, fault);

	*count = 0;
	if (st != ST_OK)
		return st;
	st = is_for_stale
	    ? take_stale(
		  state, now - state->options.limits.stale_after, count, fault)
	    : take_silent(state, now, count, fault);
	/* What is left to state_settle() stays so. */
	state->is_bounded = state->options.evidence_max > 0;
	return state_leave(state, now, events, st, fault);
}

enum status
state_tick(struct state *state, int64_t now, const struct state_events *events,
    struct fault *fault)
{
	enum status st = ST_OK;
	size_t count = TICK_PART;

	while (st == ST_OK && count == TICK_PART)
		st = tick_part(state, now, true, &count, events, fault);
	count = TICK_PART;
	while (st == ST_OK && count == TICK_PART)
		st = tick_part(state, now, false, &count, events, fault);
	return st;
}
