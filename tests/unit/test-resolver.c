#include "resolver.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "inject.h"
#include "nameserver.h"
#include "resolving.h"
#include "suites.h"
#include "unit.h"

#define LABEL_64                                                               \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum {
	THREADS = 200
};

/* The one TXT record of a name. */
static void
expect_txt(struct resolver *resolver, const char *name, const char *want)
{
	struct answer answer;
	struct buf text;

	buf_init(&text, 1 << 16);
	resolver_ask(resolver, name, RESOLVER_TXT, PLENTY, &answer);
	ck_assert_msg(
	    answer.status == RESOLVER_FOUND, "%s: %d", name, answer.status);
	ck_assert_uint_eq(answer.count, 1);
	ck_status(name, answer_txt(&answer, 0, &text), ST_OK);
	ck_bytes(name, text.data, text.len, want, strlen(want));
	buf_free(&text);
	answer_clear(&answer);
}

START_TEST(records_are_found)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);
	const unsigned char *record;
	struct answer answer;
	size_t len;

	expect_txt(resolver, "one.example.org", "v=DKIM1; p=abc");
	expect_txt(resolver, "ONE.example.ORG.", "v=DKIM1; p=abc");
	expect_txt(resolver, "three.example.org", "v=DKIM1; p=abc");
	expect_txt(resolver, "empty.example.org", "");
	/* These libunbound would deny by itself. */
	expect_txt(resolver, "reports.example.test", "test");
	resolver_ask(
	    resolver, "one.example.org", RESOLVER_TXT, PLENTY, &answer);
	ck_assert_uint_eq(answer.count, 1);
	record = answer_record(&answer, 0, &len);
	ck_bytes("wire", record, len, "\016v=DKIM1; p=abc", 15);
	answer_clear(&answer);
	resolver_ask(resolver, "address.example.org", 1, PLENTY, &answer);
	ck_assert_uint_eq(answer.count, 1);
	record = answer_record(&answer, 0, &len);
	ck_bytes("A", record, len, "\300\0\2\1", 4);
	answer_clear(&answer);
	answer_clear(&answer);
	resolver_free(&resolver);
	ck_assert_ptr_null(resolver);
	resolver_free(&resolver);
}
END_TEST

START_TEST(several_records_are_a_set)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);
	struct answer answer;
	bool is_seen[2] = { false, false };

	resolver_ask(
	    resolver, "several.example.org", RESOLVER_TXT, PLENTY, &answer);
	ck_assert_int_eq((int)answer.status, RESOLVER_FOUND);
	ck_assert_uint_eq(answer.count, 2);
	for (size_t i = 0; i < 2; i++) {
		struct buf text;

		buf_init(&text, 100);
		ck_status("txt", answer_txt(&answer, i, &text), ST_OK);
		is_seen[0] |= strcmp(text.data, "first") == 0;
		is_seen[1] |= strcmp(text.data, "second") == 0;
		buf_free(&text);
	}
	ck_assert(is_seen[0] && is_seen[1]);
	answer_clear(&answer);
	resolver_free(&resolver);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);
	char name[1100];
	static const char *const names[] = { "none.example.org", /* NXDOMAIN */
		"address.example.org",                           /* NODATA */
		"a..example.org", "", ".a", "..", /* A label of 64 bytes. */
		LABEL_64 ".example.org" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(resolving_ask(resolver, names[i], PLENTY) ==
			RESOLVER_NOT_FOUND,
		    "%s", names[i]);
	/* As text 1023 and 1024 bytes, in both cases too long for a name. */
	for (size_t len = 1023; len <= 1024; len++) {
		memset(name, 'x', len);
		for (size_t i = 50; i < len; i += 50)
			name[i] = '.';
		name[len] = '\0';
		ck_assert_int_eq((int)resolving_ask(resolver, name, PLENTY),
		    RESOLVER_NOT_FOUND);
	}
	resolver_free(&resolver);
}
END_TEST

