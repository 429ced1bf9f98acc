#define _DEFAULT_SOURCE /* MAP_ANON, MAP_NORESERVE */

#include <check.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "inflate.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

/* zlib's window bits: what it is that is inflated. */
enum {
	RAW = -15,
	ZLIB = 15,
	GZIP = 31
};

struct inflation {
	z_stream zs;
	struct buf out;
	enum status st;
	struct fault fault;
	size_t used;
	bool is_end;
	bool is_left; /* bytes were left over before the end */
};

static void
inflation_init(struct inflation *in, int window_bits, size_t max)
{
	*in = (struct inflation){ .st = ST_OK };
	buf_init(&in->out, max);
	ck_assert_int_eq(inflateInit2(&in->zs, window_bits), Z_OK);
}

static void
inflation_free(struct inflation *in)
{
	(void)inflateEnd(&in->zs);
	buf_free(&in->out);
}

static void
feed(void *ctx, const char *data, size_t len)
{
	struct inflation *in = ctx;
	size_t used = 0;

	if (in->st != ST_OK || in->is_end)
		return;
	in->st = inflate_step(
	    &in->zs, &in->out, data, len, &used, &in->is_end, &in->fault);
	if (in->st == ST_OK && !in->is_end && used < len)
		in->is_left = true;
	in->used += used;
}

/*
 * A stored block of five bytes, and one of none that is the last (RFC 1951,
 * section 3.2.4); or, for the last, a block of the type that there is not.
 */
#define STORED "\0\5\0\xfa\xffhello"
#define LAST   "\1\0\0\xff\xff"
#define BAD    "\7"

/* Streams, whole or wrong: what came out before is kept. */
static const struct {
	const char *name;
	const char *data;
	size_t len;
	int window_bits;
	size_t max;
	enum status want;
	const char *out;
	const char *detail; /* of the fault */
	size_t used;        /* on ST_OK */
	bool is_end;
} rows[] = {
	{ "whole", BYTES(STORED LAST), RAW, 100, ST_OK, "hello", NULL, 15,
	    true },
	{ "empty", BYTES(LAST), RAW, 100, ST_OK, "", NULL, 5, true },
	{ "bytes behind", BYTES(STORED LAST "more"), RAW, 100, ST_OK, "hello",
	    NULL, 15, true },
	{ "not yet at its end", BYTES(STORED), RAW, 100, ST_OK, "hello", NULL,
	    10, false },
	{ "within a block", BYTES("\0\5\0\xfa\xffhel"), RAW, 100, ST_OK, "hel",
	    NULL, 8, false },
	{ "nothing", BYTES(""), RAW, 100, ST_OK, "", NULL, 0, false },
	{ "bad at once", BYTES(BAD), RAW, 100, ST_GZIP_CORRUPT, "",
	    "invalid block type", 0, false },
	{ "bad after a block", BYTES(STORED BAD), RAW, 100, ST_GZIP_CORRUPT,
	    "hello", "invalid block type", 0, false },
	{ "bad when the output is full", BYTES(STORED BAD), RAW, 5,
	    ST_GZIP_CORRUPT, "hello", "invalid block type", 0, false },
	{ "bad behind the end", BYTES(STORED LAST BAD), RAW, 100, ST_OK,
	    "hello", NULL, 15, true },
	{ "a preset dictionary, of which zlib has nothing to say",
	    BYTES("\x78\xbb\0\0\0\1"), ZLIB, 100, ST_GZIP_CORRUPT, "",
	    "bad compressed data", 0, false },
	{ "more than there may be", BYTES(STORED STORED LAST), RAW, 11, ST_OK,
	    "hellohello", NULL, 25, true },
	{ "just as much", BYTES(STORED STORED LAST), RAW, 10, ST_OK,
	    "hellohello", NULL, 25, true },
	{ "one byte too many", BYTES(STORED STORED LAST), RAW, 9, ST_TOO_LARGE,
	    "hellohell", "decoded report exceeds 9 bytes", 0, false },
	{ "a block too many", BYTES(STORED STORED LAST), RAW, 5, ST_TOO_LARGE,
	    "hello", "decoded report exceeds 5 bytes", 0, false },
	{ "full, and the end has not come", BYTES(STORED), RAW, 5, ST_OK,
	    "hello", NULL, 10, false },
	{ "room for nothing", BYTES(STORED LAST), RAW, 0, ST_TOO_LARGE, "",
	    "decoded report exceeds 0 bytes", 0, false },
	{ "nothing for no room", BYTES(LAST), RAW, 0, ST_OK, "", NULL, 5,
	    true },
};

