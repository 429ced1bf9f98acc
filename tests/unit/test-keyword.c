#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "inject.h"
#include "keyword.h"
#include "suites.h"
#include "unit.h"

static const struct keyword *
find(const char *name)
{
	const struct keyword *kw;

	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		if (strcmp(kw->name, name) == 0)
			return kw;
	}
	ck_abort_msg("%s: no such keyword", name);
	return NULL;
}

static size_t
size_of(const struct keyword *kw)
{
	switch (kw->type) {
	case TYPE_STRING:
		return sizeof(char *);
	case TYPE_LIST:
		return sizeof(struct conf_list);
	case TYPE_BOOL:
		return sizeof(bool);
	case TYPE_SIZE:
	case TYPE_TIME:
	case TYPE_COUNT:
	case TYPE_RATE:
		return sizeof(uint64_t);
	case TYPE_MODE:
		return sizeof(unsigned);
	case TYPE_CHOICE:
		break;
	}
	return sizeof(int);
}

static bool
is_number(const struct keyword *kw)
{
	return kw->type == TYPE_SIZE || kw->type == TYPE_TIME ||
	    kw->type == TYPE_COUNT || kw->type == TYPE_RATE ||
	    kw->type == TYPE_MODE;
}

/* The value of a keyword that is not a string or a list. */
static uint64_t
number_of(const struct keyword *kw, struct conf *conf)
{
	const void *at = keyword_place(kw, conf);

	switch (kw->type) {
	case TYPE_BOOL:
		return *(const bool *)at;
	case TYPE_MODE:
		return *(const unsigned *)at;
	case TYPE_CHOICE:
		return (uint64_t) * (const int *)at;
	default:
		return *(const uint64_t *)at;
	}
}

START_TEST(the_table_is_sound)
{
	const struct keyword *kw, *other;
	size_t n;

	for (n = 0; (kw = keyword_at(n)) != NULL; n++) {
		ck_assert_ptr_nonnull(kw->value);
		ck_assert_uint_le(
		    kw->offset + size_of(kw), sizeof(struct conf));
		ck_assert_int_eq(kw->choices != NULL, kw->type == TYPE_CHOICE);
		if (is_number(kw))
			ck_assert_uint_lt(kw->min, kw->max);
		/* Neither a name nor a place is used twice. */
		for (size_t i = 0; i < n; i++) {
			other = keyword_at(i);
			ck_assert_int_ne(strcasecmp(kw->name, other->name), 0);
			ck_assert(
			    kw->offset >= other->offset + size_of(other) ||
			    other->offset >= kw->offset + size_of(kw));
		}
	}
	ck_assert_uint_eq(n, 49);
	ck_assert_uint_le(n, KEYWORDS_MAX);
	ck_assert_ptr_null(keyword_at(n));
	ck_assert_ptr_null(keyword_at(SIZE_MAX));
}
END_TEST

/* What the manual says of a restart. */
START_TEST(what_needs_a_restart)
{
	static const char *const at_restart[] = { "Socket", "SocketMode",
		"SocketGroup", "User", "PidFile", "StateFile", "ResolveAfter",
		"SilentAfter", "Listen", "ListenMode", "ListenGroup" };
	const struct keyword *kw;
	size_t count = 0;

	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++)
		count += kw->is_at_restart;
	ck_assert_uint_eq(count, ARRAY_LEN(at_restart));
	for (size_t i = 0; i < ARRAY_LEN(at_restart); i++)
		ck_assert(find(at_restart[i])->is_at_restart);
}
END_TEST

START_TEST(each_default_is_a_value)
{
	struct conf *conf = conf_new();
	const struct keyword *kw;

	ck_assert_ptr_nonnull(conf);
	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		uint64_t number;

		if (kw->type == TYPE_STRING || kw->type == TYPE_LIST) {
			if (kw->value[0] != '\0')
				ck_string(kw->name,
				    keyword_set(kw, conf, kw->value), NULL);
			continue;
		}
		/* It is what conf_new() put there. */
		number = number_of(kw, conf);
		ck_string(kw->name, keyword_set(kw, conf, kw->value), NULL);
		ck_assert_uint_eq(number_of(kw, conf), number);
	}
	conf_unref(&conf);
}
END_TEST

