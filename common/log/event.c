#include "event.h"

#include <string.h>

void
event_init(struct event *ev, const char *name, enum severity severity)
{
	ev->name = name;
	ev->severity = severity;
	ev->count = 0;
}

static struct field *
add_field(struct event *ev, const char *name, enum field_type type)
{
	struct field *field = &ev->field[ev->count];

	if (ev->count < EVENT_FIELDS_MAX)
		ev->count++;
	else
		field--; /* cannot be: no event names so many */
	field->name = name;
	field->type = type;
	return field;
}

void
event_string(struct event *ev, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		add_field(ev, name, FIELD_STRING)->u.string = value;
}

void
event_count(struct event *ev, const char *name, uint64_t value)
{
	add_field(ev, name, FIELD_COUNT)->u.count = value;
}

void
event_known(struct event *ev, const char *name, struct count value)
{
	if (value.is_known)
		event_count(ev, name, value.value);
}

void
event_time(struct event *ev, const char *name, struct datetime value)
{
	char time[RFC3339_MAX];

	if (value.is_known && rfc3339_format(value.time, time))
		memcpy(
		    add_field(ev, name, FIELD_TIME)->u.time, time, sizeof time);
	else
		event_string(ev, name, value.text);
}

void
event_rate(struct event *ev, const char *name, double percent)
{
	add_field(ev, name, FIELD_RATE)->u.rate = percent;
}

void
event_list(struct event *ev, const char *name, const cJSON *value)
{
	if (value != NULL)
		add_field(ev, name, FIELD_LIST)->u.list = value;
}

void
event_deviations(struct event *ev, deviations value)
{
	if (value != 0)
		add_field(ev, "deviations", FIELD_DEVIATIONS)->u.set = value;
}

void
event_action(struct event *ev, const struct result *result, const char *mx,
    const char *domain)
{
	struct field *field = add_field(ev, "action", FIELD_ACTION);

	field->u.action.result = result;
	field->u.action.mx = mx;
	field->u.action.domain = domain;
}

const struct field *
event_find(const struct event *ev, const char *name)
{
	for (size_t i = 0; i < ev->count; i++) {
		if (strcmp(ev->field[i].name, name) == 0)
			return &ev->field[i];
	}
	return NULL;
}

void
event_fault(struct event *ev, const struct fault *fault)
{
	event_string(ev, "reason", status_str(fault->status));
	event_string(ev, "detail", fault->detail);
	if (fault->has_offset)
		event_count(ev, "offset", fault->offset);
}

void
event_verdict(struct event *ev, const struct verdict *verdict)
{
	if (verdict == NULL || verdict->result == VERDICT_OFF)
		return;
	event_string(ev, "dkim", verdict_result_str(verdict->result));
	event_string(ev, "dkim-domain", verdict->domain);
	event_string(ev, "dkim-selector", verdict->selector);
	event_string(ev, "dkim-reason", verdict_reason_str(verdict->reason));
	event_string(ev, "dkim-dnssec", verdict_dnssec_str(verdict->dnssec));
}

void
event_upload(struct event *ev, const char *auth, const char *client)
{
	if (auth == NULL)
		return;
	event_string(ev, "auth", auth);
	event_string(ev, "client", client);
}

void
event_label(struct event *ev, const struct assessment *assessment)
{
	if (assessment->is_loop_noise)
		event_string(ev, "label", "loop-noise");
}

void
event_report(struct event *ev, const char *name, const struct report *report,
    const struct assessment *assessment, const char *submitter,
    const struct verdict *verdict)
{
	const struct totals *totals = &assessment->totals;
	/* What a report says that may be forged is no cause for alarm. */
	enum severity severity =
	    strcmp(name, "unverified") == 0 ? SEV_NOTICE : assessment->severity;

	event_init(ev, name, severity);
	event_string(ev, "organization-name", report->organization_name);
	event_string(ev, "report-id", report->report_id);
	event_string(ev, "contact-info", report->contact_info);
	event_string(ev, "submitter", submitter);
	event_string(ev, "policy-domain", assessment->policy_domain);
	if (assessment->policies > 1)
		event_count(ev, "policy-count", assessment->policies);
	event_time(ev, "start-datetime", report->start);
	event_time(ev, "end-datetime", report->end);
	event_count(ev, "total-successful-session-count", totals->successful);
	event_count(ev, "total-failure-session-count", totals->failed);
	event_rate(ev, "failure-rate", totals_rate(totals));
	event_string(ev, "severity", severity_str(severity));
	event_label(ev, assessment);
	event_deviations(ev, report->dev);
	event_verdict(ev, verdict);
}

