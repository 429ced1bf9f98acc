/*
 * reportlog: the lines of the policies and failures of a report, for all that
 * log reports.
 */
#ifndef REPORTLOG_H
#define REPORTLOG_H

#include "conf.h"
#include "log.h"
#include "reading.h"

/*
 * Log each policy of a report that has been read, and behind it its failures
 * (RFC 8460, sections 4.2 and 4.3): of either no more lines than
 * MaxFailureLines, and one for all that got none. queue_id stands before each.
 */
void reportlog_details(struct log *log, const char *queue_id,
    const struct conf *conf, struct reading *reading);

#endif
