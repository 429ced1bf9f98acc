#include "lookup.h"

#include <arpa/inet.h>
#include <check.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inject.h"
#include "nameserver.h"
#include "resolving.h"
#include "suites.h"
#include "unit.h"

#define LABEL_61 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc"
#define LABEL_63 LABEL_61 "de"
#define NAME_253 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_61

/* 32 and 64 bytes in hexadecimal digits; the records begin with a byte more. */
#define HEX_30 "111111111111111111111111111111111111111111111111111111111111"
#define HEX_62 HEX_30 HEX_30 "2222"

enum {
	TLSA_MANY = 4000,
	/* Whose signature libunbound has room to check, and has not. */
	TLSA_SOME = 1000,
	TLSA_MORE = 1600
};

/* What stands in both zones, below an origin. */
static const char names[] =
    "@ SOA ns h 1 3600 900 604800 60\n"
    "@ NS ns\n"
    "ns A 127.0.0.1\n"
    "mx MX 20 b\nmx MX 10 C\nmx MX 10 a\nmx MX 65535 d.example.NET.\n"
    "null MX 0 .\n"
    "null-others MX 0 .\nnull-others MX 10 a\n"
    "null-ten MX 10 .\n"
    "literal MX 10 192.0.2.1.\n"
    "odd MX 10 we\\032ird\nodd MX 20 a\\.b\nodd MX 30 x\\000y\n"
    "odd MX 40 \\195\\188\nodd MX 50 good_1-\nodd MX 60 *.a\n"
    "longest MX 10 " NAME_253 ".\n"
    "alias CNAME alias2\nalias2 CNAME MX\n"
    "alias-odd CNAME we\\032ird\nwe\\032ird MX 10 a\n"
    "alias-none CNAME none\n"
    "alias-nodata CNAME a\n"
    "alias-out CNAME mx.plain.example.\n"
    "loop CNAME loop2\nloop2 CNAME loop\n"
    "a A 192.0.2.20\na A 192.0.2.3\na A 198.51.100.1\n"
    "a AAAA 2001:db8::20\na AAAA 2001:db8::3\n"
    "host-alias CNAME a\n"
    "bad A 192.0.2.66\n"
    "txt TXT \"v=x; \" \"\" \"y=1;\"\n"
    "txt-several TXT \"first\"\ntxt-several TXT \"second\"\n"
    "txt-empty TXT \"\"\n"
    "txt-nul TXT \"a\\000b\\255\"\n"
    "_25._tcp.a TLSA 3 1 1 aa" HEX_30 "ff\n"
    "_25._tcp.a TLSA 2 0 2 bb" HEX_62 "ff\n"
    "_25._tcp.a TLSA 0 0 1 00" HEX_30 "00\n"
    "_25._tcp.a TLSA 3 1 1 01\n"
    "_25._tcp.a TLSA 3 1 1 02" HEX_30 "ff\n"
    "_26._tcp.a TLSA 3 0 1 cc" HEX_30 "ff\n"
    "_25._tcp.tlsa-alias CNAME _25._tcp.a\n";

/* What ldns-signzone would write as nobody reads it. */
static const char unsigned_names[] =
    "_25._tcp.empty TYPE52 \\# 3 030101\n"
    "_25._tcp.short TYPE52 \\# 2 0301\n"
    "_25._tcp.short TYPE52 \\# 35 030101aa" HEX_30 "ff\n";

static struct nameserver server;
static char anchor[300];

/* One record that may be used, and many of a byte. */
static void
add_many(struct buf *text, const char *host, unsigned count)
{
	for (unsigned i = 0; i < count - 1; i++)
		(void)buf_addf(text, "_25._tcp.%s TLSA 3 %u 1 %02x\n", host,
		    i / 256, i % 256);
	(void)buf_addf(text, "_25._tcp.%s TLSA 2 1 1 dd" HEX_30 "ff\n", host);
}

