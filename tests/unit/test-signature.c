/*
 * The mails of tests/data/dkim, which tests/data/dkim/make.py signs with the
 * openssl command, and the examples of RFC 6376 and RFC 8463.
 */
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "deadline.h"
#include "header.h"
#include "inject.h"
#include "signature.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

enum {
	MAIL_MAX = 1 << 22,
	PLENTY = 10000, /* milliseconds */
	SLOW = 100,     /* milliseconds that a key of s=slow would take */
	LINES = 5000,   /* appended to large-*.eml */
	MAILS = 100,
	THREADS = 8,
	TURNS = 50 /* of each thread */
};

static const char line[] = "0123456789abcdef \t the same line again and "
			   "again \r\n";

/* Keys, and what was asked of them. */
static struct {
	struct buf records;
	bool is_wrong;
	size_t asked;
	char last[VERDICT_DOMAIN_MAX];
	unsigned milliseconds;
} dns;
static struct signature_site *site;

static void
read_data(const char *name, const char *suffix, struct buf *out)
{
	const char *data = getenv("TESTDATA");
	char path[512];

	(void)snprintf(path, sizeof path, "%s/dkim/%s%s",
	    data != NULL && data[0] != '\0' ? data : "tests/data", name,
	    suffix);
	buf_init(out, MAIL_MAX);
	ck_assert_msg(unit_slurp(path, out), "%s: cannot be read", path);
}

/* The line "NAME RECORD" of that name. */
static enum verdict_reason
find_record(const char *name, struct buf *record)
{
	size_t len = strlen(name);

	for (const char *p = dns.records.data; *p != '\0';
	     p += strcspn(p, "\n") + 1) {
		if (strncmp(p, name, len) == 0 && p[len] == ' ')
			return buf_add(record, p + len + 1,
				   strcspn(p + len + 1, "\n")) == ST_OK
			    ? REASON_NONE
			    : REASON_NO_RESOURCES;
	}
	return REASON_NO_KEY;
}

static void
sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* The DNS of these tests, where some selectors have a meaning. */
static enum verdict_reason
look_up(void *ctx, const char *name, unsigned milliseconds, struct buf *record,
    enum verdict_dnssec *dnssec)
{
	static const struct {
		const char *selector;
		enum verdict_reason reason;
	} troubles[] = {
		{ "several.", REASON_KEY_SYNTAX },
		{ "timeout.", REASON_DNS_TIMEOUT },
		{ "servfail.", REASON_DNS_FAILURE },
		{ "bogus.", REASON_DNS_BOGUS },
	};

	/* No assertion: memory may be short. */
	dns.is_wrong |= ctx != &dns;
	dns.asked++;
	dns.milliseconds = milliseconds;
	(void)text_copy(dns.last, sizeof dns.last, name);
	for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
		if (text_iprefix(name, troubles[i].selector))
			return troubles[i].reason;
	}
	if (text_iprefix(name, "slow")) {
		sleep_ms(milliseconds < SLOW ? milliseconds : SLOW);
		return REASON_DNS_TIMEOUT;
	}
	*dnssec = DNSSEC_INSECURE;
	if (text_iprefix(name, "ed25519."))
		*dnssec = DNSSEC_SECURE;
	return find_record(name, record);
}

static bool
is_aligned(void *ctx, const char *domain)
{
	if (ctx != &site)
		dns.is_wrong = true;
	return text_isuffix(domain, "example.com");
}

static void
setup(void)
{
	memset(&dns, 0, sizeof dns);
	read_data("records", "", &dns.records);
	site = signature_site_new(look_up, &dns);
	ck_assert_ptr_nonnull(site);
}

static void
teardown(void)
{
	ck_assert(!dns.is_wrong);
	signature_site_free(&site);
	ck_assert_ptr_null(site);
	buf_free(&dns.records);
}

/* How a mail is fed. */
struct way {
	const char *name;
	bool is_file;
	bool has_lf;  /* a body with bare LF */
	size_t piece; /* of the body */
};

static const struct way ways[] = {
	{ "milter", false, false, 65535 },
	{ "byte by byte", false, false, 1 },
	{ "two bytes", false, false, 2 },
	{ "odd pieces", false, false, 4093 },
	{ "file", true, true, 65535 },
	{ "file byte by byte", true, true, 1 },
	{ "file with CRLF", true, false, 7 },
};

static enum status
take_field(void *ctx, const char *name, const char *value)
{
	signature_field(ctx, name, value);
	return ST_OK;
}

