#include <check.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "suites.h"
#include "unit.h"

#define TOKEN "0123456789abcdef"
#define HOST  "Host: h\n"
#define ONE   HOST "Content-Length: 1\n"

static struct conf *conf;

static void
setup(void)
{
	conf = unit_conf("Mailbox a@b\nMaxBodySize 1K\n"
			 "PathSecret d.example " TOKEN "\n");
}

static void
teardown(void)
{
	conf_unref(&conf);
}

/* "METHOD TARGET VERSION" and "Name: value" lines. */
static void
judge(const char *request, const char *fields, bool is_folded,
    struct admission *admission)
{
	static char line[256], text[4096];
	static struct upload_field field[128];
	struct upload_head head = { .field = field, .is_folded = is_folded };
	char *rest, *at;

	(void)snprintf(line, sizeof line, "%s", request);
	(void)snprintf(text, sizeof text, "%s", fields);
	head.method = strtok_r(line, " ", &rest);
	head.target = strtok_r(NULL, " ", &rest);
	head.version = strtok_r(NULL, " ", &rest);
	for (at = strtok_r(text, "\n", &rest); at != NULL;
	     at = strtok_r(NULL, "\n", &rest)) {
		char *colon = strchr(at, ':');

		*colon = '\0';
		field[head.count].name = at;
		field[head.count++].value = colon + 1 + (colon[1] == ' ');
	}
	admission_judge(&head, conf, admission);
}

