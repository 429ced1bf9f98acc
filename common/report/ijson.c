#include "ijson.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
	NUMBER_MAX = 64
}; /* bytes of a number that strtod() is asked about */

/* What may come next. */
enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* behind "[" */
	EXPECT_NAME,
	EXPECT_NAME_OR_END, /* behind "{" */
	EXPECT_COLON,
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING /* the outermost value is complete */
};

/* A member name of an open object, where it stands in the text. */
struct name {
	uint32_t at;
	uint32_t len;
};

struct checker {
	const char *text;
	size_t len;
	size_t at;
	struct ijson_limits limits;
	deviations *dev;
	struct fault *fault;

	enum expect expect;
	uint64_t objects; /* a bit for each open level: object or array */
	unsigned depth;
	size_t tokens;

	/* Names of the open objects, the innermost last; first[d] is where
	   those of level d begin. */
	struct name name[IJSON_NAMES_MAX * 4];
	unsigned names;
	unsigned first[IJSON_DEPTH_MAX + 1];
};

static enum status
bad(struct checker *c, enum status st, const char *what)
{
	return fault_at(c->fault, st, c->at, "%s", what);
}

static bool
in_object(const struct checker *c)
{
	return c->depth > 0 && (c->objects >> (c->depth - 1) & 1);
}

/* Four hexadecimal digits at p, or -1. */
static long
hex4(const char *p, const char *end)
{
	long cp = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = text_hex(p[i]);

		if (digit < 0)
			return -1;
		cp = cp * 16 + digit;
	}
	return cp;
}

/* A backslash and what it escapes. */
static enum status
check_escape(struct checker *c)
{
	const char *p = c->text + c->at, *end = c->text + c->len;
	long cp;

	if (end - p < 2)
		return bad(c, ST_JSON_SYNTAX, "text ends within a string");
	if (p[1] != 'u') {
		if (p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL)
			return bad(c, ST_JSON_SYNTAX, "unknown escape");
		c->at += 2;
		return ST_OK;
	}
	cp = hex4(p + 2, end);
	if (cp < 0)
		return bad(c, ST_JSON_SYNTAX, "bad \\u escape");
	c->at += 6;
	if (cp == 0)
		deviation_add(c->dev, DEV_NUL_CHARACTER);
	if (cp < 0xd800 || cp > 0xdfff)
		return ST_OK;
	p += 6;
	if (cp < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		cp = hex4(p + 2, end);
		if (cp >= 0xdc00 && cp <= 0xdfff) {
			c->at += 6;
			return ST_OK;
		}
	}
	deviation_add(c->dev, DEV_LONE_SURROGATE);
	return ST_OK;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Does none of the eight bytes need a second look within a string? */
static bool
is_plain8(const char *p)
{
	uint64_t w, quote, backslash;

	memcpy(&w, p, sizeof w);
	quote = w ^ EACH('"');
	backslash = w ^ EACH('\\');
	/* A byte's high bit in the result: it is below 0x20, a quote, a
	   backslash, or no ASCII. A borrow may add bits, never lose one. */
	return (((w - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1)) |
		    w) &
		   EACH(0x80)) == 0;
}

static bool
is_plain(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
}

static enum status
check_string(struct checker *c)
{
	uint32_t cp;
	size_t n;
	enum status st;

	c->at++;
	for (;;) {
		while (c->len - c->at >= 8 && is_plain8(c->text + c->at))
			c->at += 8;
		while (c->at < c->len && is_plain(c->text[c->at]))
			c->at++;
		if (c->at == c->len)
			return bad(
			    c, ST_JSON_SYNTAX, "text ends within a string");
		switch (c->text[c->at]) {
		case '"':
			c->at++;
			return ST_OK;
		case '\\':
			st = check_escape(c);
			if (st != ST_OK)
				return st;
			continue;
		default:
			break;
		}
		n = utf8_decode(c->text + c->at, c->len - c->at, &cp);
		if (n == 0)
			return bad(c, ST_JSON_ENCODING, "no UTF-8");
		if (n == 1)
			deviation_add(c->dev, DEV_RAW_CONTROL_CHARACTER);
		if (cp == 0)
			deviation_add(c->dev, DEV_NUL_CHARACTER);
		c->at += n;
	}
}

