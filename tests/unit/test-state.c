#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "suites.h"
#include "unit.h"

enum {
	MANY = 20000,
	SUMS_STEPS = 100000,
	PROBLEMS_STEPS = 10000,
	HOUR_MS = 3600000
};

/*
 * Adding.
 */

START_TEST(a_report_is_counted_once)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};

	bool is_whole = true;

	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
	ck_assert_int_eq(ledger_give(&g), STATE_KNOWN);
	state_close(&ledger.state);
	ledger_open();
	/* Nobody knows what the archive holds besides. */
	ck_status("whole",
	    state_is_whole(ledger.state, &is_whole, &ledger.fault), ST_OK);
	ck_assert(!is_whole);
	ck_assert_int_eq(ledger_give(&g), STATE_KNOWN);
	ledger_say_all(ledger_at(2));
	ck_said("all  1 90 10\n");
	ck_said("day 2024-10-05 1 90 10\n");
	ck_said("domain d.example 1 90 10\n");
	ck_said("mx mx1.example 1 0 10\n");
	ck_said("sender A 1 90 10\n");
	ck_said("result certificate-expired 1 0 10\n");
	ck_said("reporter A 172799 1\n");
	ck_said("d.example mx1.example sts certificate-expired open 1-1 ");
	ck_said("counts 1 0 1 1, 90 10, 1 0 0 err 172799\n");
	/* Another sender, another id, another domain: others. */
	g.sender = "B";
	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
	g.id = "j";
	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
	g.domain = "e.example";
	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
}
END_TEST

/* Whoever finds a record in the archive that was added by another. */
START_TEST(a_record_is_present)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};

	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
	ledger.records--;
	ck_assert_int_eq(ledger_give(&g), STATE_PRESENT);
	ledger_say_all(ledger_at(2));
	ck_said("all  1 90 10\n");
}
END_TEST

/* A state that is to be whole, and of one archive, is neither made nor used. */
START_TEST(only_the_index_of_an_archive)
{
	struct state_options options;

	state_options(&options);
	state_close(&ledger.state);
	options.archive = "/nowhere";
	ck_status("not whole",
	    state_open(&ledger.state, ledger.path, &options, &ledger.fault),
	    ST_STATE_DAMAGED);
	ck_assert_int_eq(unlink(ledger.path), 0);
	ck_status("absent",
	    state_open(&ledger.state, ledger.path, &options, &ledger.fault),
	    ST_STATE_DAMAGED);
	ck_assert(!unit_exists(ledger.path));
	ledger_open();
	ck_status("sound", state_check(ledger.state, &ledger.fault), ST_OK);
}
END_TEST

/* Of several contents the first that was received counts, in any order. */
START_TEST(a_differing_report_counts_once)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	const int *order = orders[_i];
	enum state_added added;

	for (int i = 0, first = 3; i < 3; i++) {
		struct ledger_report g = { .sender = "A",
			.day = 1,
			.successful = 10 + (unsigned)order[i],
			.failed = (unsigned)order[i] };

		ck_status("add",
		    ledger_try_at(&g, ledger_at(2) + order[i], &added), ST_OK);
		ck_assert_int_eq(added,
		    i == 0                 ? STATE_NEW
			: order[i] < first ? STATE_REPLACES
					   : STATE_DIFFERS);
		first = order[i] < first ? order[i] : first;
		ck_status("again",
		    ledger_try_at(&g, ledger_at(2) + order[i], &added), ST_OK);
		ck_assert_int_eq(added, STATE_KNOWN);
	}
	ledger_say_all(ledger_at(2));
	ck_said("all  1 10 0\n");
	ck_said("counts 1 2 1 1, 10 0, 0 0 0 ");
	ck_assert_ptr_null(strstr(ledger.said, "certificate-expired"));
}
END_TEST

