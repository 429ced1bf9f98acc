#include "inflate.h"

#include <limits.h>

enum {
	INFLATE_ROOM = 65536
};

static enum status
inflate_fault(
    int rc, const z_stream *zs, const struct buf *out, struct fault *fault)
{
	if (rc == Z_MEM_ERROR)
		return fault_set(fault, ST_NO_MEMORY, "inflate: out of memory");
	return fault_at(fault, ST_GZIP_CORRUPT, out->len, "%s",
	    zs->msg != NULL ? zs->msg : "bad compressed data");
}

/*
 * The output is full and the stream has not ended: is there one more byte?
 * Only then it is too large, and not when just the trailer is still to come.
 */
static int
inflate_past_end(z_stream *zs, bool *is_over)
{
	unsigned char extra;
	int rc;

	zs->next_out = &extra;
	zs->avail_out = 1;
	rc = inflate(zs, Z_NO_FLUSH);
	*is_over = zs->avail_out == 0;
	zs->next_out = Z_NULL;
	return rc;
}

enum status
inflate_step(z_stream *zs, struct buf *out, const char *data, size_t len,
    size_t *used, bool *is_end, struct fault *fault)
{
	uInt fed = len > UINT_MAX ? UINT_MAX : (uInt)len;
	bool is_over = false;
	int rc;

	*is_end = false;
	/* zlib's interface is older than const. */
	zs->next_in = (Bytef *)(uintptr_t)data;
	zs->avail_in = fed;
	do {
		char *space;
		size_t room;
		enum status st = buf_space(out, INFLATE_ROOM, &space, &room);

		if (st == ST_TOO_LARGE) {
			rc = inflate_past_end(zs, &is_over);
		} else if (st != ST_OK) {
			return fault_set(fault, st, "report: out of memory");
		} else {
			if (room > UINT_MAX)
				room = UINT_MAX;
			zs->next_out = (Bytef *)space;
			zs->avail_out = (uInt)room;
			rc = inflate(zs, Z_NO_FLUSH);
			buf_grow(out, room - zs->avail_out);
		}
		if (is_over)
			return fault_at(fault, ST_TOO_LARGE, out->len,
			    "decoded report exceeds %zu bytes", out->max);
		/* Z_BUF_ERROR: all that was given has been used. */
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return inflate_fault(rc, zs, out, fault);
	} while (rc == Z_OK && (zs->avail_in > 0 || zs->avail_out == 0));
	*used = fed - zs->avail_in;
	*is_end = rc == Z_STREAM_END;
	return ST_OK;
}
