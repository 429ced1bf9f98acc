#include <check.h>
#include <string.h>

#include "deviation.h"
#include "suites.h"
#include "unit.h"

START_TEST(every_deviation_has_a_name_of_its_own)
{
	for (unsigned i = 0; i < DEV_MAX; i++) {
		const char *name = deviation_str((enum deviation)i);

		ck_assert_msg(name != NULL, "deviation %u", i);
		/* Names stand comma-separated in logs, unquoted. */
		ck_assert_uint_eq(
		    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"),
		    strlen(name));
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(
			    name, deviation_str((enum deviation)j));
	}
	ck_assert_str_eq(deviation_str(DEV_MAX), "unknown");
}
END_TEST

START_TEST(a_set_is_walked_in_order)
{
	deviations set = 0;
	unsigned next = 0;

	ck_assert_ptr_null(deviation_next(set, &next));
	deviation_add(&set, DEV_FOREIGN_DOMAIN);
	deviation_add(&set, DEV_MISSPELLED_CONTENT_TYPE);
	deviation_add(&set, DEV_COUNT_INVALID);
	deviation_add(&set, DEV_COUNT_INVALID);
	next = 0;
	ck_assert_str_eq(deviation_next(set, &next), "misspelled-content-type");
	ck_assert_str_eq(deviation_next(set, &next), "count-invalid");
	ck_assert_str_eq(deviation_next(set, &next), "foreign-domain");
	ck_assert_ptr_null(deviation_next(set, &next));
	ck_assert_ptr_null(deviation_next(set, &next));
}
END_TEST

START_TEST(the_full_set_has_every_name)
{
	deviations set = 0;
	unsigned next = 0, n = 0;

	for (unsigned i = 0; i < DEV_MAX; i++)
		deviation_add(&set, (enum deviation)i);
	for (const char *name; (name = deviation_next(set, &next)) != NULL; n++)
		ck_assert_str_eq(name, deviation_str((enum deviation)n));
	ck_assert_uint_eq(n, DEV_MAX);
}
END_TEST

Suite *
deviation_suite(void)
{
	Suite *suite = suite_create("deviation");
	TCase *tc = tcase_create("deviation");

	tcase_add_test(tc, every_deviation_has_a_name_of_its_own);
	tcase_add_test(tc, a_set_is_walked_in_order);
	tcase_add_test(tc, the_full_set_has_every_name);
	suite_add_tcase(suite, tc);
	return suite;
}
