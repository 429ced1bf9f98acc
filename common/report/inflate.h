/*
 * inflate: the step that gunzip and unzip share.
 */
#ifndef INFLATE_H
#define INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#include "buf.h"
#include "status.h"

/*
 * Inflate data to the end of out. *used tells how many bytes were taken,
 * *is_end whether the stream ended with the last of them. ST_TOO_LARGE,
 * ST_GZIP_CORRUPT and ST_NO_MEMORY with *fault, whose offset counts decoded
 * bytes.
 */
enum status inflate_step(z_stream *zs, struct buf *out, const char *data,
    size_t len, size_t *used, bool *is_end, struct fault *fault);

#endif
