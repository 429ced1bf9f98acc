/*
 * server: what all sessions of a daemon share: the configuration in force, the
 * log, the intake site, and the count of messages in flight.
 */
#ifndef SERVER_H
#define SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "alert.h"
#include "conf.h"
#include "intake.h"
#include "log.h"
#include "tracker.h"

struct server {
	const char *conf_path; /* borrowed, as is log */
	enum conf_reader reader;
	struct log *log;
	struct verify_site *verify;
	struct alert *alert;
	struct tracker *tracker; /* NULL: tracker_is_wanted() */
	struct syncer *syncer; /* NULL: the collector, who waits for the disk */
	struct intake_site site;
	struct conf *start; /* in force where a restart is needed */

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t idle;   /* in_flight has become 0 */
	struct conf *conf;     /* in force for new messages */
	unsigned in_flight;
	bool is_draining;
};

/* Takes over the caller's reference to conf. False when there is no memory. */
bool server_init(struct server *server, const char *conf_path,
    enum conf_reader reader, struct conf *conf, struct log *log);

/*
 * Make what verifies signatures, and start what alerts, what syncs records
 * behind the reply (of the milter) and what keeps the index, which have
 * threads: after all forks, and with signals blocked that these are not to get.
 */
enum status server_start(struct server *server, struct fault *fault);

/* A reference to the configuration in force; give it to conf_unref(). */
struct conf *server_conf(struct server *server);

/*
 * Read the configuration again and put it in force. A file with a problem, an
 * archive that cannot be written, or a resolver that cannot be made leaves the
 * old one in force; the log says which.
 */
void server_reload(struct server *server);

/*
 * A message for the mailbox begins, ends. None may begin any more when the
 * server is being drained: then false, and no end.
 */
bool server_begin(struct server *server);
void server_end(struct server *server);

/*
 * Let no message begin any more, and wait until none is in flight, but no
 * longer than so many seconds. Returns whether none is.
 */
bool server_drain(struct server *server, unsigned seconds);

/* Let the threads end; alerts that wait have so many milliseconds. */
void server_stop(struct server *server, unsigned milliseconds);

#endif
