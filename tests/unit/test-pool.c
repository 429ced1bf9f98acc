#include <check.h>
#include <stdint.h>
#include <string.h>

#include "inject.h"
#include "pool.h"
#include "suites.h"
#include "unit.h"

START_TEST(memory_comes_and_goes)
{
	struct pool pool;
	char *piece[10];

	inject_arm(INJECT_MEMORY, 0);
	ck_assert(pool_init(&pool));
	for (size_t i = 0; i < ARRAY_LEN(piece); i++) {
		piece[i] = pool_take(&pool, i);
		memset(piece[i], 'x', i);
	}
	pool_give(&pool, NULL);
	/* The first, one between, the last; the rest at the end. */
	pool_give(&pool, piece[0]);
	pool_give(&pool, piece[5]);
	pool_give(&pool, piece[9]);
	pool_free(&pool);
	pool_free(&pool);
	(void)inject_disarm();
	ck_assert_uint_eq(inject_leaks(), 0);
	ck_assert(!pool.has_failed);
}
END_TEST

START_TEST(the_reserve_helps)
{
	struct pool pool;
	char *first, *second, *third;
	bool has_failed;

	inject_arm(INJECT_MEMORY, 0);
	ck_assert(pool_init(&pool));
	(void)inject_disarm();
	inject_arm(INJECT_MEMORY, 1);
	first = pool_take(&pool, 100);
	(void)inject_disarm();
	has_failed = pool.has_failed;
	ck_assert(has_failed);
	ck_assert_ptr_nonnull(first);
	ck_assert_uint_eq((uintptr_t)first % 16, 0);
	memset(first, 'x', 100);
	second = pool_take(&pool, 100);
	ck_assert_ptr_nonnull(second);
	pool_give(&pool, first);
	pool_give(&pool, second);
	inject_arm(INJECT_MEMORY, 1);
	third = pool_take(&pool, POOL_RESERVE);
	(void)inject_disarm();
	ck_assert_ptr_null(third);
	ck_assert_ptr_null(pool_take(&pool, SIZE_MAX));
	pool_free(&pool);
}
END_TEST

START_TEST(there_may_be_no_reserve)
{
	struct pool pool;
	bool is_there;

	inject_arm(INJECT_MEMORY, 1);
	is_there = pool_init(&pool);
	(void)inject_disarm();
	ck_assert(!is_there);
	pool_free(&pool);
}
END_TEST

Suite *
pool_suite(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = tcase_create("pool");

	tcase_add_test(tc, memory_comes_and_goes);
	tcase_add_test(tc, the_reserve_helps);
	tcase_add_test(tc, there_may_be_no_reserve);
	suite_add_tcase(suite, tc);
	return suite;
}
