#include "taglist.h"

#include <string.h>

#include "text.h"

/* tval: what a value is made of besides white space. */
static bool
is_value_char(char c)
{
	return c > ' ' && c < 0x7f && c != ';';
}

static bool
is_alpha(char c)
{
	c = text_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool
is_name_char(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '_';
}

static char *
skip_space(char *p)
{
	while (text_is_space(*p))
		p++;
	return p;
}

/*
 * Read one tag at *at and move *at to what ends it, ";" or the end. The NULs
 * that end name and value are written where that is allowed: behind the name
 * there is at least its "=", behind the value what stopped it, kept in *stop.
 */
static bool
read_tag(struct taglist *list, char **at, char *stop)
{
	char *name = skip_space(*at), *p = name, *end, *value;

	if (!is_alpha(*p))
		return false;
	while (is_name_char(*p))
		p++;
	end = p;
	p = skip_space(p);
	if (*p++ != '=')
		return false;
	*end = '\0';
	value = end = p;
	for (; is_value_char(*p) || text_is_space(*p); p++) {
		if (!text_is_space(*p))
			*end++ = *p;
	}
	*at = p;
	*stop = *p;
	*end = '\0';
	list->tag[list->count].name = name;
	list->tag[list->count].value = value;
	return true;
}

static bool
is_repeated(const struct taglist *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (text_ieq(list->tag[i].name, list->tag[list->count].name))
			return true;
	}
	return false;
}

bool
taglist_read(struct taglist *list, char *text, size_t len)
{
	char *end = text + len, stop;

	list->count = 0;
	for (char *p = text;; p++) {
		if (list->count == TAGLIST_MAX || !read_tag(list, &p, &stop) ||
		    is_repeated(list))
			return false;
		list->count++;
		/* Anything else is a byte that no value has. */
		if (p == end)
			return true;
		if (stop != ';')
			return false;
		/* The last tag may be followed by a semicolon. */
		if (skip_space(p + 1) == end)
			return true;
	}
}

const char *
taglist_value(const struct taglist *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->tag[i].name, name) == 0)
			return list->tag[i].value;
	}
	return NULL;
}

size_t
taglist_count(const char *value, const char *word)
{
	size_t len = strlen(word), count = 0;

	for (;;) {
		size_t n = strcspn(value, ":");

		count += n == len && text_ieqn(value, word, len);
		value += n;
		if (*value++ == '\0')
			return count;
	}
}

bool
taglist_has(const char *value, const char *word)
{
	return taglist_count(value, word) > 0;
}
