#define _GNU_SOURCE /* setresuid() */

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "rfc3339.h"
#include "state.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

enum {
	DAY0 = 20000, /* 2024-10-04 */
	REPORTS = 400,
	MANY = 20000,
	TEXT_MAX = 8192
};

static char path[600]; /* the state */
static struct conf *conf;
static struct state *state;
static struct fault fault;
static char told[4096]; /* events, a word each */

static int64_t
at(int64_t day)
{
	return (DAY0 + day) * PROBLEM_DAY;
}

static size_t evidence_max;

static void
open_state(void)
{
	struct state_options options;

	state_options(&options);
	options.busy_ms = 300;
	options.evidence_max = evidence_max;
	ck_assert_msg(state_open(&state, path, &options, &fault) == ST_OK, "%s",
	    fault.detail);
}

static void
setup(void)
{
	char directory[512];

	unit_directory(directory, sizeof directory);
	(void)snprintf(path, sizeof path, "%s/state.db", directory);
	conf = conf_new();
	told[0] = '\0';
	open_state();
}

static void
teardown(void)
{
	state_close(&state);
	conf_unref(&conf);
}

/*
 * Reports.
 */

/* A report of a day by a sender: one policy of each type that is named. */
struct given {
	const char *sender;
	int64_t day;
	unsigned successful;
	unsigned failed; /* of certificate-expired at mx1.example. */
	const char *types;
	const char *id;
	const char *contact;
	const char *domain;
};

static void
print_policy(char *out, size_t size, const struct given *g, const char *type)
{
	char details[256] = "";

	if (g->failed > 0)
		(void)snprintf(details, sizeof details,
		    ",\"failure-details\":[{\"result-type\":"
		    "\"certificate-expired\",\"receiving-mx-hostname\":"
		    "\"MX1.example.\",\"failed-session-count\":%u}]",
		    g->failed);
	(void)snprintf(out, size,
	    "{\"policy\":{\"policy-type\":\"%s\",\"policy-domain\":\"%s\"},"
	    "\"summary\":{\"total-successful-session-count\":%u,"
	    "\"total-failure-session-count\":%u}%s}",
	    type, g->domain != NULL ? g->domain : "d.example", g->successful,
	    g->failed, details);
}

static void
print_report(char *out, size_t size, const struct given *g)
{
	const char *types = g->types != NULL ? g->types : "sts";
	char policies[4096] = "", start[RFC3339_MAX], end[RFC3339_MAX];

	for (const char *type = types; *type != '\0';) {
		char word[32], policy[1024];
		size_t len = strcspn(type, " ");

		(void)snprintf(word, sizeof word, "%.*s", (int)len, type);
		print_policy(policy, sizeof policy, g, word);
		if (policies[0] != '\0')
			strcat(policies, ",");
		strcat(policies, policy);
		type += len + strspn(type + len, " ");
	}
	(void)rfc3339_format(at(g->day), start);
	(void)rfc3339_format(at(g->day + 1) - 1, end);
	(void)snprintf(out, size,
	    "{\"organization-name\":\"%s\",\"contact-info\":\"%s\","
	    "\"report-id\":\"%s-%lld\",\"date-range\":{\"start-datetime\":"
	    "\"%s\",\"end-datetime\":\"%s\"},\"policies\":[%s]}",
	    g->sender, g->contact != NULL ? g->contact : "tls@x.example",
	    g->id != NULL ? g->id : "i", (long long)g->day, start, end,
	    policies);
}

static void
note_problem(void *ctx, enum problem_change change,
    const struct state_problem *before, const struct state_problem *after)
{
	size_t len = strlen(told);

	(void)ctx;
	(void)before;
	(void)snprintf(told + len, sizeof told - len, "%s %s %s %s %s; ",
	    problem_change_str(change), after->policy_domain,
	    after->receiving_mx_hostname, after->policy_type,
	    after->result_type);
}

static void
note_silent(void *ctx, const struct state_reporter *reporter)
{
	size_t len = strlen(told);

	(void)ctx;
	(void)snprintf(told + len, sizeof told - len, "silent %s; ",
	    reporter->organization_name);
}

static const struct state_events events = { note_problem, note_silent, NULL };

static unsigned records; /* each added text is of another one */

static void
name_record(char out[STATE_PATH_MAX])
{
	(void)snprintf(out, STATE_PATH_MAX, "2024/10/04/x%u.json", records);
}

/* Add a text that was received at a time. */
static enum status
add_text(const char *text, int64_t received, enum state_added *added)
{
	static struct report report;
	char sha256[ARCHIVE_SHA256_MAX], name[STATE_PATH_MAX];
	struct state_report in = {
		.report = &report,
		.received = received,
		.path = name,
		.sha256 = sha256,
	};
	struct buf buf;
	enum status st;

	records++;
	name_record(name);
	buf_init(&buf, TEXT_MAX * 100);
	st = buf_adds(&buf, text);
	if (st == ST_OK)
		st = report_read(&report, buf.data, buf.len, 0, &fault);
	if (st == ST_OK)
		st = archive_sha256(&buf, sha256);
	if (st == ST_OK)
		st = state_add(
		    state, &in, conf, received, &events, added, &fault);
	buf_free(&buf);
	return st;
}