/* Whoever is vouched for counts before who was first, in any order. */
START_TEST(the_highest_rank_counts)
{
	static const struct {
		enum rank rank;
		unsigned failed;
		int64_t received;
	} record[] = { { RANK_NOBODY, 5, 0 }, { RANK_SIGNER, 0, 4 },
		{ RANK_SIGNER, 7, 8 }, { RANK_STRANGER, 9, 2 } };
	enum state_added added;
	int best = -1;

	/* The fourth goes to any place among the other three. */
	for (int i = 0; i < 4; i++) {
		static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 },
			{ 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
		int place = _i / 6;
		int n = i == place ? 3 : orders[_i % 6][i - (i > place)];
		struct ledger_report g = { .sender = "A",
			.day = 1,
			.successful = 10,
			.failed = record[n].failed,
			.rank = record[n].rank };
		bool is_best = best == -1 ||
		    record[n].rank > record[best].rank ||
		    (record[n].rank == record[best].rank &&
			record[n].received < record[best].received);

		ck_status("add",
		    ledger_try_at(
			&g, ledger_at(2) + record[n].received, &added),
		    ST_OK);
		ck_assert_int_eq(added,
		    i == 0        ? STATE_NEW
			: is_best ? STATE_REPLACES
				  : STATE_DIFFERS);
		best = is_best ? n : best;
		ledger_say_all(ledger_at(2));
		/* What does not count leaves nothing. */
		ck_assert_int_eq(record[best].failed > 0,
		    strstr(ledger.said, "certificate-expired open") != NULL);
	}
	ck_said("all  1 10 0\n");
	ck_said("counts 1 3 1 1, 10 0, 0 0 0 ");
}
END_TEST

/* A content that stood aside, and is then vouched for. */
START_TEST(a_content_rises)
{
	struct ledger_report poison = {
		.sender = "A", .day = 1, .successful = 90
	};
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};
	enum state_added added;

	ck_assert_int_eq(ledger_give(&poison), STATE_NEW);
	g.late = 1;
	ck_assert_int_eq(ledger_give(&g), STATE_DIFFERS);
	ck_string("not told", ledger.told, "");
	g.rank = RANK_SIGNER;
	g.late = 2;
	ck_assert_int_eq(ledger_give(&g), STATE_RISES);
	ck_string("told", ledger.told,
	    "problem-opened d.example mx1.example sts certificate-expired; ");
	/* Nothing less vouched for, and nothing later, changes that. */
	ck_assert_int_eq(ledger_give(&poison), STATE_KNOWN);
	poison.rank = RANK_TOKEN;
	ck_assert_int_eq(ledger_give(&poison), STATE_KNOWN);
	g.late = 3;
	ck_assert_int_eq(ledger_give(&g), STATE_KNOWN);
	poison.successful--;
	ck_assert_int_eq(ledger_give(&poison), STATE_DIFFERS);
	/* The same that counts already, from somebody else. */
	g.rank = RANK_NAMED;
	ck_status("add", ledger_try(&g, &added), ST_OK);
	ck_assert_int_eq(added, STATE_KNOWN);
	ledger_say_all(ledger_at(2));
	ck_said("all  1 90 10\n");
	ck_said("counts 1 2 1 1, 90 10, 1 0 0 ");
}
END_TEST

/* Who was told of a problem that was made up hears that there is none. */
START_TEST(a_problem_is_taken_back)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};

	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
	g.rank = RANK_SIGNER;
	g.failed = 0;
	ck_assert_int_eq(ledger_give(&g), STATE_REPLACES);
	ck_string("told", ledger.told,
	    "problem-opened d.example mx1.example sts certificate-expired; "
	    "problem-resolved d.example mx1.example sts certificate-expired; ");
	ledger_say_all(ledger_at(2));
	ck_said("counts 1 1 1 1, 90 0, 0 0 0 ");
}
END_TEST

/* It is the one that was told as open, not one of long ago. */
START_TEST(the_latest_problem_is_taken_back)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};
	int64_t since[2];

	(void)ledger_give(&g);
	g.failed = 0;
	for (g.day = 2; g.day < 10; g.day++)
		(void)ledger_give(&g);
	ledger.told[0] = '\0';
	g.failed = 10;
	(void)ledger_give(&g);
	since[0] = ledger.last.episode.since;
	g.failed = 0;
	g.rank = RANK_SIGNER;
	ck_assert_int_eq(ledger_give(&g), STATE_REPLACES);
	ck_string("told", ledger.told,
	    "problem-opened d.example mx1.example sts certificate-expired; "
	    "problem-resolved d.example mx1.example sts certificate-expired; ");
	since[1] = ledger.last.episode.since;
	ck_assert_int_eq(since[0], ledger_at(10));
	ck_assert_int_eq(since[1], ledger_at(10));
	/* Of the one of long ago nothing is told. */
	g.day = 11;
	(void)ledger_give(&g);
	ck_assert_int_eq(ledger.last.episode.since, ledger_at(10));
}
END_TEST

