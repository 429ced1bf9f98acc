#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static int signal_pipe[2];

static void
on_signal(int number)
{
	int saved = errno;
	char byte = (char)number;

	(void)!write(signal_pipe[1], &byte, 1);
	errno = saved;
}

bool
signals_catch(void)
{
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART };

	if (pipe(signal_pipe) == -1)
		return false;
	(void)fcntl(signal_pipe[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(signal_pipe[1], F_SETFD, FD_CLOEXEC);
	(void)fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Whoever started us may have it ignored: then no alert that runs can
	   be asked how it ended. */
	(void)signal(SIGCHLD, SIG_DFL);
	return sigaction(SIGHUP, &action, NULL) == 0 &&
	    sigaction(SIGTERM, &action, NULL) == 0 &&
	    sigaction(SIGINT, &action, NULL) == 0;
}

int
signals_wait(void)
{
	struct pollfd pfd = { .fd = signal_pipe[0], .events = POLLIN };
	char byte;

	/* poll(2) lets a handler run at once, whoever watches us. */
	while (poll(&pfd, 1, -1) == -1 && errno == EINTR)
		;
	return read(signal_pipe[0], &byte, 1) == 1 ? byte : SIGNALS_GONE;
}

void
signals_gone(void)
{
	(void)!write(signal_pipe[1], "", 1);
}
