#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "extract.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

/*
 * The golden mails (test-golden.c) show what comes out of whole messages. Here
 * are what they do not: limits, the order of trouble, and fault injection.
 */

static char dir[512];
static struct extract_limits limits;

static void
setup(void)
{
	unit_directory(dir, sizeof dir);
	limits = (struct extract_limits){
		.message_max = 1 << 20,
		.mime = { MIME_DEPTH_MAX, MIME_PARTS_MAX },
		.spool_dir = dir,
	};
}

#define JSON "{\"policies\":[]}"

static void
feed_string(struct extract *ex, const char *message)
{
	struct extract_raw raw;

	extract_raw_init(&raw, ex, NULL);
	ck_status(
	    "raw", extract_raw_more(&raw, message, strlen(message)), ST_OK);
	ck_status("raw", extract_raw_finish(&raw), ST_OK);
}

static const struct {
	const char *value; /* of From */
	const char *domain;
} froms[] = {
	{ "a@b.example", "b.example" },
	{ "nobody", "" },
};

START_TEST(the_header_is_kept)
{
	struct extract *ex = extract_new(&limits);
	const struct extract_meta *meta;

	ck_assert_ptr_nonnull(ex);
	extract_field(ex, "subject", " Report Domain: a\r\n\tSubmitter: b");
	extract_field(ex, "MESSAGE-ID", "<x@y>");
	extract_field(ex, "From", froms[_i].value);
	extract_field(ex, "TLS-Report-Submitter", " b.example ");
	ck_status("finish", extract_finish(ex, NULL), ST_OK);
	meta = extract_meta(ex);
	ck_assert_str_eq(meta->subject, "Report Domain: a Submitter: b");
	ck_assert_str_eq(meta->message_id, "<x@y>");
	ck_assert_str_eq(meta->from_domain, froms[_i].domain);
	ck_assert_str_eq(meta->submitter, "b.example");
	ck_assert(extract_claims_report(ex));
	extract_free(&ex);
	ck_assert_ptr_null(ex);
	extract_free(&ex);
}
END_TEST

START_TEST(nothing_is_empty_strings)
{
	struct extract *ex = extract_new(&limits);
	const struct extract_meta *meta;

	ck_status("finish", extract_finish(ex, NULL), ST_OK);
	meta = extract_meta(ex);
	ck_assert_str_eq(meta->subject, "");
	ck_assert_str_eq(meta->message_id, "");
	ck_assert_str_eq(meta->from_domain, "");
	ck_assert_str_eq(meta->submitter, "");
	ck_assert_uint_eq(extract_count(ex), 0);
	ck_assert(!extract_claims_report(ex));
	extract_free(&ex);
}
END_TEST

/* One part; what it is called decides whether it is a candidate, claimed. */
static const struct {
	const char *name;
	const char *top;  /* fields of the message besides Content-Type */
	const char *part; /* the part's fields and body */
	size_t count;
	bool is_claimed;
} labels[] = {
	{ "media type", "", "Content-Type: application/tlsrpt+json\n\n" JSON, 1,
	    true },
	{ "media type, garbage", "",
	    "Content-Type: application/tlsrpt+gzip\n\nhello", 1, true },
	{ "bare media type", "", "Content-Type: application/tlsrpt\n\nx", 1,
	    true },
	{ "file name", "",
	    "Content-Type: application/octet-stream\nContent-Disposition: "
	    "attachment; filename=\"g!e!1!2!001.json.gz\"\n\nx",
	    1, true },
	{ "file name without unique-id", "",
	    "Content-Type: text/plain; name=\"g!e!1!2.json\"\n\nx", 1, true },
	{ "name in the description", "",
	    "Content-Type: application/octet-stream\n"
	    "Content-Description: g!e!1!2.json\n\nx",
	    1, true },
	{ "an archive", "", "Content-Type: application/zip\n\nx", 1, false },
	{ "an archive of a report mail", "TLS-Report-Domain: e\n",
	    "Content-Type: application/zip\n\nx", 1, true },
	{ "bytes alone", "", "Content-Type: text/plain\n\n" JSON, 1, false },
	{ "bytes alone, of a report mail", "TLS-Report-Domain: e\n",
	    "Content-Type: text/plain\n\n" JSON, 1, false },
	{ "a picture", "", "Content-Type: image/png\n\nx", 0, false },
	{ "text", "", "Content-Type: text/plain; name=\"hi!.txt\"\n\nx", 0,
	    false },
	{ "empty text", "", "\n", 0, false },
};

