/*
 * base64: a streaming decoder (RFC 2045, section 6.8).
 *
 * White space is passed over. Other bytes outside the alphabet are passed over
 * too, as the RFC asks, but counted: a report that does not decode after them
 * is base64-corrupt.
 */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct base64 {
	uint32_t bits;     /* digits not yet put out */
	unsigned digits;   /* how many, 0 to 3 */
	bool is_padded;    /* a "=" has been seen */
	uint64_t garbage;  /* bytes outside the alphabet, or behind padding */
	uint64_t produced; /* bytes put out so far */
	uint64_t garbage_offset; /* produced at the first garbage byte */
};

void base64_init(struct base64 *b64);

/* Bytes that out must have room for when len bytes are fed. */
#define BASE64_ROOM(len) ((len) / 4 * 3 + 6)

/*
 * Decode len bytes to out, which has BASE64_ROOM(len). Returns how many bytes
 * were written. A last group without its padding is completed by
 * base64_finish(), which writes at most two bytes.
 */
size_t base64_more(struct base64 *b64, const char *data, size_t len, char *out);
size_t base64_finish(struct base64 *b64, char *out);

#endif
