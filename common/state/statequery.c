/*
 * statequery: what the state can be asked.
 */
#include <string.h>

#include "statedb.h"
#include "text.h"

/* The mutex and a transaction, so that one answer is of one moment. */
static enum status
enter(struct state *state, struct fault *fault)
{
	enum status st = ST_OK;

	(void)pthread_mutex_lock(&state->mutex);
	if (!state->in_batch)
		st = statedb_begin(state, false, fault);
	if (st != ST_OK)
		(void)pthread_mutex_unlock(&state->mutex);
	return st;
}

static enum status
leave(struct state *state, enum status st, struct fault *fault)
{
	if (!state->in_batch)
		st = statedb_end(state, st, fault);
	(void)pthread_mutex_unlock(&state->mutex);
	return st;
}

static uint64_t
column_count(sqlite3_stmt *stmt, int column)
{
	int64_t value = sqlite3_column_int64(stmt, column);

	return value > 0 ? (uint64_t)value : 0;
}

/* The days that [since, until) touches, as [first, behind). */
static void
days_of(const struct state_query *query, int64_t *first, int64_t *behind)
{
	int64_t since = query->since > 0 ? query->since : 0;
	int64_t until = query->until > 0 ? query->until : 0;

	*first = since / PROBLEM_DAY;
	*behind = until / PROBLEM_DAY + (until % PROBLEM_DAY != 0);
}

/*
 * Sums.
 */

static const struct {
	enum statement all;
	enum rollup kind; /* of SQL_SUM_ROLLUP */
	enum statement domain;
} ways[] = {
	[STATE_BY_ALL] = { SQL_SUM_ALL, ROLLUP_ALL, SQL_SUM_DOMAIN_ALL },
	[STATE_BY_DAY] = { SQL_SUM_DAY, ROLLUP_ALL, SQL_SUM_DOMAIN_DAY },
	[STATE_BY_DOMAIN] = { SQL_SUM_ROLLUP, ROLLUP_DOMAIN,
	    SQL_SUM_DOMAIN_ALL },
	[STATE_BY_MX] = { SQL_SUM_ROLLUP, ROLLUP_MX, SQL_SUM_DOMAIN_MX },
	[STATE_BY_SENDER] = { SQL_SUM_ROLLUP, ROLLUP_SENDER,
	    SQL_SUM_DOMAIN_SENDER },
	[STATE_BY_RESULT_TYPE] = { SQL_SUM_ROLLUP, ROLLUP_RESULT,
	    SQL_SUM_DOMAIN_RESULT },
};

/* host lives as long as the statement. */
static sqlite3_stmt *
bind_sums(struct state *state, enum state_by by,
    const struct state_query *query, const char *host)
{
	int64_t first, behind;

	days_of(query, &first, &behind);
	if (query->domain != NULL)
		return statedb_bind(
		    state, ways[by].domain, "iit", first, behind, host);
	if (ways[by].all == SQL_SUM_ROLLUP)
		return statedb_bind(state, SQL_SUM_ROLLUP, "iii", first, behind,
		    (int64_t)ways[by].kind);
	return statedb_bind(state, ways[by].all, "ii", first, behind);
}

enum status
state_sums(struct state *state, enum state_by by,
    const struct state_query *query,
    bool (*fn)(void *ctx, const struct state_sum *sum), void *ctx,
    struct fault *fault)
{
	char host[STATE_NAME_MAX];
	sqlite3_stmt *stmt;
	enum status st = enter(state, fault);
	bool is_row = true;

	if (st != ST_OK)
		return st;
	state_host(query->domain, host, sizeof host);
	stmt = bind_sums(state, by, query, host);
	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row) {
		struct state_sum sum = {
			.reports = column_count(stmt, 1),
			.successful = column_count(stmt, 2),
			.failed = column_count(stmt, 3),
		};

		/* The sum of nothing is a row, too. */
		if (by != STATE_BY_ALL && sum.reports == 0)
			continue;
		statedb_text(stmt, 0, sum.name, sizeof sum.name);
		if (by == STATE_BY_DOMAIN && query->domain != NULL)
			(void)text_copy(sum.name, sizeof sum.name, host);
		if (!fn(ctx, &sum)) {
			(void)sqlite3_reset(stmt);
			break;
		}
	}
	return leave(state, st, fault);
}

/*
 * Problems.
 */

enum status
state_problems(struct state *state, const char *domain, bool is_all,
    int64_t now, bool (*fn)(void *ctx, const struct state_problem *problem),
    void *ctx, struct fault *fault)
{
	char host[STATE_NAME_MAX];
	sqlite3_stmt *stmt;
	enum status st = enter(state, fault);
	bool is_row;

	if (st != ST_OK)
		return st;
	state_host(domain, host, sizeof host);
	stmt = statedb_bind(
	    state, is_all ? SQL_PROBLEMS_ALL : SQL_PROBLEMS_LIVE, "t", host);
	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row) {
		struct state_problem problem;

		statedb_problem(stmt, 0, &problem);
		problem.episode.state = problem_state_at(
		    &problem.episode, &state->options.limits, now);
		if (!fn(ctx, &problem)) {
			(void)sqlite3_reset(stmt);
			break;
		}
	}
	return leave(state, st, fault);
}

