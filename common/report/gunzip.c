#include "gunzip.h"

#include <stdlib.h>
#include <zlib.h>

#include "inflate.h"

enum {
	GZIP_WINDOW = 15 + 16
}; /* the largest window, with a gzip wrapper */

enum state {
	IN_MEMBER,
	BETWEEN, /* a member has ended, and nothing is behind it */
	MAYBE,   /* the first byte of a member's magic is behind it */
	TRAILING /* what is behind it is no member */
};

struct gunzip {
	z_stream zs;
	struct buf *out;
	enum state state;
	enum status failed; /* an error is final */
	struct fault fault;
};

struct gunzip *
gunzip_new(struct buf *out)
{
	struct gunzip *gz = calloc(1, sizeof *gz);

	if (gz == NULL)
		return NULL;
	if (inflateInit2(&gz->zs, GZIP_WINDOW) != Z_OK) {
		free(gz);
		return NULL;
	}
	gz->out = out;
	return gz;
}

void
gunzip_free(struct gunzip **gz)
{
	if (*gz != NULL) {
		(void)inflateEnd(&(*gz)->zs);
		free(*gz);
		*gz = NULL;
	}
}

/* Behind a member: does another one begin with these bytes? */
static size_t
between_members(struct gunzip *gz, const char *data, size_t len)
{
	size_t used = 0;

	if (gz->state == BETWEEN) {
		gz->state = (unsigned char)data[0] == 0x1f ? MAYBE : TRAILING;
		used = 1;
	}
	if (gz->state == MAYBE && used < len) {
		if ((unsigned char)data[used] == 0x8b) {
			gz->state = IN_MEMBER;
			(void)inflateReset(&gz->zs);
		} else {
			gz->state = TRAILING;
		}
	}
	return used;
}

static enum status
in_member(struct gunzip *gz, const char *data, size_t len, size_t *used,
    struct fault *fault)
{
	bool is_end;
	enum status st =
	    inflate_step(&gz->zs, gz->out, data, len, used, &is_end, fault);

	if (st == ST_OK && is_end)
		gz->state = BETWEEN;
	return st;
}

static enum status
decode(struct gunzip *gz, const char *data, size_t len, struct fault *fault)
{
	static const char magic = 0x1f;
	enum status st;
	size_t used;

	while (len > 0 && gz->state != TRAILING) {
		if (gz->state == IN_MEMBER) {
			st = in_member(gz, data, len, &used, fault);
			if (st != ST_OK)
				return st;
		} else {
			used = between_members(gz, data, len);
			/* The byte that was passed over opens the member. */
			if (gz->state == IN_MEMBER) {
				size_t one;

				st = in_member(gz, &magic, 1, &one, fault);
				if (st != ST_OK)
					return st;
			}
		}
		data += used;
		len -= used;
	}
	return ST_OK;
}

enum status
gunzip_more(
    struct gunzip *gz, const char *data, size_t len, struct fault *fault)
{
	if (gz->failed == ST_OK)
		gz->failed = decode(gz, data, len, &gz->fault);
	if (gz->failed != ST_OK && fault != NULL)
		*fault = gz->fault;
	return gz->failed;
}

enum status
gunzip_finish(struct gunzip *gz, struct fault *fault)
{
	if (gz->failed != ST_OK)
		return gunzip_more(gz, NULL, 0, fault);
	if (gz->state == IN_MEMBER)
		return fault_at(fault, ST_GZIP_TRUNCATED, gz->out->len,
		    "gzip data ends within a member");
	if (gz->state == MAYBE)
		gz->state = TRAILING;
	return ST_OK;
}

bool
gunzip_has_trailing(const struct gunzip *gz)
{
	return gz->state == TRAILING;
}
