/*
 * reading: from a candidate of a message to a report that has been assessed.
 *
 * The steps that the milter and the command share: decode, check, read, assess,
 * and the verdict whether what cannot be read is a damaged report or none.
 */
#ifndef READING_H
#define READING_H

#include "assess.h"
#include "buf.h"
#include "conf.h"
#include "extract.h"
#include "report.h"
#include "status.h"

struct reading {
	struct buf text; /* decoded */
	struct report report;
	struct assessment assessment;
};

/* Prepare for use. The text may grow to conf's MaxReportSize. */
void reading_init(struct reading *reading, const struct conf *conf);

/*
 * Read candidate i. ST_NOT_A_REPORT when it cannot be read and nothing but its
 * bytes made it look like a report; otherwise the statuses of extract_decode()
 * and report_read(). The reading can be used again after any outcome.
 */
enum status reading_candidate(struct reading *reading, struct extract *ex,
    size_t i, const struct conf *conf, struct fault *fault);

/*
 * Read a report from a span of a text that ijson_check() has passed and that
 * outlives the reading.
 */
enum status reading_span(struct reading *reading, struct json_span span,
    deviations dev, const struct conf *conf, struct fault *fault);

/* Drop the report and the text. */
void reading_clear(struct reading *reading);

/*
 * A name for whoever submitted the message: TLS-Report-Submitter, else the
 * domain of From, else that of the envelope sender (may be NULL), else NULL.
 */
const char *
reading_submitter(const struct extract_meta *meta, const char *envelope_from);

#endif
