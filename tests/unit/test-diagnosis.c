#include "diagnosis.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "deadline.h"
#include "judge.h"
#include "mxserver.h"
#include "nameserver.h"
#include "resolving.h"
#include "suites.h"
#include "unit.h"
#include "webserver.h"

#define ZONE "diagnosis.example"

enum {
	HANGING = 4,
	SHORT_LIMIT = 1500 /* milliseconds, where something hangs */
};

static char directory[256], anchor[300];
static struct nameserver nameserver;
static struct mxserver mx;
static struct webserver web;
static struct cert root, leaf, rsa, of_web;
static const struct cert *mx_chain[1], *web_chain[1];
static X509_STORE *store;

/*
 *	ZONE		a (a good server with two keys, of which TLSA records
 *			have one), alias (its alias), a policy
 *	null.ZONE	null MX
 *	alone.ZONE	no MX, an address, a bad _mta-sts record
 *	slow.ZONE	four MX that hang, then a; two _mta-sts records
 *	lost.ZONE	an MX without address; a policy host without address
 */
static const char zone[] =
    ZONE ". 60 IN SOA ns." ZONE ". h." ZONE ". 1 3600 900 604800 60\n" ZONE
	 ". 60 IN NS ns." ZONE ".\n"
	 "ns." ZONE ". 60 IN A 127.0.0.1\n" ZONE ". 60 IN MX 20 alias." ZONE
	 ".\n" ZONE ". 60 IN MX 10 a." ZONE ".\n"
	 "a." ZONE ". 60 IN A 127.0.0.1\n"
	 "alias." ZONE ". 60 IN CNAME a." ZONE ".\n"
	 "_mta-sts." ZONE ". 60 IN TXT \"v=STSv1; \" \"id=20260101000000;\"\n"
	 "_mta-sts." ZONE ". 60 IN TXT \"something else\"\n"
	 "mta-sts." ZONE ". 60 IN A 127.0.0.1\n"
	 "null." ZONE ". 60 IN MX 0 .\n"
	 "alone." ZONE ". 60 IN A 127.0.0.1\n"
	 "_mta-sts.alone." ZONE ". 60 IN TXT \"v=STSv1; mode=enforce\"\n"
	 "slow." ZONE ". 60 IN MX 1 h1." ZONE ".\n"
	 "slow." ZONE ". 60 IN MX 2 h2." ZONE ".\n"
	 "slow." ZONE ". 60 IN MX 3 h3." ZONE ".\n"
	 "slow." ZONE ". 60 IN MX 4 h4." ZONE ".\n"
	 "slow." ZONE ". 60 IN MX 5 a." ZONE ".\n"
	 "_mta-sts.slow." ZONE ". 60 IN TXT \"v=STSv1; id=1;\"\n"
	 "_mta-sts.slow." ZONE ". 60 IN TXT \"v=STSv1; id=2;\"\n"
	 "h1." ZONE ". 60 IN A 127.0.0.2\n"
	 "h2." ZONE ". 60 IN A 127.0.0.3\n"
	 "h3." ZONE ". 60 IN A 127.0.0.4\n"
	 "h4." ZONE ". 60 IN A 127.0.0.5\n"
	 "lost." ZONE ". 60 IN MX 1 nowhere." ZONE ".\n"
	 "_mta-sts.lost." ZONE ". 60 IN TXT \"v=STSv1; id=1;\"\n";

