/*
 * worker: threads that take complete requests, so that those which serve
 * connections never wait for a disk.
 */
#ifndef WORKER_H
#define WORKER_H

#include "request.h"
#include "status.h"

enum {
	/* They mostly wait for fsync(2), which a file system does for many at
	   once. */
	WORKER_THREADS = 16
};

struct workers;

/* done is called by a worker when a request's answer is set. NULL: no memory.
 */
struct workers *workers_new(void (*done)(struct request *request));

/* Start them: with signals blocked. */
enum status workers_start(struct workers *workers, struct fault *fault);

/*
 * Hand over a request, which belongs to the workers until done. False when they
 * take none any more.
 */
bool workers_add(struct workers *workers, struct request *request);

/* Finish what waits, and end the threads. */
void workers_end(struct workers *workers);

/* For when nobody can add any more. */
void workers_free(struct workers **workers);

#endif
