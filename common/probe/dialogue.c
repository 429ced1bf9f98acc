#include "dialogue.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "text.h"

void
dialogue_error(char *out, size_t size, int error)
{
	if (strerror_r(error, out, size) != 0)
		(void)snprintf(out, size, "error %d", error);
}

/* Say what the system said, and what that is here. */
static enum mxprobe_end
fail(struct dialogue *d, enum mxprobe_end end, int error)
{
	dialogue_error(d->detail, sizeof d->detail, error);
	return end;
}

static enum mxprobe_end
say(struct dialogue *d, enum mxprobe_end end, const char *words)
{
	(void)snprintf(d->detail, sizeof d->detail, "%s", words);
	return end;
}

enum mxprobe_end
dialogue_wait(int fd, short events, uint64_t deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now = deadline_now();
		int n;

		if (now >= deadline)
			return MXPROBE_TIMEOUT;
		n = deadline - now > 60000 ? 60000 : (int)(deadline - now);
		n = poll(&pfd, 1, n);
		if (n > 0)
			return MXPROBE_OK;
		if (n < 0 && errno != EINTR)
			return MXPROBE_OURSELVES;
	}
}

/* No resources here says nothing of there. */
static bool
is_ours(int error)
{
	return error == ENOMEM || error == ENOBUFS || error == EMFILE ||
	    error == ENFILE || error == EBADF;
}

/*
 * What keeps a connection from leaving this host; EINVAL is a link-local
 * address, which does not say by which of our links.
 */
static bool
is_no_route(int error)
{
	return error == ENETUNREACH || error == EHOSTUNREACH ||
	    error == EADDRNOTAVAIL || error == EAFNOSUPPORT ||
	    error == ENETDOWN || error == EACCES || error == EPERM ||
	    error == EINVAL;
}

/*
 * What became of connect(2). An error that comes at once is of this host's
 * own routes. One that comes later is from the way or from the other end, but
 * with IPv6 often a router next door which has no way out.
 */
static enum mxprobe_end
connect_end(struct dialogue *d, int family, bool is_at_once, int error)
{
	if (is_ours(error))
		return fail(d, MXPROBE_OURSELVES, error);
	if (error == ETIMEDOUT)
		return fail(d, MXPROBE_TIMEOUT, error);
	if (is_no_route(error) && (is_at_once || family == AF_INET6))
		return fail(d, MXPROBE_NO_ROUTE, error);
	return fail(d, MXPROBE_REFUSED, error);
}

