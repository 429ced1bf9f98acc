#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "emit.h"
#include "text.h"

enum {
	IDENT_MAX = 40,
	DATAGRAM_MAX = 8 * EMIT_LINE_MAX /* a journal entry has it twice */
};

/* A datagram, or a line for standard error, that waits. */
struct line {
	struct line *next;
	size_t len;
	char data[];
};

struct log {
	struct log_paths paths;
	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t wake;   /* something is queued, or it is over */
	pthread_cond_t empty;  /* nothing is queued any more */
	pthread_t thread;
	bool has_thread;
	bool is_stopping;
	bool is_detached; /* from standard error */
	bool is_stalled;  /* it has taken nothing for a while */

	enum log_target wanted; /* of the configuration; may be TARGET_AUTO */
	enum log_target target; /* in use */
	enum log_format format;
	int facility;
	char ident[IDENT_MAX];
	int fd; /* connected datagram socket, or -1 */

	struct line *first;
	struct line **last;
	size_t lines;
	size_t bytes;
	uint64_t dropped;

	struct buf line; /* what is being written; kept for the next */
	struct buf datagram;
	time_t stamped; /* the second that stamp stands for */
	char stamp[32];
};

/*
 * Sending.
 */

static const char *
socket_path(const struct log *log)
{
	return log->target == TARGET_JOURNAL ? log->paths.journal
					     : log->paths.syslog;
}

static bool
connect_daemon(struct log *log)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (!text_copy(addr.sun_path, sizeof addr.sun_path, socket_path(log)))
		return false;
	log->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (log->fd == -1)
		return false;
	if (connect(log->fd, (struct sockaddr *)&addr, sizeof addr) == 0)
		return true;
	(void)close(log->fd);
	log->fd = -1;
	return false;
}

static void
disconnect(struct log *log)
{
	if (log->fd != -1)
		(void)close(log->fd);
	log->fd = -1;
}

/* Write to standard error if it takes a line now; a pipe may be full. */
static bool
send_stderr(const char *data, size_t len)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
		return false;
	/* Nobody is left to tell of an error here. */
	return write(STDERR_FILENO, data, len) == (ssize_t)len ||
	    errno != EAGAIN;
}

/* Hand one line over without waiting. */
static bool
send_now(struct log *log, const char *data, size_t len)
{
	if (log->target == TARGET_STDERR)
		return send_stderr(data, len);
	for (int attempt = 0; attempt < 2; attempt++) {
		if (log->fd == -1 && !connect_daemon(log))
			return false;
		if (send(log->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
			return true;
		if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
			return false;
		if (errno == EMSGSIZE) {
			log->dropped++;
			return true;
		}
		/* The daemon was restarted: connect anew, once. */
		disconnect(log);
	}
	return false;
}

/*
 * The queue.
 */

static bool
enqueue(struct log *log, const char *data, size_t len)
{
	struct line *line;

	if (log->lines == LOG_QUEUE_LINES || log->bytes + len > LOG_QUEUE_BYTES)
		return false;
	line = malloc(sizeof *line + len);
	if (line == NULL)
		return false;
	line->next = NULL;
	line->len = len;
	memcpy(line->data, data, len);
	*log->last = line;
	log->last = &line->next;
	log->lines++;
	log->bytes += len;
	return true;
}

static void
dequeue(struct log *log)
{
	struct line *line = log->first;

	log->first = line->next;
	if (log->first == NULL)
		log->last = &log->first;
	log->lines--;
	log->bytes -= line->len;
	free(line);
}

/*
 * Formatting: the line, and around it what the target wants.
 */

static enum status
format_line(const struct log *log, struct buf *out, const struct event *ev,
    const char *queue_id)
{
	enum status st = ST_OK;

	switch (log->format) {
	case FORMAT_LOGFMT:
		return emit_logfmt(out, ev, queue_id);
	case FORMAT_CEE:
		st = buf_adds(out, "@cee: ");
		break;
	case FORMAT_JSON:
		break;
	}
	return st == ST_OK ? emit_json(out, ev, queue_id) : st;
}

/* "Nov 22 03:04:05", made anew each second. */
static const char *
timestamp(struct log *log)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now == log->stamped)
		return log->stamp;
	log->stamped = now;
	if (localtime_r(&now, &tm) == NULL ||
	    strftime(log->stamp, sizeof log->stamp, "%b %e %H:%M:%S", &tm) == 0)
		log->stamp[0] = '\0';
	return log->stamp;
}

/* "<22>Nov 22 03:04:05 ident[812]: line", as syslog(3) sends it. */
static enum status
format_syslog(
    struct log *log, struct buf *out, const char *line, enum severity severity)
{
	enum status st =
	    buf_addf(out, "<%d>%s %s[%ld]: ", log->facility | (int)severity,
		timestamp(log), log->ident, (long)getpid());

	return st == ST_OK ? buf_adds(out, line) : st;
}

