/*
 * stspolicy: the MTA-STS policy file (RFC 8461, section 3.2), and which MX
 * hosts it allows (section 4.1).
 */
#ifndef STSPOLICY_H
#define STSPOLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idn.h"
#include "remark.h"

enum {
	STSPOLICY_SIZE_MAX = 64 * 1024, /* bytes (section 3.3) */
	STSPOLICY_MX_MAX = 64,          /* patterns; one more is an error */
	STSPOLICY_AGE_MAX = 31557600    /* seconds, about a year */
};

enum stspolicy_mode {
	STSPOLICY_NONE,
	STSPOLICY_TESTING,
	STSPOLICY_ENFORCE
};

struct stspolicy {
	enum stspolicy_mode mode;
	uint64_t max_age; /* seconds */
	size_t mx_count;
	char mx[STSPOLICY_MX_MAX][IDN_NAME_MAX]; /* lower case */
};

/*
 * Read a policy file. Lines end in CRLF or LF. False when it is not valid
 * (sts-policy-invalid); remarks (may be NULL) say where and why, and what is
 * odd in a valid one: unknown fields (which are to be ignored), empty lines, a
 * field a second time (the first counts), max_age short of a day or too long,
 * U-labels in mx.
 */
bool stspolicy_read(const char *text, size_t len, struct stspolicy *policy,
    struct remarks *remarks);

/*
 * Does a pattern allow a host, both in A-labels and any case? "*.example.com"
 * stands for exactly one label.
 */
bool stspolicy_matches(const char *pattern, const char *host);

/* Does any pattern of the policy allow it? */
bool stspolicy_allows(const struct stspolicy *policy, const char *host);

/* "none", "testing", "enforce". Static storage. */
const char *stspolicy_mode_str(enum stspolicy_mode mode);

#endif
