/*
 * crlf: a message body as DKIM hashes it (RFC 6376, section 3.4.3 and 5.3), in
 * blocks: every line ends with CRLF, the last one too, and no CR is parted from
 * what follows it.
 */
#ifndef CRLF_H
#define CRLF_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CRLF_BLOCK = 16384
};

/* Handed the bytes, at most CRLF_BLOCK at a time. */
typedef void crlf_fn(void *ctx, char *data, size_t len);

struct crlf {
	crlf_fn *emit;
	void *ctx;
	bool is_file; /* a bare LF is a line end, too */
	bool has_body;
	char last[2]; /* the last bytes, when there were as many */
	size_t len;   /* bytes in block */
	char block[CRLF_BLOCK];
};

void crlf_init(struct crlf *crlf, bool is_file, crlf_fn *emit, void *ctx);

/* Feed the next bytes. */
void crlf_more(struct crlf *crlf, const char *data, size_t len);

/* The body is complete. One that is not empty gets the CRLF that it lacks. */
void crlf_finish(struct crlf *crlf);

#endif
