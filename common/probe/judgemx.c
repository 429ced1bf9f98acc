#include "judgemx.h"

#include <string.h>

#include "judgedns.h"
#include "result.h"

enum {
	USAGE_DANE_EE = 3
};

/* Under which of them an address of an MX is judged. */
enum policy {
	POLICY_STS,
	POLICY_TLSA,
	POLICY_NONE,
	POLICIES
};

static const char *const policy_types[POLICIES] = {
	[POLICY_STS] = "sts",
	[POLICY_TLSA] = "tlsa",
	[POLICY_NONE] = "no-policy-found",
};

/*
 * The addresses of an MX.
 */

/* Did anybody answer there? */
static bool
is_reached(const struct diagnosis_address *address)
{
	return address->is_tried && address->probe.end != MXPROBE_OURSELVES &&
	    (address->probe.end == MXPROBE_OK ||
		address->probe.stage > MXPROBE_CONNECT);
}

static bool
is_any_reached(const struct diagnosis_mx *mx)
{
	for (size_t i = 0; i < mx->count; i++) {
		if (is_reached(&mx->address[i]))
			return true;
	}
	return false;
}

/* Else nothing is known of any MX, and it may be us. */
static bool
is_anything_reached(const struct diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->mx_count; i++) {
		if (is_any_reached(&diagnosis->mx[i]))
			return true;
	}
	return false;
}

/*
 * One address, up to TLS.
 */

/* "timeout at greeting: 220 …" */
static void
say_probe(struct judging_detail *detail, const struct mxprobe *probe)
{
	judging_say(detail, "%s at %s", mxprobe_end_str(probe->end),
	    mxprobe_stage_str(probe->stage));
	if (probe->detail[0] != '\0')
		judging_say(detail, ": %s", probe->detail);
}

/*
 * No connection: no matter of TLS. A sender goes on to the next address, if
 * there is one that answers.
 */
static void
judge_unreached(struct judging *judging, const struct diagnosis_mx *mx,
    const struct diagnosis_address *address)
{
	struct finding finding = { .kind = FINDING_UNTRIED,
		.reason = "address-unreachable",
		.action = "open the port on that address, or take it out of "
			  "the DNS",
		.is_temporary = true,
		.mx = mx,
		.address = address };
	struct judging_detail detail = { .len = 0 };

	say_probe(&detail, &address->probe);
	if (address->probe.end == MXPROBE_OURSELVES) {
		finding.reason = "our-own-trouble";
		finding.action = "try again";
	} else if (address->probe.end == MXPROBE_NO_ROUTE) {
		finding.action = "try again where there is a way to that "
				 "address";
		finding.is_temporary = false;
		if (is_any_reached(mx))
			finding.kind = FINDING_NOTE;
	} else if (is_any_reached(mx)) {
		finding.kind = FINDING_WARNING;
	} else if (!is_anything_reached(judging->diagnosis)) {
		finding.action = judging->has_port_advice
		    ? "as for the first address that was not reached"
		    : "no MX was reached, so nothing is known of them: many "
		      "providers block outbound port 25, so try it from where "
		      "mail is sent, such as the mail server; if others cannot "
		      "connect either, open the port on that address, or take "
		      "it out of the DNS";
		judging->has_port_advice = true;
	}
	judging_add(judging, &finding, &detail);
}

/* It answers, and wants nothing to do with us: STARTTLS was not reached. */
static bool
is_turned_away(const struct mxprobe *probe)
{
	return probe->end == MXPROBE_REJECTED &&
	    probe->stage < MXPROBE_STARTTLS;
}

static void
judge_turned_away(struct judging *judging, const struct diagnosis_mx *mx,
    const struct diagnosis_address *address)
{
	struct judging_detail detail = { .len = 0 };

	say_probe(&detail, &address->probe);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_UNTRIED,
		.reason = "turned-away",
		.action = "try again from an address that the server takes "
			  "mail from",
		.is_temporary = address->probe.code / 100 == 4,
		.mx = mx,
		.address = address },
	    &detail);
}

/* What a failure before TLS was there comes with. */
#define VERIFY_TLS                                                             \
	"timeout 60 openssl s_client -starttls smtp -connect %m:25 </dev/null"
#define VERIFY_SMTP "curl -sv --ssl-reqd -m 60 smtp://%m:25"
#define LOOK_IN_LOG                                                            \
	"look in the mail log of the MX for what smtpd says of the time of "   \
	"this diagnosis"

