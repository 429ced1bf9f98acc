#include "reporturi.h"

#include <string.h>

#include "address.h"
#include "text.h"

/* A URI while it is looked at; ends are offsets in the text of the list. */
struct uri {
	struct fieldlist *list;
	const char *text;
	size_t start;
	size_t body; /* behind "scheme:" */
	size_t end;
};

static bool
is_alpha(char c)
{
	c = text_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
find(const struct uri *uri, size_t from, size_t to, const char *any)
{
	size_t at = from;

	while (at < to && strchr(any, uri->text[at]) == NULL)
		at++;
	return at;
}

/* DMARC permits "!10m" behind an address. */
static bool
is_size_limit(const struct uri *uri, size_t at)
{
	size_t digits = ++at;

	while (at < uri->end && is_digit(uri->text[at]))
		at++;
	if (at == digits)
		return false;
	if (at < uri->end && memchr("kmgt", text_lower(uri->text[at]), 4))
		at++;
	return at == uri->end;
}

static bool
say_byte(const struct uri *uri, size_t at)
{
	unsigned char c = (unsigned char)uri->text[at];

	if (c == '!' && is_size_limit(uri, at))
		fieldlist_error(uri->list, at,
		    "take the limit out: that is of DMARC",
		    "TLSRPT knows no limit of size behind \"!\"");
	else if (c == '!')
		fieldlist_error(uri->list, at, "write %21 for it",
		    "\"!\" must be percent-encoded");
	else if (c == ' ' || c == '\t')
		fieldlist_error(uri->list, at,
		    "take it out; or is there a \";\" or \",\" missing?",
		    "white space within a URI");
	else if (c == '%')
		fieldlist_error(uri->list, at, "write %25 for a \"%\"",
		    "\"%%\" without two hexadecimal digits behind it");
	else if (c >= 0x80)
		fieldlist_error(uri->list, at,
		    "percent-encode it; a domain is written in A-labels",
		    "a URI has ASCII alone");
	else
		fieldlist_error(uri->list, at,
		    "take it out, or percent-encode it",
		    "a byte that no URI may have");
	return false;
}

/* All that RFC 3986 permits somewhere in a URI, less what must be encoded. */
static bool
check_bytes(const struct uri *uri)
{
	for (size_t i = uri->start; i < uri->end; i++) {
		char c = uri->text[i];

		if (c == '%' && uri->end - i > 2 &&
		    text_hex(uri->text[i + 1]) >= 0 &&
		    text_hex(uri->text[i + 2]) >= 0)
			continue;
		if (!is_alpha(c) && !is_digit(c) &&
		    (c == '\0' || strchr("-._~:/?#[]@$&'()*+=", c) == NULL))
			return say_byte(uri, i);
	}
	return true;
}

/* Behind a host there are no brackets, and one "#" at most. */
static bool
check_rest(const struct uri *uri, size_t from)
{
	size_t at = find(uri, from, uri->end, "[]");

	if (at == uri->end)
		at = find(uri, from, uri->end, "#");
	if (at < uri->end && uri->text[at] == '#')
		at = find(uri, at + 1, uri->end, "#");
	return at == uri->end || say_byte(uri, at);
}

/* Letters, digits and "-" in labels; from is where it begins. */
static bool
check_domain(const struct uri *uri, size_t from, size_t to)
{
	size_t label = from;

	for (size_t i = from; i <= to; i++) {
		bool is_end = i == to || uri->text[i] == '.';

		if (is_end &&
		    (i == label || i - label > 63 || uri->text[label] == '-' ||
			uri->text[i - 1] == '-')) {
			fieldlist_error(uri->list, label, NULL,
			    i == to && to > from && i == label
				? "a domain ends without a dot here"
				: "this is no label of a domain");
			return false;
		}
		if (is_end) {
			label = i + 1;
		} else if (!is_alpha(uri->text[i]) && !is_digit(uri->text[i]) &&
		    uri->text[i] != '-') {
			fieldlist_error(
			    uri->list, i, NULL, "this byte is not of a domain");
			return false;
		}
	}
	return true;
}

static bool
is_domain(const struct uri *uri, size_t from, size_t to, const char *domain)
{
	size_t len = strlen(domain);

	if (len > 0 && domain[len - 1] == '.')
		len--;
	return len == to - from && text_ieqn(uri->text + from, domain, len);
}

static enum reporturi_kind
check_mailto(const struct uri *uri, const char *domain)
{
	size_t end = find(uri, uri->body, uri->end, "?#");
	size_t at = find(uri, uri->body, end, "@");

	if (end - uri->body >= 2 &&
	    memcmp(uri->text + uri->body, "//", 2) == 0) {
		fieldlist_error(uri->list, uri->body,
		    "write mailto: and the address at once",
		    "mailto: has no \"//\"");
		return REPORTURI_NONE;
	}
	if (at == uri->body || at >= end || at + 1 == end) {
		fieldlist_error(uri->list, uri->body,
		    "write mailto:user@domain",
		    "there is no address behind mailto:");
		return REPORTURI_NONE;
	}
	if (find(uri, at + 1, end, "@") < end) {
		fieldlist_error(uri->list, find(uri, at + 1, end, "@"),
		    "write %40 for a \"@\" in the local part",
		    "a second \"@\" in the address");
		return REPORTURI_NONE;
	}
	if (!check_domain(uri, at + 1, end) || !check_rest(uri, uri->body))
		return REPORTURI_NONE;
	if (end < uri->end)
		remark_add(uri->list->remarks, REMARK_WARNING, end,
		    "leave the address alone",
		    "senders need not honour what follows the address");
	if (domain != NULL && is_domain(uri, at + 1, end, domain))
		remark_add(uri->list->remarks, REMARK_NOTE, at + 1,
		    "a mailbox in another domain is on the safe side",
		    "the mailbox is in the domain whose TLS is reported: "
		    "senders must deliver there despite failures of TLS (RFC "
		    "8460, section 3), but not if its servers take no mail");
	return REPORTURI_MAILTO;
}

static bool
check_port(const struct uri *uri, size_t from, size_t to)
{
	unsigned port = 0;

	for (size_t i = from; i < to; i++) {
		if (!is_digit(uri->text[i]) || to - from > 5) {
			fieldlist_error(uri->list, i, NULL, "this is no port");
			return false;
		}
		port = port * 10 + (unsigned)(uri->text[i] - '0');
	}
	if (port < 65536 && (port > 0 || from == to))
		return true;
	fieldlist_error(uri->list, from, NULL, "this is no port");
	return false;
}

static bool
check_host(const struct uri *uri, size_t from, size_t to)
{
	size_t end;

	if (from < to && uri->text[from] == '[') {
		end = find(uri, from, to, "]");
		if (end == to ||
		    !address_is_ip(uri->text + from + 1, end - from - 1) ||
		    find(uri, end + 1, to, ":") != end + 1) {
			fieldlist_error(uri->list, from, NULL,
			    "this is no address in brackets");
			return false;
		}
		end++;
	} else {
		end = find(uri, from, to, ":");
		if (end == from) {
			fieldlist_error(uri->list, from,
			    "write https://host/path", "there is no host");
			return false;
		}
		if (!check_domain(uri, from, end))
			return false;
	}
	return end == to || check_port(uri, end + 1, to);
}

static enum reporturi_kind
check_https(const struct uri *uri)
{
	size_t from = uri->body + 2, to, at;

	if (uri->end < from || memcmp(uri->text + uri->body, "//", 2) != 0) {
		fieldlist_error(uri->list, uri->body, "write https://host/path",
		    "there is no \"//\" behind https:");
		return REPORTURI_NONE;
	}
	to = find(uri, from, uri->end, "/?#");
	at = find(uri, from, to, "@");
	if (at < to) {
		remark_add(uri->list->remarks, REMARK_WARNING, from,
		    "put what tells domains apart into the path",
		    "senders need not send a user name, and all can read it");
		from = at + 1;
	}
	if (!check_host(uri, from, to))
		return REPORTURI_NONE;
	at = find(uri, to, uri->end, "#");
	if (at < uri->end)
		remark_add(uri->list->remarks, REMARK_WARNING, at,
		    "take it out", "what follows \"#\" is not sent");
	return check_rest(uri, to) ? REPORTURI_HTTPS : REPORTURI_NONE;
}

static bool
has_scheme(const struct uri *uri, const char *scheme)
{
	size_t len = strlen(scheme);

	return uri->body - uri->start == len &&
	    text_ieqn(uri->text + uri->start, scheme, len);
}

/* The end of "scheme:" at the start, or the start when there is none. */
static size_t
find_scheme(const struct uri *uri)
{
	size_t at = uri->start;

	if (at == uri->end || !is_alpha(uri->text[at]))
		return uri->start;
	while (at < uri->end &&
	    (is_alpha(uri->text[at]) || is_digit(uri->text[at]) ||
		(uri->text[at] != '\0' && strchr("+-.", uri->text[at]))))
		at++;
	return at < uri->end && uri->text[at] == ':' ? at + 1 : uri->start;
}

static enum reporturi_kind
say_scheme(const struct uri *uri)
{
	if (uri->body == uri->start &&
	    find(uri, uri->start, uri->end, "@") < uri->end)
		fieldlist_error(uri->list, uri->start,
		    "write mailto: before each address",
		    "an address without mailto:");
	else if (uri->body == uri->start)
		fieldlist_error(uri->list, uri->start,
		    "write mailto:user@domain or https://host/path",
		    "this is no URI: it has no scheme");
	else if (has_scheme(uri, "http:"))
		fieldlist_error(uri->list, uri->start, "write https:",
		    "reports are sent by mailto: or https:, not by http:");
	else
		fieldlist_error(uri->list, uri->start,
		    "write mailto:user@domain or https://host/path",
		    "reports are sent by mailto: or https: alone");
	return REPORTURI_NONE;
}

enum reporturi_kind
reporturi_check(
    struct fieldlist *list, size_t start, size_t end, const char *domain)
{
	struct uri uri = {
		.list = list,
		.text = list->text,
		.start = start,
		.end = end,
	};
	bool is_mailto, is_good;

	uri.body = find_scheme(&uri);
	is_good = check_bytes(&uri);
	is_mailto = has_scheme(&uri, "mailto:");
	if (!is_mailto && !has_scheme(&uri, "https:"))
		return say_scheme(&uri);
	if (!is_good)
		return REPORTURI_NONE;
	if (memcmp(uri.text + start, is_mailto ? "mailto" : "https",
		uri.body - start - 1) != 0)
		remark_add(list->remarks, REMARK_WARNING, start,
		    "write the scheme in lower case",
		    "not all senders know a scheme in upper case");
	return is_mailto ? check_mailto(&uri, domain) : check_https(&uri);
}

bool
reporturi_host(const char *text, size_t len, size_t *at, size_t *host_len)
{
	struct uri uri = { .text = text, .end = len };
	size_t end, sign;

	uri.body = find_scheme(&uri);
	if (has_scheme(&uri, "mailto:")) {
		end = find(&uri, uri.body, len, "?#");
		*at = find(&uri, uri.body, end, "@") + 1;
	} else {
		if (len < uri.body + 2)
			return false;
		end = find(&uri, uri.body + 2, len, "/?#");
		sign = find(&uri, uri.body + 2, end, "@");
		*at = sign < end ? sign + 1 : uri.body + 2;
		if (*at < end && text[*at] == '[')
			end = find(&uri, *at, end, "]");
		else
			end = find(&uri, *at, end, ":");
	}
	if (*at >= end)
		return false;
	*host_len = end - *at;
	return true;
}
