/*
 * fuzz-mbox: the messages of an mbox are the same however it is cut, and no
 * byte comes from nowhere.
 */
#include "buf.h"
#include "fuzz.h"
#include "mbox.h"

enum {
	RECORD_MAX = 16 << 20
};

struct found {
	struct buf record;
	size_t bytes;
	size_t max;
};

static enum status
collect(
    void *ctx, struct buf *message, const struct mbox_from *from, bool is_cut)
{
	struct found *found = ctx;

	FUZZ_CHECK(message->len <= found->max);
	FUZZ_CHECK(!is_cut || message->len == found->max);
	FUZZ_CHECK(strlen(from->sender) < MBOX_SENDER_MAX);
	FUZZ_CHECK(from->has_date || from->date == 0);
	found->bytes += message->len;
	FUZZ_CHECK(buf_addf(&found->record, "\n%zu %lld %d ", message->len,
		       (long long)from->date, is_cut) == ST_OK);
	FUZZ_CHECK(buf_adds(&found->record, from->sender) == ST_OK);
	return message->len > 0
	    ? buf_add(&found->record, message->data, message->len)
	    : ST_OK;
}

static void
split(const char *data, size_t size, struct fuzz_cuts cuts, struct found *found)
{
	struct mbox mbox;

	buf_init(&found->record, RECORD_MAX);
	mbox_init(&mbox, found->max, collect, found);
	for (size_t at = 0, n; at < size; at += n) {
		char *piece;

		n = fuzz_next(&cuts, size - at);
		piece = fuzz_copy(data + at, n);
		FUZZ_CHECK(mbox_more(&mbox, piece, n) == ST_OK);
		free(piece);
	}
	FUZZ_CHECK(mbox_finish(&mbox) == ST_OK);
	mbox_free(&mbox);
	FUZZ_CHECK(found->bytes <= size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);
	size_t max = cuts.state % 3 == 0 ? 40 : RECORD_MAX;
	struct found whole = { .max = max }, pieces = { .max = max };

	split((const char *)data, size, fuzz_whole(), &whole);
	split((const char *)data, size, cuts, &pieces);
	FUZZ_CHECK(whole.record.len == pieces.record.len);
	FUZZ_CHECK(whole.record.len == 0 ||
	    memcmp(whole.record.data, pieces.record.data, whole.record.len) ==
		0);
	buf_free(&whole.record);
	buf_free(&pieces.record);
	return 0;
}
