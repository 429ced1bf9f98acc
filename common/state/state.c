#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "statedb.h"
#include "text.h"

void
state_options(struct state_options *options)
{
	*options = (struct state_options){
		.limits = { PROBLEM_RESOLVE_AFTER, PROBLEM_STALE_AFTER },
		.silent_after = STATE_SILENT_AFTER,
		.busy_ms = STATE_BUSY_MS,
	};
}

static bool
make_mutex(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;
	bool is_made;

	if (pthread_mutexattr_init(&attr) != 0)
		return false;
	/* Whoever has begun a batch comes in again to add to it. */
	(void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	is_made = pthread_mutex_init(mutex, &attr) == 0;
	(void)pthread_mutexattr_destroy(&attr);
	return is_made;
}

static enum status
open_state(struct state **out, const char *path,
    const struct state_options *options, bool is_bulk, struct fault *fault)
{
	struct state *state = calloc(1, sizeof *state);
	enum status st;

	*out = NULL;
	if (state == NULL || (state->path = strdup(path)) == NULL ||
	    !make_mutex(&state->mutex)) {
		free(state != NULL ? state->path : NULL);
		free(state);
		return fault_set(fault, ST_NO_MEMORY, "state: no memory");
	}
	state->options = *options;
	state->is_bulk = is_bulk;
	st = statedb_open(state, fault);
	if (st == ST_OK)
		*out = state;
	else
		state_close(&state);
	return st;
}

enum status
state_open(struct state **state, const char *path,
    const struct state_options *options, struct fault *fault)
{
	return open_state(state, path, options, false, fault);
}

enum status
state_open_bulk(struct state **state, const char *path,
    const struct state_options *options, struct fault *fault)
{
	return open_state(state, path, options, true, fault);
}

void
state_close(struct state **state)
{
	struct state *s = *state;

	if (s == NULL)
		return;
	statedb_close(s);
	(void)pthread_mutex_destroy(&s->mutex);
	free(s->news);
	free(s->path);
	free(s);
	*state = NULL;
}

/*
 * Transactions with news.
 */

static void
tell_one(const struct state_events *events, const struct state_news *news)
{
	if (news->change == PROBLEM_SAME)
		events->silent(events->ctx, &news->reporter);
	else
		events->problem(events->ctx, news->change,
		    news->has_before ? &news->before : NULL, &news->after);
}

static void
tell(const struct state_events *events, const struct state_news *news,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (news[i].events != NULL)
			tell_one(news[i].events, &news[i]);
		else if (events != NULL)
			tell_one(events, &news[i]);
	}
}

enum status
state_enter(struct state *state, struct fault *fault)
{
	enum status st;

	(void)pthread_mutex_lock(&state->mutex);
	if (state->in_batch) {
		st = state->batch_status;
		if (st != ST_OK && fault != NULL)
			*fault = state->batch_fault;
	} else {
		state->is_bounded = false;
		st = statedb_begin(state, true, fault);
	}
	if (st != ST_OK)
		(void)pthread_mutex_unlock(&state->mutex);
	return st;
}

/* A part of a batch has failed: all of it goes. */
static void
spoil(struct state *state, enum status st, const struct fault *fault)
{
	state->batch_status = statedb_end(state, st, NULL);
	(void)fault_set(
	    &state->batch_fault, st, "%s", fault != NULL ? fault->detail : "");
}

/* A report of a group: what becomes of problems is its own doing. */
static enum status
work_out_alone(struct state *state, int64_t now,
    const struct state_events *events, struct fault *fault)
{
	size_t first = state->news_count;
	enum status st = state_work_out(state, now, fault);

	for (size_t i = first; i < state->news_count; i++)
		state->news[i].events = events;
	return st;
}

enum status
state_leave(struct state *state, int64_t now, const struct state_events *events,
    enum status st, struct fault *fault)
{
	struct state_news *news;
	size_t count;

	if (state->in_batch) {
		if (st == ST_OK && state->is_group)
			st = work_out_alone(state, now, events, fault);
		if (st != ST_OK && state->batch_status == ST_OK)
			spoil(state, st, fault);
		(void)pthread_mutex_unlock(&state->mutex);
		return st;
	}
	if (st == ST_OK)
		st = state_work_out(state, now, fault);
	st = statedb_end(state, st, fault);
	news = state->news;
	count = state->news_count;
	state->news = NULL;
	state->news_count = state->news_cap = 0;
	(void)pthread_mutex_unlock(&state->mutex);
	if (st == ST_OK)
		tell(events, news, count);
	free(news);
	return st;
}

