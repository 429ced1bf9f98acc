#include "peer.h"

#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	TRICKLE_MS = 100
};

bool
peer_send(struct peer *peer, const char *data, size_t len)
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

bool
peer_send_text(struct peer *peer, const char *text)
{
	return peer_send(peer, text, strlen(text));
}

ssize_t
peer_receive(struct peer *peer, char *out, size_t size)
{
	return peer->ssl != NULL ? SSL_read(peer->ssl, out, (int)size)
				 : recv(peer->fd, out, size, 0);
}

void
peer_wait_for_end(struct peer *peer)
{
	char block[4096];

	while (recv(peer->fd, block, sizeof block, 0) > 0)
		;
}

bool
peer_is_gone(const struct peer *peer, int milliseconds)
{
	struct pollfd pfd = { .fd = peer->fd, .events = POLLIN };
	char c;

	return poll(&pfd, 1, milliseconds) == 1 &&
	    recv(peer->fd, &c, 1, MSG_PEEK) <= 0;
}

void
peer_trickle(struct peer *peer, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; !peer_is_gone(peer, TRICKLE_MS); i++) {
		if (!peer_send(peer, &text[i % len], 1))
			return;
	}
}

void
peer_use_chain(SSL_CTX *ctx, const struct cert *leaf,
    const struct cert *const *rest, size_t count)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	ck_assert_ptr_nonnull(chain);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_gt(sk_X509_push(chain, rest[i]->x509), 0);
	ck_assert_int_eq(
	    SSL_CTX_use_cert_and_key(ctx, leaf->x509, leaf->key, chain, 1), 1);
	sk_X509_free(chain);
}

SSL_CTX *
peer_context(const struct cert *const *chain, size_t count, int max_version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	ck_assert_ptr_nonnull(ctx);
	/* Bad certificates are to be shown, too. */
	SSL_CTX_set_security_level(ctx, 0);
	if (max_version != 0) {
		ck_assert_int_eq(SSL_CTX_set_min_proto_version(ctx, 0), 1);
		ck_assert_int_eq(
		    SSL_CTX_set_max_proto_version(ctx, max_version), 1);
	}
	if (count > 0)
		peer_use_chain(ctx, chain[0], chain + 1, count - 1);
	return ctx;
}

bool
peer_accept_tls(struct peer *peer, SSL_CTX *ctx)
{
	peer->ssl = SSL_new(ctx);
	ck_assert_ptr_nonnull(peer->ssl);
	SSL_CTX_free(ctx);
	ck_assert_int_eq(SSL_set_fd(peer->ssl, peer->fd), 1);
	return SSL_accept(peer->ssl) == 1;
}

void
peer_end_tls(struct peer *peer)
{
	SSL_free(peer->ssl);
	peer->ssl = NULL;
}

static void *
run(void *arg)
{
	struct peer_listener *listener = arg;
	struct timeval patience = { .tv_sec = PEER_PATIENCE_MS / 1000 };

	while (!listener->is_over) {
		struct peer peer = { .server = listener->server };

		peer.fd = accept(listener->fd, NULL, NULL);
		if (peer.fd == -1)
			break;
		(void)setsockopt(peer.fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof patience);
		listener->connection = peer.fd;
		if (!listener->is_over)
			listener->serve(&peer);
		listener->connection = -1;
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
peer_has_family(int family)
{
	struct found_address address;
	int fd = open_port(family, &address);

	if (fd != -1)
		(void)close(fd);
	return fd != -1;
}

unsigned
peer_start(struct peer_listener *listener, int family,
    struct found_address *address, peer_serve *serve, void *server)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	memset(listener, 0, sizeof *listener);
	listener->serve = serve;
	listener->server = server;
	listener->connection = -1;
	listener->fd = open_port(family, address);
	ck_assert_int_ne(listener->fd, -1);
	ck_assert_int_eq(listen(listener->fd, 8), 0);
	ck_assert_int_eq(
	    getsockname(listener->fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(
	    pthread_create(&listener->thread, NULL, run, listener), 0);
	return ntohs(family == AF_INET6
		? ((struct sockaddr_in6 *)&sa)->sin6_port
		: ((struct sockaddr_in *)&sa)->sin_port);
}

void
peer_stop(struct peer_listener *listener)
{
	int fd;

	listener->is_over = true;
	(void)shutdown(listener->fd, SHUT_RDWR);
	fd = listener->connection;
	if (fd != -1)
		(void)shutdown(fd, SHUT_RDWR);
	ck_assert_int_eq(pthread_join(listener->thread, NULL), 0);
	(void)close(listener->fd);
}
