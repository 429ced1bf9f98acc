#define _GNU_SOURCE /* pipe2() */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "suites.h"
#include "unit.h"

/* Real programs: shell scripts in a directory of the test's own. */
static char dir[256];
static char program[300];
static size_t descriptors;

static void
setup(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGPIPE);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	unit_directory(dir, sizeof dir);
	(void)snprintf(program, sizeof program, "%s/program", dir);
	descriptors = unit_count_descriptors();
}

/* Nothing is left behind: no child, no descriptor. */
static void
teardown(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_uint_eq(unit_count_descriptors(), descriptors);
}

/* A script that finds the test's directory in $1. */
static void
write_program(const char *body)
{
	char text[2048];
	int len = snprintf(
	    text, sizeof text, "#!/bin/sh\ncd \"$1\" || exit 9\n%s\n", body);

	ck_assert(len > 0 && (size_t)len < sizeof text);
	unit_write(program, text, (size_t)len);
	ck_assert_int_eq(chmod(program, 0700), 0);
}

/* What the next run() writes is kept here, if there is a place. */
static struct buf *output;

static void
take_output(void *ctx, const char *data, size_t len)
{
	ck_status("output", buf_add(ctx, data, len), ST_OK);
}

static struct child_end
run(const char *input, size_t len, unsigned limit_ms, int cancel_fd)
{
	static char *const environment[] = { "PATH=/usr/bin:/bin", "A=b c",
		NULL };
	char *const argv[] = { program, dir, NULL };
	const struct child child = {
		.argv = argv,
		.environment = environment,
		.input = input,
		.input_len = len,
		.limit_ms = limit_ms,
		.grace_ms = 300,
		.cancel_fd = cancel_fd,
		.output = output != NULL ? take_output : NULL,
		.output_ctx = output,
	};
	struct child_end end;

	child_run(&child, &end);
	return end;
}

/* With some input and a limit that is not reached. */
static struct child_end
run_body(const char *body)
{
	write_program(body);
	return run(BYTES("a line\n"), 20000, -1);
}

static void
ck_end(const struct child_end *end, enum child_how how, int code,
    const char *described)
{
	char text[CHILD_TEXT_MAX];

	child_describe(end, text);
	ck_assert_str_eq(text, described);
	ck_assert_int_eq(end->how, how);
	ck_assert_int_eq(end->code, code);
}

static void
ck_file(const char *name, const char *want)
{
	char path[300];
	struct buf text;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	buf_init(&text, 1 << 20);
	ck_assert(unit_slurp(path, &text));
	ck_assert_str_eq(text.len > 0 ? text.data : "", want);
	buf_free(&text);
}

