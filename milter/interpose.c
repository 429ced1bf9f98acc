/*
 * interpose: what libmilter does of itself and must not do here. The linker
 * prefers a program's functions to those of libc, so that libmilter's calls of
 * these come to us.
 *
 * libmilter tells of its own troubles through syslog(3), which blocks for ever
 * on a daemon that hangs, and with it the mail: its lines take the same road
 * as ours. And it has a thread that waits for SIGHUP, SIGTERM and SIGINT to end
 * the process at each of them: it waits in vain, they are for the main thread.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "callbacks.h"

/* As glibc's <syslog.h> calls it where _FORTIFY_SOURCE is set. */
void __syslog_chk(int priority, int flag, const char *fmt, ...);

static void
log_for_libmilter(int priority, const char *fmt, va_list ap)
{
	char text[512];

	(void)vsnprintf(text, sizeof text, fmt, ap);
	callbacks_log(LOG_PRI(priority), text);
}

#undef syslog
void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_for_libmilter(priority, fmt, ap);
	va_end(ap);
}

void
__syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	va_start(ap, fmt);
	log_for_libmilter(priority, fmt, ap);
	va_end(ap);
}

int
sigwait(const sigset_t *set, int *sig)
{
	(void)set;
	(void)sig;
	for (;;)
		(void)pause();
}
