/*
 * verdict: is a message genuine, as DKIM has it (RFC 6376, RFC 8460 section 3)?
 *
 * A result in the words of RFC 8601, section 2.7.1, and one word for why. Only
 * what passes for the reporting domain makes a report genuine.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>

#include "deviation.h"

enum {
	VERDICT_DOMAIN_MAX = 256,  /* a domain name and its NUL */
	VERDICT_SELECTOR_MAX = 256 /* a selector may have dots */
};

/* RFC 8601, section 2.7.1; VERDICT_OFF: nobody has looked. */
enum verdict_result {
	VERDICT_OFF,
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_NONE,
	VERDICT_POLICY,
	VERDICT_TEMPERROR,
	VERDICT_PERMERROR,
	VERDICT_NEUTRAL
};

/* Why it is no plain pass. verdict_reason_str() has the words. */
enum verdict_reason {
	REASON_NONE,                   /* "": nothing to say */
	REASON_AUTHENTICATION_RESULTS, /* pass: a milter before us says so */
	REASON_NO_SIGNATURE,           /* none */
	REASON_SIGNATURE_SYNTAX,       /* neutral: a tag missing or malformed */
	REASON_SEVERAL_FROM,           /* policy: whose is it? */
	REASON_NOT_ALIGNED,            /* policy: d= is another domain */
	REASON_LENGTH_LIMIT,           /* policy: l= (RFC 8460, section 3) */
	REASON_WEAK_ALGORITHM,         /* policy: rsa-sha1 (RFC 8301) */
	REASON_KEY_TOO_SMALL,          /* policy: under 1024 bits (RFC 8301) */
	REASON_KEY_TESTING,            /* policy: t=y */
	REASON_FROM_NOT_SIGNED,        /* permerror: From is not in h= */
	REASON_NO_KEY,                 /* permerror: no such record */
	REASON_KEY_REVOKED,            /* permerror: p= is empty */
	REASON_KEY_SYNTAX,             /* permerror: the record is no key */
	REASON_KEY_MISMATCH,           /* permerror: not for this use: k=, h=,
					  s=, t=s */
	REASON_EXPIRED,                /* fail: x= is past */
	REASON_FUTURE,                 /* fail: t= is to come */
	REASON_BODY_HASH,              /* fail: bh= differs: body altered */
	REASON_SIGNATURE,              /* fail: b= differs: header altered */
	REASON_DNS_TIMEOUT,            /* temperror */
	REASON_DNS_FAILURE,            /* temperror: SERVFAIL, unreachable */
	REASON_DNS_BOGUS,              /* temperror: DNSSEC says it is false */
	REASON_NO_RESOURCES,           /* temperror: memory, and the like */
	REASON_MAX
};

/* What DNSSEC said of the key. */
enum verdict_dnssec {
	DNSSEC_UNKNOWN, /* no TrustAnchorFile, or no key was asked for */
	DNSSEC_INSECURE,
	DNSSEC_SECURE
};

struct verdict {
	enum verdict_result result;
	enum verdict_reason reason;
	enum verdict_dnssec dnssec;
	char domain[VERDICT_DOMAIN_MAX];     /* d=, lower case; "" unknown */
	char selector[VERDICT_SELECTOR_MAX]; /* s=; "" when unknown */
	deviations dev;                      /* of the key: weak-key, ... */
};

/*
 * The words of RFC 8601 ("pass", "fail", "none", "policy", "temperror",
 * "permerror", "neutral"; "" for VERDICT_OFF), the reason ("body-hash"; "" for
 * REASON_NONE) and "secure", "insecure" or "". Static storage.
 */
const char *verdict_result_str(enum verdict_result result);
const char *verdict_reason_str(enum verdict_reason reason);
const char *verdict_dnssec_str(enum verdict_dnssec dnssec);

/* The result that a reason stands for, as above: VERDICT_PASS for REASON_NONE.
 */
enum verdict_result verdict_of_reason(enum verdict_reason reason);

/*
 * Read what verdict_*_str() wrote; a word that is none leaves the verdict
 * alone. For records.
 */
void verdict_read_result(struct verdict *verdict, const char *word);
void verdict_read_reason(struct verdict *verdict, const char *word);
void verdict_read_dnssec(struct verdict *verdict, const char *word);

/*
 * Of two verdicts on one message, is a to be told rather than b? A pass before
 * all; then what may become one (temperror); then what comes nearest to it:
 * fail, permerror, policy, neutral, none.
 */
bool verdict_is_better(const struct verdict *a, const struct verdict *b);

#endif
