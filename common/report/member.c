#include "member.h"

#include <string.h>

#include "rfc3339.h"
#include "text.h"

/* The greatest count that every JSON reader agrees on (RFC 7493, 2.2). */
#define COUNT_MAX 9007199254740991.0

/*
 * Find the values of all members that the table names. Of a repeated member
 * the last one counts, as in jq and most other readers; the RFC's own name
 * counts before any other, wherever it stands.
 */
void
member_collect(struct json_iter *object, const struct member_name *table,
    size_t count, struct json_span *value, deviations *dev)
{
	unsigned own = 0; /* a bit for each member met under its own name */

	while (json_next(object)) {
		const struct member_name *a = table;

		while (a < table + count &&
		    !json_name_is(object->name, a->name, a->len))
			a++;
		if (a == table + count)
			continue;
		if (a->is_other)
			deviation_add(dev, a->why);
		else
			own |= 1U << a->member;
		if (!a->is_other || !(own >> a->member & 1))
			value[a->member] = json_take(object);
	}
}

/*
 * The value of a member that should be a string, in store of JSON_VALUE_MAX
 * bytes; "" counts as missing, and a number stands for its digits.
 */
enum status
member_string(
    struct json_span span, char *store, const char **string, deviations *dev)
{
	cJSON *item;

	*string = NULL;
	switch (json_type(span)) {
	case JSON_NONE:
		return ST_OK;
	case JSON_NULL:
		deviation_add(dev, DEV_NULL_MEMBER);
		return ST_OK;
	case JSON_STRING:
		break;
	case JSON_NUMBER:
		deviation_add(dev, DEV_WRONG_TYPE);
		if (span.len >= JSON_VALUE_MAX)
			return ST_OK;
		memcpy(store, span.text, span.len);
		store[span.len] = '\0';
		*string = store;
		return ST_OK;
	default:
		deviation_add(dev, DEV_WRONG_TYPE);
		return ST_OK;
	}
	if (json_plain_string(span, store) < 0) {
		item = json_scalar(span, dev);
		if (item == NULL)
			return ST_NO_MEMORY;
		if (!text_copy(store, JSON_VALUE_MAX, item->valuestring))
			deviation_add(dev, DEV_LONG_VALUE);
		cJSON_Delete(item);
	}
	if (store[0] != '\0')
		*string = store;
	return ST_OK;
}

/* The value of a member that should be an array of strings. */
enum status
member_strings(struct json_span span, cJSON **list, const cJSON **strings,
    enum deviation not_array, deviations *dev)
{
	*strings = NULL;
	switch (json_type(span)) {
	case JSON_NONE:
		return ST_OK;
	case JSON_NULL:
		deviation_add(dev, DEV_NULL_MEMBER);
		return ST_OK;
	case JSON_STRING:
		deviation_add(dev, not_array);
		break;
	case JSON_ARRAY:
		break;
	default:
		deviation_add(dev, DEV_WRONG_TYPE);
		return ST_OK;
	}
	*list = json_strings(span, dev);
	if (*list == NULL)
		return ST_NO_MEMORY;
	if ((*list)->child != NULL &&
	    ((*list)->child->next != NULL ||
		(*list)->child->valuestring[0] != '\0'))
		*strings = *list;
	return ST_OK;
}

/* Digits alone, as senders write a count that they put in quotes. */
static bool
is_digits(const char *string)
{
	size_t len = strlen(string);

	return len > 0 && len < 20 && strspn(string, "0123456789") == len;
}

/* A count as every sender writes it: up to 15 digits. */
static bool
read_plain_count(struct json_span span, uint64_t *value)
{
	uint64_t number = 0;

	if (span.len == 0 || span.len > 15)
		return false;
	for (size_t i = 0; i < span.len; i++) {
		if (span.text[i] < '0' || span.text[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(span.text[i] - '0');
	}
	*value = number;
	return true;
}

/* Any other number or string; negative for what is no count. */
static enum status
read_odd_count(struct json_span span, double *value, deviations *dev)
{
	cJSON *item = json_scalar(span, dev);

	if (item == NULL)
		return ST_NO_MEMORY;
	*value = -1;
	if (cJSON_IsNumber(item)) {
		*value = item->valuedouble;
	} else if (cJSON_IsString(item) && is_digits(item->valuestring)) {
		deviation_add(dev, DEV_COUNT_AS_STRING);
		*value = 0;
		for (const char *p = item->valuestring; *p != '\0'; p++)
			*value = *value * 10 + (*p - '0');
	}
	cJSON_Delete(item);
	return ST_OK;
}

enum status
member_count(struct json_span span, struct count *count, deviations *dev)
{
	double value = -1;
	enum status st;

	*count = (struct count){ .is_known = true };
	if (read_plain_count(span, &count->value))
		return ST_OK;
	count->is_known = false;
	switch (json_type(span)) {
	case JSON_NONE:
		return ST_OK;
	case JSON_NULL:
		deviation_add(dev, DEV_NULL_MEMBER);
		return ST_OK;
	case JSON_STRING:
	case JSON_NUMBER:
		st = read_odd_count(span, &value, dev);
		if (st != ST_OK)
			return st;
		break;
	default:
		break;
	}
	if (!(value >= 0 && value <= COUNT_MAX) ||
	    value != (double)(uint64_t)value) {
		deviation_add(dev, DEV_COUNT_INVALID);
		count->is_invalid = true;
		return ST_OK;
	}
	*count = (struct count){ .is_known = true, .value = (uint64_t)value };
	return ST_OK;
}

enum status
member_datetime(struct json_span span, char *store, struct datetime *datetime,
    deviations *dev)
{
	enum status st = member_string(span, store, &datetime->text, dev);

	datetime->is_known = false;
	if (st != ST_OK || datetime->text == NULL)
		return st;
	switch (rfc3339_parse(datetime->text, &datetime->time)) {
	case RFC3339_OK:
		datetime->is_known = true;
		break;
	case RFC3339_NO_ZONE:
		datetime->is_known = true;
		deviation_add(dev, DEV_DATETIME_WITHOUT_ZONE);
		break;
	case RFC3339_INVALID:
		deviation_add(dev, DEV_DATETIME_INVALID);
		break;
	}
	return ST_OK;
}

void
member_objects(struct member_objects *o, struct json_span span)
{
	*o = (struct member_objects){ .only = { NULL, 0 } };
	if (json_type(span) == JSON_OBJECT)
		o->only = span;
	else if (json_type(span) == JSON_ARRAY)
		json_iter(&o->array, span);
}

/* The next one; elements that are no objects are noted and passed over. */
bool
member_object_next(
    struct member_objects *o, struct json_iter *object, deviations *dev)
{
	if (o->only.len > 0) {
		json_iter(object, o->only);
		o->only.len = 0;
		return true;
	}
	while (json_next(&o->array)) {
		if (json_next_type(&o->array) == JSON_OBJECT) {
			json_enter(object, &o->array);
			return true;
		}
		deviation_add(dev, DEV_WRONG_TYPE);
	}
	return false;
}

/* The object has been read: go behind it. */
void
member_object_leave(struct member_objects *o, struct json_iter *object)
{
	if (o->array.at != NULL)
		json_leave(&o->array, object);
}

uint64_t
count_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