/* Feed the header; returns where the body begins. */
static size_t
feed_header(struct signature *sig, const struct buf *mail)
{
	struct header_splitter splitter;
	size_t used;

	header_splitter_init(&splitter, take_field, sig);
	ck_status("header",
	    header_splitter_more(&splitter, mail->data, mail->len, &used),
	    ST_OK);
	ck_status("header", header_splitter_finish(&splitter), ST_OK);
	header_splitter_free(&splitter);
	return used;
}

static void
feed_body(
    struct signature *sig, const struct way *way, const char *data, size_t len)
{
	for (size_t n; len > 0; data += n, len -= n) {
		char *piece;

		n = len < way->piece ? len : way->piece;
		piece = malloc(n);
		ck_expect(piece != NULL, "out of memory");
		memcpy(piece, data, n);
		signature_body(sig, piece, n);
		free(piece);
	}
}

/* The bytes with every LF made CRLF. */
static void
make_crlf(const struct buf *in, struct buf *out)
{
	buf_init(out, MAIL_MAX);
	for (size_t i = 0; i < in->len; i++) {
		if (in->data[i] == '\n')
			ck_status("out", buf_addc(out, '\r'), ST_OK);
		ck_status("out", buf_addc(out, in->data[i]), ST_OK);
	}
}

static void
verify(const struct buf *mail, const struct way *way, unsigned milliseconds,
    struct verdict *verdict)
{
	struct signature *sig = signature_new(site, way->is_file);
	struct buf crlf;
	const struct buf *fed = way->has_lf ? mail : &crlf;
	size_t body;

	ck_assert_ptr_nonnull(sig);
	dns.asked = 0;
	make_crlf(mail, &crlf);
	/* Folds come with LF from a milter, with either from a file. */
	body = feed_header(sig, way->is_file ? fed : mail);
	if (!way->has_lf && !way->is_file) {
		struct buf rest = { mail->data + body, mail->len - body, 0, 0 };

		buf_free(&crlf);
		make_crlf(&rest, &crlf);
		body = 0;
	}
	if (fed->len > body)
		feed_body(sig, way, fed->data + body, fed->len - body);
	ck_assert_uint_eq(dns.asked, 0);
	signature_finish(sig, is_aligned, &site, milliseconds, verdict);
	signature_free(&sig);
	ck_assert_ptr_null(sig);
	signature_free(&sig);
	buf_free(&crlf);
}

