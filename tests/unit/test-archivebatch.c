#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archivebatch.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

#define REPORT(id, day)                                                        \
	"{\"organization-name\":\"O\",\"report-id\":\"" id                     \
	"\",\"date-range\":{\"start-datetime\":\"2024-02-" day                 \
	"T00:00:00Z\",\"end-datetime\":\"2024-02-" day                         \
	"T23:59:59Z\"},\"policies\":[{\"policy\":{\"policy-type\":\"sts\","    \
	"\"policy-domain\":\"d.example\"},\"summary\":{"                       \
	"\"total-successful-session-count\":1,"                                \
	"\"total-failure-session-count\":0}}]}"

static char dir[256];

/* One report, read. */
struct sample {
	struct buf text;
	struct report report;
	struct assessment assessment;
	struct record record;
};

static struct sample samples[3];

static void
make_sample(struct sample *sample, const char *text)
{
	struct conf *conf = conf_new();

	buf_init(&sample->text, 1 << 20);
	ck_status("text", buf_adds(&sample->text, text), ST_OK);
	ck_status("read",
	    report_read(
		&sample->report, sample->text.data, sample->text.len, 0, NULL),
	    ST_OK);
	ck_status("assess",
	    assess_report(&sample->report, conf, &sample->assessment), ST_OK);
	conf_unref(&conf);
	sample->record = (struct record){
		.received = 1709280000,
		.submitter = "google.com",
		.report = &sample->report,
		.assessment = &sample->assessment,
		.text = &sample->text,
	};
}

static void
setup(void)
{
	char top[200];

	unit_directory(top, sizeof top);
	(void)snprintf(dir, sizeof dir, "%s/archive", top);
	ck_status("check", archive_check(dir, NULL), ST_OK);
	make_sample(&samples[0], REPORT("a", "28"));
	make_sample(&samples[1], REPORT("b", "29"));
	make_sample(&samples[2], REPORT("c", "28"));
}

static void
teardown(void)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		buf_free(&samples[i].text);
}

static size_t
count_tmp(void)
{
	char tmp[300];

	archive_tmp(dir, tmp, sizeof tmp);
	return unit_count_files(tmp);
}

static struct spool *
make_message(void)
{
	char tmp[300];
	struct spool *message;

	archive_tmp(dir, tmp, sizeof tmp);
	message = spool_new(tmp, 1 << 20);
	ck_assert_ptr_nonnull(message);
	ck_status(
	    "message", spool_add(message, BYTES("gzip bytes"), NULL), ST_OK);
	return message;
}

static void
add(struct archive_batch *batch, size_t i, struct spool *message)
{
	ck_status("add",
	    archive_batch_add(batch, &samples[i].record, NULL, message, NULL),
	    ST_OK);
}

