#include <check.h>
#include <string.h>

#include "recordreading.h"
#include "suites.h"
#include "unit.h"

#define SHA256                                                                 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WHOLE "\"received\":\"2026-02-13T00:00:01Z\",\"sha256\":\"" SHA256 "\","

static enum status
take(const char *text, struct recordreading *reading, struct buf *buf)
{
	struct fault fault;

	buf_init(buf, 1 << 20);
	ck_status("buf", buf_adds(buf, text), ST_OK);
	return recordreading_take(reading, buf, &fault);
}

START_TEST(what_the_index_needs_is_taken)
{
	struct recordreading reading;
	struct buf text;

	ck_status("record",
	    take("{" WHOLE "\"queue-id\":\"4XyZ\",\"submitter\":\"a.example\","
		 "\"auth\":\"path\",\"dkim\":{\"result\":\"pass\","
		 "\"domain\":\"b.example\",\"selector\":\"s\"},"
		 "\"report\":{\"a\":1}}",
		&reading, &text),
	    ST_OK);
	ck_assert_int_eq(reading.received, 1770940801);
	ck_string("sha256", reading.sha256, SHA256);
	ck_string("submitter", reading.submitter, "a.example");
	ck_assert(reading.has_auth);
	ck_string("auth", reading.auth, "path");
	ck_assert_int_eq(reading.verdict.result, VERDICT_PASS);
	ck_string("domain", reading.verdict.domain, "b.example");
	ck_bytes("report", reading.report.text, reading.report.len, "{\"a\":1}",
	    (size_t)7);
	buf_free(&text);
}
END_TEST

START_TEST(what_is_lacking_vouches_for_nothing)
{
	static const char *const texts[] = {
		"{" WHOLE "\"report\":{}}",
		"{\"report\":{}," WHOLE "\"submitter\":null,\"auth\":1,"
		"\"dkim\":\"pass\"}",
		"{" WHOLE "\"report\":[],\"report\":{},\"dkim\":{}}",
		"{" WHOLE "\"report\":{},\"submitter\":[\"a.example\"],"
		"\"dkim\":{\"result\":[\"pass\"],\"domain\":{}}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct recordreading reading;
		struct buf text;

		ck_status(texts[i], take(texts[i], &reading, &text), ST_OK);
		ck_string(texts[i], reading.submitter, "");
		ck_string(texts[i], reading.auth, "");
		ck_assert(!reading.has_auth);
		ck_assert_int_ne(reading.verdict.result, VERDICT_PASS);
		ck_string(texts[i], reading.verdict.domain, "");
		buf_free(&text);
	}
}
END_TEST

START_TEST(what_is_no_record_is_told)
{
	static const char *const texts[] = {
		"{}",
		"{\"report\":{}}",
		"{" WHOLE "\"report\":[]}",
		"{" WHOLE "\"report\":\"{}\"}",
		"{\"received\":\"2026-02-13T00:00:01Z\",\"report\":{}}",
		"{\"sha256\":\"" SHA256 "\",\"report\":{}}",
		/* A digit too few, and one too many. */
		"{\"received\":\"2026-02-13T00:00:01Z\",\"sha256\":\"0"
		"23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"\",\"report\":{}}",
		"{\"received\":\"2026-02-13T00:00:01Z\",\"sha256\":\"0" SHA256
		"\",\"report\":{}}",
		/* The last of several is meant. */
		"{" WHOLE "\"received\":\"yesterday\",\"report\":{}}",
		"{" WHOLE "\"sha256\":7,\"report\":{}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct recordreading reading;
		struct buf text;

		ck_status(
		    texts[i], take(texts[i], &reading, &text), ST_NOT_A_REPORT);
		buf_free(&text);
	}
}
END_TEST

Suite *
recordreading_suite(void)
{
	Suite *suite = suite_create("recordreading");
	TCase *tc = tcase_create("recordreading");

	tcase_add_test(tc, what_the_index_needs_is_taken);
	tcase_add_test(tc, what_is_lacking_vouches_for_nothing);
	tcase_add_test(tc, what_is_no_record_is_told);
	suite_add_tcase(suite, tc);
	return suite;
}