static void
write_number(const struct keyword *kw, uint64_t number, char *out, size_t size)
{
	unsigned long long n = number;

	if (kw->type == TYPE_MODE)
		(void)snprintf(out, size, "%llo", n);
	else if (kw->type == TYPE_RATE)
		(void)snprintf(out, size, "%llu.%02llu%%", n / 100, n % 100);
	else
		(void)snprintf(out, size, "%llu", n);
}

/* The least and the greatest value, and those beside them. */
START_TEST(numbers_have_their_range)
{
	struct conf *conf = conf_new();
	const struct keyword *kw;

	ck_assert_ptr_nonnull(conf);
	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		char text[32];

		if (!is_number(kw))
			continue;
		write_number(kw, kw->min, text, sizeof text);
		ck_string(kw->name, keyword_set(kw, conf, text), NULL);
		ck_assert_uint_eq(number_of(kw, conf), kw->min);
		write_number(kw, kw->max, text, sizeof text);
		ck_string(kw->name, keyword_set(kw, conf, text), NULL);
		ck_assert_uint_eq(number_of(kw, conf), kw->max);
		write_number(kw, kw->max + 1, text, sizeof text);
		ck_string(
		    kw->name, keyword_set(kw, conf, text), "out of range");
		if (kw->min > 0) {
			write_number(kw, kw->min - 1, text, sizeof text);
			ck_string(kw->name, keyword_set(kw, conf, text),
			    "out of range");
		}
		ck_assert_uint_eq(number_of(kw, conf), kw->max);
	}
	conf_unref(&conf);
}
END_TEST

/* Each word of each choice, and what is next to one. */
START_TEST(choices_have_their_words)
{
	static const char wrong[] = "not one of its words";
	struct conf *conf = conf_new();
	const struct keyword *kw;
	size_t words = 0;

	ck_assert_ptr_nonnull(conf);
	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		const struct choice *c = kw->choices;

		for (; c != NULL && c->word != NULL; c++) {
			char text[32];
			size_t len = strlen(c->word);

			(void)snprintf(text, sizeof text, "%sx", c->word);
			ck_string(text, keyword_set(kw, conf, text), wrong);
			text[len] = '\0';
			text[0] = (char)(text[0] - 'a' + 'A');
			ck_string(text, keyword_set(kw, conf, text), NULL);
			ck_assert_uint_eq(
			    number_of(kw, conf), (uint64_t)c->value);
			text[len - 1] = '\0';
			ck_string(text, keyword_set(kw, conf, text), wrong);
			ck_assert_uint_eq(
			    number_of(kw, conf), (uint64_t)c->value);
			words++;
		}
	}
	ck_assert_uint_eq(words, 2 + 3 + 2 + 3 + 4 + 2 + 4 + 3 + 11);
	conf_unref(&conf);
}
END_TEST

#define NOT_SOCKET                                                             \
	"not unix:PATH, local:PATH, inet:PORT@HOST or inet6:PORT@HOST"
#define NOT_ABSOLUTE "the path of a socket must begin with \"/\""
#define NOT_HTTP_PATH                                                          \
	"not a path such as /v1/tlsrpt: letters, digits and \"._~-\""
#define NOT_TOKEN "a token has 16 to 128 letters, digits and \"._~-\""
#define NOT_PROXY "not ADDRESS, ADDRESS/BITS or unix"
#define NOT_PORT  "the port is not 1 to 65535"
#define NOT_MAILBOX                                                            \
	"not an address (tls-reports@example.com) or a domain "                \
	"(@reports.example.com)"
