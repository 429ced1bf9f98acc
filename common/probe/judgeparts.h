/*
 * judgeparts: what the parts of judge have in common. Only for judge*.c.
 */
#ifndef JUDGEPARTS_H
#define JUDGEPARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge.h"

enum {
	JUDGE_DAY = 86400 /* seconds */
};

/* What to do that several findings have. */
#define JUDGE_DNS_ACTION                                                       \
	"see whether the resolver answers, mend the name servers of that "     \
	"name, or try again"
#define JUDGE_ANCHOR_ACTION                                                    \
	"install the package dns-root-data, or name a trust anchor with "      \
	"--trust-anchor or TrustAnchorFile"

/* One judgement while it is made. */
struct judging {
	const struct diagnosis *diagnosis;
	struct findings *findings;
	enum status status; /* once it is not ST_OK, nothing is added */
};

/* The detail of a finding, put together piece by piece; cut when it is full.
   All zero is an empty one. */
struct judge_detail {
	size_t len;
	char text[FINDING_DETAIL_MAX];
};

void judge_say(struct judge_detail *detail, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "CN=mx.example.com, issued by CN=Some CA, for mx.example.com, until
   2026-02-12 (14 days left)". */
void judge_say_certificate(struct judge_detail *detail,
    const struct certificate *certificate, int64_t now);

/* What is wrong, in OpenSSL's words, and what is wrong besides. */
void judge_say_faults(
    struct judge_detail *detail, const struct certificate_verdict *verdict);

/* "2026-02-12", or "?". */
void judge_say_day(struct judge_detail *detail, int64_t time);

/* Whole days until then; below 0 when it is over. */
int64_t judge_days(int64_t until, int64_t now);

/* The result type of the first of these faults: see judge.h. */
const char *judge_fault_type(unsigned faults);

/* Add a finding like model with that detail. A failure without an action gets
   that of its result type. */
void judge_add(struct judging *judging, const struct finding *model,
    const struct judge_detail *detail);

/* Does a sender hold the domain to its policy: is it to be tested or enforced?
 */
bool judge_has_sts(const struct diagnosis *diagnosis);

/* The lookups of an MX: its addresses. */
void judge_addresses(struct judging *judging, const struct diagnosis_mx *mx);

/*
 * And its TLSA records: true when that failed where a sender depends on it (RFC
 * 7672, section 2.1.2), so that it does not go there.
 */
bool judge_tlsa_failed(struct judging *judging, const struct diagnosis_mx *mx);

/* What concerns the domain, then each MX, then warnings. */
void judge_domain(struct judging *judging);
void judge_sts(struct judging *judging);
void judge_mx(struct judging *judging);
void judge_warnings(struct judging *judging);

#endif
