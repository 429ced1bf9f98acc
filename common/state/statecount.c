/*
 * statecount: what is derived from the policies of a report, but for problems,
 * which are only marked: added when it counts, taken away when it no longer
 * does.
 */
#include <string.h>

#include "statedb.h"

enum {
	SECOND_59 = 60 /* more than an end at a second 59 is off (problem.h) */
};

/*
 * Sums.
 */

static int64_t
day_of(int64_t time)
{
	return time >= 0 ? time / PROBLEM_DAY : -1;
}

/* Add to a line of rollup, or (sign -1) take away. */
static enum status
roll_up(struct state *state, enum rollup kind, int64_t day, int64_t name,
    int64_t sign, int64_t successful, int64_t failed, struct fault *fault)
{
	enum status st = statedb_run(state,
	    statedb_bind(state, SQL_ROLLUP_ADD, "iiiiii", (int64_t)kind, day,
		name, sign, sign * successful, sign * failed),
	    fault);

	return st == ST_OK && sign < 0
	    ? statedb_run(state,
		  statedb_bind(
		      state, SQL_ROLLUP_CLEAN, "iii", (int64_t)kind, day, name),
		  fault)
	    : st;
}

static enum status
sum_domain(struct state *state, int64_t domain, int64_t day, int64_t reporter,
    int64_t sign, int64_t successful, int64_t failed, struct fault *fault)
{
	enum status st = statedb_run(state,
	    statedb_bind(state, SQL_DAILY_ADD, "iiiiii", domain, day, reporter,
		sign, sign * successful, sign * failed),
	    fault);

	if (st == ST_OK)
		st = statedb_run(state,
		    statedb_bind(state, SQL_DOMAIN_ADD, "ii", domain, sign),
		    fault);
	if (st == ST_OK && sign < 0)
		st = statedb_run(state,
		    statedb_bind(
			state, SQL_DAILY_CLEAN, "iii", domain, day, reporter),
		    fault);
	if (st == ST_OK && sign < 0)
		st = statedb_run(state,
		    statedb_bind(state, SQL_DOMAIN_CLEAN, "i", domain), fault);
	if (st == ST_OK)
		st = roll_up(
		    state, ROLLUP_ALL, day, 0, sign, successful, failed, fault);
	if (st == ST_OK)
		st = roll_up(state, ROLLUP_DOMAIN, day, domain, sign,
		    successful, failed, fault);
	if (st == ST_OK)
		st = roll_up(state, ROLLUP_SENDER, day, reporter, sign,
		    successful, failed, fault);
	return st;
}

static enum status
sum_policies(struct state *state, int64_t id, int64_t day, int64_t reporter,
    int64_t sign, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_SUM_REPORT, "i", id);
	enum status st;
	bool is_row;

	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row) {
		int64_t all = sqlite3_column_int64(stmt, 1);
		int64_t failed = sqlite3_column_int64(stmt, 2);

		st = sum_domain(state, sqlite3_column_int64(stmt, 0), day,
		    reporter, sign, all - failed, failed, fault);
		if (st != ST_OK) {
			(void)sqlite3_reset(stmt);
			break;
		}
	}
	return st;
}

static enum status
sum_failure(struct state *state, const int64_t name[3], int64_t day,
    int64_t sign, int64_t failed, struct fault *fault)
{
	enum status st = statedb_run(state,
	    statedb_bind(state, SQL_DAILY_FAILURE_ADD, "iiiiii", name[0], day,
		name[1], name[2], sign, sign * failed),
	    fault);

	if (st == ST_OK && sign < 0)
		st = statedb_run(state,
		    statedb_bind(state, SQL_DAILY_FAILURE_CLEAN, "iiii",
			name[0], day, name[1], name[2]),
		    fault);
	if (st == ST_OK)
		st = roll_up(
		    state, ROLLUP_MX, day, name[1], sign, 0, failed, fault);
	if (st == ST_OK)
		st = roll_up(
		    state, ROLLUP_RESULT, day, name[2], sign, 0, failed, fault);
	return st;
}