static enum status
format_stderr(const struct log *log, struct buf *out, const char *line)
{
	enum status st = buf_addf(out, "%s[%ld]: ", log->ident, (long)getpid());

	if (st == ST_OK)
		st = buf_adds(out, line);
	return st == ST_OK ? buf_addc(out, '\n') : st;
}

static enum status
format_datagram(struct log *log, struct buf *out, const char *line,
    const struct event *ev, const char *queue_id)
{
	switch (log->target) {
	case TARGET_JOURNAL:
		return emit_journal(
		    out, ev, queue_id, line, log->ident, log->facility);
	case TARGET_STDERR:
		return format_stderr(log, out, line);
	case TARGET_AUTO:
	case TARGET_SYSLOG:
		break;
	}
	return format_syslog(log, out, line, ev->severity);
}

/* Send or queue a line; the mutex is held. */
static enum status
put_line(struct log *log, const char *line, const struct event *ev,
    const char *queue_id)
{
	struct buf *out = &log->datagram;
	enum status st;

	buf_cut(out, 0);
	st = format_datagram(log, out, line, ev, queue_id);
	if (st == ST_OK &&
	    (log->first != NULL || !send_now(log, out->data, out->len))) {
		if (!enqueue(log, out->data, out->len))
			log->dropped++;
		st = ST_LOG_STALLED;
		(void)pthread_cond_signal(&log->wake);
	} else if (st != ST_OK) {
		log->dropped++;
		st = ST_LOG_STALLED;
	}
	return st;
}

/* Lines were lost: say how many, now that the log works again. */
static void
tell_dropped(struct log *log)
{
	struct event ev;
	struct buf line;
	uint64_t dropped = log->dropped;

	buf_init(&line, EMIT_LINE_MAX);
	event_init(&ev, "error", SEV_ERR);
	event_string(&ev, "reason", status_str(ST_LOG_STALLED));
	event_string(
	    &ev, "detail", "the log took no lines and the queue was full");
	event_count(&ev, "dropped-lines", dropped);
	log->dropped = 0;
	/* Said when it is queued, too. */
	if (format_line(log, &line, &ev, NULL) == ST_OK)
		(void)put_line(log, line.data, &ev, NULL);
	buf_free(&line);
}

/* Send what waits; the mutex is held. Returns whether nothing is left. */
static bool
drain(struct log *log)
{
	while (log->first != NULL &&
	    send_now(log, log->first->data, log->first->len)) {
		dequeue(log);
		log->is_stalled = false;
	}
	if (log->first == NULL && log->dropped > 0)
		tell_dropped(log);
	if (log->first == NULL)
		(void)pthread_cond_broadcast(&log->empty);
	return log->first == NULL;
}

/*
 * A line could not be sent: wait, without the mutex, until the daemon takes
 * lines again or a while has passed. A daemon that is away cannot be waited
 * for; it is tried again after that while.
 */
static void
wait_for_daemon(struct log *log)
{
	struct pollfd pfd = { .events = POLLOUT };
	struct timespec ts;

	if (log->target == TARGET_STDERR)
		pfd.fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		pfd.fd = fcntl(log->fd, F_DUPFD_CLOEXEC, 0);
	if (pfd.fd == -1) {
		log->is_stalled = true;
		(void)pthread_cond_broadcast(&log->empty);
		deadline_in(&ts, CLOCK_REALTIME, LOG_RETRY_MILLISECONDS);
		while (!log->is_stopping &&
		    pthread_cond_timedwait(&log->wake, &log->mutex, &ts) == 0)
			;
		return;
	}
	(void)pthread_mutex_unlock(&log->mutex);
	if (poll(&pfd, 1, LOG_RETRY_MILLISECONDS) == 0)
		pfd.revents = 0;
	(void)close(pfd.fd);
	(void)pthread_mutex_lock(&log->mutex);
	if (pfd.revents == 0) {
		log->is_stalled = true;
		(void)pthread_cond_broadcast(&log->empty);
	}
}

static void *
run_thread(void *arg)
{
	struct log *log = arg;

	(void)pthread_mutex_lock(&log->mutex);
	while (!log->is_stopping) {
		if (log->first == NULL)
			(void)pthread_cond_wait(&log->wake, &log->mutex);
		else if (!drain(log))
			wait_for_daemon(log);
	}
	(void)pthread_mutex_unlock(&log->mutex);
	return NULL;
}

/*
 * Life and death.
 */

static bool
is_socket(const char *path)
{
	return access(path, W_OK) == 0;
}

static enum log_target
resolve_target(const struct log *log, enum log_target target)
{
	if (target != TARGET_AUTO)
		return target;
	if (is_socket(log->paths.journal))
		return TARGET_JOURNAL;
	if (is_socket(log->paths.syslog) || log->is_detached)
		return TARGET_SYSLOG;
	return TARGET_STDERR;
}

