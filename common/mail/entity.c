#include "entity.h"

#include <string.h>

#include "text.h"

/* Does the media type say where a report is? */
static bool
leads_to_report(const char *type)
{
	return text_iprefix(type, "multipart/") ||
	    text_iprefix(type, "application/tlsrpt");
}

/*
 * Of two media types, the one that leads to a report; of two that do, or do
 * not, one that is properly spelled; else the first.
 */
static bool
is_better(const struct entity *e, const char *type, bool is_proper)
{
	if (leads_to_report(type) != leads_to_report(e->type))
		return leads_to_report(type);
	return is_proper && !e->is_typed;
}

static void
read_content_type(
    struct entity *e, const char *value, bool is_proper, deviations *dev)
{
	char type[HEADER_TOKEN_MAX];

	header_token(value, type, sizeof type);
	if (e->is_typed && is_proper && strcmp(type, e->type) != 0)
		deviation_add(dev, DEV_REPEATED_CONTENT_TYPE);
	if (!is_proper)
		deviation_add(dev, DEV_MISSPELLED_CONTENT_TYPE);
	if (e->type[0] != '\0' && !is_better(e, type, is_proper))
		return;
	memcpy(e->type, type, sizeof type);
	e->is_typed = is_proper;
	e->boundary[0] = e->report_type[0] = e->name[0] = '\0';
	(void)header_param(value, "boundary", e->boundary, sizeof e->boundary);
	(void)header_param(
	    value, "report-type", e->report_type, sizeof e->report_type);
	(void)header_param(value, "name", e->name, sizeof e->name);
}

static enum mime_encoding
read_encoding(const char *value)
{
	char token[HEADER_TOKEN_MAX];

	header_token(value, token, sizeof token);
	if (strcmp(token, "base64") == 0)
		return MIME_BASE64;
	if (strcmp(token, "quoted-printable") == 0)
		return MIME_QUOTED_PRINTABLE;
	return MIME_IDENTITY;
}

void
entity_field(
    struct entity *e, const char *name, const char *value, deviations *dev)
{
	if (text_ieq(name, "Content-Type"))
		read_content_type(e, value, true, dev);
	else if (text_ieq(name, "ContentType"))
		read_content_type(e, value, false, dev);
	else if (text_ieq(name, "Content-Transfer-Encoding"))
		e->encoding = read_encoding(value);
	else if (text_ieq(name, "Content-Disposition"))
		(void)header_param(
		    value, "filename", e->filename, sizeof e->filename);
	else if (text_ieq(name, "Content-Description"))
		header_unfold(value, e->description, sizeof e->description);
}
