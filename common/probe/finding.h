/*
 * finding: what a diagnosis comes to, a line of the judgement each: success, a
 * failure with its result type (RFC 8460, section 4.3), a warning, a note.
 */
#ifndef FINDING_H
#define FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnosis.h"
#include "status.h"

enum {
	FINDING_DETAIL_MAX = 640,
	FINDING_RECORD_MAX = 512
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
	const char *cause;  /* the usual one, or NULL; in it and in action
			       "mta-sts.DOMAIN" stands for the policy host */
	const char *action; /* what to do, or NULL */
	char record[FINDING_RECORD_MAX]; /* to be published by that, as a zone
					    file has it; or "" */
	const char *verify; /* a command that shows it by hand, as that of
			       struct result; or NULL */
	bool is_temporary;  /* with FINDING_UNTRIED: it may be tried again */
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
 * Add a finding like model, its detail included; a failure without an action
 * gets action, cause and verify of its result type. ST_NO_MEMORY: nothing was
 * added.
 */
enum status
findings_add(struct findings *findings, const struct finding *model);

/*
 * Put warnings and notes behind all else, each in the order that it had.
 * ST_NO_MEMORY: nothing was moved.
 */
enum status findings_put_aside(struct findings *findings);

void findings_clear(struct findings *findings);

/*
 * The exit status: 1 with a failure, else 75 or 69 when something could not be
 * tried (75 when it may be tried again), else 2 with a warning, else 0.
 */
int findings_exit(const struct findings *findings);

/* "success", "failure", "warning", "untried", "note". Static storage. */
const char *finding_kind_str(enum finding_kind kind);

#endif
