/*
 * fieldlist: a version and fields with ";" between them, the common form of the
 * TXT records of TLSRPT (RFC 8460, section 3) and MTA-STS (RFC 8461, section
 * 3.1).
 *
 *	record = version 1*(delim field) [delim]
 *	delim  = *WSP ";" *WSP
 *	field  = name "=" value
 *
 * Goes on behind a mistake, so that all of them are found. What the values mean
 * is the caller's business, but for extension fields.
 */
#ifndef FIELDLIST_H
#define FIELDLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "remark.h"

enum {
	FIELDLIST_NAME_MAX = 32 /* bytes of the name of an extension field */
};

struct fieldlist {
	const char *text;
	size_t end;   /* where the record ends, less stray quotes */
	size_t at;    /* where the next field begins */
	bool is_good; /* no error so far */
	struct remarks *remarks;
};

/* Offsets in the text. White space around the field is no part of it. */
struct fieldlist_field {
	size_t name;
	size_t name_len;
	size_t value;
	size_t end; /* of the value */
};

/*
 * Begin with a text, which must outlive the list: version is what it must begin
 * with, "v=STSv1". Remarks may be NULL.
 */
void fieldlist_begin(struct fieldlist *list, const char *text, size_t len,
    const char *version, struct remarks *remarks);

/*
 * The next field that has a name and "="; false at the end. Neither name nor
 * value has been checked, but for white space around "=".
 */
bool fieldlist_next(struct fieldlist *list, struct fieldlist_field *field);

/* Is this its name? Case counts, as everywhere in these records. */
bool fieldlist_is(const struct fieldlist *list,
    const struct fieldlist_field *field, const char *name);

/* Is it but for the case? */
bool fieldlist_is_nearly(const struct fieldlist *list,
    const struct fieldlist_field *field, const char *name);

/*
 * Check name and value of a field that the specification does not name. False
 * when it is none; an error has then been said.
 */
bool fieldlist_check_extension(
    struct fieldlist *list, const struct fieldlist_field *field);

/* Say an error; the list is not good any more. As remark_add() otherwise. */
void fieldlist_error(struct fieldlist *list, size_t offset, const char *mend,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Does the text begin with the version and, behind it at once, ";"? */
bool fieldlist_has_version(const char *text, size_t len, const char *version);

#endif
