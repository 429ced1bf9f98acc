/*
 * certs: certificates made while the test runs, good ones and bad ones.
 */
#ifndef CERTS_H
#define CERTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

enum certs_key {
	CERTS_EC,   /* P-256 */
	CERTS_RSA,  /* 2048 bits */
	CERTS_WEAK, /* RSA with 1024 bits */
	CERTS_ED25519
};

/* A certificate and its key. All zero is none. */
struct cert {
	X509 *x509;
	EVP_PKEY *key;
};

struct certs_spec {
	const char *cn;            /* of the subject */
	const char *names;         /* as OpenSSL's configuration has them:
				      "DNS:a.example,DNS:*.b.example", or NULL */
	const struct cert *issuer; /* NULL: self-signed */
	bool is_ca;
	enum certs_key key;
	int from; /* days from now; both 0: from yesterday for 90 days */
	int to;
	const char *usage; /* extendedKeyUsage; NULL: "serverAuth", with a CA
			      none */
};

/* Make one; fails the test if it cannot. To be given to certs_free(). */
struct cert certs_make(const struct certs_spec *spec);
void certs_free(struct cert *cert);

/* The data of a TLSA record for it; how many bytes (at most size). */
size_t certs_tlsa(const struct cert *cert, unsigned selector, unsigned matching,
    unsigned char *out, size_t size);

/* A store that trusts it. To be given to X509_STORE_free(). */
X509_STORE *certs_store(const struct cert *ca);

/* Write certificates, one behind the other, in PEM; a key likewise. */
void
certs_write(const char *path, const struct cert *const *cert, size_t count);
void certs_write_key(const char *path, const struct cert *cert);

#endif
