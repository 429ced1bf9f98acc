/*
 * extract: from a message to the texts of the reports in it.
 *
 * Fed with header fields and body blocks as a milter gets them. Parts that may
 * hold a report, the candidates, are spooled as they come (transfer encoding
 * undone); after the end they are decoded one at a time, so that one decoded
 * text is all that is ever in memory.
 *
 * A candidate is *claimed* when its label says that it is a TLS report: media
 * type application/tlsrpt*, or an RFC 8460, section 5.1 file name, or any
 * archive-like attachment of a message that says report-type=tlsrpt. A part
 * that only looks like one by its bytes is tried, and forgotten when it is
 * none.
 */
#ifndef EXTRACT_H
#define EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "deviation.h"
#include "header.h"
#include "mime.h"
#include "status.h"

enum {
	EXTRACT_CANDIDATES_MAX = 20
};

struct extract_limits {
	uint64_t message_max; /* bytes of header and body together */
	struct mime_limits mime;
	const char *spool_dir; /* for what is too big to wait in memory */
};

/* What the message's own header says. Strings are "" when not given. */
struct extract_meta {
	char subject[HEADER_VALUE_MAX];
	char message_id[HEADER_VALUE_MAX];
	char submitter[HEADER_TOKEN_MAX];   /* TLS-Report-Submitter */
	char from_domain[HEADER_TOKEN_MAX]; /* of From */
};

struct extract;

/* Make one for one message; NULL when there is no memory. */
struct extract *extract_new(const struct extract_limits *limits);

/*
 * What comes is a body that was posted to where reports are posted (RFC 8460,
 * section 5.4): it claims to be a report whatever its label says, and that no
 * multipart is around it is as it should be. Before anything is fed.
 */
void extract_set_upload(struct extract *ex);

/*
 * A header field, and then the body. Trouble with the message does not end
 * the feeding: it is remembered and returned by extract_finish(), and what
 * still comes is passed over at no cost.
 */
void extract_field(struct extract *ex, const char *name, const char *value);
void extract_body(struct extract *ex, const char *data, size_t len);

/*
 * The message is complete. ST_OK: every part was seen. A malformed status
 * (ST_TOO_LARGE, ST_TOO_DEEP, ST_TOO_MANY_PARTS): the candidates before the
 * limit can be decoded all the same. A failure status: our own trouble.
 */
enum status extract_finish(struct extract *ex, struct fault *fault);

/* Valid after extract_finish(). */
const struct extract_meta *extract_meta(const struct extract *ex);
size_t extract_count(const struct extract *ex); /* of candidates */
bool extract_is_claimed(const struct extract *ex, size_t i);

/* Does the message itself say that it is a TLS report (RFC 8460, 5.3)? */
bool extract_claims_report(const struct extract *ex);

/*
 * Decode candidate i, appending to text, whose cap is the limit of one report.
 * *dev is set to the deviations of the message and of this candidate.
 */
enum status extract_decode(struct extract *ex, size_t i, struct buf *text,
    deviations *dev, struct fault *fault);

/*
 * A candidate turned out to be broken with status st: if there were bytes among
 * its base64 that are none, they are to blame (ST_BASE64_CORRUPT), else st.
 */
enum status extract_blame(
    const struct extract *ex, size_t i, enum status st, struct fault *fault);

void extract_free(struct extract **ex);

/* Somebody else who is to be fed with the same message. */
struct extract_also {
	void (*field)(void *ctx, const char *name, const char *value);
	void (*body)(void *ctx, const char *data, size_t len);
	void *ctx;
};

/*
 * Feed a whole message as it stands in a file: the header block is split, the
 * rest is body. For the command; a milter is handed fields. also may be NULL,
 * else it must outlive this.
 */
struct extract_raw {
	struct header_splitter splitter;
	struct extract *ex;
	const struct extract_also *also;
};
void extract_raw_init(struct extract_raw *raw, struct extract *ex,
    const struct extract_also *also);
enum status
extract_raw_more(struct extract_raw *raw, const char *data, size_t len);
enum status extract_raw_finish(struct extract_raw *raw);

#endif
