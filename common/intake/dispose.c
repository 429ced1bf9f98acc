#include "dispose.h"

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
	case ACTION_KEEP:
		return "kept";
	case ACTION_DELIVER:
		break;
	}
	return "deliver";
}

bool
dispose_is_genuine(const struct conf *conf, const struct verdict *verdict)
{
	return conf->dkim != DKIM_REQUIRE || verdict->result == VERDICT_PASS;
}

bool
dispose_is_vouched_for(const struct conf *conf, enum auth auth)
{
	return !conf->require_auth || auth != AUTH_NONE;
}

bool
dispose_is_later(const struct conf *conf, const struct verdict *verdict)
{
	return conf->dkim == DKIM_REQUIRE &&
	    verdict->result == VERDICT_TEMPERROR &&
	    conf->on_dns_failure == ACTION_TEMPFAIL;
}

/* Is a message still there after it, and here? */
static bool
keeps(enum conf_action action)
{
	return action == ACTION_DELIVER || action == ACTION_QUARANTINE;
}

bool
dispose_is_kept(const struct conf *conf, const struct verdict *verdict)
{
	return keeps(conf->on_report) && keeps(conf->on_malformed) &&
	    keeps(conf->on_failure) &&
	    (dispose_is_genuine(conf, verdict) || keeps(conf->on_unverified));
}

/* What is left of an action that is asked for by the configuration. */
static enum conf_action
as_far_as_it_may(
    enum conf_action action, const struct circumstances *circumstances)
{
	switch (action) {
	case ACTION_DISCARD:
		return circumstances->is_log_ready ? action : ACTION_DELIVER;
	case ACTION_QUARANTINE:
	case ACTION_REJECT:
		return circumstances->has_other_recipients ? ACTION_DELIVER
							   : action;
	case ACTION_DELIVER:
	case ACTION_TEMPFAIL:
	case ACTION_KEEP:
		break;
	}
	return action;
}

/* What is asked for by a verdict that will be no better later. */
static enum conf_action
of_unverified(const struct conf *conf, const struct outcome *outcome)
{
	return outcome->verdict.result == VERDICT_TEMPERROR
	    ? ACTION_DELIVER
	    : conf->on_unverified;
}

/*
 * A report that cannot be read does not pass another one that is not genuine
 * through: what lets nothing by goes first. Discarding is not that, for what
 * cannot be read may be wanted.
 */
static enum conf_action
of_malformed(const struct conf *conf, const struct outcome *outcome)
{
	enum conf_action action = of_unverified(conf, outcome);

	if (conf->on_malformed == ACTION_DELIVER && outcome->unverified > 0 &&
	    (action == ACTION_QUARANTINE || action == ACTION_REJECT))
		return action;
	return conf->on_malformed;
}

static enum conf_action
by_configuration(const struct conf *conf, const struct outcome *outcome,
    const struct circumstances *circumstances)
{
	if (outcome->has_failed)
		return conf->on_failure;
	if (outcome->unverified > 0 &&
	    dispose_is_later(conf, &outcome->verdict))
		return ACTION_TEMPFAIL;
	if (outcome->malformed > 0)
		return as_far_as_it_may(
		    of_malformed(conf, outcome), circumstances);
	if (outcome->unverified > 0)
		return as_far_as_it_may(
		    of_unverified(conf, outcome), circumstances);
	if (outcome->reports + outcome->duplicates > 0)
		return as_far_as_it_may(conf->on_report, circumstances);
	return ACTION_DELIVER;
}

/* What comes in place of an action for which there would be a mailbox. */
static enum conf_action
without_mailbox(enum conf_action action, const struct outcome *outcome,
    const struct circumstances *circumstances)
{
	if (outcome->has_failed)
		return ACTION_TEMPFAIL;
	if (!circumstances->is_upload &&
	    (action == ACTION_REJECT || action == ACTION_TEMPFAIL))
		return action;
	return outcome->malformed > 0 ||
		outcome->reports + outcome->duplicates + outcome->unverified ==
		    0
	    ? ACTION_KEEP
	    : ACTION_DISCARD;
}

enum conf_action
dispose(const struct conf *conf, const struct outcome *outcome,
    const struct circumstances *circumstances)
{
	enum conf_action action =
	    by_configuration(conf, outcome, circumstances);

	return circumstances->is_last
	    ? without_mailbox(action, outcome, circumstances)
	    : action;
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

/* A name that came with the message, in the letters that a name has. */
static enum status
add_name(struct buf *out, const char *label, const char *name)
{
	enum status st;

	if (name[0] == '\0')
		return ST_OK;
	st = buf_adds(out, label);
	for (; *name != '\0' && st == ST_OK; name++) {
		bool is_plain = *name > ' ' && *name < 0x7f &&
		    strchr("\"\\();,<>@[]", *name) == NULL;

		st = buf_addc(out, is_plain ? *name : '?');
	}
	return st;
}

static enum status
add_verdict(struct buf *out, const struct verdict *verdict)
{
	enum status st;

	if (verdict->result == VERDICT_OFF)
		return ST_OK;
	st = add_name(out, "; dkim=", verdict_result_str(verdict->result));
	if (st == ST_OK)
		st = add_name(out, "; dkim-domain=", verdict->domain);
	if (st == ST_OK)
		st = add_name(out, "; dkim-selector=", verdict->selector);
	if (st == ST_OK)
		st = add_name(
		    out, "; dkim-reason=", verdict_reason_str(verdict->reason));
	return st;
}

static enum status
add_organization(struct buf *out, const char *name)
{
	enum status st;

	if (name[0] == '\0')
		return ST_OK;
	st = buf_adds(out, "; organization-name=");
	return st == ST_OK ? add_quoted(out, name) : st;
}

/* "report", "unverified" or "malformed" and what belongs to it. */
static enum status
add_kind(struct buf *out, const struct outcome *outcome)
{
	if (outcome->malformed > 0)
		return buf_addf(out, "malformed; reason=%s",
		    status_str(outcome->fault.status));
	if (outcome->unverified > 0)
		return buf_adds(out, "unverified");
	return buf_addf(out, "report; severity=%s; failed=%llu; total=%llu",
	    severity_str(outcome->severity),
	    (unsigned long long)outcome->totals.failed,
	    (unsigned long long)totals_all(&outcome->totals));
}

/* With the name only where there is room for all of it. */
static enum status
add_all(struct buf *out, const struct outcome *outcome, bool with_name)
{
	enum status st = add_kind(out, outcome);

	if (st == ST_OK && with_name && outcome->malformed == 0 &&
	    outcome->unverified == 0)
		st = add_organization(out, outcome->organization_name);
	return st == ST_OK ? add_verdict(out, &outcome->verdict) : st;
}

bool
dispose_header(const struct outcome *outcome, char *out, size_t size)
{
	struct buf text;
	enum status st;

	if (outcome->has_failed ||
	    outcome->malformed + outcome->unverified + outcome->reports +
		    outcome->duplicates ==
		0)
		return false;
	buf_init(&text, size - 1);
	st = add_all(&text, outcome, true);
	if (st != ST_OK) {
		buf_cut(&text, 0);
		st = add_all(&text, outcome, false);
	}
	if (st == ST_OK)
		memcpy(out, text.data, text.len + 1);
	buf_free(&text);
	return st == ST_OK;
}
