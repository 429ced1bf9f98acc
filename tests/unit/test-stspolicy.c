#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "remarking.h"
#include "stspolicy.h"
#include "suites.h"
#include "unit.h"

#define VERSION_LINE "version: STSv1\n"             /* 15 bytes */
#define NONE         VERSION_LINE "mode: none\n"    /* 26 */
#define ENFORCE      VERSION_LINE "mode: enforce\n" /* 29 */
#define WEEK         "max_age: 604800\n"            /* 16 */

static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *want;    /* "mode max_age mx ..."; NULL: not valid */
	const char *remarks; /* in short */
	const char *words;   /* in one of them, or NULL */
} rows[] = {
	{ "of RFC 8461",
	    BYTES("version: STSv1\nmode: enforce\nmx: mail.example.com\n"
		  "mx: *.example.net\nmx: backupmx.example.com\n"
		  "max_age: 604800\n"),
	    "enforce 604800 mail.example.com *.example.net "
	    "backupmx.example.com",
	    "", NULL },
	{ "CRLF, white space, no end",
	    BYTES("version:STSv1\r\nmode:\ttesting \t\r\nmx:  \t *.A.example\n"
		  "max_age:86400"),
	    "testing 86400 *.a.example", "", NULL },
	{ "any order",
	    BYTES(WEEK "mx: a.example\nmode: enforce\n" VERSION_LINE),
	    "enforce 604800 a.example", "", NULL },
	{ "mode none", BYTES(NONE WEEK), "none 604800", "", NULL },
	{ "mode none for no time", BYTES(NONE "max_age: 0\n"), "none 0", "",
	    NULL },
	{ "mode none with mx", BYTES(NONE WEEK "mx: a.example\n"),
	    "none 604800 a.example", "N42", NULL },
	{ "the longest", BYTES(NONE "max_age: 31557600\n"), "none 31557600", "",
	    NULL },
	{ "ten digits", BYTES(NONE "max_age: 0000604800\n"), "none 604800", "",
	    NULL },
	{ "less than a day", BYTES(ENFORCE "mx: a.example\nmax_age: 86399\n"),
	    "enforce 86399 a.example", "W52", "a day" },
	{ "fields of others",
	    BYTES(NONE WEEK "more:ext e  ns ion\nu: \xc3\xa9\n"), "none 604800",
	    "N42 N61", NULL },
	{ "fields again",
	    BYTES(NONE WEEK "mode: enforce\nversion: x\nmax_age: x\n"),
	    "none 604800", "W42 W56 W67", "second time" },
	{ "mx again", BYTES(ENFORCE WEEK "mx: a.example\nmx: A.example\n"),
	    "enforce 604800 a.example", "N59", NULL },
	{ "an address", BYTES(ENFORCE WEEK "mx: 192.0.2.1\n"),
	    "enforce 604800 192.0.2.1", "W49", "address" },
	{ "one label", BYTES(ENFORCE WEEK "mx: localhost"),
	    "enforce 604800 localhost", "", NULL },
	{ "empty", BYTES(""), NULL, "E0 E0 E0", NULL },
	{ "no version", BYTES("mode: none\n" WEEK), NULL, "E27", "no version" },
	{ "no mode", BYTES(VERSION_LINE WEEK "mx: a.example\n"), NULL, "E45",
	    "no mode" },
	{ "no max_age", BYTES(NONE), NULL, "E26", "no max_age" },
	{ "no mx", BYTES(ENFORCE WEEK), NULL, "E45", "no mx" },
	{ "no mx in testing", BYTES(VERSION_LINE "mode: testing\n" WEEK), NULL,
	    "E45", "no mx" },
	{ "version 2", BYTES("version: STSv2\nmode: none\n" WEEK), NULL, "E9",
	    NULL },
	{ "version 10", BYTES("version: STSv10\nmode: none\n" WEEK), NULL, "E9",
	    NULL },
	{ "version in lower case", BYTES("version: stsv1\nmode: none\n" WEEK),
	    NULL, "E9", NULL },
	{ "the record", BYTES("v=STSv1; id=1\n" NONE WEEK), NULL, "E0",
	    "the DNS" },
	{ "a bad mode", BYTES(VERSION_LINE "mode: strict\n" WEEK), NULL, "E21",
	    "no mode" },
	{ "a mode in upper case", BYTES(VERSION_LINE "mode: NONE\n" WEEK), NULL,
	    "E21", "case" },
	{ "a name in upper case", BYTES(VERSION_LINE "Mode: none\n" WEEK), NULL,
	    "E15", "case-sensitive" },
	{ "max_age of eleven digits", BYTES(NONE "max_age: 00000604800\n"),
	    NULL, "E45", "10 digits" },
	{ "max_age too long", BYTES(NONE "max_age: 31557601\n"), NULL, "E35",
	    "year" },
	{ "max_age of letters", BYTES(NONE "max_age: 7d\n"), NULL, "E36",
	    "digits" },
	{ "max_age with a plus", BYTES(NONE "max_age: +5\n"), NULL, "E35",
	    NULL },
	{ "max_age with a fraction", BYTES(NONE "max_age: 5.0\n"), NULL, "E36",
	    NULL },
	{ "vertical tabs", BYTES("version: STSv1\vmode: none\vmax_age: 9"),
	    NULL, "E9 E36 E36", NULL },
	{ "dots and dashes", BYTES(ENFORCE WEEK "mx: ..--\n"), NULL, "E49",
	    NULL },
	{ "LF and CRLF", BYTES(VERSION_LINE "mode: none\r\n" WEEK),
	    "none 604800", "", NULL },
	{ "max_age below zero", BYTES(NONE "max_age: -1\n"), NULL, "E35",
	    NULL },
	{ "no value", BYTES(ENFORCE WEEK "mx:\n"), NULL, "E48 E49", NULL },
	{ "no value of another", BYTES(NONE WEEK "ext: \n"), NULL, "E46",
	    NULL },
	{ "two wildcards", BYTES(ENFORCE WEEK "mx: *.*.example\n"), NULL, "E51",
	    "label" },
	{ "a star alone", BYTES(ENFORCE WEEK "mx: *\n"), NULL, "E49", NULL },
	{ "a star and a dot", BYTES(ENFORCE WEEK "mx: *.\n"), NULL, "E49",
	    NULL },
	{ "half a wildcard", BYTES(ENFORCE WEEK "mx: a*.example\n"), NULL,
	    "E50", NULL },
	{ "an old draft", BYTES(ENFORCE WEEK "mx: .example\n"), NULL, "E49",
	    "*." },
	{ "a dot at the end", BYTES(ENFORCE WEEK "mx: a.example.\n"), NULL,
	    "E58", "dot" },
	{ "a dash at the end", BYTES(ENFORCE WEEK "mx: a.example-\n"), NULL,
	    "E51", NULL },
	{ "an underscore", BYTES(ENFORCE WEEK "mx: a_b.example\n"), NULL, "E50",
	    NULL },
	{ "two names", BYTES(ENFORCE WEEK "mx: a.example, b.example\n"), NULL,
	    "E58", "each" },
	{ "with a priority", BYTES(ENFORCE WEEK "mx: 10 b.example\n"), NULL,
	    "E51", NULL },
	{ "with a port", BYTES(ENFORCE WEEK "mx: b.example:25\n"), NULL, "E58",
	    "port" },
	{ "U-labels",
	    BYTES(ENFORCE WEEK "mx: *.b\xc3\xbc"
			       "cher.example\n"),
	    NULL, "E52", "mx: *.xn--bcher-kva.example" },
	{ "an empty line", BYTES(NONE "\n" WEEK), "none 604800", "W26",
	    "empty" },
	{ "an empty line at the end", BYTES(NONE WEEK "\r\n"), "none 604800",
	    "W42", "empty" },
	{ "a blank line", BYTES(NONE " \n" WEEK), "none 604800", "W26",
	    "empty" },
	{ "an indented line", BYTES(VERSION_LINE " mode: none\n" WEEK), NULL,
	    "E15", "white space" },
	{ "white space before a colon",
	    BYTES(VERSION_LINE "mode : none\n" WEEK), NULL, "E19",
	    "white space" },
	{ "an equals sign", BYTES(VERSION_LINE "mode=none\n" WEEK), NULL,
	    "E15 E41", "\"=\"" },
	{ "a comment", BYTES("# policy\n" NONE WEEK), NULL, "E0", "comment" },
	{ "HTML", BYTES("<html><body>Not found</body></html>"), NULL,
	    "E0 E35 E35 E35", "HTML" },
	{ "a byte order mark", BYTES("\xef\xbb\xbf" NONE WEEK), NULL, "E0",
	    "byte order mark" },
	{ "a bad name", BYTES(NONE WEEK "_bad:test"), NULL, "E42", NULL },
	{ "a long name",
	    BYTES(NONE WEEK "a12345678901234567890123456789012:123"), NULL,
	    "E42", NULL },
	{ "CR alone", BYTES("version: STSv1\rmode: none\rmax_age: 1\r"), NULL,
	    "E9 E37 E37", NULL },
	{ "a control character", BYTES(NONE WEEK "x: a\tb\n"), NULL, "E46",
	    "control" },
	{ "not UTF-8", BYTES(NONE WEEK "x: \xff\n"), NULL, "E45", "UTF-8" },
	{ "NUL", BYTES(NONE WEEK "x: \0\n"), NULL, "E45", "control" },
	{ "NUL in a name", BYTES(NONE WEEK "x\0: a\n"), NULL, "E42", NULL },
};