static enum status
try_given(const struct given *g, enum state_added *added)
{
	char text[TEXT_MAX];

	print_report(text, sizeof text, g);
	return add_text(text, at(g->day + 1) + 3600, added);
}

static enum state_added
give(const struct given *g)
{
	enum state_added added = STATE_NEW;
	enum status st = try_given(g, &added);

	ck_assert_msg(st == ST_OK, "%s: %s", status_str(st), fault.detail);
	return added;
}

/*
 * What the state says, as a text.
 */

static char said[65536];

static void
say(const char *text)
{
	size_t len = strlen(said);

	(void)snprintf(said + len, sizeof said - len, "%s\n", text);
}

static bool
say_sum(void *ctx, const struct state_sum *sum)
{
	char line[600];

	(void)snprintf(line, sizeof line, "%s%s %llu %llu %llu",
	    (const char *)ctx, sum->name, (unsigned long long)sum->reports,
	    (unsigned long long)sum->successful,
	    (unsigned long long)sum->failed);
	say(line);
	return true;
}

static bool
say_problem(void *ctx, const struct state_problem *p)
{
	const struct episode *e = &p->episode;
	char line[1200];

	(void)ctx;
	(void)snprintf(line, sizeof line,
	    "%s %s %s %s %s %lld-%lld %lld sessions %llu failed %llu in %llu "
	    "by %llu %s",
	    p->policy_domain, p->receiving_mx_hostname, p->policy_type,
	    p->result_type, problem_state_str(e->state),
	    (long long)(e->since / PROBLEM_DAY - DAY0),
	    (long long)(e->last / PROBLEM_DAY - DAY0),
	    (long long)(e->resolved == INT64_MAX ? e->newest
						 : e->resolved - at(0)),
	    (unsigned long long)e->sessions, (unsigned long long)e->failed,
	    (unsigned long long)e->sightings, (unsigned long long)e->reporters,
	    severity_str(e->severity));
	say(line);
	return true;
}

static bool
say_reporter(void *ctx, const struct state_reporter *reporter)
{
	char line[600];

	(void)ctx;
	(void)snprintf(line, sizeof line, "reporter %s %lld %llu",
	    reporter->organization_name, (long long)(reporter->newest - at(0)),
	    (unsigned long long)reporter->reports);
	say(line);
	return true;
}

static const char *const by_names[] = { "all ", "day ", "domain ", "mx ",
	"sender ", "result " };

/* Everything that can be asked. */
static void
say_all(int64_t now)
{
	const struct state_query queries[] = {
		{ 0, at(1000), NULL },
		{ at(3), at(9), "D.example." },
	};
	struct state_counts counts;
	char line[300];

	said[0] = '\0';
	for (size_t q = 0; q < ARRAY_LEN(queries); q++) {
		for (int by = 0; by <= STATE_BY_RESULT_TYPE; by++)
			ck_status("sums",
			    state_sums(state, (enum state_by)by, &queries[q],
				say_sum, (void *)(uintptr_t)by_names[by],
				&fault),
			    ST_OK);
	}
	ck_status("problems",
	    state_problems(state, NULL, true, now, say_problem, NULL, &fault),
	    ST_OK);
	ck_status("reporters",
	    state_reporters(state, say_reporter, NULL, &fault), ST_OK);
	ck_status("counts", state_counts(state, now, &counts, &fault), ST_OK);
	(void)snprintf(line, sizeof line,
	    "counts %llu %llu %llu %llu, %llu %llu, %llu %llu %llu %s %lld",
	    (unsigned long long)counts.reports,
	    (unsigned long long)counts.differing,
	    (unsigned long long)counts.reporters,
	    (unsigned long long)counts.domains,
	    (unsigned long long)counts.successful,
	    (unsigned long long)counts.failed, (unsigned long long)counts.open,
	    (unsigned long long)counts.stale,
	    (unsigned long long)counts.resolved, severity_str(counts.severity),
	    (long long)(counts.newest - at(0)));
	say(line);
}

#define ck_said(want)                                                          \
	ck_assert_msg(strstr(said, (want)) != NULL, "\"%s\" in\n%s", want, said)

/*
 * Adding.
 */

START_TEST(a_report_is_counted_once)
{
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };

	bool is_whole = true;

	ck_assert_int_eq(give(&g), STATE_NEW);
	ck_assert_int_eq(give(&g), STATE_KNOWN);
	state_close(&state);
	open_state();
	/* Nobody knows what the archive holds besides. */
	ck_status("whole", state_is_whole(state, &is_whole, &fault), ST_OK);
	ck_assert(!is_whole);
	ck_assert_int_eq(give(&g), STATE_KNOWN);
	say_all(at(2));
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
	ck_assert_int_eq(give(&g), STATE_NEW);
	g.id = "j";
	ck_assert_int_eq(give(&g), STATE_NEW);
	g.domain = "e.example";
	ck_assert_int_eq(give(&g), STATE_NEW);
}
END_TEST

/* Whoever finds a record in the archive that was added by another. */
START_TEST(a_record_is_present)
{
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };

	ck_assert_int_eq(give(&g), STATE_NEW);
	records--;
	ck_assert_int_eq(give(&g), STATE_PRESENT);
	say_all(at(2));
	ck_said("all  1 90 10\n");
}
END_TEST

