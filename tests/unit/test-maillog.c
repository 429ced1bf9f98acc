#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logreader.h"
#include "maillog.h"
#include "rfc3339.h"
#include "suites.h"
#include "unit.h"

#define HEAD "Feb 12 10:00:00 mx postfix/smtpd[12]: "

/* What Postfix 3.7 with OpenSSL 3.0 writes, and what it might be taken for. */
static const struct {
	const char *text;
	enum maillog_kind kind;
	const char *address; /* or NULL */
} texts[] = {
	{ "connect from unknown[192.0.2.1]", MAILLOG_CONNECT, "192.0.2.1" },
	{ "connect from mail.example[192.0.2.1]:4711", MAILLOG_CONNECT,
	    "192.0.2.1" },
	{ "connect from unknown[2001:db8::1]", MAILLOG_CONNECT, "2001:db8::1" },
	{ "connect from unknown[unknown]", MAILLOG_CONNECT, NULL },
	{ "connect from unknown[192.0.2.1", MAILLOG_CONNECT, NULL },
	{ "connect from ", MAILLOG_CONNECT, NULL },
	{ "disconnect from unknown[192.0.2.1] ehlo=1 quit=1 commands=2",
	    MAILLOG_DISCONNECT, "192.0.2.1" },
	{ "SSL_accept error from unknown[192.0.2.1]: -1", MAILLOG_HANDSHAKE,
	    "192.0.2.1" },
	{ "SSL_accept error from unknown[192.0.2.1]: lost connection",
	    MAILLOG_HANDSHAKE, "192.0.2.1" },
	{ "Anonymous TLS connection established from unknown[192.0.2.1]: "
	  "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
	    MAILLOG_ESTABLISHED, "192.0.2.1" },
	{ "Trusted TLS connection established from a.example[192.0.2.1]: x",
	    MAILLOG_ESTABLISHED, "192.0.2.1" },
	{ "lost connection after STARTTLS from unknown[192.0.2.1]",
	    MAILLOG_LOST, "192.0.2.1" },
	{ "lost connection after DATA (17 bytes) from unknown[192.0.2.1]",
	    MAILLOG_LOST, "192.0.2.1" },
	{ "timeout after EHLO from unknown[192.0.2.1]", MAILLOG_LOST,
	    "192.0.2.1" },
	{ "warning: TLS library problem: error:0A000418:SSL routines::tlsv1 "
	  "alert unknown ca:../ssl/record/rec_layer_s3.c:1602:SSL alert "
	  "number 48:",
	    MAILLOG_LIBRARY, NULL },
	{ "warning: TLS library problem: from x[192.0.2.1]", MAILLOG_LIBRARY,
	    NULL },
	{ "warning: cannot get RSA certificate from file \"/a.pem\": "
	  "disabling TLS support",
	    MAILLOG_DISABLED, NULL },
	{ "warning: error opening chain file: /a.pem: No such file or "
	  "directory",
	    MAILLOG_DISABLED, NULL },
	{ "warning: No server certs available. TLS won't be enabled",
	    MAILLOG_DISABLED, NULL },
	{ "warning: Connection rate limit exceeded: 31 from "
	  "unknown[192.0.2.1] for service smtp",
	    MAILLOG_LIMIT, "192.0.2.1" },
	/* What a client said. */
	{ "warning: non-SMTP command from unknown[192.0.2.1]: disabling TLS "
	  "support",
	    MAILLOG_OTHER, "192.0.2.1" },
	{ "warning: non-SMTP command from a.example[192.0.2.1]: x limit "
	  "exceeded: 1 from b[192.0.2.9]",
	    MAILLOG_OTHER, "192.0.2.1" },
	{ "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 <x>: "
	  "helo=<a from b[192.0.2.9]>",
	    MAILLOG_OTHER, "192.0.2.1" },
	{ "4XyZ: client=unknown[192.0.2.1]", MAILLOG_OTHER, NULL },
	{ "", MAILLOG_OTHER, NULL },
};

static bool
parse(const char *line, struct maillog_line *out)
{
	return maillog_parse(line, strlen(line), out);
}

static void
ck_address(const char *name, const struct maillog_line *line, const char *want)
{
	struct address_ip ip;

	ck_assert_msg(line->has_address == (want != NULL), "%s", name);
	if (want == NULL)
		return;
	ck_assert(address_read_ip(want, strlen(want), &ip));
	ck_assert_msg(memcmp(&ip, &line->address, sizeof ip) == 0, "%s", name);
}

