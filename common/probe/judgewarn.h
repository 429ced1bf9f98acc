/*
 * judgewarn: what works, and will break or disappoint somebody.
 */
#ifndef JUDGEWARN_H
#define JUDGEWARN_H

#include "judging.h"

void judgewarn(struct judging *judging);

#endif
