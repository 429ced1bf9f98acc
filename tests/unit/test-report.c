#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "inject.h"
#include "report.h"
#include "suites.h"
#include "unit.h"

/*
 * What a walk visits is printed: "P(type|domain|strings|mx|successful|failed)"
 * for a policy, "F(result|sender|mx|helo|ip|count|info|code)" for a failure,
 * "E" for the end of a policy; "-" is what is missing.
 */
struct printing {
	struct buf out;
	enum report_visit policy_answer, failure_answer;
	size_t policies, failures;
	bool is_silent;
};

static void
put(struct printing *p, const char *string, char end)
{
	(void)buf_adds(&p->out, string != NULL ? string : "-");
	(void)buf_addc(&p->out, end);
}

static void
put_count(struct printing *p, struct count count, char end)
{
	if (count.is_known)
		(void)buf_addf(
		    &p->out, "%llu%c", (unsigned long long)count.value, end);
	else
		put(p, NULL, end);
}

static void
put_list(struct printing *p, const cJSON *list, char end)
{
	const cJSON *item = NULL;

	if (list == NULL)
		put(p, NULL, end);
	cJSON_ArrayForEach(item, list)
	{
		put(p, item->valuestring, item->next != NULL ? '+' : end);
	}
}

static enum report_visit
print_policy(void *ctx, const struct policy *policy)
{
	struct printing *p = ctx;

	if (policy->index != p->policies++ || p->is_silent)
		return p->policy_answer;
	(void)buf_addf(&p->out, "P%d(", (int)policy->type);
	put(p, policy->policy_type, '|');
	put(p, policy->policy_domain, '|');
	put_list(p, policy->policy_string, '|');
	put_list(p, policy->mx_host, '|');
	put_count(p, policy->successful, '|');
	put_count(p, policy->failed, ')');
	p->failures = 0;
	return p->policy_answer;
}

static enum report_visit
print_failure(void *ctx, const struct policy *policy, const struct failure *f)
{
	struct printing *p = ctx;

	(void)policy;
	if (f->index != p->failures++ || p->is_silent)
		return p->failure_answer;
	(void)buf_adds(&p->out, "F(");
	put(p, f->result_type, '|');
	put(p, f->sending_mta_ip, '|');
	put(p, f->receiving_mx_hostname, '|');
	put(p, f->receiving_mx_helo, '|');
	put(p, f->receiving_ip, '|');
	put_count(p, f->failed, '|');
	put(p, f->additional_information, '|');
	put(p, f->failure_reason_code, ')');
	return p->failure_answer;
}

static void
print_end(void *ctx, const struct policy *policy)
{
	struct printing *p = ctx;

	(void)policy;
	if (!p->is_silent)
		(void)buf_addc(&p->out, 'E');
}

static const struct report_visitor visitor = { print_policy, print_failure,
	print_end };

/* The parts of a report that has nothing odd. */
#define HEAD                                                                   \
	"{\"organization-name\":\"Org\",\"date-range\":{\"start-datetime\":"   \
	"\"2016-04-01T00:00:00Z\",\"end-datetime\":\"2016-04-01T23:59:59Z\"}," \
	"\"contact-info\":\"c@org\",\"report-id\":\"id\",\"policies\":"
#define POLICY                                                                 \
	"\"policy\":{\"policy-type\":\"sts\",\"policy-string\":[\"a\",\"b\"]," \
	"\"policy-domain\":\"d.example\",\"mx-host\":[\"*.d.example\"]}"
#define SUMMARY                                                                \
	"\"summary\":{\"total-successful-session-count\":5,"                   \
	"\"total-failure-session-count\":2}"
#define PLAIN "P1(sts|d.example|a+b|*.d.example|5|2)"
#define FAILURE(more)                                                          \
	HEAD "[{" POLICY "," SUMMARY ",\"failure-details\":[{" more "}]}]}"

