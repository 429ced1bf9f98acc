#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "inject.h"
#include "suites.h"
#include "syncer.h"
#include "unit.h"

#define DAY "2024/02/29"

static char dir[300]; /* the archive */
static struct syncer *syncer;

/* What was reported, by whichever thread. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned failures;
static struct fault last;
static unsigned actions[ACTION_KEEP + 1];

static void
on_failure(void *ctx, const struct fault *fault, enum conf_action action)
{
	ck_assert_ptr_eq(ctx, dir);
	(void)pthread_mutex_lock(&mutex);
	failures++;
	last = *fault;
	actions[action]++;
	(void)pthread_mutex_unlock(&mutex);
}

static unsigned
count_failures(void)
{
	unsigned count;

	(void)pthread_mutex_lock(&mutex);
	count = failures;
	(void)pthread_mutex_unlock(&mutex);
	return count;
}

static void
wait_for_failure(unsigned number)
{
	const struct timespec pause = { 0, 10000000 };

	for (int i = 0; i < 3000 && count_failures() < number; i++)
		(void)nanosleep(&pause, NULL);
}

/* One that ends its waiting only when it is stopped. */
static void
make(void)
{
	syncer = syncer_new(on_failure, dir);
	ck_assert_ptr_nonnull(syncer);
	syncer_set_delay(syncer, 3600 * 1000);
}

static void
setup(void)
{
	char top[256], path[400];

	unit_directory(top, sizeof top);
	(void)snprintf(dir, sizeof dir, "%s/archive", top);
	ck_status("check", archive_check(dir, NULL), ST_OK);
	for (const char *end = DAY;; end++) {
		if (*end != '/' && *end != '\0')
			continue;
		(void)snprintf(
		    path, sizeof path, "%s/%.*s", dir, (int)(end - DAY), DAY);
		ck_assert_int_eq(mkdir(path, 0700), 0);
		if (*end == '\0')
			break;
	}
	failures = 0;
	memset(actions, 0, sizeof actions);
	make();
}

static void
teardown(void)
{
	syncer_free(&syncer);
	ck_assert_ptr_null(syncer);
}

static void
start(void)
{
	struct fault fault;

	ck_status("start", syncer_start(syncer, &fault), ST_OK);
}

/* A record, and its path from the archive's directory on. */
static const char *
make_record(unsigned number)
{
	static char path[100];
	char whole[500];
	FILE *file;

	(void)snprintf(path, sizeof path, DAY "/a!b!1!2!%08x.json", number);
	(void)snprintf(whole, sizeof whole, "%s/%s", dir, path);
	file = fopen(whole, "w");
	ck_assert_ptr_nonnull(file);
	(void)fputs("{}\n", file);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

/* Are there that many calls of fsync()? */
static void
check_syncs(unsigned want, void (*act)(void))
{
	unsigned n;

	for (n = 1;; n++) {
		unsigned before = count_failures();

		inject_arm(INJECT_SYNC, n);
		act();
		if (!inject_disarm()) {
			ck_assert_uint_eq(count_failures(), before);
			break;
		}
		ck_assert_uint_eq(count_failures(), before + 1);
		ck_status("failure", last.status, ST_ARCHIVE);
		ck_assert_ptr_nonnull(strstr(last.detail, "cannot sync "));
		ck_assert_ptr_nonnull(strstr(last.detail, DAY "/a!b!1!2!"));
	}
	ck_assert_uint_eq(n - 1, want);
}

static void
add_one(void)
{
	syncer_add(syncer, dir, make_record(1), ACTION_DELIVER);
}

/* The record and its directory, before it returns. */
START_TEST(without_a_thread_at_once)
{
	check_syncs(2, add_one);
}
END_TEST

static void
add_one_and_stop(void)
{
	start();
	add_one();
	/* It may be started but once. */
	syncer_free(&syncer);
	make();
}

START_TEST(stopping_syncs_what_waits)
{
	check_syncs(2, add_one_and_stop);
}
END_TEST

START_TEST(a_moment_later)
{
	syncer_set_delay(syncer, SYNCER_DELAY_MS);
	start();
	inject_arm(INJECT_SYNC, 1);
	add_one();
	wait_for_failure(1);
	ck_assert(inject_disarm());
	ck_assert_uint_eq(count_failures(), 1);
	/* And the next. */
	inject_arm(INJECT_SYNC, 1);
	syncer_add(syncer, dir, make_record(2), ACTION_DELIVER);
	wait_for_failure(2);
	ck_assert(inject_disarm());
	ck_assert_uint_eq(count_failures(), 2);
}
END_TEST

static unsigned lot; /* records that are added at the same moment */

static void
add_lot_and_stop(void)
{
	start();
	for (unsigned i = 0; i < lot; i++)
		syncer_add(syncer, dir, make_record(i), ACTION_DELIVER);
	syncer_free(&syncer);
	make();
}

START_TEST(few_one_by_one_and_many_together)
{
	lot = SYNCER_SINGLY;
	check_syncs(2 * SYNCER_SINGLY, add_lot_and_stop);
	lot = SYNCER_SINGLY + 1;
	check_syncs(0, add_lot_and_stop);
	inject_no_syncfs(true);
	check_syncs(2 * (SYNCER_SINGLY + 1), add_lot_and_stop);
	inject_no_syncfs(false);
}
END_TEST

/* What has no room is synced by who brings it. */
START_TEST(no_more_than_its_bound_waits)
{
	lot = SYNCER_MAX + 1;
	check_syncs(2, add_lot_and_stop);
}
END_TEST

START_TEST(another_archive_does_not_wait)
{
	char other[400];

	(void)snprintf(other, sizeof other, "%s/../archive", dir);
	start();
	syncer_add(syncer, dir, make_record(1), ACTION_DELIVER);
	inject_arm(INJECT_SYNC, 1);
	syncer_add(syncer, other, make_record(2), ACTION_DELIVER);
	ck_assert(inject_disarm());
	ck_assert_uint_eq(count_failures(), 1);
	ck_assert_ptr_nonnull(strstr(last.detail, "/../archive/"));
}
END_TEST

START_TEST(the_message_beside_it)
{
	char path[500];
	FILE *file;

	(void)snprintf(
	    path, sizeof path, "%s/" DAY "/a!b!1!2!%08x.eml.gz", dir, 1U);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fclose(file), 0);
	check_syncs(3, add_one);
}
END_TEST

