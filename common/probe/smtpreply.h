/*
 * smtpreply: replies of an SMTP server (RFC 5321, section 4.2), as a push
 * machine.
 */
#ifndef SMTPREPLY_H
#define SMTPREPLY_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SMTPREPLY_LINE_MAX = 2048, /* bytes; RFC 5321 has 512 */
	SMTPREPLY_LINES_MAX = 100,
	SMTPREPLY_TEXT_MAX = 512 /* of a line that is kept, NUL included */
};

enum smtpreply_status {
	SMTPREPLY_MORE, /* feed on */
	SMTPREPLY_DONE,
	SMTPREPLY_TOO_LONG, /* a line */
	SMTPREPLY_TOO_MANY, /* lines */
	SMTPREPLY_NOT_SMTP  /* a line that is no reply */
};

struct smtpreply {
	enum smtpreply_status status;
	int code;     /* 220 */
	size_t lines; /* complete ones so far */
	char
	    first[SMTPREPLY_TEXT_MAX]; /* the first line, as it came, without
					  its end; control characters are "?" */
	char last[SMTPREPLY_TEXT_MAX]; /* the latest, or the one that was
					  wrong */
	bool has_starttls; /* a line behind the first has this keyword */
	/* Private. */
	size_t len; /* of the line that is coming */
	char line[SMTPREPLY_LINE_MAX];
};

void smtpreply_init(struct smtpreply *reply);

/*
 * Take bytes in, up to the end of the reply; *used is how many that were. With
 * SMTPREPLY_DONE, bytes behind them are no part of it (after STARTTLS: a
 * server that speaks too early).
 */
enum smtpreply_status smtpreply_more(
    struct smtpreply *reply, const char *data, size_t len, size_t *used);

#endif
