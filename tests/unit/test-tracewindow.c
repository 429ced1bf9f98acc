#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inject.h"
#include "rfc3339.h"
#include "suites.h"
#include "tracewindow.h"
#include "traceverdict.h"
#include "unit.h"

enum {
	HOURS = 6000,
	YEARS_MAX = 250 /* that are tried for each of them */
};

static struct trace *trace;

static int64_t
at(const char *text)
{
	int64_t time;

	ck_assert_int_eq(rfc3339_parse(text, &time), RFC3339_OK);
	return time;
}

static void
set_zone(const char *zone)
{
	ck_assert_int_eq(setenv("TZ", zone, 1), 0);
	tzset();
}

static void
setup(void)
{
	set_zone("UTC");
	trace = trace_new(20);
	ck_assert_ptr_nonnull(trace);
}

static void
teardown(void)
{
	trace_free(&trace);
	ck_assert_ptr_null(trace);
}

static size_t
add(const char *start, const char *end, const char *address)
{
	struct logtime_span span = { at(start), at(end) };
	struct address_ip ip;
	size_t number;

	if (address != NULL)
		ck_assert(address_read_ip(address, strlen(address), &ip));
	ck_status("add",
	    trace_add(trace, &span, address != NULL ? &ip : NULL, &number),
	    ST_OK);
	return number;
}

static size_t
add_day(const char *address)
{
	return add("2026-02-12T00:00:00Z", "2026-02-12T23:59:59Z", address);
}

/* Lines behind one another, each with "\n". */
static void
feed(const char *lines)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		trace_line(trace, lines, len);
		lines += len + (lines[len] != '\0');
	}
}

#define S12 "Feb 12 10:00:00 mx postfix/smtpd[12]: "
#define S13 "Feb 12 10:00:00 mx postfix/smtpd[13]: "
#define N12 "Feb 12 10:00:00 mx2 postfix/smtpd[12]: "
#define ALERT                                                                  \
	"warning: TLS library problem: error:0A000418:SSL routines::tlsv1 "    \
	"alert unknown ca:../ssl/record/rec_layer_s3.c:1602:SSL alert number " \
	"48:\n"
#define CIPHER                                                                 \
	"warning: TLS library problem: error:0A0000C1:SSL routines::no "       \
	"shared cipher:../ssl/statem/statem_srvr.c:2220:\n"

/* Two sessions at once, and the same process id on another host. */
START_TEST(lines_without_address_are_of_their_session)
{
	size_t one, two, three;

	one = add_day("192.0.2.1");
	two = add_day("192.0.2.2");
	three = add_day("192.0.2.3");
	ck_status("prepare", trace_prepare(trace), ST_OK);
	feed(S12 CIPHER S12
	    "connect from a[192.0.2.1]\n" S13 "connect from b[192.0.2.2]\n" N12
	    "connect from c[192.0.2.3]\n" S12
	    "SSL_accept error from a[192.0.2.1]: -1\n" S12 ALERT S13 CIPHER S12
	    "lost connection after STARTTLS from a[192.0.2.1]\n" S12
	    "disconnect from a[192.0.2.1] ehlo=1 starttls=0/1 commands=1/2\n"
	    /* It is over: of nobody. */
	    S12 CIPHER S12 "connect from d[192.0.2.9]\n" S12 CIPHER);
	ck_assert_uint_eq(trace_get(trace, one)->kinds[MAILLOG_LIBRARY], 1);
	ck_assert_uint_eq(trace_get(trace, one)->alerts, 1);
	ck_assert_uint_eq(trace_get(trace, one)->failed, 1);
	ck_assert_uint_eq(trace_get(trace, one)->refused, 0);
	ck_assert_uint_eq(trace_total(trace_get(trace, one)), 5);
	ck_string("reason", trace_get(trace, one)->reason[0].text,
	    "tlsv1 alert unknown ca");
	ck_assert_uint_eq(trace_get(trace, two)->kinds[MAILLOG_LIBRARY], 1);
	ck_assert_uint_eq(trace_get(trace, two)->alerts, 0);
	ck_assert_uint_eq(trace_get(trace, three)->kinds[MAILLOG_LIBRARY], 0);
	ck_assert_uint_eq(trace_get(trace, one)->log->lines, 12);
	ck_assert_uint_eq(trace_get(trace, one)->log->hosts, 2);
}
END_TEST

