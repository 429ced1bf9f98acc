#include "header.h"

#include <string.h>

#include "text.h"

void
header_splitter_init(
    struct header_splitter *splitter, header_field_fn *emit, void *ctx)
{
	*splitter = (struct header_splitter){
		.emit = emit,
		.ctx = ctx,
		.is_first = true,
	};
	buf_init(&splitter->field, HEADER_FIELD_MAX);
}

void
header_splitter_free(struct header_splitter *splitter)
{
	buf_free(&splitter->field);
}

/* The length of the field name at the start, or 0 when there is none. */
static size_t
name_length(const char *field, size_t len, size_t *colon)
{
	size_t n = 0;

	while (n < len && field[n] > ' ' && field[n] < 0x7f && field[n] != ':')
		n++;
	for (*colon = n; *colon < len && text_is_space(field[*colon]);)
		(*colon)++;
	return *colon < len && field[*colon] == ':' ? n : 0;
}

/* Hand over the collected field, if there is one. */
static enum status
flush_field(struct header_splitter *splitter)
{
	char *field = splitter->field.data;
	enum status st = ST_OK;
	size_t colon, n;

	if (splitter->field.len == 0)
		return ST_OK;
	n = name_length(field, splitter->field.len, &colon);
	if (n > 0) {
		field[n] = '\0';
		st = splitter->emit(splitter->ctx, field, field + colon + 1);
	}
	buf_cut(&splitter->field, 0);
	return st;
}

/* Append to the field; what is over its cap is cut, not an error. */
static enum status
collect(struct header_splitter *splitter, const char *data, size_t len)
{
	size_t room = splitter->field.max - splitter->field.len, from;
	enum status st;

	if (splitter->is_skipped)
		return ST_OK;
	from = splitter->field.len;
	st = buf_add(&splitter->field, data, len < room ? len : room);
	/* A field is a string from here on. */
	for (char *p; st == ST_OK &&
	     (p = memchr(splitter->field.data + from, '\0',
		  splitter->field.len - from)) != NULL;)
		*p = ' ';
	return st;
}

/* The first byte of a line decides what the line is. */
static enum status
begin_line(struct header_splitter *splitter, char c)
{
	splitter->is_skipped = false;
	if (c == ' ' || c == '\t') {
		/* A fold belongs to the field, its line end too. */
		splitter->is_skipped = splitter->field.len == 0;
		return collect(splitter, "\n", 1);
	}
	return flush_field(splitter);
}

static enum status
end_line(struct header_splitter *splitter)
{
	enum status st = ST_OK;

	if (splitter->line_len == 0) {
		splitter->is_done = true;
		st = flush_field(splitter);
	} else if (splitter->is_first && splitter->field.len >= 5 &&
	    memcmp(splitter->field.data, "From ", 5) == 0) {
		/* The separator line of an mbox is no field. */
		buf_cut(&splitter->field, 0);
	}
	splitter->is_first = false;
	splitter->line_len = 0;
	splitter->has_cr = false;
	return st;
}

static enum status
add_bytes(struct header_splitter *splitter, const char *data, size_t len)
{
	enum status st = ST_OK;

	if (len > 0 && splitter->line_len == 0)
		st = begin_line(splitter, data[0]);
	splitter->line_len += len;
	return st == ST_OK && len > 0 ? collect(splitter, data, len) : st;
}

/* Bytes of a line. A CR at the end may be half of a line end. */
static enum status
add_line(struct header_splitter *splitter, const char *data, size_t len)
{
	enum status st = ST_OK;

	if (len == 0)
		return ST_OK;
	if (splitter->has_cr)
		st = add_bytes(splitter, "\r", 1);
	splitter->has_cr = data[len - 1] == '\r';
	if (st == ST_OK)
		st =
		    add_bytes(splitter, data, splitter->has_cr ? len - 1 : len);
	return st;
}

