#include "remark.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "suites.h"
#include "unit.h"

START_TEST(what_was_added_is_there)
{
	static struct remarks remarks;
	const struct remark *remark = remarks.remark;

	remark_add(
	    &remarks, REMARK_ERROR, 0, "write it so", "%s at %d", "odd", 7);
	remark_add(&remarks, REMARK_WARNING, 12, NULL, "hm");
	remark_add(&remarks, REMARK_NOTE, REMARK_NOWHERE, "", "by the way");
	ck_assert_uint_eq(remarks.count, 3);
	ck_assert_uint_eq(remarks.errors, 1);
	ck_assert_uint_eq(remarks.warnings, 1);
	ck_assert_uint_eq(remarks.dropped, 0);
	ck_assert_int_eq((int)remark[0].kind, REMARK_ERROR);
	ck_assert(remark[0].has_offset);
	ck_assert_uint_eq(remark[0].offset, 0);
	ck_string("text", remark[0].text, "odd at 7");
	ck_string("mend", remark[0].mend, "write it so");
	ck_assert_int_eq((int)remark[1].kind, REMARK_WARNING);
	ck_assert_uint_eq(remark[1].offset, 12);
	ck_string("no mend", remark[1].mend, "");
	ck_assert_int_eq((int)remark[2].kind, REMARK_NOTE);
	ck_assert(!remark[2].has_offset);
	ck_string("text", remark[2].text, "by the way");
}
END_TEST

START_TEST(nobody_may_listen)
{
	remark_add(NULL, REMARK_ERROR, 0, "mend", "%s", "text");
}
END_TEST

START_TEST(further_ones_are_counted)
{
	static struct remarks remarks;

	for (size_t i = 0; i < REMARKS_MAX; i++)
		remark_add(&remarks, REMARK_NOTE, i, NULL, "n%zu", i);
	ck_assert_uint_eq(remarks.count, REMARKS_MAX);
	ck_assert_uint_eq(remarks.dropped, 0);
	remark_add(&remarks, REMARK_ERROR, 0, NULL, "one more");
	remark_add(&remarks, REMARK_WARNING, 0, NULL, "and another");
	remark_add(&remarks, REMARK_NOTE, 0, NULL, "the last");
	ck_assert_uint_eq(remarks.count, REMARKS_MAX);
	ck_assert_uint_eq(remarks.dropped, 3);
	ck_assert_uint_eq(remarks.errors, 1);
	ck_assert_uint_eq(remarks.warnings, 1);
	ck_string("first", remarks.remark[0].text, "n0");
	ck_string("last", remarks.remark[REMARKS_MAX - 1].text, "n31");
}
END_TEST

/* Texts of n bytes "x" and then a character of two. */
START_TEST(long_texts_are_cut_at_a_character)
{
	static const struct {
		size_t xs;
		size_t want; /* bytes that are left */
	} rows[] = {
		{ REMARK_TEXT_MAX - 3, REMARK_TEXT_MAX - 1 },
		{ REMARK_TEXT_MAX - 2, REMARK_TEXT_MAX - 2 },
		{ REMARK_TEXT_MAX - 1, REMARK_TEXT_MAX - 1 },
		{ 2 * REMARK_TEXT_MAX - 2, REMARK_TEXT_MAX - 1 },
		{ 5000, REMARK_TEXT_MAX - 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct remarks remarks = { .count = 0 };
		char text[5100];

		memset(text, 'x', rows[i].xs);
		(void)strcpy(text + rows[i].xs, "\303\274");
		remark_add(&remarks, REMARK_NOTE, 0, text, "%s", text);
		ck_assert_uint_eq(strlen(remarks.remark[0].text), rows[i].want);
		ck_assert_uint_eq(strlen(remarks.remark[0].mend), rows[i].want);
		ck_assert_int_eq(
		    strncmp(remarks.remark[0].text, text, rows[i].want), 0);
	}
}
END_TEST

START_TEST(kinds_have_names)
{
	ck_string("error", remark_kind_str(REMARK_ERROR), "error");
	ck_string("warning", remark_kind_str(REMARK_WARNING), "warning");
	ck_string("note", remark_kind_str(REMARK_NOTE), "note");
}
END_TEST

Suite *
remark_suite(void)
{
	Suite *suite = suite_create("remark");
	TCase *tc = tcase_create("remark");

	tcase_add_test(tc, what_was_added_is_there);
	tcase_add_test(tc, nobody_may_listen);
	tcase_add_test(tc, further_ones_are_counted);
	tcase_add_test(tc, long_texts_are_cut_at_a_character);
	tcase_add_test(tc, kinds_have_names);
	suite_add_tcase(suite, tc);
	return suite;
}
