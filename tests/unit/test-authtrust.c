/*
 * Which fields authres trusts; test-authres.c has how it reads one.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authres.h"
#include "header.h"
#include "suites.h"
#include "unit.h"

#define JOB "4jXKF228ZDz1crbk"
#define AR  "Authentication-Results: "

/* What every message ends with. */
#define REST "From: a@evil.example\nSubject: x\nMIME-Version: 1.0\n"

/* A field that a sender made up. */
#define FORGED                                                                 \
	AR "mx.example.test; dkim=pass header.d=google.com header.s=s "        \
	   "header.b=forged\n"

/* A signature as it should be, and what opendkim wrote of it. */
#define SIGNED                                                                 \
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple;\n"               \
	"\td=evil.example; s=sel; i=a+b@evil.example; h=from:subject;\n"       \
	"\tz=From:a=20(b)|Subject:\"x; bh=zS7KNTV0HyeorkDDGwxB1A=;\n"          \
	"\tb=q2+Ns+BGSqm4gYxaQ3T7ud3mir4spmhBV0oCKNzLktrUwk5Qsz5zxJW1\n"       \
	"\t uicqTwYvaxo223DJ3lF82sBpHnn7sI==\n"
#define OPENDKIM(id)                                                           \
	AR id ";\n"                                                            \
	      "\tdkim=pass (1024-bit key; unprotected) header.d=evil.example " \
	      "header.i=@evil.example header.a=rsa-sha256 header.s=sel "       \
	      "header.b=q2+Ns+BG;\n\tdkim-atps=neutral\n"
#define OPENDKIM_NONE AR "mx.example.test; dkim=none;\n\tdkim-atps=neutral\n"

/*
 * What was found: "-" nothing is decided, "+" something is, "!" tainted; then
 * "domain selector b" of each pass with commas between.
 */
static void
ck_found(const char *name, const struct authres *ar, const char *want)
{
	char got[4096];
	int n;

	n = snprintf(got, sizeof got, "%s",
	    ar->is_tainted       ? "!"
		: ar->is_decided ? "+"
				 : "-");
	for (size_t i = 0; i < ar->count; i++) {
		n += snprintf(got + n, sizeof got - (size_t)n, "%s%s %s %s",
		    i > 0 ? "," : "", ar->pass[i].domain, ar->pass[i].selector,
		    ar->pass[i].b);
	}
	ck_string(name, got, want);
}

static enum status
take_field(void *ctx, const char *name, const char *value)
{
	authres_field(ctx, name, value);
	return ST_OK;
}

static void
read_message(struct authres *ar, const char *text)
{
	struct header_splitter splitter;
	size_t used;

	header_splitter_init(&splitter, take_field, ar);
	ck_status("split",
	    header_splitter_more(&splitter, text, strlen(text), &used), ST_OK);
	ck_status("split", header_splitter_finish(&splitter), ST_OK);
	header_splitter_free(&splitter);
}

static void
ck_message(
    const char *trusted, const char *job, const char *text, const char *want)
{
	char *item = strdup(trusted);
	struct conf_list list = { &item, 1 };
	struct authres ar;

	authres_init(&ar, &list);
	authres_set_job(&ar, job);
	read_message(&ar, text);
	ck_found(text, &ar, want);
	free(item);
}

/*
 * Messages. What stands above REST is what a milter behind others sees.
 */

