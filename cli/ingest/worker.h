/*
 * worker: a thread that takes files from a source, reads the reports in them
 * and archives these, a batch at a time.
 */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "indexer.h"
#include "log.h"
#include "progress.h"
#include "source.h"
#include "status.h"
#include "verify.h"

/* What has been found. */
struct ingest_counts {
	uint64_t new_reports; /* that count and were not archived before */
	uint64_t known;
	uint64_t unverified;
	uint64_t not_reports;
	uint64_t unreadable;
	uint64_t later; /* DNS could not tell whether they are genuine */
};

/* What all workers share. */
struct ingest_run {
	struct conf *conf;
	struct source *source;
	struct indexer *indexer;    /* NULL: StateFile is none */
	struct verify_site *verify; /* NULL: DKIM is off */
	struct log *log;            /* NULL: nothing is logged */
	_Atomic bool is_stopped;    /* take no further file */

	pthread_mutex_t mutex; /* over standard error and what follows */
	pthread_cond_t ended;  /* a worker has */
	struct progress progress;
	struct ingest_counts counts;
	size_t working;      /* workers that have not ended */
	bool has_unreadable; /* for the exit status */
	bool has_missing;    /* likewise */
	bool has_damaged;    /* a record of the archive: the indexer's */
	enum status status;  /* our own failure, that has stopped it */
	struct fault fault;
};

/* The thread; run is the struct ingest_run. It is counted in working. */
void *worker_run(void *run);

/*
 * Say "NAME: reason: detail" on standard error. The mutex must not be held.
 */
void worker_complain(
    struct ingest_run *run, const char *name, const struct fault *fault);

#endif
