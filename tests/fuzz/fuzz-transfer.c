/*
 * fuzz-transfer: base64 and quoted-printable.
 *
 * What comes out must fit the room that the headers promise, be the same
 * however the input is cut, and, of an input that was encoded first, be that
 * input.
 */
#include "base64.h"
#include "buf.h"
#include "fuzz.h"
#include "qp.h"

enum {
	OUT_MAX = 64 << 20
};

static void
decode_base64(struct buf *out, struct base64 *b64, const char *text,
    size_t size, struct fuzz_cuts cuts)
{
	char tail[2];
	size_t n, got;

	buf_init(out, OUT_MAX);
	base64_init(b64);
	for (size_t at = 0; at < size; at += n) {
		char *piece, *room;

		n = fuzz_next(&cuts, size - at);
		piece = fuzz_copy(text + at, n);
		room = malloc(BASE64_ROOM(n));
		FUZZ_CHECK(room != NULL);
		got = base64_more(b64, piece, n, room);
		FUZZ_CHECK(got <= BASE64_ROOM(n));
		FUZZ_CHECK(buf_add(out, room, got) == ST_OK);
		FUZZ_CHECK(b64->produced == out->len);
		free(piece);
		free(room);
	}
	got = base64_finish(b64, tail);
	FUZZ_CHECK(got <= sizeof(tail));
	FUZZ_CHECK(buf_add(out, tail, got) == ST_OK);
	FUZZ_CHECK(b64->produced == out->len);
	FUZZ_CHECK(b64->garbage == 0 || b64->garbage_offset <= out->len);
}

static void
decode_qp(struct buf *out, const char *text, size_t size, struct fuzz_cuts cuts)
{
	struct qp qp;
	char *room;
	size_t n, got;

	buf_init(out, OUT_MAX);
	qp_init(&qp);
	for (size_t at = 0; at < size; at += n) {
		char *piece;

		n = fuzz_next(&cuts, size - at);
		piece = fuzz_copy(text + at, n);
		room = malloc(QP_ROOM(n));
		FUZZ_CHECK(room != NULL);
		got = qp_more(&qp, piece, n, room);
		FUZZ_CHECK(got <= QP_ROOM(n));
		FUZZ_CHECK(buf_add(out, room, got) == ST_OK);
		free(piece);
		free(room);
	}
	room = malloc(QP_ROOM(0));
	FUZZ_CHECK(room != NULL);
	got = qp_finish(&qp, room);
	FUZZ_CHECK(got <= QP_ROOM(0));
	FUZZ_CHECK(buf_add(out, room, got) == ST_OK);
	free(room);
	FUZZ_CHECK(out->len <= size);
}

static void
check_equal(struct buf *out, const void *want, size_t len)
{
	FUZZ_CHECK(out->len == len);
	FUZZ_CHECK(len == 0 || memcmp(out->data, want, len) == 0);
	buf_free(out);
}

static void
as_it_is(const char *text, size_t size, struct fuzz_cuts cuts)
{
	struct buf whole, pieces;
	struct base64 one, two;

	decode_base64(&whole, &one, text, size, fuzz_whole());
	decode_base64(&pieces, &two, text, size, cuts);
	FUZZ_CHECK(one.garbage == two.garbage);
	FUZZ_CHECK(one.garbage_offset == two.garbage_offset);
	FUZZ_CHECK(one.is_padded == two.is_padded);
	check_equal(&pieces, whole.data, whole.len);
	buf_free(&whole);
	decode_qp(&whole, text, size, fuzz_whole());
	decode_qp(&pieces, text, size, cuts);
	check_equal(&pieces, whole.data, whole.len);
	buf_free(&whole);
}

/* With line ends now and then, and with or without its padding. */
static void
encode_base64(struct buf *out, const uint8_t *p, size_t size, bool is_padded)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	buf_init(out, OUT_MAX);
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t v = (uint32_t)p[i] << 16;
		char group[4];

		v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= left > 2 ? p[i + 2] : 0;
		group[0] = digit[v >> 18];
		group[1] = digit[v >> 12 & 63];
		group[2] = left > 1 ? digit[v >> 6 & 63] : '=';
		group[3] = left > 2 ? digit[v & 63] : '=';
		FUZZ_CHECK(buf_add(out, group,
			       is_padded || left > 2 ? 4 : left + 1) == ST_OK);
		if (i % 57 == 54)
			FUZZ_CHECK(buf_adds(out, "\r\n") == ST_OK);
	}
}

/* Bytes as they stand where that is allowed and the input says so. */
static void
encode_qp(struct buf *out, const uint8_t *p, size_t size)
{
	buf_init(out, OUT_MAX);
	for (size_t i = 0; i < size; i++) {
		if (p[i] > ' ' && p[i] < 0x7f && p[i] != '=')
			FUZZ_CHECK(buf_addc(out, (char)p[i]) == ST_OK);
		else
			FUZZ_CHECK(buf_addf(out, "=%02X", p[i]) == ST_OK);
		if (i % 25 == 24)
			FUZZ_CHECK(buf_adds(out, "= \r\n") == ST_OK);
	}
}

static void
encoded_first(const uint8_t *data, size_t size, struct fuzz_cuts cuts)
{
	struct buf text, out;
	struct base64 b64;

	encode_base64(&text, data, size, cuts.state & 1);
	decode_base64(&out, &b64, text.data, text.len, cuts);
	FUZZ_CHECK(b64.garbage == 0);
	check_equal(&out, data, size);
	buf_free(&text);
	encode_qp(&text, data, size);
	decode_qp(&out, text.data, text.len, cuts);
	check_equal(&out, data, size);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);

	as_it_is((const char *)data, size, cuts);
	encoded_first(data, size, cuts);
	return 0;
}
