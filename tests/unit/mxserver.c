#include "mxserver.h"

#include <check.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "text.h"

enum {
	PATIENCE_MS = 20000, /* no connection lasts longer */
	LONG_LINE = 1024 * 1024,
	TRICKLE_MS = 100
};

/* One connection. */
struct peer {
	struct mxserver *server;
	int fd;
	SSL *ssl; /* or NULL */
};

static bool
send_bytes(struct peer *peer, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = peer->ssl != NULL
		    ? SSL_write(peer->ssl, data, (int)len)
		    : send(peer->fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
send_text(struct peer *peer, const char *text)
{
	return send_bytes(peer, text, strlen(text));
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
		if ((peer->ssl != NULL ? SSL_read(peer->ssl, &c, 1)
				       : recv(peer->fd, &c, 1, 0)) != 1)
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

/* Until the other side goes away. */
static void
wait_for_end(struct peer *peer)
{
	char block[4096];

	while (recv(peer->fd, block, sizeof block, 0) > 0)
		;
}

/* Has the other side closed? Waits so many milliseconds for it. */
static bool
is_gone(struct peer *peer, int milliseconds)
{
	struct pollfd pfd = { .fd = peer->fd, .events = POLLIN };
	char c;

	return poll(&pfd, 1, milliseconds) == 1 &&
	    recv(peer->fd, &c, 1, MSG_PEEK) <= 0;
}

static void
trickle(struct peer *peer)
{
	static const char bytes[] = "220 mx.example";

	for (size_t i = 0; !is_gone(peer, TRICKLE_MS); i++) {
		if (!send_bytes(peer, &bytes[i % (sizeof bytes - 1)], 1))
			return;
	}
}

static void
send_endless(struct peer *peer)
{
	while (send_text(peer, "220-and more\r\n"))
		(void)poll(NULL, 0, 1);
}

static void
send_long(struct peer *peer)
{
	char *line = malloc(LONG_LINE);

	ck_assert_ptr_nonnull(line);
	memset(line, 'x', LONG_LINE);
	memcpy(line, "220 ", 4);
	(void)send_bytes(peer, line, LONG_LINE);
	free(line);
	wait_for_end(peer);
}

/* Play the trick if this is its stage. False: the connection is over. */
static bool
play(struct peer *peer, enum mxserver_stage stage)
{
	const struct mxserver_settings *s = &peer->server->settings;
	struct pollfd pfd = { .fd = peer->fd, .events = POLLIN };
	struct linger at_once = { .l_onoff = 1 };

	if (s->trick == MXSERVER_NONE || s->stage != stage)
		return true;
	/* Not before the other side has begun: that is another trick. */
	if (stage == MXSERVER_HANDSHAKE)
		(void)poll(&pfd, 1, PATIENCE_MS);
	switch (s->trick) {
	case MXSERVER_SILENT:
		wait_for_end(peer);
		break;
	case MXSERVER_TRICKLES:
		trickle(peer);
		break;
	case MXSERVER_ENDLESS:
		send_endless(peer);
		break;
	case MXSERVER_LONG:
		send_long(peer);
		break;
	case MXSERVER_GARBAGE:
		(void)send_text(peer, "SSH-2.0-OpenSSH_9.2\r\n");
		wait_for_end(peer);
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

/* A key, its certificate and the rest of the chain. */
static void
use_chain(SSL_CTX *ctx, const struct cert *leaf, const struct cert *const *rest,
    size_t count)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	ck_assert_ptr_nonnull(chain);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_gt(sk_X509_push(chain, rest[i]->x509), 0);
	ck_assert_int_eq(
	    SSL_CTX_use_cert_and_key(ctx, leaf->x509, leaf->key, chain, 1), 1);
	sk_X509_free(chain);
}

static SSL_CTX *
make_context(const struct mxserver_settings *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	ck_assert_ptr_nonnull(ctx);
	/* Bad certificates are to be shown, too. */
	SSL_CTX_set_security_level(ctx, 0);
	ck_assert_int_eq(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION), 1);
	if (s->max_version != 0) {
		ck_assert_int_eq(SSL_CTX_set_min_proto_version(ctx, 0), 1);
		ck_assert_int_eq(
		    SSL_CTX_set_max_proto_version(ctx, s->max_version), 1);
		ck_assert_int_eq(
		    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"), 1);
	}
	if (s->count > 0)
		use_chain(ctx, s->chain[0], s->chain + 1, s->count - 1);
	if (s->other != NULL)
		use_chain(ctx, s->other, s->chain + 1, s->count - 1);
	return ctx;
}

/* Behind STARTTLS. */
static void
serve_tls(struct peer *peer)
{
	SSL_CTX *ctx = make_context(&peer->server->settings);
	char line[512];
	const char *name;

	peer->ssl = SSL_new(ctx);
	ck_assert_ptr_nonnull(peer->ssl);
	ck_assert_int_eq(SSL_set_fd(peer->ssl, peer->fd), 1);
	if (SSL_accept(peer->ssl) == 1) {
		name = SSL_get_servername(peer->ssl, TLSEXT_NAMETYPE_host_name);
		note(peer->server, "SNI: ", or_else(name, "none"));
		if (play(peer, MXSERVER_AFTER)) {
			while (read_line(peer, line, sizeof line)) {
				if (text_ieq(line, "QUIT")) {
					(void)send_text(peer, "221 bye\r\n");
					break;
				}
			}
		}
	}
	SSL_free(peer->ssl);
	SSL_CTX_free(ctx);
	peer->ssl = NULL;
}

static void
serve(struct peer *peer)
{
	const struct mxserver_settings *s = &peer->server->settings;
	char line[512];

	if (!play(peer, MXSERVER_GREETING) ||
	    !send_text(peer, or_else(s->greeting, "220 mx.example ESMTP\r\n")))
		return;
	while (read_line(peer, line, sizeof line)) {
		if (text_iprefix(line, "EHLO")) {
			if (!play(peer, MXSERVER_EHLO) ||
			    !send_text(peer,
				or_else(s->ehlo,
				    "250-mx.example hello\r\n"
				    "250-PIPELINING\r\n250-STARTTLS\r\n"
				    "250 8BITMIME\r\n")))
				return;
		} else if (text_iprefix(line, "HELO")) {
			if (!send_text(
				peer, or_else(s->helo, "250 mx.example\r\n")))
				return;
		} else if (text_ieq(line, "STARTTLS")) {
			if (!play(peer, MXSERVER_STARTTLS) ||
			    !send_text(
				peer, or_else(s->starttls, "220 go\r\n")))
				return;
			if (s->starttls != NULL && s->starttls[0] != '2')
				continue;
			if (play(peer, MXSERVER_HANDSHAKE))
				serve_tls(peer);
			return;
		} else if (text_ieq(line, "QUIT")) {
			(void)send_text(peer, "221 bye\r\n");
			return;
		}
	}
}

static void
note_peer(struct peer *peer)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	char text[64];

	if (getpeername(peer->fd, (struct sockaddr *)&sa, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&sa, len, text, sizeof text, NULL, 0,
		NI_NUMERICHOST) == 0)
		note(peer->server, "FROM: ", text);
}

static void *
run(void *arg)
{
	struct mxserver *server = arg;
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };

	while (!server->is_over) {
		struct peer peer = { .server = server };

		peer.fd = accept(server->fd, NULL, NULL);
		if (peer.fd == -1)
			break;
		note_peer(&peer);
		(void)setsockopt(peer.fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof patience);
		server->connection = peer.fd;
		if (!server->is_over)
			serve(&peer);
		server->connection = -1;
		(void)close(peer.fd);
	}
	return NULL;
}

/* A socket on a free loopback port; -1 when there is no such address. */
static int
open_port(int family, struct found_address *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&address->sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->sa;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(address, 0, sizeof *address);
	address->sa.ss_family = (sa_family_t)family;
	if (family == AF_INET6) {
		in6->sin6_addr = in6addr_loopback;
		address->len = sizeof *in6;
		(void)strcpy(address->text, "::1");
	} else {
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address->len = sizeof *in;
		(void)strcpy(address->text, "127.0.0.1");
	}
	if (fd != -1 &&
	    bind(fd, (struct sockaddr *)&address->sa, address->len) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

bool
mxserver_has_family(int family)
{
	struct found_address address;
	int fd = open_port(family, &address);

	if (fd != -1)
		(void)close(fd);
	return fd != -1;
}

void
mxserver_start(
    struct mxserver *server, const struct mxserver_settings *settings)
{
	int family = settings->family != 0 ? settings->family : AF_INET;
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	memset(server, 0, sizeof *server);
	server->settings = *settings;
	server->connection = -1;
	server->fd = open_port(family, &server->address);
	ck_assert_int_ne(server->fd, -1);
	ck_assert_int_eq(listen(server->fd, 8), 0);
	ck_assert_int_eq(
	    getsockname(server->fd, (struct sockaddr *)&sa, &len), 0);
	server->port =
	    ntohs(family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
				     : ((struct sockaddr_in *)&sa)->sin_port);
	ck_assert_int_eq(pthread_create(&server->thread, NULL, run, server), 0);
}

void
mxserver_stop(struct mxserver *server)
{
	int fd;

	/* What is said is read to the end, unless nothing comes. */
	for (int i = 0; i < 100 && server->connection != -1; i++)
		(void)poll(NULL, 0, 10);
	server->is_over = true;
	(void)shutdown(server->fd, SHUT_RDWR);
	fd = server->connection;
	if (fd != -1)
		(void)shutdown(fd, SHUT_RDWR);
	ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
	(void)close(server->fd);
}
