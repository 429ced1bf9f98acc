#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rfc3339.h"
#include "suites.h"
#include "unit.h"

static const struct {
	const char *string;
	enum rfc3339 want;
	int64_t time;
} rows[] = {
	{ "2016-04-01T00:00:00Z", RFC3339_OK, 1459468800 },
	{ "2016-04-01T23:59:59Z", RFC3339_OK, 1459555199 },
	{ "1970-01-01T00:00:00Z", RFC3339_OK, 0 },
	{ "9999-12-31T23:59:59Z", RFC3339_OK, 253402300799 },
	{ "2024-02-29T12:00:00Z", RFC3339_OK, 1709208000 },
	{ "2000-02-29T00:00:00Z", RFC3339_OK, 951782400 },
	{ "2016-04-01t00:00:00z", RFC3339_OK, 1459468800 },
	{ "2016-04-01 00:00:00Z", RFC3339_OK, 1459468800 },
	{ "2016-04-01T00:00:00.123456789Z", RFC3339_OK, 1459468800 },
	{ "2016-04-01T00:00:00.9+00:00", RFC3339_OK, 1459468800 },
	{ "2016-04-01T00:00:00+02:00", RFC3339_OK, 1459461600 },
	{ "2016-04-01T00:00:00-05:30", RFC3339_OK, 1459488600 },
	{ "2016-04-01T00:00:00-00:00", RFC3339_OK, 1459468800 },
	{ "2016-04-01T00:00:00+23:59", RFC3339_OK, 1459382460 },
	{ "2016-12-31T23:59:60Z", RFC3339_OK, 1483228800 },
	/* Microsoft, 2023. */
	{ "2023-10-10T00:00:00", RFC3339_NO_ZONE, 1696896000 },
	{ "2023-10-10T00:00:00.5", RFC3339_NO_ZONE, 1696896000 },
	{ "", RFC3339_INVALID, 0 },
	{ "2016", RFC3339_INVALID, 0 },
	{ "2016-04-01", RFC3339_INVALID, 0 },
	{ "2016-04-01T", RFC3339_INVALID, 0 },
	{ "2016-04-01T00", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00Z", RFC3339_INVALID, 0 },
	{ "2016-4-1T00:00:00Z", RFC3339_INVALID, 0 },
	{ "16-04-01T00:00:00Z", RFC3339_INVALID, 0 },
	{ "2016/04/01T00:00:00Z", RFC3339_INVALID, 0 },
	{ "2016-04-01X00:00:00Z", RFC3339_INVALID, 0 },
	{ "2016-04-01T00-00-00Z", RFC3339_INVALID, 0 },
	{ "2016-13-01T00:00:00Z", RFC3339_INVALID, 0 },
	{ "2016-00-01T00:00:00Z", RFC3339_INVALID, 0 },
	{ "2016-04-31T00:00:00Z", RFC3339_INVALID, 0 },
	{ "2016-04-00T00:00:00Z", RFC3339_INVALID, 0 },
	{ "2023-02-29T00:00:00Z", RFC3339_INVALID, 0 },
	{ "2100-02-29T00:00:00Z", RFC3339_INVALID, 0 },
	{ "2016-04-01T24:00:00Z", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:60:00Z", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:61Z", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:00+24:00", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:00+00:60", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:00+0", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:00+00:0", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:00+00:00x", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:00Zx", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:00 ", RFC3339_INVALID, 0 },
	{ "2016-04-01T00:00:00UTC", RFC3339_INVALID, 0 },
	{ " 2016-04-01T00:00:00Z", RFC3339_INVALID, 0 },
	{ "1969-12-31T23:59:59Z", RFC3339_INVALID, 0 },
	{ "1970-01-01T00:00:00+00:01", RFC3339_INVALID, 0 },
	{ "0000-00-00T00:00:00Z", RFC3339_INVALID, 0 },
	{ "-016-04-01T00:00:00Z", RFC3339_INVALID, 0 },
};

START_TEST(times_are_read)
{
	char *copy = strdup(rows[_i].string);
	int64_t time = -77;

	ck_assert_ptr_nonnull(copy);
	ck_assert_msg(rfc3339_parse(copy, &time) == rows[_i].want, "%s", copy);
	ck_assert_int_eq(
	    time, rows[_i].want == RFC3339_INVALID ? -77 : rows[_i].time);
	free(copy);
}
END_TEST

/* Not only the last second of the last year, but what an offset makes of it. */
START_TEST(the_last_year_is_9999)
{
	char out[RFC3339_MAX];
	int64_t time = -77;
	enum rfc3339 verdict =
	    rfc3339_parse("9999-12-31T23:59:59-01:00", &time);

	/* Either it is no time, or one that can be written. */
	if (verdict != RFC3339_INVALID)
		ck_assert(rfc3339_format(time, out));
}
END_TEST

static const struct {
	int64_t time;
	const char *want;
} formats[] = {
	{ 0, "1970-01-01T00:00:00Z" },
	{ 1459555199, "2016-04-01T23:59:59Z" },
	{ 1709164799, "2024-02-28T23:59:59Z" },
	{ 4102444800, "2100-01-01T00:00:00Z" },
	{ 253402300799, "9999-12-31T23:59:59Z" },
	{ 253402300800, "" },
	{ -1, "" },
	{ INT64_MAX, "" },
	{ INT64_MIN, "" },
};

START_TEST(times_are_written)
{
	char out[RFC3339_MAX];

	ck_assert_int_eq(
	    rfc3339_format(formats[_i].time, out), formats[_i].want[0] != '\0');
	ck_assert_str_eq(out, formats[_i].want);
}
END_TEST

START_TEST(what_is_written_is_read)
{
	for (int64_t time = 0; time <= 253402300799; time += 86399 * 37 + 11) {
		char out[RFC3339_MAX];
		int64_t again = -1;
		bool is_same = rfc3339_format(time, out) &&
		    rfc3339_parse(out, &again) == RFC3339_OK && again == time;

		if (!is_same)
			ck_abort_msg("%lld: %s", (long long)time, out);
	}
}
END_TEST

Suite *
rfc3339_suite(void)
{
	Suite *suite = suite_create("rfc3339");
	TCase *tc = tcase_create("rfc3339");

	tcase_add_loop_test(tc, times_are_read, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, the_last_year_is_9999);
	tcase_add_loop_test(tc, times_are_written, 0, (int)ARRAY_LEN(formats));
	tcase_add_test(tc, what_is_written_is_read);
	suite_add_tcase(suite, tc);
	return suite;
}
