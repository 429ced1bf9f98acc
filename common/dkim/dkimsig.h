/*
 * dkimsig: one DKIM-Signature field (RFC 6376, section 3.5), read by ourselves.
 *
 * What can be told from the field alone is told here, before a key is asked
 * for. It also keeps from libopendkim what it does not bear: see is_sound.
 */
#ifndef DKIMSIG_H
#define DKIMSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "taglist.h"
#include "verdict.h"

enum {
	DKIMSIG_FIELD_MAX =
	    16384, /* bytes of a field; libopendkim takes 64 K */
	/* Bytes of h=: libopendkim cuts it there. */
	DKIMSIG_NAMES_MAX = 4095,
	/* Bytes of i=: libopendkim's buffer has room for no more. */
	DKIMSIG_IDENTITY_MAX = 255,
	/* Seconds that the signer's clock may be ahead of ours (t=). */
	DKIMSIG_DRIFT_MAX = 300
};

struct dkimsig {
	/* Why it cannot pass whatever its key is, or REASON_NONE. */
	enum verdict_reason reason;
	/* Well formed: it may be shown to libopendkim, whose reading of i= runs
	   beyond its memory otherwise. */
	bool is_sound;
	bool is_ed25519;                 /* a=ed25519-sha256, not rsa-sha256 */
	bool has_length;                 /* l= */
	bool is_narrow;                  /* i= is of a subdomain of d= */
	bool signs_signatures;           /* h= names DKIM-Signature */
	size_t content_types;            /* how often h= names Content-Type */
	char domain[VERDICT_DOMAIN_MAX]; /* d=, lower case; "" unknown */
	char selector[VERDICT_SELECTOR_MAX]; /* s=, lower case; "" unknown */
	const char *b;                       /* without white space; or NULL */
	struct taglist list;
};

/*
 * Read a field's value in place: text of len bytes, with a NUL behind them,
 * which must outlive sig. The reasons it may find: REASON_SIGNATURE_SYNTAX,
 * REASON_LENGTH_LIMIT, REASON_WEAK_ALGORITHM, REASON_FROM_NOT_SIGNED,
 * REASON_EXPIRED (x= is before now) and REASON_FUTURE (t= is more than
 * DKIMSIG_DRIFT_MAX seconds after now), the first of these that holds.
 */
void dkimsig_read(struct dkimsig *sig, char *text, size_t len, time_t now);

/*
 * Of so many Content-Type fields in a message, has none come after the
 * signature? One that does not cover any cannot tell.
 */
bool dkimsig_keeps_type(const struct dkimsig *sig, size_t content_types);

#endif
