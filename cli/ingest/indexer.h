/*
 * indexer: adds what has been archived to the index (state.h), in a thread of
 * its own, a batch at a time.
 *
 * An index that is not there, damaged, or not of this archive is left alone
 * until all is archived, and then made from there, unless another process has
 * made it: then what is missing is added. One that another process has locked
 * is waited for.
 */
#ifndef INDEXER_H
#define INDEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "reindex.h"
#include "status.h"

enum {
	INDEXER_BATCHES = 8,      /* that may wait; then who adds one waits */
	INDEXER_BUSY_SECONDS = 60 /* for another process */
};

struct indexer;

/*
 * Open the index of the configuration and start the thread. handler is for
 * records that cannot be read, and for the progress of an index that is made
 * anew; it is called in that thread, and by indexer_finish(). NULL: no memory.
 */
struct indexer *
indexer_new(struct conf *conf, const struct reindex_handler *handler);

/*
 * Add the records at these paths, count of them, one behind the other with a
 * NUL each; takes them over, and frees them.
 */
void indexer_add(struct indexer *indexer, char *paths, size_t count);

/*
 * Wait until all is added, make the index anew if that is needed and may_make,
 * and end the thread. ST_OK: everything is in the index. Else not, and *fault
 * says why.
 */
enum status
indexer_finish(struct indexer *indexer, bool may_make, struct fault *fault);

/* After indexer_finish(). */
void indexer_free(struct indexer **indexer);

#endif
