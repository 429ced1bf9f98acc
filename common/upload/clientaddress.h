/*
 * clientaddress: who a request comes from, where a proxy may stand in between.
 *
 * Only what a TrustedProxy says is believed, and of the addresses in
 * X-Forwarded-For only those that trusted proxies have added, from the last one
 * on.
 */
#ifndef CLIENTADDRESS_H
#define CLIENTADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "address.h"
#include "conf.h"

enum {
	CLIENTADDRESS_MAX = 64
};

struct clientaddress {
	char text[CLIENTADDRESS_MAX]; /* an address, or "unix" */
	bool is_known; /* network is that of the client: it can be counted */
	struct network network;
	bool is_proxy_trusted; /* whoever is connected is a TrustedProxy */
};

/*
 * peer is the other end of the connection, of AF_UNIX, AF_INET or AF_INET6.
 * forwarded is called for the values of X-Forwarded-For, the last one first:
 * index 0 is the last; NULL behind the first.
 */
void clientaddress_find(const struct conf *conf, const struct sockaddr *peer,
    const char *(*forwarded)(void *ctx, size_t index), void *ctx,
    struct clientaddress *client);

#endif