#define NOT_PLAIN "not a plain address such as postmaster@example.com"
#define D60       "d23456789.d23456789.d23456789.d23456789.d23456789.d23456789."
#define NOT_IDENT "an identity has up to 32 characters and none of \"[]:%\""
#define NOT_SIZE  "not a size such as 512K or 32M"
#define NOT_AUTHSERV                                                           \
	"not an authserv-id such as mx.example.com or mx.example.com/"
#define NOT_TIME "not a time such as 30s, 5m, 2h or 7d"
#define NOT_RATE                                                               \
	"not a percentage with at most two decimals, such as 1% or 0.25%"
#define NOT_MODE "not an octal mode such as 0660"

/* Strings: taken as they are, or refused. */
static const struct {
	const char *name;
	const char *value;
	const char *problem; /* NULL: taken */
} strings[] = {
	{ "Socket", "unix:/a", NULL },
	{ "Socket", "LOCAL:/a:b@c", NULL },
	{ "Socket", "unix:relative", NOT_ABSOLUTE },
	{ "Socket", "unix:", NOT_ABSOLUTE },
	{ "Socket", "/a", NOT_SOCKET },
	{ "Socket", "unix", NOT_SOCKET },
	{ "Socket", "inet4:1@h", NOT_SOCKET },
	{ "Socket", "inet:8891@localhost", NULL },
	{ "Socket", "Inet6:8891@::1", NULL },
	{ "Socket", "inet:8891", "not PORT@HOST" },
	{ "Socket", "inet:@host", "not PORT@HOST" },
	{ "Socket", "inet:8891@", "not PORT@HOST" },
	{ "Socket", "inet:", "not PORT@HOST" },
	{ "Socket", "inet:1@h", NULL },
	{ "Socket", "inet:65535@h", NULL },
	{ "Socket", "inet:0@h", NOT_PORT },
	{ "Socket", "inet:65536@h", NOT_PORT },
	{ "Socket", "inet:99999999999999999999@h", NOT_PORT },
	{ "Socket", "inet:x@h", NOT_PORT },
	{ "Socket", "inet:25x@h", NOT_PORT },
	{ "Socket", "inet:-1@h", NOT_PORT },
	{ "SocketGroup", "mail", NULL },
	{ "User", "x#y", NULL },
	{ "PidFile", "/run/x", NULL },
	{ "PidFile", "", NULL },
	{ "PidFile", "run/x", "a path must begin with \"/\"" },
	{ "ArchiveDirectory", "archive", "a path must begin with \"/\"" },
	{ "StateFile", "state.db", "a path must begin with \"/\"" },
	{ "Mailbox", "a@b", NULL },
	{ "Mailbox", "@b", NULL },
	{ "Mailbox", "\"a@b\"@c", NULL },
	{ "Mailbox", "nobody", NOT_MAILBOX },
	{ "Mailbox", "nobody@", NOT_MAILBOX },
	{ "Mailbox", "@", NOT_MAILBOX },
	{ "Mailbox", "<a@b>", "angle brackets are not part of the address" },
	{ "Mailbox", "a@b>", "angle brackets are not part of the address" },
	{ "Mailbox", "a@b.example.", NULL },
	{ "Mailbox", "a.b+c=d/e@b_1.x-y.example", NULL },
	{ "Mailbox", "\xc3\xbc@b\xc3\xbc.example", NULL },
	{ "Mailbox", "a@[192.0.2.1]", NULL },
	{ "Mailbox", "a@[IPv6:2001:db8::1]", NULL },
	{ "Mailbox", "a@@b", NOT_MAILBOX },
	{ "Mailbox", "a@b@c", NOT_MAILBOX },
	{ "Mailbox", "\"a@c", NOT_MAILBOX },
	{ "Mailbox", "mailto:a@b", NOT_MAILBOX },
	{ "Mailbox", "a@b,c@d", NOT_MAILBOX },
	{ "Mailbox", "a@b;", NOT_MAILBOX },
	{ "Mailbox", "a@b#c", NOT_MAILBOX },
	{ "Mailbox", "a@b..c", NOT_MAILBOX },
	{ "Mailbox", "a@.b", NOT_MAILBOX },
	{ "Mailbox", "@*.b", NOT_MAILBOX },
	{ "Mailbox", "a@[]", NOT_MAILBOX },
	{ "Mailbox", "a@b\xff", NOT_MAILBOX },
	{ "Domain", "b.example", NULL },
	{ "Domain", "b.example.", NULL },
	{ "Domain", "localhost", NULL },
	{ "Domain", "b\xc3\xbc.example", NULL },
	{ "Domain", "xn--b-xga.example", NULL },
	{ "Domain", ".", "not a domain name" },
	{ "Domain", ".b", "not a domain name" },
	{ "Domain", "a..b", "not a domain name" },
	{ "Domain", "a.b..", "not a domain name" },
	{ "Domain", "*.b.example", "not a domain name" },
	{ "Domain", "-a.b", "not a domain name" },
	{ "Domain", "a-.b", "not a domain name" },
	{ "Domain", "a,b", "not a domain name" },
	{ "Domain", "a#b", "not a domain name" },
	{ "Domain", "a\xff", "not a domain name" },
	{ "Domain", "a@b", "not a domain name" },
	{ "Domain", "https://x", "not a domain name" },
	{ "Domain", "x/y", "not a domain name" },
	{ "Domain", "x:25", "not a domain name" },
	{ "Domain", "a b", "not a domain name" },
	{ "AuthservID", "mx.b.example", NULL },
	{ "AuthservID", "mx.b.example/", NULL },
	{ "AuthservID", "/", NOT_AUTHSERV },
	{ "AuthservID", "mx.b.example/x", NOT_AUTHSERV },
	{ "AuthservID", "a@b", NOT_AUTHSERV },
	{ "AuthservID", "\"a\"", NOT_AUTHSERV },
	{ "Resolver", "127.0.0.1", NULL },
	{ "Resolver", "192.0.2.1@53", NULL },
	{ "Resolver", "::1@5353", NULL },
	{ "Resolver", "2001:db8::1", NULL },
	{ "Resolver", "localhost", "not an IP address" },
	{ "Resolver", "127.0.0.1:53", "not an IP address" },
	{ "Resolver", "@53", "not an IP address" },
	{ "Resolver", "127.0.0", "not an IP address" },
	{ "Resolver", "11111111111111111111111111111111111111111111111",
	    "not an IP address" },
	{ "Resolver", "127.0.0.1@", NOT_PORT },
	{ "Resolver", "127.0.0.1@0", NOT_PORT },
	{ "Resolver", "127.0.0.1@1", NULL },
	{ "Resolver", "127.0.0.1@65535", NULL },
	{ "Resolver", "127.0.0.1@65536", NOT_PORT },
	{ "Resolver", "127.0.0.1@100000", NOT_PORT },
	{ "Resolver", "127.0.0.1@5x", NOT_PORT },
	{ "Resolver", "127.0.0.1@+5", NOT_PORT },
	{ "TrustAnchorFile", "/usr/share/dns/root.key", NULL },
	{ "TrustAnchorFile", "root.key", "a path must begin with \"/\"" },
	{ "AlertCommand", "/usr/local/bin/notify", NULL },
	{ "AlertCommand", "notify", "a path must begin with \"/\"" },
	{ "AlertMail", "postmaster@example.com", NULL },
	{ "AlertMail", "a.b+c_d=e@mx-1.example.com", NULL },
	{ "AlertMail", "a@b", NULL },
	{ "AlertMail", "root", NOT_PLAIN },
	{ "AlertMail", "@example.com", NOT_PLAIN },
	{ "AlertMail", "a@", NOT_PLAIN },
	{ "AlertMail", "-f@example.com", NOT_PLAIN },
	{ "AlertMail", "<a@example.com>", NOT_PLAIN },
	{ "AlertMail", "\"a\"@example.com", NOT_PLAIN },
	{ "AlertMail", "a@b,c@d", NOT_PLAIN },
	{ "AlertMail", "a@b@c", NOT_PLAIN },
	{ "AlertMail", "a(x)@b", NOT_PLAIN },
	{ "AlertMail", "a\n@b", NOT_PLAIN },
	{ "AlertMail", "a@b\nBcc:", NOT_PLAIN },
	{ "AlertMail", "\xc3\xa9@example.com", NOT_PLAIN },
	/* 254 bytes, and 255. */
	{ "AlertMail", "a@" D60 D60 D60 D60 "123456789012", NULL },
	{ "AlertMail", "a@" D60 D60 D60 D60 "1234567890123", NOT_PLAIN },
	{ "Path", "/", NOT_HTTP_PATH },
	{ "Path", "/x", NULL },
	{ "Path", "/a/b.c_d~e-f", NULL },
	{ "Path", "/x/", NOT_HTTP_PATH },
	{ "Path", "//x", NOT_HTTP_PATH },
	{ "Path", "x", NOT_HTTP_PATH },
	{ "Path", "/%78", NOT_HTTP_PATH },
	{ "Path", "/x?y", NOT_HTTP_PATH },
	{ "PathSecret", "a.example 0123456789abcdef", NULL },
	{ "PathSecret", "a.example 0123456789abcde", NOT_TOKEN },
	{ "PathSecret", "a.example 0123456789abcde/", NOT_TOKEN },
	{ "PathSecret", "0123456789abcdef", "not a domain and a token" },
	{ "PathSecret", " 0123456789abcdef", "not a domain and a token" },
	{ "TrustedProxy", "unix", NULL },
	{ "TrustedProxy", "2001:db8::/32", NULL },
	{ "TrustedProxy", "localhost", NOT_PROXY },
	{ "SyslogIdent", "x", NULL },
	{ "SyslogIdent", "12345678901234567890123456789012", NULL },
	{ "SyslogIdent", "123456789012345678901234567890123", NOT_IDENT },
	{ "SyslogIdent", "a[", NOT_IDENT },
	{ "SyslogIdent", "a]", NOT_IDENT },
	{ "SyslogIdent", "a:", NOT_IDENT },
	{ "SyslogIdent", "%m", NOT_IDENT },
};

