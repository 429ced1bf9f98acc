#include "zoneline.h"

#include <string.h>

#include "text.h"

enum {
	WORDS_MAX = 4, /* owner, TTL, class, TXT, in any order */
	DECIMALS = 3
};

struct scanner {
	const char *p;
	const char *end;
	size_t depth; /* of parentheses */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A word before the text: of neither quotes nor what is in a record. */
static size_t
word_len(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && !text_is_space(p[n]) &&
	    strchr("\"=;()", p[n]) == NULL)
		n++;
	return n;
}

/*
 * Find the word TXT, and note the owner before it: the first word, unless the
 * line begins with white space. NULL if there is none.
 */
static const char *
find_data(const char *text, size_t len, struct zoneline *zone)
{
	const char *p = text, *end = text + len;

	for (int i = 0; i < WORDS_MAX; i++) {
		size_t n;

		while (p < end && text_is_space(*p))
			p++;
		n = word_len(p, end);
		if (n == 0)
			return NULL;
		if (n == strlen("TXT") && text_ieqn(p, "TXT", n))
			return p + n;
		if (i == 0 && p == text && memchr(p, '\0', n) == NULL &&
		    n < sizeof zone->owner && !(p[0] >= '0' && p[0] <= '9')) {
			memcpy(zone->owner, p, n);
			zone->owner[n] = '\0';
		}
		p += n;
	}
	return NULL;
}

bool
zoneline_is_one(const char *text, size_t len)
{
	struct zoneline zone = { .owner = "" };

	return find_data(text, len, &zone) != NULL;
}

/* One byte of a string, which may be written as \" or \034. */
static char
take_byte(struct scanner *s)
{
	unsigned value = 0;

	if (*s->p != '\\' || s->p + 1 == s->end)
		return *s->p++;
	s->p++;
	for (int i = 0; i < DECIMALS; i++) {
		if (s->end - s->p <= i || s->p[i] < '0' || s->p[i] > '9')
			return *s->p++;
		value = value * 10 + (unsigned)(s->p[i] - '0');
	}
	if (value > 255)
		return *s->p++;
	s->p += DECIMALS;
	return (char)value;
}

static enum status
take_string(struct scanner *s, struct zoneline *zone, struct buf *out)
{
	bool is_quoted = *s->p == '"';
	enum status st = ST_OK;

	zone->strings++;
	zone->is_unquoted |= !is_quoted;
	s->p += is_quoted;
	while (st == ST_OK && s->p < s->end &&
	    (is_quoted ? *s->p != '"'
		       : !text_is_space(*s->p) && *s->p != ';' &&
			*s->p != '(' && *s->p != ')'))
		st = buf_addc(out, take_byte(s));
	if (is_quoted && s->p < s->end)
		s->p++;
	return st;
}

/* Is there anything but white space and comments? */
static bool
has_more(struct scanner *s)
{
	for (; s->p < s->end; s->p++) {
		if (*s->p == ';') {
			while (s->p + 1 < s->end && *s->p != '\n')
				s->p++;
		} else if (!text_is_space(*s->p)) {
			return true;
		}
	}
	return false;
}

/* A comment; one right behind a string without quotes was meant as text. */
static void
skip_comment(struct scanner *s, struct zoneline *zone)
{
	zone->is_cut |= zone->is_unquoted;
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

enum status
zoneline_read(
    struct zoneline *zone, const char *text, size_t len, struct buf *out)
{
	struct scanner s = { .end = text + len };
	enum status st = ST_OK;

	*zone = (struct zoneline){ .owner = "" };
	s.p = find_data(text, len, zone);
	if (s.p == NULL)
		return ST_OK;
	while (st == ST_OK && s.p < s.end) {
		if (*s.p == '\n' && s.depth == 0)
			break;
		if (is_blank(*s.p) || *s.p == '\n') {
			s.p++;
		} else if (*s.p == '(' || *s.p == ')') {
			if (*s.p++ == '(')
				s.depth++;
			else if (s.depth > 0)
				s.depth--;
		} else if (*s.p == ';') {
			skip_comment(&s, zone);
		} else if (text_is_space(*s.p)) {
			s.p++;
		} else {
			st = take_string(&s, zone, out);
		}
	}
	zone->has_more = has_more(&s);
	return st;
}
