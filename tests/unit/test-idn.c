#include "idn.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"
#include "unit.h"

#define LABEL_61 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc"
#define LABEL_63 LABEL_61 "de"
#define NAME_192 LABEL_63 "." LABEL_63 "." LABEL_63 "."

START_TEST(names_become_a_labels)
{
	static const struct {
		const char *name;
		const char *want; /* NULL: none */
	} rows[] = {
		{ "example.com", "example.com" },
		{ "EXAMPLE.Com.", "example.com" },
		{ "localhost", "localhost" },
		{ "_mta-sts.example.com", "_mta-sts.example.com" },
		{ "r3---sn-x.example.com", "r3---sn-x.example.com" },
		{ "-a-.example", "-a-.example" },
		{ "1.example", "1.example" },
		{ "0x7f.1a", "0x7f.1a" },
		{ "B\303\274cher.example.", "xn--bcher-kva.example" },
		{ "XN--Bcher-kva.Example", "xn--bcher-kva.example" },
		/* Decomposed, and upper case. */
		{ "Bu\314\210cher.example", "xn--bcher-kva.example" },
		{ "B\303\234CHER.example", "xn--bcher-kva.example" },
		/* Non-transitional: not "fass". */
		{ "fa\303\237.example", "xn--fa-hia.example" },
		/* Full stops of other scripts. */
		{ "a\343\200\202example\343\200\202", "a.example" },
		/* _ beside a label that needs work. */
		{ "_25._tcp.b\303\274cher.example",
		    "_25._tcp.xn--bcher-kva.example" },
		/* Labels of 63 and 64, names of 253 and 254. */
		{ LABEL_63 ".a", LABEL_63 ".a" },
		{ LABEL_63 "f.a", NULL },
		{ NAME_192 LABEL_61, NAME_192 LABEL_61 },
		{ NAME_192 LABEL_61 ".", NAME_192 LABEL_61 },
		{ NAME_192 LABEL_61 "d", NULL },
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ ".a", NULL },
		{ "a..", NULL },
		{ "a..b", NULL },
		{ "a\343\200\202\343\200\202b", NULL },
		{ "a b", NULL },
		{ "a\nb", NULL },
		{ "a/b", NULL },
		{ "user@example.com", NULL },
		{ "*.example.com", NULL },
		{ "a\\046b.example", NULL },
		/* A full-width slash, a character that stands for "a/c". */
		{ "a\357\274\217b.example", NULL },
		{ "\342\204\200.example", NULL },
		/* What is no UTF-8, and what is nowhere allowed. */
		{ "a\377.example", NULL },
		{ "a\303", NULL },
		{ "\355\240\200.example", NULL },
		{ "a\342\200\256b.example", NULL },
		/* Addresses, one in full-width digits. */
		{ "192.0.2.1", NULL },
		{ "192.0.2.1.", NULL },
		{ "127.1", NULL },
		{ "2130706433", NULL },
		{ "192.0.2.\357\274\221", NULL },
		{ "2001:db8::1", NULL },
		{ "[192.0.2.1]", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[IDN_NAME_MAX] = "untouched";
		bool is_good = idn_to_ascii(rows[i].name, out);

		ck_expect(is_good == (rows[i].want != NULL), "%s gives %s",
		    rows[i].name, is_good ? out : "nothing");
		ck_string(rows[i].name, out,
		    rows[i].want != NULL ? rows[i].want : "untouched");
	}
}
END_TEST

START_TEST(long_input_is_refused)
{
	static const char letter[] = "\303\274", nothing[] = "\302\255";
	char out[IDN_NAME_MAX], *name = calloc(1, 1 << 20);
	size_t len = 0;

	ck_assert_ptr_nonnull(name);
	memset(name, 'a', (1 << 20) - 1);
	ck_assert(!idn_to_ascii(name, out));
	for (; len < (1 << 20) - 2; len += 2)
		memcpy(name + len, letter, 2);
	name[len] = '\0';
	ck_assert(!idn_to_ascii(name, out));
	/* Soft hyphens count for nothing, up to a limit. */
	(void)strcpy(name, "a.b");
	for (len = 3; len < 203; len += 2)
		memcpy(name + len, nothing, 2);
	name[len] = '\0';
	ck_assert(idn_to_ascii(name, out));
	ck_string("soft hyphens", out, "a.b");
	free(name);
}
END_TEST

START_TEST(names_are_the_same_or_not)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} pairs[] = {
		{ "a.example", "A.Example.", true },
		{ "a.example", "b.example", false },
		{ "a.example", "a.example.b", false },
		{ "m\303\274n.example", "xn--mn-xka.example", true },
		{ "M\303\234N.example.", "m\303\274n.example", true },
		{ "m\303\274n.example", "mun.example", false },
		/* No names, and the same only as they are. */
		{ "", "", true },
		{ "", "a", false },
		{ "*.A", "*.a", true },
		{ "m\303n", "m\303n", true },
		{ "m\303n", "m\303\274n", false },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		const char *a = pairs[i].a, *b = pairs[i].b;

		ck_assert_msg(
		    idn_is_same(a, strlen(a), b, strlen(b)) == pairs[i].is_same,
		    "%s %s", a, b);
		ck_assert_msg(
		    idn_is_same(b, strlen(b), a, strlen(a)) == pairs[i].is_same,
		    "%s %s", b, a);
	}
	/* No more is read than the lengths say. */
	ck_assert(idn_is_same("a.example token", 9, "a.example", 9));
	ck_assert(idn_is_same(
	    "m\303\274n.example token", 12, "xn--mn-xka.examples", 18));
}
END_TEST

Suite *
idn_suite(void)
{
	Suite *suite = suite_create("idn");
	TCase *tc = tcase_create("idn");

	tcase_add_test(tc, names_become_a_labels);
	tcase_add_test(tc, long_input_is_refused);
	tcase_add_test(tc, names_are_the_same_or_not);
	suite_add_tcase(suite, tc);
	return suite;
}