/* Wait for the connection that is under way. */
static enum mxprobe_end
await_connection(struct dialogue *d, int family)
{
	enum mxprobe_end end = dialogue_wait(d->fd, POLLOUT, d->deadline);
	int error = 0;
	socklen_t len = sizeof error;

	if (end == MXPROBE_TIMEOUT)
		return say(d, end, "no connection in time");
	if (end != MXPROBE_OK ||
	    getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return fail(d, MXPROBE_OURSELVES, errno);
	return error == 0 ? MXPROBE_OK : connect_end(d, family, false, error);
}

/* A socket that does not block, with the address of ours that was asked for. */
static enum mxprobe_end
make_socket(struct dialogue *d, const struct mxprobe_settings *settings)
{
	int flags, family = settings->address->sa.ss_family;

	if (settings->source != NULL && settings->source->sa_family != family)
		return say(d, MXPROBE_NO_ROUTE,
		    "the source address is of the other family");
	d->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (d->fd == -1)
		return fail(d,
		    is_no_route(errno) ? MXPROBE_NO_ROUTE : MXPROBE_OURSELVES,
		    errno);
	flags = fcntl(d->fd, F_GETFL);
	if (flags == -1 || fcntl(d->fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return fail(d, MXPROBE_OURSELVES, errno);
	if (settings->source != NULL &&
	    bind(d->fd, settings->source, settings->source_len) != 0)
		return fail(d,
		    is_no_route(errno) ? MXPROBE_NO_ROUTE : MXPROBE_OURSELVES,
		    errno);
	return MXPROBE_OK;
}

enum mxprobe_end
dialogue_open(struct dialogue *d, const struct mxprobe_settings *settings,
    uint64_t deadline)
{
	struct sockaddr_storage sa = settings->address->sa;
	in_port_t port = htons((in_port_t)settings->port);
	enum mxprobe_end end;

	memset(d, 0, sizeof *d);
	d->fd = -1;
	d->deadline = deadline;
	end = make_socket(d, settings);
	if (end != MXPROBE_OK)
		return end;
	if (sa.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&sa)->sin6_port = port;
	else
		((struct sockaddr_in *)&sa)->sin_port = port;
	if (connect(d->fd, (struct sockaddr *)&sa, settings->address->len) == 0)
		return MXPROBE_OK;
	/* Interrupted, it goes on all the same. */
	if (errno != EINPROGRESS && errno != EINTR)
		return connect_end(d, sa.ss_family, true, errno);
	return await_connection(d, sa.ss_family);
}

/* Time is over: has something come that is not whole? */
static enum mxprobe_end
time_out(struct dialogue *d)
{
	const struct smtpreply *reply = &d->reply;
	char text[128];

	if (reply->len > 0) {
		text_plain(text, sizeof text, reply->line, reply->len);
		(void)snprintf(d->detail, sizeof d->detail,
		    "no whole line in time: %s", text);
	} else if (reply->lines > 0) {
		(void)snprintf(d->detail, sizeof d->detail,
		    "no last line in time, after: %.400s", reply->last);
	} else {
		return say(d, MXPROBE_TIMEOUT, "no reply in time");
	}
	return MXPROBE_TIMEOUT;
}

/* Read what there is; waits for it. */
static enum mxprobe_end
fill(struct dialogue *d)
{
	for (;;) {
		enum mxprobe_end end;
		ssize_t n;

		end = dialogue_wait(d->fd, POLLIN, d->deadline);
		if (end == MXPROBE_TIMEOUT)
			return time_out(d);
		if (end != MXPROBE_OK)
			return fail(d, end, errno);
		n = recv(d->fd, d->data, sizeof d->data, 0);
		if (n > 0) {
			d->at = 0;
			d->len = (size_t)n;
			return MXPROBE_OK;
		}
		if (n == 0)
			return say(d, MXPROBE_LOST,
			    "the server closed the connection");
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return fail(d, MXPROBE_LOST, errno);
	}
}

/* The words for a reply that is none. */
static enum mxprobe_end
reply_end(struct dialogue *d)
{
	switch (d->reply.status) {
	case SMTPREPLY_TOO_LONG:
		(void)snprintf(d->detail, sizeof d->detail,
		    "a line of over %d bytes: %.100s", SMTPREPLY_LINE_MAX,
		    d->reply.last);
		return MXPROBE_PROTOCOL;
	case SMTPREPLY_TOO_MANY:
		(void)snprintf(d->detail, sizeof d->detail,
		    "a reply of over %d lines: %.100s", SMTPREPLY_LINES_MAX,
		    d->reply.last);
		return MXPROBE_PROTOCOL;
	case SMTPREPLY_NOT_SMTP:
		(void)snprintf(d->detail, sizeof d->detail,
		    "no SMTP reply: %.450s", d->reply.last);
		return MXPROBE_PROTOCOL;
	case SMTPREPLY_MORE:
	case SMTPREPLY_DONE:
		break;
	}
	return MXPROBE_OK;
}

enum mxprobe_end
dialogue_read(struct dialogue *d)
{
	enum mxprobe_end end;
	size_t used;

	smtpreply_init(&d->reply);
	for (;;) {
		(void)smtpreply_more(
		    &d->reply, d->data + d->at, d->len - d->at, &used);
		d->at += used;
		if (d->reply.status != SMTPREPLY_MORE)
			return reply_end(d);
		end = fill(d);
		if (end != MXPROBE_OK)
			return end;
	}
}

enum mxprobe_end
dialogue_send(struct dialogue *d, const char *line)
{
	size_t len = strlen(line);
	enum mxprobe_end end;
	ssize_t n;

	while (len > 0) {
		n = send(d->fd, line, len, MSG_NOSIGNAL);
		if (n > 0) {
			line += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return fail(d, MXPROBE_LOST, errno);
		end = dialogue_wait(d->fd, POLLOUT, d->deadline);
		if (end == MXPROBE_TIMEOUT)
			return say(d, end, "the server takes no command");
		if (end != MXPROBE_OK)
			return fail(d, end, errno);
	}
	return MXPROBE_OK;
}

bool
dialogue_has_more(const struct dialogue *d)
{
	return d->at < d->len;
}

void
dialogue_quit(struct dialogue *d)
{
	if (d->fd != -1)
		(void)send(d->fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
}

void
dialogue_close(struct dialogue *d)
{
	if (d->fd != -1)
		(void)close(d->fd);
	d->fd = -1;
}
