#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ijson.h"
#include "inject.h"
#include "json.h"
#include "suites.h"
#include "unit.h"

static struct json_span
span_of(const char *text)
{
	return json_root(text, strlen(text));
}

START_TEST(the_root_is_bare)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "{}", "{}" },
		{ " \t\r\n{\"a\": 1} \n", "{\"a\": 1}" },
		{ "\xef\xbb\xbf{}", "{}" },
		{ "\xef\xbb\xbf\n{}\n", "{}" },
		{ "", "" },
		{ "  ", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_span span = span_of(rows[i].text);

		ck_bytes(rows[i].text, span.text, span.len, rows[i].want,
		    strlen(rows[i].want));
	}
}
END_TEST

START_TEST(types_show_in_the_first_byte)
{
	static const struct {
		const char *text;
		enum json_type want;
	} rows[] = { { "", JSON_NONE }, { "{}", JSON_OBJECT },
		{ "[]", JSON_ARRAY }, { "\"\"", JSON_STRING },
		{ "-1", JSON_NUMBER }, { "0", JSON_NUMBER },
		{ "true", JSON_TRUE }, { "false", JSON_FALSE },
		{ "null", JSON_NULL } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_int_eq(
		    json_type(span_of(rows[i].text)), rows[i].want);
}
END_TEST

/* What is visited is printed as "name=value;", names with their quotes. */
static const struct {
	const char *text, *want;
} visits[] = {
	{ "{}", "" },
	{ "[]", "" },
	{ "{ }", "" },
	{ "[ \n]", "" },
	{ "{\"a\":1}", "\"a\"=1;" },
	{ "{ \"a\" : 1 , \"b\" : \"x,}\" }", "\"a\"=1;\"b\"=\"x,}\";" },
	{ "{\"a\":{\"b\":[1,2]},\"c\":[{\"d\":{}}]}",
	    "\"a\"={\"b\":[1,2]};\"c\"=[{\"d\":{}}];" },
	{ "{\"a\\\"b\":\"\\\\\",\"c\":true}",
	    "\"a\\\"b\"=\"\\\\\";\"c\"=true;" },
	{ "[1, -2.5e+3 ,null,false,\"]\",[],{}]",
	    "=1;=-2.5e+3;=null;=false;=\"]\";=[];={};" },
	{ "[[[\"}]\"]]]", "=[[\"}]\"]];" },
	{ "{\"\":\"\"}", "\"\"=\"\";" },
	{ "{\"a\":1,\"a\":2}", "\"a\"=1;\"a\"=2;" },
	{ "[\"{\\\"\"]", "=\"{\\\"\";" },
	{ "1", "" },
	{ "\"{}\"", "" },
	{ "null", "" },
	{ "", "" },
};

START_TEST(containers_are_visited)
{
	char *copy = strdup(visits[_i].text);
	struct json_iter iter;
	struct json_span value;
	struct buf out;

	ck_assert_ptr_nonnull(copy);
	buf_init(&out, 1000);
	(void)buf_adds(&out, "");
	json_iter(&iter, span_of(copy));
	while (json_next(&iter)) {
		(void)buf_add(&out, iter.name.text, iter.name.len);
		(void)buf_addc(&out, '=');
		value = json_take(&iter);
		ck_assert_ptr_eq(value.text, iter.value);
		(void)buf_add(&out, value.text, value.len);
		(void)buf_addc(&out, ';');
	}
	ck_assert(!json_next(&iter));
	ck_string(copy, out.data, visits[_i].want);
	buf_free(&out);
	free(copy);
}
END_TEST

/*
 * The same with containers entered instead of measured: "name<" and ">" around
 * what is in them.
 */
static void
print_entered(struct json_iter *iter, struct buf *out)
{
	while (json_next(iter)) {
		enum json_type type = json_next_type(iter);
		struct json_iter child;
		struct json_span value;

		(void)buf_add(out, iter->name.text, iter->name.len);
		if (type == JSON_OBJECT || type == JSON_ARRAY) {
			(void)buf_addc(out, '<');
			json_enter(&child, iter);
			print_entered(&child, out);
			json_leave(iter, &child);
			(void)buf_addc(out, '>');
		} else {
			value = json_take(iter);
			(void)buf_addc(out, '=');
			(void)buf_add(out, value.text, value.len);
			(void)buf_addc(out, ';');
		}
	}
}

static const struct {
	const char *text, *want;
} entered[] = {
	{ "{}", "" },
	{ "{\"a\":{}}", "\"a\"<>" },
	{ "{\"a\":[ ],\"b\":1}", "\"a\"<>\"b\"=1;" },
	{ "[[1,[2,3],\"]\"],{\"x\":{\"y\":null}},4]",
	    "<=1;<=2;=3;>=\"]\";><\"x\"<\"y\"=null;>>=4;" },
	{ "{ \"a\" : [ { \"b\" : 1 } , 2 ] , \"c\" : 3 }",
	    "\"a\"<<\"b\"=1;>=2;>\"c\"=3;" },
};

START_TEST(containers_are_entered)
{
	char *copy = strdup(entered[_i].text);
	struct json_iter iter;
	struct buf out;

	ck_assert_ptr_nonnull(copy);
	buf_init(&out, 1000);
	(void)buf_adds(&out, "");
	json_iter(&iter, span_of(copy));
	print_entered(&iter, &out);
	ck_string(copy, out.data, entered[_i].want);
	buf_free(&out);
	free(copy);
}
END_TEST

/* A container is left at any place; the parent goes on behind it. */
START_TEST(containers_are_left_early)
{
	static const char text[] = "{\"a\":[1,{\"x\":[2,\"}\"]},[3]],\"b\":7}";

	for (int steps = 0; steps <= 4; steps++) {
		for (int take = 0; take <= 1; take++) {
			struct json_iter iter, child;
			struct json_span value;

			json_iter(&iter, span_of(text));
			ck_assert(json_next(&iter));
			json_enter(&child, &iter);
			for (int i = 0; i < steps && json_next(&child); i++) {
				if (take == 1)
					(void)json_take(&child);
			}
			json_leave(&iter, &child);
			ck_assert(json_next(&iter));
			ck_bytes(
			    "name", iter.name.text, iter.name.len, "\"b\"", 3);
			value = json_take(&iter);
			ck_bytes("value", value.text, value.len, "7", 1);
			ck_assert(!json_next(&iter));
		}
	}
}
END_TEST

static bool
name_is(const char *name, const char *string)
{
	return json_name_is(span_of(name), string, strlen(string));
}

START_TEST(names_are_compared)
{
	ck_assert(name_is("\"policy\"", "policy"));
	ck_assert(!name_is("\"policy\"", "polic"));
	ck_assert(!name_is("\"policy\"", "policyx"));
	ck_assert(!name_is("\"Policy\"", "policy"));
	ck_assert(name_is("\"\\u0070olicy\"", "policy"));
	ck_assert(name_is("\"pol\\u0069c\\u0079\"", "policy"));
	ck_assert(!name_is("\"\\u0070olicies\"", "policy"));
	ck_assert(!name_is("\"\\u0071olicy\"", "policy"));
	ck_assert(!name_is("\"\\\\0070olicy\"", "policy"));
	ck_assert(!name_is("\"policy\\u0000\"", "policy"));
	ck_assert(name_is("\"\"", ""));
	ck_assert(!name_is("", ""));
}
END_TEST

START_TEST(plain_strings_are_copied)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "\"\"", "" },
		{ "\"abc\"", "abc" },
		{ "\"\xc3\xa9 \n\"", "\xc3\xa9 \n" },
		{ "\"a\\n\"", NULL },
		{ "\"\\\"\"", NULL },
		{ "\"\\u0041\"", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[JSON_VALUE_MAX];
		long len = json_plain_string(span_of(rows[i].text), out);

		if (rows[i].want == NULL) {
			ck_assert_int_eq(len, -1);
			continue;
		}
		ck_assert_int_eq(len, (long)strlen(rows[i].want));
		ck_assert_str_eq(out, rows[i].want);
	}
}
END_TEST

