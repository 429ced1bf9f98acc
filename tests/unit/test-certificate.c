#include <check.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certificate.h"
#include "certs.h"
#include "suites.h"
#include "unit.h"

#define HOST "mx.example.com"

enum {
	DAY = 86400
};

static struct cert root, other_root;
static X509_STORE *store;

static void
setup(void)
{
	root = certs_make(
	    &(struct certs_spec){ .cn = "Example Root", .is_ca = true });
	other_root = certs_make(
	    &(struct certs_spec){ .cn = "Another Root", .is_ca = true });
	store = certs_store(&root);
}

static void
teardown(void)
{
	X509_STORE_free(store);
	certs_free(&root);
	certs_free(&other_root);
}

enum issuer {
	BY_ROOT,
	BY_INTERMEDIATE,
	BY_UNSENT,  /* an intermediate that the server does not send */
	BY_EXPIRED, /* an intermediate that has expired */
	BY_NO_CA,   /* an "intermediate" that is none */
	BY_OTHER,
	BY_ITSELF
};

/* A leaf, who issued it, and what is wrong with that for HOST. */
static const struct row {
	const char *name;
	enum issuer issuer;
	struct certs_spec leaf;
	unsigned faults;
	const char *detail; /* what the words have in them */
} rows[] = {
	{ "good", BY_ROOT, { .cn = HOST, .names = "DNS:" HOST }, 0, "" },
	{ "one of many", BY_ROOT,
	    { .cn = "x", .names = "DNS:a.example,DNS:" HOST ",DNS:b.example" },
	    0, "" },
	{ "capitals", BY_ROOT, { .cn = "x", .names = "DNS:MX.Example.COM" }, 0,
	    "" },
	{ "intermediate", BY_INTERMEDIATE, { .cn = HOST, .names = "DNS:" HOST },
	    0, "" },
	{ "wildcard", BY_ROOT, { .cn = "x", .names = "DNS:*.example.com" }, 0,
	    "" },
	{ "wildcard one label short", BY_ROOT,
	    { .cn = "x", .names = "DNS:*.com" }, CERTIFICATE_HOST_MISMATCH,
	    "not for mx.example.com: for *.com" },
	{ "wildcard of a part", BY_ROOT,
	    { .cn = "x", .names = "DNS:m*.example.com" },
	    CERTIFICATE_HOST_MISMATCH, "for m*.example.com" },
	{ "wildcard further right", BY_ROOT,
	    { .cn = "x", .names = "DNS:mx.*.com" }, CERTIFICATE_HOST_MISMATCH,
	    "for mx.*.com" },
	{ "wildcard of the name itself", BY_ROOT,
	    { .cn = "x", .names = "DNS:*.mx.example.com" },
	    CERTIFICATE_HOST_MISMATCH, "for *.mx.example.com" },
	{ "CN without SAN", BY_ROOT, { .cn = HOST }, CERTIFICATE_HOST_MISMATCH,
	    "no DNS names in it, and CN=mx.example.com does not count" },
	{ "CN beside SAN", BY_ROOT, { .cn = HOST, .names = "DNS:a.example" },
	    CERTIFICATE_HOST_MISMATCH, "for a.example" },
	{ "other name", BY_ROOT,
	    { .cn = "x", .names = "DNS:example.com,DNS:www.example.com" },
	    CERTIFICATE_HOST_MISMATCH, "for example.com, www.example.com" },
	{ "address", BY_ROOT,
	    { .cn = "x", .names = "IP:192.0.2.1,email:a@b.example" },
	    CERTIFICATE_HOST_MISMATCH, "no DNS names" },
	{ "expired", BY_ROOT,
	    { .cn = HOST, .names = "DNS:" HOST, .from = -90, .to = -2 },
	    CERTIFICATE_EXPIRED, "certificate has expired: CN=" HOST " (20" },
	{ "expired intermediate", BY_EXPIRED,
	    { .cn = HOST, .names = "DNS:" HOST }, CERTIFICATE_EXPIRED,
	    "certificate has expired: CN=Example Intermediate (20" },
	{ "not yet", BY_ROOT,
	    { .cn = HOST, .names = "DNS:" HOST, .from = 2, .to = 90 },
	    CERTIFICATE_NOT_TRUSTED,
	    "certificate is not yet valid: CN=" HOST " (20" },
	{ "intermediate not sent", BY_UNSENT,
	    { .cn = HOST, .names = "DNS:" HOST }, CERTIFICATE_NOT_TRUSTED,
	    "unable to get local issuer certificate: CN=" HOST },
	{ "issuer no CA", BY_NO_CA, { .cn = HOST, .names = "DNS:" HOST },
	    CERTIFICATE_NOT_TRUSTED, "CN=Example Intermediate" },
	{ "another root", BY_OTHER, { .cn = HOST, .names = "DNS:" HOST },
	    CERTIFICATE_NOT_TRUSTED, "unable to get local issuer" },
	{ "self-signed", BY_ITSELF, { .cn = HOST, .names = "DNS:" HOST },
	    CERTIFICATE_NOT_TRUSTED, "self-signed certificate: CN=" HOST },
	{ "for clients", BY_ROOT,
	    { .cn = HOST, .names = "DNS:" HOST, .usage = "clientAuth" },
	    CERTIFICATE_NOT_TRUSTED, "purpose" },
	{ "weak", BY_ROOT,
	    { .cn = HOST, .names = "DNS:" HOST, .key = CERTS_WEAK },
	    CERTIFICATE_NOT_TRUSTED, "key too weak" },
	{ "all at once", BY_ITSELF,
	    { .cn = "x", .names = "DNS:y.example", .from = -90, .to = -2 },
	    CERTIFICATE_NOT_TRUSTED | CERTIFICATE_HOST_MISMATCH |
		CERTIFICATE_EXPIRED,
	    "self-signed certificate" },
	{ "expired and another", BY_ROOT,
	    { .cn = "x", .names = "DNS:y.example", .from = -90, .to = -2 },
	    CERTIFICATE_HOST_MISMATCH | CERTIFICATE_EXPIRED,
	    "not for " HOST ": for y.example" },
};

