/*
 * logtime: the year of a line that has none, and its time zone.
 *
 * syslog(3)'s time is local and lacks the year. It is taken to be in the year
 * in which it falls into one of the windows that are asked for, the latest if
 * there are several, but never later than the file was written; a time that is
 * in none of them is the last before that, or (when nobody knows when it was
 * written) that nearest to them. Local is what TZ says, as always.
 * Of the hour that comes twice in autumn, it is that which mktime(3) chooses.
 */
#ifndef LOGTIME_H
#define LOGTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maillog.h"

/* From the first to the last second, both within. */
struct logtime_span {
	int64_t start;
	int64_t end;
};

struct logtime {
	const struct logtime_span *spans;
	size_t count;
	int64_t written; /* when the file was; INT64_MAX: nobody knows */

	/* Private: the hour that was asked for last. */
	bool has_hour;
	int month, day, hour;
	int64_t begin;
	bool is_known;
};

/* There must be a span at least; they must outlive it. */
void logtime_init(
    struct logtime *logtime, const struct logtime_span *spans, size_t count);

/* Another file begins: when it was written last, or INT64_MAX. */
void logtime_file(struct logtime *logtime, int64_t written);

/* False for a day that no year in question has (Feb 29). */
bool logtime_find(
    struct logtime *logtime, const struct maillog_time *when, int64_t *time);

#endif
