#include "proofjudge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "judgereported.h"
#include "mailbox.h"
#include "result.h"
#include "text.h"

/*
 * Which diagnoses.
 */

static bool
is_type(const struct proof_failure *failure, const char *type)
{
	return text_ieq(failure->policy_type, type);
}

/* A failure of the MTA-STS policy itself, whatever the MX. */
static bool
is_of_policy(const struct proof_failure *failure)
{
	return failure->mx[0] == '\0' &&
	    strcmp(result_find(failure->result_type)->category, "sts") == 0;
}

static const struct diagnosis_mx *
find_mx(const struct diagnosed *diagnosed, const char *host)
{
	for (size_t i = 0; i < diagnosed->diagnosis.mx_count; i++) {
		if (strcmp(diagnosed->diagnosis.mx[i].host, host) == 0)
			return &diagnosed->diagnosis.mx[i];
	}
	return NULL;
}

/*
 * The diagnosis that has what a failure names, or NULL. The first of a domain
 * has all that the DNS has.
 */
static struct diagnosed *
find_diagnosed(const struct proof *proof, const struct proof_failure *failure)
{
	for (size_t i = 0; i < proof->diagnoses; i++) {
		struct diagnosed *diagnosed = proof->diagnosed[i];

		if (strcmp(diagnosed->domain, failure->domain) == 0 &&
		    (failure->mx[0] == '\0' || !failure->is_our_mx ||
			find_mx(diagnosed, failure->mx) != NULL))
			return diagnosed;
	}
	return NULL;
}

/*
 * All failures of a domain are served by one diagnosis: of the MX that they
 * name if it is but one, of none if they are of the policy, else of all. An MX
 * that the DNS no longer has is looked at by itself if it is ours: what reports
 * say, anybody may have written.
 */
static void
make_wish(const struct proof *proof, const struct proof_failure *failure,
    bool is_again, struct diagnosed_wish *wish)
{
	bool is_one = true, is_ours = true;

	*wish = (struct diagnosed_wish){
		.domain = failure->domain,
		.without_mx = true,
	};
	for (size_t i = 0; i < proof->count; i++) {
		const struct proof_failure *other = &proof->failure[i];

		if (strcmp(other->domain, failure->domain) != 0)
			continue;
		wish->with_sts |=
		    is_of_policy(other) || !is_type(other, "tlsa");
		wish->with_dane |= !is_type(other, "sts");
		wish->is_dane_required |=
		    strcmp(other->result_type, "dane-required") == 0;
		if (is_of_policy(other))
			continue;
		wish->without_mx = false;
		if (wish->mx == NULL)
			wish->mx = other->mx;
		is_ours = other->is_our_mx;
		is_one &=
		    other->mx[0] != '\0' && strcmp(other->mx, wish->mx) == 0;
	}
	if (is_again)
		wish->mx = failure->mx;
	else if (!is_one)
		wish->mx = NULL;
	wish->is_mx_of_dns = !is_again && !is_ours;
}

static bool
has_domain(const struct proof *proof, const char *domain)
{
	for (size_t i = 0; i < proof->diagnoses; i++) {
		if (strcmp(proof->diagnosed[i]->domain, domain) == 0)
			return true;
	}
	return false;
}

static enum status
diagnose_for(const struct diagnosed_means *means, size_t max,
    struct proof *proof, struct proof_failure *failure, struct fault *fault)
{
	struct diagnosed_wish wish;
	enum status st = ST_OK;

	failure->diagnosed = find_diagnosed(proof, failure);
	while (failure->diagnosed == NULL && proof->diagnoses < max) {
		bool is_again = has_domain(proof, failure->domain);
		struct diagnosed *made = calloc(1, sizeof *made);

		if (made == NULL)
			return fault_set(fault, ST_NO_MEMORY, "no memory");
		proof->diagnosed[proof->diagnoses++] = made;
		make_wish(proof, failure, is_again, &wish);
		st = diagnosed_run(means, &wish, made, fault);
		if (st != ST_OK)
			return st;
		failure->diagnosed = find_diagnosed(proof, failure);
		if (is_again)
			break;
	}
	return st;
}

