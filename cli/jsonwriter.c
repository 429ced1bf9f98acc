#include "jsonwriter.h"

#include <stdio.h>

#include "emit.h"
#include "rfc3339.h"

enum {
	OUTPUT_MAX = 64 << 20
};

void
jsonwriter_init(struct jsonwriter *writer)
{
	buf_init(&writer->out, OUTPUT_MAX);
	writer->status = ST_OK;
	writer->needs_comma = false;
}

static void
put(struct jsonwriter *writer, const char *text)
{
	if (writer->status == ST_OK)
		writer->status = buf_adds(&writer->out, text);
}

static void
put_string(struct jsonwriter *writer, const char *value)
{
	if (writer->status == ST_OK)
		writer->status =
		    emit_json_string(&writer->out, value, EMIT_VALUE_WHOLE);
}

/* What stands before a value: a comma, and the name of a member. */
static void
begin(struct jsonwriter *writer, const char *name)
{
	if (writer->needs_comma)
		put(writer, ",");
	writer->needs_comma = true;
	if (name != NULL) {
		put_string(writer, name);
		put(writer, ":");
	}
}

static void
open_bracket(struct jsonwriter *writer, const char *name, const char *bracket)
{
	begin(writer, name);
	put(writer, bracket);
	writer->needs_comma = false;
}

static void
close_bracket(struct jsonwriter *writer, const char *bracket)
{
	put(writer, bracket);
	writer->needs_comma = true;
}

void
jsonwriter_object(struct jsonwriter *writer, const char *name)
{
	open_bracket(writer, name, "{");
}

void
jsonwriter_object_end(struct jsonwriter *writer)
{
	close_bracket(writer, "}");
}

void
jsonwriter_array(struct jsonwriter *writer, const char *name)
{
	open_bracket(writer, name, "[");
}

void
jsonwriter_array_end(struct jsonwriter *writer)
{
	close_bracket(writer, "]");
}

void
jsonwriter_string(
    struct jsonwriter *writer, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	begin(writer, name);
	put_string(writer, value);
}

void
jsonwriter_number(struct jsonwriter *writer, const char *name, int64_t value)
{
	char text[32];

	begin(writer, name);
	(void)snprintf(text, sizeof text, "%lld", (long long)value);
	put(writer, text);
}

void
jsonwriter_bool(struct jsonwriter *writer, const char *name, bool value)
{
	begin(writer, name);
	put(writer, value ? "true" : "false");
}

void
jsonwriter_time(struct jsonwriter *writer, const char *name, int64_t value)
{
	char time[RFC3339_MAX];

	if (rfc3339_format(value, time))
		jsonwriter_string(writer, name, time);
}

enum status
jsonwriter_print(struct jsonwriter *writer)
{
	put(writer, "\n");
	if (writer->status == ST_OK)
		(void)fwrite(writer->out.data, 1, writer->out.len, stdout);
	return writer->status;
}

void
jsonwriter_clear(struct jsonwriter *writer)
{
	buf_free(&writer->out);
}
