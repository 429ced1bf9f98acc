#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "inject.h"
#include "member.h"
#include "suites.h"
#include "unit.h"

static struct json_span
span_of(const char *text)
{
	return (struct json_span){ text, strlen(text) };
}

/*
 * Members by name. The greatest index that a table may have is among them.
 */

enum {
	LOW = 0,
	HIGH = 31,
	INDICES
};

static const struct member_name names[] = {
	MEMBER("low", LOW),
	ALIAS("old-low", LOW, DEV_DRAFT_MEMBER),
	ALIAS("Low", LOW, DEV_MISNAMED_MEMBER),
	MEMBER("high", HIGH),
	ALIAS("old-high", HIGH, DEV_DRAFT_MEMBER),
};

static const struct {
	const char *object;
	const char *low, *high; /* "-" for what is left as it was */
	deviations dev;
} collected[] = {
	{ "{}", "-", "-", 0 },
	{ "{\"low\":1}", "1", "-", 0 },
	{ "{ \"high\" : [ 1 ] , \"low\" : \"x\" }", "\"x\"", "[ 1 ]", 0 },
	{ "{\"low\":null}", "null", "-", 0 },
	{ "{\"lo\":1,\"lows\":2,\"LOW\":3,\"\":4}", "-", "-", 0 },
	{ "{\"x\":{\"low\":1},\"y\":[{\"high\":2}]}", "-", "-", 0 },
	{ "{\"l\\u006fw\":1}", "1", "-", 0 },
	{ "[\"low\",1]", "-", "-", 0 },
	{ "\"low\"", "-", "-", 0 },
	{ "{\"old-low\":1}", "1", "-", DEV(DEV_DRAFT_MEMBER) },
	{ "{\"Low\":1}", "1", "-", DEV(DEV_MISNAMED_MEMBER) },
	{ "{\"old-low\":1,\"Low\":2}", "2", "-",
	    DEV(DEV_DRAFT_MEMBER) | DEV(DEV_MISNAMED_MEMBER) },
	/* Its own name counts, wherever it stands; else the last. */
	{ "{\"low\":1,\"low\":2}", "2", "-", 0 },
	{ "{\"old-low\":1,\"old-low\":2}", "2", "-", DEV(DEV_DRAFT_MEMBER) },
	{ "{\"low\":1,\"old-low\":2}", "1", "-", DEV(DEV_DRAFT_MEMBER) },
	{ "{\"old-low\":2,\"low\":1}", "1", "-", DEV(DEV_DRAFT_MEMBER) },
	{ "{\"low\":1,\"old-low\":2,\"low\":3,\"old-low\":4}", "3", "-",
	    DEV(DEV_DRAFT_MEMBER) },
	{ "{\"low\":null,\"old-low\":2}", "null", "-", DEV(DEV_DRAFT_MEMBER) },
	{ "{\"high\":1,\"old-high\":2}", "-", "1", DEV(DEV_DRAFT_MEMBER) },
	/* That of one member says nothing of another. */
	{ "{\"high\":1,\"old-low\":2}", "2", "1", DEV(DEV_DRAFT_MEMBER) },
	{ "{\"low\":1,\"old-high\":2}", "1", "2", DEV(DEV_DRAFT_MEMBER) },
};

START_TEST(members_are_collected)
{
	struct json_span value[INDICES];
	struct json_iter object;
	deviations dev = 0;

	for (size_t i = 0; i < INDICES; i++)
		value[i] = span_of("-");
	json_iter(&object, span_of(collected[_i].object));
	COLLECT(&object, names, value, &dev);
	ck_bytes(collected[_i].object, value[LOW].text, value[LOW].len,
	    collected[_i].low, strlen(collected[_i].low));
	ck_bytes(collected[_i].object, value[HIGH].text, value[HIGH].len,
	    collected[_i].high, strlen(collected[_i].high));
	for (size_t i = LOW + 1; i < HIGH; i++)
		ck_bytes("others", value[i].text, value[i].len, "-", 1);
	ck_deviations(collected[_i].object, dev, collected[_i].dev);
}
END_TEST