enum status
header_splitter_more(struct header_splitter *splitter, const char *data,
    size_t len, size_t *used)
{
	enum status st = ST_OK;
	size_t i = 0;

	while (i < len && !splitter->is_done && st == ST_OK) {
		const char *nl = memchr(data + i, '\n', len - i);
		size_t n = nl != NULL ? (size_t)(nl - data) - i : len - i;

		st = add_line(splitter, data + i, n);
		i += n;
		if (nl != NULL && st == ST_OK) {
			st = end_line(splitter);
			i++;
		}
	}
	*used = i;
	return st;
}

enum status
header_splitter_finish(struct header_splitter *splitter)
{
	enum status st = ST_OK;

	if (splitter->line_len > 0)
		st = end_line(splitter);
	if (st == ST_OK)
		st = flush_field(splitter);
	splitter->is_done = true;
	return st;
}

/* Pass over white space and comments, which may nest. */
static const char *
skip_cfws(const char *s)
{
	unsigned depth = 0;

	for (; *s != '\0'; s++) {
		if (*s == '(') {
			depth++;
		} else if (depth > 0) {
			if (*s == '\\' && s[1] != '\0')
				s++;
			else if (*s == ')')
				depth--;
		} else if (!text_is_space(*s)) {
			break;
		}
	}
	return s;
}

void
header_token(const char *value, char *out, size_t size)
{
	size_t n = 0;

	for (value = skip_cfws(value); *value != '\0'; value++) {
		if (*value == ';' || *value == '(' || text_is_space(*value)) {
			/* "multipart / report" has been seen. */
			value = skip_cfws(value);
			if (*value == '\0' || *value == ';' ||
			    (*value != '/' && (n == 0 || out[n - 1] != '/')))
				break;
		}
		if (n + 1 < size)
			out[n++] = text_lower(*value);
	}
	out[n] = '\0';
}

/* One name=value of a parameter list, as it stands. */
struct param {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
	bool is_quoted;
};

/* The next ";" that is not within a comment or a quoted string, or NULL. */
static const char *
find_semicolon(const char *s)
{
	for (;;) {
		s = skip_cfws(s);
		if (*s == '\0')
			return NULL;
		if (*s == ';')
			return s;
		if (*s == '"') {
			for (s++; *s != '\0' && *s != '"'; s++) {
				if (*s == '\\' && s[1] != '\0')
					s++;
			}
		}
		if (*s != '\0')
			s++;
	}
}

/* Read the next parameter behind a ";" of *s and move *s behind it. */
static bool
next_param(const char **s, struct param *param)
{
	const char *p;

	do {
		p = find_semicolon(*s);
		if (p == NULL)
			return false;
		*s = p = skip_cfws(p + 1);
		param->name = p;
		p += strcspn(p, "=; \t\r\n(\"");
		param->name_len = (size_t)(p - param->name);
		p = skip_cfws(p);
	} while (*p != '=' || param->name_len == 0);
	p = skip_cfws(p + 1);
	param->is_quoted = *p == '"';
	if (param->is_quoted) {
		param->value = ++p;
		while (*p != '\0' && *p != '"')
			p += *p == '\\' && p[1] != '\0' ? 2 : 1;
		param->value_len = (size_t)(p - param->value);
		if (*p == '"')
			p++;
	} else {
		param->value = p;
		p += strcspn(p, "; \t\r\n");
		param->value_len = (size_t)(p - param->value);
	}
	*s = p;
	return true;
}

/*
 * If the parameter is a piece of the one named (name, name*, name*N, name*N*):
 * its number (0 without one) and whether it is percent-encoded.
 */
