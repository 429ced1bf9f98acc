#include "waiting.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum {
	NAME_WIDTH = 40 /* columns: a line that is wrapped is not wiped */
};

/* Once a second, until it is over. */
static void *
tell(void *arg)
{
	struct waiting *waiting = arg;
	struct timespec next;
	unsigned seconds = 0;

	(void)clock_gettime(CLOCK_REALTIME, &next);
	(void)pthread_mutex_lock(&waiting->mutex);
	while (!waiting->is_over) {
		next.tv_sec++;
		while (!waiting->is_over &&
		    pthread_cond_timedwait(
			&waiting->changed, &waiting->mutex, &next) == 0)
			continue;
		if (!waiting->is_over)
			progress_text(&waiting->progress,
			    "%.*s: asking and connecting, %u s", NAME_WIDTH,
			    waiting->domain, ++seconds);
	}
	(void)pthread_mutex_unlock(&waiting->mutex);
	return NULL;
}

void
waiting_begin(struct waiting *waiting, const char *domain)
{
	sigset_t all, old;

	memset(waiting, 0, sizeof *waiting);
	waiting->domain = domain;
	progress_init(&waiting->progress);
	if (!waiting->progress.is_shown)
		return;
	(void)pthread_mutex_init(&waiting->mutex, NULL);
	(void)pthread_cond_init(&waiting->changed, NULL);
	/* Signals are the main thread's. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	waiting->has_thread =
	    pthread_create(&waiting->thread, NULL, tell, waiting) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void
waiting_end(struct waiting *waiting)
{
	if (!waiting->progress.is_shown)
		return;
	(void)pthread_mutex_lock(&waiting->mutex);
	waiting->is_over = true;
	(void)pthread_cond_signal(&waiting->changed);
	(void)pthread_mutex_unlock(&waiting->mutex);
	if (waiting->has_thread)
		(void)pthread_join(waiting->thread, NULL);
	progress_clear(&waiting->progress);
	(void)pthread_cond_destroy(&waiting->changed);
	(void)pthread_mutex_destroy(&waiting->mutex);
}
