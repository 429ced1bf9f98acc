/*
 * gunzip: a streaming, bounded gzip decoder (RFC 1952) over zlib.
 *
 * Several members are one text. Bytes behind the last member are a deviation.
 * The output goes to a buffer whose cap is the limit: decoding stops at the
 * first byte over it.
 */
#ifndef GUNZIP_H
#define GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "status.h"

struct gunzip;

/* Make a decoder that appends to out, which must outlive it. NULL: no memory.
 */
struct gunzip *gunzip_new(struct buf *out);

/*
 * Feed the next bytes. ST_GZIP_CORRUPT (bad header, data, CRC or length),
 * ST_TOO_LARGE when out is full, ST_NO_MEMORY; *fault says where in the decoded
 * text. An error is final.
 */
enum status gunzip_more(
    struct gunzip *gz, const char *data, size_t len, struct fault *fault);

/* The input ended. ST_GZIP_TRUNCATED when it did so within a member. */
enum status gunzip_finish(struct gunzip *gz, struct fault *fault);

/* Were there bytes behind the last member? */
bool gunzip_has_trailing(const struct gunzip *gz);

void gunzip_free(struct gunzip **gz);

#endif
