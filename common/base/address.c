#include "address.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

enum {
	MAPPED_BITS = 96, /* ::ffff:0:0/96 (RFC 4291, section 2.5.5.2) */
	BITS_DIGITS_MAX = 3,
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

/* Up to three digits; the greatest number where there is no such number. */
static unsigned
read_bits(const char *text)
{
	size_t len = strspn(text, "0123456789");
	unsigned bits = 0;

	if (len == 0 || len > BITS_DIGITS_MAX || text[len] != '\0')
		return UINT_MAX;
	for (; *text != '\0'; text++)
		bits = bits * 10 + (unsigned)(*text - '0');
	return bits;
}

/* IPv4 in IPv6's clothes is IPv4. */
static void
unmap(struct network *network)
{
	static const unsigned char prefix[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff };

	if (network->family != AF_INET6 || network->bits < MAPPED_BITS ||
	    memcmp(network->bytes, prefix, sizeof prefix) != 0)
		return;
	network->family = AF_INET;
	network->bits -= MAPPED_BITS;
	memmove(network->bytes, network->bytes + sizeof prefix, 4);
}

bool
address_read_network(const char *text, struct network *network)
{
	struct network found = { .family = AF_INET };
	size_t len = strcspn(text, "/");
	char copy[INET6_ADDRSTRLEN];
	unsigned max = 32;

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, found.bytes) != 1) {
		found.family = AF_INET6;
		max = 128;
		if (inet_pton(AF_INET6, copy, found.bytes) != 1)
			return false;
	}
	found.bits = text[len] == '/' ? read_bits(text + len + 1) : max;
	if (found.bits > max)
		return false;
	unmap(&found);
	*network = found;
	return true;
}

bool
address_is_in(const struct network *address, const struct network *network)
{
	size_t whole = network->bits / 8;
	unsigned rest = network->bits % 8;

	if (address->family != network->family ||
	    memcmp(address->bytes, network->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	    (address->bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}
