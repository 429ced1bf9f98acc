/*
 * recordreading: a record of the archive, taken apart again (record.h makes
 * it), as far as its index needs it.
 */
#ifndef RECORDREADING_H
#define RECORDREADING_H

#include <stdbool.h>
#include <stdint.h>

#include "archive.h"
#include "buf.h"
#include "json.h"
#include "status.h"
#include "verdict.h"

struct recordreading {
	struct json_span report; /* of the text that was read */
	char sha256[ARCHIVE_SHA256_MAX];
	int64_t received; /* seconds since 1970 */
	/* Who vouches for it (rank.h); "" for what it lacks. */
	char submitter[JSON_VALUE_MAX];
	char auth[JSON_VALUE_MAX];
	bool has_auth;
	struct verdict verdict;
};

/*
 * The members of a record. text is JSON that ijson_check() has passed, and has
 * to stay for as long as the report is used. ST_NOT_A_REPORT: it is no record
 * of ours, for it has no report, no time or no SHA-256.
 */
enum status recordreading_take(
    struct recordreading *reading, const struct buf *text, struct fault *fault);

/*
 * The verdict that the member "dkim" of a record tells of; VERDICT_OFF when it
 * is no object.
 */
void recordreading_verdict(struct json_span dkim, struct verdict *verdict);

#endif
