/*
 * judgedns: what the DNS did not tell, or told falsely, of the domain and of
 * each MX.
 */
#ifndef JUDGEDNS_H
#define JUDGEDNS_H

#include <stdbool.h>

#include "judging.h"

/* What the DNS did not tell of the domain. */
void judgedns(struct judging *judging);

/* The lookups of an MX: its addresses. */
void judgedns_addresses(struct judging *judging, const struct diagnosis_mx *mx);

/*
 * And its TLSA records: true when that failed where a sender depends on it (RFC
 * 7672, section 2.1.2), so that it does not go there.
 */
bool
judgedns_tlsa_failed(struct judging *judging, const struct diagnosis_mx *mx);

#endif
