/*
 * Keys from a real nameserver, as signature.h gets them.
 */
#include <check.h>

#include "resolving.h"
#include "signature.h"
#include "suites.h"
#include "unit.h"

static const struct {
	const char *name;
	unsigned milliseconds;
	enum verdict_reason reason;
	enum verdict_dnssec dnssec;
	const char *record; /* or NULL */
} rows[] = {
	{ "one.example.org", PLENTY, REASON_NONE, DNSSEC_INSECURE,
	    "v=DKIM1; p=abc" },
	{ "three.example.org", PLENTY, REASON_NONE, DNSSEC_INSECURE,
	    "v=DKIM1; p=abc" },
	{ "good.signed.example", PLENTY, REASON_NONE, DNSSEC_SECURE, "p=abc" },
	{ "alias.signed.example", PLENTY, REASON_NONE, DNSSEC_SECURE, "p=abc" },
	{ "several.example.org", PLENTY, REASON_KEY_SYNTAX, DNSSEC_INSECURE,
	    NULL },
	{ "big.example.org", PLENTY, REASON_NONE, DNSSEC_INSECURE, NULL },
	{ "address.example.org", PLENTY, REASON_NO_KEY, DNSSEC_UNKNOWN, NULL },
	{ "none.example.org", PLENTY, REASON_NO_KEY, DNSSEC_UNKNOWN, NULL },
	/* A denial may be proved, and is no key all the same. */
	{ "none.signed.example", PLENTY, REASON_NO_KEY, DNSSEC_UNKNOWN, NULL },
	{ "bad.signed.example", PLENTY, REASON_DNS_BOGUS, DNSSEC_UNKNOWN,
	    NULL },
	{ "x.broken.example", PLENTY, REASON_DNS_FAILURE, DNSSEC_UNKNOWN,
	    NULL },
	{ "x.never.example", 100, REASON_DNS_TIMEOUT, DNSSEC_UNKNOWN, NULL },
};

static enum verdict_reason
ask(struct resolver *resolver, size_t i, size_t max, struct buf *record,
    enum verdict_dnssec *dnssec)
{
	*dnssec = DNSSEC_UNKNOWN;
	buf_init(record, max);
	return signature_ask_resolver(
	    resolver, rows[i].name, rows[i].milliseconds, record, dnssec);
}

START_TEST(answers)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, resolving_anchor);
	enum verdict_reason reason;
	enum verdict_dnssec dnssec;
	struct buf record;

	reason = ask(resolver, (size_t)_i, SIGNATURE_KEY_MAX, &record, &dnssec);
	ck_string(rows[_i].name, verdict_reason_str(reason),
	    verdict_reason_str(rows[_i].reason));
	ck_string(rows[_i].name, verdict_dnssec_str(dnssec),
	    verdict_dnssec_str(rows[_i].dnssec));
	if (rows[_i].record != NULL)
		ck_string(rows[_i].name, record.data, rows[_i].record);
	else if (reason != REASON_NONE)
		ck_assert_uint_eq(record.len, 0);
	buf_free(&record);
	resolver_free(&resolver);
}
END_TEST

/* A record of 1536 bytes, with room for as many and for one less. */
START_TEST(too_long_a_record)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);
	enum verdict_dnssec dnssec;
	struct buf record;

	ck_assert_int_eq(ask(resolver, 5, 1536, &record, &dnssec), REASON_NONE);
	ck_assert_uint_eq(record.len, 1536);
	buf_free(&record);
	ck_assert_int_eq(
	    ask(resolver, 5, 1535, &record, &dnssec), REASON_KEY_SYNTAX);
	buf_free(&record);
	resolver_free(&resolver);
}
END_TEST

Suite *
keysource_suite(void)
{
	Suite *suite = suite_create("keysource");
	TCase *tc = tcase_create("keysource");

	tcase_add_unchecked_fixture(tc, resolving_setup, resolving_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, answers, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, too_long_a_record);
	suite_add_tcase(suite, tc);
	return suite;
}