/* Records at a limit and one over it, and far over it. */
static void
add_limits(struct buf *text)
{
	for (unsigned i = 0; i <= LOOKUP_MX_MAX; i++) {
		unsigned p = 2 * i;

		if (i < LOOKUP_MX_MAX)
			(void)buf_addf(text, "mx32 MX %u h%u\n", p, i);
		(void)buf_addf(text, "mx33 MX %u h%u\n", 1000 - p, i);
	}
	for (unsigned i = 1; i <= LOOKUP_ADDRESSES_MAX + 1; i++) {
		if (i <= LOOKUP_ADDRESSES_MAX)
			(void)buf_addf(text,
			    "a16 A 192.0.2.%u\na16 AAAA 2001:db8::%x\n"
			    "txt16 TXT \"%u\"\n",
			    i, i, i);
		(void)buf_addf(text,
		    "a17 A 192.0.2.%u\na17 AAAA 2001:db8::%x\n"
		    "txt17 TXT \"%u\"\n",
		    i, i, i);
	}
	for (unsigned i = 0; i <= LOOKUP_TLSA_MAX; i++) {
		if (i < LOOKUP_TLSA_MAX)
			(void)buf_addf(text,
			    "_25._tcp.t64 TLSA 3 1 1 %02x" HEX_30 "ff\n", i);
		(void)buf_addf(
		    text, "_25._tcp.t65 TLSA 3 1 1 %02x" HEX_30 "ff\n", i);
	}
}

/* One of len bytes, in strings of 255. */
static void
add_long_txt(struct buf *text, const char *name, size_t len)
{
	(void)buf_addf(text, "%s TXT", name);
	while (len > 0) {
		size_t string = len < 255 ? len : 255;

		(void)buf_adds(text, " \"");
		for (size_t i = 0; i < string; i++)
			(void)buf_addc(text, 'x');
		(void)buf_adds(text, "\"");
		len -= string;
	}
	(void)buf_adds(text, "\n");
}

static void
write_zone(const char *directory, const char *zone, const char *more)
{
	char path[400];
	struct buf text;

	buf_init(&text, 1 << 20);
	(void)buf_addf(&text, "$ORIGIN %s.\n$TTL 60\n", zone);
	(void)buf_adds(&text, names);
	(void)buf_adds(&text, more);
	add_limits(&text);
	add_long_txt(&text, "txt4096", LOOKUP_TXT_LENGTH);
	add_long_txt(&text, "txt4097", LOOKUP_TXT_LENGTH + 1);
	(void)snprintf(path, sizeof path, "%s/%s", directory, zone);
	unit_write(path, text.data, text.len);
	buf_free(&text);
}

/* The signed zone with one address altered. */
static void
tamper(const char *directory)
{
	char path[400], *bad;
	struct buf text;

	buf_init(&text, 1 << 22);
	(void)snprintf(
	    path, sizeof path, "%s/lookup.example.signed", directory);
	ck_assert(unit_slurp(path, &text));
	bad = strstr(text.data, "192.0.2.66");
	ck_assert_ptr_nonnull(bad);
	bad[9] = '7';
	unit_write(path, text.data, text.len);
	buf_free(&text);
}

static void
setup(void)
{
	char directory[256];
	struct buf more;

	unit_directory(directory, sizeof directory);
	buf_init(&more, 1 << 20);
	add_many(&more, "some", TLSA_SOME);
	add_many(&more, "more", TLSA_MORE);
	write_zone(directory, "lookup.example", more.data);
	buf_cut(&more, 0);
	(void)buf_adds(&more, unsigned_names);
	add_many(&more, "many", TLSA_MANY);
	write_zone(directory, "plain.example", more.data);
	buf_free(&more);
	nameserver_sign(directory, "lookup.example");
	tamper(directory);
	(void)snprintf(
	    anchor, sizeof anchor, "%s/lookup.example.anchor", directory);
	nameserver_start(&server, directory,
	    "  local-zone: \"never.example.\" always_deny\n"
	    "auth-zone:\n"
	    "  name: \"lookup.example.\"\n"
	    "  zonefile: \"lookup.example.signed\"\n"
	    "  for-downstream: yes\n  for-upstream: yes\n"
	    "auth-zone:\n"
	    "  name: \"plain.example.\"\n"
	    "  zonefile: \"plain.example\"\n"
	    "  for-downstream: yes\n  for-upstream: yes\n"
	    "auth-zone:\n"
	    "  name: \"broken.example.\"\n  primary: 127.0.0.1@1\n"
	    "  for-downstream: yes\n  for-upstream: no\n"
	    "  fallback-enabled: no\n");
}

static void
teardown(void)
{
	nameserver_stop(&server);
}

static struct resolver *
validating(void)
{
	return resolving_open(server.address, anchor);
}

/* "10 a.example 20 b.example": what was found, in words. */
static void
write_mx(const struct found_mx *found, struct buf *out)
{
	buf_init(out, 1 << 16);
	(void)buf_adds(out, found->is_null ? "null" : "");
	for (size_t i = 0; i < found->count; i++)
		(void)buf_addf(out, "%s%u %s", i > 0 ? " " : "",
		    found->mx[i].preference, found->mx[i].host);
}