START_TEST(a_silent_server_costs_no_more_than_the_limit)
{
	static const unsigned limits[] = { 0, 1, 50, 500, 1300 };
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		long begin = resolving_now(), took;

		ck_assert_int_eq(
		    (int)resolving_ask(resolver, "x.never.example", limits[i]),
		    RESOLVER_TIMEOUT);
		took = resolving_now() - begin;
		ck_assert_int_ge((int)took, (int)limits[i] - 1);
		ck_assert_int_le((int)took, (int)limits[i] + SLACK);
	}
	resolver_free(&resolver);
}
END_TEST

START_TEST(failures_are_failures)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);
	char closed[32];
	long begin = resolving_now();

	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "x.refused.example", PLENTY),
	    RESOLVER_FAILED);
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "x.broken.example", PLENTY),
	    RESOLVER_FAILED);
	ck_assert_int_lt((int)(resolving_now() - begin), 2000);
	resolver_free(&resolver);
	/* Nobody there: it is tried for a while before that is believed. */
	(void)close(nameserver_silent(closed, sizeof closed));
	resolver = resolving_open(closed, NULL);
	ck_assert_int_eq((int)resolving_ask(resolver, "one.example.org", 100),
	    RESOLVER_TIMEOUT);
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "one.example.org", PLENTY),
	    RESOLVER_FAILED);
	ck_assert_int_lt((int)(resolving_now() - begin), 9000);
	resolver_free(&resolver);
}
END_TEST

START_TEST(signed_answers_are_judged)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, resolving_anchor);

	resolving_expect(resolver, "good.signed.example", RESOLVER_FOUND, true);
	resolving_expect(
	    resolver, "alias.signed.example", RESOLVER_FOUND, true);
	resolving_expect(resolver, "bad.signed.example", RESOLVER_BOGUS, false);
	/* Proved not to exist. */
	resolving_expect(
	    resolver, "none.signed.example", RESOLVER_NOT_FOUND, true);
	resolving_expect(
	    resolver, "ns.signed.example", RESOLVER_NOT_FOUND, true);
	/* Below no anchor. */
	resolving_expect(resolver, "one.example.org", RESOLVER_FOUND, false);
	resolver_free(&resolver);
	/* Without an anchor nobody looks. */
	resolver = resolving_open(resolving_server.address, "");
	resolving_expect(
	    resolver, "good.signed.example", RESOLVER_FOUND, false);
	resolving_expect(resolver, "bad.signed.example", RESOLVER_FOUND, false);
	resolver_free(&resolver);
}
END_TEST

/* What exceeds a datagram comes by TCP. */
START_TEST(large_answers_come_whole)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);
	struct answer answer;
	size_t want = 12 * strlen(RESOLVING_STRING);
	struct buf text;

	resolver_ask(
	    resolver, "big.example.org", RESOLVER_TXT, PLENTY, &answer);
	ck_assert_int_eq((int)answer.status, RESOLVER_FOUND);
	for (size_t less = 0; less <= 1; less++) {
		buf_init(&text, want - less);
		ck_status("txt", answer_txt(&answer, 0, &text),
		    less == 0 ? ST_OK : ST_TOO_LARGE);
		if (less == 0)
			ck_assert_uint_eq(text.len, want);
		buf_free(&text);
	}
	answer_clear(&answer);
	resolver_free(&resolver);
}
END_TEST

START_TEST(answers_are_kept)
{
	struct nameserver other;
	struct resolver *resolver;

	nameserver_start(&other, resolving_dir, resolving_lines);
	resolver = resolving_open(other.address, resolving_anchor);
	expect_txt(resolver, "one.example.org", "v=DKIM1; p=abc");
	resolving_expect(resolver, "good.signed.example", RESOLVER_FOUND, true);
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "none.example.org", PLENTY),
	    RESOLVER_NOT_FOUND);
	nameserver_stop(&other);
	expect_txt(resolver, "ONE.example.org", "v=DKIM1; p=abc");
	resolving_expect(resolver, "good.signed.example", RESOLVER_FOUND, true);
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "several.example.org", 100),
	    RESOLVER_TIMEOUT);
	resolver_free(&resolver);
}
END_TEST

