/*
 * fuzz-gunzip: gzip and zip, as they come and made from the input.
 *
 * The input as compressed bytes, whose checksum hardly ever fits, and the input
 * compressed first, so that what is behind the checksum is reached: several
 * members, trailing bytes, a limit that is met exactly, one flipped bit. The
 * result must be the same however the bytes are cut, and never over the limit.
 */
#include <zlib.h>

#include "buf.h"
#include "fuzz.h"
#include "gunzip.h"
#include "unzip.h"

enum {
	OUT_MAX = 65536,
	PACKED_MAX = 1 << 20
};

struct result {
	enum status status;
	struct fault fault;
	bool has_trailing;
	struct buf text;
};

static void
check_result(const struct result *r)
{
	FUZZ_CHECK(r->text.len <= r->text.max);
	FUZZ_CHECK(r->status == ST_OK || r->fault.status == r->status);
	FUZZ_CHECK(r->status == ST_OK || r->status == ST_GZIP_CORRUPT ||
	    r->status == ST_GZIP_TRUNCATED || r->status == ST_TOO_LARGE ||
	    r->status == ST_ZIP_UNSUPPORTED);
	FUZZ_CHECK(!r->fault.has_offset || r->fault.offset <= r->text.len);
}

static void
decode_gzip(struct result *r, const char *data, size_t size,
    struct fuzz_cuts cuts, size_t max)
{
	struct gunzip *gz;
	size_t n;

	*r = (struct result){ .status = ST_OK };
	buf_init(&r->text, max);
	gz = gunzip_new(&r->text);
	FUZZ_CHECK(gz != NULL);
	for (size_t at = 0; at < size && r->status == ST_OK; at += n) {
		char *piece;

		n = fuzz_next(&cuts, size - at);
		piece = fuzz_copy(data + at, n);
		r->status = gunzip_more(gz, piece, n, &r->fault);
		free(piece);
	}
	if (r->status == ST_OK) {
		r->status = gunzip_finish(gz, &r->fault);
		r->has_trailing = gunzip_has_trailing(gz);
	}
	gunzip_free(&gz);
	FUZZ_CHECK(r->status != ST_ZIP_UNSUPPORTED);
	check_result(r);
}

static void
decode_zip(struct result *r, const char *data, size_t size,
    struct fuzz_cuts cuts, size_t max)
{
	struct unzip *uz;
	size_t n;

	*r = (struct result){ .status = ST_OK };
	buf_init(&r->text, max);
	uz = unzip_new(&r->text);
	FUZZ_CHECK(uz != NULL);
	for (size_t at = 0; at < size && r->status == ST_OK; at += n) {
		char *piece;

		n = fuzz_next(&cuts, size - at);
		piece = fuzz_copy(data + at, n);
		r->status = unzip_more(uz, piece, n, &r->fault);
		free(piece);
	}
	if (r->status == ST_OK)
		r->status = unzip_finish(uz, &r->fault);
	unzip_free(&uz);
	check_result(r);
}

static void
check_equal(struct result *a, struct result *b)
{
	FUZZ_CHECK(a->status == b->status);
	FUZZ_CHECK(a->has_trailing == b->has_trailing);
	FUZZ_CHECK(a->text.len == b->text.len);
	FUZZ_CHECK(a->text.len == 0 ||
	    memcmp(a->text.data, b->text.data, a->text.len) == 0);
	FUZZ_CHECK(a->status == ST_OK || a->fault.offset == b->fault.offset);
	buf_free(&b->text);
}

/* Deflate to out, with a gzip wrapper (window 15 + 16) or none (-15). */
static void
deflate_to(
    struct buf *out, const uint8_t *data, size_t size, int window, int level)
{
	z_stream z = { 0 };
	char *space = malloc(size + size / 2 + 256);

	FUZZ_CHECK(space != NULL);
	FUZZ_CHECK(deflateInit2(&z, level, Z_DEFLATED, window, 8, 0) == Z_OK);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)size;
	z.next_out = (Bytef *)space;
	z.avail_out = (uInt)(size + size / 2 + 256);
	FUZZ_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	FUZZ_CHECK(buf_add(out, space, z.total_out) == ST_OK);
	deflateEnd(&z);
	free(space);
}

static void
put_le(struct buf *out, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++, value >>= 8)
		FUZZ_CHECK(buf_addc(out, (char)(value & 0xff)) == ST_OK);
}

