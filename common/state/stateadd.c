/*
 * stateadd: puts a report into the state.
 */
#include <string.h>

#include "archive.h"
#include "assess.h"
#include "buf.h"
#include "statedb.h"
#include "text.h"

enum {
	IDENTITY_BYTES = 16,
	SHA256_BYTES = 32,
	IDENTITY_MAX = 65536 /* bytes of text that make up an identity */
};

/* No report has more sessions; sums of as many reports as fit stay exact. */
#define SESSIONS_MAX (UINT64_C(1) << 40)

/* A report on its way in. */
struct adding {
	struct state *state;
	const struct state_report *in;
	const struct conf *conf;
	struct fault *fault;
	enum status st;
	unsigned char identity[IDENTITY_BYTES];
	unsigned char sha256[SHA256_BYTES];
	char policy_domain[JSON_VALUE_MAX]; /* of the first policy */
	int64_t id;
	int64_t reporter;
	int64_t begin;
	int64_t finish;
	/* The policy that is being visited. */
	int64_t domain;
	int64_t type;
	int64_t kind;
	/* So far. */
	uint64_t largest; /* sessions of a policy */
	size_t policies;
	size_t failures;
};

/*
 * What a report is.
 */

static bool
read_digits(const char *digits, unsigned char *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = digits[0] != '\0' ? text_hex(digits[0]) : -1;
		int low = high != -1 ? text_hex(digits[1]) : -1;

		if (low == -1)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
		digits += 2;
	}
	return true;
}

static enum report_visit
take_first_domain(void *ctx, const struct policy *policy)
{
	struct adding *a = ctx;

	(void)text_copy(a->policy_domain, sizeof a->policy_domain,
	    policy->policy_domain != NULL ? policy->policy_domain : "");
	return REPORT_STOP;
}

/* A part of the identity, and a NUL, which no part holds. */
static enum status
add_part(struct buf *buf, const char *part)
{
	return buf_add(
	    buf, part != NULL ? part : "", part != NULL ? strlen(part) + 1 : 1);
}

static enum status
add_time(struct buf *buf, const struct datetime *datetime)
{
	enum status st;

	if (!datetime->is_known)
		return add_part(buf, datetime->text);
	st = buf_addf(buf, "%lld", (long long)datetime->time);
	return st == ST_OK ? add_part(buf, NULL) : st;
}

static enum status
make_identity(struct adding *a)
{
	static const struct report_visitor visitor = {
		.policy = take_first_domain,
	};
	const struct report *r = a->in->report;
	char digits[ARCHIVE_SHA256_MAX];
	struct buf buf;
	enum status st;

	buf_init(&buf, IDENTITY_MAX);
	st = report_walk(a->in->report, &visitor, a);
	if (st == ST_OK)
		st = add_part(&buf, r->organization_name);
	if (st == ST_OK)
		st = add_part(&buf, r->report_id);
	if (st == ST_OK)
		st = add_part(&buf, a->policy_domain);
	if (st == ST_OK)
		st = add_time(&buf, &r->start);
	if (st == ST_OK)
		st = add_time(&buf, &r->end);
	if (st == ST_OK)
		st = archive_sha256(&buf, digits);
	buf_free(&buf);
	if (st == ST_OK)
		(void)read_digits(digits, a->identity, sizeof a->identity);
	return st;
}

/* The range as it is judged: see state.h. */
static void
make_range(struct adding *a)
{
	const struct report *r = a->in->report;
	int64_t latest = a->in->received + PROBLEM_DAY;

	if (r->start.is_known)
		a->begin = r->start.time;
	else if (r->end.is_known)
		a->begin = r->end.time - PROBLEM_DAY;
	else
		a->begin = a->in->received - PROBLEM_DAY;
	if (a->begin > latest)
		a->begin = latest;
	a->finish = a->begin + PROBLEM_DAY - 1;
	if (r->end.is_known && r->end.time >= a->begin)
		a->finish = r->end.time;
	if (a->finish > a->begin + STATE_RANGE_MAX)
		a->finish = a->begin + STATE_RANGE_MAX;
	if (a->finish > latest)
		a->finish = latest;
}

/*
 * Policies and failures.
 */

static uint64_t
bounded(uint64_t sessions)
{
	return sessions < SESSIONS_MAX ? sessions : SESSIONS_MAX;
}

/* A type as it is kept: the RFC's word, or what was sent. */
static const char *
type_name(const struct policy *policy, char out[STATE_TYPE_MAX])
{
	switch (policy->type) {
	case POLICY_TLSA:
		return "tlsa";
	case POLICY_STS:
		return "sts";
	case POLICY_NOT_FOUND:
		return "no-policy-found";
	case POLICY_UNKNOWN:
		break;
	}
	(void)text_copy(out, STATE_TYPE_MAX,
	    policy->policy_type != NULL ? policy->policy_type : "");
	return out;
}

