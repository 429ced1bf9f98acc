#include "diagnosejson.h"

#include <stdio.h>
#include <string.h>

#include "policylines.h"
#include "result.h"

enum {
	TLSA_MAX = 4096 /* bytes of a record in text */
};

/*
 * Findings.
 */

void
diagnosejson_finding(struct jsonwriter *w, const struct diagnosed *diagnosed,
    const struct finding *finding)
{
	const char *type = finding->result_type;
	char text[DIAGNOSED_ADVICE_MAX];

	if (finding->kind == FINDING_SUCCESS)
		type = "success";
	jsonwriter_object(w, NULL);
	jsonwriter_string(w, "kind", finding_kind_str(finding->kind));
	jsonwriter_string(w, "policy-type", finding->policy_type);
	jsonwriter_string(w, "policy-domain", diagnosed->domain);
	if (finding->mx != NULL)
		jsonwriter_string(
		    w, "receiving-mx-hostname", finding->mx->host);
	if (finding->address != NULL) {
		jsonwriter_string(
		    w, "receiving-ip", finding->address->address.text);
		jsonwriter_string(
		    w, "receiving-mx-helo", finding->address->probe.helo);
	}
	jsonwriter_string(w, "result-type", type);
	jsonwriter_string(w, "failure-reason-code", finding->reason);
	jsonwriter_string(w, "additional-information", finding->detail);
	jsonwriter_string(
	    w, "cause", diagnosed_advice(diagnosed, finding->cause, text));
	jsonwriter_string(
	    w, "action", diagnosed_advice(diagnosed, finding->action, text));
	if (finding->record[0] != '\0')
		jsonwriter_string(w, "suggested-record", finding->record);
	jsonwriter_string(
	    w, "verify", diagnosed_command(diagnosed, finding, text));
	jsonwriter_object_end(w);
}

/* Those of the kinds from first to last. */
static void
write_findings(struct jsonwriter *w, const char *name,
    const struct diagnosed *diagnosed, unsigned kinds)
{
	const struct findings *findings = &diagnosed->findings;

	jsonwriter_array(w, name);
	for (size_t i = 0; i < findings->count; i++) {
		if ((kinds >> findings->finding[i].kind & 1) != 0)
			diagnosejson_finding(
			    w, diagnosed, &findings->finding[i]);
	}
	jsonwriter_array_end(w);
}

/*
 * Policies.
 */

static void
write_lines(struct jsonwriter *w, const struct buf *body)
{
	struct policylines lines = { 0 };
	enum status st = body->len > 0
	    ? policylines_add(&lines, body->data, body->len)
	    : ST_OK;

	if (st != ST_OK)
		w->status = st;
	jsonwriter_array(w, "policy-string");
	for (size_t i = 0; i < lines.count; i++)
		jsonwriter_string(w, NULL, lines.line[i]);
	jsonwriter_array_end(w);
	policylines_clear(&lines);
}

static void
write_sts(struct jsonwriter *w, const struct diagnosis *diagnosis)
{
	const struct diagnosis_sts *sts = &diagnosis->sts;

	jsonwriter_object(w, NULL);
	jsonwriter_string(w, "policy-type", "sts");
	jsonwriter_string(w, "policy-domain", diagnosis->settings->domain);
	if (sts->has_record)
		jsonwriter_string(w, "id", sts->record.id);
	jsonwriter_bool(w, "valid", sts->has_policy);
	if (sts->has_fetch) {
		write_lines(w, &sts->fetch.body);
		jsonwriter_string(w, "receiving-ip", sts->fetch.ip);
	}
	if (sts->has_fetch && sts->fetch.http_status != 0)
		jsonwriter_number(w, "http-status", sts->fetch.http_status);
	if (sts->has_policy) {
		jsonwriter_string(
		    w, "mode", stspolicy_mode_str(sts->policy.mode));
		jsonwriter_number(w, "max_age", (int64_t)sts->policy.max_age);
		jsonwriter_array(w, "mx-host");
		for (size_t i = 0; i < sts->policy.mx_count; i++)
			jsonwriter_string(w, NULL, sts->policy.mx[i]);
		jsonwriter_array_end(w);
	}
	jsonwriter_object_end(w);
}

static void
write_tlsa(
    struct jsonwriter *w, const char *name, const struct diagnosis_mx *mx)
{
	jsonwriter_array(w, name);
	for (size_t i = 0; i < mx->tlsa.count; i++) {
		char text[TLSA_MAX];

		tlsa_text(&mx->tlsa.tlsa[i], text, sizeof text);
		jsonwriter_string(w, NULL, text);
	}
	jsonwriter_array_end(w);
}

