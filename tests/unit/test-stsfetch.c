#include "stsfetch.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "deadline.h"
#include "stspolicy.h"
#include "suites.h"
#include "unit.h"
#include "webserver.h"

#define HOST "mta-sts.example.com"
#define POLICY                                                                 \
	"version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\n"            \
	"max_age: 604800\r\n"
#define OK_HEADER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

enum {
	LIMIT = 10000,      /* milliseconds, for what comes at once */
	SHORT_LIMIT = 1000, /* for what does not come at all */
	SLACK = 3000
};

static struct cert root, good, expired, other_name, alone, intermediate, below;
static X509_STORE *store;

static void
setup(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	root = certs_make(&(struct certs_spec){ .cn = "Root", .is_ca = true });
	good = certs_make(&(struct certs_spec){
	    .cn = HOST, .names = "DNS:" HOST, .issuer = &root });
	expired = certs_make(&(struct certs_spec){ .cn = HOST,
	    .names = "DNS:" HOST,
	    .issuer = &root,
	    .from = -90,
	    .to = -3 });
	other_name = certs_make(&(struct certs_spec){
	    .cn = HOST, .names = "DNS:www.example.com", .issuer = &root });
	alone = certs_make(
	    &(struct certs_spec){ .cn = HOST, .names = "DNS:" HOST });
	intermediate = certs_make(&(struct certs_spec){
	    .cn = "Intermediate", .is_ca = true, .issuer = &root });
	below = certs_make(&(struct certs_spec){ .cn = HOST,
	    .names = "DNS:*.example.com",
	    .issuer = &intermediate });
	store = certs_store(&root);
}

static void
teardown(void)
{
	certs_free(&root);
	certs_free(&good);
	certs_free(&expired);
	certs_free(&other_name);
	certs_free(&alone);
	certs_free(&intermediate);
	certs_free(&below);
	X509_STORE_free(store);
}

/* Fetch from one server. */
static void
fetch_from(const struct webserver *server, unsigned milliseconds,
    struct stsfetch *fetch)
{
	const struct found_address *addresses[] = { &server->address };
	const struct stsfetch_settings settings = { .host = HOST,
		.address = addresses,
		.addresses = 1,
		.port = server->port,
		.store = store,
		.milliseconds = milliseconds };

	stsfetch_run(&settings, fetch);
}

/* Fetch this reply, under a certificate of this chain. */
static void
fetch_reply(const char *reply, enum webserver_trick trick,
    const struct cert *leaf, unsigned milliseconds, struct stsfetch *fetch)
{
	const struct cert *chain[] = { leaf };
	struct webserver server;

	webserver_start(&server,
	    &(struct webserver_settings){
		.trick = trick, .reply = reply, .chain = chain, .count = 1 });
	fetch_from(&server, milliseconds, fetch);
	webserver_stop(&server);
}

START_TEST(a_policy_is_fetched)
{
	const struct cert *chain[] = { &good };
	struct stsfetch fetch;
	struct webserver server;

	webserver_start(&server,
	    &(struct webserver_settings){
		.reply = OK_HEADER "Content-Length: 68\r\n\r\n" POLICY,
		.chain = chain,
		.count = 1 });
	fetch_from(&server, LIMIT, &fetch);
	webserver_stop(&server);
	ck_assert_msg(
	    fetch.end == STSFETCH_OK, "%d: %s", (int)fetch.end, fetch.detail);
	ck_bytes(
	    "body", fetch.body.data, fetch.body.len, POLICY, strlen(POLICY));
	ck_string("detail", fetch.detail, "");
	ck_assert_int_eq((int)fetch.http_status, 200);
	ck_string("type", fetch.content_type, "text/plain");
	ck_string("ip", fetch.ip, "127.0.0.1");
	ck_assert(fetch.has_certificate);
	ck_assert_uint_eq(fetch.verdict.faults, 0);
	ck_string("subject", fetch.certificate.subject, "CN=" HOST);
	/* What it says of itself, and whom it asks for. */
	ck_assert_msg(strncmp(server.said,
			  "GET /.well-known/mta-sts.txt HTTP/1.1\r\n", 39) == 0,
	    "%s", server.said);
	ck_assert_ptr_nonnull(strstr(server.said, "\r\nHost: " HOST "\r\n"));
	ck_assert_ptr_nonnull(strstr(server.said, "User-Agent: tlsrpt\r\n"));
	ck_assert_ptr_null(strstr(server.said, "Accept-Encoding"));
	ck_assert_ptr_nonnull(strstr(server.said, "SNI: " HOST "\n"));
	stsfetch_clear(&fetch);
}
END_TEST

