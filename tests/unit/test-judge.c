#include "judge.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

#define DOMAIN "example.com"

enum {
	DAY = 86400,
	LINES_MAX = 4096
};

/* 2026-02-11T12:00:00Z */
static const int64_t now = 1770811200;

/*
 * Facts: a domain with two MX of which the second has two addresses. All is
 * well, and each test spoils some of it.
 */
struct scene {
	struct diagnosis_settings settings;
	struct diagnosis d;
	struct diagnosis_mx mx[2];
	struct diagnosis_address address[3];
	char text[64];
};

static void
set_address(struct diagnosis_address *a, const char *ip, const char *host)
{
	struct mxprobe *probe = &a->probe;

	a->is_tried = true;
	(void)text_copy(a->address.text, sizeof a->address.text, ip);
	probe->stage = MXPROBE_DONE;
	probe->end = MXPROBE_OK;
	probe->code = 220;
	(void)strcpy(probe->protocol, "TLSv1.3");
	(void)strcpy(probe->cipher, "TLS_AES_256_GCM_SHA384");
	probe->chain = 2;
	(void)snprintf(probe->certificate.subject,
	    sizeof probe->certificate.subject, "CN=%s", host);
	(void)strcpy(probe->certificate.issuer, "CN=Good CA");
	(void)strcpy(probe->certificate.key, "RSA 2048");
	(void)snprintf(probe->certificate.sha256,
	    sizeof probe->certificate.sha256, "aa%s", host);
	(void)strcpy(probe->certificate.spki_sha256, "0123abcd");
	probe->certificate.not_before = now - 10 * DAY;
	probe->certificate.not_after = now + 80 * DAY;
	probe->certificate.names = 1;
	(void)text_copy(probe->certificate.name[0],
	    sizeof probe->certificate.name[0], host);
	a->has_old_tls_answer = true;
}

static void
set_mx(struct scene *s, size_t i, const char *host, unsigned preference)
{
	struct diagnosis_mx *mx = &s->mx[i];

	(void)strcpy(mx->host, host);
	(void)strcpy(mx->dane_base, host);
	mx->preference = preference;
	mx->is_in_dns = true;
	mx->ipv4.found.status = RESOLVER_FOUND;
	mx->ipv6.found.status = RESOLVER_NOT_FOUND;
	mx->has_tlsa_answer = true;
	mx->tlsa.found.status = RESOLVER_NOT_FOUND;
	mx->count = i + 1;
	mx->address = &s->address[i];
	(void)strcpy(s->d.found_mx.mx[i].host, host);
	s->d.found_mx.mx[i].preference = preference;
}

static void
make(struct scene *s)
{
	memset(s, 0, sizeof *s);
	s->settings = (struct diagnosis_settings){ .domain = DOMAIN,
		.with_sts = true,
		.with_dane = true,
		.port = 25,
		.https_port = 443,
		.has_trust_anchor = true };
	s->d.settings = &s->settings;
	s->d.now = now;
	s->d.found_mx.found.status = RESOLVER_FOUND;
	s->d.found_mx.count = 2;
	s->d.mx_count = 2;
	s->d.mx = s->mx;
	set_mx(s, 0, "a.example.com", 10);
	set_mx(s, 1, "b.example.com", 20);
	set_address(&s->address[0], "192.0.2.1", "a.example.com");
	set_address(&s->address[1], "2001:db8::2", "b.example.com");
	set_address(&s->address[2], "192.0.2.2", "b.example.com");
	s->d.sts.is_asked = true;
	(void)strcpy(s->d.sts.name, "_mta-sts." DOMAIN);
	s->d.sts.txt.found.status = RESOLVER_NOT_FOUND;
}

/* With a valid policy. */
static void
sts(struct scene *s)
{
	struct diagnosis_sts *d = &s->d.sts;

	d->txt.found.status = RESOLVER_FOUND;
	d->records = 1;
	d->has_record = true;
	(void)strcpy(d->record.id, "20260201000000");
	d->has_fetch = true;
	d->has_address = true;
	d->fetch.end = STSFETCH_OK;
	d->fetch.http_status = 200;
	d->fetch.has_certificate = true;
	(void)strcpy(d->fetch.ip, "192.0.2.9");
	(void)strcpy(d->fetch.certificate.subject, "CN=mta-sts." DOMAIN);
	(void)strcpy(d->fetch.certificate.issuer, "CN=Good CA");
	d->fetch.certificate.not_after = now + 60 * DAY;
	d->has_policy = true;
	d->policy.mode = STSPOLICY_ENFORCE;
	d->policy.max_age = 30 * DAY;
	d->policy.mx_count = 2;
	(void)strcpy(d->policy.mx[0], "a.example.com");
	(void)strcpy(d->policy.mx[1], "b.example.com");
}

/* With secure TLSA records 3 1 1 that match. */
static void
dane(struct scene *s)
{
	static const unsigned char data[32] = { 1, 2, 3 };

	s->d.found_mx.found.is_secure = true;
	for (size_t i = 0; i < 2; i++) {
		struct diagnosis_mx *mx = &s->mx[i];

		mx->is_dane_possible = true;
		mx->tlsa.found.status = RESOLVER_FOUND;
		mx->tlsa.found.is_secure = true;
		mx->tlsa.count = 1;
		mx->tlsa.tlsa[0] = (struct tlsa){ 3, 1, 1, data, 32 };
		mx->usable = 1;
	}
	for (size_t i = 0; i < 3; i++) {
		s->address[i].probe.has_dane = true;
		s->address[i].probe.dane_matches = true;
		s->address[i].probe.dane_record = s->mx[0].tlsa.tlsa[0];
	}
}

static void
both(struct scene *s)
{
	sts(s);
	dane(s);
}

static void
fault(struct certificate_verdict *verdict, unsigned faults, const char *detail)
{
	verdict->faults = faults;
	(void)text_copy(verdict->detail, sizeof verdict->detail, detail);
}

static void
stop(struct diagnosis_address *a, enum mxprobe_stage stage,
    enum mxprobe_end end, int code, const char *detail)
{
	struct mxprobe *probe = &a->probe;

	memset(probe, 0, sizeof *probe);
	probe->stage = stage;
	probe->end = end;
	probe->code = code;
	(void)text_copy(probe->detail, sizeof probe->detail, detail);
}

