#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUF_FIRST = 256
};

void
buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){ .max = max };
}

/* Make the allocation hold len bytes and their NUL. */
static enum status
buf_reserve(struct buf *buf, size_t len)
{
	size_t cap = buf->cap < BUF_FIRST ? BUF_FIRST : buf->cap;
	char *data;

	if (len > buf->max)
		return ST_TOO_LARGE;
	if (len < buf->cap)
		return ST_OK;
	while (cap <= len)
		cap += cap / 2;
	/* The last step lands on the cap itself: no byte over the promise. */
	if (cap > buf->max)
		cap = buf->max + 1;
	data = realloc(buf->data, cap);
	if (data == NULL)
		return ST_NO_MEMORY;
	buf->data = data;
	buf->cap = cap;
	return ST_OK;
}

enum status
buf_add_growing(struct buf *buf, const void *data, size_t len)
{
	enum status st;

	if (len > buf->max - buf->len)
		return ST_TOO_LARGE;
	st = buf_reserve(buf, buf->len + len);
	if (st != ST_OK)
		return st;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf_grow(buf, len);
	return ST_OK;
}

enum status
buf_addu(struct buf *buf, uint64_t number)
{
	char digits[20]; /* UINT64_MAX has so many */
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return buf_add(buf, digits + at, sizeof digits - at);
}

enum status
buf_addf(struct buf *buf, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text)
		return ST_TOO_LARGE;
	return buf_add(buf, text, (size_t)n);
}

enum status
buf_space(struct buf *buf, size_t want, char **space, size_t *room)
{
	enum status st;

	if (buf->len == buf->max)
		return ST_TOO_LARGE;
	if (want > buf->max - buf->len)
		want = buf->max - buf->len;
	if (buf->cap <= buf->len + 1) {
		st = buf_reserve(buf, buf->len + want);
		if (st != ST_OK)
			return st;
	}
	*space = buf->data + buf->len;
	*room = buf->cap - buf->len - 1;
	return ST_OK;
}

void
buf_grow(struct buf *buf, size_t written)
{
	buf->len += written;
	buf->data[buf->len] = '\0';
}

void
buf_cut(struct buf *buf, size_t len)
{
	if (len < buf->len) {
		buf->len = len;
		buf->data[len] = '\0';
	}
}

void
buf_free(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->max);
}
