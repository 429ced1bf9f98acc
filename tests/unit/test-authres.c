#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authres.h"
#include "suites.h"
#include "unit.h"

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

/*
 * Fields as they are written. RFC 8601, appendix B, first.
 */

static const struct {
	const char *trusted;
	const char *value;
	const char *want;
} fields[] = {
	{ "example.org", "example.org 1; none", "+" },
	{ "example.com",
	    "example.com;\n          spf=pass smtp.mailfrom=example.net", "-" },
	{ "example.com",
	    "example.com;\n"
	    "          auth=pass (cram-md5) smtp.auth=sender@example.net;\n"
	    "          spf=pass smtp.mailfrom=example.net",
	    "-" },
	{ "example.com",
	    "example.com; iprev=pass\n          policy.iprev=192.0.2.200",
	    "-" },
	{ "example.com",
	    "example.com;\n"
	    "          dkim=pass (good signature) header.d=example.com",
	    "+example.com  " },
	{ "example.com",
	    "example.com;\n"
	    "      dkim=pass reason=\"good signature\"\n"
	    "        header.i=@mail-router.example.net;\n"
	    "      dkim=fail reason=\"bad signature\"\n"
	    "        header.i=@newyork.example.com",
	    "+mail-router.example.net  " },
	{ "example.net",
	    "example.net;\n"
	    "      dkim=pass (good signature) header.i=@newyork.example.com",
	    "+newyork.example.com  " },
	{ "foo.example.net",
	    "foo.example.net (foobar) 1 (baz);\n"
	    "    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\n"
	    "      policy (A dot can go here) . (like that) expired\n"
	    "      (this surprised me) = (as I wasn't expecting it) "
	    "1362471462",
	    "+" },
	/* The same with another end. */
	{ "foo.example.net",
	    "(a (b \\) (c)) d)foo.example.net(foobar)1(baz);\n"
	    "    dkim (Because I like it) / 1 (One yay) = (wait for it) pass\n"
	    "      header (A dot) . (like that) d\n"
	    "      (this surprised me) = (as I wasn't) Example.COM (x);(y)",
	    "+example.com  " },
	/* opendkim 2.11.0. */
	{ "mx.example.test",
	    "mx.example.test;\n"
	    "\tdkim=pass (1024-bit key; unprotected) header.d=evil.example "
	    "header.i=@evil.example header.a=rsa-sha256 header.s=sel "
	    "header.b=q2+Ns+BG;\n"
	    "\tdkim=pass (1024-bit key; unprotected) header.d=other.example "
	    "header.i=u@sub.other.example header.a=rsa-sha256 header.s=a.b "
	    "header.b=ALQUmOOw;\n"
	    "\tdkim-atps=neutral",
	    "+evil.example sel q2+Ns+BG,other.example a.b ALQUmOOw" },
	{ "mx.example.test",
	    "mx.example.test;\n"
	    "\tdkim=fail reason=\"signature verification failed\" (1024-bit "
	    "key; unprotected) header.d=google.com header.i=@google.com "
	    "header.a=rsa-sha256 header.s=x header.b=forged==;\n"
	    "\tdkim=pass (1024-bit key; unprotected) header.d=evil.example "
	    "header.i=@evil.example header.a=rsa-sha256 header.s=sel "
	    "header.b=q2/Ns+BG;\n"
	    "\tdkim-atps=neutral",
	    "+evil.example sel q2/Ns+BG" },
	{ "mx.example.test",
	    "mx.example.test;\n"
	    "\tdkim=permerror header.d=evil.example header.i= "
	    "header.a=rsa-sha1 header.s=sel header.b=pGC+skNo;\n"
	    "\tdkim-atps=neutral",
	    "+" },
	{ "mx.example.test",
	    "mx.example.test; dkim=permerror (bad message/signature format)",
	    "+" },
	{ "mx.example.test", "mx.example.test; dkim=none;\n\tdkim-atps=neutral",
	    "+" },
	{ "mx.example.test",
	    "mx.example.test; dkim=pass (1024-bit key; unprotected) "
	    "header.d=evil.example header.i=\"a;b\"@evil.example header.s=sel",
	    "+evil.example sel " },
	/* opendmarc. */
	{ "mx.example.test",
	    "mx.example.test; dmarc=pass (p=none dis=none) "
	    "header.from=example.com",
	    "-" },
	/* rspamd. */
	{ "mail.example.org",
	    "mail.example.org;\n"
	    "\tdkim=pass header.d=google.com header.s=20230601 "
	    "header.b=\"W/Mcl+Aq\";\n"
	    "\tarc=none;\n"
	    "\tdmarc=pass (policy=reject) header.from=google.com;\n"
	    "\tspf=pass (mail.example.org: domain of "
	    "\"noreply-smtp-tls-reporting@google.com\" designates "
	    "2a00:1450:4864:20::14a as permitted sender) "
	    "smtp.mailfrom=noreply-smtp-tls-reporting@google.com",
	    "+google.com 20230601 W/Mcl+Aq" },
	{ "mail.example.org",
	    "mail.example.org;\n"
	    "\tdkim=fail (\"body hash did not verify\") header.d=example.com "
	    "header.s=s1 header.b=abc;\n\tdkim=none; auth=pass smtp.auth=x",
	    "+" },
	/* Google. */
	{ "mx.google.com",
	    "mx.google.com;\n"
	    "       dkim=pass header.i=@google.com header.s=20230601 "
	    "header.b=\"bK/xq0Ck\";\n"
	    "       spf=pass (google.com: domain of "
	    "noreply-smtp-tls-reporting@google.com designates 209.85.220.73 as "
	    "permitted sender) smtp.mailfrom=noreply-smtp-tls-reporting@"
	    "google.com;\n"
	    "       dmarc=pass (p=REJECT sp=REJECT dis=NONE) "
	    "header.from=google.com;\n"
	    "       dara=pass header.i=@gmail.com",
	    "+google.com 20230601 bK/xq0Ck" },
	/* Microsoft, which leaves out the authserv-id, before and now. */
	{ "spf",
	    "spf=pass (sender IP is 209.85.222.48)\n"
	    " smtp.mailfrom=valimail.com; contoso.com; dkim=pass (signature "
	    "was\n verified) header.d=valimail.com;contoso.com; dmarc=pass "
	    "action=none\n header.from=valimail.com;compauth=pass reason=100",
	    "-" },
	{ "contoso.com",
	    "spf=pass (sender IP is 209.85.222.48)\n"
	    " smtp.mailfrom=valimail.com; dkim=pass (signature was verified)\n"
	    " header.d=valimail.com;dmarc=pass action=none",
	    "-" },
	{ "mx.microsoft.com",
	    "mx.microsoft.com 1; spf=pass smtp.mailfrom=example.com; dkim=pass "
	    "header.d=example.com; dmarc=pass action=none "
	    "header.from=example.com;compauth=pass reason=100; arc=none",
	    "+example.com  " },
	/* authentication_milter, as Fastmail and OVH run it. */
	{ "mx1.messagingengine.com",
	    "mx1.messagingengine.com;\n"
	    "    x-csa=none;\n"
	    "    bimi=skipped (DMARC Policy is not at enforcement);\n"
	    "    arc=pass (as.1.microsoft.com=pass, ams.1.microsoft.com=pass)\n"
	    "      smtp.remote-ip=40.92.89.101;\n"
	    "    dkim=pass (1024-bit rsa key sha256) header.d=mailo.com\n"
	    "      header.i=@mailo.com header.b=KpmcEAgT header.a=rsa-sha256\n"
	    "      header.s=mailo x-bits=1024;\n"
	    "    dmarc=pass policy.published-domain-policy=none\n"
	    "      policy.applied-disposition=none "
	    "policy.evaluated-disposition=none\n"
	    "      (p=none,d=none,d.eval=none) policy.policy-from=p\n"
	    "      header.from=mailo.com;\n"
	    "    iprev=pass smtp.remote-ip=213.182.54.11 (msg-1.mailo.com)",
	    "+mailo.com mailo KpmcEAgT" },
	{ "example.net",
	    "example.net;\n    arc=none (no signatures found);\n"
	    "    dkim=pass (2048-bit rsa key sha256) header.d=google.com "
	    "header.i=@google.com header.b=ewzn2BS6 header.a=rsa-sha256 "
	    "header.s=20230601;\n"
	    "    dkim=pass (2048-bit rsa key sha256) header.d=1e100.net "
	    "header.i=@1e100.net header.b=ewzn2BS6 header.a=rsa-sha256 "
	    "header.s=20230601;\n"
	    "    x-tls=pass smtp.version=TLSv1.3 smtp.bits=128",
	    "+google.com 20230601 ewzn2BS6,1e100.net 20230601 ewzn2BS6" },
	/* The authserv-id. */
	{ "mx.example", "MX.Example; dkim=pass header.d=a.example",
	    "+a.example  " },
	{ "MX.example", "\"mx\\.example\" 1; dkim=pass header.d=a.example",
	    "+a.example  " },
	{ "m\xc3\xbc.example",
	    "m\xc3\xbc.example; dkim=pass header.d=a.example", "+a.example  " },
	{ "mx.example", "mx.example.; dkim=pass header.d=a.example", "-" },
	{ "mx.example", "mx.exampl; dkim=pass header.d=a.example", "-" },
	{ "mx.example", "mx.example.org; dkim=pass header.d=a.example", "-" },
	{ "mx.example", "xmx.example; dkim=pass header.d=a.example", "-" },
	{ "mx.example", "x mx.example; dkim=pass header.d=a.example", "-" },
	{ "mx.example", "(mx.example); dkim=pass header.d=a.example", "-" },
	{ "mx.example", "; dkim=pass header.d=a.example", "-" },
	{ "", "; dkim=pass header.d=a.example", "-" },
	{ "/", "/; dkim=pass header.d=a.example", "-" },
	{ "mx.example", "", "-" },
	{ "mx.example", "\"mx.example; dkim=pass header.d=a.example", "-" },
	{ "mx.example", "\"mx.example\"x; dkim=pass header.d=a.example", "-" },
	{ "mx.example", "mx.example@x; dkim=pass header.d=a.example", "-" },
	/* A trusted field with bad syntax decides that there is nothing. */
	{ "mx.example", "mx.example", "+" },
	{ "mx.example", "mx.example dkim=pass header.d=a.example", "+" },
	{ "mx.example", "mx.example 2; dkim=pass header.d=a.example", "+" },
	{ "mx.example", "mx.example 1 1; dkim=pass header.d=a.example", "+" },
	{ "mx.example", "mx.example (; dkim=pass header.d=a.example", "+" },
	{ "mx.example", "mx.example;", "+" },
	{ "mx.example", "mx.example; x", "+" },
	{ "mx.example", "mx.example; =pass header.d=a.example", "+" },
	{ "mx.example", "mx.example; dkim", "+" },
	{ "mx.example", "mx.example; dkim=", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example; x", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example;;", "+" },
	{ "mx.example", "mx.example; ; dkim=pass header.d=a.example", "+" },
	{ "mx.example", "mx.example; none; dkim=pass header.d=a.example", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d", "+" },
	{ "mx.example", "mx.example; dkim=pass header.=a.example", "+" },
	{ "mx.example", "mx.example; dkim=pass .d=a.example", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example x", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example (x", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example x)", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=\"a.example", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=\"a.example\\", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=\"a\"x.y=z", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example \x01", "+" },
	{ "mx.example", "mx.example; dkim=pass (\x01) header.d=a.example",
	    "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=\"\x7f\"", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a(b.example", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a\\(.example", "+" },
	/* Methods and results. */
	{ "mx.example", "mx.example; DKIM=PASS Header.D=A.Example",
	    "+a.example  " },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example;",
	    "+a.example  " },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example; ; ", "+" },
	{ "mx.example", "mx.example; dkim/1=pass header.d=a.example",
	    "+a.example  " },
	{ "mx.example", "mx.example; dkim/2=pass header.d=a.example", "+" },
	{ "mx.example", "mx.example; x-dkim=pass header.d=a.example", "-" },
	{ "mx.example", "mx.example; dkim-adsp=pass header.d=a.example", "-" },
	{ "mx.example", "mx.example; dkim=passed header.d=a.example", "+" },
	{ "mx.example", "mx.example; dkim=policy header.d=a.example", "+" },
	{ "mx.example", "mx.example; none=pass; dkim=pass header.d=a.example",
	    "+a.example  " },
	{ "mx.example", "mx.example; spf=pass header.d=a.example; dkim=fail",
	    "+" },
	{ "mx.example",
	    "mx.example; dkim=pass reason=\"; dkim=pass "
	    "header.d=b.example\" header.d=a.example",
	    "+a.example  " },
	{ "mx.example",
	    "mx.example; dkim=pass (; dkim=pass header.d=b.example) "
	    "header.d=a.example",
	    "+a.example  " },
	/* Properties. */
	{ "mx.example", "mx.example; dkim=pass", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=", "+" },
	{ "mx.example", "mx.example; dkim=pass header.i=@a.example.",
	    "+a.example  " },
	{ "mx.example", "mx.example; dkim=pass header.i=a.example",
	    "+a.example  " },
	{ "mx.example", "mx.example; dkim=pass header.i=\"x@y\"@a.example",
	    "+a.example  " },
	{ "mx.example", "mx.example; dkim=pass header.i=a@b@c.example",
	    "+c.example  " },
	{ "mx.example", "mx.example; dkim=pass policy.d=a.example", "+" },
	{ "mx.example", "mx.example; dkim=pass d=a.example", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=\"a.\\example\"",
	    "+a.example  " },
	{ "mx.example",
	    "mx.example; dkim=pass header.b=a=b header.s=\"S.1\" header.d="
	    "A.Example.",
	    "+a.example s.1 a=b" },
	/* Results that contradict themselves, or say what no signer can. */
	{ "mx.example",
	    "mx.example; dkim=pass header.d=a.example header.d=b.example",
	    "+" },
	{ "mx.example",
	    "mx.example; dkim=pass header.d=a.example header.i=@b.example",
	    "+" },
	{ "mx.example",
	    "mx.example; dkim=pass header.d=a.example header.i=@xa.example",
	    "+" },
	{ "mx.example",
	    "mx.example; dkim=pass header.d=x.a.example header.i=@a.example",
	    "+" },
	{ "mx.example",
	    "mx.example; dkim=pass header.d=a.example header.i=@x.a.example",
	    "+a.example  " },
	{ "mx.example", "mx.example; dkim=pass header.d=a,b.example", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=\"a b.example\"", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=\xc3\xa9.example",
	    "+" },
	{ "mx.example",
	    "mx.example; dkim=pass header.d=a.example header.s=\"\"", "+" },
	{ "mx.example",
	    "mx.example; dkim=pass header.d=a.example header.s=\"a b\"", "+" },
	{ "mx.example", "mx.example; dkim=pass header.d=a.example header.b=@",
	    "+" },
};

START_TEST(fields_are_read)
{
	char other[] = "other.example.test";
	char *copy = strdup(fields[_i].value);
	char *item[] = { other, strdup(fields[_i].trusted) };
	struct conf_list list = { item, ARRAY_LEN(item) };
	struct authres ar;

	authres_init(&ar, &list);
	authres_field(&ar, "Authentication-Results", copy);
	ck_assert(!ar.is_over);
	ck_found(copy, &ar, fields[_i].want);
	free(item[1]);
	free(copy);
}
END_TEST

/*
 * Limits.
 */

static char trusted_name[] = "mx.example";
static char *trusted_item[] = { trusted_name };
static const struct conf_list trusted_list = { trusted_item, 1 };

START_TEST(so_many_results_are_kept)
{
	for (size_t n = AUTHRES_MAX - 1; n <= AUTHRES_MAX + 1; n++) {
		struct authres ar;
		struct buf text;

		buf_init(&text, 1 << 20);
		ck_status("text", buf_adds(&text, "mx.example"), ST_OK);
		for (size_t i = 0; i < n; i++) {
			char result[64];

			(void)snprintf(result, sizeof result,
			    "; dkim=pass header.d=a%zu.example", i);
			ck_status("text", buf_adds(&text, result), ST_OK);
		}
		authres_init(&ar, &trusted_list);
		authres_field(&ar, "Authentication-Results", text.data);
		ck_assert(ar.is_decided);
		ck_assert_uint_eq(ar.count, n < AUTHRES_MAX ? n : AUTHRES_MAX);
		for (size_t i = 0; i < ar.count; i++) {
			char domain[32];

			(void)snprintf(
			    domain, sizeof domain, "a%zu.example", i);
			ck_string("domain", ar.pass[i].domain, domain);
		}
		buf_free(&text);
	}
}
END_TEST

/* "before", n letters, "after"; how many passes there are. */
static size_t
count_with(struct authres *ar, const char *before, size_t n, const char *after)
{
	struct buf text;

	buf_init(&text, 1 << 24);
	ck_status("text", buf_adds(&text, before), ST_OK);
	unit_repeat(&text, "a", n);
	ck_status("text", buf_adds(&text, after), ST_OK);
	authres_init(ar, &trusted_list);
	authres_field(ar, "Authentication-Results", text.data);
	buf_free(&text);
	return ar->count;
}

START_TEST(long_values_are_none)
{
	static const char domain[] = "mx.example; dkim=pass header.d=";
	static const char identity[] = "mx.example; dkim=pass header.i=@";
	static const char selector[] = "mx.example; dkim=pass header.d=x "
				       "header.s=";
	static const char b[] = "mx.example; dkim=pass header.d=x header.b=";
	static const char local[] = "mx.example; dkim=pass header.d=x "
				    "header.i=";
	static const char property[] = "mx.example; dkim=pass header.d=x y.";
	const size_t max = VERDICT_DOMAIN_MAX - 1;
	struct authres ar;

	ck_assert_uint_eq(count_with(&ar, domain, max, ""), 1);
	ck_assert_uint_eq(strlen(ar.pass[0].domain), max);
	ck_assert_uint_eq(count_with(&ar, domain, max, "."), 1);
	ck_assert_uint_eq(count_with(&ar, domain, max + 1, ""), 0);
	ck_assert(ar.is_decided);
	ck_assert_uint_eq(count_with(&ar, identity, max, ""), 1);
	ck_assert_uint_eq(count_with(&ar, identity, max + 1, ""), 0);
	ck_assert_uint_eq(
	    count_with(&ar, selector, VERDICT_SELECTOR_MAX - 1, ""), 1);
	ck_assert_uint_eq(
	    count_with(&ar, selector, VERDICT_SELECTOR_MAX, ""), 0);
	ck_assert_uint_eq(count_with(&ar, b, AUTHRES_B_MAX, ""), 1);
	ck_assert_uint_eq(strlen(ar.pass[0].b), AUTHRES_B_MAX - 1);
	ck_assert_uint_eq(count_with(&ar, b, 1 << 16, ""), 0);
	ck_assert_uint_eq(count_with(&ar, local, 1000, "@x"), 1);
	ck_assert_uint_eq(count_with(&ar, local, 1 << 16, "@x"), 0);
	ck_assert_uint_eq(count_with(&ar, property, 1 << 16, "=z"), 1);
}
END_TEST

START_TEST(long_names_are_not_trusted)
{
	struct authres ar;

	(void)count_with(&ar, "mx.example", 1 << 16, "; dkim=fail");
	ck_assert(!ar.is_decided);
	(void)count_with(&ar, "mx.example/", 1 << 16, "; dkim=fail");
	ck_assert(!ar.is_decided);
}
END_TEST

/* Depth costs a number, not stack; 16 MB are read at once. */
START_TEST(comments_of_any_depth)
{
	static const size_t depth = 4 << 20;
	struct authres ar;
	struct buf text;

	for (int is_open = 0; is_open < 2; is_open++) {
		buf_init(&text, 1 << 24);
		ck_status("text", buf_adds(&text, "mx.example"), ST_OK);
		unit_repeat(&text, "(", depth);
		unit_repeat(&text, ")", depth - (size_t)is_open);
		ck_status("text",
		    buf_adds(&text, "; dkim=pass header.d=a.example"), ST_OK);
		authres_init(&ar, &trusted_list);
		authres_field(&ar, "Authentication-Results", text.data);
		ck_assert(ar.is_decided);
		ck_assert_uint_eq(ar.count, is_open ? 0 : 1);
		buf_free(&text);
	}
}
END_TEST

/* Any byte at any place of a good field: no pass but of its domain. */
START_TEST(byte_soup)
{
	static const char good[] =
	    "mx.example (c) 1; dkim/1=pass (d) reason=\"r\" header.d=a.example "
	    "header.i=\"x\"@a.example header.s=s header.b=\"b+/=\"";
	char text[sizeof good];

	for (size_t i = 0; i + 1 < sizeof good; i++) {
		for (int c = 0; c < 256; c++) {
			struct authres ar;

			memcpy(text, good, sizeof good);
			text[i] = (char)c;
			authres_init(&ar, &trusted_list);
			authres_field(&ar, "Authentication-Results", text);
			ck_expect(ar.count == 0 ||
				(ar.count == 1 && ar.is_decided &&
				    (strstr(good, ar.pass[0].domain) ||
					strstr(text, ar.pass[0].domain))),
			    "%s", text);
		}
	}
}
END_TEST

START_TEST(nobody_is_trusted)
{
	static const struct conf_list none = { NULL, 0 };
	struct authres ar;

	authres_init(&ar, &none);
	authres_field(&ar, "Authentication-Results",
	    "mx.example; dkim=pass header.d=a.example");
	ck_assert(!ar.is_decided);
	ck_assert_uint_eq(ar.count, 0);
}
END_TEST

Suite *
authres_suite(void)
{
	Suite *suite = suite_create("authres");
	TCase *tc = tcase_create("authres");

	tcase_add_loop_test(tc, fields_are_read, 0, (int)ARRAY_LEN(fields));
	tcase_add_test(tc, so_many_results_are_kept);
	tcase_add_test(tc, long_values_are_none);
	tcase_add_test(tc, long_names_are_not_trusted);
	tcase_add_test(tc, comments_of_any_depth);
	tcase_add_test(tc, byte_soup);
	tcase_add_test(tc, nobody_is_trusted);
	suite_add_tcase(suite, tc);
	return suite;
}
