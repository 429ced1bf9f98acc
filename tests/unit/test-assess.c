#include <check.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "assess.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

static const struct {
	uint64_t successful, failed;
	double rate;
	enum severity severity; /* with 1 %, 5 % and 10 sessions */
} rows[] = {
	{ 0, 0, 0, SEV_INFO },
	{ 1000, 0, 0, SEV_INFO },
	/* The three practical cases of the guides. */
	{ 1842, 3, 0.162602, SEV_NOTICE },
	{ 890, 47, 5.016009, SEV_ERR },
	{ 0, 156, 100, SEV_ERR },
	/* The thresholds, at N and next to it. */
	{ 9901, 99, 0.99, SEV_NOTICE },
	{ 99, 1, 1, SEV_WARNING },
	{ 9899, 101, 1.01, SEV_WARNING },
	{ 95, 5, 5, SEV_WARNING },
	{ 9499, 501, 5.01, SEV_ERR },
	/* Sessions: nine are too few to judge by. */
	{ 0, 9, 100, SEV_WARNING },
	{ 0, 10, 100, SEV_ERR },
	{ 8, 1, 11.111111, SEV_WARNING },
	{ 9, 1, 10, SEV_ERR },
	{ 0, 1, 100, SEV_WARNING },
	{ UINT64_MAX, UINT64_MAX, 50, SEV_ERR },
	{ 0, UINT64_MAX, 100, SEV_ERR },
};

START_TEST(rates_and_severities)
{
	struct totals totals = { rows[_i].successful, rows[_i].failed };
	struct conf *conf = conf_new();

	ck_assert_msg(fabs(totals_rate(&totals) - rows[_i].rate) < 0.00001,
	    "%f", totals_rate(&totals));
	ck_assert_str_eq(severity_str(totals_severity(&totals, conf)),
	    severity_str(rows[_i].severity));
	conf_unref(&conf);
}
END_TEST

START_TEST(thresholds_are_configured)
{
	struct conf *conf = unit_conf(
	    "Mailbox a@b\nNoticeRate 0\nWarningRate 100%\nMinSessions 0\n");
	struct totals one = { 999999, 1 }, all = { 0, 1 };

	ck_assert_int_eq(totals_severity(&one, conf), SEV_WARNING);
	ck_assert_int_eq(totals_severity(&all, conf), SEV_WARNING);
	conf_unref(&conf);
	conf = unit_conf(
	    "Mailbox a@b\nNoticeRate 0%\nWarningRate 0%\nMinSessions 0\n");
	ck_assert_int_eq(totals_severity(&one, conf), SEV_ERR);
	conf_unref(&conf);
}
END_TEST

START_TEST(severities_have_names)
{
	ck_assert_str_eq(severity_str(SEV_ERR), "err");
	ck_assert_str_eq(severity_str(SEV_WARNING), "warning");
	ck_assert_str_eq(severity_str(SEV_NOTICE), "notice");
	ck_assert_str_eq(severity_str(SEV_INFO), "info");
}
END_TEST

#define POLICY(type, domain, ok, bad, failures)                                \
	"{\"policy\":{\"policy-type\":\"" type                                 \
	"\",\"policy-domain\":\"" domain                                       \
	"\"},\"summary\":{\"total-successful-session-count\":" ok              \
	",\"total-failure-session-count\":" bad                                \
	"},\"failure-details\":[" failures "]}"
#define FAILURE(mx, count)                                                     \
	"{\"result-type\":\"certificate-expired\",\"receiving-mx-hostname\":"  \
	"\"" mx "\",\"failed-session-count\":" count "}"
#define REPORT(policies)                                                       \
	"{\"organization-name\":\"o\",\"report-id\":\"i\",\"date-range\":{"    \
	"\"start-datetime\":\"2024-01-01T00:00:00Z\",\"end-datetime\":"        \
	"\"2024-01-01T23:59:59Z\"},\"policies\":[" policies "]}"

