#include "base64.h"

/* Values of the digits; 64 white space, 65 padding, 66 anything else. */
enum {
	SPACE = 64,
	PAD = 65,
	JUNK = 66
};

static const unsigned char values[256] = {
#define J8   JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK
#define J16  J8, J8
#define J128 J16, J16, J16, J16, J16, J16, J16, J16
	/* 0x00 */ JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, SPACE,
	SPACE, JUNK, JUNK, SPACE, JUNK, JUNK,
	/* 0x10 */ J16,
	/* 0x20 */ SPACE, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK, JUNK,
	JUNK, 62, JUNK, JUNK, JUNK, 63,
	/* 0x30 */ 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, JUNK, JUNK, JUNK,
	PAD, JUNK, JUNK,
	/* 0x40 */ JUNK, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	/* 0x50 */ 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, JUNK, JUNK, JUNK,
	JUNK, JUNK,
	/* 0x60 */ JUNK, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
	40,
	/* 0x70 */ 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, JUNK, JUNK, JUNK,
	JUNK, JUNK,
	/* 0x80 */ J128
#undef J8
#undef J16
#undef J128
};

void
base64_init(struct base64 *b64)
{
	*b64 = (struct base64){ 0 };
}

static void
note_garbage(struct base64 *b64, size_t n)
{
	if (b64->garbage++ == 0)
		b64->garbage_offset = b64->produced + n;
}

/* Put out the whole bytes of an incomplete group. */
static size_t
flush_group(struct base64 *b64, char *out)
{
	size_t n = 0;

	if (b64->digits >= 2)
		out[n++] = (char)(b64->bits >> (b64->digits * 6 - 8) & 0xff);
	if (b64->digits == 3)
		out[n++] = (char)(b64->bits >> 2 & 0xff);
	b64->digits = 0;
	b64->bits = 0;
	return n;
}

size_t
base64_more(struct base64 *b64, const char *data, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char v = values[(unsigned char)data[i]];

		if (v < 64 && !b64->is_padded) {
			b64->bits = b64->bits << 6 | v;
			if (++b64->digits < 4)
				continue;
			out[n++] = (char)(b64->bits >> 16 & 0xff);
			out[n++] = (char)(b64->bits >> 8 & 0xff);
			out[n++] = (char)(b64->bits & 0xff);
			b64->digits = 0;
			b64->bits = 0;
		} else if (v == PAD && (b64->digits >= 2 || b64->is_padded)) {
			n += flush_group(b64, out + n);
			b64->is_padded = true;
		} else if (v != SPACE) {
			note_garbage(b64, n);
		}
	}
	b64->produced += n;
	return n;
}

size_t
base64_finish(struct base64 *b64, char *out)
{
	size_t n;

	/* A lone digit holds no byte. */
	if (b64->digits == 1)
		note_garbage(b64, 0);
	n = flush_group(b64, out);
	b64->produced += n;
	return n;
}
