#include "logreader.h"

#include <string.h>

void
logreader_init(struct logreader *reader,
    void (*line)(void *ctx, const char *line, size_t len), void *ctx)
{
	reader->line = line;
	reader->ctx = ctx;
	reader->cut = 0;
	reader->len = 0;
	reader->is_skipping = false;
}

static void
hand_over(struct logreader *reader, const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	reader->line(reader->ctx, line, len);
}

/* Keep a piece of a line whose end has not come yet. */
static void
keep(struct logreader *reader, const char *data, size_t len)
{
	size_t room = sizeof reader->buffer - reader->len;

	if (len > room) {
		reader->cut += !reader->is_skipping;
		reader->is_skipping = true;
		len = room;
	}
	memcpy(reader->buffer + reader->len, data, len);
	reader->len += len;
}

static void
end_line(struct logreader *reader, const char *data, size_t len)
{
	/* Mostly the whole line is within the block: no copy. */
	if (reader->len == 0 && len <= sizeof reader->buffer) {
		hand_over(reader, data, len);
		return;
	}
	keep(reader, data, len);
	hand_over(reader, reader->buffer, reader->len);
	reader->len = 0;
	reader->is_skipping = false;
}

void
logreader_more(struct logreader *reader, const char *data, size_t len)
{
	while (len > 0) {
		const char *end = memchr(data, '\n', len);

		if (end == NULL) {
			keep(reader, data, len);
			return;
		}
		end_line(reader, data, (size_t)(end - data));
		len -= (size_t)(end - data) + 1;
		data = end + 1;
	}
}

void
logreader_finish(struct logreader *reader)
{
	if (reader->len > 0)
		end_line(reader, "", 0);
}
