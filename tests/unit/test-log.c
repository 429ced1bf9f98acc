#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "emit.h"
#include "inject.h"
#include "listener.h"
#include "log.h"
#include "suites.h"
#include "unit.h"

static char dir[256];
static char syslog_path[300], journal_path[300];
static struct log_paths paths;

static void
setup(void)
{
	unit_directory(dir, sizeof dir);
	(void)snprintf(syslog_path, sizeof syslog_path, "%s/log", dir);
	(void)snprintf(journal_path, sizeof journal_path, "%s/journal", dir);
	paths = (struct log_paths){ syslog_path, journal_path };
}

static struct log *
open_log(const char *settings)
{
	char text[256];
	struct conf *conf;
	struct log *log;

	(void)snprintf(text, sizeof text, "Mailbox a@b\n%s", settings);
	conf = unit_conf(text);
	log = log_new(conf, &paths);
	ck_assert_ptr_nonnull(log);
	conf_unref(&conf);
	return log;
}

static void
reconfigure(struct log *log, const char *settings)
{
	char text[256];
	struct conf *conf;

	(void)snprintf(text, sizeof text, "Mailbox a@b\n%s", settings);
	conf = unit_conf(text);
	log_reconfigure(log, conf);
	conf_unref(&conf);
}

static enum status
write_line(struct log *log, const char *value)
{
	struct event ev;

	event_init(&ev, "report", SEV_WARNING);
	event_string(&ev, "report-id", value);
	return log_event(log, &ev, "4XyZ1k2");
}

static long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

START_TEST(syslog_gets_lines)
{
	int fd = listener_open(syslog_path);
	struct log *log = open_log("LogTarget syslog\nSyslogIdent me");
	char out[8192], end[200];
	int n = 0;

	ck_status("event", write_line(log, "a b"), ST_OK);
	ck_assert(listener_read(fd, out, sizeof out, 15000));
	/* mail.warning is 2 * 8 + 4. */
	ck_assert_msg(strncmp(out, "<20>", 4) == 0, "%s", out);
	(void)snprintf(end, sizeof end,
	    " me[%ld]: 4XyZ1k2: event=report report-id=\"a b\"",
	    (long)getpid());
	ck_assert_uint_eq(
	    strlen(out), strlen("<20>Nov 22 03:04:05") + strlen(end));
	ck_assert_str_eq(out + strlen(out) - strlen(end), end);
	ck_assert_int_eq(
	    sscanf(out + 4, "%*3[A-Z]%*2[a-z] %*d %*d:%*d:%*d%n", &n), 0);
	log_text(log, SEV_INFO, "configuration %s again", "read");
	listener_expect(fd, "]: configuration read again");
	ck_assert(log_wait(log, 0));
	log_free(&log, 1000);
	ck_assert_ptr_null(log);
	log_free(&log, 0);
	(void)close(fd);
}
END_TEST

START_TEST(formats_and_facilities)
{
	int fd = listener_open(syslog_path);
	struct log *log =
	    open_log("LogTarget syslog\nLogFormat json\nSyslogFacility local7");

	ck_status("json", write_line(log, "x"), ST_OK);
	listener_expect(fd, "<188>");
	ck_status("json", write_line(log, "x"), ST_OK);
	listener_expect(fd,
	    "]: {\"event\":\"report\",\"queue-id\":\"4XyZ1k2\","
	    "\"report-id\":\"x\"}");
	log_text(log, SEV_ERR, "a \"text\"");
	listener_expect(fd, "a \\\"text\\\"");
	reconfigure(log, "LogTarget syslog\nLogFormat cee\nSyslogIdent other");
	ck_status("cee", write_line(log, "x"), ST_OK);
	listener_expect(fd, "]: @cee: {\"event\":\"report\"");
	ck_status("cee", write_line(log, "x"), ST_OK);
	listener_expect(fd, " other[");
	log_free(&log, 1000);
	(void)close(fd);
}
END_TEST

