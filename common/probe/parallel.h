/*
 * parallel: the same for many, at the same time.
 */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <stddef.h>

enum {
	PARALLEL_MAX = 64 /* threads at a time */
};

/*
 * Call fn(ctx, i) for each i below count, in threads of their own, and return
 * when all are done. Where no thread is to be had, the calling one does the
 * work. The threads get no signals.
 */
void parallel_run(size_t count, void (*fn)(void *ctx, size_t i), void *ctx);

#endif
