/*
 * tlslimit: an end to what OpenSSL reads.
 *
 * It leaves out messages that mean nothing (HelloRequest in a handshake, the
 * session tickets and new keys of TLS 1.3) and goes on reading, within one call
 * and without waiting, as long as there is something to be read. A server that
 * sends them faster than they are left out would never let go of us.
 */
#ifndef TLSLIMIT_H
#define TLSLIMIT_H

#include <openssl/ssl.h>
#include <stdint.h>

/*
 * From then on (deadline.h) nothing more is read: OpenSSL says that it wants to
 * read. To be called when the connection has its socket. *deadline must live as
 * long as ssl.
 */
void tlslimit_set(const SSL *ssl, const uint64_t *deadline);

#endif
