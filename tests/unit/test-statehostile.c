/*
 * What strangers may do to the state: reports without end of what is not there.
 */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "ledger.h"
#include "statedb.h"
#include "suites.h"
#include "unit.h"

static uint64_t told; /* events */

static void
setup(void)
{
	ledger.evidence_max = 10;
	ledger_setup();
}

static void
settle(int64_t now)
{
	bool has_more = true;

	while (has_more)
		ck_status("settle",
		    state_settle(ledger.state, 8, now, &ledger_events,
			&has_more, &ledger.fault),
		    ST_OK);
}

static bool
count_real(void *ctx, const struct state_problem *problem)
{
	uint64_t *count = ctx;

	*count += strncmp(problem->receiving_mx_hostname, "real",
		      strlen("real")) == 0;
	return true;
}

static uint64_t
count_of_real(int64_t now)
{
	uint64_t count = 0;

	ck_status("problems",
	    state_problems(ledger.state, NULL, false, now, count_real, &count,
		&ledger.fault),
	    ST_OK);
	return count;
}

/*
 * Hiding.
 */

/* What has not opened, and is seen by nobody, leaves room for what opens. */
START_TEST(what_opens_is_kept)
{
	const struct ledger_report evil = { .sender = "Stranger",
		.day = 1,
		.successful = 1000000,
		.failed = 1,
		.host = "evil",
		.hosts = 1100 };
	const struct ledger_report real = { .sender = "A",
		.day = 2,
		.successful = 10,
		.failed = 990,
		.host = "real",
		.hosts = 1 };

	(void)ledger_give(&evil);
	settle(ledger_at(2));
	(void)ledger_give(&real);
	settle(ledger_at(3));
	ck_assert_uint_eq(count_of_real(ledger_at(3)), 1);
}
END_TEST

/* The same where two days are what it takes to open. */
START_TEST(what_may_open_is_kept)
{
	const struct ledger_report evil = { .sender = "Stranger",
		.day = 1,
		.successful = 1000000,
		.failed = 1,
		.host = "evil",
		.hosts = 1100 };
	struct ledger_report real = { .sender = "A",
		.day = 2,
		.successful = 1000000,
		.failed = 1,
		.host = "real",
		.hosts = 1 };

	(void)ledger_give(&evil);
	settle(ledger_at(2));
	(void)ledger_give(&real);
	settle(ledger_at(3));
	real.day++;
	(void)ledger_give(&real);
	settle(ledger_at(4));
	ck_assert_uint_eq(count_of_real(ledger_at(4)), 1);
}
END_TEST

/* So does what is stale: nothing would ever remove it. */
START_TEST(what_is_stale_leaves_room)
{
	const struct ledger_report evil = { .sender = "Stranger",
		.day = 1,
		.successful = 0,
		.failed = 100,
		.host = "evil",
		.hosts = 1100 };
	const struct ledger_report real = { .sender = "A",
		.day = 20,
		.successful = 10,
		.failed = 990,
		.host = "real",
		.hosts = 1 };

	(void)ledger_give(&evil);
	settle(ledger_at(2));
	ck_status("tick",
	    state_tick(ledger.state, ledger_at(20), NULL, &ledger.fault),
	    ST_OK);
	(void)ledger_give(&real);
	settle(ledger_at(21));
	ck_assert_uint_eq(count_of_real(ledger_at(21)), 1);
}
END_TEST

/* A problem that nobody has room for as stale is not told as resolved. */
START_TEST(what_has_no_room_is_not_resolved)
{
	const struct ledger_report evil = { .sender = "Stranger",
		.day = 1,
		.successful = 0,
		.failed = 100,
		.host = "evil",
		.hosts = 1100 };
	struct ledger_report real = { .sender = "A",
		.day = 19,
		.successful = 10,
		.failed = 990,
		.host = "real",
		.hosts = 1 };
	enum state_added added;

	(void)ledger_give(&evil);
	settle(ledger_at(2));
	ck_status("tick",
	    state_tick(ledger.state, ledger_at(20), NULL, &ledger.fault),
	    ST_OK);
	ledger.told[0] = '\0';
	(void)ledger_give(&real);
	settle(ledger_at(20));
	ck_assert_ptr_nonnull(strstr(ledger.told, "opened d.example real"));
	ledger.told[0] = '\0';
	/* Late, and stale by then. */
	real.sender = "B";
	ck_status("add", ledger_try_at(&real, ledger_at(40), &added), ST_OK);
	settle(ledger_at(40));
	ck_assert_ptr_null(strstr(ledger.told, "resolved"));
}
END_TEST