/* Issued as the row says; chain is what the server sends besides. */
static struct cert
make_leaf(
    const struct row *row, struct cert *intermediate, STACK_OF(X509) * *chain)
{
	struct certs_spec spec = row->leaf;
	bool is_expired = row->issuer == BY_EXPIRED;

	*intermediate =
	    certs_make(&(struct certs_spec){ .cn = "Example Intermediate",
		.issuer = &root,
		.is_ca = row->issuer != BY_NO_CA,
		.from = is_expired ? -30 : -1,
		.to = is_expired ? -2 : 30 });
	spec.issuer = row->issuer == BY_ROOT ? &root
	    : row->issuer == BY_OTHER        ? &other_root
	    : row->issuer == BY_ITSELF       ? NULL
					     : intermediate;
	*chain = NULL;
	if (spec.issuer == intermediate && row->issuer != BY_UNSENT) {
		*chain = sk_X509_new_null();
		ck_assert_int_eq(sk_X509_push(*chain, intermediate->x509), 1);
	}
	return certs_make(&spec);
}

START_TEST(chains)
{
	const struct row *row = &rows[_i];
	struct certificate_verdict verdict;
	STACK_OF(X509) * chain;
	struct cert intermediate, leaf;

	leaf = make_leaf(row, &intermediate, &chain);
	certificate_verify(store, leaf.x509, chain, HOST, &verdict);
	ck_assert_msg(verdict.faults == row->faults, "%s: %#x, not %#x: %s",
	    row->name, verdict.faults, row->faults, verdict.detail);
	ck_assert_msg(strstr(verdict.detail, row->detail) != NULL, "%s: \"%s\"",
	    row->name, verdict.detail);
	ck_assert_msg((verdict.faults == 0) == (verdict.detail[0] == '\0'),
	    "%s: \"%s\"", row->name, verdict.detail);
	sk_X509_free(chain);
	certs_free(&leaf);
	certs_free(&intermediate);
}
END_TEST

/* A name in A-labels, and a wildcard over it. */
START_TEST(idn_names)
{
	struct cert leaf = certs_make(&(struct certs_spec){ .cn = "x",
	    .names = "DNS:*.xn--bcher-kva.example",
	    .issuer = &root });
	struct certificate_verdict verdict;

	certificate_verify(store, leaf.x509, NULL,
	    "xn--mx-fka.xn--bcher-kva.example", &verdict);
	ck_assert_uint_eq(verdict.faults, 0);
	certs_free(&leaf);
}
END_TEST

