/*
 * tlsa: TLSA records (RFC 6698), as far as SMTP makes use of them (RFC 7672).
 */
#ifndef TLSA_H
#define TLSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct tlsa {
	uint8_t usage;
	uint8_t selector;
	uint8_t matching;
	const unsigned char *data; /* certificate association data */
	size_t len;
};

/* Read the bytes of a record, which must outlive it. False: it is too short. */
bool tlsa_read(struct tlsa *tlsa, const unsigned char *record, size_t len);

/*
 * May a sending server use it? Usages DANE-TA(2) and DANE-EE(3) only (RFC 7672,
 * section 3.1.3), selectors 0 and 1, matching types 1 and 2 with data as long
 * as the digest is, and 0 with a certificate or a public key in DER. NULL when
 * it may, else the reason in words, of "the record" ("it has no data").
 */
const char *tlsa_why_unusable(const struct tlsa *tlsa);

/* "3 1 1 4f0a…": as in a zone file, the data whole, cut at out's size. */
void tlsa_text(const struct tlsa *tlsa, char *out, size_t size);

#endif
