/*
 * ijson: the strict check of a JSON text (RFC 8259, RFC 7493) that comes before
 * anything else looks at it.
 *
 * No recursion, no allocation, one pass. After ST_OK the text is a JSON object
 * within the limits, and the functions of json.h may walk it without asking
 * again. What RFC 7493 forbids but a lenient reader can still read is a
 * deviation, not an error: raw control characters in strings, repeated
 * members, lone surrogates, U+0000, numbers beyond a double's range, a byte
 * order mark.
 */
#ifndef IJSON_H
#define IJSON_H

#include <stddef.h>

#include "deviation.h"
#include "status.h"

enum {
	IJSON_DEPTH_MAX = 64,       /* one bit each of a 64-bit word */
	IJSON_TOKENS_MAX = 4000000, /* names, values and brackets */
	IJSON_NAMES_MAX = 64        /* members of one object that are compared
				       with each other for repetition */
};

struct ijson_limits {
	unsigned depth_max; /* at most IJSON_DEPTH_MAX */
	size_t tokens_max;
};

/*
 * Check len bytes. limits may be NULL for the named constants. ST_EMPTY,
 * ST_JSON_SYNTAX, ST_JSON_NOT_OBJECT, ST_JSON_ENCODING, ST_TOO_DEEP, and
 * ST_TOO_LARGE for too many tokens; *fault names the byte offset. *dev gets the
 * deviations found, also on failure.
 */
enum status ijson_check(const char *text, size_t len,
    const struct ijson_limits *limits, deviations *dev, struct fault *fault);

#endif