static const struct {
	const char *trusted;
	const char *job;
	const char *text;
	const char *want;
} messages[] = {
#define NAME    "mx.example.test"
#define GENUINE "+evil.example sel q2+Ns+BG"
	/* As seen with opendkim: in front, and what it left behind. */
	{ NAME, NULL, OPENDKIM(NAME) SIGNED REST, GENUINE },
	{ NAME, NULL,
	    "DKIM-Filter: OpenDKIM Filter v2.11.0 mx.example.test " JOB
	    "\n" OPENDKIM(NAME "/" JOB) SIGNED REST,
	    GENUINE },
	{ NAME, NULL, OPENDKIM(NAME) FORGED SIGNED REST, GENUINE },
	{ NAME, NULL, OPENDKIM_NONE FORGED REST, "+" },
	{ NAME, NULL,
	    AR NAME "; dkim=permerror (bad message/signature format)\n" FORGED
		    "Subject: x\n",
	    "+" },
	{ NAME, NULL, AR NAME "; none\n" FORGED REST, "+" },
	{ NAME, NULL, AR NAME "; dkim=pass header.d=a(\n" FORGED REST, "+" },
	/* Other filters' fields above and between. */
	{ NAME, NULL,
	    AR NAME "; dmarc=fail (p=none) header.from=x\n"
		    "Received-SPF: pass\nX-Spam: no\nARC-Seal: i=1\n"
		    "ARC-Message-Signature: i=1\n"
		    "ARC-Authentication-Results: i=1; " NAME "; dkim=fail\n"
		    "DMARC-Filter: x\n" OPENDKIM(NAME) SIGNED REST,
	    GENUINE },
	{ NAME, NULL, AR "elsewhere; dkim=fail\n" OPENDKIM(NAME) REST,
	    GENUINE },
	{ NAME, NULL, "authentication-RESULTS: " NAME "; dkim=fail\n" FORGED,
	    "+" },
	{ NAME, NULL,
	    "ARC-Authentication-Results: i=1; " NAME
	    "; dkim=pass header.d=google.com\n" REST,
	    "-" },
	{ NAME, NULL,
	    "X-Authentication-Results: " NAME
	    "; dkim=pass header.d=google.com\n" REST,
	    "-" },
	/* Forged below each field that comes with a message. */
	{ NAME, NULL, "Received: from a by b; x\n" FORGED REST, "-" },
	{ NAME, NULL, "Return-Path: <a@b>\n" FORGED REST, "-" },
	{ NAME, NULL, "Delivered-To: a@b\n" FORGED REST, "-" },
	{ NAME, NULL, SIGNED FORGED REST, "-" },
	{ NAME, NULL, "From: a@b\n" FORGED, "-" },
	{ NAME, NULL, "To: a@b\n" FORGED, "-" },
	{ NAME, NULL, "Subject: x\n" FORGED, "-" },
	{ NAME, NULL, "Date: x\n" FORGED, "-" },
	{ NAME, NULL, "Message-ID: <a@b>\n" FORGED, "-" },
	{ NAME, NULL, "MIME-Version: 1.0\n" FORGED, "-" },
	{ NAME, NULL, "Content-Type: text/plain\n" FORGED, "-" },
	{ NAME, NULL, "List-Id: x\n" FORGED, "-" },
	{ NAME, NULL, "TLS-Report-Submitter: x\n" FORGED, "-" },
	{ NAME, NULL, "Authentication-Results-Original: x\n" FORGED, "-" },
	{ NAME, NULL, "Xenon: x\n" FORGED, "-" },
	{ NAME, NULL, "ARCade: x\n" FORGED, "-" },
	{ NAME, NULL, OPENDKIM_NONE "Received: x\n" FORGED REST, "+" },
	{ NAME, NULL, REST FORGED, "-" },
	/* In front with no other field: what nothing but a job can tell. */
	{ NAME, NULL, FORGED SIGNED REST, "+google.com s forged" },
	{ NAME "/", JOB, FORGED SIGNED REST, "+" },
	/* The job. */
	{ NAME, JOB, OPENDKIM(NAME "/" JOB) REST, GENUINE },
	{ NAME, JOB, OPENDKIM(NAME) REST, GENUINE },
	{ NAME, JOB, OPENDKIM(NAME "/4jXKF228ZDz1crbl") REST, "+" },
	{ NAME, JOB, OPENDKIM(NAME "/4jxkf228zdz1crbk") REST, "+" },
	{ NAME, JOB, OPENDKIM(NAME "/") REST, "+" },
	{ NAME, NULL, OPENDKIM(NAME "/anything") REST, GENUINE },
	{ NAME "/", JOB, OPENDKIM(NAME "/" JOB) REST, GENUINE },
	{ NAME "/", JOB, OPENDKIM("\"" NAME "/" JOB "\"") REST, GENUINE },
	{ NAME "/", JOB, OPENDKIM(NAME "/" JOB "/") REST, "+" },
	{ NAME "/", JOB, OPENDKIM(NAME "/x") REST, "+" },
	{ NAME "/", JOB, OPENDKIM(NAME "/x") OPENDKIM(NAME "/" JOB) REST, "+" },
	{ NAME "/", JOB, OPENDKIM(NAME) REST, "+" },
	{ NAME "/", NULL, OPENDKIM(NAME "/" JOB) REST, "+" },
	{ NAME "/", JOB, AR NAME "; dmarc=pass\n" OPENDKIM(NAME "/" JOB) REST,
	    GENUINE },
	{ NAME "/", JOB, OPENDKIM("x" NAME "/" JOB) REST, "-" },
	{ NAME "/", JOB, OPENDKIM(NAME "x/" JOB) REST, "-" },
#undef NAME
#undef GENUINE
};