static const struct {
	const char *name;
	const char *text;
	const char *want;
	deviations dev;
} rows[] = {
	{ "nothing odd", HEAD "[{" POLICY "," SUMMARY "}]}", PLAIN "E", 0 },
	{ "empty failure-details",
	    HEAD "[{" POLICY "," SUMMARY ",\"failure-details\":[]}]}",
	    PLAIN "E", 0 },
	{ "everything",
	    FAILURE("\"result-type\":\"certificate-expired\","
		    "\"sending-mta-ip\":\"2001:db8:abcd:0012::1\","
		    "\"receiving-mx-hostname\":\"mx1.d.example\","
		    "\"receiving-mx-helo\":\"mx1\","
		    "\"receiving-ip\":\"192.0.2.1\","
		    "\"failed-session-count\":2,"
		    "\"additional-information\":\"https://x\","
		    "\"failure-reason-code\":\"X509\""),
	    PLAIN "F(certificate-expired|2001:db8:abcd:0012::1|mx1.d.example|"
		  "mx1|192.0.2.1|2|https://x|X509)E",
	    0 },
	{ "summary before policy, two policies",
	    HEAD "[{" SUMMARY "," POLICY "},{" POLICY "," SUMMARY "}]}",
	    PLAIN "E" PLAIN "E", 0 },
	{ "unknown members",
	    HEAD "[{\"x\":{\"policy\":1}," POLICY "," SUMMARY
		 "}],\"y\":[1,{\"policies\":[]}]}",
	    PLAIN "E", 0 },
	{ "tlsa",
	    HEAD "[{\"policy\":{\"policy-type\":\"tlsa\","
		 "\"policy-domain\":\"d\"}," SUMMARY "}]}",
	    "P0(tlsa|d|-|-|5|2)E", 0 },
	{ "no-policy-found",
	    HEAD "[{\"policy\":{\"policy-type\":\"no-policy-found\","
		 "\"policy-domain\":\"d\"}," SUMMARY "}]}",
	    "P2(no-policy-found|d|-|-|5|2)E", 0 },
	{ "unknown type",
	    HEAD "[{\"policy\":{\"policy-type\":\"future\","
		 "\"policy-domain\":\"d\"}," SUMMARY "}]}",
	    "P3(future|d|-|-|5|2)E", DEV(DEV_POLICY_TYPE_UNKNOWN) },
	{ "type and domain missing", HEAD "[{\"policy\":{}," SUMMARY "}]}",
	    "P3(-|-|-|-|5|2)E",
	    DEV(DEV_POLICY_TYPE_MISSING) | DEV(DEV_POLICY_DOMAIN_MISSING) },
	{ "policy missing", HEAD "[{" SUMMARY "}]}", "P3(-|-|-|-|5|2)E",
	    DEV(DEV_POLICY_MISSING) | DEV(DEV_POLICY_TYPE_MISSING) |
		DEV(DEV_POLICY_DOMAIN_MISSING) },
	{ "mx-host as a string",
	    HEAD "[{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
		 "\"d\",\"mx-host\":\"mx.d\",\"policy-string\":\"v\"}," SUMMARY
		 "}]}",
	    "P1(sts|d|v|mx.d|5|2)E",
	    DEV(DEV_MX_HOST_NOT_ARRAY) | DEV(DEV_POLICY_STRING_NOT_ARRAY) },
	{ "an empty policy-string, Halon",
	    HEAD "[{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
		 "\"d\",\"policy-string\":\"\"}," SUMMARY "}]}",
	    "P1(sts|d|-|-|5|2)E", DEV(DEV_POLICY_STRING_NOT_ARRAY) },
	{ "null members",
	    HEAD "[{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
		 "\"d\",\"mx-host\":null,\"policy-string\":null},"
		 "\"failure-details\":null," SUMMARY "}]}",
	    "P1(sts|d|-|-|5|2)E", DEV(DEV_NULL_MEMBER) },
	{ "draft names",
	    HEAD "[{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
		 "\"d\",\"mx-host-pattern\":[\"*.d\"]},\"summary\":{"
		 "\"success-aggregate\":5,\"failure-aggregate\":2},"
		 "\"failure-details\":[{\"result-type\":\"tlsa-invalid\","
		 "\"session-count\":2,\"additional-info-uri\":\"u\","
		 "\"failure-error-code\":\"c\"}]}]}",
	    "P1(sts|d|-|*.d|5|2)F(tlsa-invalid|-|-|-|-|2|u|c)E",
	    DEV(DEV_DRAFT_MEMBER) },
	{ "SocketLabs",
	    FAILURE("\"result-type\":\"tlsa-invalid\","
		    "\"receiving-mx-host-name\":\"mx.d\","
		    "\"failed-session-count\":2"),
	    PLAIN "F(tlsa-invalid|-|mx.d|-|-|2|-|-)E",
	    DEV(DEV_MISNAMED_MEMBER) },
	{ "counts missing", HEAD "[{" POLICY ",\"summary\":{}}]}",
	    "P1(sts|d.example|a+b|*.d.example|-|-)E", DEV(DEV_COUNT_MISSING) },
	{ "summary missing", HEAD "[{" POLICY "}]}",
	    "P1(sts|d.example|a+b|*.d.example|-|-)E",
	    DEV(DEV_SUMMARY_MISSING) },
	{ "counts as strings",
	    HEAD "[{" POLICY ",\"summary\":{\"total-successful-session-count\""
		 ":\"5\",\"total-failure-session-count\":\"2\"}}]}",
	    PLAIN "E", DEV(DEV_COUNT_AS_STRING) },
	{ "result type missing", FAILURE("\"failed-session-count\":2"),
	    PLAIN "F(-|-|-|-|-|2|-|-)E", DEV(DEV_RESULT_TYPE_MISSING) },
	{ "result type unknown",
	    FAILURE("\"result-type\":\"new\",\"failed-session-count\":2"),
	    PLAIN "F(new|-|-|-|-|2|-|-)E", DEV(DEV_RESULT_TYPE_UNKNOWN) },
	{ "failed sessions missing",
	    FAILURE("\"result-type\":\"tlsa-invalid\""),
	    PLAIN "F(tlsa-invalid|-|-|-|-|-|-|-)E", DEV(DEV_COUNT_MISSING) },
	{ "empty strings",
	    FAILURE("\"result-type\":\"tlsa-invalid\",\"sending-mta-ip\":\"\","
		    "\"receiving-ip\":\"\",\"failed-session-count\":2"),
	    PLAIN "F(tlsa-invalid|-|-|-|-|2|-|-)E", 0 },
	{ "no addresses",
	    FAILURE("\"result-type\":\"tlsa-invalid\",\"sending-mta-ip\":"
		    "\"mail.x\",\"failed-session-count\":2"),
	    PLAIN "F(tlsa-invalid|mail.x|-|-|-|2|-|-)E", DEV(DEV_IP_INVALID) },
	{ "failure-details as an object",
	    HEAD "[{" POLICY "," SUMMARY ",\"failure-details\":{"
		 "\"result-type\":\"tlsa-invalid\","
		 "\"failed-session-count\":2}}]}",
	    PLAIN "F(tlsa-invalid|-|-|-|-|2|-|-)E",
	    DEV(DEV_FAILURE_DETAILS_NOT_ARRAY) },
	{ "policies as an object", HEAD "{" POLICY "," SUMMARY "}}", PLAIN "E",
	    DEV(DEV_POLICIES_NOT_ARRAY) },
	{ "elements that are no objects",
	    HEAD "[1,null,{" POLICY "," SUMMARY
		 ",\"failure-details\":[\"x\",{\"result-type\":"
		 "\"tlsa-invalid\",\"failed-session-count\":2}]}]}",
	    PLAIN "F(tlsa-invalid|-|-|-|-|2|-|-)E", DEV(DEV_WRONG_TYPE) },
	{ "members of the wrong type",
	    FAILURE("\"result-type\":[\"x\"],\"sending-mta-ip\":5,"
		    "\"failed-session-count\":true"),
	    PLAIN "F(-|5|-|-|-|-|-|-)E",
	    DEV(DEV_WRONG_TYPE) | DEV(DEV_RESULT_TYPE_MISSING) |
		DEV(DEV_IP_INVALID) | DEV(DEV_COUNT_INVALID) },
	{ "escapes and UTF-8",
	    FAILURE("\"result-type\":\"tlsa-invalid\",\"failure-reason-code\":"
		    "\"\\u00e9\\\"\xc3\xa9\",\"failed-session-count\":2"),
	    PLAIN "F(tlsa-invalid|-|-|-|-|2|-|\xc3\xa9\"\xc3\xa9)E", 0 },
};

