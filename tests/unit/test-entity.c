#include <check.h>
#include <string.h>

#include "entity.h"
#include "suites.h"
#include "unit.h"

enum {
	FIELDS_MAX = 4
};

#define TYPE     "Content-Type"
#define MISSPELT "ContentType"
#define ENCODING "Content-Transfer-Encoding"
#define DISPOSED "Content-Disposition"

/*
 * What is wanted is "type|boundary|report type|name|filename|description|"
 * and flags: b for base64, q for quoted-printable, t for typed.
 */
static const struct {
	const char *label;
	const char *field[FIELDS_MAX][2];
	const char *want;
	deviations dev;
} rows[] = {
	{ "nothing", { { NULL, NULL } }, "||||||", 0 },
	{ "other fields", { { "Subject", "x" }, { "Content-Typ", "a/b" } },
	    "||||||", 0 },
	{ "everything",
	    { { TYPE,
		  "Multipart/Report; report-type=tlsrpt; boundary=\"b c\"; "
		  "name=n" },
		{ ENCODING, " BASE64" },
		{ DISPOSED, "attachment;\r\n\tfilename=\"f.json\"" },
		{ "Content-Description", " a\r\n\tb " } },
	    "multipart/report|b c|tlsrpt|n|f.json|a b|bt", 0 },
	{ "names in other case",
	    { { "CONTENT-TYPE", "a/b" },
		{ "content-transfer-encoding", "quoted-printable" },
		{ "content-disposition", "inline; FILENAME=F" },
		{ "content-description", "D" } },
	    "a/b||||F|D|qt", 0 },
	{ "unknown encoding", { { ENCODING, "x-uuencode" } }, "||||||", 0 },
	{ "8bit", { { ENCODING, "8bit" } }, "||||||", 0 },
	{ "encoding with a comment",
	    { { ENCODING, "(x) quoted-printable (y)" } }, "||||||q", 0 },
	{ "encodings: the last counts",
	    { { ENCODING, "base64" }, { ENCODING, "7bit" } }, "||||||", 0 },
	{ "disposition without a filename",
	    { { DISPOSED, "attachment; filename=f" }, { DISPOSED, "inline" } },
	    "||||f||", 0 },
	{ "misspelled", { { MISSPELT, "a/b; name=n" } }, "a/b|||n|||",
	    DEV(DEV_MISSPELLED_CONTENT_TYPE) },
	{ "misspelled, then proper",
	    { { MISSPELT, "text/html; name=n" }, { TYPE, "text/plain" } },
	    "text/plain||||||t", DEV(DEV_MISSPELLED_CONTENT_TYPE) },
	{ "proper, then misspelled",
	    { { TYPE, "text/plain" }, { MISSPELT, "text/html; name=n" } },
	    "text/plain||||||t", DEV(DEV_MISSPELLED_CONTENT_TYPE) },
	{ "misspelled twice, the same",
	    { { MISSPELT, "a/b" }, { MISSPELT, "a/b; name=n" } }, "a/b||||||",
	    DEV(DEV_MISSPELLED_CONTENT_TYPE) },
	{ "two that agree",
	    { { TYPE, "Text/Plain; name=a" }, { TYPE, "text/plain; name=b" } },
	    "text/plain|||a|||t", 0 },
	{ "two that contradict: the first",
	    { { TYPE, "text/plain; name=a" }, { TYPE, "text/html; name=b" } },
	    "text/plain|||a|||t", DEV(DEV_REPEATED_CONTENT_TYPE) },
	{ "the report first",
	    { { TYPE, "application/tlsrpt+gzip; name=a" },
		{ TYPE, "text/plain; name=b" } },
	    "application/tlsrpt+gzip|||a|||t", DEV(DEV_REPEATED_CONTENT_TYPE) },
	{ "the report second",
	    { { TYPE, "text/plain; name=a" },
		{ TYPE, "application/tlsrpt+gzip" } },
	    "application/tlsrpt+gzip||||||t", DEV(DEV_REPEATED_CONTENT_TYPE) },
	{ "a multipart second",
	    { { TYPE, "text/plain; name=a" },
		{ TYPE, "Multipart/Mixed; boundary=b" } },
	    "multipart/mixed|b|||||t", DEV(DEV_REPEATED_CONTENT_TYPE) },
	{ "both lead to a report: the first",
	    { { TYPE, "multipart/mixed; boundary=b" },
		{ TYPE, "application/tlsrpt+json" } },
	    "multipart/mixed|b|||||t", DEV(DEV_REPEATED_CONTENT_TYPE) },
	{ "the second of three",
	    { { TYPE, "text/plain" }, { TYPE, "multipart/report; boundary=b" },
		{ TYPE, "text/html" } },
	    "multipart/report|b|||||t", DEV(DEV_REPEATED_CONTENT_TYPE) },
	{ "parameters of the first are not left over",
	    { { TYPE, "text/plain; boundary=b; report-type=r; name=n" },
		{ TYPE, "multipart/mixed" } },
	    "multipart/mixed||||||t", DEV(DEV_REPEATED_CONTENT_TYPE) },
	{ "an empty one", { { TYPE, "" } }, "||||||t", 0 },
	{ "an empty one first", { { TYPE, "" }, { TYPE, "a/b" } }, "a/b||||||t",
	    DEV(DEV_REPEATED_CONTENT_TYPE) },
	{ "no multipart/, no application/tlsrpt",
	    { { TYPE, "text/plain" }, { TYPE, "multipart" },
		{ TYPE, "application/json" } },
	    "text/plain||||||t", DEV(DEV_REPEATED_CONTENT_TYPE) },
};

