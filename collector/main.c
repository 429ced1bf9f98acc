/*
 * tlsrpt-collector: takes TLS reports by HTTPS (RFC 8460, section 5.4).
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "acceptor.h"
#include "collector.h"
#include "conf.h"
#include "http.h"
#include "listen.h"
#include "log.h"
#include "process.h"
#include "program.h"
#include "server.h"
#include "signals.h"

enum {
	DRAIN_SECONDS = 30,        /* for reports in flight at SIGTERM */
	ALERT_MILLISECONDS = 2000, /* for alerts that run or wait */
	LOG_MILLISECONDS = 2000,   /* for lines that wait at the end */
	/* Descriptors for each connection (its own and a spool's), and for all
	   the rest. */
	CONNECTION_FILES = 2,
	OTHER_FILES = 256
};

static int run(struct conf *conf, const char *conf_path, bool is_foreground);

static const struct program program = {
	.name = "tlsrpt-collector",
	.reader = CONF_COLLECTOR,
	.run = run,
};

/* All there is, for the main thread, which is the one that gets signals. */
struct daemon {
	struct collector collector;
	struct identity identity;
	struct listeners listeners;
	struct http *http;
	struct acceptor *acceptor;
};

/* Threads that are started with this are not to get signals. */
static void
block_signals(sigset_t *old)
{
	sigset_t set;

	(void)sigfillset(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, old);
}

/*
 * Serving.
 */

/* A new certificate, also where the file has the same name. */
static void
renew(struct daemon *d)
{
	struct conf *conf = server_conf(&d->collector.server);
	struct fault fault;
	sigset_t old;

	if (conf->certificate_file[0] != '\0' ||
	    d->collector.server.start->certificate_file[0] != '\0') {
		block_signals(&old);
		if (http_start(d->http, conf, &d->listeners, &fault) != ST_OK)
			log_text(d->collector.log, SEV_ERR,
			    "the old certificate stays in force: %s",
			    fault.detail);
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	conf_unref(&conf);
}

static int
serve(struct daemon *d)
{
	struct log *log = d->collector.log;

	while (signals_wait() == SIGHUP) {
		process_notify("RELOADING=1");
		server_reload(&d->collector.server);
		renew(d);
		process_notify("READY=1");
	}
	process_notify("STOPPING=1");
	acceptor_stop_listening(d->acceptor);
	if (!server_drain(&d->collector.server, DRAIN_SECONDS))
		log_text(log, SEV_WARNING,
		    "stopping with reports in flight, which get no answer");
	acceptor_free(&d->acceptor);
	http_free(&d->http);
	server_stop(&d->collector.server, ALERT_MILLISECONDS);
	log_text(log, SEV_INFO, "stopped");
	return EX_OK;
}

/*
 * Start. Each step that fails says so on standard error, since it was a person
 * or an init script that asked.
 */

struct question {
	const struct conf *conf;
	struct fault *fault;
};

/* As the user, who has to read it again later. */
static enum status
ask_certificate(void *ctx)
{
	const struct question *q = ctx;

	return http_check(q->conf, q->fault);
}

/* Everything that can be refused before the first connection. */
static int
prepare(struct daemon *d)
{
	struct conf *conf = d->collector.server.conf;
	struct fault fault = { .detail = "cannot change to User" };
	struct question question = { conf, &fault };
	int status;

	if (process_identity(conf, &d->identity, &fault) != ST_OK)
		return program_refuse(&program, EX_NOUSER, &fault);
	status = program_check_archive(&program, &d->identity, conf);
	if (status != EX_OK)
		return status;
	if (process_as_user(&d->identity, conf, ask_certificate, &question) !=
	    ST_OK)
		return program_refuse(&program, EX_NOINPUT, &fault);
	if (listen_open(&d->listeners, conf, &d->identity, &fault) != ST_OK)
		return program_refuse(&program, EX_UNAVAILABLE, &fault);
	if (process_drop(&d->identity, conf, &fault) != ST_OK)
		return program_refuse(&program, EX_NOPERM, &fault);
	return EX_OK;
}

/* As many descriptors as MaxConnections may take, if we may have them. */
static void
raise_limit(struct log *log, const struct conf *conf)
{
	rlim_t want =
	    CONNECTION_FILES * (rlim_t)conf->max_connections + OTHER_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= want)
		return;
	limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < want)
		log_text(log, SEV_WARNING,
		    "MaxConnections %llu may take %llu descriptors, and %llu "
		    "are allowed",
		    (unsigned long long)conf->max_connections,
		    (unsigned long long)want,
		    (unsigned long long)limit.rlim_cur);
}