static void
set_refused(struct finding *finding)
{
	finding->result_type = "starttls-not-supported";
	finding->reason = "starttls-refused";
	finding->cause = "smtpd offers STARTTLS and refuses it: it cannot load "
			 "its certificate or key, or has run into a limit";
	finding->action = "look in the mail log of the MX for what smtpd says "
			  "of its certificate and key, and mend that";
	finding->verify = VERIFY_SMTP;
}

/* Result type and reason of what ended before TLS was there. */
static void
set_trouble(struct finding *finding, const struct mxprobe *probe)
{
	finding->kind = FINDING_FAILURE;
	finding->result_type = "validation-failure";
	finding->verify =
	    probe->stage == MXPROBE_HANDSHAKE ? VERIFY_TLS : VERIFY_SMTP;
	switch (probe->end) {
	case MXPROBE_NOT_OFFERED:
		finding->result_type = "starttls-not-supported";
		finding->reason = "starttls-not-offered";
		break;
	case MXPROBE_REJECTED:
		set_refused(finding);
		break;
	case MXPROBE_TIMEOUT:
		finding->reason = probe->stage == MXPROBE_HANDSHAKE
		    ? "tls-timeout"
		    : "smtp-timeout";
		finding->cause = "the server, or a filter in front of it, is "
				 "overloaded or holds the connection up";
		finding->action = "see with a longer --timeout whether it is "
				  "slow or stuck, and " LOOK_IN_LOG;
		break;
	case MXPROBE_PROTOCOL:
		finding->reason = "smtp-protocol";
		finding->cause = "what answers there does not speak SMTP as "
				 "it should: another service, or a proxy or "
				 "filter in front of the MX";
		finding->action = "see what listens on that port and what is "
				  "in front of it; " LOOK_IN_LOG;
		break;
	case MXPROBE_TLS:
		finding->reason = "tls-handshake";
		finding->cause = "there is no common protocol version or "
				 "cipher, or the server cannot use its key";
		finding->action = "let smtpd speak TLS 1.2 and 1.3 with their "
				  "usual ciphers; " LOOK_IN_LOG;
		break;
	default:
		finding->reason = "connection-lost";
		finding->cause = "the server, or a filter in front of it, "
				 "closes the connection";
		finding->action = LOOK_IN_LOG;
	}
}

/*
 * One address that has TLS.
 */

static void
say_session(struct judging_detail *detail, const struct mxprobe *probe)
{
	judging_say(detail, "%s, %s", probe->protocol, probe->cipher);
}

/* Renewing the server's own would not help. */
static void
advise_of_issuer(struct finding *finding)
{
	finding->cause =
	    "the server's own certificate is valid, but the one above it that "
	    "\"seen\" names first has expired: the server still sends an old "
	    "intermediate, or a chain that ends in an old root";
	finding->action =
	    "serve the chain that the CA gives out now, without the expired "
	    "certificate (smtpd_tls_chain_files with a new fullchain.pem), "
	    "and reload the mail server (postfix reload)";
	finding->verify =
	    "openssl s_client -starttls smtp -connect %m:25 </dev/null "
	    "2>/dev/null | grep -E ' [sv]:'";
}

static void
set_fault(struct finding *finding, struct judging_detail *detail,
    const struct certificate_verdict *verdict, int64_t now)
{
	finding->kind = FINDING_FAILURE;
	finding->result_type = judging_fault_type(verdict->faults);
	finding->reason = finding->result_type;
	if (judging_is_issuer_expired(
		verdict, &finding->address->probe.certificate, now))
		advise_of_issuer(finding);
	judging_say_faults(detail, verdict);
	judging_say(detail, "; ");
}

static void
say_records(struct judging_detail *detail, const struct diagnosis_mx *mx)
{
	enum {
		RECORDS = 2 /* more would fill the detail */
	};
	char text[160];

	for (size_t i = 0; i < mx->tlsa.count && i < RECORDS; i++) {
		tlsa_text(&mx->tlsa.tlsa[i], text, sizeof text);
		judging_say(detail, "%s%s", i == 0 ? "" : ", ", text);
	}
	if (mx->tlsa.count > RECORDS)
		judging_say(
		    detail, " and %zu others", mx->tlsa.count - RECORDS);
}

/*
 * By the TLSA records. Where DANE-EE matches, neither name nor date count (RFC
 * 7672, section 3.1.1).
 */
static void
judge_dane(const struct judging *judging, const struct mxprobe *probe,
    struct finding *finding, struct judging_detail *detail)
{
	const struct diagnosis_mx *mx = finding->mx;

