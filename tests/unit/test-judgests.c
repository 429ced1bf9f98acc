#include "judge.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "judgereported.h"
#include "judgescene.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

/*
 * What is spoilt.
 */

static void
fetch_fails(struct scene *s, enum stsfetch_end end, const char *detail)
{
	s->d.sts.fetch.end = end;
	(void)text_copy(
	    s->d.sts.fetch.detail, sizeof s->d.sts.fetch.detail, detail);
	s->d.sts.has_policy = false;
}

#define FETCH(name, end, detail)                                               \
	static void name(struct scene *s)                                      \
	{                                                                      \
		fetch_fails(s, end, detail);                                   \
	}
FETCH(fetch_connect, STSFETCH_CONNECT, "Connection refused")
FETCH(fetch_timeout, STSFETCH_TIMEOUT, "timed out")
FETCH(fetch_tls, STSFETCH_TLS, "handshake failure")
FETCH(fetch_redirect, STSFETCH_REDIRECT, "HTTP status 301 to /x")
FETCH(fetch_status, STSFETCH_STATUS, "HTTP status 404")
FETCH(fetch_type, STSFETCH_CONTENT_TYPE, "the Content-Type is text/html")
FETCH(fetch_large, STSFETCH_TOO_LARGE, "over 64 KB")
FETCH(fetch_lost, STSFETCH_LOST, "closed")
FETCH(fetch_no_route, STSFETCH_NO_ROUTE, "Network is unreachable")
FETCH(fetch_ourselves, STSFETCH_OURSELVES, "no memory")

static void
fetch_webpki(struct scene *s)
{
	fetch_fails(s, STSFETCH_CERTIFICATE, "not for mta-sts.example.com");
	scene_fault(&s->d.sts.fetch.verdict,
	    CERTIFICATE_HOST_MISMATCH | CERTIFICATE_EXPIRED,
	    "not for mta-sts.example.com");
}

static void
fetch_no_address(struct scene *s)
{
	fetch_fails(s, STSFETCH_OK, "");
	s->d.sts.has_address = false;
	s->d.sts.fetch.has_certificate = false;
	s->d.sts.ipv4.found.status = RESOLVER_NOT_FOUND;
	s->d.sts.ipv6.found.status = RESOLVER_TIMEOUT;
}

static void
policy_invalid(struct scene *s)
{
	fetch_fails(s, STSFETCH_OK, "the body came with Content-Encoding gzip");
	s->d.sts.policy_remarks.count = 2;
	s->d.sts.policy_remarks.errors = 1;
	s->d.sts.policy_remarks.remark[0].kind = REMARK_NOTE;
	s->d.sts.policy_remarks.remark[1] =
	    (struct remark){ .kind = REMARK_ERROR,
		    .has_offset = true,
		    .offset = 17,
		    .text = "there is no max_age",
		    .mend = "add one" };
}

static void
not_allowed(struct scene *s)
{
	(void)strcpy(s->d.sts.policy.mx[0], "*.mail.example.com");
}

static void
testing(struct scene *s)
{
	s->d.sts.policy.mode = STSPOLICY_TESTING;
}

static void
testing_and_expired(struct scene *s)
{
	testing(s);
	scene_fault(&s->address[0].probe.pkix, CERTIFICATE_EXPIRED, "expired");
}

static void
mode_none(struct scene *s)
{
	s->d.sts.policy.mode = STSPOLICY_NONE;
	s->d.sts.policy.max_age = SCENE_DAY;
}

static void
age_short(struct scene *s)
{
	s->d.sts.policy.max_age = 7 * SCENE_DAY - 1;
}

static void
age_enough(struct scene *s)
{
	s->d.sts.policy.max_age = 7 * SCENE_DAY;
}

static void
patterns(struct scene *s)
{
	s->d.sts.policy.mx_count = 4;
	(void)strcpy(s->d.sts.policy.mx[1], "*.example.com");
	(void)strcpy(s->d.sts.policy.mx[2], "old.example.com");
	(void)strcpy(s->d.sts.policy.mx[3], "*.example.net");
}

static void
no_record(struct scene *s)
{
	s->d.sts.records = 0;
	s->d.sts.has_record = false;
	s->d.sts.has_fetch = false;
	s->d.sts.has_policy = false;
	s->d.sts.fetch.has_certificate = false;
}

static void
two_records(struct scene *s)
{
	no_record(s);
	s->d.sts.records = 2;
}