/*
 * Strings.
 */

static const struct {
	const char *token;
	const char *want;
	deviations dev;
} strings[] = {
	{ "", NULL, 0 },
	{ "null", NULL, DEV(DEV_NULL_MEMBER) },
	{ "\"\"", NULL, 0 },
	{ "\"x\"", "x", 0 },
	{ "\" \"", " ", 0 },
	{ "\"\xc3\xa9\"", "\xc3\xa9", 0 },
	{ "\"a\\n\\\"\\u00e9\"", "a\n\"\xc3\xa9", 0 },
	{ "\"\\u0000\"", "\xef\xbf\xbd", 0 },
	{ "\"null\"", "null", 0 },
	{ "1", "1", DEV(DEV_WRONG_TYPE) },
	{ "-0.50e1", "-0.50e1", DEV(DEV_WRONG_TYPE) },
	{ "true", NULL, DEV(DEV_WRONG_TYPE) },
	{ "false", NULL, DEV(DEV_WRONG_TYPE) },
	{ "[\"x\"]", NULL, DEV(DEV_WRONG_TYPE) },
	{ "{\"x\":\"x\"}", NULL, DEV(DEV_WRONG_TYPE) },
};

START_TEST(strings_are_read)
{
	char store[JSON_VALUE_MAX] = "before";
	const char *string = "before";
	deviations dev = 0;

	ck_status(strings[_i].token,
	    member_string(span_of(strings[_i].token), store, &string, &dev),
	    ST_OK);
	ck_string(strings[_i].token, string, strings[_i].want);
	ck_assert(string == NULL || string == store);
	ck_deviations(strings[_i].token, dev, strings[_i].dev);
}
END_TEST

/* So many times "x", then the rest, are a string of so many bytes. */
static const struct {
	const char *name;
	size_t xs;
	const char *rest;
	size_t want;
	deviations dev;
} long_strings[] = {
	{ "at the limit", JSON_VALUE_MAX - 1, "", JSON_VALUE_MAX - 1, 0 },
	{ "a byte over it", JSON_VALUE_MAX, "", JSON_VALUE_MAX - 1,
	    DEV(DEV_LONG_VALUE) },
	{ "far over it", 100000, "", JSON_VALUE_MAX - 1, DEV(DEV_LONG_VALUE) },
	{ "an escape that is one byte", JSON_VALUE_MAX - 2, "\\n",
	    JSON_VALUE_MAX - 1, 0 },
	{ "an escape over it", JSON_VALUE_MAX - 1, "\\n", JSON_VALUE_MAX - 1,
	    DEV(DEV_LONG_VALUE) },
	{ "a character that fits", JSON_VALUE_MAX - 3, "\xc3\xa9",
	    JSON_VALUE_MAX - 1, 0 },
	{ "a character that does not", JSON_VALUE_MAX - 2, "\xc3\xa9",
	    JSON_VALUE_MAX - 2, DEV(DEV_LONG_VALUE) },
	{ "an escaped one that does not", JSON_VALUE_MAX - 2, "\\u00e9",
	    JSON_VALUE_MAX - 2, DEV(DEV_LONG_VALUE) },
};

START_TEST(long_strings_are_cut)
{
	char store[JSON_VALUE_MAX];
	const char *string;
	deviations dev = 0;
	struct buf token;

	buf_init(&token, 1 << 20);
	(void)buf_adds(&token, "\"");
	unit_repeat(&token, "x", long_strings[_i].xs);
	(void)buf_adds(&token, long_strings[_i].rest);
	ck_status("token", buf_adds(&token, "\""), ST_OK);
	ck_status(long_strings[_i].name,
	    member_string((struct json_span){ token.data, token.len }, store,
		&string, &dev),
	    ST_OK);
	ck_assert_uint_eq(strlen(string), long_strings[_i].want);
	ck_deviations(long_strings[_i].name, dev, long_strings[_i].dev);
	buf_free(&token);
}
END_TEST

/*
 * Arrays of strings.
 */

