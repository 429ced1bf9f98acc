/*
 * ingest: takes reports in where no milter does: one message on standard input,
 * or what lies in files.
 */
#ifndef INGEST_H
#define INGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"

/* What was asked for. Strings are those of argv, or NULL. */
struct ingest {
	struct conf *conf; /* nobody else has it */
	const char *sender;
	const char *queue_id;
	const char *client;
	bool with_log; /* of files: also write the events to the log */
};

/*
 * Take the message on standard input, as the milter does. What the options do
 * not say is taken from the environment that MTAs give to their pipes. Returns
 * an exit status by which an MTA goes, and says why on standard error.
 */
int ingest_message(const struct ingest *ingest);

/* Take what is in these files and directories. Returns an exit status. */
int ingest_files(const struct ingest *ingest, char *const *paths, size_t count);

#endif
