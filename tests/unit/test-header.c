#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "header.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

/*
 * The splitter: what it hands over is printed as "name|value;" with line ends
 * as they stood.
 */
struct split {
	struct header_splitter splitter;
	struct buf out;
	enum status st;
	enum status answer; /* of the callback */
	size_t used;
};

static enum status
print_field(void *ctx, const char *name, const char *value)
{
	struct split *split = ctx;

	ck_status("out", buf_adds(&split->out, name), ST_OK);
	ck_status("out", buf_addc(&split->out, '|'), ST_OK);
	ck_status("out", buf_adds(&split->out, value), ST_OK);
	ck_status("out", buf_addc(&split->out, ';'), ST_OK);
	return split->answer;
}

static void
split_feed(void *ctx, const char *data, size_t len)
{
	struct split *split = ctx;
	size_t used = 0;

	if (split->st != ST_OK || split->splitter.is_done)
		return;
	split->st = header_splitter_more(&split->splitter, data, len, &used);
	ck_assert_uint_le(used, len);
	if (!split->splitter.is_done && split->st == ST_OK)
		ck_assert_uint_eq(used, len);
	split->used += used;
}

static void
split_init(struct split *split)
{
	*split = (struct split){ .st = ST_OK };
	header_splitter_init(&split->splitter, print_field, split);
	buf_init(&split->out, 1 << 20);
}

static void
split_free(struct split *split)
{
	header_splitter_free(&split->splitter);
	buf_free(&split->out);
}

static const struct {
	const char *name;
	const char *in;
	size_t len;
	const char *want;
	size_t used;
} blocks[] = {
	{ "crlf", BYTES("A: b\r\nC:d\r\n\r\nbody"), "A| b;C|d;", 13 },
	{ "lf", BYTES("A: b\nC:d\n\nbody"), "A| b;C|d;", 10 },
	{ "mixed", BYTES("A: b\nC:d\r\n\nbody"), "A| b;C|d;", 11 },
	{ "fold crlf", BYTES("A: b\r\n\tc\r\n d\r\n\r\n"), "A| b\n\tc\n d;",
	    16 },
	{ "fold lf", BYTES("A: b\n c\nD:e\n\n"), "A| b\n c;D|e;", 13 },
	{ "no blank line", BYTES("A: b\r\nC: d"), "A| b;C| d;", 10 },
	{ "no body", BYTES("A: b\r\n"), "A| b;", 6 },
	{ "empty header", BYTES("\r\nbody"), "", 2 },
	{ "nothing", BYTES(""), "", 0 },
	{ "mbox line", BYTES("From a@b Mon Jan  1\nA: b\n\n"), "A| b;", 26 },
	{ "no name has spaces", BYTES("A: b\nFrom c: d\n\n"), "A| b;", 16 },
	{ "no field", BYTES("garbage\nA: b\nmore\n\n"), "A| b;", 19 },
	{ "no name", BYTES(": x\nA: b\n\n"), "A| b;", 10 },
	{ "fold before any field", BYTES(" X: y\nA: b\n\n"), "A| b;", 12 },
	{ "fold behind garbage", BYTES("garbage\n X: y\nA: b\n\n"), "A| b;",
	    20 },
	{ "fold behind mbox line", BYTES("From x\n X: y\nA: b\n\n"), "A| b;",
	    19 },
	{ "space before colon", BYTES("A \t: b\n\n"), "A| b;", 8 },
	{ "empty value", BYTES("A:\nB: c\n\n"), "A|;B| c;", 9 },
	{ "NUL", BYTES("A: b\0c\n\n"), "A| b c;", 8 },
	{ "NUL in name", BYTES("A\0: b\n\n"), "A| b;", 7 },
	{ "lone CR", BYTES("A: b\rc\n\n"), "A| b\rc;", 8 },
	{ "two CR", BYTES("A: b\r\r\n\r\n"), "A| b\r;", 9 },
	{ "white line is a fold", BYTES("A: b\n \nC: d\n\n"), "A| b\n ;C| d;",
	    13 },
	{ "8 bit", BYTES("A: \xc3\xa9\xff\n\n"), "A| \xc3\xa9\xff;", 8 },
};

START_TEST(header_blocks_split)
{
	size_t len = blocks[_i].len;

	for (size_t way = 0; way < unit_ways(len); way++) {
		struct split split;

		split_init(&split);
		unit_feed(way, blocks[_i].in, len, split_feed, &split);
		ck_status(blocks[_i].name, split.st, ST_OK);
		ck_assert_uint_eq(split.used, blocks[_i].used);
		ck_status(blocks[_i].name,
		    header_splitter_finish(&split.splitter), ST_OK);
		ck_assert(split.splitter.is_done);
		ck_bytes(blocks[_i].name, split.out.data, split.out.len,
		    blocks[_i].want, strlen(blocks[_i].want));
		split_free(&split);
	}
}
END_TEST

