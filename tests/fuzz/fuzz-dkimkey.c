/*
 * fuzz-dkimkey: DKIM key records.
 *
 * What is taken must come out of dkimkey_bare() as the same key, in a record
 * that can be read again.
 */
#include "dkimkey.h"
#include "fuzz.h"

static void
check_bare(const char *record, size_t size, const struct dkimkey *key)
{
	struct dkimkey again;
	struct buf bare;

	buf_init(&bare, DKIMKEY_RECORD_MAX + 16);
	FUZZ_CHECK(dkimkey_bare(record, size, &bare) == ST_OK);
	FUZZ_CHECK(!fuzz_has_control(bare.data, bare.len));
	FUZZ_CHECK(memchr(bare.data, ' ', bare.len) == NULL);
	/* "k=rsa;" may be new. */
	if (bare.len <= DKIMKEY_RECORD_MAX) {
		FUZZ_CHECK(
		    dkimkey_read(bare.data, bare.len, &again) == REASON_NONE);
		FUZZ_CHECK(again.bits == key->bits);
		FUZZ_CHECK(!again.is_testing && !again.is_strict);
	}
	buf_free(&bare);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *record = fuzz_copy(data, size);
	enum verdict_reason reason;
	struct dkimkey key;

	memset(&key, 0xff, sizeof key);
	reason = dkimkey_read(record, size, &key);
	switch (reason) {
	case REASON_NONE:
		FUZZ_CHECK(key.bits == 0 || key.bits >= DKIMKEY_BITS_MIN);
		FUZZ_CHECK(key.bits <= DKIMKEY_BITS_MAX);
		check_bare(record, size, &key);
		break;
	case REASON_KEY_TOO_SMALL:
		FUZZ_CHECK(key.bits > 0 && key.bits < DKIMKEY_BITS_MIN);
		break;
	default:
		FUZZ_CHECK(reason == REASON_KEY_SYNTAX ||
		    reason == REASON_KEY_REVOKED ||
		    reason == REASON_KEY_MISMATCH);
	}
	free(record);
	return 0;
}
