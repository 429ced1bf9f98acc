#include "recordjson.h"

#include <stdlib.h>
#include <string.h>

void
recordjson_remarks(struct jsonwriter *writer, const struct remarks *remarks)
{
	jsonwriter_array(writer, "remarks");
	for (size_t i = 0; i < remarks->count; i++) {
		const struct remark *remark = &remarks->remark[i];

		jsonwriter_object(writer, NULL);
		jsonwriter_string(
		    writer, "kind", remark_kind_str(remark->kind));
		if (remark->has_offset)
			jsonwriter_number(
			    writer, "offset", (int64_t)remark->offset);
		jsonwriter_string(writer, "text", remark->text);
		jsonwriter_string(writer, "mend", remark->mend);
		jsonwriter_object_end(writer);
	}
	jsonwriter_array_end(writer);
	if (remarks->dropped > 0)
		jsonwriter_number(
		    writer, "more-remarks", (int64_t)remarks->dropped);
}

/* A NUL, which ends a string here, is shown as U+FFFD. */
static void
put_text(struct jsonwriter *writer, const struct recordinquiry_text *checked)
{
	char *text = malloc(3 * checked->len + 1), *p = text;

	if (text == NULL) {
		writer->status = ST_NO_MEMORY;
		return;
	}
	for (size_t i = 0; i < checked->len; i++) {
		if (checked->text[i] != '\0') {
			*p++ = checked->text[i];
		} else {
			memcpy(p, "\xef\xbf\xbd", 3);
			p += 3;
		}
	}
	*p = '\0';
	jsonwriter_string(writer, "text", text);
	free(text);
}

static void
put_rua(struct jsonwriter *writer, const struct reportingpolicy *policy)
{
	jsonwriter_array(writer, "rua");
	for (size_t i = 0; i < policy->rua_count; i++)
		jsonwriter_string(writer, NULL, policy->rua[i].uri);
	jsonwriter_array_end(writer);
}

static void
put_policy(struct jsonwriter *writer, const struct stspolicy *policy)
{
	jsonwriter_string(writer, "mode", stspolicy_mode_str(policy->mode));
	jsonwriter_number(writer, "max-age", (int64_t)policy->max_age);
	jsonwriter_array(writer, "mx");
	for (size_t i = 0; i < policy->mx_count; i++)
		jsonwriter_string(writer, NULL, policy->mx[i]);
	jsonwriter_array_end(writer);
}

static void
put_checked(struct jsonwriter *writer, const char *name,
    const struct recordinquiry_text *checked)
{
	jsonwriter_object(writer, name);
	put_text(writer, checked);
	if (checked->strings > 0)
		jsonwriter_number(writer, "strings", (int64_t)checked->strings);
	if (checked->is_foreign) {
		jsonwriter_bool(writer, "foreign", true);
		jsonwriter_object_end(writer);
		return;
	}
	jsonwriter_bool(writer, "valid", checked->is_valid);
	if (checked->is_valid && checked->kind == RECORDINQUIRY_REPORTING)
		put_rua(writer, &checked->reporting);
	if (checked->is_valid && checked->kind == RECORDINQUIRY_STS)
		jsonwriter_string(writer, "id", checked->sts.id);
	if (checked->is_valid && checked->kind == RECORDINQUIRY_POLICY)
		put_policy(writer, &checked->policy);
	recordjson_remarks(writer, &checked->remarks);
	jsonwriter_object_end(writer);
}

static void
put_question(struct jsonwriter *writer, const struct recordinquiry *inquiry)
{
	jsonwriter_string(writer, "domain", inquiry->domain);
	jsonwriter_string(writer, "name", inquiry->name);
	jsonwriter_string(writer, "answer", found_str(&inquiry->found));
	jsonwriter_bool(writer, "dnssec", inquiry->found.is_secure);
	jsonwriter_string(writer, "cname", inquiry->found.alias);
	jsonwriter_bool(writer, "complete", !inquiry->is_untried);
}

static void
put_places(struct jsonwriter *writer, const struct recordinquiry *inquiry)
{
	jsonwriter_array(writer, "elsewhere");
	for (size_t i = 0; i < inquiry->places; i++) {
		jsonwriter_object(writer, NULL);
		jsonwriter_string(writer, "name", inquiry->place[i].name);
		jsonwriter_string(writer, "text", inquiry->place[i].text);
		jsonwriter_object_end(writer);
	}
	jsonwriter_array_end(writer);
}

static void
put_fetch(struct jsonwriter *writer, const struct stsfetch *fetch)
{
	jsonwriter_object(writer, "fetch");
	jsonwriter_string(writer, "ip", fetch->ip);
	if (fetch->http_status != 0)
		jsonwriter_number(writer, "http-status", fetch->http_status);
	jsonwriter_string(writer, "content-type", fetch->content_type);
	jsonwriter_string(writer, "detail", fetch->detail);
	jsonwriter_object_end(writer);
}

enum status
recordjson_print(const struct recordinquiry *inquiry)
{
	struct jsonwriter writer;
	enum status st;

	jsonwriter_init(&writer);
	jsonwriter_object(&writer, NULL);
	jsonwriter_string(&writer, "kind",
	    inquiry->kind == RECORDINQUIRY_REPORTING ? "tlsrpt" : "mta-sts");
	jsonwriter_string(&writer, "file", inquiry->file);
	if (inquiry->name[0] != '\0')
		put_question(&writer, inquiry);
	jsonwriter_array(&writer, "records");
	for (size_t i = 0; i < inquiry->count; i++)
		put_checked(&writer, NULL, inquiry->record[i]);
	jsonwriter_array_end(&writer);
	if (inquiry->name[0] != '\0')
		put_places(&writer, inquiry);
	if (inquiry->has_fetch)
		put_fetch(&writer, &inquiry->fetch);
	if (inquiry->policy != NULL)
		put_checked(&writer, "policy", inquiry->policy);
	recordjson_remarks(&writer, &inquiry->remarks);
	jsonwriter_number(&writer, "errors",
	    (int64_t)recordinquiry_remarks(inquiry, REMARK_ERROR));
	jsonwriter_number(&writer, "warnings",
	    (int64_t)recordinquiry_remarks(inquiry, REMARK_WARNING));
	jsonwriter_object_end(&writer);
	st = jsonwriter_print(&writer);
	jsonwriter_clear(&writer);
	return st;
}
