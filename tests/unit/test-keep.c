#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"
#include "keep.h"
#include "listener.h"
#include "suites.h"
#include "unit.h"

/* sha256sum of the bytes below. */
#define SHA256                                                                 \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static char dir[256], archive[300], socket_path[300];
static int fd;
static struct log *the_log;
static struct conf *conf;
static const struct intake_origin origin = { .queue_id = "K1" };

static void
setup(void)
{
	static struct log_paths paths;

	unit_directory(dir, sizeof dir);
	(void)snprintf(archive, sizeof archive, "%s/archive", dir);
	(void)snprintf(socket_path, sizeof socket_path, "%s/log", dir);
	paths = (struct log_paths){ socket_path, "/nonexistent" };
	fd = listener_open(socket_path);
	ck_status("check", archive_check(archive, NULL), ST_OK);
	conf = unit_conf("Mailbox a@b\nLogTarget syslog\n");
	the_log = log_new(conf, &paths);
	ck_assert_ptr_nonnull(the_log);
}

static void
teardown(void)
{
	log_free(&the_log, 0);
	conf_unref(&conf);
	(void)close(fd);
}

static enum status
take(struct fault *fault)
{
	struct keep *keep = keep_new(archive);
	enum status st = ST_NO_MEMORY;

	if (keep != NULL)
		st = keep_more(keep, "ab", 2);
	if (st == ST_OK)
		st = keep_more(keep, "c", 1);
	if (st == ST_OK)
		st = keep_finish(keep, the_log, &origin, fault);
	keep_free(&keep);
	ck_assert_ptr_null(keep);
	return st;
}

START_TEST(it_is_named_by_its_bytes)
{
	struct fault fault;
	char line[1024];
	ssize_t n;

	/* The same twice is the same file; each time it is said. */
	for (int i = 0; i < 2; i++) {
		ck_status("keep", take(&fault), ST_OK);
		ck_assert_uint_eq(unit_count_files(archive), 1);
		n = read(fd, line, sizeof line - 1);
		ck_assert_int_gt(n, 0);
		line[n] = '\0';
		ck_assert_ptr_nonnull(strstr(line, ": K1: event=kept"));
		ck_assert_ptr_nonnull(strstr(line, "archive=unreadable/"));
		ck_assert_ptr_nonnull(strstr(line, "/" SHA256 ".eml.gz"));
	}
}
END_TEST

START_TEST(every_call_may_fail)
{
	unsigned n;

	for (n = 1;; n++) {
		struct fault fault = { 0 };
		enum status st;

		inject_arm(INJECT_MEMORY | INJECT_ZLIB, n);
		st = take(&fault);
		/* What fails leaves nothing; a line of the log may. */
		if (!inject_disarm() || st == ST_OK) {
			ck_status("all", st, ST_OK);
			ck_assert_uint_eq(unit_count_files(archive), 1);
			break;
		}
		ck_assert_uint_eq(unit_count_files(archive), 0);
	}
	ck_assert_uint_gt(n, 3);
}
END_TEST

Suite *
keep_suite(void)
{
	Suite *suite = suite_create("keep");
	TCase *tc = tcase_create("keep");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_is_named_by_its_bytes);
	tcase_add_test(tc, every_call_may_fail);
	suite_add_tcase(suite, tc);
	return suite;
}
