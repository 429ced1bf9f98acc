#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "archive.h"
#include "archivebatch.h"
#include "prune.h"
#include "reading.h"
#include "reindex.h"
#include "rfc3339.h"
#include "suites.h"
#include "unit.h"

enum {
	DAY0 = 20000, /* 2024-10-04 */
	DAYS = 20,
	OLD_DAYS = 8, /* of these */
	EACH = 3,     /* records of a day */
	NOW = DAY0 + DAYS,
	AHEAD = 40000 /* 2079-07-07 */
};

static char top[512];
static char archive[600];
static char path[600];
static struct conf *conf;
static struct state_options options;
static struct prune_options wanted;
static struct prune_progress progress;
static struct state *state;
static struct fault fault;

static int64_t
at(int64_t day)
{
	return day * PROBLEM_DAY;
}

static void
setup(void)
{
	unit_directory(top, sizeof top);
	(void)snprintf(archive, sizeof archive, "%s/archive", top);
	(void)snprintf(path, sizeof path, "%s/state.db", top);
	ck_status("archive", archive_check(archive, NULL), ST_OK);
	conf = conf_new();
	state_options(&options);
	state = NULL;
	wanted = (struct prune_options){
		.before = at(DAY0 + OLD_DAYS),
		.now = at(NOW),
	};
}

static void
teardown(void)
{
	state_close(&state);
	conf_unref(&conf);
}

/* A record, and the mail beside it. */
struct given {
	unsigned number;
	int64_t start; /* a day; 0: unknown */
	int64_t days;  /* 0: the end is unknown */
	bool is_unverified;
	bool with_mail;
};

/* Store it as the milter does, or add it to a batch. */
static enum status
prepare(const struct given *given, struct archive_batch *batch,
    char name[ARCHIVE_PATH_MAX])
{
	struct record record = { .submitter = "x.example" };
	struct reading reading;
	char start[RFC3339_MAX] = "?", end[RFC3339_MAX] = "?";
	struct spool *message = NULL;
	struct archived archived;
	struct buf text;
	char tmp[700], json[700];
	enum status st;

	if (given->start != 0)
		(void)rfc3339_format(at(given->start), start);
	if (given->days != 0)
		(void)rfc3339_format(at(given->start + given->days) - 1, end);
	buf_init(&text, 1 << 16);
	(void)snprintf(json, sizeof json,
	    "{\"organization-name\":\"O\",\"contact-info\":\"c@x\","
	    "\"report-id\":\"%u\",\"date-range\":{\"start-datetime\":"
	    "\"%s\",\"end-datetime\":\"%s\"},\"policies\":[{\"policy\":{"
	    "\"policy-type\":\"sts\",\"policy-domain\":\"d.example\"},"
	    "\"summary\":{\"total-successful-session-count\":90,"
	    "\"total-failure-session-count\":10},\"failure-details\":[{"
	    "\"result-type\":\"certificate-expired\","
	    "\"failed-session-count\":10}]}]}",
	    given->number, start, end);
	st = buf_adds(&text, json);
	if (st == ST_OK)
		st = report_read(
		    &reading.report, text.data, text.len, 0, &fault);
	if (st == ST_OK)
		st = assess_report(&reading.report, conf, &reading.assessment);
	if (given->with_mail && st == ST_OK) {
		archive_tmp(archive, tmp, sizeof tmp);
		message = spool_new(tmp, 1 << 20);
		st = spool_add(message, BYTES("0123456789"), &fault);
	}
	record.received = given->start == 0 || given->start == AHEAD
	    ? at(DAY0 + 1)
	    : at(given->start + 1) + 3600;
	record.report = &reading.report;
	record.assessment = &reading.assessment;
	record.text = &text;
	record.is_unverified = given->is_unverified;
	if (st == ST_OK && batch != NULL)
		st = archive_batch_add(batch, &record, NULL, message, &fault);
	else if (st == ST_OK)
		st =
		    archive_store(archive, &record, message, &archived, &fault);
	if (st == ST_OK && name != NULL)
		(void)snprintf(name, ARCHIVE_PATH_MAX, "%s", archived.path);
	spool_free(&message);
	buf_free(&text);
	return st;
}

