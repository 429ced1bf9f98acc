#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alert.h"
#include "inject.h"
#include "listener.h"
#include "suites.h"
#include "unit.h"

/*
 * Real programs, as the command and in the place of sendmail: scripts that find
 * the test's directory by their own name.
 */
static char dir[256];
static char command[300], sendmail[300], syslog_path[300];
static int syslog_fd;
static struct log *event_log;
static struct alert *alert;
static struct alert_limits limits;
static size_t descriptors;

static void
write_program(const char *path, const char *body)
{
	char text[2048];
	int len = snprintf(text, sizeof text,
	    "#!/bin/sh\ncd \"${0%%/*}\" || exit 9\n%s\n", body);

	ck_assert(len > 0 && (size_t)len < sizeof text);
	(void)unlink(path);
	unit_write(path, text, (size_t)len);
	ck_assert_int_eq(chmod(path, 0700), 0);
}

static void
setup(void)
{
	struct log_paths paths = { syslog_path, "/nonexistent" };
	struct conf *conf = unit_conf("Mailbox a@b\nLogTarget syslog\n");

	descriptors = unit_count_descriptors();
	unit_directory(dir, sizeof dir);
	(void)snprintf(command, sizeof command, "%s/command", dir);
	(void)snprintf(sendmail, sizeof sendmail, "%s/sendmail", dir);
	(void)snprintf(syslog_path, sizeof syslog_path, "%s/log", dir);
	syslog_fd = listener_open(syslog_path);
	event_log = log_new(conf, &paths);
	ck_assert_ptr_nonnull(event_log);
	conf_unref(&conf);
	alert = alert_new(event_log);
	ck_assert_ptr_nonnull(alert);
	limits = (struct alert_limits){
		.sendmail = sendmail,
		.limit_ms = 20000,
		.grace_ms = 200,
		.hour_ms = 3600000,
	};
	write_program(command,
	    "echo \"$TLSRPT_EVENT\" >>names; cat >>lines; echo >>runs");
	write_program(sendmail,
	    "for word; do echo \"$word\" >>arguments; done; cat >>mails");
}

/* Nothing is left: no process, no descriptor, no line that was not expected. */
static void
teardown(void)
{
	char line[8192];

	alert_free(&alert, 10000);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	log_free(&event_log, 1000);
	ck_assert_msg(
	    !listener_read(syslog_fd, line, sizeof line, 0), "%s", line);
	(void)close(syslog_fd);
	ck_assert_uint_eq(unit_count_descriptors(), descriptors);
}

static void
configure(const char *settings)
{
	char text[2048];
	struct conf *conf;

	(void)snprintf(text, sizeof text, "Mailbox a@b.example\n%s", settings);
	conf = unit_conf(text);
	alert_configure(alert, conf);
	conf_unref(&conf);
}

/* AlertCommand, and whatever more. */
static void
configure_command(const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof text, "AlertCommand %s\n%s", command, more);
	configure(text);
}

static void
start(void)
{
	struct fault fault;

	alert_set_limits(alert, &limits);
	ck_status("start", alert_start(alert, &fault), ST_OK);
}

/* A problem of its own for each number. */
static void
tell(enum problem_change change, unsigned number)
{
	struct state_problem problem = {
		.policy_type = "sts",
		.result_type = "certificate-expired",
		.receiving_mx_hostname = "mx",
		.episode = { .severity = SEV_ERR },
	};
	struct event ev;

	(void)snprintf(problem.policy_domain, sizeof problem.policy_domain,
	    "d%u.example", number);
	event_problem(&ev, change, &problem);
	alert_event(alert, &ev);
}

/* What a program wrote into a file; "" when there is none. */
static const char *
contents(const char *name)
{
	static char text[1 << 16];
	char path[300];
	struct buf buf;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	buf_init(&buf, sizeof text - 1);
	text[0] = '\0';
	if (unit_exists(path) && unit_slurp(path, &buf) && buf.len > 0)
		(void)snprintf(text, sizeof text, "%s", buf.data);
	buf_free(&buf);
	return text;
}

static size_t
count_lines(const char *name)
{
	size_t n = 0;

	for (const char *p = contents(name); *p != '\0'; p++)
		n += *p == '\n';
	return n;
}

static void
pause_ms(long milliseconds)
{
	struct timespec ts = { .tv_nsec = milliseconds * 1000000 };

	(void)nanosleep(&ts, NULL);
}

/* Let a file have so many lines, which may take a while, and no more. */
static void
wait_for_lines(const char *name, size_t want)
{
	for (int i = 0; i < 2000 && count_lines(name) < want; i++)
		pause_ms(10);
	ck_assert_uint_eq(count_lines(name), want);
}

