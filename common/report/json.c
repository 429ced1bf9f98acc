#include "json.h"

#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "text.h"

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && text_is_space(*p))
		p++;
	return p;
}

/* Behind the string that begins at p. */
static const char *
skip_string(const char *p, const char *end)
{
	const char *from = p + 1;

	for (p = from; (p = memchr(p, '"', (size_t)(end - p))) != NULL; p++) {
		const char *q = p;

		/* An odd number of backslashes before it escapes it. */
		while (q > from && q[-1] == '\\')
			q--;
		if ((p - q) % 2 == 0)
			return p + 1;
	}
	return end;
}

/* Behind the value that begins at p. The text has been checked. */
static const char *
skip_value(const char *p, const char *end)
{
	size_t depth = 0;

	do {
		switch (*p) {
		case '"':
			p = skip_string(p, end);
			break;
		case '{':
		case '[':
			depth++;
			p++;
			break;
		case '}':
		case ']':
			depth--;
			p++;
			break;
		default:
			if (depth > 0) {
				p++;
				break;
			}
			while (p < end && !text_is_space(*p) && *p != ',' &&
			    *p != '}' && *p != ']')
				p++;
		}
	} while (depth > 0 && p < end);
	return p;
}

struct json_span
json_root(const char *text, size_t len)
{
	const char *p = text, *end = text + len;

	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	p = skip_space(p, end);
	while (end > p && text_is_space(end[-1]))
		end--;
	return (struct json_span){ p, (size_t)(end - p) };
}

enum json_type
json_type(struct json_span span)
{
	if (span.len == 0)
		return JSON_NONE;
	switch (*span.text) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

static void
start(struct json_iter *iter, const char *value, const char *end)
{
	*iter = (struct json_iter){
		.is_object = *value == '{',
		.is_taken = true,
		.at = value + 1,
		.end = end,
	};
}

void
json_iter(struct json_iter *iter, struct json_span container)
{
	*iter = (struct json_iter){ .at = NULL };
	if (json_type(container) == JSON_OBJECT ||
	    json_type(container) == JSON_ARRAY)
		start(iter, container.text, container.text + container.len);
}

struct json_span
json_take(struct json_iter *iter)
{
	iter->at = skip_value(iter->value, iter->end);
	iter->is_taken = true;
	return (
	    struct json_span){ iter->value, (size_t)(iter->at - iter->value) };
}

enum json_type
json_next_type(const struct json_iter *iter)
{
	return json_type((struct json_span){ iter->value, 1 });
}

bool
json_next(struct json_iter *iter)
{
	const char *p, *end = iter->end, *from;

	if (iter->at == NULL)
		return false;
	if (!iter->is_taken)
		(void)json_take(iter);
	p = skip_space(iter->at, end);
	if (p < end && *p == ',')
		p = skip_space(p + 1, end);
	iter->at = p;
	if (p == end || *p == '}' || *p == ']')
		return false;
	if (iter->is_object) {
		from = p;
		p = skip_string(p, end);
		iter->name = (struct json_span){ from, (size_t)(p - from) };
		p = skip_space(skip_space(p, end) + 1, end);
	}
	iter->value = p;
	iter->is_taken = false;
	return true;
}

void
json_enter(struct json_iter *child, const struct json_iter *parent)
{
	start(child, parent->value, parent->end);
}

void
json_leave(struct json_iter *parent, struct json_iter *child)
{
	while (json_next(child))
		;
	parent->at = child->at + 1;
	parent->is_taken = true;
}

bool
json_name_is(struct json_span name, const char *string, size_t len)
{
	deviations ignored = 0;
	cJSON *item;
	bool is_same;

	/* A name with escapes is longer than what it stands for. */
	if (name.len <= len + 2)
		return name.len == len + 2 &&
		    memcmp(name.text + 1, string, len) == 0;
	if (name.len > len * 6 + 2 || memchr(name.text, '\\', name.len) == NULL)
		return false;
	item = json_scalar(name, &ignored);
	is_same = item != NULL && strlen(item->valuestring) == len &&
	    memcmp(item->valuestring, string, len) == 0;
	cJSON_Delete(item);
	return is_same;
}

long
json_plain_string(struct json_span span, char *out)
{
	size_t len = span.len - 2;

	if (len >= JSON_VALUE_MAX || memchr(span.text + 1, '\\', len) != NULL ||
	    memchr(span.text + 1, '\0', len) != NULL)
		return -1;
	memcpy(out, span.text + 1, len);
	out[len] = '\0';
	return (long)len;
}

/* Is the "\uXXXX" at p one that cJSON cannot turn into text? */
static bool
is_bad_escape(const char *p, const char *end, bool is_behind_high)
{
	bool is_high, is_low;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return false;
	if (memcmp(p + 2, "0000", 4) == 0)
		return true;
	if (text_lower(p[2]) != 'd')
		return false;
	is_high = strchr("89aAbB", p[3]) != NULL;
	is_low = strchr("cCdDeEfF", p[3]) != NULL;
	if (is_low)
		return !is_behind_high;
	return is_high &&
	    !(end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
		text_lower(p[8]) == 'd' && strchr("cCdDeEfF", p[9]) != NULL);
}

/*
 * Copy a string token as cJSON can take it: cut at JSON_VALUE_MAX bytes, not
 * within an escape or a character, and U+FFFD for what is no character.
 */
static size_t
copy_string(struct json_span span, char *out, bool *is_cut)
{
	const char *p = span.text + 1, *end = span.text + span.len - 1;
	size_t n = 0;
	bool is_behind_high = false;
	uint32_t cp;

	out[n++] = '"';
	while (p < end && n < JSON_VALUE_MAX) {
		size_t len;

		if (*p == '\0' || is_bad_escape(p, end, is_behind_high)) {
			memcpy(out + n, "\\ufffd", 6);
			n += 6;
			p += *p == '\0' ? 1 : 6;
			is_behind_high = false;
			continue;
		}
		if (*p == '\\') {
			len = p[1] == 'u' ? 6 : 2;
			is_behind_high = len == 6 && !is_behind_high &&
			    text_lower(p[2]) == 'd' &&
			    strchr("89aAbB", p[3]) != NULL;
		} else {
			len = utf8_decode(p, (size_t)(end - p), &cp);
			is_behind_high = false;
		}
		memcpy(out + n, p, len);
		n += len;
		p += len;
	}
	*is_cut = p < end;
	/* A pair that is cut in two: drop its first half. */
	if (*is_cut && is_behind_high)
		n -= 6;
	out[n++] = '"';
	return n;
}

/* Must the string be copied before cJSON can take it? */
static bool
needs_copy(struct json_span span)
{
	const char *p = span.text, *end = p + span.len;

	if (span.len > JSON_VALUE_MAX || memchr(p, '\0', span.len) != NULL)
		return true;
	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		if (p[1] == 'u')
			return true;
		p += 2;
	}
	return false;
}