/* Both ends belong to it; what is a second off does not. */
START_TEST(windows_have_ends)
{
	size_t one = add(
	    "2026-02-12T10:00:00Z", "2026-02-12T11:00:00Z", "::ffff:192.0.2.1");

	ck_status("prepare", trace_prepare(trace), ST_OK);
	feed("Feb 12 09:59:59 mx postfix/smtpd[1]: connect from a[192.0.2.1]\n"
	     "Feb 12 10:00:00 mx postfix/smtpd[1]: connect from a[192.0.2.1]\n"
	     "2026-02-12T11:00:00.9+00:00 mx postfix/smtpd[1]: connect from "
	     "a[192.0.2.1]\n"
	     "2026-02-12T12:00:01+01:00 mx postfix/smtpd[1]: connect from "
	     "a[192.0.2.1]\n"
	     "not a line\n");
	ck_assert_uint_eq(trace_get(trace, one)->kinds[MAILLOG_CONNECT], 2);
	ck_assert_uint_eq(trace_seen(trace)->lines, 5);
	ck_assert_uint_eq(trace_seen(trace)->known, 4);
	ck_assert_int_eq(trace_seen(trace)->first, at("2026-02-12T09:59:59Z"));
	ck_assert_int_eq(trace_seen(trace)->last, at("2026-02-12T11:00:01Z"));
}
END_TEST

START_TEST(the_same_window_is_one)
{
	size_t one = add_day("2001:db8::1");

	ck_assert_uint_eq(add_day("2001:DB8:0::0:1"), one);
	ck_assert_uint_ne(add_day("2001:db8::2"), one);
	ck_assert_uint_ne(add_day(NULL), one);
	ck_assert_uint_ne(
	    add("2026-02-12T00:00:00Z", "2026-02-13T00:00:00Z", "2001:db8::1"),
	    one);
}
END_TEST

START_TEST(windows_are_bounded)
{
	struct logtime_span span = { 1, 2 };
	struct address_ip ip = { { 0 } };
	size_t number;

	for (unsigned i = 0; i < TRACE_WINDOWS_MAX; i++) {
		memcpy(ip.bytes, &i, sizeof i);
		ck_status("add", trace_add(trace, &span, &ip, &number), ST_OK);
		ck_expect(number == i, "%zu", number);
	}
	ck_status("known", trace_add(trace, &span, &ip, &number), ST_OK);
	ck_status("more", trace_add(trace, &span, NULL, &number), ST_TOO_LARGE);
}
END_TEST

/* Reports of any year: not each of them is tried for each hour of the log. */
START_TEST(windows_of_all_times)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep" };
	size_t now = add_day("192.0.2.1");
	size_t before;
	char line[128];

	(void)add("1970-01-02T00:00:00Z", "1970-01-02T23:59:59Z", "192.0.2.1");
	(void)add("9998-01-02T00:00:00Z", "9998-01-02T23:59:59Z", "192.0.2.1");
	ck_status("prepare", trace_prepare(trace), ST_OK);
	trace_file(trace, _i == 0 ? INT64_MAX : at("2026-10-01T00:00:00Z"));
	before = inject_mktimes();
	for (unsigned i = 0; i < HOURS; i++) {
		(void)snprintf(line, sizeof line,
		    "%s %2u %02u:00:00 mx postfix/smtpd[1]: "
		    "connect from a[192.0.2.1]",
		    months[i / 672], i / 24 % 28 + 1, i % 24);
		trace_line(trace, line, strlen(line));
	}
	ck_assert_uint_eq(trace_get(trace, now)->kinds[MAILLOG_CONNECT], 24);
	ck_assert_uint_gt(inject_mktimes(), before);
	ck_assert_uint_le(inject_mktimes() - before, HOURS * YEARS_MAX);
}
END_TEST

