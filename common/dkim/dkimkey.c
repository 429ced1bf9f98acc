#include "dkimkey.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base64.h"
#include "taglist.h"
#include "text.h"

enum {
	ED25519_LEN = 32, /* RFC 8463, section 4: the bare key */
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_SEQUENCE = 0x30
};

/* What is left of a piece of DER. */
struct der {
	const unsigned char *p;
	size_t len;
};

/*
 * Take the element at the start of der, which must have this tag; its contents
 * go to inside. Lengths of up to two bytes will do for any key.
 */
static bool
der_take(struct der *der, unsigned char tag, struct der *inside)
{
	size_t len, head = 2;

	if (der->len < head || der->p[0] != tag)
		return false;
	len = der->p[1];
	if (len > 0x80 && len <= 0x82) {
		head += len & 0x7f;
		if (der->len < head)
			return false;
		len = der->p[2];
		if (head == 4)
			len = len << 8 | der->p[3];
	} else if (len >= 0x80) {
		return false;
	}
	if (len > der->len - head)
		return false;
	inside->p = der->p + head;
	inside->len = len;
	der->p += head + len;
	der->len -= head + len;
	return true;
}

/* An INTEGER's bytes, without zeros in front. False for none and for zero. */
static bool
der_take_number(struct der *der, struct der *number)
{
	if (!der_take(der, DER_INTEGER, number))
		return false;
	while (number->len > 0 && number->p[0] == 0) {
		number->p++;
		number->len--;
	}
	return number->len > 0;
}

static unsigned
bits_of(const struct der *number)
{
	unsigned count = (unsigned)number->len * 8;

	for (unsigned char top = number->p[0]; (top & 0x80) == 0;
	     top = (unsigned char)(top << 1))
		count--;
	return count;
}

/*
 * The numbers of an RSA SubjectPublicKeyInfo (RFC 8017, appendix A.1; RFC 6376
 * means it, erratum 3017). False when it is none.
 */
