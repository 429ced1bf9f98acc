#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "inject.h"
#include "reading.h"
#include "reindex.h"
#include "rfc3339.h"
#include "suites.h"
#include "unit.h"

enum {
	DAY0 = 20000,
	RECORDS = 250,
	NOW = (DAY0 + 60)
};

static char top[512];
static char archive[600];
static char path[600];
static struct conf *conf;
static struct state_options options;
static struct fault fault;
static unsigned faults;
static char complaint[400];

static int64_t
at(int64_t day)
{
	return day * PROBLEM_DAY;
}

static void
setup(void)
{
	unit_directory(top, sizeof top);
	(void)snprintf(archive, sizeof archive, "%s/archive", top);
	(void)snprintf(path, sizeof path, "%s/state.db", top);
	ck_status("archive", archive_check(archive, NULL), ST_OK);
	conf = conf_new();
	state_options(&options);
	options.busy_ms = 500;
	faults = 0;
}

static void
teardown(void)
{
	conf_unref(&conf);
}

static struct archived archived; /* what store() has made */

/* A record as the milter stores it. */
static void
store(unsigned i, bool is_unverified)
{
	struct record record = {
		.submitter = "x.example",
		.is_unverified = is_unverified,
	};
	static struct reading reading;
	char start[RFC3339_MAX], end[RFC3339_MAX];
	struct buf text;

	(void)rfc3339_format(at(DAY0 + i / 10), start);
	(void)rfc3339_format(at(DAY0 + i / 10 + 1) - 1, end);
	buf_init(&text, 1 << 16);
	ck_status("head",
	    buf_addf(&text,
		"{\"organization-name\":\"O%u\",\"contact-info\":\"c@x\","
		"\"report-id\":\"%u\",\"date-range\":{\"start-datetime\":"
		"\"%s\",",
		i % 10, i, start),
	    ST_OK);
	ck_status("range",
	    buf_addf(&text,
		"\"end-datetime\":\"%s\"},\"policies\":[{\"policy\":{"
		"\"policy-type\":\"sts\",\"policy-domain\":\"d%u.example\"},",
		end, i % 3),
	    ST_OK);
	ck_status("summary",
	    buf_addf(&text,
		"\"summary\":{\"total-successful-session-count\":9,"
		"\"total-failure-session-count\":%u},\"failure-details\":[",
		i % 4 == 0),
	    ST_OK);
	if (i % 4 == 0)
		ck_status("failure",
		    buf_adds(&text,
			"{\"result-type\":\"certificate-expired\","
			"\"failed-session-count\":1}"),
		    ST_OK);
	ck_status("tail", buf_adds(&text, "]}]}"), ST_OK);
	ck_status("read",
	    report_read(&reading.report, text.data, text.len, 0, &fault),
	    ST_OK);
	ck_status("assess",
	    assess_report(&reading.report, conf, &reading.assessment), ST_OK);
	record.received = at(DAY0 + i / 10 + 1) + 3600;
	record.report = &reading.report;
	record.assessment = &reading.assessment;
	record.text = &text;
	ck_assert_msg(
	    archive_store(archive, &record, NULL, &archived, &fault) == ST_OK,
	    "%s", fault.detail);
	buf_free(&text);
}

static void
store_all(void)
{
	for (unsigned i = 0; i < RECORDS; i++)
		store(i, false);
	store(1000, true);
}

static void
note_fault(void *ctx, const char *record, const struct fault *why)
{
	(void)ctx;
	faults++;
	(void)snprintf(complaint, sizeof complaint, "%s: %s", record,
	    status_str(why->status));
}

static enum status
stop(void *ctx, const struct reindex_progress *progress)
{
	*(struct reindex_progress *)ctx = *progress;
	return ST_NO_SPACE;
}

static const struct reindex_handler handler = { .fault = note_fault };

static enum status
run(struct reindex_progress *progress)
{
	return reindex(path, archive, conf, &options, INT64_MAX, at(NOW),
	    &handler, progress, &fault);
}

