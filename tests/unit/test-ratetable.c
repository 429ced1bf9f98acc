#include <check.h>
#include <stdio.h>

#include "ratetable.h"
#include "suites.h"
#include "unit.h"

#define HOUR UINT64_C(3600000)

static struct ratetable *table;

static void
setup(void)
{
	table = ratetable_new();
	ck_assert_ptr_nonnull(table);
}

static void
teardown(void)
{
	ratetable_free(&table);
	ck_assert_ptr_null(table);
}

static bool
take(const char *client, uint64_t rate, uint64_t now, unsigned *retry)
{
	struct network network;

	ck_assert(address_read_network(client, &network));
	return ratetable_take(table, &network, rate, now, retry);
}

START_TEST(an_hour_has_so_many)
{
	unsigned retry = 0;

	for (int i = 0; i < 6; i++)
		ck_assert(take("192.0.2.1", 6, 1000, &retry));
	ck_assert(!take("192.0.2.1", 6, 1000, &retry));
	ck_assert_uint_eq(retry, 600);
	ck_assert(!take("192.0.2.1", 6, 1000 + 599999, &retry));
	ck_assert_uint_eq(retry, 1);
	ck_assert(take("192.0.2.1", 6, 1000 + 600000, &retry));
	ck_assert(!take("192.0.2.1", 6, 1000 + 600000, &retry));
	/* Nobody saves up more than an hour's. */
	for (int i = 0; i < 6; i++)
		ck_assert(take("192.0.2.1", 6, 100 * HOUR, &retry));
	ck_assert(!take("192.0.2.1", 6, 100 * HOUR, &retry));
	/* A clock that goes back brings nothing, and does no harm. */
	ck_assert(!take("192.0.2.1", 6, 0, &retry));
}
END_TEST

START_TEST(each_client_has_its_own)
{
	unsigned retry;

	ck_assert(take("192.0.2.1", 1, 0, &retry));
	ck_assert(!take("192.0.2.1", 1, 0, &retry));
	ck_assert(take("192.0.2.2", 1, 0, &retry));
	ck_assert(take("2001:db8::1", 1, 0, &retry));
	/* The 64 bits that one host has are one client. */
	ck_assert(!take("2001:db8::ffff:1", 1, 0, &retry));
	ck_assert(take("2001:db8:0:1::1", 1, 0, &retry));
}
END_TEST

START_TEST(none_is_no_limit)
{
	unsigned retry;

	for (int i = 0; i < 10000; i++)
		ck_expect(take("192.0.2.1", 0, 0, &retry), "%d", i);
}
END_TEST

/* A flood of others does not let one who has spent all come again. */
START_TEST(others_do_not_push_it_out)
{
	unsigned retry;
	char client[32];

	for (int i = 0; i < 10; i++)
		ck_assert(take("192.0.2.1", 10, 0, &retry));
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(client, sizeof client, "10.%d.%d.%d",
		    i >> 16 & 255, i >> 8 & 255, i & 255);
		ck_expect(take(client, 10, 0, &retry), "%d", i);
	}
	ck_assert(!take("192.0.2.1", 10, 0, &retry));
}
END_TEST

Suite *
ratetable_suite(void)
{
	Suite *suite = suite_create("ratetable");
	TCase *tc = tcase_create("ratetable");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_hour_has_so_many);
	tcase_add_test(tc, each_client_has_its_own);
	tcase_add_test(tc, none_is_no_limit);
	tcase_add_test(tc, others_do_not_push_it_out);
	suite_add_tcase(suite, tc);
	return suite;
}