static const struct {
	const char *name;
	const char *text;
	struct assessment want;
	deviations dev;
} reports[] = {
	{ "one policy",
	    REPORT(POLICY("sts", "a.example", "890", "47",
		FAILURE("mx.a.example", "47"))),
	    { { 890, 47 }, SEV_ERR, 1, 1, 47, "a.example", 937, false }, 0 },
	{ "the same sessions twice, judged for each policy",
	    REPORT(POLICY("sts", "a.example", "990", "10", "") "," POLICY(
		"tlsa", "mx.a.example", "1000", "0", "")),
	    { { 1990, 10 }, SEV_WARNING, 2, 0, 0, "a.example", 1000, false },
	    0 },
	{ "the worst of the policies",
	    REPORT(POLICY("sts", "a.example", "10000", "0", "") "," POLICY(
		"sts", "b.a.example", "0", "20", "")),
	    { { 10000, 20 }, SEV_ERR, 2, 0, 0, "a.example", 10000, false }, 0 },
	{ "details may exceed the total",
	    REPORT(POLICY("sts", "a.example", "1000", "1",
		FAILURE("mx.a.example", "1") "," FAILURE("mx.a.example", "1"))),
	    { { 1000, 1 }, SEV_NOTICE, 1, 2, 2, "a.example", 1001, false }, 0 },
	{ "details and no failure",
	    REPORT(POLICY(
		"sts", "a.example", "1000", "0", FAILURE("mx.a.example", "3"))),
	    { { 1000, 0 }, SEV_NOTICE, 1, 1, 3, "a.example", 1000, false },
	    DEV(DEV_COUNT_MISMATCH) },
	{ "failed count unknown",
	    REPORT(POLICY("sts", "a.example", "10", "-1",
		FAILURE("mx.a.example", "30") "," FAILURE(
		    "mx.a.example", "10"))),
	    { { 10, 40 }, SEV_ERR, 1, 2, 40, "a.example", 50, false },
	    DEV(DEV_COUNT_INVALID) },
	{ "foreign policy domain",
	    REPORT(POLICY("sts", "b.example", "1", "0", "")),
	    { { 1, 0 }, SEV_INFO, 1, 0, 0, "b.example", 1, false },
	    DEV(DEV_FOREIGN_DOMAIN) },
	{ "an MX elsewhere is no foreign domain",
	    REPORT(POLICY("sts", "a.example", "10000", "1",
		FAILURE("mx.b.example", "1"))),
	    { { 10000, 1 }, SEV_NOTICE, 1, 1, 1, "a.example", 10001, false },
	    0 },
	{ "loop noise", REPORT(POLICY("sts", "b.a.example", "1", "1", "")),
	    { { 1, 1 }, SEV_WARNING, 1, 0, 0, "b.a.example", 2, true }, 0 },
	{ "no failure is no noise",
	    REPORT(POLICY("sts", "b.a.example", "2", "0", "")),
	    { { 2, 0 }, SEV_INFO, 1, 0, 0, "b.a.example", 2, false }, 0 },
	{ "huge counts",
	    REPORT(POLICY("sts", "a.example", "9007199254740991",
		"9007199254740991", "")),
	    { { 9007199254740991, 9007199254740991 }, SEV_ERR, 1, 0, 0,
		"a.example", 18014398509481982, false },
	    0 },
};

START_TEST(reports_are_assessed)
{
	struct conf *conf =
	    unit_conf("Mailbox a@b\nDomain A.example.\nDomain mx.a.example\n"
		      "Domain b.a.example\n");
	const struct assessment *want = &reports[_i].want;
	struct assessment got;
	struct report r;

	ck_status("read",
	    report_read(
		&r, reports[_i].text, strlen(reports[_i].text), 0, NULL),
	    ST_OK);
	ck_status("assess", assess_report(&r, conf, &got), ST_OK);
	ck_assert_uint_eq(got.totals.successful, want->totals.successful);
	ck_assert_uint_eq(got.totals.failed, want->totals.failed);
	ck_string(reports[_i].name, severity_str(got.severity),
	    severity_str(want->severity));
	ck_assert_uint_eq(got.policies, want->policies);
	ck_assert_uint_eq(got.failures, want->failures);
	ck_assert_uint_eq(got.failure_sessions, want->failure_sessions);
	ck_string(reports[_i].name, got.policy_domain, want->policy_domain);
	ck_assert_uint_eq(got.largest, want->largest);
	ck_assert_int_eq(got.is_loop_noise, want->is_loop_noise);
	ck_deviations(reports[_i].name, r.dev, reports[_i].dev);
	conf_unref(&conf);
}
END_TEST

START_TEST(many_huge_counts_do_not_wrap)
{
	struct conf *conf = conf_new();
	struct assessment got;
	struct report r;
	struct buf text;

	buf_init(&text, 1 << 22);
	(void)buf_adds(&text, "{\"policies\":[");
	for (int i = 0; i < 2100; i++) {
		(void)buf_adds(&text, i > 0 ? "," : "");
		(void)buf_adds(&text,
		    POLICY("sts", "a", "9007199254740991", "9007199254740991",
			FAILURE("m", "9007199254740991")));
	}
	(void)buf_adds(&text, "]}");
	ck_status("read", report_read(&r, text.data, text.len, 0, NULL), ST_OK);
	ck_status("assess", assess_report(&r, conf, &got), ST_OK);
	ck_assert_uint_eq(got.totals.successful, UINT64_MAX);
	ck_assert_uint_eq(got.totals.failed, UINT64_MAX);
	ck_assert_uint_eq(got.failure_sessions, UINT64_MAX);
	buf_free(&text);
	conf_unref(&conf);
}
END_TEST

START_TEST(without_memory)
{
	static const char text[] =
	    "{\"policies\":[{\"policy\":{\"mx-host\":[\"a\"]}}]}";
	struct conf *conf = conf_new();
	struct assessment got;
	struct report r;
	enum status st;

	ck_status("read", report_read(&r, BYTES(text), 0, NULL), ST_OK);
	inject_arm(INJECT_MEMORY, 1);
	st = assess_report(&r, conf, &got);
	ck_assert(inject_disarm());
	ck_status("assess", st, ST_NO_MEMORY);
	ck_assert_uint_eq(inject_leaks(), 0);
	conf_unref(&conf);
}
END_TEST

Suite *
assess_suite(void)
{
	Suite *suite = suite_create("assess");
	TCase *tc = tcase_create("assess");

	tcase_add_loop_test(tc, rates_and_severities, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, thresholds_are_configured);
	tcase_add_test(tc, severities_have_names);
	tcase_add_loop_test(
	    tc, reports_are_assessed, 0, (int)ARRAY_LEN(reports));
	tcase_add_test(tc, many_huge_counts_do_not_wrap);
	tcase_add_test(tc, without_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
