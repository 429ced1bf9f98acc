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

#include "diagnosis.h"
#include "finding.h"

/*
 * Judge a diagnosis, which must outlive the findings: failures and successes in
 * the order of MX and policy, what concerns the domain before them, warnings
 * and notes behind. ST_NO_MEMORY. To be given to findings_clear().
 */
enum status judge(const struct diagnosis *diagnosis, struct findings *findings);

#endif
