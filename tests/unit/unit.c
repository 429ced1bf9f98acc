#define _GNU_SOURCE /* nftw() */

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char top[256];

void
unit_deviations(deviations set, char *out, size_t size)
{
	unsigned next = 0;
	const char *name;
	size_t len = 0;

	out[0] = '\0';
	while ((name = deviation_next(set, &next)) != NULL && len < size) {
		int n = snprintf(
		    out + len, size - len, "%s%s", len > 0 ? "," : "", name);

		len += n > 0 ? (size_t)n : 0;
	}
}

bool
unit_begin(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(top, sizeof top, "%s/unit-tests.XXXXXX",
	    tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
	return mkdtemp(top) != NULL;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
unit_end(void)
{
	(void)nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void
unit_directory(char *out, size_t size)
{
	int n = snprintf(out, size, "%s/XXXXXX", top);

	ck_assert(n > 0 && (size_t)n < size);
	ck_assert_ptr_nonnull(mkdtemp(out));
}

bool
unit_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static size_t counted;

static int
count_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)ftw;
	counted += type == FTW_F;
	return 0;
}

size_t
unit_count_files(const char *path)
{
	counted = 0;
	(void)nftw(path, count_entry, 16, FTW_PHYS);
	return counted;
}

bool
unit_slurp(const char *path, struct buf *out)
{
	char block[8192];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	while ((n = read(fd, block, sizeof block)) > 0 &&
	    buf_add(out, block, (size_t)n) == ST_OK)
		;
	(void)close(fd);
	return n == 0;
}

void
unit_write(const char *path, const char *data, size_t len)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

size_t
unit_count_descriptors(void)
{
	size_t n = 0;
	DIR *dir = opendir("/proc/self/fd");

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

size_t
unit_ways(size_t len)
{
	return len + 3;
}

static void
feed_copy(const char *data, size_t len, unit_feed_fn *fn, void *ctx)
{
	char *copy = malloc(len > 0 ? len : 1);

	ck_expect(copy != NULL, "out of memory");
	if (len > 0)
		memcpy(copy, data, len);
	fn(ctx, copy, len);
	free(copy);
}

void
unit_feed(size_t way, const char *data, size_t len, unit_feed_fn *fn, void *ctx)
{
	if (way == 0) {
		feed_copy(data, len, fn, ctx);
	} else if (way == 1) {
		for (size_t i = 0; i < len; i++)
			feed_copy(data + i, 1, fn, ctx);
	} else {
		feed_copy(data, way - 2, fn, ctx);
		feed_copy(data + (way - 2), len - (way - 2), fn, ctx);
	}
}

void
unit_deflate(struct buf *out, const char *data, size_t len, int window_bits)
{
	z_stream zs = { 0 };
	char block[4096];
	int rc;

	ck_assert_int_eq(deflateInit2(&zs, 9, Z_DEFLATED, window_bits, 8,
			     Z_DEFAULT_STRATEGY),
	    Z_OK);
	zs.next_in = (Bytef *)(uintptr_t)data;
	zs.avail_in = (uInt)len;
	do {
		zs.next_out = (Bytef *)block;
		zs.avail_out = sizeof block;
		rc = deflate(&zs, Z_FINISH);
		ck_assert_int_ne(rc, Z_STREAM_ERROR);
		ck_status("deflate",
		    buf_add(out, block, sizeof block - zs.avail_out), ST_OK);
	} while (rc != Z_STREAM_END);
	(void)deflateEnd(&zs);
}

void
unit_gzip(struct buf *out, const char *data, size_t len)
{
	unit_deflate(out, data, len, 31);
}

bool
unit_gunzip(struct buf *out, const char *data, size_t len)
{
	z_stream zs = { 0 };
	char block[4096];
	int rc;

	ck_assert_int_eq(inflateInit2(&zs, 31), Z_OK);
	zs.next_in = (Bytef *)(uintptr_t)data;
	zs.avail_in = (uInt)len;
	do {
		zs.next_out = (Bytef *)block;
		zs.avail_out = sizeof block;
		rc = inflate(&zs, Z_NO_FLUSH);
		ck_status("inflate",
		    buf_add(out, block, sizeof block - zs.avail_out), ST_OK);
	} while (rc == Z_OK);
	(void)inflateEnd(&zs);
	return rc == Z_STREAM_END;
}

void
unit_base64(struct buf *out, const char *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)data;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned long bits = (unsigned long)p[i] << 16;
		char group[4];

		if (left > 1)
			bits |= (unsigned long)p[i + 1] << 8;
		if (left > 2)
			bits |= p[i + 2];
		group[0] = digits[bits >> 18 & 63];
		group[1] = digits[bits >> 12 & 63];
		group[2] = left > 1 ? digits[bits >> 6 & 63] : '=';
		group[3] = left > 2 ? digits[bits & 63] : '=';
		ck_status("base64", buf_add(out, group, 4), ST_OK);
		if (i % 57 == 54 || left <= 3)
			ck_status("base64", buf_adds(out, "\r\n"), ST_OK);
	}
}

static void
add_le(struct buf *out, unsigned long value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		ck_status("zip", buf_addc(out, (char)(value >> (8 * i) & 0xff)),
		    ST_OK);
}

void
unit_zip_member(struct buf *out, const struct unit_zip *zip)
{
	unsigned long crc = crc32(0, (const Bytef *)zip->data, (uInt)zip->len);
	bool is_late = (zip->flags & 8) != 0;
	struct buf packed;

	buf_init(&packed, 1 << 24);
	if (zip->method == 8)
		unit_deflate(&packed, zip->data, zip->len, -15);
	else
		ck_status("zip", buf_add(&packed, zip->data, zip->len), ST_OK);
	if (zip->has_wrong_crc)
		crc ^= 1;
	add_le(out, 0x04034b50, 4);
	add_le(out, 20, 2);
	add_le(out, zip->flags, 2);
	add_le(out, zip->method, 2);
	add_le(out, 0, 4); /* time and date */
	add_le(out, is_late ? 0 : crc, 4);
	add_le(out, is_late ? 0 : packed.len, 4);
	add_le(out, is_late ? 0 : zip->len, 4);
	add_le(out, strlen(zip->name), 2);
	add_le(out, 0, 2);
	ck_status("zip", buf_adds(out, zip->name), ST_OK);
	ck_status("zip", buf_add(out, packed.data, packed.len), ST_OK);
	if (is_late) {
		add_le(out, 0x08074b50, 4);
		add_le(out, crc, 4);
		add_le(out, packed.len, 4);
		add_le(out, zip->len, 4);
	}
	buf_free(&packed);
}

void
unit_zip_end(struct buf *out)
{
	/* A reader that streams needs no more than the signature; the rest is
	   there so that the archive is a plausible one. */
	add_le(out, 0x02014b50, 4);
	add_le(out, 20, 2);
	add_le(out, 20, 2);
	unit_repeat(out, "\1", 38);
	add_le(out, 0x06054b50, 4);
	add_le(out, 0, 8);
	add_le(out, 46, 4);
	add_le(out, 0, 4);
	add_le(out, 0, 2);
}

void
unit_repeat(struct buf *out, const char *string, size_t n)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < n && st == ST_OK; i++)
		st = buf_adds(out, string);
	ck_status("repeat", st, ST_OK);
}

struct conf *
unit_conf(const char *text)
{
	char *problems = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&problems, &size);
	struct conf *conf;

	ck_assert_ptr_nonnull(file);
	conf = conf_parse("unit.conf", text, strlen(text), CONF_MILTER, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_msg(conf != NULL, "%s", problems);
	free(problems);
	return conf;
}
