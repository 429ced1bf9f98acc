#include "judgewarn.h"

#include <string.h>

#include "text.h"

enum {
	SOON_DAYS = 14,
	ROLLOVER_DAYS = 30, /* about when certificates are renewed */
	USAGE_DANE_EE = 3,
	SELECTOR_CERTIFICATE = 0,
	/* RFC 8461, section 3.2, has weeks in mind. One week is what is warned
	   below: what is cached for less protects hardly anybody. */
	MAX_AGE_MIN = 7 * JUDGING_DAY
};

/*
 * The policy.
 */

static void
warn_of_mode(struct judging *judging)
{
	const struct stspolicy *policy = &judging->diagnosis->sts.policy;
	struct finding finding = { .kind = FINDING_WARNING,
		.policy_type = "sts",
		.reason = "mode-testing",
		.action = "change the mode to enforce, and the id of the "
			  "record, once reports show no failures" };
	struct judging_detail detail = { .len = 0 };

	if (policy->mode == STSPOLICY_ENFORCE)
		return;
	if (policy->mode == STSPOLICY_TESTING) {
		judging_say(&detail,
		    "the policy is in mode testing: senders "
		    "report failures and deliver all the same");
	} else {
		finding.reason = "mode-none";
		finding.action = "change the mode to testing or enforce, or, "
				 "when max_age is over, take policy and record "
				 "away";
		judging_say(
		    &detail, "the policy is in mode none: senders apply none");
	}
	judging_add(judging, &finding, &detail);
}

static void
warn_of_max_age(struct judging *judging)
{
	const struct stspolicy *policy = &judging->diagnosis->sts.policy;
	struct judging_detail detail = { .len = 0 };

	if (!judging_has_sts(judging->diagnosis) ||
	    policy->max_age >= MAX_AGE_MIN)
		return;
	judging_say(&detail,
	    "max_age is %llu seconds, less than a week (%d): whoever can keep "
	    "senders from the policy for that long switches it off",
	    (unsigned long long)policy->max_age, MAX_AGE_MIN);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_WARNING,
		.policy_type = "sts",
		.reason = "max-age-short",
		.action = "set max_age to some weeks, such as 2592000" },
	    &detail);
}

static bool
has_mx_like(const struct diagnosis *diagnosis, const char *pattern)
{
	const struct found_mx *found = &diagnosis->found_mx;

	if (diagnosis->is_implicit)
		return stspolicy_matches(pattern, diagnosis->settings->domain);
	for (size_t i = 0; i < found->count; i++) {
		if (stspolicy_matches(pattern, found->mx[i].host))
			return true;
	}
	return false;
}

static void
warn_of_patterns(struct judging *judging)
{
	const struct diagnosis *diagnosis = judging->diagnosis;
	const struct stspolicy *policy = &diagnosis->sts.policy;
	struct judging_detail detail = { .len = 0 };

	if (!judging_has_sts(diagnosis) || diagnosis->found_mx.is_null ||
	    (!diagnosis->is_implicit && diagnosis->found_mx.count == 0))
		return;
	for (size_t i = 0; i < policy->mx_count; i++) {
		if (has_mx_like(diagnosis, policy->mx[i]))
			continue;
		judging_say(&detail, "%s%s",
		    detail.len == 0 ? "of the mx of the policy, these stand "
				      "for no MX in the DNS: "
				    : ", ",
		    policy->mx[i]);
	}
	if (detail.len > 0)
		judging_add(judging,
		    &(struct finding){ .kind = FINDING_WARNING,
			.policy_type = "sts",
			.reason = "mx-in-policy-not-in-dns",
			.action = "take them out of the policy, or publish "
				  "the MX that is missing" },
		    &detail);
}

/*
 * Certificates.
 */

static void
warn_of_expiry(struct judging *judging, const struct certificate *certificate,
    const struct diagnosis_mx *mx, const struct diagnosis_address *address)
{
	int64_t days =
	    judging_days(certificate->not_after, judging->diagnosis->now);
	struct judging_detail detail = { .len = 0 };

	if (days < 0 || days >= SOON_DAYS)
		return;
	judging_say_certificate(&detail, certificate, judging->diagnosis->now);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_WARNING,
		.policy_type = mx == NULL ? "sts" : NULL,
		.reason = "certificate-expires-soon",
		.action = mx == NULL
		    ? "renew the certificate of the policy server"
		    : "renew the certificate, and see that the mail server "
		      "is reloaded",
		.mx = mx,
		.address = address },
	    &detail);
}

