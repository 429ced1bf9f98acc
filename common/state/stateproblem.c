/*
 * stateproblem: keeps the problems of a state up to date.
 *
 * What is added marks the problems that it may change as dirty, with the time
 * from which on. An episode that was resolved before then stays as it is: all
 * its failures lie before its resolution, and so does whatever resolved it. So
 * a problem costs the evidence of its last episode, not that of years. Where
 * that is still more than a report may cost (evidence_max), or reports come
 * thick and fast (evidence_ms), the problem stays dirty, and state_settle()
 * works it out for many reports at once. It is told by a process that tells of
 * problems then: one that adds or removes in silence leaves it alone.
 */
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "statedb.h"

enum {
	EVIDENCE_FIRST = 256,
	SOME_EVIDENCE = 10000 /* after which state_work_out_some() ends */
};

/* The numbers of the names that a problem has, and from when it is dirty. */
struct key {
	int64_t domain;
	int64_t type;
	int64_t mx;
	int64_t result;
	int64_t begin;
};

struct evidence {
	struct sighting *sighting;
	size_t count;
	size_t cap;
	bool is_too_much; /* for now: evidence_left */
};

/* One number of a query about the key; fallback where that is NULL. */
static enum status
ask(struct state *state, enum statement statement, const struct key *key,
    int64_t at, int64_t fallback, int64_t *out, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, statement, "iiiii",
	    key->domain, key->type, key->mx, key->result, at);
	bool is_row;
	enum status st = statedb_step(state, stmt, &is_row, fault);

	if (st != ST_OK)
		return st;
	*out = is_row && sqlite3_column_type(stmt, 0) != SQLITE_NULL
	    ? sqlite3_column_int64(stmt, 0)
	    : fallback;
	(void)sqlite3_reset(stmt);
	return ST_OK;
}

static enum status
get_latest(struct state *state, const struct key *key, bool *has_one,
    struct episode *episode, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_PROBLEM_LATEST, "iiii",
	    key->domain, key->type, key->mx, key->result);
	enum status st = statedb_step(state, stmt, has_one, fault);

	if (st == ST_OK && *has_one) {
		statedb_episode(stmt, 0, episode);
		(void)sqlite3_reset(stmt);
	}
	return st;
}

static bool
make_room(struct evidence *evidence)
{
	size_t cap = evidence->cap == 0 ? EVIDENCE_FIRST : 2 * evidence->cap;
	struct sighting *grown;

	if (evidence->count < evidence->cap)
		return true;
	grown = realloc(evidence->sighting, cap * sizeof *grown);
	if (grown == NULL)
		return false;
	evidence->sighting = grown;
	evidence->cap = cap;
	return true;
}

/* A row of SQL_EVIDENCE; failures before floor belong to an older episode. */
static void
take_sighting(sqlite3_stmt *stmt, int64_t floor, struct evidence *evidence)
{
	struct sighting *s = &evidence->sighting[evidence->count];

	*s = (struct sighting){
		.reporter = sqlite3_column_int64(stmt, 0),
		.start = sqlite3_column_int64(stmt, 1),
		.end = sqlite3_column_int64(stmt, 2),
		.sessions = (uint64_t)sqlite3_column_int64(stmt, 3),
		.failed = (uint64_t)sqlite3_column_int64(stmt, 4),
		.severity = (enum severity)sqlite3_column_int(stmt, 5),
		.is_failing = sqlite3_column_int(stmt, 6) != 0,
		.is_noise = sqlite3_column_int(stmt, 7) != 0,
	};
	if (!s->is_failing || s->start >= floor)
		evidence->count++;
}

static enum status
read_evidence(struct state *state, const struct key *key, int64_t floor,
    int64_t from, struct evidence *evidence, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_EVIDENCE, "iiiii",
	    key->domain, key->type, key->mx, key->result, from);
	enum status st;
	bool is_row;

	for (;;) {
		st = statedb_step(state, stmt, &is_row, fault);
		if (st != ST_OK || !is_row)
			return st;
		evidence->is_too_much = state->evidence_left == 0;
		if (evidence->is_too_much || !make_room(evidence))
			break;
		state->evidence_left--;
		take_sighting(stmt, floor, evidence);
	}
	(void)sqlite3_reset(stmt);
	return evidence->is_too_much
	    ? ST_OK
	    : fault_set(fault, ST_NO_MEMORY, "state: no memory");
}