/* The text and its NUL fill the room to the byte. */
START_TEST(plain_strings_have_their_limit)
{
	char out[JSON_VALUE_MAX];
	struct buf in;

	for (size_t len = JSON_VALUE_MAX - 1; len <= JSON_VALUE_MAX; len++) {
		buf_init(&in, 10000);
		(void)buf_adds(&in, "\"");
		unit_repeat(&in, "x", len);
		(void)buf_adds(&in, "\"");
		ck_assert_int_eq(json_plain_string(span_of(in.data), out),
		    len == JSON_VALUE_MAX ? -1 : (long)len);
		buf_free(&in);
	}
}
END_TEST

#define FFFD "\xef\xbf\xbd"
#define LOCK "\xf0\x9f\x94\x92"

static const struct {
	const char *text, *want;
} strings[] = {
	{ "\"\"", "" },
	{ "\"abc\"", "abc" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
	{ "\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac" },
	{ "\"\\ud83d\\udd12\"", "\xf0\x9f\x94\x92" },
	{ "\"\\uD83D\\uDD12x\"", "\xf0\x9f\x94\x92x" },
	{ "\"a\\u0000b\"", "a" FFFD "b" },
	{ "\"\\ud83d\"", FFFD },
	{ "\"\\ud83dx\"", FFFD "x" },
	{ "\"\\udd12\"", FFFD },
	{ "\"\\ud83d\\ud83d\\udd12\"", FFFD "\xf0\x9f\x94\x92" },
	{ "\"\\ud83d\\udd12\\udd12\"", "\xf0\x9f\x94\x92" FFFD },
	{ "\"\\ud83d\\u0041\"", FFFD "A" },
	{ "\"\\ud83d\\\\udd12\"", FFFD "\\udd12" },
	{ "\"\\\\u0000\"", "\\u0000" },
	{ "\"a\nb\"", "a\nb" },
	{ "\"\xc3\xa9\"", "\xc3\xa9" },
};

START_TEST(strings_become_items)
{
	char *copy = strdup(strings[_i].text);
	deviations dev = 0;
	cJSON *item;

	ck_assert_ptr_nonnull(copy);
	item = json_scalar(span_of(copy), &dev);
	ck_assert_msg(cJSON_IsString(item), "%s", copy);
	ck_string(copy, item->valuestring, strings[_i].want);
	ck_deviations(copy, dev, 0);
	cJSON_Delete(item);
	free(copy);
}
END_TEST

START_TEST(other_scalars_become_items)
{
	deviations dev = 0;
	cJSON *item = json_scalar(span_of("-12.5"), &dev);

	ck_assert(cJSON_IsNumber(item));
	ck_assert(item->valuedouble > -12.6 && item->valuedouble < -12.4);
	cJSON_Delete(item);
	item = json_scalar(span_of("true"), &dev);
	ck_assert(cJSON_IsTrue(item));
	cJSON_Delete(item);
	item = json_scalar(span_of("false"), &dev);
	ck_assert(cJSON_IsFalse(item));
	cJSON_Delete(item);
	item = json_scalar(span_of("null"), &dev);
	ck_assert(cJSON_IsNull(item));
	cJSON_Delete(item);
	ck_assert_ptr_null(json_scalar(span_of("{}"), &dev));
	ck_assert_ptr_null(json_scalar(span_of("[]"), &dev));
	ck_assert_ptr_null(json_scalar(span_of(""), &dev));
	ck_deviations("scalars", dev, 0);
}
END_TEST

/*
 * A token that a unit is repeated in until it has about so many bytes. Long
 * ones are cut, between characters and never within an escape: the last of
 * them may pass the limit.
 */
static const struct {
	const char *unit;
	const char *character; /* what a unit stands for */
} units[] = {
	{ "x", "x" },
	{ "\xc3\xa9", "\xc3\xa9" },
	{ "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92" },
	{ "\\n", "\n" },
	{ "\\u00e9", "\xc3\xa9" },
	{ "\\ud83d\\udd12", "\xf0\x9f\x94\x92" },
	{ "\\ud83d\\udd12x", "\xf0\x9f\x94\x92x" },
	{ "\\u0000", FFFD },
	{ "\\udd12", FFFD },
};

START_TEST(long_strings_are_cut)
{
	const char *unit = units[_i].unit, *c = units[_i].character;

	for (size_t len = JSON_VALUE_MAX - 40; len < JSON_VALUE_MAX + 40;
	     len++) {
		size_t n = (len - 2) / strlen(unit), got;
		deviations dev = 0;
		struct buf token;
		const char *rest;
		cJSON *item;

		buf_init(&token, 20000);
		(void)buf_adds(&token, "\"");
		/* Filled up to the byte, so that cuts fall anywhere. */
		unit_repeat(&token, "-", len - 2 - n * strlen(unit));
		unit_repeat(&token, unit, n);
		(void)buf_adds(&token, "\"");
		ck_assert_uint_eq(token.len, len);
		item = json_scalar(span_of(token.data), &dev);
		ck_assert_ptr_nonnull(item);
		got = strlen(item->valuestring);
		ck_assert_uint_le(got, JSON_VALUE_MAX + 12);
		if (len <= JSON_VALUE_MAX)
			ck_deviations(unit, dev, 0);
		else if (len > JSON_VALUE_MAX + 14)
			ck_deviations(unit, dev, DEV(DEV_LONG_VALUE));
		/* It ends with whole characters. */
		rest = item->valuestring + strspn(item->valuestring, "-");
		while (strncmp(rest, c, strlen(c)) == 0)
			rest += strlen(c);
		ck_assert_msg(*rest == '\0' || strcmp(rest, LOCK) == 0,
		    "\"%s\", %zu bytes", unit, len);
		cJSON_Delete(item);
		buf_free(&token);
	}
}
END_TEST

START_TEST(long_numbers_are_no_numbers)
{
	deviations dev = 0;
	struct buf in;
	cJSON *item;

	buf_init(&in, 10000);
	unit_repeat(&in, "9", JSON_VALUE_MAX + 1);
	item = json_scalar(span_of(in.data), &dev);
	ck_assert_ptr_nonnull(item);
	ck_assert(!cJSON_IsNumber(item) || item->valuedouble > 1e60);
	cJSON_Delete(item);
	buf_free(&in);
}
END_TEST

static const struct {
	const char *text, *want; /* joined with "|" */
	deviations dev;
} arrays[] = {
	{ "[]", "", 0 },
	{ "[\"a\"]", "a", 0 },
	{ "[\"a\", \"b\",\"\"]", "a|b|", 0 },
	{ "\"a\"", "a", 0 },
	{ "[\"a\",1,null,\"b\",[\"c\"],{}]", "a|b", DEV(DEV_WRONG_TYPE) },
};

START_TEST(arrays_of_strings)
{
	deviations dev = 0;
	const cJSON *item = NULL;
	cJSON *array = json_strings(span_of(arrays[_i].text), &dev);
	struct buf out;

	ck_assert(cJSON_IsArray(array));
	buf_init(&out, 1000);
	(void)buf_adds(&out, "");
	cJSON_ArrayForEach(item, array)
	{
		ck_assert(cJSON_IsString(item));
		if (item != array->child)
			(void)buf_addc(&out, '|');
		(void)buf_adds(&out, item->valuestring);
	}
	ck_string(arrays[_i].text, out.data, arrays[_i].want);
	ck_deviations(arrays[_i].text, dev, arrays[_i].dev);
	cJSON_Delete(array);
	buf_free(&out);
}
END_TEST

START_TEST(arrays_have_their_limit)
{
	for (int n = JSON_ARRAY_MAX - 1; n <= JSON_ARRAY_MAX + 1; n++) {
		deviations dev = 0;
		struct buf in;
		cJSON *array;

		buf_init(&in, 10000);
		(void)buf_adds(&in, "[\"x\"");
		unit_repeat(&in, ",\"x\"", (size_t)n - 1);
		(void)buf_adds(&in, "]");
		array = json_strings(span_of(in.data), &dev);
		ck_assert_int_eq(cJSON_GetArraySize(array),
		    n < JSON_ARRAY_MAX ? n : JSON_ARRAY_MAX);
		ck_deviations(
		    "array", dev, n > JSON_ARRAY_MAX ? DEV(DEV_LONG_VALUE) : 0);
		cJSON_Delete(array);
		buf_free(&in);
	}
}
END_TEST

START_TEST(without_memory)
{
	static const char *const texts[] = { "\"a\\u0041\"", "12",
		"[\"a\",\"b\",\"c\"]" };
	struct json_span span = span_of(texts[_i]);
	unsigned n;

	for (n = 1;; n++) {
		deviations dev = 0;
		bool is_struck, is_there;
		cJSON *item;

		inject_arm(INJECT_MEMORY, n);
		item = *span.text == '[' ? json_strings(span, &dev)
					 : json_scalar(span, &dev);
		is_there = item != NULL;
		cJSON_Delete(item);
		is_struck = inject_disarm();
		ck_assert_uint_eq(inject_leaks(), 0);
		if (!is_struck) {
			ck_assert(is_there);
			break;
		}
		ck_assert(!is_there);
	}
	ck_assert_uint_gt(n, 1);
}
END_TEST

static enum status
collect(void *ctx, const char *data, size_t len)
{
	return buf_add(ctx, data, len);
}

static const struct {
	const char *text;
	size_t len;
	const char *want;
} compacts[] = {
	{ BYTES("{}"), "{}" },
	{ BYTES(" { \"a\" : [ 1 , 2.50 , \"x y\" ] ,\r\n\t\"b\":null } "),
	    "{\"a\":[1,2.50,\"x y\"],\"b\":null}" },
	{ BYTES("{\"a\":\" \\\" \\u00e9 \\/ \"}"),
	    "{\"a\":\" \\\" \\u00e9 \\/ \"}" },
	{ BYTES("{\"a\":\"x\r\ny\tz\0\x1f\"}"),
	    "{\"a\":\"x\\u000d\\u000ay\\u0009z\\u0000\\u001f\"}" },
	{ BYTES("{\"a\nb\":1}"), "{\"a\\u000ab\":1}" },
	{ BYTES("{\"a\":1e400,\"a\":-0}"), "{\"a\":1e400,\"a\":-0}" },
	{ BYTES("\xef\xbb\xbf{\"\xc3\xa9\":\"\xe2\x80\xa8\"}"),
	    "{\"\xc3\xa9\":\"\xe2\x80\xa8\"}" },
	{ BYTES("[ true,false ]"), "[true,false]" },
	{ BYTES("\"\\\\\""), "\"\\\\\"" },
};

START_TEST(white_space_is_removed)
{
	struct buf out;

	buf_init(&out, 1000);
	ck_status("compact",
	    json_compact(
		json_root(compacts[_i].text, compacts[_i].len), collect, &out),
	    ST_OK);
	ck_bytes(compacts[_i].text, out.data, out.len, compacts[_i].want,
	    strlen(compacts[_i].want));
	buf_free(&out);
}
END_TEST

START_TEST(long_texts_are_compacted)
{
	/* Strings below, at and above the size of the writer's block. */
	static const size_t lens[] = { 1, 4090, 4095, 4096, 4097, 10000 };
	struct buf in, out, want;

	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_init(&want, 1 << 20);
	(void)buf_adds(&in, "[ 0");
	(void)buf_adds(&want, "[0");
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		(void)buf_adds(&in, " ,\n\"");
		(void)buf_adds(&want, ",\"");
		unit_repeat(&in, "x", lens[i]);
		unit_repeat(&want, "x", lens[i]);
		(void)buf_adds(&in, "\n\"");
		(void)buf_adds(&want, "\\u000a\"");
	}
	(void)buf_adds(&in, " ]");
	(void)buf_adds(&want, "]");
	ck_status("compact",
	    json_compact(json_root(in.data, in.len), collect, &out), ST_OK);
	ck_assert_str_eq(out.data, want.data);
	/* The writer's status ends it. */
	for (size_t max = 0; max < out.len; max += 1999) {
		struct buf small;

		buf_init(&small, max);
		ck_status("small",
		    json_compact(json_root(in.data, in.len), collect, &small),
		    ST_TOO_LARGE);
		buf_free(&small);
	}
	buf_free(&in);
	buf_free(&out);
	buf_free(&want);
}
END_TEST

