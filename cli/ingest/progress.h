/*
 * progress: a line on a terminal that says how far a long run is.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_shown; /* standard error is a terminal */
	bool has_line; /* to be written over */
	uint64_t bytes_all;
	int64_t began;            /* milliseconds */
	int64_t shown;            /* likewise: the last time */
	_Atomic uint64_t bytes;   /* done */
	_Atomic uint64_t reports; /* found */
};

/* Prepare; bytes_all is set by who knows it. */
void progress_init(struct progress *progress);

/*
 * Show it, if it is time to: percent, reports, rate, how long it may take. One
 * thread at a time, as for the next one.
 */
void progress_show(struct progress *progress);

/* The same with words of the caller's, for a step that has no bytes. */
void progress_text(struct progress *progress, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Make room for a line of another kind. */
void progress_clear(struct progress *progress);

#endif
