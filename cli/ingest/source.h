/*
 * source: the files that lie at some paths, one after the other.
 *
 * A directory is walked through with all below it, of a Maildir "cur" and
 * "new". Passed over are names that begin with a dot, directories named "tmp",
 * symbolic links and whatever is neither file nor directory; what is named by
 * itself is taken. Several threads may ask at once.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SOURCE_PATH_MAX = 4096,
	SOURCE_DEPTH_MAX = 64 /* directories within directories */
};

struct source;

struct source_file {
	char path[SOURCE_PATH_MAX]; /* for messages */
	int fd;        /* the caller's to close; -1: it cannot be opened */
	int error;     /* errno, then */
	bool is_given; /* by itself, and not found in a directory */
	bool is_mail;  /* found in a Maildir, whose files are messages */
	uint64_t size;
	int64_t mtime; /* seconds since 1970 */
};

/* Both are borrowed. NULL when there is no memory. */
struct source *source_new(char *const *paths, size_t count);
void source_free(struct source **source);

/* The next file; false behind the last one. */
bool source_next(struct source *source, struct source_file *file);

/*
 * Walk through everything beforehand and count it; what cannot be opened is
 * not counted. fn, called for each file, ends it by false.
 */
struct source_size {
	uint64_t files;
	uint64_t bytes;
};
void source_measure(char *const *paths, size_t count, struct source_size *size,
    bool (*fn)(void *ctx), void *ctx);

#endif
