#include "feed.h"

static enum status
take_field(void *ctx, const char *name, const char *value)
{
	intake_field(ctx, name, value);
	return ST_OK;
}

static void
take_body(void *ctx, char *data, size_t len)
{
	intake_body(ctx, data, len);
}

void
feed_init(struct feed *feed, struct intake *intake)
{
	feed->intake = intake;
	header_splitter_init(&feed->splitter, take_field, intake);
	crlf_init(&feed->crlf, true, take_body, intake);
}

enum status
feed_more(struct feed *feed, const char *data, size_t len)
{
	enum status st = ST_OK;
	size_t used = 0;

	if (!feed->splitter.is_done)
		st = header_splitter_more(&feed->splitter, data, len, &used);
	if (st == ST_OK && used < len)
		crlf_more(&feed->crlf, data + used, len - used);
	return st;
}

enum status
feed_finish(struct feed *feed)
{
	enum status st = header_splitter_finish(&feed->splitter);

	header_splitter_free(&feed->splitter);
	crlf_finish(&feed->crlf);
	return st;
}
