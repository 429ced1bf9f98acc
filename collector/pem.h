/*
 * pem: a certificate and its key, as they stand in their files.
 */
#ifndef PEM_H
#define PEM_H

#include <stddef.h>

#include "conf.h"
#include "status.h"

struct pem {
	char *cert; /* with its chain; NULL: none is configured */
	char *key;
	size_t key_len;
};

/*
 * Read CertificateFile and KeyFile. ST_ARCHIVE with *fault when one cannot be
 * read or is of no sensible size. To be freed in any case.
 */
enum status
pem_read(struct pem *pem, const struct conf *conf, struct fault *fault);

/* The key is wiped. */
void pem_free(struct pem *pem);

#endif