static void
printing_init(struct printing *p)
{
	*p = (struct printing){ .policy_answer = REPORT_NEXT };
	buf_init(&p->out, 1 << 20);
	(void)buf_adds(&p->out, "");
}

START_TEST(reports_are_walked)
{
	char *copy = strdup(rows[_i].text);
	struct fault fault = { 0 };
	struct printing p;
	struct report r;

	ck_assert_ptr_nonnull(copy);
	ck_status(rows[_i].name, report_read(&r, copy, strlen(copy), 0, &fault),
	    ST_OK);
	ck_string("name", r.organization_name, "Org");
	ck_string("contact", r.contact_info, "c@org");
	ck_string("id", r.report_id, "id");
	ck_assert(r.start.is_known);
	ck_assert_int_eq(r.start.time, 1459468800);
	ck_string("start", r.start.text, "2016-04-01T00:00:00Z");
	ck_assert(r.end.is_known);
	ck_assert_int_eq(r.end.time, 1459555199);
	/* A walk may be repeated, and says the same. */
	for (int i = 0; i < 2; i++) {
		printing_init(&p);
		ck_status("walk", report_walk(&r, &visitor, &p), ST_OK);
		ck_string(rows[_i].name, p.out.data, rows[_i].want);
		ck_deviations(rows[_i].name, r.dev, rows[_i].dev);
		buf_free(&p.out);
	}
	free(copy);
}
END_TEST

