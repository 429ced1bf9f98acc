#include "reportlog.h"

#include "event.h"

/* A report on its way to the log. */
struct logging {
	struct log *log;
	const char *queue_id;
	const struct conf *conf;
	struct reading *reading;
	enum severity severity;    /* of the policy being visited */
	uint64_t policies;         /* lines written */
	uint64_t failures;         /* lines written */
	uint64_t failure_sessions; /* in the lines written */
};

static enum report_visit
log_policy(void *ctx, const struct policy *policy)
{
	struct logging *l = ctx;
	struct totals totals;
	struct event ev;
	uint64_t max = l->conf->max_failure_lines;

	assess_policy(policy, l->conf, &totals, &l->severity);
	if (l->policies < max) {
		event_policy(
		    &ev, &l->reading->report, policy, &totals, l->severity);
		(void)log_event(l->log, &ev, l->queue_id);
		l->policies++;
	}
	return l->policies == max && l->failures == max ? REPORT_STOP
							: REPORT_NEXT;
}

static enum report_visit
log_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct logging *l = ctx;
	struct event ev;

	if (l->failures == l->conf->max_failure_lines)
		return REPORT_SKIP;
	event_failure(&ev, &l->reading->report, policy, failure, l->severity);
	event_label(&ev, &l->reading->assessment);
	(void)log_event(l->log, &ev, l->queue_id);
	l->failures++;
	if (failure->failed.is_known)
		l->failure_sessions =
		    count_add(l->failure_sessions, failure->failed.value);
	return REPORT_NEXT;
}

/* One line for all policies and failures that got none. */
static void
log_omitted(const struct logging *l)
{
	const struct assessment *as = &l->reading->assessment;
	struct event ev;

	if (l->policies == as->policies && l->failures == as->failures)
		return;
	event_init(&ev, "omitted", as->severity);
	event_string(
	    &ev, "organization-name", l->reading->report.organization_name);
	event_count(&ev, "policy-count", as->policies - l->policies);
	event_count(&ev, "failure-count", as->failures - l->failures);
	event_count(&ev, "failed-session-count",
	    as->failure_sessions - l->failure_sessions);
	event_string(&ev, "severity", severity_str(as->severity));
	(void)log_event(l->log, &ev, l->queue_id);
}

void
reportlog_details(struct log *log, const char *queue_id,
    const struct conf *conf, struct reading *reading)
{
	static const struct report_visitor visitor = {
		.policy = log_policy,
		.failure = log_failure,
	};
	struct logging logging = {
		.log = log,
		.queue_id = queue_id,
		.conf = conf,
		.reading = reading,
	};

	(void)report_walk(&reading->report, &visitor, &logging);
	log_omitted(&logging);
}