START_TEST(a_field_is_cut_at_its_limit)
{
	static const size_t lens[] = { HEADER_FIELD_MAX - 1, HEADER_FIELD_MAX,
		HEADER_FIELD_MAX + 1, 3 * HEADER_FIELD_MAX };
	size_t len = lens[_i], want;
	struct split split;
	struct buf in;

	buf_init(&in, 1 << 20);
	ck_status("in", buf_adds(&in, "A:"), ST_OK);
	unit_repeat(&in, "x", len - 2);
	ck_status("in", buf_adds(&in, "\r\nB:c\r\n\r\n"), ST_OK);
	split_init(&split);
	split_feed(&split, in.data, in.len);
	ck_status("more", split.st, ST_OK);
	want = len < HEADER_FIELD_MAX ? len : HEADER_FIELD_MAX;
	ck_assert_uint_eq(split.used, in.len);
	/* "A|", what was kept of the value, ";", and the next field. */
	ck_assert_uint_eq(split.out.len, want + 1 + strlen("B|c;"));
	ck_assert_str_eq(split.out.data + want + 1, "B|c;");
	ck_assert_uint_le(split.splitter.field.cap, HEADER_FIELD_MAX + 1);
	split_free(&split);
	buf_free(&in);
}
END_TEST

START_TEST(the_callback_ends_the_splitting)
{
	struct split split;
	size_t used = 0;

	split_init(&split);
	split.answer = ST_TOO_DEEP;
	ck_status("more",
	    header_splitter_more(
		&split.splitter, BYTES("A: b\nC: d\nE: f\n\n"), &used),
	    ST_TOO_DEEP);
	ck_assert_str_eq(split.out.data, "A| b;");
	split_free(&split);
	split_init(&split);
	split.answer = ST_TOO_DEEP;
	split_feed(&split, BYTES("A: b"));
	ck_status(
	    "finish", header_splitter_finish(&split.splitter), ST_TOO_DEEP);
	split_free(&split);
}
END_TEST

START_TEST(splitting_without_memory)
{
	for (unsigned n = 1;; n++) {
		struct split split;
		enum status st;
		size_t used;

		split_init(&split);
		inject_arm(INJECT_MEMORY, n);
		st = header_splitter_more(
		    &split.splitter, BYTES("A b\n\n"), &used);
		header_splitter_free(&split.splitter);
		if (!inject_disarm()) {
			ck_status("ok", st, ST_OK);
			ck_assert_uint_gt(n, 1);
			split_free(&split);
			return;
		}
		ck_status("more", st, ST_NO_MEMORY);
		ck_assert_uint_eq(inject_leaks(), 0);
		split_free(&split);
	}
}
END_TEST

static const struct {
	const char *value;
	const char *want;
} tokens[] = {
	{ " multipart/report; report-type=tlsrpt", "multipart/report" },
	{ "Application/TLSRPT+Gzip", "application/tlsrpt+gzip" },
	{ "\r\n\ttext/plain;charset=x", "text/plain" },
	{ "(a comment (nested) \\) ) text/plain", "text/plain" },
	{ "text/plain (comment); x", "text/plain" },
	{ "text(x)/(y)plain", "text/plain" },
	{ "multipart / report; x", "multipart/report" },
	{ "attachment", "attachment" },
	{ "attachment ; filename=x", "attachment" },
	{ "base64 ", "base64" },
	{ "base64;", "base64" },
	{ "", "" },
	{ "   ", "" },
	{ "; charset=x", "" },
	{ "(open comment text/plain", "" },
	{ "text/; charset=x", "text/" },
	{ "text plain", "text" },
};

START_TEST(the_leading_token)
{
	char out[HEADER_TOKEN_MAX];

	header_token(tokens[_i].value, out, sizeof out);
	ck_string(tokens[_i].value, out, tokens[_i].want);
}
END_TEST

START_TEST(a_token_is_cut_to_its_room)
{
	char out[8];

	header_token("abcdefg;", out, sizeof out);
	ck_assert_str_eq(out, "abcdefg");
	header_token("abcdefgh;", out, sizeof out);
	ck_assert_str_eq(out, "abcdefg");
	header_token("abc", out, 1);
	ck_assert_str_eq(out, "");
}
END_TEST