static long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

START_TEST(the_command_gets_the_event)
{
	configure_command("");
	start();
	tell(PROBLEM_OPENED, 1);
	alert_free(&alert, 20000);
	ck_assert_ptr_null(alert);
	ck_assert_str_eq(contents("names"), "problem-opened\n");
	ck_assert_ptr_eq(strstr(contents("lines"),
			     "{\"event\":\"problem-opened\",\"policy-domain\":"
			     "\"d1.example\",\"policy-type\":\"sts\","),
	    contents("lines"));
	ck_assert_uint_eq(count_lines("lines"), 1);
	ck_assert_ptr_nonnull(strstr(contents("lines"), "\"}\n"));
	ck_assert_str_eq(contents("arguments"), "");
}
END_TEST

START_TEST(sendmail_gets_a_mail)
{
	configure("AlertMail x@c.example\nAlertMail y@c.example\n");
	start();
	tell(PROBLEM_IS_RESOLVED, 1);
	alert_free(&alert, 20000);
	ck_assert_str_eq(contents("arguments"),
	    "-i\n-f\n<>\n--\nx@c.example\ny@c.example\n");
	ck_assert_ptr_eq(
	    strstr(contents("mails"),
		"From: TLS report alerts <tlsrpt-milter>\n"
		"To: x@c.example,\n\ty@c.example\n"
		"Subject: [tlsrpt] problem resolved: certificate-expired on mx "
		"(d1.example)\nX-TLSRPT-Milter: alert; event="),
	    contents("mails"));
	ck_assert_ptr_nonnull(strstr(contents("mails"), "\n\nA problem with "));
	ck_assert_str_eq(contents("names"), "");
}
END_TEST

/* In the order of events; each once, though it is told again. */
START_TEST(both_get_each_once)
{
	configure_command("AlertMail x@c.example\n");
	tell(PROBLEM_OPENED, 1); /* before there is a thread */
	start();
	tell(PROBLEM_OPENED, 1);
	tell(PROBLEM_WORSE, 1);
	tell(PROBLEM_OPENED, 2);
	tell(PROBLEM_IS_RESOLVED, 1);
	alert_free(&alert, 20000);
	ck_assert_str_eq(contents("names"),
	    "problem-opened\nproblem-opened\nproblem-resolved\n");
	ck_assert_uint_eq(count_lines("arguments"), 15);
}
END_TEST

START_TEST(nobody_is_told)
{
	/* Neither without a configuration nor without a target. */
	tell(PROBLEM_OPENED, 1);
	configure("");
	start();
	tell(PROBLEM_OPENED, 1);
	configure_command("");
	tell(PROBLEM_OPENED, 2);
	wait_for_lines("runs", 1);
	configure("");
	tell(PROBLEM_OPENED, 3);
	alert_free(&alert, 20000);
	ck_assert_uint_eq(count_lines("runs"), 1);
	ck_assert_uint_eq(count_lines("arguments"), 0);
}
END_TEST

START_TEST(a_reload_changes_targets)
{
	char other[300], settings[400];

	(void)snprintf(other, sizeof other, "%s/other", dir);
	(void)snprintf(settings, sizeof settings, "AlertCommand %s\n", other);
	write_program(other, "cat >/dev/null; echo >>others");
	configure_command("");
	start();
	tell(PROBLEM_OPENED, 1);
	wait_for_lines("runs", 1);
	configure(settings);
	tell(PROBLEM_OPENED, 2);
	wait_for_lines("others", 1);
	alert_free(&alert, 20000);
	ck_assert_uint_eq(count_lines("runs"), 1);
}
END_TEST

START_TEST(failures_are_logged)
{
	write_program(command, "echo 'no such \"channel\"' >&2; exit 3");
	write_program(sendmail, "kill -9 $$");
	configure_command("AlertMail x@c.example\n");
	start();
	tell(PROBLEM_OPENED, 1);
	listener_expect(syslog_fd,
	    "event=error reason=alert-failed detail=\"exit status 3: no such "
	    "\\\"channel\\\"\" command=");
	listener_expect(syslog_fd, "/sendmail alert=problem-opened");
	/* The next is tried all the same. */
	write_program(command, "cat >>lines");
	tell(PROBLEM_OPENED, 2);
	listener_expect(syslog_fd, " detail=\"signal 9\" command=");
	alert_free(&alert, 20000);
	ck_assert_uint_eq(count_lines("lines"), 1);
}
END_TEST

