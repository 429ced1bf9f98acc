/*
 * dnscontext: libunbound, set up as the resolver wants it.
 *
 * Small caches, bounded retries, no output, no zones of its own but localhost,
 * and validation (RFC 4035) when there is a trust anchor.
 */
#ifndef DNSCONTEXT_H
#define DNSCONTEXT_H

#include "resolver.h"
#include "status.h"

struct ub_ctx;

/*
 * A context for ub_ctx_delete(), for questions from a thread of libunbound's
 * own. NULL, and a fault that says why: a server that is no address, a trust
 * anchor that cannot be read or holds no key, no memory. What is wrong within a
 * trust anchor shows at the first question.
 */
struct ub_ctx *
dnscontext_new(const struct resolver_settings *settings, struct fault *fault);

#endif