static enum status
store(const struct given *given, char name[ARCHIVE_PATH_MAX])
{
	return prepare(given, NULL, name);
}

static void
ck_store(const struct given *given, char name[ARCHIVE_PATH_MAX])
{
	ck_status("store", store(given, name), ST_OK);
}

static void
store_all(void)
{
	for (unsigned i = 0; i < DAYS * EACH; i++)
		ck_store(&(struct given){ i, DAY0 + i / EACH, 1, false,
			     i % EACH == 0 },
		    NULL);
}

static bool
is_there(const char *name)
{
	char whole[1300];
	struct stat sb;

	(void)snprintf(whole, sizeof whole, "%s/%s", archive, name);
	return lstat(whole, &sb) == 0;
}

static void
put(const char *name, const char *text)
{
	char whole[1300];

	(void)snprintf(whole, sizeof whole, "%s/%s", archive, name);
	for (char *p = whole + strlen(archive) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(whole, 0750);
		*p = '/';
	}
	unit_write(whole, text, strlen(text));
}

static void
set_time(const char *name, int64_t time)
{
	const struct utimbuf times = { (time_t)time, (time_t)time };
	char whole[1300];

	(void)snprintf(whole, sizeof whole, "%s/%s", archive, name);
	ck_assert_int_eq(utime(whole, &times), 0);
}

static void
make_state(void)
{
	ck_assert_msg(reindex(path, archive, conf, &options, INT64_MAX, at(NOW),
			  NULL, NULL, &fault) == ST_OK,
	    "%s", fault.detail);
	ck_assert_msg(state_open(&state, path, &options, &fault) == ST_OK, "%s",
	    fault.detail);
}

static void
run(void)
{
	ck_assert_msg(
	    prune(archive, state, &wanted, &progress, &fault) == ST_OK, "%s",
	    fault.detail);
}

static uint64_t
reports(void)
{
	struct state_counts counts;

	ck_status(
	    "counts", state_counts(state, at(NOW), &counts, &fault), ST_OK);
	return counts.reports;
}

/* With a state and without. */
START_TEST(what_is_old_goes)
{
	const char mail[] = "unreadable/2024/10/05/0123456789abcdef0123456789ab"
			    "cdef0123456789abcdef0123456789abcdef.eml.gz";
	const char late[] = "unreadable/2024/10/12/0123456789abcdef0123456789ab"
			    "cdef0123456789abcdef0123456789abcdef.eml.gz";
	char forged[ARCHIVE_PATH_MAX];
	size_t files;

	store_all();
	if (_i == 0)
		make_state();
	files = unit_count_files(archive);
	ck_store(&(struct given){ 1, DAY0, 1, true, false }, forged);
	put(mail, "12345");
	put(late, "12345");
	run();
	ck_assert_uint_eq(progress.records, OLD_DAYS * EACH + 1);
	ck_assert_uint_eq(
	    unit_count_files(archive), files - OLD_DAYS * (EACH + 1) + 1);
	ck_assert(!is_there("2024/10/04") && !is_there("2024/10/11"));
	ck_assert(is_there("2024/10/12") && is_there(late));
	ck_assert(!is_there(forged) && !is_there("unverified/2024"));
	ck_assert(!is_there("unreadable/2024/10/05"));
	ck_assert(is_there("tmp") && is_there("unverified"));
	if (_i == 0)
		ck_assert_uint_eq(reports(), (DAYS - OLD_DAYS) * EACH);
	/* Nothing is left to be done. */
	run();
	ck_assert_uint_eq(progress.records + progress.bytes, 0);
}
END_TEST

START_TEST(bytes_are_counted)
{
	store_all();
	wanted.before = at(DAY0 + 1);
	wanted.is_dry = true;
	run();
	ck_assert_uint_eq(progress.records, EACH);
	put("unreadable/2024/10/03/0123456789abcdef0123456789ab"
	    "cdef0123456789abcdef0123456789abcdef.eml.gz",
	    "12345");
	progress.files = progress.bytes;
	run();
	ck_assert_uint_gt(progress.bytes, EACH * 300 + 10);
	ck_assert_uint_lt(progress.bytes, EACH * 1000 + 15);
}
END_TEST

