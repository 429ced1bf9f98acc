/*
 * reporturi: a URI of rua= in a TLSRPT record (RFC 8460, section 3): mailto: or
 * https:, as RFC 3986 has it, with ",", "!" and ";" percent-encoded.
 */
#ifndef REPORTURI_H
#define REPORTURI_H

#include "fieldlist.h"
#include "reportingpolicy.h"

enum reporturi_kind {
	REPORTURI_NONE, /* it is none; errors have been said */
	REPORTURI_MAILTO,
	REPORTURI_HTTPS
};

/*
 * Check the URI that begins at start of the list's text and ends before end,
 * neither of them white space. Errors and remarks go to the list. domain, whose
 * record it is, or NULL, tells a mailbox in that very domain.
 */
enum reporturi_kind reporturi_check(
    struct fieldlist *list, size_t start, size_t end, const char *domain);

/*
 * Where the domain of a mailto: URI, or the host of an https: one, is within
 * it; false when it has none. Good for URIs that have been checked.
 */
bool reporturi_host(const char *uri, size_t len, size_t *at, size_t *host_len);

#endif
