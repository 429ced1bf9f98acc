#include "proof.h"

#include <stdlib.h>

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

void
proof_clear(struct proof *proof)
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
