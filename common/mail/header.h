/*
 * header: header fields of a message or a MIME part (RFC 5322, 2045, 2231).
 *
 * Two halves. The splitter is a push machine that turns the bytes of a header
 * block into fields; a milter, which is handed whole fields, needs only the
 * second half, the functions that read a field's value.
 */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum {
	HEADER_FIELD_MAX = 65536, /* bytes kept of one field; the rest is cut */
	HEADER_PIECES_MAX = 32,   /* RFC 2231 pieces of one parameter */
	HEADER_TOKEN_MAX = 256,   /* a media type, an encoding, a disposition */
	HEADER_VALUE_MAX = 1024   /* a parameter's value, a subject */
};

/*
 * Handed each field: its name, and its value as it stood, folding included and
 * without the line end. Both are valid during the call only. Returns ST_OK to
 * go on; anything else ends the splitting and is returned to the caller.
 */
typedef enum status
header_field_fn(void *ctx, const char *name, const char *value);

struct header_splitter {
	struct buf field;      /* the field being collected */
	header_field_fn *emit; /* what is done with it */
	void *ctx;
	size_t line_len; /* bytes of the current line, line end excluded */
	bool is_first;   /* no line has ended yet */
	bool is_skipped; /* the current line is a fold of no field */
	bool has_cr;     /* the last byte was a CR */
	bool is_done;    /* the blank line has been seen */
};

void header_splitter_init(
    struct header_splitter *splitter, header_field_fn *emit, void *ctx);

/*
 * Feed the next bytes. *used tells how many belonged to the header block; when
 * it is done (is_done), the body begins behind them. CRLF, LF, fields of any
 * length (cut at HEADER_FIELD_MAX), NUL bytes (read as spaces), an mbox
 * "From " line at the start, and lines that are no field (skipped) are taken.
 */
enum status header_splitter_more(struct header_splitter *splitter,
    const char *data, size_t len, size_t *used);

/* The input ended: hand over a field that is still being collected. */
enum status header_splitter_finish(struct header_splitter *splitter);

void header_splitter_free(struct header_splitter *splitter);

/*
 * The leading token of a structured value, small letters, comments left out:
 * "multipart/report" of Content-Type, "attachment" of Content-Disposition,
 * "base64" of Content-Transfer-Encoding. "" when there is none.
 */
void header_token(const char *value, char *out, size_t size);

/*
 * The parameter of that name (RFC 2045, section 5.1), unquoted, and put
 * together from its RFC 2231 pieces (name*0=, name*0*=, name*=) with the
 * percent-encoding undone. Returns false, and leaves out alone, when the value
 * has none. A value that is too long is cut.
 */
bool header_param(const char *value, const char *name, char *out, size_t size);

/* Undo folding: line ends gone, runs of white space one space, trimmed. */
void header_unfold(const char *value, char *out, size_t size);

/* The domain of the first address in a From-like value, small letters. */
bool header_address_domain(const char *value, char *out, size_t size);

#endif
