/*
 * address: IP addresses and ports, as they are written.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Are these len bytes an IPv4 or IPv6 address, and nothing else? */
bool address_is_ip(const char *text, size_t len);

/*
 * An address as it is compared: in network order, IPv4 as the mapped IPv6
 * address (RFC 4291, section 2.5.5.2), so that every spelling is equal.
 */
struct address_ip {
	unsigned char bytes[16];
};

/*
 * Read an IPv4 or IPv6 address. A zone behind it ("fe80::1%eth0") is left out.
 * False when it is none; *ip is untouched then.
 */
bool address_read_ip(const char *text, size_t len, struct address_ip *ip);

/* Are these len bytes a port, 1 to 65535, in up to five decimal digits? */
bool address_is_port(const char *text, size_t len);

/* A network, or one address, of IPv4 or IPv6. */
struct network {
	int family; /* AF_INET, AF_INET6 */
	unsigned char bytes[16];
	unsigned bits;
};

/*
 * Read ADDRESS or ADDRESS/BITS. An IPv4 address within IPv6 (::ffff:192.0.2.1)
 * is the IPv4 address. False when it is none; then *network is untouched.
 */
bool address_read_network(const char *text, struct network *network);

/* Is the address (all its bits) in the network? */
bool
address_is_in(const struct network *address, const struct network *network);

#endif