/* Has an address of the MX before this one the same certificate? */
static bool
is_repeated(const struct diagnosis_mx *mx, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (mx->address[k].probe.stage == MXPROBE_DONE &&
		    strcmp(mx->address[k].probe.certificate.sha256,
			mx->address[i].probe.certificate.sha256) == 0)
			return true;
	}
	return false;
}

/*
 * DANE.
 */

static void
warn_of_insecure(struct judging *judging, const struct diagnosis_mx *mx)
{
	const struct diagnosis *diagnosis = judging->diagnosis;
	struct judging_detail detail = { .len = 0 };

	if (!diagnosis->settings->has_trust_anchor || !mx->has_tlsa_answer ||
	    mx->tlsa.found.status != RESOLVER_FOUND || diagnosis_has_dane(mx))
		return;
	judging_say(&detail, "_%u._tcp.%s has TLSA records, and %s",
	    diagnosis->settings->port, mx->dane_base,
	    !mx->tlsa.found.is_secure ? "they are"
		: !diagnosis->found_mx.found.is_secure
		? "the MX records of the domain are"
		: "the addresses of the MX are");
	judging_say(&detail,
	    " not signed (DNSSEC): senders leave the TLSA records out of "
	    "account");
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_WARNING,
		.policy_type = "tlsa",
		.reason = "tlsa-not-secure",
		.action = "sign the zone, and give its DS record to the "
			  "registrar",
		.mx = mx },
	    &detail);
}

static void
warn_of_other_key(struct judging *judging, const struct diagnosis_mx *mx,
    const struct diagnosis_address *address)
{
	const struct mxprobe *other = &address->other_key;
	struct finding finding = { .kind = FINDING_WARNING,
		.policy_type = "tlsa",
		.reason = "tlsa-other-key",
		.action = "publish a TLSA record (3 1 1) for each key of the "
			  "server, this one, too",
		.mx = mx,
		.address = address };
	struct judging_detail detail = { .len = 0 };

	if (!address->has_other_key || !other->has_dane || other->dane_matches)
		return;
	judging_say(&detail,
	    "the server has a second key (%s, SHA-256 %s) that no TLSA record "
	    "of %s matches: ",
	    other->certificate.key, other->certificate.spki_sha256,
	    mx->dane_base);
	judging_say_certificate(
	    &detail, &other->certificate, judging->diagnosis->now);
	judging_suggest(judging, &finding, other);
	judging_add(judging, &finding, &detail);
}

/* A record of the whole certificate, and not of the key, fails with the next
   certificate; that of a CA does not. */
static void
warn_of_certificate_only(struct judging *judging, const struct diagnosis_mx *mx,
    const struct diagnosis_address *address)
{
	const struct mxprobe *probe = &address->probe;
	int64_t days =
	    judging_days(probe->certificate.not_after, judging->diagnosis->now);
	struct judging_detail detail = { .len = 0 };

	if (!diagnosis_has_dane(mx) || !probe->has_dane ||
	    !probe->dane_matches || probe->dane_record.usage != USAGE_DANE_EE ||
	    probe->dane_record.selector != SELECTOR_CERTIFICATE ||
	    days >= ROLLOVER_DAYS)
		return;
	judging_say(&detail,
	    "the TLSA record that matches (%u %u %u) is of this one "
	    "certificate, and not of its key: ",
	    (unsigned)probe->dane_record.usage,
	    (unsigned)probe->dane_record.selector,
	    (unsigned)probe->dane_record.matching);
	judging_say_certificate(
	    &detail, &probe->certificate, judging->diagnosis->now);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_WARNING,
		.policy_type = "tlsa",
		.reason = "tlsa-certificate-only",
		.action = "publish a TLSA record of the key (3 1 1), or that "
			  "of the next certificate before it is used",
		.mx = mx,
		.address = address },
	    &detail);
}

