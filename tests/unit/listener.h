/*
 * listener: a syslog daemon or a journal in the test: a datagram socket.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <stddef.h>

/* Bind a datagram socket at path, unlinking what was there. */
int listener_open(const char *path);

/* The next datagram, NUL-terminated in out, within so many milliseconds. */
bool listener_read(int fd, char *out, size_t size, int milliseconds);

/* Does the next datagram come, and does it hold the string? Fails if not. */
void listener_expect(int fd, const char *string);

/* Read what is there; how many datagrams. */
size_t listener_drain(int fd, int milliseconds);

#endif