static const struct {
	const char *name;
	enum verdict_result result;
	enum verdict_reason reason;
	const char *domain;
	const char *selector;
	size_t asked;
	deviations dev;
} rows[] = {
#define PASS(name, selector, dev)                                              \
	{                                                                      \
		name, VERDICT_PASS, REASON_NONE, "example.com", selector, 1,   \
		    dev                                                        \
	}
#define OTHER(name, result, reason, asked)                                     \
	{                                                                      \
		name, VERDICT_##result, REASON_##reason, "example.com",        \
		    "rsa2048", asked, 0                                        \
	}
#define KEY(name, result, reason)                                              \
	{                                                                      \
		"key-" name, VERDICT_##result, REASON_##reason, "example.com", \
		    name, 1, 0                                                 \
	}
	/* The examples of the standards. */
	{ "rfc6376", VERDICT_PASS, REASON_NONE, "example.com", "brisbane", 1,
	    DEV(DEV_WEAK_KEY) },
	{ "rfc8463", VERDICT_PASS, REASON_NONE, "football.example.com",
	    "brisbane", 1, 0 },
	/* pass: canonicalization, algorithm, key. */
	PASS("simple-simple", "rsa2048", 0),
	PASS("simple-relaxed", "rsa2048", 0),
	PASS("relaxed-simple", "rsa2048", 0),
	PASS("relaxed-relaxed", "rsa2048", 0),
	PASS("simple", "rsa2048", 0),
	PASS("ed25519-simple-simple", "ed25519", 0),
	PASS("ed25519-simple-relaxed", "ed25519", 0),
	PASS("ed25519-relaxed-simple", "ed25519", 0),
	PASS("ed25519-relaxed-relaxed", "ed25519", 0),
	PASS("rsa1024", "rsa1024", DEV(DEV_WEAK_KEY)),
	PASS("rsa4096", "rsa4096", 0),
	PASS("key-tlsrpt", "tlsrpt", 0),
	PASS("key-any", "any", 0),
	PASS("key-both", "both", 0),
	PASS("key-email", "email", DEV(DEV_KEY_SERVICE_TYPE)),
	PASS("key-sha256", "sha256", 0),
	PASS("key-bare", "bare", 0),
	PASS("key-folded", "folded", 0),
	PASS("key-notes", "notes", 0),
	PASS("key-strict", "strict", 0),
	PASS("key-strict-same", "strict", 0),
	PASS("identity-sub", "rsa2048", 0),
	PASS("oversigned", "rsa2048", 0),
	PASS("oversigned-all", "rsa2048", 0),
	PASS("tag-unknown", "rsa2048", 0),
	PASS("query", "rsa2048", 0),
	PASS("expires-late", "rsa2048", 0),
	PASS("header-added", "rsa2048", 0),
	PASS("body-blank-lines", "rsa2048", 0),
	PASS("no-body", "rsa2048", 0),
	PASS("no-body-simple", "rsa2048", 0),
	PASS("blank-body", "rsa2048", 0),
	PASS("large-simple", "rsa2048", 0),
	PASS("large-relaxed", "rsa2048", 0),
	PASS("upper-case", "rsa2048", 0),
	{ "subdomain", VERDICT_PASS, REASON_NONE, "mail.example.com", "sub", 1,
	    0 },
	/* none, neutral. */
	{ "unsigned", VERDICT_NONE, REASON_NO_SIGNATURE, "", "", 0, 0 },
	OTHER("identity-other", NEUTRAL, SIGNATURE_SYNTAX, 0),
	OTHER("identity-end", NEUTRAL, SIGNATURE_SYNTAX, 0),
	OTHER("expires-first", NEUTRAL, SIGNATURE_SYNTAX, 0),
	{ "tag-repeated", VERDICT_NEUTRAL, REASON_SIGNATURE_SYNTAX, "", "", 0,
	    0 },
	OTHER("query-unknown", NEUTRAL, SIGNATURE_SYNTAX, 0),
	OTHER("no-version", NEUTRAL, SIGNATURE_SYNTAX, 0),
	OTHER("version-2", NEUTRAL, SIGNATURE_SYNTAX, 0),
	OTHER("from-none", NEUTRAL, SIGNATURE_SYNTAX, 0),
	OTHER("from-unparsable", NEUTRAL, SIGNATURE_SYNTAX, 0),
	/* policy. */
	OTHER("from-twice", POLICY, SEVERAL_FROM, 0),
	{ "unaligned", VERDICT_POLICY, REASON_NOT_ALIGNED, "example.org",
	    "other", 0, 0 },
	OTHER("length", POLICY, LENGTH_LIMIT, 0),
	OTHER("length-appended", POLICY, LENGTH_LIMIT, 0),
	OTHER("length-zero", POLICY, LENGTH_LIMIT, 0),
	OTHER("rsa-sha1", POLICY, WEAK_ALGORITHM, 0),
	{ "rsa512", VERDICT_POLICY, REASON_KEY_TOO_SMALL, "example.com",
	    "rsa512", 1, 0 },
	{ "rsa768", VERDICT_POLICY, REASON_KEY_TOO_SMALL, "example.com",
	    "rsa768", 1, 0 },
	KEY("testing", POLICY, KEY_TESTING),
	/* permerror. */
	OTHER("from-unsigned", PERMERROR, FROM_NOT_SIGNED, 0),
	KEY("nokey", PERMERROR, NO_KEY),
	KEY("revoked", PERMERROR, KEY_REVOKED),
	KEY("spf", PERMERROR, KEY_SYNTAX),
	KEY("dkim2", PERMERROR, KEY_SYNTAX),
	KEY("several", PERMERROR, KEY_SYNTAX),
	KEY("dsa", PERMERROR, KEY_MISMATCH),
	KEY("sha1", PERMERROR, KEY_MISMATCH),
	KEY("edsha1", PERMERROR, KEY_MISMATCH),
	KEY("web", PERMERROR, KEY_MISMATCH),
	KEY("crossed", PERMERROR, KEY_MISMATCH),
	KEY("crossrsa", PERMERROR, KEY_MISMATCH),
	{ "key-strict-sub", VERDICT_PERMERROR, REASON_KEY_MISMATCH,
	    "example.com", "strict", 1, 0 },
	{ "rsa5120", VERDICT_PERMERROR, REASON_KEY_MISMATCH, "example.com",
	    "rsa5120", 1, 0 },
	/* fail. */
	OTHER("expired", FAIL, EXPIRED, 0),
	OTHER("future", FAIL, FUTURE, 0),
	OTHER("body-altered", FAIL, BODY_HASH, 1),
	OTHER("body-appended", FAIL, BODY_HASH, 1),
	OTHER("body-cut", FAIL, BODY_HASH, 1),
	OTHER("header-altered", FAIL, SIGNATURE, 1),
	OTHER("signature-altered", FAIL, SIGNATURE, 1),
	OTHER("names-itself", FAIL, SIGNATURE, 1),
	/* temperror. */
	KEY("timeout", TEMPERROR, DNS_TIMEOUT),
	KEY("servfail", TEMPERROR, DNS_FAILURE),
	KEY("bogus", TEMPERROR, DNS_BOGUS),
	/* Several signatures. */
	OTHER("unaligned-and-aligned", PASS, NONE, 1),
	OTHER("unaligned-and-expired", FAIL, EXPIRED, 0),
	OTHER("unaligned-and-length", POLICY, LENGTH_LIMIT, 0),
	OTHER("broken-and-good", PASS, NONE, 2),
	OTHER("good-and-broken", PASS, NONE, 1),
	OTHER("signed-signature", PASS, NONE, 1),
	OTHER("signed-length", PASS, NONE, 1),
	OTHER("signed-altered", FAIL, SIGNATURE, 2),
	OTHER("eight", PASS, NONE, 2),
	{ "nine", VERDICT_FAIL, REASON_SIGNATURE, "example.com", "bare", 1, 0 },
	{ "same-key-twice", VERDICT_PASS, REASON_NONE, "example.com", "bare", 1,
	    0 },
	{ "timeout-and-broken", VERDICT_TEMPERROR, REASON_DNS_TIMEOUT,
	    "example.com", "timeout", 2, 0 },
	{ "broken-and-timeout", VERDICT_TEMPERROR, REASON_DNS_TIMEOUT,
	    "example.com", "timeout", 2, 0 },
};