/* Without an address: whatever went wrong, and with anybody. */
START_TEST(a_window_of_all)
{
	const struct trace_window *window;
	size_t all = add_day(NULL);

	ck_status("prepare", trace_prepare(trace), ST_OK);
	feed(S12 "connect from a[192.0.2.1]\n" S12
		 "SSL_accept error from a[192.0.2.1]: -1\n" S12 CIPHER S13
		 "connect from b[2001:db8::1]\n" S13
		 "SSL_accept error from b[2001:db8::1]: lost connection\n");
	window = trace_get(trace, all);
	ck_assert_uint_eq(window->failed, 2);
	ck_assert_uint_eq(window->broken_off, 1);
	ck_assert_uint_eq(window->kinds[MAILLOG_CONNECT], 2);
	/* Lines of sessions that went well are the whole log. */
	ck_assert_uint_eq(trace_total(window), 3);
	ck_assert_int_eq(trace_judge(window), TRACE_FAILED);
}
END_TEST

static void
join(void *ctx, const char *line)
{
	const char *text = strstr(line, "]: ");

	(void)buf_add(ctx, text + 3, 1);
}

/* What tells why comes before the rest, and all in their order. */
START_TEST(lines_that_are_shown)
{
	static const struct {
		size_t max;
		const char *want;
	} rows[] = { { 0, "" }, { 1, "S" }, { 2, "Sl" }, { 3, "cSl" },
		{ 4, "cSld" }, { 20, "cSldc" } };
	size_t one = add_day("192.0.2.1");

	ck_status("prepare", trace_prepare(trace), ST_OK);
	feed(S12 "connect from a[192.0.2.1]\n" S12
		 "SSL_accept error from a[192.0.2.1]: -1\n" S12
		 "lost connection after STARTTLS from a[192.0.2.1]\n" S12
		 "disconnect from a[192.0.2.1] ehlo=1 starttls=0/1 "
		 "commands=1/2\n" S12 "connect from a[192.0.2.1]\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf text;

		buf_init(&text, 100);
		trace_show(trace_get(trace, one), rows[i].max, join, &text);
		ck_bytes("shown", text.data, text.len, rows[i].want,
		    strlen(rows[i].want));
		buf_free(&text);
	}
}
END_TEST

START_TEST(kept_lines_are_bounded)
{
	size_t one = add_day("192.0.2.1"), count = 0;
	char line[MAILLOG_LINE_MAX];
	struct buf text;

	ck_status("prepare", trace_prepare(trace), ST_OK);
	memset(line, 'x', sizeof line);
	memcpy(line, S12 "connect from a[192.0.2.1]",
	    strlen(S12 "connect from a[192.0.2.1]"));
	for (int i = 0; i < 50; i++)
		trace_line(trace, line, sizeof line);
	buf_init(&text, 1 << 20);
	trace_show(trace_get(trace, one), 1000, join, &text);
	count = text.len;
	buf_free(&text);
	ck_assert_uint_eq(count, 20);
	ck_assert_uint_eq(trace_total(trace_get(trace, one)), 50);
}
END_TEST

/*
 * Years and zones.
 */

static const struct {
	const char *zone;
	const char *start, *end; /* of the window */
	const char *written;     /* the file, or NULL */
	const char *time;        /* in the log */
	bool is_within;
} years[] = {
	{ "UTC", "2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z", NULL,
	    "Dec 31 23:59:59", true },
	{ "UTC", "2025-12-31T12:00:00Z", "2026-01-01T12:00:00Z", NULL,
	    "Jan  1 00:00:01", true },
	{ "UTC", "2026-01-01T00:00:00Z", "2026-01-01T23:59:59Z", NULL,
	    "Dec 31 23:59:59", false },
	/* It is New Year here already, and elsewhere still. */
	{ "NZST-12NZDT,M9.5.0,M4.1.0/3", "2025-12-31T00:00:00Z",
	    "2025-12-31T23:59:59Z", NULL, "Jan  1 10:00:00", true },
	{ "PST8PDT,M3.2.0,M11.1.0", "2026-01-01T00:00:00Z",
	    "2026-01-01T23:59:59Z", NULL, "Dec 31 20:00:00", true },
	{ "PST8PDT,M3.2.0,M11.1.0", "2026-01-01T00:00:00Z",
	    "2026-01-01T23:59:59Z", NULL, "Dec 31 10:00:00", false },
	/* Summer and winter. */
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-01T10:00:00Z",
	    "2026-07-01T10:59:59Z", NULL, "Jul  1 12:30:00", true },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-02-01T10:00:00Z",
	    "2026-02-01T10:59:59Z", NULL, "Feb  1 11:30:00", true },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-02-01T10:00:00Z",
	    "2026-02-01T10:59:59Z", NULL, "Feb  1 10:30:00", false },
	/* A day that not every year has. */
	{ "UTC", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59Z", NULL,
	    "Feb 29 10:00:00", true },
	{ "UTC", "2024-03-01T00:00:00Z", "2024-03-01T23:59:59Z", NULL,
	    "Feb 29 10:00:00", false },
	{ "UTC", "2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z", NULL,
	    "Feb 29 10:00:00", false },
	/* The file was written before that. */
	{ "UTC", "2026-02-12T00:00:00Z", "2026-02-12T23:59:59Z",
	    "2025-12-31T00:00:00Z", "Feb 12 10:00:00", false },
	{ "UTC", "2026-02-12T00:00:00Z", "2026-02-12T23:59:59Z",
	    "2026-02-12T12:00:00Z", "Feb 12 10:00:00", true },
};