static const struct {
	const char *value;
	const char *name;
	const char *want; /* NULL: none */
} params[] = {
	{ "a/b; report-type=tlsrpt", "report-type", "tlsrpt" },
	{ "a/b; REPORT-TYPE=\"tlsrpt\";", "report-type", "tlsrpt" },
	{ "a/b;report-type=tlsrpt;boundary=x", "report-type", "tlsrpt" },
	{ "a/b;report-type=tlsrpt;boundary=x", "boundary", "x" },
	{ "a/b; \r\n\tboundary=\"a b;c=d\"", "boundary", "a b;c=d" },
	{ "a/b; boundary = x", "boundary", "x" },
	{ "a/b; boundary=\"a\\\"b\\\\\"", "boundary", "a\"b\\" },
	{ "a/b; boundary=\"open", "boundary", "open" },
	{ "a/b; boundary=\"\"", "boundary", "" },
	{ "a/b; boundary=", "boundary", "" },
	{ "a/b; boundary", "boundary", NULL },
	{ "a/b; x=\"boundary=no\"", "boundary", NULL },
	{ "a/b; x=\"; boundary=no\"; boundary=yes", "boundary", "yes" },
	{ "a/b; xboundary=no", "boundary", NULL },
	{ "a/b; boundaryx=no", "boundary", NULL },
	{ "a/b", "boundary", NULL },
	{ "", "boundary", NULL },
	{ "boundary=x", "boundary", NULL },
	{ "a/b; boundary=one; boundary=two", "boundary", "one" },
	{ "a/b (; boundary=no); boundary=yes", "boundary", "yes" },
	{ "a/b; (; boundary=no) boundary=yes", "boundary", "yes" },
	{ "a/b; x=y (; boundary=no); boundary=yes", "boundary", "yes" },
	{ "a/b; boundary=(comment)yes", "boundary", "yes" },
	{ "a/b;; ; boundary=x", "boundary", "x" },
	/* A folded name with trailing space, as Google sends it. */
	{ "application/tlsrpt+gzip; \r\n\tname=\"g!e!1!2!001.json.gz\" ",
	    "name", "g!e!1!2!001.json.gz" },
	/* RFC 2231. */
	{ "a; name*0=\"goo\"; name*1=gle", "name", "google" },
	{ "a; name*1=gle; name*0=goo", "name", "google" },
	{ "a; name*0*=UTF-8''g%21; name*1=%21; name*2*=%2e", "name", "g!%21." },
	{ "a; name*=utf-8'en'%C3%A9!x", "name", "\xc3\xa9!x" },
	{ "a; name*=%41b", "name", "Ab" },
	{ "a; name*=UTF-8''%zz%4", "name", "%zz%4" },
	{ "a; name*=UTF-8''a%00b", "name", "a b" },
	{ "a; name*1=only", "name", NULL },
	{ "a; name*0=a; name*2=c", "name", "a" },
	{ "a; name*x=a", "name", NULL },
	{ "a; name*00000000001=a", "name", NULL },
	{ "a; name*99999999999999999999=a; name=b", "name", "b" },
	{ "a; name=\"a\r\n b\"", "name", "a b" },
};

START_TEST(parameters)
{
	char out[HEADER_VALUE_MAX] = "untouched";
	bool is_found =
	    header_param(params[_i].value, params[_i].name, out, sizeof out);

	ck_assert_msg(
	    is_found == (params[_i].want != NULL), "%s", params[_i].value);
	ck_string(params[_i].value, out,
	    params[_i].want != NULL ? params[_i].want : "untouched");
}
END_TEST

START_TEST(a_parameter_is_cut_to_its_room)
{
	char out[5];

	ck_assert(header_param("a; n=abcd", "n", out, sizeof out));
	ck_assert_str_eq(out, "abcd");
	ck_assert(header_param("a; n=abcde", "n", out, sizeof out));
	ck_assert_str_eq(out, "abcd");
	ck_assert(
	    header_param("a; n*0=abc; n*1=de; n*2=f", "n", out, sizeof out));
	ck_assert_str_eq(out, "abcd");
}
END_TEST

/*
 * A field of the greatest size, full of pieces: the work must not grow with
 * their square. 1,000 such fields fit into one message.
 */
