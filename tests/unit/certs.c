#include "certs.h"

#include <check.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
	DAY = 86400,
	LIFE = 90
};

static EVP_PKEY *
make_key(enum certs_key kind)
{
	EVP_PKEY *key;

	switch (kind) {
	case CERTS_RSA:
		key = EVP_RSA_gen(2048);
		break;
	case CERTS_WEAK:
		key = EVP_RSA_gen(1024);
		break;
	case CERTS_ED25519:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case CERTS_EC:
	default:
		key = EVP_EC_gen("P-256");
	}
	ck_assert_ptr_nonnull(key);
	return key;
}

static void
add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_msg(extension != NULL, "extension \"%s\"", value);
	ck_assert_int_eq(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void
add_extensions(X509 *x509, const struct certs_spec *spec)
{
	X509 *issuer = spec->issuer != NULL ? spec->issuer->x509 : x509;

	add_extension(x509, issuer, NID_basic_constraints,
	    spec->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(x509, issuer, NID_subject_key_identifier, "hash");
	if (spec->issuer != NULL)
		add_extension(
		    x509, issuer, NID_authority_key_identifier, "keyid");
	if (spec->is_ca)
		add_extension(x509, issuer, NID_key_usage,
		    "critical,keyCertSign,cRLSign");
	if (spec->usage != NULL || !spec->is_ca)
		add_extension(x509, issuer, NID_ext_key_usage,
		    spec->usage != NULL ? spec->usage : "serverAuth");
	if (spec->names != NULL)
		add_extension(x509, issuer, NID_subject_alt_name, spec->names);
}

struct cert
certs_make(const struct certs_spec *spec)
{
	static atomic_long serial = 1;
	struct cert cert = { X509_new(), make_key(spec->key) };
	bool has_dates = spec->from != 0 || spec->to != 0;
	X509 *x509 = cert.x509;
	const EVP_MD *md;
	EVP_PKEY *signer;

	ck_assert_ptr_nonnull(x509);
	ck_assert_int_eq(X509_set_version(x509, X509_VERSION_3), 1);
	ck_assert_int_eq(
	    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++), 1);
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(x509),
	    (has_dates ? spec->from : -1) * (long)DAY));
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(x509),
	    (has_dates ? spec->to : LIFE) * (long)DAY));
	ck_assert_int_eq(X509_set_pubkey(x509, cert.key), 1);
	ck_assert_int_eq(
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN",
		MBSTRING_UTF8, (const unsigned char *)spec->cn, -1, -1, 0),
	    1);
	ck_assert_int_eq(
	    X509_set_issuer_name(x509,
		X509_get_subject_name(
		    spec->issuer != NULL ? spec->issuer->x509 : x509)),
	    1);
	add_extensions(x509, spec);
	/* Ed25519 brings a digest of its own. */
	signer = spec->issuer != NULL ? spec->issuer->key : cert.key;
	md = EVP_PKEY_is_a(signer, "ED25519") ? NULL : EVP_sha256();
	ck_assert_int_gt(X509_sign(x509, signer, md), 0);
	return cert;
}

void
certs_free(struct cert *cert)
{
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
	memset(cert, 0, sizeof *cert);
}

size_t
certs_tlsa(const struct cert *cert, unsigned selector, unsigned matching,
    unsigned char *out, size_t size)
{
	unsigned char *der = NULL;
	int n = selector == 0 ? i2d_X509(cert->x509, &der)
			      : i2d_PUBKEY(cert->key, &der);
	unsigned len = 0;

	ck_assert_int_gt(n, 0);
	if (matching == 0) {
		len = (unsigned)n;
		ck_assert_uint_le(len, size);
		memcpy(out, der, len);
	} else {
		ck_assert_uint_ge(size, SHA512_DIGEST_LENGTH);
		ck_assert_int_eq(
		    EVP_Digest(der, (size_t)n, out, &len,
			matching == 1 ? EVP_sha256() : EVP_sha512(), NULL),
		    1);
	}
	OPENSSL_free(der);
	return len;
}

X509_STORE *
certs_store(const struct cert *ca)
{
	X509_STORE *store = X509_STORE_new();

	ck_assert_ptr_nonnull(store);
	ck_assert_int_eq(X509_STORE_add_cert(store, ca->x509), 1);
	return store;
}

void
certs_write(const char *path, const struct cert *const *cert, size_t count)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(PEM_write_X509(file, cert[i]->x509), 1);
	ck_assert_int_eq(fclose(file), 0);
}

void
certs_write_key(const char *path, const struct cert *cert)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(
	    PEM_write_PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL),
	    1);
	ck_assert_int_eq(fclose(file), 0);
}
