#include "dkimsig.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

enum {
	NAME_MAX_LEN = 253, /* of a domain name; RFC 1035, section 3.1 */
	LABEL_MAX_LEN = 63,
	DIGITS_MAX = 12,  /* of t= and x= */
	HASH_DIGITS = 43, /* of bh=, 32 bytes in base64, without its "=" */
	PADDING_MAX = 2
};

static const char key_label[] = "._domainkey.";

/* Labels of letters, digits, "-" and "_" with dots between. */
static bool
is_domain(const char *name)
{
	size_t label = 0, len = 0;

	for (; name[len] != '\0'; len++) {
		char c = text_lower(name[len]);

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_') ||
		    ++label > LABEL_MAX_LEN)
			return false;
	}
	return label > 0 && len <= NAME_MAX_LEN;
}

static void
copy_lower(char *out, const char *name)
{
	while ((*out++ = text_lower(*name++)) != '\0')
		;
}

/* d= and s=, which together make a name that DNS can be asked for. */
static bool
read_names(struct dkimsig *sig)
{
	const char *d = taglist_value(&sig->list, "d");
	const char *s = taglist_value(&sig->list, "s");

	if (d == NULL || !is_domain(d))
		return false;
	copy_lower(sig->domain, d);
	if (s == NULL || !is_domain(s))
		return false;
	copy_lower(sig->selector, s);
	return strlen(s) + strlen(key_label) + strlen(d) <= NAME_MAX_LEN;
}

/* Base64 with its padding or without; of this many digits, or 0 for any. */
static bool
is_base64(const char *value, size_t digits)
{
	size_t n, padding;

	if (value == NULL)
		return false;
	n = strspn(value,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/");
	padding = strspn(value + n, "=");
	/* One digit more than whole groups is no byte. */
	return n > 0 && n % 4 != 1 && (digits == 0 || n == digits) &&
	    padding <= PADDING_MAX && value[n + padding] == '\0';
}

/*
 * i= is an address of d= or of a subdomain, quoted-printable. A "=" without
 * its two digits, or too long a value, takes libopendkim out of its buffers.
 */
static bool
read_identity(struct dkimsig *sig)
{
	const char *i = taglist_value(&sig->list, "i"), *at;
	size_t len, domain_len = strlen(sig->domain);

	if (i == NULL)
		return true;
	for (const char *p = i; (p = strchr(p, '=')) != NULL; p += 3) {
		if (text_hex(p[1]) == -1 || text_hex(p[2]) == -1)
			return false;
	}
	at = strrchr(i, '@');
	if (at == NULL || strlen(i) > DKIMSIG_IDENTITY_MAX || !is_domain(++at))
		return false;
	len = strlen(at);
	sig->is_narrow = len > domain_len;
	return text_isuffix(at, sig->domain) &&
	    (len == domain_len || at[len - domain_len - 1] == '.');
}

/* c=: one or two of the algorithms. */
static bool
is_canonicalization(const char *value)
{
	static const char *const words[] = { "simple", "relaxed" };

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(words[i]);

		if (!text_iprefix(value, words[i]))
			continue;
		return value[len] == '\0' ||
		    (value[len] == '/' &&
			(text_ieq(value + len + 1, words[0]) ||
			    text_ieq(value + len + 1, words[1])));
	}
	return false;
}

/* t= or x=: seconds since 1970, or -1 when there are none. */
static bool
read_time(const struct dkimsig *sig, const char *name, int64_t *seconds)
{
	const char *value = taglist_value(&sig->list, name);
	size_t len;

	*seconds = -1;
	if (value == NULL)
		return true;
	len = strspn(value, "0123456789");
	if (len == 0 || len > DIGITS_MAX || value[len] != '\0')
		return false;
	for (*seconds = 0; *value != '\0'; value++)
		*seconds = *seconds * 10 + (*value - '0');
	return true;
}

/* Whatever a verifier has to know; RFC 6376, section 6.1.1. */
static bool
is_well_formed(struct dkimsig *sig)
{
	const char *v = taglist_value(&sig->list, "v");
	const char *a = taglist_value(&sig->list, "a");
	const char *c = taglist_value(&sig->list, "c");
	const char *h = taglist_value(&sig->list, "h");
	const char *q = taglist_value(&sig->list, "q");

	if (v == NULL || strcmp(v, "1") != 0 || a == NULL || h == NULL ||
	    h[0] == '\0' || strlen(h) > DKIMSIG_NAMES_MAX)
		return false;
	sig->is_ed25519 = text_ieq(a, "ed25519-sha256");
	if (!sig->is_ed25519 && !text_ieq(a, "rsa-sha256") &&
	    !text_ieq(a, "rsa-sha1"))
		return false;
	return (c == NULL || is_canonicalization(c)) &&
	    (q == NULL || taglist_has(q, "dns/txt")) && read_identity(sig) &&
	    is_base64(sig->b, 0) &&
	    is_base64(taglist_value(&sig->list, "bh"),
		text_ieq(a, "rsa-sha1") ? 0 : HASH_DIGITS);
}

/* What h= names, as far as it matters beside From. */
static void
read_signed_names(struct dkimsig *sig, const char *names)
{
	sig->signs_signatures = taglist_has(names, "dkim-signature");
	sig->content_types = taglist_count(names, "content-type");
}

/* Is it one that is well formed, but cannot pass? */
static enum verdict_reason
judge(const struct dkimsig *sig, int64_t signed_at, int64_t expires, time_t now)
{
	if (sig->has_length)
		return REASON_LENGTH_LIMIT;
	if (text_ieq(taglist_value(&sig->list, "a"), "rsa-sha1"))
		return REASON_WEAK_ALGORITHM;
	if (!taglist_has(taglist_value(&sig->list, "h"), "from"))
		return REASON_FROM_NOT_SIGNED;
	if (expires != -1 && expires < now)
		return REASON_EXPIRED;
	if (signed_at > (int64_t)now + DKIMSIG_DRIFT_MAX)
		return REASON_FUTURE;
	return REASON_NONE;
}

void
dkimsig_read(struct dkimsig *sig, char *text, size_t len, time_t now)
{
	int64_t signed_at, expires;

	memset(sig, 0, sizeof *sig);
	sig->reason = REASON_SIGNATURE_SYNTAX;
	if (len > DKIMSIG_FIELD_MAX || !taglist_read(&sig->list, text, len)) {
		sig->list.count = 0;
		return;
	}
	sig->b = taglist_value(&sig->list, "b");
	sig->has_length = taglist_value(&sig->list, "l") != NULL;
	if (!read_names(sig) || !is_well_formed(sig) ||
	    !read_time(sig, "t", &signed_at) ||
	    !read_time(sig, "x", &expires) ||
	    (expires != -1 && expires <= signed_at))
		return;
	sig->is_sound = true;
	read_signed_names(sig, taglist_value(&sig->list, "h"));
	sig->reason = judge(sig, signed_at, expires, now);
}

bool
dkimsig_keeps_type(const struct dkimsig *sig, size_t content_types)
{
	return sig->content_types == 0 || content_types <= sig->content_types;
}