static void
bad_record(struct scene *s)
{
	no_record(s);
	s->d.sts.records = 1;
	s->d.sts.record_remarks.count = 1;
	s->d.sts.record_remarks.errors = 3;
	s->d.sts.record_remarks.remark[0] =
	    (struct remark){ .kind = REMARK_ERROR, .text = "there is no id" };
}

static void
other_txt(struct scene *s, const char *text)
{
	no_record(s);
	(void)strcpy(s->text, text);
	s->d.sts.txt.count = 1;
	s->d.sts.txt.text[0] = s->text;
	s->d.sts.txt.len[0] = strlen(s->text);
}

static void
nearly_record(struct scene *s)
{
	other_txt(s, "v=STSV1; id=1;");
}

static void
wildcard_txt(struct scene *s)
{
	other_txt(s, "v=spf1 -all");
}

static void
wildcard_of_hosts(struct scene *s)
{
	other_txt(s, "v=spf1 include:hosts.example.net -all");
}

static void
shouted_record(struct scene *s)
{
	other_txt(s, "\"V = MTA-STS1\"; id=1");
}

static void
sts_only(struct scene *s)
{
	s->settings.with_dane = false;
}

static void
sts_servfail(struct scene *s)
{
	no_record(s);
	s->d.sts.txt.found.status = RESOLVER_FAILED;
}

static void
sts_unasked(struct scene *s)
{
	s->settings.with_sts = false;
	s->d.sts.is_asked = false;
}

static void
policy_server_expires(struct scene *s)
{
	s->d.sts.fetch.certificate.not_after = SCENE_NOW + 5 * SCENE_DAY;
}

