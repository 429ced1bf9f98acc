#include "tlsa.h"

#include <check.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "suites.h"
#include "unit.h"

START_TEST(records_are_read)
{
	struct tlsa tlsa = { .usage = 77 };
	const unsigned char *record = (const unsigned char *)"\3\1\2ab\0c";

	ck_assert(!tlsa_read(&tlsa, record, 0));
	ck_assert(!tlsa_read(&tlsa, record, 2));
	ck_assert_uint_eq(tlsa.usage, 77);
	ck_assert(tlsa_read(&tlsa, record, 3));
	ck_assert_uint_eq(tlsa.len, 0);
	ck_assert(tlsa_read(&tlsa, record, 7));
	ck_assert_uint_eq(tlsa.usage, 3);
	ck_assert_uint_eq(tlsa.selector, 1);
	ck_assert_uint_eq(tlsa.matching, 2);
	ck_bytes("data", tlsa.data, tlsa.len, "ab\0c", 4);
}
END_TEST

#define PKIX                                                                   \
	"usages 0 (PKIX-TA) and 1 (PKIX-EE) are not for SMTP: it takes 2 "     \
	"(DANE-TA) or 3 (DANE-EE)"
#define USAGE "its usage is unknown: SMTP takes 2 (DANE-TA) or 3 (DANE-EE)"
#define SELECTOR                                                               \
	"its selector is unknown: there are 0 (certificate) and 1 (public "    \
	"key)"
#define MATCHING                                                               \
	"its matching type is unknown: there are 0 (all of it), 1 (SHA-256) "  \
	"and 2 (SHA-512)"
#define SHA256 "its data is not 32 bytes long, as a SHA-256 digest is"
#define SHA512 "its data is not 64 bytes long, as a SHA-512 digest is"
#define CERTIFICATE                                                            \
	"its data is no certificate in DER, as matching type 0 wants it"
#define KEY "its data is no public key in DER, as matching type 0 wants it"

START_TEST(what_smtp_takes_is_usable)
{
	static const struct {
		uint8_t usage, selector, matching;
		size_t len;
		const char *why;
	} rows[] = {
		{ 3, 1, 1, 32, NULL },
		{ 3, 0, 1, 32, NULL },
		{ 2, 0, 1, 32, NULL },
		{ 2, 1, 1, 32, NULL },
		{ 3, 1, 2, 64, NULL },
		{ 2, 0, 2, 64, NULL },
		{ 0, 0, 1, 32, PKIX },
		{ 1, 1, 1, 32, PKIX },
		{ 0, 9, 9, 0, PKIX },
		{ 4, 1, 1, 32, USAGE },
		{ 255, 1, 1, 32, USAGE },
		{ 3, 2, 1, 32, SELECTOR },
		{ 3, 255, 1, 32, SELECTOR },
		{ 3, 1, 3, 32, MATCHING },
		{ 3, 1, 255, 32, MATCHING },
		{ 3, 1, 0, 0, "it has no data" },
		{ 3, 1, 1, 0, "it has no data" },
		{ 3, 1, 1, 31, SHA256 },
		{ 3, 1, 1, 33, SHA256 },
		{ 3, 1, 1, 64, SHA256 },
		{ 3, 1, 2, 63, SHA512 },
		{ 3, 1, 2, 65, SHA512 },
		{ 3, 1, 2, 32, SHA512 },
		{ 3, 0, 0, 32, CERTIFICATE },
		{ 3, 1, 0, 32, KEY },
	};
	static const unsigned char data[65] = { 0x30, 0x1e };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tlsa tlsa = { rows[i].usage, rows[i].selector,
			rows[i].matching, data, rows[i].len };
		char name[64];

		tlsa_text(&tlsa, name, sizeof name);
		ck_string(name, tlsa_why_unusable(&tlsa), rows[i].why);
	}
	/* Nothing is left for whoever looks at OpenSSL's errors next. */
	ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();

	ck_assert_ptr_nonnull(x);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 60);
	ck_assert_int_eq(X509_set_pubkey(x, key), 1);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	return x;
}

START_TEST(whole_ones_are_looked_at)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = make_certificate(key);
	unsigned char *der[2] = { NULL, NULL };
	static const char *const why[] = { CERTIFICATE, KEY };
	int len[] = { i2d_X509(x, &der[0]), i2d_PUBKEY(key, &der[1]) };

	for (uint8_t s = 0; s < 2; s++) {
		struct tlsa tlsa = { 3, s, 0, der[s], (size_t)len[s] };

		ck_assert_int_gt(len[s], 0);
		ck_string("whole", tlsa_why_unusable(&tlsa), NULL);
		tlsa.len--;
		ck_string("short", tlsa_why_unusable(&tlsa), why[s]);
		/* The one instead of the other. */
		tlsa.data = der[1 - s];
		tlsa.len = (size_t)len[1 - s];
		ck_string("other", tlsa_why_unusable(&tlsa), why[s]);
		/* And a byte behind it. */
		der[s] = OPENSSL_realloc(der[s], (size_t)len[s] + 1);
		der[s][len[s]] = 0;
		tlsa.data = der[s];
		tlsa.len = (size_t)len[s] + 1;
		ck_string("long", tlsa_why_unusable(&tlsa), why[s]);
	}
	ck_assert_uint_eq(ERR_peek_error(), 0);
	OPENSSL_free(der[0]);
	OPENSSL_free(der[1]);
	X509_free(x);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(text_is_that_of_a_zone_file)
{
	static const unsigned char data[] = { 0x4f, 0x0a, 0xff };
	struct tlsa tlsa = { 3, 1, 1, data, sizeof data };
	static const struct {
		size_t size;
		const char *want;
	} rows[] = {
		{ 100, "3 1 1 4f0aff" },
		{ 13, "3 1 1 4f0aff" },
		{ 12, "3 1 1 4f0a" },
		{ 11, "3 1 1 4f0a" },
		{ 7, "3 1 1 " },
		{ 4, "3 1" },
		{ 1, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[100];

		memset(out, 'x', sizeof out);
		tlsa_text(&tlsa, out, rows[i].size);
		ck_string("text", out, rows[i].want);
		ck_assert(
		    rows[i].size == sizeof out || out[rows[i].size] == 'x');
	}
	tlsa = (struct tlsa){ 255, 254, 253, NULL, 0 };
	{
		char out[100];

		tlsa_text(&tlsa, out, sizeof out);
		ck_string("no data", out, "255 254 253");
	}
}
END_TEST

Suite *
tlsa_suite(void)
{
	Suite *suite = suite_create("tlsa");
	TCase *tc = tcase_create("tlsa");

	tcase_add_test(tc, records_are_read);
	tcase_add_test(tc, what_smtp_takes_is_usable);
	tcase_add_test(tc, whole_ones_are_looked_at);
	tcase_add_test(tc, text_is_that_of_a_zone_file);
	suite_add_tcase(suite, tc);
	return suite;
}