START_TEST(labels_choose_candidates)
{
	struct extract *ex = extract_new(&limits);
	char message[1024];

	(void)snprintf(message, sizeof message,
	    "%sContent-Type: multipart/mixed; boundary=b\n\n--b\n%s\n--b--\n",
	    labels[_i].top, labels[_i].part);
	feed_string(ex, message);
	ck_status("finish", extract_finish(ex, NULL), ST_OK);
	ck_assert_msg(extract_count(ex) == labels[_i].count, "%s: %zu",
	    labels[_i].name, extract_count(ex));
	if (labels[_i].count > 0)
		ck_assert_msg(
		    extract_is_claimed(ex, 0) == labels[_i].is_claimed, "%s",
		    labels[_i].name);
	extract_free(&ex);
}
END_TEST

/* A whole body of base64, as a top-level part. */
static const struct {
	const char *name;
	const char *type;
	const char *body;
	enum status want;
	deviations dev;
} decodings[] = {
	{ "json", "application/tlsrpt+json", "eyJwb2xpY2llcyI6W119", ST_OK, 0 },
	{ "json with garbage", "application/tlsrpt+json",
	    "eyJwb2xp!Y2llcyI6W119", ST_OK, DEV(DEV_BASE64_GARBAGE) },
	{ "json labelled gzip", "application/tlsrpt+gzip",
	    "eyJwb2xpY2llcyI6W119", ST_OK, DEV(DEV_LABEL_MISMATCH) },
	{ "octets", "application/octet-stream", "eyJwb2xpY2llcyI6W119", ST_OK,
	    DEV(DEV_MEDIA_TYPE) },
	{ "empty", "application/tlsrpt+json", "ICANCg==", ST_EMPTY, 0 },
	{ "no gzip", "application/tlsrpt+gzip", "aGVsbG8=", ST_GZIP_CORRUPT,
	    0 },
	{ "no gzip, and garbage", "application/tlsrpt+gzip",
	    "aGVsb!G8=", ST_BASE64_CORRUPT, DEV(DEV_BASE64_GARBAGE) },
	{ "no zip", "application/zip", "aGVsbG8=", ST_ZIP_UNSUPPORTED,
	    DEV(DEV_MEDIA_TYPE) },
	{ "half of a gzip header", "application/tlsrpt+gzip", "H4sIAAAA",
	    ST_GZIP_TRUNCATED, 0 },
};

START_TEST(candidates_are_decoded)
{
	struct extract *ex = extract_new(&limits);
	deviations dev = 0;
	struct fault fault = { 0 };
	struct buf text;

	extract_field(ex, "Content-Type", decodings[_i].type);
	extract_field(ex, "Content-Transfer-Encoding", "base64");
	extract_body(ex, decodings[_i].body, strlen(decodings[_i].body));
	ck_status("finish", extract_finish(ex, &fault), ST_OK);
	ck_assert_uint_eq(extract_count(ex), 1);
	/* Again, and the same comes out. */
	for (int i = 0; i < 2; i++) {
		buf_init(&text, 1000);
		ck_status(decodings[_i].name,
		    extract_decode(ex, 0, &text, &dev, &fault),
		    decodings[_i].want);
		ck_deviations(decodings[_i].name, dev,
		    decodings[_i].dev | DEV(DEV_NO_MULTIPART));
		if (decodings[_i].want == ST_OK)
			ck_bytes(decodings[_i].name, text.data, text.len, JSON,
			    strlen(JSON));
		else
			ck_status("fault", fault.status, decodings[_i].want);
		buf_free(&text);
	}
	extract_free(&ex);
}
END_TEST

