#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "inject.h"
#include "mime.h"
#include "suites.h"
#include "unit.h"

/*
 * What the handler is given is printed as "[type|filename|description|flags]"
 * with flags b for base64, q for quoted-printable, T for top and Q for quoted,
 * then the bytes, then "]".
 */
struct walk {
	struct mime *mime;
	struct buf out;
	enum status st;
	struct fault fault;
	enum status begin, data, end; /* the handler's answers */
	bool is_silent;
};

static enum status
print_begin(void *ctx, const struct mime_part *part)
{
	struct walk *w = ctx;

	if (!w->is_silent)
		(void)buf_addf(&w->out, "[%.60s|%.60s|%.60s|%s%s%s]",
		    part->type, part->filename, part->description,
		    part->encoding == MIME_BASE64                 ? "b"
			: part->encoding == MIME_QUOTED_PRINTABLE ? "q"
								  : "",
		    part->is_top ? "T" : "", part->is_quoted ? "Q" : "");
	return w->begin;
}

static enum status
print_data(void *ctx, const char *data, size_t len)
{
	struct walk *w = ctx;

	if (!w->is_silent)
		(void)buf_add(&w->out, data, len);
	return w->data;
}

static enum status
print_end(void *ctx)
{
	struct walk *w = ctx;

	if (!w->is_silent)
		(void)buf_addc(&w->out, ']');
	return w->end;
}

static const struct mime_handler handler = { print_begin, print_data,
	print_end };

static void
walk_init(struct walk *w, const struct mime_limits *limits)
{
	*w = (struct walk){ .st = ST_OK };
	buf_init(&w->out, 1 << 22);
	(void)buf_adds(&w->out, "");
	w->mime = mime_new(&handler, w, limits);
	ck_expect(w->mime != NULL, "out of memory");
}

static void
walk_free(struct walk *w)
{
	mime_free(&w->mime);
	ck_expect(w->mime == NULL, "still there");
	mime_free(&w->mime);
	buf_free(&w->out);
}

static void
feed(void *ctx, const char *data, size_t len)
{
	struct walk *w = ctx;

	if (w->st == ST_OK)
		w->st = mime_body(w->mime, data, len, &w->fault);
}

#define MIXED  "multipart/mixed; boundary=b"
#define REPORT "multipart/report; report-type=tlsrpt; boundary=\"b\""
#define END    DEV(DEV_MISSING_MIME_END)

