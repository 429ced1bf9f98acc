/*
 * unzip: a streaming, bounded decoder of a zip archive with one member.
 *
 * Reads the local header as it comes (APPNOTE 4.3.7) and inflates the member
 * to a buffer; the central directory must then follow. Anything else
 * (encryption, another method than stored or deflate, a second member, a
 * stored member of unknown length) is ST_ZIP_UNSUPPORTED. Damaged data is
 * ST_GZIP_CORRUPT or ST_GZIP_TRUNCATED, as its deflate stream would be in a
 * gzip member.
 */
#ifndef UNZIP_H
#define UNZIP_H

#include <stddef.h>

#include "buf.h"
#include "status.h"

struct unzip;

/* Make a decoder that appends to out, which must outlive it. NULL: no memory.
 */
struct unzip *unzip_new(struct buf *out);

/* As gunzip_more() and gunzip_finish(). */
enum status
unzip_more(struct unzip *uz, const char *data, size_t len, struct fault *fault);
enum status unzip_finish(struct unzip *uz, struct fault *fault);

void unzip_free(struct unzip **uz);

#endif
