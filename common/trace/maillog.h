/*
 * maillog: one line of a mail log, as Postfix's servers write it.
 *
 * Three forms of what stands before the text are known:
 *
 *   Feb 12 10:00:00 mx postfix/smtpd[12]: ...                  syslog, postlogd
 *   2026-02-12T10:00:00.123456+00:00 mx postfix/smtpd[12]: ... rsyslog
 *   2026-02-12T10:00:00.123456+0000 mx postfix/smtpd[12]: ...  journalctl(1)
 *
 * Of the text no more is read than what happened, and with whom. What a client
 * says stands behind that, so that nobody can pass for another.
 */
#ifndef MAILLOG_H
#define MAILLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

enum {
	MAILLOG_LINE_MAX = 8192, /* bytes of a line; the rest is passed over */
	MAILLOG_REASON_MAX = 96  /* bytes of a reason, NUL included */
};

/* Which server wrote it. */
enum maillog_program {
	MAILLOG_SMTPD,
	MAILLOG_POSTSCREEN,
	MAILLOG_TLSPROXY /* does TLS for postscreen, many sessions at once */
};

enum maillog_kind {
	MAILLOG_CONNECT,
	MAILLOG_DISCONNECT,
	MAILLOG_ESTABLISHED, /* a TLS session */
	MAILLOG_HANDSHAKE,   /* failed */
	MAILLOG_LIBRARY,     /* what OpenSSL says; without an address */
	MAILLOG_LOST,        /* a connection; or nothing came for too long */
	MAILLOG_LIMIT,       /* too many connections or TLS sessions */
	MAILLOG_DISABLED,    /* no certificate could be loaded, for anybody */
	MAILLOG_SCREEN,      /* a line of postscreen or of its tlsproxy */
	MAILLOG_OTHER
};

enum {
	MAILLOG_KINDS = MAILLOG_OTHER + 1
};

/* A moment as it was written. */
struct maillog_time {
	bool is_absolute; /* then time alone counts; else it is local time */
	int64_t time;     /* seconds since 1970-01-01T00:00:00Z */
	int month;        /* 1 to 12 */
	int day;          /* 1 to 31 */
	int hour, minute, second;
};

/* The pieces point into the line. */
struct maillog_line {
	struct maillog_time when;
	const char *host;
	size_t host_len;
	const char *name; /* of the program, "postfix/smtpd" */
	size_t name_len;
	enum maillog_program program;
	uint32_t pid;
	const char *text;
	size_t text_len;
	enum maillog_kind kind;
	bool has_address;
	struct address_ip address;
	/* Of MAILLOG_DISCONNECT, since Postfix 3.0: what the client did, and
	   how often STARTTLS was asked for and done. */
	bool has_commands;
	bool has_mail;
	unsigned starttls_done;
	unsigned starttls_asked;
	/* Of MAILLOG_HANDSHAKE: the client went away amidst it. */
	bool is_broken_off;
	/* Of MAILLOG_LIBRARY: the client sent an alert (RFC 8446, section 6).
	 */
	bool is_alert;
};

/*
 * Read the line of len bytes, without its line end. False when it is not of one
 * of these servers, or its head is in none of the forms; *out is undefined
 * then. The name of the program may be any that ends in /smtpd and so on
 * ("postfix-in/smtpd", "postfix/submission/smtpd").
 */
bool maillog_parse(const char *line, size_t len, struct maillog_line *out);

/*
 * The reason within a line of the TLS library ("tlsv1 alert unknown ca"), cut
 * at the bound; the whole text when it is not in OpenSSL's form. Controls are
 * as they came.
 */
void
maillog_reason(const struct maillog_line *line, char out[MAILLOG_REASON_MAX]);

/* What so many of them are called: "connect", "TLS handshakes failed". */
const char *maillog_kind_str(enum maillog_kind kind, uint64_t count);

#endif
