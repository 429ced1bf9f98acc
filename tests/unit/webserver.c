#include "webserver.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
	BLOCK = 16384
};

static const struct webserver_settings *
settings_of(const struct peer *peer)
{
	return &((const struct webserver *)peer->server)->settings;
}

/* Up to the empty line. */
static void
read_request(struct peer *peer)
{
	struct webserver *server = peer->server;
	char *said = server->said;
	size_t n = 0, room = sizeof server->said - 256;

	while (n + 1 < room) {
		ssize_t got = peer_receive(peer, said + n, room - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
		said[n] = '\0';
		if (strstr(said, "\r\n\r\n") != NULL)
			break;
	}
	said[n] = '\0';
}

static void
note_name(struct peer *peer)
{
	const char *name =
	    SSL_get_servername(peer->ssl, TLSEXT_NAMETYPE_host_name);
	char *said = ((struct webserver *)peer->server)->said;
	size_t n = strlen(said);

	(void)snprintf(said + n, 256, "SNI: %s\n", name != NULL ? name : "-");
}

static void
send_more(struct peer *peer)
{
	const char *more = settings_of(peer)->more;
	char block[BLOCK];
	size_t len;

	if (more == NULL)
		more = "x";
	len = strlen(more);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] = more[i % len];
	while (peer_send(peer, block, sizeof block / len * len))
		;
}

static void
answer(struct peer *peer)
{
	const struct webserver_settings *s = settings_of(peer);
	size_t len = s->len != 0 ? s->len : strlen(s->reply);

	read_request(peer);
	if (peer->ssl != NULL)
		note_name(peer);
	if (!peer_send(peer, s->reply, len))
		return;
	if (s->trick == WEBSERVER_ENDLESS)
		send_more(peer);
	if (s->trick == WEBSERVER_TRICKLES)
		peer_trickle(peer, "x");
}

static void
serve(struct peer *peer)
{
	const struct webserver_settings *s = settings_of(peer);
	struct timeval patience = { .tv_sec = PEER_PATIENCE_MS / 1000 };

	/* A client may leave what is endless unread. */
	(void)setsockopt(
	    peer->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (s->trick == WEBSERVER_PLAIN) {
		(void)peer_send_text(peer, s->reply);
		return;
	}
	if (s->trick == WEBSERVER_CLOSES)
		return;
	if (s->trick == WEBSERVER_SILENT) {
		peer_wait_for_end(peer);
		return;
	}
	if (peer_accept_tls(
		peer, peer_context(s->chain, s->count, s->max_version))) {
		answer(peer);
		(void)SSL_shutdown(peer->ssl);
	}
	peer_end_tls(peer);
}

void
webserver_start(
    struct webserver *server, const struct webserver_settings *settings)
{
	memset(server, 0, sizeof *server);
	server->settings = *settings;
	server->port = peer_start(
	    &server->listener, AF_INET, &server->address, serve, server);
}

void
webserver_stop(struct webserver *server)
{
	peer_stop(&server->listener);
}
