/*
 * child: runs a program for us: with input, with a time limit, and without a
 * shell.
 *
 * The program has a process group of its own, all signals as they are by
 * default, the root directory, and no descriptor but 0, 1 and 2: standard input
 * is a pipe with what it is given, standard output is /dev/null or handed to
 * whoever wants it, and of standard error the beginning is kept to tell why it
 * failed. One that does not read, that writes without end or that does not end
 * holds its caller up no longer than the limit says.
 *
 * What it leaves running in the background when it ends in time is its own
 * affair, as cron(8) has it: mail systems deliver so. When the time is up, the
 * whole process group is killed.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stddef.h>

enum {
	CHILD_SAID_MAX = 200, /* bytes of standard error that are kept */
	CHILD_TEXT_MAX = 320  /* enough for child_describe() */
};

struct child {
	char *const *argv; /* argv[0] is the path of the program */
	char *const *environment;
	const char *input;
	size_t input_len;
	unsigned limit_ms; /* then it gets SIGTERM */
	unsigned grace_ms; /* and after so much more SIGKILL */
	int cancel_fd;     /* readable: its time is up at once; or -1 */
	/* Gets what it writes to standard output, as it comes, in pieces that
	   are cut anywhere; or NULL. */
	void (*output)(void *ctx, const char *data, size_t len);
	void *output_ctx;
};

enum child_how {
	CHILD_EXITED,    /* code is the exit status */
	CHILD_SIGNALLED, /* the signal */
	CHILD_TIMEOUT,   /* the seconds after which it was killed */
	CHILD_CANCELLED,
	CHILD_UNKNOWN,    /* somebody else took its exit status */
	CHILD_NOT_STARTED /* errno */
};

struct child_end {
	enum child_how how;
	int code;
	char said[CHILD_SAID_MAX]; /* may hold anything, but a NUL ends it */
};

/*
 * Run it and wait for its end. The calling thread must have SIGPIPE blocked or
 * ignored. SIGCHLD must not be ignored in the process (CHILD_UNKNOWN).
 */
void child_run(const struct child *child, struct child_end *end);

/*
 * "exit status 1: no such channel": how it ended, and the first line that it
 * said. The latter is as it came.
 */
void child_describe(const struct child_end *end, char out[CHILD_TEXT_MAX]);

#endif