#define L ".lookup.example"

static const struct mx_row {
	const char *name;
	enum resolver_status status;
	bool is_secure;
	size_t dropped;
	const char *alias;
	const char *want;
} mx_rows[] = {
	{ "mx" L, RESOLVER_FOUND, true, 0, "",
	    "10 a" L " 10 c" L " 20 b" L " 65535 d.example.net" },
	{ "mx.plain.example", RESOLVER_FOUND, false, 0, "",
	    "10 a.plain.example 10 c.plain.example 20 b.plain.example "
	    "65535 d.example.net" },
	{ "null" L, RESOLVER_FOUND, true, 0, "", "null" },
	{ "null-others" L, RESOLVER_FOUND, true, 1, "", "10 a" L },
	{ "null-ten" L, RESOLVER_FOUND, true, 1, "", "" },
	{ "literal" L, RESOLVER_FOUND, true, 0, "", "10 192.0.2.1" },
	{ "odd" L, RESOLVER_FOUND, true, 5, "", "50 good_1-" L },
	{ "alias" L, RESOLVER_FOUND, true, 0, "mx" L,
	    "10 a" L " 10 c" L " 20 b" L " 65535 d.example.net" },
	{ "alias-odd" L, RESOLVER_FOUND, true, 1, "", "10 a" L },
	{ "alias-none" L, RESOLVER_NOT_FOUND, true, 0, "none" L, "" },
	{ "alias-nodata" L, RESOLVER_NOT_FOUND, true, 0, "a" L, "" },
	/* What is signed leads to what is not. */
	{ "alias-out" L, RESOLVER_FOUND, false, 0, "mx.plain.example",
	    "10 a.plain.example 10 c.plain.example 20 b.plain.example "
	    "65535 d.example.net" },
	{ "none" L, RESOLVER_NOT_FOUND, true, 0, "", "" },
	{ "a" L, RESOLVER_NOT_FOUND, true, 0, "", "" },
	{ "none.plain.example", RESOLVER_NOT_FOUND, false, 0, "", "" },
	{ "loop" L, RESOLVER_FAILED, false, 0, "", "" },
	{ "x.broken.example", RESOLVER_FAILED, false, 0, "", "" },
};

START_TEST(mx_are_found)
{
	const struct mx_row *row = &mx_rows[_i];
	struct resolver *resolver = validating();
	static struct found_mx found;
	struct buf got;

	lookup_mx(resolver, row->name, PLENTY, &found);
	write_mx(&found, &got);
	ck_expect(found.found.status == row->status, "%s: %s", row->name,
	    found_str(&found.found));
	ck_expect(found.found.is_secure == row->is_secure, "%s: is_secure %d",
	    row->name, found.found.is_secure);
	ck_expect(found.found.dropped == row->dropped, "%s: %zu dropped",
	    row->name, found.found.dropped);
	ck_string(row->name, found.found.alias, row->alias);
	ck_string(row->name, got.data != NULL ? got.data : "", row->want);
	buf_free(&got);
	resolver_free(&resolver);
}
END_TEST

START_TEST(the_longest_name_is_one)
{
	struct resolver *resolver = validating();
	static struct found_mx found;

	lookup_mx(resolver, "longest" L, PLENTY, &found);
	ck_assert_uint_eq(found.count, 1);
	ck_string("host", found.mx[0].host, NAME_253);
	resolver_free(&resolver);
}
END_TEST

START_TEST(of_too_many_mx_the_best_are_kept)
{
	struct resolver *resolver = validating();
	static struct found_mx found;

	lookup_mx(resolver, "mx32" L, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_MX_MAX);
	ck_assert_uint_eq(found.found.dropped, 0);
	for (unsigned i = 0; i < LOOKUP_MX_MAX; i++)
		ck_assert_uint_eq(found.mx[i].preference, 2 * i);
	lookup_mx(resolver, "mx33" L, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_MX_MAX);
	ck_assert_uint_eq(found.found.dropped, 1);
	/* Preference 1000, of h0, is the one that is missing. */
	ck_string("best", found.mx[0].host, "h32" L);
	ck_assert_uint_eq(found.mx[0].preference, 936);
	ck_string("last", found.mx[LOOKUP_MX_MAX - 1].host, "h1" L);
	ck_assert_uint_eq(found.mx[LOOKUP_MX_MAX - 1].preference, 998);
	resolver_free(&resolver);
}
END_TEST