START_TEST(the_journal_gets_fields)
{
	int fd = listener_open(journal_path);
	struct log *log = open_log("LogTarget journal\nSyslogIdent me");

	for (int i = 0; i < 2; i++) {
		static const char *const wants[] = {
			"MESSAGE=4XyZ1k2: event=report report-id=x\n",
			"\nTLSRPT_REPORT_ID=x\n"
		};

		ck_status("event", write_line(log, "x"), ST_OK);
		listener_expect(fd, wants[i]);
	}
	ck_status("event", write_line(log, "x"), ST_OK);
	listener_expect(fd,
	    "\nPRIORITY=4\nSYSLOG_FACILITY=2\n"
	    "SYSLOG_IDENTIFIER=me\n");
	log_free(&log, 1000);
	(void)close(fd);
}
END_TEST

START_TEST(auto_takes_what_is_there)
{
	int pipefd[2], journal, syslog;
	struct log *log;

	/* Nothing there: standard error. */
	ck_assert_int_eq(pipe(pipefd), 0);
	ck_assert_int_ne(dup2(pipefd[1], STDERR_FILENO), -1);
	log = open_log("");
	ck_status("stderr", write_line(log, "x"), ST_OK);
	{
		char out[512];
		ssize_t n = read(pipefd[0], out, sizeof out - 1);

		ck_assert_int_gt((int)n, 0);
		out[n] = '\0';
		ck_assert_ptr_nonnull(
		    strstr(out, "]: 4XyZ1k2: event=report report-id=x\n"));
	}
	/* A daemon has none: then syslog is waited for. */
	log_detach(log);
	ck_status("detached", write_line(log, "x"), ST_LOG_STALLED);
	ck_assert(!log_wait(log, 0));
	reconfigure(log, "");
	ck_status("reconfigured", write_line(log, "x"), ST_LOG_STALLED);
	log_free(&log, 0);
	/* Unless that is what was asked for. */
	log = open_log("LogTarget stderr");
	log_detach(log);
	ck_status("stderr", write_line(log, "x"), ST_OK);
	log_free(&log, 0);
	syslog = listener_open(syslog_path);
	log = open_log("");
	ck_status("syslog", write_line(log, "x"), ST_OK);
	listener_expect(syslog, "report-id=x");
	journal = listener_open(journal_path);
	reconfigure(log, "");
	ck_status("journal", write_line(log, "y"), ST_OK);
	listener_expect(journal, "TLSRPT_REPORT_ID=y");
	log_free(&log, 0);
	(void)close(journal);
	(void)close(syslog);
}
END_TEST

START_TEST(an_absent_daemon_is_waited_for)
{
	struct log *log = open_log("LogTarget syslog");
	long begin;
	int fd;

	ck_status("start", log_start(log), ST_OK);
	ck_status("one", write_line(log, "one"), ST_LOG_STALLED);
	ck_status("two", write_line(log, "two"), ST_LOG_STALLED);
	ck_assert(!log_wait(log, 0));
	begin = now_ms();
	ck_assert(!log_wait(log, 50));
	ck_assert_int_lt((int)(now_ms() - begin), 1000);
	fd = listener_open(syslog_path);
	/* Both come by themselves, in order. */
	listener_expect(fd, "report-id=one");
	listener_expect(fd, "report-id=two");
	ck_assert(log_wait(log, 3000));
	ck_status("three", write_line(log, "three"), ST_OK);
	listener_expect(fd, "report-id=three");
	log_free(&log, 1000);
	(void)close(fd);
}
END_TEST

START_TEST(a_daemon_is_restarted)
{
	int fd = listener_open(syslog_path);
	struct log *log = open_log("LogTarget syslog");

	ck_status("one", write_line(log, "one"), ST_OK);
	listener_expect(fd, "report-id=one");
	(void)close(fd);
	fd = listener_open(syslog_path);
	ck_status("two", write_line(log, "two"), ST_OK);
	listener_expect(fd, "report-id=two");
	log_free(&log, 1000);
	(void)close(fd);
}
END_TEST

