#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "suites.h"
#include "unit.h"

struct decoding {
	struct base64 b64;
	struct buf out;
};

/* Decode into exactly the room that was promised to be enough. */
static void
feed(void *ctx, const char *data, size_t len)
{
	struct decoding *d = ctx;
	char *out = malloc(BASE64_ROOM(len));
	size_t n;

	ck_assert_ptr_nonnull(out);
	n = base64_more(&d->b64, data, len, out);
	ck_assert_uint_le(n, BASE64_ROOM(len));
	ck_status("out", buf_add(&d->out, out, n), ST_OK);
	free(out);
}

static const struct {
	const char *name;
	const char *in;
	size_t len;
	const char *want;
	size_t want_len;
	uint64_t garbage;
	uint64_t offset; /* in the output, of the first garbage */
} rows[] = {
	/* RFC 4648, section 10. */
	{ "empty", BYTES(""), BYTES(""), 0, 0 },
	{ "f", BYTES("Zg=="), BYTES("f"), 0, 0 },
	{ "fo", BYTES("Zm8="), BYTES("fo"), 0, 0 },
	{ "foo", BYTES("Zm9v"), BYTES("foo"), 0, 0 },
	{ "foob", BYTES("Zm9vYg=="), BYTES("foob"), 0, 0 },
	{ "fooba", BYTES("Zm9vYmE="), BYTES("fooba"), 0, 0 },
	{ "foobar", BYTES("Zm9vYmFy"), BYTES("foobar"), 0, 0 },
	{ "all bits", BYTES("+/+/"), BYTES("\xfb\xff\xbf"), 0, 0 },
	{ "zeros", BYTES("AAAA"), BYTES("\0\0\0"), 0, 0 },
	{ "lines", BYTES("Zm\r\n9v\r\nYm\t Fy\r\n"), BYTES("foobar"), 0, 0 },
	{ "no padding 1", BYTES("Zg"), BYTES("f"), 0, 0 },
	{ "no padding 2", BYTES("Zm8"), BYTES("fo"), 0, 0 },
	{ "half padding", BYTES("Zg="), BYTES("f"), 0, 0 },
	{ "padding on its own line", BYTES("Zg\r\n==\r\n"), BYTES("f"), 0, 0 },
	{ "too much padding", BYTES("Zm8===="), BYTES("fo"), 0, 0 },
	{ "lone digit", BYTES("Zm9vY"), BYTES("foo"), 1, 3 },
	{ "garbage between", BYTES("Zm9v!YmFy"), BYTES("foobar"), 1, 3 },
	{ "garbage at once", BYTES("-Zm9v"), BYTES("foo"), 1, 0 },
	{ "garbage in a group", BYTES("Zm9vYm?Fy"), BYTES("foobar"), 1, 3 },
	{ "NUL and 8 bit", BYTES("Zm9v\0\x80\xffYmFy"), BYTES("foobar"), 3, 3 },
	{ "URL alphabet", BYTES("Zm9v-_"), BYTES("foo"), 2, 3 },
	{ "behind padding", BYTES("Zg==Zm9v"), BYTES("f"), 4, 1 },
	{ "padding first", BYTES("=Zm9v"), BYTES("foo"), 1, 0 },
	{ "padding behind a digit", BYTES("Z=m9v"), BYTES("foo"), 1, 0 },
	{ "a list's footer", BYTES("Zm8=\r\n--\r\nx"), BYTES("fo"), 3, 2 },
};

START_TEST(decodes)
{
	for (size_t way = 0; way < unit_ways(rows[_i].len); way++) {
		struct decoding d;
		char end[2];
		size_t n;

		base64_init(&d.b64);
		buf_init(&d.out, 1000);
		unit_feed(way, rows[_i].in, rows[_i].len, feed, &d);
		n = base64_finish(&d.b64, end);
		ck_assert_uint_le(n, sizeof end);
		ck_status("out", buf_add(&d.out, end, n), ST_OK);
		ck_bytes(rows[_i].name, d.out.data, d.out.len, rows[_i].want,
		    rows[_i].want_len);
		ck_assert_uint_eq(d.b64.produced, rows[_i].want_len);
		ck_assert_uint_eq(d.b64.garbage, rows[_i].garbage);
		if (rows[_i].garbage > 0)
			ck_assert_uint_eq(
			    d.b64.garbage_offset, rows[_i].offset);
		buf_free(&d.out);
	}
}
END_TEST

START_TEST(every_byte_comes_back)
{
	char bytes[256];
	struct buf in;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 167 + 13);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		struct decoding d;

		buf_init(&in, 1000);
		buf_init(&d.out, 1000);
		ck_status("in", buf_adds(&in, ""), ST_OK);
		unit_base64(&in, bytes, len);
		base64_init(&d.b64);
		feed(&d, in.data, in.len);
		ck_bytes("bytes", d.out.data, d.out.len, bytes, len);
		ck_assert_uint_eq(d.b64.garbage, 0);
		buf_free(&in);
		buf_free(&d.out);
	}
}
END_TEST

Suite *
base64_suite(void)
{
	Suite *suite = suite_create("base64");
	TCase *tc = tcase_create("base64");

	tcase_add_loop_test(tc, decodes, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, every_byte_comes_back);
	suite_add_tcase(suite, tc);
	return suite;
}
