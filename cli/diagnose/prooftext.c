#include "prooftext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnosetext.h"
#include "render.h"
#include "rfc3339.h"

enum {
	INDENT = 2,
	WHEN_MAX = 2 * RFC3339_MAX + 8
};

/* The kind of finding whose colour a state has. */
static enum finding_kind
kind_of(enum proof_state state)
{
	switch (state) {
	case PROOF_CONFIRMED:
	case PROOF_DIFFERENT:
		return FINDING_FAILURE;
	case PROOF_UNTRIED:
		return FINDING_UNTRIED;
	case PROOF_GONE:
	case PROOF_STATES:
		break;
	}
	return FINDING_SUCCESS;
}

static void
put_state(enum proof_state state, bool with_colour)
{
	(void)printf("%s%s%s", diagnosetext_colour(kind_of(state), with_colour),
	    proof_state_str(state), diagnosetext_plain(with_colour));
}

/* Both ends of the ranges, or "" when they are unknown. */
static void
format_range(int64_t since, int64_t last, char out[WHEN_MAX])
{
	char from[RFC3339_MAX], to[RFC3339_MAX];

	out[0] = '\0';
	if (since != 0 && last != 0 && rfc3339_format(since, from) &&
	    rfc3339_format(last, to))
		(void)snprintf(out, WHEN_MAX, "%s to %s", from, to);
}

/*
 * Failures.
 */

static void
print_told(const struct proof_failure *failure)
{
	char range[WHEN_MAX], text[64];

	diagnosetext_row(INDENT, "reported by", failure->reporters);
	format_range(failure->since, failure->last, range);
	diagnosetext_row(INDENT, "in", range);
	(void)snprintf(text, sizeof text, "%" PRIu64, failure->failed);
	diagnosetext_row(INDENT, "failed sessions", text);
	diagnosetext_row(INDENT, "receiving-ip", failure->receiving_ip);
	diagnosetext_row(INDENT, "failure-reason-code", failure->reason);
	diagnosetext_row(
	    INDENT, "additional-information", failure->information);
}

static void
print_now(const struct proof_failure *failure)
{
	const struct finding *finding = failure->finding;
	char text[FINDING_DETAIL_MAX + 256];

	if (finding == NULL) {
		diagnosetext_row(INDENT, "seen now",
		    failure->why != NULL ? failure->why
					 : "nothing of the kind");
		return;
	}
	(void)snprintf(text, sizeof text, "%s%s%s%s%s%s",
	    finding->result_type != NULL  ? finding->result_type
		: finding->reason != NULL ? finding->reason
					  : "success",
	    finding->policy_type != NULL ? " under " : "",
	    finding->policy_type != NULL ? finding->policy_type : "",
	    finding->address != NULL ? " at " : "",
	    finding->address != NULL ? finding->address->address.text : "",
	    finding->detail[0] != '\0' ? ": " : "");
	(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s",
	    finding->detail);
	diagnosetext_row(INDENT, "seen now", text);
	diagnosetext_action(failure->diagnosed, finding);
}

static void
print_failure(
    const struct proof_failure *failure, size_t number, bool with_colour)
{
	(void)printf("\n%s%zu. ", diagnosetext_bold(with_colour), number);
	render_string(stdout,
	    failure->result_type[0] != '\0' ? failure->result_type
					    : "failure of no type");
	if (failure->receiving_mx_hostname[0] != '\0') {
		(void)fputs(" on MX ", stdout);
		render_string(stdout, failure->receiving_mx_hostname);
	}
	(void)fputs(" for ", stdout);
	render_string(stdout, failure->policy_domain);
	if (failure->policy_type[0] != '\0') {
		(void)fputs(", policy ", stdout);
		render_string(stdout, failure->policy_type);
	}
	(void)printf("%s: ", diagnosetext_plain(with_colour));
	put_state(failure->state, with_colour);
	(void)fputc('\n', stdout);
	print_told(failure);
	print_now(failure);
}

/*
 * Policies.
 */

static void
print_line(void *ctx, char sign, const char *line)
{
	bool with_colour = *(const bool *)ctx;

	(void)printf("  %s%c",
	    sign == ' ' ? ""
			: diagnosetext_colour(
			      sign == '-' ? FINDING_FAILURE : FINDING_SUCCESS,
			      with_colour),
	    sign);
	render_string(stdout, line);
	(void)printf(
	    "%s\n", sign == ' ' ? "" : diagnosetext_plain(with_colour));
}

static void
print_policy(const struct proof_policy *policy, bool with_colour)
{
	(void)printf("\n%sPolicy ", diagnosetext_bold(with_colour));
	render_string(stdout, policy->policy_type);
	(void)fputs(" for ", stdout);
	render_string(stdout, policy->policy_domain);
	(void)fputs(": that of ", stdout);
	render_string(stdout,
	    policy->organization_name[0] != '\0' ? policy->organization_name
						 : "the report");
	(void)printf(
	    " (-) and that of now (+)%s\n", diagnosetext_plain(with_colour));
	(void)policylines_compare(
	    &policy->reported, &policy->live, print_line, &with_colour);
	diagnosetext_row(INDENT, "meaning", policy->meaning);
}

/*
 * All of it.
 */

static void
print_sum(const struct proof *proof, bool with_colour)
{
	(void)printf("\n%s", diagnosetext_bold(with_colour));
	for (size_t i = 0; i < PROOF_STATES; i++)
		(void)printf("%s%zu %s", i > 0 ? ", " : "", proof->states[i],
		    proof_state_str((enum proof_state)i));
	(void)printf(" (exit status %d)%s\n", proof->exit,
	    diagnosetext_plain(with_colour));
}

void
prooftext_print(const struct proof *proof, bool with_colour)
{
	if (proof->problem != 0)
		(void)printf("%sProblem %lu, tried now%s\n",
		    diagnosetext_bold(with_colour), proof->problem,
		    diagnosetext_plain(with_colour));
	else
		(void)printf("%s%zu failure%s, tried now%s\n",
		    diagnosetext_bold(with_colour), proof->count,
		    proof->count == 1 ? "" : "s",
		    diagnosetext_plain(with_colour));
	for (size_t i = 0; i < proof->count; i++)
		print_failure(&proof->failure[i], i + 1, with_colour);
	if (proof->left_out > 0)
		(void)printf("\n%zu more failure lines were left out: "
			     "%d failures are tried at a time\n",
		    proof->left_out, PROOF_FAILURES_MAX);
	for (size_t i = 0; i < proof->policies; i++) {
		if (proof->policy[i].diagnosed != NULL)
			print_policy(&proof->policy[i], with_colour);
	}
	for (size_t i = 0; i < proof->diagnoses; i++)
		diagnosetext_asides(
		    proof->diagnosed[i], FINDING_WARNING, with_colour);
	print_sum(proof, with_colour);
}
