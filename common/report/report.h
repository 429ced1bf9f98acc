/*
 * report: a TLS report (RFC 8460, section 4) read from its JSON text.
 *
 * The head is read at once; policies and failures are visited, so that a
 * report of any size and shape costs its text and one policy's memory.
 * Wrong but plain is accepted and listed as a deviation: null, missing or
 * empty members, a string for an array, a number as a string, names of the
 * drafts, unknown types.
 */
#ifndef REPORT_H
#define REPORT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deviation.h"
#include "json.h"
#include "member.h"
#include "status.h"

/*
 * The strings of these structs are NULL when the member is missing, null or
 * empty. They live within the struct; in a visitor, until it returns.
 */
struct report {
	const char *organization_name;
	const char *contact_info;
	const char *report_id;
	struct datetime start;
	struct datetime end;
	deviations dev; /* found so far; complete after a walk */

	struct json_span text; /* the whole object */

	/*
	 * Private: what is visited, and the bytes of the strings, one behind
	 * the other, so that all of them touch a page and not one each.
	 */
	struct json_span policies;
	char store[5 * JSON_VALUE_MAX];
};

enum policy_type {
	POLICY_TLSA,
	POLICY_STS,
	POLICY_NOT_FOUND,
	POLICY_UNKNOWN
};

struct policy {
	size_t index; /* 0 for the first */
	enum policy_type type;
	const char *policy_type; /* verbatim */
	const char *policy_domain;
	const cJSON *policy_string; /* array of strings, or NULL */
	const cJSON *mx_host;       /* array of strings, or NULL */
	struct count successful;    /* total-successful-session-count */
	struct count failed;        /* total-failure-session-count */

	/* Private. */
	struct json_span failure_details;
	cJSON *list[2];
	char store[2 * JSON_VALUE_MAX];
};

struct failure {
	size_t index;            /* 0 for the first of its policy */
	const char *result_type; /* verbatim */
	const char *sending_mta_ip;
	const char *receiving_mx_hostname;
	const char *receiving_mx_helo;
	const char *receiving_ip;
	const char *additional_information;
	const char *failure_reason_code;
	struct count failed; /* failed-session-count */

	/* Private. */
	char store[7 * JSON_VALUE_MAX];
};

/*
 * An empty report, without members. What has room for strings, which is most of
 * it, is left as it is.
 */
void report_init(struct report *report);

/*
 * Check len bytes of JSON (ijson_check) and read the head. The text must
 * outlive the report. dev is what the road here has noticed. Besides the
 * statuses of ijson_check(): ST_NO_POLICIES, ST_NO_MEMORY. A report needs no
 * clean-up; its strings are within it, so it must not be copied.
 */
enum status report_read(struct report *report, const char *text, size_t len,
    deviations dev, struct fault *fault);

/*
 * The same for a text that is known to hold a report within it, such as the
 * report member of an archive record: span of a text that has been checked.
 */
enum status report_read_span(struct report *report, struct json_span span,
    deviations dev, struct fault *fault);

/*
 * Called for each policy, and then for each of its failures, in the order of
 * the text. policy_end, if not NULL, follows the last failure of a policy;
 * without failure none are visited.
 * A return value other than REPORT_NEXT ends the policy (REPORT_SKIP: its
 * failures are not visited) or the walk (REPORT_STOP).
 */
enum report_visit {
	REPORT_NEXT,
	REPORT_SKIP,
	REPORT_STOP
};
struct report_visitor {
	enum report_visit (*policy)(void *ctx, const struct policy *policy);
	enum report_visit (*failure)(void *ctx, const struct policy *policy,
	    const struct failure *failure);
	void (*policy_end)(void *ctx, const struct policy *policy);
};

/* Visit everything. ST_OK, also when stopped, or ST_NO_MEMORY. */
enum status report_walk(
    struct report *report, const struct report_visitor *visitor, void *ctx);

/*
 * The sum of the failed-session-count of a policy's failures, saturating;
 * unknown ones count as 0.
 */
uint64_t policy_failure_sessions(const struct policy *policy);

#endif
