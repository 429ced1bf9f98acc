#define _GNU_SOURCE /* syncfs() */

#include "syncer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archivefile.h"
#include "deadline.h"
#include "text.h"

/* Records of one archive that are synced together. */
struct lot {
	char *directory; /* NULL as long as there are none */
	size_t count;
	char path[SYNCER_MAX][ARCHIVE_PATH_MAX];
};

struct syncer {
	syncer_fail_fn *fail;
	void *ctx;
	unsigned delay; /* in milliseconds */

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t wake;   /* there is something to do, or to stop */
	pthread_t thread;
	bool has_thread;
	bool is_stopping;
	struct lot *waiting;

	struct lot lots[2]; /* the one that waits, and the thread's own */
};

struct syncer *
syncer_new(syncer_fail_fn *fail, void *ctx)
{
	/* Pages that no record has come to are not there. */
	struct syncer *syncer = calloc(1, sizeof *syncer);
	pthread_condattr_t attributes;

	if (syncer == NULL)
		return NULL;
	syncer->fail = fail;
	syncer->ctx = ctx;
	syncer->delay = SYNCER_DELAY_MS;
	syncer->waiting = &syncer->lots[0];
	(void)pthread_mutex_init(&syncer->mutex, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&syncer->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return syncer;
}

void
syncer_set_delay(struct syncer *syncer, unsigned milliseconds)
{
	syncer->delay = milliseconds;
}

/*
 * Syncing.
 */

/* A path, or those of a lot, of one archive. */
static void
sync_paths(const struct syncer *syncer, const char *directory,
    const char (*path)[ARCHIVE_PATH_MAX], size_t count)
{
	struct archive_place place;
	struct fault fault;

	if (archive_open(&place, directory, &fault) != ST_OK) {
		syncer->fail(syncer->ctx, &fault);
		count = 0;
	} else if (count > SYNCER_SINGLY && syncfs(place.tmp) == 0) {
		count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (archive_sync_record(&place, path[i], &fault) != ST_OK)
			syncer->fail(syncer->ctx, &fault);
	}
	archive_close(&place);
}

static void
sync_lot(const struct syncer *syncer, struct lot *lot)
{
	sync_paths(syncer, lot->directory,
	    (const char(*)[ARCHIVE_PATH_MAX])lot->path, lot->count);
	free(lot->directory);
	lot->directory = NULL;
	lot->count = 0;
}

/* For what cannot wait with the others. */
static void
sync_now(const struct syncer *syncer, const char *directory, const char *path)
{
	char one[1][ARCHIVE_PATH_MAX];

	(void)text_copy(one[0], sizeof one[0], path);
	sync_paths(syncer, directory, (const char(*)[ARCHIVE_PATH_MAX])one, 1);
}

/*
 * Waiting.
 */

/* With the mutex: may the record wait? */
static bool
put(struct syncer *syncer, const char *directory, const char *path)
{
	struct lot *lot = syncer->waiting;

	if (!syncer->has_thread || lot->count == SYNCER_MAX)
		return false;
	if (lot->directory == NULL)
		lot->directory = strdup(directory);
	if (lot->directory == NULL || strcmp(lot->directory, directory) != 0)
		return false;
	(void)text_copy(lot->path[lot->count], ARCHIVE_PATH_MAX, path);
	if (lot->count++ == 0)
		(void)pthread_cond_signal(&syncer->wake);
	return true;
}

void
syncer_add(struct syncer *syncer, const char *directory, const char *path)
{
	bool is_waiting;

	(void)pthread_mutex_lock(&syncer->mutex);
	is_waiting = put(syncer, directory, path);
	(void)pthread_mutex_unlock(&syncer->mutex);
	if (!is_waiting)
		sync_now(syncer, directory, path);
}

/* With the mutex: give the others of the moment time to come. */
static void
gather(struct syncer *syncer)
{
	struct timespec end;
	int rc = 0;

	deadline_in(&end, CLOCK_MONOTONIC, syncer->delay);
	while (!syncer->is_stopping && rc == 0)
		rc =
		    pthread_cond_timedwait(&syncer->wake, &syncer->mutex, &end);
}

static void *
run(void *arg)
{
	struct syncer *syncer = arg;
	struct lot *lot;

	(void)pthread_mutex_lock(&syncer->mutex);
	for (;;) {
		while (!syncer->is_stopping && syncer->waiting->count == 0)
			(void)pthread_cond_wait(&syncer->wake, &syncer->mutex);
		if (syncer->waiting->count == 0)
			break;
		gather(syncer);
		lot = syncer->waiting;
		syncer->waiting =
		    &syncer->lots[lot == &syncer->lots[0] ? 1 : 0];
		(void)pthread_mutex_unlock(&syncer->mutex);
		sync_lot(syncer, lot);
		(void)pthread_mutex_lock(&syncer->mutex);
	}
	(void)pthread_mutex_unlock(&syncer->mutex);
	return NULL;
}

enum status
syncer_start(struct syncer *syncer, struct fault *fault)
{
	bool has_thread =
	    pthread_create(&syncer->thread, NULL, run, syncer) == 0;

	(void)pthread_mutex_lock(&syncer->mutex);
	syncer->has_thread = has_thread;
	(void)pthread_mutex_unlock(&syncer->mutex);
	return has_thread ? ST_OK
			  : fault_set(fault, ST_NO_MEMORY,
				"cannot start the thread that syncs records");
}

void
syncer_stop(struct syncer *syncer)
{
	bool has_thread;

	(void)pthread_mutex_lock(&syncer->mutex);
	has_thread = syncer->has_thread;
	syncer->has_thread = false;
	syncer->is_stopping = true;
	(void)pthread_cond_signal(&syncer->wake);
	(void)pthread_mutex_unlock(&syncer->mutex);
	if (has_thread)
		(void)pthread_join(syncer->thread, NULL);
}

void
syncer_free(struct syncer **syncer)
{
	if (*syncer == NULL)
		return;
	syncer_stop(*syncer);
	(void)pthread_mutex_destroy(&(*syncer)->mutex);
	(void)pthread_cond_destroy(&(*syncer)->wake);
	free(*syncer);
	*syncer = NULL;
}