static const struct scene_row rows[] = {
#define FETCH_ERROR(reason)                                                    \
	"failure sts sts-policy-fetch-error " reason " - -\n" GOOD_NONE_A
	{ "MX not in the policy", scene_both_alone, not_allowed,
	    "failure sts validation-failure mx-not-in-policy" WHOLE_A
		GOOD_DANE_A "warning sts - mx-in-policy-not-in-dns - -\n",
	    1,
	    "no mx of the policy allows a.example.com: it has "
	    "*.mail.example.com" },
	{ "in mode testing", scene_sts_alone, testing_and_expired,
	    "failure sts certificate-expired certificate-expired" A
	    "warning sts - mode-testing - -\n",
	    1, "deliver all the same" },
	{ "connection", scene_sts_alone, fetch_connect,
	    FETCH_ERROR("connection"), 1,
	    "Connection refused (from 192.0.2.9)" },
	{ "fetch timeout", scene_sts_alone, fetch_timeout,
	    FETCH_ERROR("timeout"), 1, NULL },
	{ "fetch TLS", scene_sts_alone, fetch_tls, FETCH_ERROR("tls-handshake"),
	    1, NULL },
	{ "redirect", scene_sts_alone, fetch_redirect, FETCH_ERROR("redirect"),
	    1, "301 to /x" },
	{ "404", scene_sts_alone, fetch_status, FETCH_ERROR("http-status"), 1,
	    "404" },
	{ "type", scene_sts_alone, fetch_type, FETCH_ERROR("content-type"), 1,
	    "text/html" },
	{ "large", scene_sts_alone, fetch_large, FETCH_ERROR("too-large"), 1,
	    NULL },
	{ "fetch lost", scene_sts_alone, fetch_lost,
	    FETCH_ERROR("connection-lost"), 1, NULL },
	{ "no address", scene_sts_alone, fetch_no_address,
	    FETCH_ERROR("no-address"), 1,
	    "mta-sts.example.com has no address: AAAA timed out, A NXDOMAIN" },
	{ "fetch, no way there", scene_sts_alone, fetch_no_route,
	    "untried sts - address-unreachable - -\n" GOOD_NONE_A, 69, NULL },
	{ "fetch, our own trouble", scene_sts_alone, fetch_ourselves,
	    "untried sts - our-own-trouble - -\n" GOOD_NONE_A, 75, NULL },
	{ "certificate of the policy server", scene_sts_alone, fetch_webpki,
	    "failure sts sts-webpki-invalid certificate-host-mismatch - "
	    "-\n" GOOD_NONE_A,
	    1,
	    "besides certificate-expired; the certificate of the policy "
	    "server is CN=mta-sts.example.com, issued by CN=Good CA" },
	{ "policy", scene_both_alone, policy_invalid,
	    "failure sts sts-policy-invalid policy-syntax - -\n" GOOD_DANE_A, 1,
	    "there is no max_age, at byte 17: add one; the body came with "
	    "Content-Encoding gzip" },
	{ "mode testing", scene_sts_alone, testing,
	    GOOD_STS_A "warning sts - mode-testing - -\n", 2, NULL },
	{ "mode none", scene_sts_alone, mode_none,
	    GOOD_NONE_A "warning sts - mode-none - -\n", 2, NULL },
	{ "max_age", scene_sts_alone, age_short,
	    GOOD_STS_A "warning sts - max-age-short - -\n", 2,
	    "604799 seconds" },
	{ "max_age of a week", scene_sts_alone, age_enough, GOOD_STS_A, 0,
	    NULL },
	{ "patterns", scene_sts_alone, patterns,
	    GOOD_STS_A "warning sts - mx-in-policy-not-in-dns - -\n", 2,
	    "in the DNS: old.example.com, *.example.net" },
	{ "two records", scene_sts_alone, two_records,
	    GOOD_NONE_A "warning sts - sts-record-invalid - -\n", 2,
	    "2 records" },
	{ "bad record", scene_sts_alone, bad_record,
	    GOOD_NONE_A "warning sts - sts-record-invalid - -\n", 2,
	    "there is no id (one of 3 errors)" },
	{ "almost a record", scene_sts_alone, nearly_record,
	    GOOD_NONE_A "warning sts - sts-record-invalid - -\n", 2,
	    "does not begin with v=STSv1;" },
	{ "a version of its own", scene_sts_alone, shouted_record,
	    GOOD_NONE_A "warning sts - sts-record-invalid - -\n", 2,
	    "does not begin with v=STSv1;" },
	{ "a wildcard with hosts", scene_sts_alone, wildcard_of_hosts,
	    GOOD_NONE_A, 0, NULL },
	{ "another TXT record", scene_sts_alone, wildcard_txt, GOOD_NONE_A, 0,
	    NULL },
	{ "nothing published", scene_alone, sts_only,
	    GOOD_NONE_A "warning sts - sts-not-found - -\n", 2,
	    "no record at _mta-sts.example.com" },
	{ "record SERVFAIL", scene_sts_alone, sts_servfail,
	    "untried sts - dns-failed - -\n" GOOD_NONE_A, 75, "SERVFAIL" },
	{ "no MTA-STS asked", scene_dane_alone, sts_unasked, GOOD_DANE_A, 0,
	    NULL },
	{ "policy server expires soon", scene_sts_alone, policy_server_expires,
	    GOOD_STS_A "warning sts - certificate-expires-soon - -\n", 2,
	    "(5 days left)" },
};

