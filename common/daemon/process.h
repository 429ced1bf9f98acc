/*
 * process: the daemon's place in the system: its user, its socket, its pid
 * file, and whoever started it.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"
#include "status.h"

/* Whom to run as, and who may use the socket. */
struct identity {
	bool is_root; /* started as root: drop to uid and gid */
	uid_t uid;
	gid_t gid;
	gid_t socket_group; /* (gid_t)-1: leave it as it is */
};

/*
 * Look up User and SocketGroup. ST_ARCHIVE with *fault when one does not exist
 * (a default SocketGroup may be missing).
 */
enum status process_identity(
    const struct conf *conf, struct identity *identity, struct fault *fault);

/*
 * Do fn as the user that the daemon will run as, without giving up root for
 * good, and return what it returns.
 */
enum status process_as_user(const struct identity *identity,
    const struct conf *conf, enum status (*fn)(void *ctx), void *ctx);

/* Give up root for good. */
enum status process_drop(const struct identity *identity,
    const struct conf *conf, struct fault *fault);

/*
 * Is the socket of the configuration free? A stale one is removed; one that
 * somebody listens on is ST_ARCHIVE with *fault, which begins with keyword.
 */
enum status process_clear_socket(
    const char *keyword, const char *socket, struct fault *fault);

/* Give the socket to the user and group who may use it. */
enum status process_own_socket(const struct conf *conf,
    const struct identity *identity, struct fault *fault);

/* The path of a unix: or local: socket, NULL for others. */
const char *process_socket_path(const char *socket);

/*
 * Become a daemon: the caller goes on in a child, and the parent waits for
 * process_ready() or the child's end, whose exit status becomes its own.
 * Returns the descriptor for process_ready(), or -1.
 */
int process_daemonize(void);

/*
 * Tell whoever waits that the daemon is ready: the parent (fd not -1) and
 * systemd. Standard streams are given up in the first case, standard error only
 * if the log does not go there.
 */
void process_ready(int fd, bool keep_stderr);

/* Send a state ("STOPPING=1") to systemd, if it is there: sd_notify(3). */
void process_notify(const char *state);

/* Write the pid file, in the place of one that is there. */
enum status process_write_pid(const char *path, struct fault *fault);

#endif
