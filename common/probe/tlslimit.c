#include "tlslimit.h"

#include "deadline.h"

static long
on_bio(BIO *bio, int oper, const char *data, size_t len, int argi, long argl,
    int ret, size_t *processed)
{
	const void *arg = BIO_get_callback_arg(bio);
	const uint64_t *deadline = arg;

	(void)data;
	(void)len;
	(void)argi;
	(void)argl;
	(void)processed;
	if (oper != BIO_CB_READ || deadline_now() < *deadline)
		return ret;
	BIO_set_retry_read(bio);
	return -1;
}

void
tlslimit_set(const SSL *ssl, const uint64_t *deadline)
{
	BIO *bio = SSL_get_rbio(ssl);

	if (bio == NULL)
		return;
	/* Only read there; it has no argument of another type. */
	BIO_set_callback_arg(bio, (char *)(uintptr_t)deadline);
	BIO_set_callback_ex(bio, on_bio);
}
