#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "remarking.h"
#include "reportingpolicy.h"
#include "suites.h"
#include "unit.h"

#define V    "v=TLSRPTv1;" /* 11 bytes */
#define GOOD V "rua=mailto:a@b.example"

static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *rua;     /* with a space between; NULL: not valid */
	const char *remarks; /* in short */
	const char *words;   /* in one of them, or NULL */
} rows[] = {
	{ "mailto", BYTES(GOOD), "mailto:a@b.example", "", NULL },
	{ "of RFC 8460", BYTES("v=TLSRPTv1;rua=mailto:reports@example.com"),
	    "mailto:reports@example.com", "", NULL },
	{ "https of RFC 8460",
	    BYTES("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"),
	    "https://reporting.example.com/v1/tlsrpt", "W16", "https: alone" },
	{ "a delimiter at the end", BYTES(GOOD " ; "), "mailto:a@b.example", "",
	    NULL },
	{ "white space", BYTES(V "\t rua=mailto:a@b.example \t ;\tx=y"),
	    "mailto:a@b.example", "N40", NULL },
	{ "two", BYTES(GOOD ",https://h.example/p"),
	    "mailto:a@b.example https://h.example/p", "W34", "only the first" },
	{ "two with white space", BYTES(GOOD " , \t mailto:c@d.example"),
	    "mailto:a@b.example mailto:c@d.example", "W38", NULL },
	{ "two fields", BYTES(GOOD ";rua=mailto:c@d.example"),
	    "mailto:a@b.example mailto:c@d.example", "W34 W38", "second rua" },
	{ "an extension", BYTES(GOOD "; ext=yes"), "mailto:a@b.example", "N35",
	    "ext" },
	{ "an extension first", BYTES(V "ext=yes;rua=mailto:a@b.example"),
	    "mailto:a@b.example", "N11", NULL },
	{ "fields of DMARC", BYTES(GOOD ";ri=86400;ruf=mailto:a@b.example"),
	    "mailto:a@b.example", "W34 W43", "DMARC" },
	{ "fields of MTA-STS", BYTES(GOOD ";id=1"), "mailto:a@b.example", "W34",
	    "MTA-STS" },
	{ "a version again", BYTES(GOOD ";v=TLSRPTv1"), "mailto:a@b.example",
	    "W34", NULL },
	{ "percent-encoded", BYTES(V "rua=mailto:a%21b%2Cc%3b@b.example"),
	    "mailto:a%21b%2Cc%3b@b.example", "", NULL },
	{ "plus and others",
	    BYTES(V "rua=mailto:o'neil+t.l_s-1~*$&=@b.example"),
	    "mailto:o'neil+t.l_s-1~*$&=@b.example", "", NULL },
	{ "a header", BYTES(GOOD "?subject=x"), "mailto:a@b.example?subject=x",
	    "W33", NULL },
	{ "schemes in upper case", BYTES(V "rua=MAILTO:a@b.example"),
	    "MAILTO:a@b.example", "W15", NULL },
	{ "a port", BYTES(GOOD ",https://h.example:8443/?a=b&c=d"),
	    "mailto:a@b.example https://h.example:8443/?a=b&c=d", "W34", NULL },
	{ "an IPv6 address", BYTES(GOOD ",https://[2001:db8::1]:443/"),
	    "mailto:a@b.example https://[2001:db8::1]:443/", "W34", NULL },
	{ "a user", BYTES(GOOD ",https://u:p@h.example/"),
	    "mailto:a@b.example https://u:p@h.example/", "W42 W34", NULL },
	{ "a fragment", BYTES(GOOD ",https://h.example/#x"),
	    "mailto:a@b.example https://h.example/#x", "W52 W34", NULL },
	{ "its own domain", BYTES(V "rua=mailto:a@Own.Example"),
	    "mailto:a@Own.Example", "N24", "8460" },
	{ "below its own domain", BYTES(V "rua=mailto:a@x.own.example"),
	    "mailto:a@x.own.example", "", NULL },
	{ "empty", BYTES(""), NULL, "E0 E0", NULL },
	{ "version alone", BYTES("v=TLSRPTv1"), NULL, "E10 E10", NULL },
	{ "version and delimiter", BYTES(V), NULL, "E11", "no rua" },
	{ "version 0", BYTES("v=TLSRPTv0"), NULL, "E0 E10 E10", NULL },
	{ "version 10", BYTES("v=TLSRPTv10;rua=mailto:a@b.example"), NULL, "E0",
	    NULL },
	{ "version 2", BYTES("v=TLSRPTv2;rua=mailto:a@b.example"), NULL, "E0",
	    NULL },
	{ "no version", BYTES("rua=mailto:a@b.example"), NULL, "E0", NULL },
	{ "an old draft", BYTES("v=TLSRPT1;rua=mailto:a@b.example"), NULL, "E0",
	    NULL },
	{ "DMARC", BYTES("v=DMARC1; p=none; rua=mailto:a@b.example"), NULL,
	    "E0 W10", NULL },
	{ "upper case V", BYTES("V=TLSRPTv1;rua=mailto:a@b.example"), NULL,
	    "E0", "wrong case" },
	{ "lower case", BYTES("v=tlsrptv1;rua=mailto:a@b.example"), NULL, "E0",
	    "wrong case" },
	{ "no delimiter", BYTES("v=TLSRPTv1 rua=mailto:a@b.example"), NULL,
	    "E10", NULL },
	{ "white space behind the version",
	    BYTES("v=TLSRPTv1 ; rua=mailto:a@b.example"), NULL, "E10", NULL },
	{ "quotes", BYTES("\"" GOOD "\""), NULL, "E0 E34", "zone file" },
	{ "curly quotes", BYTES("\xe2\x80\x9c" GOOD "\xe2\x80\x9d"), NULL,
	    "E0 E36", "curly" },
	{ "no rua", BYTES(V "ext=1"), NULL, "N11 E16", "no rua" },
	{ "RUA", BYTES(V "RUA=mailto:a@b.example"), NULL, "E11",
	    "case-sensitive" },
	{ "RUA, too", BYTES(GOOD ";RUA=x"), "mailto:a@b.example", "W34", NULL },
	{ "RUA of bad bytes", BYTES(GOOD ";Rua=\xff"), NULL, "E38", NULL },
	{ "an empty rua", BYTES(V "rua="), NULL, "E15", "no URI" },
	{ "commas alone", BYTES(V "rua=,, ,"), NULL, "E15 E16 E18 E19", NULL },
	{ "a comma at the end", BYTES(GOOD ","), NULL, "E34", NULL },
	{ "white space around \"=\"", BYTES(V "rua = mailto:a@b.example"), NULL,
	    "E14 E16", NULL },
	{ "white space in it", BYTES(V "rua=mailto: a@b.example"), NULL, "E22",
	    NULL },
	{ "two without a comma", BYTES(GOOD " mailto:c@d.example"), NULL, "E33",
	    "missing" },
	{ "text behind it", BYTES(GOOD " other"), NULL, "E33", NULL },
	{ "an address", BYTES(V "rua=a@b.example"), NULL, "E15", "mailto:" },
	{ "a second address", BYTES(GOOD ",c@d.example"), NULL, "E34",
	    "mailto:" },
	{ "no scheme", BYTES(V "rua=noscheme"), NULL, "E15", "scheme" },
	{ "http", BYTES(V "rua=http://h.example/"), NULL, "E15", "https:" },
	{ "ftp", BYTES(V "rua=ftp://h.example/"), NULL, "E15", NULL },
	{ "a bad escape and http", BYTES(V "rua=http://bad/%"), NULL, "E26 E15",
	    NULL },
	{ "mailto alone", BYTES(V "rua=mailto:"), NULL, "E22", "no address" },
	{ "mailto without a domain", BYTES(V "rua=mailto:a@"), NULL, "E22",
	    NULL },
	{ "mailto without a mailbox", BYTES(V "rua=mailto:@b.example"), NULL,
	    "E22", NULL },
	{ "mailto without an at", BYTES(V "rua=mailto:b.example"), NULL, "E22",
	    NULL },
	{ "mailto with slashes", BYTES(V "rua=mailto://a@b.example"), NULL,
	    "E22", "//" },
	{ "two at", BYTES(V "rua=mailto:a@b@c.example"), NULL, "E25", "%40" },
	{ "a dot at the end", BYTES(V "rua=mailto:a@b.example."), NULL, "E34",
	    NULL },
	{ "an empty label", BYTES(V "rua=mailto:a@b..example"), NULL, "E26",
	    NULL },
	{ "a dash first", BYTES(V "rua=mailto:a@-b.example"), NULL, "E24",
	    NULL },
	{ "an underscore", BYTES(V "rua=mailto:a@b_c.example"), NULL, "E25",
	    NULL },
	{ "a domain not in ASCII", BYTES(V "rua=mailto:a@b\xc3\xbc.example"),
	    NULL, "E25", "A-labels" },
	{ "a size limit of DMARC", BYTES(GOOD "!10m"), NULL, "E33", "DMARC" },
	{ "a size limit without unit", BYTES(GOOD "!10"), NULL, "E33",
	    "DMARC" },
	{ "an exclamation mark", BYTES(V "rua=mailto:a!b@b.example"), NULL,
	    "E23", "%21" },
	{ "a semicolon", BYTES(GOOD ",https://h.example/a;b"), NULL, "E54",
	    "%3B" },
	{ "a comma", BYTES(GOOD ",https://h.example/a,b"), NULL, "E54",
	    "scheme" },
	{ "angle brackets", BYTES(V "rua=<mailto:a@b.example>"), NULL,
	    "E15 E15", NULL },
	{ "a bad escape", BYTES(GOOD ",https://h.example/%zz"), NULL, "E52",
	    "%25" },
	{ "an escape cut short", BYTES(GOOD ",https://h.example/%2"), NULL,
	    "E52", NULL },
	{ "https without slashes", BYTES(GOOD ",https:h.example"), NULL, "E40",
	    "//" },
	{ "https without a host", BYTES(GOOD ",https:///x"), NULL, "E42",
	    "host" },
	{ "https with a bad port", BYTES(GOOD ",https://h:65536/"), NULL, "E44",
	    "port" },
	{ "https with no port", BYTES(GOOD ",https://h:x/"), NULL, "E44",
	    "port" },
	{ "half an IPv6 address", BYTES(GOOD ",https://[::1/"), NULL, "E42",
	    NULL },
	{ "no IPv6 address", BYTES(GOOD ",https://[::x]/"), NULL, "E42", NULL },
	{ "text behind an IPv6 address", BYTES(GOOD ",https://[::1]x/"), NULL,
	    "E42", NULL },
	{ "brackets in a local part", BYTES(V "rua=mailto:a[b@c.example"), NULL,
	    "E23", NULL },
	{ "an address for a domain", BYTES(V "rua=mailto:a@[192.0.2.1]"), NULL,
	    "E24", NULL },
	{ "two fragments", BYTES(GOOD ",https://h/#a#b"), NULL, "W44 E46",
	    NULL },
	{ "something before https", BYTES(V "rua=xhttps://h.example/"), NULL,
	    "E15", NULL },
	{ "exclamation marks alone", BYTES(V "rua=!!"), NULL, "E15 E15", NULL },
	{ "SPF", BYTES("v=spf1 -all"), NULL, "E0 E6 E7 E11", NULL },
	{ "a digit first", BYTES(GOOD ";1ext=x"), "mailto:a@b.example", "N34",
	    NULL },
	{ "brackets in a path", BYTES(GOOD ",https://h/[]"), NULL, "E44",
	    NULL },
	{ "a field without \"=\"", BYTES(GOOD ";x"), NULL, "E34", NULL },
	{ "an empty value", BYTES(GOOD ";more="), NULL, "E39", NULL },
	{ "a long name", BYTES(GOOD ";a12345678901234567890123456789012=1"),
	    NULL, "E34", NULL },
	{ "a bad name", BYTES(GOOD ";1%=a"), NULL, "E34", NULL },
	{ "\"=\" in a value", BYTES(GOOD ";test=="), NULL, "E39", NULL },
	{ "two delimiters", BYTES(GOOD ";;"), NULL, "E34", NULL },
	{ "NUL", BYTES(V "rua=mailto:a\0@b.example"), NULL, "E23", NULL },
};

