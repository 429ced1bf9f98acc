#include "nameserver.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

static void
pause_ms(long milliseconds)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = milliseconds / 1000,
			    .tv_nsec = milliseconds % 1000 * 1000000 },
	    NULL);
}

static struct sockaddr_in
loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A socket on a port, or with 0 on a free one. */
static int
bind_at(int type, int *port)
{
	struct sockaddr_in addr = loopback(*port);
	socklen_t len = sizeof addr;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*port = ntohs(addr.sin_port);
	return fd;
}

/* One that is free for TCP, and then most likely for UDP. */
static int
free_port(void)
{
	int port = 0, fd = bind_at(SOCK_STREAM, &port);

	(void)close(fd);
	return port;
}

/*
 * unbound.
 */

static void
write_conf(const char *path, const char *directory, int port, const char *lines)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	(void)fprintf(file,
	    "server:\n"
	    "  directory: \"%s\"\n"
	    "  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n"
	    "  use-syslog: no\n  logfile: \"\"\n"
	    "  interface: 127.0.0.1\n  port: %d\n"
	    "  module-config: \"iterator\"\n"
	    "  do-not-query-localhost: no\n"
	    "%s"
	    "remote-control:\n  control-enable: no\n",
	    directory, port, lines);
	ck_assert_int_eq(fclose(file), 0);
}