START_TEST(the_year_follows_from_the_window)
{
	char line[200];
	size_t one;

	set_zone(years[_i].zone);
	one = add(years[_i].start, years[_i].end, "192.0.2.1");
	ck_status("prepare", trace_prepare(trace), ST_OK);
	trace_file(trace,
	    years[_i].written != NULL ? at(years[_i].written) : INT64_MAX);
	(void)snprintf(line, sizeof line,
	    "%s mx postfix/smtpd[1]: connect from a[192.0.2.1]\n",
	    years[_i].time);
	feed(line);
	ck_assert_msg(trace_get(trace, one)->kinds[MAILLOG_CONNECT] ==
		years[_i].is_within,
	    "%d: %s", _i, years[_i].time);
}
END_TEST

/*
 * The verdict.
 */

#define CONNECT S12 "connect from a[192.0.2.1]\n"
#define FAIL    S12 "SSL_accept error from a[192.0.2.1]: -1\n"
#define TLS                                                                    \
	S12 "Anonymous TLS connection established from a[192.0.2.1]: "         \
	    "TLSv1.3\n"
#define END(commands) S12 "disconnect from a[192.0.2.1] " commands "\n"

static const struct {
	const char *lines;
	enum trace_verdict verdict;
	const char *words; /* that must be in it */
} verdicts[] = {
	{ "", TRACE_NO_LOG, "no line of smtpd" },
	{ "Feb 11 10:00:00 mx postfix/smtpd[1]: connect from a[192.0.2.1]\n",
	    TRACE_NO_LOG, "" },
	{ S13 "connect from b[192.0.2.2]\n", TRACE_NO_CONNECT,
	    "no connect at all from 192.0.2.1, among 1 line of that time: the "
	    "sender never reached this server" },
	{ CONNECT FAIL S12 CIPHER CONNECT FAIL, TRACE_FAILED,
	    "our log shows 2 connects from 192.0.2.1 in that time, 2 TLS "
	    "handshakes failed: it was us: \"no shared cipher\", which means: "
	    "the two have no cipher in common" },
	{ CONNECT FAIL, TRACE_FAILED, "smtpd_tls_loglevel" },
	{ CONNECT FAIL S12 ALERT, TRACE_REJECTED,
	    "with the alert \"tlsv1 alert unknown ca\", which means: it does "
	    "not know who issued" },
	/* Of three one: mostly it was not the sender. */
	{ CONNECT FAIL S12 ALERT CONNECT FAIL S12 CIPHER CONNECT FAIL S12
		CIPHER,
	    TRACE_FAILED, "no shared cipher" },
	{ CONNECT FAIL S12 CIPHER CONNECT TLS, TRACE_FAILED,
	    "1 TLS handshake failed and 1 TLS session came about" },
	{ CONNECT S12 "SSL_accept error from a[192.0.2.1]: lost connection\n",
	    TRACE_BROKEN_OFF, "gave up" },
	{ S12
	    "warning: No server certs available. TLS won't be enabled\n" CONNECT
		END("ehlo=1 starttls=0/1 quit=1 commands=2/3"),
	    TRACE_REFUSED, "could not load its certificate or key" },
	{ CONNECT S12 "warning: Connection rate limit exceeded: 9 from "
		      "a[192.0.2.1] for service smtp\n",
	    TRACE_LIMITED, "limit of ours" },
	{ CONNECT TLS END("ehlo=2 starttls=1 mail=1 rcpt=1 commands=5"),
	    TRACE_FINE,
	    "our log shows 1 connect from 192.0.2.1 in that time, and TLS was "
	    "fine: 1 session established: what failed" },
	{ CONNECT TLS END("ehlo=1 starttls=1 quit=1 commands=3"), TRACE_FINE,
	    "1 session established, 1 of them without a mail" },
	/* With smtpd_tls_loglevel = 0. */
	{ CONNECT END("ehlo=2 starttls=1 mail=1 rcpt=1 commands=5")
		CONNECT END("ehlo=2 starttls=1 mail=1 rcpt=1 commands=5"),
	    TRACE_FINE, "2 sessions established" },
	{ CONNECT S12 "lost connection after CONNECT from a[192.0.2.1]\n" END(
	      "commands=0/0"),
	    TRACE_LOST, "lost before TLS" },
	{ CONNECT END("ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"),
	    TRACE_PLAIN, "nobody asked for STARTTLS" },
	{ "Feb 12 10:00:00 mx postfix/postscreen[1]: CONNECT from "
	  "[192.0.2.1]:5 to [192.0.2.7]:25\n",
	    TRACE_SCREENED, "1 line from 192.0.2.1" },
	{ CONNECT, TRACE_UNCLEAR, "does not say how" },
};