	if (!probe->dane_matches) {
		finding->kind = FINDING_FAILURE;
		finding->result_type = "tlsa-invalid";
		finding->reason = "tlsa-mismatch";
		finding->cause = result_find("tlsa-invalid")->cause;
		finding->action =
		    "if that is the key that the server is to have, add this "
		    "record for it, and take the old ones away no sooner than "
		    "their TTL has passed and no server of that name has "
		    "their keys any more; at the next rollover publish the "
		    "new record before the certificate changes";
		finding->verify = result_find("tlsa-invalid")->verify;
		judging_suggest(judging, finding, probe);
		judging_say(detail,
		    "no TLSA record of %s matches: the SHA-256 of the "
		    "server's key is %s, and there is ",
		    mx->dane_base, probe->certificate.spki_sha256);
		say_records(detail, mx);
		judging_say(detail, "; ");
	} else if (probe->dane.faults != 0 &&
	    probe->dane_record.usage != USAGE_DANE_EE) {
		set_fault(
		    finding, detail, &probe->dane, judging->diagnosis->now);
	} else {
		judging_say(detail, "matches TLSA %u %u %u, ",
		    (unsigned)probe->dane_record.usage,
		    (unsigned)probe->dane_record.selector,
		    (unsigned)probe->dane_record.matching);
	}
}

/* What a sender without a policy does not look at. */
static void
warn_of_certificate(struct judging *judging, const struct finding *like)
{
	const struct mxprobe *probe = &like->address->probe;
	struct judging_detail detail = { .len = 0 };

	judging_say(&detail, "%s: ", judging_fault_type(probe->pkix.faults));
	judging_say_faults(&detail, &probe->pkix);
	judging_say(&detail, "; ");
	judging_say_certificate(
	    &detail, &probe->certificate, judging->diagnosis->now);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_WARNING,
		.policy_type = policy_types[POLICY_NONE],
		.reason = "certificate-would-fail",
		.action = "mend the certificate before a policy asks for it",
		.mx = like->mx,
		.address = like->address },
	    &detail);
}

static void
judge_under(struct judging *judging, const struct diagnosis_mx *mx,
    const struct diagnosis_address *address, enum policy policy)
{
	const struct mxprobe *probe = &address->probe;
	struct finding finding = { .kind = FINDING_SUCCESS,
		.policy_type = policy_types[policy],
		.mx = mx,
		.address = address };
	struct judging_detail detail = { .len = 0 };

	if (probe->stage != MXPROBE_DONE) {
		set_trouble(&finding, probe);
		say_probe(&detail, probe);
		judging_add(judging, &finding, &detail);
		return;
	}
	if (policy == POLICY_TLSA)
		judge_dane(judging, probe, &finding, &detail);
	else if (policy == POLICY_STS && probe->pkix.faults != 0)
		set_fault(
		    &finding, &detail, &probe->pkix, judging->diagnosis->now);
	judging_say_certificate(
	    &detail, &probe->certificate, judging->diagnosis->now);
	judging_say(&detail, "; ");
	say_session(&detail, probe);
	judging_add(judging, &finding, &detail);
	if (policy == POLICY_NONE && probe->pkix.faults != 0)
		warn_of_certificate(judging, &finding);
}

/*
 * Which policies there are for an MX, and what is wrong with them for all of
 * its addresses.
 */

/* Is it among those that the MTA-STS policy allows? */
static bool
judge_name(struct judging *judging, const struct diagnosis_mx *mx)
{
	const struct stspolicy *policy = &judging->diagnosis->sts.policy;
	struct judging_detail detail = { .len = 0 };

	if (stspolicy_allows(policy, mx->host))
		return true;
	judging_say(
	    &detail, "no mx of the policy allows %s: it has ", mx->host);
	for (size_t i = 0; i < policy->mx_count; i++)
		judging_say(&detail, "%s%s", i == 0 ? "" : ", ", policy->mx[i]);
	judging_add(judging,
	    &(struct finding){ .kind = FINDING_FAILURE,
		.policy_type = policy_types[POLICY_STS],
		.result_type = "validation-failure",
		.reason = "mx-not-in-policy",
		.action = "add the host to the mx of the policy file and give "
			  "the _mta-sts record a new id, or take the host out "
			  "of the MX records",
		.verify = "curl -s https://mta-sts.%d/.well-known/"
			  "mta-sts.txt",
		.mx = mx },
	    &detail);
	return false;
}