START_TEST(streams)
{
	for (size_t way = 0; way < unit_ways(rows[_i].len); way++) {
		struct inflation in;

		inflation_init(&in, rows[_i].window_bits, rows[_i].max);
		unit_feed(way, rows[_i].data, rows[_i].len, feed, &in);
		ck_status(rows[_i].name, in.st, rows[_i].want);
		ck_bytes(rows[_i].name, in.out.data, in.out.len, rows[_i].out,
		    strlen(rows[_i].out));
		ck_assert_int_eq(in.is_end, rows[_i].is_end);
		ck_assert(!in.is_left);
		if (in.st == ST_OK) {
			ck_assert_uint_eq(in.used, rows[_i].used);
		} else {
			ck_status("fault", in.fault.status, in.st);
			ck_string(
			    rows[_i].name, in.fault.detail, rows[_i].detail);
			ck_assert(in.fault.has_offset);
			ck_assert_uint_eq(
			    in.fault.offset, strlen(rows[_i].out));
		}
		inflation_free(&in);
	}
}
END_TEST

/* One piece of input, many times the room that is asked for at once. */
START_TEST(output_comes_in_rounds)
{
	static const int kinds[] = { RAW, ZLIB, GZIP };
	static const size_t lens[] = { 65535, 65536, 65537, 200000 };

	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct buf text, packed;
		struct inflation in;

		buf_init(&text, 1 << 20);
		buf_init(&packed, 1 << 20);
		unit_repeat(&text, "0123456789", lens[i] / 10);
		unit_repeat(&text, "x", lens[i] % 10);
		unit_deflate(&packed, text.data, text.len, kinds[_i]);
		/* The cap lies at the text's end, and a byte before it. */
		for (size_t max = lens[i] - 1; max <= lens[i]; max++) {
			inflation_init(&in, kinds[_i], max);
			unit_feed(0, packed.data, packed.len, feed, &in);
			ck_status("rounds", in.st,
			    max < lens[i] ? ST_TOO_LARGE : ST_OK);
			ck_assert_uint_eq(in.out.len, max);
			ck_assert_int_eq(
			    memcmp(in.out.data, text.data, max), 0);
			ck_assert_int_eq(in.is_end, max == lens[i]);
			if (in.is_end)
				ck_assert_uint_eq(in.used, packed.len);
			inflation_free(&in);
		}
		buf_free(&text);
		buf_free(&packed);
	}
}
END_TEST

/* What the buffer held stays before it, and counts. */
START_TEST(output_is_appended)
{
	struct inflation in;

	for (size_t max = 7; max <= 8; max++) {
		inflation_init(&in, RAW, max);
		ck_status("out", buf_adds(&in.out, "abc"), ST_OK);
		unit_feed(0, BYTES(STORED LAST), feed, &in);
		ck_status("appended", in.st, max < 8 ? ST_TOO_LARGE : ST_OK);
		ck_bytes("appended", in.out.data, in.out.len, "abchello", max);
		if (in.st != ST_OK)
			ck_assert_uint_eq(in.fault.offset, max);
		inflation_free(&in);
	}
}
END_TEST

