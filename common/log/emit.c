#include "emit.h"

#include <limits.h>
#include <string.h>

#include "text.h"

/* Values are not cut shorter than this: the greatest event fits then. */
enum {
	VALUE_MIN = 8,
	QUEUE_ID_MAX = 64
};

static const char ellipsis[] = "\xe2\x80\xa6";

/* An appender of one string in one syntax, controls and all. */
typedef enum status
put_string_fn(struct buf *out, const char *string, size_t len);

static enum status
put_hex(struct buf *out, const char *bytes, size_t len)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < len && st == ST_OK; i++)
		st = buf_addf(out, "\\x%02x", (unsigned char)bytes[i]);
	return st;
}

/* What a byte means to a printer: most mean nothing but themselves. */
enum byte {
	PLAIN,
	SPACE, /* and "=": quoted in logfmt */
	QUOTE, /* and the backslash: escaped */
	OTHER  /* a control character, or part of a longer one */
};

static enum byte
byte_class(char c)
{
	enum {
		P = PLAIN,
		S = SPACE,
		Q = QUOTE,
		X = OTHER
	};
	static const unsigned char classes[UCHAR_MAX + 1] = {
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0x00 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0x10 */
		S, P, Q, P, P, P, P, P, P, P, P, P, P, P, P, P, /* 0x20 */
		P, P, P, P, P, P, P, P, P, P, P, P, P, S, P, P, /* 0x30 */
		P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, /* 0x40 */
		P, P, P, P, P, P, P, P, P, P, P, P, Q, P, P, P, /* 0x50 */
		P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, /* 0x60 */
		P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, X, /* 0x70 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0x80 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0x90 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0xa0 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0xb0 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0xc0 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0xd0 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0xe0 */
		X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 0xf0 */
	};

	return classes[(unsigned char)c];
}

/* The length of the run of bytes at string that are of at most this class. */
static size_t
run_length(const char *string, size_t len, enum byte most)
{
	size_t n = 0;

	while (n < len && byte_class(string[n]) <= most)
		n++;
	return n;
}

/*
 * One character that is no plain byte: as it is, or as \xNN when it is a
 * control or no UTF-8. *used tells its length.
 */
static enum status
put_character(struct buf *out, const char *string, size_t len, size_t *used)
{
	uint32_t cp;

	*used = utf8_decode(string, len, &cp);
	if (*used == 0)
		return put_hex(out, string, *used = 1);
	if (utf8_is_control(cp))
		return put_hex(out, string, *used);
	return buf_add(out, string, *used);
}

/* Characters as they are, controls and bad UTF-8 as \xNN. */
static enum status
put_visible(struct buf *out, const char *string, size_t len)
{
	enum status st = ST_OK;

	while (len > 0 && st == ST_OK) {
		size_t n = run_length(string, len, QUOTE);

		if (n > 0)
			st = buf_add(out, string, n);
		else
			st = put_character(out, string, len, &n);
		string += n;
		len -= n;
	}
	return st;
}

enum status
emit_visible(struct buf *out, const char *string)
{
	return put_visible(out, string, strlen(string));
}

/*
 * logfmt.
 */

static bool
needs_quotes(const char *string, size_t len)
{
	size_t i = 0;

	if (len == 0)
		return true;
	while ((i += run_length(string + i, len - i, PLAIN)) < len) {
		uint32_t cp;
		size_t n = utf8_decode(string + i, len - i, &cp);

		if (n <= 1 || utf8_is_space(cp) || utf8_is_control(cp))
			return true;
		i += n;
	}
	return false;
}

static enum status
put_logfmt(struct buf *out, const char *string, size_t len)
{
	enum status st;

	if (!needs_quotes(string, len))
		return buf_add(out, string, len);
	st = buf_addc(out, '"');
	while (len > 0 && st == ST_OK) {
		size_t n = run_length(string, len, SPACE);

		if (n > 0) {
			st = buf_add(out, string, n);
		} else if (byte_class(*string) == QUOTE) {
			char escape[] = { '\\', *string };

			st = buf_add(out, escape, sizeof escape);
			n = 1;
		} else {
			st = put_character(out, string, len, &n);
		}
		string += n;
		len -= n;
	}
	return st == ST_OK ? buf_addc(out, '"') : st;
}

