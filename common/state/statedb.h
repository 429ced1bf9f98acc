/*
 * statedb: the file of SQLite that holds the state, for the files of state
 * alone: opening, statements, transactions. Whoever calls these holds the
 * state's mutex.
 *
 * The file may be replaced while it is open. SQLite removes the files beside it
 * by their names when the last connection is closed, which then would be those
 * of the new file; they are persistent for that reason, and who replaces the
 * file removes them, with the directory locked against those who open it.
 */
#ifndef STATEDB_H
#define STATEDB_H

#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

#include "state.h"

/* All statements, by name; their text is in statesql.c. */
enum statement {
	SQL_WHOLE,
	SQL_WHOLE_SET,
	SQL_MISSING,
	SQL_MISSING_SET,
	SQL_MISSING_CLEAR,
	SQL_CHECK,
	SQL_NAME_FIND,
	SQL_NAME_ADD,
	SQL_NAME_TEXT,
	SQL_REPORT_SAME,
	SQL_REPORT_ADD,
	SQL_REPORT_COUNTED,
	SQL_REPORT_GET,
	SQL_REPORT_DELETE,
	SQL_REPORT_OLD,
	SQL_REPORT_NEXT,
	SQL_POLICY_ADD,
	SQL_POLICY_NOISE,
	SQL_POLICY_OF_REPORT,
	SQL_POLICY_DELETE,
	SQL_FAILURE_ADD,
	SQL_FAILURE_DELETE,
	SQL_SUM_REPORT,
	SQL_SUM_FAILURES,
	SQL_DAILY_ADD,
	SQL_DAILY_CLEAN,
	SQL_DAILY_FAILURE_ADD,
	SQL_DAILY_FAILURE_CLEAN,
	SQL_ROLLUP_ADD,
	SQL_ROLLUP_CLEAN,
	SQL_REPORTER_ADD,
	SQL_REPORTER_LESS,
	SQL_REPORTER_AGAIN,
	SQL_REPORTER_CLEAN,
	SQL_DOMAIN_ADD,
	SQL_DOMAIN_CLEAN,
	SQL_DIRTY_KNOWN,
	SQL_DIRTY_FAILING,
	SQL_DIRTY_TAKE,
	SQL_DIRTY_LATE,
	SQL_DIRTY_CLEAR,
	SQL_PROBLEM_FLOOR,
	SQL_PROBLEM_FROM,
	SQL_PROBLEM_LATEST,
	SQL_PROBLEM_DELETE,
	SQL_PROBLEM_ADD,
	SQL_PROBLEM_ROOM,
	SQL_PROBLEM_DISPLACE,
	SQL_PROBLEM_STALE,
	SQL_PROBLEM_SET_STALE,
	SQL_EVIDENCE,
	SQL_SILENT,
	SQL_SILENT_TOLD,
	SQL_SILENT_KNOWN,
	SQL_PROBLEMS_LIVE,
	SQL_PROBLEMS_ALL,
	SQL_PROBLEM_REPORTERS,
	SQL_PROBLEM_REPORTER_ADD,
	SQL_PROBLEM_REPORTERS_DELETE,
	SQL_SUM_ALL,
	SQL_SUM_DAY,
	SQL_SUM_ROLLUP,
	SQL_SUM_DOMAIN_DAY,
	SQL_SUM_DOMAIN_ALL,
	SQL_SUM_DOMAIN_SENDER,
	SQL_SUM_DOMAIN_MX,
	SQL_SUM_DOMAIN_RESULT,
	SQL_COVERAGE,
	SQL_NEWEST_PATH,
	SQL_PROBLEM_PATHS,
	SQL_REPORTERS,
	SQL_COUNTS,
	SQL_TOTALS,
	STATEMENTS
};

/* What a line of rollup sums up; for SQL_ROLLUP_ADD and SQL_SUM_ROLLUP. */
enum rollup {
	ROLLUP_ALL,
	ROLLUP_DOMAIN,
	ROLLUP_SENDER,
	ROLLUP_MX,
	ROLLUP_RESULT
};

/*
 * What is to be worked out by state_settle(). What is marked anew by who tells
 * is no longer LATE_SILENT (SQL's DIRTY_AGAIN).
 */
enum late {
	LATE_NOT,
	LATE_TOLD,  /* and told */
	LATE_SILENT /* by who tells nobody (is_silent) */
};

/* What is still to be told: of a problem, or (PROBLEM_SAME) of a reporter. */
struct state_news {
	const struct state_events *events; /* of a group's report, or NULL */
	enum problem_change change;
	struct state_reporter reporter;
	bool has_before;
	struct state_problem before;
	struct state_problem after;
};

struct state {
	pthread_mutex_t mutex;
	struct state_options options;
	bool is_bulk; /* a new file that nobody else sees yet */
	char *path;
	sqlite3 *db;
	dev_t dev; /* the file that db is */
	ino_t ino;
	ino_t log; /* the -wal beside it; 0: it has none */
	sqlite3_stmt *stmt[STATEMENTS];

	bool is_bounded;      /* evidence_max is for this transaction */
	size_t evidence_left; /* sightings that may still be read now */
	size_t reports_left;  /* by reports, until evidence_ms from then */
	uint64_t reports_since;
	bool is_unsettled; /* problems may be left to state_settle() */

	bool in_batch;
	bool is_group; /* each report of the batch is worked out alone */
	enum status batch_status; /* what has spoilt the batch */
	struct fault batch_fault;

	struct state_news *news;
	size_t news_count;
	size_t news_cap;
};

