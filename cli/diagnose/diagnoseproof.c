#include "diagnoseproof.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "proof.h"
#include "proofjson.h"
#include "proofjudge.h"
#include "proofread.h"
#include "prooftext.h"
#include "render.h"

static int
fail(const struct fault *fault)
{
	(void)fputs("tlsrpt diagnose: ", stderr);
	render_string(stderr, fault->detail);
	(void)fputc('\n', stderr);
	return EX_OSERR;
}

static int
print(const struct diagnoseproof *how, const struct proof *proof)
{
	struct fault fault;

	if (!how->is_json)
		prooftext_print(proof, how->index->with_colour);
	else if (proofjson_print(proof) != ST_OK) {
		(void)fault_set(&fault, ST_NO_MEMORY, "no memory");
		return fail(&fault);
	}
	return proof->exit;
}

int
diagnoseproof_run(const struct diagnoseproof *how)
{
	struct proof *proof = calloc(1, sizeof *proof);
	struct fault fault = { .detail = "no memory" };
	int status;

	if (proof == NULL)
		return fail(&fault);
	proof->problem = how->problem;
	status = how->report != NULL
	    ? proofread_report(how->report, how->index->conf, proof)
	    : proofread_problem(how->problem, how->index, proof);
	if (status == -1)
		status = proofjudge(how->means, how->index->conf, proof,
			     &fault) == ST_OK
		    ? print(how, proof)
		    : fail(&fault);
	proof_clear(proof);
	free(proof);
	return status;
}
