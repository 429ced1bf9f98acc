/*
 * miltload: report mails through the bare milter protocol, version 6.
 *
 *	miltload CONNECTIONS MESSAGES SEED SOCKET
 *
 * Plays the MTA on so many connections at once, each with one session of many
 * messages, all different. Prints messages a second, and how many ended how.
 *
 * Links zlib.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sample.h"

enum {
	REPORT_BYTES = 10240,
	OUT_MAX = 65536, /* a whole message fits */
	IN_MAX = 4096,
	EVENTS_MAX = 64
};

/* The protocol's flags, as libmilter's mfdef.h has them. */
enum {
	OFFERED_ACTIONS = 0x1ff,
	OFFERED_STEPS = 0x1fffff,
	HDR_LEADSPC = 0x100000
};

/* The steps of a session: command, and the flags that leave out the command
 * or its reply. */
static const struct step {
	char command;
	uint32_t no_command;
	uint32_t no_reply;
} steps[] = {
	{ 'C', 0x1, 0x1000 },
	{ 'H', 0x2, 0x2000 },
	{ 'M', 0x4, 0x4000 }, /* the first of each message */
	{ 'R', 0x8, 0x8000 },
	{ 'T', 0x200, 0x10000 },
	{ 'L', 0x20, 0x80 }, /* for each header field */
	{ 'N', 0x40, 0x40000 },
	{ 'B', 0x10, 0x80000 },
	{ 'E', 0, 0 },
};

enum {
	STEPS = sizeof(steps) / sizeof(steps[0]),
	STEP_MAIL = 2,
	STEP_HEADER = 5
};

struct connection {
	int fd;
	uint32_t flags; /* negotiated */
	size_t step;
	const struct sample *mail;
	const char *at; /* the next header field, or the body */
	bool is_open;   /* negotiated */
	size_t nin;
	unsigned char in[IN_MAX];
};

static struct sample *mails;
static size_t next_mail, mails_count;
static unsigned ended[256]; /* by the reply that ended a message */
static size_t ended_early;

static unsigned char out[OUT_MAX];
static size_t nout;

static void
put(const void *data, size_t len)
{
	if (len > sizeof(out) - nout)
		errx(EXIT_FAILURE, "a message of more than %d bytes", OUT_MAX);
	memcpy(out + nout, data, len);
	nout += len;
}

static void
put_packet(char command, const void *data, size_t len)
{
	uint32_t size = htonl((uint32_t)len + 1);

	put(&size, sizeof(size));
	put(&command, 1);
	put(data, len);
}

static void
flush(int fd)
{
	for (size_t at = 0; at < nout;) {
		ssize_t n = write(fd, out + at, nout - at);

		if (n == -1)
			err(EXIT_FAILURE, "write");
		at += (size_t)n;
	}
	nout = 0;
}

/* Copy without CR; a milter sees folds with LF alone. */
static size_t
copy_line(char *to, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (from[i] != '\r')
			to[n++] = from[i];
	}
	return n;
}

/* Send the field at c->at and move behind it; false at the end of the header.
 */
static bool
put_header(struct connection *c)
{
	const char *colon = strchr(c->at, ':'), *value = colon + 1;
	const char *end = strstr(c->at, "\r\n");
	char field[2048];
	size_t n;

	if (end == c->at) {
		c->at += 2;
		return false;
	}
	while (end[2] == ' ' || end[2] == '\t')
		end = strstr(end + 2, "\r\n");
	if (!(c->flags & HDR_LEADSPC))
		value += *value == ' ';
	n = (size_t)(colon - c->at);
	memcpy(field, c->at, n);
	field[n++] = '\0';
	n += copy_line(field + n, value, (size_t)(end - value));
	field[n++] = '\0';
	put_packet('L', field, n);
	c->at = end + 2;
	return true;
}

/* Send the command of a step, its macros before it. */
static void
put_command(struct connection *c, char command)
{
	static const char connect_data[] = "reporter.example\0"
					   "4\x30\x39"
					   "192.0.2.1";
	static const char helo[] = "reporter.example";
	static const char from[] = "<noreply@reporter.example>";
	static const char rcpt[] = "<tls-reports@example.com>";
	char queue_id[32];
	int n;

	switch (command) {
	case 'C':
		put_packet('C', connect_data, sizeof(connect_data));
		break;
	case 'H':
		put_packet('H', helo, sizeof(helo));
		break;
	case 'M':
		put_packet('M', from, sizeof(from));
		break;
	case 'R':
		put_packet('R', rcpt, sizeof(rcpt));
		break;
	case 'B':
		put_packet(
		    'B', c->at, c->mail->len - (size_t)(c->at - c->mail->data));
		break;
	case 'T':
	case 'E':
		n = snprintf(queue_id, sizeof(queue_id), "%ci%c4X%08zX%c",
		    command, '\0', (size_t)(c->mail - mails), '\0');
		put_packet('D', queue_id, (size_t)n);
		/* FALLTHROUGH */
	default:
		put_packet(command, "", 0);
	}
}

