#include <check.h>
#include <stdio.h>
#include <string.h>

#include "result.h"
#include "suites.h"
#include "unit.h"

/* The whole IANA registry, in the RFC's order. */
static const struct {
	const char *type;
	const char *category;
} registry[] = {
	{ "starttls-not-supported", "negotiation" },
	{ "certificate-host-mismatch", "negotiation" },
	{ "certificate-expired", "negotiation" },
	{ "certificate-not-trusted", "negotiation" },
	{ "validation-failure", "negotiation" },
	{ "tlsa-invalid", "dane" },
	{ "dnssec-invalid", "dane" },
	{ "dane-required", "dane" },
	{ "sts-policy-fetch-error", "sts" },
	{ "sts-policy-invalid", "sts" },
	{ "sts-webpki-invalid", "sts" },
};

START_TEST(the_registry_is_known)
{
	size_t count = 0;
	const struct result *all = result_all(&count);
	const struct result *r = result_find(registry[_i].type);

	ck_assert_uint_eq(count, ARRAY_LEN(registry));
	ck_assert_ptr_nonnull(r);
	ck_assert(result_is_known(r));
	ck_assert_str_eq(r->type, registry[_i].type);
	ck_assert_str_eq(r->category, registry[_i].category);
	/* The negotiation failures come in no order that matters. */
	ck_assert(r >= all && r < all + count);
	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_eq(result_find(all[i].type), &all[i]);
}
END_TEST

START_TEST(every_entry_says_everything)
{
	size_t count = 0;
	const struct result *all = result_all(&count);
	const struct result *r =
	    (size_t)_i < count ? &all[_i] : result_find(NULL);
	const char *texts[] = { r->type, r->category, r->meaning, r->cause,
		r->action, r->verify, r->section };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ck_assert_ptr_nonnull(texts[i]);
		ck_assert_uint_gt(strlen(texts[i]), 2);
		/* Values of log fields are cut at 512 bytes: none is. */
		ck_assert_uint_lt(strlen(texts[i]), 512);
		ck_assert_ptr_null(strpbrk(texts[i], "\n\r\t"));
	}
	ck_assert_ptr_nonnull(strstr(r->section, "RFC 8460"));
	ck_assert(
	    strstr(r->verify, "%m") != NULL || strstr(r->verify, "%d") != NULL);
}
END_TEST

START_TEST(what_is_not_in_it_is_unknown)
{
	static const char *const others[] = { NULL, "", "unknown",
		"certificate-Expired", "certificate-expired ",
		"certificate-revoked", "sts" };
	const struct result *r = result_find(others[_i]);

	ck_assert_ptr_nonnull(r);
	ck_assert(!result_is_known(r));
	ck_assert_str_eq(r->category, "unknown");
}
END_TEST

static const struct result sample = { .verify = "a %m b %d c %m %x %" };

static const struct {
	const char *mx;
	const char *domain;
	const char *want;
} commands[] = {
	{ "mx.example.com", "example.com",
	    "a mx.example.com b example.com c mx.example.com %x %" },
	{ NULL, NULL, "a MX b DOMAIN c MX %x %" },
	{ "", "", "a MX b DOMAIN c MX %x %" },
	{ "2001:db8::1", "_dmarc.A-Z.example",
	    "a 2001:db8::1 b _dmarc.A-Z.example c 2001:db8::1 %x %" },
	{ "mx;rm -rf /", "$(id)", "a MX b DOMAIN c MX %x %" },
	{ "mx`id`", "a b", "a MX b DOMAIN c MX %x %" },
	{ "mx\n", "a'b", "a MX b DOMAIN c MX %x %" },
	{ "m\xc3\xbcx.example", "a\"b", "a MX b DOMAIN c MX %x %" },
	{ "-oProxyCommand", "-x", "a MX b DOMAIN c MX %x %" },
	{ "%d", "%m", "a MX b DOMAIN c MX %x %" },
};

START_TEST(commands_are_filled_in)
{
	char out[256];

	result_verify(
	    &sample, commands[_i].mx, commands[_i].domain, out, sizeof out);
	ck_assert_str_eq(out, commands[_i].want);
}
END_TEST

