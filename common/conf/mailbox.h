/*
 * mailbox: which envelope recipients and which reported names are ours.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"

/*
 * Is this envelope recipient one of the configuration's Mailbox entries? Takes
 * an address as SMTP has it: angle brackets, quoted local part, source route,
 * final dot and all (RFC 5321, section 4.1.2). ASCII case is ignored, and
 * RecipientDelimiter extensions match. Domains with U-labels and with A-labels
 * are the same (RFC 5890).
 */
bool mailbox_is_ours(const struct conf *conf, const char *recipient);

/*
 * The length of the source route that an address of len bytes, without angle
 * brackets, begins with ("@relay,@relay:user@domain"; RFC 5321, appendix C).
 */
size_t mailbox_route_length(const char *address, size_t len);

/*
 * Is the policy domain (for DANE, it may be an MX host) in the Domain list, or
 * is there no list? Case, a final dot, and whether it is in U-labels or
 * A-labels do not matter.
 */
bool mailbox_is_our_domain(const struct conf *conf, const char *name);

#endif
