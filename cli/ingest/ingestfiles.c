/*
 * tlsrpt ingest, for files: several threads read, decode and archive, one adds
 * what is archived to the index.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "ingest.h"
#include "render.h"
#include "state.h"
#include "tracker.h"
#include "worker.h"

enum {
	WORKERS_MAX = 4,
	SHOW_NANOSECONDS = 200000000, /* between looks at the progress */
	LOG_MILLISECONDS = 2000,
	INTERRUPTED = 128 + SIGINT /* the exit status, as a shell has it */
};

/* The run that a signal stops. A second signal ends the process. */
static struct ingest_run *the_run;
static volatile sig_atomic_t is_interrupted;

static void
on_signal(int number)
{
	(void)number;
	is_interrupted = 1;
	the_run->is_stopped = true;
}

static void
catch_signals(struct ingest_run *run)
{
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND | SA_RESTART };

	the_run = run;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

/*
 * What the index says while it is brought up to date.
 */

static void
index_fault(void *ctx, const char *path, const struct fault *fault)
{
	struct ingest_run *run = ctx;
	char name[SOURCE_PATH_MAX];

	(void)snprintf(
	    name, sizeof name, "%s/%s", run->conf->archive_directory, path);
	worker_complain(run, name, fault);
	run->has_damaged = true;
}

static enum status
index_progress(void *ctx, const struct reindex_progress *progress)
{
	struct ingest_run *run = ctx;

	(void)pthread_mutex_lock(&run->mutex);
	/* While there are workers, the line is theirs. */
	if (run->working == 0)
		progress_text(&run->progress,
		    "index: %llu records read, %llu of %llu days done",
		    (unsigned long long)progress->records,
		    (unsigned long long)progress->days,
		    (unsigned long long)progress->days_all);
	(void)pthread_mutex_unlock(&run->mutex);
	return ST_OK;
}

/*
 * Workers.
 */

static size_t
count_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (size_t)n;
}

/* Wait until all have ended, and show how far they are. */
static void
watch(struct ingest_run *run)
{
	struct timespec until;

	(void)pthread_mutex_lock(&run->mutex);
	while (run->working > 0) {
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SHOW_NANOSECONDS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&run->ended, &run->mutex, &until);
		progress_show(&run->progress);
	}
	progress_clear(&run->progress);
	(void)pthread_mutex_unlock(&run->mutex);
}

static void
work(struct ingest_run *run)
{
	pthread_t thread[WORKERS_MAX];
	size_t wanted = count_processors(), n = 0;

	run->working = wanted;
	while (n < wanted &&
	    pthread_create(&thread[n], NULL, worker_run, run) == 0)
		n++;
	(void)pthread_mutex_lock(&run->mutex);
	run->working -= wanted - n;
	(void)pthread_mutex_unlock(&run->mutex);
	watch(run);
	for (size_t i = 0; i < n; i++)
		(void)pthread_join(thread[i], NULL);
	if (n == 0)
		run->status = fault_set(
		    &run->fault, ST_NO_MEMORY, "cannot start a thread");
}

/*
 * The end.
 */

static void
print_counts(const struct ingest_counts *c)
{
	(void)printf("%llu reports new, %llu known, %llu unverified, "
		     "%llu not reports, %llu unreadable",
	    (unsigned long long)c->new_reports, (unsigned long long)c->known,
	    (unsigned long long)c->unverified,
	    (unsigned long long)c->not_reports,
	    (unsigned long long)c->unreadable);
	if (c->later > 0)
		(void)printf(
		    ", %llu to be tried again", (unsigned long long)c->later);
	(void)fputc('\n', stdout);
}

/*
 * The reports of files set off no alert, so whoever hands them over is told
 * that there is something to look at. No trouble with that is worth a word: the
 * index has been written.
 */
static void
print_open(const struct ingest_run *run)
{
	struct state_options options;
	struct state_counts counts;
	struct state *state;
	struct fault fault;

	state_options(&options);
	options.is_read_only = true;
	if (state_open(&state, run->conf->state_file, &options, &fault) !=
	    ST_OK)
		return;
	if (state_counts(state, (int64_t)time(NULL), &counts, &fault) ==
		ST_OK &&
	    counts.open > 0)
		(void)printf("%llu problem%s open: see tlsrpt problems\n",
		    (unsigned long long)counts.open,
		    counts.open == 1 ? " is" : "s are");
	state_close(&state);
}

