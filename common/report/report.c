#include "report.h"

#include <stddef.h>
#include <string.h>

#include "address.h"
#include "ijson.h"
#include "member.h"
#include "result.h"
#include "text.h"

/* A string of a struct, and where in its store the next one goes. */
static enum status
take_string(
    struct json_span span, char **store, const char **string, deviations *dev)
{
	enum status st = member_string(span, *store, string, dev);

	if (st == ST_OK && *string != NULL)
		*store += strlen(*string) + 1;
	return st;
}

static enum status
take_datetime(struct json_span span, char **store, struct datetime *datetime,
    deviations *dev)
{
	enum status st = member_datetime(span, *store, datetime, dev);

	if (st == ST_OK && datetime->text != NULL)
		*store += strlen(datetime->text) + 1;
	return st;
}

/*
 * The head of a report.
 */

enum head_member {
	ORGANIZATION_NAME,
	DATE_RANGE,
	CONTACT_INFO,
	REPORT_ID,
	POLICIES,
	HEAD_MEMBERS
};

static const struct member_name head_names[] = {
	MEMBER("organization-name", ORGANIZATION_NAME),
	MEMBER("date-range", DATE_RANGE),
	MEMBER("contact-info", CONTACT_INFO),
	MEMBER("report-id", REPORT_ID),
	MEMBER("policies", POLICIES),
};

enum range_member {
	START,
	END,
	RANGE_MEMBERS
};

static const struct member_name range_names[] = {
	MEMBER("start-datetime", START),
	MEMBER("end-datetime", END),
};

static void
note_missing(const struct report *r, deviations *dev)
{
	if (r->organization_name == NULL)
		deviation_add(dev, DEV_ORGANIZATION_NAME_MISSING);
	if (r->report_id == NULL)
		deviation_add(dev, DEV_REPORT_ID_MISSING);
	if (r->start.text == NULL || r->end.text == NULL)
		deviation_add(dev, DEV_DATE_RANGE_MISSING);
	if (r->start.is_known && r->end.is_known && r->end.time < r->start.time)
		deviation_add(dev, DEV_DATE_RANGE_REVERSED);
}

static enum status
read_policies(struct report *r, struct fault *fault)
{
	struct json_iter policy;
	struct member_objects policies;

	if (json_type(r->policies) == JSON_OBJECT)
		deviation_add(&r->dev, DEV_POLICIES_NOT_ARRAY);
	else if (json_type(r->policies) != JSON_ARRAY)
		return fault_set(fault, ST_NO_POLICIES,
		    "the object has no \"policies\" array");
	member_objects(&policies, r->policies);
	if (!member_object_next(&policies, &policy, &r->dev))
		return fault_set(fault, ST_NO_POLICIES,
		    "the \"policies\" array holds no policy");
	return ST_OK;
}

static enum status
read_head(struct report *r, struct fault *fault)
{
	struct json_span head[HEAD_MEMBERS] = { 0 };
	struct json_span range[RANGE_MEMBERS] = { 0 };
	struct json_iter object;
	char *store = r->store;
	enum status st;

	json_iter(&object, r->text);
	COLLECT(&object, head_names, head, &r->dev);
	json_iter(&object, head[DATE_RANGE]);
	COLLECT(&object, range_names, range, &r->dev);
	r->policies = head[POLICIES];
	st = read_policies(r, fault);
	if (st != ST_OK)
		return st;
	st = take_string(
	    head[ORGANIZATION_NAME], &store, &r->organization_name, &r->dev);
	if (st == ST_OK)
		st = take_string(
		    head[CONTACT_INFO], &store, &r->contact_info, &r->dev);
	if (st == ST_OK)
		st = take_string(
		    head[REPORT_ID], &store, &r->report_id, &r->dev);
	if (st == ST_OK)
		st = take_datetime(range[START], &store, &r->start, &r->dev);
	if (st == ST_OK)
		st = take_datetime(range[END], &store, &r->end, &r->dev);
	if (st != ST_OK)
		return fault_set(fault, st, "report: out of memory");
	note_missing(r, &r->dev);
	return ST_OK;
}