static void
expect_addresses(const struct found_addresses *found, int family,
    const char *const *want, size_t count)
{
	ck_assert_uint_eq(found->count, count);
	for (size_t i = 0; i < count; i++) {
		const struct found_address *address = &found->address[i];
		char host[64], port[16];

		ck_string("text", address->text, want[i]);
		ck_assert_int_eq(address->sa.ss_family, family);
		ck_assert_int_eq(
		    getnameinfo((const struct sockaddr *)&address->sa,
			address->len, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV),
		    0);
		ck_string("host", host, want[i]);
		ck_string("port", port, "0");
	}
}

START_TEST(addresses_are_found)
{
	static const char *const ipv4[] = { "192.0.2.3", "192.0.2.20",
		"198.51.100.1" };
	static const char *const ipv6[] = { "2001:db8::3", "2001:db8::20" };
	struct resolver *resolver = validating();
	struct found_addresses found;

	lookup_addresses(resolver, "a" L, AF_INET, PLENTY, &found);
	expect_addresses(&found, AF_INET, ipv4, 3);
	ck_assert(found.found.is_secure);
	lookup_addresses(resolver, "a" L, AF_INET6, PLENTY, &found);
	expect_addresses(&found, AF_INET6, ipv6, 2);
	lookup_addresses(resolver, "host-alias" L, AF_INET6, PLENTY, &found);
	expect_addresses(&found, AF_INET6, ipv6, 2);
	ck_string("alias", found.found.alias, "a" L);
	lookup_addresses(resolver, "ns" L, AF_INET6, PLENTY, &found);
	ck_assert_int_eq((int)found.found.status, RESOLVER_NOT_FOUND);
	ck_assert(found.found.is_secure);
	lookup_addresses(resolver, "bad" L, AF_INET, PLENTY, &found);
	ck_assert_int_eq((int)found.found.status, RESOLVER_BOGUS);
	ck_assert_uint_eq(found.count, 0);
	ck_assert(!found.found.is_secure);
	lookup_addresses(resolver, "a16" L, AF_INET, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_ADDRESSES_MAX);
	ck_assert_uint_eq(found.found.dropped, 0);
	lookup_addresses(resolver, "a17" L, AF_INET, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_ADDRESSES_MAX);
	ck_assert_uint_eq(found.found.dropped, 1);
	lookup_addresses(resolver, "a16" L, AF_INET6, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_ADDRESSES_MAX);
	ck_assert_uint_eq(found.found.dropped, 0);
	lookup_addresses(resolver, "a17" L, AF_INET6, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_ADDRESSES_MAX);
	ck_assert_uint_eq(found.found.dropped, 1);
	resolver_free(&resolver);
}
END_TEST

static void
expect_tlsa(const struct found_tlsa *found, const char *const *want,
    size_t count, size_t dropped)
{
	ck_assert_int_eq((int)found->found.status, RESOLVER_FOUND);
	ck_assert_uint_eq(found->count, count);
	ck_assert_uint_eq(found->found.dropped, dropped);
	for (size_t i = 0; i < count; i++) {
		char text[256];

		tlsa_text(&found->tlsa[i], text, sizeof text);
		ck_string("TLSA", text, want[i]);
	}
}

START_TEST(tlsa_are_found)
{
	static const char *const several[] = { "2 0 2 bb" HEX_62 "ff",
		"3 1 1 02" HEX_30 "ff", "3 1 1 aa" HEX_30 "ff",
		"0 0 1 00" HEX_30 "00", "3 1 1 01" };
	static const char *const other[] = { "3 0 1 cc" HEX_30 "ff" };
	static const char *const empty[] = { "3 1 1" };
	static const char *const rest[] = { "3 1 1 aa" HEX_30 "ff" };
	struct resolver *resolver = validating();
	struct found_tlsa found;

	lookup_tlsa(resolver, "a" L, 25, PLENTY, &found);
	expect_tlsa(&found, several, 5, 0);
	ck_assert(found.found.is_secure);
	found_tlsa_clear(&found);
	found_tlsa_clear(&found);
	ck_assert_uint_eq(found.count, 0);
	lookup_tlsa(resolver, "a" L, 26, PLENTY, &found);
	expect_tlsa(&found, other, 1, 0);
	found_tlsa_clear(&found);
	lookup_tlsa(resolver, "tlsa-alias" L, 25, PLENTY, &found);
	expect_tlsa(&found, several, 5, 0);
	ck_string("alias", found.found.alias, "_25._tcp.a" L);
	found_tlsa_clear(&found);
	lookup_tlsa(resolver, "empty.plain.example", 25, PLENTY, &found);
	expect_tlsa(&found, empty, 1, 0);
	found_tlsa_clear(&found);
	lookup_tlsa(resolver, "short.plain.example", 25, PLENTY, &found);
	expect_tlsa(&found, rest, 1, 1);
	found_tlsa_clear(&found);
	lookup_tlsa(resolver, "a.plain.example", 25, PLENTY, &found);
	expect_tlsa(&found, several, 5, 0);
	ck_assert(!found.found.is_secure);
	found_tlsa_clear(&found);
	/* That there are none is proved, too. */
	lookup_tlsa(resolver, "b" L, 25, PLENTY, &found);
	ck_assert_int_eq((int)found.found.status, RESOLVER_NOT_FOUND);
	ck_assert(found.found.is_secure);
	found_tlsa_clear(&found);
	lookup_tlsa(resolver, NAME_253, 25, PLENTY, &found);
	ck_assert_int_eq((int)found.found.status, RESOLVER_NOT_FOUND);
	ck_assert(!found.found.is_secure);
	found_tlsa_clear(&found);
	resolver_free(&resolver);
}
END_TEST