START_TEST(facts_in_findings_out)
{
	scene_check(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(all_result_types_are_in_the_table)
{
	static const char *const categories[] = { "sts" };

	scene_check_types(
	    rows, ARRAY_LEN(rows), categories, ARRAY_LEN(categories));
}
END_TEST

START_TEST(details_are_cut)
{
	struct scene *s = malloc(sizeof *s);
	struct findings findings;
	uint32_t cp;

	ck_assert_ptr_nonnull(s);
	scene_make(s);
	scene_sts_alone(s);
	not_allowed(s);
	/* Names of 250 bytes in UTF-8: cut within a name, at a character. */
	s->d.sts.policy.mx_count = STSPOLICY_MX_MAX;
	for (size_t i = 0; i < STSPOLICY_MX_MAX; i++) {
		for (size_t k = 0; k < 250; k += 2)
			memcpy(s->d.sts.policy.mx[i] + k, "\303\244", 2);
	}
	ck_status("cut", judge(&s->d, &findings), ST_OK);
	ck_assert_uint_ge(
	    strlen(findings.finding[0].detail), FINDING_DETAIL_MAX - 2);
	for (const char *p = findings.finding[0].detail; *p != '\0';) {
		size_t n = utf8_decode(p, strlen(p), &cp);

		ck_assert_uint_gt(n, 0);
		p += n;
	}
	findings_clear(&findings);
	ck_assert_uint_eq(findings.count, 0);
	findings_clear(&findings);
	free(s);
}
END_TEST

/*
 * The policy that senders applied.
 */

/* The live one is mode enforce, max_age 2592000, mx a and b; and a report that
   ends on 2026-02-11T00:00:00Z. */
#define SAME                                                                   \
	{                                                                      \
		"version: STSv1", "mode: enforce", "mx: b.example.com",        \
		    "mx: A.example.com", "max_age: 2592000"                    \
	}
#define OTHER                                                                  \
	{                                                                      \
		"version: STSv1", "mode: testing", "mx: a.example.com",        \
		    "mx: b.example.com", "max_age: 2592000"                    \
	}

enum {
	SEEN = 1770768000 /* the end of the report's range */
};

static const struct reported {
	const char *id;
	const char *lines[5];
	bool is_warned;
} reported[] = {
	{ "20260201000000", SAME, false },
	{ "20260201000000", OTHER, true },
	{ "20260201000000Z", OTHER, true },
	{ "20260210235959", OTHER, true },
	{ "20260211000000", OTHER, true },
	{ "20260211000001", OTHER, false },
	{ "20260211000001Z", OTHER, false },
	{ "202602102359", OTHER, true },
	{ "202602110001", OTHER, false },
	/* A day is over late; so is that of a serial number. */
	{ "20260210", OTHER, true },
	{ "20260211", OTHER, false },
	{ "2026021003", OTHER, true },
	{ "2026021103", OTHER, false },
	/* Seconds since 1970. */
	{ "1770768000", OTHER, true },
	{ "1770768001", OTHER, false },
	/* No moment at all. */
	{ "1", OTHER, true },
	{ "abc20260211000001", OTHER, true },
	{ "20261311000001", OTHER, true },
	{ "99999999999999", OTHER, true },
	{ "z", OTHER, true },
	/* All lines in one, and lines that make no policy. */
	{ "1",
	    { "version: STSv1\r\nmode: enforce\r\nmx: a.example.com\r\n"
	      "mx: b.example.com\r\nmax_age: 2592000\r\n",
		"", "", "", "" },
	    false },
	{ "1",
	    { "version: STSv1\nmode: enforce\nmx: a.example.com\n"
	      "mx: b.example.com\nmax_age: 2591999",
		"", "", "", "" },
	    true },
	{ "1",
	    { "version: STSv1\nmode: enforce\nmx: a.example.com\n"
	      "max_age: 2592000",
		"", "", "", "" },
	    true },
	{ "1", { "", "", "", "", "" }, false },
	{ "1", { "mode: testing", "", "", "", "" }, false },
};

static void
check_reported(struct scene *s, const struct reported *row)
{
	struct findings findings = { .count = 0 };

	(void)strcpy(s->d.sts.record.id, row->id);
	ck_status(row->id, judgereported(&s->d, row->lines, 5, SEEN, &findings),
	    ST_OK);
	ck_assert_msg(findings.count == (row->is_warned ? 1 : 0),
	    "row %td: id %s: %zu", row - reported, row->id, findings.count);
	if (row->is_warned) {
		ck_assert_int_eq(
		    (int)findings.finding[0].kind, FINDING_WARNING);
		ck_string("reason", findings.finding[0].reason,
		    "policy-id-unchanged");
		ck_assert_ptr_nonnull(
		    strstr(findings.finding[0].detail, row->id));
	}
	findings_clear(&findings);
}

START_TEST(the_policy_of_a_report)
{
	struct scene *s = malloc(sizeof *s);

	ck_assert_ptr_nonnull(s);
	scene_make(s);
	scene_sts(s);
	for (size_t i = 0; i < ARRAY_LEN(reported); i++)
		check_reported(s, &reported[i]);
	/* It adds to what is there, and needs a policy to compare with. */
	s->d.sts.has_policy = false;
	ck_status("none",
	    judgereported(&s->d, reported[1].lines, 5, SEEN,
		&(struct findings){ .count = 0 }),
	    ST_OK);
	ck_status("no lines",
	    judgereported(
		&s->d, NULL, 0, SEEN, &(struct findings){ .count = 0 }),
	    ST_OK);
	free(s);
}
END_TEST

Suite *
judgests_suite(void)
{
	Suite *suite = suite_create("judgests");
	TCase *tc = tcase_create("judgests");

	tcase_add_test(tc, facts_in_findings_out);
	tcase_add_test(tc, all_result_types_are_in_the_table);
	tcase_add_test(tc, details_are_cut);
	tcase_add_test(tc, the_policy_of_a_report);
	suite_add_tcase(suite, tc);
	return suite;
}
