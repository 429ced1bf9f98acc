#include "diagnosetext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "emit.h"
#include "render.h"
#include "rfc3339.h"

enum {
	INDENT = 2, /* of rows; those of an address are deeper */
	DEEP = 4,
	TEXT_MAX = 1 << 16,
	TLSA_MAX = 160, /* bytes of a record that are shown */
	NAMES_MAX = CERTIFICATE_NAMES_MAX
};

/*
 * Pieces.
 */

const char *
diagnosetext_colour(enum finding_kind kind, bool with_colour)
{
	if (!with_colour)
		return "";
	switch (kind) {
	case FINDING_FAILURE:
		return "\033[1;31m";
	case FINDING_WARNING:
	case FINDING_UNTRIED:
		return "\033[1;33m";
	case FINDING_SUCCESS:
		return "\033[32m";
	case FINDING_NOTE:
		break;
	}
	return "\033[1m";
}

const char *
diagnosetext_bold(bool with_colour)
{
	return with_colour ? "\033[1m" : "";
}

const char *
diagnosetext_plain(bool with_colour)
{
	return with_colour ? "\033[0m" : "";
}

void
diagnosetext_row(int indent, const char *label, const char *text)
{
	struct buf safe;

	if (text == NULL || text[0] == '\0')
		return;
	buf_init(&safe, TEXT_MAX);
	if (emit_visible(&safe, text) == ST_OK && safe.len > 0)
		render_wrapped(stdout, indent, label, safe.data);
	buf_free(&safe);
}

static void
put_heading(const char *text, bool with_colour)
{
	(void)printf("\n%s", diagnosetext_bold(with_colour));
	render_string(stdout, text);
	(void)printf("%s\n", diagnosetext_plain(with_colour));
}

/* Joined with commas, as one row. */
static void
put_names(int indent, const char *label, const char (*name)[IDN_NAME_MAX],
    size_t count, size_t all)
{
	char text[NAMES_MAX * (IDN_NAME_MAX + 2) + 64];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && i < NAMES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
		    i > 0 ? ", " : "", name[i]);
	if (count > NAMES_MAX)
		count = NAMES_MAX;
	if (all > count)
		(void)snprintf(
		    text + n, sizeof text - n, " and %zu more", all - count);
	diagnosetext_row(indent, label, text);
}

/*
 * Policies.
 */

static void
print_sts(const struct diagnosis *diagnosis)
{
	const struct diagnosis_sts *sts = &diagnosis->sts;
	char text[2 * IDN_NAME_MAX + 128];

	if (sts->has_record)
		(void)snprintf(text, sizeof text, "%s has the id %s", sts->name,
		    sts->record.id);
	else if (sts->records > 0)
		(void)snprintf(text, sizeof text,
		    "%s has no valid record, or several", sts->name);
	else
		(void)snprintf(text, sizeof text, "%s: %s", sts->name,
		    sts->txt.count > 0 ? "none of its records is of MTA-STS"
				       : found_str(&sts->txt.found));
	diagnosetext_row(INDENT, "record", text);
	if (!sts->has_fetch)
		return;
	(void)snprintf(text, sizeof text,
	    "https://mta-sts.%s/.well-known/mta-sts.txt%s%s",
	    diagnosis->settings->domain,
	    sts->fetch.ip[0] != '\0' ? " from " : "", sts->fetch.ip);
	diagnosetext_row(INDENT, "policy", text);
	if (!sts->has_policy)
		return;
	diagnosetext_row(INDENT, "mode", stspolicy_mode_str(sts->policy.mode));
	(void)snprintf(text, sizeof text, "%" PRIu64 " (%.1f days)",
	    sts->policy.max_age, (double)sts->policy.max_age / 86400);
	diagnosetext_row(INDENT, "max_age", text);
	for (size_t i = 0; i < sts->policy.mx_count; i++)
		diagnosetext_row(INDENT, i == 0 ? "mx" : "", sts->policy.mx[i]);
}

static const char *
sts_state(const struct diagnosis_sts *sts)
{
	if (sts->has_policy)
		return "there is a policy";
	if (sts->records > 0)
		return "no valid policy";
	return sts->txt.found.status == RESOLVER_FOUND ||
		sts->txt.found.status == RESOLVER_NOT_FOUND
	    ? "no policy"
	    : "the DNS does not say";
}