static const struct {
	const char *token;
	const char *want; /* each with "+" behind it, or NULL */
	deviations dev;
	bool has_list; /* there is something to delete */
} lists[] = {
	{ "", NULL, 0, false },
	{ "null", NULL, DEV(DEV_NULL_MEMBER), false },
	{ "5", NULL, DEV(DEV_WRONG_TYPE), false },
	{ "true", NULL, DEV(DEV_WRONG_TYPE), false },
	{ "{\"0\":\"x\"}", NULL, DEV(DEV_WRONG_TYPE), false },
	{ "\"x\"", "x+", DEV(DEV_MX_HOST_NOT_ARRAY), true },
	{ "\"\"", NULL, DEV(DEV_MX_HOST_NOT_ARRAY), true },
	{ "[]", NULL, 0, true },
	{ "[\"\"]", NULL, 0, true },
	{ "[\"\",\"\"]", "++", 0, true },
	{ "[\"\",\"x\"]", "+x+", 0, true },
	{ "[\"x\"]", "x+", 0, true },
	{ "[ \"x\" , \"\\u00e9\" ]", "x+\xc3\xa9+", 0, true },
	{ "[1]", NULL, DEV(DEV_WRONG_TYPE), true },
	{ "[1,\"x\",null,[\"y\"],{\"z\":\"z\"}]", "x+", DEV(DEV_WRONG_TYPE),
	    true },
};

START_TEST(lists_are_read)
{
	cJSON *list = NULL;
	const cJSON *array, *item;
	deviations dev = 0;
	struct buf out;

	buf_init(&out, 100);
	ck_status(lists[_i].token,
	    member_strings(span_of(lists[_i].token), &list, &array,
		DEV_MX_HOST_NOT_ARRAY, &dev),
	    ST_OK);
	ck_assert(array == NULL || array == list);
	cJSON_ArrayForEach(item, array)
	{
		(void)buf_addf(&out, "%s+", item->valuestring);
	}
	ck_string(lists[_i].token, out.data, lists[_i].want);
	ck_assert_int_eq(array != NULL, lists[_i].want != NULL);
	ck_assert_int_eq(list != NULL, lists[_i].has_list);
	ck_deviations(lists[_i].token, dev, lists[_i].dev);
	cJSON_Delete(list);
	buf_free(&out);
}
END_TEST

START_TEST(lists_have_their_limit)
{
	for (size_t n = JSON_ARRAY_MAX; n <= JSON_ARRAY_MAX + 1; n++) {
		cJSON *list = NULL;
		const cJSON *array;
		deviations dev = 0;
		struct buf token;

		buf_init(&token, 1 << 16);
		(void)buf_adds(&token, "[\"x\"");
		unit_repeat(&token, ",\"x\"", n - 1);
		ck_status("token", buf_adds(&token, "]"), ST_OK);
		ck_status("list",
		    member_strings((struct json_span){ token.data, token.len },
			&list, &array, DEV_MX_HOST_NOT_ARRAY, &dev),
		    ST_OK);
		ck_assert_int_eq(cJSON_GetArraySize(array), JSON_ARRAY_MAX);
		ck_deviations(
		    "list", dev, n > JSON_ARRAY_MAX ? DEV(DEV_LONG_VALUE) : 0);
		cJSON_Delete(list);
		buf_free(&token);
	}
}
END_TEST

/*
 * Counts.
 */

