#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dkimkey.h"
#include "suites.h"
#include "unit.h"

#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
/* RFC 6376, appendix C. */
#define RSA                                                                    \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkM"     \
	"oGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/R"     \
	"tdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToI"     \
	"MmPSPDdQPNUYckcQ2QIDAQAB"
#define WEAK    DEV(DEV_WEAK_KEY)
#define SERVICE DEV(DEV_KEY_SERVICE_TYPE)

static const struct {
	const char *record;
	const char *reason;
	unsigned bits;
	deviations dev;
	bool is_testing, is_strict;
} rows[] = {
	{ "v=DKIM1; p=" RSA, "", 1024, WEAK, false, false },
	{ "p=" RSA, "", 1024, WEAK, false, false },
	{ "k=RSA;p=" RSA ";", "", 1024, WEAK, false, false },
	{ "v=DKIM1; k=ed25519; p=" ED25519, "", 0, 0, false, false },
	{ "k=ed25519; n=a note; g=*; x=y; p=" ED25519, "", 0, 0, false, false },
	{ "p=" RSA "; v=DKIM1", "", 1024, WEAK, false, false },
	/* s= */
	{ "k=ed25519;s=*;p=" ED25519, "", 0, 0, false, false },
	{ "k=ed25519;s=tlsrpt;p=" ED25519, "", 0, 0, false, false },
	{ "k=ed25519;s=web : TLSRPT;p=" ED25519, "", 0, 0, false, false },
	{ "k=ed25519;s=email:tlsrpt;p=" ED25519, "", 0, 0, false, false },
	{ "k=ed25519;s=email:*;p=" ED25519, "", 0, 0, false, false },
	{ "k=ed25519;s=email;p=" ED25519, "", 0, SERVICE, false, false },
	{ "s=x:email;p=" RSA, "", 1024, SERVICE | WEAK, false, false },
	{ "k=ed25519;s=web;p=" ED25519, "key-mismatch", 0, 0, false, false },
	{ "k=ed25519;s=;p=" ED25519, "key-mismatch", 0, 0, false, false },
	{ "k=ed25519;s=emails;p=" ED25519, "key-mismatch", 0, 0, false, false },
	/* t= */
	{ "t=y;k=ed25519;p=" ED25519, "", 0, 0, true, false },
	{ "t=s;k=ed25519;p=" ED25519, "", 0, 0, false, true },
	{ "t=y:s;k=ed25519;p=" ED25519, "", 0, 0, true, true },
	{ "t=x:ys;k=ed25519;p=" ED25519, "", 0, 0, false, false },
	{ "t=;k=ed25519;p=" ED25519, "", 0, 0, false, false },
	/* h=, k=, v= */
	{ "h=sha256;k=ed25519;p=" ED25519, "", 0, 0, false, false },
	{ "h=sha1:sha256;k=ed25519;p=" ED25519, "", 0, 0, false, false },
	{ "h=sha1;k=ed25519;p=" ED25519, "key-mismatch", 0, 0, false, false },
	{ "k=dsa;p=" RSA, "key-mismatch", 0, 0, false, false },
	{ "k=;p=" RSA, "key-mismatch", 0, 0, false, false },
	{ "v=DKIM2;p=" RSA, "key-syntax", 0, 0, false, false },
	{ "v=;p=" RSA, "key-syntax", 0, 0, false, false },
	{ "v=dkim1;p=" RSA, "key-syntax", 0, 0, false, false },
	/* p= */
	{ "v=DKIM1; p=", "key-revoked", 0, 0, false, false },
	{ "k=x; p= ;", "key-revoked", 0, 0, false, false },
	{ "v=DKIM1", "key-syntax", 0, 0, false, false },
	{ "", "key-syntax", 0, 0, false, false },
	{ "v=spf1 -all", "key-syntax", 0, 0, false, false },
	{ "a domain's other business", "key-syntax", 0, 0, false, false },
	{ "p=x;p=y", "key-syntax", 0, 0, false, false },
	{ "v=DKIM1\\; p=" RSA, "key-syntax", 0, 0, false, false },
	{ "p=!" RSA, "key-syntax", 0, 0, false, false },
	{ "p=AAAA", "key-syntax", 0, 0, false, false },
	{ "p=" ED25519, "key-syntax", 0, 0, false, false },
	{ "k=ed25519;p=" RSA, "key-syntax", 0, 0, false, false },
	{ "k=ed25519;p=AAAA", "key-syntax", 0, 0, false, false },
	{ "p=" RSA RSA, "key-syntax", 0, 0, false, false },
};

/* A copy of its exact size, for the sanitizer to guard. */
static enum verdict_reason
read_copy(const char *record, size_t len, struct dkimkey *key)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum verdict_reason reason;

	ck_expect(copy != NULL, "out of memory");
	memcpy(copy, record, len);
	memset(key, 0xff, sizeof *key);
	reason = dkimkey_read(copy, len, NULL, key);
	free(copy);
	return reason;
}

START_TEST(records)
{
	const char *record = rows[_i].record;
	struct dkimkey key;

	ck_string(record,
	    verdict_reason_str(read_copy(record, strlen(record), &key)),
	    rows[_i].reason);
	ck_assert_uint_eq(key.bits, rows[_i].bits);
	ck_deviations(record, key.dev, rows[_i].dev);
	ck_assert_int_eq(key.is_testing, rows[_i].is_testing);
	ck_assert_int_eq(key.is_strict, rows[_i].is_strict);
}
END_TEST

