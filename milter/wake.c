#include "wake.h"

#include <netdb.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "process.h"
#include "text.h"

enum {
	PORT_MAX = 6 /* five digits and NUL */
};

static void
set_path(struct wake *wake, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (!text_copy(addr.sun_path, sizeof addr.sun_path, path))
		return;
	memcpy(&wake->address, &addr, sizeof addr);
	wake->len = sizeof addr;
}

/* "inet:PORT@HOST" or "inet6:PORT@HOST". */
static void
set_host(struct wake *wake, const char *socket)
{
	const struct addrinfo hints = {
		.ai_family =
		    text_iprefix(socket, "inet6:") ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	const char *port = strchr(socket, ':'), *host = strchr(socket, '@');
	struct addrinfo *found;
	char digits[PORT_MAX];
	size_t len;

	if (port == NULL || host == NULL || host <= port)
		return;
	len = (size_t)(host - ++port);
	if (len >= sizeof digits)
		return;
	memcpy(digits, port, len);
	digits[len] = '\0';
	if (getaddrinfo(host + 1, digits, &hints, &found) != 0)
		return;
	memcpy(&wake->address, found->ai_addr, found->ai_addrlen);
	wake->len = found->ai_addrlen;
	freeaddrinfo(found);
}

void
wake_init(struct wake *wake, const char *socket)
{
	const char *path = process_socket_path(socket);

	*wake = (struct wake){ .len = 0 };
	if (path != NULL)
		set_path(wake, path);
	else
		set_host(wake, socket);
}

void
wake_pool(const struct wake *wake)
{
	int fd;

	if (wake->len == 0)
		return;
	fd = socket(wake->address.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	(void)connect(fd, (const struct sockaddr *)&wake->address, wake->len);
	(void)close(fd);
}