static void
print_dane_head(const struct diagnosis *diagnosis, bool with_colour)
{
	size_t count = 0;
	char text[160];

	if (diagnosis->mx_count == 0)
		return;
	for (size_t i = 0; i < diagnosis->mx_count; i++)
		count += diagnosis_has_dane(&diagnosis->mx[i]);
	if (!diagnosis->settings->has_trust_anchor)
		(void)snprintf(text, sizeof text,
		    "DANE: cannot be judged without a trust anchor "
		    "(dns-root-data, or --trust-anchor)");
	else if (count == 0)
		(void)snprintf(
		    text, sizeof text, "DANE: no MX has signed TLSA records");
	else
		(void)snprintf(text, sizeof text,
		    "DANE: %zu of %zu MX %s signed TLSA records", count,
		    diagnosis->mx_count, count == 1 ? "has" : "have");
	put_heading(text, with_colour);
}

static void
print_policies(const struct diagnosis *diagnosis, bool with_colour)
{
	char text[64];

	if (diagnosis->settings->with_sts) {
		(void)snprintf(text, sizeof text, "MTA-STS: %s",
		    sts_state(&diagnosis->sts));
		put_heading(text, with_colour);
		print_sts(diagnosis);
	}
	if (diagnosis->settings->with_dane)
		print_dane_head(diagnosis, with_colour);
}

/*
 * MX hosts and their addresses.
 */

static void
print_outcome(const struct finding *finding, bool with_colour)
{
	render_label(stdout, DEEP,
	    finding->policy_type != NULL ? finding->policy_type : "any policy");
	(void)printf("%s%s%s%s%s\n",
	    diagnosetext_colour(finding->kind, with_colour),
	    finding_kind_str(finding->kind), diagnosetext_plain(with_colour),
	    finding->result_type != NULL  ? ": "
		: finding->reason != NULL ? ": "
					  : "",
	    finding->result_type != NULL  ? finding->result_type
		: finding->reason != NULL ? finding->reason
					  : "");
}

/* What the policies make of an address, or (NULL) of the whole MX. */
static void
print_outcomes(const struct findings *findings, const struct diagnosis_mx *mx,
    const struct diagnosis_address *address, bool with_colour)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->finding[i];

		if (finding->mx == mx && finding->address == address &&
		    finding->kind != FINDING_WARNING &&
		    finding->kind != FINDING_NOTE)
			print_outcome(finding, with_colour);
	}
}

static void
print_days(const struct certificate *certificate, int64_t now)
{
	int64_t days = diagnosed_days_left(certificate, now);
	char text[RFC3339_MAX + 64], time[RFC3339_MAX];

	if (!rfc3339_format(certificate->not_after, time))
		(void)snprintf(time, sizeof time, "?");
	(void)snprintf(text, sizeof text, "%s, %" PRId64 " day%s %s", time,
	    days >= 0 ? days : -days, days == 1 || days == -1 ? "" : "s",
	    days >= 0 ? "left" : "ago");
	diagnosetext_row(DEEP, "not after", text);
}

static void
print_certificate(const struct certificate *certificate, int64_t now)
{
	diagnosetext_row(DEEP, "certificate", certificate->subject);
	put_names(DEEP, "for", (const char(*)[IDN_NAME_MAX])certificate->name,
	    certificate->names, certificate->names);
	diagnosetext_row(DEEP, "issuer",
	    certificate->is_self_signed ? "itself" : certificate->issuer);
	print_days(certificate, now);
	diagnosetext_row(DEEP, "key", certificate->key);
}

static void
print_address(const struct diagnosed *diagnosed, const struct diagnosis_mx *mx,
    const struct diagnosis_address *address, bool with_colour)
{
	const struct mxprobe *probe = &address->probe;
	char text[MXPROBE_DETAIL_MAX + 128];

	(void)printf("  %s\n", address->address.text);
	print_outcomes(&diagnosed->findings, mx, address, with_colour);
	if (!address->is_tried) {
		diagnosetext_row(DEEP, "connection", "not tried");
		return;
	}
	if (probe->stage == MXPROBE_DONE) {
		(void)snprintf(text, sizeof text, "%s, %s", probe->protocol,
		    probe->cipher);
		diagnosetext_row(DEEP, "TLS", text);
		print_certificate(
		    &probe->certificate, diagnosed->diagnosis.now);
		return;
	}
	(void)snprintf(text, sizeof text, "%s at %s%s%s",
	    mxprobe_end_str(probe->end), mxprobe_stage_str(probe->stage),
	    probe->detail[0] != '\0' ? ": " : "", probe->detail);
	diagnosetext_row(DEEP, "connection", text);
}