static size_t
skip_digits(struct checker *c)
{
	size_t from = c->at;

	while (c->at < c->len && c->text[c->at] >= '0' && c->text[c->at] <= '9')
		c->at++;
	return c->at - from;
}

static bool
skip_one_of(struct checker *c, const char *set)
{
	if (c->at == c->len || c->text[c->at] == '\0' ||
	    strchr(set, c->text[c->at]) == NULL)
		return false;
	c->at++;
	return true;
}

/* Is the number beyond what a double holds? */
static bool
is_out_of_range(const char *text, size_t len)
{
	char copy[NUMBER_MAX];
	double value;

	if (len >= sizeof copy)
		return true;
	memcpy(copy, text, len);
	copy[len] = '\0';
	value = strtod(copy, NULL);
	return value == HUGE_VAL || value == -HUGE_VAL;
}

static enum status
check_number(struct checker *c)
{
	size_t from = c->at;
	bool is_plain_integer = true;

	(void)skip_one_of(c, "-");
	if (c->at < c->len && c->text[c->at] == '0')
		c->at++;
	else if (skip_digits(c) == 0)
		return bad(c, ST_JSON_SYNTAX, "bad number");
	if (skip_one_of(c, ".")) {
		is_plain_integer = false;
		if (skip_digits(c) == 0)
			return bad(c, ST_JSON_SYNTAX, "bad number");
	}
	if (skip_one_of(c, "eE")) {
		is_plain_integer = false;
		(void)skip_one_of(c, "+-");
		if (skip_digits(c) == 0)
			return bad(c, ST_JSON_SYNTAX, "bad number");
	}
	if (c->at < c->len && c->text[c->at] >= '0' && c->text[c->at] <= '9')
		return bad(c, ST_JSON_SYNTAX, "number with a leading zero");
	if ((!is_plain_integer || c->at - from > 15) &&
	    is_out_of_range(c->text + from, c->at - from))
		deviation_add(c->dev, DEV_NUMBER_OUT_OF_RANGE);
	return ST_OK;
}

static enum status
check_literal(struct checker *c, const char *word)
{
	size_t len = strlen(word);

	if (c->len - c->at < len || memcmp(c->text + c->at, word, len) != 0)
		return bad(c, ST_JSON_SYNTAX, "unknown word");
	c->at += len;
	return ST_OK;
}

/* Has the innermost object a member of this name already? */
static void
note_name(struct checker *c, size_t at, size_t len)
{
	for (unsigned i = c->first[c->depth]; i < c->names; i++) {
		if (c->name[i].len == len &&
		    memcmp(c->text + c->name[i].at, c->text + at, len) == 0) {
			deviation_add(c->dev, DEV_REPEATED_MEMBER);
			return;
		}
	}
	if (c->names - c->first[c->depth] < IJSON_NAMES_MAX &&
	    c->names < sizeof c->name / sizeof c->name[0] &&
	    at + len <= UINT32_MAX)
		c->name[c->names++] =
		    (struct name){ (uint32_t)at, (uint32_t)len };
}

static enum status
open_container(struct checker *c, bool is_object)
{
	if (c->depth == c->limits.depth_max)
		return fault_at(c->fault, ST_TOO_DEEP, c->at,
		    "more than %u levels of brackets", c->limits.depth_max);
	c->objects &= ~(UINT64_C(1) << c->depth);
	c->objects |= (uint64_t)is_object << c->depth;
	c->depth++;
	c->first[c->depth] = c->names;
	c->expect = is_object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
	c->at++;
	return ST_OK;
}

static void
end_value(struct checker *c)
{
	c->expect = c->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA_OR_END;
}

static enum status
close_container(struct checker *c)
{
	if (c->text[c->at] != (in_object(c) ? '}' : ']'))
		return bad(c, ST_JSON_SYNTAX, "brackets do not match");
	c->names = c->first[c->depth];
	c->depth--;
	c->at++;
	end_value(c);
	return ST_OK;
}

