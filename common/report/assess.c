#include "assess.h"

#include <stddef.h>

#include "mailbox.h"
#include "problem.h"
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

uint64_t
totals_all(const struct totals *totals)
{
	return count_add(totals->failed, totals->successful);
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

void
assess_policy(const struct policy *policy, const struct conf *conf,
    struct totals *totals, enum severity *severity)
{
	uint64_t sessions = 0;

	*totals = (struct totals){
		.successful =
		    policy->successful.is_known ? policy->successful.value : 0,
		.failed = policy->failed.is_known ? policy->failed.value : 0,
	};
	if (totals->failed == 0)
		sessions = policy_failure_sessions(policy);
	if (!policy->failed.is_known)
		totals->failed = sessions;
	*severity = totals_severity(totals, conf);
	if (totals->failed == 0 && sessions > 0)
		*severity = SEV_NOTICE;
}

/* The state of one walk. */
struct assessor {
	struct report *report;
	const struct conf *conf;
	struct assessment *out;
	uint64_t policy_sessions; /* failed sessions in the policy's details */
};

static enum report_visit
visit_policy(void *ctx, const struct policy *policy)
{
	struct assessor *as = ctx;
	struct assessment *out = as->out;
	enum severity severity;
	struct totals totals;

	assess_policy(policy, as->conf, &totals, &severity);
	out->policies++;
	out->totals.successful =
	    count_add(out->totals.successful, totals.successful);
	out->totals.failed = count_add(out->totals.failed, totals.failed);
	if (totals_all(&totals) > out->largest)
		out->largest = totals_all(&totals);
	if (severity < out->severity)
		out->severity = severity;
	if (policy->index == 0 && policy->policy_domain != NULL)
		(void)text_copy(out->policy_domain, sizeof out->policy_domain,
		    policy->policy_domain);
	as->policy_sessions = 0;
	if (policy->policy_domain != NULL &&
	    !mailbox_is_our_domain(as->conf, policy->policy_domain))
		deviation_add(&as->report->dev, DEV_FOREIGN_DOMAIN);
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
		    count_add(as->policy_sessions, failure->failed.value);
	return REPORT_NEXT;
}

static void
end_policy(void *ctx, const struct policy *policy)
{
	struct assessor *as = ctx;
	struct assessment *out = as->out;

	/* RFC 8460 lets details add up to more than the total, which counts a
	   session once that failed in two ways; but not to more than none. */
	if (policy->failed.is_known && policy->failed.value == 0 &&
	    as->policy_sessions > 0)
		deviation_add(&as->report->dev, DEV_COUNT_MISMATCH);
	out->failure_sessions =
	    count_add(out->failure_sessions, as->policy_sessions);
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

	enum status st;

	*assessment = (struct assessment){ .severity = SEV_INFO };
	st = report_walk(report, &visitor, &as);
	assessment->is_loop_noise = assessment->totals.failed > 0 &&
	    problem_is_noise(assessment->largest, report->contact_info);
	return st;
}
