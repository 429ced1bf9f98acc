/*
 * remark: what there is to say of a text that somebody wrote by hand: each
 * mistake with its place, what is wrong and how to mend it.
 */
#ifndef REMARK_H
#define REMARK_H

#include <stdbool.h>
#include <stddef.h>

enum {
	REMARKS_MAX = 32, /* further ones are counted only */
	REMARK_TEXT_MAX = 200
};

enum remark_kind {
	REMARK_ERROR,   /* the text does not mean what was intended */
	REMARK_WARNING, /* it is valid, and will disappoint somebody */
	REMARK_NOTE
};

struct remark {
	enum remark_kind kind;
	bool has_offset;
	size_t offset;              /* bytes from the start of the text */
	char text[REMARK_TEXT_MAX]; /* what is wrong */
	char mend[REMARK_TEXT_MAX]; /* what to do; may be "" */
};

/* In the order in which they were added. All zero is an empty list. */
struct remarks {
	size_t count;
	size_t dropped;
	size_t
	    errors; /* of all kinds of remarks, those that were dropped too */
	size_t warnings;
	struct remark remark[REMARKS_MAX];
};

/*
 * Add one; a text that is too long is cut at a character. remarks may be NULL,
 * for whoever wants the verdict only. mend may be NULL. Without a place:
 * offset is REMARK_NOWHERE.
 */
#define REMARK_NOWHERE ((size_t)-1)
void remark_add(struct remarks *remarks, enum remark_kind kind, size_t offset,
    const char *mend, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* "error", "warning", "note". Static storage. */
const char *remark_kind_str(enum remark_kind kind);

#endif
