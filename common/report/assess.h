/*
 * assess: how bad is it?
 *
 * Totals over all policies, and a severity for each policy and for the report,
 * the worst of them. Microsoft counts the same sessions under sts and tlsa, so
 * a rate is judged for each policy alone.
 */
#ifndef ASSESS_H
#define ASSESS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "report.h"
#include "status.h"

/* Values are those of syslog(3), so that a lower one is worse. */
enum severity {
	SEV_ERR = 3,
	SEV_WARNING = 4,
	SEV_NOTICE = 5,
	SEV_INFO = 6
};

/* "err", "warning", "notice", "info". Static storage. */
const char *severity_str(enum severity severity);

/* What was counted, of a policy or over all policies. */
struct totals {
	uint64_t successful;
	uint64_t failed;
};

/* All sessions; a sum that is too great for a word stays at its greatest. */
uint64_t totals_all(const struct totals *totals);

/* 100 * failed / (failed + successful), 0 when nothing was counted. */
double totals_rate(const struct totals *totals);

/* By the rates and the minimum of sessions in the configuration. */
enum severity
totals_severity(const struct totals *totals, const struct conf *conf);

struct assessment {
	struct totals totals;
	enum severity severity;
	uint64_t policies;         /* how many */
	uint64_t failures;         /* failure-details elements in all */
	uint64_t failure_sessions; /* sum of their failed-session-count */
	char policy_domain[256];   /* of the first policy, or "" */
	uint64_t largest;          /* sessions of the policy with most */
	bool is_loop_noise;        /* its failures are: problem_is_noise() */
};

/*
 * Walk the report and assess it. Completes report->dev, DEV_FOREIGN_DOMAIN by
 * the configuration's Domain list included.
 */
enum status assess_report(struct report *report, const struct conf *conf,
    struct assessment *assessment);

/*
 * Judge one policy: its counts and its severity. Where the number of failed
 * sessions is unknown, the sum of its failure-details stands in for it; where
 * that number is 0 and there are failures all the same, it is at least notice.
 */
void assess_policy(const struct policy *policy, const struct conf *conf,
    struct totals *totals, enum severity *severity);

#endif