START_TEST(many_pieces_cost_little)
{
	char out[HEADER_VALUE_MAX];
	clock_t begin;
	struct buf in;

	buf_init(&in, HEADER_FIELD_MAX);
	ck_status("in", buf_adds(&in, "a/b"), ST_OK);
	for (unsigned i = 0; in.len < HEADER_FIELD_MAX - 16; i++)
		ck_status("in", buf_addf(&in, ";n*%u=", i), ST_OK);
	begin = clock();
	ck_assert(header_param(in.data, "n", out, sizeof out));
	ck_assert_str_eq(out, "");
	ck_assert_msg(clock() - begin < CLOCKS_PER_SEC / 20,
	    "one field took %ld ms",
	    (long)((clock() - begin) * 1000 / CLOCKS_PER_SEC));
	buf_free(&in);
}
END_TEST

static const struct {
	const char *value;
	size_t size;
	const char *want;
} unfolds[] = {
	{ " Report Domain: x\r\n\tSubmitter: y\n  z ", 64,
	    "Report Domain: x Submitter: y z" },
	{ "", 64, "" },
	{ " \t\r\n", 64, "" },
	{ "abc", 4, "abc" },
	{ "abcd", 4, "abc" },
	{ "ab c", 4, "ab" },
	{ "ab ", 3, "ab" },
	{ "a\xc3\xa9", 4, "a\xc3\xa9" },
	{ "a\xc3\xa9", 3, "a" },
	{ "a\xe2\x82\xac", 4, "a" },
	{ "x", 1, "" },
};

START_TEST(folding_is_undone)
{
	char out[64];

	header_unfold(unfolds[_i].value, out, unfolds[_i].size);
	ck_string(unfolds[_i].value, out, unfolds[_i].want);
}
END_TEST

static const struct {
	const char *value;
	const char *want; /* NULL: none */
} froms[] = {
	{ " noreply-smtp-tls-reporting@google.com", "google.com" },
	{ "Microsoft <tlsrpt-noreply@Microsoft.COM>", "microsoft.com" },
	{ "\"a@b.example, c\" <d@e.example>", "e.example" },
	{ "\"x\\\"@no.example\" <d@e.example>", "e.example" },
	{ "a@b.example <c@d.example>", "d.example" },
	{ "a@b.example (x@no.example)", "b.example" },
	{ "(x@no.example) a@b.example", "b.example" },
	{ "a@b.example, c@d.example", "b.example" },
	{ "<a@b.example>, <c@d.example>", "b.example" },
	{ "Doe, John <a@b.example>", "b.example" },
	{ "<@r.example:a@b.example>", "b.example" },
	{ "\"a@x\"@b.example", "b.example" },
	{ "a@b.example (open", "b.example" },
	{ "MAILER-DAEMON", NULL },
	{ "a@", NULL },
	{ "a@>", NULL },
	{ "", NULL },
};

START_TEST(the_domain_of_an_address)
{
	char out[HEADER_TOKEN_MAX] = "untouched";

	ck_assert_int_eq(
	    header_address_domain(froms[_i].value, out, sizeof out),
	    froms[_i].want != NULL);
	ck_string(froms[_i].value, out,
	    froms[_i].want != NULL ? froms[_i].want : "untouched");
}
END_TEST

START_TEST(a_domain_that_does_not_fit)
{
	char out[10] = "untouched";

	ck_assert(!header_address_domain("a@0123456.de", out, sizeof out));
	ck_assert_str_eq(out, "untouched");
	ck_assert(header_address_domain("a@012345.de", out, sizeof out));
	ck_assert_str_eq(out, "012345.de");
}
END_TEST

Suite *
header_suite(void)
{
	Suite *suite = suite_create("header");
	TCase *tc = tcase_create("header");

	tcase_add_loop_test(tc, header_blocks_split, 0, (int)ARRAY_LEN(blocks));
	tcase_add_loop_test(tc, a_field_is_cut_at_its_limit, 0, 4);
	tcase_add_test(tc, the_callback_ends_the_splitting);
	tcase_add_test(tc, splitting_without_memory);
	tcase_add_loop_test(tc, the_leading_token, 0, (int)ARRAY_LEN(tokens));
	tcase_add_test(tc, a_token_is_cut_to_its_room);
	tcase_add_loop_test(tc, parameters, 0, (int)ARRAY_LEN(params));
	tcase_add_test(tc, a_parameter_is_cut_to_its_room);
	tcase_add_test(tc, many_pieces_cost_little);
	tcase_add_loop_test(tc, folding_is_undone, 0, (int)ARRAY_LEN(unfolds));
	tcase_add_loop_test(
	    tc, the_domain_of_an_address, 0, (int)ARRAY_LEN(froms));
	tcase_add_test(tc, a_domain_that_does_not_fit);
	suite_add_tcase(suite, tc);
	return suite;
}
