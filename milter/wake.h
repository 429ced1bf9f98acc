/*
 * wake: keep sessions from queueing behind callbacks that wait.
 *
 * libmilter's pool gives a session that has something to say to an idle worker,
 * if there is one, and counts that worker as idle until it has woken. What
 * comes at one instant is all given to the few that were idle then, and waits
 * for them, though more threads would be started for it; and a worker may wait
 * for DNS for seconds. A new connection has the pool look again: it starts a
 * worker where none is idle, and a worker serves all that is ready before it
 * rests.
 */
#ifndef WAKE_H
#define WAKE_H

#include <sys/socket.h>

struct wake {
	struct sockaddr_storage address; /* of our own socket */
	socklen_t len; /* 0: unknown, wake_pool() does nothing */
};

/* Socket is the keyword's value. A host name is looked up. */
void wake_init(struct wake *wake, const char *socket);

/*
 * Before a callback waits: connect to our own socket and leave. Does not wait
 * itself. A failure is of no account: then others are connecting, or the pool
 * is about to end.
 */
void wake_pool(const struct wake *wake);

#endif