/* One MX with one address is enough for most. */
static void
alone(struct scene *s)
{
	s->d.mx_count = 1;
	s->d.found_mx.count = 1;
	s->d.sts.policy.mx_count = s->d.sts.has_policy ? 1 : 0;
}

static void
sts_alone(struct scene *s)
{
	sts(s);
	alone(s);
}

static void
dane_alone(struct scene *s)
{
	dane(s);
	alone(s);
}

static void
both_alone(struct scene *s)
{
	both(s);
	alone(s);
}

/*
 * What is spoilt.
 */

static void
nothing(struct scene *s)
{
	(void)s;
}

static void
no_starttls(struct scene *s)
{
	stop(&s->address[0], MXPROBE_EHLO, MXPROBE_NOT_OFFERED, 250,
	    "250-a.example.com ... 250 HELP");
}

static void
starttls_refused(struct scene *s)
{
	stop(&s->address[0], MXPROBE_STARTTLS, MXPROBE_REJECTED, 454,
	    "454 4.7.0 TLS not available");
}

static void
smtp_timeout(struct scene *s)
{
	stop(&s->address[0], MXPROBE_GREETING, MXPROBE_TIMEOUT, 0,
	    "no reply in time");
}

static void
smtp_protocol(struct scene *s)
{
	stop(&s->address[0], MXPROBE_EHLO, MXPROBE_PROTOCOL, 0,
	    "SSH-2.0-OpenSSH");
}

static void
lost(struct scene *s)
{
	stop(&s->address[0], MXPROBE_STARTTLS, MXPROBE_LOST, 220, "closed");
}

static void
handshake(struct scene *s)
{
	stop(&s->address[0], MXPROBE_HANDSHAKE, MXPROBE_TLS, 220,
	    "unsupported protocol");
}

static void
handshake_timeout(struct scene *s)
{
	stop(&s->address[0], MXPROBE_HANDSHAKE, MXPROBE_TIMEOUT, 220, "slow");
}

static void
greeting_4xx(struct scene *s)
{
	stop(&s->address[0], MXPROBE_GREETING, MXPROBE_REJECTED, 421,
	    "421 too busy");
}

static void
greeting_5xx(struct scene *s)
{
	stop(&s->address[0], MXPROBE_GREETING, MXPROBE_REJECTED, 554,
	    "554 you are on a list");
}

static void
refused(struct scene *s)
{
	stop(&s->address[0], MXPROBE_CONNECT, MXPROBE_REFUSED, 0,
	    "Connection refused");
}

static void
no_route(struct scene *s)
{
	stop(&s->address[0], MXPROBE_CONNECT, MXPROBE_NO_ROUTE, 0,
	    "Network is unreachable");
}

static void
ourselves(struct scene *s)
{
	stop(&s->address[0], MXPROBE_CONNECT, MXPROBE_OURSELVES, 0,
	    "out of memory");
}

static void
second_refused(struct scene *s)
{
	stop(&s->address[1], MXPROBE_CONNECT, MXPROBE_REFUSED, 0,
	    "Connection refused");
}

static void
second_no_route(struct scene *s)
{
	stop(&s->address[1], MXPROBE_CONNECT, MXPROBE_NO_ROUTE, 0,
	    "Network is unreachable");
}

static void
second_broken(struct scene *s)
{
	stop(&s->address[1], MXPROBE_HANDSHAKE, MXPROBE_TLS, 220,
	    "no shared cipher");
}

static void
expired(struct scene *s)
{
	s->address[0].probe.certificate.not_after = now - 3 * DAY;
	fault(&s->address[0].probe.pkix, CERTIFICATE_EXPIRED,
	    "certificate has expired: CN=a.example.com (2026-02-08)");
}

static void
mismatch(struct scene *s)
{
	fault(&s->address[0].probe.pkix, CERTIFICATE_HOST_MISMATCH,
	    "not for a.example.com: for www.example.com");
}

static void
untrusted(struct scene *s)
{
	s->address[0].probe.certificate.is_self_signed = true;
	fault(&s->address[0].probe.pkix, CERTIFICATE_NOT_TRUSTED,
	    "self-signed certificate: CN=a.example.com");
}

static void
all_faults(struct scene *s)
{
	fault(&s->address[0].probe.pkix,
	    CERTIFICATE_NOT_TRUSTED | CERTIFICATE_HOST_MISMATCH |
		CERTIFICATE_EXPIRED,
	    "self-signed certificate: CN=x");
}

static void
tlsa_differs(struct scene *s)
{
	s->address[0].probe.dane_matches = false;
	fault(&s->address[0].probe.dane, CERTIFICATE_NOT_TRUSTED,
	    "no matching DANE TLSA records");
}

static void
tlsa_unusable(struct scene *s)
{
	s->mx[0].tlsa.tlsa[0].usage = 1;
	s->mx[0].usable = 0;
	s->address[0].probe.has_dane = false;
	s->address[0].probe.dane_matches = false;
}

static void
tlsa_unreadable(struct scene *s)
{
	tlsa_unusable(s);
	s->mx[0].tlsa.count = 0;
	s->mx[0].tlsa.found.dropped = 2;
}

static void
dane_ta(struct scene *s)
{
	s->mx[0].tlsa.tlsa[0].usage = 2;
	s->address[0].probe.dane_record.usage = 2;
}

static void
dane_ta_expired(struct scene *s)
{
	dane_ta(s);
	fault(&s->address[0].probe.dane, CERTIFICATE_EXPIRED, "has expired");
}

static void
dane_ta_mismatch(struct scene *s)
{
	dane_ta(s);
	fault(&s->address[0].probe.dane,
	    CERTIFICATE_EXPIRED | CERTIFICATE_HOST_MISMATCH, "not for it");
}

static void
dane_ee_faulty(struct scene *s)
{
	fault(&s->address[0].probe.dane,
	    CERTIFICATE_EXPIRED | CERTIFICATE_HOST_MISMATCH, "not for it");
}

static void
tlsa_bogus(struct scene *s)
{
	s->mx[0].tlsa.found.status = RESOLVER_BOGUS;
	s->mx[0].tlsa.found.is_secure = false;
	s->mx[0].tlsa.count = 0;
}

