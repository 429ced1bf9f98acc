/*
 * dkimkey: a DKIM key record (RFC 6376, section 3.6.1), judged for TLS reports
 * (RFC 8460 section 3, RFC 8301, RFC 8463).
 */
#ifndef DKIMKEY_H
#define DKIMKEY_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "status.h"
#include "verdict.h"

enum {
	DKIMKEY_RECORD_MAX = 4096, /* bytes of a record */
	DKIMKEY_BITS_MIN = 1024,   /* RFC 8301, section 3.2: must not be less */
	DKIMKEY_BITS_GOOD = 2048,  /* and should not be less: weak-key */
	DKIMKEY_BITS_MAX = 4096    /* and need not be more */
};

struct dkimkey {
	bool is_testing; /* t=y */
	bool is_strict;  /* t=s: i= must have the very domain of d= */
	unsigned bits;   /* of an RSA key; 0 for Ed25519 */
	/* DEV_WEAK_KEY; DEV_KEY_SERVICE_TYPE: s= names email, but neither * nor
	   tlsrpt. */
	deviations dev;
};

/*
 * Read a record of len bytes. REASON_NONE when it can verify the signature of a
 * TLS report; otherwise REASON_KEY_SYNTAX, REASON_KEY_REVOKED,
 * REASON_KEY_MISMATCH (k= is neither rsa nor ed25519, h= lacks sha256, s= names
 * neither *, email nor tlsrpt, more than DKIMKEY_BITS_MAX) or
 * REASON_KEY_TOO_SMALL. is_testing is no obstacle here: the caller judges it.
 */
enum verdict_reason
dkimkey_read(const char *record, size_t len, struct dkimkey *key);

/*
 * Append a record with the key alone, k= and p=: what libopendkim can be
 * trusted with. It knows no service type but email, has room for 1024 bytes,
 * and dkimkey_read() has judged the other tags. ST_EMPTY when there is no key.
 */
enum status dkimkey_bare(const char *record, size_t len, struct buf *out);

#endif