/* A state that is to be whole, and of one archive, is neither made nor used. */
START_TEST(only_the_index_of_an_archive)
{
	struct state_options options;

	state_options(&options);
	state_close(&state);
	options.archive = "/nowhere";
	ck_status("not whole", state_open(&state, path, &options, &fault),
	    ST_STATE_DAMAGED);
	ck_assert_int_eq(unlink(path), 0);
	ck_status("absent", state_open(&state, path, &options, &fault),
	    ST_STATE_DAMAGED);
	ck_assert(!unit_exists(path));
	open_state();
	ck_status("sound", state_check(state, &fault), ST_OK);
}
END_TEST

/* Of several contents the first that was received counts, in any order. */
START_TEST(a_differing_report_counts_once)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	const int *order = orders[_i];
	char text[TEXT_MAX];
	enum state_added added;

	for (int i = 0; i < 3; i++) {
		struct given g = { "A", 1, 10 + (unsigned)order[i],
			(unsigned)order[i], NULL, NULL, NULL, NULL };

		print_report(text, sizeof text, &g);
		ck_status(
		    "add", add_text(text, at(2) + order[i], &added), ST_OK);
		ck_assert_int_eq(added, i == 0 ? STATE_NEW : STATE_DIFFERS);
		ck_status(
		    "again", add_text(text, at(2) + order[i], &added), ST_OK);
		ck_assert_int_eq(added, STATE_KNOWN);
	}
	say_all(at(2));
	ck_said("all  1 10 0\n");
	ck_said("counts 1 2 1 1, 10 0, 0 0 0 ");
	ck_assert_ptr_null(strstr(said, "certificate-expired"));
}
END_TEST

/* What no longer counts is not the latest of its reporter either. */
START_TEST(a_replaced_report_leaves_nothing)
{
	struct given other = { "A", 0, 5, 0, NULL, NULL, "j", NULL };
	struct given g = { "A", 5, 10, 0, NULL, NULL, "i", NULL };
	struct state_counts counts;
	enum state_added added;
	char text[TEXT_MAX];

	ck_assert_int_eq(give(&other), STATE_NEW);
	print_report(text, sizeof text, &g);
	ck_status("add", add_text(text, at(20), &added), ST_OK);
	g.successful++;
	print_report(text, sizeof text, &g);
	/* So early that its range is cut. */
	ck_status("add", add_text(text, at(3), &added), ST_OK);
	ck_assert_int_eq(added, STATE_DIFFERS);
	ck_status(
	    "counts", state_counts(state, at(21), &counts, &fault), ST_OK);
	ck_assert_int_eq(counts.received, at(3));
	ck_assert_int_eq(counts.newest, at(4));
}
END_TEST

/* One content that came twice, before another and after it: its first time. */
START_TEST(a_content_is_as_old_as_its_first_record)
{
	static const struct {
		unsigned failed;
		int64_t received;
	} record[] = { { 1, 7 }, { 2, 5 }, { 1, 3 } };
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct state_counts counts;
	char text[TEXT_MAX];
	enum state_added added;

	for (int i = 0; i < 3; i++) {
		int n = orders[_i][i];
		struct given g = { "A", 1, 10, record[n].failed, NULL, NULL,
			NULL, NULL };

		print_report(text, sizeof text, &g);
		ck_status("add",
		    add_text(text, at(2) + record[n].received, &added), ST_OK);
	}
	ck_status("counts", state_counts(state, at(3), &counts, &fault), ST_OK);
	ck_assert_int_eq(counts.received, at(2) + 3);
	say_all(at(2));
	ck_said("all  1 10 1\n");
	ck_said("mx mx1.example 1 0 1\n");
	ck_said("counts 1 1 1 1, 10 1, ");
}
END_TEST

