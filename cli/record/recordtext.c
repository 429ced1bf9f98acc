#include "recordtext.h"

#include <string.h>

#include "buf.h"
#include "emit.h"
#include "render.h"
#include "text.h"

enum {
	INDENT = 2,
	LABEL_WIDTH = 12,
	WIDTH = 79,
	WINDOW = 72, /* bytes of a text that are shown around a place */
	BEFORE = 48, /* of them before it */
	TEXT_MAX = 1 << 20
};

/* A label and text from anywhere, wrapped behind it. */
static void
put_row(FILE *out, const char *label, const char *text)
{
	size_t column = LABEL_WIDTH;
	struct buf visible;
	const char *p;

	if (text[0] == '\0')
		return;
	buf_init(&visible, TEXT_MAX);
	p = emit_visible(&visible, text) == ST_OK ? visible.data : "";
	(void)fprintf(out, "%*s%-*s", INDENT, "", LABEL_WIDTH - INDENT, label);
	while (*p != '\0') {
		size_t len = strcspn(p, " ");

		if (column > LABEL_WIDTH && column + 1 + len > WIDTH) {
			(void)fprintf(out, "\n%*s", LABEL_WIDTH, "");
			column = LABEL_WIDTH;
		} else if (column > LABEL_WIDTH) {
			(void)fputc(' ', out);
			column++;
		}
		(void)fwrite(p, 1, len, out);
		column += len;
		p += len;
		p += strspn(p, " ");
	}
	(void)fputc('\n', out);
	buf_free(&visible);
}

/* Bytes of a text that may hold NULs, made visible. */
static void
make_visible(struct buf *out, const char *text, size_t len)
{
	char piece[WINDOW + 1];

	for (size_t i = 0; i < len;) {
		size_t n = utf8_cut(
		    text + i, len - i, len - i < WINDOW ? len - i : WINDOW);
		const char *nul;

		n = n > 0 ? n : 1;
		nul = memchr(text + i, '\0', n);
		if (nul == text + i) {
			(void)buf_adds(out, "\\x00");
			i++;
			continue;
		}
		n = nul != NULL ? (size_t)(nul - text) - i : n;
		memcpy(piece, text + i, n);
		piece[n] = '\0';
		(void)emit_visible(out, piece);
		i += n;
	}
}

/* Columns on a terminal, as far as each character takes one. */
static size_t
count_columns(const struct buf *visible)
{
	size_t columns = 0;

	for (size_t i = 0; i < visible->len; i++)
		columns += ((unsigned char)visible->data[i] & 0xc0) != 0x80;
	return columns;
}

/* The line around a byte: without its end, and no longer than the window. */
struct window {
	size_t start;
	size_t end;
	size_t line; /* from 1 */
	bool is_cut_before;
	bool is_cut_behind;
};

static struct window
find_window(const char *text, size_t len, size_t offset)
{
	struct window w = { .line = 1, .end = len };
	size_t at = offset;

	/* Behind the last line there is none to be shown. */
	if (at == len && at > 0 && text[at - 1] == '\n')
		at--;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			w.start = i + 1;
			w.line++;
		}
	}
	for (w.end = at; w.end < len && text[w.end] != '\n'; w.end++)
		;
	if (w.end > w.start && text[w.end - 1] == '\r')
		w.end--;
	if (w.end - w.start <= WINDOW)
		return w;
	if (at - w.start > BEFORE) {
		w.start = at - BEFORE;
		while (w.start < at &&
		    ((unsigned char)text[w.start] & 0xc0) == 0x80)
			w.start++;
		w.is_cut_before = true;
	}
	if (w.end - w.start > WINDOW) {
		w.end =
		    w.start + utf8_cut(text + w.start, w.end - w.start, WINDOW);
		w.is_cut_behind = true;
	}
	return w;
}

static void
put_window(FILE *out, const char *text, const struct window *w)
{
	struct buf visible;

	buf_init(&visible, TEXT_MAX);
	make_visible(&visible, text + w->start, w->end - w->start);
	(void)fprintf(out, "%*s%s%s%s\n", INDENT, "",
	    w->is_cut_before ? "..." : "",
	    visible.data != NULL ? visible.data : "",
	    w->is_cut_behind ? "..." : "");
	buf_free(&visible);
}

static void
put_caret(FILE *out, const char *text, const struct window *w, size_t offset)
{
	size_t end = offset < w->end ? offset : w->end;
	struct buf before;

	buf_init(&before, TEXT_MAX);
	make_visible(&before, text + w->start, end - w->start);
	(void)fprintf(out, "%*s^\n",
	    INDENT + (w->is_cut_before ? 3 : 0) + (int)count_columns(&before),
	    "");
	buf_free(&before);
}

static void
put_remark(FILE *out, const char *text, size_t len, bool has_lines,
    const struct remark *remark)
{
	char what[REMARK_TEXT_MAX + 64];

	if (!remark->has_offset) {
		put_row(out, remark_kind_str(remark->kind), remark->text);
	} else {
		struct window w = find_window(text, len, remark->offset);

		put_window(out, text, &w);
		put_caret(out, text, &w, remark->offset);
		if (has_lines)
			(void)snprintf(what, sizeof what,
			    "%s (line %zu, byte %zu)", remark->text, w.line,
			    remark->offset);
		else
			(void)snprintf(what, sizeof what, "%s (byte %zu)",
			    remark->text, remark->offset);
		put_row(out, remark_kind_str(remark->kind), what);
	}
	put_row(out, "mend", remark->mend);
	(void)fputc('\n', out);
}