static enum status
has_room(struct state *state, const struct key *key, const struct episode *e,
    bool *result, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_PROBLEM_ROOM, "iiiii",
	    key->domain, key->type, (int64_t)e->has_opened, (int64_t)e->state,
	    (int64_t)STATE_PROBLEMS_MAX);
	enum status st = statedb_step(state, stmt, result, fault);

	*result = st == ST_OK && *result && sqlite3_column_int(stmt, 0) != 0;
	return st == ST_OK ? statedb_run(state, stmt, fault) : st;
}

/*
 * There is room for so many that are open, so many that are stale, and so many
 * that have not opened: a stranger's report that opens nothing keeps nobody's
 * problem from opening. Of these last the one goes that was there longest.
 */
static enum status
put_episode(struct state *state, const struct key *key, const struct episode *e,
    struct fault *fault)
{
	enum status st = ST_OK;
	bool is_put = false;

	if (!e->has_opened && e->resolved == INT64_MAX)
		st = statedb_run(state,
		    statedb_bind(state, SQL_PROBLEM_DISPLACE, "iii",
			key->domain, key->type, (int64_t)STATE_PROBLEMS_MAX),
		    fault);
	if (st == ST_OK)
		st = has_room(state, key, e, &is_put, fault);
	if (st != ST_OK || !is_put)
		return st;
	return statedb_run(state,
	    statedb_bind(state, SQL_PROBLEM_ADD, "iiiiiiiiiiuuuui", key->domain,
		key->type, key->mx, key->result, (int64_t)e->state,
		(int64_t)e->has_opened, e->since, e->last, e->resolved,
		e->newest, e->sessions, e->failed, e->sightings, e->reporters,
		(int64_t)e->severity),
	    fault);
}

/* By reporter. */
static int
compare_reporters(const void *a, const void *b)
{
	const struct sighting *left = a, *right = b;

	return (left->reporter > right->reporter) -
	    (left->reporter < right->reporter);
}

static bool
tells_of(const struct sighting *s, const struct episode *e)
{
	return s->is_failing && !s->is_noise && s->start >= e->since &&
	    s->start < e->resolved;
}

/*
 * Who reported an episode. To find that out when somebody asks would mean to
 * read all its evidence again.
 */
static enum status
put_reporters(struct state *state, const struct key *key,
    const struct episode *e, const struct evidence *evidence,
    struct fault *fault)
{
	const struct sighting *s = evidence->sighting;
	enum status st = ST_OK;

	for (size_t i = 0, end; i < evidence->count && st == ST_OK; i = end) {
		int64_t newest = INT64_MIN;
		uint64_t reports = 0;

		for (end = i;
		     end < evidence->count && s[end].reporter == s[i].reporter;
		     end++) {
			if (!tells_of(&s[end], e))
				continue;
			reports++;
			if (s[end].end > newest)
				newest = s[end].end;
		}
		if (reports > 0)
			st = statedb_run(state,
			    statedb_bind(state, SQL_PROBLEM_REPORTER_ADD,
				"iiiiiiiu", key->domain, key->type, key->mx,
				key->result, e->since, s[i].reporter, newest,
				reports),
			    fault);
	}
	return st;
}

/*
 * Put the episodes from floor on in the place of those that were there. The
 * evidence, which has served its purpose, is sorted by reporter.
 */
static enum status
replace(struct state *state, const struct key *key, int64_t floor,
    const struct episode *episodes, size_t count, struct evidence *evidence,
    struct fault *fault)
{
	enum status st = statedb_run(state,
	    statedb_bind(state, SQL_PROBLEM_DELETE, "iiiii", key->domain,
		key->type, key->mx, key->result, floor),
	    fault);

	if (st == ST_OK)
		st = statedb_run(state,
		    statedb_bind(state, SQL_PROBLEM_REPORTERS_DELETE, "iiiii",
			key->domain, key->type, key->mx, key->result, floor),
		    fault);
	if (evidence->count > 0)
		qsort(evidence->sighting, evidence->count,
		    sizeof evidence->sighting[0], compare_reporters);
	for (size_t i = 0; i < count && st == ST_OK; i++) {
		st = put_episode(state, key, &episodes[i], fault);
		/* There may be too many of them already. */
		if (st == ST_OK && episodes[i].has_opened &&
		    sqlite3_changes(state->db) > 0)
			st = put_reporters(
			    state, key, &episodes[i], evidence, fault);
	}
	return st;
}