/* Microsoft's. */
START_TEST(sessions_of_sts_and_tlsa_count_once)
{
	const struct given rows[] = {
		{ "M", 1, 90, 10, "sts tlsa", NULL, NULL, NULL },
		{ "N", 1, 90, 10, "sts no-policy-found", NULL, NULL, NULL },
		{ "O", 1, 90, 10, "sts sts", NULL, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)give(&rows[i]);
	say_all(at(2));
	ck_said("sender M 1 90 10\n");
	ck_said("sender N 1 180 20\n");
	ck_said("sender O 1 180 20\n");
	ck_said("mx mx1.example 3 0 50\n");
	/* But each is a problem. */
	ck_said("mx1.example sts certificate-expired open");
	ck_said("mx1.example tlsa certificate-expired open");
}
END_TEST

START_TEST(a_problem_lives)
{
	struct given g = { "A", 1, 990, 1, NULL, NULL, NULL, NULL };
	struct state_coverage coverage;
	const struct state_query query = { at(0), at(100), "d.example" };

	(void)give(&g);
	ck_string("notice", told, "");
	g.day = 2;
	(void)give(&g);
	ck_string("two days", told,
	    "problem-opened d.example mx1.example sts certificate-expired; ");
	told[0] = '\0';
	g.day = 3;
	g.failed = 500;
	(void)give(&g);
	ck_string("worse", told,
	    "problem-worse d.example mx1.example sts certificate-expired; ");
	told[0] = '\0';
	g.failed = 0;
	g.day = 4;
	(void)give(&g);
	ck_string("a day", told, "");
	ck_status("coverage",
	    state_coverage(state, &query, at(5), &coverage, &fault), ST_OK);
	ck_assert_uint_eq(coverage.days, 4);
	ck_assert_uint_eq(coverage.open, 1);
	ck_assert_int_eq(coverage.first, at(1));
	ck_assert_int_eq(coverage.last, at(4));
	ck_assert_uint_eq(coverage.failed, 502);
	g.day = 5;
	(void)give(&g);
	ck_string("two days", told,
	    "problem-resolved d.example mx1.example sts "
	    "certificate-expired; ");
	told[0] = '\0';
	/* A failure after that is the next. */
	g.day = 9;
	g.failed = 500;
	(void)give(&g);
	ck_status("tick", state_tick(state, at(16), &events, &fault), ST_OK);
	ck_status("tick", state_tick(state, at(17), &events, &fault), ST_OK);
	ck_status("tick", state_tick(state, at(18), &events, &fault), ST_OK);
	ck_string("next", told,
	    "problem-opened d.example mx1.example sts certificate-expired; "
	    "problem-stale d.example mx1.example sts certificate-expired; ");
	said[0] = '\0';
	ck_status("all",
	    state_problems(
		state, "D.EXAMPLE", true, at(18), say_problem, NULL, &fault),
	    ST_OK);
	ck_said("resolved 1-3 ");
	ck_said("stale 9-9 ");
	said[0] = '\0';
	ck_status("live",
	    state_problems(
		state, NULL, false, at(11), say_problem, NULL, &fault),
	    ST_OK);
	ck_said("open 9-9 ");
	ck_assert_ptr_null(strstr(said, "resolved"));
	ck_status("coverage",
	    state_coverage(state, &query, at(5), &coverage, &fault), ST_OK);
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
	struct given g = { "A", 5, 1, 0, "sts tlsa", NULL, NULL, NULL };
	char newest[STATE_PATH_MAX], found[STATE_PATH_MAX];
	int64_t end = 0;

	(void)give(&g);
	name_record(newest);
	/* Neither an older one, nor of another type or domain. */
	g.day = 3;
	(void)give(&g);
	g = (struct given){ "A", 7, 1, 0, "tlsa", "j", NULL, NULL };
	(void)give(&g);
	g = (struct given){ "A", 8, 1, 0, "sts", "k", NULL, "e.example" };
	(void)give(&g);
	ck_status("newest",
	    state_newest_path(state, "D.example.", "sts", found, &end, &fault),
	    ST_OK);
	ck_string("path", found, newest);
	ck_assert_int_eq(end, at(6) - 1);
	ck_status("none",
	    state_newest_path(
		state, "d.example", "no-policy-found", found, &end, &fault),
	    ST_OK);
	ck_string("none", found, "");
}
END_TEST

START_TEST(a_problem_has_reporters)
{
	const struct given rows[] = {
		{ "A", 1, 90, 10, NULL, NULL, NULL, NULL },
		{ "A", 2, 90, 10, NULL, NULL, NULL, NULL },
		{ "B", 1, 90, 10, NULL, NULL, NULL, NULL },
		{ "C", 1, 90, 0, NULL, NULL, NULL, NULL },
	};
	struct state_problem problem;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)give(&rows[i]);
	ck_status("problems",
	    state_problems(
		state, NULL, false, at(3), keep_problem, &problem, &fault),
	    ST_OK);
	said[0] = '\0';
	ck_status("reporters",
	    state_problem_reporters(
		state, &problem, say_reporter, NULL, &fault),
	    ST_OK);
	ck_string(
	    "reporters", said, "reporter A 259199 2\nreporter B 172799 1\n");
}
END_TEST

static bool
add_path(void *ctx, const char *record)
{
	size_t len = strlen(said);

	(void)snprintf(said + len, sizeof said - len, "%s ", record);
	return --*(int *)ctx > 0;
}

/* The latest first, and nothing that did not tell of it. */
START_TEST(a_problem_has_records)
{
	const struct given rows[] = {
		{ "A", 1, 90, 10, NULL, NULL, NULL, NULL },
		{ "A", 2, 90, 10, "sts tlsa", NULL, NULL, NULL },
		{ "B", 3, 90, 0, NULL, NULL, NULL, NULL },
		{ "C", 1, 90, 10, NULL, NULL, NULL, "e.example" },
		{ "D", 3, 0, 10, "tlsa", NULL, NULL, NULL },
	};
	char want[2 * STATE_PATH_MAX + 4], names[5][STATE_PATH_MAX];
	struct state_problem problem;
	int left = 100;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)give(&rows[i]);
		name_record(names[i]);
	}
	ck_status("problems",
	    state_problems(state, "d.example", false, at(3), keep_problem,
		&problem, &fault),
	    ST_OK);
	/* That of sts, whichever came first. */
	(void)text_copy(problem.policy_type, sizeof problem.policy_type, "sts");
	problem.episode.since = at(1);
	said[0] = '\0';
	ck_status("paths",
	    state_problem_paths(state, &problem, 10, add_path, &left, &fault),
	    ST_OK);
	(void)snprintf(want, sizeof want, "%s %s ", names[1], names[0]);
	ck_string("paths", said, want);
	/* No more than are asked for, or wanted. */
	for (int i = 0; i < 2; i++) {
		left = i == 0 ? 100 : 1;
		said[0] = '\0';
		ck_status("one",
		    state_problem_paths(state, &problem, i == 0 ? 1 : 10,
			add_path, &left, &fault),
		    ST_OK);
		(void)snprintf(want, sizeof want, "%s ", names[1]);
		ck_string("one", said, want);
	}
}
END_TEST

