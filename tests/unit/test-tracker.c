/* Tests of tracker: the state follows the archive, whatever becomes of it. */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "emit.h"
#include "listener.h"
#include "reading.h"
#include "reindex.h"
#include "rfc3339.h"
#include "suites.h"
#include "text.h"
#include "tracker.h"
#include "unit.h"

enum {
	TEXT_ROOM = 4096,
	BACKLOG = 100, /* after which a walk tells of its progress */
	PATIENCE_MS = 30000
};

static char dir[256], archive[300], state_path[400];
static char last_path[STATE_PATH_MAX]; /* of the last record */
static int64_t received_at;            /* when; 0: now */
static bool is_unfit;                  /* to be added */
static struct conf *conf;
static struct log *the_log;
static struct tracker *tracker;
static struct tracker_news news;
static struct fault fault;
static int fd = -1;

static void
setup(void)
{
	static struct log_paths paths;
	static char socket_path[300];
	char text[1200];

	unit_directory(dir, sizeof dir);
	(void)snprintf(archive, sizeof archive, "%s/archive", dir);
	(void)snprintf(state_path, sizeof state_path, "%s/state.db", dir);
	(void)snprintf(socket_path, sizeof socket_path, "%s/log", dir);
	(void)snprintf(text, sizeof text,
	    "Mailbox a@b\nArchiveDirectory %s\nStateFile %s\nDKIM off\n"
	    "LogTarget syslog\nMaxFailureLines 2\n",
	    archive, state_path);
	conf = unit_conf(text);
	paths = (struct log_paths){ socket_path, "/nonexistent" };
	fd = listener_open(socket_path);
	ck_status("archive", archive_check(archive, NULL), ST_OK);
	the_log = log_new(conf, &paths);
	ck_assert_ptr_nonnull(the_log);
	ck_status("log", log_start(the_log), ST_OK);
}

static void
start(void)
{
	tracker = tracker_new(the_log, NULL, true);
	ck_assert_ptr_nonnull(tracker);
	tracker_configure(tracker, conf);
	ck_status("start", tracker_start(tracker, PATIENCE_MS, &fault), ST_OK);
}

static void
teardown(void)
{
	if (tracker != NULL)
		tracker_tell(tracker, &news, NULL);
	tracker_free(&tracker);
	log_free(&the_log, 0);
	conf_unref(&conf);
	(void)close(fd);
}

/*
 * Reports of days before today, by a sender; the MX make the failures.
 */

struct given {
	const char *sender;
	int ago;
	unsigned successful;
	unsigned failures; /* of 40 sessions each */
	enum rank rank;
};

static void
print_report(char *text, size_t size, const struct given *g)
{
	int64_t day =
	    ((int64_t)time(NULL) / PROBLEM_DAY - g->ago) * PROBLEM_DAY;
	char from[RFC3339_MAX], to[RFC3339_MAX];
	int len;

	(void)rfc3339_format(day, from);
	(void)rfc3339_format(day + PROBLEM_DAY - 1, to);
	len = snprintf(text, size,
	    "{\"organization-name\":\"%s\",\"contact-info\":\"c@x\","
	    "\"report-id\":\"%d\",\"date-range\":{\"start-datetime\":\"%s\","
	    "\"end-datetime\":\"%s\"},\"policies\":[{\"policy\":{"
	    "\"policy-type\":\"sts\",\"policy-domain\":\"d.example\"},"
	    "\"summary\":{\"total-successful-session-count\":%u,"
	    "\"total-failure-session-count\":%u},\"failure-details\":[",
	    g->sender, g->ago, from, to, g->successful, 40 * g->failures);
	for (unsigned i = 0; i < g->failures; i++)
		len += snprintf(text + len, size - (size_t)len,
		    "%s{\"result-type\":\"certificate-expired\","
		    "\"receiving-mx-hostname\":\"mx%u.d.example\","
		    "\"failed-session-count\":40}",
		    i > 0 ? "," : "", i);
	(void)snprintf(text + len, size - (size_t)len, "]}]}");
}

