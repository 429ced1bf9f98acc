#define _GNU_SOURCE /* accept4() */
#include "acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"

enum {
	TEND_MS = 500,      /* between two looks at connections */
	FULL_MS = 50,       /* until it is looked whether there is room */
	TELL_MS = 60000,    /* between two lines that there is none */
	ACCEPTED_MAX = 64,  /* at once from one socket */
	LINGERING_MAX = 64, /* connections that are read from after the end */
	LINGER_MS = 2000,
	LINGER_BLOCK = 16384,
	LINGER_READS = 16 /* at once */
};

/* An answer is on its way, and what its client still sends goes nowhere. */
struct lingering {
	int fd;
	uint64_t deadline;
};

struct acceptor {
	struct collector *collector;
	struct http *http;
	struct listeners *listeners;
	pthread_t thread;
	int wake[2];
	struct lingering lingering[LINGERING_MAX];
	size_t count;
	uint64_t tended;
	uint64_t told; /* that there is no room */

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t cond;
	bool is_leaving; /* listen no more */
	bool has_left;
	bool is_ending;
};

/*
 * Connections that are over but for the reading.
 */

static void
drop_lingering(struct acceptor *a, size_t i)
{
	(void)close(a->lingering[i].fd);
	a->lingering[i] = a->lingering[--a->count];
}

static void
take_lingering(struct acceptor *a)
{
	int fd;

	while (
	    a->count < LINGERING_MAX && (fd = http_next_linger(a->http)) != -1)
		a->lingering[a->count++] =
		    (struct lingering){ fd, deadline_now() + LINGER_MS };
}

