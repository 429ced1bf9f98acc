#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "markup.h"
#include "suites.h"
#include "unit.h"

/* What a printer prints, to be freed. */
static char *
printed(void (*print)(FILE *, const char *), const char *string)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(file);
	print(file, string);
	ck_assert_int_eq(fclose(file), 0);
	return text;
}

START_TEST(text_stays_text)
{
	static const struct {
		const char *string, *want;
	} rows[] = {
		{ "", "" },
		{ "Example Mailer Inc.", "Example Mailer Inc." },
		{ "<script>alert('1')</script>",
		    "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;" },
		{ "\" onload=\"x", "&quot; onload=&quot;x" },
		{ "&lt;&#60;", "&amp;lt;&amp;#60;" },
		{ "]]>-->", "]]&gt;--&gt;" },
		{ "a\tb\r\nc\x1b[31m\x7f", "a\\x09b\\x0d\\x0ac\\x1b[31m\\x7f" },
		/* C1, and the direction of writing: RLO, PDI, LRM, ALM. */
		{ "\xc2\x9b", "\\xc2\\x9b" },
		{ "\xe2\x80\xae\xe2\x81\xa9\xe2\x80\x8e\xd8\x9c",
		    "\\xe2\\x80\\xae\\xe2\\x81\\xa9\\xe2\\x80\\x8e\\xd8\\x9c" },
		/* No UTF-8: a tail, an over-long <, a surrogate, cut short. */
		{ "\x80", "\\x80" },
		{ "\xc0\xbc", "\\xc0\\xbc" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "x\xe2\x82", "x\\xe2\\x82" },
		/* U+FFFE, U+FFFF and U+1FFFE are not in XML. */
		{ "\xef\xbf\xbe\xef\xbf\xbf",
		    "\\xef\\xbf\\xbe\\xef\\xbf\\xbf" },
		{ "\xf0\x9f\xbf\xbe", "\\xf0\\x9f\\xbf\\xbe" },
		{ "\xef\xbf\xbd \xc3\xbc \xd7\x90 \xf0\x9f\x93\xa7",
		    "\xef\xbf\xbd \xc3\xbc \xd7\x90 \xf0\x9f\x93\xa7" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = printed(markup_text, rows[i].string);

		ck_assert_str_eq(text, rows[i].want);
		free(text);
	}
}
END_TEST

START_TEST(every_byte_is_harmless)
{
	for (int c = 1; c < 256; c++) {
		const char string[] = { (char)c, '\0' };
		char *text = printed(markup_text, string);
		size_t plain = strspn(text,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789 !#$%()*+,-./:;=?@[\\]^_`{|}~&");

		ck_assert_uint_gt(plain, 0);
		ck_assert_uint_eq(plain, strlen(text));
		ck_assert(c != '&' || strcmp(text, "&amp;") == 0);
		free(text);
	}
}
END_TEST

START_TEST(long_strings_are_whole)
{
	char string[3001], *text;

	memset(string, '<', sizeof string - 1);
	string[sizeof string - 1] = '\0';
	text = printed(markup_text, string);
	ck_assert_uint_eq(strlen(text), 4 * (sizeof string - 1));
	free(text);
}
END_TEST

START_TEST(names_are_isolated)
{
	char *text = printed(markup_name, "<b>\xd7\x90");

	ck_assert_str_eq(text, "<bdi>&lt;b&gt;\xd7\x90</bdi>");
	free(text);
	text = printed(markup_name, "");
	ck_assert_str_eq(text, "(none)");
	free(text);
}
END_TEST

START_TEST(numbers_are_grouped)
{
	static const struct {
		uint64_t number;
		const char *want;
	} rows[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 12345, "12,345" },
		{ 123456, "123,456" },
		{ 1234567, "1,234,567" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[64] = "";
		FILE *file = fmemopen(text, sizeof text, "w");

		ck_assert_ptr_nonnull(file);
		markup_count(file, rows[i].number);
		ck_assert_int_eq(fclose(file), 0);
		ck_assert_str_eq(text, rows[i].want);
	}
}
END_TEST

START_TEST(rates_do_not_pretend)
{
	static const struct {
		double percent;
		const char *want;
	} rows[] = {
		{ 0, "0%" },
		{ 0.000001, "<0.01%" },
		{ 0.00499, "<0.01%" },
		{ 0.005, "0.01%" },
		{ 0.1, "0.10%" },
		{ 5.02, "5.02%" },
		{ 99.99, "99.99%" },
		{ 99.996, ">99.99%" },
		{ 100, "100%" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[MARKUP_RATE_MAX];

		markup_rate(rows[i].percent, text);
		ck_assert_str_eq(text, rows[i].want);
	}
}
END_TEST

Suite *
markup_suite(void)
{
	Suite *suite = suite_create("markup");
	TCase *tc = tcase_create("markup");

	tcase_add_test(tc, text_stays_text);
	tcase_add_test(tc, every_byte_is_harmless);
	tcase_add_test(tc, long_strings_are_whole);
	tcase_add_test(tc, names_are_isolated);
	tcase_add_test(tc, numbers_are_grouped);
	tcase_add_test(tc, rates_do_not_pretend);
	suite_add_tcase(suite, tc);
	return suite;
}