static void
ck_reports(struct state *state, uint64_t reports)
{
	struct state_counts counts;

	ck_status(
	    "counts", state_counts(state, at(NOW), &counts, &fault), ST_OK);
	ck_assert_uint_eq(counts.reports, reports);
	ck_assert_uint_eq(counts.successful, 9 * reports);
}

/* A file that is whole has all of the archive. */
static bool
is_whole_file(void)
{
	struct state *state;
	bool is_whole;

	ck_assert_msg(state_open(&state, path, &options, &fault) == ST_OK, "%s",
	    fault.detail);
	ck_status("whole", state_is_whole(state, &is_whole, &fault), ST_OK);
	state_close(&state);
	return is_whole;
}

static void
ck_file(uint64_t reports)
{
	struct state *state;

	ck_assert_msg(state_open(&state, path, &options, &fault) == ST_OK, "%s",
	    fault.detail);
	ck_reports(state, reports);
	state_close(&state);
}

/* Nothing but the state and what SQLite keeps beside it. */
static void
ck_nothing_left(void)
{
	char name[700];

	(void)snprintf(name, sizeof name, "%s.new", path);
	ck_assert(!unit_exists(name));
	(void)snprintf(name, sizeof name, "%s.new-wal", path);
	ck_assert(!unit_exists(name));
}

START_TEST(a_state_is_made_from_the_archive)
{
	struct reindex_progress progress;

	store_all();
	ck_assert_msg(run(&progress) == ST_OK, "%s", fault.detail);
	ck_assert_uint_eq(progress.added, RECORDS);
	ck_assert_uint_eq(progress.faults, 0);
	ck_assert_uint_eq(progress.days, RECORDS / 10);
	ck_assert_uint_eq(progress.days_all, RECORDS / 10);
	ck_assert(is_whole_file());
	ck_file(RECORDS);
	ck_nothing_left();
}
END_TEST

START_TEST(an_empty_archive_gives_an_empty_state)
{
	struct reindex_progress progress;

	ck_status("empty", run(&progress), ST_OK);
	ck_assert_uint_eq(progress.records, 0);
	ck_file(0);
	(void)snprintf(archive, sizeof archive, "%s/none", top);
	ck_status("missing", run(&progress), ST_ARCHIVE);
	ck_file(0);
	ck_nothing_left();
}
END_TEST

static void
put(const char *name, const char *text)
{
	char whole[700];

	(void)snprintf(whole, sizeof whole, "%s/%s", archive, name);
	unit_write(whole, text, strlen(text));
}

/* Of two records of one report, the one with this in its head counts. */
static void
ck_counts(const char *better, const char *other)
{
	char text[2000], newest[STATE_PATH_MAX];
	struct reindex_progress progress;
	struct state *state;
	int64_t end;

	for (int i = 0; i < 2; i++) {
		/* The other was there first. */
		(void)snprintf(text, sizeof text,
		    "{\"received\":\"2024-10-0%dT00:00:00Z\",%s,\"sha256\":"
		    "\"%064d\",\"report\":{\"organization-name\":"
		    "\"Google Inc.\",\"contact-info\":\"us@evil.example\","
		    "\"report-id\":\"1\",\"date-range\":{"
		    "\"start-datetime\":\"2024-10-04T00:00:00Z\","
		    "\"end-datetime\":\"2024-10-04T23:59:59Z\"},"
		    "\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
		    "\"policy-domain\":\"d.example\"}}]}}",
		    6 - i, i == 0 ? better : other, i);
		put(i == 0 ? "2024/10/04/a.json" : "2024/10/04/b.json", text);
	}
	ck_assert_msg(run(&progress) == ST_OK, "%s", fault.detail);
	ck_assert_uint_eq(progress.added, 1);
	ck_assert_uint_eq(progress.differing, 1);
	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
	ck_status("newest",
	    state_newest_path(state, "d.example", "sts", newest, &end, &fault),
	    ST_OK);
	ck_assert_msg(strcmp(newest, "2024/10/04/a.json") == 0,
	    "%s goes before %s", other, better);
	state_close(&state);
}