/* An answer that comes too late for whoever asked is there for the next. */
START_TEST(slow_answers_are_kept)
{
	struct relay relay = { .milliseconds = 300 };
	struct resolver *resolver;

	relay_start(&relay, &resolving_server);
	resolver = resolving_open(relay.address, NULL);
	ck_assert_int_eq((int)resolving_ask(resolver, "one.example.org", 50),
	    RESOLVER_TIMEOUT);
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "one.example.org", PLENTY),
	    RESOLVER_FOUND);
	ck_assert_int_eq((int)resolving_ask(resolver, "one.example.org", 50),
	    RESOLVER_FOUND);
	resolver_free(&resolver);
	relay_stop(&relay);
}
END_TEST

/* That a server is quick does not make it wait less for what is slow. */
START_TEST(a_quick_server_may_be_slow)
{
	struct relay relay = { .milliseconds = 0 };
	struct resolver *resolver;

	relay_start(&relay, &resolving_server);
	resolver = resolving_open(relay.address, NULL);
	for (int i = 0; i < 20; i++) {
		char name[64];

		(void)snprintf(name, sizeof name, "x%d.example.org", i);
		ck_assert_int_eq((int)resolving_ask(resolver, name, PLENTY),
		    RESOLVER_NOT_FOUND);
	}
	relay.milliseconds = 1500;
	ck_assert_int_eq((int)resolving_ask(resolver, "one.example.org", 5000),
	    RESOLVER_FOUND);
	resolver_free(&resolver);
	relay_stop(&relay);
}
END_TEST

/* A server that was away is asked again soon. */
START_TEST(a_server_comes_back)
{
	struct relay relay = { .is_authoritative = true };
	struct resolver *resolver;
	char gone[32];
	int fd = nameserver_silent(gone, sizeof gone);
	int port = atoi(strchr(gone, '@') + 1);
	long begin;

	resolver = resolving_open(gone, NULL);
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "one.example.org", PLENTY),
	    RESOLVER_FAILED);
	(void)nameserver_count(fd);
	(void)close(fd);
	relay_start_at(&relay, &resolving_server, port);
	for (begin = resolving_now(); resolving_now() - begin < 8000;)
		if (resolving_ask(resolver, "several.example.org", PLENTY) ==
		    RESOLVER_FOUND)
			break;
	ck_assert_int_lt((int)(resolving_now() - begin), 8000);
	resolver_free(&resolver);
	relay_stop(&relay);
}
END_TEST

START_TEST(an_authoritative_server_will_do)
{
	struct relay relay = { .is_authoritative = true };
	struct resolver *resolver;

	relay_start(&relay, &resolving_server);
	resolver = resolving_open(relay.address, resolving_anchor);
	expect_txt(resolver, "one.example.org", "v=DKIM1; p=abc");
	resolving_expect(resolver, "good.signed.example", RESOLVER_FOUND, true);
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "none.example.org", PLENTY),
	    RESOLVER_NOT_FOUND);
	resolver_free(&resolver);
	relay_stop(&relay);
}
END_TEST

/*
 * Many at once.
 */

struct asker {
	struct resolver *resolver;
	char name[64];
	unsigned milliseconds;
	enum resolver_status status;
	long took;
	pthread_t thread;
};

static void *
run_asker(void *arg)
{
	struct asker *a = arg;
	struct answer answer;
	long begin = resolving_now();

	resolver_ask(
	    a->resolver, a->name, RESOLVER_TXT, a->milliseconds, &answer);
	a->status = answer.status;
	answer_clear(&answer);
	a->took = resolving_now() - begin;
	return NULL;
}

