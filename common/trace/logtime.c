#include "logtime.h"

#include <string.h>
#include <time.h>

enum {
	HOUR = 3600,
	DAY = 86400,
	YEAR_FIRST = 1970,
	/* A report may be of any year; to try each takes a while. */
	YEAR_LAST = 2200
};

void
logtime_init(
    struct logtime *logtime, const struct logtime_span *spans, size_t count)
{
	*logtime = (struct logtime){
		.spans = spans,
		.count = count,
		.written = INT64_MAX,
	};
	tzset();
}

void
logtime_file(struct logtime *logtime, int64_t written)
{
	logtime->written = written;
	logtime->has_hour = false;
}

/* When the hour begins in that year. */
static bool
hour_in(int year, const struct maillog_time *when, int64_t *begin)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = when->month - 1,
		.tm_mday = when->day,
		.tm_hour = when->hour,
		.tm_isdst = -1,
	};
	time_t t = mktime(&tm);

	if (t == (time_t)-1 || tm.tm_mon != when->month - 1 ||
	    tm.tm_mday != when->day)
		return false;
	*begin = (int64_t)t;
	return true;
}

/* How far it is from the hour to the nearest span. */
static int64_t
distance(const struct logtime *logtime, int64_t begin)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < logtime->count && least > 0; i++) {
		const struct logtime_span *span = &logtime->spans[i];
		int64_t away = 0;

		if (begin + HOUR <= span->start)
			away = span->start - begin - HOUR + 1;
		else if (begin > span->end)
			away = begin - span->end;
		if (away < least)
			least = away;
	}
	return least;
}

static int
year_of(int64_t time)
{
	time_t t = (time_t)time;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return YEAR_FIRST;
	return tm.tm_year + 1900;
}

static void
find_hour(struct logtime *logtime, const struct maillog_time *when)
{
	int64_t first = INT64_MAX, last = INT64_MIN, least = INT64_MAX;
	int from, to;

	for (size_t i = 0; i < logtime->count; i++) {
		if (logtime->spans[i].start < first)
			first = logtime->spans[i].start;
		if (logtime->spans[i].end > last)
			last = logtime->spans[i].end;
	}
	from = year_of(first) - 1;
	to = year_of(last) + 1;
	/* What is later than the file is not looked at anyhow. */
	if (logtime->written != INT64_MAX)
		to = year_of(logtime->written) + 1;
	if (to > YEAR_LAST)
		to = YEAR_LAST;
	if (from > to)
		from = to;
	if (from < YEAR_FIRST)
		from = YEAR_FIRST;
	logtime->is_known = false;
	for (int year = to; year >= from && least > 0; year--) {
		int64_t begin, away;

		if (!hour_in(year, when, &begin) ||
		    (logtime->written != INT64_MAX &&
			begin - DAY > logtime->written))
			continue;
		away = distance(logtime, begin);
		/* In no window: the file was written lately, as a rule. */
		if (away > 0 && logtime->is_known &&
		    logtime->written != INT64_MAX)
			continue;
		if (away < least) {
			least = away;
			logtime->begin = begin;
			logtime->is_known = true;
		}
	}
}

bool
logtime_find(
    struct logtime *logtime, const struct maillog_time *when, int64_t *time)
{
	if (when->is_absolute) {
		*time = when->time;
		return true;
	}
	/* mktime(3) is slow, and a log has many lines in an hour. */
	if (!logtime->has_hour || logtime->month != when->month ||
	    logtime->day != when->day || logtime->hour != when->hour) {
		logtime->has_hour = true;
		logtime->month = when->month;
		logtime->day = when->day;
		logtime->hour = when->hour;
		find_hour(logtime, when);
	}
	*time = logtime->begin + when->minute * 60 + when->second;
	return logtime->is_known;
}
