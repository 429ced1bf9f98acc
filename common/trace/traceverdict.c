#include "traceverdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "result.h"
#include "text.h"

enum trace_verdict
trace_judge(const struct trace_window *window)
{
	uint64_t ours = window->failed - window->broken_off;

	if (window->log->lines == 0)
		return TRACE_NO_LOG;
	if (trace_total(window) == 0 && window->has_address)
		return TRACE_NO_CONNECT;
	/* Most of the failures were alerts of the sender. */
	if (window->alerts > 0 && window->failed > 0 &&
	    (window->alerts >= ours || ours - window->alerts <= window->alerts))
		return TRACE_REJECTED;
	if (ours > 0)
		return TRACE_FAILED;
	if (window->failed > 0)
		return TRACE_BROKEN_OFF;
	if (window->refused > 0)
		return TRACE_REFUSED;
	if (window->kinds[MAILLOG_LIMIT] > 0)
		return TRACE_LIMITED;
	if (window->established > 0)
		return TRACE_FINE;
	if (window->kinds[MAILLOG_LOST] > 0)
		return TRACE_LOST;
	if (window->plain > 0)
		return TRACE_PLAIN;
	if (window->kinds[MAILLOG_SCREEN] > 0 &&
	    window->kinds[MAILLOG_CONNECT] == 0)
		return TRACE_SCREENED;
	return TRACE_UNCLEAR;
}

static const struct {
	const char *name;
	enum trace_blame blame;
} verdicts[] = {
	[TRACE_NO_LOG] = { "no-log", TRACE_UNKNOWN },
	[TRACE_NOT_SMTP] = { "not-smtp", TRACE_UNKNOWN },
	[TRACE_NO_CONNECT] = { "no-connect", TRACE_NOT_HERE },
	[TRACE_REJECTED] = { "rejected-by-sender", TRACE_US },
	[TRACE_FAILED] = { "handshake-failed", TRACE_US },
	[TRACE_BROKEN_OFF] = { "broken-off", TRACE_BOTH },
	[TRACE_REFUSED] = { "starttls-refused", TRACE_US },
	[TRACE_LIMITED] = { "limited", TRACE_US },
	[TRACE_SCREENED] = { "screened", TRACE_US },
	[TRACE_LOST] = { "connection-lost", TRACE_BOTH },
	[TRACE_PLAIN] = { "no-starttls", TRACE_BOTH },
	[TRACE_FINE] = { "tls-fine", TRACE_NOT_HERE },
	[TRACE_UNCLEAR] = { "unclear", TRACE_UNKNOWN },
};

bool
trace_is_before_smtp(const char *result_type)
{
	const struct result *result = result_find(result_type);

	return strcmp(result->category, "sts") == 0 ||
	    strcmp(result->type, "dnssec-invalid") == 0;
}

enum trace_blame
trace_blame(enum trace_verdict verdict)
{
	return verdicts[verdict].blame;
}

const char *
trace_verdict_str(enum trace_verdict verdict)
{
	return verdicts[verdict].name;
}

const char *
trace_blame_str(enum trace_blame blame)
{
	static const char *const names[] = {
		[TRACE_US] = "us",
		[TRACE_NOT_HERE] = "elsewhere",
		[TRACE_BOTH] = "either",
		[TRACE_UNKNOWN] = "unknown",
	};

	return names[blame];
}

/*
 * Words.
 */

