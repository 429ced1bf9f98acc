/*
 * keep: what no report came out of, and what has no mailbox to be left in, kept
 * as it came below "unreadable" in the archive.
 */
#ifndef KEEP_H
#define KEEP_H

#include <stddef.h>

#include "archive.h"
#include "intake.h"
#include "log.h"
#include "status.h"

struct keep;

/* Make one that spools in the archive of that directory. NULL: no memory. */
struct keep *keep_new(const char *archive_directory);

/*
 * The next bytes, cut anywhere: a header, an empty line and a body.
 * ST_NO_MEMORY when they cannot be hashed; trouble with the spool is told at
 * the end.
 */
enum status keep_more(struct keep *keep, const void *data, size_t len);

/*
 * Store it durably, and log the event "kept". Statuses as archive_keep() has
 * them.
 */
enum status keep_finish(struct keep *keep, struct log *log,
    const struct intake_origin *origin, struct fault *fault);

void keep_free(struct keep **keep);

#endif
