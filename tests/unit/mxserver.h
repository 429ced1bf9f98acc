/*
 * mxserver: an SMTP server with STARTTLS in a thread of the test, on a loopback
 * port of its own: a good one, and one that plays every trick. It serves one
 * connection after the other.
 */
#ifndef MXSERVER_H
#define MXSERVER_H

#include <stddef.h>

#include "certs.h"
#include "lookup.h"
#include "peer.h"

enum mxserver_stage {
	MXSERVER_GREETING,
	MXSERVER_EHLO,
	MXSERVER_STARTTLS,
	MXSERVER_HANDSHAKE,
	MXSERVER_AFTER
};

/* What it does at a stage instead of what it should. */
enum mxserver_trick {
	MXSERVER_NONE,
	MXSERVER_CLOSES,
	MXSERVER_RESETS,
	MXSERVER_SILENT,
	MXSERVER_TRICKLES, /* a byte every 100 ms */
	MXSERVER_ENDLESS,  /* lines without end */
	MXSERVER_LONG,     /* a line of 1 MB */
	MXSERVER_GARBAGE,  /* what is not SMTP, nor TLS */
	MXSERVER_RENEGOTIATES
};

struct mxserver_settings {
	int family; /* 0: AF_INET */
	enum mxserver_stage stage;
	enum mxserver_trick trick;
	/* Replies, with CRLF; NULL: good ones, EHLO's offering STARTTLS. */
	const char *greeting;
	const char *ehlo;
	const char *helo;
	const char *starttls;
	const struct cert *const *chain; /* the leaf first */
	size_t count;
	const struct cert *other; /* a leaf with a key of another kind */
	int max_version; /* 0: TLS 1.2 and what is newer; else all up to it */
};

struct mxserver {
	struct found_address address;
	unsigned port;
	char said[2048]; /* what it was told, lines; and
			      "FROM: address", "SNI: name" */
	/* Private. */
	struct mxserver_settings settings;
	struct peer_listener listener;
};

/* Start it; what settings point to must outlive it. Fails the test if not. */
void mxserver_start(
    struct mxserver *server, const struct mxserver_settings *settings);

/* End it; thereafter said may be read. */
void mxserver_stop(struct mxserver *server);

#endif
