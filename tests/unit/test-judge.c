#include "judge.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "judgescene.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

/*
 * What is spoilt.
 */

static void
no_starttls(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_EHLO, MXPROBE_NOT_OFFERED, 250,
	    "250-a.example.com ... 250 HELP");
}

static void
starttls_refused(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_STARTTLS, MXPROBE_REJECTED, 454,
	    "454 4.7.0 TLS not available");
}

static void
smtp_timeout(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_GREETING, MXPROBE_TIMEOUT, 0,
	    "no reply in time");
}

static void
smtp_protocol(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_EHLO, MXPROBE_PROTOCOL, 0,
	    "SSH-2.0-OpenSSH");
}

static void
lost(struct scene *s)
{
	scene_stop(
	    &s->address[0], MXPROBE_STARTTLS, MXPROBE_LOST, 220, "closed");
}

static void
handshake(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_HANDSHAKE, MXPROBE_TLS, 220,
	    "unsupported protocol");
}

static void
handshake_timeout(struct scene *s)
{
	scene_stop(
	    &s->address[0], MXPROBE_HANDSHAKE, MXPROBE_TIMEOUT, 220, "slow");
}

static void
greeting_4xx(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_GREETING, MXPROBE_REJECTED, 421,
	    "421 too busy");
}

static void
greeting_5xx(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_GREETING, MXPROBE_REJECTED, 554,
	    "554 you are on a list");
}

static void
refused(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_CONNECT, MXPROBE_REFUSED, 0,
	    "Connection refused");
}

static void
no_route(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_CONNECT, MXPROBE_NO_ROUTE, 0,
	    "Network is unreachable");
}

static void
ourselves(struct scene *s)
{
	scene_stop(&s->address[0], MXPROBE_CONNECT, MXPROBE_OURSELVES, 0,
	    "out of memory");
}

static void
second_refused(struct scene *s)
{
	scene_stop(&s->address[1], MXPROBE_CONNECT, MXPROBE_REFUSED, 0,
	    "Connection refused");
}

static void
second_no_route(struct scene *s)
{
	scene_stop(&s->address[1], MXPROBE_CONNECT, MXPROBE_NO_ROUTE, 0,
	    "Network is unreachable");
}

static void
second_broken(struct scene *s)
{
	scene_stop(&s->address[1], MXPROBE_HANDSHAKE, MXPROBE_TLS, 220,
	    "no shared cipher");
}

static void
expired(struct scene *s)
{
	s->address[0].probe.certificate.not_after = SCENE_NOW - 3 * SCENE_DAY;
	scene_fault(&s->address[0].probe.pkix, CERTIFICATE_EXPIRED,
	    "certificate has expired: CN=a.example.com (2026-02-08)");
}

static void
mismatch(struct scene *s)
{
	scene_fault(&s->address[0].probe.pkix, CERTIFICATE_HOST_MISMATCH,
	    "not for a.example.com: for www.example.com");
}

static void
untrusted(struct scene *s)
{
	s->address[0].probe.certificate.is_self_signed = true;
	scene_fault(&s->address[0].probe.pkix, CERTIFICATE_NOT_TRUSTED,
	    "self-signed certificate: CN=a.example.com");
}

static void
all_faults(struct scene *s)
{
	scene_fault(&s->address[0].probe.pkix,
	    CERTIFICATE_NOT_TRUSTED | CERTIFICATE_HOST_MISMATCH |
		CERTIFICATE_EXPIRED,
	    "self-signed certificate: CN=x");
}

