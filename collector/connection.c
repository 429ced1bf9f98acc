#define _GNU_SOURCE /* POLLRDHUP */
#include "connection.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "deadline.h"

struct connection {
	struct connection *next, *previous;
	int fd;
	uint64_t deadline; /* on deadline_now()'s clock; 0: none */
	uint64_t since;    /* when its clock was set */
	bool is_timed_out;
	bool is_at_end; /* it was when last looked at */
};

enum {
	BATCH = 256,    /* descriptors that are asked for at once */
	GRACE_MS = 1000 /* for who is to make room */
};

struct connections {
	pthread_mutex_t mutex;
	struct connection *first, *last; /* whose clock was set last, first */
};

struct connections *
connections_new(void)
{
	struct connections *connections = calloc(1, sizeof *connections);

	if (connections != NULL)
		(void)pthread_mutex_init(&connections->mutex, NULL);
	return connections;
}

static void
put_first(struct connections *connections, struct connection *connection)
{
	connection->previous = NULL;
	connection->next = connections->first;
	if (connection->next != NULL)
		connection->next->previous = connection;
	else
		connections->last = connection;
	connections->first = connection;
}

static void
take_out(struct connections *connections, struct connection *connection)
{
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		connections->first = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	else
		connections->last = connection->previous;
}

struct connection *
connections_add(struct connections *connections, int fd)
{
	struct connection *connection = calloc(1, sizeof *connection);

	if (connection == NULL)
		return NULL;
	connection->fd = fd;
	connection->since = deadline_now();
	(void)pthread_mutex_lock(&connections->mutex);
	put_first(connections, connection);
	(void)pthread_mutex_unlock(&connections->mutex);
	return connection;
}

void
connections_remove(
    struct connections *connections, struct connection **connection)
{
	struct connection *c = *connection;

	(void)pthread_mutex_lock(&connections->mutex);
	take_out(connections, c);
	(void)pthread_mutex_unlock(&connections->mutex);
	free(c);
	*connection = NULL;
}

void
connection_set_timeout(struct connections *connections,
    struct connection *connection, uint64_t seconds)
{
	(void)pthread_mutex_lock(&connections->mutex);
	connection->since = deadline_now();
	connection->deadline =
	    seconds > 0 ? connection->since + seconds * 1000 : 0;
	take_out(connections, connection);
	put_first(connections, connection);
	(void)pthread_mutex_unlock(&connections->mutex);
}

bool
connection_is_timed_out(
    struct connections *connections, const struct connection *connection)
{
	bool is_timed_out;

	(void)pthread_mutex_lock(&connections->mutex);
	is_timed_out = connection->is_timed_out;
	(void)pthread_mutex_unlock(&connections->mutex);
	return is_timed_out;
}

static void
cut_off(struct connection *connection)
{
	connection->deadline = 0;
	(void)shutdown(connection->fd, SHUT_RDWR);
}

/* Has all been read, and nothing more will come? */
static bool
is_at_end(const struct pollfd *pfd)
{
	int unread = 0;

	return (pfd->revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0 &&
	    (ioctl(pfd->fd, FIONREAD, &unread) == -1 || unread == 0);
}

/* Look for the end of those whose clock goes. Returns where to go on. */
static struct connection *
sweep_ends(struct connection *first)
{
	struct connection *batch[BATCH], *c;
	struct pollfd pfd[BATCH];
	nfds_t n = 0;

	for (c = first; c != NULL && n < BATCH; c = c->next) {
		if (c->deadline == 0)
			continue;
		batch[n] = c;
		pfd[n++] = (struct pollfd){ c->fd, POLLRDHUP, 0 };
	}
	if (n == 0 || poll(pfd, n, 0) == -1)
		return c;
	for (nfds_t i = 0; i < n; i++) {
		bool was_at_end = batch[i]->is_at_end;

		batch[i]->is_at_end = is_at_end(&pfd[i]);
		if (was_at_end && batch[i]->is_at_end)
			cut_off(batch[i]);
	}
	return c;
}

void
connections_sweep(struct connections *connections)
{
	uint64_t now = deadline_now();
	struct connection *rest;

	/* With the lock held, the descriptor is still that of the connection.
	 */
	(void)pthread_mutex_lock(&connections->mutex);
	for (struct connection *c = connections->first; c != NULL;
	     c = c->next) {
		if (c->deadline == 0 || now < c->deadline)
			continue;
		c->is_timed_out = true;
		cut_off(c);
	}
	for (rest = connections->first; rest != NULL;)
		rest = sweep_ends(rest);
	(void)pthread_mutex_unlock(&connections->mutex);
}

size_t
connections_make_room(struct connections *connections, size_t most)
{
	uint64_t now = deadline_now();
	size_t count = 0;

	(void)pthread_mutex_lock(&connections->mutex);
	for (struct connection *c = connections->last;
	     c != NULL && count < most && now >= c->since + GRACE_MS;
	     c = c->previous) {
		if (c->deadline == 0)
			continue;
		cut_off(c);
		count++;
	}
	(void)pthread_mutex_unlock(&connections->mutex);
	return count;
}

void
connections_free(struct connections **connections)
{
	if (*connections == NULL)
		return;
	(void)pthread_mutex_destroy(&(*connections)->mutex);
	free(*connections);
	*connections = NULL;
}
