/*
 * What may happen to the file of a state, and who else has it open.
 */
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

#include "deadline.h"
#include "ledger.h"
#include "suites.h"
#include "unit.h"

enum {
	REPORTS = 400
};

static enum status
reopen(void)
{
	struct state_options options;

	state_close(&ledger.state);
	state_options(&options);
	options.busy_ms = 100;
	return state_open(&ledger.state, ledger.path, &options, &ledger.fault);
}

START_TEST(another_file_is_refused)
{
	sqlite3 *db;

	state_close(&ledger.state);
	unit_write(ledger.path,
	    BYTES("This is no database, and long enough for one. "
		  "This is no database, and long enough for one. "
		  "This is no database, and long enough for one."));
	ck_status("text", reopen(), ST_STATE_DAMAGED);
	ck_assert_ptr_null(ledger.state);
	ck_assert_int_eq(unlink(ledger.path), 0);
	ck_status("anew", reopen(), ST_OK);
	state_close(&ledger.state);
	ck_assert_int_eq(sqlite3_open(ledger.path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_status("version", reopen(), ST_STATE_VERSION);
	ck_assert_ptr_nonnull(strstr(ledger.fault.detail, "version 7"));
	ck_assert_int_eq(sqlite3_open(ledger.path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "PRAGMA application_id = 7", NULL, NULL, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_status("other", reopen(), ST_STATE_DAMAGED);
	(void)snprintf(
	    ledger.path, sizeof ledger.path, "/nonexistent/state.db");
	ck_status("directory", reopen(), ST_STATE);
}
END_TEST

/* Pages in the middle overwritten: an error, never a crash. */
START_TEST(a_damaged_file_is_told)
{
	char garbage[4096];
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};
	enum state_added added;
	enum status st = ST_OK;
	struct stat sb;
	int fd;

	for (g.day = 1; g.day < 200; g.day++)
		(void)ledger_give(&g);
	state_close(&ledger.state);
	memset(garbage, 0x5a, sizeof garbage);
	fd = open(ledger.path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fstat(fd, &sb), 0);
	for (off_t page = 1; page < sb.st_size / 4096; page++)
		ck_assert_int_eq(
		    pwrite(fd, garbage, sizeof garbage, page * 4096),
		    (ssize_t)sizeof garbage);
	(void)close(fd);
	st = reopen();
	if (st == ST_OK)
		st = ledger_try(&g, &added);
	ck_status("damaged", st, ST_STATE_DAMAGED);
}
END_TEST

START_TEST(a_file_that_cannot_be_written)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};
	struct state_options options;
	char directory[600];
	int status;
	pid_t pid;

	(void)ledger_give(&g);
	state_close(&ledger.state);
	ck_assert_int_eq(chmod(ledger.path, 0444), 0);
	(void)snprintf(directory, sizeof directory, "%.*s",
	    (int)(strrchr(ledger.path, '/') - ledger.path), ledger.path);
	ck_assert_int_eq(chmod(directory, 0755), 0);
	*strrchr(directory, '/') = '\0';
	ck_assert_int_eq(chmod(directory, 0755), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) == -1)
			_exit(99);
		state_options(&options);
		_exit((int)state_open(
		    &ledger.state, ledger.path, &options, &ledger.fault));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_status("open", (enum status)WEXITSTATUS(status), ST_STATE);
}
END_TEST

START_TEST(a_lock_is_waited_for_in_vain)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};
	enum state_added added;
	uint64_t begun;
	sqlite3 *db;

	(void)ledger_give(&g);
	ck_assert_int_eq(sqlite3_open(ledger.path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	g.day = 2;
	/* As long as the fixture says; for ever is what Check's limit is for.
	 */
	begun = deadline_now();
	ck_status("busy", ledger_try(&g, &added), ST_STATE_BUSY);
	ck_assert_uint_gt(deadline_now() - begun, 200);
	/* Reading goes on. */
	ledger_say_all(ledger_at(2));
	ck_said("all  1 90 10\n");
	ck_assert_int_eq(
	    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
}
END_TEST

/* The disk is full in the middle: all of a report, or nothing. */
START_TEST(a_full_disk_is_told)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};
	struct rlimit full = { 300000, RLIM_INFINITY }, before;
	enum state_added added;
	enum status st = ST_OK;
	uint64_t kept = 0;
	char want[64];

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (; st == ST_OK && kept < 100000; g.day++) {
		st = ledger_try(&g, &added);
		kept += st == ST_OK;
	}
	ck_assert_msg(
	    st == ST_NO_SPACE, "%s: %s", status_str(st), ledger.fault.detail);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_uint_gt(kept, 0);
	(void)snprintf(want, sizeof want, "all  %llu %llu %llu\n",
	    (unsigned long long)kept, (unsigned long long)kept * 90,
	    (unsigned long long)kept * 10);
	ledger_say_all(ledger_at(2));
	ck_said(want);
	g.day--;
	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
}
END_TEST

/* What a child does until it is killed; fd is told of the first report. */
static void
add_for_ever(uint64_t from, int fd)
{
	bool is_told = false;

	ledger.seed = from;
	for (int64_t day = 0;; day = (day + 1) % 300) {
		struct ledger_report g = { .sender =
					       ledger_senders[ledger_draw(3)],
			.day = day,
			.successful = 50,
			.failed = (unsigned)ledger_draw(9),
			.types = "sts tlsa" };
		enum state_added added;

		if (ledger_try(&g, &added) == ST_OK && !is_told)
			is_told = write(fd, "", 1) == 1;
	}
}

