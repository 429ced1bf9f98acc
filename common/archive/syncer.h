/*
 * syncer: records that become durable behind the reply, in a thread of its own.
 *
 * To sync a record costs more than everything else that is done for a report,
 * and where somebody gets the mail whatever becomes of its records
 * (dispose_is_kept()) nothing depends on it: the reply does not wait for the
 * disk then, as it does not wait for a log daemon, and those of a moment are
 * synced together. The kernel has the files from the start, so that the end of
 * the process, in whatever way, takes none away. A power failure may, of the
 * last SYNCER_DELAY_MS and of what the disk is at.
 */
#ifndef SYNCER_H
#define SYNCER_H

#include "conf.h"
#include "status.h"

enum {
	SYNCER_DELAY_MS = 50, /* that a record waits for others */
	SYNCER_MAX = 256,     /* records that wait */
	/* So many are synced one by one, and what others have written to the
	   file system is left alone; more of them all at once (syncfs(2)). */
	SYNCER_SINGLY = 8
};

/*
 * Records could not be synced, of mail that was treated so. Called by the
 * syncer's thread, or an adder's.
 */
typedef void
syncer_fail_fn(void *ctx, const struct fault *fault, enum conf_action action);

struct syncer;

/* NULL: no memory. ctx is borrowed. */
struct syncer *syncer_new(syncer_fail_fn *fail, void *ctx);

/* Tests have records wait longer or shorter; before syncer_start(). */
void syncer_set_delay(struct syncer *syncer, unsigned milliseconds);

/*
 * Start the thread, after all forks. Without it, before and after, syncer_add()
 * syncs by itself.
 */
enum status syncer_start(struct syncer *syncer, struct fault *fault);

/*
 * Make a record durable that archive_write() has written: directory is the
 * archive, path is from there, action is what has become of its mail, for the
 * case that it fails. Soon, or, with SYNCER_MAX that wait or another directory
 * than theirs, before it returns.
 */
void syncer_add(struct syncer *syncer, const char *directory, const char *path,
    enum conf_action action);

/* Sync what waits, and let the thread end. */
void syncer_stop(struct syncer *syncer);

/* That, too; nobody may add any more. */
void syncer_free(struct syncer **syncer);

#endif