START_TEST(what_it_says_is_made_safe)
{
	write_program(
	    command, "printf 'a\\033[31m\\377 event=report\\nb' >&2; exit 1");
	configure_command("");
	start();
	tell(PROBLEM_OPENED, 1);
	listener_expect(syslog_fd,
	    "detail=\"exit status 1: a\\x1b[31m\\xff event=report\" command=");
}
END_TEST

/* It is said at the start, and again when it was to be run. */
START_TEST(a_command_that_is_missing)
{
	alert_set_limits(alert, &limits);
	(void)unlink(command);
	ck_assert_int_eq(chmod(sendmail, 0600), 0);
	configure_command("AlertMail x@c.example\n");
	listener_expect(syslog_fd,
	    "event=error reason=alert-failed detail=\"No such file or "
	    "directory\" command=");
	listener_expect(syslog_fd, "detail=\"Permission denied\" command=");
	start();
	tell(PROBLEM_OPENED, 1);
	listener_expect(syslog_fd,
	    "detail=\"cannot be run: No such file or directory\" command=");
	listener_expect(
	    syslog_fd, "detail=\"cannot be run: Permission denied\" command=");
}
END_TEST

START_TEST(a_command_that_hangs)
{
	long before;

	limits.limit_ms = 1000;
	write_program(
	    command, "trap '' TERM; echo oh >&2; sleep 100; sleep 100");
	configure_command("AlertMail x@c.example\n");
	start();
	before = now_ms();
	tell(PROBLEM_OPENED, 1);
	ck_assert_int_lt(now_ms() - before, 500);
	listener_expect(syslog_fd, "detail=\"killed after 1 s: oh\" command=");
	/* The mail goes out. */
	alert_free(&alert, 20000);
	ck_assert_uint_eq(count_lines("arguments"), 5);
}
END_TEST

START_TEST(no_more_than_the_rate)
{
	limits.hour_ms = 1500;
	configure_command("AlertRate 2\n");
	start();
	for (unsigned i = 0; i < 5; i++)
		tell(PROBLEM_OPENED, i);
	tell(PROBLEM_IS_STALE, 0);
	wait_for_lines("runs", 2);
	listener_expect(syslog_fd,
	    "event=alerts-summed alerts=4 problem-opened=3 problem-stale=1 "
	    "severity=err");
	wait_for_lines("runs", 3);
	ck_assert_str_eq(contents("names"),
	    "problem-opened\nproblem-opened\nalerts-summed\n");
	ck_assert_ptr_nonnull(strstr(contents("lines"),
	    "\n{\"event\":\"alerts-summed\",\"alerts\":4,\"problem-opened\":3,"
	    "\"problem-stale\":1,\"severity\":\"err\"}\n"));
	/* The sum is the first of the next hour. */
	tell(PROBLEM_OPENED, 10);
	tell(PROBLEM_OPENED, 11);
	wait_for_lines("runs", 4);
	listener_expect(syslog_fd, "alerts=1 problem-opened=1 severity=err");
	wait_for_lines("runs", 5);
}
END_TEST

START_TEST(a_rate_of_none)
{
	configure_command("AlertRate 0\n");
	start();
	for (unsigned i = 0; i < 30; i++)
		tell(PROBLEM_OPENED, i);
	wait_for_lines("runs", 30);
}
END_TEST

/* More than the queue holds is counted; nobody waits. */
START_TEST(the_queue_is_bounded)
{
	char go[300];
	long before;

	limits.hour_ms = 100;
	write_program(command,
	    "cat >/dev/null; while ! test -e go; do sleep 0.05; done\n"
	    "echo >>runs");
	configure_command("AlertRate 0\n");
	start();
	tell(PROBLEM_OPENED, 0);
	pause_ms(300); /* it runs now, and has left the queue */
	before = now_ms();
	for (unsigned i = 1; i <= ALERT_QUEUE_MAX + 44; i++)
		tell(PROBLEM_OPENED, i);
	ck_assert_int_lt(now_ms() - before, 5000);
	(void)snprintf(go, sizeof go, "%s/go", dir);
	unit_write(go, "", 0);
	wait_for_lines("runs", 1 + ALERT_QUEUE_MAX + 1);
	listener_expect(syslog_fd,
	    "event=alerts-summed alerts=44 problem-opened=44 severity=err");
}
END_TEST

/* At the end what waits is told while there is time, the sum too. */
START_TEST(the_end_tells_what_waits)
{
	configure_command("AlertRate 2\n");
	start();
	for (unsigned i = 0; i < 4; i++)
		tell(PROBLEM_OPENED, i);
	alert_free(&alert, 20000);
	listener_expect(syslog_fd, "event=alerts-summed alerts=2 ");
	ck_assert_uint_eq(count_lines("runs"), 3);
}
END_TEST

