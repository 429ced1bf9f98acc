/*
 * deadline: a moment to wait for, for pthread_cond_timedwait(3).
 */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <time.h>

/* So many milliseconds from now, on the clock that the condition goes by. */
void deadline_in(struct timespec *ts, clockid_t clock, unsigned milliseconds);

#endif
