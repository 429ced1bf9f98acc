/*
 * acceptor: the thread that takes connections, no more than MaxConnections at a
 * time, and looks after those that are there.
 */
#ifndef ACCEPTOR_H
#define ACCEPTOR_H

#include "collector.h"
#include "http.h"
#include "listen.h"
#include "status.h"

struct acceptor;

/* All are borrowed. Signals are to be blocked. NULL with *fault. */
struct acceptor *acceptor_start(struct collector *collector, struct http *http,
    struct listeners *listeners, struct fault *fault);

/* Take no more connections: the sockets are closed when it returns. */
void acceptor_stop_listening(struct acceptor *acceptor);

/* End the thread and free. */
void acceptor_free(struct acceptor **acceptor);

#endif
