/*
 * align: do two domains belong together? By the organizational domain of RFC
 * 7489, section 3.2, with the public suffix list of libpsl.
 */
#ifndef ALIGN_H
#define ALIGN_H

#include <stdbool.h>
#include <stddef.h>

enum {
	ALIGN_DOMAIN_MAX = 254 /* a domain name and its NUL */
};

/*
 * Do a and b share their organizational domain? Without regard to case and a
 * final dot. A public suffix ("co.uk") belongs to nothing but itself, an empty
 * name, NULL, an IP address or a name with bytes that no domain has to nothing
 * at all; so does a name in UTF-8, where only its A-labels ("xn--...") will do.
 * Private suffixes ("github.io") are suffixes too: whoever has a name below one
 * does not speak for the others. Without a list in libpsl only equal names
 * belong together. Thread-safe.
 */
bool align_domains(const char *a, const char *b);

/*
 * The organizational domain of a domain, in small letters. False when it has
 * none: it is a public suffix, or no domain, or there is no list. Thread-safe.
 */
bool align_organization(const char *domain, char out[ALIGN_DOMAIN_MAX]);

#endif