static const struct {
	const char *token;
	bool is_known;
	uint64_t value;
	deviations dev;
} counts[] = {
	{ "", false, 0, 0 },
	{ "null", false, 0, DEV(DEV_NULL_MEMBER) },
	{ "0", true, 0, 0 },
	{ "-0", true, 0, 0 },
	{ "1", true, 1, 0 },
	{ "1.0", true, 1, 0 },
	{ "1e3", true, 1000, 0 },
	{ "1E+3", true, 1000, 0 },
	{ "10e-1", true, 1, 0 },
	/* Fifteen digits are read at once, more are a double first. */
	{ "999999999999999", true, 999999999999999, 0 },
	{ "1000000000000000", true, 1000000000000000, 0 },
	{ "9007199254740991", true, 9007199254740991, 0 },
	{ "9007199254740992", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "9007199254740993", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "18446744073709551616", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "-1", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "1.5", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "1e-1", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "1e400", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "-1e400", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\"0\"", true, 0, DEV(DEV_COUNT_AS_STRING) },
	{ "\"17\"", true, 17, DEV(DEV_COUNT_AS_STRING) },
	{ "\"\\u0031\"", true, 1, DEV(DEV_COUNT_AS_STRING) },
	{ "\"9007199254740991\"", true, 9007199254740991,
	    DEV(DEV_COUNT_AS_STRING) },
	{ "\"9007199254740992\"", false, 0,
	    DEV(DEV_COUNT_AS_STRING) | DEV(DEV_COUNT_INVALID) },
	/* Up to 19 digits are read, zeros before them among them. */
	{ "\"0000000000000000017\"", true, 17, DEV(DEV_COUNT_AS_STRING) },
	{ "\"00000000000000000017\"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\"99999999999999999999\"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\"-1\"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\"+1\"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\"1.5\"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\"\"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\"many\"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\" 1\"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "\"1 \"", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "true", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "false", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "[1]", false, 0, DEV(DEV_COUNT_INVALID) },
	{ "{\"1\":1}", false, 0, DEV(DEV_COUNT_INVALID) },
};

START_TEST(counts_are_read)
{
	struct count count = { .is_known = !counts[_i].is_known, .value = 99 };
	deviations dev = 0;

	ck_status(counts[_i].token,
	    member_count(span_of(counts[_i].token), &count, &dev), ST_OK);
	ck_assert_int_eq(count.is_known, counts[_i].is_known);
	ck_assert_int_eq(
	    count.is_invalid, (counts[_i].dev & DEV(DEV_COUNT_INVALID)) != 0);
	ck_assert_uint_eq(count.value, counts[_i].value);
	ck_deviations(counts[_i].token, dev, counts[_i].dev);
}
END_TEST

/* Digits that no number needs: the value is what they say, or no count. */
START_TEST(numbers_may_be_long)
{
	static const struct {
		const char *before, *digit, *behind;
		bool is_known;
		uint64_t value;
	} numbers[] = {
		{ "1", "0", "", false, 0 },
		{ "1.", "0", "", true, 1 },
		{ "1.", "0", "e2", true, 100 },
		/* What is too small for a double is 0. */
		{ "0.", "0", "1", true, 0 },
	};
	static const size_t lens[] = { 10, 60, 62, 63, 64, 100, 1000,
		JSON_VALUE_MAX };

	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct count count;
		deviations dev = 0;
		struct buf token;

		/* So few digits are a count after all. */
		if (lens[i] == 10 && !numbers[_i].is_known)
			continue;
		buf_init(&token, 1 << 16);
		(void)buf_adds(&token, numbers[_i].before);
		unit_repeat(&token, numbers[_i].digit, lens[i]);
		ck_status("token", buf_adds(&token, numbers[_i].behind), ST_OK);
		ck_status("count",
		    member_count((struct json_span){ token.data, token.len },
			&count, &dev),
		    ST_OK);
		/* Unknown will do for a number as nobody writes it; another
		   value than was sent will not. */
		ck_assert_msg(!count.is_known ||
			(numbers[_i].is_known &&
			    count.value == numbers[_i].value),
		    "%s%s...%s of %zu digits: %llu", numbers[_i].before,
		    numbers[_i].digit, numbers[_i].behind, lens[i],
		    (unsigned long long)count.value);
		ck_assert_int_eq(count.is_known, dev != DEV(DEV_COUNT_INVALID));
		buf_free(&token);
	}
}
END_TEST

