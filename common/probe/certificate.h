/*
 * certificate: what a diagnosis says of a certificate, and whether a chain is
 * good for a host by the rules of the web's PKI (RFC 5280, RFC 6125).
 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idn.h"
#include "status.h"

enum {
	CERTIFICATE_NAMES_MAX = 16, /* dNSNames that are kept */
	CERTIFICATE_TEXT_MAX = 256,
	CERTIFICATE_DETAIL_MAX = 256
};

struct certificate {
	char subject[CERTIFICATE_TEXT_MAX]; /* "CN=mx.example.com" */
	char issuer[CERTIFICATE_TEXT_MAX];
	char key[32];         /* "RSA 2048", "EC P-256" */
	char sha256[65];      /* of the certificate, hexadecimal */
	char spki_sha256[65]; /* of its public key: TLSA 3 1 1 */
	int64_t not_before;   /* seconds since 1970 */
	int64_t not_after;
	bool is_self_signed;
	size_t names; /* dNSNames that there are */
	char name[CERTIFICATE_NAMES_MAX][IDN_NAME_MAX];
};

void certificate_read(X509 *x509, struct certificate *certificate);

/* What is wrong with a chain: a bit each. */
enum certificate_fault {
	CERTIFICATE_EXPIRED = 1 << 0, /* any in the chain */
	CERTIFICATE_HOST_MISMATCH = 1 << 1,
	CERTIFICATE_NOT_TRUSTED = 1 << 2 /* all else */
};

struct certificate_verdict {
	unsigned faults; /* 0: it is good */
	/* The first fault in words, with whose certificate it is:
	   "certificate has expired: CN=Example Intermediate (2026-02-12)". */
	char detail[CERTIFICATE_DETAIL_MAX];
};

/*
 * Add what OpenSSL's verification found (X509_V_ERR_...) of a certificate of
 * the chain (NULL: of none), for verify callbacks: its bit, and, if it is the
 * first, the words. host is the name that was asked for.
 */
void certificate_fault(struct certificate_verdict *verdict, int error,
    X509 *x509, const char *host);

/*
 * The trust anchors of the web's PKI: those of ca_file, or (NULL) those of the
 * system, which SSL_CERT_FILE and SSL_CERT_DIR may name. NULL, and a fault,
 * when they cannot be read or are none at all. To be freed by
 * X509_STORE_free().
 */
X509_STORE *certificate_store(const char *ca_file, struct fault *fault);

/*
 * Judge a chain: leaf and what else the server sent (may be NULL). The host
 * must be one of the leaf's dNSNames; its CN does not count, and a wildcard
 * stands for the whole of the leftmost label (RFC 8461, section 4.2). All
 * faults are looked for, not the first only.
 */
void certificate_verify(X509_STORE *store, X509 *leaf, STACK_OF(X509) * chain,
    const char *host, struct certificate_verdict *verdict);

#endif
