#include "mbox.h"

#include <stdio.h>
#include <string.h>

#include "rfc3339.h"

static const char mark[] = "From ";

enum {
	MARK_LEN = sizeof mark - 1
};

bool
mbox_is(const char *data, size_t len)
{
	return len >= MARK_LEN && memcmp(data, mark, MARK_LEN) == 0;
}

void
mbox_init(struct mbox *mbox, size_t max, mbox_fn *emit, void *ctx)
{
	*mbox = (struct mbox){ .emit = emit, .ctx = ctx, .was_empty = true };
	buf_init(&mbox->message, max);
}

void
mbox_free(struct mbox *mbox)
{
	buf_free(&mbox->message);
}

/*
 * "From sender Thu Feb 12 04:00:00 2026", the date as asctime(3) writes it,
 * which some write without the seconds' column or with a zone, and then it is
 * not known.
 */
static void
read_from(struct mbox_from *from, const char *line)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4], text[RFC3339_MAX];
	unsigned day, hour, minute, second, year;
	const char *at;

	*from = (struct mbox_from){ .has_date = false };
	if (sscanf(line, "From %255s %*3s %3s %2u %2u:%2u:%2u %4u",
		from->sender, month, &day, &hour, &minute, &second, &year) != 7)
		return;
	at = strlen(month) == 3 ? strstr(months, month) : NULL;
	if (at == NULL || (at - months) % 3 != 0)
		return;
	(void)snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    year, (unsigned)(at - months) / 3 + 1, day, hour, minute, second);
	from->has_date = rfc3339_parse(text, &from->date) != RFC3339_INVALID;
}

/* Append to the message as far as there is room. */
static enum status
add(struct mbox *mbox, const char *data, size_t len)
{
	size_t room = mbox->message.max - mbox->message.len;

	if (len > room) {
		mbox->is_cut = true;
		len = room;
	}
	return buf_add(&mbox->message, data, len);
}

/* The empty line before a "From " line is no part of the message. */
static void
drop_empty_line(struct buf *message)
{
	size_t n = message->len;

	if (n < 2 || message->data[n - 1] != '\n')
		return;
	n--;
	if (n > 1 && message->data[n - 1] == '\r')
		n--;
	if (message->data[n - 1] == '\n')
		buf_cut(message, n);
}

static enum status
end_message(struct mbox *mbox)
{
	enum status st = ST_OK;

	if (!mbox->is_cut)
		drop_empty_line(&mbox->message);
	if (mbox->has_message)
		st = mbox->emit(
		    mbox->ctx, &mbox->message, &mbox->from, mbox->is_cut);
	buf_free(&mbox->message);
	return st;
}

/* The line is whole, but for its end if the file ends there. */
static enum status
end_line(struct mbox *mbox)
{
	const char *line = mbox->line;
	size_t len = mbox->len, quotes = 0;
	enum status st;

	mbox->len = 0;
	if (mbox->was_empty && mbox_is(line, len)) {
		st = end_message(mbox);
		mbox->line[len] = '\0'; /* there is room */
		read_from(&mbox->from, line);
		mbox->has_message = true;
		mbox->is_cut = false;
		mbox->was_empty = false;
		return st;
	}
	mbox->was_empty = (len == 1 && line[0] == '\n') ||
	    (len == 2 && memcmp(line, "\r\n", 2) == 0);
	while (quotes < len && line[quotes] == '>')
		quotes++;
	if (quotes > 0 && mbox_is(line + quotes, len - quotes)) {
		line++;
		len--;
	}
	return add(mbox, line, len);
}

/* Bytes of a line that has outgrown the buffer go on as they are. */
static enum status
add_long(struct mbox *mbox, const char *data, size_t len)
{
	enum status st = ST_OK;

	if (!mbox->is_long) {
		size_t kept = mbox->len;

		mbox->is_long = true;
		mbox->was_empty = false;
		mbox->len = 0;
		st = add(mbox, mbox->line, kept);
	}
	return st == ST_OK ? add(mbox, data, len) : st;
}

enum status
mbox_more(struct mbox *mbox, const char *data, size_t len)
{
	enum status st = ST_OK;

	while (len > 0 && st == ST_OK) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - data) + 1 : len;

		if (mbox->is_long || n >= sizeof mbox->line - mbox->len) {
			st = add_long(mbox, data, n);
			mbox->is_long = nl == NULL;
		} else {
			memcpy(mbox->line + mbox->len, data, n);
			mbox->len += n;
			if (nl != NULL)
				st = end_line(mbox);
		}
		data += n;
		len -= n;
	}
	return st;
}

enum status
mbox_finish(struct mbox *mbox)
{
	enum status st = mbox->len > 0 ? end_line(mbox) : ST_OK;

	return st == ST_OK ? end_message(mbox) : st;
}
