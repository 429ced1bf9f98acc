#include "mxtls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "deadline.h"
#include "dialogue.h"
#include "text.h"
#include "tlsa.h"
#include "tlslimit.h"

enum {
	LEAVE_MS = 250,      /* for the server to hear QUIT */
	CHAIN_BYTES = 102400 /* of all certificates: OpenSSL's own limit */
};

/* The names that a sender wants in a certificate of a trust anchor's. */
static const unsigned dane_hostflags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

/* Our own trouble, in OpenSSL's words if it has any. */
static enum mxprobe_end
fail_ourselves(struct mxprobe *probe)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	(void)snprintf(probe->detail, sizeof probe->detail, "%s",
	    reason != NULL ? reason : "out of memory");
	return MXPROBE_OURSELVES;
}

/*
 * Does a fault of a certificate mean that no TLSA record vouches for it? Those
 * that do not are told apart from it (RFC 7672, section 3.2).
 */
static bool
breaks_match(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return false;
	default:
		return true;
	}
}

/*
 * OpenSSL verifies by DANE during the handshake. Whatever it finds, it goes on;
 * what it says in the end is the error that is left in ctx, so this must be
 * none where a record matches, and must not be lost for a later, lesser one.
 */
static int
note_fault(int is_good, X509_STORE_CTX *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct mxtls *tls = ssl != NULL ? SSL_get_app_data(ssl) : NULL;
	int error = X509_STORE_CTX_get_error(ctx);

	if (is_good || tls == NULL)
		return 1;
	if (tls->probe->has_dane)
		certificate_fault(&tls->probe->dane, error,
		    X509_STORE_CTX_get_current_cert(ctx), tls->name);
	if (breaks_match(error))
		tls->error = error;
	X509_STORE_CTX_set_error(ctx, tls->error);
	return 1;
}

/* Old versions are to be spoken whatever the system's configuration is. */
static bool
allow_old(SSL_CTX *ctx, int max_version)
{
	SSL_CTX_set_security_level(ctx, 0);
	return SSL_CTX_set_cipher_list(ctx, "DEFAULT:@SECLEVEL=0") == 1 &&
	    SSL_CTX_set_min_proto_version(ctx, 0) == 1 &&
	    SSL_CTX_set_max_proto_version(ctx, max_version) == 1;
}

/*
 * TLS 1.2 at least, as senders have it by now, unless the system's
 * configuration asks for more. OpenSSL from Debian offers older ones and then
 * finds them too weak, in words that tell nobody why.
 */
static bool
require_new(SSL_CTX *ctx)
{
	return SSL_CTX_get_min_proto_version(ctx) >= TLS1_2_VERSION ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

static bool
make_context(struct mxtls *tls, const struct mxprobe_settings *settings)
{
	tls->ctx = SSL_CTX_new(TLS_client_method());
	if (tls->ctx == NULL)
		return false;
	(void)SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(tls->ctx, CHAIN_BYTES);
	/* Not to verify means that the handshake goes on. */
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_NONE, note_fault);
	return settings->max_version == 0
	    ? require_new(tls->ctx)
	    : allow_old(tls->ctx, settings->max_version);
}

/* Hand the records that may be used to OpenSSL. False: no memory. */
static bool
add_records(SSL *ssl, const struct found_tlsa *found, size_t *added)
{
	*added = 0;
	for (size_t i = 0; i < found->count; i++) {
		const struct tlsa *tlsa = &found->tlsa[i];
		int n;

		if (tlsa_why_unusable(tlsa) != NULL)
			continue;
		n = SSL_dane_tlsa_add(ssl, tlsa->usage, tlsa->selector,
		    tlsa->matching, tlsa->data, tlsa->len);
		/* 0: what is in it is no certificate, or no key. */
		if (n < 0)
			return false;
		*added += n > 0;
	}
	return true;
}

/*
 * DANE with the host's TLSA records. Where none of them is usable OpenSSL goes
 * by trust anchors instead, and what it says is not looked at.
 */
static bool
enable_dane(struct mxtls *tls, const struct mxprobe_settings *settings)
{
	SSL *ssl = tls->ssl;
	size_t added;

	if (SSL_dane_enable(ssl, settings->dane_base) != 1)
		return false;
	(void)SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	SSL_set_hostflags(ssl, dane_hostflags);
	if ((!text_ieq(settings->host, settings->dane_base) &&
		SSL_add1_host(ssl, settings->host) != 1) ||
	    !add_records(ssl, settings->tlsa, &added))
		return false;
	tls->name = settings->dane_base;
	tls->probe->has_dane = added > 0;
	return true;
}

static bool
make_connection(
    struct mxtls *tls, const struct mxprobe_settings *settings, int fd)
{
	bool has_tlsa = settings->tlsa != NULL && settings->tlsa->count > 0 &&
	    settings->dane_base != NULL;

	if (!make_context(tls, settings))
		return false;
	/* Before the connection is made: it takes that over. */
	if (has_tlsa && SSL_CTX_dane_enable(tls->ctx) != 1)
		return false;
	tls->ssl = SSL_new(tls->ctx);
	if (tls->ssl == NULL || SSL_set_app_data(tls->ssl, tls) != 1 ||
	    SSL_set_fd(tls->ssl, fd) != 1 ||
	    (has_tlsa && !enable_dane(tls, settings)))
		return false;
	tlslimit_set(tls->ssl, &tls->deadline);
	/* A sender that goes by DANE asks for the base domain (RFC 7672,
	   section 8.1); SSL_dane_enable() has seen to that. */
	if (!tls->probe->has_dane &&
	    SSL_set_tlsext_host_name(tls->ssl, settings->host) != 1)
		return false;
	return settings->sigalgs == NULL ||
	    SSL_set1_sigalgs_list(tls->ssl, settings->sigalgs) == 1;
}

