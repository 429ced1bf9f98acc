#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "gunzip.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

struct decoding {
	struct gunzip *gz;
	struct buf out;
	enum status st;
	struct fault fault;
};

static void
feed(void *ctx, const char *data, size_t len)
{
	struct decoding *d = ctx;

	if (d->st == ST_OK)
		d->st = gunzip_more(d->gz, data, len, &d->fault);
}

/* Decode with a limit; what came out, the status and the fault are in *d. */
static void
decode(size_t way, const struct buf *in, size_t max, struct decoding *d)
{
	*d = (struct decoding){ .st = ST_OK };
	buf_init(&d->out, max);
	d->gz = gunzip_new(&d->out);
	ck_assert_ptr_nonnull(d->gz);
	unit_feed(way, in->data, in->len, feed, d);
	if (d->st == ST_OK)
		d->st = gunzip_finish(d->gz, &d->fault);
}

static void
decoding_free(struct decoding *d)
{
	gunzip_free(&d->gz);
	ck_assert_ptr_null(d->gz);
	buf_free(&d->out);
}

static const char text[] = "{\"organization-name\":\"Example\",\"x\":[1,2,3]}";
enum {
	TEXT_LEN = sizeof text - 1
};

/* What is done to the stream before it is fed. */
enum change {
	AS_IS,
	TWICE,        /* a member follows a member */
	EMPTY_FIRST,  /* an empty member, then ours */
	THREE,        /* ours, empty, ours */
	BEHIND,       /* bytes behind the last member */
	BEHIND_ZEROS, /* padding, as tapes have it */
	BEHIND_1F,    /* the first half of a magic */
	BEHIND_1FX,   /* the first half, and something else */
	CUT_TRAILER,  /* the last byte is missing */
	CUT_HEADER,
	NOTHING,
	BAD_MAGIC,
	BAD_METHOD,
	BAD_CRC,
	BAD_LENGTH,
	SECOND_CUT, /* the second member is cut short */
	SECOND_BAD
};

static const struct {
	const char *name;
	enum change change;
	enum status want;
	unsigned copies; /* of the text that come out */
	bool has_trailing;
} rows[] = {
	{ "as is", AS_IS, ST_OK, 1, false },
	{ "two members", TWICE, ST_OK, 2, false },
	{ "an empty member first", EMPTY_FIRST, ST_OK, 1, false },
	{ "an empty member between", THREE, ST_OK, 2, false },
	{ "bytes behind", BEHIND, ST_OK, 1, true },
	{ "zeros behind", BEHIND_ZEROS, ST_OK, 1, true },
	{ "1f behind", BEHIND_1F, ST_OK, 1, true },
	{ "1f and more behind", BEHIND_1FX, ST_OK, 1, true },
	{ "trailer cut", CUT_TRAILER, ST_GZIP_TRUNCATED, 1, false },
	{ "header cut", CUT_HEADER, ST_GZIP_TRUNCATED, 0, false },
	{ "nothing", NOTHING, ST_GZIP_TRUNCATED, 0, false },
	{ "no magic", BAD_MAGIC, ST_GZIP_CORRUPT, 0, false },
	{ "unknown method", BAD_METHOD, ST_GZIP_CORRUPT, 0, false },
	{ "wrong CRC", BAD_CRC, ST_GZIP_CORRUPT, 1, false },
	{ "wrong length", BAD_LENGTH, ST_GZIP_CORRUPT, 1, false },
	{ "second member cut", SECOND_CUT, ST_GZIP_TRUNCATED, 2, false },
	{ "second member bad", SECOND_BAD, ST_GZIP_CORRUPT, 1, false },
};

static void
flip(struct buf *in, size_t from_end)
{
	in->data[in->len - from_end] ^= 0x55;
}