#define TAIL "\"policies\":[{" POLICY "," SUMMARY "}]}"
#define RANGE(start, end)                                                      \
	"\"date-range\":{\"start-datetime\":" start ",\"end-datetime\":" end   \
	"},"
#define USUAL RANGE("\"2016-04-01T00:00:00Z\"", "\"2016-04-01T23:59:59Z\"")

static const struct {
	const char *name;
	const char *text;
	const char *organization, *contact, *id;
	deviations dev;
} heads[] = {
	{ "nothing", "{" TAIL, NULL, NULL, NULL,
	    DEV(DEV_ORGANIZATION_NAME_MISSING) | DEV(DEV_REPORT_ID_MISSING) |
		DEV(DEV_DATE_RANGE_MISSING) },
	{ "Stalwart",
	    "{\"organization-name\":\"S\",\"contact-info\":null,"
	    "\"report-id\":\"i\"," USUAL TAIL,
	    "S", NULL, "i", DEV(DEV_NULL_MEMBER) },
	{ "empty", "{\"organization-name\":\"\",\"report-id\":\"\"," USUAL TAIL,
	    NULL, NULL, NULL,
	    DEV(DEV_ORGANIZATION_NAME_MISSING) | DEV(DEV_REPORT_ID_MISSING) },
	{ "numbers for strings",
	    "{\"organization-name\":1,\"report-id\":2,\"contact-info\":[]"
	    "," USUAL TAIL,
	    "1", NULL, "2", DEV(DEV_WRONG_TYPE) },
	{ "repeated: the last counts",
	    "{\"organization-name\":\"A\",\"organization-name\":\"B\","
	    "\"report-id\":\"i\"," USUAL TAIL,
	    "B", NULL, "i", DEV(DEV_REPEATED_MEMBER) },
	{ "other case is another name",
	    "{\"Organization-Name\":\"A\",\"report-id\":\"i\"," USUAL TAIL,
	    NULL, NULL, "i", DEV(DEV_ORGANIZATION_NAME_MISSING) },
	{ "dates without a zone",
	    "{\"organization-name\":\"M\",\"report-id\":\"i\"," RANGE(
		"\"2023-10-10T00:00:00\"", "\"2023-10-10T23:59:59\"") TAIL,
	    "M", NULL, "i", DEV(DEV_DATETIME_WITHOUT_ZONE) },
	{ "dates that are none",
	    "{\"organization-name\":\"M\",\"report-id\":\"i\"," RANGE(
		"\"yesterday\"", "\"2023-10-10T23:59:59Z\"") TAIL,
	    "M", NULL, "i", DEV(DEV_DATETIME_INVALID) },
	{ "dates of the wrong type",
	    "{\"organization-name\":\"M\",\"report-id\":\"i\"," RANGE(
		"1", "null") TAIL,
	    "M", NULL, "i",
	    DEV(DEV_WRONG_TYPE) | DEV(DEV_NULL_MEMBER) |
		DEV(DEV_DATE_RANGE_MISSING) | DEV(DEV_DATETIME_INVALID) },
	{ "reversed",
	    "{\"organization-name\":\"M\",\"report-id\":\"i\"," RANGE(
		"\"2023-10-10T00:00:01Z\"", "\"2023-10-10T00:00:00Z\"") TAIL,
	    "M", NULL, "i", DEV(DEV_DATE_RANGE_REVERSED) },
	{ "one moment",
	    "{\"organization-name\":\"M\",\"report-id\":\"i\"," RANGE(
		"\"2023-10-10T00:00:00Z\"", "\"2023-10-10T00:00:00Z\"") TAIL,
	    "M", NULL, "i", 0 },
	{ "byte order mark",
	    "\xef\xbb\xbf{\"organization-name\":\"M\",\"report-id\":"
	    "\"i\"," USUAL TAIL,
	    "M", NULL, "i", DEV(DEV_BYTE_ORDER_MARK) },
};

