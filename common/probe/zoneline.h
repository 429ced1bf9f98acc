/*
 * zoneline: the text in a line of a zone file (RFC 1035, section 5.1), as an
 * editor or dig(1) has it:
 *
 *	_smtp._tls.example.com. 300 IN TXT ( "v=TLSRPTv1; "
 *		"rua=mailto:reports@example.com" ) ; a comment
 */
#ifndef ZONELINE_H
#define ZONELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "status.h"

enum {
	ZONELINE_OWNER_MAX = 256
};

struct zoneline {
	char owner[ZONELINE_OWNER_MAX]; /* as it stands there; "" */
	size_t strings;
	bool is_cut;      /* ";" outside of quotes has ended the text */
	bool has_more;    /* further lines stand behind it */
	bool is_unquoted; /* a string has no quotes */
};

/* Is it such a line? One has a word TXT before its text. */
bool zoneline_is_one(const char *text, size_t len);

/*
 * Append the text in it, all strings joined, to out. ST_NO_MEMORY; ST_TOO_LARGE
 * when out is full. What quotes and parentheses do not close goes on to the
 * end.
 */
enum status zoneline_read(
    struct zoneline *zone, const char *text, size_t len, struct buf *out);

#endif
