#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "inject.h"
#include "intake.h"
#include "listener.h"
#include "suites.h"
#include "unit.h"

static char dir[256], archive[300], socket_path[300];
static int fd;
static struct log *the_log;
static struct intake_site site;
static struct verify_site *verify;
static struct conf *conf;
static const struct intake_origin origin = {
	.queue_id = "4XyZ1k2",
	.envelope_from = "a@google.com",
	.client = "192.0.2.1",
};

static void
use_conf(const char *settings)
{
	char text[1024];

	(void)snprintf(text, sizeof text,
	    "Mailbox a@b\nArchiveDirectory %s\nLogTarget syslog\n%s%s", archive,
	    strstr(settings, "DKIM") == NULL ? "DKIM off\n" : "", settings);
	conf_unref(&conf);
	conf = unit_conf(text);
}

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
	use_conf("");
	the_log = log_new(conf, &paths);
	ck_assert_ptr_nonnull(the_log);
	verify = verify_site_new();
	ck_assert_ptr_nonnull(verify);
	intake_site_init(&site, the_log, verify, NULL, NULL);
}

static void
teardown(void)
{
	verify_site_free(&verify);
	log_free(&the_log, 0);
	conf_unref(&conf);
	(void)close(fd);
}

#define POLICY(domain)                                                         \
	"{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"" domain     \
	"\"},\"summary\":{\"total-successful-session-count\":890,"             \
	"\"total-failure-session-count\":47},\"failure-details\":[{"           \
	"\"result-type\":\"certificate-host-mismatch\","                       \
	"\"failed-session-count\":40},{\"result-type\":\"new-one\","           \
	"\"failed-session-count\":7}]}"
#define REPORT(id)                                                             \
	"{\"organization-name\":\"Org\",\"report-id\":\"" id "\","             \
	"\"policies\":[" POLICY("d.example") "," POLICY("e.example") "]}"
#define PART(id)                                                               \
	"--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n" REPORT(id) "\r" \
									  "\n"
/* One with two lines in the log. */
#define SMALL                                                                  \
	"--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n"                 \
	"{\"report-id\":\"2\",\"policies\":[{}]}\r\n"
#define BROKEN "--b\r\nContent-Type: application/tlsrpt+gzip\r\n\r\nhello\r\n"
#define TEXT   "--b\r\n\r\nhello\r\n"
#define END    "--b--\r\n"
#define TLSRPT "multipart/report; report-type=tlsrpt; boundary=b"

/* By nobody's key; that is not known before DNS is asked. */
static const char signature[] =
    " v=1; a=rsa-sha256; c=relaxed/relaxed; d=google.com; s=s; h=from:subject;"
    " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA";
static bool is_signed; /* the next message */

static enum conf_action
take(const char *type, const char *body, const struct intake_origin *from,
    struct outcome *outcome)
{
	struct intake *in = intake_new(&site, conf, NULL);
	enum conf_action action = ACTION_DELIVER;

	*outcome = (struct outcome){ .has_failed = true };
	if (in == NULL)
		return action;
	if (is_signed)
		intake_field(in, "DKIM-Signature", signature);
	intake_field(in, "From", " r@google.com");
	intake_field(in, "Subject", " a subject");
	intake_field(in, "Content-Type", type);
	intake_body(in, body, strlen(body));
	action = intake_finish(in, from, outcome);
	intake_free(&in);
	return action;
}

#define ALL                                                                    \
	"Mailbox c@d\nOnReport discard\nOnMalformed reject\n"                  \
	"OnFailure tempfail\n"

