#include <check.h>
#include <string.h>

#include "align.h"
#include "suites.h"
#include "unit.h"

#define LABEL_63                                                               \
	"a23456789012345678901234567890123456789012345678901234567890123"
/* 3 * 64 + 61 = 253 bytes, and one more. */
#define NAME_253                                                               \
	LABEL_63                                                               \
	"." LABEL_63 "." LABEL_63                                              \
	".b234567890123456789012345678901234567890123456789.example.com"
#define NAME_254                                                               \
	LABEL_63                                                               \
	"." LABEL_63 "." LABEL_63                                              \
	".bc234567890123456789012345678901234567890123456789.example.com"

static const struct {
	const char *a;
	const char *b;
	bool is_aligned;
} pairs[] = {
	{ "example.com", "example.com", true },
	{ "example.com", "EXAMPLE.com.", true },
	{ "corp.mail.ru", "mail.ru", true },
	{ "a.b.c.example.co.uk", "example.co.uk", true },
	{ "a.example.com", "b.example.com", true },
	{ "_dmarc.example.com", "example.com", true },
	{ "xn--bcher-kva.example", "www.XN--BCHER-KVA.example", true },
	{ "example.com", "example.org", false },
	{ "example.com", "notexample.com", false },
	{ "example.com", "example.com.evil.org", false },
	{ "google.com", "google.com.evil.example", false },
	/* A suffix that is nobody's, and one of a registry's own. */
	{ "co.uk", "co.uk", true },
	{ "co.uk", "example.co.uk", false },
	{ "a.co.uk", "b.co.uk", false },
	{ "com", "example.com", false },
	{ "com", "com", true },
	{ "com", "co.uk", false },
	{ "alice.github.io", "bob.github.io", false },
	{ "x.alice.github.io", "alice.github.io", true },
	/* Wildcards and exceptions of the list: *.ck, !www.ck. */
	{ "a.b.ck", "c.b.ck", false },
	{ "x.a.b.ck", "y.a.b.ck", true },
	{ "x.www.ck", "y.www.ck", true },
	/* A top-level domain that is not listed is a suffix. */
	{ "a.mx.example.test", "example.test", true },
	{ "a.test", "b.test", false },
	{ "localhost", "localhost", true },
	/* No domains. */
	{ "", "", false },
	{ NULL, NULL, false },
	{ NULL, "example.com", false },
	{ "example.com", NULL, false },
	{ ".", ".", false },
	{ "example.com..", "example.com..", false },
	{ ".example.com", ".example.com", false },
	{ "a..example.com", "a..example.com", false },
	{ "a..example.com", "example.com", false },
	{ "192.0.2.1", "192.0.2.1", false },
	{ "192.0.2.1.", "192.0.2.1.", false },
	{ "example.123", "example.123", false },
	{ "1.2.0.192.in-addr.arpa", "1.2.0.192.in-addr.arpa", true },
	{ "[192.0.2.1]", "[192.0.2.1]", false },
	{ "2001:db8::1", "2001:db8::1", false },
	{ "a b.example.com", "a b.example.com", false },
	{ "x@example.com", "example.com", false },
	{ "google.com(.evil.example", "google.com(.evil.example", false },
	{ "example.com\n", "example.com\n", false },
	{ "example.com\\", "example.com\\", false },
	{ "b\xc3\xbc"
	  "cher.example",
	    "b\xc3\xbc"
	    "cher.example",
	    false },
	{ "b\xc3\xbc"
	  "cher.example",
	    "xn--bcher-kva.example", false },
	{ "example.com\xff", "example.com\xff", false },
	{ "*.example.com", "*.example.com", false },
	/* Lengths. */
	{ NAME_253, "example.com", true },
	{ NAME_253 ".", "example.com", true },
	{ NAME_254, "example.com", false },
	{ NAME_254, NAME_254, false },
	{ LABEL_63 ".example.com", "example.com", true },
	{ LABEL_63 "4.example.com", "example.com", false },
};

START_TEST(domains_belong_together_or_not)
{
	ck_assert_msg(
	    align_domains(pairs[_i].a, pairs[_i].b) == pairs[_i].is_aligned,
	    "%s %s", pairs[_i].a, pairs[_i].b);
	ck_assert_msg(
	    align_domains(pairs[_i].b, pairs[_i].a) == pairs[_i].is_aligned,
	    "%s %s", pairs[_i].b, pairs[_i].a);
}
END_TEST

/* Every byte, within a name that would do otherwise. */
START_TEST(bytes_that_no_domain_has)
{
	char name[] = "a?b.example.com";
	const char *good =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.";

	for (int c = 1; c < 256; c++) {
		name[1] = (char)c;
		ck_assert_msg(align_domains(name, "example.com") ==
			(strchr(good, c) != NULL),
		    "byte %d", c);
	}
}
END_TEST

START_TEST(organizational_domains)
{
	static const struct {
		const char *domain;
		const char *own; /* NULL: none */
	} rows[] = {
		{ "A.B.Example.co.uk.", "example.co.uk" },
		{ "example.com", "example.com" },
		{ "x.alice.github.io", "alice.github.io" },
		{ "co.uk", NULL },
		{ "localhost", NULL },
		{ "192.0.2.1", NULL },
		{ "a b.example.com", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};
	char own[ALIGN_DOMAIN_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool has_one = align_organization(rows[i].domain, own);

		ck_assert_int_eq(has_one, rows[i].own != NULL);
		if (has_one)
			ck_string("own", own, rows[i].own);
	}
	ck_assert(align_organization(NAME_253, own));
	ck_string("long", own, "example.com");
}
END_TEST

Suite *
align_suite(void)
{
	Suite *suite = suite_create("align");
	TCase *tc = tcase_create("align");

	tcase_add_loop_test(
	    tc, domains_belong_together_or_not, 0, (int)ARRAY_LEN(pairs));
	tcase_add_test(tc, bytes_that_no_domain_has);
	tcase_add_test(tc, organizational_domains);
	suite_add_tcase(suite, tc);
	return suite;
}
