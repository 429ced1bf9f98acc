#define _DEFAULT_SOURCE /* initgroups(), setgroups() */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "text.h"

/*
 * Users.
 */

enum status
process_identity(
    const struct conf *conf, struct identity *identity, struct fault *fault)
{
	const struct group *group;
	const struct passwd *user;

	*identity = (struct identity){
		.is_root = geteuid() == 0,
		.uid = geteuid(),
		.gid = getegid(),
		.socket_group = (gid_t)-1,
	};
	if (identity->is_root) {
		user = getpwnam(conf->user);
		if (user == NULL)
			return fault_set(fault, ST_ARCHIVE,
			    "User: there is no user \"%s\"", conf->user);
		identity->uid = user->pw_uid;
		identity->gid = user->pw_gid;
	}
	if (process_socket_path(conf->socket) == NULL ||
	    conf->socket_group[0] == '\0')
		return ST_OK;
	group = getgrnam(conf->socket_group);
	if (group != NULL)
		identity->socket_group = group->gr_gid;
	else if (conf_is_given(conf, "SocketGroup"))
		return fault_set(fault, ST_ARCHIVE,
		    "SocketGroup: there is no group \"%s\"",
		    conf->socket_group);
	return ST_OK;
}

enum status
process_as_user(const struct identity *identity, const struct conf *conf,
    enum status (*fn)(void *ctx), void *ctx)
{
	bool is_other = identity->is_root && identity->uid != 0;
	enum status st;

	if (is_other &&
	    (initgroups(conf->user, identity->gid) == -1 ||
		setegid(identity->gid) == -1 || seteuid(identity->uid) == -1))
		return ST_ARCHIVE;
	st = fn(ctx);
	if (is_other && (seteuid(0) == -1 || setegid(0) == -1))
		return ST_ARCHIVE;
	return st;
}

enum status
process_drop(const struct identity *identity, const struct conf *conf,
    struct fault *fault)
{
	if (!identity->is_root || identity->uid == 0)
		return ST_OK;
	if (initgroups(conf->user, identity->gid) == -1 ||
	    setgid(identity->gid) == -1 || setuid(identity->uid) == -1)
		return fault_set(fault, ST_ARCHIVE,
		    "User: cannot become %s: %s", conf->user, strerror(errno));
	/* It must not be possible to come back. */
	if (setuid(0) == 0)
		return fault_set(
		    fault, ST_ARCHIVE, "User: root was not given up");
	return ST_OK;
}

/*
 * The socket.
 */

const char *
process_socket_path(const char *socket)
{
	if (text_iprefix(socket, "unix:") || text_iprefix(socket, "local:"))
		return strchr(socket, ':') + 1;
	return NULL;
}

/*
 * Is it somebody's? Only a socket that nobody has open refuses a connection;
 * one whose queue is full does not, nor one of another kind, and neither is
 * waited for.
 */
static bool
is_alive(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	bool is_refused;
	int fd;

	if (!text_copy(addr.sun_path, sizeof addr.sun_path, path))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd == -1)
		return true;
	is_refused = fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
	    connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1 &&
	    errno == ECONNREFUSED;
	(void)close(fd);
	return !is_refused;
}

enum status
process_clear_socket(
    const char *keyword, const char *socket, struct fault *fault)
{
	const char *path = process_socket_path(socket);
	struct stat sb;

	if (path == NULL || lstat(path, &sb) == -1)
		return ST_OK;
	if (!S_ISSOCK(sb.st_mode))
		return fault_set(
		    fault, ST_ARCHIVE, "%s: %s is no socket", keyword, path);
	if (is_alive(path))
		return fault_set(fault, ST_ARCHIVE,
		    "%s: somebody listens on %s already", keyword, path);
	if (unlink(path) == -1)
		return fault_set(fault, ST_ARCHIVE,
		    "%s: cannot remove the stale %s: %s", keyword, path,
		    strerror(errno));
	return ST_OK;
}

enum status
process_own_socket(const struct conf *conf, const struct identity *identity,
    struct fault *fault)
{
	const char *path = process_socket_path(conf->socket);

	/* Not through a link: the directory may be the user's. */
	if (path != NULL &&
	    lchown(path, identity->is_root ? identity->uid : (uid_t)-1,
		identity->socket_group) == -1)
		return fault_set(fault, ST_ARCHIVE,
		    "SocketGroup: cannot give %s to group %s: %s", path,
		    conf->socket_group, strerror(errno));
	return ST_OK;
}

/*
 * Whoever started us.
 */

/* The parent: wait for the word of the child, or for its end. */
static void
wait_for_child(pid_t pid, int fd)
{
	char word;
	ssize_t n;
	int status;

	do
		n = read(fd, &word, 1);
	while (n == -1 && errno == EINTR);
	if (n == 1)
		_exit(EX_OK);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(EX_SOFTWARE);
}

int
process_daemonize(void)
{
	int fd[2];
	pid_t pid;

	if (pipe(fd) == -1)
		return -1;
	(void)fcntl(fd[1], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid == -1)
		return -1;
	if (pid > 0) {
		(void)close(fd[1]);
		wait_for_child(pid, fd[0]);
	}
	(void)close(fd[0]);
	(void)setsid();
	/* A directory that may be unmounted must not be held. */
	(void)!chdir("/");
	return fd[1];
}

void
process_ready(int fd, bool keep_stderr)
{
	int null;

	process_notify("READY=1");
	if (fd == -1)
		return;
	null = open("/dev/null", O_RDWR);
	if (null != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		if (!keep_stderr)
			(void)dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			(void)close(null);
	}
	(void)!write(fd, "", 1);
	(void)close(fd);
}

void
process_notify(const char *state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	socklen_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    !text_copy(addr.sun_path, sizeof addr.sun_path, path))
		return;
	/* "@" stands for the NUL of an abstract address. */
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&addr, len);
	(void)close(fd);
}

enum status
process_write_pid(const char *path, struct fault *fault)
{
	FILE *file = NULL;
	bool is_ok;
	int fd;

	/* Never through a link: this is done as root. */
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd != -1)
		file = fdopen(fd, "w");
	is_ok = file != NULL && fprintf(file, "%ld\n", (long)getpid()) > 0;
	if (file != NULL && fclose(file) != 0)
		is_ok = false;
	if (!is_ok)
		return fault_set(fault, ST_ARCHIVE, "PidFile: %s: %s", path,
		    strerror(errno));
	return ST_OK;
}