START_TEST(loop_noise_opens_nothing)
{
	struct given g = { "mail.self.example", 1, 0, 1, NULL, NULL, "", NULL };

	for (g.day = 1; g.day < 5; g.day++)
		(void)give(&g);
	ck_string("noise", told, "");
	say_all(at(5));
	ck_said("counts 4 0 1 1, 0 4, 0 0 0 ");
	g.day = 9;
	g.contact = "tls@self.example";
	(void)give(&g);
	ck_assert_str_ne(told, "");
}
END_TEST

START_TEST(silence_is_told_once)
{
	struct given daily = { "A", 1, 9, 0, NULL, NULL, NULL, NULL };
	struct given seldom = { "B", 1, 9, 0, NULL, NULL, NULL, NULL };

	for (int day = 1; day <= 7; day++) {
		daily.day = seldom.day = day;
		if (day != 3 && day != 4)
			(void)give(&daily);
		if (day % 2 == 1)
			(void)give(&seldom);
	}
	ck_status(
	    "tick", state_tick(state, at(11) - 100, &events, &fault), ST_OK);
	ck_string("not yet", told, "");
	ck_status("tick", state_tick(state, at(11), &events, &fault), ST_OK);
	ck_status("tick", state_tick(state, at(12), &events, &fault), ST_OK);
	ck_string("silent", told, "silent A; ");
	for (daily.day = 11; daily.day < 17; daily.day++)
		(void)give(&daily);
	ck_status("tick", state_tick(state, at(20), &events, &fault), ST_OK);
	ck_string("again", told, "silent A; silent A; ");
	/* What is long ago is not told. */
	for (daily.day = 21; daily.day < 29; daily.day++)
		(void)give(&daily);
	ck_status("tick", state_tick(state, at(90), &events, &fault), ST_OK);
	ck_string("history", told, "silent A; silent A; ");
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
	struct given g = { "A", 1, 90, 10, "sts tlsa", NULL, NULL, NULL };
	size_t count = 9, seen = 0;

	for (g.day = 1; g.day <= 8; g.day++)
		(void)give(&g);
	ck_status("forget",
	    state_forget(
		state, at(5), 3, at(9), count_path, &seen, &count, &fault),
	    ST_OK);
	ck_assert_uint_eq(count, 3);
	say_all(at(9));
	ck_said("all  5 450 50\n");
	ck_said("certificate-expired open 4-8 ");
	ck_status("forget",
	    state_forget(
		state, at(5), 99, at(9), count_path, &seen, &count, &fault),
	    ST_OK);
	ck_assert_uint_eq(count, 1);
	seen = 5;
	ck_status("refused",
	    state_forget(
		state, at(6), 99, at(9), count_path, &seen, &count, &fault),
	    ST_ARCHIVE);
	ck_assert_uint_eq(count, 0);
	say_all(at(9));
	ck_said("all  4 360 40\n");
	seen = 6;
	ck_status("all",
	    state_forget(
		state, at(99), 99, at(9), count_path, &seen, &count, &fault),
	    ST_OK);
	say_all(at(9));
	ck_string("nothing", said,
	    "all  0 0 0\nall  0 0 0\n"
	    "counts 0 0 0 0, 0 0, 0 0 0 info "
	    "-1728000000\n");
}
END_TEST

/*
 * In any order.
 */

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static const char *const senders[] = { "A", "B", "C" };
static const char *const type_lists[] = { "sts", "sts tlsa", "tlsa" };
static const char *const domains[] = { "d.example", "E.example" };

static void
draw_reports(struct given *g, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		g[i] = (struct given){
			.sender = senders[draw(ARRAY_LEN(senders))],
			.day = (int64_t)draw(40),
			.successful = (unsigned)draw(100),
			.failed = draw(4) == 0 ? (unsigned)draw(9) : 0,
			.types = type_lists[draw(ARRAY_LEN(type_lists))],
			.id = draw(2) == 0 ? "i" : "j",
			.contact = draw(3) == 0 ? "" : NULL,
			.domain = domains[draw(ARRAY_LEN(domains))],
		};
	}
}

static void
shuffle(struct given *g, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = draw(i);
		struct given other = g[i - 1];

		g[i - 1] = g[k];
		g[k] = other;
	}
}

/* One by one or in batches, in any order: the same, and as if made anew. */
/* With a bound on evidence: what is left is worked out two at a time. */
static void
settle_all(void)
{
	bool is_settled = true, has_more = true;

	ck_status("left", state_is_settled(state, &is_settled, &fault), ST_OK);
	ck_assert(!is_settled && state_is_unsettled(state));
	for (int i = 0; has_more; i++) {
		ck_assert_int_lt(i, 100);
		ck_status("settle",
		    state_settle(state, 2, at(41), NULL, &has_more, &fault),
		    ST_OK);
	}
	ck_status("none", state_is_settled(state, &is_settled, &fault), ST_OK);
	ck_assert(is_settled && !state_is_unsettled(state));
}

