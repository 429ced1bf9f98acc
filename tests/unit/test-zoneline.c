#include <check.h>
#include <string.h>

#include "suites.h"
#include "unit.h"
#include "zoneline.h"

/* c: cut off by ";"; m: more behind it; u: without quotes. */
static const struct {
	const char *line;
	const char *text; /* NULL: it is none */
	const char *owner;
	size_t strings;
	const char *flags;
} rows[] = {
	{ "v=TLSRPTv1; rua=mailto:a@b.example TXT", NULL, "", 0, "" },
	{ "\"v=TLSRPTv1\" TXT", NULL, "", 0, "" },
	{ "_smtp._tls IN A 192.0.2.1 a TXT", NULL, "", 0, "" },
	{ "", NULL, "", 0, "" },
	{ "TXTS \"x\"", NULL, "", 0, "" },
	{ "TXT", "", "", 0, "" },
	{ "txt \"x\"", "x", "", 1, "" },
	{ "a.example. 300 IN TXT \"x\" \"y\"", "xy", "a.example.", 2, "" },
	{ "a.example. IN 300 TXT \"x\"\"y\"", "xy", "a.example.", 2, "" },
	{ "a 1 IN x TXT \"x\"", NULL, "", 0, "" },
	{ "a TXT \"\"", "", "a", 1, "" },
	{ "abc TXT x y", "xy", "abc", 2, "u" },
	{ "abc TXT x; y", "x", "abc", 1, "cu" },
	{ "abc TXT \"x; y\" ; z", "x; y", "abc", 1, "" },
	{ "abc TXT \"x\"\nabc TXT \"y\"", "x", "abc", 1, "m" },
	{ "abc TXT \"x\"\n; y\n\n", "x", "abc", 1, "" },
	{ "abc TXT ( \"x\"\n\"y\" ) \"z\"\n", "xyz", "abc", 3, "" },
	{ "abc TXT ( \"x\"\n; \"y\"\n\"z\"", "xz", "abc", 2, "" },
	{ "abc TXT \"a\\\"b\\\\c\\059d\\256e\\", "a\"b\\c;d256e\\", "abc", 1,
	    "" },
	{ "abc TXT \"x\ny\"", "x\ny", "abc", 1, "" },
	{ "abc TXT )))\"x\"", "x", "abc", 1, "" },
};

static void
check_row(size_t i)
{
	char flags[4] = "", *p = flags;
	struct zoneline zone;
	struct buf out;

	buf_init(&out, 100);
	ck_status("read",
	    zoneline_read(&zone, rows[i].line, strlen(rows[i].line), &out),
	    ST_OK);
	if (zone.is_cut)
		*p++ = 'c';
	if (zone.has_more)
		*p++ = 'm';
	if (zone.is_unquoted)
		*p++ = 'u';
	ck_bytes(rows[i].line, out.data, out.len, rows[i].text,
	    strlen(rows[i].text));
	ck_string(rows[i].line, flags, rows[i].flags);
	ck_assert_uint_eq(zone.strings, rows[i].strings);
	ck_string(rows[i].line, zone.owner, rows[i].owner);
	buf_free(&out);
}

START_TEST(lines)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_expect(zoneline_is_one(rows[i].line, strlen(rows[i].line)) ==
			(rows[i].text != NULL),
		    "%s", rows[i].line);
		if (rows[i].text != NULL)
			check_row(i);
	}
}
END_TEST

START_TEST(a_text_is_bounded)
{
	static const char line[] = "abc TXT \"12345\"";
	struct zoneline zone;
	struct buf out;

	for (size_t max = 4; max <= 5; max++) {
		buf_init(&out, max);
		ck_status("read",
		    zoneline_read(&zone, line, strlen(line), &out),
		    max == 5 ? ST_OK : ST_TOO_LARGE);
		buf_free(&out);
	}
}
END_TEST

Suite *
zoneline_suite(void)
{
	Suite *suite = suite_create("zoneline");
	TCase *tcase = tcase_create("zoneline");

	tcase_add_test(tcase, lines);
	tcase_add_test(tcase, a_text_is_bounded);
	suite_add_tcase(suite, tcase);
	return suite;
}