static enum status
sum_failures(struct state *state, int64_t id, int64_t day, int64_t sign,
    struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_SUM_FAILURES, "i", id);
	enum status st;
	bool is_row;

	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row) {
		const int64_t name[3] = { sqlite3_column_int64(stmt, 0),
			sqlite3_column_int64(stmt, 1),
			sqlite3_column_int64(stmt, 2) };

		st = sum_failure(state, name, day, sign,
		    sqlite3_column_int64(stmt, 3), fault);
		if (st != ST_OK) {
			(void)sqlite3_reset(stmt);
			break;
		}
	}
	return st;
}

/*
 * Mark the problems that the policies of a report tell of, or may resolve. One
 * that is taken away (sign -1) may be what they rest on.
 */
static enum status
mark_dirty(struct state *state, int64_t id, int64_t begin, int64_t finish,
    int64_t sign, struct fault *fault)
{
	int64_t room = sign > 0
	    ? state->options.limits.resolve_after - SECOND_59
	    : INT64_MIN;
	sqlite3_stmt *stmt = statedb_bind(state, SQL_POLICY_OF_REPORT, "i", id);
	bool is_row, is_noise = false;
	enum status st;

	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row) {
		is_noise = sqlite3_column_int(stmt, 2) != 0;
		st = statedb_run(state,
		    statedb_bind(state, SQL_DIRTY_KNOWN, "iiiii",
			sqlite3_column_int64(stmt, 0),
			sqlite3_column_int64(stmt, 1), begin, finish, room),
		    fault);
		if (st != ST_OK) {
			(void)sqlite3_reset(stmt);
			return st;
		}
	}
	if (st == ST_OK && !is_noise)
		st = statedb_run(state,
		    statedb_bind(state, SQL_DIRTY_FAILING, "ii", id, begin),
		    fault);
	return st;
}

/* A reporter has a report less, which may have been its newest. */
static enum status
forget_reporter(struct state *state, int64_t id, int64_t reporter,
    int64_t finish, int64_t received, struct fault *fault)
{
	enum status st = statedb_run(state,
	    statedb_bind(state, SQL_REPORTER_LESS, "i", reporter), fault);

	if (st == ST_OK)
		st = statedb_run(state,
		    statedb_bind(state, SQL_REPORTER_AGAIN, "iiii", reporter,
			id, finish, received),
		    fault);
	return st == ST_OK
	    ? statedb_run(state,
		  statedb_bind(state, SQL_REPORTER_CLEAN, "i", reporter), fault)
	    : st;
}

enum status
state_count(struct state *state, int64_t id, int64_t sign, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_REPORT_GET, "i", id);
	int64_t reporter = 0, begin = 0, finish = 0, received = 0;
	bool is_row;
	enum status st = statedb_step(state, stmt, &is_row, fault);

	if (st == ST_OK && is_row) {
		reporter = sqlite3_column_int64(stmt, 0);
		begin = sqlite3_column_int64(stmt, 1);
		finish = sqlite3_column_int64(stmt, 2);
		received = sqlite3_column_int64(stmt, 3);
		st = statedb_run(state, stmt, fault);
	}
	if (st == ST_OK)
		st = sum_policies(
		    state, id, day_of(begin), reporter, sign, fault);
	if (st == ST_OK)
		st = sum_failures(state, id, day_of(begin), sign, fault);
	if (st == ST_OK)
		st = mark_dirty(state, id, begin, finish, sign, fault);
	if (st != ST_OK)
		return st;
	return sign < 0
	    ? forget_reporter(state, id, reporter, finish, received, fault)
	    : statedb_run(state,
		  statedb_bind(state, SQL_REPORTER_ADD, "iiii", reporter, sign,
		      finish, received),
		  fault);
}