static void
tlsa_servfail(struct scene *s)
{
	tlsa_bogus(s);
	s->mx[0].tlsa.found.status = RESOLVER_FAILED;
}

static void
tlsa_timeout(struct scene *s)
{
	tlsa_bogus(s);
	s->mx[0].tlsa.found.status = RESOLVER_TIMEOUT;
}

/* Which a sender would not have asked for. */
static void
tlsa_servfail_insecure(struct scene *s)
{
	tlsa_servfail(s);
	s->mx[0].is_dane_possible = false;
}

static void
tlsa_insecure(struct scene *s)
{
	s->mx[0].tlsa.found.is_secure = false;
}

static void
tlsa_of_insecure_mx(struct scene *s)
{
	s->d.found_mx.found.is_secure = false;
	s->mx[0].is_dane_possible = false;
}

static void
no_mx_answer(struct scene *s, enum resolver_status status)
{
	s->d.found_mx.found.status = status;
	s->d.found_mx.count = 0;
	s->d.mx_count = 0;
}

static void
mx_bogus(struct scene *s)
{
	no_mx_answer(s, RESOLVER_BOGUS);
}

static void
mx_bogus_without_dane(struct scene *s)
{
	s->settings.with_dane = false;
	no_mx_answer(s, RESOLVER_BOGUS);
}

static void
mx_timeout(struct scene *s)
{
	no_mx_answer(s, RESOLVER_TIMEOUT);
}

static void
mx_null(struct scene *s)
{
	no_mx_answer(s, RESOLVER_FOUND);
	s->d.found_mx.is_null = true;
}

static void
mx_unreadable(struct scene *s)
{
	no_mx_answer(s, RESOLVER_FOUND);
	s->d.found_mx.found.dropped = 3;
}

static void
a_bogus(struct scene *s)
{
	s->mx[0].count = 0;
	s->mx[0].ipv4.found.status = RESOLVER_BOGUS;
	s->mx[0].ipv6.found.status = RESOLVER_BOGUS;
}

static void
a_failed(struct scene *s)
{
	s->mx[0].count = 0;
	s->mx[0].ipv4.found.status = RESOLVER_FAILED;
}

static void
no_address(struct scene *s)
{
	s->mx[0].count = 0;
	s->mx[0].ipv4.found.status = RESOLVER_NOT_FOUND;
}

static void
aaaa_failed(struct scene *s)
{
	s->mx[0].ipv6.found.status = RESOLVER_TIMEOUT;
}

static void
implicit(struct scene *s)
{
	no_address(s);
	s->d.found_mx.found.status = RESOLVER_NOT_FOUND;
	s->d.is_implicit = true;
}

static void
required(struct scene *s)
{
	s->settings.is_dane_required = true;
}

static void
required_insecure(struct scene *s)
{
	required(s);
	tlsa_insecure(s);
}

static void
required_unanchored(struct scene *s)
{
	required(s);
	s->settings.has_trust_anchor = false;
}

static void
too_many(struct scene *s)
{
	s->d.untried = 1;
	s->address[2].is_tried = false;
}

static void
fetch_fails(struct scene *s, enum stsfetch_end end, const char *detail)
{
	s->d.sts.fetch.end = end;
	(void)text_copy(
	    s->d.sts.fetch.detail, sizeof s->d.sts.fetch.detail, detail);
	s->d.sts.has_policy = false;
}

#define FETCH(name, end, detail)                                               \
	static void name(struct scene *s)                                      \
	{                                                                      \
		fetch_fails(s, end, detail);                                   \
	}
FETCH(fetch_connect, STSFETCH_CONNECT, "Connection refused")
FETCH(fetch_timeout, STSFETCH_TIMEOUT, "timed out")
FETCH(fetch_tls, STSFETCH_TLS, "handshake failure")
FETCH(fetch_redirect, STSFETCH_REDIRECT, "HTTP status 301 to /x")
FETCH(fetch_status, STSFETCH_STATUS, "HTTP status 404")
FETCH(fetch_type, STSFETCH_CONTENT_TYPE, "the Content-Type is text/html")
FETCH(fetch_large, STSFETCH_TOO_LARGE, "over 64 KB")
FETCH(fetch_lost, STSFETCH_LOST, "closed")
FETCH(fetch_ourselves, STSFETCH_OURSELVES, "no memory")

static void
fetch_webpki(struct scene *s)
{
	fetch_fails(s, STSFETCH_CERTIFICATE, "not for mta-sts.example.com");
	fault(&s->d.sts.fetch.verdict,
	    CERTIFICATE_HOST_MISMATCH | CERTIFICATE_EXPIRED,
	    "not for mta-sts.example.com");
}

static void
fetch_no_address(struct scene *s)
{
	fetch_fails(s, STSFETCH_OK, "");
	s->d.sts.has_address = false;
	s->d.sts.fetch.has_certificate = false;
	s->d.sts.ipv4.found.status = RESOLVER_NOT_FOUND;
	s->d.sts.ipv6.found.status = RESOLVER_TIMEOUT;
}

static void
policy_invalid(struct scene *s)
{
	fetch_fails(s, STSFETCH_OK, "the body came with Content-Encoding gzip");
	s->d.sts.policy_remarks.count = 2;
	s->d.sts.policy_remarks.errors = 1;
	s->d.sts.policy_remarks.remark[0].kind = REMARK_NOTE;
	s->d.sts.policy_remarks.remark[1] =
	    (struct remark){ .kind = REMARK_ERROR,
		    .has_offset = true,
		    .offset = 17,
		    .text = "there is no max_age",
		    .mend = "add one" };
}

static void
not_allowed(struct scene *s)
{
	(void)strcpy(s->d.sts.policy.mx[0], "*.mail.example.com");
}

static void
testing(struct scene *s)
{
	s->d.sts.policy.mode = STSPOLICY_TESTING;
}

static void
testing_and_expired(struct scene *s)
{
	testing(s);
	expired(s);
}

static void
mode_none(struct scene *s)
{
	s->d.sts.policy.mode = STSPOLICY_NONE;
	s->d.sts.policy.max_age = DAY;
}

static void
age_short(struct scene *s)
{
	s->d.sts.policy.max_age = 7 * DAY - 1;
}

static void
age_enough(struct scene *s)
{
	s->d.sts.policy.max_age = 7 * DAY;
}

