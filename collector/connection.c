#include "connection.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "deadline.h"

struct connection {
	struct connection *next, *previous;
	int fd;
	void *owner;
	uint64_t deadline; /* on deadline_now()'s clock; 0: none */
	bool is_timed_out;
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

void
connections_sweep(struct connections *connections)
{
	uint64_t now = deadline_now();

	/* With the lock held, the descriptor is still that of the connection.
	 */
	(void)pthread_mutex_lock(&connections->mutex);
	for (struct connection *c = connections->first; c != NULL;
	     c = c->next) {
		if (c->deadline == 0 || now < c->deadline)
			continue;
		c->deadline = 0;
		c->is_timed_out = true;
		(void)shutdown(c->fd, SHUT_RDWR);
	}
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