START_TEST(blame_falls_on_base64)
{
	struct extract *ex = extract_new(&limits);
	struct fault fault = { 0 };

	extract_field(ex, "Content-Type", "application/tlsrpt+json");
	extract_field(ex, "Content-Transfer-Encoding", "base64");
	extract_body(ex, _i == 0 ? "e30=" : "e3!!0=", _i == 0 ? 4 : 6);
	ck_status("finish", extract_finish(ex, NULL), ST_OK);
	ck_status("blame", extract_blame(ex, 0, ST_JSON_SYNTAX, &fault),
	    _i == 0 ? ST_JSON_SYNTAX : ST_BASE64_CORRUPT);
	if (_i == 1) {
		ck_status("fault", fault.status, ST_BASE64_CORRUPT);
		ck_assert(fault.has_offset);
		ck_assert_ptr_nonnull(strstr(fault.detail, "2"));
	}
	extract_free(&ex);
}
END_TEST

/* Field name, ": " or the like, value, line end, and the body. */
START_TEST(the_message_has_its_limit)
{
	static const char body[] = JSON;
	size_t whole = strlen("Content-Type") +
	    strlen("application/tlsrpt+json") + 3 + strlen(body);

	for (int over = 0; over <= 1; over++) {
		struct fault fault = { 0 };
		struct extract *ex;

		limits.message_max = whole - (size_t)over;
		ex = extract_new(&limits);
		extract_field(ex, "Content-Type", "application/tlsrpt+json");
		extract_body(ex, body, 5);
		extract_body(ex, body + 5, strlen(body) - 5);
		/* What comes behind the limit is passed over at no cost. */
		for (int i = 0; over == 1 && i < 1000000; i++)
			extract_body(ex, body, strlen(body));
		ck_status("limit", extract_finish(ex, &fault),
		    over == 1 ? ST_TOO_LARGE : ST_OK);
		if (over == 1) {
			ck_status("fault", fault.status, ST_TOO_LARGE);
			ck_status(
			    "again", extract_finish(ex, NULL), ST_TOO_LARGE);
		}
		ck_assert(extract_claims_report(ex));
		extract_free(&ex);
	}
}
END_TEST

START_TEST(a_header_may_be_too_large)
{
	struct extract *ex;

	limits.message_max = 100;
	ex = extract_new(&limits);
	for (int i = 0; i < 20; i++)
		extract_field(ex, "Received", "somewhere");
	extract_field(ex, "Content-Type", "application/tlsrpt+json");
	ck_status("limit", extract_finish(ex, NULL), ST_TOO_LARGE);
	ck_assert_uint_eq(extract_count(ex), 0);
	extract_free(&ex);
}
END_TEST

START_TEST(candidates_have_their_limit)
{
	for (int n = EXTRACT_CANDIDATES_MAX; n <= EXTRACT_CANDIDATES_MAX + 1;
	     n++) {
		struct extract *ex = extract_new(&limits);
		bool is_over = n > EXTRACT_CANDIDATES_MAX;
		struct fault fault = { 0 };
		deviations dev;
		struct buf text;

		extract_field(
		    ex, "Content-Type", "multipart/mixed; boundary=b");
		for (int i = 0; i < n; i++)
			extract_body(ex, BYTES("--b\n\n" JSON "\n"));
		extract_body(ex, BYTES("--b--\n"));
		ck_status("limit", extract_finish(ex, &fault),
		    is_over ? ST_TOO_MANY_PARTS : ST_OK);
		ck_assert_uint_eq(extract_count(ex), EXTRACT_CANDIDATES_MAX);
		if (is_over)
			ck_status("fault", fault.status, ST_TOO_MANY_PARTS);
		/* Those before the limit can be decoded all the same. */
		buf_init(&text, 1000);
		ck_status("last",
		    extract_decode(
			ex, EXTRACT_CANDIDATES_MAX - 1, &text, &dev, &fault),
		    ST_OK);
		ck_assert_str_eq(text.data, JSON);
		buf_free(&text);
		extract_free(&ex);
	}
}
END_TEST

/* A header block in a file, whatever its shape and however it is cut. */
static void
raw_feed(void *ctx, const char *data, size_t len)
{
	ck_status("raw", extract_raw_more(ctx, data, len), ST_OK);
}