/* The last of them that has opened; since stays INT64_MIN without one. */
static void
find_opened(
    const struct episode *episodes, size_t count, struct episode *opened)
{
	opened->since = INT64_MIN;
	for (size_t i = 0; i < count; i++) {
		if (episodes[i].has_opened && episodes[i].since > opened->since)
			*opened = episodes[i];
	}
}

/*
 * *is_late: it was too much, and nothing has changed. Else *opened is the last
 * one that has opened (find_opened), even where there is no room for it.
 */
static enum status
work_out_from(struct state *state, const struct key *key, int64_t now,
    bool *is_late, struct episode *opened, struct fault *fault)
{
	struct evidence evidence = { NULL, 0, 0, false };
	struct episode *episodes = NULL;
	int64_t floor, from;
	size_t count = 0;
	enum status st;

	st = ask(state, SQL_PROBLEM_FLOOR, key, key->begin, INT64_MIN, &floor,
	    fault);
	if (st == ST_OK)
		st = ask(state, SQL_PROBLEM_FROM, key, floor, key->begin, &from,
		    fault);
	if (st == ST_OK)
		st = read_evidence(state, key, floor,
		    from < key->begin ? from : key->begin, &evidence, fault);
	*is_late = evidence.is_too_much;
	if (st == ST_OK && !*is_late &&
	    problem_episodes(evidence.sighting, evidence.count,
		&state->options.limits, now, &episodes, &count) != ST_OK)
		st = fault_set(fault, ST_NO_MEMORY, "state: no memory");
	if (st == ST_OK && !*is_late)
		st = replace(
		    state, key, floor, episodes, count, &evidence, fault);
	find_opened(episodes, count, opened);
	free(episodes);
	free(evidence.sighting);
	return st;
}

static enum status
get_text(struct state *state, int64_t id, char *out, size_t size,
    struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_NAME_TEXT, "i", id);
	bool is_row;
	enum status st = statedb_step(state, stmt, &is_row, fault);

	out[0] = '\0';
	if (is_row) {
		statedb_text(stmt, 0, out, size);
		(void)sqlite3_reset(stmt);
	}
	return st;
}

static enum status
get_names(struct state *state, const struct key *key, struct state_problem *out,
    struct fault *fault)
{
	enum status st = get_text(state, key->domain, out->policy_domain,
	    sizeof out->policy_domain, fault);

	if (st == ST_OK)
		st = get_text(state, key->mx, out->receiving_mx_hostname,
		    sizeof out->receiving_mx_hostname, fault);
	if (st == ST_OK)
		st = get_text(state, key->type, out->policy_type,
		    sizeof out->policy_type, fault);
	if (st == ST_OK)
		st = get_text(state, key->result, out->result_type,
		    sizeof out->result_type, fault);
	return st;
}

static enum status
note_change(struct state *state, const struct key *key,
    const struct episode *before, const struct episode *after,
    struct fault *fault)
{
	struct state_news news = {
		.change = problem_compare(before, after),
		.has_before = before != NULL,
	};
	enum status st;

	/* What a new file is made of is no news. */
	if (news.change == PROBLEM_SAME || state->is_bulk)
		return ST_OK;
	st = get_names(state, key, &news.after, fault);
	news.before = news.after;
	if (before != NULL)
		news.before.episode = *before;
	news.after.episode = *after;
	return st == ST_OK ? state_note(state, &news, fault) : st;
}

/*
 * The last one that was worked out is not there: there is no room for it, or
 * there is none. What was told as open, since what told of it no longer counts,
 * is over now then: whoever was told waits to hear so. One of long ago, which
 * is the latest again, has been told. False: there is nothing to be told.
 */
static bool
find_after(const struct episode *before, const struct episode *opened,
    int64_t now, struct episode *after)
{
	*after = *opened;
	if (opened->since != INT64_MIN && opened->resolved > before->since)
		return opened->state != PROBLEM_OPEN;
	if (before->state != PROBLEM_OPEN)
		return false;
	*after = *before;
	after->state = PROBLEM_RESOLVED;
	after->resolved = now;
	return true;
}

/* Done with a key: it is clean, or late. */
static enum status
put_away(struct state *state, const struct key *key, bool is_late,
    struct fault *fault)
{
	enum late late = state->options.is_silent ? LATE_SILENT : LATE_TOLD;