static void
join(const struct stspolicy *policy, struct buf *out)
{
	ck_status("policy",
	    buf_addf(out, "%s %llu", stspolicy_mode_str(policy->mode),
		(unsigned long long)policy->max_age),
	    ST_OK);
	for (size_t i = 0; i < policy->mx_count; i++)
		ck_status("mx", buf_addf(out, " %s", policy->mx[i]), ST_OK);
}

START_TEST(policies)
{
	struct remarks remarks = { 0 };
	struct stspolicy *policy = calloc(1, sizeof *policy);
	char *text = malloc(rows[_i].len + (rows[_i].len == 0));
	char got[REMARKING_MAX];
	bool is_valid;

	ck_assert(text != NULL && policy != NULL);
	memcpy(text, rows[_i].text, rows[_i].len);
	is_valid = stspolicy_read(text, rows[_i].len, policy, &remarks);
	remarking_short(&remarks, got);
	ck_string(rows[_i].name, got, rows[_i].remarks);
	ck_assert_msg(is_valid == (rows[_i].want != NULL), "%s", rows[_i].name);
	ck_assert_msg(is_valid == (remarks.errors == 0), "%s", rows[_i].name);
	if (rows[_i].words != NULL)
		ck_assert_msg(remarking_has(&remarks, rows[_i].words),
		    "%s: not \"%s\"", rows[_i].name, rows[_i].words);
	if (is_valid) {
		struct buf joined;

		buf_init(&joined, 10000);
		join(policy, &joined);
		ck_string(rows[_i].name, joined.data, rows[_i].want);
		buf_free(&joined);
	}
	ck_assert(stspolicy_read(text, rows[_i].len, policy, NULL) == is_valid);
	free(policy);
	free(text);
}
END_TEST

