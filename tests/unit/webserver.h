/*
 * webserver: an HTTPS server in a thread of the test, on a loopback port of its
 * own, that answers whatever it is told to. It serves one connection after the
 * other; the test must ignore SIGPIPE.
 */
#ifndef WEBSERVER_H
#define WEBSERVER_H

#include <stddef.h>

#include "certs.h"
#include "lookup.h"
#include "peer.h"

enum webserver_trick {
	WEBSERVER_NONE,
	WEBSERVER_ENDLESS,  /* reply, then bytes without end */
	WEBSERVER_TRICKLES, /* reply, then a byte every 100 ms */
	WEBSERVER_SILENT,   /* not even a handshake */
	WEBSERVER_PLAIN,    /* reply without TLS */
	WEBSERVER_CLOSES    /* instead of the handshake */
};

struct webserver_settings {
	enum webserver_trick trick;
	const char *reply; /* all of it, status line and header included */
	size_t len;        /* 0: as strlen() has it */
	/* What an endless reply repeats; NULL: "x". */
	const char *more;
	const struct cert *const *chain; /* the leaf first */
	size_t count;
	int max_version; /* 0: the library's */
};

struct webserver {
	struct found_address address;
	unsigned port;
	char said[4096]; /* the last request, and "SNI: name" behind it */
	/* Private. */
	struct webserver_settings settings;
	struct peer_listener listener;
};

/* Start it; what settings point to must outlive it. Fails the test if not. */
void webserver_start(
    struct webserver *server, const struct webserver_settings *settings);

/* End it; thereafter said may be read. */
void webserver_stop(struct webserver *server);

#endif
