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
#include "archive.h"
#include "collector.h"
#include "conf.h"
#include "http.h"
#include "listen.h"
#include "log.h"
#include "process.h"
#include "server.h"
#include "signals.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

enum {
	DRAIN_SECONDS = 30,        /* for reports in flight at SIGTERM */
	ALERT_MILLISECONDS = 2000, /* for alerts that run or wait */
	LOG_MILLISECONDS = 2000,   /* for lines that wait at the end */
	/* Descriptors for each connection (its own and a spool's), and for all
	   the rest. */
	CONNECTION_FILES = 2,
	OTHER_FILES = 256
};

static const char usage[] =
    "usage: tlsrpt-collector [-c FILE] [-f] [-t] [-V] [-h]\n"
    "\n"
    "  -c FILE  configuration (" SYSCONFDIR "/tlsrpt-milter.conf)\n"
    "  -f       stay in the foreground\n"
    "  -t       check the configuration, print each problem, and exit\n"
    "  -V       print the version\n"
    "  -h       print this\n";

struct options {
	const char *conf_path;
	bool is_foreground;
	bool is_test;
};

/* All there is, for the main thread, which is the one that gets signals. */
struct daemon {
	struct collector collector;
	struct identity identity;
	struct listeners listeners;
	struct http *http;
	struct acceptor *acceptor;
};

static int
refuse(int status, const struct fault *fault)
{
	(void)fprintf(stderr, "tlsrpt-collector: %s\n", fault->detail);
	return status;
}

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

static enum status
ask_archive(void *ctx)
{
	const struct question *q = ctx;

	return archive_check(q->conf->archive_directory, q->fault);
}

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

	if (process_identity(conf, &d->identity, &fault) != ST_OK)
		return refuse(EX_NOUSER, &fault);
	if (process_as_user(&d->identity, conf, ask_archive, &question) !=
	    ST_OK) {
		(void)fprintf(stderr,
		    "tlsrpt-collector: ArchiveDirectory: %s\n", fault.detail);
		return EX_CANTCREAT;
	}
	if (process_as_user(&d->identity, conf, ask_certificate, &question) !=
	    ST_OK)
		return refuse(EX_NOINPUT, &fault);
	if (listen_open(&d->listeners, conf, &d->identity, &fault) != ST_OK)
		return refuse(EX_UNAVAILABLE, &fault);
	if (process_drop(&d->identity, conf, &fault) != ST_OK)
		return refuse(EX_NOPERM, &fault);
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
	return refuse(EX_UNAVAILABLE, &fault);
}

static bool
make(struct daemon *d, const struct options *options, struct conf *conf)
{
	struct log *log = log_new(conf, NULL);

	if (log == NULL || !signals_catch() ||
	    !server_init(&d->collector.server, options->conf_path,
		CONF_COLLECTOR, conf, log) ||
	    !collector_init(&d->collector, log))
		return false;
	d->http = http_new(&d->collector);
	return d->http != NULL;
}

static int
run(struct conf *conf, const struct options *options)
{
	static struct daemon d;
	int ready = -1, status;

	if (!options->is_foreground) {
		ready = process_daemonize();
		if (ready == -1) {
			perror("tlsrpt-collector: cannot become a daemon");
			return EX_OSERR;
		}
	}
	(void)umask(027);
	if (!make(&d, options, conf)) {
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
		process_ready(ready, conf->log_target == TARGET_STDERR);
		status = serve(&d);
	}
	(void)log_wait(d.collector.log, LOG_MILLISECONDS);
	return status;
}

static int
misused(void)
{
	(void)fputs("\"tlsrpt-collector -h\" says how it is used.\n", stderr);
	return EX_USAGE;
}

/* Returns an exit status, or -1 to go on. */
static int
read_options(struct options *options, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:ftVh")) != -1) {
		switch (c) {
		case 'c':
			options->conf_path = optarg;
			break;
		case 'f':
			options->is_foreground = true;
			break;
		case 't':
			options->is_test = true;
			break;
		case 'V':
			(void)puts("tlsrpt-collector " VERSION);
			return EX_OK;
		case 'h':
			(void)fputs(usage, stdout);
			return EX_OK;
		default:
			return misused();
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "tlsrpt-collector: \"%s\" is no option\n",
		    argv[optind]);
		return misused();
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct options options = {
		.conf_path = SYSCONFDIR "/tlsrpt-milter.conf",
	};
	int status = read_options(&options, argc, argv);
	char path[PATH_MAX];
	struct conf *conf;

	if (status != -1)
		return status;
	conf = conf_load(options.conf_path, CONF_COLLECTOR,
	    options.is_test ? stdout : stderr);
	if (conf == NULL)
		return EX_CONFIG;
	if (options.is_test) {
		conf_unref(&conf);
		return EX_OK;
	}
	/* A daemon has another working directory when it reads it again. */
	if (realpath(options.conf_path, path) != NULL)
		options.conf_path = path;
	return run(conf, &options);
}
