/*
 * ingestlog: the events of a report that came from a file, for the log.
 */
#ifndef INGESTLOG_H
#define INGESTLOG_H

#include "archive.h"
#include "conf.h"
#include "input.h"
#include "log.h"
#include "reading.h"

/*
 * Log "report", "duplicate" or "unverified", and policies and failures as the
 * milter does, MaxFailureLines of each.
 */
void ingestlog_report(struct log *log, const struct conf *conf,
    struct reading *reading, const struct input_origin *origin,
    const struct archived *archived, bool is_unverified);

#endif