START_TEST(is_read)
{
	struct cert leaf = certs_make(&(struct certs_spec){ .cn = HOST,
	    .names = "DNS:" HOST ",IP:192.0.2.1,DNS:*.example.net",
	    .issuer = &root,
	    .from = -10,
	    .to = 20 });
	unsigned char digest[64];
	struct certificate c;
	int64_t now = (int64_t)time(NULL);
	char hex[65];

	certificate_read(leaf.x509, &c);
	ck_assert_str_eq(c.subject, "CN=" HOST);
	ck_assert_str_eq(c.issuer, "CN=Example Root");
	ck_assert_str_eq(c.key, "EC P-256");
	ck_assert(!c.is_self_signed);
	ck_assert_uint_eq(c.names, 2);
	ck_assert_str_eq(c.name[0], HOST);
	ck_assert_str_eq(c.name[1], "*.example.net");
	ck_assert_int_le(llabs(c.not_before - (now - 10 * DAY)), 60);
	ck_assert_int_le(llabs(c.not_after - (now + 20 * DAY)), 60);
	/* As TLSA 3 0 1 and 3 1 1 have them. */
	for (unsigned selector = 0; selector < 2; selector++) {
		ck_assert_uint_eq(
		    certs_tlsa(&leaf, selector, 1, digest, sizeof digest), 32);
		for (size_t i = 0; i < 32; i++)
			(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
		ck_assert_str_eq(selector == 0 ? c.sha256 : c.spki_sha256, hex);
	}
	certificate_read(root.x509, &c);
	ck_assert(c.is_self_signed);
	ck_assert_uint_eq(c.names, 0);
	certs_free(&leaf);
}
END_TEST

START_TEST(keys_have_names)
{
	static const struct {
		enum certs_key key;
		const char *name;
	} keys[] = { { CERTS_EC, "EC P-256" }, { CERTS_RSA, "RSA 2048" },
		{ CERTS_WEAK, "RSA 1024" }, { CERTS_ED25519, "Ed25519" } };
	struct certificate c;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct cert cert = certs_make(
		    &(struct certs_spec){ .cn = "x", .key = keys[i].key });

		certificate_read(cert.x509, &c);
		ck_assert_str_eq(c.key, keys[i].name);
		certs_free(&cert);
	}
}
END_TEST

/* More names than are kept, one that no DNS name is as long as. */
START_TEST(names_are_bounded)
{
	char names[64 * (CERTIFICATE_NAMES_MAX + 1) + 400] = "DNS:";
	struct certificate c;
	struct cert cert;
	size_t n;

	memset(names + 4, 'x', 300);
	n = 304;
	for (int i = 0; i < CERTIFICATE_NAMES_MAX; i++)
		n += (size_t)snprintf(
		    names + n, sizeof names - n, ",DNS:n%d.example", i);
	cert = certs_make(&(struct certs_spec){ .cn = "x", .names = names });
	certificate_read(cert.x509, &c);
	ck_assert_uint_eq(c.names, CERTIFICATE_NAMES_MAX + 1);
	ck_assert_uint_eq(strlen(c.name[0]), IDN_NAME_MAX - 1);
	ck_assert_str_eq(c.name[CERTIFICATE_NAMES_MAX - 1], "n14.example");
	certs_free(&cert);
}
END_TEST

/* Names that would act on a terminal, or end before they end. */
START_TEST(names_are_plain)
{
	struct cert cert = certs_make(&(struct certs_spec){
	    .cn = "a\x1b[2J\nb", .names = "DNS:" HOST "\x1b[2J" });
	struct certificate c;

	certificate_read(cert.x509, &c);
	ck_assert_ptr_null(strchr(c.subject, '\x1b'));
	ck_assert_ptr_null(strchr(c.subject, '\n'));
	ck_assert_str_eq(c.name[0], HOST "?[2J");
	certs_free(&cert);
}
END_TEST

/* "mx.example.com\0.evil.example" is no name of ours. */
START_TEST(nul_ends_no_name)
{
	static const unsigned char value[] = HOST "\0.evil.example";
	struct cert leaf =
	    certs_make(&(struct certs_spec){ .cn = "x", .issuer = &root });
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();
	struct certificate_verdict verdict;
	struct certificate c;

	ck_assert(names != NULL && name != NULL && string != NULL);
	ck_assert_int_eq(ASN1_STRING_set(string, value, sizeof value - 1), 1);
	GENERAL_NAME_set0_value(name, GEN_DNS, string);
	ck_assert_int_eq(sk_GENERAL_NAME_push(names, name), 1);
	ck_assert_int_eq(X509_add1_ext_i2d(leaf.x509, NID_subject_alt_name,
			     names, 0, X509V3_ADD_DEFAULT),
	    1);
	ck_assert_int_gt(X509_sign(leaf.x509, root.key, EVP_sha256()), 0);
	certificate_verify(store, leaf.x509, NULL, HOST, &verdict);
	ck_assert_uint_eq(verdict.faults, CERTIFICATE_HOST_MISMATCH);
	certificate_read(leaf.x509, &c);
	ck_assert_str_eq(c.name[0], HOST "?.evil.example");
	GENERAL_NAMES_free(names);
	certs_free(&leaf);
}
END_TEST