static bool
match_param(const struct param *param, const char *name, unsigned *number,
    bool *is_encoded)
{
	const char *p = param->name, *end = p + param->name_len;
	size_t len = strlen(name);

	*number = 0;
	*is_encoded = false;
	if (param->name_len < len || !text_ieqn(p, name, len))
		return false;
	p += len;
	if (p < end && *p == '*') {
		p++;
		if (p == end) {
			*is_encoded = true;
			return true;
		}
		for (; p < end && *p >= '0' && *p <= '9'; p++) {
			if (*number > 999)
				return false;
			*number = *number * 10 + (unsigned)(*p - '0');
		}
		if (p < end && *p == '*') {
			*is_encoded = true;
			p++;
		}
	}
	return p == end;
}

/* Append one piece, unquoted and decoded, to out of size bytes. */
static size_t
append_piece(const struct param *param, bool is_encoded, bool is_first,
    char *out, size_t n, size_t size)
{
	const char *p = param->value, *end = p + param->value_len;

	if (is_encoded && is_first) {
		/* charset'language'text */
		const char *mark = memchr(p, '\'', (size_t)(end - p));

		if (mark != NULL)
			mark = memchr(mark + 1, '\'', (size_t)(end - mark - 1));
		if (mark != NULL)
			p = mark + 1;
	}
	for (; p < end && n + 1 < size; p++) {
		if (*p == '\r' || *p == '\n')
			continue;
		if (param->is_quoted && *p == '\\' && p + 1 < end) {
			p++;
		} else if (is_encoded && *p == '%' && end - p > 2 &&
		    text_hex(p[1]) >= 0 && text_hex(p[2]) >= 0) {
			int c = text_hex(p[1]) * 16 + text_hex(p[2]);

			out[n++] = c == 0 ? ' ' : (char)c;
			p += 2;
			continue;
		}
		out[n++] = *p;
	}
	out[n] = '\0';
	return n;
}

bool
header_param(const char *value, const char *name, char *out, size_t size)
{
	bool is_found = false;
	size_t n = 0;

	/* Pieces may come in any order: look for each number in turn. */
	for (unsigned want = 0; want < HEADER_PIECES_MAX && n + 1 < size;
	     want++) {
		const char *s = value;
		struct param param;
		bool is_here = false, is_encoded;
		unsigned number;

		while (!is_here && next_param(&s, &param))
			is_here =
			    match_param(&param, name, &number, &is_encoded) &&
			    number == want;
		if (!is_here)
			break;
		n = append_piece(&param, is_encoded, want == 0, out, n, size);
		is_found = true;
	}
	return is_found;
}

void
header_unfold(const char *value, char *out, size_t size)
{
	size_t n = 0;
	bool has_space = false;

	for (; *value != '\0'; value++) {
		if (text_is_space(*value)) {
			has_space = n > 0;
			continue;
		}
		if (n + (has_space ? 2 : 1) >= size)
			break;
		if (has_space)
			out[n++] = ' ';
		has_space = false;
		out[n++] = *value;
	}
	if (*value != '\0') {
		/* Not within a character. */
		out[n] = *value;
		n = utf8_cut(out, n + 1, n);
	}
	out[n] = '\0';
}

bool
header_address_domain(const char *value, char *out, size_t size)
{
	const char *at = NULL;
	size_t len, n;
	bool is_quoted = false;

	/* The last "@" of the first address, outside quotes and comments. */
	for (value = skip_cfws(value); *value != '\0'; value++) {
		if (*value == '"') {
			is_quoted = !is_quoted;
		} else if (is_quoted) {
			if (*value == '\\' && value[1] != '\0')
				value++;
		} else if (*value == '@') {
			at = value + 1;
		} else if (*value == '(') {
			value = skip_cfws(value) - 1;
		} else if (at != NULL && (*value == ',' || *value == '>')) {
			break;
		}
	}
	if (at == NULL)
		return false;
	len = strcspn(at, ">,; \t\r\n()\"");
	if (len == 0 || len >= size)
		return false;
	for (n = 0; n < len; n++)
		out[n] = text_lower(at[n]);
	out[n] = '\0';
	return true;
}