static const struct {
	const char *name;
	const char *type, *body;
	enum conf_action want;
	unsigned reports, duplicates, malformed;
	const char *events; /* the lines, as their event and one word of each */
	bool has_others;
} rows[] = {
	{ "a report", TLSRPT, TEXT PART("1") END, ACTION_DISCARD, 1, 0, 0,
	    "report policy failure failure policy failure failure ", false },
	{ "for others too", TLSRPT, TEXT PART("1") END, ACTION_DISCARD, 1, 0, 0,
	    "report policy failure failure policy failure failure ", true },
	{ "two reports", TLSRPT, PART("1") SMALL END, ACTION_DISCARD, 2, 0, 0,
	    "report policy failure failure policy failure failure "
	    "report policy ",
	    false },
	{ "the same twice", TLSRPT, PART("1") PART("1") END, ACTION_DISCARD, 1,
	    1, 0,
	    "report policy failure failure policy failure failure duplicate ",
	    false },
	{ "broken", TLSRPT, BROKEN END, ACTION_REJECT, 0, 0, 1, "malformed ",
	    false },
	{ "broken, for others too", TLSRPT, BROKEN END, ACTION_DELIVER, 0, 0, 1,
	    "malformed ", true },
	{ "a report and a broken one", TLSRPT, PART("1") BROKEN END,
	    ACTION_REJECT, 1, 0, 1,
	    "report policy failure failure policy failure failure malformed ",
	    false },
	{ "a claim without a report", TLSRPT, TEXT END, ACTION_REJECT, 0, 0, 1,
	    "malformed ", false },
	{ "no report", "text/plain", "hello", ACTION_DELIVER, 0, 0, 0,
	    "not-a-report ", false },
	{ "no report, looks like one", "text/plain", "{braces}", ACTION_DELIVER,
	    0, 0, 0, "not-a-report ", false },
	{ "somebody's bounce",
	    "multipart/report; report-type=delivery-status; boundary=b",
	    PART("1") END, ACTION_DELIVER, 0, 0, 0, "not-a-report ", false },
};

/* The events that were logged, in order. */
static void
read_events(struct buf *out)
{
	char line[16384];

	buf_init(out, 1 << 16);
	(void)buf_adds(out, "");
	while (listener_read(fd, line, sizeof line, 20)) {
		const char *name = strstr(line, "event=");
		size_t len;

		ck_assert_msg(name != NULL, "%s", line);
		ck_assert_ptr_nonnull(strstr(line, ": 4XyZ1k2: event="));
		name += strlen("event=");
		len = strcspn(name, " ");
		(void)buf_add(out, name, len);
		(void)buf_addc(out, ' ');
	}
}

START_TEST(messages_are_taken_in)
{
	struct intake_origin from = origin;
	struct outcome outcome;
	enum conf_action action;
	struct buf events;
	int value = 0;

	use_conf(ALL);
	from.has_other_recipients = rows[_i].has_others;
	action = take(rows[_i].type, rows[_i].body, &from, &outcome);
	ck_string(rows[_i].name, action_str(action), action_str(rows[_i].want));
	ck_assert_uint_eq(outcome.reports, rows[_i].reports);
	ck_assert_uint_eq(outcome.duplicates, rows[_i].duplicates);
	ck_assert_uint_eq(outcome.malformed, rows[_i].malformed);
	ck_assert(!outcome.has_failed);
	ck_assert_uint_eq(unit_count_files(archive), rows[_i].reports);
	read_events(&events);
	ck_string(rows[_i].name, events.data, rows[_i].events);
	buf_free(&events);
	/* Every decoder has been given back. */
	ck_assert_int_eq(sem_getvalue(&site.decoders, &value), 0);
	ck_assert_int_eq(value, INTAKE_DECODERS);
}
END_TEST

/* A resolver that nobody runs: it cannot be told whose a signature is. */
#define NO_DNS "Resolver 127.0.0.1@1\nDNSTimeout 1s\n"

