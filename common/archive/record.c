#include "record.h"

#include <stdio.h>
#include <string.h>

#include "emit.h"
#include "rfc3339.h"

enum {
	NAME_PART_MAX = 100, /* bytes of submitter and domain in a name */
	UNIQUE_DIGITS = 16
};

/*
 * Names.
 */

/* Append a part of a file name, made safe. */
static void
add_part(char *out, size_t size, const char *part)
{
	size_t n = strlen(out), end = n + NAME_PART_MAX;

	if (part == NULL || part[0] == '\0')
		part = "unknown";
	for (; *part != '\0' && n < end && n + 1 < size; part++) {
		bool is_safe = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789.-_",
				   *part) != NULL;

		out[n++] = is_safe ? *part : '_';
	}
	out[n] = '\0';
}

void
record_name(
    const struct record *record, const char *sha256, char *out, size_t size)
{
	const struct report *r = record->report;
	char day[RFC3339_MAX];

	if (!r->start.is_known || !rfc3339_format(r->start.time, day))
		(void)rfc3339_format(record->received, day);
	(void)snprintf(out, size, "%s%.4s/%.2s/%.2s/",
	    record->is_unverified ? "unverified/" : "", day, day + 5, day + 8);
	add_part(out, size, record->submitter);
	(void)strncat(out, "!", size - strlen(out) - 1);
	add_part(out, size, record->assessment->policy_domain);
	(void)snprintf(out + strlen(out), size - strlen(out), "!%lld!%lld!%.*s",
	    (long long)(r->start.is_known ? r->start.time : 0),
	    (long long)(r->end.is_known ? r->end.time : 0), UNIQUE_DIGITS,
	    sha256);
}

/*
 * Records.
 */

static enum status
add_member(struct buf *out, const char *name, const char *value)
{
	enum status st = buf_addf(out, "\"%s\":", name);

	if (st == ST_OK)
		st = emit_json_string(
		    out, value != NULL ? value : "", EMIT_VALUE_WHOLE);
	return st == ST_OK ? buf_addc(out, ',') : st;
}

static enum status
add_deviations(struct buf *out, deviations set)
{
	enum status st = buf_adds(out, "\"deviations\":[");
	const char *name, *comma = "";
	unsigned next = 0;

	while (st == ST_OK && (name = deviation_next(set, &next)) != NULL) {
		st = buf_addf(out, "%s\"%s\"", comma, name);
		comma = ",";
	}
	return st == ST_OK ? buf_adds(out, "],") : st;
}

/* "dkim":{...}, unless nobody has looked. */
static enum status
add_verdict(struct buf *out, const struct verdict *verdict)
{
	const struct {
		const char *name;
		const char *value;
	} member[] = {
		{ "result", verdict_result_str(verdict->result) },
		{ "domain", verdict->domain },
		{ "selector", verdict->selector },
		{ "reason", verdict_reason_str(verdict->reason) },
		{ "dnssec", verdict_dnssec_str(verdict->dnssec) },
	};
	enum status st;

	if (verdict->result == VERDICT_OFF)
		return ST_OK;
	st = buf_adds(out, "\"dkim\":{");
	for (size_t i = 0; st == ST_OK && i < sizeof member / sizeof member[0];
	     i++) {
		if (member[i].value[0] != '\0')
			st = add_member(out, member[i].name, member[i].value);
	}
	/* The comma of the last one goes. */
	buf_cut(out, out->len - 1);
	return st == ST_OK ? buf_adds(out, "},") : st;
}

enum status
record_head(struct buf *out, const struct record *record, const char *sha256)
{
	const struct {
		const char *name;
		const char *value;
	} member[] = {
		{ "queue-id", record->queue_id },
		{ "envelope-from", record->envelope_from },
		{ "client", record->client },
		{ "message-id", record->message_id },
		{ "subject", record->subject },
		{ "submitter", record->submitter },
		{ "sha256", sha256 },
	};
	char received[RFC3339_MAX];
	enum status st;

	(void)rfc3339_format(record->received, received);
	st = buf_addc(out, '{');
	if (st == ST_OK)
		st = add_member(out, "received", received);
	for (size_t i = 0; st == ST_OK && i < sizeof member / sizeof member[0];
	     i++)
		st = add_member(out, member[i].name, member[i].value);
	if (st == ST_OK && record->auth != NULL)
		st = add_member(out, "auth", record->auth);
	if (st == ST_OK)
		st = add_deviations(out, record->report->dev);
	if (st == ST_OK)
		st = add_member(out, "severity",
		    severity_str(record->assessment->severity));
	if (st == ST_OK && record->verdict != NULL)
		st = add_verdict(out, record->verdict);
	return st == ST_OK ? buf_adds(out, "\"report\":") : st;
}
