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
	DKIMKEY_BITS_MIN = 1024, /* RFC 8301, section 3.2: must not be less */
	DKIMKEY_BITS_GOOD = 2048 /* and should not be less: weak-key */
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
 * neither *, email nor tlsrpt) or REASON_KEY_TOO_SMALL. is_testing is no
 * obstacle here: the caller judges it.
 */
enum verdict_reason
dkimkey_read(const char *record, size_t len, struct dkimkey *key);

/*
 * Append the record without its s= tag, for libopendkim, which knows no service
 * type but email.
 */
enum status
dkimkey_without_service(const char *record, size_t len, struct buf *out);

#endif
