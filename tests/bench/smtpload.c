/*
 * smtpload: report mails by SMTP.
 *
 *	smtpload SESSIONS MESSAGES SEED PORT BYTES
 *
 * Sends so many different report mails to 127.0.0.1:PORT over so many sessions
 * at once, one mail a session, as reporters do. Prints when it began to send,
 * its mails made, in seconds of CLOCK_MONOTONIC.
 *
 * Links zlib.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sample.h"

enum {
	IN_MAX = 2048,
	EVENTS_MAX = 64
};

/* What is sent after each reply, and the class of reply that must come. */
static const struct step {
	char reply;
	const char *command;
} steps[] = {
	{ '2', "EHLO reporter.example\r\n" },
	{ '2', "MAIL FROM:<noreply@reporter.example>\r\n" },
	{ '2', "RCPT TO:<tls-reports@example.com>\r\n" }, { '2', "DATA\r\n" },
	{ '3', NULL },                      /* the message */
	{ '2', "QUIT\r\n" }, { '2', NULL }, /* the session is over */
};

enum {
	STEP_MESSAGE = 4,
	STEP_END = 6
};

struct session {
	int fd;
	size_t step;
	const struct sample *mail;
	size_t nin;
	char in[IN_MAX];
};

static struct sample *mails;
static size_t next_mail, mails_count;
static struct sockaddr_in server = { .sin_family = AF_INET };

static void
send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n == -1)
			err(EXIT_FAILURE, "write");
		data += n;
		len -= (size_t)n;
	}
}

/* Begin a session for the next mail; false when there is none left. */
static bool
dial(struct session *s, int ep)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };
	int one = 1;

	if (next_mail == mails_count)
		return false;
	*s = (struct session){ .mail = &mails[next_mail++] };
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (s->fd == -1 ||
	    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ==
		-1 ||
	    connect(s->fd, (struct sockaddr *)&server, sizeof(server)) == -1)
		err(EXIT_FAILURE, "connect");
	if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ev) == -1)
		err(EXIT_FAILURE, "epoll");
	return true;
}

/* A whole reply has come: is it the last of the session? */
static bool
take_reply(struct session *s)
{
	const struct step *step = &steps[s->step];

	if (s->in[0] != step->reply)
		errx(EXIT_FAILURE, "the server said %.*s", (int)s->nin, s->in);
	if (s->step == STEP_END)
		return true;
	if (s->step == STEP_MESSAGE) {
		/* No line of a sample begins with a dot. */
		send_all(s->fd, s->mail->data, s->mail->len);
		send_all(s->fd, ".\r\n", 3);
	} else {
		send_all(s->fd, step->command, strlen(step->command));
	}
	s->step++;
	s->nin = 0;
	return false;
}

/* Is the last line there, the one with a space behind its code? */
static bool
is_complete(const struct session *s)
{
	size_t line = s->nin - 1;

	if (s->in[s->nin - 1] != '\n')
		return false;
	while (line > 0 && s->in[line - 1] != '\n')
		line--;
	return s->nin - line > 3 && s->in[line + 3] == ' ';
}

static bool
take_input(struct session *s)
{
	ssize_t n = read(s->fd, s->in + s->nin, sizeof(s->in) - s->nin);

	if (n <= 0)
		errx(EXIT_FAILURE, "the server hung up");
	s->nin += (size_t)n;
	return is_complete(s) && take_reply(s);
}

static void
run(struct session *sessions, size_t count)
{
	struct epoll_event events[EVENTS_MAX];
	size_t open = 0;
	int ep = epoll_create1(0);

	for (size_t i = 0; i < count; i++)
		open += dial(&sessions[i], ep);
	while (open > 0) {
		int n = epoll_wait(ep, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			struct session *s = events[i].data.ptr;

			if (!take_input(s))
				continue;
			close(s->fd);
			open -= !dial(s, ep);
		}
	}
	close(ep);
}

int
main(int argc, char **argv)
{
	struct session *sessions;
	size_t count;
	double start;

	if (argc != 6)
		errx(64, "usage: smtpload SESSIONS MESSAGES SEED PORT BYTES");
	count = strtoul(argv[1], NULL, 10);
	mails_count = strtoul(argv[2], NULL, 10);
	mails = sample_mails((uint32_t)strtoul(argv[3], NULL, 10), mails_count,
	    strtoul(argv[5], NULL, 10));
	server.sin_port = htons((uint16_t)strtoul(argv[4], NULL, 10));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sessions = calloc(count, sizeof(*sessions));
	if (sessions == NULL)
		err(EXIT_FAILURE, "calloc");
	start = sample_seconds();
	run(sessions, count);
	printf("%.6f\n", start);
	free(sessions);
	for (size_t i = 0; i < mails_count; i++)
		free(mails[i].data);
	free(mails);
	return EXIT_SUCCESS;
}
