/*
 * The golden mails of tests/data/golden: each .eml on the whole road from
 * bytes to assessed reports, against its .expect (tests/data/README.md).
 *
 * That must not depend on how the bytes come: what is extracted is compared
 * again with the mail fed byte by byte and cut at each offset.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assess.h"
#include "conf.h"
#include "extract.h"
#include "reading.h"
#include "report.h"
#include "rfc3339.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

/* Sanitizers make it some ten times as slow. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define IS_SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

enum {
	MAILS_MAX = 1000,
	NAME_LEN_MAX = 128,
	/* A mail above this is cut near its ends and at every so many bytes
	   only: all the cuts of a mail take the square of its size. */
	SMALL_MAIL = 8192,
	FIRST_CUTS = 128,
	LAST_CUTS = 1280,
	STRIDE = 499,
	/* Under a sanitizer a mail is cut at every so many bytes of those,
	   which keeps the run within minutes; the plain build tries them all.
	 */
	EVERY = IS_SANITIZED ? 7 : 1
};

static char directory[256];
static char mails[MAILS_MAX][NAME_LEN_MAX]; /* sorted, without ".eml" */
static int mail_count;
static int expect_count;

struct golden {
	const char *name;
	struct buf eml;
	struct buf expect; /* without its "limit" lines */
	size_t report_size;
	struct extract_limits limits;
	char spool_dir[256];
};

static void
read_file(const char *name, const char *suffix, struct buf *out)
{
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%s%s", directory, name, suffix);
	buf_init(out, 1 << 20);
	ck_assert_msg(unit_slurp(path, out), "%s: cannot be read", path);
}

/* Take the "limit" lines off the front of the expectation. */
static void
take_limits(struct golden *g, struct buf *file)
{
	char *line = file->data != NULL ? file->data : "";
	char *end;

	while (strncmp(line, "limit ", 6) == 0) {
		char what[32];
		unsigned long long n;

		ck_assert_int_eq(sscanf(line, "limit %31s %llu", what, &n), 2);
		if (strcmp(what, "report-size") == 0)
			g->report_size = (size_t)n;
		else if (strcmp(what, "message-size") == 0)
			g->limits.message_max = n;
		else
			ck_abort_msg("%s: limit %s?", g->name, what);
		end = strchr(line, '\n');
		ck_assert_ptr_nonnull(end);
		line = end + 1;
	}
	buf_init(&g->expect, 1 << 20);
	ck_status(g->name, buf_adds(&g->expect, line), ST_OK);
}

static void
golden_open(struct golden *g, const char *name)
{
	struct buf file;

	*g = (struct golden){
		.name = name,
		.report_size = 32 << 20,
		.limits = {
			.message_max = 50 << 20,
			.mime = { MIME_DEPTH_MAX, MIME_PARTS_MAX },
		},
	};
	unit_directory(g->spool_dir, sizeof g->spool_dir);
	g->limits.spool_dir = g->spool_dir;
	read_file(name, ".eml", &g->eml);
	read_file(name, ".expect", &file);
	take_limits(g, &file);
	buf_free(&file);
}

static void
golden_close(struct golden *g)
{
	buf_free(&g->eml);
	buf_free(&g->expect);
}

/*
 * Feed a copy of its exact size, so that a sanitizer sees a byte read beyond
 * it. Check's macros each write to a pipe: none of them here, where the same
 * mail passes some thousand times.
 */
static bool
feed_copy(struct extract_raw *raw, const char *data, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum status st;

	if (copy == NULL)
		return false;
	if (len > 0)
		memcpy(copy, data, len);
	st = extract_raw_more(raw, copy, len);
	free(copy);
	return st == ST_OK;
}

/* Whole (way 0), byte by byte (1), or in two, cut at each offset (2 and up). */
static bool
feed_way(struct extract_raw *raw, const char *data, size_t len, size_t way)
{
	bool is_ok = true;

	if (way == 0)
		return feed_copy(raw, data, len);
	if (way > 1)
		return feed_copy(raw, data, way - 2) &&
		    feed_copy(raw, data + (way - 2), len - (way - 2));
	for (size_t i = 0; i < len && is_ok; i++)
		is_ok = feed_copy(raw, data + i, 1);
	return is_ok;
}

