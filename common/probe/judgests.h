/*
 * judgests: what keeps the domain's MTA-STS policy from being applied (RFC
 * 8460, section 4.3.2.2).
 */
#ifndef JUDGESTS_H
#define JUDGESTS_H

#include "judging.h"

void judgests(struct judging *judging);

#endif
