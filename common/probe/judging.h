/*
 * judging: a judgement while it is made: what the parts of judge have in
 * common. Only for judge*.c.
 */
#ifndef JUDGING_H
#define JUDGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis.h"
#include "finding.h"
#include "status.h"

enum {
	JUDGING_DAY = 86400 /* seconds */
};

/* What to do that several findings have. */
#define JUDGING_DNS_ACTION                                                     \
	"see whether the resolver answers, mend the name servers of that "     \
	"name, or try again"
#define JUDGING_ANCHOR_ACTION                                                  \
	"install the package dns-root-data, or name a trust anchor with "      \
	"--trust-anchor or TrustAnchorFile"

/* One judgement while it is made. */
struct judging {
	const struct diagnosis *diagnosis;
	struct findings *findings;
	enum status status;   /* once it is not ST_OK, nothing is added */
	bool has_port_advice; /* said once of all that was not reached */
};

/* The detail of a finding, put together piece by piece; cut when it is full.
   All zero is an empty one. */
struct judging_detail {
	size_t len;
	char text[FINDING_DETAIL_MAX];
};

void judging_say(struct judging_detail *detail, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "CN=mx.example.com, issued by CN=Some CA, for mx.example.com, until
   2026-02-12 (14 days left)". */
void judging_say_certificate(struct judging_detail *detail,
    const struct certificate *certificate, int64_t now);

/* What is wrong, in OpenSSL's words, and what is wrong besides. */
void judging_say_faults(
    struct judging_detail *detail, const struct certificate_verdict *verdict);

/* "2026-02-12", or "?". */
void judging_say_day(struct judging_detail *detail, int64_t time);

/* Whole days until then; below 0 when it is over. */
int64_t judging_days(int64_t until, int64_t now);

/* The result type of the first of these faults: see judge.h. */
const char *judging_fault_type(unsigned faults);

/*
 * Has a certificate above the server's own expired, and nothing else is wrong?
 */
bool judging_is_issuer_expired(const struct certificate_verdict *verdict,
    const struct certificate *certificate, int64_t now);

/* Suggest a TLSA record (3 1 1) of the key that a server has now. */
void judging_suggest(const struct judging *judging, struct finding *finding,
    const struct mxprobe *probe);

/* Add a finding like model with that detail. See findings_add(). */
void judging_add(struct judging *judging, const struct finding *model,
    const struct judging_detail *detail);

/* Does a sender hold the domain to its policy: is it to be tested or enforced?
 */
bool judging_has_sts(const struct diagnosis *diagnosis);

#endif