/* In the child: it goes when the parent goes. */
static void
run_unbound(const char *conf, const char *errors)
{
	int fd = open(errors, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(fd, STDERR_FILENO);
	(void)execlp("unbound", "unbound", "-d", "-c", conf, (char *)NULL);
	(void)execl(
	    "/usr/sbin/unbound", "unbound", "-d", "-c", conf, (char *)NULL);
	perror("unbound");
	_exit(127);
}

void
nameserver_start(
    struct nameserver *server, const char *directory, const char *lines)
{
	char conf[512], errors[512];
	struct buf text;
	int status = 0;

	server->port = free_port();
	(void)snprintf(server->address, sizeof server->address, "127.0.0.1@%d",
	    server->port);
	(void)snprintf(
	    conf, sizeof conf, "%s/unbound-%d.conf", directory, server->port);
	(void)snprintf(
	    errors, sizeof errors, "%s/errors-%d", directory, server->port);
	write_conf(conf, directory, server->port, lines);
	server->pid = fork();
	ck_assert_int_ne(server->pid, -1);
	if (server->pid == 0)
		run_unbound(conf, errors);
	buf_init(&text, 1 << 16);
	for (int i = 0; i < 2000; i++) {
		bool is_ready;

		buf_cut(&text, 0);
		is_ready = unit_slurp(errors, &text) && text.len > 0 &&
		    strstr(text.data, "start of service") != NULL;
		if (is_ready)
			buf_free(&text);
		if (is_ready)
			return;
		if (waitpid(server->pid, &status, WNOHANG) != 0)
			break;
		pause_ms(5);
	}
	(void)kill(server->pid, SIGKILL);
	ck_abort_msg("unbound does not run (status %x): %s", (unsigned)status,
	    text.len > 0 ? text.data : "it says nothing");
}

void
nameserver_stop(struct nameserver *server)
{
	if (server->pid <= 0)
		return;
	(void)kill(server->pid, SIGKILL);
	(void)waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

void
nameserver_sign(const char *directory, const char *zone)
{
	char command[1024];

	(void)snprintf(command, sizeof command,
	    "cd '%s' && key=$(ldns-keygen -a RSASHA256 -b 1024 -k %s) && "
	    "ldns-signzone -n -f %s.signed %s $key && "
	    "cat $key.ds >%s.anchor",
	    directory, zone, zone, zone, zone);
	ck_assert_msg(system(command) == 0,
	    "%s does not work: is ldnsutils installed?", command);
}

/*
 * Silence.
 */

int
nameserver_silent(char *address, size_t size)
{
	int port = 0, fd = bind_at(SOCK_DGRAM, &port);

	(void)snprintf(address, size, "127.0.0.1@%d", port);
	return fd;
}

size_t
nameserver_count(int fd)
{
	char data[4096];
	size_t n = 0;

	while (recv(fd, data, sizeof data, MSG_DONTWAIT) > 0)
		n++;
	return n;
}

/*
 * A relay.
 */

enum {
	FLAG_AA = 0x04, /* of the third byte (RFC 1035, section 4.1.1) */
	FLAG_RA = 0x80  /* of the fourth */
};

/* Ask the server and wait for what it says; 0 is nothing. */
static size_t
ask_server(
    const struct relay *relay, unsigned char *data, size_t len, size_t size)
{
	struct sockaddr_in addr = loopback(relay->port);
	struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n = -1;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (sendto(fd, data, len, 0, (struct sockaddr *)&addr, sizeof addr) > 0)
		n = recv(fd, data, size, 0);
	(void)close(fd);
	return n > 12 ? (size_t)n : 0;
}

/* An answer that waits for its time. */
struct late {
	long when; /* milliseconds */
	struct sockaddr_in to;
	size_t len;
	unsigned char data[4096];
};

struct late_queue {
	struct late late[64];
	size_t first, count;
};

static long
clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Send what is due; returns for how long to wait for the next, or -1. */
static int
send_late(const struct relay *relay, struct late_queue *queue)
{
	while (queue->count > 0) {
		const struct late *late = &queue->late[queue->first];
		long left = late->when - clock_ms();

		if (left > 0)
			return (int)left;
		(void)sendto(relay->fd, late->data, late->len, 0,
		    (const struct sockaddr *)&late->to, sizeof late->to);
		queue->first = (queue->first + 1) % ARRAY_LEN(queue->late);
		queue->count--;
	}
	return -1;
}

/* Take a query and have its answer wait; false is the end. */
static bool
take_query(const struct relay *relay, struct late_queue *queue)
{
	struct late *late =
	    &queue
		 ->late[(queue->first + queue->count) % ARRAY_LEN(queue->late)];
	socklen_t to_len = sizeof late->to;
	ssize_t n = recvfrom(relay->fd, late->data, sizeof late->data, 0,
	    (struct sockaddr *)&late->to, &to_len);

	if (n <= 0)
		return false;
	late->len = ask_server(relay, late->data, (size_t)n, sizeof late->data);
	if (late->len == 0 || queue->count == ARRAY_LEN(queue->late) - 1)
		return true;
	if (relay->is_authoritative) {
		late->data[2] |= FLAG_AA;
		late->data[3] &= (unsigned char)~FLAG_RA;
	}
	late->when = clock_ms() + (long)relay->milliseconds;
	queue->count++;
	return true;
}

static void *
run_relay(void *arg)
{
	const struct relay *relay = arg;
	struct late_queue *queue = calloc(1, sizeof *queue);
	struct pollfd pfd = { .fd = relay->fd, .events = POLLIN };
	bool goes_on = queue != NULL;

	while (goes_on) {
		if (poll(&pfd, 1, send_late(relay, queue)) == 1)
			goes_on = take_query(relay, queue);
	}
	free(queue);
	return NULL;
}

void
relay_start_at(struct relay *relay, const struct nameserver *server, int port)
{
	relay->fd = bind_at(SOCK_DGRAM, &port);
	relay->port = server->port;
	(void)snprintf(
	    relay->address, sizeof relay->address, "127.0.0.1@%d", port);
	ck_assert_int_eq(
	    pthread_create(&relay->thread, NULL, run_relay, relay), 0);
}

void
relay_start(struct relay *relay, const struct nameserver *server)
{
	relay_start_at(relay, server, 0);
}

/* An empty datagram is its end. */
void
relay_stop(struct relay *relay)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof addr;

	ck_assert_int_eq(
	    getsockname(relay->fd, (struct sockaddr *)&addr, &len), 0);
	(void)sendto(
	    relay->fd, "", 0, 0, (struct sockaddr *)&addr, sizeof addr);
	(void)pthread_join(relay->thread, NULL);
	(void)close(relay->fd);
}