/* Each TLSA record, and why it is not used. */
static void
print_tlsa(const struct diagnosis *diagnosis, const struct diagnosis_mx *mx)
{
	for (size_t i = 0; i < mx->tlsa.count; i++) {
		const char *why = tlsa_why_unusable(&mx->tlsa.tlsa[i]);
		char record[TLSA_MAX];

		tlsa_text(&mx->tlsa.tlsa[i], record, sizeof record);
		/* Not wrapped, to be compared and copied. */
		render_label(stdout, INDENT, i == 0 ? "TLSA" : "");
		render_string(stdout, record);
		(void)fputc('\n', stdout);
		if (!diagnosis->settings->has_trust_anchor)
			why = "not checked, without a trust anchor";
		else if (!mx->is_dane_possible || !mx->tlsa.found.is_secure)
			why = "not signed: senders leave it out of account";
		diagnosetext_row(INDENT, "", why);
	}
}

static void
print_mx(const struct diagnosed *diagnosed, const struct diagnosis_mx *mx,
    bool with_colour)
{
	const struct diagnosis *diagnosis = &diagnosed->diagnosis;
	char text[2 * IDN_NAME_MAX + 64];

	if (diagnosis->is_implicit && mx->is_in_dns)
		(void)snprintf(text, sizeof text,
		    "%s itself, for there is no MX", mx->host);
	else if (mx->is_in_dns)
		(void)snprintf(
		    text, sizeof text, "MX %u %s", mx->preference, mx->host);
	else
		(void)snprintf(text, sizeof text, "%s, which is no MX of %s",
		    mx->host, diagnosed->domain);
	put_heading(text, with_colour);
	print_tlsa(diagnosis, mx);
	print_outcomes(&diagnosed->findings, mx, NULL, with_colour);
	for (size_t i = 0; i < mx->count; i++)
		print_address(diagnosed, mx, &mx->address[i], with_colour);
}

/*
 * What a sender would report.
 */

static bool
is_trouble(const struct finding *finding)
{
	return finding->kind == FINDING_FAILURE ||
	    finding->kind == FINDING_UNTRIED;
}

/* Told once, with all addresses and policies. */
static bool
is_same(const struct finding *a, const struct finding *b)
{
	return a->kind == b->kind && a->mx == b->mx &&
	    a->result_type == b->result_type && a->reason == b->reason;
}

static bool
was_told(const struct findings *findings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_same(&findings->finding[i], &findings->finding[n]))
			return true;
	}
	return false;
}

static void
print_trouble_head(
    const struct finding *finding, size_t number, bool with_colour)
{
	(void)printf("\n%s%zu. %s",
	    diagnosetext_colour(finding->kind, with_colour), number,
	    finding->kind == FINDING_UNTRIED ? "could not be tried: " : "");
	(void)fputs(finding->result_type != NULL ? finding->result_type
						 : finding->reason,
	    stdout);
	if (finding->mx != NULL)
		(void)printf(" on MX %s", finding->mx->host);
	(void)printf("%s\n", diagnosetext_plain(with_colour));
}

/* Where and under which policy, and what was seen there, if it is new. */
static void
print_evidence(const struct finding *finding, const char *before)
{
	char text[128];

	(void)snprintf(text, sizeof text, "%s%s%s",
	    finding->policy_type != NULL ? finding->policy_type : "any policy",
	    finding->address != NULL ? ", at " : "",
	    finding->address != NULL ? finding->address->address.text : "");
	diagnosetext_row(INDENT, "policy", text);
	if (before == NULL || strcmp(before, finding->detail) != 0)
		diagnosetext_row(INDENT, "seen", finding->detail);
}

/* Not wrapped: it is there to be copied. */
static void
put_line(const char *label, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	render_label(stdout, INDENT, label);
	render_string(stdout, text);
	(void)fputc('\n', stdout);
}

