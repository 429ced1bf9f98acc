/*
 * waiting: a line on a terminal while a diagnosis takes its time.
 */
#ifndef WAITING_H
#define WAITING_H

#include <pthread.h>
#include <stdbool.h>

#include "progress.h"

/* Private. Not to be moved. */
struct waiting {
	struct progress progress;
	const char *domain;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_over;
	bool has_thread;
	pthread_t thread;
};

/*
 * Say on standard error, if it is a terminal, that the domain (A-labels; must
 * live until waiting_end()) is looked at, once that takes more than a second.
 */
void waiting_begin(struct waiting *waiting, const char *domain);

/* Wipe the line. */
void waiting_end(struct waiting *waiting);

#endif