/* What no longer counts is not the latest of its reporter either. */
START_TEST(a_replaced_report_leaves_nothing)
{
	struct ledger_report other = { .sender = "A",
		.day = 0,
		.successful = 5,
		.failed = 0,
		.contact = "j" };
	struct ledger_report g = { .sender = "A",
		.day = 5,
		.successful = 10,
		.failed = 0,
		.contact = "i" };
	struct state_counts counts;
	enum state_added added;

	ck_assert_int_eq(ledger_give(&other), STATE_NEW);
	ck_status("add", ledger_try_at(&g, ledger_at(20), &added), ST_OK);
	g.successful++;
	/* So early that its range is cut. */
	ck_status("add", ledger_try_at(&g, ledger_at(3), &added), ST_OK);
	ck_assert_int_eq(added, STATE_REPLACES);
	ck_status("counts",
	    state_counts(ledger.state, ledger_at(21), &counts, &ledger.fault),
	    ST_OK);
	ck_assert_int_eq(counts.received, ledger_at(3));
	ck_assert_int_eq(counts.newest, ledger_at(4));
}
END_TEST

/*
 * One content that came twice, before another and after it: its first time, or
 * that of its highest rank.
 */
START_TEST(one_record_stands_for_a_content)
{
	static const struct {
		unsigned failed;
		int64_t received;
		enum rank rank;
	} records[][3] = { { { 1, 7, RANK_NOBODY }, { 2, 5, RANK_NOBODY },
			       { 1, 3, RANK_NOBODY } },
		{ { 1, 4, RANK_TOKEN }, { 2, 5, RANK_TOKEN },
		    { 1, 3, RANK_NOBODY } },
		{ { 2, 7, RANK_TOKEN }, { 1, 5, RANK_TOKEN },
		    { 2, 3, RANK_NOBODY } } };
	static const int64_t received[] = { 3, 4, 5 };
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct state_counts counts;
	enum state_added added;

	for (int i = 0; i < 3; i++) {
		int n = orders[_i % 6][i];
		struct ledger_report g = { .sender = "A",
			.day = 1,
			.successful = 10,
			.failed = records[_i / 6][n].failed,
			.rank = records[_i / 6][n].rank };

		ck_status("add",
		    ledger_try_at(
			&g, ledger_at(2) + records[_i / 6][n].received, &added),
		    ST_OK);
	}
	ck_status("counts",
	    state_counts(ledger.state, ledger_at(3), &counts, &ledger.fault),
	    ST_OK);
	ck_assert_int_eq(counts.received, ledger_at(2) + received[_i / 6]);
	ledger_say_all(ledger_at(2));
	ck_said("all  1 10 1\n");
	ck_said("mx mx1.example 1 0 1\n");
	ck_said("counts 1 1 1 1, 10 1, ");
}
END_TEST