START_TEST(the_end_stays_the_end)
{
	struct inflation in;
	size_t used = 99;

	inflation_init(&in, RAW, 100);
	unit_feed(0, BYTES(STORED LAST), feed, &in);
	ck_assert(in.is_end);
	in.is_end = false;
	ck_status("again",
	    inflate_step(
		&in.zs, &in.out, STORED, 10, &used, &in.is_end, &in.fault),
	    ST_OK);
	ck_assert(in.is_end);
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(in.out.len, 5);
	inflation_free(&in);
}
END_TEST

/* A length that zlib's own type does not hold must not be taken modulo it. */
START_TEST(more_than_zlib_takes_at_once)
{
#if SIZE_MAX > UINT_MAX
	size_t len = (size_t)UINT_MAX + 1;
	struct inflation in;
	char *data = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);

	ck_assert_ptr_ne(data, MAP_FAILED);
	memcpy(data, STORED LAST, sizeof STORED LAST - 1);
	inflation_init(&in, RAW, 100);
	feed(&in, data, len);
	ck_status("long", in.st, ST_OK);
	ck_assert(in.is_end);
	ck_assert_uint_eq(in.used, sizeof STORED LAST - 1);
	ck_bytes("long", in.out.data, in.out.len, "hello", 5);
	inflation_free(&in);
	ck_assert_int_eq(munmap(data, len), 0);
#else
	/* No object is as long as that. */
	ck_assert_uint_eq(SIZE_MAX, UINT_MAX);
#endif
}
END_TEST

START_TEST(a_fault_need_not_be_told)
{
	struct inflation in;
	size_t used;

	inflation_init(&in, RAW, 4);
	ck_status("too large",
	    inflate_step(
		&in.zs, &in.out, BYTES(STORED), &used, &in.is_end, NULL),
	    ST_TOO_LARGE);
	inflation_free(&in);
	inflation_init(&in, RAW, 4);
	ck_status("corrupt",
	    inflate_step(&in.zs, &in.out, BYTES(BAD), &used, &in.is_end, NULL),
	    ST_GZIP_CORRUPT);
	inflation_free(&in);
}
END_TEST

START_TEST(without_memory_for_the_text)
{
	struct inflation in;

	inflation_init(&in, RAW, 100);
	inject_arm(INJECT_MEMORY, 1);
	feed(&in, BYTES(STORED LAST));
	ck_assert(inject_disarm());
	ck_assert_uint_eq(inject_leaks(), 0);
	ck_status("text", in.st, ST_NO_MEMORY);
	ck_status("fault", in.fault.status, ST_NO_MEMORY);
	ck_assert(!in.fault.has_offset);
	ck_assert(!in.is_end);
	inflation_free(&in);
}
END_TEST

static voidpf
no_memory(voidpf opaque, uInt items, uInt size)
{
	(void)opaque;
	(void)items;
	(void)size;
	return Z_NULL;
}

/* zlib takes its window at the first pause that has text behind it. */
START_TEST(without_memory_for_the_window)
{
	struct inflation in;

	inflation_init(&in, RAW, 100);
	in.zs.zalloc = no_memory;
	feed(&in, BYTES(STORED));
	ck_status("window", in.st, ST_NO_MEMORY);
	ck_status("fault", in.fault.status, ST_NO_MEMORY);
	ck_assert(!in.fault.has_offset);
	ck_assert(!in.is_end);
	inflation_free(&in);
}
END_TEST

Suite *
inflate_suite(void)
{
	Suite *suite = suite_create("inflate");
	TCase *tc = tcase_create("inflate");

	tcase_add_loop_test(tc, streams, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(tc, output_comes_in_rounds, 0, 3);
	tcase_add_test(tc, output_is_appended);
	tcase_add_test(tc, the_end_stays_the_end);
	tcase_add_test(tc, more_than_zlib_takes_at_once);
	tcase_add_test(tc, a_fault_need_not_be_told);
	tcase_add_test(tc, without_memory_for_the_text);
	tcase_add_test(tc, without_memory_for_the_window);
	suite_add_tcase(suite, tc);
	return suite;
}
