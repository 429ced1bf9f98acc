/*
 * signature: the DKIM signatures of one message, verified by libopendkim
 * (RFC 6376), with what TLS reports ask beyond it (RFC 8460 section 3, RFC
 * 8301, RFC 8463).
 *
 * Fed like every reader of messages: header fields, then body. Nothing is asked
 * of DNS before signature_finish(), and then for signatures of the reporting
 * domain alone.
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "resolver.h"
#include "verdict.h"

enum {
	/* DKIM-Signature fields of a message that are looked at; the rest is
	   passed over. Each may cost a query and a signature check. */
	SIGNATURE_MAX = 8,
	/* Bytes and fields of a header that is read; a message with more is
	   REASON_SIGNATURE_SYNTAX, since it would be no better tomorrow. */
	SIGNATURE_HEADER_MAX = 262144,
	SIGNATURE_FIELDS_MAX = 1000,
	/* Bytes of a key record; 4096 bits of RSA take 740. */
	SIGNATURE_KEY_MAX = 4096
};

/*
 * Where keys come from: appends the TXT record at name to record and tells what
 * DNSSEC says of it. REASON_NONE, REASON_NO_KEY, REASON_KEY_SYNTAX (several
 * records, RFC 6376 section 3.6.2.2; too long) or REASON_DNS_*. Waits at most
 * so many milliseconds. Called from the thread that calls signature_finish().
 */
typedef enum verdict_reason signature_lookup_fn(void *ctx, const char *name,
    unsigned milliseconds, struct buf *record, enum verdict_dnssec *dnssec);

/*
 * What all messages share: libopendkim's handle, and the keys that stay
 * decoded. Thread-safe once made.
 */
struct signature_site;
struct signature_site *
signature_site_new(signature_lookup_fn *lookup, void *ctx);
void signature_site_free(struct signature_site **site);

/* The signature_lookup_fn that asks a struct resolver, its ctx. */
enum verdict_reason signature_ask_resolver(void *ctx, const char *name,
    unsigned milliseconds, struct buf *record, enum verdict_dnssec *dnssec);

struct signature;

/*
 * Make one for one message; site must outlive it. is_file: lines may end with a
 * bare LF, as in a file; a milter's lines end with CRLF. NULL: no memory.
 */
struct signature *signature_new(struct signature_site *site, bool is_file);

/*
 * A header field with its value as a milter gets it (SMFIP_HDR_LEADSPC: leading
 * white space kept, folds with LF or CRLF), then the body. Trouble is
 * remembered and told by signature_finish(); what cannot matter any more (no
 * signature at all) costs nothing.
 */
void
signature_field(struct signature *sig, const char *name, const char *value);
void signature_body(struct signature *sig, const char *data, size_t len);

/* Is d= one of the reporting domains? See align.h. */
typedef bool signature_aligned_fn(void *ctx, const char *domain);

/*
 * The message is complete: the verdict on it. Of several signatures, an aligned
 * one that passes counts, else what verdict_is_better() puts first. All its
 * lookups together take at most so many milliseconds. Call it once.
 */
void signature_finish(struct signature *sig, signature_aligned_fn *is_aligned,
    void *ctx, unsigned milliseconds, struct verdict *verdict);

/*
 * Does the message have a DKIM-Signature with this d= and, where it is not "",
 * this s=, whose b= begins with b (without white space; "" for any), which is
 * aligned, and which may pass as far as can be told without its key? And does
 * it have one From field? For a verdict that somebody else has reached. After
 * the last field and before signature_finish().
 */
bool signature_is_there(struct signature *sig, const char *domain,
    const char *selector, const char *b, signature_aligned_fn *is_aligned,
    void *ctx);

void signature_free(struct signature **sig);

#endif
