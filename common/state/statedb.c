#include "statedb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "owner.h"
#include "text.h"

enum {
	APPLICATION_ID = 1414288464,
	LOCK_STEP_MS = 10,
	PATH_ROOM = 4096,
	REPLACED_TRIES = 3,
	STRING_LIMIT = 1 << 20 /* bytes that SQLite takes as one value */
};

/*
 * What goes wrong.
 */

static enum status
status_of(int code, int error)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ST_STATE_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ST_STATE_DAMAGED;
	case SQLITE_FULL:
		return ST_NO_SPACE;
	case SQLITE_NOMEM:
		return ST_NO_MEMORY;
	case SQLITE_IOERR:
		if (error == ENOSPC || error == EDQUOT || error == EFBIG)
			return ST_NO_SPACE;
		if (code == SQLITE_IOERR_NOMEM)
			return ST_NO_MEMORY;
		break;
	case SQLITE_ERROR: /* no such table: the schema is not ours */
		return ST_STATE_DAMAGED;
	default:
		break;
	}
	return ST_STATE;
}

/* Of a failing write sqlite3_system_errno() says nothing: errno was cleared
   before, and what followed has not failed. */
enum status
statedb_fail(struct state *state, const char *what, struct fault *fault)
{
	int code = sqlite3_extended_errcode(state->db);
	int error =
	    (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN
	    ? errno
	    : 0;

	return fault_set(fault, status_of(code, error), "%s %s: %s%s%s", what,
	    state->path, sqlite3_errmsg(state->db), error != 0 ? ": " : "",
	    error != 0 ? strerror(error) : "");
}

static enum status
fail_errno(const char *what, const char *path, struct fault *fault)
{
	int error = errno;

	return fault_set(fault,
	    error == ENOSPC || error == EDQUOT ? ST_NO_SPACE
		: error == ENOMEM              ? ST_NO_MEMORY
					       : ST_STATE,
	    "%s %s: %s", what, path, strerror(error));
}

/*
 * Statements.
 */

enum status
statedb_exec(struct state *state, const char *sql, struct fault *fault)
{
	errno = 0;
	if (sqlite3_exec(state->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return statedb_fail(state, "state", fault);
	return ST_OK;
}

static void
bind_all(sqlite3_stmt *stmt, const char *format, va_list ap)
{
	for (int i = 1; format[i - 1] != '\0'; i++) {
		const char *string;
		const void *bytes;
		uint64_t number;

		switch (format[i - 1]) {
		case 'i':
			(void)sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
			break;
		case 'u':
			number = va_arg(ap, uint64_t);
			(void)sqlite3_bind_int64(stmt, i,
			    number > INT64_MAX ? INT64_MAX : (int64_t)number);
			break;
		case 't':
			string = va_arg(ap, const char *);
			(void)sqlite3_bind_text(
			    stmt, i, string, -1, SQLITE_STATIC);
			break;
		case 'b':
			bytes = va_arg(ap, const void *);
			(void)sqlite3_bind_blob(stmt, i, bytes,
			    (int)va_arg(ap, size_t), SQLITE_STATIC);
			break;
		default:
			break;
		}
	}
}

sqlite3_stmt *
statedb_bind(
    struct state *state, enum statement statement, const char *format, ...)
{
	sqlite3_stmt **stmt = &state->stmt[statement];
	va_list ap;

	if (*stmt == NULL &&
	    sqlite3_prepare_v3(state->db, statesql_text(statement), -1,
		SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
		return NULL;
	(void)sqlite3_reset(*stmt);
	va_start(ap, format);
	bind_all(*stmt, format, ap);
	va_end(ap);
	return *stmt;
}

enum status
statedb_step(
    struct state *state, sqlite3_stmt *stmt, bool *is_row, struct fault *fault)
{
	enum status st = ST_OK;
	int code;

	*is_row = false;
	if (stmt == NULL)
		return statedb_fail(state, "state", fault);
	errno = 0;
	code = sqlite3_step(stmt);
	*is_row = code == SQLITE_ROW;
	if (code == SQLITE_ROW)
		return ST_OK;
	if (code != SQLITE_DONE)
		st = statedb_fail(state, "state", fault);
	(void)sqlite3_reset(stmt);
	return st;
}

enum status
statedb_run(struct state *state, sqlite3_stmt *stmt, struct fault *fault)
{
	enum status st;
	bool is_row;

	do
		st = statedb_step(state, stmt, &is_row, fault);
	while (is_row);
	return st;
}

void
statedb_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	(void)text_copy(out, size, text != NULL ? text : "");
}

void
statedb_episode(sqlite3_stmt *stmt, int column, struct episode *episode)
{
	int64_t value[11];

	for (int i = 0; i < 11; i++)
		value[i] = sqlite3_column_int64(stmt, column + i);
	*episode = (struct episode){
		.state = (enum problem_state)value[0],
		.has_opened = value[1] != 0,
		.since = value[2],
		.last = value[3],
		.resolved = value[4],
		.newest = value[5],
		.sessions = (uint64_t)value[6],
		.failed = (uint64_t)value[7],
		.sightings = (uint64_t)value[8],
		.reporters = (uint64_t)value[9],
		.severity = (enum severity)value[10],
	};
}

void
statedb_problem(sqlite3_stmt *stmt, int column, struct state_problem *problem)
{
	statedb_text(stmt, column, problem->policy_domain,
	    sizeof problem->policy_domain);
	statedb_text(stmt, column + 1, problem->receiving_mx_hostname,
	    sizeof problem->receiving_mx_hostname);
	statedb_text(stmt, column + 2, problem->policy_type,
	    sizeof problem->policy_type);
	statedb_text(stmt, column + 3, problem->result_type,
	    sizeof problem->result_type);
	statedb_episode(stmt, column + 4, &problem->episode);
}

/*
 * Opening.
 */

void
statedb_directory(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		(void)snprintf(out, size, ".");
	else
		(void)snprintf(out, size, "%.*s",
		    slash > path ? (int)(slash - path) : 1, path);
}

bool
statedb_flock(int fd, bool is_exclusive)
{
	int rc;

	do
		rc = flock(fd, (is_exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
	while (rc == -1 && errno == EINTR);
	return rc == 0 || errno != EWOULDBLOCK;
}

int
statedb_lock(const char *path, int busy_ms, bool is_exclusive, enum status *st,
    struct fault *fault)
{
	char directory[PATH_ROOM];
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	int fd;

	statedb_directory(path, directory, sizeof directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*st = ST_OK;
	if (fd == -1) {
		*st = fail_errno("cannot open", directory, fault);
		return -1;
	}
	while (!statedb_flock(fd, is_exclusive)) {
		if (busy_ms <= 0) {
			*st = fault_set(fault, ST_STATE_BUSY,
			    "%s is being replaced by another process", path);
			break;
		}
		busy_ms -= LOCK_STEP_MS;
		(void)nanosleep(&step, NULL);
	}
	return fd;
}

/*
 * Make the file, so that its mode is ours and not that of the umask alone, and
 * its owner that of the directory. SQLite gives what it makes beside a file the
 * file's owner, and follows no link there.
 */
static enum status
make_file(struct state *state, int directory, struct fault *fault)
{
	struct owner owner = owner_of(directory);
	int fd;

	if (state->options.is_read_only)
		return ST_OK;
	if (state->options.archive != NULL)
		return access(state->path, F_OK) == 0 || errno != ENOENT
		    ? ST_OK
		    : fault_set(fault, ST_STATE_DAMAGED, "%s is not there",
			  state->path);
	fd = open(state->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd == -1)
		return errno == EEXIST
		    ? ST_OK
		    : fail_errno("cannot make", state->path, fault);
	owner_give(&owner, fd);
	(void)close(fd);
	return ST_OK;
}

static int
get_number(sqlite3_stmt *stmt, int64_t *number)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		*number = sqlite3_column_int64(stmt, 0);
	return code == SQLITE_ROW ? SQLITE_OK : code;
}

static enum status
ask_number(
    struct state *state, const char *sql, int64_t *number, struct fault *fault)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(state->db, sql, -1, &stmt, NULL);
	enum status st = ST_OK;

	if (code == SQLITE_OK)
		code = get_number(stmt, number);
	if (code != SQLITE_OK)
		st = statedb_fail(state, "cannot read", fault);
	(void)sqlite3_finalize(stmt);
	return st;
}

/* Whose file is it? An empty one becomes ours. */
static enum status
check_version(struct state *state, bool *is_empty, struct fault *fault)
{
	int64_t id = 0, version = 0, tables = 0;
	enum status st = ask_number(state, "PRAGMA application_id", &id, fault);

	*is_empty = false;
	if (st == ST_OK)
		st = ask_number(state, "PRAGMA user_version", &version, fault);
	if (st == ST_OK)
		st = ask_number(state, "SELECT count(*) FROM sqlite_schema",
		    &tables, fault);
	if (st != ST_OK)
		return st;
	if (id == 0 && version == 0 && tables == 0) {
		*is_empty = true;
		return ST_OK;
	}
	if (id != APPLICATION_ID)
		return fault_set(fault, ST_STATE_DAMAGED,
		    "%s is a database of something else", state->path);
	if (version != STATE_VERSION)
		return fault_set(fault, ST_STATE_VERSION,
		    "%s is of version %lld, not %d", state->path,
		    (long long)version, STATE_VERSION);
	return ST_OK;
}

static enum status
make_schema(struct state *state, struct fault *fault)
{
	bool is_empty;
	enum status st = check_version(state, &is_empty, fault);

	if (st != ST_OK || !is_empty)
		return st;
	if (state->options.is_read_only)
		return fault_set(fault, ST_STATE, "%s is empty", state->path);
	st = statedb_exec(state, "BEGIN IMMEDIATE", fault);
	if (st != ST_OK)
		return st;
	/* Another process may have been quicker. */
	st = check_version(state, &is_empty, fault);
	if (st == ST_OK && is_empty)
		st = statedb_exec(state, statesql_schema, fault);
	return statedb_end(state, st, fault);
}

void
statedb_archive(const char *directory, char *out, size_t size)
{
	struct stat sb;

	if (stat(directory, &sb) == -1)
		sb.st_ino = 0;
	(void)snprintf(
	    out, size, "%llu %s", (unsigned long long)sb.st_ino, directory);
}

/* Is it whole, and of our archive? */
static enum status
check_archive(struct state *state, struct fault *fault)
{
	char ours[PATH_ROOM], theirs[PATH_ROOM];
	sqlite3_stmt *stmt = statedb_bind(state, SQL_WHOLE, "");
	bool is_row, is_whole;
	enum status st = statedb_step(state, stmt, &is_row, fault);

	if (st != ST_OK)
		return st;
	is_whole = is_row && sqlite3_column_int(stmt, 0) != 0;
	statedb_text(stmt, 1, theirs, sizeof theirs);
	(void)sqlite3_reset(stmt);
	if (!is_whole)
		return fault_set(
		    fault, ST_STATE_DAMAGED, "%s is not whole", state->path);
	statedb_archive(state->options.archive, ours, sizeof ours);
	return strcmp(ours, theirs) == 0
	    ? ST_OK
	    : fault_set(fault, ST_STATE_DAMAGED, "%s is of another archive",
		  state->path);
}

static enum status
set_up(struct state *state, struct fault *fault)
{
	static const char common[] = "PRAGMA foreign_keys = ON;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA trusted_schema = OFF;"
				     "PRAGMA cache_size = -16384;";
	static const char bulk[] = "PRAGMA journal_mode = OFF;"
				   "PRAGMA synchronous = OFF;"
				   "PRAGMA foreign_keys = OFF;"
				   "PRAGMA cache_size = -131072;";
	static const char shared[] = "PRAGMA journal_mode = WAL;"
				     "PRAGMA synchronous = NORMAL;"
				     "PRAGMA journal_size_limit = 67108864;"
				     "PRAGMA wal_autocheckpoint = 8192;";
	int yes = 1;
	enum status st;

	(void)sqlite3_busy_timeout(state->db, state->options.busy_ms);
	(void)sqlite3_extended_result_codes(state->db, 1);
	(void)sqlite3_limit(state->db, SQLITE_LIMIT_LENGTH, STRING_LIMIT);
	(void)sqlite3_db_config(state->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (!state->is_bulk)
		(void)sqlite3_file_control(
		    state->db, "main", SQLITE_FCNTL_PERSIST_WAL, &yes);
	st = statedb_exec(state, common, fault);
	if (st == ST_OK && !state->options.is_read_only)
		st = statedb_exec(state, state->is_bulk ? bulk : shared, fault);
	if (st == ST_OK)
		st = make_schema(state, fault);
	if (st == ST_OK && state->options.archive != NULL)
		st = check_archive(state, fault);
	return st;
}

/* Is a file there that SQLite keeps beside ours? */
static bool
has_beside(const struct state *state, const char *ending)
{
	char name[PATH_ROOM];

	(void)snprintf(name, sizeof name, "%s%s", state->path, ending);
	return access(name, F_OK) == 0;
}

/*
 * Who may not write to the directory can read the file only with these two
 * beside it. What SQLite says when they are missing is hard to understand.
 */
static enum status
explain_beside(const struct state *state, enum status st, struct fault *fault)
{
	if (st != ST_STATE || !state->options.is_read_only ||
	    access(state->path, R_OK) == -1 ||
	    (has_beside(state, "-wal") && has_beside(state, "-shm")))
		return st;
	return fault_set(fault, st,
	    "%s cannot be read by who may not write beside it until its owner "
	    "has opened it",
	    state->path);
}

static enum status
open_file(struct state *state, struct fault *fault)
{
	int flags = SQLITE_OPEN_NOMUTEX |
	    (state->options.is_read_only ? SQLITE_OPEN_READONLY
					 : SQLITE_OPEN_READWRITE);
	enum status st;

	if (sqlite3_open_v2(state->path, &state->db, flags, NULL) != SQLITE_OK)
		return state->db != NULL
		    ? statedb_fail(state, "cannot open", fault)
		    : fault_set(fault, ST_NO_MEMORY, "SQLite: no memory");
	if (!state->options.is_read_only &&
	    sqlite3_db_readonly(state->db, "main") != 0)
		return fault_set(
		    fault, ST_STATE, "%s is not writable", state->path);
	/* A log may hold the first page of a file that has lost its own. */
	if (!statefile_has_head(state, true))
		return fault_set(fault, ST_STATE_DAMAGED,
		    "cannot read %s: file is not a database", state->path);
	st = explain_beside(state, set_up(state, fault), fault);
	if (st == ST_OK && !statefile_note(state))
		st = fail_errno("cannot find", state->path, fault);
	if (st == ST_OK)
		state->is_unsettled = true;
	return st;
}

enum status
statedb_open(struct state *state, struct fault *fault)
{
	enum status st;
	int lock = statedb_lock(
	    state->path, state->options.busy_ms, false, &st, fault);

	if (st == ST_OK)
		st = make_file(state, lock, fault);
	if (st == ST_OK)
		st = open_file(state, fault);
	if (lock != -1)
		(void)close(lock);
	if (st != ST_OK)
		statedb_close(state);
	return st;
}

void
statedb_close(struct state *state)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		(void)sqlite3_finalize(state->stmt[i]);
		state->stmt[i] = NULL;
	}
	(void)sqlite3_close(state->db);
	state->db = NULL;
}

/*
 * Transactions.
 */

enum status
statedb_begin(struct state *state, bool is_writing, struct fault *fault)
{
	for (int tries = 0; tries < REPLACED_TRIES; tries++) {
		enum status st =
		    state->db != NULL ? statefile_check(state, fault) : ST_OK;

		if (st != ST_OK)
			return st;
		if (state->db != NULL && statefile_is_replaced(state))
			statedb_close(state);
		if (state->db == NULL)
			st = statedb_open(state, fault);
		if (st != ST_OK)
			return st;
		st = statedb_exec(
		    state, is_writing ? "BEGIN IMMEDIATE" : "BEGIN", fault);
		/* Who replaces the file holds its lock until that is done. */
		if (st == ST_OK && statefile_is_replaced(state)) {
			(void)statedb_end(state, ST_STATE, NULL);
			continue;
		}
		/* What cannot be read may be mended by the next time. */
		if (st == ST_STATE_DAMAGED)
			statedb_close(state);
		return st;
	}
	return fault_set(fault, ST_STATE_BUSY, "%s is replaced again and again",
	    state->path);
}

enum status
statedb_end(struct state *state, enum status st, struct fault *fault)
{
	if (st == ST_OK)
		st = statedb_exec(state, "COMMIT", fault);
	/* Some failures have rolled back already. */
	if (st != ST_OK && sqlite3_get_autocommit(state->db) == 0)
		(void)sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}