static void
print_fault(const char *what, const struct fault *fault)
{
	(void)fflush(stdout);
	(void)fprintf(
	    stderr, "tlsrpt ingest: %s%s: ", what, status_str(fault->status));
	render_string(stderr, fault->detail);
	(void)fputc('\n', stderr);
}

static int
status_of_failure(enum status st)
{
	switch (st) {
	case ST_NO_MEMORY:
		return EX_OSERR;
	case ST_NO_SPACE:
		return EX_IOERR;
	default:
		break;
	}
	return EX_CANTCREAT;
}

/* index is what indexer_finish() has returned. */
static int
finish(const struct ingest_run *run, enum status index,
    const struct fault *index_why)
{
	print_counts(&run->counts);
	if (index == ST_OK && run->indexer != NULL)
		print_open(run);
	if (run->status != ST_OK)
		print_fault("", &run->fault);
	if (index != ST_OK) {
		print_fault("index: ", index_why);
		(void)fputs("What is archived is not all in the index; "
			    "\"tlsrpt reindex\" mends that.\n",
		    stderr);
	}
	if (is_interrupted)
		return INTERRUPTED;
	if (run->status != ST_OK)
		return status_of_failure(run->status);
	if (index != ST_OK || run->counts.later > 0)
		return EX_TEMPFAIL;
	if (run->has_unreadable || run->has_damaged)
		return EX_DATAERR;
	return run->has_missing ? EX_NOINPUT : EX_OK;
}

/*
 * The beginning.
 */

static bool
go_on_measuring(void *ctx)
{
	(void)ctx;
	return !is_interrupted;
}

/* For the share of all that is done. */
static void
measure(struct ingest_run *run, char *const *paths, size_t count)
{
	struct source_size size;

	if (!run->progress.is_shown)
		return;
	source_measure(paths, count, &size, go_on_measuring, NULL);
	run->progress.bytes_all = size.bytes;
}

/* What needs to be there before a file is read. */
static enum status
open_sites(
    struct ingest_run *run, const struct ingest *ingest, struct fault *fault)
{
	struct conf *conf = ingest->conf;
	enum status st = archive_check(conf->archive_directory, fault);

	if (st == ST_OK && conf->dkim != DKIM_OFF) {
		run->verify = verify_site_new();
		st = run->verify != NULL
		    ? verify_site_configure(run->verify, conf, fault)
		    : fault_set(fault, ST_NO_MEMORY, "no memory");
	}
	if (st == ST_OK && ingest->with_log) {
		run->log = log_new(conf, NULL);
		if (run->log == NULL || log_start(run->log) != ST_OK)
			st = fault_set(fault, ST_NO_MEMORY, "no memory");
	}
	return st;
}

/* Where the files come from, and where the records go: that has a thread. */
static enum status
open_ends(struct ingest_run *run, char *const *paths, size_t count,
    const struct reindex_handler *handler, struct fault *fault)
{
	bool has_index = tracker_is_wanted(run->conf);

	run->source = source_new(paths, count);
	if (run->source != NULL && has_index)
		run->indexer = indexer_new(run->conf, handler);
	return run->source != NULL && (run->indexer != NULL || !has_index)
	    ? ST_OK
	    : fault_set(fault, ST_NO_MEMORY, "no memory");
}

static void
close_sites(struct ingest_run *run)
{
	indexer_free(&run->indexer);
	source_free(&run->source);
	verify_site_free(&run->verify);
	log_free(&run->log, LOG_MILLISECONDS);
}

int
ingest_files(const struct ingest *ingest, char *const *paths, size_t count)
{
	static struct ingest_run run;
	const struct reindex_handler handler = {
		.progress = index_progress,
		.fault = index_fault,
		.ctx = &run,
	};
	struct fault fault;
	enum status st;
	int status;

	run.conf = ingest->conf;
	(void)pthread_mutex_init(&run.mutex, NULL);
	(void)pthread_cond_init(&run.ended, NULL);
	progress_init(&run.progress);
	catch_signals(&run);
	st = open_sites(&run, ingest, &fault);
	if (st == ST_OK)
		st = open_ends(&run, paths, count, &handler, &fault);
	if (st != ST_OK) {
		print_fault("", &fault);
		status = status_of_failure(st);
	} else {
		measure(&run, paths, count);
		work(&run);
		st = ST_OK;
		if (run.indexer != NULL)
			st = indexer_finish(
			    run.indexer, !is_interrupted, &fault);
		progress_clear(&run.progress);
		status = finish(&run, st, &fault);
	}
	close_sites(&run);
	return status;
}
