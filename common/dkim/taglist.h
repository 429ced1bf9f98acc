/*
 * taglist: tag=value lists (RFC 6376, section 3.2), as DKIM-Signature fields
 * and key records are made of.
 */
#ifndef TAGLIST_H
#define TAGLIST_H

#include <stdbool.h>
#include <stddef.h>

enum {
	TAGLIST_MAX = 32 /* tags of one list; DKIM defines fourteen */
};

struct taglist {
	size_t count;
	struct {
		const char *name;
		const char *value; /* without any white space */
	} tag[TAGLIST_MAX];
};

/*
 * Read a list in place: text of len bytes, with a NUL behind them, is cut up
 * and must outlive the list. False when it is none, has more than TAGLIST_MAX
 * tags, or two of one name. Two names that differ in case alone count as one:
 * to libopendkim they are, and both must read the same list.
 */
bool taglist_read(struct taglist *list, char *text, size_t len);

/* The value of a tag ("" for an empty one), or NULL. Names mind the case. */
const char *taglist_value(const struct taglist *list, const char *name);

/* How many of a value's words, with colons between, are this, in any case? */
size_t taglist_count(const char *value, const char *word);

/* Is it one of them? */
bool taglist_has(const char *value, const char *word);

#endif
