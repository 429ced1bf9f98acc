/*
 * fuzz-dkimkey: DKIM key records.
 *
 * What is taken is a key that libcrypto takes too, and with which it finds a
 * signature of nothing wrong.
 */
#include <openssl/evp.h>

#include "dkimkey.h"
#include "fuzz.h"

static void
check_decoded(const struct dkimkey *key)
{
	static const unsigned char hash[DKIMKEY_HASH_LEN], b[64];

	FUZZ_CHECK(key->decoded != NULL);
	FUZZ_CHECK(key->bits == 0 ||
	    key->bits == (unsigned)EVP_PKEY_get_bits(key->decoded));
	FUZZ_CHECK(dkimkey_verify(key, hash, b, sizeof b) == REASON_SIGNATURE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keycache *cache;
	char *record = fuzz_copy(data, size);
	enum verdict_reason reason;
	struct dkimkey key;

	if (cache == NULL)
		cache = keycache_new();
	FUZZ_CHECK(cache != NULL);
	memset(&key, 0xff, sizeof key);
	reason = dkimkey_read(record, size, cache, &key);
	switch (reason) {
	case REASON_NONE:
		FUZZ_CHECK(key.bits == 0 || key.bits >= DKIMKEY_BITS_MIN);
		FUZZ_CHECK(key.bits <= DKIMKEY_BITS_MAX);
		check_decoded(&key);
		break;
	case REASON_KEY_TOO_SMALL:
		FUZZ_CHECK(key.bits > 0 && key.bits < DKIMKEY_BITS_MIN);
		break;
	default:
		FUZZ_CHECK(reason == REASON_KEY_SYNTAX ||
		    reason == REASON_KEY_REVOKED ||
		    reason == REASON_KEY_MISMATCH);
	}
	dkimkey_clear(&key);
	free(record);
	return 0;
}