static void
read_mail(const char *name, struct buf *mail)
{
	read_data(name, ".eml", mail);
	if (text_iprefix(name, "large-")) {
		for (size_t i = 0; i < LINES; i++) {
			ck_status("large", buf_add(mail, line, sizeof line - 3),
			    ST_OK);
			ck_status("large", buf_addc(mail, '\n'), ST_OK);
		}
		ck_assert_uint_gt(mail->len, 250000);
	}
}

/* Every verdict, however the mail is fed. */
START_TEST(verdicts)
{
	struct buf mail;

	read_mail(rows[_i].name, &mail);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct verdict v;
		char name[128];

		(void)snprintf(
		    name, sizeof name, "%s, %s", rows[_i].name, ways[i].name);
		verify(&mail, &ways[i], PLENTY, &v);
		ck_string(name, verdict_reason_str(v.reason),
		    verdict_reason_str(rows[_i].reason));
		ck_string(name, verdict_result_str(v.result),
		    verdict_result_str(rows[_i].result));
		ck_string(name, v.domain, rows[_i].domain);
		ck_string(name, v.selector, rows[_i].selector);
		ck_deviations(name, v.dev, rows[_i].dev);
		ck_assert_msg(dns.asked == rows[_i].asked,
		    "%s: asked %zu times", name, dns.asked);
	}
	buf_free(&mail);
}
END_TEST

/* Is there a row for each reason that a signature can have? */
START_TEST(every_reason_has_its_row)
{
	for (int reason = 0; reason < REASON_MAX; reason++) {
		bool is_there = reason == REASON_AUTHENTICATION_RESULTS ||
		    reason == REASON_NO_RESOURCES;

		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			is_there |= (int)rows[i].reason == reason;
		ck_assert_msg(is_there, "%s",
		    verdict_reason_str((enum verdict_reason)reason));
	}
}
END_TEST

/* One byte altered anywhere in what is signed is one too many. */
START_TEST(any_byte_counts)
{
	static const char *const mails[] = { "simple-simple",
		"ed25519-simple-simple" };
	struct buf mail;
	const char *from;

	read_mail(mails[_i], &mail);
	from = strstr(mail.data, "\nFrom:");
	ck_assert_ptr_nonnull(from);
	for (size_t i = 0; i < mail.len; i++) {
		char was = mail.data[i];
		struct verdict v;
		bool is_signed;

		/* Received and the last three fields are not. */
		is_signed = (mail.data + i > from &&
				mail.data + i < strstr(from, "\nTLS-")) ||
		    mail.data + i > strstr(from, "\n\n") + 1;
		if (was == '\n' || !is_signed)
			continue;
		mail.data[i] = was == 'x' ? 'y' : 'x';
		verify(&mail, &ways[0], PLENTY, &v);
		ck_assert_msg(v.result != VERDICT_PASS, "byte %zu", i);
		mail.data[i] = was;
	}
	buf_free(&mail);
}
END_TEST

