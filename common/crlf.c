#include "crlf.h"

#include <string.h>

void
crlf_init(struct crlf *crlf, bool is_file, crlf_fn *emit, void *ctx)
{
	crlf->emit = emit;
	crlf->ctx = ctx;
	crlf->is_file = is_file;
	crlf->has_body = false;
	memset(crlf->last, 0, sizeof crlf->last);
	crlf->len = 0;
}

/*
 * Hand on what is in the block. A CR at its end waits for what follows: parted
 * from it, libopendkim hashes a bare CR in another way.
 */
static void
flush(struct crlf *crlf)
{
	bool has_cr = crlf->len > 0 && crlf->block[crlf->len - 1] == '\r';
	size_t n = crlf->len - has_cr;

	if (n > 0)
		crlf->emit(crlf->ctx, crlf->block, n);
	if (has_cr)
		crlf->block[0] = '\r';
	crlf->len = has_cr;
}

static void
put(struct crlf *crlf, const char *data, size_t len)
{
	if (len == 0)
		return;
	crlf->has_body = true;
	crlf->last[0] = len > 1 ? data[len - 2] : crlf->last[1];
	crlf->last[1] = data[len - 1];
	while (len > 0) {
		size_t room = sizeof crlf->block - crlf->len;
		size_t n = len < room ? len : room;

		memcpy(crlf->block + crlf->len, data, n);
		crlf->len += n;
		data += n;
		len -= n;
		if (crlf->len == sizeof crlf->block)
			flush(crlf);
	}
}

void
crlf_more(struct crlf *crlf, const char *data, size_t len)
{
	while (len > 0) {
		const char *lf = crlf->is_file ? memchr(data, '\n', len) : NULL;
		size_t n = lf != NULL ? (size_t)(lf - data) : len;

		put(crlf, data, n);
		if (lf == NULL)
			return;
		if (crlf->last[1] != '\r')
			put(crlf, "\r", 1);
		put(crlf, "\n", 1);
		data += n + 1;
		len -= n + 1;
	}
}

void
crlf_finish(struct crlf *crlf)
{
	if (crlf->has_body && memcmp(crlf->last, "\r\n", 2) != 0)
		put(crlf, "\r\n", 2);
	flush(crlf);
}
