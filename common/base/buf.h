/*
 * buf: a growing byte buffer whose cap is set where it is made.
 *
 * Overflow is an error, never an abort. The bytes are always followed by a NUL
 * that does not count, so that data can be used as a string when it holds none
 * itself.
 */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "status.h"

struct buf {
	char *data; /* NULL until the first byte; valid until the next call */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated, the NUL included */
	size_t max; /* bytes that len may reach */
};

/* Make an empty buffer of at most max bytes. Allocates nothing. */
void buf_init(struct buf *buf, size_t max);

/*
 * Append len bytes. All or nothing: ST_TOO_LARGE when max would be passed,
 * ST_NO_MEMORY when the memory is not to be had.
 */
static inline enum status
buf_add(struct buf *buf, const void *data, size_t len);
static inline enum status buf_adds(struct buf *buf, const char *string);
static inline enum status buf_addc(struct buf *buf, char c);
/* A number in decimal. */
enum status buf_addu(struct buf *buf, uint64_t number);
/* As printf(3), for short pieces: ST_TOO_LARGE for 256 bytes and more. */
enum status buf_addf(struct buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Room for at least one and at best want bytes behind the last one, for a
 * producer that writes in place and then calls buf_grow() with what it wrote.
 * *space and *room are set on ST_OK only.
 */
enum status buf_space(struct buf *buf, size_t want, char **space, size_t *room);
void buf_grow(struct buf *buf, size_t written);

/* Drop what is behind the first len bytes; the memory is kept. */
void buf_cut(struct buf *buf, size_t len);

/* Free the memory. The buffer may be used again under its old cap. */
void buf_free(struct buf *buf);

/* The rest of buf_add(), where the allocation has to grow. */
enum status buf_add_growing(struct buf *buf, const void *data, size_t len);

static inline enum status
buf_add(struct buf *buf, const void *data, size_t len)
{
	/* The allocation, less the NUL, is never larger than max. */
	if (len == 0 || len >= buf->cap - buf->len)
		return buf_add_growing(buf, data, len);
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return ST_OK;
}

static inline enum status
buf_adds(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

static inline enum status
buf_addc(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

#endif
