#include "judgedns.h"

#include <string.h>

/* DNSSEC proves an answer false: a matter of DANE, if a sender does that. */
static void
add_bogus(struct judging *judging, const struct diagnosis_mx *mx,
    const char *verify, const struct judging_detail *detail)
{
	if (judging->diagnosis->settings->with_dane)
		judging_add(judging,
		    &(struct finding){ .kind = FINDING_FAILURE,
			.policy_type = "tlsa",
			.result_type = "dnssec-invalid",
			.reason = "dnssec-bogus",
			.verify = verify,
			.mx = mx },
		    detail);
	else
		judging_add(judging,
		    &(struct finding){ .kind = FINDING_UNTRIED,
			.reason = "dnssec-bogus",
			.action = "sign the zone anew, and compare its DS "
				  "record with its DNSKEY",
			.is_temporary = true,
			.mx = mx },
		    detail);
}

static void
add_dns_failed(struct judging *judging, const struct diagnosis_mx *mx,
    const struct judging_detail *detail)
{
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_UNTRIED,
		.reason = "dns-failed",
		.action = JUDGING_DNS_ACTION,
		.is_temporary = true,
		.mx = mx },
	    detail);
}

static bool
is_answer(const struct found *found)
{
	return found->status == RESOLVER_FOUND ||
	    found->status == RESOLVER_NOT_FOUND;
}

static void
judge_untried(struct judging *judging)
{
	struct judging_detail detail = { .len = 0 };

	if (judging->diagnosis->untried == 0)
		return;
	judging_say(&detail,
	    "%zu addresses were not tried: the MX have more than %d",
	    judging->diagnosis->untried, DIAGNOSIS_PROBES_MAX);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_UNTRIED,
		.reason = "too-many-addresses",
		.action = "publish fewer addresses, or name one MX to be "
			  "looked at" },
	    &detail);
}

void
judgedns(struct judging *judging)
{
	const struct diagnosis *diagnosis = judging->diagnosis;
	const struct found_mx *found = &diagnosis->found_mx;
	const char *domain = diagnosis->settings->domain;
	struct judging_detail detail = { .len = 0 };

	judge_untried(judging);
	if (found->found.status == RESOLVER_BOGUS) {
		judging_say(
		    &detail, "MX %s: %s", domain, found_str(&found->found));
		add_bogus(judging, NULL, "delv MX %d", &detail);
	} else if (!is_answer(&found->found)) {
		judging_say(
		    &detail, "MX %s: %s", domain, found_str(&found->found));
		add_dns_failed(judging, NULL, &detail);
	} else if (found->is_null) {
		judging_say(&detail,
		    "%s takes no mail: its MX is \".\" (RFC 7505)", domain);
		judging_add(judging,
		    &(struct finding){
			.kind = FINDING_NOTE, .reason = "null-mx" },
		    &detail);
	} else if (found->found.status == RESOLVER_FOUND && found->count == 0) {
		judging_say(&detail,
		    "none of the %zu MX records of %s names a host",
		    found->found.dropped, domain);
		judging_add(judging,
		    &(struct finding){ .kind = FINDING_UNTRIED,
			.reason = "mx-unreadable",
			.action = "make the MX records point to host names" },
		    &detail);
	}
}

/*
 * Each MX.
 */

static void
judge_lookup(struct judging *judging, const struct diagnosis_mx *mx,
    const struct found *found, const char *type)
{
	struct judging_detail detail = { .len = 0 };

	if (is_answer(found))
		return;
	judging_say(&detail, "%s %s: %s", type, mx->host, found_str(found));
	if (found->status == RESOLVER_BOGUS)
		add_bogus(judging, mx,
		    strcmp(type, "A") == 0 ? "delv A %m" : "delv AAAA %m",
		    &detail);
	else if (mx->count == 0)
		add_dns_failed(judging, mx, &detail);
	else
		judging_add(judging,
		    &(struct finding){ .kind = FINDING_WARNING,
			.reason = "dns-failed",
			.action = "mend the name servers of that name",
			.mx = mx },
		    &detail);
}

void
judgedns_addresses(struct judging *judging, const struct diagnosis_mx *mx)
{
	struct judging_detail detail = { .len = 0 };

	if (mx->ipv6.found.status == mx->ipv4.found.status) {
		judge_lookup(judging, mx, &mx->ipv6.found, "AAAA and A");
	} else {
		judge_lookup(judging, mx, &mx->ipv6.found, "AAAA");
		judge_lookup(judging, mx, &mx->ipv4.found, "A");
	}
	if (mx->count > 0 || !is_answer(&mx->ipv6.found) ||
	    !is_answer(&mx->ipv4.found))
		return;
	judging_say(&detail, "%s has no address%s", mx->host,
	    judging->diagnosis->is_implicit && mx->is_in_dns
		? ", and there is no MX"
		: "");
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_UNTRIED,
		.reason = "mx-without-address",
		.action = judging->diagnosis->is_implicit && mx->is_in_dns
		    ? "see whether the domain is spelled right; if so, "
		      "publish an MX record, where it is to take mail"
		    : "publish an A or AAAA record for the host, or take "
		      "it out of the MX records",
		.mx = mx },
	    &detail);
}

bool
judgedns_tlsa_failed(struct judging *judging, const struct diagnosis_mx *mx)
{
	const struct found *found = &mx->tlsa.found;
	struct finding finding = { .kind = FINDING_FAILURE,
		.policy_type = "tlsa",
		.result_type = "dnssec-invalid",
		.mx = mx };
	struct judging_detail detail = { .len = 0 };

	if (!mx->is_dane_possible || !mx->has_tlsa_answer || is_answer(found))
		return false;
	judging_say(&detail, "TLSA _%u._tcp.%s: %s",
	    judging->diagnosis->settings->port, mx->dane_base,
	    found_str(found));
	finding.reason = "dnssec-bogus";
	if (found->status == RESOLVER_FAILED) {
		finding.reason = "tlsa-servfail";
	} else if (found->status == RESOLVER_TIMEOUT) {
		finding.kind = FINDING_UNTRIED;
		finding.result_type = NULL;
		finding.reason = "dns-failed";
		finding.action = JUDGING_DNS_ACTION;
		finding.is_temporary = true;
	}
	judging_add(judging, &finding, &detail);
	return true;
}
