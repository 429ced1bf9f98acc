#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive.h"
#include "event.h"

enum {
	/* For a small archive to be indexed before the first message comes. */
	INDEX_MILLISECONDS = 2000
};

/* Of records whose mail somebody has, and which may be taken in again. */
static void
on_sync_failure(void *ctx, const struct fault *fault, enum conf_action action)
{
	struct server *server = ctx;
	struct event ev;

	event_init(&ev, "error", SEV_ERR);
	event_fault(&ev, fault);
	event_string(&ev, "severity", severity_str(SEV_ERR));
	event_string(&ev, "disposition", action_str(action));
	(void)log_event(server->log, &ev, "NOQUEUE");
}

bool
server_init(struct server *server, const char *conf_path,
    enum conf_reader reader, struct conf *conf, struct log *log)
{
	bool with_index = tracker_is_wanted(conf);

	*server = (struct server){
		.conf_path = conf_path,
		.reader = reader,
		.start = conf_ref(conf),
		.conf = conf,
		.log = log,
	};
	(void)pthread_mutex_init(&server->mutex, NULL);
	(void)pthread_cond_init(&server->idle, NULL);
	server->verify = verify_site_new();
	server->alert = alert_new(log);
	if (reader == CONF_MILTER)
		server->syncer = syncer_new(on_sync_failure, server);
	if (server->verify == NULL || server->alert == NULL ||
	    (reader == CONF_MILTER && server->syncer == NULL))
		return false;
	if (with_index)
		server->tracker = tracker_new(log, server->alert, true);
	intake_site_init(&server->site, log, server->verify, server->tracker,
	    server->syncer);
	return !with_index || server->tracker != NULL;
}

/* What can be set in any case, at the start and when it is read again. */
static void
configure(struct server *server, struct conf *conf)
{
	alert_configure(server->alert, conf);
	if (server->tracker != NULL)
		tracker_configure(server->tracker, conf);
}

enum status
server_start(struct server *server, struct fault *fault)
{
	enum status st =
	    verify_site_configure(server->verify, server->conf, fault);

	configure(server, server->conf);
	if (st == ST_OK)
		st = alert_start(server->alert, fault);
	if (st == ST_OK && server->syncer != NULL)
		st = syncer_start(server->syncer, fault);
	if (server->tracker == NULL)
		log_text(server->log, SEV_INFO, "no index: StateFile is %s",
		    conf_is_given(server->conf, "StateFile")
			? "none"
			: "not set, and its directory is not there");
	else if (st == ST_OK)
		st = tracker_start(server->tracker, INDEX_MILLISECONDS, fault);
	return st;
}

void
server_stop(struct server *server, unsigned milliseconds)
{
	if (server->syncer != NULL)
		syncer_stop(server->syncer);
	if (server->tracker != NULL)
		tracker_stop(server->tracker);
	alert_free(&server->alert, milliseconds);
}

struct conf *
server_conf(struct server *server)
{
	struct conf *conf;

	(void)pthread_mutex_lock(&server->mutex);
	conf = conf_ref(server->conf);
	(void)pthread_mutex_unlock(&server->mutex);
	return conf;
}

static void
replace_conf(struct server *server, struct conf *conf)
{
	struct conf *old;

	(void)pthread_mutex_lock(&server->mutex);
	old = server->conf;
	server->conf = conf;
	(void)pthread_mutex_unlock(&server->mutex);
	conf_unref(&old);
}

/* Read the file; its problems go to the log, a line each. */
static struct conf *
load_conf(struct server *server)
{
	char *text = NULL, *line, *rest;
	size_t size = 0;
	FILE *problems = open_memstream(&text, &size);
	struct conf *conf;

	if (problems == NULL)
		return NULL;
	conf = conf_load(server->conf_path, server->reader, problems);
	(void)fclose(problems);
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		log_text(server->log, SEV_ERR, "%s", line);
	free(text);
	return conf;
}

void
server_reload(struct server *server)
{
	struct conf *conf = load_conf(server);
	char restart[256];
	struct fault fault;

	if (conf != NULL &&
	    archive_check(conf->archive_directory, &fault) != ST_OK) {
		log_text(
		    server->log, SEV_ERR, "ArchiveDirectory: %s", fault.detail);
		conf_unref(&conf);
	}
	if (conf != NULL &&
	    verify_site_configure(server->verify, conf, &fault) != ST_OK) {
		log_text(server->log, SEV_ERR, "%s", fault.detail);
		conf_unref(&conf);
	}
	if (conf == NULL) {
		log_text(server->log, SEV_ERR,
		    "configuration not read again: the old one stays in "
		    "force");
		return;
	}
	conf_restart_needed(server->start, conf, restart, sizeof restart);
	log_reconfigure(server->log, conf);
	configure(server, conf);
	replace_conf(server, conf);
	log_text(server->log, SEV_INFO, "configuration read again from %s",
	    server->conf_path);
	if (restart[0] != '\0')
		log_text(server->log, SEV_WARNING,
		    "takes effect at a restart only: %s", restart);
}

bool
server_begin(struct server *server)
{
	bool may_begin;

	(void)pthread_mutex_lock(&server->mutex);
	may_begin = !server->is_draining;
	if (may_begin)
		server->in_flight++;
	(void)pthread_mutex_unlock(&server->mutex);
	return may_begin;
}

void
server_end(struct server *server)
{
	(void)pthread_mutex_lock(&server->mutex);
	if (--server->in_flight == 0)
		(void)pthread_cond_broadcast(&server->idle);
	(void)pthread_mutex_unlock(&server->mutex);
}

bool
server_drain(struct server *server, unsigned seconds)
{
	struct timespec deadline;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += seconds;
	(void)pthread_mutex_lock(&server->mutex);
	server->is_draining = true;
	while (server->in_flight > 0 && rc == 0)
		rc = pthread_cond_timedwait(
		    &server->idle, &server->mutex, &deadline);
	(void)pthread_mutex_unlock(&server->mutex);
	return rc == 0;
}
