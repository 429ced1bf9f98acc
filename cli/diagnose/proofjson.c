#include "proofjson.h"

#include <string.h>

#include "diagnosejson.h"

static void
write_failure(struct jsonwriter *w, const struct proof_failure *failure)
{
	jsonwriter_object(w, NULL);
	jsonwriter_string(w, "state", proof_state_str(failure->state));
	jsonwriter_string(w, "policy-domain", failure->policy_domain);
	jsonwriter_string(w, "policy-type", failure->policy_type);
	jsonwriter_string(w, "result-type", failure->result_type);
	jsonwriter_string(
	    w, "receiving-mx-hostname", failure->receiving_mx_hostname);
	jsonwriter_string(w, "receiving-ip", failure->receiving_ip);
	jsonwriter_string(w, "failure-reason-code", failure->reason);
	jsonwriter_string(w, "additional-information", failure->information);
	jsonwriter_string(w, "organization-name", failure->reporters);
	jsonwriter_number(w, "failed-session-count",
	    failure->failed < INT64_MAX ? (int64_t)failure->failed : INT64_MAX);
	if (failure->since != 0)
		jsonwriter_time(w, "start-datetime", failure->since);
	if (failure->last != 0)
		jsonwriter_time(w, "end-datetime", failure->last);
	jsonwriter_string(w, "reason", failure->why);
	jsonwriter_array(w, "seen");
	if (failure->finding != NULL)
		diagnosejson_finding(w, failure->diagnosed, failure->finding);
	jsonwriter_array_end(w);
	jsonwriter_object_end(w);
}

static void
write_lines(
    struct jsonwriter *w, const char *name, const struct policylines *lines)
{
	jsonwriter_array(w, name);
	for (size_t i = 0; i < lines->count; i++)
		jsonwriter_string(w, NULL, lines->line[i]);
	jsonwriter_array_end(w);
}

static void
write_difference(void *ctx, char sign, const char *line)
{
	char text[POLICYLINES_LINE_MAX + 1];

	text[0] = sign;
	memcpy(text + 1, line, strlen(line) + 1);
	if (sign != ' ')
		jsonwriter_string(ctx, NULL, text);
}

static void
write_policy(struct jsonwriter *w, const struct proof_policy *policy)
{
	jsonwriter_object(w, NULL);
	jsonwriter_string(w, "policy-type", policy->policy_type);
	jsonwriter_string(w, "policy-domain", policy->policy_domain);
	jsonwriter_string(w, "organization-name", policy->organization_name);
	if (policy->seen != 0)
		jsonwriter_time(w, "end-datetime", policy->seen);
	write_lines(w, "policy-string", &policy->reported);
	write_lines(w, "policy-string-now", &policy->live);
	jsonwriter_array(w, "difference");
	(void)policylines_compare(
	    &policy->reported, &policy->live, write_difference, w);
	jsonwriter_array_end(w);
	jsonwriter_string(w, "meaning", policy->meaning);
	jsonwriter_object_end(w);
}

static void
write_all(struct jsonwriter *w, const struct proof *proof)
{
	jsonwriter_object(w, NULL);
	if (proof->problem != 0)
		jsonwriter_number(w, "problem", (int64_t)proof->problem);
	jsonwriter_number(w, "exit", proof->exit);
	for (size_t i = 0; i < PROOF_STATES; i++)
		jsonwriter_number(w, proof_state_str((enum proof_state)i),
		    (int64_t)proof->states[i]);
	jsonwriter_array(w, "failures");
	for (size_t i = 0; i < proof->count; i++)
		write_failure(w, &proof->failure[i]);
	jsonwriter_array_end(w);
	jsonwriter_number(w, "left-out", (int64_t)proof->left_out);
	jsonwriter_array(w, "policies");
	for (size_t i = 0; i < proof->policies; i++) {
		if (proof->policy[i].diagnosed != NULL)
			write_policy(w, &proof->policy[i]);
	}
	jsonwriter_array_end(w);
	jsonwriter_array(w, "diagnoses");
	for (size_t i = 0; i < proof->diagnoses; i++)
		diagnosejson_write(w, proof->diagnosed[i]);
	jsonwriter_array_end(w);
	jsonwriter_object_end(w);
}

enum status
proofjson_print(const struct proof *proof)
{
	struct jsonwriter writer;
	enum status st;

	jsonwriter_init(&writer);
	write_all(&writer, proof);
	st = jsonwriter_print(&writer);
	jsonwriter_clear(&writer);
	return st;
}