START_TEST(kinds_of_smtpd)
{
	struct maillog_line line;
	char whole[1024];

	(void)snprintf(whole, sizeof whole, HEAD "%s", texts[_i].text);
	ck_assert(parse(whole, &line));
	ck_assert_msg(line.kind == texts[_i].kind, "%s: %d", texts[_i].text,
	    (int)line.kind);
	ck_address(texts[_i].text, &line, texts[_i].address);
	ck_bytes("text", line.text, line.text_len, texts[_i].text,
	    strlen(texts[_i].text));
	ck_assert_uint_eq(line.pid, 12);
}
END_TEST

static const struct {
	const char *program;
	const char *text;
	enum maillog_kind kind;
	const char *address;
} screens[] = {
	{ "postfix/postscreen",
	    "CONNECT from [192.0.2.1]:3 to [198.51.100.9]:25", MAILLOG_SCREEN,
	    "192.0.2.1" },
	{ "postfix/postscreen", "PASS OLD [2001:db8::1]:3", MAILLOG_SCREEN,
	    "2001:db8::1" },
	{ "postfix/postscreen", "HANGUP after 0.1 from [192.0.2.1]:3 in tests",
	    MAILLOG_SCREEN, "192.0.2.1" },
	{ "postfix/postscreen", "cache btree:/x full cleanup", MAILLOG_SCREEN,
	    NULL },
	{ "postfix/tlsproxy", "CONNECT from [192.0.2.1]:3", MAILLOG_SCREEN,
	    "192.0.2.1" },
	{ "postfix/tlsproxy", "SSL_accept error from [192.0.2.1]:3: -1",
	    MAILLOG_HANDSHAKE, "192.0.2.1" },
	{ "postfix/tlsproxy",
	    "Anonymous TLS connection established from [192.0.2.1]:3: TLSv1.3",
	    MAILLOG_ESTABLISHED, "192.0.2.1" },
	{ "postfix/tlsproxy", "warning: TLS library problem: error:1:a::b:c:1:",
	    MAILLOG_LIBRARY, NULL },
};

START_TEST(kinds_of_postscreen)
{
	struct maillog_line line;
	char whole[1024];

	(void)snprintf(whole, sizeof whole, "Feb 12 10:00:00 mx %s[1]: %s",
	    screens[_i].program, screens[_i].text);
	ck_assert(parse(whole, &line));
	ck_assert_msg(line.kind == screens[_i].kind, "%s", whole);
	ck_address(whole, &line, screens[_i].address);
}
END_TEST

static const struct {
	const char *head;
	bool is_one;
	const char *time; /* of an absolute one, else "MM-DD hh:mm:ss" */
} heads[] = {
	{ "Feb 12 10:00:00 mx postfix/smtpd[12]: ", true, "02-12 10:00:00" },
	{ "Feb  2 00:00:00 mx postfix/smtpd[12]: ", true, "02-02 00:00:00" },
	{ "Dec 31 23:59:60 mx postfix/smtpd[12]: ", true, "12-31 23:59:60" },
	{ "Nov 02 1:02:03 mx postfix/smtpd[12]: ", true, "11-02 01:02:03" },
	{ "2026-02-12T10:00:00.123456+00:00 mx postfix/smtpd[12]: ", true,
	    "2026-02-12T10:00:00Z" },
	{ "2026-02-12T10:00:00.123456+0200 mx postfix/smtpd[12]: ", true,
	    "2026-02-12T08:00:00Z" },
	{ "2026-02-12T10:00:00-05:30 mx postfix/smtpd[12]: ", true,
	    "2026-02-12T15:30:00Z" },
	{ "2026-02-12T10:00:00Z mx postfix/smtpd[12]: ", true,
	    "2026-02-12T10:00:00Z" },
	{ "Feb 12 10:00:00 mx postfix-in/smtpd[12]: ", true, "02-12 10:00:00" },
	{ "Feb 12 10:00:00 mx postfix/submission/smtpd[12]: ", true,
	    "02-12 10:00:00" },
	/* None. */
	{ "2026-02-12T10:00:00 mx postfix/smtpd[12]: ", false, NULL },
	{ "2026-02-30T10:00:00Z mx postfix/smtpd[12]: ", false, NULL },
	{ "Feb 32 10:00:00 mx postfix/smtpd[12]: ", false, NULL },
	{ "Feb 0 10:00:00 mx postfix/smtpd[12]: ", false, NULL },
	{ "Feb 12 24:00:00 mx postfix/smtpd[12]: ", false, NULL },
	{ "Fev 12 10:00:00 mx postfix/smtpd[12]: ", false, NULL },
	{ "Feb 12 10:00:00 mx postfix/smtp[12]: ", false, NULL },
	{ "Feb 12 10:00:00 mx smtpd[12]: ", false, NULL },
	{ "Feb 12 10:00:00 mx /smtpd[12]: ", false, NULL },
	{ "Feb 12 10:00:00 mx postfix/smtpd: ", false, NULL },
	{ "Feb 12 10:00:00 mx postfix/smtpd[]: ", false, NULL },
	{ "Feb 12 10:00:00 mx postfix/smtpd[1", false, NULL },
	{ "Feb 12 10:00:00 postfix/smtpd[12]: ", false, NULL },
	{ "Feb 12 10:00:00 mx x postfix/smtpd[12]: ", false, NULL },
	{ "Feb 12", false, NULL },
	{ "-- Boot 0123 --", false, NULL },
	{ "", false, NULL },
};