/* status 0: it may come in, for what is wanted. */
static const struct {
	const char *request, *fields;
	enum upload_what what;
	unsigned status;
	const char *reason;
	bool must_close;
} rows[] = {
	{ "POST /v1/tlsrpt HTTP/1.1", ONE, UPLOAD_REPORT, 0, NULL, false },
	{ "POST /v1/tlsrpt HTTP/1.0", "Content-Length: 1\n", UPLOAD_REPORT, 0,
	    NULL, false },
	{ "POST /v1/tlsrpt HTTP/1.1", "Content-Length: 1\n", UPLOAD_NOTHING,
	    400, "host", true },
	{ "POST /v1/tlsrpt HTTP/1.1", ONE "host: i\n", UPLOAD_NOTHING, 400,
	    "host", true },
	{ "POST http://h/v1/tlsrpt HTTP/1.1", ONE, UPLOAD_REPORT, 0, NULL,
	    false },
	{ "POST https://h HTTP/1.1", ONE, UPLOAD_NOTHING, 404, "path", true },
	{ "POST /v1/tlsrpt/" TOKEN " HTTP/1.1", ONE, UPLOAD_REPORT, 0, NULL,
	    false },
	{ "POST /v1/tlsrpt/" TOKEN "/ HTTP/1.1", ONE, UPLOAD_NOTHING, 404,
	    "path", true },
	{ "POST /v1/tlsrpt/0123456789abcdeF HTTP/1.1", ONE, UPLOAD_NOTHING, 404,
	    "path", true },
	{ "POST /v1/tlsrpt/0123456789abcde HTTP/1.1", ONE, UPLOAD_NOTHING, 404,
	    "path", true },
	{ "POST /v1/tlsrpt/ HTTP/1.1", ONE, UPLOAD_NOTHING, 404, "path", true },
	{ "POST /v1/tlsrpts HTTP/1.1", ONE, UPLOAD_NOTHING, 404, "path", true },
	{ "POST /V1/tlsrpt HTTP/1.1", ONE, UPLOAD_NOTHING, 404, "path", true },
	{ "GET /nothing HTTP/1.1", HOST, UPLOAD_NOTHING, 404, "path", false },
	{ "GET /v1/tlsrpt HTTP/1.1", HOST, UPLOAD_PAGE, 0, NULL, false },
	{ "HEAD /v1/tlsrpt HTTP/1.1", HOST, UPLOAD_PAGE, 0, NULL, false },
	{ "GET /v1/tlsrpt HTTP/1.1", ONE, UPLOAD_PAGE, 0, NULL, true },
	{ "GET /v1/tlsrpt/" TOKEN " HTTP/1.1", HOST, UPLOAD_PAGE, 0, NULL,
	    false },
	{ "GET /healthz HTTP/1.1", HOST, UPLOAD_HEALTH, 0, NULL, false },
	{ "POST /healthz HTTP/1.1", ONE, UPLOAD_NOTHING, 405, "method", true },
	{ "PUT /v1/tlsrpt HTTP/1.1", ONE, UPLOAD_NOTHING, 405, "method", true },
	{ "get /v1/tlsrpt HTTP/1.1", HOST, UPLOAD_NOTHING, 405, "method",
	    false },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST, UPLOAD_NOTHING, 411, "no-length",
	    false },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Content-Length: 0\n",
	    UPLOAD_NOTHING, 400, "empty", false },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Content-Length: 1024\n",
	    UPLOAD_REPORT, 0, NULL, false },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Content-Length: 1025\n",
	    UPLOAD_NOTHING, 413, "too-large", true },
	{ "POST /v1/tlsrpt HTTP/1.1",
	    HOST "Content-Length: 18446744073709551617\n", UPLOAD_NOTHING, 413,
	    "too-large", true },
	{ "POST /v1/tlsrpt HTTP/1.1",
	    HOST "Content-Length: 000000000000000000000001024\n", UPLOAD_REPORT,
	    0, NULL, false },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Content-Length: +1\n",
	    UPLOAD_NOTHING, 400, "content-length", true },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Content-Length: 1, 1\n",
	    UPLOAD_NOTHING, 400, "content-length", true },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Content-Length:\n", UPLOAD_NOTHING,
	    400, "content-length", true },
	{ "POST /v1/tlsrpt HTTP/1.1", ONE "Content-Length: 1\n", UPLOAD_NOTHING,
	    400, "content-length", true },
	{ "POST /v1/tlsrpt HTTP/1.1", ONE "Transfer-Encoding: chunked\n",
	    UPLOAD_NOTHING, 400, "two-lengths", true },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Transfer-Encoding: Chunked\n",
	    UPLOAD_REPORT, 0, NULL, false },
	{ "POST /v1/tlsrpt HTTP/1.0", HOST "Transfer-Encoding: chunked\n",
	    UPLOAD_NOTHING, 400, "transfer-encoding", true },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Transfer-Encoding: gzip, chunked\n",
	    UPLOAD_NOTHING, 400, "transfer-encoding", true },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Transfer-Encoding: identity\n",
	    UPLOAD_NOTHING, 400, "transfer-encoding", true },
	{ "POST /v1/tlsrpt HTTP/1.1",
	    HOST "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
	    UPLOAD_NOTHING, 400, "transfer-encoding", true },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Transfer-Encoding: chunked;x\n",
	    UPLOAD_NOTHING, 400, "transfer-encoding", true },
	{ "POST /v1/tlsrpt HTTP/1.1", HOST "Content-Length : 1\n",
	    UPLOAD_NOTHING, 400, "field-name", true },
	{ "POST /v1/tlsrpt HTTP/1.1", ONE "(: x\n", UPLOAD_NOTHING, 400,
	    "field-name", true },
	{ "POST /v1/tlsrpt HTTP/1.1", ONE "X: a\rTransfer-Encoding: chunked\n",
	    UPLOAD_NOTHING, 400, "field-value", true },
	{ "POST /v1/tlsrpt HTTP/1.1", ONE "X: \x7f\n", UPLOAD_NOTHING, 400,
	    "field-value", true },
	{ "POST /v1/tlsrpt HTTP/1.1", ONE "X: \x01\n", UPLOAD_NOTHING, 400,
	    "field-value", true },
	{ "POST /v1/tlsrpt HTTP/1.1", ONE "X: a\tb \xc3\xa4\xff\n",
	    UPLOAD_REPORT, 0, NULL, false },
	/* Who is wrong about the end is told so before all else. */
	{ "GET /nothing HTTP/1.1", ONE "Transfer-Encoding: chunked\n",
	    UPLOAD_NOTHING, 400, "two-lengths", true },
};

START_TEST(heads_are_judged)
{
	struct admission a;

	judge(rows[_i].request, rows[_i].fields, false, &a);
	ck_assert_msg(a.status == rows[_i].status, "%s\n%s%u %s",
	    rows[_i].request, rows[_i].fields, a.status, a.reason);
	ck_assert_int_eq(a.what, rows[_i].what);
	ck_assert_int_eq(a.must_close, rows[_i].must_close);
	if (rows[_i].reason != NULL)
		ck_string(rows[_i].request, a.reason, rows[_i].reason);
}
END_TEST

START_TEST(a_fold_is_refused)
{
	struct admission a;

	judge("POST /v1/tlsrpt HTTP/1.1", ONE, true, &a);
	ck_assert_uint_eq(a.status, 400);
	ck_assert_str_eq(a.reason, "folded-field");
	ck_assert(a.must_close);
}
END_TEST

