#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "resolver.h"
#include "resolving.h"
#include "suites.h"
#include "unit.h"

START_TEST(bad_servers_are_refused)
{
	static const char *const bad[] = { "", "localhost", "127.0.0.1@",
		"127.0.0.1@0", "127.0.0.1@65536", "127.0.0.1@99999999999",
		"127.0.0.1@53x", "127.0.0.1@-1", "127.0.0.1@ 53",
		"127.0.0.1@53#name", "127.0.0.1:53", "127.0.0", "256.0.0.1",
		"@53", "[::1]@53", "::1::@53", " 127.0.0.1", "fe80::1%lo",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001" };
	static const char *const good[] = { "127.0.0.1", "127.0.0.1@1",
		"127.0.0.1@65535", "::1", "::1@53",
		"2001:db8:0:0:0:0:192.0.2.1" };
	struct fault fault;
	char want[200];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(
		    resolving_make(bad[i], NULL, &fault) == NULL, "%s", bad[i]);
		(void)snprintf(want, sizeof want,
		    "Resolver %s: not an IP address, or ADDRESS@PORT", bad[i]);
		ck_string("fault", fault.detail, want);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct resolver *resolver =
		    resolving_make(good[i], NULL, &fault);

		ck_assert_msg(resolver != NULL, "%s", fault.detail);
		resolver_free(&resolver);
	}
}
END_TEST

static void
expect_refusal(const char *anchor_file, const char *why)
{
	struct fault fault;
	char want[FAULT_DETAIL_MAX];

	ck_assert_ptr_null(resolving_make("127.0.0.1", anchor_file, &fault));
	(void)snprintf(
	    want, sizeof want, "TrustAnchorFile %s: %s", anchor_file, why);
	ck_string("fault", fault.detail, want);
}

START_TEST(bad_trust_anchors_are_refused)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
		{ "", "no DS or DNSKEY record" },
		{ "; . IN DS\n\n", "no DS or DNSKEY record" },
		{ "some words\n", "no DS or DNSKEY record" },
		{ ". IN DS 1\n", "not in a zone file's format" },
		{ "garbage DNSKEY\n", "not in a zone file's format" },
	};
	char path[300];

	(void)snprintf(path, sizeof path, "%s/absent", resolving_dir);
	expect_refusal(path, "No such file or directory");
	expect_refusal(resolving_dir, "Is a directory");
	(void)snprintf(path, sizeof path, "%s/anchor", resolving_dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unit_write(path, rows[i].text, strlen(rows[i].text));
		expect_refusal(path, rows[i].why);
	}
}
END_TEST

/* Among comments, as unbound-anchor(8) keeps it, and as it comes. */
START_TEST(good_trust_anchors_are_taken)
{
	static const char *const around[][2] = {
		{ "", "\n" },
		{ "; autotrust trust anchor file\n;;id: signed.example. 1\n",
		    " ;;state=2 [  VALID  ] ;;count=0\n" },
	};
	char path[300];
	struct buf key, text;

	buf_init(&key, 1 << 16);
	buf_init(&text, 1 << 16);
	ck_assert(unit_slurp(resolving_anchor, &key));
	buf_cut(&key, strcspn(key.data, "\n"));
	(void)snprintf(path, sizeof path, "%s/anchor", resolving_dir);
	for (size_t i = 0; i < ARRAY_LEN(around); i++) {
		struct resolver *resolver;

		buf_cut(&text, 0);
		ck_status("text", buf_adds(&text, around[i][0]), ST_OK);
		ck_status("text", buf_adds(&text, key.data), ST_OK);
		ck_status("text", buf_adds(&text, around[i][1]), ST_OK);
		unit_write(path, text.data, text.len);
		resolver = resolving_open(resolving_server.address, path);
		resolving_expect(
		    resolver, "good.signed.example", RESOLVER_FOUND, true);
		resolver_free(&resolver);
	}
	buf_free(&key);
	buf_free(&text);
}
END_TEST

START_TEST(the_system_has_servers)
{
	const struct resolver_settings settings = { NULL, NULL };
	struct fault fault = { .status = ST_OK };
	struct resolver *resolver = resolver_new(&settings, &fault);

	if (unit_exists("/etc/resolv.conf"))
		ck_assert_msg(resolver != NULL, "%s", fault.detail);
	else
		ck_string("fault", fault.detail,
		    "/etc/resolv.conf: No such file or directory");
	resolver_free(&resolver);
}
END_TEST

START_TEST(nothing_is_written_to_standard_error)
{
	int pipefd[2];
	struct resolver *resolver;
	struct fault fault;
	char path[300], out[512] = "";

	ck_assert_int_eq(pipe(pipefd), 0);
	ck_assert_int_eq(fcntl(pipefd[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_ne(dup2(pipefd[1], STDERR_FILENO), -1);
	ck_assert_int_ne(dup2(pipefd[1], STDOUT_FILENO), -1);
	(void)snprintf(path, sizeof path, "%s/anchor", resolving_dir);
	unit_write(path, ". IN DS 1\n", 10);
	ck_assert_ptr_null(resolving_make("127.0.0.1", path, &fault));
	resolver = resolving_open(resolving_server.address, resolving_anchor);
	(void)resolving_ask(resolver, "x.broken.example", PLENTY);
	(void)resolving_ask(resolver, "bad.signed.example", PLENTY);
	(void)resolving_ask(resolver, "a..b", PLENTY);
	(void)resolving_ask(resolver, "x.never.example", 100);
	resolver_free(&resolver);
	ck_assert_msg(
	    read(pipefd[0], out, sizeof out - 1) == -1, "it said %s", out);
}
END_TEST

Suite *
dnscontext_suite(void)
{
	Suite *suite = suite_create("dnscontext");
	TCase *tc = tcase_create("dnscontext");

	tcase_add_unchecked_fixture(tc, resolving_setup, resolving_teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, bad_servers_are_refused);
	tcase_add_test(tc, bad_trust_anchors_are_refused);
	tcase_add_test(tc, good_trust_anchors_are_taken);
	tcase_add_test(tc, the_system_has_servers);
	tcase_add_test(tc, nothing_is_written_to_standard_error);
	suite_add_tcase(suite, tc);
	return suite;
}