static const char reply[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    "version: STSv1\nmode: enforce\nmx: a." ZONE "\nmx: alias." ZONE
    "\nmax_age: 1209600\n";

/* Ports must be known before. */
static void
write_zone(void)
{
	unsigned char data[64];
	char path[300];
	struct buf text;
	size_t len = certs_tlsa(&leaf, 1, 1, data, sizeof data);

	buf_init(&text, 1 << 16);
	ck_status("zone", buf_adds(&text, zone), ST_OK);
	ck_status("TLSA",
	    buf_addf(&text, "_%u._tcp.a." ZONE ". 60 IN TLSA 3 1 1 ", mx.port),
	    ST_OK);
	for (size_t i = 0; i < len; i++)
		ck_status("hex", buf_addf(&text, "%02x", data[i]), ST_OK);
	ck_status("end", buf_addc(&text, '\n'), ST_OK);
	(void)snprintf(path, sizeof path, "%s/" ZONE, directory);
	unit_write(path, text.data, text.len);
	buf_free(&text);
}

static void
start_servers(void)
{
	root = certs_make(&(struct certs_spec){ .cn = "Root", .is_ca = true });
	leaf = certs_make(&(struct certs_spec){ .cn = "a." ZONE,
	    .names = "DNS:a." ZONE ",DNS:alias." ZONE,
	    .issuer = &root });
	rsa = certs_make(&(struct certs_spec){ .cn = "a." ZONE,
	    .names = "DNS:a." ZONE ",DNS:alias." ZONE,
	    .issuer = &root,
	    .key = CERTS_RSA });
	of_web = certs_make(&(struct certs_spec){ .cn = "mta-sts." ZONE,
	    .names = "DNS:mta-sts." ZONE,
	    .issuer = &root });
	mx_chain[0] = &leaf;
	web_chain[0] = &of_web;
	store = certs_store(&root);
	mxserver_start(&mx,
	    &(struct mxserver_settings){
		.chain = mx_chain, .count = 1, .other = &rsa });
	webserver_start(&web,
	    &(struct webserver_settings){
		.reply = reply, .chain = web_chain, .count = 1 });
}

static void
setup(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	start_servers();
	unit_directory(directory, sizeof directory);
	write_zone();
	nameserver_sign(directory, ZONE);
	(void)snprintf(anchor, sizeof anchor, "%s/" ZONE ".anchor", directory);
	nameserver_start(&nameserver, directory,
	    "auth-zone:\n  name: \"" ZONE ".\"\n  zonefile: \"" ZONE
	    ".signed\"\n  for-downstream: yes\n  for-upstream: no\n");
}

static void
teardown(void)
{
	nameserver_stop(&nameserver);
	mxserver_stop(&mx);
	webserver_stop(&web);
	certs_free(&root);
	certs_free(&leaf);
	certs_free(&rsa);
	certs_free(&of_web);
	X509_STORE_free(store);
}

static struct diagnosis_settings
settings_for(const char *domain, struct resolver *resolver)
{
	return (struct diagnosis_settings){ .domain = domain,
		.with_sts = true,
		.with_dane = true,
		.port = mx.port,
		.https_port = web.port,
		.resolver = resolver,
		.has_trust_anchor = true,
		.store = store,
		.helo = "sender.example",
		.milliseconds = PLENTY };
}

static void
run(const struct diagnosis_settings *settings, struct diagnosis *d)
{
	struct fault fault;

	ck_status(settings->domain, diagnosis_run(settings, d, &fault), ST_OK);
}

static size_t
count_findings(
    const struct diagnosis *d, enum finding_kind kind, const char *reason)
{
	struct findings findings;
	size_t n = 0;

	ck_status("judge", judge(d, &findings), ST_OK);
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *f = &findings.finding[i];

		n += f->kind == kind &&
		    (reason == NULL ||
			(f->reason != NULL && strcmp(f->reason, reason) == 0));
	}
	findings_clear(&findings);
	return n;
}

START_TEST(a_good_domain)
{
	struct resolver *resolver = resolving_open(nameserver.address, anchor);
	struct diagnosis_settings settings = settings_for(ZONE, resolver);
	const struct diagnosis_mx *a, *alias;
	struct diagnosis d;

	run(&settings, &d);
	ck_assert(d.found_mx.found.is_secure);
	ck_assert(!d.is_implicit);
	ck_assert_uint_eq(d.mx_count, 2);
	a = &d.mx[0];
	alias = &d.mx[1];
	ck_string("host", a->host, "a." ZONE);
	ck_string("host", alias->host, "alias." ZONE);
	ck_assert(a->is_in_dns && a->is_dane_possible);
	ck_assert(diagnosis_has_dane(a) && diagnosis_has_dane(alias));
	ck_assert_uint_eq(a->usable, 1);
	ck_string("base", a->dane_base, "a." ZONE);
	/* That of the name that the alias led to. */
	ck_string("alias", alias->ipv4.found.alias, "a." ZONE);
	ck_string("base", alias->dane_base, "a." ZONE);
	ck_assert_uint_eq(alias->usable, 1);
	for (size_t i = 0; i < 2; i++) {
		const struct diagnosis_address *address = d.mx[i].address;

		ck_assert_uint_eq(d.mx[i].count, 1);
		ck_assert_msg(address->probe.stage == MXPROBE_DONE, "%s",
		    address->probe.detail);
		ck_assert_uint_eq(address->probe.pkix.faults, 0);
		ck_assert(address->probe.dane_matches);
		ck_assert(address->has_other_key);
		ck_assert(!address->other_key.dane_matches);
		ck_assert(address->has_old_tls_answer);
		ck_assert(!address->offers_old_tls);
	}
	ck_assert(d.sts.has_policy);
	ck_assert_uint_eq(d.sts.records, 1);
	ck_assert_uint_eq(d.sts.txt.count, 2);
	ck_string("id", d.sts.record.id, "20260101000000");
	ck_assert_int_eq((int)d.sts.policy.mode, STSPOLICY_ENFORCE);
	ck_string("ip", d.sts.fetch.ip, "127.0.0.1");
	ck_assert_uint_eq(count_findings(&d, FINDING_SUCCESS, NULL), 4);
	ck_assert_uint_eq(count_findings(&d, FINDING_FAILURE, NULL), 0);
	ck_assert_uint_eq(
	    count_findings(&d, FINDING_WARNING, "tlsa-other-key"), 2);
	ck_assert_uint_eq(
	    count_findings(&d, FINDING_WARNING, "mx-is-alias"), 1);
	ck_assert_uint_eq(count_findings(&d, FINDING_WARNING, NULL), 3);
	diagnosis_clear(&d);
	resolver_free(&resolver);
}
END_TEST

