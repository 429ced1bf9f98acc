#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "inject.h"
#include "suites.h"
#include "unit.h"
#include "unzip.h"

struct decoding {
	struct unzip *uz;
	struct buf out;
	enum status st;
	struct fault fault;
};

static void
feed(void *ctx, const char *data, size_t len)
{
	struct decoding *d = ctx;

	if (d->st == ST_OK)
		d->st = unzip_more(d->uz, data, len, &d->fault);
}

static void
decode(size_t way, const struct buf *in, size_t max, struct decoding *d)
{
	*d = (struct decoding){ .st = ST_OK };
	buf_init(&d->out, max);
	d->uz = unzip_new(&d->out);
	ck_assert_ptr_nonnull(d->uz);
	unit_feed(way, in->data, in->len, feed, d);
	if (d->st == ST_OK)
		d->st = unzip_finish(d->uz, &d->fault);
}

static void
decoding_free(struct decoding *d)
{
	unzip_free(&d->uz);
	ck_assert_ptr_null(d->uz);
	buf_free(&d->out);
}

#define TEXT "{\"organization-name\":\"Example\",\"x\":[1,2,3,1,2,3]}"
#define NAME "google.com!example.com!1!2!001.json"

enum {
	STORED = 0,
	DEFLATE = 8,
	ENCRYPTED = 1,
	LATE = 8 /* the descriptor follows the data */
};

/* One member, and what may be done to the archive. */
static const struct {
	const char *name;
	struct unit_zip zip;
	enum status want;
	const char *text; /* NULL: not looked at */
	bool is_doubled;  /* the member twice */
	bool is_unsigned; /* the descriptor lacks its signature */
	size_t cut;       /* bytes that are missing at the end */
} rows[] = {
	{ "deflate", { NAME, 0, DEFLATE, BYTES(TEXT), false }, ST_OK, TEXT,
	    false, false, 0 },
	{ "stored", { NAME, 0, STORED, BYTES(TEXT), false }, ST_OK, TEXT, false,
	    false, 0 },
	{ "no name", { "", 0, DEFLATE, BYTES(TEXT), false }, ST_OK, TEXT, false,
	    false, 0 },
	{ "descriptor", { NAME, LATE, DEFLATE, BYTES(TEXT), false }, ST_OK,
	    TEXT, false, false, 0 },
	{ "descriptor unsigned", { NAME, LATE, DEFLATE, BYTES(TEXT), false },
	    ST_OK, TEXT, false, true, 0 },
	{ "UTF-8 name flag", { NAME, 0x800, DEFLATE, BYTES(TEXT), false },
	    ST_OK, TEXT, false, false, 0 },
	{ "empty deflate", { NAME, 0, DEFLATE, BYTES(""), false }, ST_OK, "",
	    false, false, 0 },
	{ "empty stored", { NAME, 0, STORED, BYTES(""), false }, ST_OK, "",
	    false, false, 0 },
	{ "encrypted", { NAME, ENCRYPTED, DEFLATE, BYTES(TEXT), false },
	    ST_ZIP_UNSUPPORTED, "", false, false, 0 },
	{ "another method", { NAME, 0, 12, BYTES(TEXT), false },
	    ST_ZIP_UNSUPPORTED, "", false, false, 0 },
	{ "stored, length unknown", { NAME, LATE, STORED, BYTES(TEXT), false },
	    ST_ZIP_UNSUPPORTED, "", false, false, 0 },
	{ "two members", { NAME, 0, DEFLATE, BYTES(TEXT), false },
	    ST_ZIP_UNSUPPORTED, NULL, true, false, 0 },
	{ "two stored members", { NAME, 0, STORED, BYTES(TEXT), false },
	    ST_ZIP_UNSUPPORTED, NULL, true, false, 0 },
	{ "two members, descriptors",
	    { NAME, LATE, DEFLATE, BYTES(TEXT), false }, ST_ZIP_UNSUPPORTED,
	    NULL, true, false, 0 },
	{ "wrong CRC", { NAME, 0, DEFLATE, BYTES(TEXT), true }, ST_GZIP_CORRUPT,
	    NULL, false, false, 0 },
	{ "wrong CRC, stored", { NAME, 0, STORED, BYTES(TEXT), true },
	    ST_GZIP_CORRUPT, NULL, false, false, 0 },
	{ "wrong CRC, descriptor", { NAME, LATE, DEFLATE, BYTES(TEXT), true },
	    ST_GZIP_CORRUPT, NULL, false, false, 0 },
	{ "cut in the data", { NAME, 0, DEFLATE, BYTES(TEXT), false },
	    ST_GZIP_TRUNCATED, NULL, false, false, 69 },
	{ "cut in stored data", { NAME, 0, STORED, BYTES(TEXT), false },
	    ST_GZIP_TRUNCATED, NULL, false, false, 69 },
	{ "cut in the descriptor", { NAME, LATE, DEFLATE, BYTES(TEXT), false },
	    ST_GZIP_TRUNCATED, NULL, false, false, 69 },
	{ "no directory", { NAME, 0, DEFLATE, BYTES(TEXT), false },
	    ST_GZIP_TRUNCATED, NULL, false, false, 68 },
};

static void
build(struct buf *in, int i)
{
	unit_zip_member(in, &rows[i].zip);
	if (rows[i].is_doubled)
		unit_zip_member(in, &rows[i].zip);
	if (rows[i].is_unsigned) {
		memmove(in->data + in->len - 16, in->data + in->len - 12, 12);
		buf_cut(in, in->len - 4);
	}
	unit_zip_end(in);
	buf_cut(in, in->len - rows[i].cut);
}