START_TEST(what_has_been_removed_needs_nothing)
{
	char path[500];

	syncer_add(syncer, dir, DAY "/a!b!1!2!none.json", ACTION_DELIVER);
	syncer_add(syncer, dir, "2024/03/01/a!b!1!2!none.json", ACTION_DELIVER);
	ck_assert_uint_eq(count_failures(), 0);
	(void)snprintf(path, sizeof path, "%s/none", dir);
	syncer_add(syncer, path, DAY "/a!b!1!2!none.json", ACTION_DELIVER);
	ck_assert_uint_eq(count_failures(), 1);
	start();
	syncer_add(syncer, path, DAY "/a!b!1!2!none.json", ACTION_DELIVER);
	syncer_stop(syncer);
	ck_assert_uint_eq(count_failures(), 2);
	ck_assert_ptr_nonnull(strstr(last.detail, "cannot open "));
}
END_TEST

/* What became of the mail is said with the failure. */
START_TEST(each_with_its_action)
{
	char path[500];

	inject_arm(INJECT_SYNC, 1);
	syncer_add(syncer, dir, make_record(1), ACTION_QUARANTINE);
	ck_assert(inject_disarm());
	ck_assert_uint_eq(actions[ACTION_QUARANTINE], 1);
	start();
	inject_arm(INJECT_SYNC, 1);
	syncer_add(syncer, dir, make_record(1), ACTION_QUARANTINE);
	syncer_add(syncer, dir, make_record(2), ACTION_DELIVER);
	syncer_stop(syncer);
	ck_assert(inject_disarm());
	ck_assert_uint_eq(actions[ACTION_QUARANTINE], 2);
	ck_assert_uint_eq(actions[ACTION_DELIVER], 0);
	/* What is of them all is said no more often than is needed. */
	syncer_free(&syncer);
	make();
	start();
	(void)snprintf(path, sizeof path, "%s/none", dir);
	for (unsigned i = 0; i < 4; i++)
		syncer_add(syncer, path, make_record(i),
		    i % 2 == 0 ? ACTION_DELIVER : ACTION_QUARANTINE);
	syncer_stop(syncer);
	ck_assert_uint_eq(actions[ACTION_QUARANTINE], 3);
	ck_assert_uint_eq(actions[ACTION_DELIVER], 1);
}
END_TEST

START_TEST(without_memory)
{
	size_t descriptors = unit_count_descriptors();

	inject_arm(INJECT_MEMORY, 1);
	ck_assert_ptr_null(syncer_new(on_failure, dir));
	ck_assert(inject_disarm());
	start();
	inject_arm(INJECT_MEMORY | INJECT_SYNC, 1);
	add_one();
	ck_assert(inject_disarm());
	/* There was none for its path: it is synced at once, and was. */
	ck_assert_uint_eq(count_failures(), 0);
	syncer_stop(syncer);
	ck_assert_uint_eq(inject_leaks(), 0);
	ck_assert_uint_eq(unit_count_descriptors(), descriptors);
}
END_TEST

Suite *
syncer_suite(void)
{
	Suite *suite = suite_create("syncer");
	TCase *tc = tcase_create("syncer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, without_a_thread_at_once);
	tcase_add_test(tc, stopping_syncs_what_waits);
	tcase_add_test(tc, a_moment_later);
	tcase_add_test(tc, few_one_by_one_and_many_together);
	tcase_add_test(tc, no_more_than_its_bound_waits);
	tcase_add_test(tc, another_archive_does_not_wait);
	tcase_add_test(tc, the_message_beside_it);
	tcase_add_test(tc, what_has_been_removed_needs_nothing);
	tcase_add_test(tc, each_with_its_action);
	tcase_add_test(tc, without_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
