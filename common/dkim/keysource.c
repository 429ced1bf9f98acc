/*
 * keysource: keys from DNS, for signature.h.
 */
#include "resolver.h"
#include "signature.h"

/* What the answer is when there is no record to read. */
static enum verdict_reason
reason_of(enum resolver_status status)
{
	switch (status) {
	case RESOLVER_FOUND:
		return REASON_NONE;
	case RESOLVER_NOT_FOUND:
		return REASON_NO_KEY;
	case RESOLVER_TIMEOUT:
		return REASON_DNS_TIMEOUT;
	case RESOLVER_BOGUS:
		return REASON_DNS_BOGUS;
	case RESOLVER_FAILED:
		break;
	}
	return REASON_DNS_FAILURE;
}

enum verdict_reason
signature_ask_resolver(void *ctx, const char *name, unsigned milliseconds,
    struct buf *record, enum verdict_dnssec *dnssec)
{
	enum verdict_reason reason;
	struct answer answer;
	enum status st;

	resolver_ask(ctx, name, RESOLVER_TXT, milliseconds, &answer);
	reason = reason_of(answer.status);
	if (answer.status == RESOLVER_FOUND) {
		*dnssec = answer.is_secure ? DNSSEC_SECURE : DNSSEC_INSECURE;
		st = ST_TOO_LARGE;
		/* Of several nobody knows which (RFC 6376, section 3.6.2.2). */
		if (answer.count == 1)
			st = answer_txt(&answer, 0, record);
		if (st == ST_NO_MEMORY)
			reason = REASON_NO_RESOURCES;
		else if (st != ST_OK)
			reason = REASON_KEY_SYNTAX;
	}
	answer_clear(&answer);
	return reason;
}
