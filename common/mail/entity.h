/*
 * entity: what the header block of a message or of a MIME part says of its
 * body (RFC 2045, RFC 2183).
 */
#ifndef ENTITY_H
#define ENTITY_H

#include <stdbool.h>

#include "deviation.h"
#include "header.h"

enum {
	ENTITY_BOUNDARY_MAX = 256
};

enum mime_encoding {
	MIME_IDENTITY, /* 7bit, 8bit, binary, and what is unknown */
	MIME_BASE64,
	MIME_QUOTED_PRINTABLE
};

/* Strings are "" when not given. An entity that is all zero is empty. */
struct entity {
	char type[HEADER_TOKEN_MAX]; /* media type, small letters */
	char boundary[ENTITY_BOUNDARY_MAX];
	char report_type[HEADER_TOKEN_MAX];
	char name[HEADER_VALUE_MAX];     /* of Content-Type */
	char filename[HEADER_VALUE_MAX]; /* of Content-Disposition */
	char description[HEADER_VALUE_MAX];
	enum mime_encoding encoding;
	bool is_typed; /* it has a Content-Type proper */
};

/*
 * Take a header field. Of several Content-Type fields the one counts that leads
 * to a report, or else the first; "ContentType:" is taken for one where no
 * properly spelled one is as good. What was odd is noted in *dev.
 */
void entity_field(struct entity *entity, const char *name, const char *value,
    deviations *dev);

#endif
