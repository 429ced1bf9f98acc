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
 * Hand on what is in the block. CRs at its end wait for what follows: parted
 * from it, libopendkim hashes bare CRs in another way. A block of nothing else
 * is no mail.
 */
static void
flush(struct crlf *crlf)
{
	size_t n = crlf->len;

	while (n > 0 && crlf->block[n - 1] == '\r')
		n--;
	if (n == 0)
		n = crlf->len;
	if (n > 0)
		crlf->emit(crlf->ctx, crlf->block, n);
	crlf->len -= n;
	memset(crlf->block, '\r', crlf->len);
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
