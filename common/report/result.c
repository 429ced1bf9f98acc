#include "result.h"

#include <stdio.h>
#include <string.h>

static const struct result results[] = {
	{
	    .type = "starttls-not-supported",
	    .category = "negotiation",
	    .meaning = "the MX did not offer STARTTLS",
	    .cause = "smtpd on this MX has TLS switched off, or a proxy, "
		     "firewall or content filter in front of it strips "
		     "STARTTLS from the EHLO reply",
	    .action = "set smtpd_tls_security_level = may with a certificate "
		      "on the MX, and exempt port 25 from SMTP inspection "
		      "(such as a Cisco \"fixup\")",
	    .verify =
		"openssl s_client -starttls smtp -connect %m:25 </dev/null",
	    .section = "RFC 8460, section 4.3.1",
	},
	{
	    .type = "certificate-host-mismatch",
	    .category = "negotiation",
	    .meaning = "the certificate does not name the MX host",
	    .cause = "the certificate's subject alternative names lack the "
		     "name in the MX record, often because a new MX name got "
		     "the old certificate",
	    .action = "issue a certificate whose subjectAltName holds the MX "
		      "host name, or make the MX record point to a name that "
		      "the certificate has",
	    .verify = "openssl s_client -starttls smtp -connect %m:25 "
		      "-verify_hostname %m </dev/null 2>/dev/null | openssl "
		      "x509 -noout -ext subjectAltName",
	    .section = "RFC 8460, section 4.3.1",
	},
	{
	    .type = "certificate-expired",
	    .category = "negotiation",
	    .meaning = "the certificate of the MX has expired",
	    .cause = "renewal failed, or it succeeded and the mail server was "
		     "not reloaded and still serves the old file",
	    .action = "renew the certificate, reload the mail server (postfix "
		      "reload), and make the renewal hook do so",
	    .verify = "openssl s_client -starttls smtp -connect %m:25 "
		      "</dev/null 2>/dev/null | openssl x509 -noout -dates",
	    .section = "RFC 8460, section 4.3.1",
	},
	{
	    .type = "certificate-not-trusted",
	    .category = "negotiation",
	    .meaning = "the certificate of the MX is not from a CA that the "
		       "sender trusts",
	    .cause = "the certificate is self-signed, or the mail server "
		     "sends it without its intermediate certificates",
	    .action = "use a certificate of a public CA and serve the full "
		      "chain (smtpd_tls_chain_files with fullchain.pem)",
	    .verify = "openssl s_client -starttls smtp -connect %m:25 "
		      "-verify_return_error </dev/null",
	    .section = "RFC 8460, section 4.3.1",
	},
	{
	    .type = "validation-failure",
	    .category = "negotiation",
	    .meaning = "TLS failed for a reason that the sender does not name",
	    .cause = "no other result type fits: often a connection lost in "
		     "the handshake, no common protocol version or cipher, or "
		     "a passing network fault",
	    .action = "look in the mail log of the MX for smtpd TLS errors "
		      "from sending-mta-ip in that time; a few single "
		      "sessions are normal, steady ones are not",
	    .verify = "openssl s_client -starttls smtp -connect %m:25 "
		      "-tls1_2 </dev/null",
	    .section = "RFC 8460, section 4.3.4",
	},
	{
	    .type = "tlsa-invalid",
	    .category = "dane",
	    .meaning = "no TLSA record of the MX matches its certificate",
	    .cause = "the certificate or its key was renewed and the TLSA "
		     "record still describes the old one",
	    .action = "publish TLSA records for the current key (3 1 1), and "
		      "at the next rollover publish the new record before the "
		      "certificate changes",
	    .verify = "openssl s_client -starttls smtp -connect %m:25 "
		      "-dane_tlsa_domain %m -dane_tlsa_rrdata \"$(dig +short "
		      "TLSA _25._tcp.%m | head -n 1)\" </dev/null",
	    .section = "RFC 8460, section 4.3.2.1",
	},
	{
	    .type = "dnssec-invalid",
	    .category = "dane",
	    .meaning = "the DNSSEC answers for the MX or its TLSA record did "
		       "not validate",
	    .cause = "signatures have expired, or the DS record in the parent "
		     "zone does not match the zone's key",
	    .action = "sign the zone anew and compare the DS record at the "
		      "registrar with the zone's DNSKEY",
	    .verify = "delv TLSA _25._tcp.%m",
	    .section = "RFC 8460, section 4.3.2.1",
	},
	{
	    .type = "dane-required",
	    .category = "dane",
	    .meaning = "the sender is set to demand DANE, and no usable TLSA "
		       "record was found",
	    .cause = "the sender requires DANE for this domain, and the MX "
		     "lost its TLSA records or DNSSEC",
	    .action = "publish TLSA records in a signed zone for every MX, or "
		      "ask the sender to drop the requirement",
	    .verify = "delv TLSA _25._tcp.%m",
	    .section = "RFC 8460, section 4.3.2.1",
	},
	{
	    .type = "sts-policy-fetch-error",
	    .category = "sts",
	    .meaning = "the MTA-STS policy could not be fetched",
	    .cause = "the web server of mta-sts.DOMAIN is down, answers with "
		     "an error or a redirect, or its name does not resolve",
	    .action = "make https://mta-sts.DOMAIN/.well-known/mta-sts.txt "
		      "answer 200 with text/plain and without a redirect, "
		      "over IPv4 and IPv6",
	    .verify = "curl -sv --max-redirs 0 "
		      "https://mta-sts.%d/.well-known/mta-sts.txt",
	    .section = "RFC 8460, section 4.3.2.2",
	},
	{
	    .type = "sts-policy-invalid",
	    .category = "sts",
	    .meaning = "the MTA-STS policy was fetched and is not valid",
	    .cause = "the policy file has a syntax error, or lacks version, "
		     "mode, mx or max_age",
	    .action = "mend the policy file (RFC 8461, section 3.2) and give "
		      "the _mta-sts TXT record a new id",
	    .verify = "curl -s https://mta-sts.%d/.well-known/mta-sts.txt",
	    .section = "RFC 8460, section 4.3.2.2",
	},
	{
	    .type = "sts-webpki-invalid",
	    .category = "sts",
	    .meaning = "the certificate of the MTA-STS web server is not "
		       "valid",
	    .cause = "the certificate of mta-sts.DOMAIN has expired, lacks "
		     "that name, or is not from a public CA",
	    .action = "renew the certificate of the web server for "
		      "mta-sts.DOMAIN and serve the full chain",
	    .verify = "openssl s_client -connect mta-sts.%d:443 -servername "
		      "mta-sts.%d -verify_hostname mta-sts.%d "
		      "-verify_return_error </dev/null",
	    .section = "RFC 8460, section 4.3.2.2",
	},
};

