#define _GNU_SOURCE /* timegm(), in every libc that Postfix runs on */
#include "rfc3339.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* 9999-12-31T23:59:59Z */
#define TIME_LAST INT64_C(253402300799)

/* Read n digits at *p and move behind them; -1 when they are not there. */
static int
digits(const char **p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if ((*p)[i] < '0' || (*p)[i] > '9')
			return -1;
		value = value * 10 + ((*p)[i] - '0');
	}
	*p += n;
	return value;
}

/* n digits behind the given separator. */
static int
digits_behind(const char **p, char separator, int n)
{
	if (**p != separator)
		return -1;
	(*p)++;
	return digits(p, n);
}

static void
skip_fraction(const char **p)
{
	if (**p != '.' && **p != ',')
		return;
	for ((*p)++; **p >= '0' && **p <= '9'; (*p)++)
		;
}

/* "Z", "+hh:mm", or nothing. */
static enum rfc3339
zone(const char *p, int64_t *offset)
{
	int sign, hours, minutes;

	*offset = 0;
	if (*p == '\0')
		return RFC3339_NO_ZONE;
	if ((*p == 'Z' || *p == 'z') && p[1] == '\0')
		return RFC3339_OK;
	if (*p != '+' && *p != '-')
		return RFC3339_INVALID;
	sign = *p++ == '-' ? -1 : 1;
	hours = digits(&p, 2);
	if (*p == ':')
		p++;
	minutes = digits(&p, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 ||
	    *p != '\0')
		return RFC3339_INVALID;
	*offset = sign * (hours * 3600 + minutes * 60);
	return RFC3339_OK;
}

static bool
is_date(const struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int year = tm->tm_year + 1900, month = tm->tm_mon;
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return year >= 1970 && month >= 0 && month < 12 && tm->tm_mday >= 1 &&
	    tm->tm_mday <= days[month] + (month == 1 && is_leap);
}

enum rfc3339
rfc3339_parse(const char *string, int64_t *time)
{
	const char *p = string;
	struct tm tm = { 0 };
	enum rfc3339 verdict;
	int64_t offset;

	tm.tm_year = digits(&p, 4) - 1900;
	tm.tm_mon = digits_behind(&p, '-', 2) - 1;
	tm.tm_mday = digits_behind(&p, '-', 2);
	if (!is_date(&tm) || (*p != 'T' && *p != 't' && *p != ' '))
		return RFC3339_INVALID;
	p++;
	tm.tm_hour = digits(&p, 2);
	tm.tm_min = digits_behind(&p, ':', 2);
	tm.tm_sec = digits_behind(&p, ':', 2);
	if (tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 ||
	    tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return RFC3339_INVALID;
	skip_fraction(&p);
	verdict = zone(p, &offset);
	if (verdict != RFC3339_INVALID) {
		int64_t seconds = (int64_t)timegm(&tm) - offset;

		if (seconds < 0 || seconds > TIME_LAST)
			return RFC3339_INVALID;
		*time = seconds;
	}
	return verdict;
}

bool
rfc3339_format(int64_t time, char out[RFC3339_MAX])
{
	time_t seconds = (time_t)time;
	struct tm tm;

	out[0] = '\0';
	if (time < 0 || time > TIME_LAST || gmtime_r(&seconds, &tm) == NULL)
		return false;
	return strftime(out, RFC3339_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}
