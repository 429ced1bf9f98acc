#include <check.h>
#include <string.h>

#include "emit.h"
#include "event.h"
#include "suites.h"
#include "unit.h"

/* What a report, a policy and a failure look like in the log (PRODUCT, 4). */
static const char text[] =
    "{\"organization-name\":\"Microsoft Corporation\",\"date-range\":{"
    "\"start-datetime\":\"2026-02-12T00:00:00Z\","
    "\"end-datetime\":\"2026-02-12T23:59:59Z\"},\"contact-info\":\"c@m\","
    "\"report-id\":\"1+d\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
    "\"policy-string\":[\"version: STSv1\"],\"policy-domain\":\"d.example\","
    "\"mx-host\":[\"mx1.d\",\"mx2.d\"]},\"summary\":{"
    "\"total-successful-session-count\":890,"
    "\"total-failure-session-count\":47},\"failure-details\":[{"
    "\"result-type\":\"certificate-host-mismatch\","
    "\"sending-mta-ip\":\"40.107.22.89\","
    "\"receiving-mx-hostname\":\"mx2.d\",\"receiving-mx-helo\":\"h\","
    "\"receiving-ip\":\"198.51.100.20\",\"failed-session-count\":47,"
    "\"additional-information\":\"i\",\"failure-reason-code\":\"r\"}]},"
    "{\"policy\":{\"policy-type\":\"tlsa\"},\"summary\":{}}]}";

struct printing {
	const struct report *report;
	struct buf out;
};

static enum report_visit
print_policy(void *ctx, const struct policy *policy)
{
	struct printing *p = ctx;
	struct totals totals = { policy->successful.value,
		policy->failed.value };
	struct event ev;

	event_policy(&ev, p->report, policy, &totals, SEV_ERR);
	(void)emit_logfmt(&p->out, &ev, "Q");
	(void)buf_addc(&p->out, '\n');
	return REPORT_NEXT;
}

static enum report_visit
print_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct printing *p = ctx;
	struct event ev;

	event_failure(&ev, p->report, policy, failure, SEV_ERR);
	ck_assert_int_eq(ev.severity, SEV_ERR);
	(void)emit_logfmt(&p->out, &ev, "Q");
	(void)buf_addc(&p->out, '\n');
	return REPORT_NEXT;
}

START_TEST(the_lines_of_a_report)
{
	static const struct report_visitor visitor = { .policy = print_policy,
		.failure = print_failure };
	struct conf *conf = conf_new();
	struct assessment as;
	struct printing p;
	struct report r;
	struct event ev;

	ck_status("read", report_read(&r, BYTES(text), 0, NULL), ST_OK);
	ck_status("assess", assess_report(&r, conf, &as), ST_OK);
	event_report(&ev, "report", &r, &as, "microsoft.com", NULL);
	ck_assert_int_eq(ev.severity, as.severity);
	p.report = &r;
	buf_init(&p.out, 1 << 16);
	ck_status("emit", emit_logfmt(&p.out, &ev, "Q"), ST_OK);
	ck_assert_str_eq(p.out.data,
	    "Q: event=report organization-name=\"Microsoft Corporation\" "
	    "report-id=1+d contact-info=c@m submitter=microsoft.com "
	    "policy-domain=d.example policy-count=2 "
	    "start-datetime=2026-02-12T00:00:00Z "
	    "end-datetime=2026-02-12T23:59:59Z "
	    "total-successful-session-count=890 "
	    "total-failure-session-count=47 failure-rate=5.02% severity=err "
	    "deviations=policy-domain-missing,count-missing");
	buf_cut(&p.out, 0);
	ck_status("walk", report_walk(&r, &visitor, &p), ST_OK);
	ck_assert_ptr_nonnull(strstr(p.out.data,
	    "Q: event=policy organization-name=\"Microsoft Corporation\" "
	    "policy-type=sts policy-domain=d.example mx-host=mx1.d,mx2.d "
	    "total-successful-session-count=890 "
	    "total-failure-session-count=47 failure-rate=5.02% "
	    "severity=err policy-string=\"version: STSv1\"\n"));
	ck_assert_ptr_nonnull(strstr(p.out.data,
	    "Q: event=failure organization-name=\"Microsoft Corporation\" "
	    "policy-domain=d.example policy-type=sts "
	    "result-type=certificate-host-mismatch category=negotiation "
	    "failed-session-count=47 receiving-mx-hostname=mx2.d "
	    "receiving-mx-helo=h receiving-ip=198.51.100.20 "
	    "sending-mta-ip=40.107.22.89 failure-reason-code=r "
	    "additional-information=i severity=err cause=\""));
	ck_assert_ptr_nonnull(strstr(p.out.data, "\" action=\""));
	ck_assert_ptr_nonnull(strstr(p.out.data,
	    "; then run: tlsrpt diagnose --mx mx2.d d.example\"\n"));
	/* Without a summary. */
	ck_assert_ptr_nonnull(strstr(p.out.data,
	    "policy-type=tlsa total-successful-session-count=0 "
	    "total-failure-session-count=0 failure-rate=0.00% "));
	buf_free(&p.out);
	conf_unref(&conf);
}
END_TEST

