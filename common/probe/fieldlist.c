#include "fieldlist.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

/* What word processors and web pages make of straight quotes and spaces. */
static const struct {
	const char *bytes;
	const char *name;
	bool is_quote;
} oddities[] = {
	{ "\"", "a quote", true },
	{ "'", "a quote", true },
	{ "\xe2\x80\x9c", "a curly quote", true },
	{ "\xe2\x80\x9d", "a curly quote", true },
	{ "\xe2\x80\x9e", "a curly quote", true },
	{ "\xe2\x80\x98", "a curly quote", true },
	{ "\xe2\x80\x99", "a curly quote", true },
	{ "\xc2\xab", "a quote", true },
	{ "\xc2\xbb", "a quote", true },
	{ "\xef\xbb\xbf", "a byte order mark", false },
	{ "\xc2\xa0", "a no-break space", false },
	{ "\xe2\x80\x8b", "a zero-width space", false },
	{ " ", "a space", false },
	{ "\t", "a tab", false },
	{ "\r", "a line break", false },
	{ "\n", "a line break", false },
};

enum {
	ODDITIES = sizeof oddities / sizeof oddities[0]
};

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_alnum(char c)
{
	c = text_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static size_t
skip_wsp(const struct fieldlist *list, size_t at)
{
	while (at < list->end && is_wsp(list->text[at]))
		at++;
	return at;
}

void
fieldlist_error(struct fieldlist *list, size_t offset, const char *mend,
    const char *fmt, ...)
{
	char text[REMARK_TEXT_MAX];
	va_list ap;

	list->is_good = false;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	remark_add(list->remarks, REMARK_ERROR, offset, mend, "%s", text);
}

bool
fieldlist_has_version(const char *text, size_t len, const char *version)
{
	size_t n = strlen(version);

	return len > n && memcmp(text, version, n) == 0 && text[n] == ';';
}

/* Whatever stands before the version and does not belong there. */
static void
skip_head(struct fieldlist *list)
{
	for (size_t i = 0; i < ODDITIES; i++) {
		size_t n = strlen(oddities[i].bytes);

		if (n > list->end - list->at ||
		    memcmp(list->text + list->at, oddities[i].bytes, n) != 0)
			continue;
		fieldlist_error(list, list->at,
		    oddities[i].is_quote
			? "take the quotes out of the text: in a zone file "
			  "they stand around it, and are no part of it"
			: "take it out",
		    "the text begins with %s", oddities[i].name);
		list->at += n;
		i = (size_t)-1;
	}
}

/* The same at the end, where white space may follow a semicolon. */
static void
skip_tail(struct fieldlist *list)
{
	for (size_t i = 0; i < ODDITIES; i++) {
		const char *bytes = oddities[i].bytes;
		size_t n = strlen(bytes);

		if (is_wsp(bytes[0]) || n > list->end - list->at ||
		    memcmp(list->text + list->end - n, bytes, n) != 0)
			continue;
		list->end -= n;
		fieldlist_error(list, list->end, "take it out",
		    "the text ends in %s", oddities[i].name);
		i = (size_t)-1;
	}
}

/* The end of something like "v = STSv1" at the start; or the start itself. */
static size_t
find_version(const struct fieldlist *list)
{
	size_t at = list->at;

	if (at == list->end || text_lower(list->text[at]) != 'v')
		return list->at;
	at = skip_wsp(list, at + 1);
	if (at == list->end || list->text[at] != '=')
		return list->at;
	at = skip_wsp(list, at + 1);
	while (at < list->end && is_alnum(list->text[at]))
		at++;
	return at;
}

static void
read_version(struct fieldlist *list, const char *version)
{
	size_t end = find_version(list), len = end - list->at;
	const char *text = list->text + list->at;
	char mend[64];

	(void)snprintf(mend, sizeof mend, "begin with \"%s;\"", version);
	if (len == 0)
		fieldlist_error(list, list->at, mend, "there is no version");
	else if (len != strlen(version) || !text_ieqn(text, version, len))
		fieldlist_error(list, list->at, mend, "\"%.*s\" is not \"%s\"",
		    len > 40 ? 40 : (int)len, text, version);
	else if (memcmp(text, version, len) != 0)
		fieldlist_error(list, list->at, mend,
		    "the version is in the wrong case: it is \"%s\"", version);
	list->at = end;
	if (len == 0)
		return;
	end = skip_wsp(list, end);
	if (end == list->end || list->text[end] != ';')
		fieldlist_error(list, list->at, mend,
		    "there is no \";\" behind the version");
	else if (end > list->at)
		fieldlist_error(list, list->at, mend,
		    "white space behind the version: senders leave out what "
		    "does not begin with \"%s;\"",
		    version);
	list->at = end;
	/* A comma instead of it. */
	if (end < list->end &&
	    (list->text[end] == ';' || list->text[end] == ','))
		list->at++;
}

void
fieldlist_begin(struct fieldlist *list, const char *text, size_t len,
    const char *version, struct remarks *remarks)
{
	*list = (struct fieldlist){
		.text = text,
		.end = len,
		.is_good = true,
		.remarks = remarks,
	};
	skip_head(list);
	skip_tail(list);
	read_version(list, version);
}

/* Take the field between start and end apart. */
static bool
read_field(struct fieldlist *list, size_t start, size_t end,
    struct fieldlist_field *field)
{
	const char *text = list->text;
	const char *equals = memchr(text + start, '=', end - start);

	if (equals == NULL) {
		fieldlist_error(list, start,
		    "write it as name=value; a \";\" that is part of a value "
		    "is written %3B",
		    "there is no \"=\" in this field");
		return false;
	}
	field->name = start;
	field->value = (size_t)(equals - text);
	field->name_len = field->value - start;
	while (field->name_len > 0 && is_wsp(text[start + field->name_len - 1]))
		field->name_len--;
	if (start + field->name_len < field->value)
		fieldlist_error(list, start + field->name_len,
		    "write name=value without it", "white space before \"=\"");
	field->value++;
	if (field->value < end && is_wsp(text[field->value]))
		fieldlist_error(list, field->value,
		    "write name=value without it", "white space behind \"=\"");
	while (field->value < end && is_wsp(text[field->value]))
		field->value++;
	field->end = end;
	if (field->name_len == 0)
		fieldlist_error(
		    list, start, NULL, "there is no name before \"=\"");
	return field->name_len > 0;
}

bool
fieldlist_next(struct fieldlist *list, struct fieldlist_field *field)
{
	for (;;) {
		size_t start = skip_wsp(list, list->at), end = start;

		if (start == list->end)
			return false;
		while (end < list->end && list->text[end] != ';')
			end++;
		list->at = end + (end < list->end);
		while (end > start && is_wsp(list->text[end - 1]))
			end--;
		if (end == start)
			fieldlist_error(list, start, "take one \";\" out",
			    "there is nothing before this \";\"");
		else if (read_field(list, start, end, field))
			return true;
	}
}

bool
fieldlist_is(const struct fieldlist *list, const struct fieldlist_field *field,
    const char *name)
{
	return field->name_len == strlen(name) &&
	    memcmp(list->text + field->name, name, field->name_len) == 0;
}

bool
fieldlist_is_nearly(const struct fieldlist *list,
    const struct fieldlist_field *field, const char *name)
{
	return field->name_len == strlen(name) &&
	    text_ieqn(list->text + field->name, name, field->name_len);
}

static bool
is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(name[i]) &&
		    (i == 0 || memchr("_-.", name[i], 3) == NULL))
			return false;
	}
	return len > 0 && len <= FIELDLIST_NAME_MAX;
}

bool
fieldlist_check_extension(
    struct fieldlist *list, const struct fieldlist_field *field)
{
	if (!is_name(list->text + field->name, field->name_len)) {
		fieldlist_error(list, field->name,
		    "a name is a letter or digit and up to 31 more, with "
		    "\"_\", \"-\" and \".\" among them",
		    "this is no name of a field");
		return false;
	}
	if (field->value == field->end) {
		fieldlist_error(list, field->value, "take the field out",
		    "the value is empty");
		return false;
	}
	for (size_t i = field->value; i < field->end; i++) {
		char c = list->text[i];

		if (c > ' ' && c < 0x7f && c != '=')
			continue;
		fieldlist_error(list, i,
		    is_wsp(c) ? "is there a \";\" missing?"
			      : "only visible ASCII may stand in a value, "
				"without \"=\" and \";\"",
		    "%s in the value of \"%.*s\"",
		    is_wsp(c)      ? "white space"
			: c == '=' ? "\"=\""
				   : "a byte that is not permitted",
		    (int)field->name_len, list->text + field->name);
		return false;
	}
	return true;
}
