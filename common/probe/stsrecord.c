#include "stsrecord.h"

#include <stdint.h>
#include <string.h>

#include "fieldlist.h"
#include "text.h"

#define VERSION_FIELD "v=STSv1"

bool
stsrecord_is_one(const char *text, size_t len)
{
	return fieldlist_has_version(text, len, VERSION_FIELD);
}

static bool
is_alnum(char c)
{
	c = text_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* sts-id = %s"id=" 1*32(ALPHA / DIGIT) */
static void
read_id(struct fieldlist *list, const struct fieldlist_field *field,
    struct stsrecord *record)
{
	static const char mend[] =
	    "1 to 32 letters and digits, such as 20260211120000";
	size_t len = field->end - field->value;

	if (len == 0) {
		fieldlist_error(list, field->value, mend, "the id is empty");
		return;
	}
	for (size_t i = field->value; i < field->end; i++) {
		if (is_alnum(list->text[i]))
			continue;
		fieldlist_error(
		    list, i, mend, "the id may have letters and digits only");
		return;
	}
	if (len >= STSRECORD_ID_MAX) {
		fieldlist_error(list, field->value + STSRECORD_ID_MAX - 1, mend,
		    "the id has %zu bytes, more than 32", len);
		return;
	}
	memcpy(record->id, list->text + field->value, len);
	record->id[len] = '\0';
}

/* What senders are to ignore (section 3.1), and what it may have meant. */
static void
remark_extension(
    const struct fieldlist *list, const struct fieldlist_field *field)
{
	static const char *const of_policy[] = { "mode", "mx", "max_age",
		"version" };
	static const char *const of_others[] = { "rua", "ruf", "p", "sp" };

	for (size_t i = 0; i < sizeof of_policy / sizeof of_policy[0]; i++) {
		if (!fieldlist_is_nearly(list, field, of_policy[i]))
			continue;
		remark_add(list->remarks, REMARK_WARNING, field->name,
		    "take it out of the record; write it in the policy file",
		    "\"%s\" belongs in the policy file: senders ignore it here",
		    of_policy[i]);
		return;
	}
	for (size_t i = 0; i < sizeof of_others / sizeof of_others[0]; i++) {
		if (!fieldlist_is_nearly(list, field, of_others[i]))
			continue;
		remark_add(list->remarks, REMARK_WARNING, field->name,
		    "take it out; reports are asked for at _smtp._tls",
		    "\"%s\" is no field of MTA-STS: senders ignore it",
		    of_others[i]);
		return;
	}
	remark_add(list->remarks, REMARK_NOTE, field->name, NULL,
	    "senders ignore the field \"%.*s\", which RFC 8461 does not name",
	    (int)field->name_len, list->text + field->name);
}

bool
stsrecord_read(const char *text, size_t len, struct stsrecord *record,
    struct remarks *remarks)
{
	struct stsrecord got = { .id = "" };
	size_t nearly = REMARK_NOWHERE;
	struct fieldlist_field field;
	struct fieldlist list;
	bool has_id = false;

	fieldlist_begin(&list, text, len, VERSION_FIELD, remarks);
	while (fieldlist_next(&list, &field)) {
		if (fieldlist_is(&list, &field, "id")) {
			if (!has_id)
				read_id(&list, &field, &got);
			else if (fieldlist_check_extension(&list, &field))
				remark_add(remarks, REMARK_WARNING, field.name,
				    "take one of them out",
				    "a second id: senders ignore it");
			has_id = true;
		} else if (fieldlist_check_extension(&list, &field)) {
			if (fieldlist_is_nearly(&list, &field, "id"))
				nearly = field.name;
			else
				remark_extension(&list, &field);
		}
	}
	if (has_id && nearly != REMARK_NOWHERE)
		remark_add(remarks, REMARK_WARNING, nearly, "take it out",
		    "\"id\" in another case: senders ignore it");
	else if (!has_id && nearly != REMARK_NOWHERE)
		fieldlist_error(&list, nearly, "write \"id=\"",
		    "the name of a field is case-sensitive: this is no \"id\"");
	else if (!has_id)
		fieldlist_error(&list, len,
		    "add \"; id=\" and 1 to 32 letters and digits",
		    "there is no id");
	if (!list.is_good)
		return false;
	*record = got;
	return true;
}
