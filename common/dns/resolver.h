/*
 * resolver: DNS with a bound on time and memory, by libunbound.
 *
 * One for the process. It has a bounded cache and, with a trust anchor,
 * validates (RFC 4035). A thread of its own drives libunbound; any number of
 * threads may ask, and each waits no longer than it said.
 */
#ifndef RESOLVER_H
#define RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "conf.h"
#include "status.h"

enum {
	RESOLVER_TXT = 16,        /* type TXT (RFC 1035, section 3.2.2) */
	RESOLVER_QUESTIONS = 256, /* under way at once; who comes then waits */
	RESOLVER_NAME_MAX = 256   /* bytes of a name in text, NUL included */
};

struct resolver;

enum resolver_status {
	RESOLVER_FOUND,
	RESOLVER_NOT_FOUND, /* no such name, or nothing of this type, or what
			       cannot be a domain name */
	RESOLVER_TIMEOUT,   /* no answer in time */
	RESOLVER_FAILED,    /* SERVFAIL, nobody there, our own trouble */
	RESOLVER_BOGUS      /* DNSSEC proves the answer false */
};

/* A record set. With anything but RESOLVER_FOUND there are no records. */
struct answer {
	enum resolver_status status;
	bool is_secure;                    /* DNSSEC proves the records, or with
					      RESOLVER_NOT_FOUND that there are none; never without
					      a trust anchor */
	size_t count;                      /* of records */
	char canonical[RESOLVER_NAME_MAX]; /* where a CNAME led in the end, a
					      dot behind it and "?" for bytes
					      that hosts do not have, or "" */
	struct ub_result *u;               /* private: where the records are */
};

/* What is asked of whom; strings are copied. */
struct resolver_settings {
	const struct conf_list *servers; /* "ADDRESS" or "ADDRESS@PORT"; none:
					    those of /etc/resolv.conf */
	const char *trust_anchor_file;   /* NULL or "": no validation */
};

/*
 * Make one, and its thread. NULL, and a fault that says why, when a server or
 * the trust anchor is no good or there is no memory. Sends nothing yet. Not to
 * be made before a fork.
 */
struct resolver *
resolver_new(const struct resolver_settings *settings, struct fault *fault);

/*
 * Ask for a record set and wait, at most so many milliseconds. name is a domain
 * name in presentation format, in A-labels. Give the answer to answer_clear()
 * whatever its status is.
 */
void resolver_ask(struct resolver *resolver, const char *name, int type,
    unsigned milliseconds, struct answer *answer);

/* Record i, as it is on the wire; *len in bytes. Lives as long as answer. */
const unsigned char *
answer_record(const struct answer *answer, size_t i, size_t *len);

/*
 * The strings of TXT record i joined without spaces (RFC 6376, section 3.6.2.2;
 * RFC 8460, section 3). ST_TOO_LARGE when out has no room for it.
 */
enum status answer_txt(const struct answer *answer, size_t i, struct buf *out);

void answer_clear(struct answer *answer);

/* End it. Nobody may be asking any more. */
void resolver_free(struct resolver **resolver);

#endif