static const struct {
	const char *name;
	const char *reply;
	enum stsfetch_end end;
	long status;
	const char *detail; /* part of it */
	const char *body;
} replies[] = {
	{ "no length", OK_HEADER "\r\n" POLICY, STSFETCH_OK, 200, "", POLICY },
	{ "charset",
	    "HTTP/1.1 200 OK\r\ncontent-type: TEXT/Plain; charset=utf-8\r\n"
	    "Content-Length: 1\r\n\r\nx",
	    STSFETCH_OK, 200, "", "x" },
	{ "HTTP/1.0",
	    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" POLICY,
	    STSFETCH_OK, 200, "", POLICY },
	{ "chunked",
	    OK_HEADER "Transfer-Encoding: chunked\r\n\r\n"
		      "4\r\nvers\r\n3\r\nion\r\n0\r\n\r\n",
	    STSFETCH_OK, 200, "", "version" },
	{ "empty", OK_HEADER "Content-Length: 0\r\n\r\n", STSFETCH_OK, 200, "",
	    "" },
	{ "100 first",
	    "HTTP/1.1 100 Continue\r\n\r\n" OK_HEADER
	    "Content-Length: 1\r\n\r\nx",
	    STSFETCH_OK, 200, "", "x" },
	{ "unasked gzip",
	    OK_HEADER "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n"
		      "\037\213",
	    STSFETCH_OK, 200, "Content-Encoding gzip", "\037\213" },
	{ "404",
	    "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 2\r\n\r\nno",
	    STSFETCH_STATUS, 404, "HTTP status 404", "" },
	{ "204", "HTTP/1.1 204 No Content\r\nContent-Type: text/plain\r\n\r\n",
	    STSFETCH_STATUS, 204, "HTTP status 204", "" },
	{ "500 without a body", "HTTP/1.1 500 Oops\r\n\r\n", STSFETCH_STATUS,
	    500, "HTTP status 500", "" },
	{ "redirect",
	    "HTTP/1.1 301 Moved\r\nLocation: https://www.example.com/x\r\n"
	    "Content-Length: 0\r\n\r\n",
	    STSFETCH_REDIRECT, 301,
	    "HTTP status 301 to https://www.example.com/x", "" },
	{ "redirect to nowhere",
	    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
	    STSFETCH_REDIRECT, 302, "HTTP status 302", "" },
	{ "wrong type",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
	    "Content-Length: 1\r\n\r\nx",
	    STSFETCH_CONTENT_TYPE, 200, "text/html", "" },
	{ "wrong type without a body",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plainly\r\n"
	    "Content-Length: 0\r\n\r\n",
	    STSFETCH_CONTENT_TYPE, 200, "text/plainly", "" },
	{ "no type", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	    STSFETCH_CONTENT_TYPE, 200, "no Content-Type", "" },
	{ "cut short", OK_HEADER "Content-Length: 900\r\n\r\n" POLICY,
	    STSFETCH_LOST, 200, "", POLICY },
	{ "cut in the header", "HTTP/1.1 200 OK\r\nContent-", STSFETCH_LOST, 0,
	    "", "" },
	{ "HTTP/0.9", POLICY, STSFETCH_LOST, 0, "HTTP/0.9", "" },
	{ "SMTP", "220 mx.example.com ESMTP\r\n", STSFETCH_LOST, 0, "", "" },
	{ "nothing", "\n", STSFETCH_LOST, 0, "", "" },
};

