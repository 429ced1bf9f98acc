#include "text.h"

#include <string.h>

char
text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
text_ieqn(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text_lower(a[i]) != text_lower(b[i]))
			return false;
	}
	return true;
}

bool
text_ieq(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len == strlen(b) && text_ieqn(a, b, len);
}

bool
text_iprefix(const char *string, const char *prefix)
{
	size_t len = strlen(prefix);

	return strlen(string) >= len && text_ieqn(string, prefix, len);
}

bool
text_isuffix(const char *string, const char *suffix)
{
	size_t len = strlen(string), tail = strlen(suffix);

	return len >= tail && text_ieqn(string + len - tail, suffix, tail);
}

bool
text_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
text_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = text_lower(c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
text_copy(char *out, size_t size, const char *string)
{
	size_t len = strlen(string);
	size_t cut = utf8_cut(string, len, size - 1);

	memcpy(out, string, cut);
	out[cut] = '\0';
	return cut == len;
}

void
text_plain(char *out, size_t size, const char *bytes, size_t len)
{
	size_t n = utf8_cut(bytes, len, size - 1);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		out[i] = bytes[i];
		if (c < 0x20 || c == 0x7f)
			out[i] = '?';
	}
	out[n] = '\0';
}

static bool
is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t
utf8_decode(const char *s, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead;
	uint32_t c;
	size_t n;

	if (len == 0)
		return 0;
	lead = (unsigned char)s[0];
	if (lead < 0x80) {
		*cp = lead;
		return 1;
	}
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	c = lead & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if (!is_tail(s[i]))
			return 0;
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return n;
}

size_t
utf8_encode(char out[4], uint32_t cp)
{
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)cp;
		return n;
	}
	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (cp & 0x3f));
		cp >>= 6;
	}
	out[0] = (char)((0xf00U >> n & 0xf0) | cp);
	return n;
}

size_t
utf8_cut(const char *s, size_t len, size_t max)
{
	size_t cut = len < max ? len : max;

	if (cut == len)
		return len;
	/* A character has at most three tail bytes; more is no UTF-8. */
	for (int back = 0; back < 3 && cut > 0 && is_tail(s[cut]); back++)
		cut--;
	return cut;
}

bool
utf8_is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x061c ||
	    cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069);
}

bool
utf8_is_space(uint32_t cp)
{
	return cp == ' ' || (cp >= 0x09 && cp <= 0x0d) ||
	    (cp >= 0x1c && cp <= 0x1f) || cp == 0x85 || cp == 0xa0 ||
	    cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
	    cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}