START_TEST(order_plays_no_part)
{
	static char first[sizeof said];
	struct given g[100];

	seed = UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)_i;
	draw_reports(g, ARRAY_LEN(g));
	for (int round = 0; round < 4; round++) {
		if (round == 3)
			ck_status("begin", state_begin(state, &fault), ST_OK);
		for (size_t i = 0; i < ARRAY_LEN(g); i++)
			(void)give(&g[i]);
		if (evidence_max > 0)
			settle_all();
		if (round == 3)
			ck_status("commit",
			    state_commit(state, at(41), NULL, &fault), ST_OK);
		ck_status(
		    "tick", state_tick(state, at(41), NULL, &fault), ST_OK);
		say_all(at(41));
		if (round == 0)
			memcpy(first, said, sizeof first);
		ck_assert_msg(
		    strcmp(said, first) == 0, "%s\nnot\n%s", said, first);
		ck_status(
		    "rebuild", state_rebuild(state, at(41), &fault), ST_OK);
		say_all(at(41));
		ck_assert_msg(
		    strcmp(said, first) == 0, "%s\nnot\n%s", said, first);
		shuffle(g, ARRAY_LEN(g));
		state_close(&state);
		ck_assert_int_eq(unlink(path), 0);
		evidence_max = round == 1 ? 7 : 0;
		open_state();
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
	ck_status("add", add_text(text.data, at(2), &added), ST_OK);
	buf_free(&text);
	ck_status("counts", state_counts(state, at(2), &counts, &fault), ST_OK);
	ck_assert_uint_eq(counts.reports, 1);
	ck_assert_uint_eq(counts.open, STATE_PROBLEMS_MAX);
	ck_assert_uint_eq(counts.failed, UINT64_C(1) << 40);
	said[0] = '\0';
	ck_status("reporters",
	    state_reporters(state, say_reporter, NULL, &fault), ST_OK);
	ck_said("reporter '; DROP TABLE report; -- ");
}
END_TEST

/*
 * What may happen to a file.
 */

static enum status
reopen(void)
{
	struct state_options options;

	state_close(&state);
	state_options(&options);
	options.busy_ms = 100;
	return state_open(&state, path, &options, &fault);
}

START_TEST(another_file_is_refused)
{
	sqlite3 *db;

	state_close(&state);
	unit_write(path,
	    BYTES("This is no database, and long enough for one. "
		  "This is no database, and long enough for one. "
		  "This is no database, and long enough for one."));
	ck_status("text", reopen(), ST_STATE_DAMAGED);
	ck_assert_ptr_null(state);
	ck_assert_int_eq(unlink(path), 0);
	ck_status("anew", reopen(), ST_OK);
	state_close(&state);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_status("version", reopen(), ST_STATE_VERSION);
	ck_assert_ptr_nonnull(strstr(fault.detail, "version 7"));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "PRAGMA application_id = 7", NULL, NULL, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_status("other", reopen(), ST_STATE_DAMAGED);
	(void)snprintf(path, sizeof path, "/nonexistent/state.db");
	ck_status("directory", reopen(), ST_STATE);
}
END_TEST

/* Pages in the middle overwritten: an error, never a crash. */
START_TEST(a_damaged_file_is_told)
{
	char garbage[4096];
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };
	enum state_added added;
	enum status st = ST_OK;
	struct stat sb;
	int fd;

	for (g.day = 1; g.day < 200; g.day++)
		(void)give(&g);
	state_close(&state);
	memset(garbage, 0x5a, sizeof garbage);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fstat(fd, &sb), 0);
	for (off_t page = 1; page < sb.st_size / 4096; page++)
		ck_assert_int_eq(
		    pwrite(fd, garbage, sizeof garbage, page * 4096),
		    (ssize_t)sizeof garbage);
	(void)close(fd);
	st = reopen();
	if (st == ST_OK)
		st = try_given(&g, &added);
	ck_status("damaged", st, ST_STATE_DAMAGED);
}
END_TEST

START_TEST(a_file_that_cannot_be_written)
{
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };
	struct state_options options;
	char directory[600];
	int status;
	pid_t pid;

	(void)give(&g);
	state_close(&state);
	ck_assert_int_eq(chmod(path, 0444), 0);
	(void)snprintf(directory, sizeof directory, "%.*s",
	    (int)(strrchr(path, '/') - path), path);
	ck_assert_int_eq(chmod(directory, 0755), 0);
	*strrchr(directory, '/') = '\0';
	ck_assert_int_eq(chmod(directory, 0755), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) == -1)
			_exit(99);
		state_options(&options);
		_exit((int)state_open(&state, path, &options, &fault));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_status("open", (enum status)WEXITSTATUS(status), ST_STATE);
}
END_TEST

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

START_TEST(a_lock_is_waited_for_in_vain)
{
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };
	enum state_added added;
	double begun;
	sqlite3 *db;

	(void)give(&g);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	g.day = 2;
	begun = seconds();
	ck_status("busy", try_given(&g, &added), ST_STATE_BUSY);
	begun = seconds() - begun;
	ck_assert_msg(begun > 0.2 && begun < 3, "%f s", begun);
	/* Reading goes on. */
	say_all(at(2));
	ck_said("all  1 90 10\n");
	ck_assert_int_eq(
	    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_assert_int_eq(give(&g), STATE_NEW);
}
END_TEST