START_TEST(heads_of_lines)
{
	struct maillog_line line;
	char text[64];

	ck_assert_msg(parse(heads[_i].head, &line) == heads[_i].is_one, "%s",
	    heads[_i].head);
	if (!heads[_i].is_one)
		return;
	if (line.when.is_absolute)
		ck_assert(rfc3339_format(line.when.time, text));
	else
		(void)snprintf(text, sizeof text, "%02d-%02d %02d:%02d:%02d",
		    line.when.month, line.when.day, line.when.hour,
		    line.when.minute, line.when.second);
	ck_string(heads[_i].head, text, heads[_i].time);
	ck_bytes("host", line.host, line.host_len, "mx", 2);
}
END_TEST

/* Cut anywhere, it is none or one, and no byte beyond is read. */
START_TEST(lines_cut_short)
{
	static const char whole[] =
	    HEAD "disconnect from unknown[192.0.2.1] ehlo=1 starttls=0/1 "
		 "commands=1/2";

	for (size_t len = 0; len < sizeof whole; len++) {
		char *copy = malloc(len + (len == 0));
		struct maillog_line line;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, whole, len);
		(void)maillog_parse(copy, len, &line);
		free(copy);
	}
}
END_TEST

static const struct {
	const char *commands;
	bool has_mail;
	unsigned done, asked;
} ends[] = {
	{ "ehlo=1 quit=1 commands=2", false, 0, 0 },
	{ "ehlo=1 starttls=1 quit=1 commands=3", false, 1, 1 },
	{ "ehlo=1 starttls=0/1 commands=1/2", false, 0, 1 },
	{ "ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7", true, 1,
	    1 },
};

START_TEST(how_sessions_end)
{
	struct maillog_line line;
	char whole[256];

	(void)snprintf(whole, sizeof whole,
	    HEAD "disconnect from unknown[192.0.2.1] %s", ends[_i].commands);
	ck_assert(parse(whole, &line));
	ck_assert(line.has_commands);
	ck_assert(line.has_mail == ends[_i].has_mail);
	ck_assert_uint_eq(line.starttls_done, ends[_i].done);
	ck_assert_uint_eq(line.starttls_asked, ends[_i].asked);
}
END_TEST

static const struct {
	const char *text;
	const char *reason;
	bool is_alert;
} reasons[] = {
	{ "error:0A000418:SSL routines::tlsv1 alert unknown ca:../ssl/"
	  "record/rec_layer_s3.c:1602:SSL alert number 48:",
	    "tlsv1 alert unknown ca", true },
	{ "error:14094418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown "
	  "ca:../ssl/record/rec_layer_s3.c:1543:SSL alert number 48:",
	    "tlsv1 alert unknown ca", true },
	{ "error:0A0000C1:SSL routines::no shared cipher:../ssl/statem/"
	  "statem_srvr.c:2220:",
	    "no shared cipher", false },
	{ "error:1:2", "error:1:2", false },
	{ "error:1:2:3:", "error:1:2:3:", false },
	{ "none", "none", false },
};

