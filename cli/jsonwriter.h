/*
 * jsonwriter: one object of JSON, written member by member.
 *
 * Strings may hold anything; what comes out is valid UTF-8. What goes wrong
 * underway is kept and told at the end.
 */
#ifndef JSONWRITER_H
#define JSONWRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "status.h"

/* Private. */
struct jsonwriter {
	struct buf out;
	enum status status;
	bool needs_comma;
};

void jsonwriter_init(struct jsonwriter *writer);

/*
 * Open and close an object or an array. name is that of the member, and NULL
 * for an element of an array and for the whole.
 */
void jsonwriter_object(struct jsonwriter *writer, const char *name);
void jsonwriter_object_end(struct jsonwriter *writer);
void jsonwriter_array(struct jsonwriter *writer, const char *name);
void jsonwriter_array_end(struct jsonwriter *writer);

/* A member, or (name NULL) an element. A string that is NULL or "" is none. */
void jsonwriter_string(
    struct jsonwriter *writer, const char *name, const char *value);
void
jsonwriter_number(struct jsonwriter *writer, const char *name, int64_t value);
void jsonwriter_bool(struct jsonwriter *writer, const char *name, bool value);
/* Seconds since 1970, as RFC 3339 in UTC. */
void
jsonwriter_time(struct jsonwriter *writer, const char *name, int64_t value);

/*
 * Print what was written to standard output as one line. What went wrong:
 * ST_NO_MEMORY or ST_TOO_LARGE, and nothing is printed.
 */
enum status jsonwriter_print(struct jsonwriter *writer);

void jsonwriter_clear(struct jsonwriter *writer);

#endif