/*
 * What has become of a failure.
 */

static bool
is_of(const struct proof_failure *failure, const struct finding *finding,
    const struct diagnosis_mx *mx, bool is_any_policy)
{
	if (finding->kind == FINDING_WARNING || finding->kind == FINDING_NOTE)
		return false;
	if (is_of_policy(failure))
		return finding->mx == NULL && finding->policy_type != NULL &&
		    strcmp(finding->policy_type, "sts") == 0;
	if (!is_any_policy && finding->policy_type != NULL &&
	    !is_type(failure, finding->policy_type))
		return false;
	if (finding->mx == NULL)
		return true;
	return mx == NULL || finding->mx == mx;
}

static enum proof_state
state_of(const struct proof_failure *failure, const struct finding *finding)
{
	switch (finding->kind) {
	case FINDING_FAILURE:
		return strcmp(finding->result_type, failure->result_type) == 0
		    ? PROOF_CONFIRMED
		    : PROOF_DIFFERENT;
	case FINDING_UNTRIED:
		return PROOF_UNTRIED;
	case FINDING_SUCCESS:
	case FINDING_WARNING:
	case FINDING_NOTE:
		break;
	}
	return PROOF_GONE;
}

/* The finding that says most about it decides. True when there is any. */
static bool
decide(struct proof_failure *failure, const struct diagnosis_mx *mx,
    bool is_any_policy)
{
	const struct findings *findings = &failure->diagnosed->findings;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->finding[i];
		enum proof_state state = state_of(failure, finding);

		if (!is_of(failure, finding, mx, is_any_policy) ||
		    (failure->finding != NULL && state >= failure->state))
			continue;
		failure->state = state;
		failure->finding = finding;
		failure->is_temporary = finding->is_temporary;
	}
	return failure->finding != NULL;
}

/* The MX was not looked at. */
static void
judge_unknown_mx(struct proof_failure *failure)
{
	const struct found *found =
	    &failure->diagnosed->diagnosis.found_mx.found;

	failure->state = PROOF_UNTRIED;
	failure->is_temporary = found->status != RESOLVER_FOUND &&
	    found->status != RESOLVER_NOT_FOUND;
	failure->why = failure->is_temporary
	    ? "the DNS does not answer which MX there are"
	    : "the domain has no such MX, and a host is not connected to "
	      "because a report names it: list it as Domain, or see "
	      "\"tlsrpt diagnose --mx\"";
}

static void
judge_failure(struct proof_failure *failure)
{
	const struct diagnosis_mx *mx;

	if (failure->diagnosed == NULL) {
		failure->state = PROOF_UNTRIED;
		if (failure->why == NULL)
			failure->why = "too many other domains were to be "
				       "tried";
		return;
	}
	mx = failure->mx[0] != '\0' ? find_mx(failure->diagnosed, failure->mx)
				    : NULL;
	if (failure->mx[0] != '\0' && mx == NULL) {
		judge_unknown_mx(failure);
		return;
	}
	failure->state = PROOF_GONE;
	/* The policy of then may be none now: others apply instead. */
	if (!decide(failure, mx, false) && !is_of_policy(failure) &&
	    !decide(failure, mx, true)) {
		failure->state = PROOF_UNTRIED;
		failure->why = "nothing was found that could be tried";
	}
}

/*
 * Policies.
 */

/* The TLSA records of the MX that failures under the policy name. */
static enum status
add_tlsa(const struct proof *proof, struct proof_policy *policy)
{
	enum {
		RECORD_MAX = POLICYLINES_LINE_MAX
	};
	const struct diagnosis *diagnosis = &policy->diagnosed->diagnosis;
	enum status st = ST_OK;

	for (size_t i = 0; i < diagnosis->mx_count; i++) {
		const struct diagnosis_mx *mx = &diagnosis->mx[i];
		bool is_meant = false;

		for (size_t j = 0; j < proof->count; j++) {
			const struct proof_failure *failure =
			    &proof->failure[j];

			is_meant |= failure->diagnosed == policy->diagnosed &&
			    is_type(failure, policy->policy_type) &&
			    (failure->mx[0] == '\0' ||
				strcmp(failure->mx, mx->host) == 0);
		}
		for (size_t j = 0;
		     is_meant && j < mx->tlsa.count && st == ST_OK; j++) {
			char text[RECORD_MAX];

			tlsa_text(&mx->tlsa.tlsa[j], text, sizeof text);
			st = policylines_add(&policy->live, text, strlen(text));
		}
	}
	return st;
}