static long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The process whose id is in a file, once it is: is it there still? */
static bool
is_alive(const char *name)
{
	char path[300];
	struct buf text;
	long pid = 0;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	buf_init(&text, 100);
	ck_assert(unit_slurp(path, &text));
	ck_assert_int_eq(sscanf(text.data, "%ld", &pid), 1);
	buf_free(&text);
	(void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	buf_init(&text, 4096);
	/* One that nobody has reaped yet is dead all the same. */
	if (!unit_slurp(path, &text) || strstr(text.data, ") Z ") != NULL)
		pid = 0;
	buf_free(&text);
	return pid != 0;
}

/* SIGKILL takes its time on a machine that has much to do. */
static void
ck_dies(const char *name)
{
	for (int i = 0; i < 500 && is_alive(name); i++)
		(void)usleep(10000);
	ck_assert(!is_alive(name));
}

START_TEST(it_gets_its_input)
{
	struct child_end end = run_body("cat >in; echo out; echo err >&2");

	ck_end(&end, CHILD_EXITED, 0, "exit status 0: err");
	ck_file("in", "a line\n");
	end = run("", 0, 20000, -1);
	ck_end(&end, CHILD_EXITED, 0, "exit status 0: err");
	ck_file("in", "");
}
END_TEST

/* More than a pipe holds, to one that takes its time. */
START_TEST(it_gets_a_long_input)
{
	struct child_end end;
	struct buf input;

	buf_init(&input, 1 << 20);
	unit_repeat(&input, "0123456789abcde\n", 50000);
	write_program("sleep 0.2; cat | wc -c | tr -d ' ' >count");
	end = run(input.data, input.len, 20000, -1);
	ck_end(&end, CHILD_EXITED, 0, "exit status 0");
	ck_file("count", "800000\n");
	/* One that does not want it. */
	write_program("exec <&-; sleep 0.1");
	end = run(input.data, input.len, 20000, -1);
	ck_end(&end, CHILD_EXITED, 0, "exit status 0");
	write_program("head -c 100000 >/dev/null; exit 3");
	end = run(input.data, input.len, 20000, -1);
	ck_end(&end, CHILD_EXITED, 3, "exit status 3");
	buf_free(&input);
}
END_TEST

/* Environment, directory, descriptors, signals, process group. */
START_TEST(its_world)
{
	struct child_end end;
	int fd;

	/* Not marked to be closed on exec, as a library might have it. */
	fd = open("/dev/null", O_RDONLY);
	ck_assert_int_ne(fd, -1);
	(void)signal(SIGUSR1, SIG_IGN);
	unit_write(program,
	    BYTES("#!/bin/sh\npwd >\"$1/pwd\"\ncd \"$1\"\n"
		  "tr '\\0' '\\n' </proc/$$/environ >env\n"
		  "out=$(readlink /proc/$$/fd/1); echo \"$out\" >stdout\n"
		  /* Without the signals that are glibc's own, and by the
		   * shell itself, which blocks some to start others. */
		  "while read -r name set; do case $name in SigBlk: | SigIgn:)"
		  " echo $name ${set#?????????};; esac;"
		  " done </proc/$$/status >signals\n"
		  "test \"$(cut -d ' ' -f 5 /proc/$$/stat)\" = $$ && "
		  "touch group\n"
		  /* The shell has some of its own, and ls 3. */
		  "exec ls /proc/self/fd >fds\n"));
	ck_assert_int_eq(chmod(program, 0700), 0);
	end = run(BYTES("x"), 20000, -1);
	(void)close(fd);
	ck_end(&end, CHILD_EXITED, 0, "exit status 0");
	ck_file("pwd", "/\n");
	ck_file("env", "PATH=/usr/bin:/bin\nA=b c\n");
	ck_file("fds", "0\n1\n2\n3\n");
	ck_file("stdout", "/dev/null\n");
	ck_file("signals", "SigBlk: 0000000\nSigIgn: 0000000\n");
	ck_file("group", "");
}
END_TEST

START_TEST(how_it_fails)
{
	struct child_end end = run_body("echo 'no such channel' >&2; exit 3");

	ck_end(&end, CHILD_EXITED, 3, "exit status 3: no such channel");
	end = run_body("printf 'one\\r\\ntwo\\n' >&2; exit 1");
	ck_end(&end, CHILD_EXITED, 1, "exit status 1: one");
	end = run_body("printf '\\0x' >&2; exit 255");
	ck_end(&end, CHILD_EXITED, 255, "exit status 255");
	end = run_body("kill -9 $$");
	ck_end(&end, CHILD_SIGNALLED, 9, "signal 9");
	end = run_body("echo dying >&2; kill -SEGV $$");
	ck_end(&end, CHILD_SIGNALLED, 11, "signal 11: dying");
}
END_TEST

START_TEST(it_cannot_be_run)
{
	struct child_end end = run(BYTES("x"), 20000, -1);

	ck_end(&end, CHILD_NOT_STARTED, ENOENT,
	    "cannot be run: No such file or directory");
	unit_write(program, BYTES("#!/nonexistent\n"));
	ck_assert_int_eq(chmod(program, 0600), 0);
	end = run(BYTES("x"), 20000, -1);
	ck_end(&end, CHILD_NOT_STARTED, EACCES,
	    "cannot be run: Permission denied");
	ck_assert_int_eq(chmod(program, 0700), 0);
	end = run(BYTES("x"), 20000, -1);
	ck_end(&end, CHILD_NOT_STARTED, ENOENT,
	    "cannot be run: No such file or directory");
	/* No shell makes sense of it. */
	unit_write(program, BYTES("exit 0\n"));
	end = run(BYTES("x"), 20000, -1);
	ck_end(&end, CHILD_NOT_STARTED, ENOEXEC,
	    "cannot be run: Exec format error");
}
END_TEST

/* Megabytes on both outputs, of which the beginning is kept. */
START_TEST(it_says_too_much)
{
	char long_line[CHILD_SAID_MAX], want[CHILD_TEXT_MAX];
	struct child_end end =
	    run_body("yes 123456789 | head -c 5000000\n"
		     "yes 123456789 | head -c 5000000 >&2; exit 2");

	ck_end(&end, CHILD_EXITED, 2, "exit status 2: 123456789");
	end = run_body("yes | head -c 5000000 | tr '\\n' y >&2; exit 2");
	memset(long_line, 'y', sizeof long_line - 1);
	long_line[sizeof long_line - 1] = '\0';
	(void)snprintf(want, sizeof want, "exit status 2: %s", long_line);
	ck_end(&end, CHILD_EXITED, 2, want);
	/* And one that goes on for ever. */
	write_program("yes >&2");
	end = run(BYTES("x"), 1000, -1);
	ck_end(&end, CHILD_TIMEOUT, 1, "killed after 1 s: y");
}
END_TEST

/* Its standard output is wanted: all of it, however it ends. */
START_TEST(its_output)
{
	struct child_end end;
	struct buf text;
	long before;

	buf_init(&text, 8 << 20);
	output = &text;
	end = run_body("cat; printf 'a\\0b\n'; echo no >&2; exit 4");
	ck_end(&end, CHILD_EXITED, 4, "exit status 4: no");
	ck_bytes("output", text.data, text.len, "a line\na\0b\n", 11);
	buf_cut(&text, 0);
	end = run_body("yes 123456789 | head -c 5000000");
	ck_end(&end, CHILD_EXITED, 0, "exit status 0");
	ck_assert_uint_eq(text.len, 5000000);
	buf_cut(&text, 0);
	/* What it filled the pipe with before it ended. */
	end = run_body("exec head -c 60000 /dev/zero");
	ck_assert_uint_eq(text.len, 60000);
	buf_cut(&text, 0);
	/* Who closes it lives on, and who leaves it to another ends. */
	before = now_ms();
	end = run_body("exec >&-; sleep 0.2; exit 7");
	ck_end(&end, CHILD_EXITED, 7, "exit status 7");
	end = run_body("echo x; sleep 3 & exit 0");
	ck_end(&end, CHILD_EXITED, 0, "exit status 0");
	ck_assert_int_lt(now_ms() - before, 3000);
	ck_bytes("output", text.data, text.len, "x\n", 2);
	output = NULL;
	buf_free(&text);
}
END_TEST

START_TEST(its_time_is_up)
{
	struct child_end end;
	long before = now_ms();

	write_program("echo waiting >&2; trap 'touch asked; exit 0' TERM\n"
		      "sleep 1000 & wait");
	end = run(BYTES("x"), 1000, -1);
	ck_end(&end, CHILD_TIMEOUT, 1, "killed after 1 s: waiting");
	ck_file("asked", "");
	ck_assert_int_ge(now_ms() - before, 1000);
	ck_assert_int_lt(now_ms() - before, 10000);
}
END_TEST

/* Neither it nor what it started listens, and both are gone. */
START_TEST(it_will_not_end)
{
	struct child_end end;

	write_program("trap '' TERM; echo $$ >pid\n"
		      "(echo $(exec sh -c 'echo $PPID') >other; sleep 1000) &\n"
		      "while :; do sleep 1000; done");
	end = run(BYTES("x"), 1000, -1);
	ck_end(&end, CHILD_TIMEOUT, 1, "killed after 1 s");
	ck_assert(!is_alive("pid"));
	ck_dies("other");
}
END_TEST

/* It ends when asked to; what it started does not. */
START_TEST(what_it_started_is_killed)
{
	struct child_end end;

	write_program("(trap '' TERM; echo $(exec sh -c 'echo $PPID') >other\n"
		      "sleep 1000; sleep 1000) &\nsleep 1000");
	end = run(BYTES("x"), 1000, -1);
	ck_end(&end, CHILD_TIMEOUT, 1, "killed after 1 s");
	ck_dies("other");
}
END_TEST

/* What goes on in the background holds nobody up, and is let be. */
START_TEST(what_it_leaves_behind)
{
	long before = now_ms();
	struct child_end end =
	    run_body("sleep 30 & echo $! >other; echo gone >&2");

	ck_end(&end, CHILD_EXITED, 0, "exit status 0: gone");
	ck_assert_int_lt(now_ms() - before, 15000);
	ck_assert(is_alive("other"));
	end = run_body("kill -9 $(cat other)");
	ck_end(&end, CHILD_EXITED, 0, "exit status 0");
}
END_TEST

START_TEST(it_is_cancelled)
{
	long before = now_ms();
	struct child_end end;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	write_program("trap '' TERM; echo $$ >pid; sleep 1000; sleep 1000");
	ck_assert_int_eq(write(fds[1], "", 1), 1);
	end = run(BYTES("x"), 60000, fds[0]);
	ck_end(&end, CHILD_CANCELLED, 0, "killed at our own end");
	ck_assert_int_lt(now_ms() - before, 20000);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

/* A process that ignores SIGCHLD learns no exit status, and goes on. */
START_TEST(nobody_knows_how)
{
	struct child_end end;

	(void)signal(SIGCHLD, SIG_IGN);
	end = run_body("exit 1");
	ck_end(&end, CHILD_UNKNOWN, 0, "ended, nobody knows how");
	(void)signal(SIGCHLD, SIG_DFL);
}
END_TEST

/* Room for one pipe, but not for two; and for none. */
START_TEST(no_descriptor_is_left)
{
	struct rlimit old, low;
	int first;
	struct child_end end[2];

	write_program("exit 0");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	/* The first that is free; if there is a gap, there is less room. */
	first = dup(STDERR_FILENO);
	(void)close(first);
	for (int i = 0; i < 2; i++) {
		low.rlim_cur = (rlim_t)(first + 2 * i);
		(void)setrlimit(RLIMIT_NOFILE, &low);
		end[i] = run(BYTES("x"), 20000, -1);
	}
	(void)setrlimit(RLIMIT_NOFILE, &old);
	for (int i = 0; i < 2; i++)
		ck_end(&end[i], CHILD_NOT_STARTED, EMFILE,
		    "cannot be run: Too many open files");
}
END_TEST

Suite *
child_suite(void)
{
	Suite *suite = suite_create("child");
	TCase *tc = tcase_create("child");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, it_gets_its_input);
	tcase_add_test(tc, it_gets_a_long_input);
	tcase_add_test(tc, its_world);
	tcase_add_test(tc, how_it_fails);
	tcase_add_test(tc, it_cannot_be_run);
	tcase_add_test(tc, it_says_too_much);
	tcase_add_test(tc, its_output);
	tcase_add_test(tc, its_time_is_up);
	tcase_add_test(tc, it_will_not_end);
	tcase_add_test(tc, what_it_started_is_killed);
	tcase_add_test(tc, what_it_leaves_behind);
	tcase_add_test(tc, it_is_cancelled);
	tcase_add_test(tc, nobody_knows_how);
	tcase_add_test(tc, no_descriptor_is_left);
	suite_add_tcase(suite, tc);
	return suite;
}