/*
 * JSON.
 */

/* One character that is not a plain byte; *used tells its length. */
static enum status
put_json_character(
    struct buf *out, const char *string, size_t len, size_t *used)
{
	uint32_t cp;

	*used = utf8_decode(string, len, &cp);
	if (*used == 0) {
		*used = 1;
		return buf_adds(out, "\\ufffd");
	}
	if (cp == '"' || cp == '\\')
		return buf_addf(out, "\\%c", (char)cp);
	if (utf8_is_control(cp))
		return buf_addf(out, "\\u%04x", (unsigned)cp);
	return buf_add(out, string, *used);
}

static enum status
put_json(struct buf *out, const char *string, size_t len)
{
	enum status st = buf_addc(out, '"');

	while (len > 0 && st == ST_OK) {
		size_t n = run_length(string, len, SPACE);

		if (n > 0)
			st = buf_add(out, string, n);
		else
			st = put_json_character(out, string, len, &n);
		string += n;
		len -= n;
	}
	return st == ST_OK ? buf_addc(out, '"') : st;
}

/* A string in the given syntax, cut with an ellipsis. */
static enum status
put_cut(
    struct buf *out, const char *string, size_t value_max, put_string_fn *put)
{
	size_t len = strlen(string), cut;
	char copy[EMIT_VALUE_MAX + sizeof ellipsis];

	if (len <= value_max || value_max > EMIT_VALUE_MAX)
		return put(out, string, len);
	/* value_max is the length with the ellipsis. */
	cut = utf8_cut(string, len, value_max - (sizeof ellipsis - 1));
	memcpy(copy, string, cut);
	memcpy(copy + cut, ellipsis, sizeof ellipsis - 1);
	return put(out, copy, cut + sizeof ellipsis - 1);
}

enum status
emit_json_string(struct buf *out, const char *string, size_t value_max)
{
	return put_cut(out, string, value_max, put_json);
}

/*
 * Values of fields.
 */

/* Join the strings of a list, or the names of a set, with commas. */
static enum status
join(struct buf *out, const struct field *field)
{
	const cJSON *item = NULL;
	enum status st = ST_OK;
	unsigned next = 0;
	const char *name;

	if (field->type == FIELD_DEVIATIONS) {
		while (st == ST_OK &&
		    (name = deviation_next(field->u.set, &next)) != NULL) {
			if (out->len > 0)
				st = buf_addc(out, ',');
			if (st == ST_OK)
				st = buf_adds(out, name);
		}
		return st;
	}
	cJSON_ArrayForEach(item, field->u.list)
	{
		if (st == ST_OK && out->len > 0)
			st = buf_addc(out, ',');
		if (st == ST_OK && cJSON_IsString(item))
			st = buf_adds(out, item->valuestring);
	}
	return st;
}

/* Put a list as one string; no more of it is needed than will be shown. */
static enum status
put_joined(struct buf *out, const struct field *field, size_t value_max,
    put_string_fn *put)
{
	struct buf joined;
	enum status st;

	buf_init(&joined, 1 << 20);
	st = join(&joined, field);
	if (st == ST_OK || st == ST_TOO_LARGE)
		st = put_cut(out, joined.data != NULL ? joined.data : "",
		    value_max, put);
	buf_free(&joined);
	return st;
}

static enum status
put_action(struct buf *out, const struct field *field, size_t value_max,
    put_string_fn *put)
{
	char text[RESULT_ACTION_MAX];

	result_action(field->u.action.result, field->u.action.mx,
	    field->u.action.domain, text);
	return put_cut(out, text, value_max, put);
}

/*
 * How long may this value be? A line that is too long is made shorter at the
 * expense of what a stranger wrote: the archive's path and our advice stay.
 */
static size_t
value_limit(const struct field *field, size_t value_max)
{
	bool is_ours = false;

	if (value_max >= EMIT_VALUE_MAX)
		return value_max;
	if (field->type == FIELD_STRING)
		is_ours = strcmp(field->name, "archive") == 0 ||
		    strcmp(field->name, "cause") == 0;
	else
		is_ours = field->type != FIELD_LIST;
	return is_ours ? EMIT_VALUE_MAX : value_max;
}

