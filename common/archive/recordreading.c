#include "recordreading.h"

#include <string.h>

#include "rfc3339.h"
#include "text.h"

/* What has been found so far, besides what is kept. */
struct found {
	struct recordreading *reading;
	bool has_sha256;
	bool has_received;
};

/* A string that needs no decoding, which all have that matter; else "". */
static bool
take_string(struct json_span value, char out[JSON_VALUE_MAX])
{
	if (json_type(value) == JSON_STRING &&
	    json_plain_string(value, out) != -1)
		return true;
	out[0] = '\0';
	return false;
}

void
recordreading_verdict(struct json_span dkim, struct verdict *verdict)
{
	struct json_iter iter;

	*verdict = (struct verdict){ .result = VERDICT_OFF };
	if (json_type(dkim) != JSON_OBJECT)
		return;
	json_iter(&iter, dkim);
	while (json_next(&iter)) {
		struct json_span name = iter.name, span = json_take(&iter);
		deviations ignored = 0;
		cJSON *item = json_type(span) == JSON_STRING
		    ? json_scalar(span, &ignored)
		    : NULL;
		const char *value = cJSON_GetStringValue(item);

		if (value != NULL && json_name_is(name, "result", 6))
			verdict_read_result(verdict, value);
		else if (value != NULL && json_name_is(name, "reason", 6))
			verdict_read_reason(verdict, value);
		else if (value != NULL && json_name_is(name, "dnssec", 6))
			verdict_read_dnssec(verdict, value);
		else if (value != NULL && json_name_is(name, "domain", 6))
			(void)text_copy(
			    verdict->domain, sizeof verdict->domain, value);
		else if (value != NULL && json_name_is(name, "selector", 8))
			(void)text_copy(
			    verdict->selector, sizeof verdict->selector, value);
		cJSON_Delete(item);
	}
}

static void
take_member(struct json_span name, struct json_span value, struct found *found)
{
	struct recordreading *reading = found->reading;
	char text[JSON_VALUE_MAX];

	if (json_name_is(name, "report", 6))
		reading->report = value;
	else if (json_name_is(name, "sha256", 6))
		found->has_sha256 = take_string(value, text) &&
		    strlen(text) == ARCHIVE_SHA256_MAX - 1 &&
		    text_copy(reading->sha256, sizeof reading->sha256, text);
	else if (json_name_is(name, "received", 8))
		found->has_received = take_string(value, text) &&
		    rfc3339_parse(text, &reading->received) != RFC3339_INVALID;
	else if (json_name_is(name, "submitter", 9))
		(void)take_string(value, reading->submitter);
	else if (json_name_is(name, "auth", 4))
		reading->has_auth = take_string(value, reading->auth);
	else if (json_name_is(name, "dkim", 4))
		recordreading_verdict(value, &reading->verdict);
}

enum status
recordreading_take(
    struct recordreading *reading, const struct buf *text, struct fault *fault)
{
	struct found found = { .reading = reading };
	struct json_iter iter;

	reading->report = (struct json_span){ NULL, 0 };
	reading->has_auth = false;
	reading->submitter[0] = reading->auth[0] = '\0';
	reading->verdict = (struct verdict){ .result = VERDICT_OFF };
	json_iter(&iter, json_root(text->data, text->len));
	while (json_next(&iter)) {
		struct json_span name = iter.name;

		take_member(name, json_take(&iter), &found);
	}
	if (json_type(reading->report) != JSON_OBJECT || !found.has_sha256 ||
	    !found.has_received)
		return fault_set(
		    fault, ST_NOT_A_REPORT, "not a record of the archive");
	return ST_OK;
}