/* Archive a report and, unless only_archive, add it as a message would. */
static enum state_added
give_as(const struct given *g, const char *submitter, bool only_archive)
{
	static struct reading reading;
	char text[TEXT_ROOM];
	static int64_t last;
	struct record record = {
		.received = (int64_t)time(NULL),
		.submitter = submitter,
		.report = &reading.report,
		.assessment = &reading.assessment,
		.text = &reading.text,
	};
	struct archived archived;
	struct state_report added = {
		.report = &reading.report,
		.path = archived.path,
		.sha256 = archived.sha256,
		.rank = g->rank,
	};
	enum state_added result = STATE_NEW;

	/* Of what comes in one second, the content says which counts. */
	if (record.received <= last)
		record.received = last + 1;
	if (received_at != 0)
		record.received = received_at;
	else
		last = record.received;
	added.received = record.received;
	print_report(text, sizeof text, g);
	buf_init(&reading.text, TEXT_ROOM);
	ck_status("text", buf_adds(&reading.text, text), ST_OK);
	ck_status("read",
	    report_read(&reading.report, reading.text.data, reading.text.len, 0,
		&fault),
	    ST_OK);
	ck_status("assess",
	    assess_report(&reading.report, conf, &reading.assessment), ST_OK);
	ck_status("store",
	    archive_store(archive, &record, NULL, &archived, &fault), ST_OK);
	if (is_unfit)
		added.sha256 = "no digits";
	ck_assert(!archived.is_duplicate);
	(void)text_copy(last_path, sizeof last_path, archived.path);
	if (!only_archive)
		result = tracker_add(tracker, conf, &added, &news);
	buf_free(&reading.text);
	return result;
}

static enum state_added
give(const char *sender, int ago, unsigned successful, unsigned failures)
{
	const struct given g = { sender, ago, successful, failures,
		RANK_NOBODY };

	return give_as(&g, "x.example", false);
}

static uint64_t
count_reports(void)
{
	struct state_options options;
	struct state_counts counts = { 0 };
	struct state *state = NULL;
	enum status st;

	state_options(&options);
	options.is_read_only = true;
	st = state_open(&state, state_path, &options, &fault);
	if (st == ST_OK)
		st = state_counts(state, (int64_t)time(NULL), &counts, &fault);
	state_close(&state);
	return st == ST_OK ? counts.reports : UINT64_MAX;
}

static void
ck_reports(uint64_t want)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
		if (count_reports() == want)
			return;
		(void)nanosleep(
		    &(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	ck_assert_uint_eq(count_reports(), want);
}

/* Wait for a line of the log that has this in it. */
static void
ck_line(const char *want)
{
	char line[EMIT_LINE_MAX + 100];

	do
		ck_assert_msg(listener_read(fd, line, sizeof line, PATIENCE_MS),
		    "no \"%s\"", want);
	while (strstr(line, want) == NULL);
}

START_TEST(reports_are_added)
{
	start();
	ck_assert_int_eq(give("A", 3, 100, 0), STATE_NEW);
	ck_assert_int_eq(give("A", 3, 101, 0), STATE_DIFFERS);
	ck_assert_int_eq(give_as(&(struct given){ "A", 3, 100, 0, RANK_NOBODY },
			     "y.example", false),
	    STATE_KNOWN);
	ck_assert_uint_eq(count_reports(), 1);
	ck_assert_uint_eq(news.count, 0);
}
END_TEST

/* Its failures are news; those that it takes away are none. */
START_TEST(who_is_vouched_for_replaces)
{
	struct given g = { "A", 2, 140, 0, RANK_NOBODY };

	start();
	ck_assert_int_eq(give_as(&g, "x.example", false), STATE_NEW);
	g = (struct given){ "A", 2, 100, 1, RANK_SIGNER };
	ck_assert_int_eq(give_as(&g, "x.example", false), STATE_REPLACES);
	ck_assert_uint_eq(news.count, 1);
	g = (struct given){ "A", 2, 60, 2, RANK_NAMED };
	ck_assert_int_eq(give_as(&g, "x.example", false), STATE_REPLACES);
	ck_assert_uint_eq(count_reports(), 1);
}
END_TEST

START_TEST(news_are_told_behind)
{
	start();
	ck_assert_int_eq(give("A", 2, 40, 1), STATE_NEW);
	ck_assert_uint_eq(news.count, 1);
	tracker_tell(tracker, &news, "4XyZ");
	ck_assert_uint_eq(news.count, 0);
	ck_line("4XyZ: event=problem-opened policy-domain=d.example");
	/* No more than MaxFailureLines. */
	ck_assert_int_eq(give("B", 2, 40, 5), STATE_NEW);
	ck_assert_uint_eq(news.count, 2);
	ck_assert_uint_eq(news.omitted, 2);
	tracker_tell(tracker, &news, "5XyZ");
	ck_line("5XyZ: event=problem-opened");
	ck_line("5XyZ: event=omitted problem-count=2");
}
END_TEST

START_TEST(what_was_archived_before_is_found)
{
	const struct given g = { "A", 2, 40, 1, RANK_NOBODY };

	(void)give_as(&g, "x.example", true);
	start();
	ck_assert_uint_eq(count_reports(), 1);
	tracker_free(&tracker);
	/* And what was archived and not added when the process ended. */
	(void)give_as(
	    &(struct given){ "B", 2, 40, 1, RANK_NOBODY }, "x.example", true);
	start();
	ck_reports(2);
	ck_line("the index is in step with the archive: 1 report added");
}
END_TEST

/* Records of a day, and one of a later day that came an hour before them. */
static void
archive_backlog(unsigned count)
{
	char sender[16], path[PATH_MAX];
	struct timespec times[2] = { { .tv_sec = time(NULL) - 3600 } };

	times[1] = times[0];
	received_at = times[0].tv_sec;
	(void)give_as(&(struct given){ "Late", 2, 40, 1, RANK_NOBODY },
	    "x.example", true);
	(void)snprintf(path, sizeof path, "%s/%s", archive, last_path);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	received_at = 0;
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(sender, sizeof sender, "S%u", i);
		(void)give_as(&(struct given){ sender, 9, 40, 0, RANK_NOBODY },
		    "x.example", true);
	}
}