/* As their records tell, from the worst to the best. */
START_TEST(who_is_vouched_for_counts)
{
	static const char *const heads[] = {
		"\"auth\":\"none\"",
		"\"submitter\":\"google.com\",\"dkim\":{\"result\":\"pass\","
		"\"domain\":\"stranger.example\",\"selector\":\"s\"}",
		"\"submitter\":\"unknown\",\"auth\":\"path\"",
		"\"submitter\":\"google.com\",\"dkim\":{\"result\":\"pass\","
		"\"domain\":\"evil.example\",\"dnssec\":\"secure\"}",
		"\"dkim\":{\"result\":\"pass\",\"domain\":\"google.com\"}",
	};
	static const char *const nobodys[] = {
		"\"dkim\":{\"result\":\"fail\",\"domain\":\"google.com\"}",
		"\"dkim\":\"pass\"",
		"\"dkim\":{\"result\":{\"result\":\"pass\"},"
		"\"domain\":\"google.com\"}",
		"\"submitter\":\"google.com\"",
		"\"auth\":1",
		"\"auth\":\"none\",\"dkim\":{\"result\":\"pass\","
		"\"domain\":\"google.com\"}",
	};

	char name[sizeof archive + sizeof archived.path];

	/* Whose directory stays. */
	store(0, false);
	(void)snprintf(name, sizeof name, "%s/%s", archive, archived.path);
	ck_assert_int_eq(unlink(name), 0);
	for (size_t i = 1; i < ARRAY_LEN(heads); i++)
		ck_counts(heads[i], heads[i - 1]);
	for (size_t i = 0; i < ARRAY_LEN(nobodys); i++)
		ck_counts(heads[1], nobodys[i]);
	ck_counts("\"auth\":\"proxy\"", heads[3]);
}
END_TEST

START_TEST(what_is_no_record_is_passed_over)
{
	struct reindex_progress progress;
	char name[700];

	store(0, false);
	(void)snprintf(name, sizeof name, "%s/2024/10/04", archive);
	ck_assert(unit_exists(name));
	put("2024/10/04/a.json", "");
	put("2024/10/04/b.json", "{");
	put("2024/10/04/c.json", "{\"report\":{}}");
	put("2024/10/04/d.json", "[]");
	put("2024/10/04/e.json",
	    "{\"received\":\"2024-10-05T00:00:00Z\",\"sha256\":"
	    "\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
	    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\",\"report\":{\"policies\":[]}"
	    "}");
	put("2024/10/04/f.txt", "{");
	put("2024/x.json", "{");
	(void)snprintf(name, sizeof name, "%s/2024/10/04/g.json", archive);
	ck_assert_int_eq(mkdir(name, 0700), 0);
	(void)snprintf(name, sizeof name, "%s/2024/10/04/h.json", archive);
	ck_assert_int_eq(mkfifo(name, 0700), 0);
	ck_assert_msg(run(&progress) == ST_OK, "%s", fault.detail);
	ck_assert_uint_eq(progress.added, 1);
	ck_assert_uint_eq(faults, progress.faults);
	/* Both walks see them, as they are new; old ones only the first. */
	ck_assert_uint_eq(faults, 5);
	ck_file(1);
}
END_TEST

/*
 * A year, a month, a day, a record that cannot be opened: left out and told,
 * and the rest is added. Only the archive itself has to be there.
 */