/* The next row as a reporter. */
static enum status
next_reporter(struct state *state, sqlite3_stmt *stmt, bool *is_row,
    struct state_reporter *reporter, struct fault *fault)
{
	enum status st = statedb_step(state, stmt, is_row, fault);

	if (st != ST_OK || !*is_row)
		return st;
	statedb_text(stmt, 0, reporter->organization_name,
	    sizeof reporter->organization_name);
	reporter->newest = sqlite3_column_int64(stmt, 1);
	reporter->reports = column_count(stmt, 2);
	return ST_OK;
}

/* Hand over all reporters of a query, and leave. */
static enum status
give_reporters(struct state *state, sqlite3_stmt *stmt,
    bool (*fn)(void *ctx, const struct state_reporter *reporter), void *ctx,
    struct fault *fault)
{
	struct state_reporter reporter;
	enum status st;
	bool is_row;

	while ((st = next_reporter(state, stmt, &is_row, &reporter, fault)) ==
		ST_OK &&
	    is_row) {
		if (!fn(ctx, &reporter)) {
			(void)sqlite3_reset(stmt);
			break;
		}
	}
	return leave(state, st, fault);
}

enum status
state_problem_reporters(struct state *state,
    const struct state_problem *problem,
    bool (*fn)(void *ctx, const struct state_reporter *reporter), void *ctx,
    struct fault *fault)
{
	enum status st = enter(state, fault);

	if (st != ST_OK)
		return st;
	return give_reporters(state,
	    statedb_bind(state, SQL_PROBLEM_REPORTERS, "tttti",
		problem->policy_domain, problem->policy_type,
		problem->receiving_mx_hostname, problem->result_type,
		problem->episode.since),
	    fn, ctx, fault);
}

enum status
state_reporters(struct state *state,
    bool (*fn)(void *ctx, const struct state_reporter *reporter), void *ctx,
    struct fault *fault)
{
	enum status st = enter(state, fault);

	if (st != ST_OK)
		return st;
	return give_reporters(
	    state, statedb_bind(state, SQL_REPORTERS, ""), fn, ctx, fault);
}

/*
 * Coverage and counts.
 */

static enum status
count_problems(struct state *state, const char *host, int64_t now,
    struct state_counts *counts, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_PROBLEMS_LIVE, "t", host);
	struct state_problem problem;
	enum status st;
	bool is_row;

	counts->severity = SEV_INFO;
	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row) {
		statedb_problem(stmt, 0, &problem);
		if (problem_state_at(&problem.episode, &state->options.limits,
			now) == PROBLEM_STALE) {
			counts->stale++;
			continue;
		}
		counts->open++;
		if (problem.episode.severity < counts->severity)
			counts->severity = problem.episode.severity;
	}
	return st;
}

enum status
state_coverage(struct state *state, const struct state_query *query,
    int64_t now, struct state_coverage *coverage, struct fault *fault)
{
	struct state_counts counts = { 0 };
	char host[STATE_NAME_MAX];
	int64_t first, behind;
	sqlite3_stmt *stmt;
	enum status st = enter(state, fault);
	bool is_row;

	*coverage = (struct state_coverage){ 0 };
	if (st != ST_OK)
		return st;
	state_host(query->domain, host, sizeof host);
	days_of(query, &first, &behind);
	stmt = statedb_bind(state, SQL_COVERAGE, "iit", first, behind, host);
	st = statedb_step(state, stmt, &is_row, fault);
	if (st == ST_OK && is_row) {
		*coverage = (struct state_coverage){
			.days = column_count(stmt, 0),
			.reports = column_count(stmt, 1),
			.reporters = column_count(stmt, 2),
			.successful = column_count(stmt, 3),
			.failed = column_count(stmt, 4),
			.first = sqlite3_column_int64(stmt, 5) * PROBLEM_DAY,
			.last = sqlite3_column_int64(stmt, 6) * PROBLEM_DAY,
		};
		(void)sqlite3_reset(stmt);
	}
	if (st == ST_OK)
		st = count_problems(state, host, now, &counts, fault);
	coverage->open = counts.open + counts.stale;
	return leave(state, st, fault);
}

enum status
state_newest_path(struct state *state, const char *policy_domain,
    const char *policy_type, char path[STATE_PATH_MAX], int64_t *end,
    struct fault *fault)
{
	char host[STATE_NAME_MAX];
	enum status st = enter(state, fault);
	sqlite3_stmt *stmt;
	bool is_row;

	path[0] = '\0';
	if (st != ST_OK)
		return st;
	state_host(policy_domain, host, sizeof host);
	stmt = statedb_bind(state, SQL_NEWEST_PATH, "tt", host, policy_type);
	st = statedb_step(state, stmt, &is_row, fault);
	if (st == ST_OK && is_row) {
		statedb_text(stmt, 0, path, STATE_PATH_MAX);
		*end = sqlite3_column_int64(stmt, 1);
		(void)sqlite3_reset(stmt);
	}
	return leave(state, st, fault);
}