static const struct {
	const char *name;
	const char *settings;
	bool is_signed;
	const char *body;
	enum conf_action want;
	unsigned reports, unverified, malformed;
	size_t files; /* below unverified, where it is none that counts */
	const char *events;
} verified[] = {
	{ "no signature", ALL "DKIM require\n" NO_DNS, false, TEXT SMALL END,
	    ACTION_DELIVER, 0, 1, 0, 1, "unverified " },
	{ "no signature, discard",
	    ALL "DKIM require\nOnUnverified discard\n" NO_DNS, false,
	    PART("1") SMALL END, ACTION_DISCARD, 0, 2, 0, 2,
	    "unverified unverified " },
	{ "no signature, only logged", ALL "DKIM log\n" NO_DNS, false,
	    SMALL END, ACTION_DISCARD, 1, 0, 0, 1, "report policy " },
	{ "no signature, and a broken one", ALL "DKIM require\n" NO_DNS, false,
	    SMALL BROKEN END, ACTION_REJECT, 0, 1, 1, 1,
	    "unverified malformed " },
	{ "no DNS", ALL "DKIM require\n" NO_DNS, true, SMALL END,
	    ACTION_TEMPFAIL, 0, 1, 0, 0, "unverified " },
	{ "no DNS, and a broken one", ALL "DKIM require\n" NO_DNS, true,
	    SMALL BROKEN END, ACTION_TEMPFAIL, 0, 1, 1, 0,
	    "unverified malformed " },
	{ "no DNS, deliver",
	    ALL
	    "DKIM require\nOnDNSFailure deliver\nOnUnverified discard\n" NO_DNS,
	    true, SMALL END, ACTION_DELIVER, 0, 1, 0, 1, "unverified " },
	{ "no DNS, only logged", ALL "DKIM log\n" NO_DNS, true, SMALL END,
	    ACTION_DISCARD, 1, 0, 0, 1, "report policy " },
	{ "no DNS, no report", ALL "DKIM require\n" NO_DNS, true,
	    "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n" END,
	    ACTION_REJECT, 0, 0, 1, 0, "malformed " },
	{ "no DNS, broken", ALL "DKIM require\n" NO_DNS, true, BROKEN END,
	    ACTION_REJECT, 0, 0, 1, 0, "malformed " },
};

START_TEST(reports_are_verified)
{
	bool counts = verified[_i].reports > 0;
	struct outcome outcome;
	enum conf_action action;
	struct fault fault;
	struct buf events;
	char apart[400];

	use_conf(verified[_i].settings);
	is_signed = verified[_i].is_signed;
	ck_status(verified[_i].name,
	    verify_site_configure(verify, conf, &fault), ST_OK);
	action = take(TLSRPT, verified[_i].body, &origin, &outcome);
	is_signed = false;
	ck_string(verified[_i].name, action_str(action),
	    action_str(verified[_i].want));
	ck_string(verified[_i].name, verdict_result_str(outcome.verdict.result),
	    verified[_i].is_signed ? "temperror" : "none");
	ck_assert_uint_eq(outcome.reports, verified[_i].reports);
	ck_assert_uint_eq(outcome.unverified, verified[_i].unverified);
	ck_assert_uint_eq(outcome.malformed, verified[_i].malformed);
	ck_assert(!outcome.has_failed);
	ck_assert_uint_eq(unit_count_files(archive), verified[_i].files);
	(void)snprintf(apart, sizeof apart, "%s/unverified", archive);
	ck_assert_int_eq(unit_exists(apart), !counts && verified[_i].files > 0);
	read_events(&events);
	ck_string(verified[_i].name, events.data, verified[_i].events);
	buf_free(&events);
}
END_TEST

/* What comes by HTTPS: no header around it, and no signature. */
#define TOKEN "0123456789abcdef"
#define ONE   "{\"report-id\":\"7\",\"policies\":[" POLICY("d.example") "]}"
#define BOTH                                                                   \
	"{\"report-id\":\"8\",\"policies\":[" POLICY("d.example") "," POLICY(  \
	    "e.example") "]}"
#define REQUIRE                                                                \
	ALL "DKIM require\nRequireAuth yes\nPathSecret d.example " TOKEN "\n"

