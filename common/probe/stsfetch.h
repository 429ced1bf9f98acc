/*
 * stsfetch: fetch an MTA-STS policy as a sending server does (RFC 8461,
 * section 3.3): HTTPS on port 443 of mta-sts.DOMAIN, a certificate for that
 * name, status 200, text/plain, no redirect, no proxy; bounded in size and
 * time. By libcurl.
 */
#ifndef STSFETCH_H
#define STSFETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "certificate.h"
#include "lookup.h"

enum {
	STSFETCH_DETAIL_MAX = 512,
	STSFETCH_HEADER_MAX = 64 * 1024 /* bytes of header fields */
};

enum stsfetch_end {
	STSFETCH_OK,
	STSFETCH_CONNECT,  /* no address answers */
	STSFETCH_NO_ROUTE, /* there is no way from here to any of them */
	STSFETCH_TIMEOUT,
	STSFETCH_TLS,          /* the handshake, but for the certificate */
	STSFETCH_CERTIFICATE,  /* verdict says why: sts-webpki-invalid */
	STSFETCH_REDIRECT,     /* 3xx */
	STSFETCH_STATUS,       /* any other but 200 */
	STSFETCH_CONTENT_TYPE, /* not text/plain */
	STSFETCH_TOO_LARGE, /* over STSPOLICY_SIZE_MAX or STSFETCH_HEADER_MAX */
	STSFETCH_LOST,      /* not whole, or no HTTP */
	STSFETCH_OURSELVES  /* no memory */
};

struct stsfetch_settings {
	const char *host;                           /* "mta-sts.example.com" */
	const struct found_address *const *address; /* tried in this order */
	size_t addresses;                           /* none: STSFETCH_CONNECT */
	unsigned port;      /* 443; the request says nothing of another */
	const char *source; /* address, or NULL */
	X509_STORE *store;
	unsigned milliseconds; /* for all of it */
};

struct stsfetch {
	enum stsfetch_end end;
	/* What was wrong, in words; with STSFETCH_OK what is odd, or "". May
	   quote the server. */
	char detail[STSFETCH_DETAIL_MAX];
	long http_status;       /* or 0 */
	char content_type[128]; /* or "" */
	char ip[46];            /* of the server, or "" */
	bool has_certificate;
	struct certificate certificate;
	struct certificate_verdict verdict;
	struct buf body; /* with STSFETCH_OK; else what has come of it */
};

/*
 * Fetch. Asks no DNS, no proxy and no environment. A body with a
 * Content-Encoding, none of which is asked for, is left as it came. SIGPIPE
 * must be ignored. To be given to stsfetch_clear() whatever came of it. Any
 * thread.
 */
void
stsfetch_run(const struct stsfetch_settings *settings, struct stsfetch *fetch);
void stsfetch_clear(struct stsfetch *fetch);

#endif
