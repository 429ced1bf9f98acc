/*
 * lookup: what a sending server asks of the DNS: MX, addresses, TLSA, TXT.
 *
 * Each asks the resolver and waits at most so many milliseconds. What comes
 * back is bounded; records over a bound and those that cannot be read are
 * counted in dropped. Names in answers are text: a name with a byte that is no
 * letter, digit, "-" or "_" counts as unreadable. What the DNS has in no order
 * is sorted, so that it comes out the same each time. Domain names that are
 * given are in A-labels.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "idn.h"
#include "resolver.h"
#include "tlsa.h"

enum {
	LOOKUP_MX_MAX = 32,
	LOOKUP_ADDRESSES_MAX = 16, /* of each family */
	LOOKUP_TLSA_MAX = 64,
	LOOKUP_TXT_MAX = 16,
	LOOKUP_TXT_LENGTH =
	    4096 /* bytes of one record; what is longer is dropped */
};

/* What is common to all answers. */
struct found {
	enum resolver_status status;
	bool is_secure; /* DNSSEC proves the answer, or that there is none */
	size_t dropped;
	char alias[IDN_NAME_MAX]; /* where a CNAME led in the end, or "" */
};

struct found_mx {
	struct found found;
	bool is_null; /* "MX 0 .", alone: no mail is taken (RFC 7505); together
			 with others, or with another preference, it is
			 unreadable */
	size_t count; /* the best, by preference, then by name */
	struct {
		unsigned preference;
		char host[IDN_NAME_MAX]; /* lower case, no dot at the end */
	} mx[LOOKUP_MX_MAX];
};

struct found_addresses {
	struct found found;
	size_t count;
	struct found_address {
		struct sockaddr_storage sa; /* port 0 */
		socklen_t len;
		char text[46];
	} address[LOOKUP_ADDRESSES_MAX];
};

struct found_tlsa {
	struct found found;
	size_t count;
	struct tlsa tlsa[LOOKUP_TLSA_MAX]; /* those that are usable first; their
					      data lives as long as answer */
	struct answer answer;              /* private */
};

struct found_txt {
	struct found found;
	size_t count;
	char *text[LOOKUP_TXT_MAX]; /* strings joined, a NUL behind; may hold
				       others */
	size_t len[LOOKUP_TXT_MAX];
	size_t strings[LOOKUP_TXT_MAX]; /* how many it was made of */
};

void lookup_mx(struct resolver *resolver, const char *domain,
    unsigned milliseconds, struct found_mx *found);

/* family is AF_INET or AF_INET6. */
void lookup_addresses(struct resolver *resolver, const char *host, int family,
    unsigned milliseconds, struct found_addresses *found);

/* Of _PORT._tcp.HOST (RFC 7672, section 2.2). To be given to clear. */
void lookup_tlsa(struct resolver *resolver, const char *host, unsigned port,
    unsigned milliseconds, struct found_tlsa *found);
void found_tlsa_clear(struct found_tlsa *found);

/* To be given to clear. */
void lookup_txt(struct resolver *resolver, const char *name,
    unsigned milliseconds, struct found_txt *found);
void found_txt_clear(struct found_txt *found);

/* "NXDOMAIN or no such record", "timed out", ...: a status in words. Static
   storage. */
const char *found_str(const struct found *found);

#endif
