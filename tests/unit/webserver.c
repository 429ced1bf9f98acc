#include "webserver.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 20000, /* no connection lasts longer */
	TRICKLE_MS = 100,
	BLOCK = 16384
};

/* One connection. */
struct client {
	struct webserver *server;
	int fd;
	SSL *ssl; /* or NULL */
};

static bool
send_bytes(struct client *client, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = client->ssl != NULL
		    ? SSL_write(client->ssl, data, (int)len)
		    : send(client->fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* Up to the empty line. */
static void
read_request(struct client *client)
{
	char *said = client->server->said;
	size_t n = 0, room = sizeof client->server->said - 256;

	while (n + 1 < room) {
		ssize_t got = client->ssl != NULL
		    ? SSL_read(client->ssl, said + n, (int)(room - 1 - n))
		    : recv(client->fd, said + n, room - 1 - n, 0);

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
note_name(struct client *client)
{
	const char *name =
	    SSL_get_servername(client->ssl, TLSEXT_NAMETYPE_host_name);
	char *said = client->server->said;
	size_t n = strlen(said);

	(void)snprintf(said + n, 256, "SNI: %s\n", name != NULL ? name : "-");
}

/* Has the other side closed? Waits so many milliseconds for it. */
static bool
is_gone(const struct client *client, int milliseconds)
{
	struct pollfd pfd = { .fd = client->fd, .events = POLLIN };
	char c;

	return poll(&pfd, 1, milliseconds) == 1 &&
	    recv(client->fd, &c, 1, MSG_PEEK) <= 0;
}

static void
send_more(struct client *client)
{
	const char *more = client->server->settings.more;
	char block[BLOCK];
	size_t len;

	if (more == NULL)
		more = "x";
	len = strlen(more);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] = more[i % len];
	while (send_bytes(client, block, sizeof block / len * len))
		;
}

static void
answer(struct client *client)
{
	const struct webserver_settings *s = &client->server->settings;
	size_t len = s->len != 0 ? s->len : strlen(s->reply);

	read_request(client);
	if (client->ssl != NULL)
		note_name(client);
	if (!send_bytes(client, s->reply, len))
		return;
	if (s->trick == WEBSERVER_ENDLESS)
		send_more(client);
	while (s->trick == WEBSERVER_TRICKLES) {
		if (is_gone(client, TRICKLE_MS) || !send_bytes(client, "x", 1))
			break;
	}
}

static SSL_CTX *
make_context(const struct webserver_settings *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	STACK_OF(X509) *rest = sk_X509_new_null();

	ck_assert_ptr_nonnull(ctx);
	ck_assert_ptr_nonnull(rest);
	/* Bad certificates are to be shown, too. */
	SSL_CTX_set_security_level(ctx, 0);
	if (s->max_version != 0) {
		ck_assert_int_eq(SSL_CTX_set_min_proto_version(ctx, 0), 1);
		ck_assert_int_eq(
		    SSL_CTX_set_max_proto_version(ctx, s->max_version), 1);
	}
	for (size_t i = 1; i < s->count; i++)
		ck_assert_int_gt(sk_X509_push(rest, s->chain[i]->x509), 0);
	if (s->count > 0)
		ck_assert_int_eq(
		    SSL_CTX_use_cert_and_key(
			ctx, s->chain[0]->x509, s->chain[0]->key, rest, 1),
		    1);
	sk_X509_free(rest);
	return ctx;
}

static void
serve(struct client *client)
{
	const struct webserver_settings *s = &client->server->settings;
	char block[512];
	SSL_CTX *ctx;

	if (s->trick == WEBSERVER_PLAIN) {
		(void)send_bytes(client, s->reply, strlen(s->reply));
		return;
	}
	if (s->trick == WEBSERVER_CLOSES)
		return;
	if (s->trick == WEBSERVER_SILENT) {
		while (recv(client->fd, block, sizeof block, 0) > 0)
			;
		return;
	}
	ctx = make_context(s);
	client->ssl = SSL_new(ctx);
	ck_assert_ptr_nonnull(client->ssl);
	ck_assert_int_eq(SSL_set_fd(client->ssl, client->fd), 1);
	if (SSL_accept(client->ssl) == 1) {
		answer(client);
		(void)SSL_shutdown(client->ssl);
	}
	SSL_free(client->ssl);
	SSL_CTX_free(ctx);
}

static void *
run(void *arg)
{
	struct webserver *server = arg;
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };

	while (!server->is_over) {
		struct client client = { .server = server };

		client.fd = accept(server->fd, NULL, NULL);
		if (client.fd == -1)
			break;
		(void)setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof patience);
		(void)setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		    sizeof patience);
		server->connection = client.fd;
		if (!server->is_over)
			serve(&client);
		server->connection = -1;
		(void)close(client.fd);
	}
	return NULL;
}

void
webserver_start(
    struct webserver *server, const struct webserver_settings *settings)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;

	memset(server, 0, sizeof *server);
	server->settings = *settings;
	server->connection = -1;
	memcpy(&server->address.sa, &in, sizeof in);
	server->address.len = len;
	(void)strcpy(server->address.text, "127.0.0.1");
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(server->fd, -1);
	ck_assert_int_eq(
	    bind(server->fd, (struct sockaddr *)&in, sizeof in), 0);
	ck_assert_int_eq(listen(server->fd, 8), 0);
	ck_assert_int_eq(
	    getsockname(server->fd, (struct sockaddr *)&in, &len), 0);
	server->port = ntohs(in.sin_port);
	ck_assert_int_eq(pthread_create(&server->thread, NULL, run, server), 0);
}

void
webserver_stop(struct webserver *server)
{
	int fd;

	server->is_over = true;
	(void)shutdown(server->fd, SHUT_RDWR);
	fd = server->connection;
	if (fd != -1)
		(void)shutdown(fd, SHUT_RDWR);
	ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
	(void)close(server->fd);
}
