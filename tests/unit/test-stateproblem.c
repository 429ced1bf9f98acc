/*
 * The problems in a state, and those who tell of them.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ledger.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

START_TEST(a_problem_lives)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 990, .failed = 1
	};
	struct state_coverage coverage;
	const struct state_query query = { ledger_at(0), ledger_at(100),
		"d.example" };

	(void)ledger_give(&g);
	ck_string("notice", ledger.told, "");
	g.day = 2;
	(void)ledger_give(&g);
	ck_string("two days", ledger.told,
	    "problem-opened d.example mx1.example sts certificate-expired; ");
	ledger.told[0] = '\0';
	g.day = 3;
	g.failed = 500;
	(void)ledger_give(&g);
	ck_string("worse", ledger.told,
	    "problem-worse d.example mx1.example sts certificate-expired; ");
	ledger.told[0] = '\0';
	g.failed = 0;
	g.day = 4;
	(void)ledger_give(&g);
	ck_string("a day", ledger.told, "");
	ck_status("coverage",
	    state_coverage(
		ledger.state, &query, ledger_at(5), &coverage, &ledger.fault),
	    ST_OK);
	ck_assert_uint_eq(coverage.days, 4);
	ck_assert_uint_eq(coverage.open, 1);
	ck_assert_int_eq(coverage.first, ledger_at(1));
	ck_assert_int_eq(coverage.last, ledger_at(4));
	ck_assert_uint_eq(coverage.failed, 502);
	g.day = 5;
	(void)ledger_give(&g);
	ck_string("two days", ledger.told,
	    "problem-resolved d.example mx1.example sts "
	    "certificate-expired; ");
	ledger.told[0] = '\0';
	/* A failure after that is the next. */
	g.day = 9;
	g.failed = 500;
	(void)ledger_give(&g);
	ck_status("tick",
	    state_tick(
		ledger.state, ledger_at(16), &ledger_events, &ledger.fault),
	    ST_OK);
	ck_status("tick",
	    state_tick(
		ledger.state, ledger_at(17), &ledger_events, &ledger.fault),
	    ST_OK);
	ck_status("tick",
	    state_tick(
		ledger.state, ledger_at(18), &ledger_events, &ledger.fault),
	    ST_OK);
	ck_string("next", ledger.told,
	    "problem-opened d.example mx1.example sts certificate-expired; "
	    "problem-stale d.example mx1.example sts certificate-expired; ");
	ledger.said[0] = '\0';
	ck_status("all",
	    state_problems(ledger.state, "D.EXAMPLE", true, ledger_at(18),
		ledger_say_problem, NULL, &ledger.fault),
	    ST_OK);
	ck_said("resolved 1-3 ");
	ck_said("stale 9-9 ");
	ledger.said[0] = '\0';
	ck_status("live",
	    state_problems(ledger.state, NULL, false, ledger_at(11),
		ledger_say_problem, NULL, &ledger.fault),
	    ST_OK);
	ck_said("open 9-9 ");
	ck_assert_ptr_null(strstr(ledger.said, "resolved"));
	ck_status("coverage",
	    state_coverage(
		ledger.state, &query, ledger_at(5), &coverage, &ledger.fault),
	    ST_OK);
	ck_assert_uint_eq(coverage.open, 1);
}
END_TEST

static bool
keep_problem(void *ctx, const struct state_problem *problem)
{
	*(struct state_problem *)ctx = *problem;
	return false;
}

START_TEST(the_newest_record_is_found)
{
	struct ledger_report g = { .sender = "A",
		.day = 5,
		.successful = 1,
		.failed = 0,
		.types = "sts tlsa" };
	char newest[STATE_PATH_MAX], found[STATE_PATH_MAX];
	int64_t end = 0;

	(void)ledger_give(&g);
	ledger_name(newest);
	/* Neither an older one, nor of another type or domain. */
	g.day = 3;
	(void)ledger_give(&g);
	g = (struct ledger_report){ .sender = "A",
		.day = 7,
		.successful = 1,
		.failed = 0,
		.types = "tlsa",
		.id = "j" };
	(void)ledger_give(&g);
	g = (struct ledger_report){ .sender = "A",
		.day = 8,
		.successful = 1,
		.failed = 0,
		.types = "sts",
		.id = "k",
		.domain = "e.example" };
	(void)ledger_give(&g);
	ck_status("newest",
	    state_newest_path(
		ledger.state, "D.example.", "sts", found, &end, &ledger.fault),
	    ST_OK);
	ck_string("path", found, newest);
	ck_assert_int_eq(end, ledger_at(6) - 1);
	ck_status("none",
	    state_newest_path(ledger.state, "d.example", "no-policy-found",
		found, &end, &ledger.fault),
	    ST_OK);
	ck_string("none", found, "");
}
END_TEST

START_TEST(a_problem_has_reporters)
{
	const struct ledger_report rows[] = {
		{ .sender = "A", .day = 1, .successful = 90, .failed = 10 },
		{ .sender = "A", .day = 2, .successful = 90, .failed = 10 },
		{ .sender = "B", .day = 1, .successful = 90, .failed = 10 },
		{ .sender = "C", .day = 1, .successful = 90, .failed = 0 },
	};
	struct state_problem problem;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)ledger_give(&rows[i]);
	ck_status("problems",
	    state_problems(ledger.state, NULL, false, ledger_at(3),
		keep_problem, &problem, &ledger.fault),
	    ST_OK);
	ledger.said[0] = '\0';
	ck_status("reporters",
	    state_problem_reporters(ledger.state, &problem, ledger_say_reporter,
		NULL, &ledger.fault),
	    ST_OK);
	ck_string("reporters", ledger.said,
	    "reporter A 259199 2\nreporter B 172799 1\n");
}
END_TEST