/* So many, of which one may be used. */
static void
expect_many(
    struct resolver *resolver, const char *host, unsigned count, bool is_secure)
{
	struct found_tlsa found;
	char text[100];

	lookup_tlsa(resolver, host, 25, PLENTY, &found);
	ck_string(host, found_str(&found.found), "found");
	ck_assert(found.found.is_secure == is_secure);
	ck_assert_uint_eq(found.count, LOOKUP_TLSA_MAX);
	ck_assert_uint_eq(found.found.dropped, count - LOOKUP_TLSA_MAX);
	tlsa_text(&found.tlsa[0], text, sizeof text);
	ck_string(host, text, "2 1 1 dd" HEX_30 "ff");
	ck_assert_ptr_nonnull(tlsa_why_unusable(&found.tlsa[1]));
	found_tlsa_clear(&found);
}

START_TEST(of_too_many_tlsa_those_that_count_are_kept)
{
	struct resolver *resolver = validating();
	struct found_tlsa found;

	lookup_tlsa(resolver, "t64" L, 25, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_TLSA_MAX);
	ck_assert_uint_eq(found.found.dropped, 0);
	found_tlsa_clear(&found);
	lookup_tlsa(resolver, "t65" L, 25, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_TLSA_MAX);
	ck_assert_uint_eq(found.found.dropped, 1);
	found_tlsa_clear(&found);
	/* By TCP: 16 and 64 kB. */
	expect_many(resolver, "some" L, TLSA_SOME, true);
	expect_many(resolver, "many.plain.example", TLSA_MANY, false);
	/* What is signed is written out, each record with its whole name, and
	   libunbound takes for bogus what then exceeds its 64 kB. */
	lookup_tlsa(resolver, "more" L, 25, PLENTY, &found);
	ck_assert_int_eq((int)found.found.status, RESOLVER_BOGUS);
	ck_assert_uint_eq(found.count, 0);
	found_tlsa_clear(&found);
	resolver_free(&resolver);
}
END_TEST

static void
expect_txt(struct resolver *resolver, const char *name, const char *want,
    size_t len, size_t strings)
{
	struct found_txt found;

	lookup_txt(resolver, name, PLENTY, &found);
	ck_string(name, found_str(&found.found), "found");
	ck_assert_uint_eq(found.count, 1);
	ck_bytes(name, found.text[0], found.len[0], want, len);
	ck_assert_int_eq(found.text[0][len], '\0');
	ck_assert_uint_eq(found.strings[0], strings);
	ck_assert_uint_eq(found.found.dropped, 0);
	found_txt_clear(&found);
	found_txt_clear(&found);
}

