#define _GNU_SOURCE /* posix_spawn_file_actions_addclosefrom_np(), pipe2() */

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"

enum {
	/* How often it is looked whether it has ended: there is no portable
	 * way to wait for that and for descriptors at once. */
	TURN_MIN_MS = 1,
	TURN_MAX_MS = 50,
	/* More than a pipe can hold (1 MB), even when reads come out short. */
	DRAIN_READS = 4096
};

enum stage {
	STAGE_RUNS,
	STAGE_ASKED, /* it got SIGTERM */
	STAGE_KILLED
};

struct running {
	const struct child *child;
	struct child_end *end;
	pid_t pid;
	int in;     /* to its standard input; -1 when it is closed */
	int out;    /* from its standard output; likewise */
	int err;    /* from its standard error; likewise */
	int cancel; /* child->cancel_fd until that has been readable */
	size_t sent;
	size_t said;
	enum stage stage;
	uint64_t deadline; /* of the stage */
};

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/*
 * Starting.
 */

static int
add_actions(posix_spawn_file_actions_t *actions, int in, int out, int err)
{
	int rc = posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO);

	if (rc == 0 && out != -1)
		rc = posix_spawn_file_actions_adddup2(
		    actions, out, STDOUT_FILENO);
	else if (rc == 0)
		rc = posix_spawn_file_actions_addopen(
		    actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(
		    actions, err, STDERR_FILENO);
	/* Others may not be marked for it, such as libmilter's. */
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(
		    actions, STDERR_FILENO + 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_addchdir_np(actions, "/");
	return rc;
}

static int
set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int rc;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	rc = posix_spawnattr_setflags(attributes,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETSIGMASK);
	if (rc == 0)
		rc = posix_spawnattr_setpgroup(attributes, 0);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attributes, &all);
	return rc == 0 ? posix_spawnattr_setsigmask(attributes, &none) : rc;
}

/* Returns an errno, 0 when it runs. */
static int
spawn(struct running *r, int in, int out, int err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attributes);
	if (rc == 0) {
		rc = add_actions(&actions, in, out, err);
		if (rc == 0)
			rc = set_attributes(&attributes);
		if (rc == 0)
			rc = posix_spawn(&r->pid, r->child->argv[0], &actions,
			    &attributes, r->child->argv, r->child->environment);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* A pipe; the end that is ours does not block. */
static bool
make_pipe(int fds[2], int ours)
{
	return pipe2(fds, O_CLOEXEC) == 0 &&
	    fcntl(fds[ours], F_SETFL, O_NONBLOCK) == 0;
}

/* With our ends of all pipes in r. */
static int
start(struct running *r)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	int rc = 0;

	if (!make_pipe(in, 1) || !make_pipe(err, 0) ||
	    (r->child->output != NULL && !make_pipe(out, 0)))
		rc = errno;
	if (rc == 0)
		rc = spawn(r, in[0], out[1], err[1]);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	r->in = in[1];
	r->out = out[0];
	r->err = err[0];
	return rc;
}

/*
 * While it runs.
 */

/* Give it more of its input; one that wants no more is left alone. */
static void
feed(struct running *r)
{
	const struct child *child = r->child;
	ssize_t n = 0;

	if (r->sent < child->input_len) {
		n = write(
		    r->in, child->input + r->sent, child->input_len - r->sent);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
	}
	if (n > 0)
		r->sent += (size_t)n;
	if (n == -1 || r->sent == child->input_len)
		close_fd(&r->in);
}

/* Take what it says, and keep what there is room for. */
static void
hear(struct running *r)
{
	char *said = r->end->said;
	char block[4096];
	ssize_t n;

	if (r->err == -1)
		return;
	n = read(r->err, block, sizeof block);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_fd(&r->err);
		return;
	}
	if ((size_t)n > sizeof r->end->said - 1 - r->said)
		n = (ssize_t)(sizeof r->end->said - 1 - r->said);
	memcpy(said + r->said, block, (size_t)n);
	r->said += (size_t)n;
	said[r->said] = '\0';
}

/* Hand on a piece of what it writes; false when there is none for now. */
static bool
pass_on(struct running *r)
{
	char block[65536];
	ssize_t n;

	if (r->out == -1)
		return false;
	n = read(r->out, block, sizeof block);
	if (n == -1 && errno == EINTR)
		return true;
	if (n == -1 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		close_fd(&r->out);
		return false;
	}
	r->child->output(r->child->output_ctx, block, (size_t)n);
	return true;
}

