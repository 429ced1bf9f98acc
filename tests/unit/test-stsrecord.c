#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "remarking.h"
#include "stsrecord.h"
#include "suites.h"
#include "unit.h"

#define DIGITS_32 "01234567890123456789012345678901"

static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *id;      /* NULL when it is not valid */
	const char *remarks; /* in short */
	const char *words;   /* in one of them, or NULL */
} rows[] = {
	{ "plain", BYTES("v=STSv1; id=20260211T120000;"), "20260211T120000", "",
	    NULL },
	{ "no white space", BYTES("v=STSv1;id=1"), "1", "", NULL },
	{ "white space around delimiters",
	    BYTES("v=STSv1; \t id=aB9 \t ; ext=1\t; \t"), "aB9", "N22", "ext" },
	{ "id of 32", BYTES("v=STSv1; id=" DIGITS_32), DIGITS_32, "", NULL },
	{ "id last", BYTES("v=STSv1; a.b-c_d=x:y; id=7"), "7", "N9", NULL },
	{ "name of 32", BYTES("v=STSv1; id=1; " DIGITS_32 "=x"), "1", "N15",
	    NULL },
	{ "every byte of a value",
	    BYTES("v=STSv1;id=1;x=!\"#$%&'()*+,-./09:<>?@AZ[\\]^_`az{|}~"), "1",
	    "N13", NULL },
	{ "two ids", BYTES("v=STSv1; id=1; id=2"), "1", "W15", "second id" },
	{ "a second id is not looked at", BYTES("v=STSv1; id=1; id=-"), "1",
	    "W15", NULL },
	{ "a second id of bad bytes", BYTES("v=STSv1; id=1; id=\xff"), NULL,
	    "E18", NULL },
	{ "ID, too", BYTES("v=STSv1; id=1; ID=2"), "1", "W15", NULL },
	{ "fields of the policy", BYTES("v=STSv1; id=1; mode=none; MX=a"), "1",
	    "W15 W26", "policy file" },
	{ "rua", BYTES("v=STSv1; id=1; rua=mailto:a@b.example"), "1", "W15",
	    "_smtp._tls" },
	{ "empty", BYTES(""), NULL, "E0 E0", "no version" },
	{ "blank", BYTES("  "), NULL, "E0 E1 E2 E2", NULL },
	{ "version alone", BYTES("v=STSv1"), NULL, "E7 E7", NULL },
	{ "version and delimiter", BYTES("v=STSv1;"), NULL, "E8", "no id" },
	{ "version 0", BYTES("v=STSv0; id=1"), NULL, "E0", NULL },
	{ "version 10", BYTES("v=STSv10; id=1"), NULL, "E0", "v=STSv10" },
	{ "version 2", BYTES("v=STSv2;id=1"), NULL, "E0", NULL },
	{ "the version of the other", BYTES("v=TLSRPTv1; id=1"), NULL, "E0",
	    "v=TLSRPTv1" },
	{ "upper case V", BYTES("V=STSv1; id=1"), NULL, "E0", "wrong case" },
	{ "lower case version", BYTES("v=stsv1; id=1"), NULL, "E0",
	    "wrong case" },
	{ "white space in the version", BYTES("v = STSv1; id=1"), NULL, "E0",
	    NULL },
	{ "white space before", BYTES(" v=STSv1; id=1"), NULL, "E0",
	    "a space" },
	{ "white space behind the version", BYTES("v=STSv1 ;id=1"), NULL, "E7",
	    "leave out" },
	{ "no version", BYTES("id=1; x=2"), NULL, "E0 N6", "no version" },
	{ "version last", BYTES("id=20261004; v=STSv1;"), NULL, "E0 N13",
	    NULL },
	{ "no delimiter", BYTES("v=STSv1 id=1"), NULL, "E7", "\";\"" },
	{ "a comma", BYTES("v=STSv1, id=1"), NULL, "E7", "\";\"" },
	{ "no id", BYTES("v=STSv1; ext=1"), NULL, "N9 E14", "no id" },
	{ "an empty id", BYTES("v=STSv1; id="), NULL, "E12", "empty" },
	{ "an empty id first", BYTES("v=STSv1; id=; x=1"), NULL, "E12 N14",
	    NULL },
	{ "id of 33", BYTES("v=STSv1; id=" DIGITS_32 "2"), NULL, "E44",
	    "33 bytes" },
	{ "dashes", BYTES("v=STSv1; id=2026-02-11"), NULL, "E16", "digits" },
	{ "id with a space", BYTES("v=STSv1; id=2026 0211"), NULL, "E16",
	    NULL },
	{ "id not in ASCII", BYTES("v=STSv1; id=\xc3\xa9"), NULL, "E12", NULL },
	{ "id with a NUL", BYTES("v=STSv1; id=1\0002"), NULL, "E13", NULL },
	{ "ID", BYTES("v=STSv1; ID=1"), NULL, "E9", "case-sensitive" },
	{ "a field without \"=\"", BYTES("v=STSv1; id=1; x"), NULL, "E15",
	    "\"=\"" },
	{ "nothing but \"=\"", BYTES("v=STSv1; id=1; =x"), NULL, "E15",
	    "no name" },
	{ "white space around \"=\"", BYTES("v=STSv1; id = 1"), NULL, "E11 E13",
	    NULL },
	{ "an empty value", BYTES("v=STSv1; id=1; x="), NULL, "E17", "empty" },
	{ "name of 33", BYTES("v=STSv1; id=1; " DIGITS_32 "2=x"), NULL, "E15",
	    "no name" },
	{ "a name of other bytes", BYTES("v=STSv1; id=1; 1%=a"), NULL, "E15",
	    NULL },
	{ "an underscore first", BYTES("v=STSv1; id=1; _a=a"), NULL, "E15",
	    NULL },
	{ "\"=\" in a value", BYTES("v=STSv1; id=1; x=="), NULL, "E17", NULL },
	{ "a space in a value", BYTES("v=STSv1; id=1; x=a b"), NULL, "E18",
	    "missing" },
	{ "a control in a value", BYTES("v=STSv1; id=1; x=\x01"), NULL, "E17",
	    NULL },
	{ "two delimiters", BYTES("v=STSv1; id=1;;"), NULL, "E14", NULL },
	{ "delimiter twice first", BYTES("v=STSv1;;id=1"), NULL, "E8", NULL },
	{ "quotes", BYTES("\"v=STSv1; id=1\""), NULL, "E0 E14", "zone file" },
	{ "curly quotes", BYTES("\xe2\x80\x9cv=STSv1; id=1\xe2\x80\x9d"), NULL,
	    "E0 E16", "curly" },
	{ "low quotes and a quote left", BYTES("\xe2\x80\x9ev=STSv1; id=1"),
	    NULL, "E0", NULL },
	{ "a byte order mark", BYTES("\xef\xbb\xbfv=STSv1; id=1"), NULL, "E0",
	    "byte order mark" },
	{ "a line break", BYTES("v=STSv1; id=1;\r\n"), NULL, "E15 E14", NULL },
	{ "several at once", BYTES("V=STSv1 id=1-; x;;y="), NULL,
	    "E0 E7 E12 E15 E17 E20", NULL },
};

