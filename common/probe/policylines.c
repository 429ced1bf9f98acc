#include "policylines.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
	NESTED_MAX = 256 * 1024 /* bytes of an array within a string */
};

/* The next byte that counts: small, and white space only between words. */
static char
next_byte(const char **p, char last)
{
	const char *from = *p;

	while (text_is_space(**p))
		(*p)++;
	if (*p > from && last != ':' && **p != ':' && **p != '\0')
		return ' ';
	return **p != '\0' ? text_lower(*(*p)++) : '\0';
}

/* The same for lines that are the same (FNV-1a). */
static uint64_t
hash(const char *line)
{
	uint64_t value = UINT64_C(14695981039346656037);
	char c = ':';

	while ((c = next_byte(&line, c)) != '\0')
		value = (value ^ (unsigned char)c) * UINT64_C(1099511628211);
	return value;
}

static enum status
add_line(struct policylines *lines, const char *text, size_t len)
{
	char *line;

	while (len > 0 && text_is_space(*text)) {
		text++;
		len--;
	}
	while (len > 0 && text_is_space(text[len - 1]))
		len--;
	if (len == 0 || *text == '\0' || lines->count == POLICYLINES_MAX)
		return ST_OK;
	if (len >= POLICYLINES_LINE_MAX)
		len = utf8_cut(text, len, POLICYLINES_LINE_MAX - 1);
	line = malloc(len + 1);
	if (line == NULL)
		return ST_NO_MEMORY;
	memcpy(line, text, len);
	line[len] = '\0';
	lines->line[lines->count++] = line;
	lines->sum += hash(line);
	return ST_OK;
}

enum status
policylines_add(struct policylines *lines, const char *text, size_t len)
{
	enum status st = ST_OK;

	while (len > 0 && st == ST_OK) {
		const char *end = memchr(text, '\n', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;

		st = add_line(lines, text, n);
		n += end != NULL;
		text += n;
		len -= n;
	}
	return st;
}

static enum status
add_strings(struct policylines *lines, const cJSON *array)
{
	const cJSON *item = NULL;
	enum status st = ST_OK;

	cJSON_ArrayForEach(item, array)
	{
		if (st == ST_OK && cJSON_IsString(item))
			st = policylines_add(lines, item->valuestring,
			    strlen(item->valuestring));
	}
	return st;
}

/* The array that a string holds, or NULL. To be deleted. */
static cJSON *
nested(const cJSON *item)
{
	const char *text = cJSON_IsString(item) ? item->valuestring : "";
	cJSON *array;

	if (text[strspn(text, " \t\r\n")] != '[' || strlen(text) > NESTED_MAX)
		return NULL;
	array = cJSON_Parse(text);
	if (!cJSON_IsArray(array)) {
		cJSON_Delete(array);
		return NULL;
	}
	return array;
}

enum status
policylines_read(struct policylines *lines, const cJSON *policy_string)
{
	cJSON *array = cJSON_GetArraySize(policy_string) == 1
	    ? nested(cJSON_GetArrayItem(policy_string, 0))
	    : NULL;
	enum status st =
	    add_strings(lines, array != NULL ? array : policy_string);

	cJSON_Delete(array);
	return st;
}

void
policylines_clear(struct policylines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	lines->count = 0;
	lines->sum = 0;
}

static bool
is_same(const char *a, const char *b)
{
	char x = ':', y = ':';

	do {
		x = next_byte(&a, x);
		y = next_byte(&b, y);
	} while (x == y && x != '\0');
	return x == y;
}

bool
policylines_is_same(const struct policylines *a, const struct policylines *b)
{
	return a->count == b->count && a->sum == b->sum &&
	    policylines_compare(a, b, NULL, NULL) == 0;
}

/* Lines that are to be taken, each once. */
struct others {
	const struct policylines *lines;
	uint64_t hash[POLICYLINES_MAX];
	bool is_taken[POLICYLINES_MAX];
};

/*
 * Take the line of others that is the same, unless it is taken. What a stranger
 * wrote may be alike up to the last byte of each line.
 */
static bool
take_same(struct others *others, const char *line)
{
	uint64_t value = hash(line);

	for (size_t i = 0; i < others->lines->count; i++) {
		if (!others->is_taken[i] && others->hash[i] == value &&
		    is_same(others->lines->line[i], line)) {
			others->is_taken[i] = true;
			return true;
		}
	}
	return false;
}

size_t
policylines_compare(const struct policylines *before,
    const struct policylines *after,
    void (*fn)(void *ctx, char sign, const char *line), void *ctx)
{
	struct others others = { .lines = after };
	size_t differing = 0;

	for (size_t i = 0; i < after->count; i++)
		others.hash[i] = hash(after->line[i]);
	for (size_t i = 0; i < before->count; i++) {
		bool is_there = take_same(&others, before->line[i]);

		differing += !is_there;
		if (fn != NULL)
			fn(ctx, is_there ? ' ' : '-', before->line[i]);
	}
	for (size_t i = 0; i < after->count; i++) {
		if (others.is_taken[i])
			continue;
		differing++;
		if (fn != NULL)
			fn(ctx, '+', after->line[i]);
	}
	return differing;
}