/* Microsoft's. */
START_TEST(sessions_of_sts_and_tlsa_count_once)
{
	const struct ledger_report rows[] = {
		{ .sender = "M",
		    .day = 1,
		    .successful = 90,
		    .failed = 10,
		    .types = "sts tlsa" },
		{ .sender = "N",
		    .day = 1,
		    .successful = 90,
		    .failed = 10,
		    .types = "sts no-policy-found" },
		{ .sender = "O",
		    .day = 1,
		    .successful = 90,
		    .failed = 10,
		    .types = "sts sts" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)ledger_give(&rows[i]);
	ledger_say_all(ledger_at(2));
	ck_said("sender M 1 90 10\n");
	ck_said("sender N 1 180 20\n");
	ck_said("sender O 1 180 20\n");
	ck_said("mx mx1.example 3 0 50\n");
	/* But each is a problem. */
	ck_said("mx1.example sts certificate-expired open");
	ck_said("mx1.example tlsa certificate-expired open");
}
END_TEST

static enum status
count_path(void *ctx, const char *record)
{
	ck_assert_int_eq(strncmp(record, "2024/10/04/x", 12), 0);
	(*(size_t *)ctx)++;
	return *(size_t *)ctx == 6 ? ST_ARCHIVE : ST_OK;
}

START_TEST(old_reports_are_forgotten)
{
	struct ledger_report g = { .sender = "A",
		.day = 1,
		.successful = 90,
		.failed = 10,
		.types = "sts tlsa" };
	size_t count = 9, seen = 0;

	for (g.day = 1; g.day <= 8; g.day++)
		(void)ledger_give(&g);
	ck_status("forget",
	    state_forget(ledger.state, ledger_at(5), 3, ledger_at(9),
		count_path, &seen, &count, &ledger.fault),
	    ST_OK);
	ck_assert_uint_eq(count, 3);
	ledger_say_all(ledger_at(9));
	ck_said("all  5 450 50\n");
	ck_said("certificate-expired open 4-8 ");
	ck_status("forget",
	    state_forget(ledger.state, ledger_at(5), 99, ledger_at(9),
		count_path, &seen, &count, &ledger.fault),
	    ST_OK);
	ck_assert_uint_eq(count, 1);
	seen = 5;
	ck_status("refused",
	    state_forget(ledger.state, ledger_at(6), 99, ledger_at(9),
		count_path, &seen, &count, &ledger.fault),
	    ST_ARCHIVE);
	ck_assert_uint_eq(count, 0);
	ledger_say_all(ledger_at(9));
	ck_said("all  4 360 40\n");
	seen = 6;
	ck_status("all",
	    state_forget(ledger.state, ledger_at(99), 99, ledger_at(9),
		count_path, &seen, &count, &ledger.fault),
	    ST_OK);
	ledger_say_all(ledger_at(9));
	ck_string("nothing", ledger.said,
	    "all  0 0 0\nall  0 0 0\n"
	    "counts 0 0 0 0, 0 0, 0 0 0 info "
	    "-1728000000\n");
}
END_TEST

/*
 * In any order.
 */

static const char *const type_lists[] = { "sts", "sts tlsa", "tlsa" };
static const char *const domains[] = { "d.example", "E.example" };

static void
draw_reports(struct ledger_report *g, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		g[i] = (struct ledger_report){
			.sender = ledger_senders[ledger_draw(
			    ARRAY_LEN(ledger_senders))],
			.day = (int64_t)ledger_draw(40),
			.successful = (unsigned)ledger_draw(100),
			.failed =
			    ledger_draw(4) == 0 ? (unsigned)ledger_draw(9) : 0,
			.types = type_lists[ledger_draw(ARRAY_LEN(type_lists))],
			.id = ledger_draw(2) == 0 ? "i" : "j",
			.contact = ledger_draw(3) == 0 ? "" : NULL,
			.domain = domains[ledger_draw(ARRAY_LEN(domains))],
			.rank = (enum rank)ledger_draw(RANK_NAMED + 1),
			.late = (unsigned)ledger_draw(3),
		};
		/* Many with another content, some with the same. */
		if (i > 0 && ledger_draw(3) == 0) {
			const struct ledger_report *other = &g[ledger_draw(i)];

			g[i].sender = other->sender;
			g[i].day = other->day;
			g[i].id = other->id;
			g[i].domain = other->domain;
		} else if (i > 0 && ledger_draw(5) == 0) {
			enum rank rank = g[i].rank;

			g[i] = g[ledger_draw(i)];
			g[i].rank = rank;
		}
	}
}

static void
shuffle(struct ledger_report *g, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = ledger_draw(i);
		struct ledger_report other = g[i - 1];

		g[i - 1] = g[k];
		g[k] = other;
	}
}

/* With a bound on evidence, of each report or of all together: what is left is
   worked out two at a time. */
static void
settle_all(void)
{
	bool is_settled = true, has_more = true;

	ck_status("left",
	    state_is_settled(ledger.state, &is_settled, &ledger.fault), ST_OK);
	ck_assert(!is_settled && state_is_unsettled(ledger.state));
	for (int i = 0; has_more; i++) {
		ck_assert_int_lt(i, 100);
		ck_status("settle",
		    state_settle(ledger.state, 2, ledger_at(41), NULL,
			&has_more, &ledger.fault),
		    ST_OK);
	}
	ck_status("none",
	    state_is_settled(ledger.state, &is_settled, &ledger.fault), ST_OK);
	ck_assert(is_settled && !state_is_unsettled(ledger.state));
}