static void
patterns(struct scene *s)
{
	s->d.sts.policy.mx_count = 4;
	(void)strcpy(s->d.sts.policy.mx[1], "*.example.com");
	(void)strcpy(s->d.sts.policy.mx[2], "old.example.com");
	(void)strcpy(s->d.sts.policy.mx[3], "*.example.net");
}

static void
no_record(struct scene *s)
{
	s->d.sts.records = 0;
	s->d.sts.has_record = false;
	s->d.sts.has_fetch = false;
	s->d.sts.has_policy = false;
	s->d.sts.fetch.has_certificate = false;
}

static void
two_records(struct scene *s)
{
	no_record(s);
	s->d.sts.records = 2;
}

static void
bad_record(struct scene *s)
{
	no_record(s);
	s->d.sts.records = 1;
	s->d.sts.record_remarks.count = 1;
	s->d.sts.record_remarks.errors = 3;
	s->d.sts.record_remarks.remark[0] =
	    (struct remark){ .kind = REMARK_ERROR, .text = "there is no id" };
}

static void
other_txt(struct scene *s, const char *text)
{
	no_record(s);
	(void)strcpy(s->text, text);
	s->d.sts.txt.count = 1;
	s->d.sts.txt.text[0] = s->text;
	s->d.sts.txt.len[0] = strlen(s->text);
}

static void
nearly_record(struct scene *s)
{
	other_txt(s, "v=STSV1; id=1;");
}

static void
wildcard_txt(struct scene *s)
{
	other_txt(s, "v=spf1 -all");
}

static void
sts_only(struct scene *s)
{
	s->settings.with_dane = false;
}

static void
sts_servfail(struct scene *s)
{
	no_record(s);
	s->d.sts.txt.found.status = RESOLVER_FAILED;
}

static void
sts_unasked(struct scene *s)
{
	s->settings.with_sts = false;
	s->d.sts.is_asked = false;
}

static void
expires_soon(struct scene *s)
{
	s->address[0].probe.certificate.not_after = now + 14 * DAY - 1;
}

static void
expires_later(struct scene *s)
{
	s->address[0].probe.certificate.not_after = now + 14 * DAY;
}

/* Both addresses of the second MX show the same one. */
static void
expire_soon_twice(struct scene *s)
{
	s->address[1].probe.certificate.not_after = now;
	s->address[2].probe.certificate.not_after = now;
}

static void
policy_server_expires(struct scene *s)
{
	s->d.sts.fetch.certificate.not_after = now + 5 * DAY;
}

static void
old_tls(struct scene *s)
{
	s->address[0].offers_old_tls = true;
	(void)strcpy(s->address[0].old_tls.protocol, "TLSv1.1");
}

static void
other_key(struct scene *s)
{
	struct diagnosis_address *a = &s->address[0];

	a->has_other_key = true;
	a->other_key = a->probe;
	a->other_key.dane_matches = false;
	(void)strcpy(a->other_key.certificate.key, "EC P-256");
}

static void
other_key_matches(struct scene *s)
{
	other_key(s);
	s->address[0].other_key.dane_matches = true;
}

static void
certificate_only(struct scene *s)
{
	s->address[0].probe.dane_record.selector = 0;
	s->address[0].probe.certificate.not_after = now + 30 * DAY - 1;
}

static void
certificate_only_of_ca(struct scene *s)
{
	certificate_only(s);
	s->address[0].probe.dane_record.usage = 2;
}

static void
alias(struct scene *s)
{
	(void)strcpy(s->mx[0].ipv4.found.alias, "real.example.net");
}

static void
unanchored(struct scene *s)
{
	s->settings.has_trust_anchor = false;
	tlsa_of_insecure_mx(s);
}

static void
not_in_dns(struct scene *s)
{
	s->mx[0].is_in_dns = false;
}

/*
 * The table. A finding is "KIND POLICY RESULT-TYPE REASON HOST IP", each "-"
 * where there is none, in a line.
 */

#define GOOD_STS_A  "success sts - - a.example.com 192.0.2.1\n"
#define GOOD_DANE_A "success tlsa - - a.example.com 192.0.2.1\n"
#define GOOD_NONE_A "success no-policy-found - - a.example.com 192.0.2.1\n"
#define A           " a.example.com 192.0.2.1\n"
#define WHOLE_A     " a.example.com -\n"

