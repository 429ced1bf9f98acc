/*
 * json: walks a text that ijson_check() has passed.
 *
 * A span is a piece of that text that holds one value. Members and elements
 * are visited in place, without memory; only the small values that are asked
 * for become cJSON items, one at a time. That is how a large report costs its
 * text and little more.
 */
#ifndef JSON_H
#define JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "deviation.h"
#include "status.h"

enum {
	JSON_VALUE_MAX = 4096, /* bytes of text that become one cJSON string */
	JSON_ARRAY_MAX =
	    256 /* elements of an array that json_strings() takes */
};

enum json_type {
	JSON_NONE, /* an empty span: no such member */
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL
};

struct json_span {
	const char *text; /* the first byte of the value, no white space */
	size_t len;
};

/* The value of a whole checked text, byte order mark and white space gone. */
struct json_span json_root(const char *text, size_t len);

/* By the first byte. */
enum json_type json_type(struct json_span span);

/*
 * Visit the members of an object or the elements of an array, each byte once.
 * json_iter() starts on a container (on anything else there is nothing to
 * visit); json_next() steps to the next and returns false at the end. In an
 * object name is the member's name with its quotes; value points to the first
 * byte of the value, which json_take() measures when all of it is wanted.
 *
 * Instead of being measured, a value that is a container can be visited:
 * json_enter() makes child an iterator over it. When child has been used,
 * json_leave() takes parent behind it, whether child came to its end or not.
 */
struct json_iter {
	const char *at;
	const char *end;
	bool is_object;
	bool is_taken; /* at is behind the value already */
	struct json_span name;
	const char *value;
};
void json_iter(struct json_iter *iter, struct json_span container);
bool json_next(struct json_iter *iter);
struct json_span json_take(struct json_iter *iter);
enum json_type json_next_type(const struct json_iter *iter);
void json_enter(struct json_iter *child, const struct json_iter *parent);
void json_leave(struct json_iter *parent, struct json_iter *child);

/*
 * Is the name (a span with quotes) this one of len bytes, with its escapes
 * undone?
 */
bool json_name_is(struct json_span name, const char *string, size_t len);

/*
 * Copy a string that needs no decoding to out, which has JSON_VALUE_MAX bytes,
 * and return its length; -1 when it has escapes or is too long, and is a case
 * for json_scalar().
 */
long json_plain_string(struct json_span span, char *out);

/*
 * A string, number or literal as a cJSON item, which the caller gives to
 * cJSON_Delete(). Strings over JSON_VALUE_MAX bytes are cut, with
 * DEV_LONG_VALUE; U+0000 and lone surrogates become U+FFFD. NULL when there is
 * no memory, and for objects and arrays.
 */
cJSON *json_scalar(struct json_span span, deviations *dev);

/*
 * An array of strings as a cJSON array: the strings among the first
 * JSON_ARRAY_MAX elements. What is left out is noted in *dev. A lone string
 * becomes an array of one. NULL when there is no memory.
 */
cJSON *json_strings(struct json_span span, deviations *dev);

/*
 * Write the value token for token without white space between tokens; raw
 * control characters in strings are escaped, so that the result is one line of
 * JSON whatever was sent. Stops at the first status other than ST_OK of write.
 */
enum status json_compact(struct json_span span,
    enum status (*write)(void *ctx, const char *data, size_t len), void *ctx);

#endif
