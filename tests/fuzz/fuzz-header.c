/*
 * fuzz-header: header blocks and the values of their fields.
 *
 * The fields must be the same however the input is cut, and what is read from
 * a value must keep within its buffer.
 */
#include <ctype.h>

#include "buf.h"
#include "fuzz.h"
#include "header.h"

enum {
	RECORD_MAX = 16 << 20
};

/* A buffer of just that size, which the sanitizer guards. */
static void
read_value(const char *value, size_t size)
{
	static const char *const param[] = { "boundary", "report-type", "name",
		"filename" };
	char *out = malloc(size);

	FUZZ_CHECK(out != NULL);
	header_token(value, out, size);
	FUZZ_CHECK(strlen(out) < size);
	for (const char *p = out; *p != '\0'; p++)
		FUZZ_CHECK(!(*p >= 'A' && *p <= 'Z'));
	for (size_t i = 0; i < sizeof(param) / sizeof(param[0]); i++) {
		memset(out, 'x', size);
		if (header_param(value, param[i], out, size))
			FUZZ_CHECK(memchr(out, '\0', size) != NULL);
		else
			FUZZ_CHECK(out[0] == 'x' && out[size - 1] == 'x');
	}
	header_unfold(value, out, size);
	FUZZ_CHECK(strlen(out) < size);
	FUZZ_CHECK(strpbrk(out, "\r\n\t") == NULL);
	FUZZ_CHECK(out[0] != ' ' && strstr(out, "  ") == NULL);
	memset(out, 'x', size);
	if (header_address_domain(value, out, size))
		FUZZ_CHECK(out[0] != '\0' && strlen(out) < size);
	else
		FUZZ_CHECK(out[0] == 'x');
	free(out);
}

static enum status
take_field(void *ctx, const char *name, const char *value)
{
	struct buf *record = ctx;

	FUZZ_CHECK(name[0] != '\0' && strchr(name, ':') == NULL);
	FUZZ_CHECK(strlen(name) + strlen(value) < HEADER_FIELD_MAX);
	FUZZ_CHECK(buf_adds(record, name) == ST_OK);
	FUZZ_CHECK(buf_addc(record, '\0') == ST_OK);
	FUZZ_CHECK(buf_adds(record, value) == ST_OK);
	FUZZ_CHECK(buf_addc(record, '\0') == ST_OK);
	return ST_OK;
}

/* Split the input; returns how much of it was header. */
static size_t
split(const char *data, size_t size, struct fuzz_cuts cuts, struct buf *record)
{
	struct header_splitter splitter;
	size_t at = 0, used, n;

	header_splitter_init(&splitter, take_field, record);
	while (at < size && !splitter.is_done) {
		char *piece;

		n = fuzz_next(&cuts, size - at);
		piece = fuzz_copy(data + at, n);
		FUZZ_CHECK(
		    header_splitter_more(&splitter, piece, n, &used) == ST_OK);
		FUZZ_CHECK(used == n || (used < n && splitter.is_done));
		free(piece);
		at += used;
	}
	FUZZ_CHECK(header_splitter_finish(&splitter) == ST_OK);
	header_splitter_free(&splitter);
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);
	const char *text = (const char *)data;
	struct buf whole, pieces;

	buf_init(&whole, RECORD_MAX);
	buf_init(&pieces, RECORD_MAX);
	FUZZ_CHECK(split(text, size, fuzz_whole(), &whole) ==
	    split(text, size, cuts, &pieces));
	FUZZ_CHECK(whole.len == pieces.len);
	FUZZ_CHECK(
	    whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
	for (size_t i = 0; i < whole.len; i += strlen(whole.data + i) + 1) {
		read_value(whole.data + i, 1 + cuts.state % 40);
		read_value(whole.data + i, HEADER_VALUE_MAX);
	}
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