START_TEST(nothing_has_a_name_before_the_commit)
{
	struct archive_batch *batch = archive_batch_new(dir, NULL);
	struct spool *message = make_message();

	ck_assert_ptr_nonnull(batch);
	ck_status("none", archive_batch_commit(batch, NULL), ST_OK);
	add(batch, 0, NULL);
	add(batch, 1, message);
	add(batch, 2, NULL);
	ck_assert_uint_eq(count_tmp(), 4);
	ck_assert_uint_eq(unit_count_files(dir), 4);
	ck_status("commit", archive_batch_commit(batch, NULL), ST_OK);
	ck_assert_uint_eq(count_tmp(), 0);
	ck_assert_uint_eq(unit_count_files(dir), 4);
	ck_assert_uint_eq(archive_batch_count(batch), 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert(!archive_batch_entry(batch, i)->is_duplicate);
	spool_free(&message);
	archive_batch_free(&batch);
	ck_assert_ptr_null(batch);
	archive_batch_free(&batch);
	ck_assert_uint_eq(unit_count_files(dir), 4);
}
END_TEST

static void
read_file(const char *path, struct buf *out)
{
	char whole[1024];

	(void)snprintf(whole, sizeof whole, "%s/%s", dir, path);
	buf_init(out, 1 << 20);
	ck_assert_msg(unit_slurp(whole, out), "%s", whole);
}

START_TEST(a_record_is_what_archive_store_makes)
{
	struct archive_batch *batch = archive_batch_new(dir, NULL);
	struct archived one;
	struct buf want, got;
	char other[400];

	(void)snprintf(other, sizeof other, "%s/other", dir);
	ck_status("other", archive_check(other, NULL), ST_OK);
	add(batch, 0, NULL);
	ck_status("commit", archive_batch_commit(batch, NULL), ST_OK);
	ck_status("store",
	    archive_store(other, &samples[0].record, NULL, &one, NULL), ST_OK);
	ck_assert_str_eq(archive_batch_entry(batch, 0)->path, one.path);
	read_file(one.path, &got);
	(void)snprintf(other, sizeof other, "other/%s", one.path);
	read_file(other, &want);
	ck_bytes("record", got.data, got.len, want.data, want.len);
	buf_free(&got);
	buf_free(&want);
	archive_batch_free(&batch);
}
END_TEST

START_TEST(the_same_report_is_the_same_file)
{
	struct archive_batch *batch = archive_batch_new(dir, NULL);
	struct archive_batch *later = archive_batch_new(dir, NULL);
	struct archived one;

	ck_status("store",
	    archive_store(dir, &samples[1].record, NULL, &one, NULL), ST_OK);
	/* Twice in one batch, one that is there, and one that comes. */
	add(batch, 0, NULL);
	add(batch, 0, NULL);
	add(batch, 1, NULL);
	add(batch, 2, NULL);
	add(later, 2, NULL);
	ck_status("later", archive_batch_commit(later, NULL), ST_OK);
	ck_status("commit", archive_batch_commit(batch, NULL), ST_OK);
	ck_assert(!archive_batch_entry(batch, 0)->is_duplicate);
	ck_assert(archive_batch_entry(batch, 1)->is_duplicate);
	ck_assert(archive_batch_entry(batch, 2)->is_duplicate);
	ck_assert_str_eq(archive_batch_entry(batch, 2)->path, one.path);
	ck_assert(archive_batch_entry(batch, 3)->is_duplicate);
	ck_assert_uint_eq(unit_count_files(dir), 3);
	ck_assert_uint_eq(count_tmp(), 0);
	archive_batch_free(&batch);
	archive_batch_free(&later);
}
END_TEST

/* As a power failure leaves what archive_write() has written. */
START_TEST(what_is_not_whole_is_no_duplicate)
{
	struct archive_batch *batch = archive_batch_new(dir, NULL);
	struct archived one;
	struct buf before, after;
	char whole[1024];

	ck_status("write",
	    archive_write(dir, &samples[1].record, NULL, &one, NULL), ST_OK);
	read_file(one.path, &before);
	(void)snprintf(whole, sizeof whole, "%s/%s", dir, one.path);
	ck_assert_int_eq(truncate(whole, 100), 0);
	add(batch, 1, NULL);
	ck_status("commit", archive_batch_commit(batch, NULL), ST_OK);
	ck_assert(!archive_batch_entry(batch, 0)->is_duplicate);
	read_file(one.path, &after);
	ck_bytes("record", after.data, after.len, before.data, before.len);
	buf_free(&before);
	buf_free(&after);
	archive_batch_free(&batch);
}
END_TEST

/* It may be that of a record which is to get its name at this moment. */
START_TEST(a_message_beside_no_record_stays_until_the_commit)
{
	struct archive_batch *batch = archive_batch_new(dir, NULL);
	struct spool *message = make_message();
	struct archived one;
	struct buf got;
	char whole[1024], *ending;
	FILE *file;

	ck_status("store",
	    archive_store(dir, &samples[1].record, message, &one, NULL), ST_OK);
	(void)snprintf(whole, sizeof whole, "%s/%s", dir, one.path);
	ck_assert_int_eq(unlink(whole), 0);
	ending = strrchr(whole, '.');
	(void)snprintf(ending, 8, ".eml.gz");
	file = fopen(whole, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fclose(file), 0);
	add(batch, 1, message);
	ck_assert_int_eq(access(whole, F_OK), 0);
	ck_status("commit", archive_batch_commit(batch, NULL), ST_OK);
	buf_init(&got, 1 << 20);
	ck_assert(unit_slurp(whole, &got));
	ck_bytes("message", got.data, got.len, "gzip bytes", 10);
	buf_free(&got);
	spool_free(&message);
	archive_batch_free(&batch);
}
END_TEST

/* As a power failure leaves it: of two in one batch one is counted. */
START_TEST(what_is_not_whole_is_written_once)
{
	struct archive_batch *batch = archive_batch_new(dir, NULL);
	struct archived one;
	char whole[1024];

	ck_status("store",
	    archive_store(dir, &samples[1].record, NULL, &one, NULL), ST_OK);
	(void)snprintf(whole, sizeof whole, "%s/%s", dir, one.path);
	ck_assert_int_eq(truncate(whole, 0), 0);
	add(batch, 1, NULL);
	add(batch, 1, NULL);
	ck_status("commit", archive_batch_commit(batch, NULL), ST_OK);
	ck_assert(!archive_batch_entry(batch, 0)->is_duplicate);
	ck_assert(archive_batch_entry(batch, 1)->is_duplicate);
	ck_assert_uint_eq(unit_count_files(dir), 1);
	ck_assert_uint_eq(count_tmp(), 0);
	archive_batch_free(&batch);
}
END_TEST

START_TEST(the_sha256_of_the_sender)
{
	static const char sha256[] = "0123456789abcdef0123456789abcdef"
				     "0123456789abcdef0123456789abcdef";
	struct archive_batch *batch = archive_batch_new(dir, NULL);

	ck_status("add",
	    archive_batch_add(batch, &samples[0].record, sha256, NULL, NULL),
	    ST_OK);
	ck_status("commit", archive_batch_commit(batch, NULL), ST_OK);
	ck_assert_str_eq(archive_batch_entry(batch, 0)->sha256, sha256);
	ck_assert_ptr_nonnull(strstr(
	    archive_batch_entry(batch, 0)->path, "!0123456789abcdef.json"));
	archive_batch_free(&batch);
}
END_TEST

START_TEST(what_is_forgotten_is_gone)
{
	struct archive_batch *batch = archive_batch_new(dir, NULL);

	add(batch, 0, NULL);
	archive_batch_clear(batch);
	ck_assert_uint_eq(archive_batch_count(batch), 0);
	ck_assert_uint_eq(unit_count_files(dir), 0);
	add(batch, 0, NULL);
	archive_batch_free(&batch);
	ck_assert_uint_eq(unit_count_files(dir), 0);
}
END_TEST

START_TEST(the_archive_may_be_gone)
{
	struct fault fault = { 0 };

	ck_assert_ptr_null(archive_batch_new("/nonexistent/archive", &fault));
	ck_status("fault", fault.status, ST_ARCHIVE);
}
END_TEST

/* Two records and a message; no assertion in it. */
static enum status
store_some(struct spool *message, struct fault *fault)
{
	struct archive_batch *batch = archive_batch_new(dir, fault);
	enum status st;

	if (batch == NULL)
		return fault->status;
	st = archive_batch_add(batch, &samples[0].record, NULL, message, fault);
	if (st == ST_OK)
		st = archive_batch_add(
		    batch, &samples[1].record, NULL, NULL, fault);
	if (st == ST_OK)
		st = archive_batch_commit(batch, fault);
	archive_batch_free(&batch);
	return st;
}

START_TEST(every_call_may_fail)
{
	static const enum inject kinds[] = { INJECT_MEMORY, INJECT_WRITE,
		INJECT_FILE, INJECT_DIGEST };
	struct spool *message = make_message();
	size_t descriptors = unit_count_descriptors();
	unsigned n;

	for (n = 1;; n++) {
		struct fault fault = { .status = ST_OK };
		enum status st;

		inject_arm(kinds[_i], n);
		st = store_some(message, &fault);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
		ck_assert_msg(status_is_failure(st), "%s", status_str(st));
		ck_status("fault", fault.status, st);
		/* Nothing has appeared, and nothing is left. */
		ck_assert_uint_eq(unit_count_files(dir), 0);
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_eq(unit_count_files(dir), 3);
	spool_free(&message);
}
END_TEST

/* Without syncfs() each file is synced, and that may fail, too. */
START_TEST(a_file_system_that_cannot_be_synced_as_a_whole)
{
	struct fault fault = { .status = ST_OK };
	unsigned n;

	inject_no_syncfs(true);
	for (n = 1;; n++) {
		enum status st;

		inject_arm(INJECT_SYNC, n);
		st = store_some(NULL, &fault);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_status("failed", st, ST_ARCHIVE);
		ck_assert_uint_eq(unit_count_files(dir), 0);
	}
	inject_no_syncfs(false);
	/* Two files and their two days, and what had to be made for those. */
	ck_assert_uint_gt(n, 4);
	ck_assert_uint_eq(unit_count_files(dir), 2);
}
END_TEST

START_TEST(without_renameat2)
{
	enum status st;
	struct fault fault;

	for (unsigned n = 1;; n++) {
		inject_arm(INJECT_FLAGS, n);
		st = store_some(NULL, &fault);
		if (!inject_disarm())
			break;
		ck_status("linked", st, ST_OK);
	}
	ck_assert_uint_eq(unit_count_files(dir), 2);
	ck_assert_uint_eq(count_tmp(), 0);
}
END_TEST

Suite *
archivebatch_suite(void)
{
	Suite *suite = suite_create("archivebatch");
	TCase *tc = tcase_create("archivebatch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_has_a_name_before_the_commit);
	tcase_add_test(tc, a_record_is_what_archive_store_makes);
	tcase_add_test(tc, the_same_report_is_the_same_file);
	tcase_add_test(tc, what_is_not_whole_is_no_duplicate);
	tcase_add_test(tc, a_message_beside_no_record_stays_until_the_commit);
	tcase_add_test(tc, what_is_not_whole_is_written_once);
	tcase_add_test(tc, the_sha256_of_the_sender);
	tcase_add_test(tc, what_is_forgotten_is_gone);
	tcase_add_test(tc, the_archive_may_be_gone);
	tcase_add_loop_test(tc, every_call_may_fail, 0, 4);
	tcase_add_test(tc, a_file_system_that_cannot_be_synced_as_a_whole);
	tcase_add_test(tc, without_renameat2);
	suite_add_tcase(suite, tc);
	return suite;
}
