/*
 * reindex: makes the state anew from the archive.
 *
 * Every record in the directories of the days is read as "tlsrpt show" reads
 * it; what lies in tmp and in unverified does not count. The new state is made
 * in a file of its own beside the old one, whatever state that is in, and takes
 * its place in one step when it is whole: who has the old one open goes over to
 * the new one with the next call. One process at a time does so: that file is
 * locked, and the kernel gives back the lock of one that was killed. Reports
 * that the milter adds meanwhile are in the archive before they are in the
 * state, and are found there in a second walk. Memory is bounded by one report
 * and a list of file names of one day.
 */
#ifndef REINDEX_H
#define REINDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "state.h"
#include "status.h"

struct reindex_progress {
	uint64_t records; /* read so far */
	uint64_t added;
	uint64_t differing;
	uint64_t faults; /* paths that could not be read */
	uint64_t days;   /* directories done */
	uint64_t days_all;
};

struct reindex_handler {
	/* After every hundred records; a status other than ST_OK ends it. */
	enum status (*progress)(
	    void *ctx, const struct reindex_progress *progress);
	/* A record, or a directory of the archive, that cannot be opened or
	   read; it is left out. */
	void (*fault)(void *ctx, const char *path, const struct fault *fault);
	void *ctx;
	/* Asked by reindex() with the lock, or NULL: is it still needed? If
	   not, since another process had the lock before and has made one, the
	   state is left as it is, with ST_OK. */
	bool (*is_needed)(void *needed_ctx);
	void *needed_ctx;
};

/*
 * Make the state at path anew from the archive in directory: from the records
 * that were written before until (INT64_MAX: all), for who tells of the later
 * ones by means of reindex_missing(). Either callback may be NULL. On failure
 * the old state is as it was. Statuses of state.h, and ST_ARCHIVE when the
 * archive's own directory cannot be read. ST_STATE_BUSY at once, without a call
 * of is_needed, when another process is making one.
 */
enum status reindex(const char *path, const char *directory,
    const struct conf *conf, const struct state_options *options, int64_t until,
    int64_t now, const struct reindex_handler *handler,
    struct reindex_progress *progress, struct fault *fault);

/*
 * Add to a state what the archive has had since a time and the state lacks: for
 * what could not be added while it was locked or its disk was full. With
 * events, also what is left of an earlier call that was ended in between.
 */
enum status reindex_missing(struct state *state, const char *directory,
    int64_t since, const struct conf *conf, int64_t now,
    const struct reindex_handler *handler, const struct state_events *events,
    struct reindex_progress *progress, struct fault *fault);

/*
 * Add these records, by their paths from the archive's directory on, in one
 * transaction: for who has just put them there. After a failure none of them is
 * in the state, and they may be tried again.
 */
enum status reindex_paths(struct state *state, const char *directory,
    const char *const *paths, size_t count, const struct conf *conf,
    int64_t now, const struct reindex_handler *handler,
    struct reindex_progress *progress, struct fault *fault);

#endif