static const struct {
	const char *name;
	void (*base)(struct scene *s);
	void (*spoil)(struct scene *s);
	const char *want;
	int code;
	const char *says; /* in a detail */
} rows[] = {
	/* All is well. */
	{ "sts and dane", both, nothing,
	    GOOD_STS_A GOOD_DANE_A
	    "success sts - - b.example.com 2001:db8::2\n"
	    "success tlsa - - b.example.com 2001:db8::2\n"
	    "success sts - - b.example.com 192.0.2.2\n"
	    "success tlsa - - b.example.com 192.0.2.2\n",
	    0,
	    "matches TLSA 3 1 1, CN=a.example.com, issued by CN=Good CA, "
	    "for a.example.com, until 2026-05-02 (80 days left); TLSv1.3, "
	    "TLS_AES_256_GCM_SHA384" },
	{ "no policy", alone, nothing, GOOD_NONE_A, 0, "TLSv1.3" },

	/* starttls-not-supported */
	{ "STARTTLS not offered", both_alone, no_starttls,
	    "failure sts starttls-not-supported starttls-not-offered" A
	    "failure tlsa starttls-not-supported starttls-not-offered" A,
	    1, "250-a.example.com ... 250 HELP" },
	{ "nor without a policy", alone, no_starttls,
	    "failure no-policy-found starttls-not-supported "
	    "starttls-not-offered" A,
	    1, "not-offered at ehlo" },
	{ "STARTTLS refused", sts_alone, starttls_refused,
	    "failure sts starttls-not-supported starttls-refused" A, 1,
	    "454 4.7.0" },

	/* validation-failure */
	{ "timeout", sts_alone, smtp_timeout,
	    "failure sts validation-failure smtp-timeout" A, 1,
	    "timeout at greeting: no reply in time" },
	{ "no SMTP", sts_alone, smtp_protocol,
	    "failure sts validation-failure smtp-protocol" A, 1, "SSH-2.0" },
	{ "lost", dane_alone, lost,
	    "failure tlsa validation-failure connection-lost" A, 1, "closed" },
	{ "handshake", alone, handshake,
	    "failure no-policy-found validation-failure tls-handshake" A, 1,
	    "unsupported protocol" },
	{ "handshake without end", sts_alone, handshake_timeout,
	    "failure sts validation-failure tls-timeout" A, 1, "slow" },
	{ "MX not in the policy", both_alone, not_allowed,
	    "failure sts validation-failure mx-not-in-policy" WHOLE_A
		GOOD_DANE_A "warning sts - mx-in-policy-not-in-dns - -\n",
	    1,
	    "no mx of the policy allows a.example.com: it has "
	    "*.mail.example.com" },

	/* No failure of TLS. */
	{ "turned away for now", both_alone, greeting_4xx,
	    "untried - - turned-away" A, 75, "421 too busy" },
	{ "turned away", both_alone, greeting_5xx, "untried - - turned-away" A,
	    69, "554 you are on a list" },
	{ "connection refused", both_alone, refused,
	    "untried - - address-unreachable" A, 75, "refused at connect" },
	{ "no route", sts_alone, no_route, "untried - - address-unreachable" A,
	    69, "Network is unreachable" },
	{ "our own trouble", alone, ourselves, "untried - - our-own-trouble" A,
	    75, "out of memory" },
	{ "one address of two", nothing, second_refused,
	    GOOD_NONE_A "success no-policy-found - - b.example.com 192.0.2.2\n"
			"warning - - address-unreachable b.example.com "
			"2001:db8::2\n",
	    2, "Connection refused" },
	{ "no IPv6 from here", nothing, second_no_route,
	    GOOD_NONE_A "success no-policy-found - - b.example.com 192.0.2.2\n"
			"note - - address-unreachable b.example.com "
			"2001:db8::2\n",
	    0, NULL },
	{ "IPv6 broken only", nothing, second_broken,
	    GOOD_NONE_A
	    "failure no-policy-found validation-failure tls-handshake "
	    "b.example.com 2001:db8::2\n"
	    "success no-policy-found - - b.example.com 192.0.2.2\n",
	    1, "no shared cipher" },
	{ "too many addresses", nothing, too_many,
	    "untried - - too-many-addresses - -\n" GOOD_NONE_A
	    "success no-policy-found - - b.example.com 2001:db8::2\n",
	    69, "1 addresses" },

	/* Certificates. */
	{ "expired", both_alone, expired,
	    "failure sts certificate-expired certificate-expired" A GOOD_DANE_A,
	    1,
	    "(2026-02-08); CN=a.example.com, issued by CN=Good CA, for "
	    "a.example.com, until 2026-02-08 (3 days ago)" },
	{ "expired, without a policy", alone, expired,
	    GOOD_NONE_A "warning no-policy-found - certificate-would-fail" A, 2,
	    "certificate-expired: certificate has expired" },
	{ "mismatch", sts_alone, mismatch,
	    "failure sts certificate-host-mismatch "
	    "certificate-host-mismatch" A,
	    1, "for www.example.com" },
	{ "not trusted", sts_alone, untrusted,
	    "failure sts certificate-not-trusted certificate-not-trusted" A, 1,
	    "CN=a.example.com, self-signed, for" },
	{ "all at once", sts_alone, all_faults,
	    "failure sts certificate-not-trusted certificate-not-trusted" A, 1,
	    "CN=x; besides certificate-host-mismatch, certificate-expired; " },
	{ "in mode testing", sts_alone, testing_and_expired,
	    "failure sts certificate-expired certificate-expired" A
	    "warning sts - mode-testing - -\n",
	    1, "deliver all the same" },

	/* tlsa-invalid */
	{ "TLSA of another key", both_alone, tlsa_differs,
	    GOOD_STS_A "failure tlsa tlsa-invalid tlsa-mismatch" A, 1,
	    "server's key is 0123abcd, and there is 3 1 1 010203" },
	{ "TLSA not usable", dane_alone, tlsa_unusable,
	    "failure tlsa tlsa-invalid tlsa-unusable" WHOLE_A, 1, "PKIX-EE" },
	{ "TLSA not readable", dane_alone, tlsa_unreadable,
	    "failure tlsa tlsa-invalid tlsa-unusable" WHOLE_A, 1,
	    "2 cannot be read" },
	{ "DANE-TA, expired", dane_alone, dane_ta_expired,
	    "failure tlsa certificate-expired certificate-expired" A, 1, NULL },
	{ "DANE-TA, mismatch", dane_alone, dane_ta_mismatch,
	    "failure tlsa certificate-host-mismatch "
	    "certificate-host-mismatch" A,
	    1, "besides certificate-expired" },
	{ "DANE-EE, all the same", dane_alone, dane_ee_faulty, GOOD_DANE_A, 0,
	    NULL },

	/* dnssec-invalid */
	{ "TLSA bogus", both_alone, tlsa_bogus,
	    "failure tlsa dnssec-invalid dnssec-bogus" WHOLE_A GOOD_STS_A, 1,
	    "TLSA _25._tcp.a.example.com: bogus" },
	{ "TLSA SERVFAIL", dane_alone, tlsa_servfail,
	    "failure tlsa dnssec-invalid tlsa-servfail" WHOLE_A, 1,
	    "SERVFAIL" },
	{ "TLSA SERVFAIL, unsigned", dane_alone, tlsa_servfail_insecure,
	    GOOD_NONE_A, 0, NULL },
	{ "TLSA timeout", dane_alone, tlsa_timeout,
	    "untried tlsa - dns-failed" WHOLE_A, 75, "timed out" },
	{ "MX bogus", sts_alone, mx_bogus,
	    "failure tlsa dnssec-invalid dnssec-bogus - -\n", 1,
	    "MX example.com: bogus" },
	{ "MX bogus, without DANE", sts_alone, mx_bogus_without_dane,
	    "untried - - dnssec-bogus - -\n", 75, NULL },
	{ "addresses bogus", dane_alone, a_bogus,
	    "failure tlsa dnssec-invalid dnssec-bogus" WHOLE_A, 1,
	    "AAAA and A a.example.com: bogus" },

	/* dane-required */
	{ "required", dane_alone, required, GOOD_DANE_A, 0, NULL },
	{ "required, absent", sts_alone, required,
	    "failure tlsa dane-required no-secure-tlsa" WHOLE_A GOOD_STS_A, 1,
	    "the MX records of example.com are not signed" },
	{ "required, not secure", dane_alone, required_insecure,
	    "failure tlsa dane-required no-secure-tlsa" WHOLE_A
	    "warning tlsa - tlsa-not-secure" WHOLE_A,
	    1, "the TLSA records of a.example.com are not signed" },
	{ "required, not usable", dane_alone, tlsa_unusable,
	    "failure tlsa tlsa-invalid tlsa-unusable" WHOLE_A, 1, NULL },
	{ "required, no anchor", alone, required_unanchored,
	    "untried tlsa - dnssec-not-checked" WHOLE_A
	    "note - - dnssec-not-checked - -\n",
	    69, NULL },

/* sts-policy-fetch-error: without a policy there is none. */
#define FETCH_ERROR(reason)                                                    \
	"failure sts sts-policy-fetch-error " reason " - -\n" GOOD_NONE_A
	{ "connection", sts_alone, fetch_connect, FETCH_ERROR("connection"), 1,
	    "Connection refused (from 192.0.2.9)" },
	{ "fetch timeout", sts_alone, fetch_timeout, FETCH_ERROR("timeout"), 1,
	    NULL },
	{ "fetch TLS", sts_alone, fetch_tls, FETCH_ERROR("tls-handshake"), 1,
	    NULL },
	{ "redirect", sts_alone, fetch_redirect, FETCH_ERROR("redirect"), 1,
	    "301 to /x" },
	{ "404", sts_alone, fetch_status, FETCH_ERROR("http-status"), 1,
	    "404" },
	{ "type", sts_alone, fetch_type, FETCH_ERROR("content-type"), 1,
	    "text/html" },
	{ "large", sts_alone, fetch_large, FETCH_ERROR("too-large"), 1, NULL },
	{ "fetch lost", sts_alone, fetch_lost, FETCH_ERROR("connection-lost"),
	    1, NULL },
	{ "no address", sts_alone, fetch_no_address, FETCH_ERROR("no-address"),
	    1,
	    "mta-sts.example.com has no address: AAAA timed out, A NXDOMAIN" },
	{ "fetch, our own trouble", sts_alone, fetch_ourselves,
	    "untried sts - our-own-trouble - -\n" GOOD_NONE_A, 75, NULL },

	/* sts-webpki-invalid, sts-policy-invalid */
	{ "certificate of the policy server", sts_alone, fetch_webpki,
	    "failure sts sts-webpki-invalid certificate-host-mismatch - "
	    "-\n" GOOD_NONE_A,
	    1,
	    "besides certificate-expired; the certificate of the policy "
	    "server is CN=mta-sts.example.com, issued by CN=Good CA" },
	{ "policy", both_alone, policy_invalid,
	    "failure sts sts-policy-invalid policy-syntax - -\n" GOOD_DANE_A, 1,
	    "there is no max_age, at byte 17: add one; the body came with "
	    "Content-Encoding gzip" },

	/* The DNS of the domain. */
	{ "MX lookup", sts_alone, mx_timeout, "untried - - dns-failed - -\n",
	    75, "MX example.com: timed out" },
	{ "null MX", alone, mx_null, "note - - null-mx - -\n", 0, "RFC 7505" },
	{ "null MX with a policy", sts_alone, mx_null, "note - - null-mx - -\n",
	    0, NULL },
	{ "MX unreadable", alone, mx_unreadable,
	    "untried - - mx-unreadable - -\n", 69, "none of the 3" },
	{ "addresses", alone, a_failed, "untried - - dns-failed" WHOLE_A, 75,
	    "A a.example.com: SERVFAIL" },
	{ "MX without an address", alone, no_address,
	    "untried - - mx-without-address" WHOLE_A, 69,
	    "a.example.com has no address" },
	{ "neither MX nor address", alone, implicit,
	    "untried - - mx-without-address" WHOLE_A, 69, "there is no MX" },
	{ "AAAA alone", alone, aaaa_failed,
	    GOOD_NONE_A "warning - - dns-failed" WHOLE_A, 2,
	    "AAAA a.example.com: timed out" },

	/* Warnings. */
	{ "mode testing", sts_alone, testing,
	    GOOD_STS_A "warning sts - mode-testing - -\n", 2, NULL },
	{ "mode none", sts_alone, mode_none,
	    GOOD_NONE_A "warning sts - mode-none - -\n", 2, NULL },
	{ "max_age", sts_alone, age_short,
	    GOOD_STS_A "warning sts - max-age-short - -\n", 2,
	    "604799 seconds" },
	{ "max_age of a week", sts_alone, age_enough, GOOD_STS_A, 0, NULL },
	{ "patterns", sts_alone, patterns,
	    GOOD_STS_A "warning sts - mx-in-policy-not-in-dns - -\n", 2,
	    "in the DNS: old.example.com, *.example.net" },
	{ "two records", sts_alone, two_records,
	    GOOD_NONE_A "warning sts - sts-record-invalid - -\n", 2,
	    "2 records" },
	{ "bad record", sts_alone, bad_record,
	    GOOD_NONE_A "warning sts - sts-record-invalid - -\n", 2,
	    "there is no id (one of 3 errors)" },
	{ "almost a record", sts_alone, nearly_record,
	    GOOD_NONE_A "warning sts - sts-record-invalid - -\n", 2,
	    "does not begin with v=STSv1;" },
	{ "another TXT record", sts_alone, wildcard_txt, GOOD_NONE_A, 0, NULL },
	{ "nothing published", alone, sts_only,
	    GOOD_NONE_A "warning sts - sts-not-found - -\n", 2,
	    "no record at _mta-sts.example.com" },
	{ "record SERVFAIL", sts_alone, sts_servfail,
	    "untried sts - dns-failed - -\n" GOOD_NONE_A, 75, "SERVFAIL" },
	{ "no MTA-STS asked", dane_alone, sts_unasked, GOOD_DANE_A, 0, NULL },
	{ "expires soon", sts_alone, expires_soon,
	    GOOD_STS_A "warning - - certificate-expires-soon" A, 2,
	    "until 2026-02-25 (13 days left)" },
	{ "expires later", sts_alone, expires_later, GOOD_STS_A, 0, NULL },
	{ "the same, expires soon", nothing, expire_soon_twice,
	    GOOD_NONE_A
	    "success no-policy-found - - b.example.com 2001:db8::2\n"
	    "success no-policy-found - - b.example.com 192.0.2.2\n"
	    "warning - - certificate-expires-soon b.example.com "
	    "2001:db8::2\n",
	    2, "(0 days left)" },
	{ "policy server expires soon", sts_alone, policy_server_expires,
	    GOOD_STS_A "warning sts - certificate-expires-soon - -\n", 2,
	    "(5 days left)" },
	{ "old TLS", alone, old_tls,
	    GOOD_NONE_A "warning - - old-tls-offered" A, 2, "TLSv1.1" },
	{ "second key", dane_alone, other_key,
	    GOOD_DANE_A "warning tlsa - tlsa-other-key" A, 2, "EC P-256" },
	{ "second key that matches", dane_alone, other_key_matches, GOOD_DANE_A,
	    0, NULL },
	{ "TLSA of the certificate", dane_alone, certificate_only,
	    GOOD_DANE_A "warning tlsa - tlsa-certificate-only" A, 2, "3 0 1" },
	{ "TLSA of a CA's certificate", dane_alone, certificate_only_of_ca,
	    GOOD_DANE_A, 0, NULL },
	{ "TLSA not secure", dane_alone, tlsa_insecure,
	    GOOD_NONE_A "warning tlsa - tlsa-not-secure" WHOLE_A, 2,
	    "has TLSA records, and they are not signed" },
	{ "MX not secure", dane_alone, tlsa_of_insecure_mx,
	    GOOD_NONE_A "warning tlsa - tlsa-not-secure" WHOLE_A, 2,
	    "the MX records of the domain are not signed" },
	{ "alias", alone, alias, GOOD_NONE_A "warning - - mx-is-alias" WHOLE_A,
	    2, "real.example.net" },
	{ "no trust anchor", dane_alone, unanchored,
	    GOOD_NONE_A "note - - dnssec-not-checked - -\n", 0, NULL },
	{ "not in the DNS", alone, not_in_dns,
	    GOOD_NONE_A "note - - mx-not-in-dns" WHOLE_A, 0, NULL },
};

