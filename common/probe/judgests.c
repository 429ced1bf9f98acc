#include "judgests.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
	VERSION_MAX = 32 /* bytes of what may be meant as a version */
};

/* The first mistake that was found in a text. */
static void
say_remark(struct judging_detail *detail, const struct remarks *remarks)
{
	for (size_t i = 0; i < remarks->count; i++) {
		const struct remark *remark = &remarks->remark[i];

		if (remark->kind != REMARK_ERROR)
			continue;
		judging_say(detail, "%s", remark->text);
		if (remark->has_offset)
			judging_say(detail, ", at byte %zu", remark->offset);
		if (remark->mend[0] != '\0')
			judging_say(detail, ": %s", remark->mend);
		break;
	}
	if (remarks->errors > 1)
		judging_say(detail, " (one of %zu errors)", remarks->errors);
}

static void
add_fetch_error(struct judging *judging, const char *reason,
    const struct judging_detail *detail)
{
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_FAILURE,
		.policy_type = "sts",
		.result_type = "sts-policy-fetch-error",
		.reason = reason },
	    detail);
}

/* NULL: it is another matter than that of fetching. */
static const char *
fetch_reason(enum stsfetch_end end)
{
	switch (end) {
	case STSFETCH_CONNECT:
		return "connection";
	case STSFETCH_TIMEOUT:
		return "timeout";
	case STSFETCH_TLS:
		return "tls-handshake";
	case STSFETCH_REDIRECT:
		return "redirect";
	case STSFETCH_STATUS:
		return "http-status";
	case STSFETCH_CONTENT_TYPE:
		return "content-type";
	case STSFETCH_TOO_LARGE:
		return "too-large";
	case STSFETCH_LOST:
		return "connection-lost";
	case STSFETCH_OK:
	case STSFETCH_NO_ROUTE:
	case STSFETCH_CERTIFICATE:
	case STSFETCH_OURSELVES:
		break;
	}
	return NULL;
}

static void
judge_certificate(struct judging *judging)
{
	const struct stsfetch *fetch = &judging->diagnosis->sts.fetch;
	struct finding finding = { .kind = FINDING_FAILURE,
		.policy_type = "sts",
		.result_type = "sts-webpki-invalid",
		.reason = judging_fault_type(fetch->verdict.faults) };
	struct judging_detail detail = { .len = 0 };

	judging_say_faults(&detail, &fetch->verdict);
	judging_say(&detail, "; the certificate of the policy server is ");
	judging_say_certificate(
	    &detail, &fetch->certificate, judging->diagnosis->now);
	if (judging_is_issuer_expired(&fetch->verdict, &fetch->certificate,
		judging->diagnosis->now)) {
		finding.cause =
		    "the web server's own certificate is valid, but the one "
		    "above it that \"seen\" names first has expired";
		finding.action =
		    "serve the chain that the CA gives out now, without the "
		    "expired certificate, at mta-sts.DOMAIN";
		finding.verify =
		    "openssl s_client -connect mta-sts.%d:443 </dev/null "
		    "2>/dev/null | grep -E ' [sv]:'";
	}
	/* s_client takes the CN for a name where there is no other. */
	if (strcmp(finding.reason, "certificate-host-mismatch") == 0)
		finding.verify =
		    "openssl s_client -connect mta-sts.%d:443 </dev/null "
		    "2>/dev/null | openssl x509 -noout -ext subjectAltName";
	judging_add(judging, &finding, &detail);
}

static void
judge_policy(struct judging *judging)
{
	const struct diagnosis_sts *sts = &judging->diagnosis->sts;
	struct judging_detail detail = { .len = 0 };

	say_remark(&detail, &sts->policy_remarks);
	if (sts->fetch.detail[0] != '\0')
		judging_say(&detail, "; %s", sts->fetch.detail);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_FAILURE,
		.policy_type = "sts",
		.result_type = "sts-policy-invalid",
		.reason = "policy-syntax" },
	    &detail);
}