START_TEST(without_a_trust_anchor)
{
	struct resolver *resolver = resolving_open(nameserver.address, NULL);
	struct diagnosis_settings settings = settings_for(ZONE, resolver);
	struct diagnosis d;

	settings.has_trust_anchor = false;
	run(&settings, &d);
	ck_assert(!d.mx[0].is_dane_possible);
	ck_assert(d.mx[0].has_tlsa_answer);
	ck_assert_uint_eq(d.mx[0].tlsa.count, 1);
	ck_assert(!diagnosis_has_dane(&d.mx[0]));
	ck_assert(!d.mx[0].address[0].probe.has_dane);
	ck_assert(!d.mx[0].address[0].has_other_key);
	/* Of the name itself: there is nothing that proves the alias. */
	ck_string("base", d.mx[1].dane_base, "alias." ZONE);
	diagnosis_clear(&d);
	settings.with_dane = settings.with_sts = false;
	run(&settings, &d);
	ck_assert(!d.mx[0].has_tlsa_answer && !d.sts.is_asked);
	ck_assert_uint_eq(d.sts.txt.count, 0);
	diagnosis_clear(&d);
	resolver_free(&resolver);
}
END_TEST

START_TEST(one_mx_alone)
{
	struct resolver *resolver = resolving_open(nameserver.address, anchor);
	struct diagnosis_settings settings = settings_for(ZONE, resolver);
	struct diagnosis d;

	settings.mx = "ALIAS." ZONE;
	run(&settings, &d);
	ck_assert_uint_eq(d.mx_count, 1);
	ck_assert(d.mx[0].is_in_dns);
	ck_string("host", d.mx[0].host, "alias." ZONE);
	ck_assert_uint_eq(d.mx[0].preference, 20);
	ck_assert_uint_eq(d.found_mx.count, 2);
	diagnosis_clear(&d);
	settings.mx = "alone." ZONE;
	run(&settings, &d);
	ck_assert_uint_eq(d.mx_count, 1);
	ck_assert(!d.mx[0].is_in_dns);
	ck_string("host", d.mx[0].host, "alone." ZONE);
	ck_assert_uint_eq(d.mx[0].count, 1);
	ck_assert_int_eq((int)d.mx[0].address[0].probe.stage, MXPROBE_DONE);
	ck_assert_uint_eq(
	    d.mx[0].address[0].probe.pkix.faults, CERTIFICATE_HOST_MISMATCH);
	ck_assert_uint_eq(count_findings(&d, FINDING_FAILURE, NULL), 1);
	diagnosis_clear(&d);
	resolver_free(&resolver);
}
END_TEST

START_TEST(domains_without_mx)
{
	struct resolver *resolver = resolving_open(nameserver.address, anchor);
	struct diagnosis_settings settings =
	    settings_for("null." ZONE, resolver);
	struct diagnosis d;

	run(&settings, &d);
	ck_assert(d.found_mx.is_null && !d.is_implicit);
	ck_assert_uint_eq(d.mx_count, 0);
	ck_assert_uint_eq(count_findings(&d, FINDING_NOTE, "null-mx"), 1);
	diagnosis_clear(&d);
	settings.domain = "alone." ZONE;
	run(&settings, &d);
	ck_assert(d.is_implicit);
	ck_assert_uint_eq(d.mx_count, 1);
	ck_string("host", d.mx[0].host, "alone." ZONE);
	ck_assert_int_eq((int)d.mx[0].address[0].probe.stage, MXPROBE_DONE);
	ck_assert(!d.sts.has_record && !d.sts.has_fetch);
	ck_assert_uint_eq(d.sts.records, 1);
	ck_assert_uint_eq(
	    count_findings(&d, FINDING_WARNING, "sts-record-invalid"), 1);
	diagnosis_clear(&d);
	settings.domain = "lost." ZONE;
	run(&settings, &d);
	ck_assert_uint_eq(d.mx_count, 1);
	ck_assert_uint_eq(d.mx[0].count, 0);
	ck_assert(d.sts.has_fetch && !d.sts.has_address);
	ck_assert_uint_eq(count_findings(&d, FINDING_FAILURE, "no-address"), 1);
	diagnosis_clear(&d);
	resolver_free(&resolver);
}
END_TEST

