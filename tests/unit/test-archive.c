#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "archive.h"
#include "inject.h"
#include "json.h"
#include "suites.h"
#include "unit.h"

static char dir[512];   /* the archive */
static char tmp[600];   /* where it keeps what is not whole yet */
static struct buf text; /* the report's */
static struct report report;
static struct assessment assessment;
static struct record record;

#define POLICIES                                                               \
	"\"policies\":[{\"policy\":{\"policy-type\":\"sts\",\"policy-"         \
	"domain\":"                                                            \
	"\"d.example\"},\"summary\":{\"total-successful-session-count\":1,"    \
	"\"total-failure-session-count\":0}}]}"
#define REPORT                                                                 \
	"{ \"organization-name\":\"O\",\n \"report-id\":\"i\",\"date-range\":" \
	"{\"start-datetime\":\"2024-02-29T00:00:00Z\",\"end-datetime\":"       \
	"\"2024-02-29T23:59:59Z\"}," POLICIES

/* sha256sum of REPORT is not written down: it is asked of the module, whose
   answer for known texts is tested by itself. */
static void
use_report(const char *string)
{
	struct conf *conf = conf_new();

	buf_free(&text);
	buf_init(&text, 1 << 20);
	ck_status("text", buf_adds(&text, string), ST_OK);
	ck_status(
	    "read", report_read(&report, text.data, text.len, 0, NULL), ST_OK);
	ck_status("assess", assess_report(&report, conf, &assessment), ST_OK);
	conf_unref(&conf);
	record = (struct record){
		.received = 1709280000,
		.queue_id = "4XyZ1k2",
		.envelope_from = "a@google.com",
		.client = "mail.google.com [192.0.2.1]",
		.message_id = "<m@google.com>",
		.subject = "Report \"x\"",
		.submitter = "google.com",
		.report = &report,
		.assessment = &assessment,
		.text = &text,
	};
}

static void
setup(void)
{
	char top[256];

	unit_directory(top, sizeof top);
	(void)snprintf(dir, sizeof dir, "%s/archive", top);
	archive_tmp(dir, tmp, sizeof tmp);
	ck_status("check", archive_check(dir, NULL), ST_OK);
	use_report(REPORT);
}

static void
teardown(void)
{
	buf_free(&text);
}

