#include "reportedpolicy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "input.h"
#include "text.h"

enum {
	PATH_SIZE = 4096
};

struct search {
	struct reportedpolicy *reported;
	enum status st;
};

/* Domains are compared as the index keeps them: without a dot at the end. */
static bool
is_domain(const char *name, const char *domain)
{
	size_t len = name != NULL ? strlen(name) : 0;

	if (len > 0 && name[len - 1] == '.')
		len--;
	return len == strlen(domain) && text_ieqn(name, domain, len);
}

static enum report_visit
visit_policy(void *ctx, const struct policy *policy)
{
	struct search *search = ctx;
	struct reportedpolicy *reported = search->reported;

	if (policy->policy_type == NULL ||
	    strcmp(policy->policy_type, reported->policy_type) != 0 ||
	    !is_domain(policy->policy_domain, reported->policy_domain))
		return REPORT_SKIP;
	search->st = policylines_read(&reported->lines, policy->policy_string);
	return reported->lines.count > 0 || search->st != ST_OK ? REPORT_STOP
								: REPORT_SKIP;
}

static enum report_visit
visit_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	(void)ctx;
	(void)policy;
	(void)failure;
	return REPORT_NEXT;
}

static enum status
take_report(
    void *ctx, struct reading *reading, const struct input_origin *origin)
{
	static const struct report_visitor visitor = {
		.policy = visit_policy,
		.failure = visit_failure,
	};
	struct search *search = ctx;
	const char *name = reading->report.organization_name;
	enum status st;

	(void)origin;
	(void)text_copy(search->reported->organization_name,
	    sizeof search->reported->organization_name,
	    name != NULL ? name : "");
	st = report_walk(&reading->report, &visitor, search);
	return st == ST_OK ? search->st : st;
}

static void
ignore_fault(void *ctx, const struct fault *fault)
{
	(void)ctx;
	(void)fault;
}

enum status
reportedpolicy_newest(struct reportedpolicy *reported,
    const struct index *index, const char *domain, const char *type,
    struct fault *fault)
{
	struct search search = { .reported = reported, .st = ST_OK };
	const struct input_handler handler = { take_report, ignore_fault,
		&search };
	char record[STATE_PATH_MAX], path[PATH_SIZE];
	enum status st;
	FILE *file;

	memset(reported, 0, sizeof *reported);
	(void)text_copy(
	    reported->policy_domain, sizeof reported->policy_domain, domain);
	(void)text_copy(
	    reported->policy_type, sizeof reported->policy_type, type);
	st = state_newest_path(
	    index->state, domain, type, record, &reported->seen, fault);
	if (st != ST_OK || record[0] == '\0')
		return st;
	(void)snprintf(path, sizeof path, "%s/%s", index->archive, record);
	file = fopen(path, "re");
	if (file == NULL)
		return fault_set(
		    fault, ST_ARCHIVE, "%s: %s", path, strerror(errno));
	st = input_read(file, index->conf, NULL, &handler);
	(void)fclose(file);
	return st == ST_OK ? ST_OK
			   : fault_set(fault, st, "%s cannot be read", path);
}

void
reportedpolicy_clear(struct reportedpolicy *reported)
{
	policylines_clear(&reported->lines);
}