START_TEST(strings_are_judged)
{
	const struct keyword *kw = find(strings[_i].name);
	struct conf *conf = conf_new();
	char *const *at;
	const char *before = NULL;

	ck_assert_ptr_nonnull(conf);
	at = keyword_place(kw, conf);
	if (kw->type == TYPE_STRING)
		before = *at;
	ck_string(strings[_i].value, keyword_set(kw, conf, strings[_i].value),
	    strings[_i].problem);
	if (kw->type == TYPE_LIST) {
		const struct conf_list *list = keyword_place(kw, conf);

		ck_assert_uint_eq(list->count, strings[_i].problem == NULL);
		if (list->count == 1)
			ck_string(kw->name, list->item[0], strings[_i].value);
	} else if (strings[_i].problem == NULL) {
		ck_string(kw->name, *at, strings[_i].value);
	} else {
		ck_assert_ptr_eq(*at, before);
	}
	conf_unref(&conf);
}
END_TEST

/* Everything else becomes a number, or leaves the default. */
static const struct {
	const char *name;
	const char *value;
	const char *problem;
	uint64_t number;
} numbers[] = {
	{ "ArchiveMessage", "yes", NULL, true },
	{ "ArchiveMessage", "True", NULL, true },
	{ "ArchiveMessage", "1", NULL, true },
	{ "ArchiveMessage", "NO", NULL, false },
	{ "ArchiveMessage", "false", NULL, false },
	{ "ArchiveMessage", "0", NULL, false },
	{ "ArchiveMessage", "maybe", "not yes or no", 0 },
	{ "ArchiveMessage", "2", "not yes or no", 0 },
	{ "ArchiveMessage", "", "not yes or no", 0 },
	{ "OnReport", "reject", "not one of its words", 0 },
	{ "OnReport", "quarantine", "not one of its words", 0 },
	{ "OnReport", "tempfail", "not one of its words", 0 },
	{ "OnMalformed", "discard", "not one of its words", 0 },
	{ "OnMalformed", "quarantine", NULL, ACTION_QUARANTINE },
	{ "OnFailure", "discard", "not one of its words", 0 },
	{ "OnFailure", "reject", "not one of its words", 0 },
	{ "OnFailure", "tempfail", NULL, ACTION_TEMPFAIL },
	{ "LogTarget", "file", "not one of its words", 0 },
	{ "LogFormat", "xml", "not one of its words", 0 },
	{ "LogFormat", "", "not one of its words", 0 },
	{ "SyslogFacility", "kern", "not one of its words", 0 },
	{ "SyslogFacility", "LOCAL7", NULL, LOG_LOCAL7 },
	{ "SocketMode", "0777", NULL, 0777 },
	{ "SocketMode", "0", NULL, 0 },
	{ "SocketMode", "600", NULL, 0600 },
	{ "SocketMode", "1000", "out of range", 0 },
	{ "SocketMode", "0o660", NOT_MODE, 0 },
	{ "SocketMode", "0x1ff", NOT_MODE, 0 },
	{ "SocketMode", "668", NOT_MODE, 0 },
	{ "SocketMode", "8", NOT_MODE, 0 },
	{ "SocketMode", "rw", NOT_MODE, 0 },
	{ "SocketMode", "-1", NOT_MODE, 0 },
	{ "SocketMode", "", NOT_MODE, 0 },
	{ "SocketMode", "7777777777777777777777777", NOT_MODE, 0 },
	{ "MaxMessageSize", "1023", "out of range", 0 },
	{ "MaxMessageSize", "1024", NULL, 1 << 10 },
	{ "MaxMessageSize", "1K", NULL, 1 << 10 },
	{ "MaxMessageSize", "3m", NULL, 3 << 20 },
	{ "MaxMessageSize", "2g", NULL, UINT64_C(2) << 30 },
	{ "MaxMessageSize", "2147483648", NULL, UINT64_C(2) << 30 },
	{ "MaxMessageSize", "2147483649", "out of range", 0 },
	{ "MaxMessageSize", "3G", "out of range", 0 },
	{ "MaxReportSize", "1G", NULL, 1 << 30 },
	{ "MaxReportSize", "1073741825", "out of range", 0 },
	{ "MaxReportSize", "0", "out of range", 0 },
	{ "MaxReportSize", "-1", NOT_SIZE, 0 },
	{ "MaxReportSize", "1T", NOT_SIZE, 0 },
	{ "MaxReportSize", "1KB", NOT_SIZE, 0 },
	{ "MaxReportSize", "1.5M", NOT_SIZE, 0 },
	{ "MaxReportSize", "1 M", NOT_SIZE, 0 },
	{ "MaxReportSize", "M", NOT_SIZE, 0 },
	{ "MaxReportSize", "", NOT_SIZE, 0 },
	/* 2^64 and more: of the digits, and of digits and unit. */
	{ "MaxReportSize", "18446744073709551615", "out of range", 0 },
	{ "MaxReportSize", "18446744073709551616", NOT_SIZE, 0 },
	{ "MaxReportSize", "17179869183G", "out of range", 0 },
	{ "MaxReportSize", "17179869184G", "out of range", 0 },
	{ "MaxReportSize", "17179869185G", "out of range", 0 },
	{ "DNSTimeout", "1", NULL, 1 },
	{ "DNSTimeout", "10s", NULL, 10 },
	{ "DNSTimeout", "1M", NULL, 60 },
	{ "DNSTimeout", "0s", "out of range", 0 },
	{ "DNSTimeout", "61s", "out of range", 0 },
	{ "DNSTimeout", "1h", "out of range", 0 },
	{ "DNSTimeout", "1d", "out of range", 0 },
	{ "DNSTimeout", "18446744073709551615d", "out of range", 0 },
	{ "DNSTimeout", "1ms", NOT_TIME, 0 },
	{ "DNSTimeout", "1w", NOT_TIME, 0 },
	{ "DNSTimeout", "s", NOT_TIME, 0 },
	{ "DNSTimeout", "-1s", NOT_TIME, 0 },
	{ "DNSTimeout", "", NOT_TIME, 0 },
	{ "ResolveAfter", "1h", NULL, 3600 },
	{ "ResolveAfter", "3599", "out of range", 0 },
	{ "ResolveAfter", "72H", NULL, 72 * 3600 },
	{ "ResolveAfter", "31d", "out of range", 0 },
	{ "SilentAfter", "30d", NULL, 30 * 86400 },
	{ "SilentAfter", "0", "out of range", 0 },
	{ "AlertRate", "0", NULL, 0 },
	{ "AlertRate", "100000", NULL, 100000 },
	{ "AlertRate", "100001", "out of range", 0 },
	{ "DKIM", "on", "not one of its words", 0 },
	{ "OnUnverified", "tempfail", "not one of its words", 0 },
	{ "OnDNSFailure", "reject", "not one of its words", 0 },
	{ "MaxFailureLines", "0", NULL, 0 },
	{ "MaxFailureLines", "007", NULL, 7 },
	{ "MaxFailureLines", "1000000", NULL, 1000000 },
	{ "MaxFailureLines", "1000001", "out of range", 0 },
	{ "MaxFailureLines", "1K", "not a number", 0 },
	{ "MaxFailureLines", "+1", "not a number", 0 },
	{ "MaxFailureLines", " 1", "not a number", 0 },
	{ "MaxFailureLines", "", "not a number", 0 },
	{ "MinSessions", "18446744073709551616", "not a number", 0 },
	{ "NoticeRate", "0", NULL, 0 },
	{ "NoticeRate", "0.25%", NULL, 25 },
	{ "NoticeRate", "0.01", NULL, 1 },
	{ "NoticeRate", "0.5%", NULL, 50 },
	{ "WarningRate", "100%", NULL, 10000 },
	{ "WarningRate", "100.00", NULL, 10000 },
	{ "WarningRate", "100.01%", "out of range", 0 },
	{ "WarningRate", "101%", "out of range", 0 },
	{ "WarningRate", "5.123%", NOT_RATE, 0 },
	{ "WarningRate", "5.000%", NOT_RATE, 0 },
	{ "WarningRate", "5.%", NOT_RATE, 0 },
	{ "WarningRate", "5.-1%", NOT_RATE, 0 },
	{ "WarningRate", ".5%", NOT_RATE, 0 },
	{ "WarningRate", "5,5%", NOT_RATE, 0 },
	{ "WarningRate", "5%%", NOT_RATE, 0 },
	{ "WarningRate", "5 %", NOT_RATE, 0 },
	{ "WarningRate", "-5%", NOT_RATE, 0 },
	{ "WarningRate", "%", NOT_RATE, 0 },
	{ "WarningRate", "", NOT_RATE, 0 },
	{ "WarningRate", "99999999999999999999%", NOT_RATE, 0 },
	{ "WarningRate", "184467440737095517%", NOT_RATE, 0 },
};