cJSON *
json_scalar(struct json_span span, deviations *dev)
{
	/* The last character or escape may pass the limit. */
	char copy[JSON_VALUE_MAX + 16];
	bool is_cut = false;

	switch (json_type(span)) {
	case JSON_STRING:
		if (!needs_copy(span))
			break;
		span.len = copy_string(span, copy, &is_cut);
		span.text = copy;
		if (is_cut)
			deviation_add(dev, DEV_LONG_VALUE);
		break;
	case JSON_NUMBER:
		/* A number of that many digits is out of any range. */
		if (span.len > JSON_VALUE_MAX)
			return cJSON_CreateNull();
		break;
	case JSON_NONE:
	case JSON_OBJECT:
	case JSON_ARRAY:
		return NULL;
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return cJSON_ParseWithLength(span.text, span.len);
}

/* Append a string element; false when there is no memory. */
static bool
append_string(cJSON *array, struct json_span span, deviations *dev)
{
	cJSON *item = json_scalar(span, dev);

	if (item == NULL)
		return false;
	if (!cJSON_AddItemToArray(array, item)) {
		cJSON_Delete(item);
		return false;
	}
	return true;
}

cJSON *
json_strings(struct json_span span, deviations *dev)
{
	cJSON *array = cJSON_CreateArray();
	struct json_iter iter;
	size_t n = 0;
	bool is_ok = array != NULL;

	if (is_ok && json_type(span) == JSON_STRING)
		is_ok = append_string(array, span, dev);
	json_iter(&iter, span);
	while (is_ok && json_type(span) == JSON_ARRAY && json_next(&iter)) {
		if (n++ == JSON_ARRAY_MAX) {
			deviation_add(dev, DEV_LONG_VALUE);
			break;
		}
		if (json_next_type(&iter) == JSON_STRING)
			is_ok = append_string(array, json_take(&iter), dev);
		else
			deviation_add(dev, DEV_WRONG_TYPE);
	}
	if (!is_ok) {
		cJSON_Delete(array);
		return NULL;
	}
	return array;
}

/* Collects what json_compact() puts out, so that writes are few. */
struct compactor {
	enum status (*write)(void *ctx, const char *data, size_t len);
	void *ctx;
	char block[4096];
	size_t n;
};

static enum status
flush(struct compactor *c)
{
	size_t n = c->n;

	c->n = 0;
	return n > 0 ? c->write(c->ctx, c->block, n) : ST_OK;
}

static enum status
put(struct compactor *c, const char *data, size_t len)
{
	enum status st = ST_OK;

	if (len > sizeof c->block - c->n)
		st = flush(c);
	if (st != ST_OK)
		return st;
	if (len > sizeof c->block)
		return c->write(c->ctx, data, len);
	memcpy(c->block + c->n, data, len);
	c->n += len;
	return ST_OK;
}

static enum status
put_escaped(struct compactor *c, char control)
{
	static const char digits[] = "0123456789abcdef";
	char escape[6] = { '\\', 'u', '0', '0', digits[control >> 4 & 0xf],
		digits[control & 0xf] };

	return put(c, escape, sizeof escape);
}

/* The string from p to end, its quotes included. */
static enum status
compact_string(struct compactor *c, const char *p, const char *end)
{
	enum status st = ST_OK;

	while (p < end && st == ST_OK) {
		const char *from = p;

		while (p < end && (unsigned char)*p >= 0x20)
			p++;
		st = put(c, from, (size_t)(p - from));
		if (st == ST_OK && p < end)
			st = put_escaped(c, *p++);
	}
	return st;
}

enum status
json_compact(struct json_span span,
    enum status (*write)(void *ctx, const char *data, size_t len), void *ctx)
{
	struct compactor c = { .write = write, .ctx = ctx };
	const char *p = span.text, *end = p + span.len;
	enum status st = ST_OK;

	while (p < end && st == ST_OK) {
		const char *from = p;

		if (*p == '"') {
			p = skip_string(p, end);
			st = compact_string(&c, from, p);
			continue;
		}
		while (p < end && *p != '"' && !text_is_space(*p))
			p++;
		st = put(&c, from, (size_t)(p - from));
		p = skip_space(p, end);
	}
	return st == ST_OK ? flush(&c) : st;
}