static void
join(const struct reportingpolicy *policy, struct buf *out)
{
	for (size_t i = 0; i < policy->rua_count; i++) {
		const char *uri = policy->rua[i].uri;
		bool is_mailto = uri[0] == 'm' || uri[0] == 'M';

		ck_status(
		    "uri", buf_addf(out, "%s%s", i > 0 ? " " : "", uri), ST_OK);
		ck_assert_int_eq(
		    policy->rua[i].scheme, is_mailto ? RUA_MAILTO : RUA_HTTPS);
	}
}

START_TEST(records)
{
	struct remarks remarks = { 0 };
	struct reportingpolicy policy = { .rua_count = 0 };
	char *text = malloc(rows[_i].len + (rows[_i].len == 0));
	char got[REMARKING_MAX];
	bool is_valid;

	ck_assert_ptr_nonnull(text);
	memcpy(text, rows[_i].text, rows[_i].len);
	is_valid = reportingpolicy_read(
	    text, rows[_i].len, "own.example", &policy, &remarks);
	remarking_short(&remarks, got);
	ck_string(rows[_i].name, got, rows[_i].remarks);
	ck_assert_msg(is_valid == (rows[_i].rua != NULL), "%s", rows[_i].name);
	ck_assert_msg(is_valid == (remarks.errors == 0), "%s", rows[_i].name);
	if (rows[_i].words != NULL)
		ck_assert_msg(remarking_has(&remarks, rows[_i].words),
		    "%s: not \"%s\"", rows[_i].name, rows[_i].words);
	if (is_valid) {
		struct buf joined;

		buf_init(&joined, 10000);
		join(&policy, &joined);
		ck_string(rows[_i].name, joined.data, rows[_i].rua);
		buf_free(&joined);
	}
	ck_assert(reportingpolicy_read(
		      text, rows[_i].len, NULL, &policy, NULL) == is_valid);
	free(text);
}
END_TEST