static enum status
check_value(struct checker *c)
{
	enum status st;

	switch (c->text[c->at]) {
	case '{':
		return open_container(c, true);
	case '[':
		return open_container(c, false);
	case '"':
		st = check_string(c);
		break;
	case 't':
		st = check_literal(c, "true");
		break;
	case 'f':
		st = check_literal(c, "false");
		break;
	case 'n':
		st = check_literal(c, "null");
		break;
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		st = check_number(c);
		break;
	default:
		return bad(c, ST_JSON_SYNTAX, "no value");
	}
	if (st == ST_OK)
		end_value(c);
	return st;
}

static enum status
check_name(struct checker *c)
{
	size_t from = c->at;
	enum status st;

	if (c->text[c->at] != '"')
		return bad(c, ST_JSON_SYNTAX, "no member name");
	st = check_string(c);
	if (st == ST_OK) {
		note_name(c, from, c->at - from);
		c->expect = EXPECT_COLON;
	}
	return st;
}

/* One token; *at is no white space. */
static enum status
check_token(struct checker *c)
{
	char ch = c->text[c->at];

	switch (c->expect) {
	case EXPECT_NAME_OR_END:
	case EXPECT_VALUE_OR_END:
		if (ch == '}' || ch == ']')
			return close_container(c);
		return c->expect == EXPECT_NAME_OR_END ? check_name(c)
						       : check_value(c);
	case EXPECT_NAME:
		return check_name(c);
	case EXPECT_VALUE:
		return check_value(c);
	case EXPECT_COLON:
		if (ch != ':')
			return bad(c, ST_JSON_SYNTAX, "no colon");
		c->at++;
		c->expect = EXPECT_VALUE;
		return ST_OK;
	case EXPECT_COMMA_OR_END:
		if (ch != ',')
			return ch == '}' || ch == ']'
			    ? close_container(c)
			    : bad(c, ST_JSON_SYNTAX, "no comma or bracket");
		c->at++;
		c->expect = in_object(c) ? EXPECT_NAME : EXPECT_VALUE;
		return ST_OK;
	case EXPECT_NOTHING:
		break;
	}
	return bad(c, ST_JSON_SYNTAX, "text behind the end");
}

static void
skip_space(struct checker *c)
{
	while (c->at < c->len && text_is_space(c->text[c->at]))
		c->at++;
}

/* Before the first token: is this a JSON object in UTF-8 at all? */
static enum status
check_start(struct checker *c)
{
	uint32_t cp;

	if (c->len >= 3 && memcmp(c->text, "\xef\xbb\xbf", 3) == 0) {
		deviation_add(c->dev, DEV_BYTE_ORDER_MARK);
		c->at = 3;
	}
	if (c->len >= 2 &&
	    (memcmp(c->text, "\xff\xfe", 2) == 0 ||
		memcmp(c->text, "\xfe\xff", 2) == 0 || c->text[0] == '\0' ||
		c->text[1] == '\0'))
		return bad(c, ST_JSON_ENCODING, "UTF-16 or UTF-32, not UTF-8");
	skip_space(c);
	if (c->at == c->len)
		return bad(c, ST_EMPTY, "no text");
	if (utf8_decode(c->text + c->at, c->len - c->at, &cp) == 0)
		return bad(c, ST_JSON_ENCODING, "no UTF-8");
	return ST_OK;
}

enum status
ijson_check(const char *text, size_t len, const struct ijson_limits *limits,
    deviations *dev, struct fault *fault)
{
	struct checker c = {
		.text = text,
		.len = len,
		.dev = dev,
		.fault = fault,
		.limits = limits != NULL
		    ? *limits
		    : (struct ijson_limits){ IJSON_DEPTH_MAX,
			  IJSON_TOKENS_MAX },
	};
	enum status st = check_start(&c);
	size_t start = c.at;

	while (st == ST_OK) {
		skip_space(&c);
		if (c.at == len)
			break;
		if (c.expect != EXPECT_COLON &&
		    c.expect != EXPECT_COMMA_OR_END &&
		    c.tokens++ == c.limits.tokens_max)
			return bad(&c, ST_TOO_LARGE, "too many JSON tokens");
		st = check_token(&c);
	}
	if (st != ST_OK)
		return st;
	if (c.expect != EXPECT_NOTHING)
		return bad(&c, ST_JSON_SYNTAX, "text ends within a value");
	if (text[start] != '{') {
		c.at = start;
		return bad(&c, ST_JSON_NOT_OBJECT, "not a JSON object");
	}
	return ST_OK;
}
