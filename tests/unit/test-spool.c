#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"
#include "spool.h"
#include "suites.h"
#include "unit.h"

static char dir[512];

static void
setup(void)
{
	unit_directory(dir, sizeof dir);
}

/* Bytes that tell a block that is missing, doubled or out of place. */
static char
byte_at(size_t i)
{
	return (char)(i * 7 + i / 251 + i / 65536);
}

struct reading {
	size_t len;
	size_t wrong;
	size_t stop; /* answer ST_TOO_DEEP once so many have come */
};

static enum status
check_block(void *ctx, const char *data, size_t len)
{
	struct reading *r = ctx;

	for (size_t i = 0; i < len; i++)
		r->wrong += data[i] != byte_at(r->len + i);
	r->len += len;
	return r->stop > 0 && r->len >= r->stop ? ST_TOO_DEEP : ST_OK;
}

static enum status
fill(struct spool *spool, size_t from, size_t len, size_t step,
    struct fault *fault)
{
	enum status st = ST_OK;
	char *block = malloc(step);

	if (block == NULL)
		return ST_NO_MEMORY;
	for (size_t at = from; at < from + len && st == ST_OK; at += step) {
		size_t n = from + len - at < step ? from + len - at : step;

		for (size_t i = 0; i < n; i++)
			block[i] = byte_at(at + i);
		st = spool_add(spool, block, n, fault);
	}
	free(block);
	return st;
}

START_TEST(bytes_come_back_in_order)
{
	static const size_t sizes[] = { 0, 1, SPOOL_MEMORY - 1, SPOOL_MEMORY,
		SPOOL_MEMORY + 1, 3 * SPOOL_MEMORY + 7 };
	static const size_t steps[] = { 1, 4096, 65535, 1 << 20 };
	size_t size = sizes[_i / 4], step = steps[_i % 4];
	struct spool *spool = spool_new(dir, 1 << 20);
	struct fault fault;

	ck_assert_ptr_nonnull(spool);
	ck_status("add", fill(spool, 0, size, step, &fault), ST_OK);
	ck_assert_uint_eq(spool_size(spool), size);
	/* May be read again, added to, and read again. */
	for (int i = 0; i < 3; i++) {
		struct reading r = { 0 };

		ck_status(
		    "read", spool_read(spool, check_block, &r, &fault), ST_OK);
		ck_assert_uint_eq(r.len, size);
		ck_assert_uint_eq(r.wrong, 0);
		if (i == 1) {
			ck_status(
			    "more", fill(spool, size, 100, 100, &fault), ST_OK);
			size += 100;
		}
	}
	/* No file has a name. */
	ck_assert_uint_eq(unit_count_files(dir), 0);
	spool_free(&spool);
	ck_assert_ptr_null(spool);
	spool_free(&spool);
}
END_TEST

START_TEST(the_limit_is_kept)
{
	static const size_t limits[] = { 0, 1, 1000, SPOOL_MEMORY,
		SPOOL_MEMORY + 1, 200000 };
	size_t max = limits[_i];
	struct spool *spool = spool_new(dir, max);
	struct fault fault = { 0 };
	struct reading r = { 0 };

	ck_status("full", fill(spool, 0, max, 4096, &fault), ST_OK);
	ck_status("over", spool_add(spool, "x", 1, &fault), ST_TOO_LARGE);
	ck_status("fault", fault.status, ST_TOO_LARGE);
	ck_status("nothing", spool_add(spool, "", 0, &fault), ST_OK);
	ck_assert_uint_eq(spool_size(spool), max);
	ck_status("read", spool_read(spool, check_block, &r, &fault), ST_OK);
	ck_assert_uint_eq(r.len, max);
	ck_assert_uint_eq(r.wrong, 0);
	spool_free(&spool);
}
END_TEST

START_TEST(few_bytes_need_no_directory)
{
	struct spool *spool = spool_new("/nonexistent/directory", 1 << 20);
	struct fault fault = { 0 };

	ck_status("memory", fill(spool, 0, SPOOL_MEMORY, 4096, &fault), ST_OK);
	ck_status("file", spool_add(spool, "x", 1, &fault), ST_SPOOL);
	ck_status("fault", fault.status, ST_SPOOL);
	ck_assert_ptr_nonnull(strstr(fault.detail, "/nonexistent/directory"));
	spool_free(&spool);
}
END_TEST

