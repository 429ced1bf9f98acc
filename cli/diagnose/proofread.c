#include "proofread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "input.h"
#include "problemlist.h"
#include "render.h"
#include "reportedpolicy.h"
#include "text.h"

struct taking {
	struct proof *proof;
	const struct report *report; /* that is being walked */
	const char *file;
	struct proof_policy *policy; /* of the report, if it is a new one */
	bool is_known;               /* policy holds the one being walked */
	size_t reports;
	size_t faults;
	enum status st;
};

/*
 * Keeping what was told.
 */

static void
copy(char *out, size_t size, const char *text)
{
	(void)text_copy(out, size, text != NULL ? text : "");
}

/* Names of hosts and domains: without the dot at the end. */
static void
copy_name(char out[STATE_NAME_MAX], const char *name)
{
	size_t len;

	copy(out, STATE_NAME_MAX, name);
	len = strlen(out);
	if (len > 0 && out[len - 1] == '.')
		out[len - 1] = '\0';
}

/* Is the word in a list joined by ", "? */
static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p++) {
		if ((p == list || p[-1] == ' ') &&
		    (p[len] == '\0' || p[len] == ','))
			return true;
	}
	return false;
}

/* Add to a list, if there is room and it is not there. */
static void
add_word(char list[PROOF_TEXT_MAX], const char *word)
{
	size_t len = strlen(list);

	if (word == NULL || word[0] == '\0' || has_word(list, word) ||
	    len + 2 + strlen(word) >= PROOF_TEXT_MAX)
		return;
	(void)snprintf(list + len, PROOF_TEXT_MAX - len, "%s%s",
	    len > 0 ? ", " : "", word);
}

/* The failure like this one, or a new one; NULL when there are too many. */
static struct proof_failure *
find(struct proof *proof, const struct proof_failure *model)
{
	for (size_t i = 0; i < proof->count; i++) {
		struct proof_failure *failure = &proof->failure[i];

		if (text_ieq(failure->policy_domain, model->policy_domain) &&
		    text_ieq(failure->receiving_mx_hostname,
			model->receiving_mx_hostname) &&
		    strcmp(failure->policy_type, model->policy_type) == 0 &&
		    strcmp(failure->result_type, model->result_type) == 0)
			return failure;
	}
	if (proof->count == PROOF_FAILURES_MAX) {
		proof->left_out++;
		return NULL;
	}
	proof->failure[proof->count] = *model;
	return &proof->failure[proof->count++];
}

/*
 * A report.
 */

static enum report_visit
visit_policy(void *ctx, const struct policy *policy)
{
	struct taking *taking = ctx;

	(void)policy;
	taking->is_known = false;
	return REPORT_NEXT;
}

/* Keep the policy that failed, once. */
static void
take_policy(struct taking *taking, const struct policy *policy)
{
	struct proof *proof = taking->proof;
	struct proof_policy *kept = &proof->policy[proof->policies];

	if (taking->is_known || policy->policy_string == NULL ||
	    proof->policies == PROOF_FAILURES_MAX)
		return;
	taking->is_known = true;
	copy_name(kept->policy_domain, policy->policy_domain);
	copy(kept->policy_type, sizeof kept->policy_type, policy->policy_type);
	copy(kept->organization_name, sizeof kept->organization_name,
	    taking->report->organization_name);
	kept->seen =
	    taking->report->end.is_known ? taking->report->end.time : 0;
	taking->st = policylines_read(&kept->reported, policy->policy_string);
	/* One that is known already. */
	for (size_t i = 0; i < proof->policies; i++) {
		const struct proof_policy *other = &proof->policy[i];

		if (strcmp(other->policy_type, kept->policy_type) == 0 &&
		    text_ieq(other->policy_domain, kept->policy_domain) &&
		    policylines_is_same(&other->reported, &kept->reported))
			policylines_clear(&kept->reported);
	}
	proof->policies += kept->reported.count > 0;
}

static void
take_range(struct proof_failure *failure, const struct report *report)
{
	if (report->start.is_known &&
	    (failure->since == 0 || report->start.time < failure->since))
		failure->since = report->start.time;
	if (report->end.is_known && report->end.time > failure->last)
		failure->last = report->end.time;
}