static void
print_entity(struct buf *out, const struct entity *e)
{
	const char *strings[] = { e->type, e->boundary, e->report_type, e->name,
		e->filename, e->description };

	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		(void)buf_adds(out, strings[i]);
		(void)buf_adds(out, "|");
	}
	if (e->encoding != MIME_IDENTITY)
		(void)buf_adds(out, e->encoding == MIME_BASE64 ? "b" : "q");
	ck_status("entity", buf_adds(out, e->is_typed ? "t" : ""), ST_OK);
}

START_TEST(fields_are_taken)
{
	struct entity entity = { .is_typed = false };
	deviations dev = 0;
	struct buf out;

	buf_init(&out, 1000);
	for (size_t i = 0; i < FIELDS_MAX && rows[_i].field[i][0] != NULL; i++)
		entity_field(
		    &entity, rows[_i].field[i][0], rows[_i].field[i][1], &dev);
	print_entity(&out, &entity);
	ck_string(rows[_i].label, out.data, rows[_i].want);
	ck_deviations(rows[_i].label, dev, rows[_i].dev);
	buf_free(&out);
}
END_TEST

/* What was odd is added to what was odd before. */
START_TEST(deviations_are_added)
{
	struct entity entity = { .is_typed = false };
	deviations dev = DEV(DEV_BASE64_GARBAGE);

	entity_field(&entity, MISSPELT, "a/b", &dev);
	ck_deviations("added", dev,
	    DEV(DEV_BASE64_GARBAGE) | DEV(DEV_MISSPELLED_CONTENT_TYPE));
}
END_TEST

/* Each string at its limit, and a byte over it, which is cut. */
static const struct {
	const char *name;
	const char *before; /* what stands before the bytes that count */
	size_t offset;
	size_t size;
} limits[] = {
	{ TYPE, "", offsetof(struct entity, type), HEADER_TOKEN_MAX },
	{ TYPE, "a/b; boundary=", offsetof(struct entity, boundary),
	    ENTITY_BOUNDARY_MAX },
	{ TYPE, "a/b; report-type=", offsetof(struct entity, report_type),
	    HEADER_TOKEN_MAX },
	{ TYPE, "a/b; name=", offsetof(struct entity, name), HEADER_VALUE_MAX },
	{ DISPOSED, "inline; filename=", offsetof(struct entity, filename),
	    HEADER_VALUE_MAX },
	{ "Content-Description", "", offsetof(struct entity, description),
	    HEADER_VALUE_MAX },
};

START_TEST(strings_have_their_limit)
{
	for (size_t len = limits[_i].size - 1; len <= limits[_i].size; len++) {
		struct entity entity = { .is_typed = false };
		const char *at = (const char *)&entity + limits[_i].offset;
		deviations dev = 0;
		struct buf value;

		buf_init(&value, 4096);
		(void)buf_adds(&value, limits[_i].before);
		unit_repeat(&value, "x", len);
		entity_field(&entity, limits[_i].name, value.data, &dev);
		ck_assert_uint_eq(strspn(at, "x"), limits[_i].size - 1);
		ck_assert_uint_eq(strlen(at), limits[_i].size - 1);
		ck_deviations(limits[_i].before, dev, 0);
		buf_free(&value);
	}
}
END_TEST

Suite *
entity_suite(void)
{
	Suite *suite = suite_create("entity");
	TCase *tc = tcase_create("entity");

	tcase_add_loop_test(tc, fields_are_taken, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, deviations_are_added);
	tcase_add_loop_test(
	    tc, strings_have_their_limit, 0, (int)ARRAY_LEN(limits));
	suite_add_tcase(suite, tc);
	return suite;
}
