#include "diagnoseproof.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "render.h"

const char *
proof_state_str(enum proof_state state)
{
	static const char *const words[PROOF_STATES] = {
		[PROOF_CONFIRMED] = "confirmed",
		[PROOF_DIFFERENT] = "different",
		[PROOF_UNTRIED] = "untried",
		[PROOF_GONE] = "gone",
	};

	return words[state];
}

static void
clear(struct proof *proof)
{
	for (size_t i = 0; i < proof->policies; i++) {
		policylines_clear(&proof->policy[i].reported);
		policylines_clear(&proof->policy[i].live);
	}
	for (size_t i = 0; i < proof->diagnoses; i++) {
		diagnosed_clear(proof->diagnosed[i]);
		free(proof->diagnosed[i]);
	}
}

static int
fail(const struct fault *fault)
{
	(void)fputs("tlsrpt diagnose: ", stderr);
	render_string(stderr, fault->detail);
	(void)fputc('\n', stderr);
	return EX_OSERR;
}

static int
print(const struct diagnose *d, const struct proof *proof)
{
	struct fault fault;

	if (!d->is_json)
		prooftext_print(proof, d->index.with_colour);
	else if (proofjson_print(proof) != ST_OK) {
		(void)fault_set(&fault, ST_NO_MEMORY, "no memory");
		return fail(&fault);
	}
	return proof->exit;
}

int
diagnoseproof_run(struct diagnose *d)
{
	struct proof *proof = calloc(1, sizeof *proof);
	struct fault fault = { .detail = "no memory" };
	int status;

	if (proof == NULL)
		return fail(&fault);
	proof->problem = d->problem;
	status = d->report != NULL ? proofread_report(d, proof)
				   : proofread_problem(d, proof);
	if (status == -1)
		status = proofjudge(d, proof, &fault) == ST_OK ? print(d, proof)
							       : fail(&fault);
	clear(proof);
	free(proof);
	return status;
}
