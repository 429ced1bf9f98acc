/*
 * fuzz-mime: the structure of a message.
 *
 * Parts and their bytes must be the same however the body is cut, and a part
 * begins, has data and ends in that order, within the limits.
 */
#include "buf.h"
#include "fuzz.h"
#include "header.h"
#include "mime.h"

enum {
	RECORD_MAX = 16 << 20
};

/* What the walker handed over, and what it said at the end. */
struct walk {
	struct buf record;
	struct mime *mime;
	size_t parts;
	bool is_open;
	enum status status;
	struct fault fault;
	deviations dev;
	bool is_tlsrpt;
};

static void
add_string(struct buf *record, const char *string)
{
	FUZZ_CHECK(buf_adds(record, string) == ST_OK);
	FUZZ_CHECK(buf_addc(record, '\n') == ST_OK);
}

static enum status
begin(void *ctx, const struct mime_part *part)
{
	struct walk *walk = ctx;

	FUZZ_CHECK(!walk->is_open);
	walk->is_open = true;
	walk->parts++;
	FUZZ_CHECK(!part->is_top || walk->parts == 1);
	add_string(&walk->record, part->type);
	add_string(&walk->record, part->filename);
	add_string(&walk->record, part->description);
	return buf_addf(&walk->record, "%d%d%d\n", (int)part->encoding,
	    part->is_top, part->is_quoted);
}

static enum status
data(void *ctx, const char *bytes, size_t len)
{
	struct walk *walk = ctx;

	FUZZ_CHECK(walk->is_open);
	return buf_add(&walk->record, bytes, len);
}

static enum status
end(void *ctx)
{
	struct walk *walk = ctx;

	FUZZ_CHECK(walk->is_open);
	walk->is_open = false;
	return buf_adds(&walk->record, "\nEND\n");
}

static enum status
take_field(void *ctx, const char *name, const char *value)
{
	struct walk *walk = ctx;

	return mime_field(walk->mime, name, value);
}

/* Feed the header block; returns where the body begins. */
static size_t
feed_header(struct walk *walk, const char *text, size_t size)
{
	struct header_splitter splitter;
	size_t used = 0;

	header_splitter_init(&splitter, take_field, walk);
	FUZZ_CHECK(header_splitter_more(&splitter, text, size, &used) == ST_OK);
	FUZZ_CHECK(header_splitter_finish(&splitter) == ST_OK);
	header_splitter_free(&splitter);
	return used;
}

static void
walk_message(struct walk *walk, const char *text, size_t size,
    struct fuzz_cuts cuts, const struct mime_limits *limits)
{
	static const struct mime_handler handler = { begin, data, end };
	enum status st = ST_OK;
	size_t at, n;

	*walk = (struct walk){ 0 };
	buf_init(&walk->record, RECORD_MAX);
	walk->mime = mime_new(&handler, walk, limits);
	FUZZ_CHECK(walk->mime != NULL);
	for (at = feed_header(walk, text, size); at < size; at += n) {
		char *piece;

		n = fuzz_next(&cuts, size - at);
		piece = fuzz_copy(text + at, n);
		st = mime_body(walk->mime, piece, n, &walk->fault);
		free(piece);
	}
	walk->status = mime_finish(walk->mime, &walk->fault);
	FUZZ_CHECK(st == ST_OK || st == walk->status);
	FUZZ_CHECK(walk->status == ST_OK || walk->status == ST_TOO_DEEP ||
	    walk->status == ST_TOO_MANY_PARTS);
	FUZZ_CHECK(walk->status != ST_OK || !walk->is_open);
	FUZZ_CHECK(walk->status == walk->fault.status);
	FUZZ_CHECK(walk->parts <=
	    (limits != NULL ? limits->parts_max : (size_t)MIME_PARTS_MAX));
	walk->dev = mime_deviations(walk->mime);
	walk->is_tlsrpt = mime_is_tlsrpt(walk->mime);
	mime_free(&walk->mime);
	FUZZ_CHECK(walk->mime == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct mime_limits tight = { 3, 8 };
	const struct mime_limits *limits =
	    fuzz_byte(bytes, &size) & 1 ? &tight : NULL;
	struct fuzz_cuts cuts = fuzz_cuts(bytes, &size);
	const char *text = (const char *)bytes;
	struct walk whole, pieces;

	walk_message(&whole, text, size, fuzz_whole(), limits);
	walk_message(&pieces, text, size, cuts, limits);
	FUZZ_CHECK(whole.status == pieces.status);
	FUZZ_CHECK(whole.parts == pieces.parts);
	FUZZ_CHECK(whole.dev == pieces.dev);
	FUZZ_CHECK(whole.is_tlsrpt == pieces.is_tlsrpt);
	FUZZ_CHECK(whole.record.len == pieces.record.len);
	FUZZ_CHECK(whole.record.len == 0 ||
	    memcmp(whole.record.data, pieces.record.data, whole.record.len) ==
		0);
	buf_free(&whole.record);
	buf_free(&pieces.record);
	return 0;
}
