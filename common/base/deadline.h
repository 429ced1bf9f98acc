/*
 * deadline: a moment to wait for, for pthread_cond_timedwait(3) and for loops
 * of our own.
 */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <stdint.h>
#include <time.h>

/* Milliseconds on CLOCK_MONOTONIC, to measure what takes how long. */
uint64_t deadline_now(void);

/* So many milliseconds from now, on the clock that the condition goes by. */
void deadline_in(struct timespec *ts, clockid_t clock, unsigned milliseconds);

#endif