void
event_policy(struct event *ev, const struct report *report,
    const struct policy *policy, const struct totals *totals,
    enum severity severity)
{
	event_init(ev, "policy", severity);
	event_string(ev, "organization-name", report->organization_name);
	event_string(ev, "policy-type", policy->policy_type);
	event_string(ev, "policy-domain", policy->policy_domain);
	event_list(ev, "mx-host", policy->mx_host);
	/* What is left out is 0, or what the failures add up to. */
	if (!policy->successful.is_invalid)
		event_count(
		    ev, "total-successful-session-count", totals->successful);
	if (!policy->failed.is_invalid)
		event_count(ev, "total-failure-session-count", totals->failed);
	event_rate(ev, "failure-rate", totals_rate(totals));
	event_string(ev, "severity", severity_str(severity));
	event_list(ev, "policy-string", policy->policy_string);
}

void
event_failure(struct event *ev, const struct report *report,
    const struct policy *policy, const struct failure *failure,
    enum severity severity)
{
	const struct result *result = result_find(failure->result_type);

	event_init(ev, "failure", severity);
	event_string(ev, "organization-name", report->organization_name);
	event_string(ev, "policy-domain", policy->policy_domain);
	event_string(ev, "policy-type", policy->policy_type);
	event_string(ev, "result-type", failure->result_type);
	event_string(ev, "category", result->category);
	event_known(ev, "failed-session-count", failure->failed);
	event_string(
	    ev, "receiving-mx-hostname", failure->receiving_mx_hostname);
	event_string(ev, "receiving-mx-helo", failure->receiving_mx_helo);
	event_string(ev, "receiving-ip", failure->receiving_ip);
	event_string(ev, "sending-mta-ip", failure->sending_mta_ip);
	event_string(ev, "failure-reason-code", failure->failure_reason_code);
	event_string(
	    ev, "additional-information", failure->additional_information);
	event_string(ev, "severity", severity_str(severity));
	event_string(ev, "cause", result->cause);
	event_action(
	    ev, result, failure->receiving_mx_hostname, policy->policy_domain);
}

/* Seconds since 1970. */
static void
add_moment(struct event *ev, const char *name, int64_t time)
{
	event_time(
	    ev, name, (struct datetime){ .is_known = true, .time = time });
}

void
event_problem(struct event *ev, enum problem_change change,
    const struct state_problem *problem)
{
	const struct result *result = result_find(problem->result_type);
	const struct episode *episode = &problem->episode;
	bool is_over =
	    change == PROBLEM_IS_RESOLVED || change == PROBLEM_IS_STALE;
	enum severity severity = is_over ? SEV_NOTICE : episode->severity;

	event_init(ev, problem_change_str(change), severity);
	event_string(ev, "policy-domain", problem->policy_domain);
	event_string(ev, "policy-type", problem->policy_type);
	event_string(ev, "result-type", problem->result_type);
	event_string(
	    ev, "receiving-mx-hostname", problem->receiving_mx_hostname);
	event_string(ev, "category", result->category);
	event_string(ev, "state", problem_state_str(episode->state));
	add_moment(ev, "since", episode->since);
	add_moment(ev, "last", episode->last);
	if (episode->state == PROBLEM_RESOLVED)
		add_moment(ev, "resolved", episode->resolved);
	event_count(ev, "failed-session-count", episode->failed);
	event_count(ev, "total-session-count", episode->sessions);
	event_count(ev, "reports", episode->sightings);
	event_count(ev, "reporters", episode->reporters);
	event_string(ev, "severity", severity_str(severity));
	event_string(ev, "cause", result->cause);
	event_action(
	    ev, result, problem->receiving_mx_hostname, problem->policy_domain);
}

void
event_silent(struct event *ev, const struct state_reporter *reporter)
{
	event_init(ev, "reporter-silent", SEV_WARNING);
	event_string(ev, "organization-name", reporter->organization_name);
	add_moment(ev, "last", reporter->newest);
	event_count(ev, "reports", reporter->reports);
	event_string(ev, "severity", severity_str(SEV_WARNING));
	event_string(ev, "cause",
	    "most often our own rua is broken: the TXT record is gone or "
	    "wrong, or the mailbox that it names takes no mail; else the "
	    "sender has stopped reporting, or has no more mail for us");
	event_string(ev, "action",
	    "look at the record (dig +short TXT _smtp._tls.DOMAIN), and send "
	    "a mail from outside to the rua mailbox to see whether it "
	    "arrives here");
}