START_TEST(the_end_does_not_wait)
{
	long before;

	write_program(
	    command, "trap '' TERM; echo $$ >>pid; sleep 100; sleep 100");
	configure_command("AlertRate 3\n");
	start();
	for (unsigned i = 0; i < 5; i++)
		tell(PROBLEM_OPENED, i);
	wait_for_lines("pid", 1);
	before = now_ms();
	alert_free(&alert, 100);
	ck_assert_int_lt(now_ms() - before, 10000);
	listener_expect(syslog_fd, "detail=\"killed at our own end\" command=");
	listener_expect(syslog_fd,
	    "event=error reason=alert-failed detail=\"there was no time for "
	    "all alerts\" alerts=4");
	ck_assert_uint_eq(count_lines("pid"), 1);
}
END_TEST

/* Without a thread, too. */
START_TEST(the_end_without_a_beginning)
{
	configure_command("");
	tell(PROBLEM_OPENED, 1);
	alert_free(&alert, 1000);
	listener_expect(syslog_fd,
	    "detail=\"there was no time for all alerts\" "
	    "alerts=1");
	alert_free(&alert, 1000);
}
END_TEST

static void *
tell_many(void *arg)
{
	unsigned from = *(unsigned *)arg;

	for (unsigned i = 0; i < 50; i++)
		tell(PROBLEM_OPENED, from + i);
	return NULL;
}

START_TEST(many_threads)
{
	pthread_t threads[4];
	unsigned from[4];

	configure_command("AlertRate 0\n");
	start();
	for (unsigned i = 0; i < ARRAY_LEN(threads); i++) {
		from[i] = i * 100;
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, tell_many, &from[i]), 0);
	}
	for (int i = 0; i < 20; i++)
		configure_command("AlertRate 0\n");
	for (unsigned i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	wait_for_lines("runs", 200);
}
END_TEST

START_TEST(trouble_of_our_own)
{
	struct alert *other;
	enum status st;
	struct fault fault;

	inject_arm(INJECT_MEMORY, 1);
	other = alert_new(event_log);
	ck_assert(inject_disarm());
	ck_assert_ptr_null(other);
	inject_arm(INJECT_THREAD, 1);
	st = alert_start(alert, &fault);
	ck_assert(inject_disarm());
	ck_status("thread", st, ST_NO_MEMORY);
	ck_assert_str_eq(fault.detail, "cannot start the thread of alerts");
}
END_TEST

/* An event for which there is no memory is counted, as one too many. */
START_TEST(no_memory_for_an_event)
{
	unsigned n;

	for (n = 1; n < 100; n++) {
		bool has_struck;

		configure_command("");
		inject_arm(INJECT_MEMORY, n);
		tell(PROBLEM_OPENED, n);
		has_struck = inject_disarm();
		alert_free(&alert, 0);
		/* In the queue or in the sum. */
		listener_expect(syslog_fd,
		    "detail=\"there was no time for all alerts\" alerts=1");
		if (!has_struck)
			break;
		alert = alert_new(event_log);
		ck_assert_ptr_nonnull(alert);
	}
	ck_assert_uint_gt(n, 5);
	ck_assert_uint_lt(n, 100);
}
END_TEST

Suite *
alert_suite(void)
{
	Suite *suite = suite_create("alert");
	TCase *tc = tcase_create("alert");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_command_gets_the_event);
	tcase_add_test(tc, sendmail_gets_a_mail);
	tcase_add_test(tc, both_get_each_once);
	tcase_add_test(tc, nobody_is_told);
	tcase_add_test(tc, a_reload_changes_targets);
	tcase_add_test(tc, failures_are_logged);
	tcase_add_test(tc, what_it_says_is_made_safe);
	tcase_add_test(tc, a_command_that_is_missing);
	tcase_add_test(tc, a_command_that_hangs);
	tcase_add_test(tc, no_more_than_the_rate);
	tcase_add_test(tc, a_rate_of_none);
	tcase_add_test(tc, the_queue_is_bounded);
	tcase_add_test(tc, the_end_tells_what_waits);
	tcase_add_test(tc, the_end_does_not_wait);
	tcase_add_test(tc, the_end_without_a_beginning);
	tcase_add_test(tc, many_threads);
	tcase_add_test(tc, trouble_of_our_own);
	tcase_add_test(tc, no_memory_for_an_event);
	suite_add_tcase(suite, tc);
	return suite;
}