Suite *
json_suite(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("json");

	tcase_add_test(tc, the_root_is_bare);
	tcase_add_test(tc, types_show_in_the_first_byte);
	tcase_add_loop_test(
	    tc, containers_are_visited, 0, (int)ARRAY_LEN(visits));
	tcase_add_loop_test(
	    tc, containers_are_entered, 0, (int)ARRAY_LEN(entered));
	tcase_add_test(tc, containers_are_left_early);
	tcase_add_test(tc, names_are_compared);
	tcase_add_test(tc, plain_strings_are_copied);
	tcase_add_test(tc, plain_strings_have_their_limit);
	tcase_add_loop_test(
	    tc, strings_become_items, 0, (int)ARRAY_LEN(strings));
	tcase_add_test(tc, other_scalars_become_items);
	tcase_add_loop_test(tc, long_strings_are_cut, 0, (int)ARRAY_LEN(units));
	tcase_add_test(tc, long_numbers_are_no_numbers);
	tcase_add_loop_test(tc, arrays_of_strings, 0, (int)ARRAY_LEN(arrays));
	tcase_add_test(tc, arrays_have_their_limit);
	tcase_add_loop_test(tc, without_memory, 0, 3);
	tcase_add_loop_test(
	    tc, white_space_is_removed, 0, (int)ARRAY_LEN(compacts));
	tcase_add_test(tc, long_texts_are_compacted);
	suite_add_tcase(suite, tc);
	return suite;
}
