#include "parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct work {
	atomic_size_t next;
	size_t count;
	void (*fn)(void *ctx, size_t i);
	void *ctx;
};

/* Take one after the other, until there is none left. */
static void *
run_work(void *arg)
{
	struct work *work = arg;
	size_t i;

	while ((i = atomic_fetch_add(&work->next, 1)) < work->count)
		work->fn(work->ctx, i);
	return NULL;
}

/* Start as many threads as that; returns how many there are. */
static size_t
start(struct work *work, pthread_t *threads, size_t wanted)
{
	sigset_t all, old;
	size_t n = 0;

	/* Signals are for the threads that want them. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	while (n < wanted &&
	    pthread_create(&threads[n], NULL, run_work, work) == 0)
		n++;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return n;
}

void
parallel_run(size_t count, void (*fn)(void *ctx, size_t i), void *ctx)
{
	struct work work = { .count = count, .fn = fn, .ctx = ctx };
	size_t wanted = count < PARALLEL_MAX ? count : PARALLEL_MAX;
	pthread_t threads[PARALLEL_MAX];
	size_t n;

	atomic_init(&work.next, 0);
	n = start(&work, threads, wanted);
	if (n < wanted)
		(void)run_work(&work);
	for (size_t i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
}