/* Ask with many threads for rest, or each for FIRST%zu.REST. */
static void
ask_at_once(struct resolver *resolver, struct asker *askers, size_t n,
    const char *first, const char *rest, unsigned milliseconds)
{
	for (size_t i = 0; i < n; i++) {
		struct asker *a = &askers[i];

		a->resolver = resolver;
		a->milliseconds = milliseconds;
		if (first == NULL)
			(void)snprintf(a->name, sizeof a->name, "%s", rest);
		else
			(void)snprintf(a->name, sizeof a->name, "%s%zu.%s",
			    first, i, rest);
		ck_assert_int_eq(
		    pthread_create(&a->thread, NULL, run_asker, a), 0);
	}
	for (size_t i = 0; i < n; i++)
		(void)pthread_join(askers[i].thread, NULL);
}

START_TEST(many_wait_for_a_silent_server_no_longer_than_one)
{
	static struct asker askers[THREADS];
	char address[32];
	int fd = nameserver_silent(address, sizeof address);
	struct resolver *resolver = resolving_open(address, NULL);
	long longest = 0, begin;

	/* In turn each its own name, and all the same. */
	ask_at_once(resolver, askers, THREADS, _i == 0 ? "x" : NULL,
	    "example.org", 500);
	for (size_t i = 0; i < THREADS; i++) {
		ck_assert_int_eq((int)askers[i].status, RESOLVER_TIMEOUT);
		if (askers[i].took > longest)
			longest = askers[i].took;
	}
	ck_assert_int_ge((int)longest, 499);
	ck_assert_int_le((int)longest, 500 + SLACK);
	if (_i == 1)
		ck_assert_uint_le(nameserver_count(fd), 3);
	begin = resolving_now();
	resolver_free(&resolver);
	ck_assert_int_lt((int)(resolving_now() - begin), 1000);
	(void)close(fd);
}
END_TEST

START_TEST(many_are_answered)
{
	static struct asker askers[THREADS];
	struct resolver *resolver =
	    resolving_open(resolving_server.address, resolving_anchor);
	size_t descriptors = unit_count_descriptors();

	ask_at_once(
	    resolver, askers, THREADS, NULL, "good.signed.example", PLENTY);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq((int)askers[i].status, RESOLVER_FOUND);
	ask_at_once(resolver, askers, THREADS, "x", "signed.example", PLENTY);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq((int)askers[i].status, RESOLVER_NOT_FOUND);
	/* No more than the connections that it keeps for a while. */
	ck_assert_uint_le(unit_count_descriptors(), descriptors + 8);
	resolver_free(&resolver);
}
END_TEST

/*
 * RESOLVER_QUESTIONS may be under way, given up or not; one more waits for
 * room, even when its answer is at hand.
 */
START_TEST(questions_under_way_have_a_limit)
{
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);
	char name[64];

	expect_txt(resolver, "one.example.org", "v=DKIM1; p=abc");
	for (int i = 0; i < RESOLVER_QUESTIONS - 1; i++) {
		(void)snprintf(name, sizeof name, "x%d.never.example", i);
		ck_assert_int_eq(
		    (int)resolving_ask(resolver, name, 0), RESOLVER_TIMEOUT);
	}
	ck_assert_int_eq((int)resolving_ask(resolver, "one.example.org", 300),
	    RESOLVER_FOUND);
	ck_assert_int_eq((int)resolving_ask(resolver, "one.never.example", 0),
	    RESOLVER_TIMEOUT);
	ck_assert_int_eq((int)resolving_ask(resolver, "one.example.org", 100),
	    RESOLVER_TIMEOUT);
	/* There is room again when libunbound gives the others up. */
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "one.example.org", 3 * PLENTY),
	    RESOLVER_FOUND);
	resolver_free(&resolver);
}
END_TEST

START_TEST(descriptors_may_run_out)
{
	static struct asker askers[THREADS];
	struct resolver *resolver =
	    resolving_open(resolving_server.address, NULL);
	struct rlimit old, few;
	size_t descriptors;

	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "one.example.org", PLENTY),
	    RESOLVER_FOUND);
	descriptors = unit_count_descriptors();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = descriptors + 2;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ask_at_once(resolver, askers, THREADS, "x", "never.example", 500);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_msg(askers[i].status == RESOLVER_TIMEOUT ||
			askers[i].status == RESOLVER_FAILED,
		    "%d", askers[i].status);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* And are there again. */
	ck_assert_int_eq(
	    (int)resolving_ask(resolver, "several.example.org", PLENTY),
	    RESOLVER_FOUND);
	resolver_free(&resolver);
}
END_TEST

