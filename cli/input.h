/*
 * input: finds the reports in a file, whatever kind of file it is.
 *
 * By its bytes: a report as JSON, gzip or zip; a message with reports in it; an
 * archive record, or several of them, a line each.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "conf.h"
#include "reading.h"
#include "status.h"
#include "verify.h"

/* What a report lay in. */
enum input_kind {
	INPUT_REPORT, /* nothing: the file is the report */
	INPUT_MESSAGE,
	INPUT_RECORD /* of an archive */
};

/*
 * What is handed to the callback with each report: where it came from. Strings
 * may be NULL, and live during the call.
 */
struct input_origin {
	enum input_kind kind;
	const char *submitter;
	const char *message_id;        /* of a message or a record */
	const char *subject;           /* likewise */
	const struct verdict *verdict; /* of the record, or of verify */
	/* Of a record. */
	const char *queue_id;
	const char *envelope_from;
	const char *client;
	const char *auth;   /* of what came by HTTPS: auth_str(), else NULL */
	const char *sha256; /* of the report as it was sent: 64 digits */
	bool has_received;
	int64_t received;
	/* The message as it stands in the file. */
	const char *message;
	size_t message_len;
};

struct input_handler {
	/* A report. A status other than ST_OK ends the reading. */
	enum status (*report)(void *ctx, struct reading *reading,
	    const struct input_origin *origin);
	/* Something that cannot be read. */
	void (*fault)(void *ctx, const struct fault *fault);
	void *ctx;
};

/*
 * Read a stream to its end and hand over what is in it. With verify, which may
 * be NULL, the signatures of a message are verified. ST_OK when it could be
 * read, whatever was found; ST_SPOOL when reading failed (errno says why).
 */
enum status input_read(FILE *file, const struct conf *conf,
    struct verify_site *verify, const struct input_handler *handler);

/* The same of what is in memory already; data is freed or handed on. */
enum status input_take(struct buf *data, const struct conf *conf,
    struct verify_site *verify, const struct input_handler *handler);

#endif