/* The handshake ended otherwise: why? */
static enum mxprobe_end
handshake_end(struct mxprobe *probe, int ssl_error, int error)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	if ((ssl_error == SSL_ERROR_SSL &&
		ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) ||
	    (ssl_error == SSL_ERROR_SYSCALL && error == 0)) {
		(void)snprintf(probe->detail, sizeof probe->detail,
		    "the server closed the connection");
		return MXPROBE_LOST;
	}
	if (ssl_error == SSL_ERROR_SYSCALL) {
		dialogue_error(probe->detail, sizeof probe->detail, error);
		return MXPROBE_LOST;
	}
	if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
		return fail_ourselves(probe);
	(void)snprintf(probe->detail, sizeof probe->detail, "%s",
	    reason != NULL ? reason : "TLS failed");
	return MXPROBE_TLS;
}

static enum mxprobe_end
shake_hands(SSL *ssl, int fd, uint64_t deadline, struct mxprobe *probe)
{
	for (;;) {
		enum mxprobe_end end;
		int n, ssl_error, error;

		ERR_clear_error();
		errno = 0;
		n = SSL_connect(ssl);
		error = errno;
		if (n == 1)
			return MXPROBE_OK;
		ssl_error = SSL_get_error(ssl, n);
		if (ssl_error != SSL_ERROR_WANT_READ &&
		    ssl_error != SSL_ERROR_WANT_WRITE)
			return handshake_end(probe, ssl_error, error);
		end = dialogue_wait(fd,
		    ssl_error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
		    deadline);
		if (end == MXPROBE_OK)
			continue;
		if (end == MXPROBE_TIMEOUT)
			(void)snprintf(probe->detail, sizeof probe->detail,
			    "no end of the handshake in time");
		else
			dialogue_error(
			    probe->detail, sizeof probe->detail, errno);
		return end;
	}
}

/* Which of the records was it? */
static void
read_dane(SSL *ssl, const struct found_tlsa *found, struct mxprobe *probe)
{
	struct tlsa *record = &probe->dane_record;
	const unsigned char *data = NULL;
	size_t len = 0;

	probe->dane_matches = SSL_get0_dane_authority(ssl, NULL, NULL) >= 0 &&
	    SSL_get0_dane_tlsa(ssl, &record->usage, &record->selector,
		&record->matching, &data, &len) >= 0;
	if (!probe->dane_matches)
		return;
	/* Those bytes are the connection's; ours live as long as found. */
	for (size_t i = 0; i < found->count; i++) {
		const struct tlsa *tlsa = &found->tlsa[i];

		if (tlsa->usage == record->usage &&
		    tlsa->selector == record->selector &&
		    tlsa->matching == record->matching && tlsa->len == len &&
		    memcmp(tlsa->data, data, len) == 0)
			*record = *tlsa;
	}
}

/* What the server showed. */
static void
read_session(
    SSL *ssl, const struct mxprobe_settings *settings, struct mxprobe *probe)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	X509 *leaf = SSL_get0_peer_certificate(ssl);

	(void)text_copy(
	    probe->protocol, sizeof probe->protocol, SSL_get_version(ssl));
	(void)text_copy(
	    probe->cipher, sizeof probe->cipher, SSL_get_cipher_name(ssl));
	if (leaf == NULL) {
		probe->pkix.faults = CERTIFICATE_NOT_TRUSTED;
		(void)snprintf(probe->pkix.detail, sizeof probe->pkix.detail,
		    "the server sent no certificate");
		return;
	}
	probe->chain = chain != NULL ? (size_t)sk_X509_num(chain) : 1;
	certificate_read(leaf, &probe->certificate);
	certificate_verify(
	    settings->store, leaf, chain, settings->host, &probe->pkix);
	if (probe->has_dane)
		read_dane(ssl, settings->tlsa, probe);
}

enum mxprobe_end
mxtls_run(struct mxtls *tls, const struct mxprobe_settings *settings, int fd,
    uint64_t deadline, struct mxprobe *probe)
{
	enum mxprobe_end end;

	tls->probe = probe;
	tls->error = X509_V_OK;
	tls->deadline = deadline;
	ERR_clear_error();
	if (!make_connection(tls, settings, fd))
		return fail_ourselves(probe);
	end = shake_hands(tls->ssl, fd, deadline, probe);
	if (end == MXPROBE_OK)
		read_session(tls->ssl, settings, probe);
	ERR_clear_error();
	return end;
}

/*
 * Who closes a socket with bytes in it that were not read (session tickets)
 * resets the connection, and QUIT may be lost. So they are read, a while.
 */
void
mxtls_quit(struct mxtls *tls, int fd, uint64_t deadline)
{
	uint64_t until = deadline_now() + LEAVE_MS;
	char block[4096];

	if (until > deadline)
		until = deadline;
	if (SSL_write(tls->ssl, "QUIT\r\n", 6) != 6)
		return;
	(void)SSL_shutdown(tls->ssl);
	while (dialogue_wait(fd, POLLIN, until) == MXPROBE_OK &&
	    recv(fd, block, sizeof block, 0) > 0)
		;
	ERR_clear_error();
}

void
mxtls_close(struct mxtls *tls)
{
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->ctx);
	tls->ssl = NULL;
	tls->ctx = NULL;
}
