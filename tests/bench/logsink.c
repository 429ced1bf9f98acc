/*
 * logsink: takes what is logged to a datagram socket, and drops it, as the
 * cheapest of all syslog daemons.
 *
 *	logsink SOCKET
 *
 * Ends on SIGTERM with the number of lines on standard output.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static volatile sig_atomic_t is_over;

static void
on_term(int number)
{
	(void)number;
	is_over = 1;
}

int
main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sigaction sa = { .sa_handler = on_term };
	unsigned long lines = 0;
	char line[8192];
	int fd;

	if (argc != 2 || strlen(argv[1]) >= sizeof(sun.sun_path))
		errx(64, "usage: logsink SOCKET");
	strcpy(sun.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(argv[1], 0666) == -1)
		err(EXIT_FAILURE, "%s", argv[1]);
	sigaction(SIGTERM, &sa, NULL);
	while (!is_over) {
		if (recv(fd, line, sizeof(line), 0) >= 0)
			lines++;
		else if (errno != EINTR)
			err(EXIT_FAILURE, "recv");
	}
	printf("%lu\n", lines);
	return EXIT_SUCCESS;
}
