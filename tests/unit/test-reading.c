#include <check.h>
#include <string.h>

#include "inject.h"
#include "reading.h"
#include "suites.h"
#include "unit.h"

static char dir[512];

static void
setup(void)
{
	unit_directory(dir, sizeof dir);
}

#define REPORT                                                                 \
	"{\"organization-name\":\"O\",\"report-id\":\"i\",\"policies\":[{"     \
	"\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"d.example\"}" \
	",\"summary\":{\"total-successful-session-count\":890,"                \
	"\"total-failure-session-count\":47}}]}"

static struct extract *
extract_of(const char *type, const char *encoding, const char *body)
{
	struct extract_limits limits = {
		.message_max = 1 << 20,
		.mime = { MIME_DEPTH_MAX, MIME_PARTS_MAX },
		.spool_dir = dir,
	};
	struct extract *ex = extract_new(&limits);

	if (ex == NULL)
		return NULL;
	extract_field(ex, "Content-Type", type);
	extract_field(ex, "Content-Transfer-Encoding", encoding);
	extract_body(ex, body, strlen(body));
	(void)extract_finish(ex, NULL);
	return ex;
}

#define TLSRPT "application/tlsrpt+json"

static const struct {
	const char *name;
	const char *type, *encoding, *body;
	enum status want;
} rows[] = {
	{ "a report", TLSRPT, "8bit", REPORT, ST_OK },
	{ "a report by its bytes alone", "text/plain", "8bit", REPORT, ST_OK },
	{ "claimed, no JSON", TLSRPT, "8bit", "hello", ST_JSON_SYNTAX },
	{ "claimed, empty", TLSRPT, "8bit", " ", ST_EMPTY },
	{ "claimed, no policies", TLSRPT, "8bit", "{}", ST_NO_POLICIES },
	{ "not claimed, no policies", "text/plain", "8bit", "{\"a\":1}",
	    ST_NOT_A_REPORT },
	{ "not claimed, no JSON", "text/plain", "8bit", "{braces}",
	    ST_NOT_A_REPORT },
	{ "not claimed, broken gzip", "application/gzip", "8bit", "x",
	    ST_NOT_A_REPORT },
	{ "claimed, garbage in base64", TLSRPT, "base64", "eyJ!!4",
	    ST_BASE64_CORRUPT },
	{ "claimed, no UTF-8", TLSRPT, "8bit", "{\"a\":\"\xff\"}",
	    ST_JSON_ENCODING },
};

START_TEST(candidates_are_judged)
{
	struct conf *conf = unit_conf("Mailbox a@b.example\nDomain d.example");
	struct extract *ex =
	    extract_of(rows[_i].type, rows[_i].encoding, rows[_i].body);
	struct reading reading;
	struct fault fault = { 0 };

	ck_assert_uint_eq(extract_count(ex), 1);
	reading_init(&reading, conf);
	/* It can be used again after any outcome. */
	for (int i = 0; i < 3; i++) {
		ck_status(rows[_i].name,
		    reading_candidate(&reading, ex, 0, conf, &fault),
		    rows[_i].want);
		if (rows[_i].want == ST_OK) {
			ck_assert_uint_eq(
			    reading.assessment.totals.successful, 890);
			ck_assert_int_eq(reading.assessment.severity, SEV_ERR);
			ck_assert_str_eq(reading.text.data, REPORT);
			ck_string(
			    "name", reading.report.organization_name, "O");
		} else {
			ck_status("fault", fault.status, rows[_i].want);
			ck_assert_str_ne(fault.detail, "");
		}
	}
	reading_clear(&reading);
	reading_clear(&reading);
	extract_free(&ex);
	conf_unref(&conf);
}
END_TEST

START_TEST(reports_have_their_limit)
{
	struct conf *conf = unit_conf("Mailbox a@b\nMaxReportSize 1K");
	struct buf body;

	for (size_t len = 1024; len <= 1025; len++) {
		struct fault fault = { 0 };
		struct reading reading;
		struct extract *ex;

		buf_init(&body, 2000);
		(void)buf_adds(&body, REPORT);
		unit_repeat(&body, " ", len - body.len);
		ex = extract_of(TLSRPT, "8bit", body.data);
		reading_init(&reading, conf);
		ck_status("limit",
		    reading_candidate(&reading, ex, 0, conf, &fault),
		    len > 1024 ? ST_TOO_LARGE : ST_OK);
		if (len > 1024)
			ck_status("fault", fault.status, ST_TOO_LARGE);
		reading_clear(&reading);
		extract_free(&ex);
		buf_free(&body);
	}
	conf_unref(&conf);
}
END_TEST

START_TEST(the_submitter_has_a_name)
{
	static const struct {
		const char *submitter, *from, *envelope, *want;
	} names[] = {
		{ "s.example", "f.example", "x@e.example", "s.example" },
		{ "", "f.example", "x@e.example", "f.example" },
		{ "", "", "x@e.example", "e.example" },
		{ "", "", "\"a@b\"@e.example", "e.example" },
		{ "", "", "x", NULL },
		{ "", "", "x@", NULL },
		{ "", "", "", NULL },
		{ "", "", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		static struct extract_meta meta;

		(void)strcpy(meta.submitter, names[i].submitter);
		(void)strcpy(meta.from_domain, names[i].from);
		ck_string("submitter",
		    reading_submitter(&meta, names[i].envelope), names[i].want);
	}
}
END_TEST

START_TEST(every_call_may_fail)
{
	struct conf *conf = conf_new();
	struct extract *ex = extract_of(TLSRPT, "8bit",
	    "{\"report-id\":\"\\u00e9\",\"policies\":[{\"policy\":{"
	    "\"mx-host\":[\"a\"],\"policy-type\":\"\\u0041\"}}]}");
	unsigned n;

	for (n = 1;; n++) {
		struct fault fault = { 0 };
		struct reading reading;
		enum status st;

		reading_init(&reading, conf);
		inject_arm(INJECT_MEMORY, n);
		st = reading_candidate(&reading, ex, 0, conf, &fault);
		reading_clear(&reading);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_status("one", st, ST_NO_MEMORY);
		ck_status("fault", fault.status, ST_NO_MEMORY);
		ck_assert_uint_eq(inject_leaks(), 0);
	}
	ck_assert_uint_gt(n, 3);
	extract_free(&ex);
	conf_unref(&conf);
}
END_TEST

Suite *
reading_suite(void)
{
	Suite *suite = suite_create("reading");
	TCase *tc = tcase_create("reading");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, candidates_are_judged, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, reports_have_their_limit);
	tcase_add_test(tc, the_submitter_has_a_name);
	tcase_add_test(tc, every_call_may_fail);
	suite_add_tcase(suite, tc);
	return suite;
}