START_TEST(txt_are_found)
{
	struct resolver *resolver = validating();
	char text[LOOKUP_TXT_LENGTH];
	struct found_txt found;

	memset(text, 'x', sizeof text);
	expect_txt(resolver, "txt" L, BYTES("v=x; y=1;"), 3);
	expect_txt(resolver, "txt-empty" L, BYTES(""), 1);
	expect_txt(resolver, "txt-nul" L, BYTES("a\0b\377"), 1);
	expect_txt(resolver, "txt4096" L, text, sizeof text, 17);
	lookup_txt(resolver, "txt4097" L, PLENTY, &found);
	ck_assert_int_eq((int)found.found.status, RESOLVER_FOUND);
	ck_assert_uint_eq(found.count, 0);
	ck_assert_uint_eq(found.found.dropped, 1);
	found_txt_clear(&found);
	lookup_txt(resolver, "txt-several" L, PLENTY, &found);
	ck_assert_uint_eq(found.count, 2);
	found_txt_clear(&found);
	lookup_txt(resolver, "txt16" L, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_TXT_MAX);
	ck_assert_uint_eq(found.found.dropped, 0);
	found_txt_clear(&found);
	lookup_txt(resolver, "txt17" L, PLENTY, &found);
	ck_assert_uint_eq(found.count, LOOKUP_TXT_MAX);
	ck_assert_uint_eq(found.found.dropped, 1);
	found_txt_clear(&found);
	lookup_txt(resolver, "alias-none" L, PLENTY, &found);
	ck_assert_int_eq((int)found.found.status, RESOLVER_NOT_FOUND);
	ck_string("alias", found.found.alias, "none" L);
	found_txt_clear(&found);
	resolver_free(&resolver);
}
END_TEST

START_TEST(each_waits_no_longer_than_it_should)
{
	struct resolver *resolver = validating();
	static struct found_mx mx;
	struct found_addresses addresses;
	struct found_tlsa tlsa;
	struct found_txt txt;
	long begin = resolving_now();

	lookup_mx(resolver, "x.never.example", 100, &mx);
	lookup_addresses(resolver, "x.never.example", AF_INET, 100, &addresses);
	lookup_tlsa(resolver, "x.never.example", 25, 100, &tlsa);
	lookup_txt(resolver, "x.never.example", 100, &txt);
	ck_assert_int_ge((int)(resolving_now() - begin), 396);
	ck_assert_int_le((int)(resolving_now() - begin), 400 + SLACK);
	ck_string("MX", found_str(&mx.found), "timed out");
	ck_string("A", found_str(&addresses.found), "timed out");
	ck_string("TLSA", found_str(&tlsa.found), "timed out");
	ck_string("TXT", found_str(&txt.found), "timed out");
	ck_assert(mx.count + addresses.count + tlsa.count + txt.count == 0);
	found_tlsa_clear(&tlsa);
	found_txt_clear(&txt);
	resolver_free(&resolver);
}
END_TEST

/* Without memory there is no answer, rather than half of one. */
START_TEST(memory_may_run_out)
{
	struct resolver *resolver = validating();
	unsigned n;

	for (n = 1;; n++) {
		struct found_txt found;
		bool is_struck;
		size_t count;

		inject_arm(INJECT_MEMORY, n);
		lookup_txt(resolver, "txt-several" L, PLENTY, &found);
		count = found.count;
		is_struck = inject_disarm();
		found_txt_clear(&found);
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(count, is_struck ? 0 : 2);
		ck_assert_int_eq((int)found.found.status,
		    is_struck ? RESOLVER_FAILED : RESOLVER_FOUND);
		if (!is_struck)
			break;
	}
	/* The question, and each record. */
	ck_assert_uint_ge(n, 4);
	resolver_free(&resolver);
}
END_TEST

START_TEST(statuses_are_words)
{
	static const char *const words[] = {
		[RESOLVER_FOUND] = "found",
		[RESOLVER_NOT_FOUND] = "NXDOMAIN or no such record",
		[RESOLVER_TIMEOUT] = "timed out",
		[RESOLVER_FAILED] = "SERVFAIL, or no server there",
		[RESOLVER_BOGUS] = "bogus: DNSSEC validation failed",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct found found = { .status = (enum resolver_status)i };

		ck_string("status", found_str(&found), words[i]);
	}
}
END_TEST

Suite *
lookup_suite(void)
{
	Suite *suite = suite_create("lookup");
	TCase *tc = tcase_create("lookup");

	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, mx_are_found, 0, (int)ARRAY_LEN(mx_rows));
	tcase_add_test(tc, the_longest_name_is_one);
	tcase_add_test(tc, of_too_many_mx_the_best_are_kept);
	tcase_add_test(tc, addresses_are_found);
	tcase_add_test(tc, tlsa_are_found);
	tcase_add_test(tc, of_too_many_tlsa_those_that_count_are_kept);
	tcase_add_test(tc, txt_are_found);
	tcase_add_test(tc, each_waits_no_longer_than_it_should);
	tcase_add_test(tc, memory_may_run_out);
	tcase_add_test(tc, statuses_are_words);
	suite_add_tcase(suite, tc);
	return suite;
}
