/*
 * index: what the subcommands that ask the index of the archive (state.h) have
 * in common: their options, the configuration and the index itself.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assess.h"
#include "conf.h"
#include "event.h"
#include "state.h"

/* Options, a bit each; --help and -c are for all. */
enum index_option {
	INDEX_STATE = 1 << 0,
	INDEX_ARCHIVE = 1 << 1,
	INDEX_FORMAT = 1 << 2,
	INDEX_DOMAIN = 1 << 3,
	INDEX_SINCE = 1 << 4, /* and --until */
	INDEX_BY = 1 << 5,
	INDEX_ALL = 1 << 6,
	INDEX_PRUNE = 1 << 7 /* --older-than and --dry-run */
};

enum index_format {
	INDEX_TEXT,
	INDEX_JSON,
	INDEX_CSV
};

/* What a subcommand is, for its options to be read. */
struct index_command {
	const char *name; /* "summary" */
	const char *usage;
	unsigned options;
	int arguments; /* how many it must have, 0 or 1 */
	int days;      /* back to which --since goes by default; 0: 7 */
	bool with_csv;
};

/* A subcommand being run. Strings are those of argv. */
struct index {
	const struct index_command *command;
	struct conf *conf;
	struct state *state;
	struct state_options options;
	int64_t now;
	bool with_colour;
	/* What was asked for. */
	const char *conf_path; /* or NULL, as the others */
	const char *state_path;
	const char *archive;
	const char *domain;
	const char *argument;
	enum index_format format;
	enum state_by by;
	int64_t since; /* a time within the first day */
	int64_t until; /* the end of the last day */
	bool is_all;
	const char *older_than; /* as it was given */
	int64_t before;         /* and the time it means */
	bool is_dry;
};

/*
 * Read the options and the configuration: of -c FILE, else of the file in
 * SYSCONFDIR if there is one and --state does not make it needless, else the
 * defaults. Returns -1 to go on, or the exit status; what is wrong has been
 * said then. To be ended by index_end() either way.
 */
int index_begin(struct index *index, const struct index_command *command,
    int argc, char **argv);

/*
 * The same for a subcommand that reads its options itself: takes conf_path from
 * them, or NULL, and reads the configuration.
 */
int index_configure(struct index *index, const struct index_command *command,
    const char *conf_path);

/* Is there to be an index? ST_STATE with "StateFile none". */
enum status index_check(const struct index *index, struct fault *fault);

/* Open the index to be asked: the statuses of state_open(). */
enum status index_open(struct index *index, struct fault *fault);

void index_end(struct index *index);

/*
 * Who may read the index, to be said behind a failure to open it: it is often
 * not who asks. "" when that is not the trouble.
 */
const char *index_whose(const struct index *index);

/* Say what has failed, and return the exit status that stands for it. */
int index_fail(const struct index *index, const struct fault *fault);

/*
 * A time in the past as a duration ("7d") before now or as a day (2026-02-12,
 * UTC), whose start it is. False when it is neither.
 */
bool index_read_time(const char *word, int64_t now, int64_t *time);

/*
 * Printing to standard output: a day as 2026-02-12, "-" for 0; the fields of an
 * event as one object of JSON, a line, or as its members only; one field of CSV
 * (RFC 4180), which no spreadsheet takes for a formula.
 */
struct index_day {
	char text[16];
};
struct index_day index_day(int64_t time);
void index_put_json(const struct event *ev);
void index_put_members(const struct event *ev);
void index_put_csv(const char *value);

#endif
