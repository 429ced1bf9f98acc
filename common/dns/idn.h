/*
 * idn: domain names as the DNS has them.
 */
#ifndef IDN_H
#define IDN_H

#include <stdbool.h>
#include <stddef.h>

enum {
	IDN_NAME_MAX = 256 /* bytes of a name in text, NUL included */
};

/*
 * The A-labels of a domain name (RFC 5890, section 2.3.2.1), in lower case and
 * without a dot at the end: "Bücher.example." gives "xn--bcher-kva.example".
 * UTF-8, by libidn2 (UTS 46, non-transitional). False when it is none: empty, a
 * label that is empty or over 63 bytes, over 253 in all, anything but letters,
 * digits, "-" and "_" in it, a last label that is a number, as addresses have.
 * Names of ASCII are not looked into any further: "xn--" may be followed by
 * anything. out is touched only when it is a name.
 */
bool idn_to_ascii(const char *name, char out[IDN_NAME_MAX]);

/*
 * Are these the same domain, of so many bytes? Case, a dot at the end, and
 * whether either is in U-labels or in A-labels do not matter. What is no domain
 * name is the same as what has the same bytes, but for the case of ASCII.
 */
bool idn_is_same(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