/* Read a text with so many lines of mx. */
static bool
read_with_mx(size_t count)
{
	struct stspolicy *policy = malloc(sizeof *policy);
	struct buf text;
	bool is_valid;

	ck_assert_ptr_nonnull(policy);
	buf_init(&text, 100000);
	ck_status("text", buf_adds(&text, ENFORCE WEEK), ST_OK);
	for (size_t i = 0; i < count; i++)
		ck_status(
		    "mx", buf_addf(&text, "mx: mx%zu.example\n", i), ST_OK);
	is_valid = stspolicy_read(text.data, text.len, policy, NULL);
	buf_free(&text);
	free(policy);
	return is_valid;
}

START_TEST(mx_are_counted)
{
	ck_assert(read_with_mx(STSPOLICY_MX_MAX));
	ck_assert(!read_with_mx(STSPOLICY_MX_MAX + 1));
}
END_TEST

START_TEST(size_is_bounded)
{
	struct stspolicy policy;
	struct buf text;

	buf_init(&text, 2 * STSPOLICY_SIZE_MAX);
	ck_status("text", buf_adds(&text, NONE WEEK "x: "), ST_OK);
	unit_repeat(&text, "x", STSPOLICY_SIZE_MAX - text.len);
	ck_assert(stspolicy_read(text.data, text.len, &policy, NULL));
	unit_repeat(&text, "x", 1);
	ck_assert(!stspolicy_read(text.data, text.len, &policy, NULL));
	buf_free(&text);
}
END_TEST

/* The longest name fits; one byte more is none. */
START_TEST(names_are_bounded)
{
	for (size_t last = 59; last <= 60; last++) {
		struct stspolicy policy;
		struct buf text;

		buf_init(&text, 1000);
		ck_status(
		    "text", buf_adds(&text, ENFORCE WEEK "mx: *."), ST_OK);
		for (int i = 0; i < 3; i++) {
			unit_repeat(&text, "x", 63);
			ck_status("dot", buf_addc(&text, '.'), ST_OK);
		}
		unit_repeat(&text, "x", last + 2);
		ck_assert_int_eq(
		    stspolicy_read(text.data, text.len, &policy, NULL),
		    last == 59);
		buf_free(&text);
	}
}
END_TEST

START_TEST(patterns_match)
{
	static const struct {
		const char *pattern, *host;
		bool matches;
	} table[] = {
		{ "mail.example.com", "mail.example.com", true },
		{ "mail.example.com", "MAIL.Example.com", true },
		{ "mail.example.com", "mail.example.com.evil", false },
		{ "mail.example.com", "x.mail.example.com", false },
		{ "*.example.com", "mail.example.com", true },
		{ "*.Example.com", "mail.eXample.com", true },
		{ "*.example.com", "example.com", false },
		{ "*.example.com", "foo.bar.example.com", false },
		{ "*.example.com", "mailexample.com", false },
		{ "*.example.com", ".example.com", false },
		{ "*.example.com", "", false },
		{ "*.com", "example", false },
	};
	const struct stspolicy policy = {
		.mx_count = 2,
		.mx = { "a.example", "*.b.example" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		ck_assert_msg(stspolicy_matches(table[i].pattern,
				  table[i].host) == table[i].matches,
		    "%s, %s", table[i].pattern, table[i].host);
	ck_assert(stspolicy_allows(&policy, "a.example"));
	ck_assert(stspolicy_allows(&policy, "x.b.example"));
	ck_assert(!stspolicy_allows(&policy, "b.example"));
}
END_TEST

Suite *
stspolicy_suite(void)
{
	Suite *suite = suite_create("stspolicy");
	TCase *tc = tcase_create("stspolicy");

	tcase_add_loop_test(tc, policies, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, mx_are_counted);
	tcase_add_test(tc, size_is_bounded);
	tcase_add_test(tc, names_are_bounded);
	tcase_add_test(tc, patterns_match);
	suite_add_tcase(suite, tc);
	return suite;
}