START_TEST(messages_are_read)
{
	ck_message(messages[_i].trusted, messages[_i].job, messages[_i].text,
	    messages[_i].want);
}
END_TEST

/*
 * Signatures, of which opendkim would write what the sender wants to be read.
 * The first is what its 2.11.0 was seen to write.
 */

static const struct {
	const char *tags;
	bool is_plain;
} signatures[] = {
	{ "d=evil.example; i=x=3B=20dkim=3Dpass=20header.d=3Dgoogle.com=20"
	  "header.i=3D@evil.example",
	    false },
	{ "i=x(@evil.example", false },
	{ "i=\"a\"@evil.example", false },
	{ "i=a\\@evil.example", false },
	{ "i=a b@evil.example", false },
	{ "i=a\n\t b@evil.example", false },
	{ "I=a=3B@evil.example", false },
	{ "i = a=3B@evil.example", false },
	{ "i=@a.example; i=a=3B@b.example", false },
	{ "i=a<b@evil.example", false },
	{ "i=a,b@evil.example", false },
	{ "i=\xc3\xa9@evil.example", false },
	{ "s=x(y", false },
	{ "s=x header.d=google.com", false },
	{ "s=x)header.q=z", false },
	{ "d=google.com(.evil.example", false },
	{ "d=google.com\".evil.example", false },
	{ "d=google.com header.x=y.evil.example", false },
	{ "d=", true },
	{ "a=rsa-sha256(", false },
	{ "b=a(b", false },
	{ "b=a.b", false },
	{ "x", false },
	{ "", false },
	{ ";", false },
	{ "v=1;; d=a.example", false },
	{ "=a", false },
	{ "(c)d=a.example", false },
	{ "d(c)=a.example", false },
	{ "d d=a.example", false },
	{ "d=a.example; garbage", false },
	{ "h=from\x01", false },
	{ "v=1; a=ed25519-sha256; d=xn--bcher-kva.example; s=a_b.c; b=AA==",
	    true },
	{ " v = 1 ;\n\td = a.example ;\n\ts = s ; i = @a.example ;\n"
	  "\tb = a\n\t b = ; ",
	    true },
	{ "i=!#$%&'*+-/?^_`{|}~.x@evil.example", true },
	{ "i=*@evil.example", true },
	{ "z=From:(a)\"b\\|To:x=3B; x-y=\xc3\xa9 (\"", true },
};

START_TEST(signatures_may_taint)
{
	char text[2048];

	/* Below a field of the filter, above it, and far down. */
	(void)snprintf(text, sizeof text, "%sDKIM-Signature: %s\n" SIGNED REST,
	    OPENDKIM("mx.example.test"), signatures[_i].tags);
	ck_message("mx.example.test", NULL, text,
	    signatures[_i].is_plain ? "+evil.example sel q2+Ns+BG" : "!");
	(void)snprintf(text, sizeof text,
	    "%s" SIGNED REST "dkim-SIGNATURE: %s\n",
	    OPENDKIM("mx.example.test"), signatures[_i].tags);
	ck_message("mx.example.test", NULL, text,
	    signatures[_i].is_plain ? "+evil.example sel q2+Ns+BG" : "!");
	(void)snprintf(text, sizeof text, "DKIM-Signature: %s\n%s",
	    signatures[_i].tags, OPENDKIM("mx.example.test"));
	ck_message(
	    "mx.example.test", NULL, text, signatures[_i].is_plain ? "-" : "!");
}
END_TEST

Suite *
authtrust_suite(void)
{
	Suite *suite = suite_create("authtrust");
	TCase *tc = tcase_create("authtrust");

	tcase_add_loop_test(tc, messages_are_read, 0, (int)ARRAY_LEN(messages));
	tcase_add_loop_test(
	    tc, signatures_may_taint, 0, (int)ARRAY_LEN(signatures));
	suite_add_tcase(suite, tc);
	return suite;
}