START_TEST(uris_are_counted)
{
	for (size_t count = REPORTINGPOLICY_RUA_MAX;
	     count <= REPORTINGPOLICY_RUA_MAX + 1; count++) {
		struct reportingpolicy policy;
		struct buf text;

		buf_init(&text, 10000);
		ck_status("text", buf_adds(&text, GOOD), ST_OK);
		unit_repeat(&text, ",mailto:c@d.example", count - 1);
		ck_assert_int_eq(reportingpolicy_read(
				     text.data, text.len, NULL, &policy, NULL),
		    count == REPORTINGPOLICY_RUA_MAX);
		buf_free(&text);
	}
}
END_TEST

START_TEST(uris_are_bounded)
{
	for (size_t len = REPORTINGPOLICY_URI_MAX - 1;
	     len <= REPORTINGPOLICY_URI_MAX; len++) {
		struct reportingpolicy policy;
		struct buf text;

		buf_init(&text, 10000);
		ck_status("text", buf_adds(&text, GOOD ",https://h/"), ST_OK);
		unit_repeat(&text, "x", len - strlen("https://h/"));
		ck_assert_int_eq(reportingpolicy_read(
				     text.data, text.len, NULL, &policy, NULL),
		    len < REPORTINGPOLICY_URI_MAX);
		buf_free(&text);
	}
}
END_TEST

START_TEST(others_are_told)
{
	ck_assert(reportingpolicy_is_one(BYTES("v=TLSRPTv1;")));
	ck_assert(reportingpolicy_is_one(BYTES("v=TLSRPTv1; what")));
	ck_assert(!reportingpolicy_is_one(BYTES("v=TLSRPTv1")));
	ck_assert(!reportingpolicy_is_one(BYTES("v=TLSRPTv1 ;rua=x")));
	ck_assert(!reportingpolicy_is_one(BYTES("v=TLSRPTv10;rua=x")));
	ck_assert(!reportingpolicy_is_one(BYTES("v=tlsrptv1;rua=x")));
	ck_assert(!reportingpolicy_is_one(BYTES("")));
}
END_TEST

Suite *
reportingpolicy_suite(void)
{
	Suite *suite = suite_create("reportingpolicy");
	TCase *tc = tcase_create("reportingpolicy");

	tcase_add_loop_test(tc, records, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, uris_are_counted);
	tcase_add_test(tc, uris_are_bounded);
	tcase_add_test(tc, others_are_told);
	suite_add_tcase(suite, tc);
	return suite;
}
