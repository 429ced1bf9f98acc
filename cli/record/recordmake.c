#include "recordmake.h"

#include <stdio.h>
#include <string.h>

#include "idn.h"
#include "text.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* DMARC permits "!10m" behind an address, which TLSRPT does not know. */
static bool
has_limit(const char *uri)
{
	const char *p = strrchr(uri, '!');

	if (p == NULL || !is_digit(p[1]))
		return false;
	for (p++; is_digit(*p);)
		p++;
	if (*p != '\0' && strchr("kmgtKMGT", *p) != NULL)
		p++;
	return *p == '\0';
}

/* A byte that stands for itself; "%" where it is the start of an encoding. */
static bool
is_plain(const char *p)
{
	char c = text_lower(*p);

	if (c == '%')
		return text_hex(p[1]) >= 0 && text_hex(p[2]) >= 0;
	return (c >= 'a' && c <= 'z') || is_digit(c) ||
	    strchr("-._~:/?#[]@$&'()*+=", c) != NULL;
}

static enum status
add_encoded(struct buf *out, const char *p, size_t len)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < len; i++)
		st = is_plain(p + i)
		    ? buf_addc(out, p[i])
		    : buf_addf(out, "%%%02X", (unsigned)(unsigned char)p[i]);
	return st;
}

/* A domain of len bytes; in A-labels, unless it is plain already. */
static bool
add_domain(struct buf *out, const char *domain, size_t len)
{
	char name[IDN_NAME_MAX], ascii[IDN_NAME_MAX];
	bool is_ascii = true;

	for (size_t i = 0; i < len; i++)
		is_ascii &= (unsigned char)domain[i] < 0x80;
	if (is_ascii)
		return add_encoded(out, domain, len) == ST_OK;
	if (len >= sizeof name)
		return false;
	memcpy(name, domain, len);
	name[len] = '\0';
	return idn_to_ascii(name, ascii) && buf_adds(out, ascii) == ST_OK;
}

/* Where the domain of a URI is: behind the last "@", or behind "//". */
static void
find_domain(const char *uri, bool is_mailto, size_t *from, size_t *to)
{
	size_t end;

	if (is_mailto) {
		end = strcspn(uri, "?#");
		for (*from = end; *from > 0 && uri[*from - 1] != '@';)
			--*from;
		*to = end;
		return;
	}
	*from = *to = strlen("https://");
	end = *from + strcspn(uri + *from, "/?#");
	for (size_t i = *from; i < end; i++) {
		if (uri[i] == '@')
			*from = i + 1;
	}
	*to = uri[*from] == '[' ? end : *from + strcspn(uri + *from, ":/?#");
}

bool
recordmake_uri(struct buf *out, const char *uri, const char **why)
{
	bool is_mailto = text_iprefix(uri, "mailto:");
	bool is_https = text_iprefix(uri, "https://");
	size_t from = 0, to = 0;

	*why = "it is too long";
	if (has_limit(uri)) {
		*why = "TLSRPT knows no limit of size behind \"!\"; write %21 "
		       "for one that is part of the address";
		return false;
	}
	if (!is_mailto && !is_https) {
		if (strchr(uri, ':') != NULL || strchr(uri, '@') == NULL) {
			*why = "neither mailto:user@domain nor "
			       "https://host/path; for several, give --rua "
			       "several times";
			return false;
		}
		is_mailto = true;
		if (buf_adds(out, "mailto:") != ST_OK)
			return false;
	}
	find_domain(uri, is_mailto, &from, &to);
	if (add_encoded(out, uri, from) != ST_OK)
		return false;
	if (!add_domain(out, uri + from, to - from)) {
		*why = "its domain has no A-labels";
		return false;
	}
	return add_encoded(out, uri + to, strlen(uri + to)) == ST_OK;
}

/* Neither quotes nor backslashes are in a record, but who knows. */
static enum status
add_string(struct buf *out, const char *text, size_t len)
{
	enum status st = buf_adds(out, " \"");

	for (size_t i = 0; st == ST_OK && i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c >= 0x7f)
			st = buf_addf(out, "\\%03u", (unsigned)c);
		else if (c == '"' || c == '\\')
			st = buf_addf(out, "\\%c", c);
		else
			st = buf_addc(out, (char)c);
	}
	return st == ST_OK ? buf_addc(out, '"') : st;
}

enum status
recordmake_line(
    struct buf *out, const char *domain, const char *text, size_t len)
{
	enum status st = buf_adds(out, "_smtp._tls");

	if (st == ST_OK && domain != NULL)
		st = buf_addf(out, ".%s.", domain);
	if (st == ST_OK)
		st = buf_adds(out, " IN TXT");
	for (size_t i = 0; st == ST_OK && i < len;) {
		size_t n = len - i < RECORDMAKE_STRING_MAX
		    ? len - i
		    : RECORDMAKE_STRING_MAX;

		st = add_string(out, text + i, n);
		i += n;
	}
	return st;
}
