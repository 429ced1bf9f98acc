#include "mxserver.h"

#include <check.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "text.h"

enum {
	LONG_LINE = 1024 * 1024
};

static const struct mxserver_settings *
settings_of(const struct peer *peer)
{
	return &((const struct mxserver *)peer->server)->settings;
}

/* Write down what it was told. */
static void
note(struct mxserver *server, const char *label, const char *text)
{
	size_t n = strlen(server->said);

	(void)snprintf(
	    server->said + n, sizeof server->said - n, "%s%s\n", label, text);
}

static bool
read_line(struct peer *peer, char *out, size_t size)
{
	size_t n = 0;
	char c;

	while (n + 1 < size) {
		if (peer_receive(peer, &c, 1) != 1)
			return false;
		if (c == '\n')
			break;
		if (c != '\r')
			out[n++] = c;
	}
	out[n] = '\0';
	note(peer->server, "", out);
	return true;
}

static void
send_endless(struct peer *peer)
{
	while (peer_send_text(peer, "220-and more\r\n"))
		(void)poll(NULL, 0, 1);
}

static void
send_long(struct peer *peer)
{
	char *line = malloc(LONG_LINE);

	ck_assert_ptr_nonnull(line);
	memset(line, 'x', LONG_LINE);
	memcpy(line, "220 ", 4);
	(void)peer_send(peer, line, LONG_LINE);
	free(line);
	peer_wait_for_end(peer);
}

/* Play the trick if this is its stage. False: the connection is over. */
static bool
play(struct peer *peer, enum mxserver_stage stage)
{
	const struct mxserver_settings *s = settings_of(peer);
	struct pollfd pfd = { .fd = peer->fd, .events = POLLIN };
	struct linger at_once = { .l_onoff = 1 };

	if (s->trick == MXSERVER_NONE || s->stage != stage)
		return true;
	/* Not before the other side has begun: that is another trick. */
	if (stage == MXSERVER_HANDSHAKE)
		(void)poll(&pfd, 1, PEER_PATIENCE_MS);
	switch (s->trick) {
	case MXSERVER_SILENT:
		peer_wait_for_end(peer);
		break;
	case MXSERVER_TRICKLES:
		peer_trickle(peer, "220 mx.example");
		break;
	case MXSERVER_ENDLESS:
		send_endless(peer);
		break;
	case MXSERVER_LONG:
		send_long(peer);
		break;
	case MXSERVER_GARBAGE:
		(void)peer_send_text(peer, "SSH-2.0-OpenSSH_9.2\r\n");
		peer_wait_for_end(peer);
		break;
	case MXSERVER_RENEGOTIATES:
		(void)SSL_renegotiate(peer->ssl);
		(void)SSL_do_handshake(peer->ssl);
		return true;
	case MXSERVER_RESETS:
		(void)setsockopt(
		    peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		break;
	case MXSERVER_CLOSES:
	case MXSERVER_NONE:
		break;
	}
	return false;
}

static const char *
or_else(const char *text, const char *other)
{
	return text != NULL ? text : other;
}

static SSL_CTX *
make_context(const struct mxserver_settings *s)
{
	SSL_CTX *ctx = peer_context(s->chain, s->count, s->max_version);

	if (s->max_version != 0)
		ck_assert_int_eq(
		    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"), 1);
	else
		ck_assert_int_eq(
		    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION), 1);
	if (s->other != NULL)
		peer_use_chain(ctx, s->other, s->chain + 1, s->count - 1);
	return ctx;
}

/* Behind STARTTLS. */
static void
serve_tls(struct peer *peer)
{
	char line[512];
	const char *name;

	if (peer_accept_tls(peer, make_context(settings_of(peer)))) {
		name = SSL_get_servername(peer->ssl, TLSEXT_NAMETYPE_host_name);
		note(peer->server, "SNI: ", or_else(name, "none"));
		if (play(peer, MXSERVER_AFTER)) {
			while (read_line(peer, line, sizeof line)) {
				if (text_ieq(line, "QUIT")) {
					(void)peer_send_text(
					    peer, "221 bye\r\n");
					break;
				}
			}
		}
	}
	peer_end_tls(peer);
}

static void
note_address(struct peer *peer)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	char text[64];

	if (getpeername(peer->fd, (struct sockaddr *)&sa, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&sa, len, text, sizeof text, NULL, 0,
		NI_NUMERICHOST) == 0)
		note(peer->server, "FROM: ", text);
}

static void
serve(struct peer *peer)
{
	const struct mxserver_settings *s = settings_of(peer);
	char line[512];

	note_address(peer);
	if (!play(peer, MXSERVER_GREETING) ||
	    !peer_send_text(
		peer, or_else(s->greeting, "220 mx.example ESMTP\r\n")))
		return;
	while (read_line(peer, line, sizeof line)) {
		if (text_iprefix(line, "EHLO")) {
			if (!play(peer, MXSERVER_EHLO) ||
			    !peer_send_text(peer,
				or_else(s->ehlo,
				    "250-mx.example hello\r\n"
				    "250-PIPELINING\r\n250-STARTTLS\r\n"
				    "250 8BITMIME\r\n")))
				return;
		} else if (text_iprefix(line, "HELO")) {
			if (!peer_send_text(
				peer, or_else(s->helo, "250 mx.example\r\n")))
				return;
		} else if (text_ieq(line, "STARTTLS")) {
			if (!play(peer, MXSERVER_STARTTLS) ||
			    !peer_send_text(
				peer, or_else(s->starttls, "220 go\r\n")))
				return;
			if (s->starttls != NULL && s->starttls[0] != '2')
				continue;
			if (play(peer, MXSERVER_HANDSHAKE))
				serve_tls(peer);
			return;
		} else if (text_ieq(line, "QUIT")) {
			(void)peer_send_text(peer, "221 bye\r\n");
			return;
		}
	}
}

void
mxserver_start(
    struct mxserver *server, const struct mxserver_settings *settings)
{
	memset(server, 0, sizeof *server);
	server->settings = *settings;
	server->port = peer_start(&server->listener,
	    settings->family != 0 ? settings->family : AF_INET,
	    &server->address, serve, server);
}

void
mxserver_stop(struct mxserver *server)
{
	/* What is said is read to the end, unless nothing comes. */
	for (int i = 0; i < 100 && server->listener.connection != -1; i++)
		(void)poll(NULL, 0, 10);
	peer_stop(&server->listener);
}
