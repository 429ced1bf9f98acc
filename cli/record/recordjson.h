/*
 * recordjson: what "tlsrpt record" has found out, as one object of JSON.
 */
#ifndef RECORDJSON_H
#define RECORDJSON_H

#include "jsonwriter.h"
#include "recordinquiry.h"
#include "status.h"

/* Print it. ST_NO_MEMORY or ST_TOO_LARGE, and nothing is printed. */
enum status recordjson_print(const struct recordinquiry *inquiry);

/* The member "remarks": kind, offset (where there is one), text, mend. */
void
recordjson_remarks(struct jsonwriter *writer, const struct remarks *remarks);

#endif
