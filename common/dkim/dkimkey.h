/*
 * dkimkey: a DKIM key record (RFC 6376, section 3.6.1), judged for TLS reports
 * (RFC 8460 section 3, RFC 8301, RFC 8463).
 */
#ifndef DKIMKEY_H
#define DKIMKEY_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "keycache.h"
#include "verdict.h"

enum {
	DKIMKEY_RECORD_MAX = 4096, /* bytes of a record */
	DKIMKEY_BITS_MIN = 1024,   /* RFC 8301, section 3.2: must not be less */
	DKIMKEY_BITS_GOOD = 2048,  /* and should not be less: weak-key */
	DKIMKEY_BITS_MAX = 4096,   /* and need not be more */
	/* Of the exponent, which makes a signature dear; nearly all have 17. */
	DKIMKEY_EXPONENT_BITS_MAX = 64,
	DKIMKEY_HASH_LEN = 32 /* of SHA-256 */
};

struct dkimkey {
	bool is_testing; /* t=y */
	bool is_strict;  /* t=s: i= must have the very domain of d= */
	unsigned bits;   /* of an RSA key; 0 for Ed25519 */
	/* DEV_WEAK_KEY; DEV_KEY_SERVICE_TYPE: s= names email, but neither * nor
	   tlsrpt. */
	deviations dev;
	EVP_PKEY *decoded; /* when it was asked for */
};

/*
 * Read a record of len bytes. REASON_NONE when it can verify the signature of a
 * TLS report; otherwise REASON_KEY_SYNTAX, REASON_KEY_REVOKED,
 * REASON_KEY_MISMATCH (k= is neither rsa nor ed25519, h= lacks sha256, s= names
 * neither *, email nor tlsrpt, more than DKIMKEY_BITS_MAX or
 * DKIMKEY_EXPONENT_BITS_MAX) or REASON_KEY_TOO_SMALL. is_testing is no obstacle
 * here: the caller judges it.
 *
 * With a cache the key of a good record is taken from it, decoded;
 * REASON_NO_RESOURCES when there is no memory for that. Without one (NULL) the
 * record is only judged. Then dkimkey_clear().
 */
enum verdict_reason dkimkey_read(const char *record, size_t len,
    struct keycache *cache, struct dkimkey *key);
void dkimkey_clear(struct dkimkey *key);

/*
 * Is b, of b_len bytes, the signature over this SHA-256 hash of a header? For
 * rsa-sha256 (RFC 6376, section 3.3; RSASSA-PKCS1-v1_5) and ed25519-sha256 (RFC
 * 8463, section 3; PureEdDSA over the hash). REASON_NONE, REASON_SIGNATURE or
 * REASON_NO_RESOURCES.
 */
enum verdict_reason dkimkey_verify(const struct dkimkey *key,
    const unsigned char hash[DKIMKEY_HASH_LEN], const unsigned char *b,
    size_t b_len);

#endif
