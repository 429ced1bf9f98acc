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

/* A record, and what has become of its mail. */
struct waiter {
	enum conf_action action;
	char path[ARCHIVE_PATH_MAX];
};

/* Records of one archive that are synced together. */
struct lot {
	char *directory; /* NULL as long as there are none */
	size_t count;
	struct waiter record[SYNCER_MAX];
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

/* What is wrong for all of them is said once for each action. */
static void
fail_all(const struct syncer *syncer, const struct waiter *record, size_t count,
    const struct fault *fault)
{
	unsigned told = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned bit = 1U << record[i].action;

		if ((told & bit) == 0)
			syncer->fail(syncer->ctx, fault, record[i].action);
		told |= bit;
	}
}

/* One record, or those of a lot, of one archive. */
static void
sync_records(const struct syncer *syncer, const char *directory,
    const struct waiter *record, size_t count)
{
	struct archive_place place;
	struct fault fault;

	if (archive_open(&place, directory, &fault) != ST_OK) {
		fail_all(syncer, record, count, &fault);
		count = 0;
	} else if (count > SYNCER_SINGLY && syncfs(place.tmp) == 0) {
		count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (archive_sync_record(&place, record[i].path, &fault) !=
		    ST_OK)
			syncer->fail(syncer->ctx, &fault, record[i].action);
	}
	archive_close(&place);
}

static void
sync_lot(const struct syncer *syncer, struct lot *lot)
{
	sync_records(syncer, lot->directory, lot->record, lot->count);
	free(lot->directory);
	lot->directory = NULL;
	lot->count = 0;
}

/*
 * Waiting.
 */

/* With the mutex: may the record wait? */
static bool
put(struct syncer *syncer, const char *directory, const struct waiter *record)
{
	struct lot *lot = syncer->waiting;

	if (!syncer->has_thread || lot->count == SYNCER_MAX)
		return false;
	if (lot->directory == NULL)
		lot->directory = strdup(directory);
	if (lot->directory == NULL || strcmp(lot->directory, directory) != 0)
		return false;
	lot->record[lot->count] = *record;
	if (lot->count++ == 0)
		(void)pthread_cond_signal(&syncer->wake);
	return true;
}

void
syncer_add(struct syncer *syncer, const char *directory, const char *path,
    enum conf_action action)
{
	struct waiter record = { .action = action };
	bool is_waiting;

	(void)text_copy(record.path, sizeof record.path, path);
	(void)pthread_mutex_lock(&syncer->mutex);
	is_waiting = put(syncer, directory, &record);
	(void)pthread_mutex_unlock(&syncer->mutex);
	if (!is_waiting)
		sync_records(syncer, directory, &record, 1);
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
