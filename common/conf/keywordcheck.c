#include "keywordcheck.h"

#include <string.h>

#include "address.h"
#include "text.h"

enum {
	RECIPIENT_MAX = 254,   /* bytes of an address (RFC 5321) */
	DOMAIN_MAX = 1000,     /* with letters of four bytes */
	SOCKET_PATH_MAX = 107, /* bytes of sockaddr_un.sun_path, less its NUL */
	HTTP_PATH_MAX = 200,
	TOKEN_MIN = 16, /* what nobody guesses */
	TOKEN_MAX = 128
};

const char *
keyword_check_socket(const char *value)
{
	const char *at;
	bool is_unix = text_iprefix(value, "unix:");

	if (is_unix || text_iprefix(value, "local:")) {
		value = strchr(value, ':') + 1;
		if (*value != '/')
			return "the path of a socket must begin with \"/\"";
		if (strlen(value) > SOCKET_PATH_MAX)
			return "the path of the socket is too long";
		return NULL;
	}
	if (!text_iprefix(value, "inet:") && !text_iprefix(value, "inet6:"))
		return "not unix:PATH, local:PATH, inet:PORT@HOST or "
		       "inet6:PORT@HOST";
	value = strchr(value, ':') + 1;
	at = strchr(value, '@');
	if (at == NULL || at == value || at[1] == '\0')
		return "not PORT@HOST";
	return address_is_port(value, (size_t)(at - value))
	    ? NULL
	    : "the port is not 1 to 65535";
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/*
 * A domain name of letters, digits, "-" and "_", where a letter may be any
 * character that is not ASCII; a dot at its end is permitted.
 */
static bool
is_domain(const char *name, size_t len)
{
	uint32_t cp;
	bool is_label = false; /* has this one begun? */

	if (len > DOMAIN_MAX || (len > 0 && name[0] == '-'))
		return false;
	for (size_t n; len > 0; name += n, len -= n) {
		n = utf8_decode(name, len, &cp);
		if (n == 0)
			return false;
		if (*name == '.') {
			if (!is_label || name[-1] == '-' ||
			    (len > 1 && name[1] == '-'))
				return false;
			is_label = false;
			if (len == 1)
				return true;
			continue;
		}
		if (n == 1 && strchr(ALNUM "-_", *name) == NULL)
			return false;
		is_label = true;
	}
	return is_label && name[-1] != '-';
}

/* The local part of an address: nothing, a quoted one, or a plain one. */
static bool
is_local(const char *local, size_t len)
{
	if (len >= 2 && local[0] == '"' && local[len - 1] == '"')
		return true;
	for (size_t i = 0; i < len; i++) {
		if (strchr("@:,;()[]\"", local[i]) != NULL)
			return false;
	}
	return true;
}

const char *
keyword_check_mailbox(const char *value)
{
	static const char neither[] =
	    "not an address (tls-reports@example.com) or a domain "
	    "(@reports.example.com)";
	const char *at = strrchr(value, '@');
	size_t len;

	if (strpbrk(value, "<>") != NULL)
		return "angle brackets are not part of the address";
	if (at == NULL || !is_local(value, (size_t)(at - value)))
		return neither;
	at++;
	len = strlen(at);
	if (at[0] == '[')
		return len > 2 && strchr(at, ']') == at + len - 1 ? NULL
								  : neither;
	return is_domain(at, len) ? NULL : neither;
}

/*
 * A plain address, for it goes to sendmail(8) and into a header field: a
 * dot-atom (RFC 5322, section 3.2.3) that does not look like an option, and a
 * domain.
 */
const char *
keyword_check_recipient(const char *value)
{
	size_t local = strspn(value, ALNUM "!#$%&'*+-/=?^_`{|}~.");
	size_t domain =
	    value[local] == '@' ? strspn(value + local + 1, ALNUM ".-") : 0;

	return local == 0 || domain == 0 || value[0] == '-' ||
		value[local + 1 + domain] != '\0' ||
		strlen(value) > RECIPIENT_MAX
	    ? "not a plain address such as postmaster@example.com"
	    : NULL;
}

const char *
keyword_check_path(const char *value)
{
	return value[0] != '/' ? "a path must begin with \"/\"" : NULL;
}

const char *
keyword_check_state_file(const char *value)
{
	return strcmp(value, "none") == 0 ? NULL : keyword_check_path(value);
}

const char *
keyword_check_domain(const char *value)
{
	return is_domain(value, strlen(value)) ? NULL : "not a domain name";
}

/* A name, and a "/" where only its fields with our queue id count. */
const char *
keyword_check_authserv_id(const char *value)
{
	size_t len = strcspn(value, "/");

	return len == 0 || strpbrk(value, "@;\"()") != NULL ||
		(value[len] == '/' && value[len + 1] != '\0')
	    ? "not an authserv-id such as mx.example.com or mx.example.com/"
	    : NULL;
}

const char *
keyword_check_server(const char *value)
{
	size_t len = strcspn(value, "@");

	if (!address_is_ip(value, len))
		return "not an IP address";
	value += len;
	return *value == '@' && !address_is_port(value + 1, strlen(value + 1))
	    ? "the port is not 1 to 65535"
	    : NULL;
}

const char *
keyword_check_ident(const char *value)
{
	return strpbrk(value, "[]:%") != NULL || strlen(value) > 32
	    ? "an identity has up to 32 characters and none of \"[]:%\""
	    : NULL;
}

/* A path of HTTP, which is compared byte by byte and so has no escapes. */
const char *
keyword_check_http_path(const char *value)
{
	size_t len = strspn(value, ALNUM "/._~-");

	if (strcmp(value, "/healthz") == 0)
		return "/healthz is for load balancers";
	return value[0] != '/' || value[len] != '\0' || len > HTTP_PATH_MAX ||
		value[len - 1] == '/' || strstr(value, "//") != NULL
	    ? "not a path such as /v1/tlsrpt: letters, digits and \"._~-\""
	    : NULL;
}

/* "DOMAIN TOKEN", with one blank between them. */
const char *
keyword_check_path_secret(const char *value)
{
	size_t domain = strspn(value, ALNUM ".-_");
	size_t token;

	if (domain == 0 || value[domain] != ' ')
		return "not a domain and a token";
	value += domain + 1;
	token = strspn(value, ALNUM "._~-");
	return value[token] != '\0' || token < TOKEN_MIN || token > TOKEN_MAX
	    ? "a token has 16 to 128 letters, digits and \"._~-\""
	    : NULL;
}

const char *
keyword_check_proxy(const char *value)
{
	struct network network;

	return strcmp(value, "unix") != 0 &&
		!address_read_network(value, &network)
	    ? "not ADDRESS, ADDRESS/BITS or unix"
	    : NULL;
}
