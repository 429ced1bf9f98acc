#include <check.h>
#include <string.h>

#include "crlf.h"
#include "suites.h"
#include "unit.h"

static const struct {
	const char *name;
	const char *in;
	size_t len;
	const char *milter; /* what comes out, and of a file */
	const char *file;
} rows[] = {
	{ "empty", BYTES(""), "", "" },
	{ "a line", BYTES("a\r\n"), "a\r\n", "a\r\n" },
	{ "a line without end", BYTES("a"), "a\r\n", "a\r\n" },
	{ "LF", BYTES("a\nb\n"), "a\nb\n\r\n", "a\r\nb\r\n" },
	{ "LF alone", BYTES("\n"), "\n\r\n", "\r\n" },
	{ "two LF", BYTES("\n\n"), "\n\n\r\n", "\r\n\r\n" },
	{ "mixed", BYTES("a\r\nb\nc"), "a\r\nb\nc\r\n", "a\r\nb\r\nc\r\n" },
	{ "CR", BYTES("a\rb\r\n"), "a\rb\r\n", "a\rb\r\n" },
	{ "CR at the end", BYTES("a\r"), "a\r\r\n", "a\r\r\n" },
	{ "two CR", BYTES("a\r\r\n"), "a\r\r\n", "a\r\r\n" },
	{ "a blank line", BYTES("\r\n\r\n"), "\r\n\r\n", "\r\n\r\n" },
};

static void
collect_any(void *ctx, char *data, size_t len)
{
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, CRLF_BLOCK);
	ck_status("out", buf_add(ctx, data, len), ST_OK);
}

static void
collect(void *ctx, char *data, size_t len)
{
	collect_any(ctx, data, len);
	ck_assert_int_ne(data[len - 1], '\r');
}

static void
feed(void *ctx, const char *data, size_t len)
{
	crlf_more(ctx, data, len);
}

START_TEST(line_ends)
{
	static struct crlf crlf;

	for (size_t way = 0; way < 2 * unit_ways(rows[_i].len); way++) {
		const char *want = way % 2 ? rows[_i].file : rows[_i].milter;
		struct buf out;

		buf_init(&out, 1000);
		crlf_init(&crlf, way % 2, collect, &out);
		unit_feed(way / 2, rows[_i].in, rows[_i].len, feed, &crlf);
		crlf_finish(&crlf);
		ck_bytes(rows[_i].name, out.data, out.len, want, strlen(want));
		buf_free(&out);
	}
}
END_TEST

/* A CR that would be the last byte of a block, and a NUL that is one. */
START_TEST(blocks)
{
	static struct crlf crlf;

	for (size_t n = CRLF_BLOCK - 3; n < CRLF_BLOCK + 3; n++) {
		struct buf in, out;

		buf_init(&in, 1 << 20);
		buf_init(&out, 1 << 20);
		unit_repeat(&in, "x", n);
		ck_status("in", buf_add(&in, BYTES("\r\r\r\n\0\r\n")), ST_OK);
		crlf_init(&crlf, false, collect, &out);
		crlf_more(&crlf, in.data, in.len);
		crlf_finish(&crlf);
		ck_bytes("block", out.data, out.len, in.data, in.len);
		buf_free(&in);
		buf_free(&out);
	}
}
END_TEST

/* A block of nothing but CRs waits for nothing. */
START_TEST(a_block_of_cr)
{
	static struct crlf crlf;
	struct buf in, out;

	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	unit_repeat(&in, "\r", 3 * CRLF_BLOCK + 1);
	crlf_init(&crlf, false, collect_any, &out);
	crlf_more(&crlf, in.data, in.len);
	crlf_finish(&crlf);
	ck_status("in", buf_adds(&in, "\r\n"), ST_OK);
	ck_bytes("block", out.data, out.len, in.data, in.len);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

Suite *
crlf_suite(void)
{
	Suite *suite = suite_create("crlf");
	TCase *tc = tcase_create("crlf");

	tcase_add_loop_test(tc, line_ends, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, blocks);
	tcase_add_test(tc, a_block_of_cr);
	suite_add_tcase(suite, tc);
	return suite;
}