START_TEST(heads_are_read)
{
	struct fault fault = { 0 };
	struct report r;

	ck_status(heads[_i].name,
	    report_read(&r, heads[_i].text, strlen(heads[_i].text), 0, &fault),
	    ST_OK);
	ck_string(heads[_i].name, r.organization_name, heads[_i].organization);
	ck_string(heads[_i].name, r.contact_info, heads[_i].contact);
	ck_string(heads[_i].name, r.report_id, heads[_i].id);
	ck_deviations(heads[_i].name, r.dev, heads[_i].dev);
}
END_TEST

static const struct {
	const char *text;
	enum status want;
} refused[] = {
	{ "", ST_EMPTY },
	{ "{}", ST_NO_POLICIES },
	{ "{\"policies\":null}", ST_NO_POLICIES },
	{ "{\"policies\":\"x\"}", ST_NO_POLICIES },
	{ "{\"Policies\":[{}]}", ST_NO_POLICIES },
	{ "[]", ST_JSON_NOT_OBJECT },
	{ "{\"policies\":[}", ST_JSON_SYNTAX },
	{ "{\"policies\":[\"\xff\"]}", ST_JSON_ENCODING },
	{ "<feedback/>", ST_JSON_SYNTAX },
};

START_TEST(what_is_no_report)
{
	struct fault fault = { 0 };
	struct report r;

	ck_status(refused[_i].text,
	    report_read(
		&r, refused[_i].text, strlen(refused[_i].text), 0, &fault),
	    refused[_i].want);
	ck_status(refused[_i].text, fault.status, refused[_i].want);
	ck_assert_str_ne(fault.detail, "");
}
END_TEST

