#include "keyword.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define KIB (UINT64_C(1) << 10)
#define GIB (UINT64_C(1) << 30)

enum {
	LIST_MAX = 10000 /* values of a repeatable keyword */
};

/*
 * Values. Each reader returns what is wrong with the value, or NULL.
 */

static const char out_of_memory[] = "out of memory";
static const char out_of_range[] = "out of range";
static const char not_a_word[] = "not one of its words";

static const char *
read_string(void *at, const char *value)
{
	char **string = at;
	char *copy = strdup(value);

	if (copy == NULL)
		return out_of_memory;
	free(*string);
	*string = copy;
	return NULL;
}

static const char *
read_item(void *at, const char *value)
{
	struct conf_list *list = at;
	char **item;

	if (list->count == LIST_MAX)
		return "too many values";
	item = realloc(list->item, (list->count + 1) * sizeof *item);
	if (item == NULL)
		return out_of_memory;
	list->item = item;
	list->item[list->count] = strdup(value);
	if (list->item[list->count] == NULL)
		return out_of_memory;
	list->count++;
	return NULL;
}

static const char *
read_bool(void *at, const char *value)
{
	bool is_yes = text_ieq(value, "yes") || text_ieq(value, "true") ||
	    strcmp(value, "1") == 0;

	if (!is_yes && !text_ieq(value, "no") && !text_ieq(value, "false") &&
	    strcmp(value, "0") != 0)
		return "not yes or no";
	*(bool *)at = is_yes;
	return NULL;
}

static const char *
read_choice(const struct keyword *kw, void *at, const char *value)
{
	for (const struct choice *c = kw->choices; c->word != NULL; c++) {
		if (text_ieq(c->word, value)) {
			*(int *)at = c->value;
			return NULL;
		}
	}
	return not_a_word;
}

/* Digits in the given base, at most max; *rest is what follows them. */
static bool
read_digits(const char *value, int base, uint64_t *number, const char **rest)
{
	char *end;

	if (value[0] < '0' || value[0] > '9')
		return false;
	errno = 0;
	*number = strtoull(value, &end, base);
	*rest = end;
	return errno == 0;
}

static const char *
check_range(const struct keyword *kw, uint64_t number)
{
	return number < kw->min || number > kw->max ? out_of_range : NULL;
}

static const char *
read_mode(const struct keyword *kw, void *at, const char *value)
{
	const char *rest;
	uint64_t number;

	if (!read_digits(value, 8, &number, &rest) || *rest != '\0')
		return "not an octal mode such as 0660";
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(unsigned *)at = (unsigned)number;
	return NULL;
}

static const char *
read_size(const struct keyword *kw, void *at, const char *value)
{
	static const char units[] = "kmg";
	const char *rest, *unit;
	uint64_t number;
	unsigned shift = 0;

	if (!read_digits(value, 10, &number, &rest))
		return "not a size such as 512K or 32M";
	if (*rest != '\0') {
		unit = strchr(units, text_lower(*rest));
		if (unit == NULL || rest[1] != '\0')
			return "not a size such as 512K or 32M";
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (number > UINT64_MAX >> shift)
		return out_of_range;
	number <<= shift;
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(uint64_t *)at = number;
	return NULL;
}

static const char *
read_time(const struct keyword *kw, void *at, const char *value)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	static const char *const wrong = "not a time such as 30s, 5m, 2h or 7d";
	uint64_t number, seconds = 1;
	const char *rest;

	if (!read_digits(value, 10, &number, &rest))
		return wrong;
	if (*rest != '\0') {
		seconds = 0;
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
			if (text_lower(*rest) == units[i].unit)
				seconds = units[i].seconds;
		}
		if (seconds == 0 || rest[1] != '\0')
			return wrong;
	}
	if (number > UINT64_MAX / seconds)
		return out_of_range;
	number *= seconds;
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(uint64_t *)at = number;
	return NULL;
}

static const char *
read_count(const struct keyword *kw, void *at, const char *value)
{
	const char *rest;
	uint64_t number;

	if (!read_digits(value, 10, &number, &rest) || *rest != '\0')
		return "not a number";
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(uint64_t *)at = number;
	return NULL;
}

static const char *
read_rate(const struct keyword *kw, void *at, const char *value)
{
	static const char *const wrong =
	    "not a percentage with at most two decimals, such as 1% or 0.25%";
	uint64_t number, decimals = 0;
	const char *rest;

	if (!read_digits(value, 10, &number, &rest) || number > kw->max)
		return wrong;
	number *= 100;
	if (*rest == '.') {
		const char *from = rest + 1;

		if (!read_digits(from, 10, &decimals, &rest) || rest - from > 2)
			return wrong;
		number += rest - from == 1 ? decimals * 10 : decimals;
	}
	if (strcmp(rest, "%") != 0 && *rest != '\0')
		return wrong;
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(uint64_t *)at = number;
	return NULL;
}

const char *
keyword_set(const struct keyword *kw, struct conf *conf, const char *value)
{
	void *at = keyword_place(kw, conf);

	if (kw->check != NULL && value[0] != '\0' && kw->check(value) != NULL)
		return kw->check(value);
	switch (kw->type) {
	case TYPE_STRING:
		return read_string(at, value);
	case TYPE_LIST:
		return read_item(at, value);
	case TYPE_BOOL:
		return read_bool(at, value);
	case TYPE_SIZE:
		return read_size(kw, at, value);
	case TYPE_TIME:
		return read_time(kw, at, value);
	case TYPE_COUNT:
		return read_count(kw, at, value);
	case TYPE_RATE:
		return read_rate(kw, at, value);
	case TYPE_MODE:
		return read_mode(kw, at, value);
	case TYPE_CHOICE:
		break;
	}
	return read_choice(kw, at, value);
}

/*
 * What is wrong, for people.
 */

struct number {
	char text[32];
};

/* In the largest unit that gives a whole number. */
static struct number
write_units(uint64_t number, const uint64_t *units, const char *letters)
{
	struct number written;
	size_t i = 0;

	while (number % units[i] != 0)
		i++;
	(void)snprintf(written.text, sizeof written.text, "%llu%.1s",
	    (unsigned long long)(number / units[i]), letters + i);
	return written;
}

/* As the file would give it. */
static struct number
write_number(const struct keyword *kw, uint64_t number)
{
	static const uint64_t seconds[] = { 86400, 3600, 60, 1 };
	static const uint64_t bytes[] = { GIB, KIB * KIB, KIB, 1 };
	struct number written;

	if (kw->type == TYPE_TIME && number != 0)
		return write_units(number, seconds, "dhms");
	if (kw->type == TYPE_SIZE && number != 0)
		return write_units(number, bytes, "GMK");
	if (kw->type == TYPE_RATE)
		number /= 100;
	(void)snprintf(written.text, sizeof written.text,
	    kw->type == TYPE_MODE       ? "%04llo"
		: kw->type == TYPE_RATE ? "%llu%%"
					: "%llu",
	    (unsigned long long)number);
	return written;
}

static void
list_words(const struct keyword *kw, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "none of: ");

	for (const struct choice *c = kw->choices; c->word != NULL && n < size;
	     c++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    c == kw->choices ? "" : ", ", c->word);
}

void
keyword_explain(
    const struct keyword *kw, const char *wrong, char *out, size_t size)
{
	if (wrong == not_a_word)
		list_words(kw, out, size);
	else if (wrong == out_of_range)
		(void)snprintf(out, size, "%s: %s to %s", wrong,
		    write_number(kw, kw->min).text,
		    write_number(kw, kw->max).text);
	else
		(void)snprintf(out, size, "%s", wrong);
}
