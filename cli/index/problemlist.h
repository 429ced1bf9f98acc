/*
 * problemlist: the problems of the index as "tlsrpt problems" numbers them, for
 * whoever is told such a number.
 */
#ifndef PROBLEMLIST_H
#define PROBLEMLIST_H

#include <stddef.h>

#include "index.h"
#include "state.h"
#include "status.h"

/* In the order in which they are printed: problem[0] has the number 1. */
struct problemlist {
	struct state_problem *problem;
	size_t count;
	/* Private. */
	size_t cap;
	bool is_out_of_memory;
};

/*
 * Read the problems of an open index: those of index->domain, if it is not
 * NULL, and the resolved ones with index->is_all. The statuses of
 * state_problems(), and ST_NO_MEMORY. To be given to problemlist_clear()
 * whatever came of it.
 */
enum status problemlist_read(
    const struct index *index, struct problemlist *list, struct fault *fault);

void problemlist_clear(struct problemlist *list);

/*
 * Problem number n of an open index, as "tlsrpt problems" prints it without
 * --all and --domain. *is_found is false when there are fewer.
 */
enum status problemlist_pick(const struct index *index, unsigned long n,
    struct state_problem *problem, bool *is_found, struct fault *fault);

#endif