START_TEST(dnssec_is_told)
{
	struct verdict v;
	struct buf mail;

	read_mail("ed25519-simple-simple", &mail);
	verify(&mail, &ways[0], PLENTY, &v);
	ck_string("secure", verdict_dnssec_str(v.dnssec), "secure");
	buf_free(&mail);
	read_mail("simple-simple", &mail);
	verify(&mail, &ways[0], PLENTY, &v);
	ck_string("insecure", verdict_dnssec_str(v.dnssec), "insecure");
	buf_free(&mail);
	read_mail("unaligned", &mail);
	verify(&mail, &ways[0], PLENTY, &v);
	ck_string("unknown", verdict_dnssec_str(v.dnssec), "");
	buf_free(&mail);
}
END_TEST

/* Three keys of 100 ms each within 150 ms: the third is not asked for. */
START_TEST(time_is_bounded)
{
	struct verdict v;
	struct buf mail;
	uint64_t start;

	read_mail("slow-thrice", &mail);
	/* By the clock that it goes by, or a part of a millisecond is off. */
	start = deadline_now();
	verify(&mail, &ways[0], SLOW + SLOW / 2, &v);
	ck_assert_uint_ge(deadline_now() - start, SLOW + SLOW / 2);
	/* On a busy machine it may have been only one. */
	ck_assert_uint_le(dns.asked, 2);
	if (dns.asked == 2)
		ck_assert_uint_le(dns.milliseconds, SLOW / 2);
	ck_string("slow", verdict_reason_str(v.reason), "dns-timeout");
	verify(&mail, &ways[0], 0, &v);
	ck_assert_uint_eq(dns.asked, 0);
	ck_string("none", verdict_reason_str(v.reason), "dns-timeout");
	buf_free(&mail);
}
END_TEST

/* The name is that of RFC 6376, section 3.6.2.1, in small letters. */
START_TEST(the_right_name_is_asked_for)
{
	struct verdict v;
	struct buf mail;

	read_mail("upper-case", &mail);
	verify(&mail, &ways[0], PLENTY, &v);
	ck_string("name", dns.last, "rsa2048._domainkey.example.com");
	buf_free(&mail);
}
END_TEST

