#include "pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FILE_MAX = 1 << 20
};

/* All of a file, with a NUL behind it; a buffer of stdio would keep a copy. */
static enum status
read_all(const char *keyword, const char *path, char **text, size_t *len,
    struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data = malloc(FILE_MAX + 1);
	size_t n = 0;
	ssize_t got = 1;

	errno = data == NULL ? ENOMEM : errno;
	while (fd != -1 && data != NULL && got > 0 && n < FILE_MAX) {
		got = read(fd, data + n, FILE_MAX - n);
		if (got > 0)
			n += (size_t)got;
	}
	if (fd == -1 || data == NULL || got == -1 || n == 0 || n == FILE_MAX) {
		(void)fault_set(fault, ST_ARCHIVE, "%s: %s: %s", keyword, path,
		    fd == -1 || data == NULL || got == -1 ? strerror(errno)
			: n == 0                          ? "it is empty"
							  : "it is too large");
		if (data != NULL)
			OPENSSL_cleanse(data, n);
		free(data);
		if (fd != -1)
			(void)close(fd);
		return ST_ARCHIVE;
	}
	(void)close(fd);
	data[n] = '\0';
	*text = data;
	*len = n;
	return ST_OK;
}

enum status
pem_read(struct pem *pem, const struct conf *conf, struct fault *fault)
{
	enum status st;
	size_t len;

	*pem = (struct pem){ .cert = NULL };
	if (conf->certificate_file[0] == '\0')
		return ST_OK;
	st = read_all(
	    "CertificateFile", conf->certificate_file, &pem->cert, &len, fault);
	if (st == ST_OK)
		st = read_all(
		    "KeyFile", conf->key_file, &pem->key, &pem->key_len, fault);
	return st;
}

void
pem_free(struct pem *pem)
{
	if (pem->key != NULL)
		OPENSSL_cleanse(pem->key, pem->key_len);
	free(pem->key);
	free(pem->cert);
	*pem = (struct pem){ .cert = NULL };
}