START_TEST(a_daemon_that_hangs_holds_up_nobody)
{
	int fd = listener_open(syslog_path);
	struct log *log = open_log("LogTarget syslog");
	long begin = now_ms(), took;
	size_t waiting = 0, got;

	ck_status("start", log_start(log), ST_OK);
	/* It reads nothing; its buffer fills, then the queue begins. */
	for (int i = 0; i < 2000; i++)
		waiting += write_line(log, "x") == ST_LOG_STALLED;
	ck_assert_int_lt((int)(now_ms() - begin), 1000);
	ck_assert_uint_gt(waiting, 1000);
	ck_assert(!log_wait(log, 0));
	/* It wakes up: every line is there, none said to be dropped. */
	for (got = 0, begin = now_ms(); got < 2000 && now_ms() - begin < 10000;)
		got += listener_drain(fd, 50);
	ck_assert_uint_eq(got, 2000);
	ck_assert_uint_eq(listener_drain(fd, 600), 0);
	/* Ending does not wait for one that hangs for good. */
	for (int i = 0; i < 2000; i++)
		(void)write_line(log, "x");
	begin = now_ms();
	log_free(&log, 200);
	took = now_ms() - begin;
	ck_assert_int_lt((int)took, 1500);
	(void)close(fd);
}
END_TEST

START_TEST(what_is_dropped_is_counted_and_said)
{
	enum {
		OVER = 7
	};
	struct log *log = open_log("LogTarget syslog");
	char out[8192] = "", want[64];
	size_t lines = 0;
	int fd;

	for (int i = 0; i < LOG_QUEUE_LINES + OVER; i++)
		ck_assert(write_line(log, "x") == ST_LOG_STALLED);
	fd = listener_open(syslog_path);
	ck_status("start", log_start(log), ST_OK);
	(void)snprintf(want, sizeof want, "dropped-lines=%d", OVER);
	while (listener_read(fd, out, sizeof out, 15000)) {
		if (strstr(out, "dropped-lines=") != NULL)
			break;
		lines++;
	}
	/* Everything that the queue holds, and then how many it could not. */
	ck_assert_uint_eq(lines, LOG_QUEUE_LINES);
	ck_assert_msg(strstr(out, want) != NULL, "%s", out);
	ck_assert_ptr_nonnull(strstr(out, "reason=log-stalled"));
	/* It is said once. */
	ck_status("next", write_line(log, "y"), ST_OK);
	listener_expect(fd, "report-id=y");
	log_free(&log, 1000);
	(void)close(fd);
}
END_TEST

START_TEST(the_queue_has_a_limit_of_bytes)
{
	struct log *log = open_log("LogTarget syslog");
	struct event ev;
	char value[EMIT_VALUE_MAX + 1];
	char out[8192] = "";
	size_t lines = 0, bytes = 0;
	int fd;

	memset(value, 'v', EMIT_VALUE_MAX);
	value[EMIT_VALUE_MAX] = '\0';
	event_init(&ev, "report", SEV_INFO);
	for (int i = 0; i < 7; i++)
		event_string(&ev, "name", value);
	for (int i = 0; i < 2000; i++)
		(void)log_event(log, &ev, "Q");
	fd = listener_open(syslog_path);
	ck_status("start", log_start(log), ST_OK);
	while (listener_read(fd, out, sizeof out, 15000) &&
	    strstr(out, "dropped-lines=") == NULL) {
		lines++;
		bytes += strlen(out);
	}
	ck_assert_uint_le(bytes, LOG_QUEUE_BYTES);
	ck_assert_uint_gt(bytes, LOG_QUEUE_BYTES - 8192);
	(void)snprintf(value, sizeof value, "dropped-lines=%zu", 2000 - lines);
	ck_assert_msg(strstr(out, value) != NULL, "%s", out);
	log_free(&log, 1000);
	(void)close(fd);
}
END_TEST

