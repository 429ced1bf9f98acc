#include "assess.h"

#include <stddef.h>

#include "mailbox.h"
#include "text.h"

const char *
severity_str(enum severity severity)
{
	switch (severity) {
	case SEV_ERR:
		return "err";
	case SEV_WARNING:
		return "warning";
	case SEV_NOTICE:
		return "notice";
	case SEV_INFO:
		break;
	}
	return "info";
}

double
totals_rate(const struct totals *totals)
{
	double failed = (double)totals->failed;
	double all = failed + (double)totals->successful;

	return all > 0 ? 100 * failed / all : 0;
}

enum severity
totals_severity(const struct totals *totals, const struct conf *conf)
{
	/* Rates in the configuration are hundredths of a percent; multiplied
	   out, so that a rate that equals a threshold is found equal. */
	double failed = (double)totals->failed;
	double all = failed + (double)totals->successful;

	if (totals->failed == 0)
		return SEV_INFO;
	if (failed * 10000 < (double)conf->notice_rate * all)
		return SEV_NOTICE;
	if (failed * 10000 <= (double)conf->warning_rate * all ||
	    all < (double)conf->min_sessions)
		return SEV_WARNING;
	return SEV_ERR;
}

/* Counts from a hostile report may add up to anything. */
static uint64_t
add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

struct totals
assess_policy(const struct policy *policy, uint64_t failure_sessions)
{
	return (struct totals){
		.successful =
		    policy->successful.is_known ? policy->successful.value : 0,
		.failed = policy->failed.is_known ? policy->failed.value
						  : failure_sessions,
	};
}

/* The state of one walk. */
struct assessor {
	struct report *report;
	const struct conf *conf;
	struct assessment *out;
	uint64_t policy_sessions; /* failed sessions in the policy's details */
};

static void
check_name(struct assessor *as, const char *name)
{
	if (name != NULL && !mailbox_is_our_domain(as->conf, name))
		deviation_add(&as->report->dev, DEV_FOREIGN_DOMAIN);
}

static enum report_visit
visit_policy(void *ctx, const struct policy *policy)
{
	struct assessor *as = ctx;

	as->policy_sessions = 0;
	as->out->policies++;
	if (policy->index == 0 && policy->policy_domain != NULL)
		(void)text_copy(as->out->policy_domain,
		    sizeof as->out->policy_domain, policy->policy_domain);
	check_name(as, policy->policy_domain);
	return REPORT_NEXT;
}

static enum report_visit
visit_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct assessor *as = ctx;

	(void)policy;
	as->out->failures++;
	if (failure->failed.is_known)
		as->policy_sessions =
		    add(as->policy_sessions, failure->failed.value);
	check_name(as, failure->receiving_mx_hostname);
	return REPORT_NEXT;
}

static void
end_policy(void *ctx, const struct policy *policy)
{
	struct assessor *as = ctx;
	struct assessment *out = as->out;
	struct totals totals = assess_policy(policy, as->policy_sessions);
	enum severity severity = totals_severity(&totals, as->conf);

	/* RFC 8460 lets details add up to more than the total, which may count
	   a session once that failed in two ways; none at all is a lie. */
	if (totals.failed == 0 && as->policy_sessions > 0) {
		deviation_add(&as->report->dev, DEV_COUNT_MISMATCH);
		severity = SEV_NOTICE;
	}
	out->failure_sessions = add(out->failure_sessions, as->policy_sessions);
	out->totals.successful = add(out->totals.successful, totals.successful);
	out->totals.failed = add(out->totals.failed, totals.failed);
	if (severity < out->severity)
		out->severity = severity;
}

enum status
assess_report(struct report *report, const struct conf *conf,
    struct assessment *assessment)
{
	static const struct report_visitor visitor = {
		.policy = visit_policy,
		.failure = visit_failure,
		.policy_end = end_policy,
	};
	struct assessor as = {
		.report = report,
		.conf = conf,
		.out = assessment,
	};

	*assessment = (struct assessment){ .severity = SEV_INFO };
	return report_walk(report, &visitor, &as);
}