static const struct {
	const char *name;
	const char *type; /* Content-Type of the message, or NULL */
	const char *body;
	const char *want;
	deviations dev;
	bool is_tlsrpt;
} rows[] = {
	{ "no type", NULL, "hello\r\nworld", "[|||T]hello\r\nworld]", 0,
	    false },
	{ "no body", NULL, "", "[|||T]]", 0, false },
	{ "plain", "text/plain", "--b\r\n\r\n-x\n",
	    "[text/plain|||T]--b\r\n\r\n-x\n]", 0, false },
	{ "report as the whole body",
	    "Application/TLSRPT+gzip; name=\"a!b!1!2.json.gz\"", "x",
	    "[application/tlsrpt+gzip|a!b!1!2.json.gz||T]x]", 0, false },
	{ "two parts", REPORT,
	    "preamble\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
	    "--b\r\nContent-Type: application/tlsrpt+json\r\n"
	    "Content-Disposition: attachment;\r\n\tfilename=f.json\r\n"
	    "Content-Transfer-Encoding: BASE64\r\n"
	    "Content-Description: a  b\r\n\r\ne30=\r\n\r\n--b--\r\nepilogue",
	    "[text/plain|||]hello]"
	    "[application/tlsrpt+json|f.json|a b|b]e30=\r\n]",
	    0, true },
	{ "LF alone", REPORT,
	    "--b\nContent-Transfer-Encoding: quoted-printable\n\nhello\n\n"
	    "--b--\n",
	    "[|||q]hello\n]", 0, true },
	{ "no closing delimiter", MIXED, "--b\r\n\r\nhello\r\n",
	    "[|||]hello\r\n]", END, false },
	{ "closing delimiter lacks its end", MIXED,
	    "--b\r\n\r\nhello\r\n--b\r\n", "[|||]hello]", END, false },
	{ "no line end at the end", MIXED, "--b\r\n\r\nhello\r\n--b--",
	    "[|||]hello]", 0, false },
	{ "white space behind", MIXED, "--b \t\r\n\r\nhello\r\n--b-- \r\n",
	    "[|||]hello]", 0, false },
	{ "look-alikes", MIXED,
	    "--b\r\n\r\n--bb\r\n-- b\r\n--b-\r\n-b\r\n --b\r\n--c--\r\nx--b\r\n"
	    "--b--x\r\n--B\r\n--b--",
	    "[|||]--bb\r\n-- b\r\n--b-\r\n-b\r\n --b\r\n--c--\r\nx--b\r\n"
	    "--b--x\r\n--B]",
	    0, false },
	{ "empty parts", MIXED, "--b\r\n\r\n--b\r\n\r\n\r\n--b--",
	    "[|||]][|||]]", 0, false },
	{ "no header, no blank line", MIXED, "--b\r\nhello\r\n--b--", "[|||]]",
	    0, false },
	{ "header alone", MIXED, "--b\r\nContent-Type: a/b\r\n--b--",
	    "[a/b|||]]", 0, false },
	{ "lone CRs", MIXED, "--b\r\n\r\na\rb\r\r\n\r--b\r\n\r\r\n--b--",
	    "[|||]a\rb\r\r\n\r--b\r\n\r]", 0, false },
	{ "many line ends", MIXED, "--b\r\n\r\n\r\n\n\r\n\n--b--",
	    "[|||]\r\n\n\r\n]", 0, false },
	{ "no multipart: no boundary", "multipart/mixed", "--b\r\n\r\nx",
	    "[multipart/mixed|||T]--b\r\n\r\nx]", 0, false },
	{ "boundary in RFC 2231",
	    "multipart/mixed; boundary*0=\"b\"; "
	    "boundary*1=c",
	    "--bc\n\nx\n--bc--", "[|||]x]", 0, false },
	{ "nested", MIXED,
	    "--b\n\none\n--b\nContent-Type: multipart/alternative; "
	    "boundary=c\n\npre\n--c\n\ntwo\n--c\n\nthree\n--c--\nepi\n"
	    "--b\n\nfour\n--b--\n",
	    "[|||]one][|||]two][|||]three][|||]four]", 0, false },
	{ "inner ends with its parent", MIXED,
	    "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
	    "--c\n\ntwo\n--b\n\nfour\n--b--\n",
	    "[|||]two][|||]four]", END, false },
	{ "inner boundary begins like the outer", MIXED,
	    "--b\nContent-Type: multipart/alternative; boundary=bb\n\n"
	    "--bb\n\ntwo\n--bb--\n--b\n\nfour\n--b--\n",
	    "[|||]two][|||]four]", 0, false },
	{ "inner boundary is the outer's end", MIXED,
	    "--b\nContent-Type: multipart/alternative; boundary=\"b--\"\n\n"
	    "--b--\n\ntwo\n--b----\n--b\n\nfour\n--b--\n",
	    "[|||]two][|||]four]", 0, false },
	{ "attached message", MIXED,
	    "--b\nContent-Type: message/rfc822\n\nSubject: x\n"
	    "Content-Type: text/plain\n\nhello\n--b--\n",
	    "[text/plain|||]hello]", 0, false },
	{ "attached report", MIXED,
	    "--b\nContent-Type: message/rfc822\n\n"
	    "Content-Type: multipart/report; boundary=c\n\n--c\n\nx\n--c--\n"
	    "--b\n\ny\n--b--\n",
	    "[|||]x][|||]y]", 0, false },
	{ "attached message, encoded", MIXED,
	    "--b\nContent-Type: message/rfc822\n"
	    "Content-Transfer-Encoding: base64\n\nU3Vi\n--b--\n",
	    "[message/rfc822|||b]U3Vi]", 0, false },
	{ "attached message, empty", MIXED,
	    "--b\nContent-Type: message/rfc822\n\n--b--\n", "", 0, false },
	{ "message at the top", "message/rfc822", "Subject: x\n\ny\n",
	    "[message/rfc822|||T]Subject: x\n\ny\n]", 0, false },
	{ "somebody's bounce",
	    "multipart/report; report-type=delivery-status; boundary=b",
	    "--b\nContent-Type: message/rfc822\n\n"
	    "Content-Type: multipart/report; report-type=tlsrpt; boundary=c\n"
	    "\n--c\nContent-Type: application/tlsrpt+gzip\n\nx\n--c--\n"
	    "--b--\n",
	    "[application/tlsrpt+gzip|||Q]x]", 0, false },
	{ "report type missing", "multipart/report; boundary=b",
	    "--b\n\nx\n--b--", "[|||]x]", DEV(DEV_REPORT_TYPE_MISSING), false },
	{ "report type in other case",
	    "multipart/report; boundary=b; report-type=\"TLSRPT\";",
	    "--b\n\nx\n--b--", "[|||]x]", 0, true },
	{ "misspelled field", MIXED,
	    "--b\nContentType: application/tlsrpt+gzip\n\nx\n--b--",
	    "[application/tlsrpt+gzip|||]x]", DEV(DEV_MISSPELLED_CONTENT_TYPE),
	    false },
	{ "two that contradict", MIXED,
	    "--b\nContent-Type: text/plain\n"
	    "Content-Type: application/tlsrpt+gzip\n\nx\n--b--",
	    "[application/tlsrpt+gzip|||]x]", DEV(DEV_REPEATED_CONTENT_TYPE),
	    false },
	{ "filename before name", MIXED,
	    "--b\nContent-Type: a/b; name=n\n"
	    "Content-Disposition: attachment; filename=f\n\nx\n--b--",
	    "[a/b|f||]x]", 0, false },
	{ "name alone", MIXED, "--b\nContent-Type: a/b; name=n\n\nx\n--b--",
	    "[a/b|n||]x]", 0, false },
	{ "dashes before the delimiter", MIXED, "--b\r\n\r\n-\r\n--\r\n--b--",
	    "[|||]-\r\n--]", 0, false },
	{ "body begins with dashes", MIXED, "--b\n\n--x\n--\n--b\n\n-\n--b--",
	    "[|||]--x\n--][|||]-]", 0, false },
};