/* Those that senders would apply; that of MTA-STS also when it is broken. */
static void
write_policies(struct jsonwriter *w, const struct diagnosis *diagnosis)
{
	jsonwriter_array(w, "policies");
	if (diagnosis->sts.has_policy || diagnosis->sts.records > 0)
		write_sts(w, diagnosis);
	for (size_t i = 0; i < diagnosis->mx_count; i++) {
		const struct diagnosis_mx *mx = &diagnosis->mx[i];

		if (!diagnosis_has_dane(mx))
			continue;
		jsonwriter_object(w, NULL);
		jsonwriter_string(w, "policy-type", "tlsa");
		jsonwriter_string(
		    w, "policy-domain", diagnosis->settings->domain);
		write_tlsa(w, "policy-string", mx);
		jsonwriter_array(w, "mx-host");
		jsonwriter_string(w, NULL, mx->host);
		jsonwriter_array_end(w);
		jsonwriter_object_end(w);
	}
	jsonwriter_array_end(w);
}

/*
 * MX hosts.
 */

static void
write_certificate(
    struct jsonwriter *w, const struct certificate *certificate, int64_t now)
{
	size_t names = certificate->names < CERTIFICATE_NAMES_MAX
	    ? certificate->names
	    : CERTIFICATE_NAMES_MAX;

	jsonwriter_object(w, "certificate");
	jsonwriter_string(w, "subject", certificate->subject);
	jsonwriter_array(w, "names");
	for (size_t i = 0; i < names; i++)
		jsonwriter_string(w, NULL, certificate->name[i]);
	jsonwriter_array_end(w);
	jsonwriter_string(w, "issuer", certificate->issuer);
	jsonwriter_time(w, "not-before", certificate->not_before);
	jsonwriter_time(w, "not-after", certificate->not_after);
	jsonwriter_number(
	    w, "days-left", diagnosed_days_left(certificate, now));
	jsonwriter_string(w, "key", certificate->key);
	jsonwriter_string(w, "sha256", certificate->sha256);
	jsonwriter_object_end(w);
}

static void
write_address(
    struct jsonwriter *w, const struct diagnosis_address *address, int64_t now)
{
	const struct mxprobe *probe = &address->probe;

	jsonwriter_object(w, NULL);
	jsonwriter_string(w, "receiving-ip", address->address.text);
	jsonwriter_bool(w, "tried", address->is_tried);
	if (address->is_tried) {
		jsonwriter_string(w, "stage", mxprobe_stage_str(probe->stage));
		jsonwriter_string(w, "end", mxprobe_end_str(probe->end));
		jsonwriter_string(w, "detail", probe->detail);
		jsonwriter_string(w, "receiving-mx-helo", probe->helo);
		jsonwriter_number(w, "milliseconds", probe->milliseconds);
	}
	if (address->is_tried && probe->stage == MXPROBE_DONE) {
		jsonwriter_string(w, "protocol", probe->protocol);
		jsonwriter_string(w, "cipher", probe->cipher);
		write_certificate(w, &probe->certificate, now);
	}
	jsonwriter_object_end(w);
}

static void
write_mx(struct jsonwriter *w, const struct diagnosis *diagnosis,
    const struct diagnosis_mx *mx)
{
	jsonwriter_object(w, NULL);
	jsonwriter_string(w, "receiving-mx-hostname", mx->host);
	if (mx->is_in_dns)
		jsonwriter_number(w, "preference", mx->preference);
	if (diagnosis->settings->has_trust_anchor)
		jsonwriter_string(
		    w, "dnssec", mx->is_dane_possible ? "secure" : "insecure");
	write_tlsa(w, "tlsa", mx);
	jsonwriter_array(w, "addresses");
	for (size_t i = 0; i < mx->count; i++)
		write_address(w, &mx->address[i], diagnosis->now);
	jsonwriter_array_end(w);
	jsonwriter_object_end(w);
}

void
diagnosejson_write(struct jsonwriter *w, const struct diagnosed *diagnosed)
{
	const struct diagnosis *diagnosis = &diagnosed->diagnosis;

	jsonwriter_object(w, NULL);
	jsonwriter_string(w, "policy-domain", diagnosed->domain);
	jsonwriter_time(w, "time", diagnosis->now);
	jsonwriter_number(w, "exit", findings_exit(&diagnosed->findings));
	write_findings(w, "results", diagnosed,
	    1U << FINDING_SUCCESS | 1U << FINDING_FAILURE |
		1U << FINDING_UNTRIED);
	write_findings(w, "warnings", diagnosed, 1U << FINDING_WARNING);
	write_findings(w, "notes", diagnosed, 1U << FINDING_NOTE);
	write_policies(w, diagnosis);
	jsonwriter_array(w, "mx");
	for (size_t i = 0; i < diagnosis->mx_count; i++)
		write_mx(w, diagnosis, &diagnosis->mx[i]);
	jsonwriter_array_end(w);
	jsonwriter_object_end(w);
}

enum status
diagnosejson_print(const struct diagnosed *diagnosed)
{
	struct jsonwriter writer;
	enum status st;

	jsonwriter_init(&writer);
	diagnosejson_write(&writer, diagnosed);
	st = jsonwriter_print(&writer);
	jsonwriter_clear(&writer);
	return st;
}
