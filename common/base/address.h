/*
 * address: IP addresses and ports, as they are written.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Are these len bytes an IPv4 or IPv6 address, and nothing else? */
bool address_is_ip(const char *text, size_t len);

/* Are these len bytes a port, 1 to 65535, in up to five decimal digits? */
bool address_is_port(const char *text, size_t len);

#endif
