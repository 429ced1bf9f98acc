/*
 * admission: what a request of HTTP asks for, and whether it may come in, by
 * its request line and its header alone, before a byte of the body is read.
 *
 * Pure functions. What makes the end of a body a matter of opinion (RFC 9112,
 * section 6.3, and 11.2: request smuggling) is refused with 400, and the
 * connection with it. Whatever text comes from outside stays outside of what is
 * returned, but for the token.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

enum {
	ADMISSION_FIELDS_MAX = 100, /* more are refused with 431 */
	ADMISSION_TOKEN_MAX = 129,  /* of PathSecret, and its NUL */
	ADMISSION_TYPE_MAX = 128    /* of a media type, and its NUL */
};

/* A header field as the library hands it over; the value may be "". */
struct upload_field {
	const char *name;
	const char *value;
};

struct upload_head {
	const char *method;
	const char *target;  /* as it was sent, but for the query */
	const char *version; /* "HTTP/1.1" */
	const struct upload_field *field;
	size_t count;
	bool is_folded; /* a field went on in a second line (obs-fold) */
};

enum upload_what {
	UPLOAD_NOTHING, /* it is refused */
	UPLOAD_REPORT,  /* a body is to come */
	UPLOAD_PAGE,    /* GET or HEAD on the path */
	UPLOAD_HEALTH   /* GET or HEAD on /healthz */
};

struct admission {
	enum upload_what what;
	/* Of what is refused: the status, and a word for the log. */
	unsigned status;
	const char *reason; /* static storage */
	bool allows_post;   /* of 405: the path is one for reports */
	bool must_close; /* what follows on the connection is not to be read */
	/* Of a report: */
	uint64_t length;                 /* of the body; UINT64_MAX: chunked */
	char token[ADMISSION_TOKEN_MAX]; /* "" on the plain path */
	char type[ADMISSION_TYPE_MAX]; /* media type in small letters, or "" */
	bool is_gzip;                  /* Content-Encoding says so */
};

/* Judge a head. The result holds nothing borrowed. */
void admission_judge(const struct upload_head *head, const struct conf *conf,
    struct admission *admission);

/* The value of a field, in any case of letters, or NULL. */
const char *admission_field(const struct upload_head *head, const char *name);

/*
 * What the body is to be called when it is read: the media type, but neither a
 * multipart nor a message, which it would then be walked as; and what a
 * Content-Encoding has made gzip of is gzip, if its bytes (the first len) say
 * so too. Static storage, or the admission's.
 */
const char *admission_label(
    const struct admission *admission, const char *data, size_t len);

/*
 * Is this plainly no report, by its label and by its magic: a page, a picture?
 * Only such is refused with 415.
 */
bool admission_is_foreign(
    const struct admission *admission, const char *data, size_t len);

#endif