/* A range that ends later than the others of its day, or at no known time. */
START_TEST(ranges_are_looked_at)
{
	char lasting[ARCHIVE_PATH_MAX], endless[ARCHIVE_PATH_MAX];
	char no_end[ARCHIVE_PATH_MAX], no_range[ARCHIVE_PATH_MAX];

	ck_store(
	    &(struct given){ 1, DAY0, OLD_DAYS + 1, false, false }, lasting);
	ck_store(&(struct given){ 2, DAY0, 4000, true, false }, endless);
	ck_store(&(struct given){ 3, DAY0, 0, false, false }, no_end);
	ck_store(&(struct given){ 4, 0, 0, false, false }, no_range);
	ck_assert_ptr_nonnull(strstr(no_range, "2024/10/05/"));
	run();
	ck_assert(is_there(lasting) && is_there(endless));
	ck_assert(!is_there(no_end) && !is_there(no_range));
	/* No range is longer than a month. */
	wanted.before = at(DAY0 + 32);
	wanted.now = at(DAY0 + 60);
	run();
	ck_assert(!is_there(lasting) && !is_there(endless));
}
END_TEST

/* Somebody's clock was wrong: such a report ended when it came. */
START_TEST(what_lies_ahead_goes)
{
	char ahead[ARCHIVE_PATH_MAX], forged[ARCHIVE_PATH_MAX];
	char fresh[ARCHIVE_PATH_MAX];

	ck_store(&(struct given){ 1, AHEAD, 1, false, true }, ahead);
	ck_store(&(struct given){ 2, AHEAD, 1, true, false }, forged);
	ck_store(&(struct given){ 3, AHEAD, 1, true, false }, fresh);
	set_time(forged, at(DAY0));
	set_time(fresh, at(DAY0 + OLD_DAYS));
	make_state();
	/* The record has no old time, but was received long ago. */
	wanted.is_dry = true;
	run();
	ck_assert_uint_eq(progress.records, 2);
	wanted.is_dry = false;
	run();
	ck_assert_uint_eq(progress.records, 2);
	ck_assert_uint_eq(reports(), 0);
	ck_assert(!is_there(ahead) && !is_there(forged) && is_there(fresh));
	ck_assert(!is_there("2079") && is_there("unverified/2079/07/08"));
}
END_TEST

START_TEST(what_is_not_ours_stays)
{
	static const char *const names[] = {
		"2024/10/04/notes.txt",
		"2024/10/04/x.json",
		"2024/10/04/a!b!1728000000!1728086399!0123456789abcde.json",
		"2024/10/04/a!b!1728000000!1728086399!0123456789abcdef0.json",
		"2024/10/04/a!b!1728000000!1728086399!0123456789abcdef.json~",
		"2024/10/04/a!b!1728000000!!0123456789abcdef.json",
		"2024/10/04/a!b!!1728086399!0123456789abcdef.json",
		"2024/10/04/a b!c!1728000000!1728086399!0123456789abcdef.json",
		"2024/10/04/!b!1728000000!1728086399!0123456789abcdef.json",
		"2024/10/04/a!1728000000!1728086399!0123456789abcdef.json",
		"2024/10/a!b!1728000000!1728086399!0123456789abcdef.json",
		"2024/13/01/a!b!1728000000!1728086399!0123456789abcdef.json",
		"2024/1/04/a!b!1728000000!1728086399!0123456789abcdef.json",
		"24/10/04/a!b!1728000000!1728086399!0123456789abcdef.json",
		"old/2024/10/04/a!b!1728000000!1728086399!0123456789abcdef."
		"json",
		"unreadable/2024/10/04/a!b!1728000000!1728086399!"
		"0123456789abcdef.json",
		"unreadable/2024/10/04/0123456789abcdef.eml.gz",
		"tmp/mine",
		"tmp/.record.1.1",
		"a!b!1728000000!1728086399!0123456789abcdef.json",
	};
	const char ours[] =
	    "2024/10/04/a!b!1728000000!1728086399!0123456789abcdef.json";

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		put(names[i], "x");
		set_time(names[i], at(DAY0));
	}
	put(ours, "x");
	run();
	ck_assert_uint_eq(progress.records, 1);
	ck_assert(!is_there(ours));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(is_there(names[i]), "%s", names[i]);
}
END_TEST