START_TEST(the_directory_name_may_be_long)
{
	struct fault fault = { 0 };
	struct spool *spool;
	struct buf name;

	buf_init(&name, 8192);
	unit_repeat(&name, "/long", 1000);
	spool = spool_new(name.data, 1 << 20);
	ck_status("memory", fill(spool, 0, SPOOL_MEMORY, 4096, &fault), ST_OK);
	ck_status("file", spool_add(spool, "x", 1, &fault), ST_SPOOL);
	ck_status("fault", fault.status, ST_SPOOL);
	spool_free(&spool);
	buf_free(&name);
}
END_TEST

START_TEST(the_reader_may_stop)
{
	struct spool *spool = spool_new(dir, 1 << 20);
	struct reading r = { .stop = (size_t)_i };

	ck_status("add", fill(spool, 0, 200000, 4096, NULL), ST_OK);
	ck_status(
	    "read", spool_read(spool, check_block, &r, NULL), ST_TOO_DEEP);
	ck_assert_uint_lt(r.len, 200000);
	spool_free(&spool);
}
END_TEST

START_TEST(short_and_interrupted_calls_lose_nothing)
{
	struct spool *spool = spool_new(dir, 1 << 20);
	struct reading r = { 0 };
	enum status st;

	inject_short_writes(true);
	st = fill(spool, 0, 300000, 10000, NULL);
	if (st == ST_OK)
		st = spool_read(spool, check_block, &r, NULL);
	inject_short_writes(false);
	ck_status("short", st, ST_OK);
	ck_assert_uint_eq(r.len, 300000);
	ck_assert_uint_eq(r.wrong, 0);
	spool_free(&spool);
}
END_TEST

START_TEST(every_call_may_fail)
{
	static const struct {
		enum inject kind;
		enum status want;
	} kinds[] = { { INJECT_MEMORY, ST_NO_MEMORY },
		{ INJECT_WRITE, ST_NO_SPACE }, { INJECT_READ, ST_SPOOL },
		{ INJECT_FILE, ST_SPOOL } };
	size_t descriptors = unit_count_descriptors();
	unsigned n;

	for (n = 1;; n++) {
		struct fault fault = { .status = ST_NO_MEMORY };
		struct reading r = { 0 };
		enum status st = ST_NO_MEMORY;
		struct spool *spool;
		bool is_struck;

		inject_arm(kinds[_i].kind, n);
		spool = spool_new(dir, 1 << 20);
		if (spool != NULL) {
			st = fill(spool, 0, 150000, 30000, &fault);
			if (st == ST_OK)
				st = spool_read(spool, check_block, &r, &fault);
			spool_free(&spool);
		}
		is_struck = inject_disarm();
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
		ck_assert_uint_eq(unit_count_files(dir), 0);
		ck_assert_uint_eq(r.wrong, 0);
		if (!is_struck) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_status("one", st, kinds[_i].want);
		if (kinds[_i].kind != INJECT_MEMORY)
			ck_status("fault", fault.status, st);
	}
	ck_assert_uint_gt(n, 1);
}
END_TEST

Suite *
spool_suite(void)
{
	Suite *suite = suite_create("spool");
	TCase *tc = tcase_create("spool");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, bytes_come_back_in_order, 0, 24);
	tcase_add_loop_test(tc, the_limit_is_kept, 0, 6);
	tcase_add_test(tc, few_bytes_need_no_directory);
	tcase_add_test(tc, the_directory_name_may_be_long);
	tcase_add_loop_test(tc, the_reader_may_stop, 1, 2);
	tcase_add_loop_test(tc, the_reader_may_stop, 100000, 100001);
	tcase_add_test(tc, short_and_interrupted_calls_lose_nothing);
	tcase_add_loop_test(tc, every_call_may_fail, 0, 4);
	suite_add_tcase(suite, tc);
	return suite;
}
