#include "render.h"

#include <string.h>

#include "buf.h"
#include "emit.h"
#include "event.h"

enum {
	WIDTH = 78,       /* columns of wrapped text */
	LABEL_WIDTH = 30, /* columns of a label and the space behind it */
	COMMAND_MAX = 1024
};

struct renderer {
	FILE *out;
	const struct report *report;
	const struct conf *conf;
	bool with_colour;
};

static const char *
colour(enum severity severity)
{
	switch (severity) {
	case SEV_ERR:
		return "\033[1;31m";
	case SEV_WARNING:
		return "\033[1;33m";
	case SEV_NOTICE:
		return "\033[1m";
	case SEV_INFO:
		break;
	}
	return "\033[32m";
}

static const char *
plain(const struct renderer *r)
{
	return r->with_colour ? "\033[0m" : "";
}

static const char *
bold(const struct renderer *r)
{
	return r->with_colour ? "\033[1m" : "";
}

void
render_severity(FILE *out, enum severity severity, bool with_colour)
{
	(void)fprintf(out, "%s%s%s", with_colour ? colour(severity) : "",
	    severity_str(severity), with_colour ? "\033[0m" : "");
}

void
render_string(FILE *out, const char *string)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	if (emit_visible(&text, string) == ST_OK && text.len > 0)
		(void)fputs(text.data, out);
	buf_free(&text);
}

void
render_label(FILE *out, int indent, const char *label)
{
	int width = LABEL_WIDTH - indent;

	(void)fprintf(out, "%*s%-*s", indent, "", width, label);
}

