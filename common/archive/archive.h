/*
 * archive: one report, one file, one line of JSON, on disk before we say so.
 *
 * DIRECTORY/YYYY/MM/DD/submitter!policy-domain!begin!end!UNIQUE.json, the day
 * on which the report's range starts, UNIQUE the first 16 digits of the SHA-256
 * of the decoded text: the same report twice is the same file. Reports that are
 * not genuine lie in the same way below DIRECTORY/unverified. Files appear
 * whole or not at all: written under DIRECTORY/tmp, fsynced, moved, and the
 * directory fsynced (or, where nothing depends on it, a moment later:
 * syncer.h). Whole messages that nobody could read, where there is no mailbox
 * to leave them in, lie below DIRECTORY/unreadable.
 */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"
#include "spool.h"
#include "status.h"

enum {
	ARCHIVE_PATH_MAX = 320,
	ARCHIVE_SHA256_MAX = 65
};

struct archived {
	char path[ARCHIVE_PATH_MAX]; /* relative to the directory */
	char sha256[ARCHIVE_SHA256_MAX];
	bool is_duplicate; /* the file was there already */
};

/*
 * Is the directory there (it is made if its parent exists) and can a file be
 * made in it? Also removes files that a crash left in DIRECTORY/tmp. If root
 * makes it, it belongs to the owner of its parent; whatever root makes in it,
 * here and below, belongs to its owner.
 */
enum status archive_check(const char *directory, struct fault *fault);

/* DIRECTORY/tmp, for spools, in out. */
void archive_tmp(const char *directory, char *out, size_t size);

/*
 * Store a record durably and, if message is not NULL, its bytes beside it as
 * NAME.eml.gz. ST_NO_SPACE, ST_NO_MEMORY, ST_ARCHIVE with *fault; then nothing
 * has appeared. *archived is whole on ST_OK; of a duplicate nothing is written.
 */
enum status archive_store(const char *directory, const struct record *record,
    struct spool *message, struct archived *archived, struct fault *fault);

/*
 * As archive_store(), but nothing is synced: it is durable once syncer_add()
 * has seen to that. The end of the process, in whatever way, takes nothing
 * away.
 */
enum status archive_write(const char *directory, const struct record *record,
    struct spool *message, struct archived *archived, struct fault *fault);

/*
 * Keep a message, gzip-compressed, durably as
 * unreadable/YYYY/MM/DD/SHA256.eml.gz of the day on which it was received. The
 * same one twice is the same file. Statuses and *archived as above.
 */
enum status
archive_keep(const char *directory, int64_t received, const char *sha256,
    struct spool *message, struct archived *archived, struct fault *fault);

/* SHA-256 of the text as hexadecimal digits. */
enum status
archive_sha256(const struct buf *text, char out[ARCHIVE_SHA256_MAX]);

#endif
