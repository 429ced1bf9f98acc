#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"
#include "taglist.h"
#include "unit.h"

static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *want; /* "name=value;..." or NULL when it is none */
} rows[] = {
	{ "one", BYTES("a=b"), "a=b;" },
	{ "two", BYTES("a=b;c=d"), "a=b;c=d;" },
	{ "semicolon at the end", BYTES("a=b; "), "a=b;" },
	{ "white space", BYTES(" a\t=\r\n b c\r\n\td ; e = f "), "a=bcd;e=f;" },
	{ "empty values", BYTES("a=;b= ;c="), "a=;b=;c=;" },
	{ "equals signs", BYTES("a==b=;c=="), "a==b=;c==;" },
	{ "a long name", BYTES("a_1=b"), "a_1=b;" },
	{ "every byte of a value",
	    BYTES("a=!\"#$%&'()*+,-./09:<=>?@AZ[\\]^_`az{|}~"),
	    "a=!\"#$%&'()*+,-./09:<=>?@AZ[\\]^_`az{|}~;" },
	{ "empty", BYTES(""), NULL },
	{ "blank", BYTES(" \r\n "), NULL },
	{ "no equals sign", BYTES("a"), NULL },
	{ "no equals sign at the end", BYTES("a=b;c"), NULL },
	{ "no name", BYTES("=b"), NULL },
	{ "a name with a space", BYTES("a b=c"), NULL },
	{ "a digit first", BYTES("1=b"), NULL },
	{ "an underscore first", BYTES("_a=b"), NULL },
	{ "a name of other bytes", BYTES("a-b=c"), NULL },
	{ "two semicolons", BYTES("a=b;;c=d"), NULL },
	{ "semicolons at the end", BYTES("a=b;;"), NULL },
	{ "semicolon first", BYTES(";a=b"), NULL },
	{ "repeated", BYTES("a=b;c=d;a=b"), NULL },
	{ "repeated in another case", BYTES("bh=b;bH=d"), NULL },
	{ "NUL in a value", BYTES("a=b\0c"), NULL },
	{ "NUL behind a value", BYTES("a=b\0;c=d"), NULL },
	{ "NUL behind a semicolon", BYTES("a=b;\0"), NULL },
	{ "NUL in a name", BYTES("a\0=b"), NULL },
	{ "control", BYTES("a=\x01"), NULL },
	{ "vertical tab", BYTES("a=b\vc"), NULL },
	{ "DEL", BYTES("a=\x7f"), NULL },
	{ "8 bits", BYTES("a=\xc3\xa9"), NULL },
};

START_TEST(lists)
{
	char *text = malloc(rows[_i].len + 1);
	struct taglist list;
	bool is_list;

	ck_assert_ptr_nonnull(text);
	memcpy(text, rows[_i].text, rows[_i].len);
	text[rows[_i].len] = '\0';
	is_list = taglist_read(&list, text, rows[_i].len);
	ck_assert_msg(is_list == (rows[_i].want != NULL), "%s", rows[_i].name);
	if (is_list) {
		struct buf got;

		buf_init(&got, 1000);
		for (size_t i = 0; i < list.count; i++)
			ck_status("got",
			    buf_addf(&got, "%s=%s;", list.tag[i].name,
				list.tag[i].value),
			    ST_OK);
		ck_string(rows[_i].name, got.data, rows[_i].want);
		buf_free(&got);
	}
	free(text);
}
END_TEST

START_TEST(tags_are_bounded)
{
	for (unsigned count = TAGLIST_MAX; count <= TAGLIST_MAX + 1; count++) {
		struct taglist list;
		struct buf text;

		buf_init(&text, 1000);
		for (unsigned i = 0; i < count; i++)
			ck_status("text", buf_addf(&text, "a%u=b;", i), ST_OK);
		ck_assert_int_eq(taglist_read(&list, text.data, text.len),
		    count == TAGLIST_MAX);
		buf_free(&text);
	}
}
END_TEST

START_TEST(values_are_found)
{
	char text[] = "a=b;A2=;d=e";
	struct taglist list;

	ck_assert(taglist_read(&list, text, strlen(text)));
	ck_string("a", taglist_value(&list, "a"), "b");
	ck_string("A2", taglist_value(&list, "A2"), "");
	ck_string("d", taglist_value(&list, "d"), "e");
	ck_assert_ptr_null(taglist_value(&list, "a2"));
	ck_assert_ptr_null(taglist_value(&list, "D"));
	ck_assert_ptr_null(taglist_value(&list, ""));
}
END_TEST

START_TEST(words_are_found)
{
	static const struct {
		const char *value, *word;
		bool has;
	} words[] = {
		{ "from", "from", true },
		{ "From:to", "from", true },
		{ "to:FROM", "from", true },
		{ "to::from:", "from", true },
		{ "to:from:cc", "from", true },
		{ "", "from", false },
		{ ":", "from", false },
		{ "fro", "from", false },
		{ "fromm", "from", false },
		{ "xfrom", "from", false },
		{ "to:fromm", "from", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		ck_assert_msg(
		    taglist_has(words[i].value, words[i].word) == words[i].has,
		    "\"%s\"", words[i].value);
	ck_assert_uint_eq(taglist_count("from:to:FROM::fromm", "from"), 2);
	ck_assert_uint_eq(taglist_count("to", "from"), 0);
}
END_TEST

Suite *
taglist_suite(void)
{
	Suite *suite = suite_create("taglist");
	TCase *tc = tcase_create("taglist");

	tcase_add_loop_test(tc, lists, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, tags_are_bounded);
	tcase_add_test(tc, values_are_found);
	tcase_add_test(tc, words_are_found);
	suite_add_tcase(suite, tc);
	return suite;
}