#define ELEMENT "{\"result-type\":\"tlsa-invalid\",\"failed-session-count\":1}"
#define ENTRY                                                                  \
	"{" POLICY "," SUMMARY ",\"failure-details\":[" ELEMENT "," ELEMENT "]}"
#define LINE "F(tlsa-invalid|-|-|-|-|1|-|-)"

START_TEST(the_visitor_may_end_it)
{
	static const struct {
		enum report_visit policy, failure;
		const char *want;
	} answers[] = {
		{ REPORT_NEXT, REPORT_NEXT,
		    PLAIN LINE LINE "E" PLAIN LINE LINE "E" },
		{ REPORT_SKIP, REPORT_NEXT, PLAIN "E" PLAIN "E" },
		{ REPORT_STOP, REPORT_NEXT, PLAIN },
		{ REPORT_NEXT, REPORT_SKIP, PLAIN LINE "E" PLAIN LINE "E" },
		{ REPORT_NEXT, REPORT_STOP, PLAIN LINE },
	};
	static const char text[] = HEAD "[" ENTRY "," ENTRY "]}";
	struct printing p;
	struct report r;

	ck_status("read", report_read(&r, BYTES(text), 0, NULL), ST_OK);
	printing_init(&p);
	p.policy_answer = answers[_i].policy;
	p.failure_answer = answers[_i].failure;
	ck_status("walk", report_walk(&r, &visitor, &p), ST_OK);
	/* Whether a walk that was stopped ends its policy is open. */
	if (p.out.len == strlen(answers[_i].want) + 1)
		buf_cut(&p.out, strlen(answers[_i].want));
	ck_string("walk", p.out.data, answers[_i].want);
	buf_free(&p.out);
}
END_TEST

/* The strings of a struct share its store: all of them as long as can be. */

static void
ck_longest(const char *string, char letter)
{
	ck_assert_uint_eq(strlen(string), JSON_VALUE_MAX - 1);
	ck_assert_uint_eq(
	    strspn(string, (char[]){ letter, '\0' }), JSON_VALUE_MAX - 1);
}

static void
put_longest(struct buf *text, const char *name, char letter)
{
	(void)buf_addf(text, "\"%s\":\"", name);
	unit_repeat(text, (char[]){ letter, '\0' }, 2 * JSON_VALUE_MAX);
	(void)buf_adds(text, "\",");
}

static enum report_visit
longest_policy(void *ctx, const struct policy *p)
{
	(void)ctx;
	ck_longest(p->policy_type, 'd');
	ck_longest(p->policy_domain, 'e');
	return REPORT_NEXT;
}

static enum report_visit
longest_failure(void *ctx, const struct policy *p, const struct failure *f)
{
	(void)longest_policy(NULL, p);
	ck_longest(f->result_type, 'f');
	ck_longest(f->sending_mta_ip, 'g');
	ck_longest(f->receiving_mx_hostname, 'h');
	ck_longest(f->receiving_mx_helo, 'i');
	ck_longest(f->receiving_ip, 'j');
	ck_longest(f->additional_information, 'k');
	ck_longest(f->failure_reason_code, 'l');
	++*(int *)ctx;
	return REPORT_NEXT;
}

