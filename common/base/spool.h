/*
 * spool: bytes that wait to be read back once, in memory while they are few
 * and in an unlinked file when they are many.
 *
 * This is what keeps a session's memory small whatever is sent to it.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

enum {
	SPOOL_MEMORY = 65536
}; /* bytes kept in memory before the file */

struct spool;

/*
 * Make an empty spool of at most max bytes, with its file, if one is needed, in
 * directory dir (copied). NULL when there is no memory.
 */
struct spool *spool_new(const char *dir, uint64_t max);

/*
 * Append. ST_TOO_LARGE over max, ST_NO_SPACE on a full disk, ST_SPOOL on any
 * other trouble with the file; *fault says which.
 */
enum status spool_add(
    struct spool *spool, const char *data, size_t len, struct fault *fault);

/* How many bytes it holds. */
uint64_t spool_size(const struct spool *spool);

/*
 * Hand all bytes, from the first, to fn in blocks. Stops at the first status
 * other than ST_OK and returns it. May be called again.
 */
enum status spool_read(struct spool *spool,
    enum status (*fn)(void *ctx, const char *data, size_t len), void *ctx,
    struct fault *fault);

void spool_free(struct spool **spool);

#endif
