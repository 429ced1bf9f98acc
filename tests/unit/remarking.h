/*
 * remarking: remarks in short, for tables: "E12 W0 N-" is an error at byte 12,
 * a warning at the start and a note without a place.
 */
#ifndef REMARKING_H
#define REMARKING_H

#include <stdbool.h>
#include <stddef.h>

#include "remark.h"

enum {
	REMARKING_MAX = 400
};

/* Write them in short. None may be empty, or have been cut. */
void remarking_short(const struct remarks *remarks, char out[REMARKING_MAX]);

/* Is there a remark whose text, or whose mend, holds this? */
bool remarking_has(const struct remarks *remarks, const char *words);

#endif
