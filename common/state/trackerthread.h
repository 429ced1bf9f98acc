/*
 * trackerthread: what the thread of a tracker does, for tracker.c alone:
 * catching up with the archive, settling problems, the hourly look.
 */
#ifndef TRACKERTHREAD_H
#define TRACKERTHREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "event.h"
#include "tracker.h"

struct request; /* of tracker.c */

struct tracker {
	struct log *log;
	struct alert *alert;
	bool is_daemon;

	pthread_mutex_t turn;  /* one report is added after the other */
	pthread_mutex_t mutex; /* over what follows; held for moments only */
	pthread_cond_t wake;   /* behind, or to stop */
	pthread_cond_t tried;  /* the thread has tried to be in step */
	pthread_t thread;
	bool has_thread;
	bool has_tried;
	bool is_stopping;
	struct request *requests;
	struct conf *conf;
	struct conf *first;  /* the one at the start */
	struct state *state; /* once it could be opened; set by the thread */
	bool is_unsettled;   /* there is something for state_settle() */
	bool is_behind;
	int64_t since;         /* what came before is in the state */
	enum status complaint; /* the last one; ST_OK when in step */

	bool is_waiting; /* for others, which has been said; the thread's own */
};

/* The thread; arg is the tracker. */
void *tracker_run(void *arg);

/* Log an event, and hand it to the alerts; queue_id may be NULL. */
void tracker_tell_event(
    struct tracker *t, const struct event *ev, const char *queue_id);
void tracker_tell_problem(struct tracker *t, enum problem_change change,
    const struct state_problem *problem, const char *queue_id);

/* Say what is wrong, once for each kind of trouble. */
void tracker_complain(struct tracker *t, const struct fault *fault);

/* Leave the state alone until it has what came since then. */
void tracker_fall_behind(
    struct tracker *t, int64_t since, const struct fault *fault);

/* The state, if it can be used now, else NULL. */
struct state *tracker_state(struct tracker *t);

#endif