/* The disk is full in the middle: all of a report, or nothing. */
START_TEST(a_full_disk_is_told)
{
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };
	struct rlimit full = { 300000, RLIM_INFINITY }, before;
	enum state_added added;
	enum status st = ST_OK;
	uint64_t kept = 0;
	char want[64];

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (; st == ST_OK && kept < 100000; g.day++) {
		st = try_given(&g, &added);
		kept += st == ST_OK;
	}
	ck_assert_msg(
	    st == ST_NO_SPACE, "%s: %s", status_str(st), fault.detail);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_uint_gt(kept, 0);
	(void)snprintf(want, sizeof want, "all  %llu %llu %llu\n",
	    (unsigned long long)kept, (unsigned long long)kept * 90,
	    (unsigned long long)kept * 10);
	say_all(at(2));
	ck_said(want);
	g.day--;
	ck_assert_int_eq(give(&g), STATE_NEW);
}
END_TEST

/* What a child does until it is killed. */
static void
add_for_ever(uint64_t from)
{
	seed = from;
	for (int64_t day = 0;; day = (day + 1) % 300) {
		struct given g = { senders[draw(3)], day, 50, (unsigned)draw(9),
			"sts tlsa", NULL, NULL, NULL };
		enum state_added added;

		(void)try_given(&g, &added);
	}
}

START_TEST(killed_while_adding)
{
	static char killed[sizeof said];

	for (unsigned round = 0; round < 20; round++) {
		const struct timespec wait = { 0,
			(long)(2 + round * 3) * 1000000 };
		pid_t pid;
		int status;

		state_close(&state);
		pid = fork();
		if (pid == 0) {
			open_state();
			add_for_ever(round + 1);
		}
		(void)nanosleep(&wait, NULL);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		open_state();
		ck_status(
		    "tick", state_tick(state, at(400), NULL, &fault), ST_OK);
		say_all(at(400));
		memcpy(killed, said, sizeof killed);
		ck_status(
		    "rebuild", state_rebuild(state, at(400), &fault), ST_OK);
		say_all(at(400));
		ck_assert_msg(
		    strcmp(said, killed) == 0, "%s\nnot\n%s", killed, said);
	}
	ck_assert_ptr_nonnull(strstr(said, "counts"));
	ck_assert_ptr_null(strstr(said, "counts 0 "));
}
END_TEST

START_TEST(two_processes_add_at_once)
{
	pid_t pid[2];

	state_close(&state);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] != 0)
			continue;
		open_state();
		for (int64_t day = 0; day < REPORTS / 2; day++) {
			struct given g = { senders[i], day, 9, 1, NULL, NULL,
				NULL, NULL };
			enum state_added added;

			while (try_given(&g, &added) == ST_STATE_BUSY)
				;
			/* And what both of them add. */
			g.sender = "C";
			while (try_given(&g, &added) == ST_STATE_BUSY)
				;
		}
		state_close(&state);
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		int status;

		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	open_state();
	say_all(at(REPORTS));
	ck_said("all  600 5400 600\n");
}
END_TEST

static void *
add_in_thread(void *arg)
{
	const char *sender = arg;

	for (int64_t day = 0; day < 50; day++) {
		static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
		struct given g = { sender, day, 9, 1, NULL, NULL, NULL, NULL };
		struct state_counts counts;
		enum state_added added;

		/* add_text() has one report; asking is free. */
		(void)pthread_mutex_lock(&one);
		(void)try_given(&g, &added);
		(void)pthread_mutex_unlock(&one);
		(void)state_counts(state, at(day), &counts, NULL);
	}
	return NULL;
}

START_TEST(threads_share_a_state)
{
	pthread_t thread[3];

	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, add_in_thread,
				     (void *)(uintptr_t)senders[i]),
		    0);
	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
	say_all(at(50));
	ck_said("all  150 1350 150\n");
}
END_TEST

/* Deleted under our hands: made anew, and not whole. */
START_TEST(a_file_that_is_gone_is_made_anew)
{
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };

	(void)give(&g);
	ck_assert_int_eq(unlink(path), 0);
	g.day = 2;
	ck_assert_int_eq(give(&g), STATE_NEW);
	say_all(at(3));
	ck_said("all  1 90 10\n");
}
END_TEST

/* The file that is open is overwritten, cut off, or without its log. */
static void
spoil_file(int how)
{
	char log[sizeof path + 4], garbage[8192];
	int fd;

	if (how == 0) {
		memset(garbage, 0x5a, sizeof garbage);
		fd = open(path, O_RDWR | O_CLOEXEC);
		ck_assert_int_ne(fd, -1);
		ck_assert_int_eq(write(fd, garbage, sizeof garbage),
		    (ssize_t)sizeof garbage);
		(void)close(fd);
	} else if (how == 1) {
		ck_assert_int_eq(truncate(path, 0), 0);
	} else {
		(void)snprintf(log, sizeof log, "%s-wal", path);
		ck_assert_int_eq(unlink(log), 0);
	}
}

/*
 * SQLite has it all in memory and would go on. The damage is told, and not
 * made good in part by what was still in the log: it remains, or what is empty
 * begins anew.
 */