/*
 * Life and death.
 */

START_TEST(it_ends_at_once_and_leaves_nothing)
{
	struct resolver *resolver;
	size_t descriptors;

	/* The C library and OpenSSL may keep something the first time. */
	resolver = resolving_open(resolving_server.address, resolving_anchor);
	resolving_expect(resolver, "good.signed.example", RESOLVER_FOUND, true);
	resolver_free(&resolver);
	descriptors = unit_count_descriptors();
	for (int i = 0; i < 10; i++) {
		long begin;

		resolver = resolving_open(
		    resolving_server.address, i % 2 ? resolving_anchor : NULL);
		/* Idle, busy, and with an answer by TCP. */
		if (i % 3 == 1)
			(void)resolving_ask(resolver, "x.never.example", 10);
		else if (i % 3 == 2)
			(void)resolving_ask(
			    resolver, "big.example.org", PLENTY);
		begin = resolving_now();
		resolver_free(&resolver);
		ck_assert_int_lt((int)(resolving_now() - begin), 1000);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
	}
}
END_TEST

START_TEST(every_call_may_fail)
{
	static const unsigned kinds = INJECT_MEMORY | INJECT_THREAD;
	size_t descriptors = unit_count_descriptors();
	unsigned n;

	for (n = 1;; n++) {
		struct fault fault = { .detail = "" };
		struct resolver *resolver;
		struct answer answer = { .status = RESOLVER_FAILED };
		bool is_made, is_struck;

		inject_arm(kinds, n);
		resolver = resolving_make(
		    resolving_server.address, resolving_anchor, &fault);
		is_made = resolver != NULL;
		if (is_made)
			resolver_ask(resolver, "one.example.org", RESOLVER_TXT,
			    PLENTY, &answer);
		answer_clear(&answer);
		resolver_free(&resolver);
		is_struck = inject_disarm();
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
		ck_assert(is_made || strlen(fault.detail) > 0);
		ck_assert_int_eq((int)answer.status,
		    is_struck ? RESOLVER_FAILED : RESOLVER_FOUND);
		if (!is_struck)
			break;
	}
	/* The resolver, its thread, and a lookup for the start and for us. */
	ck_assert_uint_ge(n, 5);
}
END_TEST

Suite *
resolver_suite(void)
{
	Suite *suite = suite_create("resolver");
	TCase *tc = tcase_create("resolver");

	tcase_add_unchecked_fixture(tc, resolving_setup, resolving_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, records_are_found);
	tcase_add_test(tc, several_records_are_a_set);
	tcase_add_test(tc, what_is_not_there_is_not_found);
	tcase_add_test(tc, a_silent_server_costs_no_more_than_the_limit);
	tcase_add_test(tc, failures_are_failures);
	tcase_add_test(tc, signed_answers_are_judged);
	tcase_add_test(tc, large_answers_come_whole);
	tcase_add_test(tc, answers_are_kept);
	tcase_add_test(tc, slow_answers_are_kept);
	tcase_add_test(tc, a_quick_server_may_be_slow);
	tcase_add_test(tc, a_server_comes_back);
	tcase_add_test(tc, an_authoritative_server_will_do);
	tcase_add_loop_test(
	    tc, many_wait_for_a_silent_server_no_longer_than_one, 0, 2);
	tcase_add_test(tc, many_are_answered);
	tcase_add_test(tc, questions_under_way_have_a_limit);
	tcase_add_test(tc, descriptors_may_run_out);
	tcase_add_test(tc, it_ends_at_once_and_leaves_nothing);
	tcase_add_test(tc, every_call_may_fail);
	suite_add_tcase(suite, tc);
	return suite;
}
