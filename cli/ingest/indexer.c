#include "indexer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archivebatch.h"
#include "state.h"

/* Records that wait to be added. */
struct list {
	char *paths;
	size_t count;
};

struct indexer {
	struct conf *conf;
	struct state_options options;
	const struct reindex_handler *handler;
	int64_t begin;
	pthread_t thread;

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t changed;
	struct list list[INDEXER_BATCHES]; /* a ring */
	size_t first;
	size_t count;
	bool is_ending;

	/* The thread's own. */
	struct state *state;
	bool is_to_be_made; /* anew, at the end */
	bool is_making;
	enum status status; /* why */
	struct fault fault;
};

static int64_t
now(void)
{
	return (int64_t)time(NULL);
}

/* Does making it anew mend that? */
static bool
is_mendable(enum status st)
{
	return st == ST_STATE_DAMAGED || st == ST_STATE_VERSION;
}

/* Do it again while another process has the file. */
static enum status
patiently(struct indexer *indexer,
    enum status (*fn)(struct indexer *indexer, const struct list *list),
    const struct list *list)
{
	int64_t end = now() + INDEXER_BUSY_SECONDS;
	enum status st;

	/* Each try waits for busy_ms. */
	do
		st = fn(indexer, list);
	while (st == ST_STATE_BUSY && now() < end);
	return st;
}

static enum status
try_open(struct indexer *indexer, const struct list *list)
{
	(void)list;
	return state_open(&indexer->state, indexer->conf->state_file,
	    &indexer->options, &indexer->fault);
}

static enum status
try_add(struct indexer *indexer, const struct list *list)
{
	const char *path[ARCHIVE_BATCH_MAX];
	struct reindex_progress progress;
	const char *p = list->paths;

	for (size_t i = 0; i < list->count; i++) {
		path[i] = p;
		p += strlen(p) + 1;
	}
	return reindex_paths(indexer->state, indexer->conf->archive_directory,
	    path, list->count, indexer->conf, now(), indexer->handler,
	    &progress, &indexer->fault);
}

static void
add_list(struct indexer *indexer, const struct list *list)
{
	enum status st = indexer->status;

	if (st == ST_OK && !indexer->is_to_be_made)
		st = patiently(indexer, try_add, list);
	if (is_mendable(st)) {
		indexer->is_to_be_made = true;
	} else if (st != ST_OK) {
		indexer->status = st;
	}
}

static bool
take_list(struct indexer *indexer, struct list *list)
{
	bool is_taken;

	(void)pthread_mutex_lock(&indexer->mutex);
	while (indexer->count == 0 && !indexer->is_ending)
		(void)pthread_cond_wait(&indexer->changed, &indexer->mutex);
	is_taken = indexer->count > 0;
	if (is_taken) {
		*list = indexer->list[indexer->first];
		indexer->first = (indexer->first + 1) % INDEXER_BATCHES;
		indexer->count--;
		(void)pthread_cond_broadcast(&indexer->changed);
	}
	(void)pthread_mutex_unlock(&indexer->mutex);
	return is_taken;
}

static void *
run(void *arg)
{
	struct indexer *indexer = arg;
	struct list list;
	enum status st = patiently(indexer, try_open, NULL);

	if (is_mendable(st))
		indexer->is_to_be_made = true;
	else
		indexer->status = st;
	while (take_list(indexer, &list)) {
		add_list(indexer, &list);
		free(list.paths);
	}
	state_close(&indexer->state);
	return NULL;
}

struct indexer *
indexer_new(struct conf *conf, const struct reindex_handler *handler)
{
	struct indexer *indexer = calloc(1, sizeof *indexer);

	if (indexer == NULL)
		return NULL;
	indexer->conf = conf;
	indexer->handler = handler;
	indexer->begin = now();
	state_options(&indexer->options);
	indexer->options.limits.resolve_after = (int64_t)conf->resolve_after;
	indexer->options.silent_after = (int64_t)conf->silent_after;
	indexer->options.archive = conf->archive_directory;
	(void)pthread_mutex_init(&indexer->mutex, NULL);
	(void)pthread_cond_init(&indexer->changed, NULL);
	if (pthread_create(&indexer->thread, NULL, run, indexer) != 0) {
		free(indexer);
		return NULL;
	}
	return indexer;
}

void
indexer_add(struct indexer *indexer, char *paths, size_t count)
{
	size_t last;

	(void)pthread_mutex_lock(&indexer->mutex);
	while (indexer->count == INDEXER_BATCHES)
		(void)pthread_cond_wait(&indexer->changed, &indexer->mutex);
	last = (indexer->first + indexer->count) % INDEXER_BATCHES;
	indexer->list[last] = (struct list){ paths, count };
	indexer->count++;
	(void)pthread_cond_broadcast(&indexer->changed);
	(void)pthread_mutex_unlock(&indexer->mutex);
}

/* With nobody else making it: a daemon may have done so meanwhile. */
static bool
is_needed(void *ctx)
{
	struct indexer *indexer = ctx;

	state_close(&indexer->state);
	indexer->is_making = is_mendable(try_open(indexer, NULL));
	return indexer->is_making;
}

/* To what another process has made: add what we have archived. */
static enum status
add_ours(struct indexer *indexer)
{
	struct reindex_progress progress;
	enum status st =
	    indexer->state == NULL ? try_open(indexer, NULL) : ST_OK;

	return st == ST_OK
	    ? reindex_missing(indexer->state, indexer->conf->archive_directory,
		  indexer->begin, indexer->conf, now(), indexer->handler, NULL,
		  &progress, &indexer->fault)
	    : st;
}

static enum status
make_anew(struct indexer *indexer, const struct list *list)
{
	struct state_options options = indexer->options;
	struct reindex_handler handler = *indexer->handler;
	struct reindex_progress progress;
	enum status st;

	(void)list;
	handler.is_needed = is_needed;
	handler.needed_ctx = indexer;
	options.archive = NULL; /* what is being made is not whole yet */
	st = reindex(indexer->conf->state_file,
	    indexer->conf->archive_directory, indexer->conf, &options,
	    INT64_MAX, now(), &handler, &progress, &indexer->fault);
	return st == ST_OK && !indexer->is_making ? add_ours(indexer) : st;
}

enum status
indexer_finish(struct indexer *indexer, bool may_make, struct fault *fault)
{
	(void)pthread_mutex_lock(&indexer->mutex);
	indexer->is_ending = true;
	(void)pthread_cond_broadcast(&indexer->changed);
	(void)pthread_mutex_unlock(&indexer->mutex);
	(void)pthread_join(indexer->thread, NULL);
	if (indexer->is_to_be_made && indexer->status == ST_OK)
		indexer->status = may_make
		    ? patiently(indexer, make_anew, NULL)
		    : fault_set(&indexer->fault, ST_STATE,
			  "stopped before it was made from the archive");
	state_close(&indexer->state);
	*fault = indexer->fault;
	return indexer->status;
}

void
indexer_free(struct indexer **indexer)
{
	if (*indexer == NULL)
		return;
	(void)pthread_cond_destroy(&(*indexer)->changed);
	(void)pthread_mutex_destroy(&(*indexer)->mutex);
	free(*indexer);
	*indexer = NULL;
}
