#include <check.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

START_TEST(an_empty_buffer_owns_nothing)
{
	struct buf buf;

	buf_init(&buf, 10);
	ck_assert_ptr_null(buf.data);
	ck_assert_uint_eq(buf.len, 0);
	buf_cut(&buf, 0);
	buf_free(&buf);
	buf_free(&buf);
	ck_assert_uint_eq(buf.max, 10);
}
END_TEST

START_TEST(what_is_added_is_followed_by_nul)
{
	struct buf buf;

	buf_init(&buf, 100);
	ck_status("nothing", buf_add(&buf, NULL, 0), ST_OK);
	ck_assert_str_eq(buf.data, "");
	ck_status("s", buf_adds(&buf, "abc"), ST_OK);
	ck_status("c", buf_addc(&buf, 'd'), ST_OK);
	ck_status("nul", buf_add(&buf, "\0", 1), ST_OK);
	ck_status("f", buf_addf(&buf, "%03d", 7), ST_OK);
	ck_bytes("all", buf.data, buf.len + 1,
	    "abcd\0"
	    "007",
	    9);
	buf_free(&buf);
}
END_TEST

START_TEST(cap_is_kept_to_the_byte)
{
	static const size_t caps[] = { 0, 1, 2, 255, 256, 257, 1000, 4096 };
	size_t cap = caps[_i];
	struct buf buf;
	char block[4097];

	buf_init(&buf, cap);
	for (size_t i = 0; i < cap; i++)
		ck_status("below", buf_addc(&buf, 'x'), ST_OK);
	ck_assert_uint_eq(buf.len, cap);
	ck_status("over", buf_addc(&buf, 'x'), ST_TOO_LARGE);
	ck_assert_uint_eq(buf.len, cap);
	ck_assert_uint_le(buf.cap, cap + 1);
	if (cap > 0)
		ck_assert_int_eq(buf.data[cap], '\0');
	buf_free(&buf);

	/* The same at one stroke, and all or nothing. */
	memset(block, 'y', sizeof block);
	ck_status("block over", buf_add(&buf, block, cap + 1), ST_TOO_LARGE);
	ck_assert_uint_eq(buf.len, 0);
	ck_status("block", buf_add(&buf, block, cap), ST_OK);
	ck_assert_uint_eq(buf.len, cap);
	ck_status("huge", buf_add(&buf, block, SIZE_MAX), ST_TOO_LARGE);
	buf_free(&buf);
}
END_TEST

START_TEST(memory_follows_the_content)
{
	struct buf buf;

	/* A report costs at most twice its size, whatever its cap. */
	buf_init(&buf, 1 << 30);
	for (size_t i = 0; i < 1000000; i++)
		(void)buf_addc(&buf, 'x');
	ck_assert_uint_eq(buf.len, 1000000);
	ck_assert_uint_lt(buf.cap, 2 * buf.len);
	buf_free(&buf);
}
END_TEST

START_TEST(formatted_text_has_its_limit)
{
	struct buf buf;
	char text[257];

	memset(text, 'x', sizeof text);
	text[256] = '\0';
	buf_init(&buf, 1000);
	ck_status("256", buf_addf(&buf, "%s", text), ST_TOO_LARGE);
	ck_assert_uint_eq(buf.len, 0);
	text[255] = '\0';
	ck_status("255", buf_addf(&buf, "%s", text), ST_OK);
	ck_assert_str_eq(buf.data, text);
	buf_free(&buf);
	buf_init(&buf, 3);
	ck_status("over", buf_addf(&buf, "%d", 1000), ST_TOO_LARGE);
	ck_status("fits", buf_addf(&buf, "%d", 100), ST_OK);
	buf_free(&buf);
}
END_TEST

