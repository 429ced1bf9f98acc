/*
 * tracewindow: which lines of a mail log are of an address within a window of
 * time, for many addresses and windows in one pass.
 *
 * A trace is told of windows first (trace_add()), then prepared, then fed
 * with the lines of the logs. What OpenSSL says has no address: it belongs to
 * the session that the same smtpd has between its connect and its disconnect.
 * tlsproxy has many sessions at once, so that there it belongs to nobody.
 */
#ifndef TRACEWINDOW_H
#define TRACEWINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "logtime.h"
#include "maillog.h"
#include "status.h"

enum {
	TRACE_WINDOWS_MAX = 4096,  /* different ones */
	TRACE_LINES_MAX = 1000,    /* that can be kept of a window */
	TRACE_LINE_KEPT = 1000,    /* bytes of a line that is kept */
	TRACE_KEPT_MAX = 64 << 20, /* bytes of all lines that are kept */
	TRACE_REASONS_MAX = 8,     /* different ones of a window */
	TRACE_HOSTS_MAX = 8,       /* that wrote lines, likewise */
	TRACE_HOST_MAX = 64
};

/* What OpenSSL said, and how often. */
struct trace_reason {
	char text[MAILLOG_REASON_MAX];
	uint64_t count;
	bool is_alert; /* the client said it */
};

struct trace_kept {
	uint64_t number; /* of the line among all that were read */
	char *text;      /* as it was, which may be anything, but for NUL */
};

/* A few lines, the first that came. */
struct trace_lines {
	struct trace_kept *line;
	size_t count;
	uint64_t total;
};

/* What is in the whole log within a span of time, whoever was concerned. */
struct trace_log {
	struct logtime_span span;
	uint64_t lines;    /* of smtpd, postscreen and tlsproxy */
	uint64_t failed;   /* TLS handshakes that failed */
	uint64_t disabled; /* times no certificate could be loaded */
	char host[TRACE_HOSTS_MAX][TRACE_HOST_MAX]; /* that wrote the lines */
	size_t hosts;
};

/* What was found of an address, or of all of them, within a window. */
struct trace_window {
	bool has_address; /* else it is of all: only what tells why is kept */
	struct address_ip address;
	const struct trace_log *log;   /* of the window's time */
	uint64_t kinds[MAILLOG_KINDS]; /* lines of each kind */
	/* Sessions, by what became of TLS in them. */
	uint64_t established;
	uint64_t left;       /* of these: ended without a mail */
	uint64_t failed;     /* the handshake failed */
	uint64_t broken_off; /* of these: the client went away amidst it */
	uint64_t refused;    /* STARTTLS was asked for and not granted */
	uint64_t plain;      /* ended, and nobody asked for STARTTLS */
	/* What OpenSSL said. */
	uint64_t alerts; /* that the client sent */
	struct trace_reason reason[TRACE_REASONS_MAX];
	size_t reasons;
	/* The lines that tell why, and all others. */
	struct trace_lines telling;
	struct trace_lines others;

	/* Private. */
	size_t log_number;
};

struct trace;

/* To keep so many lines of each window. NULL without memory. */
struct trace *trace_new(size_t lines_max);
void trace_free(struct trace **trace);

/*
 * Ask for a window; address may be NULL: all of them. *number is for
 * trace_get(); the same window again has the same number. ST_NO_MEMORY;
 * ST_TOO_LARGE when there are TRACE_WINDOWS_MAX of them. Not after
 * trace_prepare().
 */
enum status trace_add(struct trace *trace, const struct logtime_span *span,
    const struct address_ip *address, size_t *number);

/* All windows are there, one at least. ST_NO_MEMORY. */
enum status trace_prepare(struct trace *trace);

/* The time from the first to the last second of all windows. */
struct logtime_span trace_range(const struct trace *trace);

/* Another log begins, which was written at a time (INT64_MAX: unknown). */
void trace_file(struct trace *trace, int64_t written);

/* A line, without its end; what is of no use is passed over. ctx: the trace. */
void trace_line(void *trace, const char *line, size_t len);

/* What was read: lines of Postfix's servers, and their times. */
struct trace_seen {
	uint64_t lines;        /* of all kinds and programs */
	uint64_t known;        /* of smtpd, postscreen and tlsproxy */
	int64_t first;         /* of these: INT64_MAX without any */
	int64_t last;          /* INT64_MIN */
	bool is_out_of_memory; /* some lines were counted, but not kept */
};
const struct trace_seen *trace_seen(const struct trace *trace);

/* The window of that number. It lives until trace_free(). */
const struct trace_window *trace_get(const struct trace *trace, size_t number);

/*
 * The lines to be shown of a window, at most max, in the order of the log: all
 * that tell why before any other. Called for each.
 */
void trace_show(const struct trace_window *window, size_t max,
    void (*fn)(void *ctx, const char *line), void *ctx);

/* How many lines there are of it. */
uint64_t trace_total(const struct trace_window *window);

#endif
