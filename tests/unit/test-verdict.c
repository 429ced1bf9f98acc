#include <check.h>
#include <string.h>

#include "suites.h"
#include "unit.h"
#include "verdict.h"

/* From the worst to the best to tell. */
static const struct {
	enum verdict_result result;
	const char *word;
} results[] = {
	{ VERDICT_OFF, "" },
	{ VERDICT_NONE, "none" },
	{ VERDICT_NEUTRAL, "neutral" },
	{ VERDICT_POLICY, "policy" },
	{ VERDICT_PERMERROR, "permerror" },
	{ VERDICT_FAIL, "fail" },
	{ VERDICT_TEMPERROR, "temperror" },
	{ VERDICT_PASS, "pass" },
};

static const struct {
	enum verdict_reason reason;
	enum verdict_result result;
	const char *word;
} reasons[] = {
	{ REASON_NONE, VERDICT_PASS, "" },
	{ REASON_AUTHENTICATION_RESULTS, VERDICT_PASS,
	    "authentication-results" },
	{ REASON_NO_SIGNATURE, VERDICT_NONE, "no-signature" },
	{ REASON_SIGNATURE_SYNTAX, VERDICT_NEUTRAL, "signature-syntax" },
	{ REASON_SEVERAL_FROM, VERDICT_POLICY, "several-from" },
	{ REASON_NOT_ALIGNED, VERDICT_POLICY, "not-aligned" },
	{ REASON_LENGTH_LIMIT, VERDICT_POLICY, "length-limit" },
	{ REASON_WEAK_ALGORITHM, VERDICT_POLICY, "weak-algorithm" },
	{ REASON_KEY_TOO_SMALL, VERDICT_POLICY, "key-too-small" },
	{ REASON_KEY_TESTING, VERDICT_POLICY, "key-testing" },
	{ REASON_FROM_NOT_SIGNED, VERDICT_PERMERROR, "from-not-signed" },
	{ REASON_NO_KEY, VERDICT_PERMERROR, "no-key" },
	{ REASON_KEY_REVOKED, VERDICT_PERMERROR, "key-revoked" },
	{ REASON_KEY_SYNTAX, VERDICT_PERMERROR, "key-syntax" },
	{ REASON_KEY_MISMATCH, VERDICT_PERMERROR, "key-mismatch" },
	{ REASON_EXPIRED, VERDICT_FAIL, "signature-expired" },
	{ REASON_FUTURE, VERDICT_FAIL, "signature-in-future" },
	{ REASON_BODY_HASH, VERDICT_FAIL, "body-hash" },
	{ REASON_SIGNATURE, VERDICT_FAIL, "signature" },
	{ REASON_DNS_TIMEOUT, VERDICT_TEMPERROR, "dns-timeout" },
	{ REASON_DNS_FAILURE, VERDICT_TEMPERROR, "dns-failure" },
	{ REASON_DNS_BOGUS, VERDICT_TEMPERROR, "dns-bogus" },
	{ REASON_NO_RESOURCES, VERDICT_TEMPERROR, "no-resources" },
};

START_TEST(results_have_words)
{
	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		struct verdict verdict = { .result = VERDICT_OFF };

		ck_string("result", verdict_result_str(results[i].result),
		    results[i].word);
		verdict_read_result(&verdict, results[i].word);
		ck_assert_int_eq(verdict.result, results[i].result);
	}
}
END_TEST

START_TEST(reasons_have_words_and_results)
{
	ck_assert_uint_eq(ARRAY_LEN(reasons), REASON_MAX);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		struct verdict verdict = { .reason = REASON_NONE };

		ck_string("reason", verdict_reason_str(reasons[i].reason),
		    reasons[i].word);
		ck_assert_msg(
		    verdict_of_reason(reasons[i].reason) == reasons[i].result,
		    "%s", reasons[i].word);
		verdict_read_reason(&verdict, reasons[i].word);
		ck_assert_int_eq(verdict.reason, reasons[i].reason);
	}
	ck_string("reason", verdict_reason_str(REASON_MAX), "");
}
END_TEST

START_TEST(dnssec_has_words)
{
	struct verdict verdict = { .dnssec = DNSSEC_UNKNOWN };

	ck_string("dnssec", verdict_dnssec_str(DNSSEC_UNKNOWN), "");
	ck_string("dnssec", verdict_dnssec_str(DNSSEC_INSECURE), "insecure");
	ck_string("dnssec", verdict_dnssec_str(DNSSEC_SECURE), "secure");
	verdict_read_dnssec(&verdict, "secure");
	ck_assert_int_eq(verdict.dnssec, DNSSEC_SECURE);
	verdict_read_dnssec(&verdict, "insecure");
	ck_assert_int_eq(verdict.dnssec, DNSSEC_INSECURE);
}
END_TEST

START_TEST(words_that_are_none_change_nothing)
{
	struct verdict verdict = { .result = VERDICT_FAIL,
		.reason = REASON_BODY_HASH,
		.dnssec = DNSSEC_SECURE };

	verdict_read_result(&verdict, "PASS");
	verdict_read_reason(&verdict, "body hash");
	verdict_read_dnssec(&verdict, "bogus");
	ck_assert_int_eq(verdict.result, VERDICT_FAIL);
	ck_assert_int_eq(verdict.reason, REASON_BODY_HASH);
	ck_assert_int_eq(verdict.dnssec, DNSSEC_SECURE);
}
END_TEST

START_TEST(the_better_one_is_told)
{
	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		for (size_t j = 0; j < ARRAY_LEN(results); j++) {
			struct verdict a = { .result = results[i].result };
			struct verdict b = { .result = results[j].result };

			ck_assert_msg(verdict_is_better(&a, &b) == (i > j),
			    "%s, %s", results[i].word, results[j].word);
		}
	}
}
END_TEST

Suite *
verdict_suite(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tc = tcase_create("verdict");

	tcase_add_test(tc, results_have_words);
	tcase_add_test(tc, reasons_have_words_and_results);
	tcase_add_test(tc, dnssec_has_words);
	tcase_add_test(tc, words_that_are_none_change_nothing);
	tcase_add_test(tc, the_better_one_is_told);
	suite_add_tcase(suite, tc);
	return suite;
}