enum status
state_problem_paths(struct state *state, const struct state_problem *problem,
    size_t max, bool (*fn)(void *ctx, const char *path), void *ctx,
    struct fault *fault)
{
	enum status st = enter(state, fault);
	char path[STATE_PATH_MAX];
	sqlite3_stmt *stmt;
	bool is_row;

	if (st != ST_OK)
		return st;
	stmt = statedb_bind(state, SQL_PROBLEM_PATHS, "ttttiii",
	    problem->policy_domain, problem->policy_type,
	    problem->receiving_mx_hostname, problem->result_type,
	    problem->episode.since, problem->episode.resolved, (int64_t)max);
	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row) {
		statedb_text(stmt, 0, path, sizeof path);
		if (!fn(ctx, path)) {
			(void)sqlite3_reset(stmt);
			break;
		}
	}
	return leave(state, st, fault);
}

static enum status
count_all(struct state *state, struct state_counts *counts, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_COUNTS, "");
	bool is_row;
	enum status st = statedb_step(state, stmt, &is_row, fault);

	if (st == ST_OK && is_row) {
		counts->reports = column_count(stmt, 0);
		counts->differing = column_count(stmt, 1);
		counts->reporters = column_count(stmt, 2);
		counts->domains = column_count(stmt, 3);
		counts->newest = sqlite3_column_int64(stmt, 4);
		counts->received = sqlite3_column_int64(stmt, 5);
		counts->resolved = column_count(stmt, 6);
		(void)sqlite3_reset(stmt);
	}
	if (st != ST_OK)
		return st;
	stmt = statedb_bind(state, SQL_TOTALS, "");
	st = statedb_step(state, stmt, &is_row, fault);
	if (st == ST_OK && is_row) {
		counts->successful = column_count(stmt, 1);
		counts->failed = column_count(stmt, 2);
		(void)sqlite3_reset(stmt);
	}
	return st;
}

enum status
state_counts(struct state *state, int64_t now, struct state_counts *counts,
    struct fault *fault)
{
	enum status st = enter(state, fault);

	*counts = (struct state_counts){ .severity = SEV_INFO };
	if (st != ST_OK)
		return st;
	st = count_all(state, counts, fault);
	if (st == ST_OK)
		st = count_problems(state, "", now, counts, fault);
	return leave(state, st, fault);
}

enum status
state_is_whole(struct state *state, bool *is_whole, struct fault *fault)
{
	enum status st = enter(state, fault);
	sqlite3_stmt *stmt;
	bool is_row;

	*is_whole = false;
	if (st != ST_OK)
		return st;
	stmt = statedb_bind(state, SQL_WHOLE, "");
	st = statedb_step(state, stmt, &is_row, fault);
	if (st == ST_OK && is_row) {
		*is_whole = sqlite3_column_int(stmt, 0) != 0;
		(void)sqlite3_reset(stmt);
	}
	return leave(state, st, fault);
}

enum status
state_is_settled(struct state *state, bool *is_settled, struct fault *fault)
{
	enum status st = enter(state, fault);
	sqlite3_stmt *stmt;
	bool is_row = false;

	if (st != ST_OK)
		return st;
	stmt = statedb_bind(state, SQL_DIRTY_TAKE, "ii", (int64_t)LATE_NOT,
	    (int64_t)LATE_SILENT);
	st = statedb_step(state, stmt, &is_row, fault);
	if (is_row)
		(void)sqlite3_reset(stmt);
	*is_settled = !is_row;
	return leave(state, st, fault);
}

enum status
state_check(struct state *state, struct fault *fault)
{
	enum status st = enter(state, fault);
	char answer[64] = "";
	sqlite3_stmt *stmt;
	bool is_row;

	if (st != ST_OK)
		return st;
	stmt = statedb_bind(state, SQL_CHECK, "");
	st = statedb_step(state, stmt, &is_row, fault);
	if (st == ST_OK && is_row) {
		statedb_text(stmt, 0, answer, sizeof answer);
		(void)sqlite3_reset(stmt);
	}
	if (st == ST_OK && strcmp(answer, "ok") != 0)
		st = fault_set(fault, ST_STATE_DAMAGED, "%s is damaged: %s",
		    state->path, answer);
	return leave(state, st, fault);
}

enum status
state_old(struct state *state, int64_t before,
    enum status (*fn)(void *ctx, const char *path), void *ctx,
    struct fault *fault)
{
	enum status st = enter(state, fault);
	sqlite3_stmt *stmt;
	bool is_row;

	if (st != ST_OK)
		return st;
	/* Without limit. */
	stmt = statedb_bind(state, SQL_REPORT_OLD, "ii", before, INT64_C(-1));
	while ((st = statedb_step(state, stmt, &is_row, fault)) == ST_OK &&
	    is_row) {
		char path[STATE_PATH_MAX];

		statedb_text(stmt, 1, path, sizeof path);
		st = fn(ctx, path);
		if (st != ST_OK) {
			(void)sqlite3_reset(stmt);
			break;
		}
	}
	return leave(state, st, fault);
}
