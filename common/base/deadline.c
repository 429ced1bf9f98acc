#include "deadline.h"

uint64_t
deadline_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
deadline_in(struct timespec *ts, clockid_t clock, unsigned milliseconds)
{
	(void)clock_gettime(clock, ts);
	ts->tv_sec += milliseconds / 1000;
	ts->tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
}
