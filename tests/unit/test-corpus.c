/*
 * Reports that were really sent, where they are at hand: the files that
 * ../shared/corpus/INDEX.tsv names (CORPUS in the environment is another
 * place), each with the totals given there. They are read in place.
 */
#define _GNU_SOURCE /* strsep() */

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ijson.h"
#include "reading.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

enum {
	ROWS_MAX = 500,
	FILE_MAX = 8 << 20
};

/* The columns of the index that are looked at. */
enum column {
	PATH,
	KIND,
	SENDER,
	POLICIES = 9,
	SUCCESSFUL,
	FAILED,
	FAILURE_DETAILS,
	COLUMNS
};

static char *row[ROWS_MAX][COLUMNS];
static int row_count;
static char *torture[ROWS_MAX];
static int torture_count;
static char *index_text;

static const char *
corpus(void)
{
	const char *path = getenv("CORPUS");

	return path != NULL && path[0] != '\0' ? path : "../shared/corpus";
}

/* Cut the index into rows and columns; its first line names them. */
static void
read_index(void)
{
	char path[512];
	struct buf text;
	char *line, *rest;

	(void)snprintf(path, sizeof path, "%s/INDEX.tsv", corpus());
	buf_init(&text, FILE_MAX);
	if (!unit_exists(path) || !unit_slurp(path, &text) || text.len == 0) {
		buf_free(&text);
		return;
	}
	rest = index_text = text.data;
	(void)strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) != NULL && row_count < ROWS_MAX) {
		int n = 0;

		while (n < COLUMNS && line != NULL)
			row[row_count][n++] = strsep(&line, "\t");
		row_count += n == COLUMNS;
	}
}

static void
read_torture(void)
{
	char path[512];
	struct dirent *entry;
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/mime-torture", corpus());
	dir = opendir(path);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL && torture_count < ROWS_MAX) {
		if (text_isuffix(entry->d_name, ".eml"))
			torture[torture_count++] = strdup(entry->d_name);
	}
	(void)closedir(dir);
}

static void
slurp(const char *name, struct buf *out)
{
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/%s", corpus(), name);
	buf_init(out, FILE_MAX);
	ck_assert_msg(unit_slurp(path, out), "%s: cannot be read", path);
}

static struct extract *
extract_of(size_t way, const struct buf *mail, const char *dir)
{
	struct extract_limits limits = {
		.message_max = FILE_MAX,
		.mime = { MIME_DEPTH_MAX, MIME_PARTS_MAX },
		.spool_dir = dir,
	};
	struct extract *ex = extract_new(&limits);
	struct extract_raw raw;
	enum status st = ST_OK;

	ck_assert_ptr_nonnull(ex);
	extract_raw_init(&raw, ex, NULL);
	if (way == 0)
		st = extract_raw_more(&raw, mail->data, mail->len);
	for (size_t i = 0; way == 1 && i < mail->len && st == ST_OK; i++)
		st = extract_raw_more(&raw, mail->data + i, 1);
	ck_status("raw", st, ST_OK);
	ck_status("raw", extract_raw_finish(&raw), ST_OK);
	(void)extract_finish(ex, NULL);
	return ex;
}

/* The one report of a file, however it comes. */
static void
read_row(int i, size_t way, struct reading *reading, const struct conf *conf)
{
	const char *name = row[i][PATH];
	struct fault fault = { 0 };
	size_t reports = 0;
	struct extract *ex;
	struct buf file;
	char dir[512];
	enum status st;

	slurp(name, &file);
	if (strcmp(row[i][KIND], "eml") != 0) {
		deviations dev = 0;

		st = ijson_check(file.data, file.len, NULL, &dev, &fault);
		if (st == ST_OK)
			st = reading_span(reading,
			    json_root(file.data, file.len), dev, conf, &fault);
		ck_assert_msg(st == ST_OK, "%s: %s", name, fault.detail);
		ck_string(
		    name, reading->report.organization_name, row[i][SENDER]);
		buf_free(&file);
		return;
	}
	unit_directory(dir, sizeof dir);
	ex = extract_of(way, &file, dir);
	ck_assert_msg(extract_claims_report(ex), "%s: claims nothing", name);
	for (size_t c = 0; c < extract_count(ex); c++) {
		struct reading other;

		reading_init(&other, conf);
		st = reading_candidate(&other, ex, c, conf, &fault);
		reading_clear(&other);
		if (st == ST_OK) {
			reports++;
			st = reading_candidate(reading, ex, c, conf, &fault);
		}
		ck_assert_msg(st == ST_OK || st == ST_NOT_A_REPORT, "%s: %s",
		    name, fault.detail);
	}
	ck_assert_msg(reports == 1, "%s: %zu reports", name, reports);
	ck_string(name, reading->report.organization_name, row[i][SENDER]);
	extract_free(&ex);
	buf_free(&file);
}

START_TEST(totals_are_those_of_the_index)
{
	struct conf *conf = conf_new();

	for (size_t way = 0; way < 2; way++) {
		struct reading reading;
		char got[256], want[256];

		reading_init(&reading, conf);
		read_row(_i, way, &reading, conf);
		(void)snprintf(got, sizeof got, "%llu %llu %llu %llu",
		    (unsigned long long)reading.assessment.policies,
		    (unsigned long long)reading.assessment.totals.successful,
		    (unsigned long long)reading.assessment.totals.failed,
		    (unsigned long long)reading.assessment.failures);
		(void)snprintf(want, sizeof want, "%s %s %s %s",
		    row[_i][POLICIES], row[_i][SUCCESSFUL], row[_i][FAILED],
		    row[_i][FAILURE_DETAILS]);
		ck_string(row[_i][PATH], got, want);
		reading_clear(&reading);
	}
	conf_unref(&conf);
}
END_TEST

/* No reports; what matters is that they end, and end alike. */
START_TEST(torture_mails_end_alike)
{
	char name[512], dir[512];
	struct extract *whole, *bytes;
	struct buf file;

	(void)snprintf(name, sizeof name, "mime-torture/%s", torture[_i]);
	slurp(name, &file);
	unit_directory(dir, sizeof dir);
	whole = extract_of(0, &file, dir);
	bytes = extract_of(1, &file, dir);
	ck_assert_uint_eq(extract_count(whole), extract_count(bytes));
	ck_status(
	    name, extract_finish(whole, NULL), extract_finish(bytes, NULL));
	for (size_t i = 0; i < extract_count(whole); i++) {
		struct buf a, b;
		deviations dev_a, dev_b;

		buf_init(&a, FILE_MAX);
		buf_init(&b, FILE_MAX);
		ck_status(name, extract_decode(whole, i, &a, &dev_a, NULL),
		    extract_decode(bytes, i, &b, &dev_b, NULL));
		ck_deviations(name, dev_a, dev_b);
		ck_bytes(name, a.data, a.len, b.data, b.len);
		buf_free(&a);
		buf_free(&b);
	}
	extract_free(&whole);
	extract_free(&bytes);
	buf_free(&file);
}
END_TEST

Suite *
corpus_suite(void)
{
	Suite *suite = suite_create("corpus");
	TCase *tc = tcase_create("corpus");

	read_index();
	read_torture();
	if (row_count == 0)
		(void)printf("%s/INDEX.tsv is not there: the corpus is not "
			     "tested\n",
		    corpus());
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, totals_are_those_of_the_index, 0, row_count);
	tcase_add_loop_test(tc, torture_mails_end_alike, 0, torture_count);
	suite_add_tcase(suite, tc);
	return suite;
}