enum status
state_begin(struct state *state, struct fault *fault)
{
	enum status st = state_enter(state, fault);

	/* The mutex is kept until state_commit(). */
	if (st == ST_OK) {
		state->in_batch = true;
		state->is_group = false;
		state->batch_status = ST_OK;
	}
	return st;
}

enum status
state_begin_group(struct state *state, struct fault *fault)
{
	enum status st = state_begin(state, fault);

	if (st == ST_OK)
		state->is_group = true;
	return st;
}

enum status
state_commit(struct state *state, int64_t now,
    const struct state_events *events, struct fault *fault)
{
	enum status st = state->batch_status;

	if (st != ST_OK && fault != NULL)
		*fault = state->batch_fault;
	state->in_batch = false;
	return state_leave(state, now, events, st, fault);
}

enum status
state_note(
    struct state *state, const struct state_news *news, struct fault *fault)
{
	if (state->news_count == state->news_cap) {
		size_t cap = state->news_cap == 0 ? 4 : 2 * state->news_cap;
		struct state_news *grown =
		    realloc(state->news, cap * sizeof *grown);

		if (grown == NULL)
			return fault_set(
			    fault, ST_NO_MEMORY, "state: no memory");
		state->news = grown;
		state->news_cap = cap;
	}
	state->news[state->news_count++] = *news;
	return ST_OK;
}

/*
 * What is missing.
 */

enum status
state_mark_missing(struct state *state, int64_t since, struct fault *fault)
{
	enum status st = state_enter(state, fault);

	if (st != ST_OK)
		return st;
	st = statedb_run(
	    state, statedb_bind(state, SQL_MISSING_SET, "i", since), fault);
	return state_leave(state, 0, NULL, st, fault);
}

enum status
state_clear_missing(struct state *state, int64_t since, struct fault *fault)
{
	enum status st;

	(void)pthread_mutex_lock(&state->mutex);
	st = statedb_begin(state, true, fault);
	if (st == ST_OK) {
		st = statedb_run(state,
		    statedb_bind(state, SQL_MISSING_CLEAR, "i", since), fault);
		st = statedb_end(state, st, fault);
	}
	(void)pthread_mutex_unlock(&state->mutex);
	return st;
}

enum status
state_missing(struct state *state, int64_t *since, struct fault *fault)
{
	enum status st;
	bool is_row;

	*since = INT64_MAX;
	(void)pthread_mutex_lock(&state->mutex);
	st = statedb_begin(state, false, fault);
	if (st == ST_OK) {
		sqlite3_stmt *stmt = statedb_bind(state, SQL_MISSING, "");

		st = statedb_step(state, stmt, &is_row, fault);
		if (is_row) {
			*since = sqlite3_column_int64(stmt, 0);
			(void)sqlite3_reset(stmt);
		}
		st = statedb_end(state, st, fault);
	}
	(void)pthread_mutex_unlock(&state->mutex);
	return st;
}

/*
 * Names.
 */

void
state_host(const char *name, char *out, size_t size)
{
	size_t len;

	(void)text_copy(out, size, name != NULL ? name : "");
	len = strlen(out);
	if (len > 1 && out[len - 1] == '.')
		out[len - 1] = '\0';
	for (char *p = out; *p != '\0'; p++)
		*p = text_lower(*p);
}

enum status
state_name(
    struct state *state, const char *name, int64_t *id, struct fault *fault)
{
	sqlite3_stmt *stmt = statedb_bind(state, SQL_NAME_FIND, "t", name);
	bool is_row;
	enum status st = statedb_step(state, stmt, &is_row, fault);

	if (st != ST_OK)
		return st;
	if (is_row) {
		*id = sqlite3_column_int64(stmt, 0);
		return statedb_run(state, stmt, fault);
	}
	st = statedb_run(
	    state, statedb_bind(state, SQL_NAME_ADD, "t", name), fault);
	*id = sqlite3_last_insert_rowid(state->db);
	return st;
}
