/*
 * mbox: the messages of an mbox file (RFC 4155), one after the other.
 *
 * A message begins behind a line "From ..." at the start of the file or behind
 * an empty line. ">From ", with any number of ">", loses one (the "mboxrd"
 * way; "mboxo" files quote less, and lose no more than that). The empty line
 * before the next "From " line belongs to that.
 */
#ifndef MBOX_H
#define MBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "status.h"

enum {
	MBOX_LINE_MAX = 1024, /* bytes of a line that begins with "From " */
	MBOX_SENDER_MAX = 256
};

/* What the "From " line says. */
struct mbox_from {
	char sender[MBOX_SENDER_MAX]; /* envelope sender, "" when unknown */
	bool has_date;
	int64_t date; /* seconds since 1970, taken as UTC */
};

/*
 * Handed each message, which may be kept by taking its bytes over. is_cut: it
 * was larger than the cap, and what is over is missing. A status other than
 * ST_OK ends the splitting.
 */
typedef enum status mbox_fn(
    void *ctx, struct buf *message, const struct mbox_from *from, bool is_cut);

/* Private. */
struct mbox {
	mbox_fn *emit;
	void *ctx;
	struct buf message;
	struct mbox_from from;
	bool has_message;
	bool is_cut;
	bool was_empty; /* the last line, or there was none */
	bool is_long;   /* the line is being passed on in pieces */
	size_t len;     /* bytes in line */
	char line[MBOX_LINE_MAX];
};

/* Does a file that begins with these bytes look like an mbox? */
bool mbox_is(const char *data, size_t len);

/* max: bytes kept of one message. */
void mbox_init(struct mbox *mbox, size_t max, mbox_fn *emit, void *ctx);

/*
 * Feed the next bytes, cut anywhere. What emit returned, or ST_NO_MEMORY; after
 * that only mbox_free() may follow.
 */
enum status mbox_more(struct mbox *mbox, const char *data, size_t len);

/* The file has ended: the last message. */
enum status mbox_finish(struct mbox *mbox);

void mbox_free(struct mbox *mbox);

#endif
