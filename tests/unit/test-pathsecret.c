#include <check.h>

#include "pathsecret.h"
#include "suites.h"
#include "unit.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbb"

static struct conf *conf;

static void
setup(void)
{
	conf = unit_conf("Mailbox a@b\nPathSecret one.example " A "\n"
			 "PathSecret Two.example. " B "\n"
			 "PathSecret three.example " A "\n");
}

static void
teardown(void)
{
	conf_unref(&conf);
}

START_TEST(a_token_is_for_its_domains)
{
	ck_assert(pathsecret_is_for(conf, A, "one.example"));
	ck_assert(pathsecret_is_for(conf, A, "ONE.example."));
	ck_assert(pathsecret_is_for(conf, A, "three.example"));
	ck_assert(pathsecret_is_for(conf, B, "two.example"));
	ck_assert(!pathsecret_is_for(conf, B, "one.example"));
	ck_assert(!pathsecret_is_for(conf, A, "two.example"));
	ck_assert(!pathsecret_is_for(conf, A, "x.one.example"));
	ck_assert(!pathsecret_is_for(conf, A, "one.exampl"));
	ck_assert(!pathsecret_is_for(conf, A, ""));
}
END_TEST

START_TEST(only_the_whole_token_is_one)
{
	ck_assert(pathsecret_is_token(conf, A));
	ck_assert(pathsecret_is_token(conf, B));
	ck_assert(!pathsecret_is_token(conf, A "a"));
	ck_assert(!pathsecret_is_token(conf, "aaaaaaaaaaaaaaa"));
	ck_assert(!pathsecret_is_token(conf, "AAAAAAAAAAAAAAAA"));
	ck_assert(!pathsecret_is_token(conf, ""));
}
END_TEST

START_TEST(words)
{
	ck_assert_str_eq(auth_str(AUTH_NONE), "none");
	ck_assert_str_eq(auth_str(AUTH_PATH), "path");
	ck_assert_str_eq(auth_str(AUTH_PROXY), "proxy");
}
END_TEST

Suite *
pathsecret_suite(void)
{
	Suite *suite = suite_create("pathsecret");
	TCase *tc = tcase_create("pathsecret");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_token_is_for_its_domains);
	tcase_add_test(tc, only_the_whole_token_is_one);
	tcase_add_test(tc, words);
	suite_add_tcase(suite, tc);
	return suite;
}