/* A name of _mta-sts that is none any more is not asked for. */
START_TEST(a_domain_that_is_too_long)
{
	struct resolver *resolver = resolving_open(nameserver.address, anchor);
	char domain[IDN_NAME_MAX] = "";
	struct diagnosis_settings settings = settings_for(domain, resolver);
	struct diagnosis d;

	for (size_t i = 0; i < 250; i++)
		domain[i] = i % 50 == 49 ? '.' : 'x';
	domain[250] = 'x';
	run(&settings, &d);
	ck_assert_int_eq((int)d.sts.txt.found.status, RESOLVER_NOT_FOUND);
	ck_assert(!d.sts.has_fetch);
	diagnosis_clear(&d);
	resolver_free(&resolver);
}
END_TEST

START_TEST(a_source_of_the_other_family)
{
	struct resolver *resolver = resolving_open(nameserver.address, anchor);
	struct diagnosis_settings settings = settings_for(ZONE, resolver);
	struct diagnosis d;

	settings.source = "::1";
	run(&settings, &d);
	ck_assert_int_eq((int)d.mx[0].address[0].probe.end, MXPROBE_NO_ROUTE);
	ck_assert_int_eq((int)d.sts.fetch.end, STSFETCH_NO_ROUTE);
	diagnosis_clear(&d);
	settings.source = "127.0.0.1";
	run(&settings, &d);
	ck_assert_int_eq((int)d.mx[0].address[0].probe.stage, MXPROBE_DONE);
	ck_assert_int_eq((int)d.sts.fetch.end, STSFETCH_OK);
	diagnosis_clear(&d);
	resolver_free(&resolver);
}
END_TEST

/* Takes connections, and says nothing. */
static int
hang(const char *ip)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)mx.port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(inet_pton(AF_INET, ip, &in.sin_addr), 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

START_TEST(many_that_hang_cost_no_more_than_one)
{
	static const char *const ips[HANGING] = { "127.0.0.2", "127.0.0.3",
		"127.0.0.4", "127.0.0.5" };
	struct resolver *resolver = resolving_open(nameserver.address, anchor);
	struct diagnosis_settings settings =
	    settings_for("slow." ZONE, resolver);
	struct diagnosis d;
	uint64_t start, took;
	int fd[HANGING];

	for (size_t i = 0; i < HANGING; i++)
		fd[i] = hang(ips[i]);
	settings.milliseconds = SHORT_LIMIT;
	start = deadline_now();
	run(&settings, &d);
	took = deadline_now() - start;
	ck_assert_uint_eq(d.mx_count, HANGING + 1);
	for (size_t i = 0; i < HANGING; i++)
		ck_assert_int_eq(
		    (int)d.mx[i].address[0].probe.end, MXPROBE_TIMEOUT);
	ck_assert_int_eq(
	    (int)d.mx[HANGING].address[0].probe.stage, MXPROBE_DONE);
	ck_assert_uint_eq(d.sts.records, 2);
	ck_assert(!d.sts.has_record);
	ck_assert_uint_eq(
	    count_findings(&d, FINDING_FAILURE, "smtp-timeout"), HANGING);
	ck_assert_msg(took >= SHORT_LIMIT - 50 && took < 2 * SHORT_LIMIT,
	    "%lu ms", (unsigned long)took);
	diagnosis_clear(&d);
	for (size_t i = 0; i < HANGING; i++)
		(void)close(fd[i]);
	resolver_free(&resolver);
}
END_TEST

Suite *
diagnosis_suite(void)
{
	Suite *suite = suite_create("diagnosis");
	TCase *tc = tcase_create("diagnosis");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_good_domain);
	tcase_add_test(tc, without_a_trust_anchor);
	tcase_add_test(tc, one_mx_alone);
	tcase_add_test(tc, domains_without_mx);
	tcase_add_test(tc, a_domain_that_is_too_long);
	tcase_add_test(tc, a_source_of_the_other_family);
	tcase_add_test(tc, many_that_hang_cost_no_more_than_one);
	suite_add_tcase(suite, tc);
	return suite;
}
