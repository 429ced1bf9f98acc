#include "dispose.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"

const char *
action_str(enum conf_action action)
{
	switch (action) {
	case ACTION_DISCARD:
		return "discard";
	case ACTION_QUARANTINE:
		return "quarantine";
	case ACTION_REJECT:
		return "reject";
	case ACTION_TEMPFAIL:
		return "tempfail";
	case ACTION_DELIVER:
		break;
	}
	return "deliver";
}

enum conf_action
dispose(const struct conf *conf, const struct outcome *outcome,
    const struct circumstances *circumstances)
{
	if (outcome->has_failed)
		return conf->on_failure;
	if (outcome->malformed > 0)
		return circumstances->has_other_recipients ? ACTION_DELIVER
							   : conf->on_malformed;
	if (outcome->reports + outcome->duplicates > 0)
		return circumstances->is_log_ready ? conf->on_report
						   : ACTION_DELIVER;
	return ACTION_DELIVER;
}

/*
 * A quoted-string (RFC 5322, 3.2.4) on one line, in ASCII: whether the message
 * may have UTF-8 in its header is not ours to know.
 */
static enum status
add_quoted(struct buf *out, const char *string)
{
	enum status st = buf_addc(out, '"');

	for (; *string != '\0' && st == ST_OK; string++) {
		unsigned char c = (unsigned char)*string;

		if (c == '"' || c == '\\')
			st = buf_addc(out, '\\');
		if (st == ST_OK && (c < 0x80 || c >= 0xc0))
			st = buf_addc(
			    out, c < 0x20 || c >= 0x7f ? '?' : *string);
	}
	return st == ST_OK ? buf_addc(out, '"') : st;
}

bool
dispose_header(const struct outcome *outcome, char *out, size_t size)
{
	struct buf text;
	enum status st = ST_OK;

	if (outcome->has_failed)
		return false;
	if (outcome->malformed > 0) {
		(void)snprintf(out, size, "malformed; reason=%s",
		    status_str(outcome->fault.status));
		return true;
	}
	if (outcome->reports + outcome->duplicates == 0)
		return false;
	(void)snprintf(out, size,
	    "report; severity=%s; failed=%llu; total=%llu",
	    severity_str(outcome->severity),
	    (unsigned long long)outcome->totals.failed,
	    (unsigned long long)totals_all(&outcome->totals));
	buf_init(&text, size - strlen(out) - 1);
	if (outcome->organization_name[0] != '\0') {
		st = buf_adds(&text, "; organization-name=");
		if (st == ST_OK)
			st = add_quoted(&text, outcome->organization_name);
		if (st == ST_OK)
			memcpy(out + strlen(out), text.data, text.len + 1);
	}
	buf_free(&text);
	return true;
}
