/*
 * server: what all sessions share: the configuration in force, the log, the
 * intake site, and the count of messages in flight.
 */
#ifndef SERVER_H
#define SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "conf.h"
#include "intake.h"
#include "log.h"

struct server {
	const char *conf_path; /* borrowed, as is log */
	struct log *log;
	struct intake_site site;

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t idle;   /* in_flight has become 0 */
	struct conf *conf;     /* in force for new messages */
	unsigned in_flight;
};

/* Takes over the caller's reference to conf. */
void server_init(struct server *server, const char *conf_path,
    struct conf *conf, struct log *log);

/* A reference to the configuration in force; give it to conf_unref(). */
struct conf *server_conf(struct server *server);

/*
 * Read the configuration again and put it in force. A file with a problem, or
 * an archive that cannot be written, leaves the old one in force; the log says
 * which.
 */
void server_reload(struct server *server);

/* A message for the mailbox begins, ends. */
void server_begin(struct server *server);
void server_end(struct server *server);

/* Wait until no message is in flight, but no longer than so many seconds. */
bool server_drain(struct server *server, unsigned seconds);

#endif
