#include "resolving.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "unit.h"

const char resolving_lines[] =
    "  local-zone: \"example.org.\" static\n"
    "  local-data: 'one.example.org. 60 IN TXT \"v=DKIM1; p=abc\"'\n"
    "  local-data: 'three.example.org. 60 IN TXT \"v=DKIM1; \" \"\" "
    "\"p=abc\"'\n"
    "  local-data: 'several.example.org. 60 IN TXT \"first\"'\n"
    "  local-data: 'several.example.org. 60 IN TXT \"second\"'\n"
    "  local-data: 'empty.example.org. 60 IN TXT \"\"'\n"
    "  local-data: 'address.example.org. 60 IN A 192.0.2.1'\n"
    "  local-data: 'reports.example.test. 60 IN TXT \"test\"'\n"
    "  local-data: 'big.example.org. 60 IN TXT"
    " \"" RESOLVING_STRING "\" \"" RESOLVING_STRING "\" \"" RESOLVING_STRING
    "\""
    " \"" RESOLVING_STRING "\" \"" RESOLVING_STRING "\" \"" RESOLVING_STRING
    "\""
    " \"" RESOLVING_STRING "\" \"" RESOLVING_STRING "\" \"" RESOLVING_STRING
    "\""
    " \"" RESOLVING_STRING "\" \"" RESOLVING_STRING "\" \"" RESOLVING_STRING
    "\"'\n"
    "  local-zone: \"never.example.\" always_deny\n"
    "  local-zone: \"refused.example.\" always_refuse\n"
    "auth-zone:\n"
    "  name: \"broken.example.\"\n  primary: 127.0.0.1@1\n"
    "  for-downstream: yes\n  for-upstream: no\n  fallback-enabled: no\n"
    "auth-zone:\n"
    "  name: \"signed.example.\"\n  zonefile: \"tampered\"\n"
    "  for-downstream: yes\n  for-upstream: no\n";

static const char zone[] =
    "signed.example. 60 IN SOA ns.signed.example. h.signed.example. "
    "1 3600 900 604800 60\n"
    "signed.example. 60 IN NS ns.signed.example.\n"
    "ns.signed.example. 60 IN A 127.0.0.1\n"
    "good.signed.example. 60 IN TXT \"p=abc\"\n"
    "bad.signed.example. 60 IN TXT \"p=abc\"\n"
    "alias.signed.example. 60 IN CNAME good.signed.example.\n";

char resolving_dir[256];
char resolving_anchor[300];
struct nameserver resolving_server;

/* The signed zone again with one record altered. */
static void
tamper(void)
{
	char path[300], *bad;
	struct buf text;

	buf_init(&text, 1 << 20);
	(void)snprintf(
	    path, sizeof path, "%s/signed.example.signed", resolving_dir);
	ck_assert(unit_slurp(path, &text));
	bad = strstr(text.data, "bad.signed.example.\t60\tIN\tTXT");
	ck_assert_ptr_nonnull(bad);
	bad = strstr(bad, "p=abc");
	ck_assert_ptr_nonnull(bad);
	bad[4] = 'd';
	(void)snprintf(path, sizeof path, "%s/tampered", resolving_dir);
	unit_write(path, text.data, text.len);
	buf_free(&text);
}

/* One server for all tests. */
void
resolving_setup(void)
{
	char path[300];

	unit_directory(resolving_dir, sizeof resolving_dir);
	(void)snprintf(path, sizeof path, "%s/signed.example", resolving_dir);
	unit_write(path, zone, sizeof zone - 1);
	nameserver_sign(resolving_dir, "signed.example");
	tamper();
	(void)snprintf(resolving_anchor, sizeof resolving_anchor,
	    "%s/signed.example.anchor", resolving_dir);
	nameserver_start(&resolving_server, resolving_dir, resolving_lines);
}

void
resolving_teardown(void)
{
	nameserver_stop(&resolving_server);
}

long
resolving_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct resolver *
resolving_make(
    const char *address, const char *anchor_file, struct fault *fault)
{
	char text[64];
	char *items[] = { text };
	const struct conf_list servers = { items, 1 };
	const struct resolver_settings settings = { &servers, anchor_file };

	(void)snprintf(text, sizeof text, "%s", address);
	return resolver_new(&settings, fault);
}

struct resolver *
resolving_open(const char *address, const char *anchor_file)
{
	struct fault fault;
	struct resolver *resolver =
	    resolving_make(address, anchor_file, &fault);

	ck_assert_msg(resolver != NULL, "%s", fault.detail);
	return resolver;
}

enum resolver_status
resolving_ask(
    struct resolver *resolver, const char *name, unsigned milliseconds)
{
	struct answer answer;
	enum resolver_status status;

	resolver_ask(resolver, name, RESOLVER_TXT, milliseconds, &answer);
	status = answer.status;
	if (status != RESOLVER_FOUND)
		ck_assert_uint_eq(answer.count, 0);
	answer_clear(&answer);
	return status;
}

void
resolving_expect(struct resolver *resolver, const char *name,
    enum resolver_status status, bool is_secure)
{
	struct answer answer;

	resolver_ask(resolver, name, RESOLVER_TXT, PLENTY, &answer);
	ck_assert_msg(answer.status == status, "%s: %d", name, answer.status);
	ck_assert_msg(answer.is_secure == is_secure, "%s", name);
	ck_assert_uint_eq(answer.count, status == RESOLVER_FOUND);
	ck_assert(status == RESOLVER_FOUND || answer.u == NULL);
	answer_clear(&answer);
}
