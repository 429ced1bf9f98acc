#include "worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "store.h"

struct workers {
	void (*done)(struct request *request);
	pthread_t thread[WORKER_THREADS];
	size_t count;

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t cond;
	struct request *first, *last;
	bool is_ending;
};

struct workers *
workers_new(void (*done)(struct request *request))
{
	struct workers *workers = calloc(1, sizeof *workers);

	if (workers == NULL)
		return NULL;
	workers->done = done;
	(void)pthread_mutex_init(&workers->mutex, NULL);
	(void)pthread_cond_init(&workers->cond, NULL);
	return workers;
}

/* The next request, or NULL when there will be none. */
static struct request *
take_next(struct workers *workers)
{
	struct request *request;

	(void)pthread_mutex_lock(&workers->mutex);
	while (workers->first == NULL && !workers->is_ending)
		(void)pthread_cond_wait(&workers->cond, &workers->mutex);
	request = workers->first;
	if (request != NULL) {
		workers->first = request->next;
		if (workers->first == NULL)
			workers->last = NULL;
	}
	(void)pthread_mutex_unlock(&workers->mutex);
	return request;
}

static void
answer_health(struct request *request)
{
	if (collector_is_healthy(request->collector, request->conf))
		request->answer = (struct answer){ .status = 200,
			.must_close = request->admission.must_close };
	else
		request_refuse(request, 503, "archive", 0);
}

static void *
work(void *arg)
{
	struct workers *workers = arg;
	struct request *request;

	while ((request = take_next(workers)) != NULL) {
		if (request->admission.what == UPLOAD_HEALTH)
			answer_health(request);
		else
			store_report(request);
		request->phase = REQUEST_DONE;
		workers->done(request);
	}
	return NULL;
}

enum status
workers_start(struct workers *workers, struct fault *fault)
{
	for (; workers->count < WORKER_THREADS; workers->count++) {
		if (pthread_create(&workers->thread[workers->count], NULL, work,
			workers) != 0)
			return fault_set(
			    fault, ST_NO_MEMORY, "cannot start a thread");
	}
	return ST_OK;
}

bool
workers_add(struct workers *workers, struct request *request)
{
	request->next = NULL;
	(void)pthread_mutex_lock(&workers->mutex);
	if (workers->is_ending) {
		(void)pthread_mutex_unlock(&workers->mutex);
		return false;
	}
	if (workers->last != NULL)
		workers->last->next = request;
	else
		workers->first = request;
	workers->last = request;
	(void)pthread_cond_signal(&workers->cond);
	(void)pthread_mutex_unlock(&workers->mutex);
	return true;
}

void
workers_end(struct workers *w)
{
	(void)pthread_mutex_lock(&w->mutex);
	w->is_ending = true;
	(void)pthread_cond_broadcast(&w->cond);
	(void)pthread_mutex_unlock(&w->mutex);
	for (size_t i = 0; i < w->count; i++)
		(void)pthread_join(w->thread[i], NULL);
	w->count = 0;
}

void
workers_free(struct workers **workers)
{
	struct workers *w = *workers;

	if (w == NULL)
		return;
	workers_end(w);
	(void)pthread_cond_destroy(&w->cond);
	(void)pthread_mutex_destroy(&w->mutex);
	free(w);
	*workers = NULL;
}