static void
change_stream(struct buf *in, enum change change)
{
	if (change == EMPTY_FIRST)
		unit_gzip(in, "", 0);
	unit_gzip(in, text, TEXT_LEN);
	switch (change) {
	case THREE:
		unit_gzip(in, "", 0);
		/* FALLTHROUGH */
	case TWICE:
	case SECOND_CUT:
		unit_gzip(in, text, TEXT_LEN);
		buf_cut(in, in->len - (change == SECOND_CUT));
		break;
	case BEHIND:
		ck_status("in", buf_adds(in, "\r\n-- \r\nA list"), ST_OK);
		break;
	case BEHIND_ZEROS:
		ck_status("in", buf_add(in, BYTES("\0\0\0\0")), ST_OK);
		break;
	case BEHIND_1F:
		ck_status("in", buf_adds(in, "\x1f"), ST_OK);
		break;
	case BEHIND_1FX:
		ck_status("in", buf_adds(in, "\x1fx\x1f\x8b\x08"), ST_OK);
		break;
	case CUT_TRAILER:
		buf_cut(in, in->len - 1);
		break;
	case CUT_HEADER:
		buf_cut(in, 9);
		break;
	case NOTHING:
		buf_cut(in, 0);
		break;
	case BAD_MAGIC:
		flip(in, in->len);
		break;
	case BAD_METHOD:
		flip(in, in->len - 2);
		break;
	case BAD_CRC:
		flip(in, 8);
		break;
	case BAD_LENGTH:
		flip(in, 4);
		break;
	case SECOND_BAD:
		ck_status("in",
		    buf_add(in, BYTES("\x1f\x8b\x01\0\0\0\0\0\0\0")), ST_OK);
		break;
	default:
		break;
	}
}

START_TEST(streams)
{
	struct buf in, want;

	buf_init(&in, 1 << 16);
	buf_init(&want, 1 << 16);
	ck_status("want", buf_adds(&want, ""), ST_OK);
	change_stream(&in, rows[_i].change);
	unit_repeat(&want, text, rows[_i].copies);
	for (size_t way = 0; way < unit_ways(in.len); way++) {
		struct decoding d;

		decode(way, &in, 1 << 16, &d);
		ck_status(rows[_i].name, d.st, rows[_i].want);
		ck_bytes(
		    rows[_i].name, d.out.data, d.out.len, want.data, want.len);
		ck_assert_int_eq(
		    gunzip_has_trailing(d.gz), rows[_i].has_trailing);
		if (d.st != ST_OK) {
			ck_status("fault", d.fault.status, d.st);
			ck_assert(d.fault.has_offset);
			ck_assert_uint_eq(d.fault.offset, want.len);
			ck_assert_str_ne(d.fault.detail, "");
		}
		decoding_free(&d);
	}
	buf_free(&in);
	buf_free(&want);
}
END_TEST

START_TEST(each_cut_is_truncated)
{
	struct buf in;

	buf_init(&in, 1 << 16);
	unit_gzip(&in, text, TEXT_LEN);
	for (size_t len = in.len; len > 0; len--) {
		struct decoding d;

		buf_cut(&in, len - 1);
		decode(0, &in, 1 << 16, &d);
		ck_status("cut", d.st, ST_GZIP_TRUNCATED);
		/* What was decoded before is a start of the text. */
		ck_assert_uint_le(d.out.len, TEXT_LEN);
		if (d.out.len > 0)
			ck_assert_int_eq(
			    memcmp(d.out.data, text, d.out.len), 0);
		decoding_free(&d);
	}
	buf_free(&in);
}
END_TEST

START_TEST(the_cap_is_the_limit)
{
	static const struct {
		size_t max;
		enum status want;
	} caps[] = { { TEXT_LEN + 1, ST_OK }, { TEXT_LEN, ST_OK },
		{ TEXT_LEN - 1, ST_TOO_LARGE }, { 1, ST_TOO_LARGE },
		{ 0, ST_TOO_LARGE } };
	struct buf in;

	buf_init(&in, 1 << 16);
	unit_gzip(&in, text, TEXT_LEN);
	for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
		for (size_t way = 0; way < unit_ways(in.len); way++) {
			struct decoding d;

			decode(way, &in, caps[i].max, &d);
			ck_status("cap", d.st, caps[i].want);
			if (d.st != ST_OK) {
				ck_assert_uint_eq(d.out.len, caps[i].max);
				ck_assert(d.fault.has_offset);
				ck_assert_uint_eq(d.fault.offset, caps[i].max);
			}
			decoding_free(&d);
		}
	}
	buf_free(&in);
}
END_TEST

