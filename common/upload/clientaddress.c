#include "clientaddress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "text.h"

enum {
	HOPS_MAX = 32 /* addresses of X-Forwarded-For that are looked at */
};

static bool
is_trusted(const struct conf *conf, const struct network *address)
{
	struct network network;

	for (size_t i = 0; i < conf->trusted_proxy.count; i++) {
		if (address_read_network(
			conf->trusted_proxy.item[i], &network) &&
		    address_is_in(address, &network))
			return true;
	}
	return false;
}

static bool
is_unix_trusted(const struct conf *conf)
{
	for (size_t i = 0; i < conf->trusted_proxy.count; i++) {
		if (strcmp(conf->trusted_proxy.item[i], "unix") == 0)
			return true;
	}
	return false;
}

/* As everybody writes it, IPv4 in IPv6 as IPv4. */
static void
set_address(struct clientaddress *client, const struct network *address)
{
	client->network = *address;
	client->is_known = true;
	(void)inet_ntop(
	    address->family, address->bytes, client->text, sizeof client->text);
}

static void
set_peer(struct clientaddress *client, const struct sockaddr *peer)
{
	char text[INET6_ADDRSTRLEN];
	const void *bytes = NULL;
	struct network address;

	*client = (struct clientaddress){ .text = "unix" };
	if (peer->sa_family == AF_INET)
		bytes =
		    &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
	else if (peer->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)peer)
			     ->sin6_addr;
	if (bytes != NULL &&
	    inet_ntop(peer->sa_family, bytes, text, sizeof text) != NULL &&
	    address_read_network(text, &address))
		set_address(client, &address);
}

/*
 * The last address before end, taken off, with a port or brackets that some
 * proxies add. False at the start, or when it is none: what stands before it is
 * anybody's word then.
 */
static bool
last_address(const char *value, size_t *end, struct network *address)
{
	char text[CLIENTADDRESS_MAX];
	size_t from, to = *end;
	char *colon;

	while (to > 0 && text_is_space(value[to - 1]))
		to--;
	for (from = to; from > 0 && value[from - 1] != ',';)
		from--;
	*end = from > 0 ? from - 1 : 0;
	while (from < to && text_is_space(value[from]))
		from++;
	if (from == to || to - from >= sizeof text)
		return false;
	memcpy(text, value + from, to - from);
	text[to - from] = '\0';
	if (text[0] == '[' && strchr(text, ']') != NULL) {
		*strchr(text, ']') = '\0';
		memmove(text, text + 1, strlen(text));
	} else if ((colon = strchr(text, ':')) != NULL &&
	    strchr(text, '.') != NULL && strchr(colon + 1, ':') == NULL) {
		*colon = '\0';
	}
	return strchr(text, '/') == NULL && address_read_network(text, address);
}

void
clientaddress_find(const struct conf *conf, const struct sockaddr *peer,
    const char *(*forwarded)(void *ctx, size_t index), void *ctx,
    struct clientaddress *client)
{
	struct network address;
	const char *value;
	unsigned hops = 0;

	set_peer(client, peer);
	client->is_proxy_trusted = client->is_known
	    ? is_trusted(conf, &client->network)
	    : peer->sa_family == AF_UNIX && is_unix_trusted(conf);
	if (!client->is_proxy_trusted)
		return;
	/* Its own address is no client's, as long as it names none. */
	client->is_known = false;
	for (size_t i = 0; (value = forwarded(ctx, i)) != NULL; i++) {
		size_t end = strlen(value);

		while (end > 0) {
			if (hops++ == HOPS_MAX ||
			    !last_address(value, &end, &address))
				return;
			set_address(client, &address);
			if (!is_trusted(conf, &address))
				return;
		}
	}
}