static bool
add_path(void *ctx, const char *record)
{
	size_t len = strlen(ledger.said);

	(void)snprintf(
	    ledger.said + len, sizeof ledger.said - len, "%s ", record);
	return --*(int *)ctx > 0;
}

/* The latest first, and nothing that did not tell of it. */
START_TEST(a_problem_has_records)
{
	const struct ledger_report rows[] = {
		{ .sender = "A", .day = 1, .successful = 90, .failed = 10 },
		{ .sender = "A",
		    .day = 2,
		    .successful = 90,
		    .failed = 10,
		    .types = "sts tlsa" },
		{ .sender = "B", .day = 3, .successful = 90, .failed = 0 },
		{ .sender = "C",
		    .day = 1,
		    .successful = 90,
		    .failed = 10,
		    .domain = "e.example" },
		{ .sender = "D",
		    .day = 3,
		    .successful = 0,
		    .failed = 10,
		    .types = "tlsa" },
	};
	char want[2 * STATE_PATH_MAX + 4], names[5][STATE_PATH_MAX];
	struct state_problem problem;
	int left = 100;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)ledger_give(&rows[i]);
		ledger_name(names[i]);
	}
	ck_status("problems",
	    state_problems(ledger.state, "d.example", false, ledger_at(3),
		keep_problem, &problem, &ledger.fault),
	    ST_OK);
	/* That of sts, whichever came first. */
	(void)text_copy(problem.policy_type, sizeof problem.policy_type, "sts");
	problem.episode.since = ledger_at(1);
	ledger.said[0] = '\0';
	ck_status("paths",
	    state_problem_paths(
		ledger.state, &problem, 10, add_path, &left, &ledger.fault),
	    ST_OK);
	(void)snprintf(want, sizeof want, "%s %s ", names[1], names[0]);
	ck_string("paths", ledger.said, want);
	/* No more than are asked for, or wanted. */
	for (int i = 0; i < 2; i++) {
		left = i == 0 ? 100 : 1;
		ledger.said[0] = '\0';
		ck_status("one",
		    state_problem_paths(ledger.state, &problem, i == 0 ? 1 : 10,
			add_path, &left, &ledger.fault),
		    ST_OK);
		(void)snprintf(want, sizeof want, "%s ", names[1]);
		ck_string("one", ledger.said, want);
	}
}
END_TEST

START_TEST(loop_noise_opens_nothing)
{
	struct ledger_report g = { .sender = "mail.self.example",
		.day = 1,
		.successful = 0,
		.failed = 1,
		.contact = "" };

	for (g.day = 1; g.day < 5; g.day++)
		(void)ledger_give(&g);
	ck_string("noise", ledger.told, "");
	ledger_say_all(ledger_at(5));
	ck_said("counts 4 0 1 1, 0 4, 0 0 0 ");
	g.day = 9;
	g.contact = "tls@self.example";
	(void)ledger_give(&g);
	ck_assert_str_ne(ledger.told, "");
}
END_TEST

START_TEST(silence_is_told_once)
{
	struct ledger_report daily = {
		.sender = "A", .day = 1, .successful = 9, .failed = 0
	};
	struct ledger_report seldom = {
		.sender = "B", .day = 1, .successful = 9, .failed = 0
	};

	for (int day = 1; day <= 7; day++) {
		daily.day = seldom.day = day;
		if (day != 3 && day != 4)
			(void)ledger_give(&daily);
		if (day % 2 == 1)
			(void)ledger_give(&seldom);
	}
	ck_status("tick",
	    state_tick(ledger.state, ledger_at(11) - 100, &ledger_events,
		&ledger.fault),
	    ST_OK);
	ck_string("not yet", ledger.told, "");
	ck_status("tick",
	    state_tick(
		ledger.state, ledger_at(11), &ledger_events, &ledger.fault),
	    ST_OK);
	ck_status("tick",
	    state_tick(
		ledger.state, ledger_at(12), &ledger_events, &ledger.fault),
	    ST_OK);
	ck_string("silent", ledger.told, "silent A; ");
	for (daily.day = 11; daily.day < 17; daily.day++)
		(void)ledger_give(&daily);
	ck_status("tick",
	    state_tick(
		ledger.state, ledger_at(20), &ledger_events, &ledger.fault),
	    ST_OK);
	ck_string("again", ledger.told, "silent A; silent A; ");
	/* What is long ago is not told. */
	for (daily.day = 21; daily.day < 29; daily.day++)
		(void)ledger_give(&daily);
	ck_status("tick",
	    state_tick(
		ledger.state, ledger_at(90), &ledger_events, &ledger.fault),
	    ST_OK);
	ck_string("history", ledger.told, "silent A; silent A; ");
}
END_TEST

Suite *
stateproblem_suite(void)
{
	Suite *suite = suite_create("stateproblem");
	TCase *tcase = tcase_create("stateproblem");

	tcase_add_checked_fixture(tcase, ledger_setup, ledger_teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_problem_lives);
	tcase_add_test(tcase, the_newest_record_is_found);
	tcase_add_test(tcase, a_problem_has_reporters);
	tcase_add_test(tcase, a_problem_has_records);
	tcase_add_test(tcase, loop_noise_opens_nothing);
	tcase_add_test(tcase, silence_is_told_once);
	suite_add_tcase(suite, tcase);
	return suite;
}
