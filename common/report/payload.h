/*
 * payload: what the bytes of a candidate are, by their magic, and its text.
 *
 * Labels choose candidates; magic decides. The milter, the command and later
 * roads all come through here.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "deviation.h"
#include "spool.h"
#include "status.h"

enum payload {
	PAYLOAD_EMPTY, /* no bytes, or white space alone */
	PAYLOAD_GZIP,  /* 1f 8b */
	PAYLOAD_ZIP,   /* PK */
	PAYLOAD_JSON,  /* "{" behind white space or a byte order mark */
	PAYLOAD_OTHER
};

enum {
	PAYLOAD_SNIFF = 512
}; /* bytes that are looked at */

/* What begins with these bytes? */
enum payload payload_sniff(const char *data, size_t len);

/*
 * Decode a spooled payload of that kind, appending to text, whose cap is the
 * limit. PAYLOAD_JSON and PAYLOAD_OTHER are copied. What is gzip within gzip
 * (a file.gz that was compressed on its way once more) is decoded twice, and no
 * oftener; that is DEV_LABEL_MISMATCH. Sets what it notices in *dev. On failure
 * text holds what was decoded before it.
 */
enum status payload_decode(struct spool *spool, enum payload kind,
    struct buf *text, deviations *dev, struct fault *fault);

#endif
