/*
 * nameserver: a real unbound(8) on a loopback port of its own, and what stands
 * between it and who asks.
 */
#ifndef NAMESERVER_H
#define NAMESERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct nameserver {
	pid_t pid;
	int port;
	char address[32]; /* "127.0.0.1@PORT" */
};

/*
 * Start unbound with more lines of its configuration, in a directory that
 * holds what they name, and wait until it answers. Fails the test when it does
 * not, or is not installed. It ends with the process that started it.
 */
void nameserver_start(
    struct nameserver *server, const char *directory, const char *lines);
void nameserver_stop(struct nameserver *server);

/* A socket bound to a free UDP port of 127.0.0.1 that nobody reads. */
int nameserver_silent(char *address, size_t size);

/* How many datagrams wait there; they are read. */
size_t nameserver_count(int fd);

/*
 * Make a key for zone, sign directory/zone with it (ldns-signzone) into
 * directory/zone.signed, and put the zone's trust anchor into
 * directory/zone.anchor.
 */
void nameserver_sign(const char *directory, const char *zone);

/*
 * Between a nameserver and who asks, by UDP: hands each answer over after so
 * many milliseconds, and can make it look as if an authoritative server that
 * offers no recursion gave it.
 */
struct relay {
	int fd;
	int port; /* the server's */
	_Atomic unsigned milliseconds;
	bool is_authoritative;
	char address[32];
	pthread_t thread;
};

/* On a free port, or on one that is known to be free. */
void relay_start(struct relay *relay, const struct nameserver *server);
void
relay_start_at(struct relay *relay, const struct nameserver *server, int port);
void relay_stop(struct relay *relay);

#endif
