#include <check.h>
#include <stdio.h>
#include <string.h>

#include "policylines.h"
#include "suites.h"
#include "unit.h"

/* policy-string, and the lines that are in it, each with a "|" behind. */
static const struct {
	const char *json;
	const char *want;
} strings[] = {
	{ "null", "" },
	{ "[]", "" },
	{ "[\"version: STSv1\",\"mode: enforce\"]",
	    "version: STSv1|mode: enforce|" },
	{ "[\" mx: a \",\"\",\" \\t\",\"mx: b\\r\\n\"]", "mx: a|mx: b|" },
	/* Microsoft. */
	{ "[\"[\\\"3 1 1 AB\\\",\\\"3 1 1 CD\\\"]\"]", "3 1 1 AB|3 1 1 CD|" },
	{ "[\" [\\\"a\\\"]\"]", "a|" },
	/* That is none. */
	{ "[\"[\\\"a\\\"\"]", "[\"a\"|" },
	{ "[\"[1,null,[\\\"x\\\"]]\"]", "" },
	{ "[\"{\\\"mx\\\":\\\"a\\\"}\"]", "{\"mx\":\"a\"}|" },
	{ "[\"[\\\"a\\\"]\",\"b\"]", "[\"a\"]|b|" },
	/* All in one. */
	{ "[\"version: STSv1\\r\\nmode: none\\nmx: a\"]",
	    "version: STSv1|mode: none|mx: a|" },
	{ "[1,{},\"a\"]", "a|" },
};

static void
join(const struct policylines *lines, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < lines->count; i++)
		n += (size_t)snprintf(out + n, size - n, "%s|", lines->line[i]);
}

START_TEST(strings_are_read)
{
	cJSON *json = cJSON_Parse(strings[_i].json);
	struct policylines lines = { 0 };
	char out[512];

	ck_assert_ptr_nonnull(json);
	ck_status(strings[_i].json, policylines_read(&lines, json), ST_OK);
	join(&lines, out, sizeof out);
	ck_string(strings[_i].json, out, strings[_i].want);
	policylines_clear(&lines);
	cJSON_Delete(json);
}
END_TEST

START_TEST(lines_are_bounded)
{
	static char text[3 * POLICYLINES_LINE_MAX];
	struct policylines lines = { 0 };

	ck_status("none", policylines_read(&lines, NULL), ST_OK);
	for (size_t i = 0; i <= POLICYLINES_MAX; i++)
		ck_status("add", policylines_add(&lines, "a\n", 2), ST_OK);
	ck_assert_uint_eq(lines.count, POLICYLINES_MAX);
	policylines_clear(&lines);
	ck_assert_uint_eq(lines.count, 0);
	for (size_t len = POLICYLINES_LINE_MAX - 1; len <= POLICYLINES_LINE_MAX;
	     len++) {
		memset(text, 'x', len);
		ck_status("add", policylines_add(&lines, text, len), ST_OK);
		ck_assert_uint_eq(
		    strlen(lines.line[0]), POLICYLINES_LINE_MAX - 1);
		policylines_clear(&lines);
	}
	/* A NUL ends a line for whoever prints it. */
	ck_status("NUL", policylines_add(&lines, "a\0b\n\0\nc", 7), ST_OK);
	ck_assert_uint_eq(lines.count, 2);
	ck_string("a", lines.line[0], "a");
	ck_string("c", lines.line[1], "c");
	policylines_clear(&lines);
}
END_TEST

static const struct {
	const char *before;
	const char *after;
	const char *want;
	size_t differing;
} differences[] = {
	{ "", "", "", 0 },
	{ "a\nb", "b\na", " a| b|", 0 },
	{ "a\nb", "b\nc", "-a| b|+c|", 2 },
	{ "a\na", "a", " a|-a|", 1 },
	{ "", "a", "+a|", 1 },
	{ "a", "", "-a|", 1 },
	/* As different senders write the same. */
	{ "mx:A.example\nmode :  enforce", "MX: a.example\r\nmode: enforce",
	    " mx:A.example| mode :  enforce|", 0 },
	{ "3 1 1 ABCD", "3 1  1 abcd", " 3 1 1 ABCD|", 0 },
	{ "3 1 1 ABCD", "311 abcd", "-3 1 1 ABCD|+311 abcd|", 2 },
	{ "max_age: 1 2", "max_age: 12", "-max_age: 1 2|+max_age: 12|", 2 },
};

static void
note(void *ctx, char sign, const char *line)
{
	char *out = ctx;
	size_t n = strlen(out);

	(void)snprintf(out + n, 512 - n, "%c%s|", sign, line);
}

START_TEST(policies_are_compared)
{
	struct policylines before = { 0 }, after = { 0 };
	const char *a = differences[_i].before, *b = differences[_i].after;
	char out[512] = "";

	ck_status("a", policylines_add(&before, a, strlen(a)), ST_OK);
	ck_status("b", policylines_add(&after, b, strlen(b)), ST_OK);
	ck_assert_uint_eq(policylines_compare(&before, &after, note, out),
	    differences[_i].differing);
	ck_string(a, out, differences[_i].want);
	ck_assert_uint_eq(policylines_compare(&before, &after, NULL, NULL),
	    differences[_i].differing);
	ck_assert_int_eq(policylines_is_same(&before, &after),
	    differences[_i].differing == 0);
	policylines_clear(&before);
	policylines_clear(&after);
}
END_TEST

/* Lines that are alike but for the end, by hundreds: no second each time. */
START_TEST(much_that_is_alike)
{
	struct policylines before = { 0 }, after = { 0 };
	char line[POLICYLINES_LINE_MAX];

	memset(line, 'x', sizeof line);
	for (int i = 0; i < POLICYLINES_MAX; i++) {
		(void)snprintf(line + 1000, 8, "b%d", i);
		ck_status(
		    "b", policylines_add(&before, line, strlen(line)), ST_OK);
		line[1000] = 'a';
		ck_status(
		    "a", policylines_add(&after, line, strlen(line)), ST_OK);
	}
	for (int i = 0; i < 64; i++)
		ck_assert_uint_eq(
		    policylines_compare(&before, &after, NULL, NULL),
		    2 * POLICYLINES_MAX);
	policylines_clear(&before);
	policylines_clear(&after);
}
END_TEST

Suite *
policylines_suite(void)
{
	Suite *suite = suite_create("policylines");
	TCase *tc = tcase_create("policylines");

	tcase_add_loop_test(tc, strings_are_read, 0, (int)ARRAY_LEN(strings));
	tcase_add_test(tc, lines_are_bounded);
	tcase_add_test(tc, much_that_is_alike);
	tcase_add_loop_test(
	    tc, policies_are_compared, 0, (int)ARRAY_LEN(differences));
	suite_add_tcase(suite, tc);
	return suite;
}
