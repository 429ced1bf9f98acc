/*
 * logreader: cuts a stream into lines, of which no more than MAILLOG_LINE_MAX
 * bytes are kept each. A push machine.
 */
#ifndef LOGREADER_H
#define LOGREADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maillog.h"

struct logreader {
	/* Called for each line, without its line end (LF or CR LF); the bytes
	   live until it returns and may hold NUL. */
	void (*line)(void *ctx, const char *line, size_t len);
	void *ctx;
	uint64_t cut; /* lines that were longer than the bound */

	/* Private. */
	size_t len;
	bool is_skipping; /* the rest of a line that was too long */
	char buffer[MAILLOG_LINE_MAX];
};

void logreader_init(struct logreader *reader,
    void (*line)(void *ctx, const char *line, size_t len), void *ctx);

/* Some more bytes; blocks may be cut anywhere. */
void logreader_more(struct logreader *reader, const char *data, size_t len);

/* The stream has ended: a line without an end is one all the same. */
void logreader_finish(struct logreader *reader);

#endif