START_TEST(structures)
{
	size_t len = strlen(rows[_i].body);

	for (size_t way = 0; way < unit_ways(len); way++) {
		struct walk w;

		walk_init(&w, NULL);
		if (rows[_i].type != NULL)
			ck_status("field",
			    mime_field(w.mime, "Content-Type", rows[_i].type),
			    ST_OK);
		unit_feed(way, rows[_i].body, len, feed, &w);
		ck_status(rows[_i].name, w.st, ST_OK);
		ck_status(rows[_i].name, mime_finish(w.mime, &w.fault), ST_OK);
		ck_string(rows[_i].name, w.out.data, rows[_i].want);
		ck_deviations(
		    rows[_i].name, mime_deviations(w.mime), rows[_i].dev);
		ck_assert_int_eq(mime_is_tlsrpt(w.mime), rows[_i].is_tlsrpt);
		walk_free(&w);
	}
}
END_TEST

/* Lines of every length around what is held back for a delimiter. */
START_TEST(long_lines_of_dashes)
{
	struct buf in, want;

	for (size_t len = 1; len <= 700;
	     len += len < 250 || len > 330 ? 83 : 1) {
		static const char *const eols[] = { "\r\n", "\n", "\r\r\n" };

		for (size_t e = 0; e < ARRAY_LEN(eols); e++) {
			const char *rest = eols[e][1] == '\r' ? "\r" : "";

			buf_init(&in, 4096);
			buf_init(&want, 4096);
			(void)buf_adds(&in, "--b\r\n\r\n");
			unit_repeat(&in, "-", len);
			(void)buf_adds(&in, eols[e]);
			(void)buf_adds(&in, "--b--\r\n");
			(void)buf_adds(&want, "[|||]");
			unit_repeat(&want, "-", len);
			(void)buf_addf(&want, "%s]", rest);
			for (size_t way = 0; way < unit_ways(in.len); way++) {
				struct walk w;

				walk_init(&w, NULL);
				(void)mime_field(w.mime, "Content-Type", MIXED);
				unit_feed(way, in.data, in.len, feed, &w);
				w.st = mime_finish(w.mime, NULL);
				if (w.st != ST_OK ||
				    strcmp(w.out.data, want.data) != 0)
					ck_abort_msg("%zu dashes, way %zu: %s",
					    len, way, w.out.data);
				walk_free(&w);
			}
			buf_free(&in);
			buf_free(&want);
		}
	}
}
END_TEST