/* Read what is there; false at the end. */
static bool
read_lingering(int fd)
{
	char block[LINGER_BLOCK];
	ssize_t n = 1;

	for (int i = 0; i < LINGER_READS && n > 0; i++)
		n = recv(fd, block, sizeof block, MSG_DONTWAIT);
	return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

static void
serve_lingering(struct acceptor *a, const struct pollfd *pfd, size_t count)
{
	uint64_t now = deadline_now();

	/* From the last one on: what is dropped is replaced by the last. */
	for (size_t i = count; i > 0; i--) {
		struct lingering *l = &a->lingering[i - 1];

		if (now >= l->deadline ||
		    (pfd[i - 1].revents != 0 && !read_lingering(l->fd)))
			drop_lingering(a, i - 1);
	}
}

/*
 * New connections.
 */

static bool
has_room(struct acceptor *a, size_t *room)
{
	struct conf *conf = server_conf(&a->collector->server);
	size_t count = http_count(a->http);

	*room = conf->max_connections > count
	    ? (size_t)conf->max_connections - count
	    : 0;
	conf_unref(&conf);
	return *room > 0;
}

static void
accept_from(struct acceptor *a, const struct listener *listener, size_t *room)
{
	struct sockaddr_storage peer;
	socklen_t len;
	int fd, on = 1, accepted = 0;

	while (*room > 0 && accepted++ < ACCEPTED_MAX) {
		len = sizeof peer;
		fd = accept4(listener->fd, (struct sockaddr *)&peer, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd == -1) {
			/* Without descriptors it would be ready for ever. */
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				(void)poll(NULL, 0, FULL_MS);
			return;
		}
		if (!listener->is_unix)
			(void)setsockopt(
			    fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		http_add(a->http, fd, (struct sockaddr *)&peer, len,
		    listener->is_unix);
		(*room)--;
	}
}

/* Does somebody wait to be accepted? */
static bool
is_asked(const struct listeners *listeners)
{
	struct pollfd pfd[LISTEN_MAX];

	for (size_t i = 0; i < listeners->count; i++)
		pfd[i] = (struct pollfd){ .fd = listeners->item[i].fd,
			.events = POLLIN };
	return poll(pfd, (nfds_t)listeners->count, 0) > 0;
}

/* Have some go who keep us waiting, if somebody wants in. */
static void
make_room(struct acceptor *a)
{
	uint64_t now = deadline_now();

	if (!is_asked(a->listeners) || http_make_room(a->http) == 0)
		return;
	if (a->told != 0 && now - a->told < TELL_MS)
		return;
	a->told = now;
	log_text(a->collector->log, SEV_WARNING,
	    "MaxConnections are open: who has kept us waiting longest is cut "
	    "off");
}

/* One round: wait for something, and do it. */
static void
serve(struct acceptor *a)
{
	struct pollfd pfd[1 + LISTEN_MAX + LINGERING_MAX];
	size_t room, n = 1, listening, lingering;
	bool is_open = has_room(a, &room);
	int timeout = is_open || a->listeners->count == 0 ? TEND_MS : FULL_MS;
	char bytes[64];

	take_lingering(a);
	if (!is_open)
		make_room(a);
	listening = is_open ? a->listeners->count : 0;
	lingering = a->count;
	pfd[0] = (struct pollfd){ .fd = a->wake[0], .events = POLLIN };
	for (size_t i = 0; i < listening; i++)
		pfd[n++] = (struct pollfd){ .fd = a->listeners->item[i].fd,
			.events = POLLIN };
	for (size_t i = 0; i < lingering; i++)
		pfd[n++] = (struct pollfd){ .fd = a->lingering[i].fd,
			.events = POLLIN };
	if (poll(pfd, n, timeout) == -1)
		return;
	if (pfd[0].revents != 0)
		(void)!read(a->wake[0], bytes, sizeof bytes);
	serve_lingering(a, pfd + 1 + listening, lingering);
	for (size_t i = 0; i < listening; i++) {
		if (pfd[1 + i].revents != 0)
			accept_from(a, &a->listeners->item[i], &room);
	}
	if (deadline_now() - a->tended >= TEND_MS) {
		http_tend(a->http);
		a->tended = deadline_now();
	}
}

/* Listen no more, if that is wanted. Returns whether it is over. */
static bool
is_over(struct acceptor *a)
{
	bool is_ending;

	(void)pthread_mutex_lock(&a->mutex);
	if (a->is_leaving && !a->has_left) {
		listen_close(a->listeners);
		a->has_left = true;
		(void)pthread_cond_broadcast(&a->cond);
	}
	is_ending = a->is_ending;
	(void)pthread_mutex_unlock(&a->mutex);
	return is_ending;
}

static void *
run(void *arg)
{
	struct acceptor *a = arg;

	while (!is_over(a))
		serve(a);
	return NULL;
}

static void
wake(struct acceptor *a)
{
	(void)!write(a->wake[1], "", 1);
}

struct acceptor *
acceptor_start(struct collector *collector, struct http *http,
    struct listeners *listeners, struct fault *fault)
{
	struct acceptor *a = calloc(1, sizeof *a);

	(void)fault_set(fault, ST_NO_MEMORY, "cannot start a thread");
	if (a == NULL)
		return NULL;
	a->collector = collector;
	a->http = http;
	a->listeners = listeners;
	(void)pthread_mutex_init(&a->mutex, NULL);
	(void)pthread_cond_init(&a->cond, NULL);
	if (pipe2(a->wake, O_CLOEXEC | O_NONBLOCK) == -1) {
		free(a);
		return NULL;
	}
	if (pthread_create(&a->thread, NULL, run, a) != 0) {
		(void)close(a->wake[0]);
		(void)close(a->wake[1]);
		free(a);
		return NULL;
	}
	return a;
}

void
acceptor_stop_listening(struct acceptor *a)
{
	(void)pthread_mutex_lock(&a->mutex);
	a->is_leaving = true;
	wake(a);
	while (!a->has_left)
		(void)pthread_cond_wait(&a->cond, &a->mutex);
	(void)pthread_mutex_unlock(&a->mutex);
}

void
acceptor_free(struct acceptor **acceptor)
{
	struct acceptor *a = *acceptor;

	if (a == NULL)
		return;
	(void)pthread_mutex_lock(&a->mutex);
	a->is_ending = true;
	wake(a);
	(void)pthread_mutex_unlock(&a->mutex);
	(void)pthread_join(a->thread, NULL);
	while (a->count > 0)
		drop_lingering(a, 0);
	(void)close(a->wake[0]);
	(void)close(a->wake[1]);
	(void)pthread_cond_destroy(&a->cond);
	(void)pthread_mutex_destroy(&a->mutex);
	free(a);
	*acceptor = NULL;
}