static const struct {
	const char *name;
	const char *settings;
	enum auth auth;
	const char *type, *body;
	enum conf_action want;
	unsigned reports, unverified, malformed;
	const char *events;
} uploads[] = {
	{ "a report", ALL "DKIM require\n", AUTH_NONE,
	    "application/tlsrpt+json", ONE, ACTION_DISCARD, 1, 0, 0,
	    "report policy failure failure " },
	{ "no label", ALL, AUTH_NONE, "application/octet-stream", ONE,
	    ACTION_DISCARD, 1, 0, 0, "report policy failure failure " },
	{ "a proxy's word", REQUIRE, AUTH_PROXY, "application/json", ONE,
	    ACTION_DISCARD, 1, 0, 0, "report policy failure failure " },
	{ "a token's", REQUIRE, AUTH_PATH, "application/json", ONE,
	    ACTION_DISCARD, 1, 0, 0, "report policy failure failure " },
	{ "nobody's", REQUIRE, AUTH_NONE, "application/json", ONE,
	    ACTION_DISCARD, 0, 1, 0, "unverified " },
	{ "a token's, on another domain too", REQUIRE, AUTH_PATH,
	    "application/json", BOTH, ACTION_DISCARD, 0, 1, 0, "unverified " },
	{ "broken", REQUIRE, AUTH_PROXY, "application/tlsrpt+gzip", "{",
	    ACTION_KEEP, 0, 0, 1, "malformed " },
	{ "no report at all", REQUIRE, AUTH_PROXY, "text/plain", "hello",
	    ACTION_KEEP, 0, 0, 1, "malformed " },
};

START_TEST(uploads_take_the_same_road)
{
	const struct intake_origin from = {
		.queue_id = "4XyZ1k2",
		.client = "192.0.2.7",
		.is_last = true,
		.auth = uploads[_i].auth,
		.path_token = TOKEN,
	};
	struct outcome outcome;
	struct intake *in;
	struct buf events;

	use_conf(uploads[_i].settings);
	in = intake_new_upload(&site, conf);
	ck_assert_ptr_nonnull(in);
	intake_field(in, "Content-Type", uploads[_i].type);
	intake_body(in, uploads[_i].body, strlen(uploads[_i].body));
	ck_string(uploads[_i].name,
	    action_str(intake_finish(in, &from, &outcome)),
	    action_str(uploads[_i].want));
	intake_free(&in);
	ck_assert_uint_eq(outcome.reports, uploads[_i].reports);
	ck_assert_uint_eq(outcome.unverified, uploads[_i].unverified);
	ck_assert_uint_eq(outcome.malformed, uploads[_i].malformed);
	ck_assert_int_eq(outcome.verdict.result, VERDICT_OFF);
	ck_assert_uint_eq(unit_count_files(archive),
	    uploads[_i].reports + uploads[_i].unverified);
	read_events(&events);
	ck_string(uploads[_i].name, events.data, uploads[_i].events);
	buf_free(&events);
}
END_TEST

/* Nobody was configured to verify: then nothing is taken in, or believed. */
START_TEST(without_a_verifier_nothing_is_read)
{
	use_conf("DKIM require\n");
	ck_assert_ptr_null(intake_new(&site, conf, NULL));
}
END_TEST

/* SIGHUP between MAIL and DATA: the message is read as it began. */
START_TEST(a_message_outlives_its_configuration)
{
	struct conf *off = unit_conf("Mailbox a@b\nDKIM off\n");
	struct intake *in;
	struct fault fault;

	use_conf("DKIM require\nResolver 127.0.0.1@9\n");
	ck_status("on", verify_site_configure(verify, conf, &fault), ST_OK);
	ck_status("off", verify_site_configure(verify, off, &fault), ST_OK);
	in = intake_new(&site, conf, NULL);
	ck_assert_ptr_nonnull(in);
	intake_free(&in);
	conf_unref(&off);
}
END_TEST

START_TEST(the_line_of_a_report)
{
	struct outcome outcome;
	char line[16384];

	use_conf(ALL);
	(void)take(TLSRPT, PART("1") END, &origin, &outcome);
	ck_assert_str_eq(outcome.organization_name, "Org");
	ck_assert_int_eq(outcome.severity, SEV_ERR);
	ck_assert_uint_eq(outcome.totals.failed, 94);
	ck_assert(listener_read(fd, line, sizeof line, 15000));
	ck_assert_ptr_nonnull(strstr(line,
	    "event=report organization-name=Org report-id=1 "
	    "submitter=google.com policy-domain=d.example policy-count=2 "
	    "total-successful-session-count=1780 "
	    "total-failure-session-count=94 failure-rate=5.02% severity=err "
	    "deviations="));
	ck_assert_ptr_nonnull(strstr(line, " disposition=discard archive=20"));
	/* The archive that is named is there. */
	{
		char path[512], *name = strstr(line, "archive=");

		name += strlen("archive=");
		name[strcspn(name, " ")] = '\0';
		(void)snprintf(path, sizeof path, "%s/%s", archive, name);
		ck_assert_msg(unit_exists(path), "%s", path);
	}
}
END_TEST

