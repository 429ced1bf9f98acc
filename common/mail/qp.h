/*
 * qp: a streaming quoted-printable decoder (RFC 2045, section 6.7).
 *
 * Broken sequences ("=x!") stand for themselves, and white space at the end of
 * a line is dropped, as the RFC advises.
 */
#ifndef QP_H
#define QP_H

#include <stddef.h>

enum {
	QP_SPACES_MAX = 76
};

struct qp {
	char held[4];               /* the start of an escape sequence */
	unsigned nheld;             /* how many bytes of it */
	char spaces[QP_SPACES_MAX]; /* white space that may end the line */
	unsigned nspaces;
};

void qp_init(struct qp *qp);

/* Bytes that out must have room for when len bytes are fed. */
#define QP_ROOM(len) ((len) + QP_SPACES_MAX + 4)

/*
 * Decode len bytes to out, which has QP_ROOM(len). Returns how many bytes were
 * written. qp_finish() writes what is held back at the end: at most
 * QP_ROOM(0) bytes.
 */
size_t qp_more(struct qp *qp, const char *data, size_t len, char *out);
size_t qp_finish(struct qp *qp, char *out);

#endif
