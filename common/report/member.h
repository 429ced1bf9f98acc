/*
 * member: reads the members of a report's objects as leniently as their
 * meaning is plain.
 *
 * null and "" count as missing; a string stands for an array of one, a number
 * may stand in quotes, an object in the place of an array of objects; drafts of
 * the RFC had other names. Whatever was not as the RFC has it is noted as a
 * deviation.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deviation.h"
#include "json.h"
#include "status.h"

/*
 * A name under which a member may be met: the RFC's, that of a draft, or one
 * that a sender gets wrong. A table of them is searched in order.
 */
struct member_name {
	const char *name;
	size_t len;
	int member; /* an index of the caller's, below 32 */
	bool is_other;
	enum deviation why; /* when is_other */
};

#define MEMBER(string, index)                                                  \
	{                                                                      \
		string, sizeof(string) - 1, index, false, DEV_MAX              \
	}
#define ALIAS(string, index, dev)                                              \
	{                                                                      \
		string, sizeof(string) - 1, index, true, dev                   \
	}

/*
 * Find the values of all members that the table of count names has, and put
 * their spans into value, by index; the others are left as they are. Of a
 * repeated member the last one counts, as in jq and most other readers; the
 * RFC's own name counts before any other, wherever it stands.
 */
void member_collect(struct json_iter *object, const struct member_name *table,
    size_t count, struct json_span *value, deviations *dev);

#define COLLECT(object, table, value, dev)                                     \
	member_collect(                                                        \
	    object, table, sizeof(table) / sizeof(table)[0], value, dev)

/*
 * A member that should be a string: *string points to it, within store of
 * JSON_VALUE_MAX bytes, or is NULL when it is missing. ST_NO_MEMORY.
 */
enum status member_string(
    struct json_span span, char *store, const char **string, deviations *dev);

/*
 * A member that should be an array of strings: *strings is the array, or NULL
 * when it is missing or empty; not_array is noted for a lone string. *list is
 * what the caller gives to cJSON_Delete(); it is set only if there is anything
 * to delete. ST_NO_MEMORY.
 */
enum status member_strings(struct json_span span, cJSON **list,
    const cJSON **strings, enum deviation not_array, deviations *dev);

/* A session count: 0 to 2^53 - 1, or unknown. */
struct count {
	bool is_known;
	bool is_invalid; /* it is there, and no count */
	uint64_t value;
};

/* A member that should be a count. ST_NO_MEMORY. */
enum status
member_count(struct json_span span, struct count *count, deviations *dev);

/* Add two counts; a sum that is too great for a word stays at its greatest. */
uint64_t count_add(uint64_t a, uint64_t b);

/* A date and time: as it was sent, and in seconds if it could be read. */
struct datetime {
	const char *text; /* NULL when missing */
	bool is_known;
	int64_t time; /* since 1970-01-01T00:00:00Z */
};

/* A member that should be a date and time; store as for member_string(). */
enum status member_datetime(struct json_span span, char *store,
    struct datetime *datetime, deviations *dev);

/*
 * Visits the objects of an array, or the one object that stands in its place.
 * member_object_next() makes object an iterator over the next one, and passes
 * over what is no object; when object has been used, member_object_leave()
 * goes behind it.
 */
struct member_objects {
	struct json_iter array;
	struct json_span only;
};
void member_objects(struct member_objects *objects, struct json_span span);
bool member_object_next(
    struct member_objects *objects, struct json_iter *object, deviations *dev);
void
member_object_leave(struct member_objects *objects, struct json_iter *object);

#endif
