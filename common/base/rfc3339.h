/*
 * rfc3339: the times of a report (RFC 3339, as RFC 8460 section 4.4 asks).
 */
#ifndef RFC3339_H
#define RFC3339_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RFC3339_MAX = 32
}; /* bytes of "YYYY-MM-DDTHH:MM:SSZ" and its NUL */

enum rfc3339 {
	RFC3339_OK,
	RFC3339_NO_ZONE, /* taken as UTC */
	RFC3339_INVALID
};

/*
 * Read a date and time: any offset, fractions (dropped), small letters, a
 * space for the T, a leap second, no zone at all. Years 1970 to 9999. *time is
 * in seconds since 1970-01-01T00:00:00Z and untouched on RFC3339_INVALID.
 */
enum rfc3339 rfc3339_parse(const char *string, int64_t *time);

/* Write a time in UTC. Out of range gives "" and false. */
bool rfc3339_format(int64_t time, char out[RFC3339_MAX]);

#endif
