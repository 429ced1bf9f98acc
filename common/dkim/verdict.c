#include "verdict.h"

#include <stddef.h>
#include <string.h>

#include <stddef.h>

static const char *const reasons[REASON_MAX] = {
	[REASON_NONE] = "",
	[REASON_AUTHENTICATION_RESULTS] = "authentication-results",
	[REASON_NO_SIGNATURE] = "no-signature",
	[REASON_SIGNATURE_SYNTAX] = "signature-syntax",
	[REASON_SEVERAL_FROM] = "several-from",
	[REASON_NOT_ALIGNED] = "not-aligned",
	[REASON_LENGTH_LIMIT] = "length-limit",
	[REASON_WEAK_ALGORITHM] = "weak-algorithm",
	[REASON_KEY_TOO_SMALL] = "key-too-small",
	[REASON_KEY_TESTING] = "key-testing",
	[REASON_FROM_NOT_SIGNED] = "from-not-signed",
	[REASON_NO_KEY] = "no-key",
	[REASON_KEY_REVOKED] = "key-revoked",
	[REASON_KEY_SYNTAX] = "key-syntax",
	[REASON_KEY_MISMATCH] = "key-mismatch",
	[REASON_EXPIRED] = "signature-expired",
	[REASON_FUTURE] = "signature-in-future",
	[REASON_BODY_HASH] = "body-hash",
	[REASON_SIGNATURE] = "signature",
	[REASON_DNS_TIMEOUT] = "dns-timeout",
	[REASON_DNS_FAILURE] = "dns-failure",
	[REASON_DNS_BOGUS] = "dns-bogus",
	[REASON_NO_RESOURCES] = "no-resources",
};

/* From the worst to the best to tell. */
static const struct {
	const char *word;
	int rank;
} results[] = {
	[VERDICT_OFF] = { "", 0 },
	[VERDICT_NONE] = { "none", 1 },
	[VERDICT_NEUTRAL] = { "neutral", 2 },
	[VERDICT_POLICY] = { "policy", 3 },
	[VERDICT_PERMERROR] = { "permerror", 4 },
	[VERDICT_FAIL] = { "fail", 5 },
	[VERDICT_TEMPERROR] = { "temperror", 6 },
	[VERDICT_PASS] = { "pass", 7 },
};

const char *
verdict_result_str(enum verdict_result result)
{
	return results[result].word;
}

const char *
verdict_reason_str(enum verdict_reason reason)
{
	return reason < REASON_MAX ? reasons[reason] : "";
}

const char *
verdict_dnssec_str(enum verdict_dnssec dnssec)
{
	switch (dnssec) {
	case DNSSEC_SECURE:
		return "secure";
	case DNSSEC_INSECURE:
		return "insecure";
	case DNSSEC_UNKNOWN:
		break;
	}
	return "";
}

enum verdict_result
verdict_of_reason(enum verdict_reason reason)
{
	switch (reason) {
	case REASON_NONE:
	case REASON_AUTHENTICATION_RESULTS:
		return VERDICT_PASS;
	case REASON_NO_SIGNATURE:
		return VERDICT_NONE;
	case REASON_SIGNATURE_SYNTAX:
		return VERDICT_NEUTRAL;
	case REASON_SEVERAL_FROM:
	case REASON_NOT_ALIGNED:
	case REASON_LENGTH_LIMIT:
	case REASON_WEAK_ALGORITHM:
	case REASON_KEY_TOO_SMALL:
	case REASON_KEY_TESTING:
		return VERDICT_POLICY;
	case REASON_FROM_NOT_SIGNED:
	case REASON_NO_KEY:
	case REASON_KEY_REVOKED:
	case REASON_KEY_SYNTAX:
	case REASON_KEY_MISMATCH:
		return VERDICT_PERMERROR;
	case REASON_EXPIRED:
	case REASON_FUTURE:
	case REASON_BODY_HASH:
	case REASON_SIGNATURE:
		return VERDICT_FAIL;
	case REASON_DNS_TIMEOUT:
	case REASON_DNS_FAILURE:
	case REASON_DNS_BOGUS:
	case REASON_NO_RESOURCES:
	case REASON_MAX:
		break;
	}
	return VERDICT_TEMPERROR;
}

void
verdict_read_result(struct verdict *verdict, const char *word)
{
	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
		if (strcmp(results[i].word, word) == 0)
			verdict->result = (enum verdict_result)i;
	}
}

void
verdict_read_reason(struct verdict *verdict, const char *word)
{
	for (size_t i = 0; i < REASON_MAX; i++) {
		if (strcmp(reasons[i], word) == 0)
			verdict->reason = (enum verdict_reason)i;
	}
}

void
verdict_read_dnssec(struct verdict *verdict, const char *word)
{
	if (strcmp(word, "secure") == 0)
		verdict->dnssec = DNSSEC_SECURE;
	else if (strcmp(word, "insecure") == 0)
		verdict->dnssec = DNSSEC_INSECURE;
}

bool
verdict_is_better(const struct verdict *a, const struct verdict *b)
{
	return results[a->result].rank > results[b->result].rank;
}