static void
tlsa_differs(struct scene *s)
{
	s->address[0].probe.dane_matches = false;
	scene_fault(&s->address[0].probe.dane, CERTIFICATE_NOT_TRUSTED,
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
	scene_fault(
	    &s->address[0].probe.dane, CERTIFICATE_EXPIRED, "has expired");
}

static void
dane_ta_mismatch(struct scene *s)
{
	dane_ta(s);
	scene_fault(&s->address[0].probe.dane,
	    CERTIFICATE_EXPIRED | CERTIFICATE_HOST_MISMATCH, "not for it");
}

static void
dane_ee_faulty(struct scene *s)
{
	scene_fault(&s->address[0].probe.dane,
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
expires_soon(struct scene *s)
{
	s->address[0].probe.certificate.not_after =
	    SCENE_NOW + 14 * SCENE_DAY - 1;
}

static void
expires_later(struct scene *s)
{
	s->address[0].probe.certificate.not_after = SCENE_NOW + 14 * SCENE_DAY;
}

/* Both addresses of the second MX show the same one. */
static void
expire_soon_twice(struct scene *s)
{
	s->address[1].probe.certificate.not_after = SCENE_NOW;
	s->address[2].probe.certificate.not_after = SCENE_NOW;
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
	s->address[0].probe.certificate.not_after =
	    SCENE_NOW + 30 * SCENE_DAY - 1;
}

static void
certificate_only_for_long(struct scene *s)
{
	certificate_only(s);
	s->address[0].probe.certificate.not_after = SCENE_NOW + 30 * SCENE_DAY;
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

static const struct scene_row rows[] = {
	/* All is well. */
	{ "sts and dane", scene_both, scene_nothing,
	    GOOD_STS_A GOOD_DANE_A
	    "success sts - - b.example.com 2001:db8::2\n"
	    "success tlsa - - b.example.com 2001:db8::2\n"
	    "success sts - - b.example.com 192.0.2.2\n"
	    "success tlsa - - b.example.com 192.0.2.2\n",
	    0,
	    "matches TLSA 3 1 1, CN=a.example.com, issued by CN=Good CA, "
	    "for a.example.com, until 2026-05-02 (80 days left); TLSv1.3, "
	    "TLS_AES_256_GCM_SHA384" },
	{ "no policy", scene_alone, scene_nothing, GOOD_NONE_A, 0, "TLSv1.3" },

	/* starttls-not-supported */
	{ "STARTTLS not offered", scene_both_alone, no_starttls,
	    "failure sts starttls-not-supported starttls-not-offered" A
	    "failure tlsa starttls-not-supported starttls-not-offered" A,
	    1, "250-a.example.com ... 250 HELP" },
	{ "nor without a policy", scene_alone, no_starttls,
	    "failure no-policy-found starttls-not-supported "
	    "starttls-not-offered" A,
	    1, "not-offered at ehlo" },
	{ "STARTTLS refused", scene_sts_alone, starttls_refused,
	    "failure sts starttls-not-supported starttls-refused" A, 1,
	    "454 4.7.0" },

	/* validation-failure */
	{ "timeout", scene_sts_alone, smtp_timeout,
	    "failure sts validation-failure smtp-timeout" A, 1,
	    "timeout at greeting: no reply in time" },
	{ "no SMTP", scene_sts_alone, smtp_protocol,
	    "failure sts validation-failure smtp-protocol" A, 1, "SSH-2.0" },
	{ "lost", scene_dane_alone, lost,
	    "failure tlsa validation-failure connection-lost" A, 1, "closed" },
	{ "handshake", scene_alone, handshake,
	    "failure no-policy-found validation-failure tls-handshake" A, 1,
	    "unsupported protocol" },
	{ "handshake without end", scene_sts_alone, handshake_timeout,
	    "failure sts validation-failure tls-timeout" A, 1, "slow" },

	/* No failure of TLS. */
	{ "turned away for now", scene_both_alone, greeting_4xx,
	    "untried - - turned-away" A, 75, "421 too busy" },
	{ "turned away", scene_both_alone, greeting_5xx,
	    "untried - - turned-away" A, 69, "554 you are on a list" },
	{ "connection refused", scene_both_alone, refused,
	    "untried - - address-unreachable" A, 75, "refused at connect" },
	{ "no route", scene_sts_alone, no_route,
	    "untried - - address-unreachable" A, 69, "Network is unreachable" },
	{ "our own trouble", scene_alone, ourselves,
	    "untried - - our-own-trouble" A, 75, "out of memory" },
	{ "one address of two", scene_nothing, second_refused,
	    GOOD_NONE_A "success no-policy-found - - b.example.com 192.0.2.2\n"
			"warning - - address-unreachable b.example.com "
			"2001:db8::2\n",
	    2, "Connection refused" },
	{ "no IPv6 from here", scene_nothing, second_no_route,
	    GOOD_NONE_A "success no-policy-found - - b.example.com 192.0.2.2\n"
			"note - - address-unreachable b.example.com "
			"2001:db8::2\n",
	    0, NULL },
	{ "IPv6 broken only", scene_nothing, second_broken,
	    GOOD_NONE_A
	    "failure no-policy-found validation-failure tls-handshake "
	    "b.example.com 2001:db8::2\n"
	    "success no-policy-found - - b.example.com 192.0.2.2\n",
	    1, "no shared cipher" },
	{ "too many addresses", scene_nothing, too_many,
	    "untried - - too-many-addresses - -\n" GOOD_NONE_A
	    "success no-policy-found - - b.example.com 2001:db8::2\n",
	    69, "1 addresses" },

	/* Certificates. */
	{ "expired", scene_both_alone, expired,
	    "failure sts certificate-expired certificate-expired" A GOOD_DANE_A,
	    1,
	    "(2026-02-08); CN=a.example.com, issued by CN=Good CA, for "
	    "a.example.com, until 2026-02-08 (3 days ago)" },
	{ "expired, without a policy", scene_alone, expired,
	    GOOD_NONE_A "warning no-policy-found - certificate-would-fail" A, 2,
	    "certificate-expired: certificate has expired" },
	{ "mismatch", scene_sts_alone, mismatch,
	    "failure sts certificate-host-mismatch "
	    "certificate-host-mismatch" A,
	    1, "for www.example.com" },
	{ "not trusted", scene_sts_alone, untrusted,
	    "failure sts certificate-not-trusted certificate-not-trusted" A, 1,
	    "CN=a.example.com, self-signed, for" },
	{ "all at once", scene_sts_alone, all_faults,
	    "failure sts certificate-not-trusted certificate-not-trusted" A, 1,
	    "CN=x; besides certificate-host-mismatch, certificate-expired; " },

	/* tlsa-invalid */
	{ "TLSA of another key", scene_both_alone, tlsa_differs,
	    GOOD_STS_A "failure tlsa tlsa-invalid tlsa-mismatch" A, 1,
	    "server's key is 0123abcd, and there is 3 1 1 010203" },
	{ "TLSA not usable", scene_dane_alone, tlsa_unusable,
	    "failure tlsa tlsa-invalid tlsa-unusable" WHOLE_A, 1, "PKIX-EE" },
	{ "TLSA not readable", scene_dane_alone, tlsa_unreadable,
	    "failure tlsa tlsa-invalid tlsa-unusable" WHOLE_A, 1,
	    "2 cannot be read" },
	{ "DANE-TA, expired", scene_dane_alone, dane_ta_expired,
	    "failure tlsa certificate-expired certificate-expired" A, 1, NULL },
	{ "DANE-TA, mismatch", scene_dane_alone, dane_ta_mismatch,
	    "failure tlsa certificate-host-mismatch "
	    "certificate-host-mismatch" A,
	    1, "besides certificate-expired" },
	{ "DANE-EE, all the same", scene_dane_alone, dane_ee_faulty,
	    GOOD_DANE_A, 0, NULL },

	/* dnssec-invalid */
	{ "TLSA bogus", scene_both_alone, tlsa_bogus,
	    "failure tlsa dnssec-invalid dnssec-bogus" WHOLE_A GOOD_STS_A, 1,
	    "TLSA _25._tcp.a.example.com: bogus" },
	{ "TLSA SERVFAIL", scene_dane_alone, tlsa_servfail,
	    "failure tlsa dnssec-invalid tlsa-servfail" WHOLE_A, 1,
	    "SERVFAIL" },
	{ "TLSA SERVFAIL, unsigned", scene_dane_alone, tlsa_servfail_insecure,
	    GOOD_NONE_A, 0, NULL },
	{ "TLSA timeout", scene_dane_alone, tlsa_timeout,
	    "untried tlsa - dns-failed" WHOLE_A, 75, "timed out" },
	{ "MX bogus", scene_sts_alone, mx_bogus,
	    "failure tlsa dnssec-invalid dnssec-bogus - -\n", 1,
	    "MX example.com: bogus" },
	{ "MX bogus, without DANE", scene_sts_alone, mx_bogus_without_dane,
	    "untried - - dnssec-bogus - -\n", 75, NULL },
	{ "addresses bogus", scene_dane_alone, a_bogus,
	    "failure tlsa dnssec-invalid dnssec-bogus" WHOLE_A, 1,
	    "AAAA and A a.example.com: bogus" },

	/* dane-required */
	{ "required", scene_dane_alone, required, GOOD_DANE_A, 0, NULL },
	{ "required, absent", scene_sts_alone, required,
	    "failure tlsa dane-required no-secure-tlsa" WHOLE_A GOOD_STS_A, 1,
	    "the MX records of example.com are not signed" },
	{ "required, not secure", scene_dane_alone, required_insecure,
	    "failure tlsa dane-required no-secure-tlsa" WHOLE_A
	    "warning tlsa - tlsa-not-secure" WHOLE_A,
	    1, "the TLSA records of a.example.com are not signed" },
	{ "required, not usable", scene_dane_alone, tlsa_unusable,
	    "failure tlsa tlsa-invalid tlsa-unusable" WHOLE_A, 1, NULL },
	{ "required, no anchor", scene_alone, required_unanchored,
	    "untried tlsa - dnssec-not-checked" WHOLE_A
	    "note - - dnssec-not-checked - -\n",
	    69, NULL },

	/* sts-policy-fetch-error: without a policy there is none. */

	/* sts-webpki-invalid, sts-policy-invalid */

	/* The DNS of the domain. */
	{ "MX lookup", scene_sts_alone, mx_timeout,
	    "untried - - dns-failed - -\n", 75, "MX example.com: timed out" },
	{ "null MX", scene_alone, mx_null, "note - - null-mx - -\n", 0,
	    "RFC 7505" },
	{ "null MX with a policy", scene_sts_alone, mx_null,
	    "note - - null-mx - -\n", 0, NULL },
	{ "MX unreadable", scene_alone, mx_unreadable,
	    "untried - - mx-unreadable - -\n", 69, "none of the 3" },
	{ "addresses", scene_alone, a_failed, "untried - - dns-failed" WHOLE_A,
	    75, "A a.example.com: SERVFAIL" },
	{ "MX without an address", scene_alone, no_address,
	    "untried - - mx-without-address" WHOLE_A, 69,
	    "a.example.com has no address" },
	{ "neither MX nor address", scene_alone, implicit,
	    "untried - - mx-without-address" WHOLE_A, 69, "there is no MX" },
	{ "AAAA alone", scene_alone, aaaa_failed,
	    GOOD_NONE_A "warning - - dns-failed" WHOLE_A, 2,
	    "AAAA a.example.com: timed out" },

	/* Warnings. */
	{ "expires soon", scene_sts_alone, expires_soon,
	    GOOD_STS_A "warning - - certificate-expires-soon" A, 2,
	    "until 2026-02-25 (13 days left)" },
	{ "expires later", scene_sts_alone, expires_later, GOOD_STS_A, 0,
	    NULL },
	{ "the same, expires soon", scene_nothing, expire_soon_twice,
	    GOOD_NONE_A
	    "success no-policy-found - - b.example.com 2001:db8::2\n"
	    "success no-policy-found - - b.example.com 192.0.2.2\n"
	    "warning - - certificate-expires-soon b.example.com "
	    "2001:db8::2\n",
	    2, "(0 days left)" },
	{ "old TLS", scene_alone, old_tls,
	    GOOD_NONE_A "warning - - old-tls-offered" A, 2, "TLSv1.1" },
	{ "second key", scene_dane_alone, other_key,
	    GOOD_DANE_A "warning tlsa - tlsa-other-key" A, 2, "EC P-256" },
	{ "second key that matches", scene_dane_alone, other_key_matches,
	    GOOD_DANE_A, 0, NULL },
	{ "TLSA of the certificate", scene_dane_alone, certificate_only,
	    GOOD_DANE_A "warning tlsa - tlsa-certificate-only" A, 2, "3 0 1" },
	{ "TLSA of the certificate, for long", scene_dane_alone,
	    certificate_only_for_long, GOOD_DANE_A, 0, NULL },
	{ "TLSA of a CA's certificate", scene_dane_alone,
	    certificate_only_of_ca, GOOD_DANE_A, 0, NULL },
	{ "TLSA not secure", scene_dane_alone, tlsa_insecure,
	    GOOD_NONE_A "warning tlsa - tlsa-not-secure" WHOLE_A, 2,
	    "has TLSA records, and they are not signed" },
	{ "MX not secure", scene_dane_alone, tlsa_of_insecure_mx,
	    GOOD_NONE_A "warning tlsa - tlsa-not-secure" WHOLE_A, 2,
	    "the MX records of the domain are not signed" },
	{ "alias", scene_alone, alias,
	    GOOD_NONE_A "warning - - mx-is-alias" WHOLE_A, 2,
	    "real.example.net" },
	{ "no trust anchor", scene_dane_alone, unanchored,
	    GOOD_NONE_A "untried tlsa - dnssec-not-checked - -\n", 69,
	    "DANE could not be judged" },
	{ "no trust anchor, no TLSA", scene_alone, unanchored,
	    GOOD_NONE_A "note - - dnssec-not-checked - -\n", 0, NULL },
	{ "not in the DNS", scene_alone, not_in_dns,
	    GOOD_NONE_A "note - - mx-not-in-dns" WHOLE_A, 0, NULL },
};

START_TEST(facts_in_findings_out)
{
	scene_check(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(all_result_types_are_in_the_table)
{
	static const char *const categories[] = { "negotiation", "dane" };

	scene_check_types(
	    rows, ARRAY_LEN(rows), categories, ARRAY_LEN(categories));
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

Suite *
judge_suite(void)
{
	Suite *suite = suite_create("judge");
	TCase *tc = tcase_create("judge");

	tcase_add_test(tc, facts_in_findings_out);
	tcase_add_test(tc, all_result_types_are_in_the_table);
	tcase_add_test(tc, exits);
	suite_add_tcase(suite, tc);
	return suite;
}