/* A local header, the member, perhaps a descriptor, and the directory. */
static void
make_zip(struct buf *out, const uint8_t *data, size_t size, unsigned how)
{
	bool has_descriptor = how & 1, is_stored = how & 2 && !has_descriptor;
	uint32_t crc = (uint32_t)crc32(0, data, (uInt)size);
	struct buf member;

	buf_init(&member, PACKED_MAX);
	if (is_stored)
		FUZZ_CHECK(buf_add(&member, data, size) == ST_OK);
	else
		deflate_to(&member, data, size, -15, 6);
	put_le(out, 0x04034b50, 4);
	put_le(out, 20, 2);
	put_le(out, has_descriptor ? 8 : 0, 2);
	put_le(out, is_stored ? 0 : 8, 2);
	put_le(out, 0, 4);
	put_le(out, has_descriptor ? 0 : crc, 4);
	put_le(out, has_descriptor ? 0 : (uint32_t)member.len, 4);
	put_le(out, has_descriptor ? 0 : (uint32_t)size, 4);
	put_le(out, 6, 2);
	put_le(out, how & 4 ? 3 : 0, 2);
	FUZZ_CHECK(buf_adds(out, how & 4 ? "a.jsonxxx" : "a.json") == ST_OK);
	FUZZ_CHECK(buf_add(out, member.data, member.len) == ST_OK);
	if (has_descriptor) {
		if (how & 8)
			put_le(out, 0x08074b50, 4);
		put_le(out, crc, 4);
		put_le(out, (uint32_t)member.len, 4);
		put_le(out, (uint32_t)size, 4);
	}
	put_le(out, 0x02014b50, 4);
	FUZZ_CHECK(
	    buf_add(out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) == ST_OK);
	buf_free(&member);
}

/* One or two members, and perhaps bytes behind them. */
static bool
make_gzip(struct buf *out, const uint8_t *data, size_t size, unsigned how)
{
	size_t first = how & 1 ? size / 2 : size;

	deflate_to(out, data, first, 15 + 16, how & 2 ? 0 : 9);
	if (first < size)
		deflate_to(out, data + first, size - first, 15 + 16, 6);
	if (how & 4)
		FUZZ_CHECK(buf_add(out, "\x1f\x8c\0\0", 4) == ST_OK);
	return how & 4;
}

/* What was compressed must come out whole, and not under a smaller limit. */
static void
compressed_first(const uint8_t *data, size_t size, struct fuzz_cuts cuts,
    unsigned how, bool is_zip)
{
	void (*decode)(struct result *, const char *, size_t, struct fuzz_cuts,
	    size_t) = is_zip ? decode_zip : decode_gzip;
	struct result whole, pieces;
	struct buf packed;
	bool is_trailing = false;

	buf_init(&packed, PACKED_MAX);
	if (is_zip)
		make_zip(&packed, data, size, how);
	else
		is_trailing = make_gzip(&packed, data, size, how);
	decode(
	    &whole, packed.data, packed.len, fuzz_whole(), size + (size == 0));
	FUZZ_CHECK(whole.status == ST_OK);
	FUZZ_CHECK(whole.has_trailing == is_trailing);
	FUZZ_CHECK(whole.text.len == size);
	FUZZ_CHECK(size == 0 || memcmp(whole.text.data, data, size) == 0);
	decode(&pieces, packed.data, packed.len, cuts, size + (size == 0));
	check_equal(&whole, &pieces);
	buf_free(&whole.text);
	if (size > 1) {
		decode(&pieces, packed.data, packed.len, cuts, size - 1);
		FUZZ_CHECK(pieces.status == ST_TOO_LARGE);
		buf_free(&pieces.text);
	}
	/* One bit wrong: any result will do, but the same one each time. */
	packed.data[cuts.state % packed.len] ^= (char)(1 << (how & 7));
	decode(&whole, packed.data, packed.len, fuzz_whole(), OUT_MAX);
	decode(&pieces, packed.data, packed.len, cuts, OUT_MAX);
	check_equal(&whole, &pieces);
	buf_free(&whole.text);
	buf_free(&packed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned how = fuzz_byte(data, &size);
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);
	struct result whole, pieces;
	size_t max = how & 1 ? OUT_MAX : 100;

	decode_gzip(&whole, (const char *)data, size, fuzz_whole(), max);
	decode_gzip(&pieces, (const char *)data, size, cuts, max);
	check_equal(&whole, &pieces);
	buf_free(&whole.text);
	decode_zip(&whole, (const char *)data, size, fuzz_whole(), max);
	decode_zip(&pieces, (const char *)data, size, cuts, max);
	check_equal(&whole, &pieces);
	buf_free(&whole.text);
	compressed_first(data, size, cuts, how, false);
	compressed_first(data, size, cuts, how, true);
	return 0;
}