static enum status
stop_at_once(void *ctx, const struct reindex_progress *progress)
{
	(void)ctx;
	(void)progress;
	return ST_STATE_BUSY;
}

static void
ignore_problem(void *ctx, enum problem_change change,
    const struct state_problem *before, const struct state_problem *after)
{
	(void)ctx;
	(void)change;
	(void)before;
	(void)after;
}

/*
 * A process that was behind ends while it catches up: the newest that it has
 * added says nothing of what came before.
 */
START_TEST(what_was_left_in_catching_up_is_found)
{
	const struct reindex_handler handler = { .progress = stop_at_once };
	const struct state_events events = { ignore_problem, NULL, NULL };
	struct state_options options;
	struct reindex_progress progress;
	struct state *state;

	start();
	ck_assert_int_eq(give("A", 2, 100, 0), STATE_NEW);
	tracker_free(&tracker);
	archive_backlog(BACKLOG);
	state_options(&options);
	ck_status(
	    "open", state_open(&state, state_path, &options, &fault), ST_OK);
	ck_status("stopped",
	    reindex_missing(state, archive, (int64_t)time(NULL) - 7200, conf,
		(int64_t)time(NULL), &handler, &events, &progress, &fault),
	    ST_STATE_BUSY);
	state_close(&state);
	ck_assert_uint_eq(count_reports(), BACKLOG + 1);
	start();
	ck_reports(BACKLOG + 2);
	ck_line("event=problem-opened");
	/* Once. */
	tracker_free(&tracker);
	start();
	ck_reports(BACKLOG + 2);
}
END_TEST

/* What fails before the index is touched, as for want of memory, is caught up
   with, too. */
START_TEST(what_could_not_be_prepared_is_added_later)
{
	start();
	is_unfit = true;
	ck_assert_int_eq(give("A", 2, 40, 1), STATE_NEW);
	is_unfit = false;
	ck_line("event=error reason=state ");
	ck_reports(1);
	ck_line("event=problem-opened");
}
END_TEST