void
render_wrapped(FILE *out, int indent, const char *label, const char *text)
{
	int column = LABEL_WIDTH;

	render_label(out, indent, label);
	while (*text != '\0') {
		int len = (int)strcspn(text, " ");

		if (column > LABEL_WIDTH && column + 1 + len > WIDTH) {
			(void)fprintf(out, "\n%*s", LABEL_WIDTH, "");
			column = LABEL_WIDTH;
		} else if (column > LABEL_WIDTH) {
			(void)fputc(' ', out);
			column++;
		}
		(void)fprintf(out, "%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	(void)fputc('\n', out);
}

void
render_commands(FILE *out, int indent, const struct result *result,
    const char *mx, const char *domain)
{
	char command[COMMAND_MAX];

	result_diagnose(result, mx, domain, command, sizeof command);
	render_label(out, indent, "verify");
	(void)fprintf(out, "%s\n", command);
	result_verify(result, mx, domain, command, sizeof command);
	render_label(out, indent, "by hand");
	(void)fprintf(out, "%s\n", command);
}

static void
put_field(const struct renderer *r, int indent, const struct field *field)
{
	struct buf value;

	buf_init(&value, 1 << 21);
	render_label(r->out, indent, field->name);
	if (emit_plain(&value, field) == ST_OK && value.len > 0)
		(void)fputs(value.data, r->out);
	(void)fputc('\n', r->out);
	buf_free(&value);
}

/* Those of the named fields that the event has. */
static void
put_fields(const struct renderer *r, int indent, const struct event *ev,
    const char *const *names)
{
	for (; *names != NULL; names++) {
		const struct field *field = event_find(ev, *names);

		if (field != NULL)
			put_field(r, indent, field);
	}
}

static void
put_totals(const struct renderer *r, const struct totals *totals,
    enum severity severity)
{
	(void)fprintf(r->out, "%llu successful, %llu failed (%.2f%%), ",
	    (unsigned long long)totals->successful,
	    (unsigned long long)totals->failed, totals_rate(totals));
	render_severity(r->out, severity, r->with_colour);
}

static void
put_head(const struct renderer *r, const struct assessment *as,
    const struct render_origin *origin)
{
	static const char *const names[] = { "report-id", "contact-info",
		"submitter", "start-datetime", "end-datetime", "policy-count",
		NULL };
	static const char *const more[] = { "deviations", "dkim", "dkim-domain",
		"dkim-selector", "dkim-reason", "dkim-dnssec", "auth", "client",
		NULL };
	const char *name = r->report->organization_name;
	struct event ev;

	event_report(
	    &ev, "report", r->report, as, origin->submitter, origin->verdict);
	event_upload(&ev, origin->auth, origin->client);
	(void)fprintf(r->out, "%sTLS report from ", bold(r));
	render_string(r->out, name != NULL ? name : "an unnamed organization");
	if (as->policy_domain[0] != '\0') {
		(void)fputs(" for ", r->out);
		render_string(r->out, as->policy_domain);
	}
	(void)fprintf(r->out, "%s\n", plain(r));
	put_fields(r, 2, &ev, names);
	render_label(r->out, 2, "sessions");
	put_totals(r, &as->totals, as->severity);
	(void)fputc('\n', r->out);
	put_fields(r, 2, &ev, more);
}

static enum report_visit
visit_policy(void *ctx, const struct policy *policy)
{
	static const char *const names[] = { "mx-host", "policy-string", NULL };
	const struct renderer *r = ctx;
	enum severity severity;
	struct totals totals;
	struct event ev;

	assess_policy(policy, r->conf, &totals, &severity);
	event_policy(&ev, r->report, policy, &totals, severity);
	(void)fprintf(r->out, "\n  %sPolicy ", bold(r));
	render_string(r->out,
	    policy->policy_type != NULL ? policy->policy_type : "of no type");
	if (policy->policy_domain != NULL) {
		(void)fputs(" for ", r->out);
		render_string(r->out, policy->policy_domain);
	}
	(void)fprintf(r->out, "%s: ", plain(r));
	put_totals(r, &totals, severity);
	(void)fputc('\n', r->out);
	put_fields(r, 4, &ev, names);
	return REPORT_NEXT;
}

static enum report_visit
visit_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	static const char *const names[] = { "receiving-mx-helo",
		"receiving-ip", "sending-mta-ip", "failure-reason-code",
		"additional-information", NULL };
	const struct renderer *r = ctx;
	const struct result *result = result_find(failure->result_type);
	struct event ev;

	event_failure(&ev, r->report, policy, failure, SEV_INFO);
	(void)fprintf(r->out, "\n    %sFailure ", bold(r));
	render_string(r->out,
	    failure->result_type != NULL ? failure->result_type : "of no type");
	(void)fprintf(r->out, "%s: ", plain(r));
	if (failure->failed.is_known)
		(void)fprintf(r->out, "%llu failed session%s",
		    (unsigned long long)failure->failed.value,
		    failure->failed.value == 1 ? "" : "s");
	else
		(void)fputs("an unknown number of failed sessions", r->out);
	if (failure->receiving_mx_hostname != NULL) {
		(void)fputs(" on MX ", r->out);
		render_string(r->out, failure->receiving_mx_hostname);
	}
	(void)fputc('\n', r->out);
	put_fields(r, 6, &ev, names);
	render_wrapped(r->out, 6, "meaning", result->meaning);
	render_wrapped(r->out, 6, "cause", result->cause);
	render_wrapped(r->out, 6, "action", result->action);
	render_commands(r->out, 6, result, failure->receiving_mx_hostname,
	    policy->policy_domain);
	return REPORT_NEXT;
}

enum status
render_report(FILE *out, struct report *report,
    const struct assessment *assessment, const struct conf *conf,
    const struct render_origin *origin, bool with_colour)
{
	static const struct report_visitor visitor = {
		.policy = visit_policy,
		.failure = visit_failure,
	};
	struct renderer r = {
		.out = out,
		.report = report,
		.conf = conf,
		.with_colour = with_colour,
	};

	put_head(&r, assessment, origin);
	return report_walk(report, &visitor, &r);
}

void
render_result(FILE *out, const struct result *result, bool with_colour)
{
	struct renderer r = { .out = out, .with_colour = with_colour };

	(void)fprintf(out, "%s%s%s\n", bold(&r), result->type, plain(&r));
	render_wrapped(out, 2, "category", result->category);
	render_wrapped(out, 2, "meaning", result->meaning);
	render_wrapped(out, 2, "cause", result->cause);
	render_wrapped(out, 2, "action", result->action);
	render_commands(out, 2, result, NULL, NULL);
	render_wrapped(out, 2, "defined in", result->section);
}

void
render_results(FILE *out, bool with_colour)
{
	struct renderer r = { .out = out, .with_colour = with_colour };
	const struct result *all;
	size_t count;

	all = result_all(&count);
	(void)fprintf(out, "%s%-26s%-12s  %s%s\n", bold(&r), "RESULT TYPE",
	    "CATEGORY", "MEANING", plain(&r));
	for (size_t i = 0; i < count; i++)
		(void)fprintf(out, "%-26s%-12s  %s\n", all[i].type,
		    all[i].category, all[i].meaning);
}
