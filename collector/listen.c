#define _GNU_SOURCE /* SOCK_NONBLOCK with older headers */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "text.h"

enum {
	FIRST_INHERITED = 3, /* SD_LISTEN_FDS_START */
	BACKLOG = 1024
};

/*
 * systemd's sockets.
 */

/* How many there are for this process. */
static long
count_inherited(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");

	if (pid == NULL || fds == NULL ||
	    strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	return strtol(fds, NULL, 10);
}

static enum status
take_inherited(struct listeners *listeners, long count, struct fault *fault)
{
	struct sockaddr_storage addr;
	socklen_t len;

	for (long i = 0; i < count; i++) {
		int fd = FIRST_INHERITED + (int)i, is_listening = 0;

		len = sizeof is_listening;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening,
			&len) == -1 ||
		    is_listening == 0)
			return fault_set(fault, ST_ARCHIVE,
			    "LISTEN_FDS: descriptor %d does not listen", fd);
		len = sizeof addr;
		if (getsockname(fd, (struct sockaddr *)&addr, &len) == -1)
			return fault_set(fault, ST_ARCHIVE, "LISTEN_FDS: %s",
			    strerror(errno));
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		listeners->item[listeners->count++] = (struct listener){
			.fd = fd,
			.is_unix = addr.ss_family == AF_UNIX,
		};
	}
	listeners->is_inherited = true;
	return ST_OK;
}

/*
 * Ours.
 */

static enum status
find_group(const struct conf *conf, gid_t *gid, struct fault *fault)
{
	const struct group *group;

	*gid = (gid_t)-1;
	if (conf->listen_group[0] == '\0')
		return ST_OK;
	group = getgrnam(conf->listen_group);
	if (group == NULL)
		return fault_set(fault, ST_ARCHIVE,
		    "ListenGroup: there is no group \"%s\"",
		    conf->listen_group);
	*gid = group->gr_gid;
	return ST_OK;
}

/* With the right mode from the first moment: nobody else gets in before. */
static int
bind_unix(int fd, const char *path, mode_t mode)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int rc;

	if (!text_copy(addr.sun_path, sizeof addr.sun_path, path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	mask = umask(0777 & ~mode);
	rc = bind(fd, (struct sockaddr *)&addr, sizeof addr);
	(void)umask(mask);
	return rc;
}

static enum status
open_unix(struct listeners *listeners, const char *name,
    const struct conf *conf, const struct identity *identity,
    struct fault *fault)
{
	const char *path = process_socket_path(name);
	gid_t gid;
	int fd;

	if (find_group(conf, &gid, fault) != ST_OK ||
	    process_clear_socket("Listen", name, fault) != ST_OK)
		return ST_ARCHIVE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Not listening yet, so that it is whose it is to be before that. */
	if (fd == -1 || bind_unix(fd, path, (mode_t)conf->listen_mode) == -1 ||
	    lchown(path, identity->is_root ? identity->uid : (uid_t)-1,
		gid != (gid_t)-1        ? gid
		    : identity->is_root ? identity->gid
					: (gid_t)-1) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		(void)fault_set(fault, ST_ARCHIVE,
		    "Listen: cannot listen on %s: %s", name, strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return ST_ARCHIVE;
	}
	listeners->item[listeners->count++] =
	    (struct listener){ .fd = fd, .is_unix = true, .path = path };
	return ST_OK;
}

static int
open_address(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	int on = 1, saved;

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

/* inet:PORT@HOST or inet6:PORT@HOST; the table has checked the form. */
static enum status
open_inet(struct listeners *listeners, const char *name, struct fault *fault)
{
	const struct addrinfo hints = {
		.ai_family = text_iprefix(name, "inet6:") ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	const char *value = strchr(name, ':') + 1;
	const char *host = strchr(value, '@') + 1;
	struct addrinfo *found;
	char port[8];
	int rc, fd;

	(void)snprintf(
	    port, sizeof port, "%.*s", (int)(host - 1 - value), value);
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0)
		return fault_set(fault, ST_ARCHIVE, "Listen: %s: %s", name,
		    gai_strerror(rc));
	fd = open_address(found);
	freeaddrinfo(found);
	if (fd == -1)
		return fault_set(fault, ST_ARCHIVE,
		    "Listen: cannot listen on %s: %s", name, strerror(errno));
	listeners->item[listeners->count++] = (struct listener){ .fd = fd };
	return ST_OK;
}

enum status
listen_open(struct listeners *listeners, const struct conf *conf,
    const struct identity *identity, struct fault *fault)
{
	long inherited = count_inherited();
	enum status st = ST_OK;

	*listeners = (struct listeners){ .count = 0 };
	if (inherited > LISTEN_MAX || conf->listen.count > LISTEN_MAX)
		return fault_set(fault, ST_ARCHIVE,
		    "Listen: more than %d sockets", LISTEN_MAX);
	if (inherited > 0)
		return take_inherited(listeners, inherited, fault);
	if (conf->listen.count == 0)
		return fault_set(fault, ST_ARCHIVE,
		    "Listen: at least one is needed, or a socket of systemd's");
	for (size_t i = 0; i < conf->listen.count && st == ST_OK; i++) {
		const char *name = conf->listen.item[i];

		st = process_socket_path(name) != NULL
		    ? open_unix(listeners, name, conf, identity, fault)
		    : open_inet(listeners, name, fault);
	}
	if (st != ST_OK)
		listen_close(listeners);
	return st;
}

void
listen_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		if (listeners->item[i].path != NULL)
			(void)unlink(listeners->item[i].path);
		(void)close(listeners->item[i].fd);
	}
	listeners->count = 0;
}

bool
listen_has(const struct listeners *listeners, bool is_unix)
{
	for (size_t i = 0; i < listeners->count; i++) {
		if (listeners->item[i].is_unix == is_unix)
			return true;
	}
	return false;
}