/* An RFC boundary has up to 70 characters; up to 255 are taken. */
START_TEST(boundaries_of_every_length)
{
	static const size_t lens[] = { 1, 70, 71, 254, 255 };
	struct buf boundary, type, body;
	struct walk w;

	buf_init(&boundary, 1000);
	buf_init(&type, 1000);
	buf_init(&body, 1000);
	unit_repeat(&boundary, "=", lens[_i]);
	(void)buf_adds(&type, "multipart/mixed; boundary=\"");
	(void)buf_adds(&type, boundary.data);
	(void)buf_adds(&type, "\"");
	(void)buf_adds(&body, "--");
	(void)buf_adds(&body, boundary.data);
	(void)buf_adds(&body, "\r\n\r\nx\r\n--");
	(void)buf_adds(&body, boundary.data);
	(void)buf_adds(&body, "--");
	for (size_t way = 0; way < unit_ways(body.len); way++) {
		walk_init(&w, NULL);
		(void)mime_field(w.mime, "Content-Type", type.data);
		unit_feed(way, body.data, body.len, feed, &w);
		ck_status("walk", mime_finish(w.mime, NULL), ST_OK);
		ck_string("boundary", w.out.data, "[|||]x]");
		walk_free(&w);
	}
	buf_free(&boundary);
	buf_free(&type);
	buf_free(&body);
}
END_TEST

static void
add_parts(struct buf *body, size_t parts)
{
	for (size_t i = 0; i < parts; i++)
		(void)buf_adds(body, "--b\r\n\r\nx\r\n");
	(void)buf_adds(body, "--b--\r\n");
}

START_TEST(parts_have_their_limit)
{
	static const struct mime_limits three = { 16, 3 };
	static const struct {
		const struct mime_limits *limits;
		size_t parts;
		enum status want;
	} limits[] = {
		{ NULL, MIME_PARTS_MAX, ST_OK },
		{ NULL, MIME_PARTS_MAX + 1, ST_TOO_MANY_PARTS },
		{ NULL, 10000, ST_TOO_MANY_PARTS },
		{ &three, 3, ST_OK },
		{ &three, 4, ST_TOO_MANY_PARTS },
	};
	size_t max = limits[_i].limits == &three ? 3 : MIME_PARTS_MAX;
	struct buf body;
	struct walk w;

	buf_init(&body, 1 << 20);
	add_parts(&body, limits[_i].parts);
	for (size_t way = 0; way < 3; way++) {
		walk_init(&w, limits[_i].limits);
		(void)mime_field(w.mime, "Content-Type", MIXED);
		unit_feed(way, body.data, body.len, feed, &w);
		ck_status("body", w.st, limits[_i].want);
		if (w.st != ST_OK) {
			ck_status("fault", w.fault.status, w.st);
			ck_assert_str_ne(w.fault.detail, "");
			/* What is fed now is passed over. */
			w.fault.status = ST_OK;
			ck_status(
			    "again", mime_body(w.mime, "x", 1, &w.fault), w.st);
			ck_status("fault again", w.fault.status, w.st);
		}
		ck_status(
		    "finish", mime_finish(w.mime, &w.fault), limits[_i].want);
		/* The parts up to the limit were handed over. */
		ck_assert_uint_eq(w.out.len,
		    (limits[_i].parts < max ? limits[_i].parts : max) *
			strlen("[|||]x]"));
		walk_free(&w);
	}
	buf_free(&body);
}
END_TEST

/* So many multiparts, or attached messages, within each other. */
static void
nest(struct buf *body, size_t levels, bool is_message)
{
	(void)buf_adds(body, "--b\n");
	for (size_t i = 1; i < levels; i++) {
		if (is_message)
			(void)buf_adds(
			    body, "Content-Type: message/rfc822\n\n");
		else
			(void)buf_addf(body,
			    "Content-Type: multipart/mixed; boundary=c%zu\n\n"
			    "--c%zu\n",
			    i, i);
	}
	(void)buf_adds(body, "\nx\n");
}

START_TEST(depth_has_its_limit)
{
	static const struct mime_limits three = { 3, 10 };
	static const struct {
		const struct mime_limits *limits;
		size_t levels;
		enum status want;
	} limits[] = {
		{ NULL, MIME_DEPTH_MAX, ST_OK },
		{ NULL, MIME_DEPTH_MAX + 1, ST_TOO_DEEP },
		{ NULL, 1000, ST_TOO_DEEP },
		{ &three, 3, ST_OK },
		{ &three, 4, ST_TOO_DEEP },
	};

	for (int kind = 0; kind < 2; kind++) {
		struct walk w;
		struct buf body;

		buf_init(&body, 1 << 20);
		nest(&body, limits[_i].levels, kind == 1);
		for (size_t way = 0; way < 2; way++) {
			walk_init(&w, limits[_i].limits);
			(void)mime_field(w.mime, "Content-Type", MIXED);
			unit_feed(way, body.data, body.len, feed, &w);
			ck_status("body", w.st, limits[_i].want);
			ck_status("finish", mime_finish(w.mime, &w.fault),
			    limits[_i].want);
			if (w.st == ST_OK)
				ck_string("leaf", w.out.data, "[|||]x\n]");
			else
				ck_status("fault", w.fault.status, w.st);
			walk_free(&w);
		}
		buf_free(&body);
	}
}
END_TEST

