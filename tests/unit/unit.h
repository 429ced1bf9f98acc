/*
 * unit: what the suites have in common.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "conf.h"
#include "deviation.h"
#include "status.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A string literal that may hold NULs, and its length. */
#define BYTES(s) (s), (sizeof(s) - 1)

/* The bit of one deviation. */
#define DEV(d) (UINT64_C(1) << (d))

/*
 * As ck_assert_msg(), for what is called a hundred thousand times: that one
 * writes to Check's process each time, which costs more than most tests.
 */
#define ck_expect(condition, ...)                                              \
	do {                                                                   \
		if (!(condition))                                              \
			ck_abort_msg(__VA_ARGS__);                             \
	} while (0)

/* Statuses are compared by number and shown by name. */
#define ck_status(name, got, want)                                             \
	do {                                                                   \
		enum status got_ = (got), want_ = (want);                      \
		ck_expect(got_ == want_, "%s: %s, not %s", name,               \
		    status_str(got_), status_str(want_));                      \
	} while (0)

#define ck_bytes(name, got, got_len, want, want_len)                           \
	do {                                                                   \
		size_t got_len_ = (got_len), want_len_ = (want_len);           \
		ck_expect(got_len_ == want_len_ &&                             \
			(got_len_ == 0 ||                                      \
			    memcmp((got), (want), got_len_) == 0),             \
		    "%s: %zu bytes \"%.*s\", not %zu bytes \"%.*s\"", name,    \
		    got_len_, (int)got_len_,                                   \
		    got_len_ > 0 ? (const char *)(got) : "", want_len_,        \
		    (int)want_len_, (const char *)(want));                     \
	} while (0)

#define ck_string(name, got, want)                                             \
	do {                                                                   \
		const char *got_ = (got), *want_ = (want);                     \
		ck_expect(got_ == want_ ||                                     \
			(got_ != NULL && want_ != NULL &&                      \
			    strcmp(got_, want_) == 0),                         \
		    "%s: \"%s\", not \"%s\"", name,                            \
		    got_ != NULL ? got_ : "(null)",                            \
		    want_ != NULL ? want_ : "(null)");                         \
	} while (0)

/* Deviation sets are compared whole and shown by name. */
#define ck_deviations(name, got, want)                                         \
	do {                                                                   \
		char got_names_[1024], want_names_[1024];                      \
		unit_deviations((got), got_names_, sizeof got_names_);         \
		unit_deviations((want), want_names_, sizeof want_names_);      \
		ck_string(name, got_names_, want_names_);                      \
	} while (0)

/* The names in a set, comma-separated. */
void unit_deviations(deviations set, char *out, size_t size);

/* Make and remove the directory below which all files of a run lie. */
bool unit_begin(void);
void unit_end(void);

/* A new directory of the calling test's own. */
void unit_directory(char *out, size_t size);

/* Does the file exist? The number of files below a directory. */
bool unit_exists(const char *path);
size_t unit_count_files(const char *path);

/* Read a file, or write one. */
bool unit_slurp(const char *path, struct buf *out);
void unit_write(const char *path, const char *data, size_t len);

/* How many descriptors are open. */
size_t unit_count_descriptors(void);

/*
 * Feed data in every way that a push machine must not notice: whole (way 0),
 * byte by byte (way 1), and in two pieces cut at each offset (way 2 and up).
 * Each piece is a copy of its exact size, so that a sanitizer sees the first
 * byte read beyond it.
 */
typedef void unit_feed_fn(void *ctx, const char *data, size_t len);
size_t unit_ways(size_t len);
void unit_feed(
    size_t way, const char *data, size_t len, unit_feed_fn *fn, void *ctx);

/* Append data compressed: zlib's window bits say how (31 gzip, -15 raw). */
void
unit_deflate(struct buf *out, const char *data, size_t len, int window_bits);
void unit_gzip(struct buf *out, const char *data, size_t len);

/* Undo gzip, for what we wrote ourselves. */
bool unit_gunzip(struct buf *out, const char *data, size_t len);

/* Append data in base64 with lines of 76 characters. */
void unit_base64(struct buf *out, const char *data, size_t len);

/* A zip member's local header fields, and an archive of it. */
struct unit_zip {
	const char *name;
	unsigned flags;  /* general purpose bits */
	unsigned method; /* 0 stored, 8 deflate */
	const char *data;
	size_t len;
	bool has_wrong_crc;
};
void unit_zip_member(struct buf *out, const struct unit_zip *zip);
void unit_zip_end(struct buf *out);

/* Append n times the same string. */
void unit_repeat(struct buf *out, const char *string, size_t n);

/* A configuration from lines of text; fails the test if it has problems. */
struct conf *unit_conf(const char *text);

#endif