START_TEST(counts_are_added)
{
	static const struct {
		uint64_t a, b, want;
	} sums[] = {
		{ 0, 0, 0 },
		{ 1, 2, 3 },
		{ UINT64_MAX, 0, UINT64_MAX },
		{ UINT64_MAX - 1, 1, UINT64_MAX },
		{ UINT64_MAX, 1, UINT64_MAX },
		{ UINT64_MAX, UINT64_MAX, UINT64_MAX },
		{ UINT64_C(1) << 63, UINT64_C(1) << 63, UINT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		ck_assert_uint_eq(
		    count_add(sums[i].a, sums[i].b), sums[i].want);
		ck_assert_uint_eq(
		    count_add(sums[i].b, sums[i].a), sums[i].want);
	}
}
END_TEST

/*
 * Dates and times.
 */

static const struct {
	const char *token;
	const char *text;
	bool is_known;
	int64_t time;
	deviations dev;
} times[] = {
	{ "", NULL, false, 0, 0 },
	{ "null", NULL, false, 0, DEV(DEV_NULL_MEMBER) },
	{ "\"\"", NULL, false, 0, 0 },
	{ "0", "0", false, 0, DEV(DEV_WRONG_TYPE) | DEV(DEV_DATETIME_INVALID) },
	{ "\"2016-04-01T00:00:00Z\"", "2016-04-01T00:00:00Z", true, 1459468800,
	    0 },
	{ "\"2016-04-01T02:00:00\\u002b02:00\"", "2016-04-01T02:00:00+02:00",
	    true, 1459468800, 0 },
	{ "\"2016-04-01T00:00:00\"", "2016-04-01T00:00:00", true, 1459468800,
	    DEV(DEV_DATETIME_WITHOUT_ZONE) },
	{ "\"2016-04-01\"", "2016-04-01", false, 0, DEV(DEV_DATETIME_INVALID) },
	{ "\"1459468800\"", "1459468800", false, 0, DEV(DEV_DATETIME_INVALID) },
};

START_TEST(datetimes_are_read)
{
	char store[JSON_VALUE_MAX];
	struct datetime datetime = { "before", true, 99 };
	deviations dev = 0;

	ck_status(times[_i].token,
	    member_datetime(span_of(times[_i].token), store, &datetime, &dev),
	    ST_OK);
	ck_string(times[_i].token, datetime.text, times[_i].text);
	ck_assert_int_eq(datetime.is_known, times[_i].is_known);
	if (datetime.is_known)
		ck_assert_int_eq(datetime.time, times[_i].time);
	ck_deviations(times[_i].token, dev, times[_i].dev);
}
END_TEST

/*
 * Objects in an array, or alone.
 */

static const struct {
	const char *token;
	const char *want; /* the first member of each, with "+" behind it */
	size_t count;
	deviations dev;
} visits[] = {
	{ "", NULL, 0, 0 },
	{ "null", NULL, 0, 0 },
	{ "1", NULL, 0, 0 },
	{ "\"{}\"", NULL, 0, 0 },
	{ "[]", NULL, 0, 0 },
	{ "{}", NULL, 1, 0 },
	{ "{\"v\":1,\"w\":{\"v\":2}}", "1+", 1, 0 },
	{ "[{}]", NULL, 1, 0 },
	{ "[{},{\"v\":2},{}]", "2+", 3, 0 },
	{ "[{\"v\":{\"w\":[{}]},\"x\":[{\"v\":3}]},{\"v\":2}]",
	    "{\"w\":[{}]}+2+", 2, 0 },
	{ "[ { \"v\" : \"}\" , \"w\" : \"]\" } , { \"v\" : 2 } ]", "\"}\"+2+",
	    2, 0 },
	{ "[1,null,{\"v\":1},\"x\",[{\"v\":9}],{\"v\":2},false]", "1+2+", 2,
	    DEV(DEV_WRONG_TYPE) },
	{ "[[]]", NULL, 0, DEV(DEV_WRONG_TYPE) },
};

/* An object may be left unread, read in part or as a whole. */
START_TEST(objects_are_visited)
{
	for (int members = 0; members <= 2; members++) {
		struct member_objects objects;
		struct json_iter object;
		deviations dev = 0;
		size_t count = 0;
		struct buf out;

		buf_init(&out, 1000);
		member_objects(&objects, span_of(visits[_i].token));
		while (member_object_next(&objects, &object, &dev)) {
			count++;
			if (members > 0 && json_next(&object)) {
				struct json_span v = json_take(&object);

				(void)buf_add(&out, v.text, v.len);
				(void)buf_adds(&out, "+");
			}
			while (members > 1 && json_next(&object))
				;
			member_object_leave(&objects, &object);
		}
		ck_assert(!member_object_next(&objects, &object, &dev));
		ck_assert_uint_eq(count, visits[_i].count);
		if (members > 0)
			ck_string(visits[_i].token, out.data, visits[_i].want);
		ck_deviations(visits[_i].token, dev, visits[_i].dev);
		buf_free(&out);
	}
}
END_TEST

/*
 * Without memory. Plain strings and counts need none.
 */

static enum status
read_each(const char *string, cJSON **list, struct datetime *datetime,
    struct count *count)
{
	static char store[JSON_VALUE_MAX];
	static const char escape[] = "\"2016-04-01T00:00:00\\u005a\"";
	static const char array[] = "[\"\\u00e9\",\"x\"]";
	static const char number[] = "\"17\"";
	const cJSON *array_read;
	const char *string_read;
	deviations dev = 0;
	enum status st;

	st = member_string(span_of(string), store, &string_read, &dev);
	if (st == ST_OK)
		st = member_strings(span_of(array), list, &array_read,
		    DEV_MX_HOST_NOT_ARRAY, &dev);
	if (st == ST_OK)
		st = member_datetime(span_of(escape), store, datetime, &dev);
	if (st == ST_OK)
		st = member_count(span_of(number), count, &dev);
	return st;
}

START_TEST(every_call_may_fail)
{
	unsigned n;

	for (n = 1;; n++) {
		struct datetime datetime = { NULL, false, 0 };
		struct count count = { .is_known = false };
		cJSON *list = NULL;
		enum status st;

		inject_arm(INJECT_MEMORY, n);
		st = read_each("\"\\u00e9\"", &list, &datetime, &count);
		cJSON_Delete(list);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			ck_assert(datetime.is_known);
			ck_assert_uint_eq(count.value, 17);
			break;
		}
		ck_status("one", st, ST_NO_MEMORY);
		ck_assert(!count.is_known);
		ck_assert_uint_eq(inject_leaks(), 0);
	}
	ck_assert_uint_gt(n, 8);
}
END_TEST