START_TEST(replies_of_every_kind)
{
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct stsfetch fetch;

		fetch_reply(
		    replies[i].reply, WEBSERVER_NONE, &good, LIMIT, &fetch);
		ck_assert_msg(fetch.end == replies[i].end,
		    "%s: %d (%s), not %d", replies[i].name, (int)fetch.end,
		    fetch.detail, (int)replies[i].end);
		ck_assert_msg(fetch.http_status == replies[i].status, "%s: %ld",
		    replies[i].name, fetch.http_status);
		ck_assert_msg(strstr(fetch.detail, replies[i].detail) != NULL,
		    "%s: %s", replies[i].name, fetch.detail);
		ck_assert_msg((fetch.detail[0] == '\0') ==
			(fetch.end == STSFETCH_OK &&
			    replies[i].detail[0] == '\0'),
		    "%s: \"%s\"", replies[i].name, fetch.detail);
		ck_bytes(replies[i].name, fetch.body.data, fetch.body.len,
		    replies[i].body, strlen(replies[i].body));
		stsfetch_clear(&fetch);
	}
}
END_TEST

START_TEST(bodies_are_bounded)
{
	static const size_t lens[] = { STSPOLICY_SIZE_MAX,
		STSPOLICY_SIZE_MAX + 1, 5 * 1024 * 1024 };
	const struct cert *chain[] = { &good };
	char *reply = malloc(6 * 1024 * 1024);

	ck_assert_ptr_nonnull(reply);
	for (size_t i = 0; i < 2 * ARRAY_LEN(lens); i++) {
		size_t len = lens[i / 2];
		struct stsfetch fetch;
		struct webserver server;
		int n;

		/* With a length, and without. */
		n = i % 2 == 0
		    ? sprintf(
			  reply, OK_HEADER "Content-Length: %zu\r\n\r\n", len)
		    : sprintf(reply, OK_HEADER "\r\n");
		memset(reply + n, 'x', len);
		webserver_start(&server,
		    &(struct webserver_settings){ .reply = reply,
			.len = (size_t)n + len,
			.chain = chain,
			.count = 1 });
		fetch_from(&server, LIMIT, &fetch);
		webserver_stop(&server);
		ck_assert_msg(fetch.end ==
			(len > STSPOLICY_SIZE_MAX ? STSFETCH_TOO_LARGE
						  : STSFETCH_OK),
		    "%zu: %d %s", i, (int)fetch.end, fetch.detail);
		ck_assert_uint_le(fetch.body.len, STSPOLICY_SIZE_MAX);
		stsfetch_clear(&fetch);
	}
	free(reply);
}
END_TEST

START_TEST(what_never_ends_ends)
{
	static const struct {
		const char *name, *reply, *more;
		enum stsfetch_end end;
	} tests[] = {
		{ "body", OK_HEADER "\r\n", NULL, STSFETCH_TOO_LARGE },
		{ "chunks", OK_HEADER "Transfer-Encoding: chunked\r\n\r\n",
		    "1\r\nx\r\n", STSFETCH_TOO_LARGE },
		{ "body of an error", "HTTP/1.1 404 No\r\n\r\n", NULL,
		    STSFETCH_STATUS },
		{ "header", OK_HEADER, "X-More: yes\r\n", STSFETCH_TOO_LARGE },
		{ "line of the header", OK_HEADER, NULL, STSFETCH_TOO_LARGE },
		{ "interim replies", "HTTP/1.1 100 Continue\r\n\r\n",
		    "HTTP/1.1 100 Continue\r\n\r\n", STSFETCH_TOO_LARGE },
	};
	const struct cert *chain[] = { &good };

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct stsfetch fetch;
		struct webserver server;

		webserver_start(&server,
		    &(struct webserver_settings){ .trick = WEBSERVER_ENDLESS,
			.reply = tests[i].reply,
			.more = tests[i].more,
			.chain = chain,
			.count = 1 });
		fetch_from(&server, LIMIT, &fetch);
		webserver_stop(&server);
		ck_assert_msg(fetch.end == tests[i].end, "%s: %d %s",
		    tests[i].name, (int)fetch.end, fetch.detail);
		ck_assert_uint_le(fetch.body.len, STSPOLICY_SIZE_MAX);
		stsfetch_clear(&fetch);
	}
}
END_TEST