START_TEST(numbers_are_judged)
{
	const struct keyword *kw = find(numbers[_i].name);
	struct conf *conf = conf_new();
	uint64_t want;

	ck_assert_ptr_nonnull(conf);
	want = numbers[_i].problem != NULL ? number_of(kw, conf)
					   : numbers[_i].number;
	ck_string(numbers[_i].value, keyword_set(kw, conf, numbers[_i].value),
	    numbers[_i].problem);
	ck_assert_uint_eq(number_of(kw, conf), want);
	conf_unref(&conf);
}
END_TEST

/* A socket path of 107 bytes fits into a sockaddr_un. */
START_TEST(socket_paths_have_their_limit)
{
	static const char *const kinds[] = { "unix:/", "local:/" };
	struct conf *conf = conf_new();

	ck_assert_ptr_nonnull(conf);
	for (size_t len = 107; len <= 108; len++) {
		struct buf value;

		buf_init(&value, 1000);
		(void)buf_adds(&value, kinds[_i]);
		unit_repeat(&value, "x", len - 1);
		ck_string("path", keyword_set(find("Socket"), conf, value.data),
		    len > 107 ? "the path of the socket is too long" : NULL);
		buf_free(&value);
	}
	conf_unref(&conf);
}
END_TEST

START_TEST(lists_have_their_limit)
{
	const struct keyword *kw = find("Domain");
	struct conf *conf = conf_new();
	char name[32];

	ck_assert_ptr_nonnull(conf);
	for (size_t i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof name, "d%zu", i);
		if (keyword_set(kw, conf, name) != NULL)
			ck_abort_msg("%s: not taken", name);
	}
	ck_string("list", keyword_set(kw, conf, "x"), "too many values");
	ck_assert_uint_eq(conf->domain.count, 10000);
	ck_assert_str_eq(conf->domain.item[0], "d0");
	ck_assert_str_eq(conf->domain.item[9999], "d9999");
	ck_assert_uint_eq(conf->mailbox.count, 0);
	conf_unref(&conf);
}
END_TEST

