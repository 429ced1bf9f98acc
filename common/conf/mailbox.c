#include "mailbox.h"

#include <string.h>

#include "idn.h"
#include "text.h"

enum {
	ADDRESS_MAX = 512
};

/* An address taken apart: its local part unquoted, its domain bare. */
struct address {
	char local[ADDRESS_MAX];
	const char *domain; /* behind the last "@", not terminated */
	size_t domain_len;
};

/* Copy a local part, its quotes and backslashes taken off. */
static bool
unquote(const char *from, size_t len, char *out)
{
	size_t n = 0;

	if (len >= ADDRESS_MAX)
		return false;
	if (len >= 2 && from[0] == '"' && from[len - 1] == '"') {
		from++;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++) {
		if (from[i] == '\\' && i + 1 < len)
			i++;
		out[n++] = from[i];
	}
	out[n] = '\0';
	return true;
}

size_t
mailbox_route_length(const char *address, size_t len)
{
	const char *colon =
	    len > 0 && address[0] == '@' ? memchr(address, ':', len) : NULL;

	return colon != NULL ? (size_t)(colon + 1 - address) : 0;
}

static bool
parse(const char *s, struct address *address)
{
	size_t len = strlen(s), route, at;

	while (len > 0 && text_is_space(s[len - 1]))
		len--;
	if (len >= 2 && s[0] == '<' && s[len - 1] == '>') {
		s++;
		len -= 2;
	}
	route = mailbox_route_length(s, len);
	s += route;
	len -= route;
	for (at = len; at > 0 && s[at - 1] != '@'; at--)
		;
	if (at == 0)
		return false;
	address->domain = s + at;
	address->domain_len = len - at;
	return unquote(s, at - 1, address->local);
}

/* Is the local part this one, or this one with an extension behind it? */
static bool
is_local(const char *local, const char *ours, size_t len, const char *delimiter)
{
	if (strlen(local) < len || !text_ieqn(local, ours, len))
		return false;
	return local[len] == '\0' || strchr(delimiter, local[len]) != NULL;
}

bool
mailbox_is_ours(const struct conf *conf, const char *recipient)
{
	struct address address;

	if (!parse(recipient, &address))
		return false;
	for (size_t i = 0; i < conf->mailbox.count; i++) {
		const char *ours = conf->mailbox.item[i];
		const char *at = strrchr(ours, '@');

		if (!idn_is_same(at + 1, strlen(at + 1), address.domain,
			address.domain_len))
			continue;
		if (at == ours ||
		    is_local(address.local, ours, (size_t)(at - ours),
			conf->recipient_delimiter))
			return true;
	}
	return false;
}

bool
mailbox_is_our_domain(const struct conf *conf, const char *name)
{
	size_t len = strlen(name);

	if (conf->domain.count == 0)
		return true;
	for (size_t i = 0; i < conf->domain.count; i++) {
		const char *ours = conf->domain.item[i];

		if (idn_is_same(ours, strlen(ours), name, len))
			return true;
	}
	return false;
}