START_TEST(a_file_spoilt_while_open_is_told)
{
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };
	enum state_added added;
	pid_t pid;
	int status;

	for (g.day = 1; g.day < 20; g.day++)
		(void)give(&g);
	/* By another process: ours would drop SQLite's locks of the file. */
	pid = fork();
	if (pid == 0) {
		spoil_file(_i);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_status("told", try_given(&g, &added), ST_STATE_DAMAGED);
	ck_assert_ptr_nonnull(strstr(fault.detail, path));
	if (_i == 0)
		ck_status("still", try_given(&g, &added), ST_STATE_DAMAGED);
	if (_i == 1) {
		ck_assert_int_eq(give(&g), STATE_NEW);
		say_all(at(30));
		ck_said("all  1 90 10\n");
	}
}
END_TEST

/* A batch is all or nothing, also when a part of it fails. */
START_TEST(a_batch_that_fails_is_undone)
{
	struct given g = { "A", 1, 90, 10, NULL, NULL, NULL, NULL };
	static struct report report;
	const struct state_report bad = { &report, at(1), "x", "no digits" };
	enum state_added added;

	ck_status("begin", state_begin(state, &fault), ST_OK);
	(void)give(&g);
	ck_status("refused",
	    state_add(state, &bad, conf, at(1), NULL, &added, &fault),
	    ST_STATE);
	g.day = 2;
	(void)give(&g);
	ck_string("not yet", told, "");
	ck_status("commit", state_commit(state, at(3), &events, &fault), ST_OK);
	ck_string("told", told,
	    "problem-opened d.example mx1.example sts certificate-expired; ");
	say_all(at(3));
	ck_said("all  2 180 20\n");
}
END_TEST

START_TEST(timing)
{
	const struct state_query week = { at(23), at(30), NULL };
	double begun = seconds(), took, sums;
	char domain[64];
	struct stat sb;

	ck_status("begin", state_begin(state, &fault), ST_OK);
	for (int i = 0; i < MANY; i++) {
		struct given g = { senders[i % 3], i / 3 % 30, 90, i % 50 == 0,
			"sts", NULL, NULL, domain };

		(void)snprintf(domain, sizeof domain, "d%d.example", i / 90);
		(void)give(&g);
	}
	ck_status("commit", state_commit(state, at(30), NULL, &fault), ST_OK);
	took = seconds() - begun;
	ck_assert_int_eq(stat(path, &sb), 0);
	printf("state: %d reports added in %.1f s (%.0f/s), %lld bytes each",
	    MANY, took, MANY / took, (long long)sb.st_size / MANY);
	said[0] = '\0';
	begun = seconds();
	for (int by = 0; by <= STATE_BY_RESULT_TYPE; by++)
		ck_status("sums",
		    state_sums(state, (enum state_by)by, &week, say_sum,
			(void *)(uintptr_t)by_names[by], &fault),
		    ST_OK);
	sums = seconds() - begun;
	begun = seconds();
	ck_status("problems",
	    state_problems(
		state, NULL, false, at(30), say_problem, NULL, &fault),
	    ST_OK);
	took = seconds() - begun;
	printf(", a week's sums %.1f ms, problems %.1f ms\n", 1000 * sums,
	    1000 * took);
	/* Generous, since the machine may be busy or the build a slow one. */
	ck_assert(sums < 1 && took < 1);
}
END_TEST

Suite *
state_suite(void)
{
	Suite *suite = suite_create("state");
	TCase *tcase = tcase_create("state");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_report_is_counted_once);
	tcase_add_test(tcase, a_record_is_present);
	tcase_add_test(tcase, only_the_index_of_an_archive);
	tcase_add_loop_test(tcase, a_differing_report_counts_once, 0, 6);
	tcase_add_loop_test(
	    tcase, a_content_is_as_old_as_its_first_record, 0, 6);
	tcase_add_test(tcase, a_replaced_report_leaves_nothing);
	tcase_add_test(tcase, sessions_of_sts_and_tlsa_count_once);
	tcase_add_test(tcase, a_problem_lives);
	tcase_add_test(tcase, the_newest_record_is_found);
	tcase_add_test(tcase, a_problem_has_reporters);
	tcase_add_test(tcase, a_problem_has_records);
	tcase_add_test(tcase, loop_noise_opens_nothing);
	tcase_add_test(tcase, silence_is_told_once);
	tcase_add_test(tcase, old_reports_are_forgotten);
	tcase_add_loop_test(tcase, order_plays_no_part, 0, 12);
	tcase_add_test(tcase, a_hostile_report_is_bounded);
	tcase_add_test(tcase, another_file_is_refused);
	tcase_add_test(tcase, a_damaged_file_is_told);
	tcase_add_test(tcase, a_file_that_cannot_be_written);
	tcase_add_test(tcase, a_lock_is_waited_for_in_vain);
	tcase_add_test(tcase, a_full_disk_is_told);
	tcase_add_test(tcase, killed_while_adding);
	tcase_add_test(tcase, two_processes_add_at_once);
	tcase_add_test(tcase, threads_share_a_state);
	tcase_add_test(tcase, a_file_that_is_gone_is_made_anew);
	tcase_add_loop_test(tcase, a_file_spoilt_while_open_is_told, 0, 3);
	tcase_add_test(tcase, a_batch_that_fails_is_undone);
	tcase_add_test(tcase, timing);
	suite_add_tcase(suite, tcase);
	return suite;
}