START_TEST(archives)
{
	struct buf in;

	buf_init(&in, 1 << 16);
	build(&in, _i);
	for (size_t way = 0; way < unit_ways(in.len); way++) {
		struct decoding d;

		decode(way, &in, 1 << 16, &d);
		ck_status(rows[_i].name, d.st, rows[_i].want);
		if (rows[_i].text != NULL)
			ck_bytes(rows[_i].name, d.out.data, d.out.len,
			    rows[_i].text, strlen(rows[_i].text));
		if (d.st != ST_OK) {
			ck_status("fault", d.fault.status, d.st);
			ck_assert_str_ne(d.fault.detail, "");
		}
		decoding_free(&d);
	}
	buf_free(&in);
}
END_TEST

START_TEST(what_is_no_archive)
{
	static const struct {
		const char *bytes;
		size_t len;
	} others[] = { { BYTES("") }, { BYTES("PK") }, { BYTES("PK\3\4") },
		{ BYTES("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
		{ BYTES("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			"0123456789") },
		{ BYTES("{\"organization-name\": \"not a zip archive\"}") },
		{ BYTES("PK\1\2--------------------------------------") } };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct decoding d;
		struct buf in;

		buf_init(&in, 1000);
		ck_status(
		    "in", buf_add(&in, others[i].bytes, others[i].len), ST_OK);
		decode(0, &in, 1000, &d);
		ck_status("other", d.st, ST_ZIP_UNSUPPORTED);
		ck_assert_uint_eq(d.out.len, 0);
		decoding_free(&d);
		buf_free(&in);
	}
}
END_TEST

/* The header's promise: what follows the member is the central directory. */
START_TEST(garbage_behind_the_member)
{
	struct unit_zip zip = { NAME, 0, DEFLATE, BYTES(TEXT), false };
	struct decoding d;
	struct buf in;

	buf_init(&in, 1 << 16);
	unit_zip_member(&in, &zip);
	ck_status("in", buf_adds(&in, "no directory at all"), ST_OK);
	decode(0, &in, 1 << 16, &d);
	ck_status("garbage", d.st, ST_ZIP_UNSUPPORTED);
	decoding_free(&d);
	buf_free(&in);
}
END_TEST

START_TEST(the_cap_is_the_limit)
{
	size_t len = strlen(TEXT);
	const size_t caps[] = { len + 1, len, len - 1, 1, 0 };

	for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
		struct unit_zip zip = { NAME, 0, _i == 0 ? DEFLATE : STORED,
			BYTES(TEXT), false };
		struct decoding d;
		struct buf in;

		buf_init(&in, 1 << 16);
		unit_zip_member(&in, &zip);
		unit_zip_end(&in);
		for (size_t way = 0; way < unit_ways(in.len); way++) {
			decode(way, &in, caps[i], &d);
			ck_status(
			    "cap", d.st, caps[i] < len ? ST_TOO_LARGE : ST_OK);
			ck_assert_uint_le(d.out.len, caps[i]);
			decoding_free(&d);
		}
		buf_free(&in);
	}
}
END_TEST

/* A damaged deflate stream, at each byte of the archive. */
START_TEST(damage_never_passes_for_the_text)
{
	struct unit_zip zip = { "x", 0, DEFLATE, BYTES(TEXT), false };
	struct buf in;

	buf_init(&in, 1 << 16);
	unit_zip_member(&in, &zip);
	unit_zip_end(&in);
	for (size_t i = 0; i < in.len; i++) {
		struct decoding d;

		in.data[i] ^= 0x41;
		decode(1, &in, 1 << 16, &d);
		if (d.st == ST_OK)
			ck_bytes(
			    "text", d.out.data, d.out.len, TEXT, strlen(TEXT));
		decoding_free(&d);
		in.data[i] ^= 0x41;
	}
	buf_free(&in);
}
END_TEST

START_TEST(without_memory)
{
	struct unit_zip zip = { NAME, 0, _i == 0 ? DEFLATE : STORED,
		BYTES(TEXT), false };
	struct buf in;

	buf_init(&in, 1 << 16);
	unit_zip_member(&in, &zip);
	unit_zip_end(&in);
	for (unsigned n = 1;; n++) {
		enum status st = ST_NO_MEMORY;
		struct unzip *uz;
		struct buf out;

		buf_init(&out, 1 << 16);
		inject_arm(INJECT_MEMORY | INJECT_ZLIB, n);
		uz = unzip_new(&out);
		if (uz != NULL) {
			st = unzip_more(uz, in.data, in.len, NULL);
			unzip_free(&uz);
		}
		buf_free(&out);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			ck_assert_uint_gt(n, 3);
			break;
		}
		ck_status("one", st, ST_NO_MEMORY);
		ck_assert_uint_eq(inject_leaks(), 0);
	}
	buf_free(&in);
}
END_TEST

Suite *
unzip_suite(void)
{
	Suite *suite = suite_create("unzip");
	TCase *tc = tcase_create("unzip");

	tcase_add_loop_test(tc, archives, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, what_is_no_archive);
	tcase_add_test(tc, garbage_behind_the_member);
	tcase_add_loop_test(tc, the_cap_is_the_limit, 0, 2);
	tcase_add_test(tc, damage_never_passes_for_the_text);
	tcase_add_loop_test(tc, without_memory, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