START_TEST(records)
{
	struct remarks remarks = { 0 };
	struct stsrecord record = { .id = "untouched" };
	char *text = malloc(rows[_i].len + 1), got[REMARKING_MAX];
	bool is_valid;

	/* Of just its size, for a sanitizer to guard; and no NUL behind it. */
	ck_assert_ptr_nonnull(text);
	memcpy(text, rows[_i].text, rows[_i].len);
	text = realloc(text, rows[_i].len + (rows[_i].len == 0));
	is_valid = stsrecord_read(text, rows[_i].len, &record, &remarks);
	remarking_short(&remarks, got);
	ck_string(rows[_i].name, got, rows[_i].remarks);
	ck_assert_msg(is_valid == (rows[_i].id != NULL), "%s", rows[_i].name);
	ck_assert_msg(is_valid == (remarks.errors == 0), "%s", rows[_i].name);
	ck_string(
	    rows[_i].name, record.id, is_valid ? rows[_i].id : "untouched");
	if (rows[_i].words != NULL)
		ck_assert_msg(remarking_has(&remarks, rows[_i].words),
		    "%s: not \"%s\"", rows[_i].name, rows[_i].words);
	/* The verdict alone is the same. */
	ck_assert(
	    stsrecord_read(text, rows[_i].len, &record, NULL) == is_valid);
	free(text);
}
END_TEST

START_TEST(others_are_told)
{
	ck_assert(stsrecord_is_one(BYTES("v=STSv1;")));
	ck_assert(stsrecord_is_one(BYTES("v=STSv1;nonsense")));
	ck_assert(!stsrecord_is_one(BYTES("v=STSv1")));
	ck_assert(!stsrecord_is_one(BYTES("v=STSv1 ;id=1")));
	ck_assert(!stsrecord_is_one(BYTES("v=STSv10;id=1")));
	ck_assert(!stsrecord_is_one(BYTES("V=STSv1;id=1")));
	ck_assert(!stsrecord_is_one(BYTES(" v=STSv1;id=1")));
	ck_assert(!stsrecord_is_one(BYTES("")));
}
END_TEST

Suite *
stsrecord_suite(void)
{
	Suite *suite = suite_create("stsrecord");
	TCase *tc = tcase_create("stsrecord");

	tcase_add_loop_test(tc, records, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, others_are_told);
	suite_add_tcase(suite, tc);
	return suite;
}
