#include "listener.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 30000 /* for what is expected to come */
};

int
listener_open(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int n, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ne(fd, -1);
	n = snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
	ck_assert(n > 0 && (size_t)n < sizeof addr.sun_path);
	(void)unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	return fd;
}

bool
listener_read(int fd, char *out, size_t size, int milliseconds)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, milliseconds) != 1)
		return false;
	n = recv(fd, out, size - 1, 0);
	ck_assert_int_ge((int)n, 0);
	out[n] = '\0';
	return true;
}

void
listener_expect(int fd, const char *string)
{
	char out[32768];

	ck_assert_msg(listener_read(fd, out, sizeof out, PATIENCE_MS),
	    "no \"%s\"", string);
	ck_assert_msg(
	    strstr(out, string) != NULL, "\"%s\", not \"%s\"", out, string);
}

size_t
listener_drain(int fd, int milliseconds)
{
	char out[32768];
	size_t n = 0;

	while (listener_read(fd, out, sizeof out, milliseconds))
		n++;
	return n;
}
