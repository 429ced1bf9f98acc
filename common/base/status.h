/*
 * status: the one error space of the library.
 *
 * Every function that can fail returns an enum status. Where a reader of the
 * log needs to know more than the word, it also fills in a struct fault: what
 * was wrong, in words, and at which byte of the decoded text.
 */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum status {
	ST_OK,
	/* The message: it holds no TLS report. */
	ST_NOT_A_REPORT,
	/* The message: it claims to hold a report that cannot be read. */
	ST_GZIP_CORRUPT,
	ST_GZIP_TRUNCATED,
	ST_ZIP_UNSUPPORTED,
	ST_BASE64_CORRUPT,
	ST_TOO_LARGE,
	ST_TOO_MANY_PARTS,
	ST_TOO_DEEP,
	ST_JSON_SYNTAX,
	ST_JSON_NOT_OBJECT,
	ST_JSON_ENCODING,
	ST_NO_POLICIES,
	ST_EMPTY,
	/* Ourselves: the message may be perfect. */
	ST_NO_MEMORY,
	ST_NO_SPACE,
	ST_ARCHIVE,
	ST_SPOOL,
	ST_LOG_STALLED,
	ST_STATE,
	ST_STATE_BUSY,
	ST_STATE_DAMAGED,
	ST_STATE_VERSION,
	ST_ALERT
};

enum {
	FAULT_DETAIL_MAX = 160
};

struct fault {
	enum status status;
	bool has_offset;
	uint64_t offset; /* bytes of the decoded text */
	char detail[FAULT_DETAIL_MAX];
};

/*
 * The word that stands for a status in reason= fields and on standard error
 * ("gzip-corrupt"). Static storage.
 */
const char *status_str(enum status status);

/* Is this one of the reasons why a report cannot be read? */
bool status_is_malformed(enum status status);

/* Is this trouble of our own, which the sender can do nothing about? */
bool status_is_failure(enum status status);

/*
 * Fill in *fault (which may be NULL) and return its status, so that a caller
 * can write "return fault_set(...)". A detail that is too long is cut.
 */
enum status fault_set(struct fault *fault, enum status status, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
enum status fault_at(struct fault *fault, enum status status, uint64_t offset,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
