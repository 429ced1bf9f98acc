#include "problemlist.h"

#include <stdlib.h>

/* Whatever else is asked for comes afterwards: a callback may ask nothing. */
static bool
collect(void *ctx, const struct state_problem *problem)
{
	struct problemlist *list = ctx;

	if (list->count == list->cap) {
		size_t cap = list->cap == 0 ? 16 : 2 * list->cap;
		struct state_problem *grown =
		    realloc(list->problem, cap * sizeof *grown);

		if (grown == NULL) {
			list->is_out_of_memory = true;
			return false;
		}
		list->problem = grown;
		list->cap = cap;
	}
	list->problem[list->count++] = *problem;
	return true;
}

enum status
problemlist_read(
    const struct index *index, struct problemlist *list, struct fault *fault)
{
	enum status st;

	*list = (struct problemlist){ 0 };
	st = state_problems(index->state, index->domain, index->is_all,
	    index->now, collect, list, fault);
	if (st == ST_OK && list->is_out_of_memory)
		st = fault_set(fault, ST_NO_MEMORY, "no memory");
	return st;
}

void
problemlist_clear(struct problemlist *list)
{
	free(list->problem);
	*list = (struct problemlist){ 0 };
}

enum status
problemlist_pick(const struct index *index, unsigned long n,
    struct state_problem *problem, bool *is_found, struct fault *fault)
{
	struct index all = *index;
	struct problemlist list;
	enum status st;

	all.domain = NULL;
	all.is_all = false;
	st = problemlist_read(&all, &list, fault);
	*is_found = st == ST_OK && n >= 1 && n <= list.count;
	if (*is_found)
		*problem = list.problem[n - 1];
	problemlist_clear(&list);
	return st;
}