static const char *
or_dash(const char *text)
{
	return text != NULL ? text : "-";
}

static void
write_findings(const struct findings *findings, char out[LINES_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->finding[i];

		n += (size_t)snprintf(out + n, LINES_MAX - n,
		    "%s %s %s %s %s %s\n", finding_kind_str(f->kind),
		    or_dash(f->policy_type), or_dash(f->result_type),
		    or_dash(f->reason), f->mx != NULL ? f->mx->host : "-",
		    f->address != NULL ? f->address->address.text : "-");
		ck_assert_uint_lt(n, LINES_MAX);
	}
}

/* What holds of each, whatever it is. */
static void
check_finding(const char *name, const struct finding *f)
{
	bool is_failure = f->kind == FINDING_FAILURE;

	ck_assert_msg(f->detail[0] != '\0', "%s: no detail", name);
	ck_assert_msg((f->result_type != NULL) == is_failure, "%s", name);
	ck_assert_msg(
	    !is_failure || result_is_known(result_find(f->result_type)),
	    "%s: %s", name, f->result_type);
	ck_assert_msg((f->reason == NULL) == (f->kind == FINDING_SUCCESS),
	    "%s: reason", name);
	ck_assert_msg(f->kind == FINDING_NOTE ||
		(f->action == NULL) == (f->kind == FINDING_SUCCESS),
	    "%s: action", name);
	ck_assert_msg(!f->is_temporary || f->kind == FINDING_UNTRIED ||
		f->kind == FINDING_WARNING || f->kind == FINDING_NOTE,
	    "%s: temporary", name);
}