START_TEST(a_line_is_tried_without_the_thread)
{
	struct log *log = open_log("LogTarget syslog");
	int fd;

	ck_status("one", write_line(log, "one"), ST_LOG_STALLED);
	fd = listener_open(syslog_path);
	/* log_free() tries once more. */
	log_free(&log, 1000);
	listener_expect(fd, "report-id=one");
	(void)close(fd);
}
END_TEST

START_TEST(a_full_pipe_is_not_waited_for)
{
	int pipefd[2];
	struct log *log;
	long begin = now_ms();
	size_t stalled = 0;

	ck_assert_int_eq(pipe(pipefd), 0);
	ck_assert_int_ne(dup2(pipefd[1], STDERR_FILENO), -1);
	log = open_log("LogTarget stderr");
	for (int i = 0; i < 5000; i++)
		stalled += write_line(log, "0123456789") == ST_LOG_STALLED;
	ck_assert_uint_gt(stalled, 1000);
	ck_assert_int_lt((int)(now_ms() - begin), 2000);
	log_free(&log, 0);
}
END_TEST

/* A path that does not fit is a daemon that is absent. */
START_TEST(a_path_may_be_too_long)
{
	char path[300];
	struct log *log;

	memset(path, 'x', sizeof path - 1);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	paths.syslog = path;
	log = open_log("LogTarget syslog");
	ck_status("one", write_line(log, "one"), ST_LOG_STALLED);
	log_free(&log, 0);
}
END_TEST

START_TEST(every_call_may_fail)
{
	static const enum inject kinds[] = { INJECT_MEMORY, INJECT_SOCKET };
	struct conf *conf = unit_conf("Mailbox a@b\nLogTarget syslog");
	size_t descriptors = unit_count_descriptors();
	unsigned n;

	for (n = 1;; n++) {
		enum status st[3] = { ST_OK, ST_OK, ST_OK };
		struct log *log;
		bool is_there, is_struck;

		inject_arm(kinds[_i], n);
		log = log_new(conf, &paths);
		is_there = log != NULL;
		for (int i = 0; is_there && i < 3; i++)
			st[i] = write_line(log, "x");
		log_free(&log, 0);
		is_struck = inject_disarm();
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
		/* Nobody listens: it stalls in any case, and never breaks. */
		for (int i = 0; is_there && i < 3; i++)
			ck_status("stalls", st[i], ST_LOG_STALLED);
		if (!is_struck)
			break;
	}
	ck_assert_uint_gt(n, 1);
	conf_unref(&conf);
}
END_TEST

START_TEST(the_thread_may_not_start)
{
	struct log *log = open_log("LogTarget syslog");
	enum status st;

	inject_arm(INJECT_THREAD, 1);
	st = log_start(log);
	ck_assert(inject_disarm());
	ck_status("start", st, ST_NO_MEMORY);
	log_free(&log, 0);
}
END_TEST

Suite *
log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, syslog_gets_lines);
	tcase_add_test(tc, formats_and_facilities);
	tcase_add_test(tc, the_journal_gets_fields);
	tcase_add_test(tc, auto_takes_what_is_there);
	tcase_add_test(tc, an_absent_daemon_is_waited_for);
	tcase_add_test(tc, a_daemon_is_restarted);
	tcase_add_test(tc, a_daemon_that_hangs_holds_up_nobody);
	tcase_add_test(tc, what_is_dropped_is_counted_and_said);
	tcase_add_test(tc, the_queue_has_a_limit_of_bytes);
	tcase_add_test(tc, a_line_is_tried_without_the_thread);
	tcase_add_test(tc, a_full_pipe_is_not_waited_for);
	tcase_add_test(tc, a_path_may_be_too_long);
	tcase_add_loop_test(tc, every_call_may_fail, 0, 2);
	tcase_add_test(tc, the_thread_may_not_start);
	suite_add_tcase(suite, tc);
	return suite;
}
