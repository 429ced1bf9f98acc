/*
 * log: where events go: syslog, the journal, or standard error.
 *
 * Nothing here ever waits for a log daemon. A line is sent at once if the
 * daemon takes it at once; else it waits in a bounded queue that a thread
 * empties as soon as the daemon is back. What the queue cannot hold is dropped,
 * counted, and said when the log works again. That is why the sockets are
 * written here and not through syslog(3), which blocks for ever on a daemon
 * that hangs and drops silently without one.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

#include "conf.h"
#include "event.h"
#include "status.h"

enum {
	LOG_QUEUE_LINES = 4096,      /* lines that wait */
	LOG_QUEUE_BYTES = 4 << 20,   /* and their bytes */
	LOG_RETRY_MILLISECONDS = 500 /* between tries when the daemon is away */
};

/* Paths of the daemons' sockets; tests set their own. */
struct log_paths {
	const char *syslog;  /* "/dev/log" */
	const char *journal; /* "/run/systemd/journal/socket" */
};

struct log;

/*
 * Open the log as the configuration says; paths may be NULL. Does not start
 * the thread, so that a daemon may still fork; without it lines that do not go
 * out at once wait for log_start() or a later line. NULL: no memory.
 */
struct log *log_new(const struct conf *conf, const struct log_paths *paths);
enum status log_start(struct log *log);

/*
 * Standard error is gone (the process is a daemon now): LogTarget auto does not
 * fall back to it any more.
 */
void log_detach(struct log *log);

/* Take over target, format, facility and ident, and reconnect. */
void log_reconfigure(struct log *log, const struct conf *conf);

/*
 * Write an event. ST_OK: handed to the daemon. ST_LOG_STALLED: it waits in the
 * queue, or was dropped. queue_id may be NULL.
 */
enum status
log_event(struct log *log, const struct event *ev, const char *queue_id);

/* A line of our own, such as "configuration read again". */
void log_text(struct log *log, enum severity severity, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Wait until nothing is queued, so that all lines have been taken: for so long
 * at most, and not at all while the daemon is known to be stuck or away.
 * Returns whether nothing is queued.
 */
bool log_wait(struct log *log, unsigned milliseconds);

/* Try for at most so long to empty the queue; then stop the thread and free. */
void log_free(struct log **log, unsigned milliseconds);

#endif