START_TEST(facts_in_findings_out)
{
	struct scene *s = malloc(sizeof *s);
	char got[LINES_MAX];

	ck_assert_ptr_nonnull(s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct findings findings;
		bool is_said = rows[i].says == NULL;

		make(s);
		rows[i].base(s);
		rows[i].spoil(s);
		ck_status(rows[i].name, judge(&s->d, &findings), ST_OK);
		write_findings(&findings, got);
		ck_string(rows[i].name, got, rows[i].want);
		ck_assert_msg(findings_exit(&findings) == rows[i].code,
		    "%s: exit %d", rows[i].name, findings_exit(&findings));
		for (size_t k = 0; k < findings.count; k++) {
			const struct finding *f = &findings.finding[k];

			check_finding(rows[i].name, f);
			is_said =
			    is_said || strstr(f->detail, rows[i].says) != NULL;
		}
		ck_assert_msg(is_said, "%s: \"%s\"", rows[i].name,
		    findings.finding[0].detail);
		findings_clear(&findings);
	}
	free(s);
}
END_TEST

/* What the table leaves out would not be noticed otherwise. */
START_TEST(all_result_types_are_in_the_table)
{
	size_t count;
	const struct result *all = result_all(&count);

	for (size_t i = 0; i < count; i++) {
		bool is_there = false;

		for (size_t k = 0; k < ARRAY_LEN(rows); k++)
			is_there |= strstr(rows[k].want, all[i].type) != NULL;
		ck_assert_msg(is_there, "%s", all[i].type);
	}
}
END_TEST

START_TEST(details_are_cut)
{
	struct scene *s = malloc(sizeof *s);
	struct findings findings;
	uint32_t cp;

	ck_assert_ptr_nonnull(s);
	make(s);
	sts_alone(s);
	not_allowed(s);
	/* Names of 250 bytes in UTF-8: cut within a name, at a character. */
	s->d.sts.policy.mx_count = STSPOLICY_MX_MAX;
	for (size_t i = 0; i < STSPOLICY_MX_MAX; i++) {
		for (size_t k = 0; k < 250; k += 2)
			memcpy(s->d.sts.policy.mx[i] + k, "\303\244", 2);
	}
	ck_status("cut", judge(&s->d, &findings), ST_OK);
	ck_assert_uint_ge(
	    strlen(findings.finding[0].detail), FINDING_DETAIL_MAX - 2);
	for (const char *p = findings.finding[0].detail; *p != '\0';) {
		size_t n = utf8_decode(p, strlen(p), &cp);

		ck_assert_uint_gt(n, 0);
		p += n;
	}
	findings_clear(&findings);
	ck_assert_uint_eq(findings.count, 0);
	findings_clear(&findings);
	free(s);
}
END_TEST