/* One by one or in batches, in any order: the same, and as if made anew. */
START_TEST(order_plays_no_part)
{
	static char first[sizeof ledger.said];
	struct ledger_report g[100];

	ledger.seed = UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)_i;
	draw_reports(g, ARRAY_LEN(g));
	for (int round = 0; round < 5; round++) {
		if (round == 4)
			ck_status("begin",
			    state_begin(ledger.state, &ledger.fault), ST_OK);
		for (size_t i = 0; i < ARRAY_LEN(g); i++)
			(void)ledger_give(&g[i]);
		if (ledger.evidence_max > 0)
			settle_all();
		if (round == 4)
			ck_status("commit",
			    state_commit(ledger.state, ledger_at(41), NULL,
				&ledger.fault),
			    ST_OK);
		ck_status("tick",
		    state_tick(
			ledger.state, ledger_at(41), NULL, &ledger.fault),
		    ST_OK);
		ledger_say_all(ledger_at(41));
		if (round == 0)
			memcpy(first, ledger.said, sizeof first);
		ck_assert_msg(strcmp(ledger.said, first) == 0, "%s\nnot\n%s",
		    ledger.said, first);
		ck_status("rebuild",
		    state_rebuild(ledger.state, ledger_at(41), &ledger.fault),
		    ST_OK);
		ledger_say_all(ledger_at(41));
		ck_assert_msg(strcmp(ledger.said, first) == 0, "%s\nnot\n%s",
		    ledger.said, first);
		shuffle(g, ARRAY_LEN(g));
		state_close(&ledger.state);
		ck_assert_int_eq(unlink(ledger.path), 0);
		ledger.evidence_max = round == 1 || round == 2 ? 7 : 0;
		ledger.evidence_ms = round == 2 ? HOUR_MS : 0;
		ledger_open();
	}
}
END_TEST

START_TEST(a_hostile_report_is_bounded)
{
	struct buf text;
	enum state_added added;
	struct state_counts counts;

	buf_init(&text, 1 << 22);
	ck_status("head",
	    buf_adds(&text,
		"{\"organization-name\":\"'; DROP TABLE report; --\","
		"\"report-id\":\"\\u0000\",\"policies\":[{\"policy\":{"
		"\"policy-type\":\"sts\",\"policy-domain\":\"x\"},"
		"\"summary\":{\"total-successful-session-count\":"
		"9007199254740991,\"total-failure-session-count\":"
		"9007199254740991},\"failure-details\":["),
	    ST_OK);
	for (int i = 0; i < 5000; i++)
		ck_status("failure",
		    buf_addf(&text,
			"%s{\"result-type\":\"x\",\"receiving-mx-hostname\":"
			"\"h%d\",\"failed-session-count\":9007199254740991}",
			i > 0 ? "," : "", i),
		    ST_OK);
	ck_status("tail", buf_adds(&text, "]}]}"), ST_OK);
	ck_status("add", ledger_add(text.data, ledger_at(2), &added), ST_OK);
	buf_free(&text);
	ck_status("counts",
	    state_counts(ledger.state, ledger_at(2), &counts, &ledger.fault),
	    ST_OK);
	ck_assert_uint_eq(counts.reports, 1);
	ck_assert_uint_eq(counts.open, STATE_PROBLEMS_MAX);
	ck_assert_uint_eq(counts.failed, UINT64_C(1) << 40);
	ledger.said[0] = '\0';
	ck_status("reporters",
	    state_reporters(
		ledger.state, ledger_say_reporter, NULL, &ledger.fault),
	    ST_OK);
	ck_said("reporter '; DROP TABLE report; -- ");
}
END_TEST

/* A batch is all or nothing, also when a part of it fails. */
START_TEST(a_batch_that_fails_is_undone)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};
	static struct report report;
	const struct state_report bad = { &report, ledger_at(1), "x",
		"no digits", RANK_NOBODY };
	enum state_added added;

	ck_status("begin", state_begin(ledger.state, &ledger.fault), ST_OK);
	(void)ledger_give(&g);
	ck_status("refused",
	    state_add(ledger.state, &bad, ledger.conf, ledger_at(1), NULL,
		&added, &ledger.fault),
	    ST_STATE);
	g.day = 2;
	(void)ledger_give(&g);
	ck_string("not yet", ledger.told, "");
	ck_status("commit",
	    state_commit(
		ledger.state, ledger_at(3), &ledger_events, &ledger.fault),
	    ST_OK);
	ck_string("told", ledger.told,
	    "problem-opened d.example mx1.example sts certificate-expired; ");
	ledger_say_all(ledger_at(3));
	ck_said("all  2 180 20\n");
}
END_TEST

