#include "payload.h"

#include <string.h>

#include "gunzip.h"
#include "text.h"
#include "unzip.h"

enum payload
payload_sniff(const char *data, size_t len)
{
	size_t i = 0;

	if (len >= 2 && memcmp(data, "\x1f\x8b", 2) == 0)
		return PAYLOAD_GZIP;
	if (len >= 4 &&
	    (memcmp(data, "PK\3\4", 4) == 0 || memcmp(data, "PK\5\6", 4) == 0))
		return PAYLOAD_ZIP;
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < len && text_is_space(data[i]))
		i++;
	if (i == len)
		return len < PAYLOAD_SNIFF ? PAYLOAD_EMPTY : PAYLOAD_OTHER;
	return data[i] == '{' ? PAYLOAD_JSON : PAYLOAD_OTHER;
}

/* One decoding: the decoder, or none for a copy, and where faults go. */
struct decoding {
	struct gunzip *gz;
	struct unzip *uz;
	struct buf *text;
	struct fault *fault;
};

static enum status
decode_block(void *ctx, const char *data, size_t len)
{
	struct decoding *d = ctx;
	enum status st;

	if (d->gz != NULL)
		return gunzip_more(d->gz, data, len, d->fault);
	if (d->uz != NULL)
		return unzip_more(d->uz, data, len, d->fault);
	st = buf_add(d->text, data, len);
	if (st == ST_TOO_LARGE)
		return fault_at(d->fault, st, d->text->max,
		    "report exceeds %zu bytes", d->text->max);
	if (st != ST_OK)
		return fault_set(d->fault, st, "report: out of memory");
	return ST_OK;
}

static enum status
gunzip_all(const struct buf *from, struct buf *to, struct fault *fault)
{
	struct gunzip *gz = gunzip_new(to);
	enum status st;

	if (gz == NULL)
		return fault_set(fault, ST_NO_MEMORY, "inflate: out of memory");
	st = gunzip_more(gz, from->data, from->len, fault);
	if (st == ST_OK)
		st = gunzip_finish(gz, fault);
	gunzip_free(&gz);
	return st;
}

/* The text of a gzip that is gzip again. */
static enum status
decode_again(struct buf *text, deviations *dev, struct fault *fault)
{
	struct buf inner;
	enum status st;

	if (payload_sniff(text->data, text->len) != PAYLOAD_GZIP)
		return ST_OK;
	deviation_add(dev, DEV_LABEL_MISMATCH);
	buf_init(&inner, text->max);
	st = gunzip_all(text, &inner, fault);
	buf_free(text);
	*text = inner;
	return st;
}

enum status
payload_decode(struct spool *spool, enum payload kind, struct buf *text,
    deviations *dev, struct fault *fault)
{
	struct decoding d = { .text = text, .fault = fault };
	enum status st = ST_OK;

	if (kind == PAYLOAD_GZIP)
		d.gz = gunzip_new(text);
	else if (kind == PAYLOAD_ZIP)
		d.uz = unzip_new(text);
	if ((kind == PAYLOAD_GZIP && d.gz == NULL) ||
	    (kind == PAYLOAD_ZIP && d.uz == NULL))
		st = fault_set(fault, ST_NO_MEMORY, "inflate: out of memory");
	if (st == ST_OK)
		st = spool_read(spool, decode_block, &d, fault);
	if (st == ST_OK && d.gz != NULL)
		st = gunzip_finish(d.gz, fault);
	if (st == ST_OK && d.uz != NULL)
		st = unzip_finish(d.uz, fault);
	if (st == ST_OK && d.gz != NULL && gunzip_has_trailing(d.gz))
		deviation_add(dev, DEV_TRAILING_BYTES);
	gunzip_free(&d.gz);
	unzip_free(&d.uz);
	if (st == ST_OK && kind == PAYLOAD_GZIP)
		st = decode_again(text, dev, fault);
	return st;
}