static enum report_visit
visit_policy(void *ctx, const struct policy *policy)
{
	struct adding *a = ctx;
	char domain[STATE_NAME_MAX], type[STATE_TYPE_MAX];
	enum severity severity;
	struct totals totals;

	if (a->policies++ == STATE_POLICIES_MAX)
		return REPORT_STOP;
	state_host(policy->policy_domain, domain, sizeof domain);
	assess_policy(policy, a->conf, &totals, &severity);
	totals.successful = bounded(totals.successful);
	totals.failed = bounded(totals.failed);
	if (totals_all(&totals) > a->largest)
		a->largest = totals_all(&totals);
	a->kind = policy->type == POLICY_STS || policy->type == POLICY_TLSA;
	a->st = state_name(a->state, domain, &a->domain, a->fault);
	if (a->st == ST_OK)
		a->st = state_name(
		    a->state, type_name(policy, type), &a->type, a->fault);
	if (a->st == ST_OK)
		a->st = statedb_run(a->state,
		    statedb_bind(a->state, SQL_POLICY_ADD, "iiiiiiiuui",
			a->domain, a->type, a->finish, a->id, a->begin,
			a->reporter, a->kind, totals.successful, totals.failed,
			(int64_t)severity),
		    a->fault);
	return a->st == ST_OK ? REPORT_NEXT : REPORT_STOP;
}

static enum report_visit
visit_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct adding *a = ctx;
	char mx[STATE_NAME_MAX], result[STATE_TYPE_MAX];
	int64_t mx_id, result_id;
	uint64_t failed =
	    failure->failed.is_known ? bounded(failure->failed.value) : 0;

	(void)policy;
	if (a->failures++ >= STATE_FAILURES_MAX)
		return REPORT_SKIP;
	state_host(failure->receiving_mx_hostname, mx, sizeof mx);
	(void)text_copy(result, sizeof result,
	    failure->result_type != NULL ? failure->result_type : "");
	a->st = state_name(a->state, mx, &mx_id, a->fault);
	if (a->st == ST_OK)
		a->st = state_name(a->state, result, &result_id, a->fault);
	if (a->st == ST_OK)
		a->st = statedb_run(a->state,
		    statedb_bind(a->state, SQL_FAILURE_ADD, "iiiiiiu", a->id,
			a->domain, a->type, mx_id, result_id, a->kind, failed),
		    a->fault);
	return a->st == ST_OK ? REPORT_NEXT : REPORT_STOP;
}

static enum status
put_policies(struct adding *a)
{
	static const struct report_visitor visitor = {
		.policy = visit_policy,
		.failure = visit_failure,
	};
	enum status st;

	a->st = ST_OK;
	st = report_walk(a->in->report, &visitor, a);
	if (st != ST_OK)
		return fault_set(a->fault, st, "state: no memory");
	if (a->st == ST_OK &&
	    problem_is_noise(a->largest, a->in->report->contact_info))
		a->st = statedb_run(a->state,
		    statedb_bind(a->state, SQL_POLICY_NOISE, "i", a->id),
		    a->fault);
	return a->st;
}

/*
 * Reports.
 */

/* The line of the report itself. */
static enum status
put_report(struct adding *a, bool is_counted)
{
	const struct report *r = a->in->report;
	char organization[STATE_NAME_MAX], report_id[STATE_NAME_MAX];
	char domain[STATE_NAME_MAX];
	int64_t domain_id;
	enum status st;

	(void)text_copy(organization, sizeof organization,
	    r->organization_name != NULL ? r->organization_name : "");
	(void)text_copy(report_id, sizeof report_id,
	    r->report_id != NULL ? r->report_id : "");
	state_host(a->policy_domain, domain, sizeof domain);
	st = state_name(a->state, organization, &a->reporter, a->fault);
	if (st == ST_OK)
		st = state_name(a->state, domain, &domain_id, a->fault);
	if (st != ST_OK)
		return st;
	st = statedb_run(a->state,
	    statedb_bind(a->state, SQL_REPORT_ADD, "bbitiiiiiti",
		(const void *)a->identity, sizeof a->identity,
		(const void *)a->sha256, sizeof a->sha256, a->reporter,
		report_id, domain_id, a->begin, a->finish, a->in->received,
		(int64_t)is_counted, a->in->path, (int64_t)a->in->rank),
	    a->fault);
	a->id = sqlite3_last_insert_rowid(a->state->db);
	return st;
}

/* What is known of the identity already. */
struct same {
	bool is_known;   /* with this content */
	bool is_present; /* from this record */
	bool is_better;  /* but ours is to stand for it */
	int64_t known;
	bool has_other; /* one of them counts */
	bool is_first;  /* but ours is to count in its place */
	int64_t other;
};

static bool
is_path(sqlite3_stmt *stmt, int column, const char *path)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text != NULL && strcmp(text, path) == 0;
}

/*
 * Does ours go before a row of SQL_REPORT_SAME? order is that of the contents:
 * of the same one, only a better record does.
 */
