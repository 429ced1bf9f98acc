/*
 * tlsrpt-milter: takes TLS reports (RFC 8460) out of Postfix's hands.
 */
#include <errno.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "callbacks.h"
#include "conf.h"
#include "log.h"
#include "process.h"
#include "server.h"
#include "signals.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

enum {
	GRACE_NANOSECONDS = 300000000, /* for verdicts to be sent */
	DRAIN_SECONDS = 30,            /* for messages in flight at SIGTERM */
	ALERT_MILLISECONDS = 2000,     /* for alerts that run or wait */
	LOG_MILLISECONDS = 2000        /* for lines that wait at the end */
};

static const char usage[] =
    "usage: tlsrpt-milter [-c FILE] [-f] [-t] [-V] [-h]\n"
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

/*
 * The main thread is the one that gets signals: all others have them blocked,
 * and libmilter's own waits in vain (interpose.c).
 */

/* libmilter's own loop; its end without our doing is the end of us. */
static void *
run_milter(void *arg)
{
	(void)arg;
	(void)smfi_main();
	signals_gone();
	return NULL;
}

/* Whoever connects from now on finds nobody, or our successor. */
static void
leave(const struct conf *start)
{
	if (process_socket_path(start->socket) != NULL)
		(void)unlink(process_socket_path(start->socket));
	if (start->pid_file[0] != '\0')
		(void)unlink(start->pid_file);
}

/*
 * Serve until a signal or libmilter says that it is over. start is the
 * configuration of the start, which named the socket and the pid file.
 */
static int
serve(struct server *server, const struct conf *start)
{
	int number;

	while ((number = signals_wait()) == SIGHUP) {
		process_notify("RELOADING=1");
		server_reload(server);
		process_notify("READY=1");
	}
	if (number == SIGNALS_GONE) {
		log_text(server->log, SEV_ERR, "libmilter gave up");
		return EX_SOFTWARE;
	}
	process_notify("STOPPING=1");
	leave(start);
	if (!server_drain(server, DRAIN_SECONDS))
		log_text(server->log, SEV_WARNING,
		    "stopping with messages in flight: the MTA will try "
		    "them again");
	/* The last verdict is libmilter's to send, once a callback returns. */
	(void)nanosleep(
	    &(struct timespec){ .tv_nsec = GRACE_NANOSECONDS }, NULL);
	server_stop(server, ALERT_MILLISECONDS);
	/* smfi_stop(3) would only wait for libmilter's next look around. */
	log_text(server->log, SEV_INFO, "stopped");
	return EX_OK;
}

/*
 * Start. Each step that fails says so on standard error, since it was a person
 * or an init script that asked.
 */

static int
refuse(int status, const struct fault *fault)
{
	(void)fprintf(stderr, "tlsrpt-milter: %s\n", fault->detail);
	return status;
}

struct archive_question {
	const struct conf *conf;
	struct fault *fault;
};

static enum status
ask_archive(void *ctx)
{
	const struct archive_question *q = ctx;

	return archive_check(q->conf->archive_directory, q->fault);
}

/*
 * smfi_opensocket(), with mode and group right from the first moment, since an
 * MTA that waits for us after a restart connects at once and may not ask again.
 */
static int
listen_as(const struct conf *conf, const struct identity *identity)
{
	bool has_group =
	    identity->is_root && identity->socket_group != (gid_t)-1;
	mode_t mask = umask(0777 & ~(mode_t)conf->socket_mode);
	gid_t gid = getegid();
	int rc, saved;

	/* Who may not do this cannot give it away later, which is told. */
	if (has_group)
		(void)!setegid(identity->socket_group);
	rc = smfi_opensocket(0);
	saved = errno;
	if (has_group)
		(void)!setegid(gid);
	(void)umask(mask);
	errno = saved;
	return rc;
}

/* Listen, and let nobody in whom SocketMode does not let in. */
static int
open_socket(const struct conf *conf, const struct identity *identity)
{
	struct fault fault;

	if (process_clear_socket(conf->socket, &fault) != ST_OK)
		return refuse(EX_UNAVAILABLE, &fault);
	if (listen_as(conf, identity) != MI_SUCCESS) {
		(void)fault_set(&fault, ST_ARCHIVE,
		    "Socket: cannot listen on %s: %s", conf->socket,
		    strerror(errno));
		return refuse(EX_UNAVAILABLE, &fault);
	}
	if (process_own_socket(conf, identity, &fault) != ST_OK)
		return refuse(EX_NOPERM, &fault);
	return EX_OK;
}

