#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "feed.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

/*
 * What the intake was fed with shows in the message that it keeps: with
 * ArchiveMessage, beside the record.
 */

#define REPORT                                                                 \
	"{\"organization-name\":\"O\",\"report-id\":\"i\",\"date-range\":{"    \
	"\"start-datetime\":\"2026-02-12T00:00:00Z\",\"end-datetime\":"        \
	"\"2026-02-12T23:59:59Z\"},\"policies\":[{\"policy\":{\"policy-type\"" \
	":\"sts\",\"policy-domain\":\"d.example\"},\"summary\":{\"total-"      \
	"successful-session-count\":1,\"total-failure-session-count\":0}}]}"
#define FIELDS(nl)                                                             \
	"Subject:  a" nl "\tb" nl "X:" nl                                      \
	"Content-Type: application/tlsrpt+json" nl

static char dir[256];

static void
setup(void)
{
	unit_directory(dir, sizeof dir);
}

static void
feed_all(void *ctx, const char *data, size_t len)
{
	ck_status("more", feed_more(ctx, data, len), ST_OK);
}

/* Feed an intake in some way; what it has kept is appended to out. */
static void
keep(size_t way, const char *data, size_t len, struct buf *out)
{
	static const struct intake_origin origin = { .queue_id = "4XyZ1k2" };
	char text[1024], archive[300], path[1024];
	struct intake_site site;
	struct outcome outcome;
	struct conf *conf;
	struct feed feed;
	struct log *log;
	struct intake *intake;
	struct buf packed;

	(void)snprintf(archive, sizeof archive, "%s/%zu", dir, way);
	(void)snprintf(text, sizeof text,
	    "Mailbox a@b\nArchiveDirectory %s\nLogTarget syslog\nDKIM off\n"
	    "ArchiveMessage yes\n",
	    archive);
	conf = unit_conf(text);
	ck_status("check", archive_check(archive, NULL), ST_OK);
	log = log_new(
	    conf, &(struct log_paths){ "/nonexistent", "/nonexistent" });
	intake_site_init(&site, log, NULL, NULL, NULL);
	intake = intake_new(&site, conf, NULL);
	ck_assert_ptr_nonnull(intake);
	feed_init(&feed, intake);
	unit_feed(way, data, len, feed_all, &feed);
	ck_status("finish", feed_finish(&feed), ST_OK);
	(void)intake_finish(intake, &origin, &outcome);
	ck_assert_uint_eq(outcome.reports, 1);
	intake_free(&intake);
	log_free(&log, 0);
	conf_unref(&conf);
	(void)snprintf(path, sizeof path, "cat %s/2026/02/12/*.eml.gz >%s/kept",
	    archive, archive);
	ck_assert_int_eq(system(path), 0);
	(void)snprintf(path, sizeof path, "%s/kept", archive);
	buf_init(&packed, 1 << 20);
	ck_assert(unit_slurp(path, &packed));
	ck_assert(unit_gunzip(out, packed.data, packed.len));
	buf_free(&packed);
}

static const struct {
	const char *name, *message, *want;
} rows[] = {
	{ "CRLF", FIELDS("\r\n") "\r\n" REPORT "\r\n",
	    FIELDS("\r\n") "\r\n" REPORT "\r\n" },
	{ "LF", FIELDS("\n") "\n" REPORT "\n\n",
	    FIELDS("\r\n") "\r\n" REPORT "\r\n\r\n" },
	{ "no line end at the end", FIELDS("\n") "\n" REPORT,
	    FIELDS("\r\n") "\r\n" REPORT "\r\n" },
	{ "From line", "From a Thu Jan  1\n" FIELDS("\n") "\n" REPORT "\n",
	    FIELDS("\r\n") "\r\n" REPORT "\r\n" },
};

START_TEST(as_a_milter_has_it)
{
	size_t len = strlen(rows[_i].message);

	/* Pieces cut at every seventh place are enough of new archives. */
	for (size_t way = 0; way < unit_ways(len); way += way < 2 ? 1 : 7) {
		struct buf out;

		buf_init(&out, 1 << 20);
		keep(way, rows[_i].message, len, &out);
		ck_bytes(rows[_i].name, out.data, out.len, rows[_i].want,
		    strlen(rows[_i].want));
		buf_free(&out);
	}
}
END_TEST

START_TEST(memory_may_fail)
{
	struct conf *conf = unit_conf("Mailbox a@b\nDKIM off\n");
	struct log *log = log_new(
	    conf, &(struct log_paths){ "/nonexistent", "/nonexistent" });
	struct intake_site site;
	struct feed feed;
	unsigned n;

	intake_site_init(&site, log, NULL, NULL, NULL);
	for (n = 1;; n++) {
		struct intake *intake = intake_new(&site, conf, NULL);
		enum status st;

		ck_assert_ptr_nonnull(intake);
		inject_arm(INJECT_MEMORY, n);
		feed_init(&feed, intake);
		st = feed_more(&feed, BYTES("A: b\n c\nD:\n\n"));
		if (feed_finish(&feed) != ST_OK && st == ST_OK)
			st = ST_NO_MEMORY;
		intake_free(&intake);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_status("failed", st, ST_NO_MEMORY);
		ck_assert_uint_eq(inject_leaks(), 0);
	}
	ck_assert_uint_gt(n, 1);
	log_free(&log, 0);
	conf_unref(&conf);
}
END_TEST

Suite *
feed_suite(void)
{
	Suite *suite = suite_create("feed");
	TCase *tc = tcase_create("feed");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, as_a_milter_has_it, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, memory_may_fail);
	suite_add_tcase(suite, tc);
	return suite;
}