	state->is_unsettled = state->is_unsettled || is_late;
	return statedb_run(state,
	    is_late ? statedb_bind(state, SQL_DIRTY_LATE, "iiiii", key->domain,
			  key->type, key->mx, key->result, (int64_t)late)
		    : statedb_bind(state, SQL_DIRTY_CLEAR, "iiii", key->domain,
			  key->type, key->mx, key->result),
	    fault);
}

static enum status
work_out_key(struct state *state, const struct key *key, int64_t now,
    struct fault *fault)
{
	struct episode before = { .since = INT64_MIN };
	struct episode after = before, opened = before;
	bool has_before, has_after = false, is_late = false;
	enum status st = get_latest(state, key, &has_before, &before, fault);

	if (st == ST_OK)
		st = work_out_from(state, key, now, &is_late, &opened, fault);
	if (st == ST_OK && !is_late)
		st = get_latest(state, key, &has_after, &after, fault);
	if (st == ST_OK && !is_late && has_before &&
	    (!has_after || after.since != opened.since))
		has_after = find_after(&before, &opened, now, &after);
	if (st == ST_OK && has_after)
		st = note_change(
		    state, key, has_before ? &before : NULL, &after, fault);
	return st == ST_OK ? put_away(state, key, is_late, fault) : st;
}

/* The next dirty problem, of those from first to last. */
static enum status
next_dirty(struct state *state, enum late first, enum late last,
    struct key *key, bool *has_one, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(
	    state, SQL_DIRTY_TAKE, "ii", (int64_t)first, (int64_t)last);
	enum status st = statedb_step(state, stmt, has_one, fault);

	if (st != ST_OK || !*has_one)
		return st;
	*key = (struct key){
		sqlite3_column_int64(stmt, 0),
		sqlite3_column_int64(stmt, 1),
		sqlite3_column_int64(stmt, 2),
		sqlite3_column_int64(stmt, 3),
		sqlite3_column_int64(stmt, 4),
	};
	(void)sqlite3_reset(stmt);
	return ST_OK;
}

/* No more than max of them. */
static enum status
work_out(struct state *state, int64_t now, enum late first, enum late last,
    size_t max, bool *has_more, struct fault *fault)
{
	enum status st = ST_OK;

	*has_more = true;
	for (size_t i = 0; i < max && st == ST_OK; i++) {
		struct key key;

		st = next_dirty(state, first, last, &key, has_more, fault);
		if (st != ST_OK || !*has_more)
			break;
		st = work_out_key(state, &key, now, fault);
	}
	return st;
}

/* What a report may read; the reports of a short while share it. */
static size_t
find_allowance(struct state *state)
{
	uint64_t time = deadline_now();

	if (time - state->reports_since >= state->options.evidence_ms) {
		state->reports_since = time;
		state->reports_left = state->options.evidence_max;
	}
	return state->reports_left;
}

/*
 * What a process that has ended has left for others to tell, nobody else may
 * come to settle.
 */
static enum status
look_for_late(struct state *state, struct fault *fault)
{
	struct key key;

	return state->is_unsettled ? ST_OK
				   : next_dirty(state, LATE_TOLD, LATE_TOLD,
					 &key, &state->is_unsettled, fault);
}

enum status
state_work_out(struct state *state, int64_t now, struct fault *fault)
{
	bool has_more;
	enum status st;

	state->evidence_left =
	    state->is_bounded ? find_allowance(state) : SIZE_MAX;
	st = work_out(
	    state, now, LATE_NOT, LATE_NOT, SIZE_MAX, &has_more, fault);
	if (!state->is_bounded)
		return st;
	state->reports_left = state->evidence_left;
	return st == ST_OK ? look_for_late(state, fault) : st;
}

enum status
state_work_out_some(struct state *state, int64_t now, size_t max,
    bool *has_more, struct fault *fault)
{
	enum late first = state->options.is_silent ? LATE_SILENT : LATE_NOT;
	enum status st = ST_OK;

	*has_more = true;
	state->evidence_left = SIZE_MAX;
	for (size_t i = 0; i < max && st == ST_OK && *has_more &&
	     SIZE_MAX - state->evidence_left < SOME_EVIDENCE;
	     i++)
		st = work_out(
		    state, now, first, LATE_SILENT, 1, has_more, fault);
	return st;
}