static bool
goes_before(const struct adding *a, sqlite3_stmt *stmt, int order)
{
	int64_t received = sqlite3_column_int64(stmt, 3);
	int rank = sqlite3_column_int(stmt, 5);

	if ((int)a->in->rank != rank)
		return (int)a->in->rank > rank;
	if (a->in->received != received)
		return a->in->received < received;
	return order < 0;
}

static enum status
find_same(struct adding *a, struct same *same)
{
	sqlite3_stmt *stmt = statedb_bind(a->state, SQL_REPORT_SAME, "bb",
	    (const void *)a->identity, sizeof a->identity,
	    (const void *)a->sha256, sizeof a->sha256);
	enum status st;
	bool is_row;

	*same = (struct same){ .is_known = false };
	while (
	    (st = statedb_step(a->state, stmt, &is_row, a->fault)) == ST_OK &&
	    is_row) {
		const void *sha256 = sqlite3_column_blob(stmt, 1);
		int order;

		if (sqlite3_column_bytes(stmt, 1) != SHA256_BYTES)
			continue;
		order = memcmp(a->sha256, sha256, SHA256_BYTES);
		if (order == 0) {
			same->is_known = true;
			same->is_present = is_path(stmt, 4, a->in->path);
			same->is_better = goes_before(a, stmt, order);
			same->known = sqlite3_column_int64(stmt, 0);
		}
		if (sqlite3_column_int(stmt, 2) == 0)
			continue;
		same->has_other = true;
		same->other = sqlite3_column_int64(stmt, 0);
		same->is_first = goes_before(a, stmt, order);
	}
	return st;
}

/* Another record counts: ours takes its place, or only stands beside it. */
static enum status
put_beside(struct adding *a, const struct same *same)
{
	enum status st = ST_OK;

	if (same->is_first) {
		st = state_uncount(a->state, same->other, a->fault);
		if (st == ST_OK)
			st = statedb_run(a->state,
			    statedb_bind(a->state, SQL_REPORT_COUNTED, "ii",
				same->other, INT64_C(0)),
			    a->fault);
	}
	return st == ST_OK ? put_report(a, same->is_first) : st;
}

/* What becomes of ours, in a word. */
static enum state_added
judge(const struct same *same)
{
	if (same->is_present)
		return STATE_PRESENT;
	if (same->is_known)
		return same->is_better && same->has_other && same->is_first &&
			same->other != same->known
		    ? STATE_RISES
		    : STATE_KNOWN;
	if (!same->has_other)
		return STATE_NEW;
	return same->is_first ? STATE_REPLACES : STATE_DIFFERS;
}

static enum status
add_report(struct adding *a, enum state_added *added)
{
	struct same same;
	enum status st = find_same(a, &same);

	if (st != ST_OK)
		return st;
	*added = judge(&same);
	if (same.is_known && !same.is_better)
		return ST_OK;
	st = same.has_other ? put_beside(a, &same) : put_report(a, true);
	/* One record stands for a content. */
	if (st == ST_OK && same.is_known)
		st = statedb_run(a->state,
		    statedb_bind(a->state, SQL_REPORT_DELETE, "i", same.known),
		    a->fault);
	if (st != ST_OK || (same.has_other && !same.is_first))
		return st;
	st = put_policies(a);
	return st == ST_OK ? state_count(a->state, a->id, 1, a->fault) : st;
}

/* What is known before the state is asked. */
static enum status
begin_adding(struct adding *a)
{
	if (!read_digits(a->in->sha256, a->sha256, sizeof a->sha256))
		return fault_set(a->fault, ST_STATE,
		    "the record of %s has no SHA-256", a->in->path);
	if (make_identity(a) != ST_OK)
		return fault_set(a->fault, ST_NO_MEMORY, "state: no memory");
	return ST_OK;
}

enum status
state_has(struct state *state, const struct state_report *report, bool *has,
    struct fault *fault)
{
	struct adding a = { .state = state, .in = report, .fault = fault };
	struct same same = { .is_present = false };
	enum status st = begin_adding(&a);

	if (st != ST_OK)
		return st;
	(void)pthread_mutex_lock(&state->mutex);
	if (!state->in_batch)
		st = statedb_begin(state, false, fault);
	if (st == ST_OK) {
		st = find_same(&a, &same);
		if (!state->in_batch)
			st = statedb_end(state, st, fault);
	}
	(void)pthread_mutex_unlock(&state->mutex);
	*has = same.is_present;
	return st;
}

enum status
state_add(struct state *state, const struct state_report *report,
    const struct conf *conf, int64_t now, const struct state_events *events,
    enum state_added *added, struct fault *fault)
{
	struct fault ignored = { 0 };
	struct adding a = {
		.state = state,
		.in = report,
		.conf = conf,
		.fault = fault != NULL ? fault : &ignored,
	};
	enum status st = begin_adding(&a);

	if (st != ST_OK)
		return st;
	make_range(&a);
	st = state_enter(state, a.fault);
	if (st != ST_OK)
		return st;
	st = add_report(&a, added);
	state->is_bounded = (!state->in_batch || state->is_group) &&
	    state->options.evidence_max > 0;
	return state_leave(state, now, events, st, a.fault);
}
