/*
 * archivebatch: many records at once, as durable as one by archive_store().
 *
 * To sync each file and its directory by itself costs more than everything else
 * that is done for a report. Here the records are written below DIRECTORY/tmp
 * and wait there; commit syncs the file system once, gives all of them their
 * names, and syncs it once more for the directories. Nothing has its name
 * before it is whole and on disk, and nothing counts before its name is, too.
 * Who is stopped at any point finds each report archived, or not at all.
 */
#ifndef ARCHIVEBATCH_H
#define ARCHIVEBATCH_H

#include <stddef.h>

#include "archive.h"

enum {
	ARCHIVE_BATCH_MAX = 500 /* records of one batch */
};

struct archive_batch;

/* Make an empty one. NULL, and *fault, when the archive cannot be opened. */
struct archive_batch *
archive_batch_new(const char *directory, struct fault *fault);

/*
 * Write a record, and message (or NULL) beside it, to wait for the commit; of
 * one that is in the archive already nothing is written. sha256 is that of the
 * report's text as its sender wrote it when record->text is not that, else
 * NULL. On failure the batch is as it was. No more than ARCHIVE_BATCH_MAX.
 */
enum status
archive_batch_add(struct archive_batch *batch, const struct record *record,
    const char *sha256, struct spool *message, struct fault *fault);

size_t archive_batch_count(const struct archive_batch *batch);

/*
 * Make all of it durable. On failure nothing of it has appeared. After success
 * archive_batch_entry() tells what became of each, in the order of the adding,
 * until archive_batch_clear().
 */
enum status
archive_batch_commit(struct archive_batch *batch, struct fault *fault);
const struct archived *
archive_batch_entry(const struct archive_batch *batch, size_t i);

/* Forget all entries; those that have not been committed are gone. */
void archive_batch_clear(struct archive_batch *batch);

void archive_batch_free(struct archive_batch **batch);

#endif
