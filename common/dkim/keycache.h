/*
 * keycache: public keys that stay decoded, for the next mail that needs them.
 *
 * A key is found by the very bytes that it was decoded from. Whether it is
 * still the one in DNS is not asked here: a record that changes has other
 * bytes, and so another key.
 */
#ifndef KEYCACHE_H
#define KEYCACHE_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Keys that are kept; the one that was not used for the longest time
	   gives way. Senders of reports are few, and have a key or two each. */
	KEYCACHE_MAX = 64
};

struct keycache;

/* How often a key was there, and how often it had to be decoded. */
struct keycache_count {
	uint64_t hits;
	uint64_t misses;
};

/* Make a key of len bytes. NULL: no memory. */
typedef EVP_PKEY *
keycache_decode_fn(int type, const unsigned char *bytes, size_t len);

/* Make an empty one; thread-safe once made. NULL: no memory. */
struct keycache *keycache_new(void);

/* Keys that are in use elsewhere live on there. */
void keycache_free(struct keycache **cache);

/*
 * The key of this type (EVP_PKEY_RSA, EVP_PKEY_ED25519) that these bytes are;
 * decode() makes one that is not here yet. The caller's to EVP_PKEY_free().
 * NULL: no memory, and nothing is kept.
 */
EVP_PKEY *keycache_get(struct keycache *cache, int type,
    const unsigned char *bytes, size_t len, keycache_decode_fn *decode);

struct keycache_count keycache_count(struct keycache *cache);

#endif