START_TEST(digests_of_known_texts)
{
	static const struct {
		const char *string, *want;
	} rows[] = {
		{ "",
		    "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
		{ "abc",
		    "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[ARCHIVE_SHA256_MAX];
		struct buf in;

		buf_init(&in, 100);
		if (rows[i].string[0] != '\0')
			ck_status("in", buf_adds(&in, rows[i].string), ST_OK);
		ck_status("sha256", archive_sha256(&in, out), ST_OK);
		ck_assert_str_eq(out, rows[i].want);
		buf_free(&in);
	}
}
END_TEST

/* Read DIRECTORY/PATH. */
static void
slurp(const char *path, struct buf *out)
{
	char whole[1024];

	(void)snprintf(whole, sizeof whole, "%s/%s", dir, path);
	buf_init(out, 1 << 20);
	ck_assert_msg(unit_slurp(whole, out), "%s", whole);
}

START_TEST(a_record_is_one_line)
{
	char sha256[ARCHIVE_SHA256_MAX], want[2048];
	struct archived archived = { .is_duplicate = true };
	struct buf got;

	ck_status("sha256", archive_sha256(&text, sha256), ST_OK);
	ck_status(
	    "store", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	ck_assert(!archived.is_duplicate);
	(void)snprintf(want, sizeof want,
	    "2024/02/29/google.com!d.example!1709164800!1709251199!%.16s.json",
	    sha256);
	ck_assert_str_eq(archived.path, want);
	(void)snprintf(want, sizeof want,
	    "{\"received\":\"2024-03-01T08:00:00Z\",\"queue-id\":\"4XyZ1k2\","
	    "\"envelope-from\":\"a@google.com\","
	    "\"client\":\"mail.google.com [192.0.2.1]\","
	    "\"message-id\":\"<m@google.com>\","
	    "\"subject\":\"Report \\\"x\\\"\",\"submitter\":\"google.com\","
	    "\"sha256\":\"%s\",\"deviations\":[],\"severity\":\"info\","
	    "\"report\":{\"organization-name\":\"O\",\"report-id\":\"i\","
	    "\"date-range\":{\"start-datetime\":\"2024-02-29T00:00:00Z\","
	    "\"end-datetime\":\"2024-02-29T23:59:59Z\"}," POLICIES "}\n",
	    sha256);
	slurp(archived.path, &got);
	ck_bytes("record", got.data, got.len, want, strlen(want));
	buf_free(&got);
	ck_assert_uint_eq(unit_count_files(dir), 1);
}
END_TEST

/* Its verdict is in the record, and it lies apart when it does not count. */
START_TEST(a_record_tells_the_verdict)
{
	static const struct verdict fail = {
		.result = VERDICT_FAIL,
		.reason = REASON_BODY_HASH,
		.domain = "g.example",
		.selector = "s\"1",
	};
	static const struct verdict pass = {
		.result = VERDICT_PASS,
		.dnssec = DNSSEC_SECURE,
		.domain = "g.example",
	};
	static const struct verdict off = { .result = VERDICT_OFF };
	static const struct {
		const struct verdict *verdict;
		bool is_unverified;
		const char *path, *want;
	} records[] = {
		{ &fail, true, "unverified/2024/02/29/google.com!d.example!",
		    "\"severity\":\"info\",\"dkim\":{\"result\":\"fail\","
		    "\"domain\":\"g.example\",\"selector\":\"s\\\"1\","
		    "\"reason\":\"body-hash\"},\"report\":{" },
		{ &fail, false, "2024/02/29/google.com!d.example!",
		    "\"dkim\":{\"result\":\"fail\"," },
		{ &pass, false, "2024/02/29/google.com!d.example!",
		    "\"dkim\":{\"result\":\"pass\",\"domain\":\"g.example\","
		    "\"dnssec\":\"secure\"},\"report\":{" },
		{ &off, false, "2024/02/29/google.com!d.example!",
		    "\"severity\":\"info\",\"report\":{" },
	};
	struct archived archived;
	struct buf got;

	record.verdict = records[_i].verdict;
	record.is_unverified = records[_i].is_unverified;
	ck_status(
	    "store", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	ck_assert_msg(strncmp(archived.path, records[_i].path,
			  strlen(records[_i].path)) == 0,
	    "%s", archived.path);
	slurp(archived.path, &got);
	ck_assert_msg(strstr(got.data, records[_i].want) != NULL, "%s in %s",
	    records[_i].want, got.data);
	buf_free(&got);
	/* A forgery does not stand in the way of the genuine one. */
	record.is_unverified = !record.is_unverified;
	ck_status(
	    "store", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	ck_assert(!archived.is_duplicate);
}
END_TEST

static unsigned
mode_of(const char *path)
{
	char whole[1024];
	struct stat st;

	(void)snprintf(whole, sizeof whole, "%s/%s", dir, path);
	ck_assert_msg(stat(whole, &st) == 0, "%s", whole);
	return st.st_mode & 07777;
}

static struct spool *
make_message(void)
{
	struct spool *message = spool_new(tmp, 1 << 20);

	ck_assert_ptr_nonnull(message);
	ck_status(
	    "message", spool_add(message, BYTES("gzip bytes"), NULL), ST_OK);
	return message;
}

START_TEST(the_message_lies_beside_it)
{
	struct spool *message = make_message();
	struct archived archived;
	char beside[ARCHIVE_PATH_MAX + 8];
	struct buf got;

	(void)umask(0);
	ck_status("store",
	    archive_store(dir, &record, message, &archived, NULL), ST_OK);
	(void)snprintf(beside, sizeof beside, "%.*s.eml.gz",
	    (int)strlen(archived.path) - 5, archived.path);
	slurp(beside, &got);
	ck_bytes("message", got.data, got.len, "gzip bytes", 10);
	buf_free(&got);
	ck_assert_uint_eq(mode_of(archived.path), 0640);
	ck_assert_uint_eq(mode_of(beside), 0640);
	ck_assert_uint_eq(mode_of("2024"), 0750);
	ck_assert_uint_eq(mode_of("2024/02/29"), 0750);
	ck_assert_uint_eq(unit_count_files(dir), 2);
	spool_free(&message);
}
END_TEST

START_TEST(a_message_that_nobody_can_read_is_kept)
{
	struct spool *message = make_message();
	struct archived archived, again;
	struct buf got;

	ck_status("keep",
	    archive_keep(dir, 1709280000, "0123abcd", message, &archived, NULL),
	    ST_OK);
	ck_assert_str_eq(
	    archived.path, "unreadable/2024/03/01/0123abcd.eml.gz");
	ck_assert_str_eq(archived.sha256, "0123abcd");
	ck_assert(!archived.is_duplicate);
	slurp(archived.path, &got);
	ck_bytes("message", got.data, got.len, "gzip bytes", 10);
	buf_free(&got);
	ck_status("again",
	    archive_keep(dir, 1709280000, "0123abcd", message, &again, NULL),
	    ST_OK);
	ck_assert(again.is_duplicate);
	ck_assert_uint_eq(unit_count_files(dir), 1);
	spool_free(&message);
}
END_TEST

START_TEST(keeping_may_fail)
{
	static const enum inject kinds[] = { INJECT_MEMORY, INJECT_WRITE,
		INJECT_FILE, INJECT_SYNC };
	struct spool *message = make_message();
	size_t descriptors = unit_count_descriptors();
	unsigned n;

	for (n = 1;; n++) {
		struct fault fault = { .status = ST_OK };
		struct archived archived;
		enum status st;

		inject_arm(kinds[_i], n);
		st = archive_keep(
		    dir, 1709280000, "0123", message, &archived, &fault);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_assert_msg(status_is_failure(st), "%s", status_str(st));
		ck_status("fault", fault.status, st);
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
		ck_assert_uint_eq(unit_count_files(dir), 0);
	}
	ck_assert_uint_eq(unit_count_files(dir), 1);
	spool_free(&message);
}
END_TEST

START_TEST(the_same_report_is_the_same_file)
{
	struct archived first, second;
	struct buf before, after;

	ck_status(
	    "first", archive_store(dir, &record, NULL, &first, NULL), ST_OK);
	slurp(first.path, &before);
	/* Sent again, by another message. */
	record.queue_id = "OTHER";
	record.received += 86400;
	ck_status(
	    "second", archive_store(dir, &record, NULL, &second, NULL), ST_OK);
	ck_assert(second.is_duplicate);
	ck_assert_str_eq(second.path, first.path);
	slurp(first.path, &after);
	ck_bytes("record", after.data, after.len, before.data, before.len);
	buf_free(&before);
	buf_free(&after);
	/* Another report of the same sender, domain and day is another. */
	use_report(" " REPORT);
	ck_status(
	    "third", archive_store(dir, &record, NULL, &second, NULL), ST_OK);
	ck_assert(!second.is_duplicate);
	ck_assert_uint_eq(unit_count_files(dir), 2);
}
END_TEST

/* What is there already may have been written a moment ago, and not synced. */
START_TEST(what_is_there_is_made_durable)
{
	struct archived archived;
	enum status st;
	unsigned n;

	ck_status(
	    "write", archive_write(dir, &record, NULL, &archived, NULL), ST_OK);
	ck_assert(!archived.is_duplicate);
	for (n = 1;; n++) {
		inject_arm(INJECT_SYNC, n);
		st = archive_store(dir, &record, NULL, &archived, NULL);
		if (!inject_disarm())
			break;
		ck_status("store", st, ST_ARCHIVE);
		ck_assert_uint_eq(unit_count_files(dir), 1);
	}
	ck_status("all", st, ST_OK);
	ck_assert(archived.is_duplicate);
	/* The record and its directory. */
	ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(what_is_written_is_not_synced)
{
	struct spool *message = make_message();
	struct archived archived;
	enum status st;

	/* This makes the directories, durably. */
	ck_status(
	    "first", archive_write(dir, &record, NULL, &archived, NULL), ST_OK);
	use_report(" " REPORT);
	inject_arm(INJECT_SYNC, 1);
	st = archive_write(dir, &record, message, &archived, NULL);
	ck_assert(!inject_disarm());
	ck_status("second", st, ST_OK);
	ck_assert(!archived.is_duplicate);
	ck_assert_uint_eq(unit_count_files(dir), 3);
	spool_free(&message);
}
END_TEST

/* As a power failure may leave it: a name, and not all of the bytes. */
static void
spoil(const char *path, const char *suffix, const char *bytes)
{
	char whole[1024];
	FILE *file;

	(void)snprintf(whole, sizeof whole, "%s/%.*s%s", dir,
	    (int)strlen(path) - 5, path, suffix);
	file = fopen(whole, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(bytes, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static const char *const left[] = { "", "{\"received\":\"2024-02-2", " " };

START_TEST(what_is_not_whole_is_no_duplicate)
{
	struct spool *message = make_message();
	struct archived archived;
	struct buf before[2], after[2];
	char beside[ARCHIVE_PATH_MAX + 8];

	ck_status("first",
	    archive_store(dir, &record, message, &archived, NULL), ST_OK);
	(void)snprintf(beside, sizeof beside, "%.*s.eml.gz",
	    (int)strlen(archived.path) - 5, archived.path);
	slurp(archived.path, &before[0]);
	slurp(beside, &before[1]);
	spoil(archived.path, ".json", left[_i]);
	spoil(archived.path, ".eml.gz", left[_i]);
	ck_status("second",
	    archive_store(dir, &record, message, &archived, NULL), ST_OK);
	ck_assert(!archived.is_duplicate);
	slurp(archived.path, &after[0]);
	slurp(beside, &after[1]);
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		ck_bytes("file", after[i].data, after[i].len, before[i].data,
		    before[i].len);
		buf_free(&before[i]);
		buf_free(&after[i]);
	}
	ck_assert_uint_eq(unit_count_files(dir), 2);
	spool_free(&message);
}
END_TEST

/* A message that is another mail's. */
static struct spool *
make_other_message(void)
{
	struct spool *message = spool_new(tmp, 1 << 20);

	ck_assert_ptr_nonnull(message);
	ck_status("message", spool_add(message, BYTES("other"), NULL), ST_OK);
	return message;
}

/* Nobody knows then that it is not whole; nor does its message go. */
START_TEST(what_cannot_be_seen_stays)
{
	static const unsigned kinds[] = { INJECT_FILE, INJECT_READ };
	struct spool *first = make_message(), *second = make_other_message();
	struct archived archived;
	char beside[ARCHIVE_PATH_MAX + 8];
	struct buf before[2], after[2];

	ck_status("first", archive_store(dir, &record, first, &archived, NULL),
	    ST_OK);
	(void)snprintf(beside, sizeof beside, "%.*s.eml.gz",
	    (int)strlen(archived.path) - 5, archived.path);
	slurp(archived.path, &before[0]);
	slurp(beside, &before[1]);
	record.queue_id = "OTHER";
	for (unsigned n = 1;; n++) {
		enum status st;
		bool is_over;

		inject_arm(kinds[_i], n);
		st = archive_store(dir, &record, second, &archived, NULL);
		is_over = !inject_disarm();
		ck_expect(st != ST_OK || archived.is_duplicate, "call %u", n);
		slurp(archived.path, &after[0]);
		slurp(beside, &after[1]);
		for (size_t i = 0; i < ARRAY_LEN(after); i++) {
			ck_bytes("file", after[i].data, after[i].len,
			    before[i].data, before[i].len);
			buf_free(&after[i]);
		}
		if (is_over)
			break;
	}
	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		buf_free(&before[i]);
	spool_free(&first);
	spool_free(&second);
}
END_TEST

/* Of what is not whole nothing goes before what takes its place is there. */
START_TEST(what_is_not_whole_stays_until_it_is)
{
	struct archived archived;

	ck_status(
	    "first", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	spoil(archived.path, ".json", "{");
	for (unsigned n = 1;; n++) {
		enum status st;

		inject_arm(INJECT_FILE | INJECT_WRITE, n);
		st = archive_store(dir, &record, NULL, &archived, NULL);
		if (!inject_disarm())
			break;
		ck_expect(st != ST_OK, "call %u", n);
		ck_expect(unit_count_files(dir) == 1, "call %u", n);
	}
	ck_assert(!archived.is_duplicate);
	ck_assert_uint_eq(unit_count_files(dir), 1);
}
END_TEST

/* NFS tells only then of a file system that is full. */
START_TEST(closing_may_fail)
{
	struct archived archived;
	enum status st;

	ck_status(
	    "first", archive_write(dir, &record, NULL, &archived, NULL), ST_OK);
	use_report(" " REPORT);
	inject_arm(INJECT_CLOSE, 1);
	st = archive_write(dir, &record, NULL, &archived, NULL);
	ck_assert(inject_disarm());
	ck_status("second", st, ST_ARCHIVE);
	ck_assert_uint_eq(unit_count_files(dir), 1);
}
END_TEST

/* One that has come from elsewhere was not written a moment ago. */
START_TEST(a_record_of_somebody_else_is_a_duplicate)
{
	static const char *const above[] = { "../..", "..", ".", "tmp", "2024",
		"2024/02", "2024/02/29" };
	struct archived archived;
	struct fault fault;
	char path[1024];
	enum status st;

	if (geteuid() != 0)
		return;
	ck_status(
	    "first", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	(void)snprintf(path, sizeof path, "%s/%s", dir, archived.path);
	ck_assert_int_eq(chmod(path, 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(above); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, above[i]);
		ck_assert_int_eq(chmod(path, 0777), 0);
	}
	ck_assert_int_eq(seteuid(4711), 0);
	st = archive_store(dir, &record, NULL, &archived, &fault);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_msg(st == ST_OK, "%s", fault.detail);
	ck_assert(archived.is_duplicate);
}
END_TEST

/* Root makes nothing, not even a directory, where somebody's link leads. */
START_TEST(where_a_link_leads_nothing_is_made)
{
	struct archived archived;
	char target[600], name[600], day[700];

	if (geteuid() != 0)
		return;
	(void)snprintf(target, sizeof target, "%s/elsewhere", dir);
	(void)snprintf(name, sizeof name, "%s/link", dir);
	(void)snprintf(day, sizeof day, "%s/2024", target);
	ck_assert_int_eq(mkdir(target, 0755), 0);
	ck_assert_int_eq(symlink(target, name), 0);
	ck_assert_int_eq(lchown(name, 4711, 4711), 0);
	ck_status("store", archive_store(name, &record, NULL, &archived, NULL),
	    ST_ARCHIVE);
	ck_assert_int_eq(access(day, F_OK), -1);
}
END_TEST

static const struct {
	const char *submitter;
	const char *domain;
	const char *want; /* the name up to its second "!" */
} names[] = {
	{ "google.com", "d.example", "google.com!d.example!" },
	{ "Some Org, Inc.", "d.example", "Some_Org__Inc.!d.example!" },
	{ "../../etc", "a/b", ".._.._etc!a_b!" },
	{ "..", ".", "..!.!" },
	{ "a!b", "x!1!2", "a_b!x_1_2!" },
	{ "\xc3\xa9\n\x1b", "\"'$`", "____!____!" },
	{ NULL, "", "unknown!unknown!" },
	{ "", "", "unknown!unknown!" },
};

START_TEST(names_are_made_safe)
{
	struct archived archived;

	record.submitter = names[_i].submitter;
	(void)strcpy(assessment.policy_domain, names[_i].domain);
	ck_status(
	    "store", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	ck_assert_msg(strncmp(archived.path + 11, names[_i].want,
			  strlen(names[_i].want)) == 0,
	    "%s", archived.path);
	ck_assert_uint_eq(
	    strspn(archived.path,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789.-_!/"),
	    strlen(archived.path));
	ck_assert_uint_eq(unit_count_files(dir), 1);
}
END_TEST

START_TEST(names_are_cut_to_what_a_file_may_have)
{
	struct archived archived;
	char submitter[2000];

	memset(submitter, 's', sizeof submitter - 1);
	submitter[sizeof submitter - 1] = '\0';
	memset(
	    assessment.policy_domain, 'd', sizeof assessment.policy_domain - 1);
	record.submitter = submitter;
	ck_status(
	    "store", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	ck_assert_uint_le(strlen(strrchr(archived.path, '/') + 1), 255);
	ck_assert_uint_lt(strlen(archived.path), ARCHIVE_PATH_MAX - 1);
	ck_assert_ptr_nonnull(strstr(archived.path, "!d"));
	ck_assert_uint_eq(unit_count_files(dir), 1);
}
END_TEST

START_TEST(a_report_without_a_date)
{
	struct archived archived;

	use_report(
	    "{\"date-range\":{\"start-datetime\":\"yesterday\"}," POLICIES);
	ck_status(
	    "store", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	/* The day it came. */
	ck_assert_msg(strncmp(archived.path,
			  "2024/03/01/google.com!d.example!0!0!", 36) == 0,
	    "%s", archived.path);
}
END_TEST

START_TEST(what_is_odd_is_recorded)
{
	struct archived archived;
	struct buf got;

	record.queue_id = NULL;
	record.subject = "a\nb\xff\xc3\xa9";
	use_report("{\"report-id\":\"x\ny\"," POLICIES);
	record.subject = "a\nb\xff\xc3\xa9";
	record.queue_id = NULL;
	ck_status(
	    "store", archive_store(dir, &record, NULL, &archived, NULL), ST_OK);
	slurp(archived.path, &got);
	ck_assert_ptr_nonnull(strstr(got.data, "\"queue-id\":\"\""));
	ck_assert_ptr_nonnull(
	    strstr(got.data, "\"subject\":\"a\\u000ab\\ufffd\xc3\xa9\""));
	ck_assert_ptr_nonnull(strstr(got.data,
	    "\"deviations\":[\"raw-control-character\","
	    "\"organization-name-missing\",\"date-range-missing\"]"));
	ck_assert_ptr_nonnull(strstr(got.data, "\"report-id\":\"x\\u000ay\""));
	/* One line, and it ends with a line end. */
	ck_assert_ptr_eq(strchr(got.data, '\n'), got.data + got.len - 1);
	buf_free(&got);
}
END_TEST

START_TEST(the_directory_is_checked)
{
	char path[1024];
	struct fault fault = { 0 };

	/* It is there; it is made when its parent is; else it is not. */
	ck_status("again", archive_check(dir, &fault), ST_OK);
	(void)snprintf(path, sizeof path, "%s/new", dir);
	ck_status("new", archive_check(path, &fault), ST_OK);
	ck_assert_uint_eq(mode_of("new") & 07, 0);
	(void)snprintf(path, sizeof path, "%s/no/parent", dir);
	ck_status("no parent", archive_check(path, &fault), ST_ARCHIVE);
	ck_status("fault", fault.status, ST_ARCHIVE);
	ck_assert_ptr_nonnull(strstr(fault.detail, "/no/parent"));
	(void)snprintf(path, sizeof path, "%s/file", dir);
	unit_write(path, "", 0);
	ck_status("file", archive_check(path, &fault), ST_ARCHIVE);
}
END_TEST

START_TEST(what_a_crash_left_is_removed)
{
	char old[1024], young[1024];
	struct utimbuf times = { time(NULL) - 86400, time(NULL) - 86400 };

	(void)snprintf(old, sizeof old, "%s/record.abcdef", tmp);
	(void)snprintf(young, sizeof young, "%s/record.ghijkl", tmp);
	unit_write(old, "x", 1);
	unit_write(young, "x", 1);
	ck_assert_int_eq(utime(old, &times), 0);
	ck_status("check", archive_check(dir, NULL), ST_OK);
	ck_assert(!unit_exists(old));
	/* Somebody may be writing it. */
	ck_assert(unit_exists(young));
}
END_TEST

START_TEST(the_archive_may_be_gone)
{
	struct archived archived = { .is_duplicate = true };
	struct fault fault = { 0 };

	ck_status("store",
	    archive_store(
		"/nonexistent/archive", &record, NULL, &archived, &fault),
	    ST_ARCHIVE);
	ck_status("fault", fault.status, ST_ARCHIVE);
	ck_assert_ptr_nonnull(strstr(fault.detail, "/nonexistent/archive"));
	ck_assert(archived.is_duplicate);
}
END_TEST

/* Is what lies under the final names whole? */
static void
check_whole(const char *path, const struct buf *want)
{
	char whole[1024];
	struct buf got;

	(void)snprintf(whole, sizeof whole, "%s/%s", dir, path);
	if (!unit_exists(whole))
		return;
	slurp(path, &got);
	ck_bytes("whole", got.data, got.len, want->data, want->len);
	buf_free(&got);
}

/*
 * Each call fails in turn. Then the status says so, nothing that is not whole
 * is to be seen, nothing waits among the temporary files, and trying again
 * stores the report.
 */
START_TEST(every_call_may_fail)
{
	static const struct {
		enum inject kind;
		enum status want;
	} kinds[] = { { INJECT_MEMORY, ST_NO_MEMORY },
		{ INJECT_WRITE, ST_NO_SPACE }, { INJECT_SYNC, ST_ARCHIVE },
		{ INJECT_FILE, ST_ARCHIVE }, { INJECT_DIGEST, ST_NO_MEMORY },
		{ INJECT_READ, ST_ARCHIVE } };
	size_t descriptors = unit_count_descriptors();
	struct spool *message = make_message();
	struct archived first, archived;
	char beside[ARCHIVE_PATH_MAX + 8];
	struct buf want_record, want_message;
	unsigned n;

	/* What it must be in the end. */
	ck_status(
	    "first", archive_store(dir, &record, message, &first, NULL), ST_OK);
	(void)snprintf(beside, sizeof beside, "%.*s.eml.gz",
	    (int)strlen(first.path) - 5, first.path);
	slurp(first.path, &want_record);
	slurp(beside, &want_message);
	for (n = 1;; n++) {
		struct fault fault = { 0 };
		bool is_struck;
		enum status st;
		char top[256];

		unit_directory(top, sizeof top);
		(void)snprintf(dir, sizeof dir, "%s/archive", top);
		archive_tmp(dir, tmp, sizeof tmp);
		ck_status("check", archive_check(dir, NULL), ST_OK);
		inject_arm(kinds[_i].kind, n);
		st = archive_store(dir, &record, message, &archived, &fault);
		is_struck = inject_disarm();
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
		ck_assert_uint_eq(unit_count_files(tmp), 0);
		check_whole(first.path, &want_record);
		check_whole(beside, &want_message);
		if (!is_struck) {
			ck_status("all", st, ST_OK);
			break;
		}
		/* A failed probe for what is there is no failure. */
		ck_assert_msg(st == kinds[_i].want, "call %u: %s, not %s", n,
		    status_str(st), status_str(kinds[_i].want));
		ck_status("fault", fault.status, st);
		ck_assert_str_ne(fault.detail, "");
		/* Nothing has appeared. */
		ck_assert_msg(unit_count_files(dir) == 0,
		    "call %u: %zu files left", n, unit_count_files(dir));
		ck_status("again",
		    archive_store(dir, &record, message, &archived, NULL),
		    ST_OK);
		ck_assert(!archived.is_duplicate);
		ck_assert_uint_eq(unit_count_files(dir), 2);
	}
	ck_assert_uint_gt(n, _i == 5 ? 0 : 1);
	buf_free(&want_record);
	buf_free(&want_message);
	spool_free(&message);
}
END_TEST

/* Not every file system can move a file only if the name is free. */
START_TEST(a_file_system_may_know_links_only)
{
	struct spool *message = make_message();
	struct archived archived;
	enum status st;

	for (unsigned n = 1; n <= 2; n++) {
		use_report(n == 1 ? REPORT : " " REPORT);
		inject_arm(INJECT_FLAGS, 1);
		st = archive_store(dir, &record, message, &archived, NULL);
		ck_assert(inject_disarm());
		ck_status("store", st, ST_OK);
		ck_assert(!archived.is_duplicate);
		ck_assert_uint_eq(unit_count_files(dir), (size_t)2 * n);
		ck_assert_uint_eq(unit_count_files(tmp), 0);
	}
	ck_status("again",
	    archive_store(dir, &record, message, &archived, NULL), ST_OK);
	ck_assert(archived.is_duplicate);
	spool_free(&message);
}
END_TEST

START_TEST(short_and_interrupted_writes_lose_nothing)
{
	struct archived archived;
	struct buf got;
	enum status st;

	inject_short_writes(true);
	st = archive_store(dir, &record, NULL, &archived, NULL);
	inject_short_writes(false);
	ck_status("store", st, ST_OK);
	slurp(archived.path, &got);
	ck_assert_ptr_nonnull(strstr(got.data, POLICIES "}\n"));
	buf_free(&got);
}
END_TEST

Suite *
archive_suite(void)
{
	Suite *suite = suite_create("archive");
	TCase *tc = tcase_create("archive");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, digests_of_known_texts);
	tcase_add_test(tc, a_record_is_one_line);
	tcase_add_loop_test(tc, a_record_tells_the_verdict, 0, 4);
	tcase_add_test(tc, the_message_lies_beside_it);
	tcase_add_test(tc, a_message_that_nobody_can_read_is_kept);
	tcase_add_loop_test(tc, keeping_may_fail, 0, 4);
	tcase_add_test(tc, what_is_there_is_made_durable);
	tcase_add_test(tc, what_is_written_is_not_synced);
	tcase_add_loop_test(
	    tc, what_is_not_whole_is_no_duplicate, 0, ARRAY_LEN(left));
	tcase_add_loop_test(tc, what_cannot_be_seen_stays, 0, 2);
	tcase_add_test(tc, what_is_not_whole_stays_until_it_is);
	tcase_add_test(tc, closing_may_fail);
	tcase_add_test(tc, a_record_of_somebody_else_is_a_duplicate);
	tcase_add_test(tc, where_a_link_leads_nothing_is_made);
	tcase_add_test(tc, the_same_report_is_the_same_file);
	tcase_add_loop_test(tc, names_are_made_safe, 0, (int)ARRAY_LEN(names));
	tcase_add_test(tc, names_are_cut_to_what_a_file_may_have);
	tcase_add_test(tc, a_report_without_a_date);
	tcase_add_test(tc, what_is_odd_is_recorded);
	tcase_add_test(tc, the_directory_is_checked);
	tcase_add_test(tc, what_a_crash_left_is_removed);
	tcase_add_test(tc, the_archive_may_be_gone);
	tcase_add_loop_test(tc, every_call_may_fail, 0, 6);
	tcase_add_test(tc, a_file_system_may_know_links_only);
	tcase_add_test(tc, short_and_interrupted_writes_lose_nothing);
	suite_add_tcase(suite, tc);
	return suite;
}
