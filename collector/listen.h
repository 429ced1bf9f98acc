/*
 * listen: the sockets that the collector listens on.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "process.h"
#include "status.h"

enum {
	LISTEN_MAX = 32 /* sockets */
};

struct listener {
	int fd;
	bool is_unix;
	const char *path; /* to be removed at the end, or NULL; conf's */
};

struct listeners {
	struct listener item[LISTEN_MAX];
	size_t count;
	bool is_inherited; /* from systemd: sd_listen_fds(3) */
};

/*
 * Take the sockets that systemd hands over, else open those of Listen, with
 * ListenMode and ListenGroup. ST_ARCHIVE with *fault when there are none, or
 * one cannot be had; then those that were opened are closed.
 */
enum status listen_open(struct listeners *listeners, const struct conf *conf,
    const struct identity *identity, struct fault *fault);

/* Close them, and remove the paths of those that we made. */
void listen_close(struct listeners *listeners);

/* Does one of them (not) speak through a unix socket? */
bool listen_has(const struct listeners *listeners, bool is_unix);

#endif