START_TEST(no_level_is_allowed)
{
	static const struct mime_limits none = { 0, 1 };
	struct walk w;

	walk_init(&w, &none);
	(void)mime_field(w.mime, "Content-Type", MIXED);
	ck_status("body", mime_body(w.mime, "x", 1, NULL), ST_TOO_DEEP);
	walk_free(&w);
	walk_init(&w, &none);
	ck_status("body", mime_body(w.mime, "x", 1, NULL), ST_OK);
	ck_status("finish", mime_finish(w.mime, NULL), ST_OK);
	ck_string("leaf", w.out.data, "[|||T]x]");
	walk_free(&w);
}
END_TEST

START_TEST(the_handler_ends_the_walk)
{
	static const char body[] = "--b\n\nhello\n--b\n\nx\n--b--\n";
	static const struct {
		enum status begin, data, end;
		const char *want;
	} answers[] = {
		{ ST_NO_MEMORY, ST_OK, ST_OK, "[|||]" },
		{ ST_OK, ST_TOO_LARGE, ST_OK, "[|||]hello" },
		{ ST_OK, ST_OK, ST_SPOOL, "[|||]hello]" },
	};
	enum status want =
	    answers[_i].begin + answers[_i].data + answers[_i].end;
	struct walk w;

	walk_init(&w, NULL);
	w.begin = answers[_i].begin;
	w.data = answers[_i].data;
	w.end = answers[_i].end;
	(void)mime_field(w.mime, "Content-Type", MIXED);
	ck_status(
	    "body", mime_body(w.mime, body, strlen(body), &w.fault), want);
	ck_status("finish", mime_finish(w.mime, &w.fault), want);
	ck_status("fault", w.fault.status, want);
	ck_string("out", w.out.data, answers[_i].want);
	walk_free(&w);
}
END_TEST

/* A line without a break costs no more than any other bytes. */
START_TEST(a_line_of_many_bytes_is_passed_through)
{
	static char block[65536];
	struct walk w;

	memset(block, '-', sizeof block);
	walk_init(&w, NULL);
	w.is_silent = true;
	(void)mime_field(w.mime, "Content-Type", MIXED);
	ck_status("head", mime_body(w.mime, "--b\n\n", 5, NULL), ST_OK);
	for (int i = 0; i < 1600; i++)
		ck_status("block", mime_body(w.mime, block, sizeof block, NULL),
		    ST_OK);
	ck_status("finish", mime_finish(w.mime, NULL), ST_OK);
	walk_free(&w);
}
END_TEST

START_TEST(without_memory)
{
	static const char body[] = "--b\nContent-Type: a/b\n\nhello\n--b--\n";
	unsigned n;

	for (n = 1;; n++) {
		enum status st = ST_NO_MEMORY;
		struct fault fault = { .status = ST_NO_MEMORY };
		struct walk w = { .is_silent = true };
		bool is_struck;

		inject_arm(INJECT_MEMORY, n);
		w.mime = mime_new(&handler, &w, NULL);
		if (w.mime != NULL) {
			st = mime_field(w.mime, "Content-Type", MIXED);
			if (st == ST_OK)
				st = mime_body(
				    w.mime, body, strlen(body), &fault);
			if (st == ST_OK)
				st = mime_finish(w.mime, &fault);
			mime_free(&w.mime);
		}
		is_struck = inject_disarm();
		ck_assert_uint_eq(inject_leaks(), 0);
		if (!is_struck) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_status("one", st, ST_NO_MEMORY);
		ck_status("fault", fault.status, ST_NO_MEMORY);
	}
	ck_assert_uint_gt(n, 3);
}
END_TEST

Suite *
mime_suite(void)
{
	Suite *suite = suite_create("mime");
	TCase *tc = tcase_create("mime");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, structures, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, long_lines_of_dashes);
	tcase_add_loop_test(tc, boundaries_of_every_length, 0, 5);
	tcase_add_loop_test(tc, parts_have_their_limit, 0, 5);
	tcase_add_loop_test(tc, depth_has_its_limit, 0, 5);
	tcase_add_test(tc, no_level_is_allowed);
	tcase_add_loop_test(tc, the_handler_ends_the_walk, 0, 3);
	tcase_add_test(tc, a_line_of_many_bytes_is_passed_through);
	tcase_add_test(tc, without_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