/* A link, to a file or a directory, leads to nothing. */
START_TEST(links_are_not_followed)
{
	static const char outside[] = "../elsewhere/10/04/"
				      "a!b!1728000000!1728086399!"
				      "0123456789abcdef.json";
	static const struct {
		const char *name;
		const char *target; /* from where the link is */
	} links[] = {
		{ "2024", "../elsewhere" },
		{ "2023/10", "../../elsewhere/10" },
		{ "2022/10/04", "../../../elsewhere/10/04" },
		{ "2021/10/04/a!b!1728000000!1728086399!0123456789abcdef.json",
		    "../../../../elsewhere/10/04/x" },
		{ "unverified", "../elsewhere" },
		{ "unreadable", "../elsewhere" },
	};
	char whole[1300];

	put(outside, "x");
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		put(links[i].name, "x");
		(void)snprintf(
		    whole, sizeof whole, "%s/%s", archive, links[i].name);
		ck_assert_int_eq(unlink(whole), 0);
		ck_assert_int_eq(symlink(links[i].target, whole), 0);
	}
	run();
	ck_assert_uint_eq(progress.records, 0);
	ck_assert(is_there(outside));
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		ck_assert_msg(is_there(links[i].name), "%s", links[i].name);
}
END_TEST

START_TEST(leftovers_go)
{
	put("tmp/record.1.1", "123");
	set_time("tmp/record.1.1", at(NOW) - PROBLEM_DAY - 1);
	put("tmp/spool.a1b2c3", "123");
	set_time("tmp/spool.a1b2c3", at(NOW) - PROBLEM_DAY - 1);
	put("tmp/record.2.1", "123");
	set_time("tmp/record.2.1", at(NOW) - PROBLEM_DAY + 1);
	run();
	ck_assert_uint_eq(progress.records, 0);
	ck_assert_uint_eq(progress.bytes, 6);
	ck_assert(!is_there("tmp/record.1.1") && !is_there("tmp/spool.a1b2c3"));
	ck_assert(is_there("tmp/record.2.1"));
}
END_TEST

START_TEST(a_dry_run_counts)
{
	struct prune_progress dry;
	size_t files;

	store_all();
	make_state();
	files = unit_count_files(archive);
	wanted.is_dry = true;
	run();
	dry = progress;
	ck_assert_uint_eq(unit_count_files(archive), files);
	ck_assert_uint_eq(reports(), DAYS * EACH);
	wanted.is_dry = false;
	run();
	ck_assert_uint_eq(progress.records, dry.records);
	ck_assert_uint_eq(progress.bytes, dry.bytes);
	ck_assert_uint_eq(progress.records, OLD_DAYS * EACH);
}
END_TEST

/* What a crash may leave is mended by the next one. */
START_TEST(halves_are_mended)
{
	char name[ARCHIVE_PATH_MAX], whole[1000];

	store_all();
	ck_store(&(struct given){ 1000, DAY0, 1, false, true }, name);
	make_state();
	(void)snprintf(whole, sizeof whole, "%s/%s", archive, name);
	if (_i == 0) {
		/* The mail without the record, which the state has. */
		ck_assert_int_eq(unlink(whole), 0);
	} else if (_i == 1) {
		/* The record without the mail. */
		(void)snprintf(whole + strlen(whole) - 5, 16, ".eml.gz");
		ck_assert_int_eq(unlink(whole), 0);
	} else {
		/* The state has forgotten what is there. */
		wanted.is_dry = false;
		run();
		store_all();
		ck_store(&(struct given){ 1000, DAY0, 1, false, true }, name);
	}
	run();
	ck_assert(!is_there("2024/10/04") && !is_there("2024/10/11"));
	ck_assert_uint_eq(reports(), (DAYS - OLD_DAYS) * EACH);
}
END_TEST