static bool
begin_message(struct connection *c)
{
	if (next_mail == mails_count) {
		put_packet('Q', "", 0);
		flush(c->fd);
		close(c->fd);
		c->fd = -1;
		return false;
	}
	c->mail = &mails[next_mail++];
	c->at = c->mail->data;
	return true;
}

/* Go on from c->step to the next step that has a reply, and send it all. */
static void
go_on(struct connection *c)
{
	for (;; c->step++) {
		const struct step *step = &steps[c->step];

		if (c->step == STEP_MAIL && !begin_message(c))
			return;
		if (c->step == STEP_HEADER) {
			while (put_header(c)) {
				if (!(c->flags & step->no_reply))
					errx(EXIT_FAILURE,
					    "replies to headers are not "
					    "supported");
			}
			continue;
		}
		if (c->flags & step->no_command)
			continue;
		put_command(c, step->command);
		if (step->command == 'E' || !(c->flags & step->no_reply))
			break;
	}
	flush(c->fd);
}

static void
end_message(struct connection *c, unsigned char reply)
{
	ended[reply]++;
	if (steps[c->step].command != 'E')
		ended_early++;
	c->step = STEP_MAIL;
	go_on(c);
}

/* A whole packet has come. */
static void
take_reply(struct connection *c, const unsigned char *data, size_t len)
{
	uint32_t word[3];

	if (!c->is_open) {
		if (data[0] != 'O' || len < 1 + sizeof(word))
			errx(EXIT_FAILURE, "no negotiation");
		memcpy(word, data + 1, sizeof(word));
		c->flags = ntohl(word[2]);
		c->is_open = true;
		go_on(c);
		return;
	}
	switch (data[0]) {
	case 'c': /* continue */
		if (steps[c->step].command == 'E') {
			end_message(c, data[0]);
		} else {
			c->step++;
			go_on(c);
		}
		break;
	case 'a': /* accept */
	case 'd': /* discard */
	case 'r': /* reject */
	case 't': /* temporary failure */
	case 'y': /* reply code */
		end_message(c, data[0]);
		break;
	default: /* a change to the message, which a verdict follows */
		break;
	}
}

static void
take_input(struct connection *c)
{
	ssize_t n = read(c->fd, c->in + c->nin, sizeof(c->in) - c->nin);
	size_t at = 0;

	if (n <= 0)
		errx(EXIT_FAILURE, "the milter hung up");
	c->nin += (size_t)n;
	while (c->nin - at >= 4) {
		uint32_t len;

		memcpy(&len, c->in + at, sizeof(len));
		len = ntohl(len);
		if (len == 0 || len > sizeof(c->in) - 4)
			errx(EXIT_FAILURE, "a packet of %u bytes", len);
		if (c->nin - at < 4 + len)
			break;
		take_reply(c, c->in + at + 4, len);
		at += 4 + len;
	}
	c->nin -= at;
	memmove(c->in, c->in + at, c->nin);
}

static void
dial(struct connection *c, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	uint32_t offer[3] = { htonl(6), htonl(OFFERED_ACTIONS),
		htonl(OFFERED_STEPS) };

	if (strlen(path) >= sizeof(sun.sun_path))
		errx(EXIT_FAILURE, "%s: too long", path);
	strcpy(sun.sun_path, path);
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->fd == -1 ||
	    connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(EXIT_FAILURE, "%s", path);
	put_packet('O', offer, sizeof(offer));
	flush(c->fd);
}

static double
run(struct connection *connections, size_t count, const char *path)
{
	struct epoll_event events[EVENTS_MAX];
	double start = sample_seconds();
	size_t open = count;
	int ep = epoll_create1(0);

	for (size_t i = 0; i < count; i++) {
		struct epoll_event ev = { .events = EPOLLIN,
			.data.ptr = &connections[i] };

		dial(&connections[i], path);
		if (epoll_ctl(ep, EPOLL_CTL_ADD, connections[i].fd, &ev) == -1)
			err(EXIT_FAILURE, "epoll");
	}
	while (open > 0) {
		int n = epoll_wait(ep, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			take_input(c);
			open -= c->fd == -1;
		}
	}
	close(ep);
	return sample_seconds() - start;
}

int
main(int argc, char **argv)
{
	struct connection *connections;
	size_t count;
	double took;

	if (argc != 5)
		errx(64, "usage: miltload CONNECTIONS MESSAGES SEED SOCKET");
	count = strtoul(argv[1], NULL, 10);
	mails_count = strtoul(argv[2], NULL, 10);
	mails = sample_mails(
	    (uint32_t)strtoul(argv[3], NULL, 10), mails_count, REPORT_BYTES);
	connections = calloc(count, sizeof(*connections));
	if (connections == NULL)
		err(EXIT_FAILURE, "calloc");
	took = run(connections, count, argv[4]);
	printf("%.1f accept=%u continue=%u discard=%u refused=%u early=%zu\n",
	    (double)mails_count / took, ended['a'], ended['c'], ended['d'],
	    ended['r'] + ended['t'] + ended['y'], ended_early);
	free(connections);
	for (size_t i = 0; i < mails_count; i++)
		free(mails[i].data);
	free(mails);
	return EXIT_SUCCESS;
}
