/*
 * diagnoseproof: --report and --problem: what senders saw, tried now.
 */
#ifndef DIAGNOSEPROOF_H
#define DIAGNOSEPROOF_H

#include <stdbool.h>

#include "diagnosed.h"
#include "index.h"

struct diagnoseproof {
	const struct diagnosed_means *means;
	const struct index *index; /* open, for a problem */
	const char *report;        /* file name, or NULL for the problem */
	unsigned long problem;     /* its number, or 0 */
	bool is_json;
};

/* Try it, and print what comes of it. Returns the exit status. */
int diagnoseproof_run(const struct diagnoseproof *how);

#endif