void
report_init(struct report *report)
{
	memset(report, 0, offsetof(struct report, store));
}

enum status
report_read_span(struct report *report, struct json_span span, deviations dev,
    struct fault *fault)
{
	report_init(report);
	report->text = span;
	report->dev = dev;
	if (json_type(span) != JSON_OBJECT)
		return fault_set(
		    fault, ST_JSON_NOT_OBJECT, "not a JSON object");
	return read_head(report, fault);
}

enum status
report_read(struct report *report, const char *text, size_t len, deviations dev,
    struct fault *fault)
{
	enum status st = ijson_check(text, len, NULL, &dev, fault);

	if (st != ST_OK)
		return st;
	return report_read_span(report, json_root(text, len), dev, fault);
}

/*
 * A policy.
 */

enum entry_member {
	POLICY,
	SUMMARY,
	FAILURE_DETAILS,
	ENTRY_MEMBERS
};

static const struct member_name entry_names[] = {
	MEMBER("policy", POLICY),
	MEMBER("summary", SUMMARY),
	MEMBER("failure-details", FAILURE_DETAILS),
};

enum policy_member {
	POLICY_TYPE,
	POLICY_STRING,
	POLICY_DOMAIN,
	MX_HOST,
	POLICY_MEMBERS
};

static const struct member_name policy_names[] = {
	MEMBER("policy-type", POLICY_TYPE),
	MEMBER("policy-string", POLICY_STRING),
	MEMBER("policy-domain", POLICY_DOMAIN),
	MEMBER("mx-host", MX_HOST),
	ALIAS("mx-host-pattern", MX_HOST, DEV_DRAFT_MEMBER),
};

enum summary_member {
	SUCCESSFUL,
	FAILED,
	SUMMARY_MEMBERS
};

static const struct member_name summary_names[] = {
	MEMBER("total-successful-session-count", SUCCESSFUL),
	MEMBER("total-failure-session-count", FAILED),
	ALIAS("success-aggregate", SUCCESSFUL, DEV_DRAFT_MEMBER),
	ALIAS("failure-aggregate", FAILED, DEV_DRAFT_MEMBER),
};

static enum policy_type
policy_type(const char *string, deviations *dev)
{
	if (string == NULL) {
		deviation_add(dev, DEV_POLICY_TYPE_MISSING);
		return POLICY_UNKNOWN;
	}
	if (strcmp(string, "tlsa") == 0)
		return POLICY_TLSA;
	if (strcmp(string, "sts") == 0)
		return POLICY_STS;
	if (strcmp(string, "no-policy-found") == 0)
		return POLICY_NOT_FOUND;
	deviation_add(dev, DEV_POLICY_TYPE_UNKNOWN);
	return POLICY_UNKNOWN;
}

static enum status
read_policy_object(struct policy *p, struct json_span span, deviations *dev)
{
	struct json_span value[POLICY_MEMBERS] = { 0 };
	struct json_iter object;
	char *store = p->store;
	enum status st;

	if (json_type(span) != JSON_OBJECT)
		deviation_add(dev, DEV_POLICY_MISSING);
	json_iter(&object, span);
	COLLECT(&object, policy_names, value, dev);
	st = take_string(value[POLICY_TYPE], &store, &p->policy_type, dev);
	if (st == ST_OK)
		st = take_string(
		    value[POLICY_DOMAIN], &store, &p->policy_domain, dev);
	if (st == ST_OK)
		st = member_strings(value[POLICY_STRING], &p->list[0],
		    &p->policy_string, DEV_POLICY_STRING_NOT_ARRAY, dev);
	if (st == ST_OK)
		st = member_strings(value[MX_HOST], &p->list[1], &p->mx_host,
		    DEV_MX_HOST_NOT_ARRAY, dev);
	if (st != ST_OK)
		return st;
	p->type = policy_type(p->policy_type, dev);
	if (p->policy_domain == NULL)
		deviation_add(dev, DEV_POLICY_DOMAIN_MISSING);
	return ST_OK;
}

