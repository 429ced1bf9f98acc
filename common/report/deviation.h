/*
 * deviation: what a sender does otherwise than RFC 8460 has it, by name.
 *
 * A report that can still be read is read. What was odd about it is kept in a
 * set, so that the log tells an operator which sender deviates how.
 */
#ifndef DEVIATION_H
#define DEVIATION_H

#include <stdint.h>

enum deviation {
	/* The mail around the report (RFC 8460, section 5.3). */
	DEV_MISSPELLED_CONTENT_TYPE, /* "ContentType:" */
	DEV_REPEATED_CONTENT_TYPE,   /* two that contradict each other */
	DEV_NO_MULTIPART,            /* the report is the whole body */
	DEV_REPORT_TYPE_MISSING,     /* multipart/report without tlsrpt */
	DEV_MEDIA_TYPE,              /* not application/tlsrpt+json or +gzip */
	DEV_LABEL_MISMATCH,          /* labelled gzip, is zip; and the like */
	DEV_MISSING_MIME_END,        /* no closing delimiter */
	DEV_BASE64_GARBAGE,          /* bytes outside the alphabet */
	DEV_TRAILING_BYTES,          /* bytes after the last gzip member */
	/* The JSON text (RFC 7493). */
	DEV_BYTE_ORDER_MARK,
	DEV_RAW_CONTROL_CHARACTER,
	DEV_REPEATED_MEMBER,
	DEV_LONE_SURROGATE,
	DEV_NUL_CHARACTER,
	DEV_NUMBER_OUT_OF_RANGE,
	/* The report (RFC 8460, section 4.4). */
	DEV_NULL_MEMBER,
	DEV_WRONG_TYPE, /* a member whose value is of no use at all */
	DEV_LONG_VALUE, /* a value that had to be cut */
	DEV_DRAFT_MEMBER,
	DEV_MISNAMED_MEMBER,
	DEV_ORGANIZATION_NAME_MISSING,
	DEV_REPORT_ID_MISSING,
	DEV_DATE_RANGE_MISSING,
	DEV_DATETIME_WITHOUT_ZONE,
	DEV_DATETIME_INVALID,
	DEV_DATE_RANGE_REVERSED,
	DEV_POLICIES_NOT_ARRAY,
	DEV_POLICY_MISSING,
	DEV_POLICY_TYPE_MISSING,
	DEV_POLICY_TYPE_UNKNOWN,
	DEV_POLICY_STRING_NOT_ARRAY,
	DEV_POLICY_DOMAIN_MISSING,
	DEV_MX_HOST_NOT_ARRAY,
	DEV_SUMMARY_MISSING,
	DEV_COUNT_MISSING,
	DEV_COUNT_AS_STRING,
	DEV_COUNT_INVALID, /* negative, a fraction, beyond 2^53 - 1 */
	DEV_COUNT_MISMATCH,
	DEV_FAILURE_DETAILS_NOT_ARRAY,
	DEV_RESULT_TYPE_MISSING,
	DEV_RESULT_TYPE_UNKNOWN,
	DEV_IP_INVALID,
	DEV_FOREIGN_DOMAIN, /* a domain that is not in our Domain list */
	/* The key that signed it (RFC 8460, section 3; RFC 8301). */
	DEV_WEAK_KEY,         /* RSA of fewer than 2048 bits */
	DEV_KEY_SERVICE_TYPE, /* s= names email, but neither * nor tlsrpt */
	DEV_MAX
};

/* A set of deviations; the empty set is 0. */
typedef uint64_t deviations;

_Static_assert(DEV_MAX <= 64, "a deviation set is one 64-bit word");

/* Add one deviation to a set. */
void deviation_add(deviations *set, enum deviation deviation);

/* The name as it stands in logs and records. Static storage. */
const char *deviation_str(enum deviation deviation);

/* Add the deviation of that name; a name that is none is passed over. */
void deviation_add_name(deviations *set, const char *name);

/*
 * Walk a set in order: returns the name of the next deviation at or after
 * *next and moves *next behind it, or NULL at the end. Start with *next 0.
 */
const char *deviation_next(deviations set, unsigned *next);

#endif
