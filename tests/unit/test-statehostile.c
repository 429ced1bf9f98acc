/*
 * What strangers may do to the state: reports without end of what is not there.
 */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "archive.h"
#include "rfc3339.h"
#include "state.h"
#include "suites.h"
#include "unit.h"

enum {
	DAY0 = 20000, /* 2024-10-04 */
	TEXT_MAX = 1 << 20
};

static char path[600]; /* the state */
static struct conf *conf;
static struct state *state;
static struct fault fault;
static unsigned records;
static uint64_t told; /* events */

static int64_t
at(int64_t day)
{
	return (DAY0 + day) * PROBLEM_DAY;
}

static void
setup(void)
{
	struct state_options options;
	char directory[512];

	unit_directory(directory, sizeof directory);
	(void)snprintf(path, sizeof path, "%s/state.db", directory);
	conf = conf_new();
	state_options(&options);
	options.evidence_max = 10;
	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
}

static void
teardown(void)
{
	state_close(&state);
	conf_unref(&conf);
}

/* A report of a day, with a failure at each of so many MX hosts. */
struct given {
	const char *sender;
	int64_t day;
	unsigned successful;
	unsigned failed; /* at each of them */
	const char *host;
	unsigned hosts;
};

static void
print_failures(struct buf *out, const struct given *g)
{
	for (unsigned i = 0; i < g->hosts; i++)
		ck_status("failure",
		    buf_addf(out,
			"%s{\"result-type\":\"certificate-expired\","
			"\"receiving-mx-hostname\":\"%s%u\","
			"\"failed-session-count\":%u}",
			i > 0 ? "," : "", g->host, i, g->failed),
		    ST_OK);
}

static void
print_report(struct buf *out, const struct given *g)
{
	char start[RFC3339_MAX], end[RFC3339_MAX];

	(void)rfc3339_format(at(g->day), start);
	(void)rfc3339_format(at(g->day + 1) - 1, end);
	ck_status("head",
	    buf_addf(out,
		"{\"organization-name\":\"%s\",\"contact-info\":\"tls@x\","
		"\"report-id\":\"%u\",\"date-range\":{\"start-datetime\":"
		"\"%s\",\"end-datetime\":\"%s\"},",
		g->sender, records, start, end),
	    ST_OK);
	ck_status("policy",
	    buf_adds(out,
		"\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
		"\"policy-domain\":\"d.example\"},"),
	    ST_OK);
	ck_status("summary",
	    buf_addf(out,
		"\"summary\":{\"total-successful-session-count\":%u,"
		"\"total-failure-session-count\":%u},\"failure-details\":[",
		g->successful, g->failed * g->hosts),
	    ST_OK);
	print_failures(out, g);
	ck_status("tail", buf_adds(out, "]}]}"), ST_OK);
}

static void
give(const struct given *g)
{
	static struct report report;
	char sha256[ARCHIVE_SHA256_MAX], name[STATE_PATH_MAX];
	const struct state_report in = { &report, at(g->day + 1), name,
		sha256 };
	enum state_added added;
	struct buf buf;

	records++;
	(void)snprintf(name, sizeof name, "2024/10/04/x%u.json", records);
	buf_init(&buf, TEXT_MAX);
	print_report(&buf, g);
	ck_status(
	    "read", report_read(&report, buf.data, buf.len, 0, &fault), ST_OK);
	ck_status("sha256", archive_sha256(&buf, sha256), ST_OK);
	ck_status("add",
	    state_add(state, &in, conf, at(g->day + 1), NULL, &added, &fault),
	    ST_OK);
	ck_assert_int_eq(added, STATE_NEW);
	buf_free(&buf);
}

static void
settle(int64_t now)
{
	bool has_more = true;

	while (has_more)
		ck_status("settle",
		    state_settle(state, 8, now, NULL, &has_more, &fault),
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
	    state_problems(state, NULL, false, now, count_real, &count, &fault),
	    ST_OK);
	return count;
}

/*
 * Hiding.
 */

