#include <check.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "dkimkey.h"
#include "inject.h"
#include "keycache.h"
#include "suites.h"
#include "unit.h"

enum {
	KEY_LEN = 32, /* of Ed25519, and of X25519 */
	MAILS = 100,
	THREADS = 8,
	TURNS = 2000
};

#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
/* RFC 6376, appendix C. */
#define RSA                                                                    \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkM"     \
	"oGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/R"     \
	"tdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToI"     \
	"MmPSPDdQPNUYckcQ2QIDAQAB"

static struct keycache *cache;
static atomic_uint decoded;

static void
setup(void)
{
	cache = keycache_new();
	ck_assert_ptr_nonnull(cache);
	decoded = 0;
}

static void
teardown(void)
{
	keycache_free(&cache);
	ck_assert_ptr_null(cache);
	keycache_free(&cache);
}

static EVP_PKEY *
decode(int type, const unsigned char *bytes, size_t len)
{
	decoded++;
	return EVP_PKEY_new_raw_public_key(type, NULL, bytes, len);
}

/* Key number n. */
static void
make_bytes(unsigned n, unsigned char bytes[KEY_LEN])
{
	memset(bytes, 0, KEY_LEN);
	bytes[KEY_LEN - 1] = (unsigned char)n;
}

/* Ask for key number n. Is it the one that was asked for? */
static bool
is_right(int type, unsigned n)
{
	unsigned char bytes[KEY_LEN], got[KEY_LEN];
	size_t len = sizeof got;
	EVP_PKEY *key;
	bool result;

	make_bytes(n, bytes);
	key = keycache_get(cache, type, bytes, sizeof bytes, decode);
	result = key != NULL && EVP_PKEY_get_id(key) == type &&
	    EVP_PKEY_get_raw_public_key(key, got, &len) == 1 &&
	    len == KEY_LEN && memcmp(got, bytes, KEY_LEN) == 0;
	EVP_PKEY_free(key);
	return result;
}

/* Was key number n there? */
static bool
is_kept(unsigned n)
{
	unsigned before = decoded;

	ck_assert(is_right(EVP_PKEY_ED25519, n));
	return decoded == before;
}

static void
check_count(uint64_t hits, uint64_t misses)
{
	struct keycache_count count = keycache_count(cache);

	ck_assert_uint_eq(count.hits, hits);
	ck_assert_uint_eq(count.misses, misses);
}

/* The same key in records that say other things besides. */
START_TEST(decoded_once)
{
	static const char *const records[] = { "p=" RSA, "v=DKIM1; p=" RSA,
		"k=rsa; t=s; p=" RSA };
	EVP_PKEY *first = NULL;

	for (size_t i = 0; i < MAILS; i++) {
		const char *record = records[i % ARRAY_LEN(records)];
		struct dkimkey key;

		ck_assert_int_eq(
		    dkimkey_read(record, strlen(record), cache, &key),
		    REASON_NONE);
		if (i == 0)
			first = key.decoded;
		ck_assert_ptr_nonnull(key.decoded);
		ck_assert_ptr_eq(key.decoded, first);
		ck_assert_int_eq(EVP_PKEY_get_bits(key.decoded), 1024);
		dkimkey_clear(&key);
		ck_assert_ptr_null(key.decoded);
	}
	check_count(MAILS - 1, 1);
}
END_TEST

/* A record that cannot verify has no key, and leaves none. */
START_TEST(bad_records_are_not_kept)
{
	static const char *const records[] = { "k=ed25519; p=" RSA,
		"k=rsa; p=" ED25519, "k=dsa; p=" RSA, "p=", "h=sha1; p=" RSA,
		"p=AAAA" };

	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct dkimkey key;

		ck_assert_int_ne(
		    dkimkey_read(records[i], strlen(records[i]), cache, &key),
		    REASON_NONE);
		ck_assert_ptr_null(key.decoded);
	}
	check_count(0, 0);
}
END_TEST

/* The same p= under another k= is refused though the first is kept. */
START_TEST(records_do_not_mix)
{
	static const struct {
		const char *record;
		int type; /* or 0: no key */
	} records[] = {
		{ "k=rsa; p=" RSA, EVP_PKEY_RSA },
		{ "k=ed25519; p=" ED25519, EVP_PKEY_ED25519 },
		{ "k=ed25519; p=" RSA, 0 },
		{ "k=rsa; p=" ED25519, 0 },
		{ "k=ed25519; p=" ED25519, EVP_PKEY_ED25519 },
		{ "k=rsa; p=" RSA, EVP_PKEY_RSA },
	};

	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		const char *record = records[i].record;
		struct dkimkey key;

		(void)dkimkey_read(record, strlen(record), cache, &key);
		ck_assert_int_eq(key.decoded != NULL, records[i].type != 0);
		if (key.decoded != NULL)
			ck_assert_int_eq(
			    EVP_PKEY_get_id(key.decoded), records[i].type);
		dkimkey_clear(&key);
	}
	check_count(2, 2);
}
END_TEST