START_TEST(what_cannot_be_opened_is_passed_over)
{
	static const char *const first[] = { "2024: archive",
		"2024/10: archive", "2024/10/04: archive" };
	struct reindex_progress progress;
	bool has_struck = true;

	for (unsigned i = 0; i < 30; i++)
		store(i, false);
	for (unsigned n = 1; has_struck; n++) {
		struct state *state;
		enum status st;

		(void)unlink(path);
		ck_status(
		    "open", state_open(&state, path, &options, &fault), ST_OK);
		faults = 0;
		complaint[0] = '\0';
		inject_arm(INJECT_FILE, n);
		st = reindex_missing(state, archive, 0, conf, at(NOW), &handler,
		    NULL, &progress, &fault);
		has_struck = inject_disarm();
		/* The directory of the archive, and it read. */
		ck_status("walk", st, n <= 2 ? ST_ARCHIVE : ST_OK);
		ck_assert_uint_eq(faults, has_struck && n > 2);
		if (n > 2)
			ck_assert_uint_eq(progress.faults, faults);
		if (n >= 3 && n <= 5)
			ck_string("named", complaint, first[n - 3]);
		if (n > 5 && has_struck)
			ck_assert_ptr_nonnull(strstr(complaint, ": archive"));
		/* Each of the three days has ten. */
		if (n == 3 || n == 4)
			ck_reports(state, 0);
		else if (n > 4 && has_struck)
			ck_reports(state,
			    strstr(complaint, ".json") != NULL ? 29 : 20);
		else if (n > 4)
			ck_reports(state, 30);
		state_close(&state);
	}
}
END_TEST

/* The same of records that are given by their paths. */
START_TEST(a_path_that_cannot_be_opened_is_told)
{
	char name[3][ARCHIVE_PATH_MAX];
	const char *paths[3] = { name[0], name[1], name[2] };
	struct reindex_progress progress;
	char expected[ARCHIVE_PATH_MAX + 20];
	struct state *state;
	enum status st;

	for (unsigned i = 0; i < 3; i++) {
		store(i, false);
		memcpy(name[i], archived.path, sizeof name[i]);
	}
	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
	inject_arm(INJECT_FILE, 3);
	st = reindex_paths(state, archive, paths, 3, conf, at(NOW), &handler,
	    &progress, &fault);
	ck_assert(inject_disarm());
	ck_status("paths", st, ST_OK);
	ck_assert_uint_eq(progress.faults, 1);
	(void)snprintf(expected, sizeof expected, "%s: archive", name[1]);
	ck_string("named", complaint, expected);
	ck_reports(state, 2);
	state_close(&state);
}
END_TEST

/* Whatever state the old one is in. */
START_TEST(the_old_state_is_replaced)
{
	struct reindex_progress progress;

	store_all();
	if (_i == 0)
		unit_write(path, BYTES("no database, and nobody's"));
	else if (_i == 1)
		unit_write(path, "", 0);
	else
		ck_status("first", run(&progress), ST_OK);
	ck_assert_msg(run(&progress) == ST_OK, "%s", fault.detail);
	ck_file(RECORDS);
	ck_nothing_left();
}
END_TEST

/* Who has the old one open goes over to the new one. */
static void
count_silent(void *ctx, const struct state_reporter *reporter)
{
	(void)reporter;
	++*(unsigned *)ctx;
}

static void
count_problem(void *ctx, enum problem_change change,
    const struct state_problem *before, const struct state_problem *after)
{
	(void)ctx;
	(void)change;
	(void)before;
	(void)after;
}

/* Who fell silent before has been told, but for the last hour. */
START_TEST(a_new_state_tells_nothing_again)
{
	/* Behind the end of SilentAfter; of what daemons look for hourly. */
	static const struct {
		int64_t seconds;
		unsigned told;
	} tests[] = { { 600, 10 }, { 3 * 3600, 0 }, { 9 * PROBLEM_DAY, 0 } };
	int64_t now = at(DAY0 + RECORDS / 10) - 1 + options.silent_after +
	    tests[_i].seconds;
	unsigned told = 0;
	const struct state_events events = { count_problem, count_silent,
		&told };
	struct state *state;

	store_all();
	ck_status("reindex",
	    reindex(path, archive, conf, &options, INT64_MAX, now, &handler,
		NULL, &fault),
	    ST_OK);
	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
	ck_status("tick", state_tick(state, now, &events, &fault), ST_OK);
	ck_assert_uint_eq(told, tests[_i].told);
	state_close(&state);
}
END_TEST