/* The value as one string in the given syntax. */
static enum status
put_value(struct buf *out, const struct field *field, size_t value_max,
    put_string_fn *put)
{
	switch (field->type) {
	case FIELD_STRING:
		return put_cut(out, field->u.string, value_max, put);
	case FIELD_TIME:
		return put_cut(out, field->u.time, value_max, put);
	case FIELD_ACTION:
		return put_action(out, field, value_max, put);
	case FIELD_COUNT:
		return buf_addu(out, field->u.count);
	case FIELD_RATE:
		return buf_addf(out, "%.2f%%", field->u.rate);
	case FIELD_LIST:
	case FIELD_DEVIATIONS:
		break;
	}
	return put_joined(out, field, value_max, put);
}

enum status
emit_plain(struct buf *out, const struct field *field)
{
	return put_value(out, field, EMIT_VALUE_WHOLE, put_visible);
}

/* Lists as arrays; a list of more bytes than value_max ends with an "…". */
static enum status
put_json_array(struct buf *out, const struct field *field, size_t value_max)
{
	const cJSON *item = NULL;
	enum status st = buf_addc(out, '[');
	size_t from = out->len;
	unsigned next = 0;
	const char *name;

	if (field->type == FIELD_DEVIATIONS) {
		while (st == ST_OK &&
		    (name = deviation_next(field->u.set, &next)) != NULL) {
			if (out->len > from)
				st = buf_addc(out, ',');
			if (st == ST_OK)
				st = emit_json_string(out, name, value_max);
		}
		return st == ST_OK ? buf_addc(out, ']') : st;
	}
	cJSON_ArrayForEach(item, field->u.list)
	{
		if (st != ST_OK || !cJSON_IsString(item))
			continue;
		if (out->len > from)
			st = buf_addc(out, ',');
		if (st == ST_OK && out->len - from > value_max) {
			st = emit_json_string(out, ellipsis, value_max);
			break;
		}
		if (st == ST_OK)
			st =
			    emit_json_string(out, item->valuestring, value_max);
	}
	return st == ST_OK ? buf_addc(out, ']') : st;
}

static enum status
put_json_value(struct buf *out, const struct field *field, size_t value_max)
{
	enum status st;

	switch (field->type) {
	case FIELD_RATE:
		st = buf_addc(out, '"');
		if (st == ST_OK)
			st = put_value(out, field, value_max, put_json);
		return st == ST_OK ? buf_addc(out, '"') : st;
	case FIELD_LIST:
	case FIELD_DEVIATIONS:
		return put_json_array(out, field, value_max);
	case FIELD_STRING:
	case FIELD_TIME:
	case FIELD_ACTION:
	case FIELD_COUNT:
		break;
	}
	return put_value(out, field, value_max, put_json);
}

enum status
emit_json_members(struct buf *out, const struct event *ev, size_t value_max)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < ev->count && st == ST_OK; i++) {
		if (i > 0)
			st = buf_addc(out, ',');
		if (st == ST_OK)
			st = put_json(
			    out, ev->field[i].name, strlen(ev->field[i].name));
		if (st == ST_OK)
			st = buf_addc(out, ':');
		if (st == ST_OK)
			st = put_json_value(out, &ev->field[i],
			    value_limit(&ev->field[i], value_max));
	}
	return st;
}

/*
 * Whole lines.
 */

typedef enum status put_line_fn(struct buf *out, const struct event *ev,
    const char *queue_id, size_t value_max);

/* Put a line with ever shorter values until it fits. */
static enum status
fit_line(struct buf *out, const struct event *ev, const char *queue_id,
    put_line_fn *put)
{
	size_t from = out->len, value_max = EMIT_VALUE_MAX;
	enum status st;

	for (;;) {
		bool is_long;

		st = put(out, ev, queue_id, value_max);
		is_long = st == ST_TOO_LARGE ||
		    (st == ST_OK && out->len - from >= EMIT_LINE_MAX);
		if (!is_long || value_max <= VALUE_MIN)
			return st;
		buf_cut(out, from);
		value_max /= 2;
	}
}

