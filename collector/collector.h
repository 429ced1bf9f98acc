/*
 * collector: what all parts of tlsrpt-collector share.
 *
 * A request runs through these threads: the one that accepts connections
 * (acceptor), one of the library's that reads it (http, request), one of ours
 * that takes the whole body through the intake (worker, store), and the
 * library's again for the answer. So no thread that serves connections waits
 * for a disk to sync or for a decoder.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <pthread.h>
#include <stdint.h>

#include "conf.h"
#include "log.h"
#include "ratetable.h"
#include "server.h"

struct collector {
	struct server server;
	struct log *log; /* borrowed */

	pthread_mutex_t mutex; /* over what follows */
	struct ratetable *rates;
	struct refusals {
		double lines;     /* that may be logged now */
		uint64_t when;    /* that was so, on deadline_now()'s clock */
		uint64_t omitted; /* that were not */
	} refusals[2]; /* of what clients do wrong, and for trouble of ours */
	uint64_t health_when;
	bool is_healthy;
	uint64_t on_disk; /* bytes of bodies in spools' files */
	uint64_t id_base; /* microseconds since 1970 at the start */
	uint64_t id_next;
};

enum {
	COLLECTOR_ID_MAX = 32,
	COLLECTOR_BODIES = 16,
	COLLECTOR_FLOOR_PART = 20, /* one in so many bytes, and files */
	COLLECTOR_FLOOR_FILES = 100000,
	COLLECTOR_FLOOR = 1 << 30 /* bytes */
};

/* False when there is no memory. The server is initialized by the caller. */
bool collector_init(struct collector *collector, struct log *log);

/*
 * An id for a request, for the log, the record and the answer: letters and
 * digits, and none was given before, at this start or an earlier one.
 */
void collector_id(struct collector *collector, char out[COLLECTOR_ID_MAX]);

/*
 * Log a request that was refused, event "refused". So many a second, for
 * anybody can have lines written here; what is left out is counted. Statuses
 * from 500 on have their own count, so that nobody can keep them out of the
 * log.
 */
void collector_refused(struct collector *collector, unsigned status,
    const char *reason, const char *client, const char *id);

/*
 * Is there room for what nobody vouches for? Anybody can send that, and so it
 * leaves a part of the disk free (COLLECTOR_FLOOR_PART, but no more than
 * COLLECTOR_FLOOR and COLLECTOR_FLOOR_FILES), for reports by mail above all.
 */
bool collector_has_room(const struct conf *conf);

/*
 * Can the archive be written, and has it room? For the whole process it is
 * looked at once a second.
 */
bool collector_is_healthy(struct collector *collector, const struct conf *conf);

/*
 * Count bytes of a body that wait on disk, or take them back. However many send
 * large bodies at a time, only so many bytes wait: for COLLECTOR_BODIES of the
 * greatest size. False, and nothing counted, when there is no room.
 */
bool collector_reserve(
    struct collector *collector, const struct conf *conf, uint64_t bytes);
void collector_release(struct collector *collector, uint64_t bytes);

/*
 * May this client make a request now? If not, *retry is set to seconds.
 */
bool collector_may_ask(struct collector *collector, const struct conf *conf,
    const struct network *client, unsigned *retry);

#endif