void
recordtext_remarks(
    FILE *out, const char *text, size_t len, const struct remarks *remarks)
{
	bool has_lines = len > 0 && memchr(text, '\n', len) != NULL;

	for (size_t i = 0; i < remarks->count; i++)
		put_remark(out, text, len, has_lines, &remarks->remark[i]);
	if (remarks->dropped > 0)
		(void)fprintf(
		    out, "%*s... and %zu more\n", INDENT, "", remarks->dropped);
}

/*
 * What a valid text says.
 */

static void
put_reporting(const struct reportingpolicy *policy)
{
	for (size_t i = 0; i < policy->rua_count; i++)
		put_row(stdout, i == 0 ? "rua" : "", policy->rua[i].uri);
}

static void
put_policy(const struct stspolicy *policy)
{
	char age[64];

	put_row(stdout, "mode", stspolicy_mode_str(policy->mode));
	(void)snprintf(age, sizeof age, "%llu seconds (%.1f days)",
	    (unsigned long long)policy->max_age,
	    (double)policy->max_age / 86400);
	put_row(stdout, "max_age", age);
	for (size_t i = 0; i < policy->mx_count; i++)
		put_row(stdout, i == 0 ? "mx" : "", policy->mx[i]);
}

static void
put_verdict(const struct recordinquiry_text *checked)
{
	bool is_policy = checked->kind == RECORDINQUIRY_POLICY;
	const char *what = is_policy ? "policy" : "record";

	if (!checked->is_valid) {
		(void)printf("The %s is not valid: senders %s.\n", what,
		    is_policy ? "report sts-policy-invalid and do not apply it"
			      : "take it that there is none");
		return;
	}
	(void)printf("The %s is valid.\n", what);
	switch (checked->kind) {
	case RECORDINQUIRY_REPORTING:
		put_reporting(&checked->reporting);
		break;
	case RECORDINQUIRY_STS:
		put_row(stdout, "id", checked->sts.id);
		break;
	case RECORDINQUIRY_POLICY:
		put_policy(&checked->policy);
		break;
	}
}

/* Is the text shown by one of its remarks? */
static bool
has_places(const struct remarks *remarks)
{
	for (size_t i = 0; i < remarks->count; i++) {
		if (remarks->remark[i].has_offset)
			return true;
	}
	return false;
}

static void
put_text(const struct recordinquiry_text *checked)
{
	const struct window whole = { .end = checked->len };

	if (checked->kind != RECORDINQUIRY_POLICY &&
	    (checked->is_foreign || !has_places(&checked->remarks) ||
		checked->len > WINDOW))
		put_window(stdout, checked->text, &whole);
	if (checked->strings > 1)
		(void)printf(
		    "%*s(%zu strings, joined)\n", INDENT, "", checked->strings);
	if (checked->is_foreign) {
		(void)printf("%*s(for something else)\n", INDENT, "");
		return;
	}
	recordtext_remarks(
	    stdout, checked->text, checked->len, &checked->remarks);
	put_verdict(checked);
}

/*
 * The whole.
 */

static void
put_question(const struct recordinquiry *inquiry)
{
	bool is_found = inquiry->found.status == RESOLVER_FOUND;

	(void)printf("%s: ", inquiry->name);
	if (is_found)
		(void)printf("%zu TXT record%s", inquiry->count,
		    inquiry->count == 1 ? "" : "s");
	else
		(void)fputs(found_str(&inquiry->found), stdout);
	if (inquiry->found.is_secure)
		(void)fputs(", DNSSEC", stdout);
	if (inquiry->found.alias[0] != '\0')
		(void)printf(", CNAME %s", inquiry->found.alias);
	(void)fputs("\n\n", stdout);
}

static void
put_places(const struct recordinquiry *inquiry)
{
	for (size_t i = 0; i < inquiry->places; i++) {
		put_row(stdout, "found at", inquiry->place[i].name);
		put_row(stdout, "", inquiry->place[i].text);
	}
}

static void
put_fetch(const struct recordinquiry *inquiry)
{
	const struct stsfetch *fetch = &inquiry->fetch;

	if (!inquiry->has_fetch)
		return;
	(void)printf(
	    "\nhttps://mta-sts.%s/.well-known/mta-sts.txt", inquiry->domain);
	if (fetch->ip[0] != '\0')
		(void)printf(" (%s)", fetch->ip);
	if (fetch->http_status != 0)
		(void)printf(": %ld", fetch->http_status);
	(void)fputc('\n', stdout);
}

static void
put_sum(const struct recordinquiry *inquiry)
{
	size_t errors = recordinquiry_remarks(inquiry, REMARK_ERROR);
	size_t warnings = recordinquiry_remarks(inquiry, REMARK_WARNING);

	if (inquiry->is_untried)
		(void)puts("Not all could be found out; try again.");
	if (errors > 0 || warnings > 0)
		(void)printf("%zu error%s, %zu warning%s\n", errors,
		    errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

void
recordtext_print(const struct recordinquiry *inquiry)
{
	if (inquiry->name[0] != '\0')
		put_question(inquiry);
	else if (inquiry->file != NULL && strcmp(inquiry->file, "-") != 0) {
		render_string(stdout, inquiry->file);
		(void)fputs("\n\n", stdout);
	}
	for (size_t i = 0; i < inquiry->count; i++) {
		put_text(inquiry->record[i]);
		if (i + 1 < inquiry->count)
			(void)fputc('\n', stdout);
	}
	put_fetch(inquiry);
	if (inquiry->policy != NULL) {
		if (inquiry->has_fetch)
			(void)fputc('\n', stdout);
		put_text(inquiry->policy);
	}
	if (inquiry->remarks.count > 0 &&
	    (inquiry->count > 0 || inquiry->has_fetch))
		(void)fputc('\n', stdout);
	recordtext_remarks(stdout, "", 0, &inquiry->remarks);
	put_places(inquiry);
	put_sum(inquiry);
}