/* What has not opened, and is seen by nobody, leaves room for what opens. */
START_TEST(what_opens_is_kept)
{
	const struct given evil = { "Stranger", 1, 1000000, 1, "evil", 1100 };
	const struct given real = { "A", 2, 10, 990, "real", 1 };

	give(&evil);
	settle(at(2));
	give(&real);
	settle(at(3));
	ck_assert_uint_eq(count_of_real(at(3)), 1);
}
END_TEST

/* The same where two days are what it takes to open. */
START_TEST(what_may_open_is_kept)
{
	const struct given evil = { "Stranger", 1, 1000000, 1, "evil", 1100 };
	struct given real = { "A", 2, 1000000, 1, "real", 1 };

	give(&evil);
	settle(at(2));
	give(&real);
	settle(at(3));
	real.day++;
	give(&real);
	settle(at(4));
	ck_assert_uint_eq(count_of_real(at(4)), 1);
}
END_TEST

/* So does what is stale: nothing would ever remove it. */
START_TEST(what_is_stale_leaves_room)
{
	const struct given evil = { "Stranger", 1, 0, 100, "evil", 1100 };
	const struct given real = { "A", 20, 10, 990, "real", 1 };

	give(&evil);
	settle(at(2));
	ck_status("tick", state_tick(state, at(20), NULL, &fault), ST_OK);
	give(&real);
	settle(at(21));
	ck_assert_uint_eq(count_of_real(at(21)), 1);
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

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
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
	ck_status("tick", state_tick(state, now, &events, &fault), ST_OK);
	ck_assert_uint_eq(told, want);
}

START_TEST(many_go_stale_in_parts)
{
	const struct given evil = { "Stranger", 1, 0, 100, "evil", 250 };

	give(&evil);
	settle(at(2));
	tick(at(20), 250);
	tick(at(20), 0);
}
END_TEST

START_TEST(many_fall_silent_in_parts)
{
	char sender[32];
	struct given g = { sender, 0, 10, 0, "", 0 };

	for (unsigned i = 0; i < 250; i++) {
		(void)snprintf(sender, sizeof sender, "Stranger %u", i);
		for (g.day = 0; g.day < 5; g.day++)
			give(&g);
	}
	tick(at(20), 250);
	tick(at(20), 0);
}
END_TEST

/* So many at a time as are asked for, and no more behind them. */
START_TEST(problems_are_settled_in_parts)
{
	struct given g = { "A", 0, 10, 0, "mx", 0 };
	bool has_more;

	for (g.day = 0; g.day < 20; g.day++)
		give(&g);
	g.day = 1;
	g.failed = 5;
	g.hosts = 40;
	give(&g);
	ck_assert_int_ge(ask("SELECT count(*) FROM dirty"), 39);
	ck_status("settle",
	    state_settle(state, 4, at(21), NULL, &has_more, &fault), ST_OK);
	ck_assert(has_more);
	ck_assert_int_ge(ask("SELECT count(*) FROM dirty"), 35);
	ck_status("tick", state_tick(state, at(21), NULL, &fault), ST_OK);
	ck_assert_int_ge(ask("SELECT count(*) FROM dirty"), 35);
	settle(at(21));
	ck_assert_int_eq(ask("SELECT count(*) FROM dirty"), 0);
}
END_TEST

/* What ended before a problem began is no reason to look at it again. */
START_TEST(what_is_older_costs_nothing)
{
	struct given g = { "A", 100, 10, 90, "mx", 40 };

	give(&g);
	g.day = 105;
	give(&g);
	settle(at(106));
	g = (struct given){ "B", 1, 10, 0, "", 0 };
	give(&g);
	ck_assert_int_eq(ask("SELECT count(*) FROM dirty"), 0);
}
END_TEST

Suite *
statehostile_suite(void)
{
	Suite *suite = suite_create("statehostile");
	TCase *tcase = tcase_create("statehostile");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_opens_is_kept);
	tcase_add_test(tcase, what_may_open_is_kept);
	tcase_add_test(tcase, what_is_stale_leaves_room);
	tcase_add_test(tcase, many_go_stale_in_parts);
	tcase_add_test(tcase, many_fall_silent_in_parts);
	tcase_add_test(tcase, problems_are_settled_in_parts);
	tcase_add_test(tcase, what_is_older_costs_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}
