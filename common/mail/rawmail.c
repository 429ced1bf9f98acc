#include "rawmail.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	GZIP_WINDOW = 15 + 16,
	DEFLATE_MEMORY = 8,
	BLOCK = 16384
};

struct rawmail {
	z_stream zs;
	struct spool *spool;
	bool is_in_body;
	enum status failed; /* the first trouble */
	struct fault fault;
};

struct rawmail *
rawmail_new(const char *dir, uint64_t max)
{
	struct rawmail *raw = calloc(1, sizeof *raw);

	if (raw == NULL)
		return NULL;
	raw->spool = spool_new(dir, max);
	if (raw->spool == NULL ||
	    deflateInit2(&raw->zs, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW,
		DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		spool_free(&raw->spool);
		free(raw);
		return NULL;
	}
	return raw;
}

void
rawmail_free(struct rawmail **raw)
{
	if (*raw != NULL) {
		(void)deflateEnd(&(*raw)->zs);
		spool_free(&(*raw)->spool);
		free(*raw);
		*raw = NULL;
	}
}

static void
compress_block(struct rawmail *raw, const char *data, size_t len, int flush)
{
	char out[BLOCK];

	/* zlib's interface is older than const. */
	raw->zs.next_in = (Bytef *)(uintptr_t)data;
	raw->zs.avail_in = (uInt)len;
	do {
		raw->zs.next_out = (Bytef *)out;
		raw->zs.avail_out = sizeof out;
		(void)deflate(&raw->zs, flush);
		if (raw->failed == ST_OK)
			raw->failed = spool_add(raw->spool, out,
			    sizeof out - raw->zs.avail_out, &raw->fault);
	} while (raw->failed == ST_OK && raw->zs.avail_out == 0);
}

static void
put(struct rawmail *raw, const char *data, size_t len)
{
	while (len > 0 && raw->failed == ST_OK) {
		size_t n = len < INT_MAX ? len : INT_MAX;

		compress_block(raw, data, n, Z_NO_FLUSH);
		data += n;
		len -= n;
	}
}

void
rawmail_field(struct rawmail *raw, const char *name, const char *value)
{
	put(raw, name, strlen(name));
	put(raw, ":", 1);
	/* Folds come with a bare LF. */
	while (*value != '\0') {
		size_t n = strcspn(value, "\r\n");

		put(raw, value, n);
		value += n;
		if (*value == '\r')
			value++;
		if (*value == '\n') {
			put(raw, "\r\n", 2);
			value++;
		}
	}
	put(raw, "\r\n", 2);
}

/* The blank line between header and body. */
static void
begin_body(struct rawmail *raw)
{
	if (!raw->is_in_body)
		put(raw, "\r\n", 2);
	raw->is_in_body = true;
}

void
rawmail_body(struct rawmail *raw, const char *data, size_t len)
{
	begin_body(raw);
	put(raw, data, len);
}

void
rawmail_bytes(struct rawmail *raw, const char *data, size_t len)
{
	raw->is_in_body = true;
	put(raw, data, len);
}

enum status
rawmail_finish(struct rawmail *raw, struct spool **spool, struct fault *fault)
{
	begin_body(raw);
	if (raw->failed == ST_OK)
		compress_block(raw, NULL, 0, Z_FINISH);
	if (raw->failed != ST_OK && fault != NULL)
		*fault = raw->fault;
	*spool = raw->spool;
	return raw->failed;
}