START_TEST(numbers_are_decimal)
{
	static const struct {
		uint64_t number;
		const char *want;
	} rows[] = { { 0, "0" }, { 9, "9" }, { 10, "10" }, { 1203, "1203" },
		{ UINT64_MAX, "18446744073709551615" } };
	struct buf buf;

	buf_init(&buf, 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_cut(&buf, 0);
		ck_status("u", buf_addu(&buf, rows[i].number), ST_OK);
		ck_assert_str_eq(buf.data, rows[i].want);
	}
	ck_status("over", buf_addu(&buf, 1), ST_TOO_LARGE);
	buf_free(&buf);
}
END_TEST

START_TEST(space_is_written_in_place)
{
	char *space = NULL;
	size_t room = 0, total = 0;
	struct buf buf;

	buf_init(&buf, 700);
	for (;;) {
		enum status st = buf_space(&buf, 100, &space, &room);

		if (st != ST_OK) {
			ck_status("full", st, ST_TOO_LARGE);
			break;
		}
		ck_assert_uint_ge(room, 1);
		ck_assert_uint_le(buf.len + room, 700);
		memset(space, 'z', room);
		buf_grow(&buf, room);
		total += room;
		ck_assert_int_eq(buf.data[buf.len], '\0');
	}
	ck_assert_uint_eq(total, 700);
	ck_assert_uint_eq(buf.len, 700);
	buf_free(&buf);
	buf_init(&buf, 0);
	space = &(char){ 'q' };
	ck_status("none", buf_space(&buf, 1, &space, &room), ST_TOO_LARGE);
	ck_assert_int_eq(*space, 'q');
}
END_TEST

START_TEST(cut_drops_the_tail_and_keeps_memory)
{
	struct buf buf;
	size_t cap;

	buf_init(&buf, 100);
	ck_status("add", buf_adds(&buf, "abcdef"), ST_OK);
	cap = buf.cap;
	buf_cut(&buf, 7);
	buf_cut(&buf, 6);
	ck_assert_str_eq(buf.data, "abcdef");
	buf_cut(&buf, 2);
	ck_assert_str_eq(buf.data, "ab");
	ck_assert_uint_eq(buf.cap, cap);
	buf_free(&buf);
	ck_status("again", buf_adds(&buf, "x"), ST_OK);
	ck_assert_uint_eq(buf.max, 100);
	buf_free(&buf);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
	char *space = NULL, block[300] = { 0 };
	size_t room = 0;
	struct buf buf;

	buf_init(&buf, 1000);
	inject_arm(INJECT_MEMORY, 1);
	ck_status("first", buf_adds(&buf, "x"), ST_NO_MEMORY);
	ck_assert(inject_disarm());
	ck_assert_ptr_null(buf.data);
	inject_arm(INJECT_MEMORY, 1);
	ck_status("space", buf_space(&buf, 9, &space, &room), ST_NO_MEMORY);
	ck_assert(inject_disarm());
	ck_assert_ptr_null(space);
	ck_status("add", buf_adds(&buf, "abc"), ST_OK);
	inject_arm(INJECT_MEMORY, 1);
	ck_status("grow", buf_add(&buf, block, sizeof block), ST_NO_MEMORY);
	ck_assert(inject_disarm());
	ck_assert_str_eq(buf.data, "abc");
	buf_free(&buf);
}
END_TEST

Suite *
buf_suite(void)
{
	Suite *suite = suite_create("buf");
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, an_empty_buffer_owns_nothing);
	tcase_add_test(tc, what_is_added_is_followed_by_nul);
	tcase_add_loop_test(tc, cap_is_kept_to_the_byte, 0, 8);
	tcase_add_test(tc, memory_follows_the_content);
	tcase_add_test(tc, formatted_text_has_its_limit);
	tcase_add_test(tc, numbers_are_decimal);
	tcase_add_test(tc, space_is_written_in_place);
	tcase_add_test(tc, cut_drops_the_tail_and_keeps_memory);
	tcase_add_test(tc, without_memory_nothing_changes);
	suite_add_tcase(suite, tc);
	return suite;
}