/* Nor do two types whose keys may well have the same bytes. */
START_TEST(types_do_not_mix)
{
	for (size_t i = 0; i < 3; i++) {
		ck_assert(is_right(EVP_PKEY_ED25519, 1));
		ck_assert(is_right(EVP_PKEY_X25519, 1));
	}
	check_count(4, 2);
}
END_TEST

START_TEST(one_too_many)
{
	for (unsigned n = 0; n < KEYCACHE_MAX; n++)
		ck_assert(!is_kept(n));
	for (unsigned n = 0; n < KEYCACHE_MAX; n++)
		ck_assert(is_kept(n));
	/* The first was used again, so it is the second that has to go. */
	ck_assert(is_kept(0));
	ck_assert(!is_kept(KEYCACHE_MAX));
	ck_assert(is_kept(0));
	for (unsigned n = 2; n <= KEYCACHE_MAX; n++)
		ck_assert(is_kept(n));
	ck_assert(!is_kept(1));
	check_count(KEYCACHE_MAX + 2 + KEYCACHE_MAX - 1, KEYCACHE_MAX + 2);
}
END_TEST

/* Who uses a key does not lose it. */
START_TEST(keys_in_use_live_on)
{
	unsigned char bytes[KEY_LEN], got[KEY_LEN];
	size_t len = sizeof got;
	EVP_PKEY *key;

	make_bytes(KEYCACHE_MAX, bytes);
	key =
	    keycache_get(cache, EVP_PKEY_ED25519, bytes, sizeof bytes, decode);
	for (unsigned n = 0; n < KEYCACHE_MAX; n++)
		ck_assert(!is_kept(n));
	ck_assert(!is_kept(KEYCACHE_MAX));
	keycache_free(&cache);
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(key, got, &len), 1);
	ck_bytes("key", got, len, bytes, sizeof bytes);
	EVP_PKEY_free(key);
}
END_TEST

/* What fails leaves nothing behind, and does not count the next time. */
START_TEST(memory_may_be_short)
{
	static const char *const records[] = { "k=ed25519; p=" ED25519,
		"p=" RSA };
	const char *record = records[_i];
	struct dkimkey key;
	unsigned n;

	for (n = 1;; n++) {
		enum verdict_reason reason;
		struct keycache *own;

		inject_arm(INJECT_MEMORY | INJECT_KEY, n);
		own = keycache_new();
		reason = own == NULL
		    ? REASON_NO_RESOURCES
		    : dkimkey_read(record, strlen(record), own, &key);
		if (!inject_disarm()) {
			ck_assert_int_eq(reason, REASON_NONE);
			dkimkey_clear(&key);
			keycache_free(&own);
			break;
		}
		ck_assert_int_eq(reason, REASON_NO_RESOURCES);
		if (own == NULL)
			continue;
		ck_assert_ptr_null(key.decoded);
		reason = dkimkey_read(record, strlen(record), own, &key);
		ck_assert_int_eq(reason, REASON_NONE);
		ck_assert_uint_eq(keycache_count(own).misses, 2);
		dkimkey_clear(&key);
		keycache_free(&own);
	}
	/* The cache, the bytes, the key. */
	ck_assert_uint_eq(n, 4);
}
END_TEST

/* Many more keys than are kept, so that all the time some come and go. */
static void *
use_keys(void *ctx)
{
	unsigned n = *(unsigned *)ctx;

	for (unsigned i = 0; i < TURNS; i++) {
		n = (n * 1103515245 + 12345) & 0x7fffffff;
		if (!is_right(EVP_PKEY_ED25519,
			(n >> 16) % (KEYCACHE_MAX + KEYCACHE_MAX / 2)))
			return NULL;
	}
	return ctx;
}

START_TEST(threads)
{
	pthread_t thread[THREADS];
	unsigned start[THREADS];
	struct keycache_count count;

	for (unsigned i = 0; i < THREADS; i++) {
		start[i] = i;
		ck_assert_int_eq(
		    pthread_create(&thread[i], NULL, use_keys, &start[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *result;

		ck_assert_int_eq(pthread_join(thread[i], &result), 0);
		ck_assert_ptr_eq(result, &start[i]);
	}
	count = keycache_count(cache);
	ck_assert_uint_eq(count.hits + count.misses, THREADS * TURNS);
	ck_assert_uint_eq(count.misses, decoded);
	ck_assert_uint_gt(count.misses, KEYCACHE_MAX);
	ck_assert_uint_gt(count.hits, 0);
}
END_TEST

Suite *
keycache_suite(void)
{
	Suite *suite = suite_create("keycache");
	TCase *tc = tcase_create("keycache");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, decoded_once);
	tcase_add_test(tc, bad_records_are_not_kept);
	tcase_add_test(tc, records_do_not_mix);
	tcase_add_test(tc, types_do_not_mix);
	tcase_add_test(tc, one_too_many);
	tcase_add_test(tc, keys_in_use_live_on);
	tcase_add_loop_test(tc, memory_may_be_short, 0, 2);
	tcase_add_test(tc, threads);
	suite_add_tcase(suite, tc);
	return suite;
}