static enum status
read_summary(struct policy *p, struct json_span span, deviations *dev)
{
	struct json_span value[SUMMARY_MEMBERS] = { 0 };
	struct json_iter object;
	enum status st;

	if (json_type(span) != JSON_OBJECT)
		deviation_add(dev, DEV_SUMMARY_MISSING);
	json_iter(&object, span);
	COLLECT(&object, summary_names, value, dev);
	st = member_count(value[SUCCESSFUL], &p->successful, dev);
	if (st == ST_OK)
		st = member_count(value[FAILED], &p->failed, dev);
	if (st == ST_OK && json_type(span) == JSON_OBJECT &&
	    (value[SUCCESSFUL].len == 0 || value[FAILED].len == 0))
		deviation_add(dev, DEV_COUNT_MISSING);
	return st;
}

static void
policy_clear(struct policy *policy)
{
	cJSON_Delete(policy->list[0]);
	cJSON_Delete(policy->list[1]);
}

/* Read the policy and summary of an entry, and find its failures. */
static enum status
read_policy(
    struct policy *p, struct json_iter *entry, size_t index, deviations *dev)
{
	struct json_span value[ENTRY_MEMBERS] = { 0 };
	enum status st;

	COLLECT(entry, entry_names, value, dev);
	p->index = index;
	p->list[0] = p->list[1] = NULL;
	p->failure_details = value[FAILURE_DETAILS];
	if (json_type(p->failure_details) == JSON_OBJECT)
		deviation_add(dev, DEV_FAILURE_DETAILS_NOT_ARRAY);
	else if (json_type(p->failure_details) == JSON_NULL)
		deviation_add(dev, DEV_NULL_MEMBER);
	else if (p->failure_details.len > 0 &&
	    json_type(p->failure_details) != JSON_ARRAY)
		deviation_add(dev, DEV_WRONG_TYPE);
	st = read_policy_object(p, value[POLICY], dev);
	if (st == ST_OK)
		st = read_summary(p, value[SUMMARY], dev);
	if (st != ST_OK)
		policy_clear(p);
	return st;
}

/*
 * A failure.
 */

enum failure_member {
	RESULT_TYPE,
	SENDING_MTA_IP,
	RECEIVING_MX_HOSTNAME,
	RECEIVING_MX_HELO,
	RECEIVING_IP,
	ADDITIONAL_INFORMATION,
	FAILURE_REASON_CODE,
	FAILED_SESSION_COUNT,
	FAILURE_MEMBERS
};

static const struct member_name failure_names[] = {
	MEMBER("result-type", RESULT_TYPE),
	MEMBER("sending-mta-ip", SENDING_MTA_IP),
	MEMBER("receiving-mx-hostname", RECEIVING_MX_HOSTNAME),
	MEMBER("receiving-mx-helo", RECEIVING_MX_HELO),
	MEMBER("receiving-ip", RECEIVING_IP),
	MEMBER("failed-session-count", FAILED_SESSION_COUNT),
	MEMBER("additional-information", ADDITIONAL_INFORMATION),
	MEMBER("failure-reason-code", FAILURE_REASON_CODE),
	ALIAS("receiving-mx-host-name", RECEIVING_MX_HOSTNAME,
	    DEV_MISNAMED_MEMBER),
	ALIAS("additional-info-uri", ADDITIONAL_INFORMATION, DEV_DRAFT_MEMBER),
	ALIAS("failure-error-code", FAILURE_REASON_CODE, DEV_DRAFT_MEMBER),
	ALIAS("session-count", FAILED_SESSION_COUNT, DEV_DRAFT_MEMBER),
};

static void
check_ip(const char *ip, deviations *dev)
{
	if (ip != NULL && !address_is_ip(ip, strlen(ip)))
		deviation_add(dev, DEV_IP_INVALID);
}