/*
 * Taking time. Whoever waits for the state gets in between two parts.
 */

/* A number, as another process reads it. */
static int
ask(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int number = -1;

	ck_assert_int_eq(sqlite3_open(ledger.path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	number = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return number;
}

/* The first event comes behind the first part. */
static void
note_problem(void *ctx, enum problem_change change,
    const struct state_problem *before, const struct state_problem *after)
{
	(void)ctx;
	(void)change;
	(void)before;
	(void)after;
	if (told++ == 0)
		ck_assert_int_le(
		    ask("SELECT count(*) FROM problem WHERE state = 3"), 100);
}

static void
note_silent(void *ctx, const struct state_reporter *reporter)
{
	(void)ctx;
	(void)reporter;
	if (told++ == 0)
		ck_assert_int_le(
		    ask("SELECT count(*) FROM reporter WHERE told > 0"), 100);
}

static const struct state_events events = { note_problem, note_silent, NULL };

static void
tick(int64_t now, uint64_t want)
{
	told = 0;
	ck_status("tick", state_tick(ledger.state, now, &events, &ledger.fault),
	    ST_OK);
	ck_assert_uint_eq(told, want);
}

START_TEST(many_go_stale_in_parts)
{
	const struct ledger_report evil = { .sender = "Stranger",
		.day = 1,
		.successful = 0,
		.failed = 100,
		.host = "evil",
		.hosts = 250 };

	(void)ledger_give(&evil);
	settle(ledger_at(2));
	tick(ledger_at(20), 250);
	tick(ledger_at(20), 0);
}
END_TEST

START_TEST(many_fall_silent_in_parts)
{
	char sender[32];
	struct ledger_report g = {
		.sender = sender, .day = 0, .successful = 10, .failed = 0
	};

	for (unsigned i = 0; i < 250; i++) {
		(void)snprintf(sender, sizeof sender, "Stranger %u", i);
		for (g.day = 0; g.day < 5; g.day++)
			(void)ledger_give(&g);
	}
	tick(ledger_at(20), 250);
	tick(ledger_at(20), 0);
}
END_TEST

/* Forty problems with more evidence than one report may read; that report. */
static struct ledger_report
leave_problems(void)
{
	struct ledger_report g = {
		.sender = "A", .successful = 10, .host = "mx"
	};

	for (g.day = 0; g.day < 20; g.day++)
		(void)ledger_give(&g);
	g.day = 1;
	g.failed = 5;
	g.hosts = 40;
	g.id = "j";
	(void)ledger_give(&g);
	ck_assert_int_ge(ask("SELECT count(*) FROM dirty"), 39);
	return g;
}

/* So many at a time as are asked for, and no more behind them. */
START_TEST(problems_are_settled_in_parts)
{
	bool has_more;

	(void)leave_problems();
	ck_status("settle",
	    state_settle(
		ledger.state, 4, ledger_at(21), NULL, &has_more, &ledger.fault),
	    ST_OK);
	ck_assert(has_more);
	ck_assert_int_ge(ask("SELECT count(*) FROM dirty"), 35);
	ck_status("tick",
	    state_tick(ledger.state, ledger_at(21), NULL, &ledger.fault),
	    ST_OK);
	ck_assert_int_ge(ask("SELECT count(*) FROM dirty"), 35);
	settle(ledger_at(21));
	ck_assert_int_eq(ask("SELECT count(*) FROM dirty"), 0);
}
END_TEST

/* The state as another process has it, and back. */
static struct state *
become_another(size_t evidence_max, bool is_silent)
{
	struct state *ours = ledger.state;
	struct state_options options;

	state_options(&options);
	options.evidence_max = evidence_max;
	options.is_silent = is_silent;
	ck_status("another",
	    state_open(&ledger.state, ledger.path, &options, &ledger.fault),
	    ST_OK);
	return ours;
}

static void
become_us(struct state *ours)
{
	state_close(&ledger.state);
	ledger.state = ours;
}

static enum status
let_go(void *ctx, const char *path)
{
	(void)ctx;
	(void)path;
	return ST_OK;
}

/* What one process is to tell is left to it by those who tell nobody: one that
   takes in a backlog, and one that prunes. */
START_TEST(who_tells_nobody_leaves_what_others_tell)
{
	bool has_more = true;
	struct state *ours;
	size_t count;

	(void)leave_problems();
	ledger.told[0] = '\0';

	ours = become_another(0, _i == 1);
	if (_i == 0) {
		const struct ledger_report g = { .sender = "B",
			.day = 2,
			.successful = 10,
			.failed = 1,
			.host = "mx" };

		ck_status(
		    "begin", state_begin(ledger.state, &ledger.fault), ST_OK);
		(void)ledger_give(&g);
		ck_status("commit",
		    state_commit(
			ledger.state, ledger_at(21), NULL, &ledger.fault),
		    ST_OK);
	} else {
		ck_status("forget",
		    state_forget(ledger.state, ledger_at(1), 10, ledger_at(21),
			let_go, NULL, &count, &ledger.fault),
		    ST_OK);
		ck_assert_uint_eq(count, 1);
		while (has_more)
			ck_status("settle",
			    state_settle(ledger.state, 8, ledger_at(21), NULL,
				&has_more, &ledger.fault),
			    ST_OK);
	}
	become_us(ours);
	ck_assert_int_ge(ask("SELECT count(*) FROM dirty"), 39);
	settle(ledger_at(21));
	ck_assert_int_eq(ask("SELECT count(*) FROM dirty"), 0);
	ck_assert_str_ne(ledger.told, "");
}
END_TEST

/* What a process that has ended has left is worked out by another, when one
   more report tells of it. */
START_TEST(what_another_has_left_is_settled)
{
	struct ledger_report g;
	struct state *ours;

	settle(ledger_at(21));
	ck_assert(!state_is_unsettled(ledger.state));
	ours = become_another(10, false);
	g = leave_problems();
	become_us(ours);
	ck_assert(!state_is_unsettled(ledger.state));
	g.id = "k";
	(void)ledger_give(&g);
	ck_assert(state_is_unsettled(ledger.state));
}
END_TEST

static void *
try_mutex(void *arg)
{
	int *rc = arg;

	*rc = pthread_mutex_trylock(&ledger.state->mutex);
	if (*rc == 0)
		(void)pthread_mutex_unlock(&ledger.state->mutex);
	return NULL;
}

/* Whoever goes on with a batch that has failed keeps nobody else out. */
START_TEST(a_batch_that_has_failed_lets_others_in)
{
	struct ledger_report g = { .sender = "A", .successful = 10 };
	enum state_added added;
	pthread_t other;
	int rc = -1;

	ck_status("begin", state_begin(ledger.state, &ledger.fault), ST_OK);
	ledger.state->batch_status = ST_NO_SPACE;
	ck_status("add", ledger_try(&g, &added), ST_NO_SPACE);
	ck_status("commit",
	    state_commit(ledger.state, ledger_at(1), NULL, &ledger.fault),
	    ST_NO_SPACE);
	ck_assert_int_eq(pthread_create(&other, NULL, try_mutex, &rc), 0);
	(void)pthread_join(other, NULL);
	ck_assert_int_eq(rc, 0);
}
END_TEST

/* What ended before a problem began is no reason to look at it again. */
START_TEST(what_is_older_costs_nothing)
{
	struct ledger_report g = { .sender = "A",
		.day = 100,
		.successful = 10,
		.failed = 90,
		.host = "mx",
		.hosts = 40 };

	(void)ledger_give(&g);
	g.day = 105;
	(void)ledger_give(&g);
	settle(ledger_at(106));
	g = (struct ledger_report){
		.sender = "B", .day = 1, .successful = 10, .failed = 0
	};
	(void)ledger_give(&g);
	ck_assert_int_eq(ask("SELECT count(*) FROM dirty"), 0);
}
END_TEST

/*
 * What a report costs does not grow with those that are there: not with the
 * contents of one identity, nor when a report gives way that was its reporter's
 * newest. No statement looks at all of a table.
 */
START_TEST(a_report_costs_no_walk)
{
	static const enum statement statements[] = { SQL_REPORT_SAME,
		SQL_REPORT_COUNTED, SQL_REPORT_GET, SQL_REPORT_DELETE,
		SQL_POLICY_NOISE, SQL_POLICY_OF_REPORT, SQL_POLICY_DELETE,
		SQL_FAILURE_DELETE, SQL_SUM_REPORT, SQL_SUM_FAILURES,
		SQL_REPORTER_LESS, SQL_REPORTER_AGAIN, SQL_REPORTER_CLEAN,
		SQL_DOMAIN_CLEAN, SQL_DIRTY_KNOWN, SQL_DIRTY_FAILING,
		SQL_PROBLEM_FLOOR, SQL_PROBLEM_FROM, SQL_PROBLEM_LATEST,
		SQL_PROBLEM_DELETE, SQL_PROBLEM_DISPLACE,
		SQL_PROBLEM_REPORTERS_DELETE, SQL_EVIDENCE, SQL_NAME_FIND };
	char sql[4096];
	sqlite3_stmt *stmt;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(ledger.path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		bool has_content = false;

		(void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s",
		    statesql_text(statements[i]));
		ck_assert_int_eq(
		    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *step =
			    (const char *)sqlite3_column_text(stmt, 3);

			ck_assert_msg(
			    strncmp(step, "SCAN", 4) != 0, "%s: %s", step, sql);
			has_content =
			    has_content || strstr(step, "sha256=?") != NULL;
		}
		ck_assert(has_content || statements[i] != SQL_REPORT_SAME);
		(void)sqlite3_finalize(stmt);
	}
	(void)sqlite3_close(db);
}
END_TEST

/*
 * Work.
 */

/* Reports that come thick and fast are worked out together. */
START_TEST(reports_share_what_they_may_cost)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 10, .failed = 990
	};

	state_close(&ledger.state);
	ledger.evidence_ms = 3600 * 1000;
	ledger_open();
	(void)ledger_give(&g);
	ck_string("one", ledger.told,
	    "problem-opened d.example mx1.example sts certificate-expired; ");
	/* 1, 2, 3 and 4 sightings are 10. */
	for (g.day = 2; g.day < 5; g.day++)
		(void)ledger_give(&g);
	settle(ledger_at(5));
	ledger.told[0] = '\0';
	g.failed = 0;
	for (; g.day < 7; g.day++)
		(void)ledger_give(&g);
	ck_string("later", ledger.told, "");
	ck_assert(state_is_unsettled(ledger.state));
	settle(ledger_at(7));
	ck_string("all", ledger.told,
	    "problem-resolved d.example mx1.example sts "
	    "certificate-expired; ");
}
END_TEST

Suite *
statehostile_suite(void)
{
	Suite *suite = suite_create("statehostile");
	TCase *tcase = tcase_create("statehostile");

	tcase_add_checked_fixture(tcase, setup, ledger_teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_opens_is_kept);
	tcase_add_test(tcase, what_may_open_is_kept);
	tcase_add_test(tcase, what_is_stale_leaves_room);
	tcase_add_test(tcase, what_has_no_room_is_not_resolved);
	tcase_add_test(tcase, many_go_stale_in_parts);
	tcase_add_test(tcase, many_fall_silent_in_parts);
	tcase_add_test(tcase, problems_are_settled_in_parts);
	tcase_add_loop_test(
	    tcase, who_tells_nobody_leaves_what_others_tell, 0, 2);
	tcase_add_test(tcase, what_another_has_left_is_settled);
	tcase_add_test(tcase, a_batch_that_has_failed_lets_others_in);
	tcase_add_test(tcase, what_is_older_costs_nothing);
	tcase_add_test(tcase, reports_share_what_they_may_cost);
	tcase_add_test(tcase, a_report_costs_no_walk);
	suite_add_tcase(suite, tcase);
	return suite;
}