static void
exchange(struct running *r, int milliseconds)
{
	struct pollfd fds[] = {
		{ .fd = r->out, .events = POLLIN },
		{ .fd = r->in, .events = POLLOUT },
		{ .fd = r->err, .events = POLLIN },
		{ .fd = r->cancel, .events = POLLIN },
	};

	if (poll(fds, sizeof fds / sizeof fds[0], milliseconds) <= 0)
		return;
	if (fds[0].revents != 0)
		(void)pass_on(r);
	if (fds[1].revents != 0)
		feed(r);
	if (fds[2].revents != 0)
		hear(r);
	if (fds[3].revents != 0) {
		r->cancel = -1;
		if (r->stage == STAGE_RUNS) {
			r->end->how = CHILD_CANCELLED;
			r->deadline = 0;
		}
	}
}

/* It stays a zombie, so that its group cannot become that of another. */
static bool
has_ended(const struct running *r)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)r->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) != 0 ||
	    info.si_pid != 0;
}

/* The time is up. Returns false when nothing more can be done. */
static bool
press(struct running *r)
{
	if (r->stage == STAGE_KILLED)
		return false;
	if (r->stage == STAGE_RUNS && r->end->how != CHILD_CANCELLED) {
		r->end->how = CHILD_TIMEOUT;
		r->end->code = (int)(r->child->limit_ms / 1000);
	}
	(void)kill(-r->pid, r->stage == STAGE_RUNS ? SIGTERM : SIGKILL);
	r->stage++;
	r->deadline = deadline_now() + r->child->grace_ms;
	return true;
}

static void
wait_for_end(struct running *r)
{
	int turn = TURN_MIN_MS;

	r->deadline = deadline_now() + r->child->limit_ms;
	while (!has_ended(r)) {
		if (deadline_now() >= r->deadline && !press(r))
			return;
		exchange(r, turn);
		turn = turn * 2 < TURN_MAX_MS ? turn * 2 : TURN_MAX_MS;
	}
}

/*
 * What is in the pipe still, which is bounded: what it left in the background
 * may go on writing.
 */
static void
drain(struct running *r)
{
	for (int i = 0; i < DRAIN_READS && pass_on(r); i++)
		;
}

/* It has ended, or cannot be killed, in which case it stays. */
static void
reap(struct running *r)
{
	struct child_end *end = r->end;
	int status;
	pid_t pid;

	/* What it has started, and left behind. */
	if (r->stage != STAGE_RUNS)
		(void)kill(-r->pid, SIGKILL);
	hear(r);
	drain(r);
	pid = waitpid(r->pid, &status, WNOHANG);
	if (end->how == CHILD_TIMEOUT || end->how == CHILD_CANCELLED)
		return;
	if (pid != r->pid) {
		end->how = CHILD_UNKNOWN;
	} else if (WIFSIGNALED(status)) {
		end->how = CHILD_SIGNALLED;
		end->code = WTERMSIG(status);
	} else {
		end->how = CHILD_EXITED;
		end->code = WEXITSTATUS(status);
	}
}

void
child_run(const struct child *child, struct child_end *end)
{
	struct running r = {
		.child = child,
		.end = end,
		.in = -1,
		.out = -1,
		.err = -1,
		.cancel = child->cancel_fd,
		.stage = STAGE_RUNS,
	};

	*end = (struct child_end){ .how = CHILD_EXITED };
	end->code = start(&r);
	if (end->code != 0) {
		end->how = CHILD_NOT_STARTED;
	} else {
		wait_for_end(&r);
		reap(&r);
	}
	close_fd(&r.in);
	close_fd(&r.out);
	close_fd(&r.err);
}

void
child_describe(const struct child_end *end, char out[CHILD_TEXT_MAX])
{
	int len = (int)strcspn(end->said, "\r\n");
	const char *colon = len > 0 ? ": " : "";
	char how[CHILD_TEXT_MAX - CHILD_SAID_MAX];

	switch (end->how) {
	case CHILD_EXITED:
		(void)snprintf(how, sizeof how, "exit status %d", end->code);
		break;
	case CHILD_SIGNALLED:
		(void)snprintf(how, sizeof how, "signal %d", end->code);
		break;
	case CHILD_TIMEOUT:
		(void)snprintf(how, sizeof how, "killed after %d s", end->code);
		break;
	case CHILD_CANCELLED:
		(void)snprintf(how, sizeof how, "killed at our own end");
		break;
	case CHILD_UNKNOWN:
		(void)snprintf(how, sizeof how, "ended, nobody knows how");
		break;
	case CHILD_NOT_STARTED:
		(void)snprintf(
		    how, sizeof how, "cannot be run: %s", strerror(end->code));
		break;
	}
	(void)snprintf(
	    out, CHILD_TEXT_MAX, "%s%s%.*s", how, colon, len, end->said);
}