START_TEST(commands_are_cut_to_their_room)
{
	const char *whole = "a mx.example b d.example c mx.example %x %";
	char out[64];

	for (size_t size = 1; size <= sizeof out; size++) {
		memset(out, '#', sizeof out);
		result_verify(&sample, "mx.example", "d.example", out, size);
		ck_assert_uint_lt(strlen(out), size);
		ck_assert_int_eq(strncmp(out, whole, strlen(out)), 0);
		ck_assert_uint_eq(strlen(out),
		    size - 1 < strlen(whole) ? size - 1 : strlen(whole));
	}
}
END_TEST

/* Commands of tlsrpt, for what came from a report. */
static const struct {
	const char *type;
	const char *mx;
	const char *domain;
	const char *want;
} diagnoses[] = {
	{ "certificate-expired", "mx1.example.com", "example.com",
	    "--mx mx1.example.com example.com" },
	{ "tlsa-invalid", "mx1.example.com", "example.com",
	    "--mx mx1.example.com example.com" },
	{ "no-such-type", "mx1.example.com", "example.com",
	    "--mx mx1.example.com example.com" },
	{ "sts-policy-invalid", "mx1.example.com", "example.com",
	    "--policy sts example.com" },
	{ "sts-webpki-invalid", NULL, NULL, "--policy sts DOMAIN" },
	{ "certificate-expired", NULL, "example.com", "example.com" },
	{ "certificate-expired", "", "example.com", "example.com" },
	{ "certificate-expired", NULL, NULL, "--mx MX DOMAIN" },
	{ "certificate-expired", "x;id", "example.com", "example.com" },
	{ "certificate-expired", "--source=x", "$(id)", "DOMAIN" },
	{ "sts-policy-invalid", NULL, "-c/etc/x", "--policy sts DOMAIN" },
};

START_TEST(a_diagnosis_is_named)
{
	const struct result *r = result_find(diagnoses[_i].type);
	char out[256], action[RESULT_ACTION_MAX], want[1024];

	result_diagnose(
	    r, diagnoses[_i].mx, diagnoses[_i].domain, out, sizeof out);
	(void)snprintf(
	    want, sizeof want, "tlsrpt diagnose %s", diagnoses[_i].want);
	ck_assert_str_eq(out, want);
	result_action(r, diagnoses[_i].mx, diagnoses[_i].domain, action);
	(void)snprintf(want, sizeof want, "%s; then run: tlsrpt diagnose %s",
	    r->action, diagnoses[_i].want);
	ck_assert_str_eq(action, want);
}
END_TEST

/* A name that is too long makes no command that is cut. */
START_TEST(an_action_is_whole)
{
	size_t count, words = 0;
	const struct result *all = result_all(&count);

	for (size_t len = 1; len < 600; len++) {
		char action[RESULT_ACTION_MAX], name[600], want[700];
		const struct result *r = &all[len % count];
		bool is_words;

		memset(name, 'a', len);
		name[len] = '\0';
		result_action(r, "mx.example", name, action);
		(void)snprintf(want, sizeof want, " %s", name);
		is_words = strcmp(action + strlen(action) - 7, " DOMAIN") == 0;
		words += is_words;
		ck_assert(is_words ||
		    strcmp(action + strlen(action) - len - 1, want) == 0);
	}
	ck_assert_uint_gt(words, 0);
	ck_assert_uint_lt(words, 400);
}
END_TEST

Suite *
result_suite(void)
{
	Suite *suite = suite_create("result");
	TCase *tc = tcase_create("result");

	tcase_add_loop_test(
	    tc, the_registry_is_known, 0, (int)ARRAY_LEN(registry));
	tcase_add_loop_test(
	    tc, every_entry_says_everything, 0, (int)ARRAY_LEN(registry) + 1);
	tcase_add_loop_test(tc, what_is_not_in_it_is_unknown, 0, 7);
	tcase_add_loop_test(
	    tc, commands_are_filled_in, 0, (int)ARRAY_LEN(commands));
	tcase_add_test(tc, commands_are_cut_to_their_room);
	tcase_add_loop_test(
	    tc, a_diagnosis_is_named, 0, (int)ARRAY_LEN(diagnoses));
	tcase_add_test(tc, an_action_is_whole);
	suite_add_tcase(suite, tc);
	return suite;
}
