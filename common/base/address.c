#include "address.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	PORT_DIGITS_MAX = 5,
	PORT_MAX = 65535
};

bool
address_is_ip(const char *text, size_t len)
{
	unsigned char binary[sizeof(struct in6_addr)];
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET, copy, binary) == 1 ||
	    inet_pton(AF_INET6, copy, binary) == 1;
}

bool
address_is_port(const char *text, size_t len)
{
	long port = 0;

	if (len > PORT_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (text[i] - '0');
	}
	return port >= 1 && port <= PORT_MAX;
}
