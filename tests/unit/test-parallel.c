#include "parallel.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "deadline.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

enum {
	MANY = 3 * PARALLEL_MAX + 1,
	GENEROUS = 20000 /* milliseconds for a busy machine */
};

/* What was done how often, by whom, and how many were at it at once. */
struct seen {
	atomic_int done[MANY];
	pthread_t by[MANY];
	atomic_bool takes_signals;
	pthread_mutex_t mutex;
	pthread_cond_t all_here;
	size_t here, most, wanted;
};

static void
note(void *ctx, size_t i)
{
	struct seen *seen = ctx;
	sigset_t blocked;

	(void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGINT))
		atomic_store(&seen->takes_signals, true);
	seen->by[i] = pthread_self();
	atomic_fetch_add(&seen->done[i], 1);
}

/* Go on when as many as are wanted are here at the same time. */
static void
meet(void *ctx, size_t i)
{
	struct seen *seen = ctx;
	struct timespec limit;

	note(ctx, i);
	deadline_in(&limit, CLOCK_REALTIME, GENEROUS);
	(void)pthread_mutex_lock(&seen->mutex);
	seen->here++;
	if (seen->here > seen->most)
		seen->most = seen->here;
	(void)pthread_cond_broadcast(&seen->all_here);
	while (seen->most < seen->wanted &&
	    pthread_cond_timedwait(&seen->all_here, &seen->mutex, &limit) == 0)
		;
	seen->here--;
	(void)pthread_mutex_unlock(&seen->mutex);
}

static void
expect_done(struct seen *seen, size_t count)
{
	for (size_t i = 0; i < MANY; i++)
		ck_expect(atomic_load(&seen->done[i]) == (i < count),
		    "%zu of %zu: %d times", i, count,
		    atomic_load(&seen->done[i]));
}

static void
seen_init(struct seen *seen, size_t wanted)
{
	*seen = (struct seen){ .wanted = wanted };
	(void)pthread_mutex_init(&seen->mutex, NULL);
	(void)pthread_cond_init(&seen->all_here, NULL);
}

START_TEST(each_is_done_once)
{
	static const size_t counts[] = { 0, 1, 2, PARALLEL_MAX,
		PARALLEL_MAX + 1, MANY };
	static struct seen seen;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		seen_init(&seen, 0);
		parallel_run(counts[i], note, &seen);
		expect_done(&seen, counts[i]);
		ck_assert(!atomic_load(&seen.takes_signals));
		for (size_t j = 0; j < counts[i]; j++)
			ck_expect(
			    !pthread_equal(seen.by[j], pthread_self()), "self");
	}
}
END_TEST

START_TEST(they_are_at_it_at_the_same_time)
{
	static struct seen seen;

	seen_init(&seen, PARALLEL_MAX);
	parallel_run(MANY, meet, &seen);
	expect_done(&seen, MANY);
	ck_assert_uint_eq(seen.most, PARALLEL_MAX);
}
END_TEST

/* Of three threads the nth is not to be had. */
START_TEST(without_threads_the_caller_does_it)
{
	static struct seen seen;
	sigset_t before, after;

	(void)sigemptyset(&before);
	(void)sigaddset(&before, SIGUSR1);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (unsigned n = 1; n <= 4; n++) {
		bool is_struck;

		/* Whoever is there has to be at it with the caller. */
		seen_init(&seen, n <= 3 ? n : 3);
		inject_arm(INJECT_THREAD, n);
		parallel_run(3, meet, &seen);
		is_struck = inject_disarm();
		ck_assert(is_struck == (n <= 3));
		expect_done(&seen, 3);
		ck_assert_uint_ge(seen.most, seen.wanted);
		ck_assert(atomic_load(&seen.takes_signals) == is_struck);
		(void)pthread_sigmask(SIG_BLOCK, NULL, &after);
		ck_assert_int_eq(sigismember(&after, SIGUSR1), 1);
		ck_assert_int_eq(sigismember(&after, SIGTERM), 0);
	}
}
END_TEST

Suite *
parallel_suite(void)
{
	Suite *suite = suite_create("parallel");
	TCase *tc = tcase_create("parallel");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_is_done_once);
	tcase_add_test(tc, they_are_at_it_at_the_same_time);
	tcase_add_test(tc, without_threads_the_caller_does_it);
	suite_add_tcase(suite, tc);
	return suite;
}
