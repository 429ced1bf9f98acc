#include <check.h>
#include <stdint.h>
#include <string.h>

#include "status.h"
#include "suites.h"
#include "unit.h"

static const struct {
	enum status status;
	const char *word;
	bool is_malformed;
	bool is_failure;
} words[] = {
	{ ST_OK, "ok", false, false },
	{ ST_NOT_A_REPORT, "not-a-report", false, false },
	{ ST_GZIP_CORRUPT, "gzip-corrupt", true, false },
	{ ST_GZIP_TRUNCATED, "gzip-truncated", true, false },
	{ ST_ZIP_UNSUPPORTED, "zip-unsupported", true, false },
	{ ST_BASE64_CORRUPT, "base64-corrupt", true, false },
	{ ST_TOO_LARGE, "too-large", true, false },
	{ ST_TOO_MANY_PARTS, "too-many-parts", true, false },
	{ ST_TOO_DEEP, "too-deep", true, false },
	{ ST_JSON_SYNTAX, "json-syntax", true, false },
	{ ST_JSON_NOT_OBJECT, "json-not-object", true, false },
	{ ST_JSON_ENCODING, "json-encoding", true, false },
	{ ST_NO_POLICIES, "no-policies", true, false },
	{ ST_EMPTY, "empty", true, false },
	{ ST_NO_MEMORY, "no-memory", false, true },
	{ ST_NO_SPACE, "no-space", false, true },
	{ ST_ARCHIVE, "archive", false, true },
	{ ST_SPOOL, "spool", false, true },
	{ ST_LOG_STALLED, "log-stalled", false, true },
	{ ST_STATE, "state", false, true },
	{ ST_STATE_BUSY, "state-busy", false, true },
	{ ST_STATE_DAMAGED, "state-damaged", false, true },
	{ ST_STATE_VERSION, "state-version", false, true },
	{ ST_ALERT, "alert-failed", false, true },
	{ (enum status)(ST_ALERT + 1), "unknown", false, true },
};

START_TEST(status_words)
{
	enum status status = words[_i].status;

	ck_assert_str_eq(status_str(status), words[_i].word);
	ck_assert_int_eq(status_is_malformed(status), words[_i].is_malformed);
	ck_assert_int_eq(status_is_failure(status), words[_i].is_failure);
}
END_TEST

START_TEST(fault_is_filled_in)
{
	struct fault fault = { .has_offset = true, .offset = 7 };

	ck_status("set", fault_set(&fault, ST_EMPTY, "%d bytes", 0), ST_EMPTY);
	ck_assert_int_eq(fault.status, ST_EMPTY);
	ck_assert(!fault.has_offset);
	ck_assert_uint_eq(fault.offset, 0);
	ck_assert_str_eq(fault.detail, "0 bytes");
	ck_status("at",
	    fault_at(&fault, ST_JSON_SYNTAX, UINT64_MAX, "%s", "comma"),
	    ST_JSON_SYNTAX);
	ck_assert_int_eq(fault.status, ST_JSON_SYNTAX);
	ck_assert(fault.has_offset);
	ck_assert_uint_eq(fault.offset, UINT64_MAX);
	ck_assert_str_eq(fault.detail, "comma");
}
END_TEST

START_TEST(fault_may_be_null)
{
	ck_status("set", fault_set(NULL, ST_SPOOL, "x"), ST_SPOOL);
	ck_status("at", fault_at(NULL, ST_SPOOL, 1, "x"), ST_SPOOL);
}
END_TEST

START_TEST(fault_detail_is_cut)
{
	char text[FAULT_DETAIL_MAX + 1];
	struct fault fault;

	memset(text, 'x', sizeof text);
	text[FAULT_DETAIL_MAX - 1] = '\0';
	(void)fault_set(&fault, ST_ARCHIVE, "%s", text);
	ck_assert_str_eq(fault.detail, text);
	text[FAULT_DETAIL_MAX - 1] = 'x';
	text[FAULT_DETAIL_MAX] = '\0';
	(void)fault_set(&fault, ST_ARCHIVE, "%s", text);
	ck_assert_uint_eq(strlen(fault.detail), FAULT_DETAIL_MAX - 1);
}
END_TEST

Suite *
status_suite(void)
{
	Suite *suite = suite_create("status");
	TCase *tc = tcase_create("status");

	tcase_add_loop_test(tc, status_words, 0, (int)ARRAY_LEN(words));
	tcase_add_test(tc, fault_is_filled_in);
	tcase_add_test(tc, fault_may_be_null);
	tcase_add_test(tc, fault_detail_is_cut);
	suite_add_tcase(suite, tc);
	return suite;
}
