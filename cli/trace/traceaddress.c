#define _DEFAULT_SOURCE /* getifaddrs() */

#include "traceaddress.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* In the form in which addresses are compared. */
static bool
read_interface(const struct sockaddr *sa, struct address_ip *ip)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		(void)inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof in6);
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
	}
	return address_read_ip(text, strlen(text), ip);
}

bool
traceaddress_is_ours(const struct address_ip *address)
{
	struct ifaddrs *list;
	struct address_ip ip;
	bool is_ours = false;

	if (getifaddrs(&list) == -1)
		return true;
	for (const struct ifaddrs *i = list; i != NULL && !is_ours;
	     i = i->ifa_next)
		is_ours = read_interface(i->ifa_addr, &ip) &&
		    memcmp(&ip, address, sizeof ip) == 0;
	freeifaddrs(list);
	return is_ours;
}
