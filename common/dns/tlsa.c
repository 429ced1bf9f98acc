#include "tlsa.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

enum {
	HEAD = 3, /* bytes before the data (RFC 6698, section 2.1) */
	USAGE_DANE_TA = 2,
	USAGE_DANE_EE = 3,
	SELECTOR_CERTIFICATE = 0,
	SELECTOR_KEY = 1,
	MATCHING_FULL = 0,
	MATCHING_SHA256 = 1,
	MATCHING_SHA512 = 2,
	SHA256_LENGTH = 32,
	SHA512_LENGTH = 64
};

bool
tlsa_read(struct tlsa *tlsa, const unsigned char *record, size_t len)
{
	if (len < HEAD)
		return false;
	*tlsa = (struct tlsa){ .usage = record[0],
		.selector = record[1],
		.matching = record[2],
		.data = record + HEAD,
		.len = len - HEAD };
	return true;
}

/* A certificate with a key that OpenSSL can use, and nothing behind it? */
static bool
is_certificate(const unsigned char *data, size_t len)
{
	const unsigned char *end = data;
	X509 *x = d2i_X509(NULL, &end, (long)len);
	bool is_good =
	    x != NULL && end == data + len && X509_get0_pubkey(x) != NULL;

	X509_free(x);
	return is_good;
}

static bool
is_key(const unsigned char *data, size_t len)
{
	const unsigned char *end = data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &end, (long)len);
	bool is_good = key != NULL && end == data + len;

	EVP_PKEY_free(key);
	return is_good;
}

/*
 * The whole certificate or key is there in DER; OpenSSL, which is to compare
 * it, takes no other (SSL_dane_tlsa_add()).
 */
static const char *
why_data_unusable(const struct tlsa *tlsa)
{
	const bool is_of_key = tlsa->selector == SELECTOR_KEY;
	bool is_good;

	(void)ERR_set_mark();
	is_good = is_of_key ? is_key(tlsa->data, tlsa->len)
			    : is_certificate(tlsa->data, tlsa->len);
	(void)ERR_pop_to_mark();
	if (is_good)
		return NULL;
	return is_of_key
	    ? "its data is no public key in DER, as matching type 0 wants it"
	    : "its data is no certificate in DER, as matching type 0 wants it";
}

const char *
tlsa_why_unusable(const struct tlsa *tlsa)
{
	if (tlsa->usage < USAGE_DANE_TA)
		return "usages 0 (PKIX-TA) and 1 (PKIX-EE) are not for SMTP: "
		       "it takes 2 (DANE-TA) or 3 (DANE-EE)";
	if (tlsa->usage > USAGE_DANE_EE)
		return "its usage is unknown: SMTP takes 2 (DANE-TA) or 3 "
		       "(DANE-EE)";
	if (tlsa->selector > SELECTOR_KEY)
		return "its selector is unknown: there are 0 (certificate) and "
		       "1 (public key)";
	if (tlsa->matching > MATCHING_SHA512)
		return "its matching type is unknown: there are 0 (all of it), "
		       "1 (SHA-256) and 2 (SHA-512)";
	if (tlsa->len == 0)
		return "it has no data";
	if (tlsa->matching == MATCHING_SHA256)
		return tlsa->len == SHA256_LENGTH
		    ? NULL
		    : "its data is not 32 bytes long, as a SHA-256 digest is";
	if (tlsa->matching == MATCHING_SHA512)
		return tlsa->len == SHA512_LENGTH
		    ? NULL
		    : "its data is not 64 bytes long, as a SHA-512 digest is";
	return why_data_unusable(tlsa);
}

void
tlsa_text(const struct tlsa *tlsa, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	int n = snprintf(out, size, "%u %u %u%s", (unsigned)tlsa->usage,
	    (unsigned)tlsa->selector, (unsigned)tlsa->matching,
	    tlsa->len > 0 ? " " : "");
	size_t at = n > 0 ? (size_t)n : 0;

	if (at >= size)
		return;
	for (size_t i = 0; i < tlsa->len && at + 2 < size; i++) {
		out[at++] = digits[tlsa->data[i] >> 4];
		out[at++] = digits[tlsa->data[i] & 0xf];
	}
	out[at] = '\0';
}
