#include <check.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>

#include "suites.h"
#include "text.h"
#include "unit.h"

START_TEST(case_is_that_of_ascii)
{
	/* Not even a Turkish locale makes a dotless i of I. */
	(void)setlocale(LC_ALL, "");
	for (int c = -128; c < 128; c++) {
		char want = (char)c;

		if (c >= 'A' && c <= 'Z')
			want = (char)(c + 32);
		ck_assert_int_eq(text_lower((char)c), want);
	}
	ck_assert(text_ieq("", ""));
	ck_assert(text_ieq("TLS-Report", "tls-rEPORT"));
	ck_assert(!text_ieq("a", "ab"));
	ck_assert(!text_ieq("ab", "a"));
	ck_assert(!text_ieq("[", "{"));
	ck_assert(!text_ieq("\xc3\x84", "\xc3\xa4"));
	ck_assert(text_ieqn("ABx", "aby", 2));
	ck_assert(!text_ieqn("ABx", "aby", 3));
	ck_assert(text_ieqn("x", "y", 0));
}
END_TEST

START_TEST(ends_of_strings)
{
	static const struct {
		const char *string, *piece;
		bool is_prefix, is_suffix;
	} rows[] = {
		{ "report.json.GZ", ".gz", false, true },
		{ "Multipart/Report", "multipart/", true, false },
		{ "abc", "abc", true, true },
		{ "abc", "ABCD", false, false },
		{ "abc", "", true, true },
		{ "", "", true, true },
		{ "", "a", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(text_iprefix(rows[i].string, rows[i].piece),
		    rows[i].is_prefix);
		ck_assert_int_eq(text_isuffix(rows[i].string, rows[i].piece),
		    rows[i].is_suffix);
	}
}
END_TEST

START_TEST(bytes_are_classified)
{
	for (int c = -128; c < 128; c++) {
		static const char hex[] = "0123456789abcdef";
		const char *p = c > 0 ? strchr(hex, text_lower((char)c)) : NULL;

		ck_assert_int_eq(text_is_space((char)c),
		    c == ' ' || c == '\t' || c == '\r' || c == '\n');
		ck_assert_int_eq(
		    text_hex((char)c), p != NULL ? (int)(p - hex) : -1);
	}
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	size_t want; /* length, 0 for none */
	uint32_t cp;
} utf8[] = {
	{ BYTES(""), 0, 0 },
	{ BYTES("\0"), 1, 0 },
	{ BYTES("a"), 1, 'a' },
	{ BYTES("\x7f"), 1, 0x7f },
	{ BYTES("\x80"), 0, 0 },         /* a tail alone */
	{ BYTES("\xc0\x80"), 0, 0 },     /* over-long NUL */
	{ BYTES("\xc1\xbf"), 0, 0 },     /* over-long */
	{ BYTES("\xc2\x80"), 2, 0x80 },  /* the first of two bytes */
	{ BYTES("\xdf\xbf"), 2, 0x7ff }, /* the last */
	{ BYTES("\xc3"), 0, 0 },
	{ BYTES("\xc3\x28"), 0, 0 },
	{ BYTES("\xe0\x9f\xbf"), 0, 0 }, /* over-long */
	{ BYTES("\xe0\xa0\x80"), 3, 0x800 },
	{ BYTES("\xed\x9f\xbf"), 3, 0xd7ff },
	{ BYTES("\xed\xa0\x80"), 0, 0 }, /* surrogates */
	{ BYTES("\xed\xbf\xbf"), 0, 0 },
	{ BYTES("\xee\x80\x80"), 3, 0xe000 },
	{ BYTES("\xef\xbf\xbf"), 3, 0xffff },
	{ BYTES("\xe2\x80"), 0, 0 },
	{ BYTES("\xf0\x8f\xbf\xbf"), 0, 0 }, /* over-long */
	{ BYTES("\xf0\x90\x80\x80"), 4, 0x10000 },
	{ BYTES("\xf4\x8f\xbf\xbf"), 4, 0x10ffff },
	{ BYTES("\xf4\x90\x80\x80"), 0, 0 }, /* above the last */
	{ BYTES("\xf5\x80\x80\x80"), 0, 0 },
	{ BYTES("\xff"), 0, 0 },
	{ BYTES("\xe2\x82\xac!"), 3, 0x20ac },
};

START_TEST(utf8_is_decoded)
{
	uint32_t cp = 0xdeadbeef;
	size_t n = utf8_decode(utf8[_i].bytes, utf8[_i].len, &cp);

	ck_assert_uint_eq(n, utf8[_i].want);
	ck_assert_uint_eq(cp, n > 0 ? utf8[_i].cp : 0xdeadbeef);
}
END_TEST

START_TEST(every_character_comes_back)
{
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		uint32_t got = 0;
		char out[4];
		size_t n = utf8_encode(out, cp), bad = 0;
		size_t want = cp >= 0xd800 && cp <= 0xdfff ? 0 : n;

		/* An assertion is a system call: one for each character would
		   take longer than all the rest. */
		bad += utf8_decode(out, n, &got) != want;
		bad += want > 0 && got != cp;
		for (size_t cut = 0; cut < n; cut++)
			bad += utf8_decode(out, cut, &got) != 0;
		if (bad > 0)
			ck_abort_msg("U+%04X", (unsigned)cp);
	}
}
END_TEST