static const struct result unknown = {
	.type = "unknown",
	.category = "unknown",
	.meaning = "a result type that is not in the IANA registry",
	.cause = "the sender uses a result type that RFC 8460 does not "
		 "define, so its cause cannot be told from its name",
	.action = "read failure-reason-code and additional-information, look "
		  "in the mail log of the MX for that time, and ask the "
		  "report's contact-info if it goes on",
	.verify = "openssl s_client -starttls smtp -connect %m:25 </dev/null",
	.section = "RFC 8460, section 4.3",
};

const struct result *
result_find(const char *type)
{
	for (size_t i = 0;
	     type != NULL && i < sizeof results / sizeof results[0]; i++) {
		if (strcmp(results[i].type, type) == 0)
			return &results[i];
	}
	return &unknown;
}

bool
result_is_known(const struct result *result)
{
	return result != &unknown;
}

const struct result *
result_all(size_t *count)
{
	*count = sizeof results / sizeof results[0];
	return results;
}

/* May the name stand in a command? */
static bool
is_safe(const char *name)
{
	return name != NULL && name[0] != '\0' && name[0] != '-' &&
	    name[strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.-_:")] == '\0';
}

void
result_verify(const struct result *result, const char *mx, const char *domain,
    char *out, size_t size)
{
	size_t n = 0;

	for (const char *p = result->verify; *p != '\0' && n + 1 < size; p++) {
		const char *word;
		size_t len;

		if (p[0] != '%' || (p[1] != 'm' && p[1] != 'd')) {
			out[n++] = *p;
			continue;
		}
		if (*++p == 'm')
			word = is_safe(mx) ? mx : "MX";
		else
			word = is_safe(domain) ? domain : "DOMAIN";
		len = strlen(word);
		if (len > size - 1 - n)
			len = size - 1 - n;
		memcpy(out + n, word, len);
		n += len;
	}
	out[n] = '\0';
}

void
result_diagnose(const struct result *result, const char *mx, const char *domain,
    char *out, size_t size)
{
	const char *word = is_safe(domain) ? domain : "DOMAIN";

	if (strcmp(result->category, "sts") == 0)
		(void)snprintf(
		    out, size, "tlsrpt diagnose --policy sts %s", word);
	else if (is_safe(mx))
		(void)snprintf(
		    out, size, "tlsrpt diagnose --mx %s %s", mx, word);
	else if (domain != NULL)
		(void)snprintf(out, size, "tlsrpt diagnose %s", word);
	else
		(void)snprintf(out, size, "tlsrpt diagnose --mx MX %s", word);
}

void
result_action(const struct result *result, const char *mx, const char *domain,
    char out[RESULT_ACTION_MAX])
{
	char command[RESULT_ACTION_MAX];
	size_t room = RESULT_ACTION_MAX - 1;
	const char *then = "; then run: ";

	result_diagnose(result, mx, domain, command, sizeof command);
	if (strlen(result->action) + strlen(then) + strlen(command) > room)
		result_diagnose(result, NULL, NULL, command, sizeof command);
	(void)snprintf(
	    out, RESULT_ACTION_MAX, "%s%s%s", result->action, then, command);
}