START_TEST(a_signature_is_there)
{
	static const struct {
		const char *mail;
		const char *domain;
		const char *selector;
		const char *b;
		bool is_there;
	} is[] = {
		{ "rfc6376", "example.com", "brisbane", "AuUoFEfD", true },
		{ "rfc6376", "EXAMPLE.com", "Brisbane", "", true },
		{ "rfc6376", "example.com", "", "", true },
		/* Beyond the first fold of b=. */
		{ "rfc6376", "example.com", "",
		    "AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB4nu",
		    true },
		{ "rfc6376", "example.com", "brisbane", "auUoFEfD", false },
		{ "rfc6376", "example.com", "brisban", "", false },
		{ "rfc6376", "ample.com", "", "", false },
		{ "rfc6376", "", "", "", false },
		{ "rfc8463", "football.example.com", "test", "F45dVW", true },
		{ "rfc8463", "football.example.com", "test", "/gCrin", false },
		{ "length", "example.com", "rsa2048", "", false },
		{ "rsa-sha1", "example.com", "rsa2048", "", false },
		{ "from-twice", "example.com", "rsa2048", "", false },
		{ "no-version", "example.com", "rsa2048", "", false },
		{ "unsigned", "example.com", "rsa2048", "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct signature *sig = signature_new(site, false);
		struct buf mail;

		read_mail(is[i].mail, &mail);
		(void)feed_header(sig, &mail);
		ck_assert_msg(
		    signature_is_there(sig, is[i].domain, is[i].selector,
			is[i].b, is_aligned, &site) == is[i].is_there,
		    "%s: %s, %s, %s", is[i].mail, is[i].domain, is[i].selector,
		    is[i].b);
		signature_free(&sig);
		buf_free(&mail);
	}
}
END_TEST

/* What a small header and body come to; extra is called in between. */
static void
finish(struct signature *sig, struct verdict *v)
{
	signature_body(sig, BYTES("x\r\n"));
	signature_finish(sig, is_aligned, &site, PLENTY, v);
	signature_free(&sig);
}

static const char some_signature[] =
    " v=1; a=rsa-sha256; d=example.com; s=nokey; h=from; b=AAAA; "
    "bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

START_TEST(fields_are_bounded)
{
	struct verdict v;

	for (size_t more = 0; more < 2; more++) {
		struct signature *sig = signature_new(site, false);

		signature_field(sig, "DKIM-Signature", some_signature);
		signature_field(sig, "From", " <a@example.com>");
		for (size_t i = 2; i < SIGNATURE_FIELDS_MAX + more; i++)
			signature_field(sig, "X", "");
		finish(sig, &v);
		ck_string("fields", verdict_reason_str(v.reason),
		    more == 0 ? "no-key" : "signature-syntax");
	}
}
END_TEST

START_TEST(bytes_are_bounded)
{
	size_t used = strlen("DKIM-Signature") + strlen(some_signature) +
	    strlen("From <a@example.com>") + strlen("X");
	struct verdict v;

	for (size_t more = 0; more < 2; more++) {
		struct signature *sig = signature_new(site, false);
		struct buf value;

		buf_init(&value, MAIL_MAX);
		unit_repeat(&value, "\n", SIGNATURE_HEADER_MAX - used + more);
		signature_field(sig, "DKIM-Signature", some_signature);
		signature_field(sig, "From", " <a@example.com>");
		signature_field(sig, "X", value.data);
		finish(sig, &v);
		ck_string("bytes", verdict_reason_str(v.reason),
		    more == 0 ? "no-key" : "signature-syntax");
		buf_free(&value);
	}
}
END_TEST

/*
 * DKIM-Signature fields that take libopendkim out of its memory, or into other
 * trouble; most were found by fuzzing or by reading it. AddressSanitizer, or
 * malloc's own checks, tell.
 */
static const struct {
	const char *name;
	const char *value; /* behind some_signature */
	const char *reason;
} hostile[] = {
	{ "i= ends with =", "; i=x@example.com=", "signature-syntax" },
	{ "i= ends with =4", "; i=x@example.com=4", "signature-syntax" },
	{ "i= is =", "; i==", "signature-syntax" },
	{ "i= is empty", "; i=", "signature-syntax" },
	{ "t= is zero", "; t=0", "signature-syntax" },
	{ "x= of 13 digits", "; x=4102444800000", "signature-syntax" },
	{ "x= is huge", "; x=18446744073709551615", "signature-syntax" },
	{ "t= is negative", "; t=-1", "signature-syntax" },
	{ "an unknown q=", "; q=x", "signature-syntax" },
	{ "two q=", "; q=dns/txt:dns/txt", "no-key" },
	{ "a NUL's escape", "; i==00@example.com", "no-key" },
	{ "l= is huge", "; l=18446744073709551614", "length-limit" },
	{ "l= is no number", "; l=x", "length-limit" },
	{ "z= of nothing", "; z==", "no-key" },
	{ "form feed", "; \f", "signature-syntax" },
	{ "8 bits", "; y=\xc3\xa9", "signature-syntax" },
	{ "no name", "; =x", "signature-syntax" },
	{ "two semicolons", ";;", "signature-syntax" },
	{ "a semicolon at the end", "; ", "no-key" },
	{ "b= again", "; b=BBBB", "signature-syntax" },
	{ "B= as well", "; B=BBBB", "signature-syntax" },
};

START_TEST(hostile_fields)
{
	struct signature *sig = signature_new(site, false);
	struct verdict v;
	struct buf value;

	buf_init(&value, MAIL_MAX);
	ck_status("value", buf_adds(&value, some_signature), ST_OK);
	ck_status("value", buf_adds(&value, hostile[_i].value), ST_OK);
	signature_field(sig, "DKIM-Signature", value.data);
	signature_field(sig, "From", " <a@example.com>");
	finish(sig, &v);
	if (strcmp(hostile[_i].name, "t= is zero") != 0)
		ck_string(hostile[_i].name, verdict_reason_str(v.reason),
		    hostile[_i].reason);
	buf_free(&value);
}
END_TEST

/* A tag's value grown to each length around libopendkim's buffers. */
START_TEST(long_values)
{
	static const struct {
		const char *before, *grown, *after;
	} parts[] = {
		{ "; i=", "x", "@example.com" },
		{ "; i=", "=41", "@example.com" },
		{ "; h=from:", "x", "" },
		{ "; h=from", ":x", "" },
		{ "; c=", "simple/", "" },
		{ "; q=dns/txt", ":dns/txt", "" },
		{ "; n=", "n", "" },
		{ "; n=", "\n ", "" },
		{ "; s=", "a", "" },
		{ "; s=a", ".a", "" },
		{ "; d=a", ".a", "example.com" },
		{ "; a=", "a", "" },
	};
	static const size_t lengths[] = { 0, 1, 2, 31, 62, 63, 64, 120, 126,
		127, 128, 241, 242, 243, 244, 254, 255, 256, 257, 258, 511, 512,
		1023, 1024, 1025, 2046, 2047, 2048, 4088, 4089, 4090, 4091,
		4095, 4096, 8191, 8192, 16000, 16384, 17000, 65535, 100000 };
	static const char start[] =
	    " v=1; b=AAAA; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	static const char *const rest[] = { "; a=rsa-sha256", "; h=from",
		"; d=example.com", "; s=nokey" };

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct signature *sig = signature_new(site, false);
		struct verdict v;
		struct buf value;

		buf_init(&value, MAIL_MAX);
		ck_status("v", buf_adds(&value, start), ST_OK);
		for (size_t j = 0; j < ARRAY_LEN(rest); j++) {
			if (rest[j][2] != parts[_i].before[2])
				ck_status(
				    "v", buf_adds(&value, rest[j]), ST_OK);
		}
		ck_status("v", buf_adds(&value, parts[_i].before), ST_OK);
		unit_repeat(&value, parts[_i].grown, lengths[i]);
		ck_status("v", buf_adds(&value, parts[_i].after), ST_OK);
		signature_field(sig, "DKIM-Signature", value.data);
		signature_field(sig, "From", " <a@example.com>");
		finish(sig, &v);
		ck_assert_int_ne(v.result, VERDICT_PASS);
		ck_assert_int_ne(v.result, VERDICT_TEMPERROR);
		buf_free(&value);
	}
}
END_TEST