/* Without memory the value before stays. */
START_TEST(every_call_may_fail)
{
	static const char *const names[] = { "User", "Mailbox" };
	static const unsigned calls[] = { 1, 2 };
	const struct keyword *kw = find(names[_i]);
	unsigned n;

	for (n = 1;; n++) {
		struct conf *conf = conf_new();
		const char *problem;

		ck_assert_ptr_nonnull(conf);
		ck_string("before", keyword_set(kw, conf, "a@b"), NULL);
		inject_arm(INJECT_MEMORY, n);
		problem = keyword_set(kw, conf, "c@d");
		if (!inject_disarm()) {
			ck_string("all", problem, NULL);
			conf_unref(&conf);
			break;
		}
		ck_string("one", problem, "out of memory");
		if (kw->type == TYPE_LIST) {
			ck_assert_uint_eq(conf->mailbox.count, 1);
			ck_string("list", conf->mailbox.item[0], "a@b");
		} else {
			ck_string("string", conf->user, "a@b");
		}
		conf_unref(&conf);
	}
	ck_assert_uint_eq(n, calls[_i] + 1);
}
END_TEST

Suite *
keyword_suite(void)
{
	Suite *suite = suite_create("keyword");
	TCase *tc = tcase_create("keyword");

	/* Ten thousand reallocations take a sanitizer seconds. */
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_table_is_sound);
	tcase_add_test(tc, what_needs_a_restart);
	tcase_add_test(tc, each_default_is_a_value);
	tcase_add_test(tc, numbers_have_their_range);
	tcase_add_test(tc, choices_have_their_words);
	tcase_add_loop_test(tc, strings_are_judged, 0, (int)ARRAY_LEN(strings));
	tcase_add_loop_test(tc, numbers_are_judged, 0, (int)ARRAY_LEN(numbers));
	tcase_add_loop_test(tc, socket_paths_have_their_limit, 0, 2);
	tcase_add_test(tc, lists_have_their_limit);
	tcase_add_loop_test(tc, every_call_may_fail, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