static const struct {
	const char *string;
	size_t max;
	size_t want;
} cuts[] = {
	{ "abc", 2, 2 },
	{ "abc", 3, 3 },
	{ "abc", 9, 3 },
	{ "abc", 0, 0 },
	{ "a\xc3\xa9z", 1, 1 },
	{ "a\xc3\xa9z", 2, 1 },
	{ "a\xc3\xa9z", 3, 3 },
	{ "\xe2\x82\xac\xe2\x82\xac", 5, 3 },
	{ "\xe2\x82\xac\xe2\x82\xac", 4, 3 },
	{ "\xe2\x82\xac\xe2\x82\xac", 3, 3 },
	{ "\xe2\x82\xac\xe2\x82\xac", 2, 0 },
	{ "\xf0\x9f\x94\x92z", 3, 0 },
	{ "\xf0\x9f\x94\x92z", 4, 4 },
};

START_TEST(a_cut_keeps_characters_whole)
{
	const char *string = cuts[_i].string;
	char out[16];

	ck_assert_uint_eq(
	    utf8_cut(string, strlen(string), cuts[_i].max), cuts[_i].want);
	ck_assert_int_eq(text_copy(out, cuts[_i].max + 1, string),
	    cuts[_i].want == strlen(string));
	ck_assert_uint_eq(strlen(out), cuts[_i].want);
	ck_assert_int_eq(memcmp(out, string, cuts[_i].want), 0);
}
END_TEST

START_TEST(plain)
{
	char out[8];

	text_plain(out, sizeof out, BYTES("a\0b\x7f\r\n\xc3\xa4"));
	ck_assert_str_eq(out, "a?b???");
	text_plain(out, sizeof out, "", 0);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(a_cut_of_bytes_that_are_no_utf8)
{
	/* It must end, and stay below the limit; how much is lost is open. */
	static const char tails[] = "\x80\x80\x80\x80\x80\x80\x80\x80";

	for (size_t max = 0; max <= 8; max++) {
		size_t cut = utf8_cut(tails, 8, max);

		ck_assert_uint_le(cut, max);
		ck_assert_uint_ge(cut + 3, max);
	}
}
END_TEST

START_TEST(characters_that_act_are_controls)
{
	static const uint32_t acts[] = { 0, '\n', '\r', 0x1b, 0x1f, 0x7f, 0x80,
		0x85, 0x9b, 0x9f, 0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a,
		0x202e, 0x2066, 0x2069 };
	static const uint32_t shows[] = { ' ', '~', 0xa0, 0xe9, 0x61b, 0x200d,
		0x2027, 0x202f, 0x2065, 0x206a, 0x4e2d, 0x1f512, 0x10ffff };

	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		ck_assert_msg(
		    utf8_is_control(acts[i]), "U+%04X", (unsigned)acts[i]);
	for (size_t i = 0; i < ARRAY_LEN(shows); i++)
		ck_assert_msg(
		    !utf8_is_control(shows[i]), "U+%04X", (unsigned)shows[i]);
}
END_TEST

START_TEST(white_space_of_any_script)
{
	static const uint32_t spaces[] = { ' ', '\t', '\n', '\v', '\f', '\r',
		0x1c, 0x1f, 0x85, 0xa0, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029,
		0x202f, 0x205f, 0x3000 };
	static const uint32_t others[] = { 0, 8, 0x0e, 0x1b, 0x20 + 1, 0x84,
		0x86, 0x9f, 0xa1, 0x1fff, 0x200b, 0x2027, 0x3001, 'a' };

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		ck_assert_msg(
		    utf8_is_space(spaces[i]), "U+%04X", (unsigned)spaces[i]);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert_msg(
		    !utf8_is_space(others[i]), "U+%04X", (unsigned)others[i]);
}
END_TEST

Suite *
text_suite(void)
{
	Suite *suite = suite_create("text");
	TCase *tc = tcase_create("text");

	tcase_add_test(tc, case_is_that_of_ascii);
	tcase_add_test(tc, ends_of_strings);
	tcase_add_test(tc, bytes_are_classified);
	tcase_add_test(tc, plain);
	tcase_add_loop_test(tc, utf8_is_decoded, 0, (int)ARRAY_LEN(utf8));
	tcase_add_test(tc, every_character_comes_back);
	tcase_add_loop_test(
	    tc, a_cut_keeps_characters_whole, 0, (int)ARRAY_LEN(cuts));
	tcase_add_test(tc, a_cut_of_bytes_that_are_no_utf8);
	tcase_add_test(tc, characters_that_act_are_controls);
	tcase_add_test(tc, white_space_of_any_script);
	suite_add_tcase(suite, tc);
	return suite;
}
