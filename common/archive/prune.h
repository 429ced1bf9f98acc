/*
 * prune: removes what is old from the archive, and from the state.
 *
 * A record goes, and the mail beside it, when its range ended before a time, as
 * its name says: with the bounds of state.h on what the name may claim. It is
 * looked for in the directories of days that began before that time, of the
 * archive proper and of unverified; in unreadable all that lies in a day that
 * ended before that time goes. A range that lies ahead (a clock that was wrong,
 * or a forger) ended a day after the file was written. Files in tmp that are
 * older than a day go, and directories of days, months and years that are
 * empty. Whatever has another name than the archive gives, is no regular file
 * or lies behind a symbolic link is left alone.
 *
 * A crash. Nothing is written, and each file is removed in one step, so the
 * archive is one of fewer records at any time. Of a record and its mail one may
 * be left, which has a name of its own to be found by. A report leaves the
 * state in a transaction that ends behind the removal of its record: what is
 * lost of that transaction, by a kill or by a disk that forgets, is a report in
 * the state whose record is gone. The next prune() finds it there again, by its
 * range, and reindex() does not find it at all. Was it the removal that the
 * disk forgot, then the next prune() finds the record in its directory.
 *
 * Problems that are left to state_settle() stay marked in the state's file; the
 * next that settles, or works out all, does it.
 *
 * Others. Whoever adds a record to a directory that is being removed finds it
 * gone and makes it again (archive_store()). A record that is removed before it
 * has been added to the state is added as one that is gone; see above.
 */
#ifndef PRUNE_H
#define PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"
#include "status.h"

struct prune_progress {
	uint64_t records; /* removed */
	uint64_t bytes;   /* of these, of mails and of what was in tmp */
	uint64_t files;   /* looked at */
};

struct prune_options {
	int64_t before; /* seconds since 1970 */
	int64_t now;
	bool is_dry; /* remove nothing, but count */
	/* After every hundred files; may be NULL. */
	void (*progress)(void *ctx, const struct prune_progress *progress);
	void *ctx;
};

/*
 * Prune the archive in directory and the state, or only the archive where that
 * is NULL. Trouble with the state does not keep the archive from being pruned;
 * it is returned in the end. ST_ARCHIVE when something in the archive cannot be
 * read or removed: then the rest is as it was. *progress is what was done,
 * whatever is returned.
 */
enum status prune(const char *directory, struct state *state,
    const struct prune_options *options, struct prune_progress *progress,
    struct fault *fault);

#endif