static bool
read_rsa(const unsigned char *data, size_t len, struct der *n, struct der *e)
{
	static const unsigned char rsa_encryption[] = { 0x06, 0x09, 0x2a, 0x86,
		0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
	struct der all = { data, len }, info, algorithm, bits, key;

	if (!der_take(&all, DER_SEQUENCE, &info) || all.len > 0 ||
	    !der_take(&info, DER_SEQUENCE, &algorithm) ||
	    algorithm.len < sizeof rsa_encryption ||
	    memcmp(algorithm.p, rsa_encryption, sizeof rsa_encryption) != 0 ||
	    !der_take(&info, DER_BIT_STRING, &bits))
		return false;
	/* The first byte counts unused bits. */
	if (bits.len == 0 || bits.p[0] != 0)
		return false;
	bits.p++;
	bits.len--;
	return der_take(&bits, DER_SEQUENCE, &key) &&
	    der_take_number(&key, n) && der_take_number(&key, e) &&
	    info.len == 0 && bits.len == 0 && key.len == 0;
}

/* An RSA key of its numbers. libcrypto's own decoder takes ten times as long.
 */
static EVP_PKEY *
make_rsa(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* A keycache_decode_fn for bytes that have been judged: read_key() did. */
static EVP_PKEY *
decode(int type, const unsigned char *bytes, size_t len)
{
	struct der n_bytes, e_bytes;
	EVP_PKEY *key = NULL;
	BIGNUM *n, *e;

	if (type == EVP_PKEY_ED25519)
		return EVP_PKEY_new_raw_public_key(type, NULL, bytes, len);
	if (!read_rsa(bytes, len, &n_bytes, &e_bytes))
		return NULL;
	n = BN_bin2bn(n_bytes.p, (int)n_bytes.len, NULL);
	e = BN_bin2bn(e_bytes.p, (int)e_bytes.len, NULL);
	if (n != NULL && e != NULL)
		key = make_rsa(n, e);
	BN_free(n);
	BN_free(e);
	return key;
}

/*
 * Read a record into text, which has room for DKIMKEY_RECORD_MAX bytes and a
 * NUL, and which the list then points into.
 */
static bool
read_tags(struct taglist *list, char *text, const char *record, size_t len)
{
	if (len > DKIMKEY_RECORD_MAX)
		return false;
	if (len > 0)
		memcpy(text, record, len);
	text[len] = '\0';
	return taglist_read(list, text, len);
}

/* What the tags beside the key itself say. */
static enum verdict_reason
read_use(const struct taglist *list, struct dkimkey *key)
{
	const char *hashes = taglist_value(list, "h");
	const char *services = taglist_value(list, "s");
	const char *flags = taglist_value(list, "t");

	if (flags != NULL) {
		key->is_testing = taglist_has(flags, "y");
		key->is_strict = taglist_has(flags, "s");
	}
	if (hashes != NULL && !taglist_has(hashes, "sha256"))
		return REASON_KEY_MISMATCH;
	if (services == NULL || taglist_has(services, "*") ||
	    taglist_has(services, "tlsrpt"))
		return REASON_NONE;
	if (!taglist_has(services, "email"))
		return REASON_KEY_MISMATCH;
	deviation_add(&key->dev, DEV_KEY_SERVICE_TYPE);
	return REASON_NONE;
}

/* May RSA with these numbers verify anything? */
static enum verdict_reason
judge_rsa(const unsigned char *bytes, size_t len, struct dkimkey *key)
{
	struct der n, e;

	if (!read_rsa(bytes, len, &n, &e))
		return REASON_KEY_SYNTAX;
	key->bits = bits_of(&n);
	if (key->bits < DKIMKEY_BITS_MIN)
		return REASON_KEY_TOO_SMALL;
	if (key->bits > DKIMKEY_BITS_MAX ||
	    bits_of(&e) > DKIMKEY_EXPONENT_BITS_MAX)
		return REASON_KEY_MISMATCH;
	if (key->bits < DKIMKEY_BITS_GOOD)
		deviation_add(&key->dev, DEV_WEAK_KEY);
	return REASON_NONE;
}

/* The key itself, in base64. */
static enum verdict_reason
read_key(
    const char *data, bool is_rsa, struct keycache *cache, struct dkimkey *key)
{
	char text[BASE64_ROOM(DKIMKEY_RECORD_MAX)];
	const unsigned char *bytes = (const unsigned char *)text;
	enum verdict_reason reason = REASON_NONE;
	struct base64 b64;
	size_t len;

	base64_init(&b64);
	len = base64_more(&b64, data, strlen(data), text);
	len += base64_finish(&b64, text + len);
	if (b64.garbage > 0)
		return REASON_KEY_SYNTAX;
	if (is_rsa)
		reason = judge_rsa(bytes, len, key);
	else if (len != ED25519_LEN)
		reason = REASON_KEY_SYNTAX;
	if (reason != REASON_NONE || cache == NULL)
		return reason;
	key->decoded = keycache_get(cache,
	    is_rsa ? EVP_PKEY_RSA : EVP_PKEY_ED25519, bytes, len, decode);
	return key->decoded != NULL ? REASON_NONE : REASON_NO_RESOURCES;
}

enum verdict_reason
dkimkey_read(
    const char *record, size_t len, struct keycache *cache, struct dkimkey *key)
{
	char text[DKIMKEY_RECORD_MAX + 1];
	const char *version, *type, *data;
	enum verdict_reason reason;
	struct taglist list;
	bool is_rsa;

	memset(key, 0, sizeof *key);
	if (!read_tags(&list, text, record, len))
		return REASON_KEY_SYNTAX;
	version = taglist_value(&list, "v");
	type = taglist_value(&list, "k");
	data = taglist_value(&list, "p");
	/* v= should be the first tag, but what matters is that it fits. */
	if ((version != NULL && strcmp(version, "DKIM1") != 0) || data == NULL)
		return REASON_KEY_SYNTAX;
	if (data[0] == '\0')
		return REASON_KEY_REVOKED;
	is_rsa = type == NULL || text_ieq(type, "rsa");
	if (!is_rsa && !text_ieq(type, "ed25519"))
		return REASON_KEY_MISMATCH;
	reason = read_use(&list, key);
	if (reason == REASON_NONE)
		reason = read_key(data, is_rsa, cache, key);
	return reason;
}

void
dkimkey_clear(struct dkimkey *key)
{
	EVP_PKEY_free(key->decoded);
	key->decoded = NULL;
}

/*
 * What libcrypto means by a verification that did not succeed. Only its queue
 * of errors tells a signature that is wrong from one that could not be looked
 * at.
 */
static enum verdict_reason
why_not(void)
{
	enum verdict_reason reason = REASON_SIGNATURE;
	unsigned long error;

	while ((error = ERR_get_error()) != 0) {
		if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
			reason = REASON_NO_RESOURCES;
	}
	return reason;
}

static enum verdict_reason
verify_rsa(const struct dkimkey *key, const unsigned char *hash,
    const unsigned char *b, size_t b_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->decoded, NULL);
	enum verdict_reason reason = REASON_NO_RESOURCES;

	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
		reason =
		    EVP_PKEY_verify(ctx, b, b_len, hash, DKIMKEY_HASH_LEN) == 1
		    ? REASON_NONE
		    : why_not();
	EVP_PKEY_CTX_free(ctx);
	return reason;
}

static enum verdict_reason
verify_ed25519(const struct dkimkey *key, const unsigned char *hash,
    const unsigned char *b, size_t b_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	enum verdict_reason reason = REASON_NO_RESOURCES;

	if (ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->decoded) == 1)
		reason =
		    EVP_DigestVerify(ctx, b, b_len, hash, DKIMKEY_HASH_LEN) == 1
		    ? REASON_NONE
		    : why_not();
	EVP_MD_CTX_free(ctx);
	return reason;
}

enum verdict_reason
dkimkey_verify(const struct dkimkey *key,
    const unsigned char hash[DKIMKEY_HASH_LEN], const unsigned char *b,
    size_t b_len)
{
	enum verdict_reason reason;

	ERR_clear_error();
	reason = key->bits == 0 ? verify_ed25519(key, hash, b, b_len)
				: verify_rsa(key, hash, b, b_len);
	ERR_clear_error();
	return reason;
}
