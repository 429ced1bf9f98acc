#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ijson.h"
#include "suites.h"
#include "unit.h"

/* Check a copy of its exact size, so that a sanitizer sees what is beyond. */
static enum status
check_copy(const char *text, size_t len, const struct ijson_limits *limits,
    deviations *dev, struct fault *fault)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum status st;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	st = ijson_check(copy, len, limits, dev, fault);
	free(copy);
	return st;
}

static const struct {
	const char *text;
	size_t len;
	deviations dev;
} good[] = {
	{ BYTES("{}"), 0 },
	{ BYTES(" \t\r\n{ \n} \r\n"), 0 },
	{ BYTES("{\"a\":1}"), 0 },
	{ BYTES("{ \"a\" : [ ] , \"b\" : { } }"), 0 },
	{ BYTES("{\"a\":[1,-1,0,-0,0.5,10.25e+3,1E-2,1e0]}"), 0 },
	{ BYTES("{\"a\":[true,false,null]}"), 0 },
	{ BYTES("{\"\":\"\"}"), 0 },
	{ BYTES("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD\"}"), 0 },
	{ BYTES("{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x92\x7f\"}"), 0 },
	{ BYTES("{\"a\":\"\\ud83d\\udd12\"}"), 0 },
	{ BYTES("\xef\xbb\xbf{}"), DEV(DEV_BYTE_ORDER_MARK) },
	{ BYTES("\xef\xbb\xbf {}"), DEV(DEV_BYTE_ORDER_MARK) },
	{ BYTES("{\"a\":\"x\ny\"}"), DEV(DEV_RAW_CONTROL_CHARACTER) },
	{ BYTES("{\"a\":\"\0\"}"),
	    DEV(DEV_RAW_CONTROL_CHARACTER) | DEV(DEV_NUL_CHARACTER) },
	{ BYTES("{\"a\x1f\":1}"), DEV(DEV_RAW_CONTROL_CHARACTER) },
	{ BYTES("{\"a\":1,\"a\":2}"), DEV(DEV_REPEATED_MEMBER) },
	{ BYTES("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), 0 },
	{ BYTES("{\"x\":{\"a\":1,\"a\":1}}"), DEV(DEV_REPEATED_MEMBER) },
	{ BYTES("{\"a\":{\"b\":1},\"b\":2,\"a\":3}"),
	    DEV(DEV_REPEATED_MEMBER) },
	{ BYTES("{\"a\":1,\"A\":1,\"a \":1}"), 0 },
	{ BYTES("{\"a\":\"\\ud83d\"}"), DEV(DEV_LONE_SURROGATE) },
	{ BYTES("{\"a\":\"\\udd12\"}"), DEV(DEV_LONE_SURROGATE) },
	{ BYTES("{\"a\":\"\\ud83d\\ud83d\\udd12\"}"), DEV(DEV_LONE_SURROGATE) },
	{ BYTES("{\"a\":\"\\ud83dx\"}"), DEV(DEV_LONE_SURROGATE) },
	{ BYTES("{\"a\":\"\\u0000\"}"), DEV(DEV_NUL_CHARACTER) },
	{ BYTES("{\"a\":1e400}"), DEV(DEV_NUMBER_OUT_OF_RANGE) },
	{ BYTES("{\"a\":-1e400}"), DEV(DEV_NUMBER_OUT_OF_RANGE) },
	{ BYTES("{\"a\":1e308}"), 0 },
	{ BYTES("{\"a\":1e-400}"), 0 },
	{ BYTES("{\"a\":9007199254740993}"), 0 },
	{ BYTES("{\"a\":\"\n\\u0000\\ud800\",\"a\":1e999}"),
	    DEV(DEV_RAW_CONTROL_CHARACTER) | DEV(DEV_NUL_CHARACTER) |
		DEV(DEV_LONE_SURROGATE) | DEV(DEV_REPEATED_MEMBER) |
		DEV(DEV_NUMBER_OUT_OF_RANGE) },
};

START_TEST(texts_that_are_read)
{
	struct fault fault = { .status = ST_SPOOL };
	deviations dev = 0;

	ck_status(good[_i].text,
	    check_copy(good[_i].text, good[_i].len, NULL, &dev, &fault), ST_OK);
	ck_deviations(good[_i].text, dev, good[_i].dev);
	/* What was there before stays. */
	dev = DEV(DEV_MEDIA_TYPE);
	(void)check_copy(good[_i].text, good[_i].len, NULL, &dev, NULL);
	ck_deviations(good[_i].text, dev, good[_i].dev | DEV(DEV_MEDIA_TYPE));
}
END_TEST

START_TEST(every_cut_of_them_is_an_error)
{
	const char *text = good[_i].text;
	size_t end = good[_i].len;

	/* White space behind the end is none. */
	while (end > 0 && strchr(" \r\n", text[end - 1]) != NULL)
		end--;
	for (size_t len = 0; len < end; len++) {
		deviations dev = 0;
		struct fault fault = { 0 };
		enum status st = check_copy(text, len, NULL, &dev, &fault);

		ck_assert_msg(st != ST_OK, "%.*s", (int)len, text);
		ck_status("fault", fault.status, st);
		ck_assert(fault.has_offset);
		ck_assert_uint_le(fault.offset, len);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	enum status want;
	uint64_t offset;
} bad[] = {
	{ BYTES(""), ST_EMPTY, 0 },
	{ BYTES(" \r\n\t"), ST_EMPTY, 4 },
	{ BYTES("\xef\xbb\xbf"), ST_EMPTY, 3 },
	{ BYTES("[]"), ST_JSON_NOT_OBJECT, 0 },
	{ BYTES(" [{}]"), ST_JSON_NOT_OBJECT, 1 },
	{ BYTES("\"x\""), ST_JSON_NOT_OBJECT, 0 },
	{ BYTES("1"), ST_JSON_NOT_OBJECT, 0 },
	{ BYTES("null"), ST_JSON_NOT_OBJECT, 0 },
	{ BYTES("Dear postmaster"), ST_JSON_SYNTAX, 0 },
	{ BYTES("<html>"), ST_JSON_SYNTAX, 0 },
	{ BYTES("{\0}"), ST_JSON_ENCODING, 0 },
	{ BYTES("\0{\0}"), ST_JSON_ENCODING, 0 },
	{ BYTES("\xff\xfe{\0}\0"), ST_JSON_ENCODING, 0 },
	{ BYTES("\xfe\xff\0{\0}"), ST_JSON_ENCODING, 0 },
	{ BYTES("\xff"), ST_JSON_ENCODING, 0 },
	{ BYTES("{\"a\":\"x\xff\"}"), ST_JSON_ENCODING, 7 },
	{ BYTES("{\"\xc3\":1}"), ST_JSON_ENCODING, 2 },
	{ BYTES("{\"a\":\"\xed\xa0\x80\"}"), ST_JSON_ENCODING, 6 },
	{ BYTES("{}x"), ST_JSON_SYNTAX, 2 },
	{ BYTES("{}{}"), ST_JSON_SYNTAX, 2 },
	{ BYTES("{} \0"), ST_JSON_SYNTAX, 3 },
	{ BYTES("{]"), ST_JSON_SYNTAX, 1 },
	{ BYTES("{\"a\":[}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":[1}"), ST_JSON_SYNTAX, 7 },
	{ BYTES("{\"a\":{1]}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":1]"), ST_JSON_SYNTAX, 6 },
	{ BYTES("}"), ST_JSON_SYNTAX, 0 },
	{ BYTES("{\"a\"}"), ST_JSON_SYNTAX, 4 },
	{ BYTES("{\"a\" 1}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":1,}"), ST_JSON_SYNTAX, 7 },
	{ BYTES("{,\"a\":1}"), ST_JSON_SYNTAX, 1 },
	{ BYTES("{\"a\":1 \"b\":2}"), ST_JSON_SYNTAX, 7 },
	{ BYTES("{\"a\":[1,]}"), ST_JSON_SYNTAX, 8 },
	{ BYTES("{\"a\":[,1]}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":[1 2]}"), ST_JSON_SYNTAX, 8 },
	{ BYTES("{a:1}"), ST_JSON_SYNTAX, 1 },
	{ BYTES("{'a':1}"), ST_JSON_SYNTAX, 1 },
	{ BYTES("{1:1}"), ST_JSON_SYNTAX, 1 },
	{ BYTES("{\"a\":'x'}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":True}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":nul}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":nulls}"), ST_JSON_SYNTAX, 9 },
	{ BYTES("{\"a\":NaN}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":Infinity}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":+1}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":.5}"), ST_JSON_SYNTAX, 5 },
	{ BYTES("{\"a\":-}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":01}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":-01}"), ST_JSON_SYNTAX, 7 },
	{ BYTES("{\"a\":1.}"), ST_JSON_SYNTAX, 7 },
	{ BYTES("{\"a\":1e}"), ST_JSON_SYNTAX, 7 },
	{ BYTES("{\"a\":1e+}"), ST_JSON_SYNTAX, 8 },
	{ BYTES("{\"a\":0x10}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":\"\\x\"}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":\"\\\0\"}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":\"\\u12g4\"}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":\"\\u12\"}"), ST_JSON_SYNTAX, 6 },
	{ BYTES("{\"a\":\"\\ud83d\\u\"}"), ST_JSON_SYNTAX, 12 },
	{ BYTES("{\"a\":1 /* x */}"), ST_JSON_SYNTAX, 7 },
	{ BYTES("{\"a\":1}\f"), ST_JSON_SYNTAX, 7 },
	{ BYTES("{\xc2\xa0}"), ST_JSON_SYNTAX, 1 },
};

START_TEST(texts_that_are_not)
{
	struct fault fault = { 0 };
	deviations dev = 0;

	ck_status(bad[_i].text,
	    check_copy(bad[_i].text, bad[_i].len, NULL, &dev, &fault),
	    bad[_i].want);
	ck_status(bad[_i].text, fault.status, bad[_i].want);
	ck_assert(fault.has_offset);
	ck_assert_uint_eq(fault.offset, bad[_i].offset);
	ck_assert_str_ne(fault.detail, "");
	ck_status("without fault",
	    check_copy(bad[_i].text, bad[_i].len, NULL, &dev, NULL),
	    bad[_i].want);
}
END_TEST

/* {"a":[[...]]} with so many levels in all. */
static void
nest(struct buf *out, size_t levels, const char *open, const char *close)
{
	ck_status("nest", buf_adds(out, "{\"a\":"), ST_OK);
	unit_repeat(out, open, levels - 1);
	ck_status("nest", buf_adds(out, "1"), ST_OK);
	unit_repeat(out, close, levels - 1);
	ck_status("nest", buf_adds(out, "}"), ST_OK);
}

START_TEST(depth_has_its_limit)
{
	static const struct ijson_limits five = { 5, 1000 };
	static const struct {
		const struct ijson_limits *limits;
		size_t levels;
		enum status want;
	} rows[] = {
		{ NULL, IJSON_DEPTH_MAX, ST_OK },
		{ NULL, IJSON_DEPTH_MAX + 1, ST_TOO_DEEP },
		{ NULL, 100000, ST_TOO_DEEP },
		{ &five, 5, ST_OK },
		{ &five, 6, ST_TOO_DEEP },
	};
	struct fault fault = { 0 };
	deviations dev = 0;
	struct buf in;

	for (int kind = 0; kind < 2; kind++) {
		buf_init(&in, 1 << 20);
		nest(&in, rows[_i].levels,
		    kind == 0 ? "[" : "{\"a\":", kind == 0 ? "]" : "}");
		ck_status("depth",
		    ijson_check(in.data, in.len, rows[_i].limits, &dev, &fault),
		    rows[_i].want);
		ck_deviations("depth", dev, 0);
		buf_free(&in);
	}
}
END_TEST

/* Levels that close make room again. */
START_TEST(siblings_are_not_deep)
{
	deviations dev = 0;
	struct buf in;

	buf_init(&in, 1 << 20);
	ck_status("in", buf_adds(&in, "{\"a\":["), ST_OK);
	unit_repeat(&in, "[[]],{\"x\":{}},", 1000);
	ck_status("in", buf_adds(&in, "0]}"), ST_OK);
	ck_status(
	    "siblings", ijson_check(in.data, in.len, NULL, &dev, NULL), ST_OK);
	ck_deviations("siblings", dev, 0);
	buf_free(&in);
}
END_TEST

START_TEST(tokens_have_their_limit)
{
	static const char text[] = "{\"a\":[1,2,{\"b\":\"c\"}],\"d\":null}";
	struct ijson_limits limits = { 10, 0 };
	enum status st = ST_TOO_LARGE;
	deviations dev = 0;
	struct fault fault = { 0 };
	struct buf in;

	/* 3 names, 7 values, and up to 3 closing brackets. */
	for (; st != ST_OK; limits.tokens_max++) {
		ck_assert_uint_le(limits.tokens_max, 13);
		st = ijson_check(BYTES(text), &limits, &dev, &fault);
		if (st != ST_OK)
			ck_status("tokens", st, ST_TOO_LARGE);
	}
	ck_assert_uint_ge(limits.tokens_max - 1, 10);
	ck_status("fault", fault.status, ST_TOO_LARGE);

	/* One object, one name, one array: N - 3 elements are in any case
	   within the default limit of N, and N elements over it. */
	buf_init(&in, 1 << 25);
	ck_status("in", buf_adds(&in, "{\"a\":[0"), ST_OK);
	unit_repeat(&in, ",0", IJSON_TOKENS_MAX - 6);
	ck_status("in", buf_adds(&in, "]}"), ST_OK);
	ck_status(
	    "within", ijson_check(in.data, in.len, NULL, &dev, NULL), ST_OK);
	buf_cut(&in, in.len - 2);
	unit_repeat(&in, ",0", 6);
	ck_status("in", buf_adds(&in, "]}"), ST_OK);
	ck_status("over", ijson_check(in.data, in.len, NULL, &dev, NULL),
	    ST_TOO_LARGE);
	buf_free(&in);
}
END_TEST

START_TEST(repeated_names_are_looked_for_among_the_first)
{
	/* The repetition stands at place _i of an object. */
	struct buf in;
	deviations dev = 0;

	buf_init(&in, 1 << 20);
	ck_status("in", buf_addf(&in, "{\"n%d\":0", _i - 1), ST_OK);
	for (int i = 0; i < _i; i++)
		ck_status("in", buf_addf(&in, ",\"n%d\":0", i), ST_OK);
	ck_status("in", buf_adds(&in, "}"), ST_OK);
	ck_status(
	    "names", ijson_check(in.data, in.len, NULL, &dev, NULL), ST_OK);
	/* It is known from the first name, however many lie between. */
	ck_deviations("names", dev, DEV(DEV_REPEATED_MEMBER));
	buf_free(&in);
}
END_TEST

START_TEST(names_beyond_the_first_are_not_compared)
{
	struct buf in;
	deviations dev = 0;

	buf_init(&in, 1 << 22);
	ck_status("in", buf_adds(&in, "{"), ST_OK);
	for (int i = 0; i < IJSON_NAMES_MAX; i++)
		ck_status("in", buf_addf(&in, "\"n%d\":0,", i), ST_OK);
	/* A hundred thousand more cost no more than their text. */
	unit_repeat(&in, "\"x\":0,", 100000);
	ck_status("in", buf_adds(&in, "\"y\":0}"), ST_OK);
	ck_status(
	    "names", ijson_check(in.data, in.len, NULL, &dev, NULL), ST_OK);
	ck_deviations("names", dev, 0);
	buf_free(&in);
}
END_TEST

START_TEST(numbers_of_any_length)
{
	static const struct {
		const char *head;
		size_t zeros;
		const char *tail;
		deviations dev;
	} rows[] = {
		{ "1", 62, "", 0 },
		{ "1", 309, "", DEV(DEV_NUMBER_OUT_OF_RANGE) },
		{ "0.", 50, "1", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		deviations dev = 0;
		struct buf in;

		buf_init(&in, 1 << 20);
		ck_status(
		    "in", buf_addf(&in, "{\"a\":%s", rows[i].head), ST_OK);
		unit_repeat(&in, "0", rows[i].zeros);
		ck_status("in", buf_addf(&in, "%s}", rows[i].tail), ST_OK);
		ck_status("number",
		    ijson_check(in.data, in.len, NULL, &dev, NULL), ST_OK);
		ck_deviations(rows[i].head, dev, rows[i].dev);
		buf_free(&in);
	}
}
END_TEST

Suite *
ijson_suite(void)
{
	Suite *suite = suite_create("ijson");
	TCase *tc = tcase_create("ijson");

	tcase_add_loop_test(tc, texts_that_are_read, 0, (int)ARRAY_LEN(good));
	tcase_add_loop_test(
	    tc, every_cut_of_them_is_an_error, 0, (int)ARRAY_LEN(good));
	tcase_add_loop_test(tc, texts_that_are_not, 0, (int)ARRAY_LEN(bad));
	tcase_add_loop_test(tc, depth_has_its_limit, 0, 5);
	tcase_add_test(tc, siblings_are_not_deep);
	tcase_add_test(tc, tokens_have_their_limit);
	tcase_add_loop_test(tc, repeated_names_are_looked_for_among_the_first,
	    IJSON_NAMES_MAX - 1, IJSON_NAMES_MAX + 2);
	tcase_add_test(tc, names_beyond_the_first_are_not_compared);
	tcase_add_test(tc, numbers_of_any_length);
	suite_add_tcase(suite, tc);
	return suite;
}