static struct extract *
extract_mail(
    const struct golden *g, size_t way, enum status *st, struct fault *fault)
{
	struct extract *ex = extract_new(&g->limits);
	struct extract_raw raw;

	if (ex == NULL)
		ck_abort_msg("%s: out of memory", g->name);
	extract_raw_init(&raw, ex, NULL);
	if (!feed_way(&raw, g->eml.data != NULL ? g->eml.data : "", g->eml.len,
		way) ||
	    extract_raw_finish(&raw) != ST_OK)
		ck_abort_msg("%s: way %zu: not taken", g->name, way);
	*st = extract_finish(ex, fault);
	return ex;
}

/*
 * All that was extracted, as bytes to compare.
 */

static void
put_extracted(struct buf *out, const struct golden *g, size_t way)
{
	struct fault fault = { .status = ST_OK };
	enum status st;
	struct extract *ex = extract_mail(g, way, &st, &fault);
	const struct extract_meta *meta = extract_meta(ex);

	(void)buf_addf(out, "%s|%s|%s|%s|%s|%s|%d\n", status_str(st),
	    st != ST_OK ? fault.detail : "", meta->subject, meta->message_id,
	    meta->submitter, meta->from_domain, extract_claims_report(ex));
	for (size_t i = 0; i < extract_count(ex); i++) {
		struct buf text;
		deviations dev = 0;

		fault = (struct fault){ .status = ST_OK };
		buf_init(&text, g->report_size);
		st = extract_decode(ex, i, &text, &dev, &fault);
		(void)buf_addf(out, "%d|%s|%s|%d|%llu|%llx|%zu\n",
		    extract_is_claimed(ex, i), status_str(st), fault.detail,
		    fault.has_offset, (unsigned long long)fault.offset,
		    (unsigned long long)dev, text.len);
		if (buf_add(out, text.data, text.len) != ST_OK)
			ck_abort_msg("%s: too much to compare", g->name);
		buf_free(&text);
	}
	extract_free(&ex);
}

/* Is this way among those tried? */
static bool
is_tried(size_t way, size_t len)
{
	if (way > 1 && way % EVERY != 0)
		return false;
	return len <= SMALL_MAIL || way < FIRST_CUTS || way > len - LAST_CUTS ||
	    way % STRIDE == 0;
}

/*
 * What came out, in the form of an .expect file.
 */

/* A line, when there is a value. */
static void
put_line(struct buf *out, int indent, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	(void)buf_addf(out, "%*s%s ", indent, "", name);
	for (const char *p = value; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
			(void)buf_addf(out, "\\x%02x", (unsigned char)*p);
		else
			(void)buf_addc(out, *p);
	}
	ck_status(name, buf_addc(out, '\n'), ST_OK);
}

static void
put_number(struct buf *out, int indent, const char *name, uint64_t value)
{
	(void)buf_addf(
	    out, "%*s%s %llu\n", indent, "", name, (unsigned long long)value);
}

static void
put_count(struct buf *out, int indent, const char *name, struct count count)
{
	if (count.is_known)
		put_number(out, indent, name, count.value);
}

static void
put_time(struct buf *out, const char *name, struct datetime datetime)
{
	char text[RFC3339_MAX];

	if (!datetime.is_known)
		return;
	ck_assert(rfc3339_format(datetime.time, text));
	put_line(out, 2, name, text);
}

static void
put_list(struct buf *out, const char *name, const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	    put_line(out, 4, name, item->valuestring);
}

struct visit {
	struct buf *out;
	uint64_t policies;
	uint64_t failures;
};