static enum status
start_all(struct daemon *d, struct fault *fault)
{
	struct server *server = &d->collector.server;
	enum status st = server_start(server, fault);

	if (st == ST_OK && log_start(d->collector.log) != ST_OK)
		st = fault_set(fault, ST_NO_MEMORY, "cannot start a thread");
	if (st == ST_OK)
		st = http_start(d->http, server->conf, &d->listeners, fault);
	if (st != ST_OK)
		return st;
	d->acceptor =
	    acceptor_start(&d->collector, d->http, &d->listeners, fault);
	return d->acceptor != NULL ? ST_OK : fault->status;
}

/* Start the other threads, which are not to get signals. */
static int
start_threads(struct daemon *d)
{
	struct fault fault;
	enum status st;
	sigset_t old;

	raise_limit(d->collector.log, d->collector.server.conf);
	block_signals(&old);
	st = start_all(d, &fault);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (st == ST_OK)
		return EX_OK;
	listen_close(&d->listeners);
	return program_refuse(&program, EX_UNAVAILABLE, &fault);
}

static bool
make(struct daemon *d, const char *conf_path, struct conf *conf)
{
	struct log *log = log_new(conf, NULL);

	if (log == NULL || !signals_catch() ||
	    !server_init(
		&d->collector.server, conf_path, CONF_COLLECTOR, conf, log) ||
	    !collector_init(&d->collector, log))
		return false;
	d->http = http_new(&d->collector);
	return d->http != NULL;
}

/* What works, and most likely not as it was meant. */
static void
say_what_is_odd(
    struct log *log, const struct conf *conf, const struct listeners *listeners)
{
	if (listeners->is_inherited && conf->listen.count > 0)
		log_text(log, SEV_WARNING,
		    "Listen has no effect: the sockets are systemd's");
	if (conf->trusted_proxy.count > 0)
		return;
	if (listen_has(listeners, true))
		log_text(log, SEV_WARNING,
		    "TrustedProxy is not set: whoever comes through a unix: "
		    "socket counts as one client");
	if (listen_has(listeners, false) && conf->certificate_file[0] == '\0')
		log_text(log, SEV_WARNING,
		    "CertificateFile is not set: no TLS on TCP sockets, nor a "
		    "TrustedProxy that speaks it");
}

static int
run(struct conf *conf, const char *conf_path, bool is_foreground)
{
	static struct daemon d;
	int ready = -1, status;

	if (!is_foreground) {
		ready = process_daemonize();
		if (ready == -1) {
			perror("tlsrpt-collector: cannot become a daemon");
			return EX_OSERR;
		}
	}
	(void)umask(027);
	if (!make(&d, conf_path, conf)) {
		(void)fputs("tlsrpt-collector: out of memory\n", stderr);
		return EX_OSERR;
	}
	status = prepare(&d);
	if (status == EX_OK)
		status = start_threads(&d);
	if (status == EX_OK) {
		if (ready != -1)
			log_detach(d.collector.log);
		log_text(d.collector.log, SEV_INFO,
		    "version %s listens on %zu socket%s%s", VERSION,
		    d.listeners.count, d.listeners.count == 1 ? "" : "s",
		    d.listeners.is_inherited ? " of systemd's" : "");
		say_what_is_odd(d.collector.log, conf, &d.listeners);
		process_ready(ready, conf->log_target == TARGET_STDERR);
		status = serve(&d);
	}
	(void)log_wait(d.collector.log, LOG_MILLISECONDS);
	return status;
}

int
main(int argc, char **argv)
{
	return program_main(&program, argc, argv);
}
