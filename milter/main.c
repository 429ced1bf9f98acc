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

#include "callbacks.h"
#include "conf.h"
#include "log.h"
#include "process.h"
#include "program.h"
#include "server.h"
#include "signals.h"

enum {
	GRACE_NANOSECONDS = 300000000, /* for verdicts to be sent */
	DRAIN_SECONDS = 30,            /* for messages in flight at SIGTERM */
	ALERT_MILLISECONDS = 2000,     /* for alerts that run or wait */
	LOG_MILLISECONDS = 2000        /* for lines that wait at the end */
};

static int run(struct conf *conf, const char *conf_path, bool is_foreground);

static const struct program program = {
	.name = "tlsrpt-milter",
	.reader = CONF_MILTER,
	.run = run,
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

	if (process_clear_socket("Socket", conf->socket, &fault) != ST_OK)
		return program_refuse(&program, EX_UNAVAILABLE, &fault);
	if (listen_as(conf, identity) != MI_SUCCESS) {
		(void)fault_set(&fault, ST_ARCHIVE,
		    "Socket: cannot listen on %s: %s", conf->socket,
		    strerror(errno));
		return program_refuse(&program, EX_UNAVAILABLE, &fault);
	}
	if (process_own_socket(conf, identity, &fault) != ST_OK)
		return program_refuse(&program, EX_NOPERM, &fault);
	return EX_OK;
}

/* Everything that can be refused before the first connection. */
static int
prepare(struct server *server)
{
	struct conf *conf = server->conf;
	struct identity identity;
	struct fault fault;
	int status;

	if (process_identity(conf, &identity, &fault) != ST_OK)
		return program_refuse(&program, EX_NOUSER, &fault);
	status = program_check_archive(&program, &identity, conf);
	if (status != EX_OK)
		return status;
	if (smfi_setconn(conf->socket) != MI_SUCCESS ||
	    !callbacks_register(server)) {
		(void)fault_set(&fault, ST_ARCHIVE,
		    "libmilter does not take Socket %s", conf->socket);
		return program_refuse(&program, EX_SOFTWARE, &fault);
	}
	status = open_socket(conf, &identity);
	if (status != EX_OK)
		return status;
	if (conf->pid_file[0] != '\0' &&
	    process_write_pid(conf->pid_file, &fault) != ST_OK)
		return program_refuse(&program, EX_CANTCREAT, &fault);
	if (process_drop(&identity, conf, &fault) != ST_OK)
		return program_refuse(&program, EX_NOPERM, &fault);
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
		return program_refuse(&program, EX_UNAVAILABLE, &fault);
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
run(struct conf *conf, const char *conf_path, bool is_foreground)
{
	/* libmilter's threads may look at it until the process is gone. */
	static struct server server;
	struct log *log;
	struct conf *start = conf_ref(conf);
	int ready = -1, status;

	if (!is_foreground) {
		ready = process_daemonize();
		if (ready == -1) {
			perror("tlsrpt-milter: cannot become a daemon");
			return EX_OSERR;
		}
	}
	(void)umask(027);
	log = log_new(conf, NULL);
	if (log == NULL || !signals_catch() ||
	    !server_init(&server, conf_path, CONF_MILTER, conf, log)) {
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

int
main(int argc, char **argv)
{
	return program_main(&program, argc, argv);
}