START_TEST(reasons_of_the_library)
{
	char whole[512], reason[MAILLOG_REASON_MAX];
	struct maillog_line line;

	(void)snprintf(whole, sizeof whole,
	    HEAD "warning: TLS library problem: %s", reasons[_i].text);
	ck_assert(parse(whole, &line));
	ck_assert(line.is_alert == reasons[_i].is_alert);
	maillog_reason(&line, reason);
	ck_string(whole, reason, reasons[_i].reason);
	/* Cut at the bound. */
	(void)snprintf(whole, sizeof whole,
	    HEAD "warning: TLS library problem: error:1:2:3:%0200d:", 1);
	ck_assert(parse(whole, &line));
	maillog_reason(&line, reason);
	ck_assert_uint_eq(strlen(reason), MAILLOG_REASON_MAX - 1);
}
END_TEST

/*
 * The reader.
 */

struct lines {
	struct logreader reader;
	struct buf out; /* each line behind a "|" */
};

static void
add_line(void *ctx, const char *line, size_t len)
{
	struct lines *lines = ctx;

	ck_status("add", buf_add(&lines->out, "|", 1), ST_OK);
	ck_status("add", buf_add(&lines->out, line, len), ST_OK);
}

static void
feed(void *ctx, const char *data, size_t len)
{
	logreader_more(ctx, data, len);
}

static const struct {
	const char *data;
	size_t len;
	const char *lines;
	size_t lines_len;
} streams[] = {
	{ BYTES(""), BYTES("") },
	{ BYTES("a"), BYTES("|a") },
	{ BYTES("a\n"), BYTES("|a") },
	{ BYTES("a\r\nb\n"), BYTES("|a|b") },
	{ BYTES("\n\na\nbc"), BYTES("|||a|bc") },
	{ BYTES("a\0b\nc"), BYTES("|a\0b|c") },
};

START_TEST(streams_are_cut_into_lines)
{
	struct lines *lines = malloc(sizeof *lines);

	ck_assert_ptr_nonnull(lines);
	for (size_t way = 0; way < unit_ways(streams[_i].len); way++) {
		buf_init(&lines->out, 1 << 16);
		logreader_init(&lines->reader, add_line, lines);
		unit_feed(way, streams[_i].data, streams[_i].len, feed,
		    &lines->reader);
		logreader_finish(&lines->reader);
		ck_bytes("lines", lines->out.data, lines->out.len,
		    streams[_i].lines, streams[_i].lines_len);
		ck_assert_uint_eq(lines->reader.cut, 0);
		buf_free(&lines->out);
	}
	free(lines);
}
END_TEST

/* At the bound and one more byte, in blocks and byte by byte. */
START_TEST(long_lines_are_bounded)
{
	for (size_t way = 0; way < 2; way++) {
		for (size_t more = 0; more < 2; more++) {
			struct lines *lines = malloc(sizeof *lines);
			struct buf in;

			ck_assert_ptr_nonnull(lines);
			buf_init(&in, 1 << 16);
			buf_init(&lines->out, 1 << 16);
			unit_repeat(&in, "x", MAILLOG_LINE_MAX + more);
			ck_status("in", buf_add(&in, "\nyz\n", 4), ST_OK);
			logreader_init(&lines->reader, add_line, lines);
			unit_feed(way, in.data, in.len, feed, &lines->reader);
			logreader_finish(&lines->reader);
			ck_assert_uint_eq(
			    lines->out.len, MAILLOG_LINE_MAX + 1 + 3);
			ck_assert_uint_eq(lines->reader.cut, more);
			buf_free(&lines->out);
			buf_free(&in);
			free(lines);
		}
	}
}
END_TEST

Suite *
maillog_suite(void)
{
	Suite *suite = suite_create("maillog");
	TCase *tc = tcase_create("maillog");

	tcase_add_loop_test(tc, kinds_of_smtpd, 0, (int)ARRAY_LEN(texts));
	tcase_add_loop_test(
	    tc, kinds_of_postscreen, 0, (int)ARRAY_LEN(screens));
	tcase_add_loop_test(tc, heads_of_lines, 0, (int)ARRAY_LEN(heads));
	tcase_add_test(tc, lines_cut_short);
	tcase_add_loop_test(tc, how_sessions_end, 0, (int)ARRAY_LEN(ends));
	tcase_add_loop_test(
	    tc, reasons_of_the_library, 0, (int)ARRAY_LEN(reasons));
	tcase_add_loop_test(
	    tc, streams_are_cut_into_lines, 0, (int)ARRAY_LEN(streams));
	tcase_add_test(tc, long_lines_are_bounded);
	suite_add_tcase(suite, tc);
	return suite;
}