START_TEST(verdicts_in_words)
{
	size_t one = add_day("192.0.2.1");
	const struct trace_window *window;
	enum trace_verdict verdict;
	char words[TRACE_TEXT_MAX];

	ck_status("prepare", trace_prepare(trace), ST_OK);
	feed(verdicts[_i].lines);
	window = trace_get(trace, one);
	verdict = trace_judge(window);
	ck_string("verdict", trace_verdict_str(verdict),
	    trace_verdict_str(verdicts[_i].verdict));
	trace_words(window, verdict, "192.0.2.1", words);
	ck_assert_msg(strstr(words, verdicts[_i].words) != NULL,
	    "%s: not in: %s", verdicts[_i].words, words);
}
END_TEST

START_TEST(hosts)
{
	static const struct {
		const char *log, *mx;
		bool is_one;
	} rows[] = {
		{ "mx", "mx", true },
		{ "mx", "mx.example.com", true },
		{ "MX", "mx.Example.com.", true },
		{ "mx.example.com", "mx", true },
		{ "mx.example.com", "mx.example.com.", true },
		{ "mx", "mx2.example.com", false },
		{ "mx1", "mx.example.com", false },
		{ "mx.example", "mx.example.com", false },
		{ "mx.example.org", "mx.example.com", false },
		{ "", "mx", false },
		{ "mx", "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(
		    trace_is_host(rows[i].log, rows[i].mx) == rows[i].is_one,
		    "%s %s", rows[i].log, rows[i].mx);
}
END_TEST

Suite *
tracewindow_suite(void)
{
	Suite *suite = suite_create("tracewindow");
	TCase *tc = tcase_create("tracewindow");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_without_address_are_of_their_session);
	tcase_add_test(tc, windows_have_ends);
	tcase_add_test(tc, the_same_window_is_one);
	tcase_add_test(tc, windows_are_bounded);
	tcase_add_loop_test(tc, windows_of_all_times, 0, 2);
	tcase_add_test(tc, a_window_of_all);
	tcase_add_test(tc, lines_that_are_shown);
	tcase_add_test(tc, kept_lines_are_bounded);
	tcase_add_loop_test(
	    tc, the_year_follows_from_the_window, 0, (int)ARRAY_LEN(years));
	tcase_add_loop_test(tc, verdicts_in_words, 0, (int)ARRAY_LEN(verdicts));
	tcase_add_test(tc, hosts);
	suite_add_tcase(suite, tc);
	return suite;
}
