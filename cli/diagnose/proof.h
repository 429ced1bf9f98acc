/*
 * proof: failures that senders saw, as a report or a problem tells them, beside
 * what is seen now.
 */
#ifndef PROOF_H
#define PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosed.h"
#include "idn.h"
#include "policylines.h"
#include "state.h"

enum {
	PROOF_FAILURES_MAX = 64, /* that are tried; the rest is counted */
	/* Domains that a report names and nobody says are ours. */
	PROOF_STRANGERS_MAX = 8,
	PROOF_TEXT_MAX = 512
};

enum proof_state {
	PROOF_CONFIRMED, /* the same result type */
	PROOF_DIFFERENT, /* another failure */
	PROOF_UNTRIED,   /* it could not be found out */
	PROOF_GONE,      /* success */
	PROOF_STATES
};

/* A failure: one MX, policy and result type of a domain. "" is unknown. */
struct proof_failure {
	/* As the sender saw it. */
	char policy_domain[STATE_NAME_MAX];
	char policy_type[STATE_TYPE_MAX];
	char result_type[STATE_TYPE_MAX];
	char receiving_mx_hostname[STATE_NAME_MAX];
	char reporters[PROOF_TEXT_MAX]; /* names, one or more */
	char receiving_ip[PROOF_TEXT_MAX];
	char reason[PROOF_TEXT_MAX]; /* failure-reason-code */
	char information[PROOF_TEXT_MAX];
	uint64_t failed; /* sessions */
	int64_t since;   /* of the ranges of its reports; 0 is unknown */
	int64_t last;
	/* Now. */
	char domain[IDN_NAME_MAX]; /* in A-labels */
	char mx[IDN_NAME_MAX];
	bool is_our_mx; /* by Domain: looked at, even if the DNS lacks it */
	enum proof_state state;
	bool is_temporary;             /* PROOF_UNTRIED: try again */
	const char *why;               /* untried without a finding */
	struct diagnosed *diagnosed;   /* or NULL: no such name */
	const struct finding *finding; /* that decides it, or NULL */
};

/* A policy that a sender applied, and that of now. */
struct proof_policy {
	char policy_domain[STATE_NAME_MAX];
	char policy_type[STATE_TYPE_MAX];
	char organization_name[STATE_NAME_MAX];
	int64_t seen; /* end of the report's range */
	struct policylines reported;
	struct policylines live;
	const struct diagnosed *diagnosed;
	size_t differing; /* lines */
	char meaning[2 * FINDING_DETAIL_MAX];
};

struct proof {
	unsigned long problem; /* its number, or 0 for a report */
	size_t count;
	struct proof_failure failure[PROOF_FAILURES_MAX];
	size_t left_out; /* failures over that */
	size_t policies;
	struct proof_policy policy[PROOF_FAILURES_MAX];
	size_t diagnoses;
	struct diagnosed *diagnosed[PROOF_FAILURES_MAX];
	size_t states[PROOF_STATES]; /* how many failures are in each */
	int exit;
};

/* "confirmed", "different", "untried", "gone". Static storage. */
const char *proof_state_str(enum proof_state state);

/* Free what it holds, but not itself. */
void proof_clear(struct proof *proof);

#endif