/*
 * Each MX.
 */

static void
warn_of_alias(struct judging *judging, const struct diagnosis_mx *mx)
{
	const char *alias = mx->ipv6.found.alias[0] != '\0'
	    ? mx->ipv6.found.alias
	    : mx->ipv4.found.alias;
	struct judging_detail detail = { .len = 0 };

	if (alias[0] == '\0' || judging->diagnosis->is_implicit)
		return;
	judging_say(&detail,
	    "%s is an alias (CNAME) of %s, which an MX must not be (RFC 5321, "
	    "section 5.1)",
	    mx->host, alias);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_WARNING,
		.reason = "mx-is-alias",
		.action = "give the host addresses of its own, or make the MX "
			  "record name the other host",
		.mx = mx },
	    &detail);
}

static void
warn_of_old_tls(struct judging *judging, const struct diagnosis_mx *mx,
    const struct diagnosis_address *address)
{
	struct judging_detail detail = { .len = 0 };

	if (!address->offers_old_tls)
		return;
	judging_say(&detail, "the server still speaks %s (RFC 8996)",
	    address->old_tls.protocol);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_WARNING,
		.reason = "old-tls-offered",
		.action = "set smtpd_tls_protocols = >=TLSv1.2",
		.mx = mx,
		.address = address },
	    &detail);
}

static void
note_unlisted(struct judging *judging, const struct diagnosis_mx *mx)
{
	struct judging_detail detail = { .len = 0 };

	if (mx->is_in_dns)
		return;
	judging_say(&detail,
	    "%s is no MX of %s in the DNS: senders do not go "
	    "there",
	    mx->host, judging->diagnosis->settings->domain);
	judging_add(judging,
	    &(struct finding){
		.kind = FINDING_NOTE, .reason = "mx-not-in-dns", .mx = mx },
	    &detail);
}

static void
warn_of_mx(struct judging *judging, const struct diagnosis_mx *mx)
{
	note_unlisted(judging, mx);
	warn_of_alias(judging, mx);
	warn_of_insecure(judging, mx);
	for (size_t i = 0; i < mx->count; i++) {
		const struct diagnosis_address *address = &mx->address[i];

		if (address->probe.stage != MXPROBE_DONE)
			continue;
		warn_of_old_tls(judging, mx, address);
		warn_of_other_key(judging, mx, address);
		if (is_repeated(mx, i))
			continue;
		warn_of_expiry(
		    judging, &address->probe.certificate, mx, address);
		warn_of_certificate_only(judging, mx, address);
	}
}

/*
 * Where there are TLSA records, senders may see a failure that we did not look
 * for; and dane-required says it of each MX.
 */
static void
warn_of_anchor(struct judging *judging)
{
	const struct diagnosis *diagnosis = judging->diagnosis;
	const struct diagnosis_settings *settings = diagnosis->settings;
	struct judging_detail detail = { .len = 0 };
	struct finding finding = { .kind = FINDING_NOTE,
		.reason = "dnssec-not-checked",
		.action = JUDGING_ANCHOR_ACTION };

	if (!settings->with_dane || settings->has_trust_anchor)
		return;
	for (size_t i = 0; i < diagnosis->mx_count; i++) {
		if (diagnosis->mx[i].tlsa.count == 0 ||
		    settings->is_dane_required)
			continue;
		finding.kind = FINDING_UNTRIED;
		finding.policy_type = "tlsa";
	}
	judging_say(&detail,
	    "without a trust anchor DNSSEC was not checked, "
	    "and so DANE could not be judged");
	judging_add(judging, &finding, &detail);
}

void
judgewarn(struct judging *judging)
{
	const struct diagnosis *diagnosis = judging->diagnosis;
	if (diagnosis->sts.has_policy) {
		warn_of_mode(judging);
		warn_of_max_age(judging);
		warn_of_patterns(judging);
	}
	if (diagnosis->sts.fetch.has_certificate)
		warn_of_expiry(
		    judging, &diagnosis->sts.fetch.certificate, NULL, NULL);
	for (size_t i = 0; i < diagnosis->mx_count; i++)
		warn_of_mx(judging, &diagnosis->mx[i]);
	warn_of_anchor(judging);
}
