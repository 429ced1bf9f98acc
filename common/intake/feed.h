/*
 * feed: a message as it stands in a file or comes through a pipe, handed to an
 * intake as a milter is handed it: header fields with their folds, and a body
 * whose lines end with CRLF, as DKIM hashes it (RFC 6376, section 5.3).
 *
 * For roads on which no MTA takes a message apart. Lines may end with LF or
 * CRLF; an mbox "From " line before the header is passed over.
 */
#ifndef FEED_H
#define FEED_H

#include <stddef.h>

#include "crlf.h"
#include "header.h"
#include "intake.h"
#include "status.h"

/* Private. */
struct feed {
	struct intake *intake;
	struct header_splitter splitter;
	struct crlf crlf;
};

/* Begin a message. The intake is borrowed. */
void feed_init(struct feed *feed, struct intake *intake);

/* The next bytes, cut anywhere. ST_NO_MEMORY when a field cannot be held. */
enum status feed_more(struct feed *feed, const char *data, size_t len);

/*
 * The message is complete, and intake_finish() may follow. To be called also
 * after a failure, for it gives back what was taken.
 */
enum status feed_finish(struct feed *feed);

#endif