START_TEST(fields_are_bounded)
{
	char fields[4096] = ONE;
	struct admission a;

	for (int i = 2; i < ADMISSION_FIELDS_MAX; i++)
		(void)strcat(fields, "x: y\n");
	judge("POST /v1/tlsrpt HTTP/1.1", fields, false, &a);
	ck_assert_int_eq(a.what, UPLOAD_REPORT);
	(void)strcat(fields, "x: y\n");
	judge("POST /v1/tlsrpt HTTP/1.1", fields, false, &a);
	ck_assert_uint_eq(a.status, 431);
	ck_assert(a.must_close);
}
END_TEST

START_TEST(what_is_taken_from_a_head)
{
	struct admission a;

	judge("POST /v1/tlsrpt/" TOKEN " HTTP/1.1",
	    ONE "Content-Type:   Application/TLSRPT+gzip ; charset=utf-8\n"
		"Content-Encoding: X-GZIP\n",
	    false, &a);
	ck_assert_str_eq(a.token, TOKEN);
	ck_assert_str_eq(a.type, "application/tlsrpt+gzip");
	ck_assert(a.is_gzip);
	ck_assert_uint_eq(a.length, 1);
	judge("POST /v1/tlsrpt HTTP/1.1",
	    HOST "Transfer-Encoding: chunked\nContent-Encoding: br\n", false,
	    &a);
	ck_assert_str_eq(a.token, "");
	ck_assert_str_eq(a.type, "");
	ck_assert(!a.is_gzip);
	ck_assert_uint_eq(a.length, UINT64_MAX);
}
END_TEST

#define GZIP "\x1f\x8b\x08"

static const struct {
	const char *fields; /* besides the length */
	const char *data;
	const char *label;
	bool is_foreign;
} bodies[] = {
	{ "", "{", "application/octet-stream", false },
	{ "Content-Type: application/tlsrpt+json\n", "{",
	    "application/tlsrpt+json", false },
	{ "Content-Type: application/tlsrpt+json\n", GZIP,
	    "application/tlsrpt+json", false },
	{ "Content-Type: application/tlsrpt+json\nContent-Encoding: gzip\n",
	    GZIP, "application/tlsrpt+gzip", false },
	{ "Content-Type: application/tlsrpt+json\nContent-Encoding: gzip\n",
	    "{", "application/tlsrpt+json", false },
	{ "Content-Type: application/tlsrpt+gzip\nContent-Encoding: gzip\n",
	    GZIP, "application/tlsrpt+gzip", false },
	{ "Content-Type: multipart/form-data; boundary=x\n", "--x",
	    "application/octet-stream", false },
	{ "Content-Type: message/rfc822\n", "From: x",
	    "application/octet-stream", false },
	{ "Content-Type: a\"b\n", "{", "application/octet-stream", false },
	{ "Content-Type: text/html\n", " \n<!doctype", "text/html", true },
	{ "Content-Type: text/html\n", "{", "text/html", false },
	{ "Content-Type: text/html\n", GZIP, "text/html", false },
	{ "Content-Type: application/tlsrpt+json\n", "<html",
	    "application/tlsrpt+json", false },
	{ "Content-Type: image/png\n", "\x89PNG\r\n", "image/png", true },
	{ "Content-Type: image/png\n", "", "image/png", false },
};

START_TEST(bodies_are_labelled)
{
	const char *data = bodies[_i].data;
	struct admission a;
	char fields[512];

	(void)snprintf(fields, sizeof fields, ONE "%s", bodies[_i].fields);
	judge("POST /v1/tlsrpt HTTP/1.1", fields, false, &a);
	ck_string(bodies[_i].fields, admission_label(&a, data, strlen(data)),
	    bodies[_i].label);
	ck_assert_int_eq(admission_is_foreign(&a, data, strlen(data)),
	    bodies[_i].is_foreign);
}
END_TEST

Suite *
admission_suite(void)
{
	Suite *suite = suite_create("admission");
	TCase *tc = tcase_create("admission");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, heads_are_judged, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, a_fold_is_refused);
	tcase_add_test(tc, fields_are_bounded);
	tcase_add_test(tc, what_is_taken_from_a_head);
	tcase_add_loop_test(tc, bodies_are_labelled, 0, (int)ARRAY_LEN(bodies));
	suite_add_tcase(suite, tc);
	return suite;
}
