/*
 * traceverdict: what our log says to a failure that somebody reported: was it
 * us?
 */
#ifndef TRACEVERDICT_H
#define TRACEVERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracewindow.h"

enum {
	TRACE_TEXT_MAX = 1024
};

enum trace_verdict {
	TRACE_NO_LOG,     /* the log has nothing of that time */
	TRACE_NOT_SMTP,   /* it is of nothing that a mail log could have */
	TRACE_NO_CONNECT, /* nor of that address, while others came */
	TRACE_REJECTED,   /* the sender ended handshakes with an alert */
	TRACE_FAILED,     /* handshakes failed on our side */
	TRACE_BROKEN_OFF, /* the sender went away amidst handshakes */
	TRACE_REFUSED,    /* STARTTLS was asked for and not granted */
	TRACE_LIMITED,    /* it was turned away for coming too often */
	TRACE_SCREENED,   /* postscreen did not let it through */
	TRACE_LOST,       /* it went away before TLS */
	TRACE_PLAIN,      /* it never asked for TLS */
	TRACE_FINE,       /* TLS was established */
	TRACE_UNCLEAR     /* it came, and the log does not say more */
};

/* Whose trouble it is by that. */
enum trace_blame {
	TRACE_US,
	TRACE_NOT_HERE, /* elsewhere: another server, or on the way */
	TRACE_BOTH,     /* the two could not agree, or one cannot tell */
	TRACE_UNKNOWN
};

/*
 * Judge what was found of a window; the worst that happened decides, but a
 * handshake that fails among many that do not is no more than it is: its share
 * is in the text.
 */
enum trace_verdict trace_judge(const struct trace_window *window);
enum trace_blame trace_blame(enum trace_verdict verdict);

/*
 * A result type (or NULL) that a sender comes to before it connects: that of a
 * policy which could not be had (RFC 8461, section 3.3), and dnssec-invalid.
 */
bool trace_is_before_smtp(const char *result_type);

/* "handshake-failed" and so on; "us", "elsewhere". Static storage. */
const char *trace_verdict_str(enum trace_verdict verdict);
const char *trace_blame_str(enum trace_blame blame);

/*
 * The verdict in words; of TRACE_NOT_SMTP window may be NULL. address is that
 * of the report, as it is to be shown (the window's own, so no text of
 * strangers), or NULL. What OpenSSL said is in it as the log had it, which is
 * to be made safe before it is shown.
 */
void trace_words(const struct trace_window *window, enum trace_verdict verdict,
    const char *address, char out[TRACE_TEXT_MAX]);

/*
 * Is a host of the log that of the report? Names agree when they are equal but
 * for case and a dot at the end, or when one of them is the first label of the
 * other, since a log has mostly the short name.
 */
bool trace_is_host(const char *log_host, const char *mx);

#endif
