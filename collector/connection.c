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
	void *owner;
	uint64_t deadline; /* on deadline_now()'s clock; 0: none */
	bool is_timed_out;
	bool is_at_end; /* it was when last looked at */
};

enum {
	BATCH = 256 /* descriptors that are asked for at once */
};

struct connections {
	pthread_mutex_t mutex;
	struct connection *first;
	size_t count;
};

struct connections *
connections_new(void)
{
	struct connections *connections = calloc(1, sizeof *connections);

	if (connections != NULL)
		(void)pthread_mutex_init(&connections->mutex, NULL);
	return connections;
}

struct connection *
connections_add(struct connections *connections, int fd, void *owner)
{
	struct connection *connection = calloc(1, sizeof *connection);

	if (connection == NULL)
		return NULL;
	connection->fd = fd;
	connection->owner = owner;
	(void)pthread_mutex_lock(&connections->mutex);
	connection->next = connections->first;
	if (connection->next != NULL)
		connection->next->previous = connection;
	connections->first = connection;
	connections->count++;
	(void)pthread_mutex_unlock(&connections->mutex);
	return connection;
}

void
connections_remove(
    struct connections *connections, struct connection **connection)
{
	struct connection *c = *connection;

	(void)pthread_mutex_lock(&connections->mutex);
	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		connections->first = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	connections->count--;
	(void)pthread_mutex_unlock(&connections->mutex);
	free(c);
	*connection = NULL;
}

void *
connection_owner(const struct connection *connection)
{
	return connection->owner;
}

void
connection_set_timeout(struct connections *connections,
    struct connection *connection, uint64_t seconds)
{
	(void)pthread_mutex_lock(&connections->mutex);
	connection->deadline =
	    seconds > 0 ? deadline_now() + seconds * 1000 : 0;
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
connections_count(struct connections *connections)
{
	size_t count;

	(void)pthread_mutex_lock(&connections->mutex);
	count = connections->count;
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