/* What lies in its place since a crash, or by a mistake, may be of any mode. */
START_TEST(a_new_state_is_not_for_everybody)
{
	struct reindex_progress progress;
	char made[sizeof path + 8];
	struct stat sb;

	store_all();
	(void)snprintf(made, sizeof made, "%s.new", path);
	unit_write(made, "", 0);
	ck_assert_int_eq(chmod(made, _i == 0 ? 0666 : 0600), 0);
	ck_status("reindex", run(&progress), ST_OK);
	ck_assert_int_eq(stat(path, &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 0777, _i == 0 ? 0640 : 0600);
}
END_TEST

START_TEST(an_open_state_follows)
{
	struct reindex_progress progress;
	struct state *state;
	char wal[700];

	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
	ck_reports(state, 0);
	store_all();
	ck_assert_msg(run(&progress) == ST_OK, "%s", fault.detail);
	ck_reports(state, RECORDS);
	/* Its files are those of the new one, also when it goes. */
	store(RECORDS, false);
	ck_status("missing",
	    reindex_missing(state, archive, 0, conf, at(NOW), &handler, NULL,
		&progress, &fault),
	    ST_OK);
	ck_assert_uint_eq(progress.added, 1);
	ck_reports(state, RECORDS + 1);
	(void)snprintf(wal, sizeof wal, "%s-wal", path);
	ck_assert(unit_exists(wal));
	state_close(&state);
	ck_file(RECORDS + 1);
}
END_TEST

/* Records that were just archived, and nothing else of the archive. */
START_TEST(records_are_added_by_their_paths)
{
	char name[4][ARCHIVE_PATH_MAX];
	const char *paths[4] = { name[0], name[1], name[2], name[3] };
	struct reindex_progress progress;
	struct state *state;
	char whole[ARCHIVE_PATH_MAX + 620];

	for (unsigned i = 0; i < 10; i++) {
		store(i, false);
		if (i < 3)
			memcpy(name[i], archived.path, sizeof name[i]);
	}
	(void)snprintf(name[3], sizeof name[3], "2024/01/01/pruned.json");
	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
	for (unsigned n = 0; n < 2; n++) {
		ck_assert_msg(
		    reindex_paths(state, archive, paths, 4, conf, at(NOW),
			&handler, &progress, &fault) == ST_OK,
		    "%s", fault.detail);
		ck_assert_uint_eq(progress.records, 3);
		ck_assert_uint_eq(progress.added, n == 0 ? 3 : 0);
		ck_assert_uint_eq(faults, 0);
		ck_reports(state, 3);
	}
	/* One that cannot be read is named, and the others are added. */
	(void)snprintf(whole, sizeof whole, "%s/bad.json", archive);
	unit_write(whole, "{}", 2);
	(void)snprintf(name[0], sizeof name[0], "bad.json");
	memcpy(name[3], archived.path, sizeof name[3]);
	ck_status("bad",
	    reindex_paths(state, archive, paths, 4, conf, at(NOW), &handler,
		&progress, &fault),
	    ST_OK);
	ck_assert_uint_eq(progress.faults, 1);
	ck_assert_str_eq(complaint, "bad.json: not-a-report");
	ck_reports(state, 4);
	ck_status("none",
	    reindex_paths(state, archive, paths, 0, conf, at(NOW), &handler,
		&progress, &fault),
	    ST_OK);
	state_close(&state);
}
END_TEST

/* All of them or none: a state that is locked is left alone. */
START_TEST(paths_wait_for_a_locked_state)
{
	const char *paths[1] = { archived.path };
	struct reindex_progress progress;
	struct state *ours, *theirs;

	store(0, false);
	ck_status("open", state_open(&ours, path, &options, &fault), ST_OK);
	ck_status("open", state_open(&theirs, path, &options, &fault), ST_OK);
	ck_status("begin", state_begin(theirs, &fault), ST_OK);
	ck_status("locked",
	    reindex_paths(ours, archive, paths, 1, conf, at(NOW), &handler,
		&progress, &fault),
	    ST_STATE_BUSY);
	ck_status("commit", state_commit(theirs, at(NOW), NULL, &fault), ST_OK);
	ck_status("again",
	    reindex_paths(ours, archive, paths, 1, conf, at(NOW), &handler,
		&progress, &fault),
	    ST_OK);
	ck_reports(theirs, 1);
	state_close(&ours);
	state_close(&theirs);
}
END_TEST

/* One that cannot wait its turn leaves all as it was. */
START_TEST(a_locked_state_is_not_replaced)
{
	struct reindex_progress progress;
	struct state *state;
	int status;
	pid_t pid;

	store_all();
	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
	ck_status("begin", state_begin(state, &fault), ST_OK);
	pid = fork();
	if (pid == 0)
		_exit((int)run(&progress));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_status("locked", (enum status)WEXITSTATUS(status), ST_STATE_BUSY);
	ck_status("commit", state_commit(state, at(NOW), NULL, &fault), ST_OK);
	ck_reports(state, 0);
	state_close(&state);
	ck_nothing_left();
}
END_TEST

static bool
answer(void *ctx)
{
	return *(const bool *)ctx;
}

static enum status
run_if(bool is_needed, struct reindex_progress *progress)
{
	const struct reindex_handler asking = {
		.fault = note_fault,
		.is_needed = answer,
		.needed_ctx = &is_needed,
	};

	return reindex(path, archive, conf, &options, INT64_MAX, at(NOW),
	    &asking, progress, &fault);
}

/* What another has made meanwhile is left as it is. */
START_TEST(what_is_not_needed_is_not_made)
{
	struct reindex_progress progress;
	struct stat before, after;

	store_all();
	ck_status("make", run_if(true, &progress), ST_OK);
	ck_assert_uint_eq(progress.added, RECORDS);
	ck_assert_int_eq(stat(path, &before), 0);
	ck_status("not again", run_if(false, &progress), ST_OK);
	ck_assert_uint_eq(progress.records, 0);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_nothing_left();
	ck_file(RECORDS);
}
END_TEST

/* Nobody makes one beside another, who may be killed. */
START_TEST(one_at_a_time_makes_it)
{
	struct reindex_progress progress;
	char name[700];
	int fd;

	store_all();
	(void)snprintf(name, sizeof name, "%s.new", path);
	fd = open(name, O_RDWR | O_CREAT, 0640);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_status("locked", run(&progress), ST_STATE_BUSY);
	ck_assert(unit_exists(name));
	(void)close(fd);
	ck_status("given back", run(&progress), ST_OK);
	ck_nothing_left();
	ck_file(RECORDS);
}
END_TEST

/* Catching up waits for nobody as long as nothing is missing. */
START_TEST(what_is_there_needs_no_lock)
{
	struct reindex_progress progress;
	struct state *ours, *theirs;

	store_all();
	ck_status("make", run(&progress), ST_OK);
	ck_status("open", state_open(&ours, path, &options, &fault), ST_OK);
	ck_status("open", state_open(&theirs, path, &options, &fault), ST_OK);
	ck_status("begin", state_begin(theirs, &fault), ST_OK);
	ck_status("nothing missing",
	    reindex_missing(ours, archive, 0, conf, at(NOW), &handler, NULL,
		&progress, &fault),
	    ST_OK);
	ck_assert_uint_eq(progress.added, 0);
	ck_assert_uint_eq(progress.records, RECORDS);
	store(RECORDS, false);
	ck_status("one is missing",
	    reindex_missing(ours, archive, 0, conf, at(NOW), &handler, NULL,
		&progress, &fault),
	    ST_STATE_BUSY);
	ck_status("commit", state_commit(theirs, at(NOW), NULL, &fault), ST_OK);
	ck_status("then",
	    reindex_missing(ours, archive, 0, conf, at(NOW), &handler, NULL,
		&progress, &fault),
	    ST_OK);
	ck_assert_uint_eq(progress.added, 1);
	ck_reports(ours, RECORDS + 1);
	state_close(&ours);
	state_close(&theirs);
}
END_TEST

START_TEST(it_can_be_stopped)
{
	struct reindex_progress seen, progress;
	const struct reindex_handler stopper = {
		.progress = stop,
		.fault = note_fault,
		.ctx = &seen,
	};

	store_all();
	ck_status("stopped",
	    reindex(path, archive, conf, &options, INT64_MAX, at(NOW), &stopper,
		&progress, &fault),
	    ST_NO_SPACE);
	ck_assert_uint_eq(seen.records, 100);
	ck_assert(!unit_exists(path));
	ck_nothing_left();
}
END_TEST

/* Killed at any moment, and run again. */
START_TEST(killed_and_run_again)
{
	struct reindex_progress progress;

	store_all();
	for (unsigned round = 0; round < 15; round++) {
		const struct timespec wait = { 0,
			(long)(1 + 4 * round) * 1000000 };
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(run(&progress) != ST_OK);
		(void)nanosleep(&wait, NULL);
		(void)kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (unit_exists(path) && is_whole_file())
			ck_file(RECORDS);
	}
	ck_assert_msg(run(&progress) == ST_OK, "%s", fault.detail);
	ck_file(RECORDS);
	ck_nothing_left();
}
END_TEST

/* A milter adds what it has archived while the state is made anew. */
START_TEST(nothing_is_lost_meanwhile)
{
	struct reindex_progress progress;
	struct state *state;
	int status;
	pid_t pid;

	for (unsigned i = 0; i < RECORDS / 2; i++)
		store(i, false);
	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
	state_close(&state);
	/* Both are patient: it is about what is lost, not about how fast. */
	options.busy_ms = 20000;
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 8; i++) {
			if (run(&progress) != ST_OK)
				_exit((int)fault.status);
		}
		_exit(0);
	}
	ck_status("open", state_open(&state, path, &options, &fault), ST_OK);
	for (unsigned i = RECORDS / 2; i < RECORDS; i++) {
		store(i, false);
		ck_assert_msg(reindex_missing(state, archive, 0, conf, at(NOW),
				  &handler, NULL, &progress, &fault) == ST_OK,
		    "%s", fault.detail);
		if (i % 20 == 0)
			ck_reports(state, i + 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_reports(state, RECORDS);
	state_close(&state);
	ck_file(RECORDS);
}
END_TEST

Suite *
reindex_suite(void)
{
	Suite *suite = suite_create("reindex");
	TCase *tcase = tcase_create("reindex");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_state_is_made_from_the_archive);
	tcase_add_test(tcase, an_empty_archive_gives_an_empty_state);
	tcase_add_test(tcase, who_is_vouched_for_counts);
	tcase_add_test(tcase, what_is_no_record_is_passed_over);
	tcase_add_test(tcase, what_cannot_be_opened_is_passed_over);
	tcase_add_test(tcase, a_path_that_cannot_be_opened_is_told);
	tcase_add_test(tcase, records_are_added_by_their_paths);
	tcase_add_test(tcase, paths_wait_for_a_locked_state);
	tcase_add_loop_test(tcase, the_old_state_is_replaced, 0, 3);
	tcase_add_loop_test(tcase, a_new_state_tells_nothing_again, 0, 3);
	tcase_add_loop_test(tcase, a_new_state_is_not_for_everybody, 0, 2);
	tcase_add_test(tcase, an_open_state_follows);
	tcase_add_test(tcase, a_locked_state_is_not_replaced);
	tcase_add_test(tcase, what_is_not_needed_is_not_made);
	tcase_add_test(tcase, one_at_a_time_makes_it);
	tcase_add_test(tcase, what_is_there_needs_no_lock);
	tcase_add_test(tcase, it_can_be_stopped);
	tcase_add_test(tcase, killed_and_run_again);
	tcase_add_test(tcase, nothing_is_lost_meanwhile);
	suite_add_tcase(suite, tcase);
	return suite;
}