/* From fields that are hard to parse, and others of odd names. */
START_TEST(hostile_headers)
{
	static const char *const from[] = { "", " ", " <", " >", " (", " \"",
		" \"\\", " [", " @", " a@", " @b", " a@b\\", " (\\", " x: ;",
		" a: b@c;", " <a@b>(", " \xff@\xff", " ,,,,,", " <@a,@b:c@d>",
		" a b c@d e f", " \"a b\"@c", " (((((((((a", " <a@b> <c@d>",
		" =?utf-8?q?x?= <a@b.c>", " a\\", " <\\>", " [\\]" };

	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		struct signature *sig = signature_new(site, false);
		struct verdict v;

		signature_field(sig, "DKIM-Signature", some_signature);
		signature_field(sig, "From", from[i]);
		signature_field(sig, "", "");
		signature_field(sig, "a;b", " c");
		signature_field(sig, "\xff", " \xff");
		signature_field(sig, "a b", "\n\r\n\r\r\n");
		finish(sig, &v);
		ck_assert_msg(v.reason == REASON_NO_KEY ||
			v.reason == REASON_SIGNATURE_SYNTAX,
		    "\"%s\": %s", from[i], verdict_reason_str(v.reason));
	}
}
END_TEST

/* Ours and libopendkim's. A pass may come of it; a failure must not. */
START_TEST(memory_may_be_short)
{
	struct buf mail;
	unsigned n;

	read_mail("broken-and-good", &mail);
	for (n = 1;; n++) {
		struct verdict v = { .reason = REASON_NO_RESOURCES };
		struct signature_site *s;
		struct signature *sig = NULL;

		inject_arm(INJECT_MEMORY, n);
		s = signature_site_new(look_up, &dns);
		if (s != NULL)
			sig = signature_new(s, true);
		if (sig != NULL) {
			struct header_splitter splitter;
			enum status st;
			size_t used;

			header_splitter_init(&splitter, take_field, sig);
			st = header_splitter_more(
			    &splitter, mail.data, mail.len, &used);
			header_splitter_free(&splitter);
			if (st == ST_OK) {
				signature_body(
				    sig, mail.data + used, mail.len - used);
				signature_finish(
				    sig, is_aligned, &site, PLENTY, &v);
			}
		}
		signature_free(&sig);
		signature_site_free(&s);
		if (!inject_disarm()) {
			ck_assert_int_eq(v.result, VERDICT_PASS);
			break;
		}
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_msg(
		    v.reason == REASON_NO_RESOURCES || v.result == VERDICT_PASS,
		    "%u: %s", n, verdict_reason_str(v.reason));
	}
	ck_assert_uint_gt(n, 100);
	buf_free(&mail);
}
END_TEST

/* What a mail comes to, without any assertion. */
static enum verdict_reason
judge(struct signature_site *s, const struct buf *mail)
{
	struct verdict v = { .reason = REASON_NO_RESOURCES };
	struct signature *sig = signature_new(s, true);
	struct header_splitter splitter;
	size_t used;

	if (sig == NULL)
		return v.reason;
	header_splitter_init(&splitter, take_field, sig);
	if (header_splitter_more(&splitter, mail->data, mail->len, &used) ==
	    ST_OK) {
		signature_body(sig, mail->data + used, mail->len - used);
		signature_finish(sig, is_aligned, &site, PLENTY, &v);
	}
	header_splitter_free(&splitter);
	signature_free(&sig);
	return v.reason;
}