enum status
state_uncount(struct state *state, int64_t id, struct fault *fault)
{
	enum status st = state_count(state, id, -1, fault);

	if (st == ST_OK)
		st = statedb_run(state,
		    statedb_bind(state, SQL_FAILURE_DELETE, "i", id), fault);
	if (st == ST_OK)
		st = statedb_run(state,
		    statedb_bind(state, SQL_POLICY_DELETE, "i", id), fault);
	return st;
}

/*
 * Forgetting.
 */

static enum status
forget_one(
    struct state *state, int64_t id, bool is_counted, struct fault *fault)
{
	enum status st = is_counted ? state_uncount(state, id, fault) : ST_OK;

	return st == ST_OK
	    ? statedb_run(
		  state, statedb_bind(state, SQL_REPORT_DELETE, "i", id), fault)
	    : st;
}

/* The oldest report, if its range ended before a time. */
static enum status
forget_oldest(struct state *state, int64_t before,
    enum status (*fn)(void *ctx, const char *path), void *ctx, bool *has_one,
    struct fault *fault)
{
	sqlite3_stmt *stmt =
	    statedb_bind(state, SQL_REPORT_OLD, "ii", before, INT64_C(1));
	enum status st = statedb_step(state, stmt, has_one, fault);
	char path[STATE_PATH_MAX];
	bool is_counted;
	int64_t id;

	if (st != ST_OK || !*has_one)
		return st;
	id = sqlite3_column_int64(stmt, 0);
	statedb_text(stmt, 1, path, sizeof path);
	is_counted = sqlite3_column_int(stmt, 2) != 0;
	(void)sqlite3_reset(stmt);
	st = forget_one(state, id, is_counted, fault);
	if (st != ST_OK)
		return st;
	st = fn(ctx, path);
	return st == ST_OK ? ST_OK
			   : fault_set(fault, st, "not forgotten: %s", path);
}

enum status
state_forget(struct state *state, int64_t before, size_t max, int64_t now,
    enum status (*fn)(void *ctx, const char *path), void *ctx, size_t *count,
    struct fault *fault)
{
	struct fault ignored = { 0 };
	bool has_one = true;
	enum status st;

	if (fault == NULL)
		fault = &ignored;
	*count = 0;
	st = state_enter(state, fault);
	if (st != ST_OK)
		return st;
	while (st == ST_OK && has_one && *count < max) {
		st = forget_oldest(state, before, fn, ctx, &has_one, fault);
		*count += st == ST_OK && has_one;
	}
	state->is_bounded = !state->in_batch && state->options.evidence_max > 0;
	st = state_leave(state, now, NULL, st, fault);
	if (st != ST_OK)
		*count = 0;
	return st;
}

/*
 * Everything derived, anew.
 */

enum status
state_rebuild(struct state *state, int64_t now, struct fault *fault)
{
	static const char derived[] =
	    "DELETE FROM problem; DELETE FROM problem_reporter;"
	    "DELETE FROM dirty;"
	    "DELETE FROM daily; DELETE FROM daily_failure;"
	    "DELETE FROM rollup; DELETE FROM reporter; DELETE FROM domain;";
	struct fault ignored = { 0 };
	int64_t last = 0;
	bool is_row = true;
	enum status st;

	if (fault == NULL)
		fault = &ignored;
	st = state_enter(state, fault);
	if (st != ST_OK)
		return st;
	st = statedb_exec(state, derived, fault);
	while (st == ST_OK && is_row) {
		sqlite3_stmt *stmt =
		    statedb_bind(state, SQL_REPORT_NEXT, "i", last);

		st = statedb_step(state, stmt, &is_row, fault);
		if (st != ST_OK || !is_row)
			break;
		last = sqlite3_column_int64(stmt, 0);
		(void)sqlite3_reset(stmt);
		st = state_count(state, last, 1, fault);
	}
	return state_leave(state, now, NULL, st, fault);
}
