/*
 * Whether the file that is open is still the one of its name, and whole.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "statedb.h"

enum {
	PATH_ROOM = 4096
};

bool
statefile_has_head(const struct state *state, bool may_be_empty)
{
	static const char magic[] = "SQLite format 3";
	char head[sizeof magic];
	sqlite3_file *file = NULL;
	sqlite3_int64 size;
	int code;

	if (sqlite3_file_control(state->db, "main", SQLITE_FCNTL_FILE_POINTER,
		&file) != SQLITE_OK ||
	    file == NULL || file->pMethods == NULL)
		return true;
	if (may_be_empty &&
	    file->pMethods->xFileSize(file, &size) == SQLITE_OK && size == 0)
		return true;
	/* To close a descriptor of our own would give up SQLite's locks. */
	code = file->pMethods->xRead(file, head, sizeof head, 0);
	/* What is missing are zeros; what fails SQLite finds, too. */
	return (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) ||
	    memcmp(head, magic, sizeof head) == 0;
}

/* The log beside the file, by its inode; 0: none. */
static ino_t
find_log(const struct state *state)
{
	char name[PATH_ROOM];
	struct stat sb;

	(void)snprintf(name, sizeof name, "%s-wal", state->path);
	return stat(name, &sb) == 0 ? sb.st_ino : 0;
}

bool
statefile_note(struct state *state)
{
	struct stat sb;

	if (stat(state->path, &sb) == -1)
		return false;
	state->dev = sb.st_dev;
	state->ino = sb.st_ino;
	state->log = find_log(state);
	return true;
}

bool
statefile_is_replaced(const struct state *state)
{
	struct stat sb;

	return stat(state->path, &sb) == -1 || sb.st_dev != state->dev ||
	    sb.st_ino != state->ino;
}

enum status
statefile_check(struct state *state, struct fault *fault)
{
	/* SQLite keeps the log for as long as anybody has the file open. */
	bool is_log_gone = state->log != 0 && find_log(state) != state->log;

	/* In this order: who replaces the file begins with it. */
	if (statefile_is_replaced(state) ||
	    (!is_log_gone && statefile_has_head(state, false)))
		return ST_OK;
	/* What the log holds would hide that in part. */
	(void)sqlite3_db_config(
	    state->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	statedb_close(state);
	return fault_set(fault, ST_STATE_DAMAGED, "%s%s was %s while in use",
	    state->path, is_log_gone ? "-wal" : "",
	    is_log_gone ? "removed" : "overwritten or cut off");
}
