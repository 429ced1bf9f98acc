/*
 * keyword: the table of the configuration's keywords, and how a value is read.
 *
 * Used by conf.c alone; everybody else sees the values in struct conf. The
 * table is in keyword.c, what strings look like in keywordcheck.c, and how
 * values are read in keywordvalue.c.
 */
#ifndef KEYWORD_H
#define KEYWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

enum keyword_type {
	TYPE_STRING, /* char * */
	TYPE_LIST,   /* struct conf_list, repeatable */
	TYPE_BOOL,   /* bool */
	TYPE_SIZE,   /* uint64_t, bytes */
	TYPE_TIME,   /* uint64_t, seconds */
	TYPE_COUNT,  /* uint64_t */
	TYPE_RATE,   /* uint64_t, hundredths of a percent */
	TYPE_MODE,   /* unsigned, octal */
	TYPE_CHOICE  /* an enum or int, one of a list of words */
};

/* A word of a TYPE_CHOICE; the list ends with a NULL word. */
struct choice {
	const char *word;
	int value;
};

struct keyword {
	const char *name;
	const char *value; /* the default, or "" */
	enum keyword_type type;
	bool is_at_restart; /* a change takes effect at a restart only */
	size_t offset;      /* in struct conf */
	uint64_t min;       /* of numbers */
	uint64_t max;
	const struct choice *choices;
	bool is_pair; /* of two words, which become one with a blank */
	/* Returns what is wrong with a string, or NULL. */
	const char *(*check)(const char *value);
};

/* Keyword i of the table, or NULL behind the last. Static storage. */
const struct keyword *keyword_at(size_t i);

/* There are no more than that. */
enum {
	KEYWORDS_MAX = 64
};

/* Where its value is in a configuration. */
void *keyword_place(const struct keyword *keyword, struct conf *conf);

/*
 * Read a value into its place. Returns what is wrong with it, or NULL. Static
 * storage.
 */
const char *keyword_set(
    const struct keyword *keyword, struct conf *conf, const char *value);

/*
 * Write what keyword_set() found wrong as it is to be shown: with the words or
 * the range that the keyword has, in the form that its values have.
 */
void keyword_explain(
    const struct keyword *keyword, const char *wrong, char *out, size_t size);

#endif