static enum report_visit
visit_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct taking *taking = ctx;
	struct proof_failure model = { .failed = 0 };
	struct proof_failure *kept;

	copy_name(model.policy_domain, policy->policy_domain);
	copy_name(model.receiving_mx_hostname, failure->receiving_mx_hostname);
	copy(model.policy_type, sizeof model.policy_type, policy->policy_type);
	copy(model.result_type, sizeof model.result_type, failure->result_type);
	copy(model.reason, sizeof model.reason, failure->failure_reason_code);
	copy(model.information, sizeof model.information,
	    failure->additional_information);
	kept = find(taking->proof, &model);
	if (kept == NULL)
		return REPORT_NEXT;
	if (failure->failed.is_known &&
	    failure->failed.value <= UINT64_MAX - kept->failed)
		kept->failed += failure->failed.value;
	add_word(kept->reporters, taking->report->organization_name);
	add_word(kept->receiving_ip, failure->receiving_ip);
	take_range(kept, taking->report);
	take_policy(taking, policy);
	return taking->st == ST_OK ? REPORT_NEXT : REPORT_STOP;
}

static enum status
take_report(
    void *ctx, struct reading *reading, const struct input_origin *origin)
{
	static const struct report_visitor visitor = {
		.policy = visit_policy,
		.failure = visit_failure,
	};
	struct taking *taking = ctx;
	enum status st;

	(void)origin;
	taking->reports++;
	taking->report = &reading->report;
	st = report_walk(&reading->report, &visitor, taking);
	return st == ST_OK ? taking->st : st;
}

static void
complain(void *ctx, const struct fault *fault)
{
	struct taking *taking = ctx;

	(void)fprintf(
	    stderr, "%s: %s: ", taking->file, status_str(fault->status));
	render_string(stderr, fault->detail);
	(void)fputc('\n', stderr);
	taking->faults++;
}

int
proofread_report(const char *path, const struct conf *conf, struct proof *proof)
{
	struct taking taking = {
		.proof = proof,
		.file = path,
		.st = ST_OK,
	};
	const struct input_handler handler = { take_report, complain, &taking };
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	enum status st = ST_SPOOL;

	if (file != NULL)
		st = input_read(file, conf, NULL, &handler);
	if (st == ST_SPOOL)
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (file != NULL && !is_stdin)
		(void)fclose(file);
	if (st != ST_OK)
		return st == ST_SPOOL ? EX_NOINPUT : EX_OSERR;
	return taking.reports == 0 || taking.faults > 0 ? EX_DATAERR : -1;
}

/*
 * A problem.
 */

static bool
take_reporter(void *ctx, const struct state_reporter *reporter)
{
	add_word(ctx, reporter->organization_name);
	return true;
}

static enum status
take_problem(const struct index *index, struct proof *proof,
    const struct state_problem *problem, struct fault *fault)
{
	struct proof_failure *failure = &proof->failure[0];
	struct reportedpolicy reported;
	enum status st;

	proof->count = 1;
	copy_name(failure->policy_domain, problem->policy_domain);
	copy_name(
	    failure->receiving_mx_hostname, problem->receiving_mx_hostname);
	copy(failure->policy_type, sizeof failure->policy_type,
	    problem->policy_type);
	copy(failure->result_type, sizeof failure->result_type,
	    problem->result_type);
	failure->failed = problem->episode.failed;
	failure->since = problem->episode.since;
	failure->last = problem->episode.last;
	st = state_problem_reporters(
	    index->state, problem, take_reporter, failure->reporters, fault);
	if (st != ST_OK)
		return st;
	/* Without its record there is a policy less to compare. */
	st = reportedpolicy_newest(&reported, index, problem->policy_domain,
	    problem->policy_type, fault);
	if (st == ST_OK && reported.lines.count > 0) {
		struct proof_policy *policy = &proof->policy[0];

		proof->policies = 1;
		copy_name(policy->policy_domain, problem->policy_domain);
		copy(policy->policy_type, sizeof policy->policy_type,
		    problem->policy_type);
		copy(policy->organization_name,
		    sizeof policy->organization_name,
		    reported.organization_name);
		policy->seen = reported.seen;
		policy->reported = reported.lines;
		memset(&reported.lines, 0, sizeof reported.lines);
	} else if (st == ST_ARCHIVE) {
		(void)fputs("tlsrpt diagnose: ", stderr);
		render_string(stderr, fault->detail);
		(void)fputc('\n', stderr);
		st = ST_OK;
	}
	reportedpolicy_clear(&reported);
	return st;
}

int
proofread_problem(
    unsigned long number, const struct index *index, struct proof *proof)
{
	struct state_problem problem;
	struct fault fault = { .status = ST_OK };
	bool is_found;

	if (problemlist_pick(index, number, &problem, &is_found, &fault) !=
	    ST_OK)
		return index_fail(index, &fault);
	if (!is_found) {
		(void)fprintf(stderr,
		    "tlsrpt diagnose: there is no problem %lu; see \"tlsrpt "
		    "problems\"\n",
		    number);
		return EX_USAGE;
	}
	return take_problem(index, proof, &problem, &fault) == ST_OK
	    ? -1
	    : index_fail(index, &fault);
}