START_TEST(all_strings_may_be_long)
{
	static const struct report_visitor checker = {
		.policy = longest_policy,
		.failure = longest_failure,
	};
	static const char *const failure[] = { "result-type", "sending-mta-ip",
		"receiving-mx-hostname", "receiving-mx-helo", "receiving-ip",
		"additional-information", "failure-reason-code" };
	struct report r;
	struct buf text;
	int failures = 0;

	buf_init(&text, 1 << 20);
	(void)buf_adds(&text, "{");
	put_longest(&text, "organization-name", 'a');
	put_longest(&text, "contact-info", 'b');
	put_longest(&text, "report-id", 'c');
	(void)buf_adds(&text, "\"date-range\":{");
	put_longest(&text, "start-datetime", 'y');
	put_longest(&text, "end-datetime", 'z');
	buf_cut(&text, text.len - 1);
	(void)buf_adds(&text, "},\"policies\":[{\"policy\":{");
	put_longest(&text, "policy-type", 'd');
	put_longest(&text, "policy-domain", 'e');
	buf_cut(&text, text.len - 1);
	(void)buf_adds(&text, "},\"failure-details\":[{");
	for (size_t i = 0; i < sizeof failure / sizeof failure[0]; i++)
		put_longest(&text, failure[i], (char)('f' + i));
	buf_cut(&text, text.len - 1);
	(void)buf_adds(&text, "}]}]}");
	ck_status("read", report_read(&r, text.data, text.len, 0, NULL), ST_OK);
	ck_status("walk", report_walk(&r, &checker, &failures), ST_OK);
	ck_assert_int_eq(failures, 1);
	ck_longest(r.organization_name, 'a');
	ck_longest(r.contact_info, 'b');
	ck_longest(r.report_id, 'c');
	ck_longest(r.start.text, 'y');
	ck_longest(r.end.text, 'z');
	buf_free(&text);
}
END_TEST

/* The report within an archive record. */
START_TEST(a_span_is_read)
{
	static const char text[] =
	    "{\"severity\":\"info\",\"report\": " HEAD "[" ENTRY "]} }";
	const char *from = strstr(text, HEAD);
	struct json_span span = { from, strlen(from) - 2 };
	struct report r;

	ck_status("span", report_read_span(&r, span, DEV(DEV_MEDIA_TYPE), NULL),
	    ST_OK);
	ck_string("name", r.organization_name, "Org");
	ck_deviations("span", r.dev, DEV(DEV_MEDIA_TYPE));
	ck_status("array",
	    report_read_span(&r, (struct json_span){ "[]", 2 }, 0, NULL),
	    ST_JSON_NOT_OBJECT);
}
END_TEST

START_TEST(every_call_may_fail)
{
	/* Escapes need a cJSON item, plain strings none. */
	static const char text[] =
	    "{\"organization-name\":\"\\u00e9\",\"report-id\":\"i\\n\"," USUAL
	    "\"policies\":[" ENTRY ",{\"policy\":{\"mx-host\":[\"\\u00e9\"]}"
	    ",\"failure-details\":[{\"result-type\":\"\\u00e9\"}]}]}";
	unsigned n;

	for (n = 1;; n++) {
		struct fault fault = { 0 };
		struct printing p = { .is_silent = true };
		struct report r;
		enum status st;

		inject_arm(INJECT_MEMORY, n);
		st = report_read(&r, BYTES(text), 0, &fault);
		if (st == ST_OK)
			st = report_walk(&r, &visitor, &p);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_status("one", st, ST_NO_MEMORY);
		ck_assert_uint_eq(inject_leaks(), 0);
	}
	ck_assert_uint_gt(n, 3);
}
END_TEST

/*
 * RFC 8460, Appendix B, as it stands there, errata and line break in a string
 * included.
 */
