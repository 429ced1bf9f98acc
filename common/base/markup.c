#include "markup.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "emit.h"
#include "text.h"

enum {
	TEXT_MAX = 1 << 20
};

/* The two code points at the end of each plane are no characters of XML. */
static bool
is_noncharacter(uint32_t cp)
{
	return (cp & 0xfffe) == 0xfffe;
}

static void
put_character(FILE *out, const char *bytes, size_t len, uint32_t cp)
{
	switch (cp) {
	case '&':
		(void)fputs("&amp;", out);
		return;
	case '<':
		(void)fputs("&lt;", out);
		return;
	case '>':
		(void)fputs("&gt;", out);
		return;
	case '"':
		(void)fputs("&quot;", out);
		return;
	case '\'':
		(void)fputs("&#39;", out);
		return;
	default:
		break;
	}
	if (!is_noncharacter(cp)) {
		(void)fwrite(bytes, 1, len, out);
		return;
	}
	for (size_t i = 0; i < len; i++)
		(void)fprintf(
		    out, "\\x%02x", (unsigned)(unsigned char)bytes[i]);
}

void
markup_text(FILE *out, const char *string)
{
	struct buf text;
	size_t n;

	buf_init(&text, TEXT_MAX);
	if (emit_visible(&text, string) != ST_OK)
		buf_cut(&text, 0);
	for (size_t i = 0; i < text.len; i += n) {
		uint32_t cp = 0;

		n = utf8_decode(text.data + i, text.len - i, &cp);
		if (n == 0) /* cannot be: it is visible */
			break;
		put_character(out, text.data + i, n, cp);
	}
	buf_free(&text);
}

void
markup_name(FILE *out, const char *name)
{
	if (name[0] == '\0') {
		(void)fputs("(none)", out);
		return;
	}
	(void)fputs("<bdi>", out);
	markup_text(out, name);
	(void)fputs("</bdi>", out);
}

void
markup_count(FILE *out, uint64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, number);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			(void)fputc(',', out);
		(void)fputc(digits[i], out);
	}
}

void
markup_rate(double percent, char out[MARKUP_RATE_MAX])
{
	if (percent <= 0)
		(void)snprintf(out, MARKUP_RATE_MAX, "0%%");
	else if (percent < 0.005)
		(void)snprintf(out, MARKUP_RATE_MAX, "<0.01%%");
	else if (percent >= 100)
		(void)snprintf(out, MARKUP_RATE_MAX, "100%%");
	else if (percent >= 99.995)
		(void)snprintf(out, MARKUP_RATE_MAX, ">99.99%%");
	else
		(void)snprintf(out, MARKUP_RATE_MAX, "%.2f%%", percent);
}