/*
 * A record with n = 2^(bits - 1) + 1, which is as good here as a key, an e of
 * so many bits, and tail bytes of nothing behind them.
 */
static void
make_rsa(unsigned bits, unsigned e_bits, size_t tail, struct buf *record)
{
	unsigned char modulus[1100] = { 0 }, der[1300], *p = der;
	size_t bytes = (bits + 7) / 8, pad = bits % 8 == 0, n = bytes + pad;
	size_t e_len = (e_bits + 7) / 8, e = e_len + (e_bits % 8 == 0);
	size_t lens[4];

	/* SEQUENCE, SEQUENCE of OID and NULL, BIT STRING, SEQUENCE, n, e; all
	   lengths in two bytes, which is not DER for the short ones, so only
	   keys that are long enough are made. */
	ck_assert_uint_ge(n, 256);
	modulus[pad] = (unsigned char)(1U << ((bits - 1) % 8));
	modulus[n - 1] |= 1;
	lens[0] = n;
	lens[1] = 4 + n + 2 + e + tail;
	lens[2] = 1 + 4 + lens[1];
	lens[3] = 15 + 4 + lens[2];
#define HEAD(tag, len)                                                         \
	*p++ = tag, *p++ = 0x82, *p++ = (unsigned char)((len) >> 8),           \
	*p++ = (unsigned char)(len)
	HEAD(0x30, lens[3]);
	memcpy(p, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\0",
	    15);
	p += 15;
	HEAD(0x03, lens[2]);
	*p++ = 0;
	HEAD(0x30, lens[1]);
	HEAD(0x02, lens[0]);
	memcpy(p, modulus, n);
	p += n;
	*p++ = 0x02;
	*p++ = (unsigned char)e;
	memset(p, 0, e + tail);
	p[e - e_len] = (unsigned char)(1U << ((e_bits - 1) % 8));
	p[e - 1] |= 1;
	p += e + tail;
	ck_status("p", buf_adds(record, "p="), ST_OK);
	unit_base64(record, (char *)der, (size_t)(p - der));
}

START_TEST(long_keys)
{
	static const struct {
		unsigned bits;
		unsigned e_bits;
		const char *reason;
		deviations dev;
	} keys[] = {
		{ 2041, 17, "", WEAK },
		{ 2047, 17, "", WEAK },
		{ 2048, 17, "", 0 },
		{ 2049, 17, "", 0 },
		{ 4095, 17, "", 0 },
		{ 4096, 17, "", 0 },
		{ 4097, 17, "key-mismatch", 0 },
		{ 8192, 17, "key-mismatch", 0 },
		{ 2048, 2, "", 0 },
		{ 2048, 64, "", 0 },
		{ 2048, 65, "key-mismatch", 0 },
		{ 2048, 120, "key-mismatch", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct buf record;
		struct dkimkey key;

		buf_init(&record, 10000);
		make_rsa(keys[i].bits, keys[i].e_bits, 0, &record);
		ck_string("reason",
		    verdict_reason_str(
			read_copy(record.data, record.len, &key)),
		    keys[i].reason);
		ck_assert_uint_eq(key.bits, keys[i].bits);
		ck_deviations("dev", key.dev, keys[i].dev);
		buf_free(&record);
	}
}
END_TEST

/* Bytes behind the exponent are no part of a key. */
START_TEST(keys_end_where_they_end)
{
	struct buf record;
	struct dkimkey key;

	buf_init(&record, 10000);
	make_rsa(2048, 17, 1, &record);
	ck_string("reason",
	    verdict_reason_str(read_copy(record.data, record.len, &key)),
	    "key-syntax");
	buf_free(&record);
}
END_TEST

/* An n= that fills the record up, to the byte and beyond. */
START_TEST(records_are_bounded)
{
	for (size_t more = 0; more < 2; more++) {
		struct dkimkey key;
		struct buf record;

		buf_init(&record, 10000);
		ck_status("k", buf_adds(&record, "k=ed25519;p=" ED25519 ";n="),
		    ST_OK);
		unit_repeat(
		    &record, "n", DKIMKEY_RECORD_MAX - record.len + more);
		ck_string("reason",
		    verdict_reason_str(
			read_copy(record.data, record.len, &key)),
		    more == 0 ? "" : "key-syntax");
		buf_free(&record);
	}
}
END_TEST

/* A key cut anywhere, or with any byte another one, is no reason to read on. */
START_TEST(damaged_keys)
{
	static const char whole[] = "p=" RSA;
	char record[sizeof whole];
	struct dkimkey key;

	for (size_t len = 0; len < sizeof whole - 1; len++)
		ck_assert_int_ne(read_copy(whole, len, &key), REASON_NONE);
	for (size_t i = 2; i < sizeof whole - 1; i++) {
		memcpy(record, whole, sizeof whole);
		for (int c = 0; c < 256; c++) {
			record[i] = (char)c;
			(void)read_copy(record, sizeof whole - 1, &key);
			ck_assert_uint_le(key.bits, 4096 * 8);
		}
	}
}
END_TEST

Suite *
dkimkey_suite(void)
{
	Suite *suite = suite_create("dkimkey");
	TCase *tc = tcase_create("dkimkey");

	tcase_add_loop_test(tc, records, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, long_keys);
	tcase_add_test(tc, keys_end_where_they_end);
	tcase_add_test(tc, records_are_bounded);
	tcase_add_test(tc, damaged_keys);
	suite_add_tcase(suite, tc);
	return suite;
}
