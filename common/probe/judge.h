/*
 * judge: what a sending server would report (RFC 8460, section 4.3) of what a
 * diagnosis has found, and what will break next. Pure functions.
 *
 * For each MX, each policy that a sender would apply there and each address
 * there is one finding: success, or the failure with its result type. Policies:
 * "sts" where a valid MTA-STS policy in mode testing or enforce is there,
 * "tlsa" where the MX has secure TLSA records, "no-policy-found" where neither
 * is. What keeps a policy from being applied at all is one finding without an
 * MX. Of several faults of one certificate the one that OpenSSL meets first is
 * the result: not trusted, host mismatch, expired; detail names the others.
 * Under "tlsa" they count with DANE-TA only, and under "no-policy-found" a
 * sender does not look: there they are a warning.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnosis.h"

enum {
	FINDING_DETAIL_MAX = 640
};

enum finding_kind {
	FINDING_SUCCESS,
	FINDING_FAILURE, /* a sender would report it */
	FINDING_WARNING, /* it works, and will break or disappoint */
	FINDING_UNTRIED, /* it could not be found out */
	FINDING_NOTE     /* good to know; changes nothing */
};

struct finding {
	enum finding_kind kind;
	const char *policy_type; /* or NULL: of no policy in particular */
	const char *result_type; /* with FINDING_FAILURE one of the eleven, else
				    NULL */
	const char *reason;      /* a word: "mx-not-in-policy"; the
				    failure-reason-code of a failure; NULL with
				    FINDING_SUCCESS */
	char detail[FINDING_DETAIL_MAX]; /* the evidence in words */
	const char *action;              /* what to do, or NULL */
	bool is_temporary; /* with FINDING_UNTRIED: it may be tried again */
	const struct diagnosis_mx *mx;           /* or NULL */
	const struct diagnosis_address *address; /* or NULL: all of the MX */
};

/* All zero is an empty list. */
struct findings {
	size_t count;
	size_t cap;
	struct finding *finding;
};

/*
 * Judge a diagnosis, which must outlive the findings: failures and successes in
 * the order of MX and policy, what concerns the domain before them, warnings
 * and notes behind. ST_NO_MEMORY. To be given to findings_clear().
 */
enum status judge(const struct diagnosis *diagnosis, struct findings *findings);
void findings_clear(struct findings *findings);

/*
 * What senders applied before, to be compared with the policy of now: adds a
 * warning "policy-id-unchanged" when the policy differs, and nothing says that
 * the id of the record is newer than seen, the end of the report's range. lines
 * is what policy-string had.
 */
enum status judge_reported_policy(const struct diagnosis *diagnosis,
    const char *const *lines, size_t count, int64_t seen,
    struct findings *findings);

/*
 * The exit status: 1 with a failure, else 75 or 69 when something could not be
 * tried (75 when it may be tried again), else 2 with a warning, else 0.
 */
int findings_exit(const struct findings *findings);

/* "success", "failure", "warning", "untried", "note". Static storage. */
const char *finding_kind_str(enum finding_kind kind);

#endif