START_TEST(lines_have_their_limit)
{
	static const struct {
		const char *settings, *events, *omitted;
	} limits[] = {
		{ "MaxFailureLines 4",
		    "report policy failure failure policy failure failure ",
		    NULL },
		{ "MaxFailureLines 3",
		    "report policy failure failure policy failure omitted ",
		    "policy-count=0 failure-count=1 failed-session-count=7" },
		{ "MaxFailureLines 1", "report policy failure omitted ",
		    "policy-count=1 failure-count=3 failed-session-count=54" },
		{ "MaxFailureLines 0", "report omitted ",
		    "policy-count=2 failure-count=4 failed-session-count=94" },
	};
	struct outcome outcome;
	struct buf events;

	use_conf(limits[_i].settings);
	(void)take(TLSRPT, PART("1") END, &origin, &outcome);
	read_events(&events);
	ck_string(limits[_i].settings, events.data, limits[_i].events);
	buf_free(&events);
	if (limits[_i].omitted != NULL) {
		char line[16384] = "";

		(void)take(TLSRPT, PART("2") END, &origin, &outcome);
		while (strstr(line, "event=omitted") == NULL)
			ck_assert(listener_read(fd, line, sizeof line, 15000));
		ck_assert_msg(
		    strstr(line, limits[_i].omitted) != NULL, "%s", line);
	}
}
END_TEST

START_TEST(the_message_is_kept_when_asked)
{
	struct outcome outcome;

	use_conf("ArchiveMessage yes");
	(void)take(TLSRPT, PART("1") PART("2") END, &origin, &outcome);
	ck_assert_uint_eq(outcome.reports, 2);
	ck_assert_uint_eq(unit_count_files(archive), 4);
}
END_TEST

START_TEST(a_log_that_stalls_keeps_the_mail)
{
	struct outcome outcome;
	enum conf_action action;

	use_conf(ALL);
	(void)close(fd);
	(void)unlink(socket_path);
	action = take(TLSRPT, PART("1") END, &origin, &outcome);
	ck_assert_str_eq(action_str(action), "deliver");
	/* And the next one too, now that lines wait already. */
	action = take(TLSRPT, PART("2") END, &origin, &outcome);
	ck_assert_str_eq(action_str(action), "deliver");
	ck_assert_uint_eq(outcome.reports, 1);
	fd = listener_open(socket_path);
}
END_TEST

static void
on_sync_failure(void *ctx, const struct fault *fault, enum conf_action action)
{
	ck_assert_str_eq(action_str(action), "deliver");
	(void)fault;
	(*(unsigned *)ctx)++;
}

/* Only for a message that somebody gets in any case does no reply wait. */
START_TEST(the_disk_is_waited_for_when_it_matters)
{
	static const char *const settings[] = { "OnReport deliver",
		"OnReport discard", "OnFailure tempfail" };
	unsigned failures = 0;
	struct outcome outcome;
	struct fault fault;

	/* This makes the directories. */
	(void)take(TLSRPT, PART("0") END, &origin, &outcome);
	site.syncer = syncer_new(on_sync_failure, &failures);
	ck_assert_ptr_nonnull(site.syncer);
	ck_status("start", syncer_start(site.syncer, &fault), ST_OK);
	use_conf(settings[_i]);
	inject_arm(INJECT_SYNC, 1);
	(void)take(TLSRPT, PART("1") END, &origin, &outcome);
	ck_assert_uint_eq(outcome.has_failed, _i != 0);
	ck_assert_uint_eq(outcome.reports, _i == 0);
	syncer_free(&site.syncer);
	ck_assert(inject_disarm());
	ck_assert_uint_eq(failures, _i == 0);
}
END_TEST