/* Its level is notice, whatever the report says. */
START_TEST(a_report_that_is_not_genuine)
{
	const struct verdict verdict = {
		.result = VERDICT_FAIL,
		.reason = REASON_BODY_HASH,
		.dnssec = DNSSEC_SECURE,
		.domain = "d.example",
		.selector = "s 1",
	};
	struct conf *conf = conf_new();
	struct assessment as;
	struct report r;
	struct event ev;
	struct buf out;

	ck_status("read", report_read(&r, BYTES(text), 0, NULL), ST_OK);
	ck_status("assess", assess_report(&r, conf, &as), ST_OK);
	ck_assert_int_eq(as.severity, SEV_ERR);
	event_report(&ev, "unverified", &r, &as, NULL, &verdict);
	ck_assert_int_eq(ev.severity, SEV_NOTICE);
	buf_init(&out, 1 << 16);
	ck_status("emit", emit_logfmt(&out, &ev, "Q"), ST_OK);
	ck_assert_ptr_nonnull(strstr(out.data, "Q: event=unverified "));
	ck_assert_ptr_nonnull(strstr(out.data,
	    " severity=notice deviations=policy-domain-missing,count-missing "
	    "dkim=fail dkim-domain=d.example dkim-selector=\"s 1\" "
	    "dkim-reason=body-hash dkim-dnssec=secure"));
	buf_free(&out);
	conf_unref(&conf);
}
END_TEST

/* Nobody has looked: nothing is said. */
START_TEST(a_verdict_that_is_none)
{
	const struct verdict off = { .result = VERDICT_OFF };
	const struct verdict pass = { .result = VERDICT_PASS };
	struct event ev;

	event_init(&ev, "report", SEV_INFO);
	event_verdict(&ev, NULL);
	event_verdict(&ev, &off);
	ck_assert_uint_eq(ev.count, 0);
	event_verdict(&ev, &pass);
	ck_assert_uint_eq(ev.count, 1);
	ck_assert_str_eq(ev.field[0].u.string, "pass");
}
END_TEST

START_TEST(the_fields_of_a_fault)
{
	struct fault fault;
	struct event ev;
	struct buf out;

	(void)fault_at(&fault, ST_JSON_SYNTAX, 17, "no comma");
	event_init(&ev, "malformed", SEV_WARNING);
	event_fault(&ev, &fault);
	buf_init(&out, 1000);
	ck_status("emit", emit_logfmt(&out, &ev, NULL), ST_OK);
	ck_assert_str_eq(out.data,
	    "event=malformed reason=json-syntax detail=\"no comma\" offset=17");
	buf_cut(&out, 0);
	(void)fault_set(&fault, ST_NO_SPACE, "full");
	event_init(&ev, "error", SEV_ERR);
	event_fault(&ev, &fault);
	ck_status("emit", emit_logfmt(&out, &ev, NULL), ST_OK);
	ck_assert_str_eq(out.data, "event=error reason=no-space detail=full");
	buf_free(&out);
}
END_TEST

static const struct state_problem problem = {
	.policy_domain = "d.example",
	.receiving_mx_hostname = "mx2.d.example",
	.policy_type = "sts",
	.result_type = "certificate-expired",
	.episode = {
	    .state = PROBLEM_OPEN,
	    .has_opened = true,
	    .since = 1770854400,
	    .last = 1771027199,
	    .resolved = INT64_MAX,
	    .sessions = 900,
	    .failed = 47,
	    .sightings = 3,
	    .reporters = 2,
	    .severity = SEV_ERR,
	},
};

/* The line of an event, less cause and action, which are the last. */
static void
ck_line(const struct event *ev, const char *want)
{
	struct buf out;
	char *cause;

	buf_init(&out, 1 << 16);
	ck_status("emit", emit_logfmt(&out, ev, NULL), ST_OK);
	cause = strstr(out.data, " cause=\"");
	ck_assert_ptr_nonnull(cause);
	ck_assert_ptr_nonnull(strstr(cause, "\" action=\""));
	*cause = '\0';
	ck_string(ev->name, out.data, want);
	buf_free(&out);
}