START_TEST(plain_values_need_no_memory)
{
	char store[JSON_VALUE_MAX];
	struct datetime datetime;
	struct count count;
	const char *string;
	deviations dev = 0;
	enum status st[3];

	inject_arm(INJECT_MEMORY, 1);
	st[0] = member_string(span_of("\"x\""), store, &string, &dev);
	st[1] = member_count(span_of("999999999999999"), &count, &dev);
	st[2] = member_datetime(
	    span_of("\"2016-04-01T00:00:00Z\""), store, &datetime, &dev);
	ck_assert(!inject_disarm());
	for (size_t i = 0; i < ARRAY_LEN(st); i++)
		ck_status("plain", st[i], ST_OK);
}
END_TEST

Suite *
member_suite(void)
{
	Suite *suite = suite_create("member");
	TCase *tc = tcase_create("member");

	tcase_add_loop_test(
	    tc, members_are_collected, 0, (int)ARRAY_LEN(collected));
	tcase_add_loop_test(tc, strings_are_read, 0, (int)ARRAY_LEN(strings));
	tcase_add_loop_test(
	    tc, long_strings_are_cut, 0, (int)ARRAY_LEN(long_strings));
	tcase_add_loop_test(tc, lists_are_read, 0, (int)ARRAY_LEN(lists));
	tcase_add_test(tc, lists_have_their_limit);
	tcase_add_loop_test(tc, counts_are_read, 0, (int)ARRAY_LEN(counts));
	tcase_add_loop_test(tc, numbers_may_be_long, 0, 4);
	tcase_add_test(tc, counts_are_added);
	tcase_add_loop_test(tc, datetimes_are_read, 0, (int)ARRAY_LEN(times));
	tcase_add_loop_test(tc, objects_are_visited, 0, (int)ARRAY_LEN(visits));
	tcase_add_test(tc, every_call_may_fail);
	tcase_add_test(tc, plain_values_need_no_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