START_TEST(the_limit_is_an_error_for_good)
{
	struct buf in;
	struct decoding d;

	buf_init(&in, 1 << 16);
	unit_gzip(&in, text, TEXT_LEN);
	decode(0, &in, TEXT_LEN - 1, &d);
	ck_status("more", d.st, ST_TOO_LARGE);
	/* The one byte over it must not be swallowed and forgotten. */
	ck_status("trailer",
	    gunzip_more(d.gz, in.data + in.len - 8, 8, &d.fault), ST_TOO_LARGE);
	decoding_free(&d);
	buf_free(&in);
}
END_TEST

START_TEST(a_bomb_stops_at_the_limit)
{
	struct buf zeros, in;
	struct decoding d;

	buf_init(&zeros, 64 << 20);
	buf_init(&in, 1 << 20);
	for (int i = 0; i < 64; i++) {
		static const char mega[1 << 20];

		ck_status("zeros", buf_add(&zeros, mega, sizeof mega), ST_OK);
	}
	unit_gzip(&in, zeros.data, zeros.len);
	ck_assert_uint_lt(in.len * 1000, zeros.len);
	buf_free(&zeros);
	decode(0, &in, 1 << 20, &d);
	ck_status("bomb", d.st, ST_TOO_LARGE);
	ck_assert_uint_eq(d.out.len, 1 << 20);
	ck_assert_uint_le(d.out.cap, (1 << 20) + 1);
	decoding_free(&d);
	buf_free(&in);
}
END_TEST

/* The output is appended: what the buffer held before stays. */
START_TEST(output_is_appended)
{
	struct buf in, out;
	struct gunzip *gz;

	buf_init(&in, 1 << 16);
	buf_init(&out, 3 + TEXT_LEN);
	unit_gzip(&in, text, TEXT_LEN);
	ck_status("out", buf_adds(&out, "abc"), ST_OK);
	gz = gunzip_new(&out);
	ck_status("more", gunzip_more(gz, in.data, in.len, NULL), ST_OK);
	ck_status("finish", gunzip_finish(gz, NULL), ST_OK);
	ck_assert_int_eq(memcmp(out.data, "abc", 3), 0);
	ck_assert_str_eq(out.data + 3, text);
	gunzip_free(&gz);
	gunzip_free(&gz);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

START_TEST(without_memory)
{
	struct buf in;

	buf_init(&in, 1 << 16);
	unit_gzip(&in, text, TEXT_LEN);
	for (unsigned n = 1;; n++) {
		enum status st = ST_NO_MEMORY;
		struct fault fault = { .status = ST_NO_MEMORY };
		struct gunzip *gz;
		struct buf out;

		buf_init(&out, 1 << 16);
		inject_arm(INJECT_MEMORY | INJECT_ZLIB, n);
		gz = gunzip_new(&out);
		if (gz != NULL) {
			st = gunzip_more(gz, in.data, in.len, &fault);
			gunzip_free(&gz);
		}
		buf_free(&out);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			/* The struct, zlib's, the text: three at least. */
			ck_assert_uint_gt(n, 3);
			break;
		}
		ck_status("one", st, ST_NO_MEMORY);
		ck_status("fault", fault.status, ST_NO_MEMORY);
		ck_assert_uint_eq(inject_leaks(), 0);
	}
	buf_free(&in);
}
END_TEST

Suite *
gunzip_suite(void)
{
	Suite *suite = suite_create("gunzip");
	TCase *tc = tcase_create("gunzip");

	tcase_add_loop_test(tc, streams, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, each_cut_is_truncated);
	tcase_add_test(tc, the_cap_is_the_limit);
	tcase_add_test(tc, the_limit_is_an_error_for_good);
	tcase_add_test(tc, a_bomb_stops_at_the_limit);
	tcase_add_test(tc, output_is_appended);
	tcase_add_test(tc, without_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