START_TEST(exits)
{
	static const struct {
		enum finding_kind kind[3];
		bool is_temporary[3];
		int code;
	} tests[] = {
		{ { FINDING_SUCCESS, FINDING_NOTE, FINDING_SUCCESS }, { false },
		    0 },
		{ { FINDING_SUCCESS, FINDING_WARNING, FINDING_NOTE }, { false },
		    2 },
		{ { FINDING_WARNING, FINDING_UNTRIED, FINDING_SUCCESS },
		    { false }, 69 },
		{ { FINDING_UNTRIED, FINDING_UNTRIED, FINDING_WARNING },
		    { false, true, false }, 75 },
		/* Only of what was not tried does it count. */
		{ { FINDING_UNTRIED, FINDING_WARNING, FINDING_WARNING },
		    { false, true, false }, 69 },
		{ { FINDING_UNTRIED, FINDING_FAILURE, FINDING_WARNING },
		    { true, false, false }, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct finding finding[3] = { { .reason = NULL } };
		struct findings findings = { .count = 3, .finding = finding };

		for (size_t k = 0; k < 3; k++) {
			finding[k].kind = tests[i].kind[k];
			finding[k].is_temporary = tests[i].is_temporary[k];
		}
		ck_assert_msg(findings_exit(&findings) == tests[i].code,
		    "%zu: %d", i, findings_exit(&findings));
	}
	ck_assert_int_eq(findings_exit(&(struct findings){ .count = 0 }), 0);
}
END_TEST

/*
 * The policy that senders applied.
 */

/* The live one is mode enforce, max_age 2592000, mx a and b; and a report that
   ends on 2026-02-11T00:00:00Z. */
#define SAME                                                                   \
	{                                                                      \
		"version: STSv1", "mode: enforce", "mx: b.example.com",        \
		    "mx: A.example.com", "max_age: 2592000"                    \
	}
#define OTHER                                                                  \
	{                                                                      \
		"version: STSv1", "mode: testing", "mx: a.example.com",        \
		    "mx: b.example.com", "max_age: 2592000"                    \
	}

START_TEST(the_policy_of_a_report)
{
	static const struct {
		const char *id;
		const char *lines[5];
		bool is_warned;
	} tests[] = {
		{ "20260201000000", SAME, false },
		{ "20260201000000", OTHER, true },
		{ "20260201000000Z", OTHER, true },
		{ "20260210235959", OTHER, true },
		{ "20260211000000", OTHER, true },
		{ "20260211000001", OTHER, false },
		{ "20260211000001Z", OTHER, false },
		{ "202602102359", OTHER, true },
		{ "202602110001", OTHER, false },
		/* A day is over late; so is that of a serial number. */
		{ "20260210", OTHER, true },
		{ "20260211", OTHER, false },
		{ "2026021003", OTHER, true },
		{ "2026021103", OTHER, false },
		/* Seconds since 1970. */
		{ "1770768000", OTHER, true },
		{ "1770768001", OTHER, false },
		/* No moment at all. */
		{ "1", OTHER, true },
		{ "abc20260211000001", OTHER, true },
		{ "20261311000001", OTHER, true },
		{ "99999999999999", OTHER, true },
		{ "z", OTHER, true },
		/* All lines in one, and lines that make no policy. */
		{ "1",
		    { "version: STSv1\r\nmode: enforce\r\nmx: a.example.com\r\n"
		      "mx: b.example.com\r\nmax_age: 2592000\r\n",
			"", "", "", "" },
		    false },
		{ "1",
		    { "version: STSv1\nmode: enforce\nmx: a.example.com\n"
		      "mx: b.example.com\nmax_age: 2591999",
			"", "", "", "" },
		    true },
		{ "1",
		    { "version: STSv1\nmode: enforce\nmx: a.example.com\n"
		      "max_age: 2592000",
			"", "", "", "" },
		    true },
		{ "1", { "", "", "", "", "" }, false },
		{ "1", { "mode: testing", "", "", "", "" }, false },
	};
	const int64_t seen = 1770768000;
	struct scene *s = malloc(sizeof *s);

	ck_assert_ptr_nonnull(s);
	make(s);
	sts(s);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct findings findings = { .count = 0 };

		(void)strcpy(s->d.sts.record.id, tests[i].id);
		ck_status(tests[i].id,
		    judge_reported_policy(
			&s->d, tests[i].lines, 5, seen, &findings),
		    ST_OK);
		ck_assert_msg(findings.count == (tests[i].is_warned ? 1 : 0),
		    "%zu: id %s: %zu", i, tests[i].id, findings.count);
		if (tests[i].is_warned) {
			ck_assert_int_eq(
			    (int)findings.finding[0].kind, FINDING_WARNING);
			ck_string("reason", findings.finding[0].reason,
			    "policy-id-unchanged");
			ck_assert_ptr_nonnull(
			    strstr(findings.finding[0].detail, tests[i].id));
		}
		findings_clear(&findings);
	}
	/* It adds to what is there, and needs a policy to compare with. */
	s->d.sts.has_policy = false;
	ck_status("none",
	    judge_reported_policy(&s->d, tests[1].lines, 5, seen,
		&(struct findings){ .count = 0 }),
	    ST_OK);
	ck_status("no lines",
	    judge_reported_policy(
		&s->d, NULL, 0, seen, &(struct findings){ .count = 0 }),
	    ST_OK);
	free(s);
}
END_TEST

Suite *
judge_suite(void)
{
	Suite *suite = suite_create("judge");
	TCase *tc = tcase_create("judge");

	tcase_add_test(tc, facts_in_findings_out);
	tcase_add_test(tc, all_result_types_are_in_the_table);
	tcase_add_test(tc, details_are_cut);
	tcase_add_test(tc, exits);
	tcase_add_test(tc, the_policy_of_a_report);
	suite_add_tcase(suite, tc);
	return suite;
}
