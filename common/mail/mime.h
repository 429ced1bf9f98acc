/*
 * mime: walks the MIME structure of a message as it comes in (RFC 2046).
 *
 * A push machine: the top-level header fields first, then the body in blocks
 * that are cut anywhere. It hands the leaves of the tree, bytes as they stand
 * on the wire, to a handler. Nothing of a body is kept but the start of a line
 * that may yet turn out to be a delimiter.
 *
 * Accepted: CRLF and LF, a missing closing delimiter, a message that is no
 * multipart, an inner multipart that ends with its parent, unquoted and
 * RFC 2231 boundaries, an attached message/rfc822 (walked as a part).
 */
#ifndef MIME_H
#define MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "deviation.h"
#include "entity.h"
#include "status.h"

enum {
	MIME_DEPTH_MAX = 16, /* multiparts and messages within each other */
	MIME_PARTS_MAX = 200 /* leaves of one message */
};

struct mime_limits {
	size_t depth_max;
	size_t parts_max;
};

/* What the header of a leaf says of it. Strings are "" when not given. */
struct mime_part {
	char type[HEADER_TOKEN_MAX]; /* media type, small letters */
	char filename[HEADER_VALUE_MAX];
	char description[HEADER_VALUE_MAX];
	enum mime_encoding encoding;
	bool is_top;    /* the message is no multipart: this is its body */
	bool is_quoted; /* within a multipart/report of another report-type:
			   somebody's bounce or disposition notification */
};

/*
 * The handler. begin is followed by any number of data and one end. A status
 * other than ST_OK ends the walk and is returned to whoever feeds it.
 */
struct mime_handler {
	enum status (*begin)(void *ctx, const struct mime_part *part);
	enum status (*data)(void *ctx, const char *data, size_t len);
	enum status (*end)(void *ctx);
};

struct mime;

/*
 * Make a walker; NULL when there is no memory. handler and ctx must outlive
 * it. limits may be NULL for the named constants.
 */
struct mime *mime_new(const struct mime_handler *handler, void *ctx,
    const struct mime_limits *limits);

/* A top-level header field, before the first mime_body(). */
enum status mime_field(struct mime *mime, const char *name, const char *value);

/*
 * The next bytes of the body. ST_TOO_DEEP and ST_TOO_MANY_PARTS (with *fault
 * filled in, if not NULL) at the first level or part over the limit; the walk
 * is over then and further calls return the same.
 */
enum status
mime_body(struct mime *mime, const char *data, size_t len, struct fault *fault);

/* The message is complete: ends the open part. */
enum status mime_finish(struct mime *mime, struct fault *fault);

/* Does the top level say multipart/report with report-type=tlsrpt? */
bool mime_is_tlsrpt(const struct mime *mime);

/* What was odd about the structure so far. */
deviations mime_deviations(const struct mime *mime);

/* Free a walker and set the pointer to NULL. */
void mime_free(struct mime **mime);

#endif