/* Secure records none of which a sender can use. */
static bool
judge_usable(struct judging *judging, const struct diagnosis_mx *mx)
{
	struct finding finding = { .kind = FINDING_FAILURE,
		.policy_type = policy_types[POLICY_TLSA],
		.result_type = "tlsa-invalid",
		.reason = "tlsa-unusable",
		.cause = "senders use records of usage 2 and 3 alone, with a "
			 "selector and a digest that they know (RFC 7672, "
			 "section 3.1)",
		.action = "publish a usable record of the key that the server "
			  "has now (3 1 1) in place of these",
		.verify = "dig +short TLSA _25._tcp.%m",
		.mx = mx };
	struct judging_detail detail = { .len = 0 };

	if (mx->usable > 0)
		return true;
	judging_say(&detail, "no TLSA record of %s is usable", mx->dane_base);
	if (mx->tlsa.count > 0) {
		judging_say(
		    &detail, ": %s (", tlsa_why_unusable(&mx->tlsa.tlsa[0]));
		say_records(&detail, mx);
		judging_say(&detail, ")");
	} else {
		judging_say(
		    &detail, ": %zu cannot be read", mx->tlsa.found.dropped);
	}
	for (size_t i = mx->count; i-- > 0;) {
		if (mx->address[i].probe.stage == MXPROBE_DONE)
			judging_suggest(
			    judging, &finding, &mx->address[i].probe);
	}
	judging_add(judging, &finding, &detail);
	return false;
}

static void
say_why_no_dane(struct judging_detail *detail,
    const struct diagnosis *diagnosis, const struct diagnosis_mx *mx,
    const char **verify)
{
	*verify = "delv TLSA _25._tcp.%m";
	if (!diagnosis->found_mx.found.is_secure) {
		*verify = "delv MX %d";
		judging_say(detail, "the MX records of %s are not signed",
		    diagnosis->settings->domain);
	} else if (!mx->is_dane_possible) {
		*verify = mx->ipv6.count > 0 ? "delv AAAA %m" : "delv A %m";
		judging_say(
		    detail, "the addresses of %s are not signed", mx->host);
	} else if (mx->tlsa.found.status == RESOLVER_FOUND)
		judging_say(detail, "the TLSA records of %s are not signed",
		    mx->dane_base);
	else
		judging_say(detail, "there is no TLSA record at _%u._tcp.%s",
		    diagnosis->settings->port, mx->host);
}

/* Demanded, and not there. True when it is not. */
static bool
judge_required(struct judging *judging, const struct diagnosis_mx *mx)
{
	const struct diagnosis_settings *settings =
	    judging->diagnosis->settings;
	struct finding finding = { .kind = FINDING_FAILURE,
		.policy_type = policy_types[POLICY_TLSA],
		.result_type = "dane-required",
		.reason = "no-secure-tlsa",
		.mx = mx };
	struct judging_detail detail = { .len = 0 };

	if (!settings->with_dane || !settings->is_dane_required)
		return false;
	if (settings->has_trust_anchor) {
		say_why_no_dane(
		    &detail, judging->diagnosis, mx, &finding.verify);
	} else {
		finding.kind = FINDING_UNTRIED;
		finding.result_type = NULL;
		finding.reason = "dnssec-not-checked";
		finding.action = JUDGING_ANCHOR_ACTION;
		judging_say(&detail,
		    "without a trust anchor there is no telling whether TLSA "
		    "records are signed");
	}
	judging_add(judging, &finding, &detail);
	return true;
}

static bool
is_bogus(const struct diagnosis_mx *mx)
{
	return mx->ipv6.found.status == RESOLVER_BOGUS ||
	    mx->ipv4.found.status == RESOLVER_BOGUS;
}

static void
judge_one(struct judging *judging, const struct diagnosis_mx *mx)
{
	bool applies[POLICIES] = { false };

	judgedns_addresses(judging, mx);
	if (judging_has_sts(judging->diagnosis))
		applies[POLICY_STS] = judge_name(judging, mx);
	if (diagnosis_has_dane(mx))
		applies[POLICY_TLSA] = judge_usable(judging, mx);
	else if (!is_bogus(mx) && !judgedns_tlsa_failed(judging, mx) &&
	    !judge_required(judging, mx))
		applies[POLICY_NONE] = !judging_has_sts(judging->diagnosis);
	for (size_t i = 0; i < mx->count; i++) {
		const struct diagnosis_address *address = &mx->address[i];

		if (!address->is_tried)
			continue;
		if (!is_reached(address))
			judge_unreached(judging, mx, address);
		else if (is_turned_away(&address->probe))
			judge_turned_away(judging, mx, address);
		for (enum policy policy = 0; policy < POLICIES; policy++) {
			if (applies[policy] && is_reached(address) &&
			    !is_turned_away(&address->probe))
				judge_under(judging, mx, address, policy);
		}
	}
}

void
judgemx(struct judging *judging)
{
	for (size_t i = 0; i < judging->diagnosis->mx_count; i++)
		judge_one(judging, &judging->diagnosis->mx[i]);
}
