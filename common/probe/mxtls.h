/*
 * mxtls: the TLS part of mxprobe: handshake, certificates, DANE.
 */
#ifndef MXTLS_H
#define MXTLS_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "mxprobe.h"

/* All zero is one that was not begun. */
struct mxtls {
	SSL_CTX *ctx;
	SSL *ssl;
	/* Private: of DANE, while the handshake goes on; when it must end. */
	struct mxprobe *probe;
	const char *name;
	int error; /* X509_V_ERR_..., of what keeps a record from matching */
	uint64_t deadline;
};

/*
 * Shake hands on a connected socket that does not block, and look at what the
 * server sent: fills in protocol, cipher, certificate, verdicts of probe, and
 * its detail when it fails. No fault of a certificate makes the handshake fail.
 * tls must be all zero; to be given to mxtls_close() either way.
 */
enum mxprobe_end
mxtls_run(struct mxtls *tls, const struct mxprobe_settings *settings, int fd,
    uint64_t deadline, struct mxprobe *probe);

/* Take leave inside TLS and give the server a moment to hear it. */
void mxtls_quit(struct mxtls *tls, int fd, uint64_t deadline);

void mxtls_close(struct mxtls *tls);

#endif