/* Were a key decoded again, it would fail. */
START_TEST(keys_are_kept)
{
	static const char *const mails[] = { "relaxed-relaxed",
		"ed25519-relaxed-relaxed" };
	struct buf mail;

	read_mail(mails[_i], &mail);
	inject_arm(INJECT_KEY, 1);
	ck_assert_int_eq(judge(site, &mail), REASON_NO_RESOURCES);
	ck_assert(inject_disarm());
	ck_assert_int_eq(judge(site, &mail), REASON_NONE);
	inject_arm(INJECT_KEY, 1);
	for (size_t i = 1; i < MAILS; i++) {
		/* Check takes memory, but decodes nothing. */
		ck_assert_int_eq(judge(site, &mail), REASON_NONE);
	}
	ck_assert(!inject_disarm());
	buf_free(&mail);
}
END_TEST

/* Whatever libcrypto has not the memory for, the mail is not to blame. */
START_TEST(libcrypto_may_fail)
{
	static const char *const mails[] = { "relaxed-relaxed",
		"ed25519-relaxed-relaxed" };
	struct buf mail;
	unsigned n;

	read_mail(mails[_i], &mail);
	for (n = 1;; n++) {
		enum verdict_reason reason;

		signature_site_free(&site);
		site = signature_site_new(look_up, &dns);
		inject_arm(INJECT_KEY | INJECT_DIGEST, n);
		reason = judge(site, &mail);
		if (!inject_disarm()) {
			ck_assert_int_eq(reason, REASON_NONE);
			break;
		}
		ck_assert_msg(reason == REASON_NO_RESOURCES, "%u: %s", n,
		    verdict_reason_str(reason));
	}
	/* The key, a context, its start, the verification. */
	ck_assert_uint_eq(n, 5);
	buf_free(&mail);
}
END_TEST

static const struct {
	const char *name;
	enum verdict_reason reason;
} shared[] = {
	{ "rsa1024", REASON_NONE },
	{ "relaxed-relaxed", REASON_NONE },
	{ "simple-simple", REASON_NONE },
	{ "rsa4096", REASON_NONE },
	{ "ed25519-relaxed-relaxed", REASON_NONE },
	{ "key-tlsrpt", REASON_NONE },
	{ "rfc8463", REASON_NONE },
	{ "header-altered", REASON_SIGNATURE },
	{ "body-altered", REASON_BODY_HASH },
	{ "rsa768", REASON_KEY_TOO_SMALL },
};
static struct buf shared_mail[ARRAY_LEN(shared)];

static enum verdict_reason
look_up_quietly(void *ctx, const char *name, unsigned milliseconds,
    struct buf *record, enum verdict_dnssec *dnssec)
{
	(void)ctx;
	(void)milliseconds;
	(void)dnssec;
	return find_record(name, record);
}

static void *
judge_many(void *ctx)
{
	struct signature_site *s = ctx;

	for (size_t i = 0; i < TURNS; i++) {
		size_t n = i % ARRAY_LEN(shared);

		if (judge(s, &shared_mail[n]) != shared[n].reason)
			return NULL;
	}
	return ctx;
}

START_TEST(threads_share_a_site)
{
	struct signature_site *s = signature_site_new(look_up_quietly, NULL);
	pthread_t thread[THREADS];

	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		read_mail(shared[i].name, &shared_mail[i]);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&thread[i], NULL, judge_many, s), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *result;

		ck_assert_int_eq(pthread_join(thread[i], &result), 0);
		ck_assert_ptr_eq(result, s);
	}
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		buf_free(&shared_mail[i]);
	signature_site_free(&s);
}
END_TEST

Suite *
signature_suite(void)
{
	Suite *suite = suite_create("signature");
	TCase *tc = tcase_create("signature");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, verdicts, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, every_reason_has_its_row);
	tcase_add_loop_test(tc, any_byte_counts, 0, 2);
	tcase_add_test(tc, dnssec_is_told);
	tcase_add_test(tc, time_is_bounded);
	tcase_add_test(tc, the_right_name_is_asked_for);
	tcase_add_test(tc, a_signature_is_there);
	tcase_add_test(tc, fields_are_bounded);
	tcase_add_test(tc, bytes_are_bounded);
	tcase_add_loop_test(tc, hostile_fields, 0, (int)ARRAY_LEN(hostile));
	tcase_add_loop_test(tc, long_values, 0, 12);
	tcase_add_test(tc, hostile_headers);
	tcase_add_test(tc, memory_may_be_short);
	tcase_add_loop_test(tc, keys_are_kept, 0, 2);
	tcase_add_loop_test(tc, libcrypto_may_fail, 0, 2);
	suite_add_tcase(suite, tc);
	/* Apart, for ThreadSanitizer: CK_RUN_CASE=threads. */
	tc = tcase_create("threads");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, threads_share_a_site);
	suite_add_tcase(suite, tc);
	return suite;
}