static enum status
add_live(const struct proof *proof, struct proof_policy *policy)
{
	const struct diagnosis_sts *sts = &policy->diagnosed->diagnosis.sts;

	if (text_ieq(policy->policy_type, "tlsa"))
		return add_tlsa(proof, policy);
	if (!sts->has_fetch || sts->fetch.end != STSFETCH_OK ||
	    sts->fetch.body.len == 0)
		return ST_OK;
	return policylines_add(
	    &policy->live, sts->fetch.body.data, sts->fetch.body.len);
}

/* Did the sender's policy not allow an MX that the one of now allows? */
static const char *
newly_allowed(const struct proof *proof, const struct proof_policy *policy)
{
	const struct diagnosis_sts *sts = &policy->diagnosed->diagnosis.sts;
	struct stspolicy then;
	struct buf text;
	enum status st = ST_OK;
	bool is_read;

	buf_init(&text, STSPOLICY_SIZE_MAX);
	for (size_t i = 0; i < policy->reported.count && st == ST_OK; i++) {
		st = buf_adds(&text, policy->reported.line[i]);
		if (st == ST_OK)
			st = buf_addc(&text, '\n');
	}
	is_read = st == ST_OK && text.len > 0 && sts->has_policy &&
	    stspolicy_read(text.data, text.len, &then, NULL);
	buf_free(&text);
	for (size_t i = 0; is_read && i < proof->count; i++) {
		const struct proof_failure *failure = &proof->failure[i];

		if (failure->diagnosed == policy->diagnosed &&
		    is_type(failure, "sts") && failure->mx[0] != '\0' &&
		    !stspolicy_allows(&then, failure->mx) &&
		    stspolicy_allows(&sts->policy, failure->mx))
			return failure->mx;
	}
	return NULL;
}

static void
explain_sts(
    const struct proof *proof, struct proof_policy *policy, bool is_old_id)
{
	const char *mx = newly_allowed(proof, policy);
	const char *text =
	    "the policy has changed since; a sender goes on with the one "
	    "that it has until max_age is over, unless it sees a new id";

	if (policy->live.count == 0)
		text = "there is no policy to be fetched now";
	else if (policy->differing == 0)
		text = "the policy is the same now";
	else if (is_old_id)
		text = "the policy has changed since, and nothing says that "
		       "its id has: a sender goes on with the one that it has "
		       "until max_age is over";
	(void)snprintf(policy->meaning, sizeof policy->meaning, "%s%s%s%s",
	    mx != NULL ? "a stale cache: the policy that the sender held does "
			 "not allow "
		       : "",
	    mx != NULL ? mx : "", mx != NULL ? ", and that of now does; " : "",
	    text);
}

static void
explain_tlsa(struct proof_policy *policy)
{
	(void)snprintf(policy->meaning, sizeof policy->meaning, "%s",
	    policy->live.count == 0 ? "there are no TLSA records now"
		: policy->differing == 0
		? "the TLSA records are the same now"
		: "the TLSA records have changed since; a sender goes on "
		  "with those that it has until their TTL is over");
}

static struct diagnosed *
diagnosed_of(const struct proof *proof, const struct proof_policy *policy)
{
	for (size_t i = 0; i < proof->count; i++) {
		const struct proof_failure *failure = &proof->failure[i];

		if (text_ieq(failure->policy_domain, policy->policy_domain) &&
		    strcmp(failure->policy_type, policy->policy_type) == 0 &&
		    failure->diagnosed != NULL)
			return failure->diagnosed;
	}
	return NULL;
}

