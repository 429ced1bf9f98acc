#include "judgereported.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "judging.h"
#include "policylines.h"
#include "rfc3339.h"
#include "text.h"

/* The lines that are not empty, as a file. */
static enum status
join_lines(const struct policylines *lines, struct buf *text)
{
	enum status status = ST_OK;

	for (size_t i = 0; i < lines->count && status == ST_OK; i++) {
		status = buf_adds(text, lines->line[i]);
		if (status == ST_OK)
			status = buf_addc(text, '\n');
	}
	return status;
}

/* ST_NO_MEMORY; *is_valid when it is a policy. */
static enum status
read_lines(const char *const *line, size_t count, struct stspolicy *policy,
    bool *is_valid)
{
	struct policylines lines = { .count = 0 };
	enum status status = ST_OK;
	struct buf text;

	*is_valid = false;
	buf_init(&text, STSPOLICY_SIZE_MAX);
	for (size_t i = 0; i < count && status == ST_OK; i++)
		status = policylines_add(&lines, line[i], strlen(line[i]));
	if (status == ST_OK)
		status = join_lines(&lines, &text);
	if (status == ST_OK && text.len > 0)
		*is_valid = stspolicy_read(text.data, text.len, policy, NULL);
	buf_free(&text);
	policylines_clear(&lines);
	return status == ST_NO_MEMORY ? status : ST_OK;
}

static bool
has_pattern(const struct stspolicy *policy, const char *pattern)
{
	for (size_t i = 0; i < policy->mx_count; i++) {
		if (text_ieq(policy->mx[i], pattern))
			return true;
	}
	return false;
}

/* Are all patterns of a in b? */
static bool
is_within(const struct stspolicy *a, const struct stspolicy *b)
{
	for (size_t i = 0; i < a->mx_count; i++) {
		if (!has_pattern(b, a->mx[i]))
			return false;
	}
	return true;
}

static bool
is_same(const struct stspolicy *a, const struct stspolicy *b)
{
	return a->mode == b->mode && a->max_age == b->max_age &&
	    is_within(a, b) && is_within(b, a);
}

/*
 * The moment at which an id was made, if it reads as one: "20260211",
 * "2026021101" (a serial number), "202602111200", "20260211120000", the latter
 * with a Z as RFC 8461 itself has it, or seconds since 1970. What it leaves
 * open is taken as late as may be.
 */

static bool
is_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return true;
}

/* From digits alone. */
static bool
read_date(const char *id, size_t len, int64_t *latest)
{
	char text[] = "0000-00-00T23:59:59Z";

	memcpy(text, id, 4);
	memcpy(text + 5, id + 4, 2);
	memcpy(text + 8, id + 6, 2);
	if (len >= 12) {
		memcpy(text + 11, id + 8, 2);
		memcpy(text + 14, id + 10, 2);
	}
	if (len == 14)
		memcpy(text + 17, id + 12, 2);
	return rfc3339_parse(text, latest) == RFC3339_OK;
}

static bool
read_moment(const char *id, int64_t *latest)
{
	size_t len = strlen(id);

	if (len > 0 && text_lower(id[len - 1]) == 'z')
		len--;
	if (!is_digits(id, len))
		return false;
	/* Until 2033 seconds begin with a 1, and dates do not. */
	if (len == 10 && id[0] == '1') {
		*latest = strtoll(id, NULL, 10);
		return true;
	}
	return (len == 8 || len == 10 || len == 12 || len == 14) &&
	    read_date(id, len, latest);
}

/*
 * What is to be said.
 */

static void
say_policy(struct judging_detail *detail, const struct stspolicy *policy)
{
	enum {
		PATTERNS = 6 /* more would fill the detail */
	};

	judging_say(detail, "mode %s, max_age %llu, mx",
	    stspolicy_mode_str(policy->mode),
	    (unsigned long long)policy->max_age);
	for (size_t i = 0; i < policy->mx_count && i < PATTERNS; i++)
		judging_say(detail, " %.120s", policy->mx[i]);
	if (policy->mx_count > PATTERNS)
		judging_say(
		    detail, " and %zu others", policy->mx_count - PATTERNS);
}

enum status
judgereported(const struct diagnosis *diagnosis, const char *const *lines,
    size_t count, int64_t seen, struct findings *findings)
{
	const struct diagnosis_sts *sts = &diagnosis->sts;
	struct judging judging = { .diagnosis = diagnosis,
		.findings = findings };
	struct judging_detail detail = { .len = 0 };
	struct stspolicy *applied;
	bool is_valid = false;
	int64_t latest;
	enum status status;

	if (!sts->has_record || !sts->has_policy ||
	    (read_moment(sts->record.id, &latest) && latest > seen))
		return ST_OK;
	applied = malloc(sizeof *applied);
	if (applied == NULL)
		return ST_NO_MEMORY;
	status = read_lines(lines, count, applied, &is_valid);
	if (status == ST_OK && is_valid && !is_same(applied, &sts->policy)) {
		judging_say(&detail, "senders applied another policy until ");
		judging_say_day(&detail, seen);
		judging_say(&detail, " (");
		say_policy(&detail, applied);
		judging_say(&detail, ") than there is now (");
		say_policy(&detail, &sts->policy);
		judging_say(&detail,
		    "), and nothing says that the id %s is newer",
		    sts->record.id);
		judging_add(&judging,
		    &(struct finding){ .kind = FINDING_WARNING,
			.policy_type = "sts",
			.reason = "policy-id-unchanged",
			.action = "give the _mta-sts record a new id, so that "
				  "senders fetch the policy anew" },
		    &detail);
		status = judging.status;
	}
	free(applied);
	return status;
}
