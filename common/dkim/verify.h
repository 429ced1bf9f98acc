/*
 * verify: is a message from whom it says it is (RFC 8460, section 3)?
 *
 * Brings together what signature, authres and align know, by the keywords DKIM,
 * AuthservID, Resolver, DNSTimeout and TrustAnchorFile.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "status.h"
#include "verdict.h"

/* What all messages of a process share: the resolver and libopendkim. */
struct verify_site;

/* Make one that verifies nothing yet. NULL when there is no memory. */
struct verify_site *verify_site_new(void);

/*
 * Take over a configuration: make what it needs, unless it is there already,
 * and use it for messages that begin from now on. On an error, of which the
 * fault tells, all stays as it was. Starts a thread, so not before a fork.
 */
enum status verify_site_configure(
    struct verify_site *site, const struct conf *conf, struct fault *fault);

/* No message may be open any more. */
void verify_site_free(struct verify_site **site);

struct verify;

/*
 * Make one for one message. conf and site must outlive it. queue_id is the one
 * that milters before us may have written, or NULL. is_file: lines may end with
 * a bare LF. NULL when there is no memory, or when the site has not
 * been given a configuration that verifies.
 */
struct verify *verify_new(struct verify_site *site, const struct conf *conf,
    const char *queue_id, bool is_file);

/* Feed it like signature_field() and signature_body(). */
void verify_field(struct verify *v, const char *name, const char *value);
void verify_body(struct verify *v, const char *data, size_t len);

/*
 * The message is complete: the verdict. The reporting domain is that of From,
 * or the submitter; either may be "". Asks DNS, for at most DNSTimeout. Call it
 * once.
 */
void verify_finish(struct verify *v, const char *from_domain,
    const char *submitter, struct verdict *verdict);

void verify_free(struct verify **v);

#endif
