/*
 * mxprobe: one address of an MX as a sending server meets it: connection,
 * greeting, EHLO, STARTTLS, TLS handshake.
 *
 * Facts only: what a sender makes of them, judge.h says. Bounded in time (one
 * limit for all of it) and in bytes; sends no mail.
 */
#ifndef MXPROBE_H
#define MXPROBE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certificate.h"
#include "idn.h"
#include "lookup.h"

enum {
	MXPROBE_CHAIN_MAX = 10, /* certificates that are looked at */
	MXPROBE_DETAIL_MAX = 512
};

/* How far it came: where it ended. */
enum mxprobe_stage {
	MXPROBE_CONNECT,
	MXPROBE_GREETING,
	MXPROBE_EHLO,
	MXPROBE_STARTTLS,
	MXPROBE_HANDSHAKE,
	MXPROBE_DONE /* TLS is there, whatever its certificate is worth */
};

/* Why it came no further. */
enum mxprobe_end {
	MXPROBE_OK,
	MXPROBE_NO_ROUTE, /* no way out for this family from here */
	MXPROBE_REFUSED,  /* the connection, or nobody there */
	MXPROBE_TIMEOUT,
	MXPROBE_LOST,        /* the connection, meanwhile */
	MXPROBE_REJECTED,    /* a reply of 4xx or 5xx */
	MXPROBE_PROTOCOL,    /* a reply that is none; too long; too early */
	MXPROBE_NOT_OFFERED, /* STARTTLS is not in the reply to EHLO, or EHLO
				not known; the stage is EHLO */
	MXPROBE_TLS,         /* the handshake failed */
	MXPROBE_OURSELVES    /* no memory, no socket */
};

struct mxprobe_settings {
	const struct found_address *address;
	unsigned port;
	const char *host; /* the MX, in A-labels: SNI and host name */
	const char *helo; /* our name */
	const struct sockaddr *source; /* or NULL */
	socklen_t source_len;
	X509_STORE *store;
	const struct found_tlsa *tlsa; /* for DANE; NULL: not looked at */
	const char *dane_base; /* TLSA base domain (RFC 7672, section 2.2.3);
				  with usable records it is the SNI */
	unsigned milliseconds; /* for all of it */
	/* To see whether that is spoken, too; 0 and NULL for what a sender
	   offers: */
	int max_version;     /* TLS1_1_VERSION: not above, at any security
				level */
	const char *sigalgs; /* as SSL_set1_sigalgs_list() takes them: the
				server's key of another kind */
};

struct mxprobe {
	enum mxprobe_stage stage;
	enum mxprobe_end end;
	int code;                        /* of the last SMTP reply, or 0 */
	char detail[MXPROBE_DETAIL_MAX]; /* the SMTP line that was wrong, the
					    error of the system or of OpenSSL */
	unsigned milliseconds;           /* that it took */
	char helo[IDN_NAME_MAX]; /* how the server names itself in the reply
				    to EHLO; else in its greeting */
	/* With MXPROBE_DONE. */
	char protocol[16]; /* "TLSv1.3" */
	char cipher[64];
	size_t chain;                   /* certificates that the server sent */
	struct certificate certificate; /* the first of them */
	struct certificate_verdict pkix;
	bool has_dane;     /* usable TLSA records were given */
	bool dane_matches; /* and one matches (by OpenSSL's own DANE) */
	/* With a match: faults with usage 2 (host, expiry, not yet valid, weak
	   key). Without: NOT_TRUSTED, and why. */
	struct certificate_verdict dane;
	struct tlsa dane_record; /* the one that matches; its data lives as long
				    as that of settings.tlsa */
};

/* Do it. SIGPIPE must be ignored or blocked. Any thread. */
void
mxprobe_run(const struct mxprobe_settings *settings, struct mxprobe *probe);

/* "connect", "greeting", ...; "refused", "timeout", ... Static storage. */
const char *mxprobe_stage_str(enum mxprobe_stage stage);
const char *mxprobe_end_str(enum mxprobe_end end);

#endif