START_TEST(raw_messages_are_fed_in_pieces)
{
	static const char message[] =
	    "From x@y Mon Jan  1\nSubject: a\n b\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" JSON
	    "\r\n--b--\r\n";

	for (size_t way = 0; way < unit_ways(strlen(message)); way++) {
		struct extract *ex = extract_new(&limits);
		struct extract_raw raw;
		deviations dev;
		struct buf text;

		extract_raw_init(&raw, ex, NULL);
		unit_feed(way, BYTES(message), raw_feed, &raw);
		ck_status("raw", extract_raw_finish(&raw), ST_OK);
		ck_status("finish", extract_finish(ex, NULL), ST_OK);
		ck_assert_str_eq(extract_meta(ex)->subject, "a b");
		ck_assert_uint_eq(extract_count(ex), 1);
		buf_init(&text, 1000);
		ck_status(
		    "decode", extract_decode(ex, 0, &text, &dev, NULL), ST_OK);
		ck_assert_str_eq(text.data, JSON);
		buf_free(&text);
		extract_free(&ex);
	}
}
END_TEST

/* A mail with a part that is spooled to a file, another encoded. */
static void
build_mail(struct buf *mail)
{
	struct buf packed;

	buf_init(&packed, 1 << 20);
	unit_gzip(&packed, BYTES(JSON));
	(void)buf_adds(mail, "--b\n\n" JSON);
	unit_repeat(mail, " \n", 50000);
	(void)buf_adds(mail,
	    "\n--b\nContent-Type: application/tlsrpt+gzip\n"
	    "Content-Transfer-Encoding: base64\n\n");
	unit_base64(mail, packed.data, packed.len);
	(void)buf_adds(mail,
	    "\n--b\nContent-Transfer-Encoding: quoted-printable\n"
	    "Content-Type: application/tlsrpt+json\n\n=7B}\n--b--\n");
	buf_free(&packed);
}

/* Extract and decode everything; the first trouble. */
static enum status
extract_all(const struct buf *mail, struct fault *fault, size_t *count)
{
	struct extract *ex = extract_new(&limits);
	enum status st;
	deviations dev;
	struct buf text;

	*count = 0;
	if (ex == NULL)
		return fault_set(fault, ST_NO_MEMORY, "new");
	extract_field(ex, "Content-Type", "multipart/mixed; boundary=b");
	extract_body(ex, mail->data, mail->len);
	st = extract_finish(ex, fault);
	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < extract_count(ex) && st == ST_OK; i++) {
		buf_cut(&text, 0);
		st = extract_decode(ex, i, &text, &dev, fault);
		*count += st == ST_OK;
	}
	buf_free(&text);
	extract_free(&ex);
	return st;
}

START_TEST(every_call_may_fail)
{
	static const enum inject kinds[] = { INJECT_MEMORY, INJECT_ZLIB,
		INJECT_WRITE, INJECT_READ, INJECT_FILE };
	size_t descriptors = unit_count_descriptors();
	struct buf mail;
	unsigned n;

	buf_init(&mail, 1 << 20);
	build_mail(&mail);
	for (n = 1;; n++) {
		struct fault fault = { 0 };
		size_t count;
		enum status st;

		inject_arm(kinds[_i], n);
		st = extract_all(&mail, &fault, &count);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			ck_assert_uint_eq(count, 3);
			break;
		}
		ck_assert_msg(
		    status_is_failure(st), "call %u: %s", n, status_str(st));
		ck_status("fault", fault.status, st);
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
	}
	ck_assert_uint_gt(n, 1);
	buf_free(&mail);
}
END_TEST

Suite *
extract_suite(void)
{
	Suite *suite = suite_create("extract");
	TCase *tc = tcase_create("extract");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, the_header_is_kept, 0, 2);
	tcase_add_test(tc, nothing_is_empty_strings);
	tcase_add_loop_test(
	    tc, labels_choose_candidates, 0, (int)ARRAY_LEN(labels));
	tcase_add_loop_test(
	    tc, candidates_are_decoded, 0, (int)ARRAY_LEN(decodings));
	tcase_add_loop_test(tc, blame_falls_on_base64, 0, 2);
	tcase_add_test(tc, the_message_has_its_limit);
	tcase_add_test(tc, a_header_may_be_too_large);
	tcase_add_test(tc, candidates_have_their_limit);
	tcase_add_test(tc, raw_messages_are_fed_in_pieces);
	tcase_add_loop_test(tc, every_call_may_fail, 0, 5);
	suite_add_tcase(suite, tc);
	return suite;
}
