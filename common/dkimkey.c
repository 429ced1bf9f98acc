#include "dkimkey.h"

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

/*
 * The bits of the modulus in an RSA SubjectPublicKeyInfo (RFC 8017, appendix
 * A.1; RFC 6376 means it, erratum 3017), or 0 when it is none.
 */
static unsigned
rsa_bits(const unsigned char *data, size_t len)
{
	static const unsigned char rsa_encryption[] = { 0x06, 0x09, 0x2a, 0x86,
		0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
	struct der all = { data, len }, info, algorithm, bits, key, n, e;
	unsigned count;

	if (!der_take(&all, DER_SEQUENCE, &info) || all.len > 0 ||
	    !der_take(&info, DER_SEQUENCE, &algorithm) ||
	    algorithm.len < sizeof rsa_encryption ||
	    memcmp(algorithm.p, rsa_encryption, sizeof rsa_encryption) != 0 ||
	    !der_take(&info, DER_BIT_STRING, &bits))
		return 0;
	/* The first byte counts unused bits. */
	if (bits.len == 0 || bits.p[0] != 0)
		return 0;
	bits.p++;
	bits.len--;
	if (!der_take(&bits, DER_SEQUENCE, &key) ||
	    !der_take(&key, DER_INTEGER, &n) ||
	    !der_take(&key, DER_INTEGER, &e))
		return 0;
	while (n.len > 0 && n.p[0] == 0) {
		n.p++;
		n.len--;
	}
	if (n.len == 0)
		return 0;
	count = (unsigned)n.len * 8;
	for (unsigned char top = n.p[0]; (top & 0x80) == 0;
	     top = (unsigned char)(top << 1))
		count--;
	return count;
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

/* The key itself, in base64. */
static enum verdict_reason
read_key(const char *data, bool is_rsa, struct dkimkey *key)
{
	char bytes[BASE64_ROOM(DKIMKEY_RECORD_MAX)];
	struct base64 b64;
	size_t len;

	base64_init(&b64);
	len = base64_more(&b64, data, strlen(data), bytes);
	len += base64_finish(&b64, bytes + len);
	if (b64.garbage > 0)
		return REASON_KEY_SYNTAX;
	if (!is_rsa)
		return len == ED25519_LEN ? REASON_NONE : REASON_KEY_SYNTAX;
	key->bits = rsa_bits((const unsigned char *)bytes, len);
	if (key->bits == 0)
		return REASON_KEY_SYNTAX;
	if (key->bits < DKIMKEY_BITS_MIN)
		return REASON_KEY_TOO_SMALL;
	if (key->bits > DKIMKEY_BITS_MAX)
		return REASON_KEY_MISMATCH;
	if (key->bits < DKIMKEY_BITS_GOOD)
		deviation_add(&key->dev, DEV_WEAK_KEY);
	return REASON_NONE;
}

enum verdict_reason
dkimkey_read(const char *record, size_t len, struct dkimkey *key)
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
		reason = read_key(data, is_rsa, key);
	return reason;
}

enum status
dkimkey_bare(const char *record, size_t len, struct buf *out)
{
	char text[DKIMKEY_RECORD_MAX + 1];
	const char *type, *data;
	struct taglist list;
	enum status st;

	if (!read_tags(&list, text, record, len))
		return ST_EMPTY;
	type = taglist_value(&list, "k");
	data = taglist_value(&list, "p");
	if (data == NULL || data[0] == '\0')
		return ST_EMPTY;
	st = buf_adds(out, "k=");
	if (st == ST_OK)
		st = buf_adds(out, type != NULL ? type : "rsa");
	if (st == ST_OK)
		st = buf_adds(out, ";p=");
	if (st == ST_OK)
		st = buf_adds(out, data);
	return st;
}