static enum status
read_failure(struct failure *f, struct json_iter *element, deviations *dev)
{
	struct json_span value[FAILURE_MEMBERS] = { 0 };
	const char **const string[] = {
		[RESULT_TYPE] = &f->result_type,
		[SENDING_MTA_IP] = &f->sending_mta_ip,
		[RECEIVING_MX_HOSTNAME] = &f->receiving_mx_hostname,
		[RECEIVING_MX_HELO] = &f->receiving_mx_helo,
		[RECEIVING_IP] = &f->receiving_ip,
		[ADDITIONAL_INFORMATION] = &f->additional_information,
		[FAILURE_REASON_CODE] = &f->failure_reason_code,
	};
	char *store = f->store;
	enum status st = ST_OK;

	COLLECT(element, failure_names, value, dev);
	for (int i = 0; i < FAILED_SESSION_COUNT && st == ST_OK; i++)
		st = take_string(value[i], &store, string[i], dev);
	if (st == ST_OK)
		st = member_count(value[FAILED_SESSION_COUNT], &f->failed, dev);
	if (st != ST_OK)
		return st;
	if (f->result_type == NULL)
		deviation_add(dev, DEV_RESULT_TYPE_MISSING);
	else if (!result_is_known(result_find(f->result_type)))
		deviation_add(dev, DEV_RESULT_TYPE_UNKNOWN);
	if (value[FAILED_SESSION_COUNT].len == 0)
		deviation_add(dev, DEV_COUNT_MISSING);
	check_ip(f->sending_mta_ip, dev);
	check_ip(f->receiving_ip, dev);
	return ST_OK;
}

uint64_t
policy_failure_sessions(const struct policy *policy)
{
	deviations ignored = 0;
	struct member_objects elements;
	struct json_iter element;
	uint64_t sum = 0;

	member_objects(&elements, policy->failure_details);
	while (member_object_next(&elements, &element, &ignored)) {
		struct json_span value[FAILURE_MEMBERS] = { 0 };
		struct count count;

		COLLECT(&element, failure_names, value, &ignored);
		if (member_count(value[FAILED_SESSION_COUNT], &count,
			&ignored) == ST_OK &&
		    count.is_known)
			sum = count_add(sum, count.value);
		member_object_leave(&elements, &element);
	}
	return sum;
}

/*
 * The walk.
 */

struct walk {
	struct report *report;
	const struct report_visitor *visitor;
	void *ctx;
	bool is_stopped;
};

static enum status
walk_failures(struct walk *w, const struct policy *policy)
{
	struct member_objects elements;
	struct json_iter element;
	struct failure failure;

	member_objects(&elements, policy->failure_details);
	for (failure.index = 0; !w->is_stopped &&
	     member_object_next(&elements, &element, &w->report->dev);
	     failure.index++) {
		enum report_visit verdict;
		enum status st;

		st = read_failure(&failure, &element, &w->report->dev);
		if (st != ST_OK)
			return st;
		verdict = w->visitor->failure(w->ctx, policy, &failure);
		w->is_stopped = verdict == REPORT_STOP;
		if (verdict != REPORT_NEXT)
			break;
		member_object_leave(&elements, &element);
	}
	return ST_OK;
}

static enum status
walk_policy(struct walk *w, struct json_iter *entry, size_t index)
{
	struct policy policy;
	enum report_visit verdict;
	enum status st;

	st = read_policy(&policy, entry, index, &w->report->dev);
	if (st != ST_OK)
		return st;
	verdict = w->visitor->policy(w->ctx, &policy);
	w->is_stopped = verdict == REPORT_STOP;
	if (verdict == REPORT_NEXT && w->visitor->failure != NULL)
		st = walk_failures(w, &policy);
	if (st == ST_OK && w->visitor->policy_end != NULL)
		w->visitor->policy_end(w->ctx, &policy);
	policy_clear(&policy);
	return st;
}

enum status
report_walk(
    struct report *report, const struct report_visitor *visitor, void *ctx)
{
	struct walk walk = {
		.report = report,
		.visitor = visitor,
		.ctx = ctx,
	};
	struct member_objects entries;
	struct json_iter entry;
	enum status st = ST_OK;

	member_objects(&entries, report->policies);
	for (size_t i = 0; st == ST_OK && !walk.is_stopped &&
	     member_object_next(&entries, &entry, &report->dev);
	     i++) {
		st = walk_policy(&walk, &entry, i);
		member_object_leave(&entries, &entry);
	}
	return st;
}
