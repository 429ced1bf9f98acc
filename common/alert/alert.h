/*
 * alert: tells people of problems, by a command (AlertCommand) and by mail
 * (AlertMail).
 *
 * Events wait in a bounded queue; one thread takes them out and runs the
 * command, and sendmail(8), one after the other, each with a time limit. Nobody
 * else ever waits for them: no SMTP session does, and no mail depends on them.
 * What fails gives one line in the log, event=error reason=alert-failed, and is
 * not tried again.
 *
 * The command gets the event as one line of JSON on standard input, as
 * LogFormat json has it, and has in its environment PATH and TLSRPT_EVENT (the
 * event's name) and nothing else; child.h tells the rest. sendmail gets a mail
 * with the empty envelope sender, so that it cannot come back.
 *
 * Not every event is told. What is no news (news.h) is not; and no more than
 * AlertRate are told in an hour that begins with the first; those beyond it,
 * and those that the queue has no room for, are counted, and when the hour is
 * over one event says how many there were of each name: alerts-summed, which
 * goes to the log too.
 */
#ifndef ALERT_H
#define ALERT_H

#include "conf.h"
#include "event.h"
#include "log.h"
#include "status.h"

enum {
	ALERT_QUEUE_MAX = 256,  /* events that wait */
	ALERT_LIMIT_MS = 30000, /* for one run of a command or of sendmail */
	ALERT_GRACE_MS = 2000   /* then, between SIGTERM and SIGKILL */
};

struct alert;

/*
 * One for a process. NULL: no memory. There is no thread yet, so that a daemon
 * may still fork. log is borrowed, and must outlive it.
 */
struct alert *alert_new(struct log *log);

/* What tests set to values of their own, before alert_start(). */
struct alert_limits {
	const char *sendmail; /* "/usr/sbin/sendmail"; borrowed */
	unsigned limit_ms;    /* ALERT_LIMIT_MS */
	unsigned grace_ms;    /* ALERT_GRACE_MS */
	unsigned hour_ms;     /* of AlertRate */
};
void alert_set_limits(struct alert *alert, const struct alert_limits *limits);

/*
 * Start the thread: after all forks. It blocks all signals. ST_NO_MEMORY, with
 * *fault. SIGCHLD must not be ignored in the process.
 */
enum status alert_start(struct alert *alert, struct fault *fault);

/*
 * Take over the keywords, at the start and at a reload: a reference to conf is
 * held until the next time. Says in the log when the command, or sendmail where
 * it is needed, cannot be run, rather than when something has happened. May be
 * called before alert_start().
 */
void alert_configure(struct alert *alert, struct conf *conf);

/*
 * Tell of an event, from any thread. Copies what it needs, and never waits for
 * a program. Does nothing when neither keyword is set.
 */
void alert_event(struct alert *alert, const struct event *ev);

/*
 * Let what runs and what waits end, for so long; then kill what runs, say in
 * the log how many events were not told, stop the thread and free. *alert
 * becomes NULL, and may be.
 */
void alert_free(struct alert **alert, unsigned milliseconds);

#endif