START_TEST(time_is_bounded)
{
	static const struct {
		const char *name, *reply;
		enum webserver_trick trick;
	} tests[] = {
		{ "body", OK_HEADER "\r\n", WEBSERVER_TRICKLES },
		{ "header", OK_HEADER "X-More: ", WEBSERVER_TRICKLES },
		{ "status line", "HTTP/1.1 200 ", WEBSERVER_TRICKLES },
		{ "handshake", "", WEBSERVER_SILENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		uint64_t start = deadline_now(), took;
		struct stsfetch fetch;

		fetch_reply(
		    tests[i].reply, tests[i].trick, &good, SHORT_LIMIT, &fetch);
		took = deadline_now() - start;
		ck_assert_msg(fetch.end == STSFETCH_TIMEOUT, "%s: %d %s",
		    tests[i].name, (int)fetch.end, fetch.detail);
		ck_assert_msg(
		    took >= SHORT_LIMIT - 50 && took <= SHORT_LIMIT + SLACK,
		    "%s: %lu ms", tests[i].name, (unsigned long)took);
		stsfetch_clear(&fetch);
	}
}
END_TEST

START_TEST(certificates_are_judged)
{
	const struct {
		const char *name;
		const struct cert *leaf, *issuer;
		unsigned faults;
	} tests[] = {
		{ "another name", &other_name, NULL,
		    CERTIFICATE_HOST_MISMATCH },
		{ "expired", &expired, NULL, CERTIFICATE_EXPIRED },
		{ "self-signed", &alone, NULL, CERTIFICATE_NOT_TRUSTED },
		{ "chain not whole", &below, NULL, CERTIFICATE_NOT_TRUSTED },
		{ "chain", &below, &intermediate, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		const struct cert *chain[] = { tests[i].leaf, tests[i].issuer };
		struct stsfetch fetch;
		struct webserver server;

		webserver_start(&server,
		    &(struct webserver_settings){
			.reply = OK_HEADER "\r\n" POLICY,
			.chain = chain,
			.count = tests[i].issuer != NULL ? 2 : 1 });
		fetch_from(&server, LIMIT, &fetch);
		webserver_stop(&server);
		ck_assert_msg(fetch.end ==
			(tests[i].faults != 0 ? STSFETCH_CERTIFICATE
					      : STSFETCH_OK),
		    "%s: %d %s", tests[i].name, (int)fetch.end, fetch.detail);
		ck_assert(fetch.has_certificate);
		ck_assert_msg(fetch.verdict.faults == tests[i].faults, "%s: %x",
		    tests[i].name, fetch.verdict.faults);
		ck_string("subject", fetch.certificate.subject, "CN=" HOST);
		/* Nothing is asked of who is not the one. */
		ck_assert_msg((strstr(server.said, "GET") != NULL) ==
			(tests[i].faults == 0),
		    "%s: %s", tests[i].name, server.said);
		stsfetch_clear(&fetch);
	}
}
END_TEST

START_TEST(without_tls_there_is_no_policy)
{
	const struct cert *chain[] = { &good };
	struct stsfetch fetch;
	struct webserver server;

	fetch_reply(
	    OK_HEADER "\r\n" POLICY, WEBSERVER_PLAIN, &good, LIMIT, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_TLS, "%s", fetch.detail);
	ck_assert(!fetch.has_certificate);
	stsfetch_clear(&fetch);
	fetch_reply("", WEBSERVER_CLOSES, &good, LIMIT, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_TLS, "%s", fetch.detail);
	stsfetch_clear(&fetch);
	webserver_start(&server,
	    &(struct webserver_settings){ .reply = OK_HEADER "\r\n" POLICY,
		.chain = chain,
		.count = 1,
		.max_version = TLS1_1_VERSION });
	fetch_from(&server, LIMIT, &fetch);
	webserver_stop(&server);
	ck_assert_msg(fetch.end == STSFETCH_TLS, "%s", fetch.detail);
	stsfetch_clear(&fetch);
}
END_TEST

static struct found_address
dead_address(const char *text)
{
	struct sockaddr_in *in;
	struct found_address address = { .len = sizeof *in };

	in = (struct sockaddr_in *)&address.sa;
	in->sin_family = AF_INET;
	ck_assert_int_eq(inet_pton(AF_INET, text, &in->sin_addr), 1);
	(void)snprintf(address.text, sizeof address.text, "%s", text);
	return address;
}

/* The server is bound to 127.0.0.1 alone. */
START_TEST(one_address_that_answers_is_enough)
{
	const struct found_address dead = dead_address("127.0.0.9");
	const struct cert *chain[] = { &good };
	struct stsfetch_settings settings = {
		.host = HOST, .store = store, .milliseconds = LIMIT
	};
	const struct found_address *addresses[2] = { &dead };
	struct stsfetch fetch;
	struct webserver server;

	webserver_start(&server,
	    &(struct webserver_settings){
		.reply = OK_HEADER "\r\n" POLICY, .chain = chain, .count = 1 });
	addresses[1] = &server.address;
	settings.address = addresses;
	settings.port = server.port;
	settings.addresses = 2;
	stsfetch_run(&settings, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_OK, "%s", fetch.detail);
	stsfetch_clear(&fetch);
	settings.addresses = 1;
	stsfetch_run(&settings, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_CONNECT, "%s", fetch.detail);
	stsfetch_clear(&fetch);
	/* No address, and none of our family: no DNS is asked instead. */
	settings.addresses = 0;
	stsfetch_run(&settings, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_CONNECT, "%s", fetch.detail);
	stsfetch_clear(&fetch);
	settings.addresses = 2;
	settings.source = "::1";
	stsfetch_run(&settings, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_NO_ROUTE, "%s", fetch.detail);
	stsfetch_clear(&fetch);
	settings.source = "127.0.0.1";
	stsfetch_run(&settings, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_OK, "%s", fetch.detail);
	stsfetch_clear(&fetch);
	/* One that is not ours. */
	settings.source = "192.0.2.1";
	stsfetch_run(&settings, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_NO_ROUTE, "%s", fetch.detail);
	stsfetch_clear(&fetch);
	webserver_stop(&server);
}
END_TEST

/* Nothing of the environment is heeded. */
START_TEST(a_proxy_is_not_asked)
{
	struct stsfetch fetch;

	(void)setenv("https_proxy", "http://127.0.0.9:1/", 1);
	(void)setenv("ALL_PROXY", "http://127.0.0.9:1/", 1);
	(void)setenv("SSL_CERT_FILE", "/nonexistent", 1);
	fetch_reply(
	    OK_HEADER "\r\n" POLICY, WEBSERVER_NONE, &good, LIMIT, &fetch);
	ck_assert_msg(fetch.end == STSFETCH_OK, "%s", fetch.detail);
	stsfetch_clear(&fetch);
}
END_TEST

static void *
fetch_once(void *arg)
{
	enum stsfetch_end *end = arg;
	struct stsfetch fetch;

	fetch_reply(
	    OK_HEADER "\r\n" POLICY, WEBSERVER_NONE, &good, LIMIT, &fetch);
	*end = fetch.end;
	stsfetch_clear(&fetch);
	return NULL;
}

START_TEST(threads_may_fetch_at_once)
{
	pthread_t threads[8];
	enum stsfetch_end ends[ARRAY_LEN(threads)];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, fetch_once, &ends[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq((int)ends[i], STSFETCH_OK);
}
END_TEST

Suite *
stsfetch_suite(void)
{
	Suite *suite = suite_create("stsfetch");
	TCase *tc = tcase_create("stsfetch");

	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_policy_is_fetched);
	tcase_add_test(tc, replies_of_every_kind);
	tcase_add_test(tc, bodies_are_bounded);
	tcase_add_test(tc, what_never_ends_ends);
	tcase_add_test(tc, time_is_bounded);
	tcase_add_test(tc, certificates_are_judged);
	tcase_add_test(tc, without_tls_there_is_no_policy);
	tcase_add_test(tc, one_address_that_answers_is_enough);
	tcase_add_test(tc, a_proxy_is_not_asked);
	tcase_add_test(tc, threads_may_fetch_at_once);
	suite_add_tcase(suite, tc);
	return suite;
}