/* Trouble with the state: the archive is pruned all the same. */
START_TEST(a_state_in_trouble)
{
	char other[700];

	store_all();
	make_state();
	/* The next call opens what is there now, and cannot. */
	(void)snprintf(other, sizeof other, "%s/other", top);
	unit_write(other, "no database", 11);
	ck_assert_int_eq(rename(other, path), 0);
	ck_status("damaged", prune(archive, state, &wanted, &progress, &fault),
	    ST_STATE_DAMAGED);
	ck_assert_uint_eq(progress.records, OLD_DAYS * EACH);
	ck_assert(!is_there("2024/10/04"));
}
END_TEST

START_TEST(no_archive)
{
	(void)snprintf(archive, sizeof archive, "%s/none", top);
	ck_status("none", prune(archive, NULL, &wanted, &progress, &fault),
	    ST_ARCHIVE);
	ck_assert_ptr_nonnull(strstr(fault.detail, "/none: No such file"));
}
END_TEST

static atomic_bool is_over;
static atomic_uint stored;

/* Once for each record, at one time or another while it is being stored. */
static void *
prune_again(void *ctx)
{
	struct prune_progress ours;
	struct prune_options all = wanted;
	unsigned last = 0;

	(void)ctx;
	all.before = at(DAY0 + DAYS);
	while (!atomic_load(&is_over)) {
		struct timespec pause = { 0, last * 37 % 50 * 100000 };

		(void)nanosleep(&pause, NULL);
		if (prune(archive, NULL, &all, &ours, NULL) != ST_OK)
			return &is_over;
		while (atomic_load(&stored) == last && !atomic_load(&is_over))
			(void)sched_yield();
		last = atomic_load(&stored);
	}
	return NULL;
}

static enum status
store_batch(unsigned number)
{
	struct archive_batch *batch = archive_batch_new(archive, &fault);
	enum status st = batch != NULL ? ST_OK : ST_ARCHIVE;

	for (unsigned i = 0; i < 4 && st == ST_OK; i++)
		st = prepare(&(struct given){ number * 4 + i, DAY0 + i % 2 * 40,
				 1, i % 3 == 0, true },
		    batch, NULL);
	if (st == ST_OK)
		st = archive_batch_commit(batch, &fault);
	archive_batch_free(&batch);
	return st;
}

/* Directories go while the milter adds to them, or a batch is added. */
START_TEST(who_adds_meanwhile_is_not_disturbed)
{
	enum status st = ST_OK;
	pthread_t thread;
	void *result;
	unsigned i;

	atomic_store(&is_over, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, prune_again, NULL), 0);
	for (i = 0; i < 100 && st == ST_OK; i++) {
		st = _i == 0 ? store(&(struct given){ i, DAY0 + i % 2 * 40, 1,
					 i % 3 == 0, i % 2 == 0 },
				   NULL)
			     : store_batch(i);
		(void)atomic_fetch_add(&stored, 1);
	}
	atomic_store(&is_over, true);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_msg(
	    st == ST_OK, "%u: %s: %s", i, status_str(st), fault.detail);
	ck_assert_ptr_null(result);
}
END_TEST

Suite *
prune_suite(void)
{
	Suite *suite = suite_create("prune");
	TCase *tcase = tcase_create("prune");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, what_is_old_goes, 0, 2);
	tcase_add_test(tcase, bytes_are_counted);
	tcase_add_test(tcase, ranges_are_looked_at);
	tcase_add_test(tcase, what_lies_ahead_goes);
	tcase_add_test(tcase, what_is_not_ours_stays);
	tcase_add_test(tcase, links_are_not_followed);
	tcase_add_test(tcase, leftovers_go);
	tcase_add_test(tcase, a_dry_run_counts);
	tcase_add_loop_test(tcase, halves_are_mended, 0, 3);
	tcase_add_test(tcase, a_state_in_trouble);
	tcase_add_test(tcase, no_archive);
	tcase_add_loop_test(tcase, who_adds_meanwhile_is_not_disturbed, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
