/*
 * peer: what the servers of the tests have in common: a loopback port, the
 * thread that serves one connection after the other, TLS with certificates of
 * any kind, and what both do to those who connect.
 */
#ifndef PEER_H
#define PEER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "certs.h"
#include "lookup.h"

enum {
	PEER_PATIENCE_MS = 20000 /* so long it waits for something to read */
};

/* One connection. */
struct peer {
	void *server; /* whose it is, as peer_start() was told */
	int fd;
	SSL *ssl; /* or NULL */
};

/* Serves one connection, in the server's thread, which closes it thereafter. */
typedef void peer_serve(struct peer *peer);

/* A port and its thread. Private, but for connection. */
struct peer_listener {
	peer_serve *serve;
	void *server;
	int fd;
	atomic_int connection; /* what is served now, or -1 */
	atomic_bool is_over;
	pthread_t thread;
};

/*
 * Listen on a free loopback port (family: AF_INET, AF_INET6), write its address
 * down and serve whoever connects, one after the other; returns the port.
 * listener and server stay where they are until peer_stop(). Fails the test if
 * it cannot.
 */
unsigned peer_start(struct peer_listener *listener, int family,
    struct found_address *address, peer_serve *serve, void *server);

/* End it, and the connection it has. */
void peer_stop(struct peer_listener *listener);

/* Is there such an address on this host? */
bool peer_has_family(int family);

/* Send all, by TLS where there is TLS; false if the other side is gone. */
bool peer_send(struct peer *peer, const char *data, size_t len);
bool peer_send_text(struct peer *peer, const char *text);

/* Send a text over and over, a byte every 100 ms, until the other side has
   closed. */
void peer_trickle(struct peer *peer, const char *text);

/* As recv(), by TLS where there is TLS. */
ssize_t peer_receive(struct peer *peer, char *out, size_t size);

/* Until the other side goes away. */
void peer_wait_for_end(struct peer *peer);

/* Has the other side closed? Waits so many milliseconds for it. */
bool peer_is_gone(const struct peer *peer, int milliseconds);

/*
 * What a TLS server has: a chain, the leaf first (count 0: none), and the
 * newest version it speaks, if not 0, with all that are older. To be given to
 * SSL_CTX_free() or peer_accept_tls().
 */
SSL_CTX *
peer_context(const struct cert *const *chain, size_t count, int max_version);

/* Give it a key, its certificate and the rest of the chain; one for each kind
   of key. */
void peer_use_chain(SSL_CTX *ctx, const struct cert *leaf,
    const struct cert *const *rest, size_t count);

/* The handshake; frees ctx. peer_end_tls() is due even if it fails. */
bool peer_accept_tls(struct peer *peer, SSL_CTX *ctx);
void peer_end_tls(struct peer *peer);

#endif
