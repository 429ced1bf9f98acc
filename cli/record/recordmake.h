/*
 * recordmake: writes a TLSRPT record (RFC 8460, section 3), for "tlsrpt record
 * make".
 */
#ifndef RECORDMAKE_H
#define RECORDMAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "status.h"

enum {
	RECORDMAKE_URIS_MAX = 16,
	RECORDMAKE_STRING_MAX = 255 /* bytes (RFC 1035, section 3.3) */
};

/*
 * Append a URI as it may stand in rua=: what RFC 8460 or RFC 3986 has encoded
 * is percent-encoded, "mailto:" is put before an address, and a domain becomes
 * A-labels. What is encoded already stays. False when that cannot be: *why says
 * it (static storage).
 */
bool recordmake_uri(struct buf *out, const char *uri, const char **why);

/*
 * Append the line of a zone file (RFC 1035, section 5.1): the owner name, IN
 * TXT, and the text as quoted strings.
 */
enum status recordmake_line(
    struct buf *out, const char *domain, const char *text, size_t len);

#endif