START_TEST(killed_while_adding)
{
	static char killed[sizeof ledger.said];

	for (unsigned round = 0; round < 20; round++) {
		const struct timespec wait = { 0,
			(long)(2 + round * 3) * 1000000 };
		int status, told[2];
		pid_t pid;
		char byte;

		state_close(&ledger.state);
		ck_assert_int_eq(pipe(told), 0);
		pid = fork();
		if (pid == 0) {
			ledger_open();
			add_for_ever(round + 1, told[1]);
		}
		(void)nanosleep(&wait, NULL);
		/* On a slow machine all might die before their first. */
		if (round == 0)
			ck_assert_int_eq(read(told[0], &byte, 1), 1);
		(void)close(told[0]);
		(void)close(told[1]);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ledger_open();
		ck_status("tick",
		    state_tick(
			ledger.state, ledger_at(400), NULL, &ledger.fault),
		    ST_OK);
		ledger_say_all(ledger_at(400));
		memcpy(killed, ledger.said, sizeof killed);
		ck_status("rebuild",
		    state_rebuild(ledger.state, ledger_at(400), &ledger.fault),
		    ST_OK);
		ledger_say_all(ledger_at(400));
		ck_assert_msg(strcmp(ledger.said, killed) == 0, "%s\nnot\n%s",
		    killed, ledger.said);
	}
	ck_assert_ptr_nonnull(strstr(ledger.said, "counts"));
	ck_assert_ptr_null(strstr(ledger.said, "counts 0 "));
}
END_TEST

START_TEST(two_processes_add_at_once)
{
	pid_t pid[2];

	state_close(&ledger.state);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] != 0)
			continue;
		ledger_open();
		for (int64_t day = 0; day < REPORTS / 2; day++) {
			struct ledger_report g = { .sender = ledger_senders[i],
				.day = day,
				.successful = 9,
				.failed = 1 };
			enum state_added added;

			while (ledger_try(&g, &added) == ST_STATE_BUSY)
				;
			/* And what both of them add. */
			g.sender = "C";
			while (ledger_try(&g, &added) == ST_STATE_BUSY)
				;
		}
		state_close(&ledger.state);
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		int status;

		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	ledger_open();
	ledger_say_all(ledger_at(REPORTS));
	ck_said("all  600 5400 600\n");
}
END_TEST

static void *
add_in_thread(void *arg)
{
	const char *sender = arg;

	for (int64_t day = 0; day < 50; day++) {
		static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
		struct ledger_report g = { .sender = sender,
			.day = day,
			.successful = 9,
			.failed = 1 };
		struct state_counts counts;
		enum state_added added;

		/* add_text() has one report; asking is free. */
		(void)pthread_mutex_lock(&one);
		(void)ledger_try(&g, &added);
		(void)pthread_mutex_unlock(&one);
		(void)state_counts(ledger.state, ledger_at(day), &counts, NULL);
	}
	return NULL;
}

START_TEST(threads_share_a_state)
{
	pthread_t thread[3];

	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, add_in_thread,
				     (void *)(uintptr_t)ledger_senders[i]),
		    0);
	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
	ledger_say_all(ledger_at(50));
	ck_said("all  150 1350 150\n");
}
END_TEST

/* Deleted under our hands: made anew, and not whole. */
START_TEST(a_file_that_is_gone_is_made_anew)
{
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};

	(void)ledger_give(&g);
	ck_assert_int_eq(unlink(ledger.path), 0);
	g.day = 2;
	ck_assert_int_eq(ledger_give(&g), STATE_NEW);
	ledger_say_all(ledger_at(3));
	ck_said("all  1 90 10\n");
}
END_TEST

/* The file that is open is overwritten, cut off, or without its log. */
static void
spoil_file(int how)
{
	char log[sizeof ledger.path + 4], garbage[8192];
	int fd;

	if (how == 0) {
		memset(garbage, 0x5a, sizeof garbage);
		fd = open(ledger.path, O_RDWR | O_CLOEXEC);
		ck_assert_int_ne(fd, -1);
		ck_assert_int_eq(write(fd, garbage, sizeof garbage),
		    (ssize_t)sizeof garbage);
		(void)close(fd);
	} else if (how == 1) {
		ck_assert_int_eq(truncate(ledger.path, 0), 0);
	} else {
		(void)snprintf(log, sizeof log, "%s-wal", ledger.path);
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
	struct ledger_report g = {
		.sender = "A", .day = 1, .successful = 90, .failed = 10
	};
	enum state_added added;
	pid_t pid;
	int status;

	for (g.day = 1; g.day < 20; g.day++)
		(void)ledger_give(&g);
	/* By another process: ours would drop SQLite's locks of the file. */
	pid = fork();
	if (pid == 0) {
		spoil_file(_i);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_status("told", ledger_try(&g, &added), ST_STATE_DAMAGED);
	ck_assert_ptr_nonnull(strstr(ledger.fault.detail, ledger.path));
	if (_i == 0)
		ck_status("still", ledger_try(&g, &added), ST_STATE_DAMAGED);
	if (_i == 1) {
		ck_assert_int_eq(ledger_give(&g), STATE_NEW);
		ledger_say_all(ledger_at(30));
		ck_said("all  1 90 10\n");
	}
}
END_TEST

Suite *
statefile_suite(void)
{
	Suite *suite = suite_create("statefile");
	TCase *tcase = tcase_create("statefile");

	tcase_add_checked_fixture(tcase, ledger_setup, ledger_teardown);
	tcase_set_timeout(tcase, 120);
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
	suite_add_tcase(suite, tcase);
	return suite;
}
