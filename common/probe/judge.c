#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "judgeparts.h"
#include "result.h"
#include "rfc3339.h"
#include "text.h"

/*
 * Details.
 */

void
judge_say(struct judge_detail *detail, const char *fmt, ...)
{
	size_t room = sizeof detail->text - detail->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(detail->text + detail->len, room, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n < room) {
		detail->len += (size_t)n;
		return;
	}
	detail->len = utf8_cut(
	    detail->text, strlen(detail->text), sizeof detail->text - 1);
	detail->text[detail->len] = '\0';
}

void
judge_say_day(struct judge_detail *detail, int64_t time)
{
	char text[RFC3339_MAX];

	if (rfc3339_format(time, text))
		judge_say(detail, "%.10s", text);
	else
		judge_say(detail, "?");
}

int64_t
judge_days(int64_t until, int64_t now)
{
	int64_t seconds = until - now;

	/* Rounded down, so that a second too late is a day below 0. */
	return seconds >= 0 ? seconds / JUDGE_DAY
			    : -((-seconds + JUDGE_DAY - 1) / JUDGE_DAY);
}

void
judge_say_certificate(struct judge_detail *detail,
    const struct certificate *certificate, int64_t now)
{
	enum {
		NAMES = 4 /* more would fill the detail */
	};
	int64_t days = judge_days(certificate->not_after, now);

	judge_say(detail, "%s, %s%s",
	    certificate->subject[0] != '\0' ? certificate->subject
					    : "certificate without a subject",
	    certificate->is_self_signed ? "self-signed" : "issued by ",
	    certificate->is_self_signed ? "" : certificate->issuer);
	if (certificate->names == 0)
		judge_say(detail, ", without a DNS name");
	for (size_t i = 0; i < certificate->names && i < NAMES; i++)
		judge_say(detail, "%s%s", i == 0 ? ", for " : ", ",
		    certificate->name[i]);
	if (certificate->names > NAMES)
		judge_say(
		    detail, " and %zu others", certificate->names - NAMES);
	judge_say(detail, ", until ");
	judge_say_day(detail, certificate->not_after);
	if (days >= 0)
		judge_say(detail, " (%lld days left)", (long long)days);
	else
		judge_say(detail, " (%lld days ago)", (long long)-days);
}

void
judge_say_faults(
    struct judge_detail *detail, const struct certificate_verdict *verdict)
{
	const char *first = judge_fault_type(verdict->faults);
	const char *separator = "; besides ";

	judge_say(detail, "%s", verdict->detail);
	for (unsigned bit = CERTIFICATE_NOT_TRUSTED; bit != 0; bit >>= 1) {
		const char *type = judge_fault_type(verdict->faults & bit);

		if ((verdict->faults & bit) == 0 || strcmp(type, first) == 0)
			continue;
		judge_say(detail, "%s%s", separator, type);
		separator = ", ";
	}
}

const char *
judge_fault_type(unsigned faults)
{
	if ((faults & CERTIFICATE_NOT_TRUSTED) != 0)
		return "certificate-not-trusted";
	if ((faults & CERTIFICATE_HOST_MISMATCH) != 0)
		return "certificate-host-mismatch";
	return "certificate-expired";
}

/*
 * The list.
 */

static struct finding *
make_room(struct findings *findings)
{
	size_t cap = findings->cap == 0 ? 16 : 2 * findings->cap;
	struct finding *larger;

	if (findings->count < findings->cap)
		return &findings->finding[findings->count++];
	larger = realloc(findings->finding, cap * sizeof *larger);
	if (larger == NULL)
		return NULL;
	findings->finding = larger;
	findings->cap = cap;
	return &findings->finding[findings->count++];
}

void
judge_add(struct judging *judging, const struct finding *model,
    const struct judge_detail *detail)
{
	struct finding *finding;

	if (judging->status != ST_OK)
		return;
	finding = make_room(judging->findings);
	if (finding == NULL) {
		judging->status = ST_NO_MEMORY;
		return;
	}
	*finding = *model;
	if (finding->kind == FINDING_FAILURE && finding->action == NULL)
		finding->action = result_find(finding->result_type)->action;
	memcpy(finding->detail, detail->text, sizeof finding->detail);
}

void
findings_clear(struct findings *findings)
{
	free(findings->finding);
	*findings = (struct findings){ .count = 0 };
}

static bool
is_aside(const struct finding *finding)
{
	return finding->kind == FINDING_WARNING ||
	    finding->kind == FINDING_NOTE;
}

/* Warnings and notes come behind; else the order stays. */
static enum status
put_aside(struct findings *findings)
{
	struct finding *ordered;
	size_t n = 0;

	if (findings->count == 0)
		return ST_OK;
	ordered = calloc(findings->count, sizeof *ordered);
	if (ordered == NULL)
		return ST_NO_MEMORY;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < findings->count; i++) {
			if (is_aside(&findings->finding[i]) == (pass == 1))
				ordered[n++] = findings->finding[i];
		}
	}
	free(findings->finding);
	findings->finding = ordered;
	findings->cap = findings->count;
	return ST_OK;
}

/*
 * The judgement.
 */

bool
judge_has_sts(const struct diagnosis *diagnosis)
{
	return diagnosis->sts.has_policy &&
	    diagnosis->sts.policy.mode != STSPOLICY_NONE;
}

enum status
judge(const struct diagnosis *diagnosis, struct findings *findings)
{
	struct judging judging = { .diagnosis = diagnosis,
		.findings = findings };

	*findings = (struct findings){ .count = 0 };
	judge_domain(&judging);
	judge_sts(&judging);
	judge_mx(&judging);
	judge_warnings(&judging);
	if (judging.status == ST_OK)
		judging.status = put_aside(findings);
	return judging.status;
}

int
findings_exit(const struct findings *findings)
{
	bool has[FINDING_NOTE + 1] = { false };
	bool is_temporary = false;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->finding[i];

		has[finding->kind] = true;
		is_temporary |=
		    finding->kind == FINDING_UNTRIED && finding->is_temporary;
	}
	if (has[FINDING_FAILURE])
		return 1;
	if (has[FINDING_UNTRIED])
		return is_temporary ? EX_TEMPFAIL : EX_UNAVAILABLE;
	return has[FINDING_WARNING] ? 2 : 0;
}

const char *
finding_kind_str(enum finding_kind kind)
{
	switch (kind) {
	case FINDING_SUCCESS:
		return "success";
	case FINDING_FAILURE:
		return "failure";
	case FINDING_WARNING:
		return "warning";
	case FINDING_UNTRIED:
		return "untried";
	case FINDING_NOTE:
		break;
	}
	return "note";
}