void
diagnosetext_action(
    const struct diagnosed *diagnosed, const struct finding *finding)
{
	char text[DIAGNOSED_ADVICE_MAX];

	diagnosetext_row(INDENT, "action",
	    diagnosed_advice(diagnosed, finding->action, text));
	put_line("record", finding->record);
}

static void
print_advice(const struct diagnosed *diagnosed, const struct finding *finding)
{
	char text[DIAGNOSED_ADVICE_MAX];

	diagnosetext_row(
	    INDENT, "cause", diagnosed_advice(diagnosed, finding->cause, text));
	diagnosetext_action(diagnosed, finding);
	put_line("by hand", diagnosed_command(diagnosed, finding, text));
}

static void
print_troubles(const struct diagnosed *diagnosed, bool with_colour)
{
	const struct findings *findings = &diagnosed->findings;
	size_t number = 0;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->finding[i];
		const char *before = NULL;

		if (!is_trouble(finding) || was_told(findings, i))
			continue;
		print_trouble_head(finding, ++number, with_colour);
		for (size_t j = i; j < findings->count; j++) {
			if (!is_same(finding, &findings->finding[j]))
				continue;
			print_evidence(&findings->finding[j], before);
			before = findings->finding[j].detail;
		}
		print_advice(diagnosed, finding);
	}
}

void
diagnosetext_asides(
    const struct diagnosed *diagnosed, enum finding_kind kind, bool with_colour)
{
	const struct findings *findings = &diagnosed->findings;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->finding[i];

		if (finding->kind != kind)
			continue;
		(void)printf("\n%s%s: %s",
		    diagnosetext_colour(kind, with_colour),
		    finding_kind_str(kind), finding->reason);
		if (finding->mx != NULL)
			(void)printf(" on MX %s", finding->mx->host);
		if (finding->address != NULL)
			(void)printf(" %s", finding->address->address.text);
		(void)printf("%s\n", diagnosetext_plain(with_colour));
		diagnosetext_row(INDENT, "seen", finding->detail);
		diagnosetext_action(diagnosed, finding);
	}
}

/*
 * The sum.
 */

static const char *
exit_meaning(int status)
{
	switch (status) {
	case 0:
		return "all is well";
	case 1:
		return "a sender would report failures";
	case 2:
		return "mail comes over TLS; see the warnings";
	default:
		break;
	}
	return "not all of it could be tried";
}

static void
print_sum(const struct diagnosed *diagnosed, bool with_colour)
{
	static const struct {
		enum finding_kind kind;
		const char *one;
		const char *many;
	} counts[] = {
		{ FINDING_SUCCESS, "success", "successes" },
		{ FINDING_FAILURE, "failure", "failures" },
		{ FINDING_UNTRIED, "untried", "untried" },
		{ FINDING_WARNING, "warning", "warnings" },
	};
	const struct findings *findings = &diagnosed->findings;
	int status = findings_exit(findings);

	(void)printf(
	    "\n%s%s:", diagnosetext_bold(with_colour), diagnosed->domain);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		size_t n = diagnosed_count(findings, counts[i].kind);

		(void)printf("%s %zu %s", i > 0 ? "," : "", n,
		    n == 1 ? counts[i].one : counts[i].many);
	}
	(void)printf("; %s (exit status %d)%s\n", exit_meaning(status), status,
	    diagnosetext_plain(with_colour));
}

void
diagnosetext_print(const struct diagnosed *diagnosed, bool with_colour)
{
	const struct diagnosis *diagnosis = &diagnosed->diagnosis;
	char time[RFC3339_MAX];

	if (!rfc3339_format(diagnosis->now, time))
		time[0] = '\0';
	(void)printf("%s%s, as a sending server sees it (%s)%s\n",
	    diagnosetext_bold(with_colour), diagnosed->domain, time,
	    diagnosetext_plain(with_colour));
	print_policies(diagnosis, with_colour);
	for (size_t i = 0; i < diagnosis->mx_count; i++)
		print_mx(diagnosed, &diagnosis->mx[i], with_colour);
	print_troubles(diagnosed, with_colour);
	diagnosetext_asides(diagnosed, FINDING_WARNING, with_colour);
	diagnosetext_asides(diagnosed, FINDING_NOTE, with_colour);
	print_sum(diagnosed, with_colour);
}
