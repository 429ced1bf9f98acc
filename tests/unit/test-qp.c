#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "qp.h"
#include "suites.h"
#include "unit.h"

struct decoding {
	struct qp qp;
	struct buf out;
};

static void
feed(void *ctx, const char *data, size_t len)
{
	struct decoding *d = ctx;
	char *out = malloc(QP_ROOM(len));
	size_t n;

	ck_assert_ptr_nonnull(out);
	n = qp_more(&d->qp, data, len, out);
	ck_assert_uint_le(n, QP_ROOM(len));
	ck_status("out", buf_add(&d->out, out, n), ST_OK);
	free(out);
}

static void
decode(size_t way, const char *in, size_t len, struct decoding *d)
{
	char end[QP_ROOM(0)];
	size_t n;

	qp_init(&d->qp);
	buf_init(&d->out, 10000);
	unit_feed(way, in, len, feed, d);
	n = qp_finish(&d->qp, end);
	ck_assert_uint_le(n, sizeof end);
	ck_status("out", buf_add(&d->out, end, n), ST_OK);
}

static const struct {
	const char *name;
	const char *in;
	size_t len;
	const char *want;
	size_t want_len;
} rows[] = {
	{ "empty", BYTES(""), BYTES("") },
	{ "plain", BYTES("{\"a\": 1}\r\n"), BYTES("{\"a\": 1}\r\n") },
	{ "escapes", BYTES("a=3Db=7B=0A"), BYTES("a=b{\n") },
	{ "small letters", BYTES("=7b=e2=82=aC"), BYTES("{\xe2\x82\xac") },
	{ "NUL", BYTES("=00"), BYTES("\0") },
	{ "soft break", BYTES("ab=\r\ncd"), BYTES("abcd") },
	{ "soft break LF", BYTES("ab=\ncd"), BYTES("abcd") },
	{ "soft break and spaces", BYTES("ab= \t\r\ncd"), BYTES("abcd") },
	{ "soft break at the end", BYTES("ab="), BYTES("ab") },
	{ "two soft breaks", BYTES("ab=\r\n=\r\ncd"), BYTES("abcd") },
	{ "spaces within", BYTES("a \t b"), BYTES("a \t b") },
	{ "spaces before a break", BYTES("a \t\r\nb"), BYTES("a\r\nb") },
	{ "spaces at the end", BYTES("a  "), BYTES("a") },
	{ "spaces before a soft break", BYTES("a  =\r\nb"), BYTES("a  b") },
	{ "escaped space is kept", BYTES("a=20\r\n"), BYTES("a \r\n") },
	{ "broken escape", BYTES("=x!"), BYTES("=x!") },
	{ "half an escape", BYTES("=4x"), BYTES("=4x") },
	{ "half an escape at the end", BYTES("a=4"), BYTES("a=4") },
	{ "escape behind a broken one", BYTES("==41"), BYTES("=A") },
	{ "half and another", BYTES("=4=41"), BYTES("=4A") },
	{ "equals and space", BYTES("a= b"), BYTES("a= b") },
	{ "equals, spaces, equals", BYTES("a= \t=41"), BYTES("a= \tA") },
	{ "equals and CR", BYTES("a=\rb"), BYTES("a=\rb") },
	{ "8 bit", BYTES("\xc3\xa9\xff"), BYTES("\xc3\xa9\xff") },
	{ "raw NUL", BYTES("a\0b"), BYTES("a\0b") },
};

START_TEST(decodes)
{
	for (size_t way = 0; way < unit_ways(rows[_i].len); way++) {
		struct decoding d;

		decode(way, rows[_i].in, rows[_i].len, &d);
		ck_bytes(rows[_i].name, d.out.data, d.out.len, rows[_i].want,
		    rows[_i].want_len);
		buf_free(&d.out);
	}
}
END_TEST

START_TEST(every_byte_is_escaped_and_comes_back)
{
	for (unsigned c = 0; c < 256; c++) {
		struct decoding d;
		char in[8], want = (char)c;

		(void)snprintf(in, sizeof in, "=%02X", c);
		decode(0, in, 3, &d);
		ck_bytes(in, d.out.data, d.out.len, &want, 1);
		buf_free(&d.out);
	}
}
END_TEST

/* White space that is held back has a limit; over it, it is let go. */
START_TEST(long_white_space_is_not_lost)
{
	static const size_t lens[] = { QP_SPACES_MAX - 1, QP_SPACES_MAX,
		QP_SPACES_MAX + 1, 1000 };
	size_t len = lens[_i];
	struct buf in;

	buf_init(&in, 2000);
	unit_repeat(&in, " ", len);
	ck_status("in", buf_adds(&in, "x"), ST_OK);
	for (size_t way = 0; way < unit_ways(in.len); way++) {
		struct decoding d;

		decode(way, in.data, in.len, &d);
		ck_bytes("spaces", d.out.data, d.out.len, in.data, in.len);
		buf_free(&d.out);
	}
	buf_free(&in);
}
END_TEST

Suite *
qp_suite(void)
{
	Suite *suite = suite_create("qp");
	TCase *tc = tcase_create("qp");

	tcase_add_loop_test(tc, decodes, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, every_byte_is_escaped_and_comes_back);
	tcase_add_loop_test(tc, long_white_space_is_not_lost, 0, 4);
	suite_add_tcase(suite, tc);
	return suite;
}
