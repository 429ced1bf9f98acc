#include "qp.h"

#include <string.h>

#include "text.h"

void
qp_init(struct qp *qp)
{
	*qp = (struct qp){ .nheld = 0 };
}

static size_t
flush_spaces(struct qp *qp, char *out)
{
	size_t n = qp->nspaces;

	memcpy(out, qp->spaces, n);
	qp->nspaces = 0;
	return n;
}

/* A byte outside an escape sequence. */
static size_t
plain_byte(struct qp *qp, char c, char *out)
{
	size_t n = 0;

	if (c == ' ' || c == '\t') {
		if (qp->nspaces == QP_SPACES_MAX)
			n = flush_spaces(qp, out);
		qp->spaces[qp->nspaces++] = c;
		return n;
	}
	if (c == '\r' || c == '\n')
		qp->nspaces = 0;
	else
		n = flush_spaces(qp, out);
	if (c == '=') {
		qp->held[qp->nheld++] = c;
		return n;
	}
	out[n++] = c;
	return n;
}

/*
 * What is held is no escape after all: it stands for itself, with the white
 * space behind its "=".
 */
static size_t
release_held(struct qp *qp, char *out)
{
	size_t n = 0;

	out[n++] = qp->held[0];
	n += flush_spaces(qp, out + n);
	memcpy(out + n, qp->held + 1, qp->nheld - 1);
	n += qp->nheld - 1;
	qp->nheld = 0;
	return n;
}

/* A byte behind a "=" that is held. */
static size_t
escape_byte(struct qp *qp, char c, char *out)
{
	char last = qp->held[qp->nheld - 1];
	size_t n;

	if (c == '\n' && (qp->nheld == 1 || last == '\r')) {
		/* A soft line break. */
		qp->nheld = qp->nspaces = 0;
		return 0;
	}
	if (qp->nheld == 1 && (c == ' ' || c == '\t') &&
	    qp->nspaces < QP_SPACES_MAX) {
		/* Stray white space, if the line ends behind it. */
		qp->spaces[qp->nspaces++] = c;
		return 0;
	}
	if (qp->nheld == 1 &&
	    (c == '\r' || (qp->nspaces == 0 && text_hex(c) >= 0))) {
		qp->held[qp->nheld++] = c;
		return 0;
	}
	if (qp->nheld == 2 && text_hex(last) >= 0 && text_hex(c) >= 0) {
		out[0] = (char)(text_hex(last) * 16 + text_hex(c));
		qp->nheld = 0;
		return 1;
	}
	n = release_held(qp, out);
	return n + plain_byte(qp, c, out + n);
}

size_t
qp_more(struct qp *qp, const char *data, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (qp->nheld > 0)
			n += escape_byte(qp, data[i], out + n);
		else
			n += plain_byte(qp, data[i], out + n);
	}
	return n;
}

size_t
qp_finish(struct qp *qp, char *out)
{
	size_t n = 0;

	/* A "=" at the very end is a soft break whose line end is missing. */
	if (qp->nheld > 1)
		n = release_held(qp, out);
	qp->nheld = 0;
	qp->nspaces = 0;
	return n;
}