/* Everything that can be refused before the first connection. */
static int
prepare(struct server *server)
{
	struct conf *conf = server->conf;
	struct identity identity;
	struct fault fault = { .detail = "cannot change to User" };
	struct archive_question question = { conf, &fault };
	int status;

	if (process_identity(conf, &identity, &fault) != ST_OK)
		return refuse(EX_NOUSER, &fault);
	if (process_as_user(&identity, conf, ask_archive, &question) != ST_OK) {
		(void)fprintf(stderr, "tlsrpt-milter: ArchiveDirectory: %s\n",
		    fault.detail);
		return EX_CANTCREAT;
	}
	if (smfi_setconn(conf->socket) != MI_SUCCESS ||
	    !callbacks_register(server)) {
		(void)fault_set(&fault, ST_ARCHIVE,
		    "libmilter does not take Socket %s", conf->socket);
		return refuse(EX_SOFTWARE, &fault);
	}
	status = open_socket(conf, &identity);
	if (status != EX_OK)
		return status;
	if (conf->pid_file[0] != '\0' &&
	    process_write_pid(conf->pid_file, &fault) != ST_OK)
		return refuse(EX_CANTCREAT, &fault);
	if (process_drop(&identity, conf, &fault) != ST_OK)
		return refuse(EX_NOPERM, &fault);
	return EX_OK;
}

/* Start the other threads, which are not to get signals. */
static int
start_threads(struct server *server)
{
	struct fault fault;
	pthread_t thread;
	sigset_t set, old;
	bool is_ok;

	(void)sigfillset(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, &old);
	if (server_start(server, &fault) != ST_OK)
		return refuse(EX_UNAVAILABLE, &fault);
	is_ok = log_start(server->log) == ST_OK &&
	    pthread_create(&thread, NULL, run_milter, NULL) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!is_ok) {
		(void)fprintf(stderr, "tlsrpt-milter: cannot start a thread\n");
		return EX_OSERR;
	}
	(void)pthread_detach(thread);
	return EX_OK;
}

static int
run(struct conf *conf, const struct options *options)
{
	/* libmilter's threads may look at it until the process is gone. */
	static struct server server;
	struct log *log;
	struct conf *start = conf_ref(conf);
	int ready = -1, status;

	if (!options->is_foreground) {
		ready = process_daemonize();
		if (ready == -1) {
			perror("tlsrpt-milter: cannot become a daemon");
			return EX_OSERR;
		}
	}
	(void)umask(027);
	log = log_new(conf, NULL);
	if (log == NULL || !signals_catch() ||
	    !server_init(&server, options->conf_path, CONF_MILTER, conf, log)) {
		(void)fputs("tlsrpt-milter: out of memory\n", stderr);
		return EX_OSERR;
	}
	status = prepare(&server);
	if (status == EX_OK) {
		status = start_threads(&server);
		if (status != EX_OK)
			leave(start);
	}
	if (status == EX_OK) {
		if (ready != -1)
			log_detach(log);
		log_text(log, SEV_INFO, "version %s listens on %s", VERSION,
		    start->socket);
		process_ready(ready, start->log_target == TARGET_STDERR);
		status = serve(&server, start);
	}
	/* The rest stays: libmilter's threads go on until the very end. */
	(void)log_wait(log, LOG_MILLISECONDS);
	conf_unref(&start);
	return status;
}

static int
misused(void)
{
	(void)fputs("\"tlsrpt-milter -h\" says how it is used.\n", stderr);
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
			(void)puts("tlsrpt-milter " VERSION);
			return EX_OK;
		case 'h':
			(void)fputs(usage, stdout);
			return EX_OK;
		default:
			return misused();
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "tlsrpt-milter: \"%s\" is no option\n",
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
	char path[4096];
	struct conf *conf;

	if (status != -1)
		return status;
	conf = conf_load(
	    options.conf_path, CONF_MILTER, options.is_test ? stdout : stderr);
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