static enum status
judge_policy(struct proof *proof, struct proof_policy *policy)
{
	struct diagnosed *diagnosed = diagnosed_of(proof, policy);
	bool is_sts = text_ieq(policy->policy_type, "sts");
	size_t before;
	enum status st;

	policy->diagnosed = diagnosed;
	if (diagnosed == NULL)
		return ST_OK;
	st = add_live(proof, policy);
	if (st != ST_OK)
		return st;
	policy->differing =
	    policylines_compare(&policy->reported, &policy->live, NULL, NULL);
	before = diagnosed->findings.count;
	if (is_sts && policy->differing > 0)
		st = judgereported(&diagnosed->diagnosis,
		    (const char *const *)policy->reported.line,
		    policy->reported.count, policy->seen, &diagnosed->findings);
	if (is_sts)
		explain_sts(proof, policy, diagnosed->findings.count > before);
	else
		explain_tlsa(policy);
	return st;
}

/*
 * All of it.
 */

static int
exit_of(const struct proof *proof)
{
	bool is_temporary = false;
	size_t warnings = 0;

	if (proof->states[PROOF_CONFIRMED] > 0 ||
	    proof->states[PROOF_DIFFERENT] > 0)
		return 1;
	for (size_t i = 0; i < proof->count; i++)
		is_temporary |= proof->failure[i].state == PROOF_UNTRIED &&
		    proof->failure[i].is_temporary;
	if (proof->states[PROOF_UNTRIED] > 0)
		return is_temporary ? EX_TEMPFAIL : EX_UNAVAILABLE;
	for (size_t i = 0; i < proof->diagnoses; i++)
		warnings += diagnosed_count(
		    &proof->diagnosed[i]->findings, FINDING_WARNING);
	return warnings > 0 ? 2 : 0;
}

static bool
is_listed(const struct conf *conf, const char *name, const char *ascii)
{
	return mailbox_is_our_domain(conf, name) ||
	    mailbox_is_our_domain(conf, ascii);
}

/* The names of a failure, if they are such; else why it is not tried. */
static const char *
read_names(const struct conf *conf, struct proof_failure *failure)
{
	const char *domain = failure->policy_domain;
	const char *mx = failure->receiving_mx_hostname;

	if (!idn_to_ascii(domain, failure->domain))
		return "its policy-domain is no domain name";
	if (mx[0] != '\0' && !idn_to_ascii(mx, failure->mx))
		return "its receiving-mx-hostname is no host name";
	if (!is_listed(conf, domain, failure->domain))
		return "its policy-domain is none of those of Domain";
	failure->is_our_mx = conf->domain.count > 0 && mx[0] != '\0' &&
	    is_listed(conf, mx, failure->mx);
	return NULL;
}

static enum status
diagnose_all(const struct diagnosed_means *means, const struct conf *conf,
    struct proof *proof, struct fault *fault)
{
	size_t max =
	    conf->domain.count > 0 ? PROOF_FAILURES_MAX : PROOF_STRANGERS_MAX;
	enum status st = ST_OK;

	for (size_t i = 0; i < proof->count; i++) {
		struct proof_failure *failure = &proof->failure[i];

		failure->why = read_names(conf, failure);
		if (failure->why != NULL)
			failure->domain[0] = failure->mx[0] = '\0';
	}
	for (size_t i = 0; i < proof->count && st == ST_OK; i++) {
		if (proof->failure[i].domain[0] != '\0')
			st = diagnose_for(
			    means, max, proof, &proof->failure[i], fault);
	}
	return st;
}

enum status
proofjudge(const struct diagnosed_means *means, const struct conf *conf,
    struct proof *proof, struct fault *fault)
{
	enum status st = diagnose_all(means, conf, proof, fault);

	if (st != ST_OK)
		return st;
	/* Policies first: they may add findings, which then are moved. */
	for (size_t i = 0; i < proof->policies; i++) {
		st = judge_policy(proof, &proof->policy[i]);
		if (st != ST_OK)
			return fault_set(fault, st, "no memory");
	}
	for (size_t i = 0; i < proof->count; i++) {
		judge_failure(&proof->failure[i]);
		proof->states[proof->failure[i].state]++;
	}
	proof->exit = exit_of(proof);
	return ST_OK;
}