/* Another target, or the same; the mutex is held, or nobody else is there. */
static void
set_target(struct log *log, enum log_target wanted)
{
	enum log_target target = resolve_target(log, wanted);

	/* Lines that wait are written for the old target. */
	if (target != log->target) {
		log->dropped += log->lines;
		while (log->first != NULL)
			dequeue(log);
	}
	disconnect(log);
	log->wanted = wanted;
	log->target = target;
}

/* Take over the configuration; likewise. */
static void
configure(struct log *log, const struct conf *conf)
{
	set_target(log, conf->log_target);
	log->format = conf->log_format;
	log->facility = conf->syslog_facility;
	(void)text_copy(log->ident, sizeof log->ident, conf->syslog_ident);
}

struct log *
log_new(const struct conf *conf, const struct log_paths *paths)
{
	static const struct log_paths usual = { "/dev/log",
		"/run/systemd/journal/socket" };
	struct log *log = calloc(1, sizeof *log);

	if (log == NULL)
		return NULL;
	log->paths = paths != NULL ? *paths : usual;
	log->last = &log->first;
	log->fd = -1;
	buf_init(&log->line, DATAGRAM_MAX);
	buf_init(&log->datagram, DATAGRAM_MAX);
	(void)pthread_mutex_init(&log->mutex, NULL);
	(void)pthread_cond_init(&log->wake, NULL);
	(void)pthread_cond_init(&log->empty, NULL);
	configure(log, conf);
	return log;
}

enum status
log_start(struct log *log)
{
	if (pthread_create(&log->thread, NULL, run_thread, log) != 0)
		return ST_NO_MEMORY;
	log->has_thread = true;
	return ST_OK;
}

void
log_detach(struct log *log)
{
	(void)pthread_mutex_lock(&log->mutex);
	log->is_detached = true;
	if (log->target == TARGET_STDERR)
		set_target(log, log->wanted);
	(void)pthread_mutex_unlock(&log->mutex);
}

void
log_reconfigure(struct log *log, const struct conf *conf)
{
	(void)pthread_mutex_lock(&log->mutex);
	configure(log, conf);
	(void)pthread_mutex_unlock(&log->mutex);
}

void
log_free(struct log **log, unsigned milliseconds)
{
	struct log *l = *log;

	if (l == NULL)
		return;
	*log = NULL;
	(void)pthread_mutex_lock(&l->mutex);
	l->is_stopping = true;
	(void)pthread_cond_signal(&l->wake);
	(void)pthread_mutex_unlock(&l->mutex);
	if (l->has_thread)
		(void)pthread_join(l->thread, NULL);
	/* Nobody else is there any more. */
	for (unsigned waited = 0; !drain(l) && waited < milliseconds;
	     waited += 10)
		(void)nanosleep(
		    &(struct timespec){ .tv_nsec = 10000000 }, NULL);
	while (l->first != NULL)
		dequeue(l);
	disconnect(l);
	buf_free(&l->line);
	buf_free(&l->datagram);
	(void)pthread_cond_destroy(&l->wake);
	(void)pthread_cond_destroy(&l->empty);
	(void)pthread_mutex_destroy(&l->mutex);
	free(l);
}

/*
 * Writing.
 */

enum status
log_event(struct log *log, const struct event *ev, const char *queue_id)
{
	enum status st;

	(void)pthread_mutex_lock(&log->mutex);
	buf_cut(&log->line, 0);
	st = format_line(log, &log->line, ev, queue_id);
	if (st == ST_OK) {
		st = put_line(log, log->line.data, ev, queue_id);
	} else {
		log->dropped++;
		st = ST_LOG_STALLED;
	}
	(void)pthread_mutex_unlock(&log->mutex);
	return st;
}

void
log_text(struct log *log, enum severity severity, const char *fmt, ...)
{
	char text[1024];
	struct event ev;
	struct buf line;
	va_list ap;
	enum status st;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	event_init(&ev, "message", severity);
	event_string(&ev, "message", text);
	buf_init(&line, DATAGRAM_MAX);
	(void)pthread_mutex_lock(&log->mutex);
	/* In logfmt a sentence reads best as a sentence. */
	st = log->format == FORMAT_LOGFMT ? emit_visible(&line, text)
					  : format_line(log, &line, &ev, NULL);
	if (st == ST_OK)
		(void)put_line(log, line.data, &ev, NULL);
	(void)pthread_mutex_unlock(&log->mutex);
	buf_free(&line);
}

bool
log_wait(struct log *log, unsigned milliseconds)
{
	struct timespec ts;
	bool is_empty;
	int rc = 0;

	deadline_in(&ts, CLOCK_REALTIME, milliseconds);
	(void)pthread_mutex_lock(&log->mutex);
	while (log->first != NULL && !log->is_stalled && log->has_thread &&
	    rc == 0)
		rc = pthread_cond_timedwait(&log->empty, &log->mutex, &ts);
	is_empty = log->first == NULL;
	(void)pthread_mutex_unlock(&log->mutex);
	return is_empty;
}