static void
judge_fetch(struct judging *judging)
{
	const struct diagnosis_sts *sts = &judging->diagnosis->sts;
	struct judging_detail detail = { .len = 0 };

	if (!sts->has_address) {
		judging_say(&detail, "mta-sts.%s has no address: AAAA %s, A %s",
		    judging->diagnosis->settings->domain,
		    found_str(&sts->ipv6.found), found_str(&sts->ipv4.found));
		add_fetch_error(judging, "no-address", &detail);
	} else if (sts->fetch.end == STSFETCH_CERTIFICATE) {
		judge_certificate(judging);
	} else if (sts->fetch.end == STSFETCH_NO_ROUTE) {
		judging_say(&detail,
		    "there is no way from here to the policy host: %s",
		    sts->fetch.detail);
		judging_add(judging,
		    &(struct finding){ .kind = FINDING_UNTRIED,
			.policy_type = "sts",
			.reason = "address-unreachable",
			.action = "try again where there is a way to that "
				  "address" },
		    &detail);
	} else if (sts->fetch.end == STSFETCH_OURSELVES) {
		judging_say(&detail, "the policy could not be fetched: %s",
		    sts->fetch.detail);
		judging_add(judging,
		    &(struct finding){ .kind = FINDING_UNTRIED,
			.policy_type = "sts",
			.reason = "our-own-trouble",
			.action = "try again",
			.is_temporary = true },
		    &detail);
	} else if (sts->fetch.end != STSFETCH_OK) {
		judging_say(&detail, "%s", sts->fetch.detail);
		if (sts->fetch.ip[0] != '\0')
			judging_say(&detail, " (from %s)", sts->fetch.ip);
		add_fetch_error(judging, fetch_reason(sts->fetch.end), &detail);
	} else if (!sts->has_policy) {
		judge_policy(judging);
	}
}

/*
 * Is the version something like that of MTA-STS? It is the text up to the first
 * semicolon; a wildcard may answer with other records, in which "hosts" stands.
 */
static bool
is_attempt(const char *text)
{
	size_t len = strcspn(text, ";,");

	if (len > VERSION_MAX || strcspn(text, ".:") < len)
		return false;
	for (size_t i = 0; i + 3 <= len; i++) {
		if (text_ieqn(text + i, "sts", 3))
			return true;
	}
	return false;
}

/* Something like a record, which no sender takes for one. */
static bool
has_attempt(const struct found_txt *txt)
{
	for (size_t i = 0; i < txt->count; i++) {
		/* Behind a NUL nobody writes on purpose. */
		if (is_attempt(txt->text[i]))
			return true;
	}
	return false;
}

static void
add_record_invalid(struct judging *judging, const struct judging_detail *detail)
{
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_WARNING,
		.policy_type = "sts",
		.reason = "sts-record-invalid",
		.action = "publish exactly one valid record, such as "
			  "\"v=STSv1; id=20260211120000\", or none" },
	    detail);
}

static void
judge_record(struct judging *judging)
{
	const struct diagnosis *diagnosis = judging->diagnosis;
	const struct diagnosis_sts *sts = &diagnosis->sts;
	struct judging_detail detail = { .len = 0 };

	if (sts->records > 1) {
		judging_say(&detail,
		    "there are %zu records that begin with v=STSv1 at %s: "
		    "senders take it that there is no policy",
		    sts->records, sts->name);
		add_record_invalid(judging, &detail);
	} else if (sts->records == 1 || has_attempt(&sts->txt)) {
		judging_say(&detail,
		    "the record at %s is not valid: senders take it that "
		    "there is no policy; ",
		    sts->name);
		if (sts->records == 1)
			say_remark(&detail, &sts->record_remarks);
		else
			judging_say(&detail, "it does not begin with v=STSv1;");
		add_record_invalid(judging, &detail);
	} else if (!diagnosis->settings->with_dane) {
		judging_say(&detail, "there is no record at %s", sts->name);
		judging_add(judging,
		    &(struct finding){ .kind = FINDING_WARNING,
			.policy_type = "sts",
			.reason = "sts-not-found",
			.action = "publish an MTA-STS policy, then its record "
				  "(RFC 8461)" },
		    &detail);
	}
}

void
judgests(struct judging *judging)
{
	const struct diagnosis_sts *sts = &judging->diagnosis->sts;
	struct judging_detail detail = { .len = 0 };

	if (!sts->is_asked)
		return;
	if (sts->has_fetch) {
		judge_fetch(judging);
		return;
	}
	if (sts->txt.found.status == RESOLVER_FOUND ||
	    sts->txt.found.status == RESOLVER_NOT_FOUND) {
		judge_record(judging);
		return;
	}
	judging_say(
	    &detail, "TXT %s: %s", sts->name, found_str(&sts->txt.found));
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_UNTRIED,
		.policy_type = "sts",
		.reason = "dns-failed",
		.action = "mend the name servers of the domain, or try again",
		.is_temporary = true },
	    &detail);
}