/*
 * What a question costs: steps of SQLite's machine, which no other load
 * changes.
 */

static uint64_t steps;

static int
count_steps(unsigned what, void *ctx, void *stmt, void *took)
{
	(void)what;
	(void)ctx;
	(void)took;
	steps +=
	    (uint64_t)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
	return 0;
}

static int
watch(sqlite3 *db, char **why, const struct sqlite3_api_routines *api)
{
	(void)why;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, count_steps, NULL);
}

/* All sums of the days from one to another. */
static uint64_t
cost_of_sums(int64_t from, int64_t to)
{
	const struct state_query query = { ledger_at(from), ledger_at(to),
		NULL };

	steps = 0;
	for (int by = 0; by <= STATE_BY_RESULT_TYPE; by++) {
		ledger.said[0] = '\0';
		ck_status("sums",
		    state_sums(ledger.state, (enum state_by)by, &query,
			ledger_say_sum, (void *)(uintptr_t) "", &ledger.fault),
		    ST_OK);
	}
	return steps;
}

/* Of the days that are asked for, not of all that there are. */
START_TEST(questions_cost_what_they_ask_for)
{
	uint64_t week, all;
	char domain[64];

	ck_status("begin", state_begin(ledger.state, &ledger.fault), ST_OK);
	for (int i = 0; i < MANY; i++) {
		struct ledger_report g = {
			.sender = ledger_senders[i % 3],
			.day = i / 3 % 30,
			.successful = 90,
			.failed = i % 50 == 0,
			.domain = domain,
		};

		(void)snprintf(domain, sizeof domain, "d%d.example", i / 90);
		(void)ledger_give(&g);
	}
	ck_status("commit",
	    state_commit(ledger.state, ledger_at(30), NULL, &ledger.fault),
	    ST_OK);
	state_close(&ledger.state);
	ck_assert_int_eq(
	    sqlite3_auto_extension((void (*)(void))watch), SQLITE_OK);
	ledger_open();
	week = cost_of_sums(23, 29);
	all = cost_of_sums(0, 29);
	steps = 0;
	ck_status("problems",
	    state_problems(ledger.state, NULL, false, ledger_at(30),
		ledger_say_problem, NULL, &ledger.fault),
	    ST_OK);
	printf("state: %d reports in 30 days; sums of a week %llu steps, of "
	       "all %llu, problems %llu\n",
	    MANY, (unsigned long long)week, (unsigned long long)all,
	    (unsigned long long)steps);
	ck_assert_uint_gt(week, 0);
	ck_assert_uint_lt(week, SUMS_STEPS);
	ck_assert_uint_lt(2 * week, all);
	ck_assert_uint_lt(steps, PROBLEMS_STEPS);
}
END_TEST

Suite *
state_suite(void)
{
	Suite *suite = suite_create("state");
	TCase *tcase = tcase_create("state");

	tcase_add_checked_fixture(tcase, ledger_setup, ledger_teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_report_is_counted_once);
	tcase_add_test(tcase, a_record_is_present);
	tcase_add_test(tcase, only_the_index_of_an_archive);
	tcase_add_loop_test(tcase, a_differing_report_counts_once, 0, 6);
	tcase_add_loop_test(tcase, the_highest_rank_counts, 0, 24);
	tcase_add_test(tcase, a_content_rises);
	tcase_add_test(tcase, a_problem_is_taken_back);
	tcase_add_test(tcase, the_latest_problem_is_taken_back);
	tcase_add_test(tcase, a_replaced_report_leaves_nothing);
	tcase_add_loop_test(tcase, one_record_stands_for_a_content, 0, 18);
	tcase_add_test(tcase, sessions_of_sts_and_tlsa_count_once);
	tcase_add_test(tcase, old_reports_are_forgotten);
	tcase_add_loop_test(tcase, order_plays_no_part, 0, 12);
	tcase_add_test(tcase, a_hostile_report_is_bounded);
	tcase_add_test(tcase, a_batch_that_fails_is_undone);
	tcase_add_test(tcase, questions_cost_what_they_ask_for);
	suite_add_tcase(suite, tcase);
	return suite;
}
