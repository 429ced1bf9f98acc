/*
 * rawmail: a message, gzip-compressed as it comes, to be kept beside its
 * record (ArchiveMessage).
 */
#ifndef RAWMAIL_H
#define RAWMAIL_H

#include <stddef.h>
#include <stdint.h>

#include "spool.h"
#include "status.h"

struct rawmail;

/* Make one whose compressed bytes go to a spool in dir. NULL: no memory. */
struct rawmail *rawmail_new(const char *dir, uint64_t max);

/*
 * A header field with its value as a milter gets it (leading white space kept,
 * folds with LF or CRLF), then the body. Trouble is remembered and returned by
 * rawmail_finish().
 */
void rawmail_field(struct rawmail *raw, const char *name, const char *value);
void rawmail_body(struct rawmail *raw, const char *data, size_t len);

/* Or the message as it stands, header and all, in blocks cut anywhere. */
void rawmail_bytes(struct rawmail *raw, const char *data, size_t len);

/* End the stream. *spool stays the rawmail's. */
enum status
rawmail_finish(struct rawmail *raw, struct spool **spool, struct fault *fault);

void rawmail_free(struct rawmail **raw);

#endif