/* The schema, and each statement. */
extern const char statesql_schema[];
const char *statesql_text(enum statement statement);

/*
 * Open the file of a state whose path and options are set. With is_bulk it is
 * made without a journal.
 */
enum status statedb_open(struct state *state, struct fault *fault);
void statedb_close(struct state *state);

/*
 * What is kept of the archive that a file was made of, in out: its path, and
 * its inode, since another may come in its place.
 */
void statedb_archive(const char *directory, char *out, size_t size);

/* The directory of a file, in out. */
void statedb_directory(const char *path, char *out, size_t size);

/*
 * Lock the directory of the file against those who open it (or, not
 * is_exclusive, against who replaces it), waiting for options.busy_ms: a
 * descriptor to be closed, or -1 where there is no such directory. *st says
 * whether it could be locked.
 */
int statedb_lock(const char *path, int busy_ms, bool is_exclusive,
    enum status *st, struct fault *fault);

/*
 * Lock a file or directory, without waiting: false when another process has it
 * locked. A file system that knows no such locks keeps nobody out.
 */
bool statedb_flock(int fd, bool is_exclusive);

/*
 * Begin: to write (waits for others that write), or to read. Goes over to a
 * new file if the old one was replaced. ST_STATE_DAMAGED, and closed, if the
 * open one was overwritten or cut off at its head, or has lost its log:
 * SQLite itself would go on with what it has in memory. statedb_end() commits
 * when st is ST_OK, else it undoes everything; it returns st, or what went
 * wrong with the commit.
 */
enum status
statedb_begin(struct state *state, bool is_writing, struct fault *fault);
enum status
statedb_end(struct state *state, enum status st, struct fault *fault);

/*
 * The file that is open (statefile.c). Note which one it is, and its log; false
 * with errno.
 */
bool statefile_note(struct state *state);

/* Is it no longer what the path names? */
bool statefile_is_replaced(const struct state *state);

/* Does the file begin as a database does, or, may_be_empty, has no byte? */
bool statefile_has_head(const struct state *state, bool may_be_empty);

/*
 * Has it been spoilt by somebody else? SQLite does not read again what it has
 * in memory, and would not see it. Then ST_STATE_DAMAGED, and it is closed as
 * it is. ST_OK also for one that is replaced.
 */
enum status statefile_check(struct state *state, struct fault *fault);

/* Run a piece of SQL without parameters. */
enum status
statedb_exec(struct state *state, const char *sql, struct fault *fault);

/*
 * Bind the parameters that format names, in order: "i" int64_t, "u" uint64_t,
 * "t" const char *, "b" const void *, size_t. Strings must live until the
 * statement is reset. Fails only without memory, which the step tells.
 */
sqlite3_stmt *statedb_bind(
    struct state *state, enum statement statement, const char *format, ...);

/*
 * Step: *is_row says whether there is one. Behind the last row, and on failure,
 * the statement is reset; who stops before calls sqlite3_reset().
 */
enum status statedb_step(
    struct state *state, sqlite3_stmt *stmt, bool *is_row, struct fault *fault);

/* Bind is done: step to the end. */
enum status
statedb_run(struct state *state, sqlite3_stmt *stmt, struct fault *fault);

/* A column of text, "" for NULL; cut to size in out. */
void statedb_text(sqlite3_stmt *stmt, int column, char *out, size_t size);

/* The columns of an episode, from column on; SQL_PROBLEM_LATEST's order. */
void statedb_episode(sqlite3_stmt *stmt, int column, struct episode *episode);

/* The four names of a problem and its episode, from column on. */
void
statedb_problem(sqlite3_stmt *stmt, int column, struct state_problem *problem);

/* What SQLite complains of, as a status. */
enum status
statedb_fail(struct state *state, const char *what, struct fault *fault);

/*
 * Problems (stateproblem.c): work out anew those that are marked as dirty, and
 * note what has become of them in the news.
 */
enum status
state_work_out(struct state *state, int64_t now, struct fault *fault);

/* Up to max of them, or as many as have some thousand sightings: *has_more. */
enum status state_work_out_some(struct state *state, int64_t now, size_t max,
    bool *has_more, struct fault *fault);

/*
 * What writes stands between these two: the mutex and a transaction, or those
 * of the batch. state_leave() is called if state_enter() was ST_OK; it works
 * out the dirty problems, commits, gives the mutex back and tells the news; of
 * a batch it does nothing of this. Returns st or what went wrong.
 */
enum status state_enter(struct state *state, struct fault *fault);
enum status state_leave(struct state *state, int64_t now,
    const struct state_events *events, enum status st, struct fault *fault);

/*
 * Let a report whose policies are in the file count (sign 1), or no longer
 * (-1): sums, reporters and domains, and the problems are marked.
 * state_uncount() takes its policies out, too.
 */
enum status
state_count(struct state *state, int64_t id, int64_t sign, struct fault *fault);
enum status state_uncount(struct state *state, int64_t id, struct fault *fault);

/* As state_open(), for a new file of which nobody knows: fast, not durable. */
enum status state_open_bulk(struct state **state, const char *path,
    const struct state_options *options, struct fault *fault);

/* Add to the news. ST_NO_MEMORY. */
enum status state_note(
    struct state *state, const struct state_news *news, struct fault *fault);

/* The number of a name; it is given one. */
enum status state_name(
    struct state *state, const char *name, int64_t *id, struct fault *fault);

/* A domain or host as it is kept; size includes the NUL. */
void state_host(const char *name, char *out, size_t size);

#endif