static enum report_visit
put_policy(void *ctx, const struct policy *policy)
{
	struct visit *v = ctx;

	ck_assert_uint_eq(policy->index, v->policies++);
	(void)buf_adds(v->out, "  policy\n");
	put_line(v->out, 4, "policy-type", policy->policy_type);
	put_line(v->out, 4, "policy-domain", policy->policy_domain);
	put_list(v->out, "policy-string", policy->policy_string);
	put_list(v->out, "mx-host", policy->mx_host);
	put_count(
	    v->out, 4, "total-successful-session-count", policy->successful);
	put_count(v->out, 4, "total-failure-session-count", policy->failed);
	return REPORT_NEXT;
}

static enum report_visit
put_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct visit *v = ctx;

	ck_assert_uint_eq(policy->index + 1, v->policies);
	v->failures++;
	(void)buf_adds(v->out, "    failure\n");
	put_line(v->out, 6, "result-type", failure->result_type);
	put_line(v->out, 6, "sending-mta-ip", failure->sending_mta_ip);
	put_line(
	    v->out, 6, "receiving-mx-hostname", failure->receiving_mx_hostname);
	put_line(v->out, 6, "receiving-mx-helo", failure->receiving_mx_helo);
	put_line(v->out, 6, "receiving-ip", failure->receiving_ip);
	put_count(v->out, 6, "failed-session-count", failure->failed);
	put_line(v->out, 6, "additional-information",
	    failure->additional_information);
	put_line(
	    v->out, 6, "failure-reason-code", failure->failure_reason_code);
	return REPORT_NEXT;
}

static void
put_report(
    struct buf *out, struct report *report, const struct assessment *assessment)
{
	static const struct report_visitor visitor = { put_policy, put_failure,
		NULL };
	struct visit visit = { .out = out };
	const char *name;
	unsigned next = 0;

	(void)buf_adds(out, "report\n");
	put_line(out, 2, "organization-name", report->organization_name);
	put_line(out, 2, "contact-info", report->contact_info);
	put_line(out, 2, "report-id", report->report_id);
	put_time(out, "start-datetime", report->start);
	put_time(out, "end-datetime", report->end);
	put_number(out, 2, "total-successful-session-count",
	    assessment->totals.successful);
	put_number(
	    out, 2, "total-failure-session-count", assessment->totals.failed);
	put_line(out, 2, "severity", severity_str(assessment->severity));
	if (report->dev != 0)
		(void)buf_adds(out, "  deviations");
	while ((name = deviation_next(report->dev, &next)) != NULL)
		(void)buf_addf(out, " %s", name);
	if (report->dev != 0)
		(void)buf_addc(out, '\n');
	ck_status("walk", report_walk(report, &visitor, &visit), ST_OK);
	ck_assert_uint_eq(visit.policies, assessment->policies);
	ck_assert_uint_eq(visit.failures, assessment->failures);
}

/* Read one candidate; true if it is a report, or claims to be one. */
static bool
put_candidate(struct buf *out, const struct golden *g, struct extract *ex,
    size_t i, const struct conf *conf)
{
	struct fault fault = { .status = ST_OK };
	struct reading reading;
	enum status st;

	reading_init(&reading, conf);
	st = reading_candidate(&reading, ex, i, conf, &fault);
	ck_assert_int_eq(fault.status, st);
	if (st == ST_OK)
		put_report(out, &reading.report, &reading.assessment);
	else if (status_is_malformed(st))
		put_line(out, 0, "malformed", status_str(st));
	else
		ck_status(g->name, st, ST_NOT_A_REPORT);
	reading_clear(&reading);
	return st != ST_NOT_A_REPORT;
}

/* The message as a whole, when its parts have been told. */
static void
put_message(
    struct buf *out, const struct extract *ex, enum status st, size_t counted)
{
	if (st != ST_OK && (counted > 0 || extract_claims_report(ex)))
		put_line(out, 0, "malformed", status_str(st));
	else if (counted == 0 && extract_claims_report(ex))
		put_line(out, 0, "malformed", status_str(ST_EMPTY));
	else if (counted == 0)
		(void)buf_adds(out, "not-a-report\n");
}