static enum status
logfmt_line(struct buf *out, const struct event *ev, const char *queue_id,
    size_t value_max)
{
	enum status st = ST_OK;

	if (queue_id != NULL) {
		st = put_cut(out, queue_id, QUEUE_ID_MAX, put_visible);
		if (st == ST_OK)
			st = buf_adds(out, ": ");
	}
	if (st == ST_OK)
		st = buf_adds(out, "event=");
	if (st == ST_OK)
		st = buf_adds(out, ev->name);
	for (size_t i = 0; i < ev->count && st == ST_OK; i++) {
		st = buf_addc(out, ' ');
		if (st == ST_OK)
			st = buf_adds(out, ev->field[i].name);
		if (st == ST_OK)
			st = buf_addc(out, '=');
		if (st == ST_OK)
			st = put_value(out, &ev->field[i],
			    value_limit(&ev->field[i], value_max), put_logfmt);
	}
	return st;
}

enum status
emit_logfmt(struct buf *out, const struct event *ev, const char *queue_id)
{
	return fit_line(out, ev, queue_id, logfmt_line);
}

static enum status
json_line(struct buf *out, const struct event *ev, const char *queue_id,
    size_t value_max)
{
	enum status st = buf_addf(out, "{\"event\":\"%s\"", ev->name);

	if (st == ST_OK && queue_id != NULL) {
		st = buf_adds(out, ",\"queue-id\":");
		if (st == ST_OK)
			st = put_cut(out, queue_id, QUEUE_ID_MAX, put_json);
	}
	if (st == ST_OK && ev->count > 0)
		st = buf_addc(out, ',');
	if (st == ST_OK)
		st = emit_json_members(out, ev, value_max);
	return st == ST_OK ? buf_addc(out, '}') : st;
}

enum status
emit_json(struct buf *out, const struct event *ev, const char *queue_id)
{
	return fit_line(out, ev, queue_id, json_line);
}

/*
 * The journal: "NAME=value\n", or NAME, a length and the value, which may hold
 * anything (systemd's "Native Journal Protocol").
 */

static enum status
journal_field(struct buf *out, const char *name, const char *value, size_t len)
{
	enum status st = buf_adds(out, name);
	char size[8];

	if (st == ST_OK && memchr(value, '\n', len) == NULL) {
		st = buf_addc(out, '=');
	} else if (st == ST_OK) {
		for (unsigned i = 0; i < sizeof size; i++)
			size[i] = (char)((uint64_t)len >> (8 * i) & 0xff);
		st = buf_addc(out, '\n');
		if (st == ST_OK)
			st = buf_add(out, size, sizeof size);
	}
	if (st == ST_OK)
		st = buf_add(out, value, len);
	return st == ST_OK ? buf_addc(out, '\n') : st;
}

/* "result-type" is TLSRPT_RESULT_TYPE there. */
static void
journal_name(const char *name, char out[64])
{
	size_t n = 7;

	memcpy(out, "TLSRPT_", n);
	for (; *name != '\0' && n < 63; name++)
		out[n++] = *name == '-'            ? '_'
		    : *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A')
						   : *name;
	out[n] = '\0';
}

static enum status
put_raw(struct buf *out, const char *string, size_t len)
{
	return buf_add(out, string, len);
}

static enum status
journal_event_fields(struct buf *out, const struct event *ev)
{
	enum status st = ST_OK;
	struct buf value;
	char name[64];

	buf_init(&value, 1 << 20);
	for (size_t i = 0; i < ev->count && st == ST_OK; i++) {
		buf_cut(&value, 0);
		journal_name(ev->field[i].name, name);
		st = put_value(&value, &ev->field[i], EMIT_VALUE_MAX, put_raw);
		if (st == ST_OK)
			st = journal_field(out, name, value.data, value.len);
	}
	buf_free(&value);
	return st;
}

enum status
emit_journal(struct buf *out, const struct event *ev, const char *queue_id,
    const char *message, const char *ident, int facility)
{
	enum status st;

	st = journal_field(out, "MESSAGE", message, strlen(message));
	if (st == ST_OK)
		st = buf_addf(out,
		    "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%s\n",
		    (int)ev->severity, facility >> 3, ident);
	if (st == ST_OK)
		st = buf_addf(out, "TLSRPT_EVENT=%s\n", ev->name);
	if (st == ST_OK && queue_id != NULL)
		st = journal_field(
		    out, "TLSRPT_QUEUE_ID", queue_id, strlen(queue_id));
	return st == ST_OK ? journal_event_fields(out, ev) : st;
}