static const char appendix_b[] =
    "   {\n"
    "     \"organization-name\": \"Company-X\",\n"
    "     \"date-range\": {\n"
    "       \"start-datetime\": \"2016-04-01T00:00:00Z\",\n"
    "       \"end-datetime\": \"2016-04-01T23:59:59Z\"\n"
    "     },\n"
    "     \"contact-info\": \"sts-reporting@company-x.example\",\n"
    "     \"report-id\": \"5065427c-23d3-47ca-b6e0-946ea0e8c4be\",\n"
    "     \"policies\": [{\n"
    "       \"policy\": {\n"
    "         \"policy-type\": \"sts\",\n"
    "         \"policy-string\": [\"version: STSv1\",\"mode: testing\",\n"
    "               \"mx: *.mail.company-y.example\",\"max_age: 86400\"],\n"
    "         \"policy-domain\": \"company-y.example\",\n"
    "         \"mx-host\": \"*.mail.company-y.example\"\n"
    "       },\n"
    "       \"summary\": {\n"
    "         \"total-successful-session-count\": 5326,\n"
    "         \"total-failure-session-count\": 303\n"
    "       },\n"
    "       \"failure-details\": [{\n"
    "         \"result-type\": \"certificate-expired\",\n"
    "         \"sending-mta-ip\": \"2001:db8:abcd:0012::1\",\n"
    "         \"receiving-mx-hostname\": \"mx1.mail.company-y.example\",\n"
    "         \"failed-session-count\": 100\n"
    "       }, {\n"
    "         \"result-type\": \"starttls-not-supported\",\n"
    "         \"sending-mta-ip\": \"2001:db8:abcd:0013::1\",\n"
    "         \"receiving-mx-hostname\": \"mx2.mail.company-y.example\",\n"
    "         \"receiving-ip\": \"203.0.113.56\",\n"
    "         \"failed-session-count\": 200,\n"
    "         \"additional-information\": "
    "\"https://reports.company-x.example/\n"
    "           report_info ? id = 5065427 c - 23 d3# StarttlsNotSupported \"\n"
    "       }, {\n"
    "         \"result-type\": \"validation-failure\",\n"
    "         \"sending-mta-ip\": \"198.51.100.62\",\n"
    "         \"receiving-ip\": \"203.0.113.58\",\n"
    "         \"receiving-mx-hostname\": "
    "\"mx-backup.mail.company-y.example\",\n"
    "         \"failed-session-count\": 3,\n"
    "         \"failure-reason-code\": "
    "\"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\"\n"
    "       }]\n"
    "     }]\n"
    "   }\n";

START_TEST(appendix_b_is_read)
{
	struct printing p;
	struct report r;

	ck_status("read", report_read(&r, BYTES(appendix_b), 0, NULL), ST_OK);
	printing_init(&p);
	ck_status("walk", report_walk(&r, &visitor, &p), ST_OK);
	ck_string("id", r.report_id, "5065427c-23d3-47ca-b6e0-946ea0e8c4be");
	ck_string("walk", p.out.data,
	    "P1(sts|company-y.example|version: STSv1+mode: testing+"
	    "mx: *.mail.company-y.example+max_age: 86400|"
	    "*.mail.company-y.example|5326|303)"
	    "F(certificate-expired|2001:db8:abcd:0012::1|"
	    "mx1.mail.company-y.example|-|-|100|-|-)"
	    "F(starttls-not-supported|2001:db8:abcd:0013::1|"
	    "mx2.mail.company-y.example|-|203.0.113.56|200|"
	    "https://reports.company-x.example/\n"
	    "           report_info ? id = 5065427 c - 23 d3# "
	    "StarttlsNotSupported |-)"
	    "F(validation-failure|198.51.100.62|"
	    "mx-backup.mail.company-y.example|-|203.0.113.58|3|-|"
	    "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED)E");
	ck_deviations("dev", r.dev,
	    DEV(DEV_RAW_CONTROL_CHARACTER) | DEV(DEV_MX_HOST_NOT_ARRAY));
	buf_free(&p.out);
}
END_TEST

Suite *
report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_loop_test(tc, reports_are_walked, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(tc, heads_are_read, 0, (int)ARRAY_LEN(heads));
	tcase_add_loop_test(tc, what_is_no_report, 0, (int)ARRAY_LEN(refused));
	tcase_add_loop_test(tc, the_visitor_may_end_it, 0, 5);
	tcase_add_test(tc, all_strings_may_be_long);
	tcase_add_test(tc, a_span_is_read);
	tcase_add_test(tc, every_call_may_fail);
	tcase_add_test(tc, appendix_b_is_read);
	suite_add_tcase(suite, tc);
	return suite;
}