static void
put_mail(struct buf *out, const struct golden *g)
{
	struct conf *conf = conf_new();
	struct fault fault;
	enum status st;
	struct extract *ex = extract_mail(g, 0, &st, &fault);
	const struct extract_meta *meta = extract_meta(ex);
	size_t counted = 0;

	ck_assert_ptr_nonnull(conf);
	conf->max_report_size = g->report_size;
	ck_expect(st == ST_OK || status_is_malformed(st), "%s: %s", g->name,
	    status_str(st));
	put_line(out, 0, "subject", meta->subject);
	put_line(out, 0, "message-id", meta->message_id);
	put_line(out, 0, "submitter", meta->submitter);
	put_line(out, 0, "from-domain", meta->from_domain);
	for (size_t i = 0; i < extract_count(ex); i++)
		counted += put_candidate(out, g, ex, i, conf);
	put_message(out, ex, st, counted);
	extract_free(&ex);
	conf_unref(&conf);
}

/* Compare line by line, so that a difference is one line to read. */
static void
compare_lines(const struct golden *g, const struct buf *got)
{
	const char *a = got->data != NULL ? got->data : "";
	const char *b = g->expect.data;

	for (size_t number = 1; *a != '\0' || *b != '\0'; number++) {
		int alen = (int)strcspn(a, "\n"), blen = (int)strcspn(b, "\n");

		ck_expect(alen == blen && memcmp(a, b, (size_t)alen) == 0,
		    "%s: line %zu: got \"%.*s\", expected \"%.*s\"", g->name,
		    number, alen, a, blen, b);
		a += alen + (a[alen] == '\n');
		b += blen + (b[blen] == '\n');
	}
}

/*
 * The tests.
 */

START_TEST(golden_mail)
{
	struct golden g;
	struct buf out;

	golden_open(&g, mails[_i]);
	buf_init(&out, 1 << 20);
	put_mail(&out, &g);
	compare_lines(&g, &out);
	buf_free(&out);
	golden_close(&g);
}
END_TEST

START_TEST(golden_mail_in_pieces)
{
	struct golden g;
	struct buf whole, pieces;

	golden_open(&g, mails[_i]);
	buf_init(&whole, 1 << 22);
	buf_init(&pieces, 1 << 22);
	put_extracted(&whole, &g, 0);
	for (size_t way = 1; way < unit_ways(g.eml.len); way++) {
		if (!is_tried(way, g.eml.len))
			continue;
		buf_cut(&pieces, 0);
		put_extracted(&pieces, &g, way);
		ck_expect(pieces.len == whole.len &&
			memcmp(pieces.data, whole.data, whole.len) == 0,
		    "%s: way %zu: got \"%.*s\", whole \"%.*s\"", g.name, way,
		    (int)pieces.len, pieces.data, (int)whole.len, whole.data);
	}
	buf_free(&whole);
	buf_free(&pieces);
	golden_close(&g);
}
END_TEST

START_TEST(golden_directory)
{
	ck_assert_msg(
	    mail_count > 0, "%s: no golden mail (TESTDATA?)", directory);
	ck_assert_int_eq(mail_count, expect_count);
}
END_TEST

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
find_mails(void)
{
	const char *data = getenv("TESTDATA");
	const struct dirent *entry;
	DIR *dir;

	(void)snprintf(directory, sizeof directory, "%s/golden",
	    data != NULL && data[0] != '\0' ? data : "tests/data");
	dir = opendir(directory);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		expect_count += text_isuffix(entry->d_name, ".expect");
		if (!text_isuffix(entry->d_name, ".eml") ||
		    mail_count == MAILS_MAX || len >= NAME_LEN_MAX)
			continue;
		memcpy(mails[mail_count++], entry->d_name, len - 4);
	}
	(void)closedir(dir);
	qsort(mails, (size_t)mail_count, sizeof mails[0], compare_names);
}

Suite *
golden_suite(void)
{
	Suite *suite = suite_create("golden");
	TCase *tcase = tcase_create("mails");

	find_mails();
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, golden_directory);
	tcase_add_loop_test(tcase, golden_mail, 0, mail_count);
	tcase_add_loop_test(tcase, golden_mail_in_pieces, 0, mail_count);
	suite_add_tcase(suite, tcase);
	return suite;
}
