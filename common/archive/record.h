/*
 * record: what the archive keeps of a report besides the report, and under
 * which name.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assess.h"
#include "buf.h"
#include "report.h"
#include "status.h"
#include "verdict.h"

/* What a record says of a report besides the report. NULL is left empty. */
struct record {
	int64_t received; /* seconds since 1970 */
	const char *queue_id;
	const char *envelope_from;
	const char *client;
	const char *auth; /* of an upload: auth_str(); NULL: no such member */
	const char *message_id;
	const char *subject;
	const char *submitter;
	const struct verdict *verdict; /* or NULL */
	bool is_unverified;            /* kept apart from those that count */
	const struct report *report;   /* walked: its deviations are complete */
	const struct assessment *assessment;
	const struct buf *text; /* the decoded text, for its SHA-256 */
};

/*
 * Its name from the archive's directory on, without ending, in out: RFC 8460's
 * file name (section 5.1) in a directory for the day, "YYYY/MM/DD", which lies
 * in "unverified" when the report does not count. sha256 is that of the text.
 */
void record_name(
    const struct record *record, const char *sha256, char *out, size_t size);

/*
 * Append the record as far as its member "report": what follows is the report's
 * own text and "}".
 */
enum status
record_head(struct buf *out, const struct record *record, const char *sha256);

#endif