/* A verdict with everything as long as it gets is cut, not overrun. */
START_TEST(words_are_bounded)
{
	char host[IDN_NAME_MAX], names[4096] = "";
	struct certificate_verdict verdict;
	struct cert leaf;
	size_t n = 0;

	memset(host, 'h', sizeof host);
	host[253] = '\0';
	for (int i = 0; i < 10; i++) {
		n += (size_t)snprintf(
		    names + n, sizeof names - n, "%sDNS:", i > 0 ? "," : "");
		memset(names + n, 'n', 250);
		n += 250;
	}
	names[n] = '\0';
	leaf = certs_make(
	    &(struct certs_spec){ .cn = "x", .names = names, .issuer = &root });
	certificate_verify(store, leaf.x509, NULL, host, &verdict);
	ck_assert_uint_eq(verdict.faults, CERTIFICATE_HOST_MISMATCH);
	ck_assert_uint_eq(strlen(verdict.detail), CERTIFICATE_DETAIL_MAX - 1);
	certs_free(&leaf);
}
END_TEST

START_TEST(store_is_loaded)
{
	const struct cert *roots[] = { &other_root, &root };
	struct cert leaf = certs_make(&(struct certs_spec){
	    .cn = "x", .names = "DNS:" HOST, .issuer = &root });
	struct certificate_verdict verdict;
	char directory[256], path[300];
	struct fault fault;
	X509_STORE *s;

	unit_directory(directory, sizeof directory);
	(void)snprintf(path, sizeof path, "%s/ca.pem", directory);
	ck_assert_ptr_null(certificate_store(path, &fault));
	ck_assert_ptr_nonnull(strstr(fault.detail, "ca.pem"));
	unit_write(path, BYTES("no certificate\n"));
	ck_assert_ptr_null(certificate_store(path, &fault));
	certs_write(path, roots, ARRAY_LEN(roots));
	s = certificate_store(path, &fault);
	ck_assert_ptr_nonnull(s);
	certificate_verify(s, leaf.x509, NULL, HOST, &verdict);
	ck_assert_uint_eq(verdict.faults, 0);
	X509_STORE_free(s);
	/* The system's are where the environment says. */
	ck_assert_int_eq(setenv("SSL_CERT_DIR", directory, 1), 0);
	ck_assert_int_eq(setenv("SSL_CERT_FILE", path, 1), 0);
	s = certificate_store(NULL, &fault);
	ck_assert_ptr_nonnull(s);
	certificate_verify(s, leaf.x509, NULL, HOST, &verdict);
	ck_assert_uint_eq(verdict.faults, 0);
	X509_STORE_free(s);
	/* A system without any. */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_null(certificate_store(NULL, &fault));
	ck_assert_ptr_nonnull(strstr(fault.detail, "no certificates"));
	/* In a directory, by the hash of its subject. */
	(void)snprintf(path, sizeof path, "/nowhere:%s", directory);
	ck_assert_int_eq(setenv("SSL_CERT_DIR", path, 1), 0);
	(void)snprintf(path, sizeof path, "%s/%08lx.0", directory,
	    X509_NAME_hash_ex(
		X509_get_subject_name(root.x509), NULL, NULL, NULL));
	certs_write(path, &roots[1], 1);
	s = certificate_store(NULL, &fault);
	ck_assert_ptr_nonnull(s);
	certificate_verify(s, leaf.x509, NULL, HOST, &verdict);
	ck_assert_uint_eq(verdict.faults, 0);
	X509_STORE_free(s);
	certs_free(&leaf);
}
END_TEST

Suite *
certificate_suite(void)
{
	Suite *suite = suite_create("certificate");
	TCase *tc = tcase_create("certificate");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, chains, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, idn_names);
	tcase_add_test(tc, is_read);
	tcase_add_test(tc, keys_have_names);
	tcase_add_test(tc, names_are_bounded);
	tcase_add_test(tc, names_are_plain);
	tcase_add_test(tc, nul_ends_no_name);
	tcase_add_test(tc, words_are_bounded);
	tcase_add_test(tc, store_is_loaded);
	suite_add_tcase(suite, tc);
	return suite;
}
