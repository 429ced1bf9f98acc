#include "judging.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rfc3339.h"
#include "text.h"

void
judging_say(struct judging_detail *detail, const char *fmt, ...)
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
judging_say_day(struct judging_detail *detail, int64_t time)
{
	char text[RFC3339_MAX];

	if (rfc3339_format(time, text))
		judging_say(detail, "%.10s", text);
	else
		judging_say(detail, "?");
}

int64_t
judging_days(int64_t until, int64_t now)
{
	int64_t seconds = until - now;

	/* Rounded down, so that a second too late is a day below 0. */
	return seconds >= 0 ? seconds / JUDGING_DAY
			    : -((-seconds + JUDGING_DAY - 1) / JUDGING_DAY);
}

void
judging_say_certificate(struct judging_detail *detail,
    const struct certificate *certificate, int64_t now)
{
	enum {
		NAMES = 4 /* more would fill the detail */
	};
	int64_t days = judging_days(certificate->not_after, now);

	judging_say(detail, "%s, %s%s",
	    certificate->subject[0] != '\0' ? certificate->subject
					    : "certificate without a subject",
	    certificate->is_self_signed ? "self-signed" : "issued by ",
	    certificate->is_self_signed ? "" : certificate->issuer);
	if (certificate->names == 0)
		judging_say(detail, ", without a DNS name");
	for (size_t i = 0; i < certificate->names && i < NAMES; i++)
		judging_say(detail, "%s%s", i == 0 ? ", for " : ", ",
		    certificate->name[i]);
	if (certificate->names > NAMES)
		judging_say(
		    detail, " and %zu others", certificate->names - NAMES);
	judging_say(detail, ", until ");
	judging_say_day(detail, certificate->not_after);
	if (days >= 0)
		judging_say(detail, " (%lld days left)", (long long)days);
	else
		judging_say(detail, " (%lld days ago)", (long long)-days);
}

void
judging_say_faults(
    struct judging_detail *detail, const struct certificate_verdict *verdict)
{
	const char *first = judging_fault_type(verdict->faults);
	const char *separator = "; besides ";

	judging_say(detail, "%s", verdict->detail);
	for (unsigned bit = CERTIFICATE_NOT_TRUSTED; bit != 0; bit >>= 1) {
		const char *type = judging_fault_type(verdict->faults & bit);

		if ((verdict->faults & bit) == 0 || strcmp(type, first) == 0)
			continue;
		judging_say(detail, "%s%s", separator, type);
		separator = ", ";
	}
}

const char *
judging_fault_type(unsigned faults)
{
	if ((faults & CERTIFICATE_NOT_TRUSTED) != 0)
		return "certificate-not-trusted";
	if ((faults & CERTIFICATE_HOST_MISMATCH) != 0)
		return "certificate-host-mismatch";
	return "certificate-expired";
}

bool
judging_is_issuer_expired(const struct certificate_verdict *verdict,
    const struct certificate *certificate, int64_t now)
{
	return verdict->faults == CERTIFICATE_EXPIRED &&
	    certificate->not_after >= now;
}

/*
 * The judgement.
 */

void
judging_add(struct judging *judging, const struct finding *model,
    const struct judging_detail *detail)
{
	struct finding finding = *model;

	if (judging->status != ST_OK)
		return;
	memcpy(finding.detail, detail->text, sizeof finding.detail);
	judging->status = findings_add(judging->findings, &finding);
}

void
judging_suggest(const struct judging *judging, struct finding *finding,
    const struct mxprobe *probe)
{
	(void)snprintf(finding->record, sizeof finding->record,
	    "_%u._tcp.%s. IN TLSA 3 1 1 %s", judging->diagnosis->settings->port,
	    finding->mx->dane_base, probe->certificate.spki_sha256);
}

bool
judging_has_sts(const struct diagnosis *diagnosis)
{
	return diagnosis->sts.has_policy &&
	    diagnosis->sts.policy.mode != STSPOLICY_NONE;
}
