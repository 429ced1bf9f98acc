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
address_read_ip(const char *text, size_t len, struct address_ip *ip)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	const char *zone = len > 0 ? memchr(text, '%', len) : NULL;
	unsigned char binary[sizeof ip->bytes];
	char copy[INET6_ADDRSTRLEN];

	if (zone != NULL)
		len = (size_t)(zone - text);
	if (len == 0 || len >= sizeof copy || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, binary + sizeof mapped) == 1)
		memcpy(binary, mapped, sizeof mapped);
	else if (inet_pton(AF_INET6, copy, binary) != 1)
		return false;
	memcpy(ip->bytes, binary, sizeof binary);
	return true;
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