struct words {
	char *out;
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
say(struct words *words, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(
	    words->out + words->len, TRACE_TEXT_MAX - words->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		words->len += (size_t)n;
	if (words->len > TRACE_TEXT_MAX - 1)
		words->len = TRACE_TEXT_MAX - 1;
}

/* "1 connect", "47 connects" */
static void
say_count(struct words *words, uint64_t count, const char *what)
{
	say(words, "%" PRIu64 " %s%s", count, what, count == 1 ? "" : "s");
}

/* What to make of what OpenSSL says; the first that fits. */
static const struct {
	const char *reason; /* is in it */
	const char *advice;
} advices[] = {
	{ "unknown ca",
	    "it does not know who issued our certificate: send the whole "
	    "chain, from an authority that mail servers trust" },
	{ "certificate expired",
	    "our certificate had expired, or Postfix had not been reloaded "
	    "since it was renewed" },
	{ "bad certificate",
	    "it did not accept our certificate: its names, its issuer, its "
	    "end, or the TLSA record" },
	{ "certificate unknown",
	    "it did not accept our certificate: its names, its issuer, its "
	    "end, or the TLSA record" },
	{ "handshake failure",
	    "the two have no cipher, group or kind of key in common" },
	{ "no shared cipher",
	    "the two have no cipher in common: smtpd_tls_ciphers, "
	    "smtpd_tls_exclude_ciphers and the kind of our key" },
	{ "no suitable", "the two have no kind of key or signature in common" },
	{ "protocol version",
	    "the two have no version of TLS in common: smtpd_tls_protocols" },
	{ "unsupported protocol",
	    "the two have no version of TLS in common: smtpd_tls_protocols" },
	{ "version too low",
	    "the two have no version of TLS in common: smtpd_tls_protocols" },
	{ "wrong version number",
	    "it did not speak TLS: a machine in between, perhaps" },
	{ "http request", "it did not speak TLS" },
	{ "unexpected eof", "the connection was closed amidst the handshake" },
};

static const struct trace_reason *
main_reason(const struct trace_window *window, bool is_alert)
{
	const struct trace_reason *most = NULL;

	for (size_t i = 0; i < window->reasons; i++) {
		const struct trace_reason *reason = &window->reason[i];

		if (reason->is_alert == is_alert &&
		    (most == NULL || reason->count > most->count))
			most = reason;
	}
	return most;
}

static void
say_reason(
    struct words *words, const struct trace_window *window, bool is_alert)
{
	const struct trace_reason *reason = main_reason(window, is_alert);

	if (reason == NULL) {
		say(words,
		    "the log does not say why (smtpd_tls_loglevel = 1 "
		    "logs more)");
		return;
	}
	say(words, "\"%s\"", reason->text);
	for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
		if (strstr(reason->text, advices[i].reason) != NULL) {
			say(words, ", which means: %s", advices[i].advice);
			return;
		}
	}
}

static void
say_failed(struct words *words, const struct trace_window *window)
{
	say_count(words, window->failed, "TLS handshake");
	say(words, " failed");
	if (window->established > 0) {
		say(words, " and ");
		say_count(words, window->established, "TLS session");
		say(words, " came about");
	}
}

static void
say_handshake(struct words *words, const struct trace_window *window,
    enum trace_verdict verdict)
{
	say(words, ", ");
	say_failed(words, window);
	if (verdict == TRACE_BROKEN_OFF) {
		say(words,
		    ": the connection ended amidst each: the sender "
		    "gave up, or a network in between lost it");
		return;
	}
	say(words, ": it was us: ");
	if (verdict == TRACE_REJECTED)
		say(words,
		    "the sender refused what we showed it with the "
		    "alert ");
	say_reason(words, window, verdict == TRACE_REJECTED);
}

static void
say_refused(struct words *words, const struct trace_window *window)
{
	say(words, ", STARTTLS was asked for in ");
	say_count(words, window->refused, "session");
	say(words, " and not granted: it was us: ");
	if (window->log->disabled > 0)
		say(words,
		    "Postfix had disabled TLS, because it could not "
		    "load its certificate or key");
	else
		say(words, "TLS was off or could not be begun");
}

static void
say_fine(struct words *words, const struct trace_window *window)
{
	say(words, ", and TLS was fine: ");
	say_count(words, window->established, "session");
	say(words, " established");
	if (window->left > 0) {
		say(words,
		    ", %" PRIu64 " of them without a mail: the sender checked "
		    "something after the handshake and left, such as the names "
		    "in the certificate, or the TLSA records",
		    window->left);
	} else {
		say(words,
		    ": what failed was the sender's search for the "
		    "policy, or was at another server");
	}
}

static void
say_verdict(struct words *words, const struct trace_window *window,
    enum trace_verdict verdict)
{
	switch (verdict) {
	case TRACE_REJECTED:
	case TRACE_FAILED:
	case TRACE_BROKEN_OFF:
		say_handshake(words, window, verdict);
		break;
	case TRACE_REFUSED:
		say_refused(words, window);
		break;
	case TRACE_LIMITED:
		say(words,
		    ", and some were turned away by a limit of ours "
		    "(smtpd_client_*_limit): it was us");
		break;
	case TRACE_SCREENED:
		say(words,
		    ", none of which postscreen let through to smtpd: "
		    "see its lines");
		break;
	case TRACE_LOST:
		say(words,
		    ", and each was lost before TLS: the sender gave "
		    "up, or a network in between lost it");
		break;
	case TRACE_PLAIN:
		say(words,
		    ", and nobody asked for STARTTLS: it was not "
		    "offered (smtpd_tls_security_level), or a machine "
		    "in between took it away");
		break;
	case TRACE_FINE:
		say_fine(words, window);
		break;
	default:
		say(words, ", and the log does not say how they went on");
		break;
	}
}

static void
say_nothing(struct words *words, const struct trace_window *window,
    enum trace_verdict verdict, const char *address)
{
	if (verdict == TRACE_NO_LOG) {
		say(words,
		    "the log has no line of smtpd of that time: it says "
		    "nothing, neither for us nor against");
		return;
	}
	say(words, "no connect at all from %s, among ", address);
	say_count(words, window->log->lines, "line");
	say(words,
	    " of that time: the sender never reached this server "
	    "(another MX? a network in between?)");
}

void
trace_words(const struct trace_window *window, enum trace_verdict verdict,
    const char *address, char out[TRACE_TEXT_MAX])
{
	struct words words = { out, 0 };
	uint64_t connects;

	out[0] = '\0';
	if (verdict == TRACE_NOT_SMTP) {
		say(&words,
		    "the mail log cannot tell: a sender comes to this before "
		    "it connects to a mail server, by the DNS and the web "
		    "server of the policy: see what \"tlsrpt diagnose\" says "
		    "and their logs");
		return;
	}
	connects = window->kinds[MAILLOG_CONNECT];
	if (verdict == TRACE_NO_LOG || verdict == TRACE_NO_CONNECT) {
		say_nothing(&words, window, verdict,
		    address != NULL ? address : "anybody");
		return;
	}
	say(&words, "our log shows ");
	if (verdict == TRACE_SCREENED)
		say_count(&words, window->kinds[MAILLOG_SCREEN], "line");
	else
		say_count(&words, connects, "connect");
	say(&words, " from %s in that time",
	    address != NULL ? address : "all addresses");
	say_verdict(&words, window, verdict);
}

/* Up to its end, or a dot at the end. */
static size_t
host_len(const char *host)
{
	size_t len = strlen(host);

	return len > 0 && host[len - 1] == '.' ? len - 1 : len;
}

bool
trace_is_host(const char *log_host, const char *mx)
{
	size_t log_len = host_len(log_host), mx_len = host_len(mx);
	size_t least = log_len < mx_len ? log_len : mx_len;

	if (least == 0 || !text_ieqn(log_host, mx, least))
		return false;
	if (log_len == mx_len)
		return true;
	/* The shorter is a label, and the longer goes on behind it. */
	return memchr(log_len < mx_len ? log_host : mx, '.', least) == NULL &&
	    (log_len < mx_len ? mx : log_host)[least] == '.';
}