START_TEST(a_locked_state_is_waited_for)
{
	sqlite3 *db;

	start();
	ck_assert_int_eq(give("A", 2, 100, 0), STATE_NEW);
	ck_assert_int_eq(sqlite3_open(state_path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(give("B", 2, 40, 1), STATE_NEW);
	ck_line("event=error reason=state-busy");
	/* Nobody waits any more, and nothing is told yet. */
	ck_assert_int_eq(give("C", 2, 100, 0), STATE_NEW);
	ck_assert_uint_eq(news.count, 0);
	ck_assert_uint_eq(count_reports(), 1);
	ck_assert_int_eq(
	    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	ck_line("event=problem-opened");
	ck_line("the index is in step with the archive: 2 reports added");
	ck_reports(3);
	ck_assert_int_eq(give("D", 2, 100, 0), STATE_NEW);
	ck_assert_uint_eq(count_reports(), 4);
}
END_TEST

/* By ctx, for long enough that it was too long once. */
static void *
unlock_later(void *ctx)
{
	const struct timespec ts = { 0, 400000000 };

	(void)nanosleep(&ts, NULL);
	ck_assert_int_eq(
	    sqlite3_exec(ctx, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	return NULL;
}

/* Another that writes, on a slow disk, is no trouble. */
START_TEST(a_slow_writer_is_waited_for)
{
	pthread_t thread;
	sqlite3 *db;

	start();
	ck_assert_int_eq(sqlite3_open(state_path, &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, PATIENCE_MS);
	ck_assert_int_eq(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(pthread_create(&thread, NULL, unlock_later, db), 0);
	ck_assert_int_eq(give("A", 2, 100, 0), STATE_NEW);
	ck_assert_uint_eq(count_reports(), 1);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	(void)sqlite3_close(db);
}
END_TEST

START_TEST(a_lost_state_is_made_anew)
{
	start();
	ck_assert_int_eq(give("A", 2, 100, 0), STATE_NEW);
	ck_assert_int_eq(unlink(state_path), 0);
	ck_assert_int_eq(give("B", 2, 40, 1), STATE_NEW);
	ck_line("event=error reason=state-damaged");
	ck_line("making the index");
	ck_line("in step with the archive");
	ck_reports(2);
	ck_assert_int_eq(give("B", 2, 41, 1), STATE_DIFFERS);
}
END_TEST

/* Another process has the turn to make the state, until *lock is closed. */
static void
take_turn(int *lock)
{
	char made[500];

	(void)snprintf(made, sizeof made, "%s.new", state_path);
	*lock = open(made, O_RDWR | O_CREAT, 0640);
	ck_assert_int_ne(*lock, -1);
	ck_assert_int_eq(flock(*lock, LOCK_EX), 0);
}

/*
 * What a new state is made of is no news, but what came while there was none
 * has not been told: while the daemon was running, or waited at its start.
 */
START_TEST(what_came_without_a_state_is_told)
{
	bool is_at_start = _i == 1;
	const struct timespec pause = { .tv_sec = 2, .tv_nsec = 100000000 };
	int lock;

	if (is_at_start) {
		take_turn(&lock);
		tracker = tracker_new(the_log, NULL, true);
		ck_assert_ptr_nonnull(tracker);
		tracker_configure(tracker, conf);
		ck_status("start", tracker_start(tracker, 1, &fault), ST_OK);
		ck_line("waiting for another process");
	} else {
		start();
		ck_assert_int_eq(give("A", 2, 100, 0), STATE_NEW);
		take_turn(&lock);
		ck_assert_int_eq(unlink(state_path), 0);
		/* Times are compared in seconds. */
		(void)nanosleep(&pause, NULL);
	}
	ck_assert_int_eq(give("B", 2, 40, 1), STATE_NEW);
	(void)nanosleep(&pause, NULL);
	ck_assert_uint_eq(news.count, 0);
	(void)close(lock);
	ck_line("making the index");
	ck_line("event=problem-opened");
	ck_reports(is_at_start ? 1 : 2);
}
END_TEST

/* Also when that happens while the thread is about to rest. */
START_TEST(a_state_lost_at_once_is_made_anew)
{
	char sender[8];

	for (int i = 0; i < 12; i++) {
		start();
		(void)nanosleep(
		    &(struct timespec){ .tv_nsec = i * 30000000L }, NULL);
		ck_assert_int_eq(unlink(state_path), 0);
		(void)snprintf(sender, sizeof sender, "%d", i);
		ck_assert_int_eq(give(sender, 2, 100, 0), STATE_NEW);
		ck_reports((uint64_t)i + 1);
		tracker_free(&tracker);
	}
}
END_TEST

START_TEST(what_is_no_state_is_replaced)
{
	unit_write(state_path, "no database, for once", 21);
	start();
	ck_line("event=error reason=state-damaged");
	ck_assert_int_eq(give("A", 2, 100, 0), STATE_NEW);
	ck_assert_uint_eq(count_reports(), 1);
}
END_TEST

START_TEST(a_broken_record_is_named)
{
	const struct given g = { "A", 2, 40, 1, RANK_NOBODY };
	char path[500];

	(void)give_as(&g, "x.example", true);
	for (int i = 0; i < 12; i++) {
		(void)snprintf(path, sizeof path, "%s/2024", archive);
		(void)mkdir(path, 0755);
		(void)snprintf(path, sizeof path, "%s/2024/01", archive);
		(void)mkdir(path, 0755);
		(void)snprintf(path, sizeof path, "%s/2024/01/01", archive);
		(void)mkdir(path, 0755);
		(void)snprintf(
		    path, sizeof path, "%s/2024/01/01/%d.json", archive, i);
		unit_write(path, "{", 1);
	}
	start();
	ck_line("not in the index: 2024/01/01/");
	ck_line("not in the index: further records");
	ck_assert_uint_eq(count_reports(), 1);
}
END_TEST

START_TEST(no_place_for_it)
{
	conf_unref(&conf);
	conf = unit_conf("Mailbox a@b\nStateFile /nonexistent/state.db\n"
			 "LogTarget syslog\n");
	start();
	ck_line("event=error reason=state ");
	ck_assert_int_eq(give("A", 2, 40, 1), STATE_NEW);
	tracker_stop(tracker);
	ck_assert_int_eq(give("B", 2, 40, 1), STATE_NEW);
}
END_TEST

START_TEST(who_wants_an_index)
{
	static const struct {
		const char *line;
		bool is_wanted;
	} tests[] = {
		{ "StateFile none\n", false },
		{ "StateFile /nonexistent/state.db\n", true },
	};
	char text[100];

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		(void)snprintf(
		    text, sizeof text, "Mailbox a@b\n%s", tests[i].line);
		conf_unref(&conf);
		conf = unit_conf(text);
		ck_assert_int_eq(tracker_is_wanted(conf), tests[i].is_wanted);
	}
	/* The default, where nothing was installed. */
	conf_unref(&conf);
	conf = unit_conf("Mailbox a@b\n");
	ck_assert_int_eq(tracker_is_wanted(conf),
	    access("/var/lib/tlsrpt-milter", F_OK) == 0);
}
END_TEST

START_TEST(nothing_is_added_behind_the_end)
{
	start();
	tracker_stop(tracker);
	ck_assert_int_eq(give("A", 2, 40, 1), STATE_NEW);
	ck_assert_uint_eq(count_reports(), 0);
}
END_TEST

Suite *
tracker_suite(void)
{
	Suite *suite = suite_create("tracker");
	TCase *tc = tcase_create("tracker");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reports_are_added);
	tcase_add_test(tc, who_is_vouched_for_replaces);
	tcase_add_test(tc, news_are_told_behind);
	tcase_add_test(tc, what_was_archived_before_is_found);
	tcase_add_test(tc, what_was_left_in_catching_up_is_found);
	tcase_add_test(tc, what_could_not_be_prepared_is_added_later);
	tcase_add_test(tc, a_locked_state_is_waited_for);
	tcase_add_test(tc, a_slow_writer_is_waited_for);
	tcase_add_test(tc, a_lost_state_is_made_anew);
	tcase_add_loop_test(tc, what_came_without_a_state_is_told, 0, 2);
	tcase_add_test(tc, a_state_lost_at_once_is_made_anew);
	tcase_add_test(tc, what_is_no_state_is_replaced);
	tcase_add_test(tc, a_broken_record_is_named);
	tcase_add_test(tc, no_place_for_it);
	tcase_add_test(tc, nothing_is_added_behind_the_end);
	tcase_add_test(tc, who_wants_an_index);
	suite_add_tcase(suite, tc);
	return suite;
}
