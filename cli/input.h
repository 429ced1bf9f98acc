/*
 * input: finds the reports in a file, whatever kind of file it is.
 *
 * By its bytes: a report as JSON, gzip or zip; a message with reports in it; an
 * archive record, or several of them, a line each.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdio.h>

#include "conf.h"
#include "reading.h"
#include "status.h"
#include "verify.h"

/*
 * What is handed to the callback with each report: where it came from. Strings
 * may be NULL.
 */
struct input_origin {
	const char *submitter;
	const char *queue_id;
	const struct verdict *verdict; /* of the record, or of verify */
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

#endif
