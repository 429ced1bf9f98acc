/*
 * connection: the connections that are open, and until when each may take its
 * time.
 *
 * RequestTimeout bounds a whole request, not the time between two bytes of it:
 * who sends a byte now and then is cut off all the same. The clock starts when
 * the connection is made and when an answer has been sent, and stands still
 * while a request is ours.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connections;
struct connection;

/* NULL when there is no memory. */
struct connections *connections_new(void);

/*
 * One is there, or is gone; the descriptor stays its owner's and must be open
 * in between. NULL when there is no memory.
 */
struct connection *connections_add(struct connections *connections, int fd);
void connections_remove(
    struct connections *connections, struct connection **connection);

/* The clock starts, with so many seconds; 0: it stands still. */
void connection_set_timeout(struct connections *connections,
    struct connection *connection, uint64_t seconds);

/* Was it cut off? */
bool connection_is_timed_out(
    struct connections *connections, const struct connection *connection);

/*
 * Cut off those whose time is up, and those of whose clients nothing more will
 * come, which the library does not see when the last bytes and the end arrive
 * together. They are shut down in both directions, which it does see. To be
 * called every second or so: who is at its end at two calls is done.
 */
void connections_sweep(struct connections *connections);

/*
 * Cut off, likewise, up to so many of those whose clock goes: who has kept us
 * waiting longest, but nobody in the first second. Returns how many.
 */
size_t connections_make_room(struct connections *connections, size_t most);

/* None may be left. */
void connections_free(struct connections **connections);

#endif
