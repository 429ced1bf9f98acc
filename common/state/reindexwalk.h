/*
 * reindexwalk: walks through the archive and adds what it finds to a state. For
 * reindex.c alone.
 */
#ifndef REINDEXWALK_H
#define REINDEXWALK_H

#include "buf.h"
#include "reindex.h"
#include "report.h"

enum {
	DAY_NAME_MAX = 11 /* "YYYY/MM/DD" and its NUL */
};

struct walk {
	const char *directory;
	const struct conf *conf;
	struct state *state;
	int64_t since; /* files older than that are passed over */
	int64_t until; /* and those that are not */
	/* Another walk with this for since will follow: what that will look at
	   again, it will find fault with. INT64_MAX: none. */
	int64_t again;
	int64_t now;
	const struct reindex_handler *handler; /* or NULL */
	const struct state_events *events;     /* or NULL */
	struct reindex_progress *progress;
	struct fault *fault;
	size_t batch; /* most reports of one transaction; 0: the caller's */
	/* Others use the state: what it has is passed over, and a transaction
	   lasts no longer than so many milliseconds. 0: nobody waits. */
	unsigned hold_ms;
	bool is_marking; /* what is not there yet is noted in the state */

	/* Private. */
	bool has_marked;
	size_t in_batch;
	uint64_t batch_end; /* by deadline_now() */
	bool is_day_again;  /* the day is looked at again, and the file */
	bool is_file_again;
	struct report *report;
	struct buf text;
	char (*days)[DAY_NAME_MAX];
	size_t days_count;
	size_t days_cap;
};

/*
 * Walk once. Everything above Private is set; *progress goes on from what it
 * is, but for the days. May be called again.
 */
enum status reindex_walk(struct walk *walk);

/* The same for these records alone, whatever their age. */
enum status
reindex_walk_paths(struct walk *walk, const char *const *paths, size_t count);

#endif