START_TEST(a_problem_in_its_states)
{
	struct state_problem p = problem;
	struct event ev;

	event_problem(&ev, PROBLEM_OPENED, &p);
	ck_assert_int_eq(ev.severity, SEV_ERR);
	ck_line(&ev,
	    "event=problem-opened policy-domain=d.example policy-type=sts "
	    "result-type=certificate-expired "
	    "receiving-mx-hostname=mx2.d.example category=negotiation "
	    "state=open since=2026-02-12T00:00:00Z last=2026-02-13T23:59:59Z "
	    "failed-session-count=47 total-session-count=900 reports=3 "
	    "reporters=2 severity=err");

	p.episode.severity = SEV_WARNING;
	event_problem(&ev, PROBLEM_WORSE, &p);
	ck_assert_str_eq(ev.name, "problem-worse");
	ck_assert_int_eq(ev.severity, SEV_WARNING);

	p.episode.state = PROBLEM_STALE;
	event_problem(&ev, PROBLEM_IS_STALE, &p);
	ck_assert_str_eq(ev.name, "problem-stale");
	ck_assert_int_eq(ev.severity, SEV_NOTICE);

	p.receiving_mx_hostname[0] = '\0';
	p.episode.state = PROBLEM_RESOLVED;
	p.episode.resolved = 1771200000;
	event_problem(&ev, PROBLEM_IS_RESOLVED, &p);
	ck_assert_int_eq(ev.severity, SEV_NOTICE);
	ck_line(&ev,
	    "event=problem-resolved policy-domain=d.example policy-type=sts "
	    "result-type=certificate-expired category=negotiation "
	    "state=resolved since=2026-02-12T00:00:00Z "
	    "last=2026-02-13T23:59:59Z resolved=2026-02-16T00:00:00Z "
	    "failed-session-count=47 total-session-count=900 reports=3 "
	    "reporters=2 severity=notice");
}
END_TEST

/* Of a type that nobody knows, and of none. */
START_TEST(a_problem_of_another_type)
{
	struct state_problem p = problem;
	struct event ev;

	memcpy(p.result_type, "x y", 4);
	event_problem(&ev, PROBLEM_OPENED, &p);
	ck_line(&ev,
	    "event=problem-opened policy-domain=d.example policy-type=sts "
	    "result-type=\"x y\" receiving-mx-hostname=mx2.d.example "
	    "category=unknown state=open since=2026-02-12T00:00:00Z "
	    "last=2026-02-13T23:59:59Z failed-session-count=47 "
	    "total-session-count=900 reports=3 reporters=2 severity=err");
	p.result_type[0] = '\0';
	event_problem(&ev, PROBLEM_OPENED, &p);
	ck_line(&ev,
	    "event=problem-opened policy-domain=d.example policy-type=sts "
	    "receiving-mx-hostname=mx2.d.example category=unknown state=open "
	    "since=2026-02-12T00:00:00Z last=2026-02-13T23:59:59Z "
	    "failed-session-count=47 total-session-count=900 reports=3 "
	    "reporters=2 severity=err");
}
END_TEST

START_TEST(a_reporter_that_fell_silent)
{
	const struct state_reporter reporter = {
		.organization_name = "Google Inc.",
		.newest = 1770940799,
		.reports = 12,
	};
	struct event ev;

	event_silent(&ev, &reporter);
	ck_assert_int_eq(ev.severity, SEV_WARNING);
	ck_line(&ev,
	    "event=reporter-silent organization-name=\"Google Inc.\" "
	    "last=2026-02-12T23:59:59Z reports=12 severity=warning");
}
END_TEST

START_TEST(fields_have_their_limit)
{
	struct event ev;

	event_init(&ev, "e", SEV_INFO);
	for (int i = 0; i < EVENT_FIELDS_MAX + 3; i++)
		event_count(&ev, i < EVENT_FIELDS_MAX ? "a" : "b", 1);
	ck_assert_uint_eq(ev.count, EVENT_FIELDS_MAX);
}
END_TEST

Suite *
event_suite(void)
{
	Suite *suite = suite_create("event");
	TCase *tc = tcase_create("event");

	tcase_add_test(tc, the_lines_of_a_report);
	tcase_add_test(tc, a_report_that_is_not_genuine);
	tcase_add_test(tc, a_verdict_that_is_none);
	tcase_add_test(tc, the_fields_of_a_fault);
	tcase_add_test(tc, a_problem_in_its_states);
	tcase_add_test(tc, a_problem_of_another_type);
	tcase_add_test(tc, a_reporter_that_fell_silent);
	tcase_add_test(tc, fields_have_their_limit);
	suite_add_tcase(suite, tc);
	return suite;
}
