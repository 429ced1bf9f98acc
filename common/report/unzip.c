#include "unzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "inflate.h"

enum {
	LOCAL_HEADER = 30, /* bytes, name and extra field excluded */
	SIGNATURE = 4,
	FLAG_ENCRYPTED = 1,
	FLAG_DESCRIPTOR = 8, /* sizes and CRC follow the data */
	STORED = 0,
	DEFLATE = 8
};

enum state {
	IN_HEADER,
	IN_NAME,
	IN_DATA,
	IN_DESCRIPTOR,
	IN_DIRECTORY,
	COMPLETE
};

struct unzip {
	z_stream zs;
	struct buf *out;
	size_t start; /* length of out before the member */
	enum state state;
	unsigned char head[LOCAL_HEADER]; /* header or what follows the data */
	size_t nhead;
	size_t skip; /* bytes of name and extra field still to come */
	unsigned flags;
	unsigned method;
	uint32_t crc;
	uint32_t stored;    /* bytes of a stored member still to come */
	size_t slack;       /* bytes that may precede the central directory */
	enum status failed; /* an error is final */
	struct fault fault;
};

static unsigned
le16(const unsigned char *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t
le32(const unsigned char *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

struct unzip *
unzip_new(struct buf *out)
{
	struct unzip *uz = calloc(1, sizeof *uz);

	if (uz == NULL)
		return NULL;
	if (inflateInit2(&uz->zs, -15) != Z_OK) {
		free(uz);
		return NULL;
	}
	uz->out = out;
	uz->start = out->len;
	return uz;
}

void
unzip_free(struct unzip **uz)
{
	if (*uz != NULL) {
		(void)inflateEnd(&(*uz)->zs);
		free(*uz);
		*uz = NULL;
	}
}

/* Collect bytes until want of them are in head. */
static size_t
collect(struct unzip *uz, size_t want, const char *data, size_t len)
{
	size_t n = want - uz->nhead;

	if (n > len)
		n = len;
	memcpy(uz->head + uz->nhead, data, n);
	uz->nhead += n;
	return n;
}

static enum status
read_header(struct unzip *uz, struct fault *fault)
{
	const unsigned char *h = uz->head;

	if (le32(h) == 0x06054b50)
		return fault_set(
		    fault, ST_ZIP_UNSUPPORTED, "zip archive without a member");
	if (le32(h) != 0x04034b50)
		return fault_set(
		    fault, ST_ZIP_UNSUPPORTED, "no zip local header");
	uz->flags = le16(h + 6);
	uz->method = le16(h + 8);
	uz->crc = le32(h + 14);
	uz->stored = le32(h + 18);
	uz->skip = (size_t)le16(h + 26) + le16(h + 28);
	if (uz->flags & FLAG_ENCRYPTED)
		return fault_set(
		    fault, ST_ZIP_UNSUPPORTED, "zip member is encrypted");
	if (uz->method != STORED && uz->method != DEFLATE)
		return fault_set(fault, ST_ZIP_UNSUPPORTED,
		    "zip compression method %u", uz->method);
	if (uz->method == STORED && (uz->flags & FLAG_DESCRIPTOR))
		return fault_set(fault, ST_ZIP_UNSUPPORTED,
		    "stored zip member of unknown length");
	uz->nhead = 0;
	uz->state = IN_NAME;
	return ST_OK;
}

static enum status
stored_step(struct unzip *uz, const char *data, size_t len, size_t *used,
    bool *is_end, struct fault *fault)
{
	size_t room = uz->out->max - uz->out->len;
	size_t n = len < uz->stored ? len : uz->stored;
	enum status st = buf_add(uz->out, data, n < room ? n : room);

	if (st != ST_OK)
		return fault_set(fault, st, "report: out of memory");
	if (n > room)
		return fault_at(fault, ST_TOO_LARGE, uz->out->len,
		    "decoded report exceeds %zu bytes", uz->out->max);
	uz->stored -= (uint32_t)n;
	*used = n;
	*is_end = uz->stored == 0;
	return ST_OK;
}

static enum status
check_crc(const struct unzip *uz, uint32_t crc, struct fault *fault)
{
	uLong sum = crc32(0, Z_NULL, 0);

	if (uz->out->len > uz->start)
		sum = crc32_z(sum, (const Bytef *)uz->out->data + uz->start,
		    uz->out->len - uz->start);
	if (sum != crc)
		return fault_at(fault, ST_GZIP_CORRUPT, uz->out->len,
		    "CRC-32 of the zip member does not match");
	return ST_OK;
}

static enum status
in_data(struct unzip *uz, const char *data, size_t len, size_t *used,
    struct fault *fault)
{
	bool is_end;
	enum status st = uz->method == STORED
	    ? stored_step(uz, data, len, used, &is_end, fault)
	    : inflate_step(&uz->zs, uz->out, data, len, used, &is_end, fault);

	if (st != ST_OK || !is_end)
		return st;
	if (uz->flags & FLAG_DESCRIPTOR) {
		uz->state = IN_DESCRIPTOR;
		return ST_OK;
	}
	uz->state = IN_DIRECTORY;
	return check_crc(uz, uz->crc, fault);
}

/*
 * A data descriptor: CRC and two lengths of four bytes, which a signature may
 * precede.
 */
static enum status
in_descriptor(struct unzip *uz, const char *data, size_t len, size_t *used,
    struct fault *fault)
{
	bool is_signed;

	*used = collect(uz, 16, data, len);
	if (uz->nhead < 16)
		return ST_OK;
	is_signed = le32(uz->head) == 0x08074b50;
	if (!is_signed) {
		/* The last four bytes are the next signature already. */
		memmove(uz->head + 16, uz->head + 12, SIGNATURE);
	}
	uz->crc = le32(uz->head + (is_signed ? 4 : 0));
	uz->nhead = 0;
	if (!is_signed)
		uz->nhead = collect(
		    uz, SIGNATURE, (const char *)uz->head + 16, SIGNATURE);
	uz->slack = is_signed ? 2 * SIGNATURE : 0;
	uz->state = IN_DIRECTORY;
	return check_crc(uz, uz->crc, fault);
}

/*
 * Behind the member: the central directory, or it is not the only one. The
 * lengths in a descriptor take eight bytes more in a zip64 archive, and nothing
 * says so.
 */
static enum status
in_directory(struct unzip *uz, const char *data, size_t len, size_t *used,
    struct fault *fault)
{
	*used = collect(uz, SIGNATURE, data, len);
	if (uz->nhead < SIGNATURE)
		return ST_OK;
	if (le32(uz->head) == 0x02014b50) {
		uz->state = COMPLETE;
		return ST_OK;
	}
	if (le32(uz->head) == 0x04034b50)
		return fault_set(fault, ST_ZIP_UNSUPPORTED,
		    "zip archive with more than one member");
	if (uz->slack < SIGNATURE)
		return fault_set(fault, ST_ZIP_UNSUPPORTED,
		    "no central directory behind the zip member");
	uz->slack -= SIGNATURE;
	uz->nhead = 0;
	return ST_OK;
}

static enum status
step(struct unzip *uz, const char *data, size_t len, size_t *used,
    struct fault *fault)
{
	switch (uz->state) {
	case IN_HEADER:
		*used = collect(uz, LOCAL_HEADER, data, len);
		if (uz->nhead < LOCAL_HEADER)
			return ST_OK;
		return read_header(uz, fault);
	case IN_NAME:
		*used = len < uz->skip ? len : uz->skip;
		uz->skip -= *used;
		if (uz->skip == 0)
			uz->state = IN_DATA;
		return ST_OK;
	case IN_DATA:
		return in_data(uz, data, len, used, fault);
	case IN_DESCRIPTOR:
		return in_descriptor(uz, data, len, used, fault);
	case IN_DIRECTORY:
		return in_directory(uz, data, len, used, fault);
	case COMPLETE:
		break;
	}
	*used = len;
	return ST_OK;
}

static enum status
decode(struct unzip *uz, const char *data, size_t len, struct fault *fault)
{
	while (len > 0) {
		size_t used = 0;
		enum status st = step(uz, data, len, &used, fault);

		if (st != ST_OK)
			return st;
		data += used;
		len -= used;
	}
	return ST_OK;
}

enum status
unzip_more(struct unzip *uz, const char *data, size_t len, struct fault *fault)
{
	if (uz->failed == ST_OK)
		uz->failed = decode(uz, data, len, &uz->fault);
	if (uz->failed != ST_OK && fault != NULL)
		*fault = uz->fault;
	return uz->failed;
}

enum status
unzip_finish(struct unzip *uz, struct fault *fault)
{
	if (uz->failed != ST_OK)
		return unzip_more(uz, NULL, 0, fault);
	if (uz->state == IN_HEADER)
		return fault_set(
		    fault, ST_ZIP_UNSUPPORTED, "zip archive cut short");
	if (uz->state != COMPLETE)
		return fault_at(fault, ST_GZIP_TRUNCATED, uz->out->len,
		    "zip archive cut short");
	return ST_OK;
}