START_TEST(a_message_may_be_too_large)
{
	struct outcome outcome;
	struct buf body;

	use_conf("MaxMessageSize 4K\nOnMalformed reject\n"
		 "ArchiveMessage yes");
	buf_init(&body, 1 << 16);
	(void)buf_adds(&body, PART("1"));
	unit_repeat(&body, "--b\r\n\r\n.........................\r\n", 200);
	ck_assert_str_eq(
	    action_str(take(TLSRPT, body.data, &origin, &outcome)), "reject");
	ck_assert_int_eq(outcome.fault.status, ST_TOO_LARGE);
	/* The report before the limit has been read all the same. */
	ck_assert_uint_eq(outcome.reports, 1);
	buf_free(&body);
}
END_TEST

#define LONG_ID                                                                \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Whatever fails: no discard, no report that is not whole, no leak. */
START_TEST(every_call_may_fail)
{
	static const enum inject kinds[] = { INJECT_MEMORY, INJECT_ZLIB,
		INJECT_WRITE, INJECT_SYNC, INJECT_FILE, INJECT_DIGEST,
		INJECT_READ };
	size_t descriptors;
	struct outcome outcome;
	unsigned n;

	use_conf(ALL "ArchiveMessage yes\n");
	/* The log has its socket before, and the memory for lines longer than
	   any below; it keeps both. */
	(void)take(TLSRPT, PART(LONG_ID LONG_ID LONG_ID LONG_ID) END, &origin,
	    &outcome);
	(void)listener_drain(fd, 0);
	descriptors = unit_count_descriptors();
	for (n = 1;; n++) {
		enum conf_action action;
		bool is_struck;
		char id[512];
		int value = 0;

		(void)snprintf(id, sizeof id,
		    "--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n"
		    "{\"report-id\":\"%u\\u0041\",\"policies\":[{}]}\r\n" END,
		    n);
		inject_arm(kinds[_i], n);
		action = take(TLSRPT, id, &origin, &outcome);
		is_struck = inject_disarm();
		(void)listener_drain(fd, 0);
		ck_assert_msg(inject_leaks() == 0, "call %u leaks", n);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
		ck_assert_int_eq(sem_getvalue(&site.decoders, &value), 0);
		ck_assert_int_eq(value, INTAKE_DECODERS);
		if (!is_struck) {
			ck_assert_str_eq(action_str(action), "discard");
			break;
		}
		if (action == ACTION_DISCARD)
			/* Only a line's memory may have been lacking. */
			ck_assert(!outcome.has_failed && outcome.reports == 1);
		else
			ck_assert_msg(action == ACTION_TEMPFAIL ||
				action == ACTION_DELIVER,
			    "call %u: %s", n, action_str(action));
	}
	ck_assert_uint_gt(n, _i == 6 ? 0 : 1);
}
END_TEST

Suite *
intake_suite(void)
{
	Suite *suite = suite_create("intake");
	TCase *tc = tcase_create("intake");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, messages_are_taken_in, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(
	    tc, reports_are_verified, 0, (int)ARRAY_LEN(verified));
	tcase_add_test(tc, a_message_outlives_its_configuration);
	tcase_add_loop_test(
	    tc, uploads_take_the_same_road, 0, (int)ARRAY_LEN(uploads));
	tcase_add_test(tc, without_a_verifier_nothing_is_read);
	tcase_add_test(tc, the_line_of_a_report);
	tcase_add_loop_test(tc, lines_have_their_limit, 0, 4);
	tcase_add_test(tc, the_message_is_kept_when_asked);
	tcase_add_test(tc, a_log_that_stalls_keeps_the_mail);
	tcase_add_loop_test(tc, the_disk_is_waited_for_when_it_matters, 0, 3);
	tcase_add_test(tc, a_message_may_be_too_large);
	tcase_add_loop_test(tc, every_call_may_fail, 0, 7);
	suite_add_tcase(suite, tc);
	return suite;
}
