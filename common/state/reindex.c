#include "reindex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "owner.h"
#include "reindexwalk.h"
#include "statedb.h"

enum {
	BATCH = 500,  /* reports added to a state that others use, at once */
	HOLD_MS = 20, /* that it is locked for that; others wait for it */
	SLACK = 120,  /* seconds that a file's time may be off */
	TOLD = 3600,  /* after which who is silent has been told as such */
	PATH_ROOM = 4096
};

enum status
reindex_missing(struct state *state, const char *directory, int64_t since,
    const struct conf *conf, int64_t now, const struct reindex_handler *handler,
    const struct state_events *events, struct reindex_progress *progress,
    struct fault *fault)
{
	struct reindex_progress ignored = { 0 };
	struct walk walk = {
		.directory = directory,
		.conf = conf,
		.state = state,
		.since = since - SLACK,
		.until = INT64_MAX,
		.again = INT64_MAX,
		.now = now,
		.handler = handler,
		.events = events,
		.progress = progress != NULL ? progress : &ignored,
		.fault = fault,
		.batch = BATCH,
		.hold_ms = HOLD_MS,
		.is_marking = events != NULL,
	};
	int64_t missing = INT64_MAX;
	enum status st = ST_OK;

	*walk.progress = (struct reindex_progress){ 0 };
	/* What nobody has been told of is left to who tells. */
	if (walk.is_marking)
		st = state_missing(state, &missing, fault);
	if (missing < walk.since)
		walk.since = missing;
	if (st == ST_OK)
		st = reindex_walk(&walk);
	if (st == ST_OK && (walk.has_marked || missing != INT64_MAX))
		st = state_clear_missing(state, walk.since, fault);
	return st;
}

enum status
reindex_paths(struct state *state, const char *directory,
    const char *const *paths, size_t count, const struct conf *conf,
    int64_t now, const struct reindex_handler *handler,
    struct reindex_progress *progress, struct fault *fault)
{
	struct walk walk = {
		.directory = directory,
		.conf = conf,
		.state = state,
		.since = INT64_MIN,
		.until = INT64_MAX,
		.now = now,
		.handler = handler,
		.progress = progress,
		.fault = fault,
		.batch = SIZE_MAX,
	};

	*progress = (struct reindex_progress){ 0 };
	return reindex_walk_paths(&walk, paths, count);
}

/*
 * A new state.
 */

/* The files that are dealt with. */
struct place {
	const char *path;
	char made[PATH_ROOM]; /* PATH.new */
	int fd;               /* of it, locked: one at a time makes one */
	struct owner owner;   /* of what is made */
};

static enum status
fail_place(const char *what, const char *path, struct fault *fault)
{
	return fault_set(fault, errno == ENOSPC ? ST_NO_SPACE : ST_STATE,
	    "%s %s: %s", what, path, strerror(errno));
}

/* Remove what SQLite keeps beside a file. */
static void
remove_beside(const char *path)
{
	static const char *const endings[] = { "-wal", "-shm", "-journal" };
	char name[PATH_ROOM + 16];

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		(void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
		(void)unlink(name);
	}
}

/*
 * Make what SQLite keeps beside a file, empty: who may read but not write here
 * cannot make it, and cannot read without it.
 */
static void
make_beside(const char *path, const struct owner *owner)
{
	static const char *const endings[] = { "-wal", "-shm" };
	char name[PATH_ROOM + 16];

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		int fd;

		(void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		if (fd == -1)
			continue;
		owner_give(owner, fd);
		(void)close(fd);
	}
}

/*
 * That of the old file, or else of the directory. A file of root's in a
 * directory of somebody else's is a mistake, which is mended.
 */
static struct owner
find_owner(const char *path)
{
	char directory[PATH_ROOM];
	struct owner owner = { .is_other = false };
	struct stat sb;

	statedb_directory(path, directory, sizeof directory);
	if (stat(directory, &sb) == 0)
		owner = owner_of_stat(&sb);
	if (lstat(path, &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_uid != 0)
		owner = owner_of_stat(&sb);
	return owner;
}

/* One at a time makes the file; another that ends gives its own another name.
 */
static enum status
lock_place(const struct place *place, struct stat *ours, struct fault *fault)
{
	struct stat named;

	if (!statedb_flock(place->fd, true) || fstat(place->fd, ours) == -1 ||
	    stat(place->made, &named) == -1 || ours->st_ino != named.st_ino ||
	    ours->st_dev != named.st_dev)
		return fault_set(fault, ST_STATE_BUSY,
		    "another process is making %s", place->made);
	return ST_OK;
}

static enum status
make_place(struct place *place, const char *path, struct fault *fault)
{
	struct stat ours;
	enum status st;

	place->path = path;
	place->fd = -1;
	if ((size_t)snprintf(place->made, sizeof place->made, "%s.new", path) >=
	    sizeof place->made)
		return fault_set(fault, ST_STATE, "the path is too long");
	place->fd =
	    open(place->made, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (place->fd == -1)
		return fail_place("cannot make", place->made, fault);
	st = lock_place(place, &ours, fault);
	if (st != ST_OK) {
		(void)close(place->fd);
		place->fd = -1;
		return st;
	}
	/* It may be there since a crash; or its name is also that of another
	   file, which whoever owns the directory would have us empty. */
	if (!S_ISREG(ours.st_mode) || ours.st_nlink != 1)
		return fault_set(
		    fault, ST_STATE, "%s is in the way", place->made);
	(void)fchmod(place->fd, ours.st_mode & 0640);
	place->owner = find_owner(path);
	owner_give(&place->owner, place->fd);
	remove_beside(place->made);
	if (ftruncate(place->fd, 0) == -1)
		return fail_place("cannot empty", place->made, fault);
	return ST_OK;
}

/* The new file is whole, and closed: make it durable, and the state. */
static enum status
put_in_place(const struct place *place, struct fault *fault)
{
	char directory[PATH_ROOM];
	int fd;

	if (fsync(place->fd) == -1)
		return fail_place("cannot sync", place->made, fault);
	/* The old log must never lie beside the new file: first the old file
	   goes. Who is stopped here by a crash finds none, and makes one. */
	(void)unlink(place->path);
	remove_beside(place->path);
	if (rename(place->made, place->path) == -1)
		return fail_place("cannot rename", place->made, fault);
	make_beside(place->path, &place->owner);
	statedb_directory(place->path, directory, sizeof directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1) {
		(void)fsync(fd);
		(void)close(fd);
	}
	return ST_OK;
}

/* End the one great transaction, and the file that is made of it. */
static enum status
finish_new(struct walk *walk)
{
	char archive[PATH_ROOM + 32];
	enum status st;

	statedb_archive(walk->directory, archive, sizeof archive);
	st = statedb_run(walk->state,
	    statedb_bind(walk->state, SQL_WHOLE_SET, "t", archive),
	    walk->fault);

	/* Who told of them did so by the old file. */
	if (st == ST_OK)
		st = statedb_run(walk->state,
		    statedb_bind(walk->state, SQL_SILENT_KNOWN, "i",
			walk->now - walk->state->options.silent_after - TOLD),
		    walk->fault);
	if (st == ST_OK)
		st = state_commit(walk->state, walk->now, NULL, walk->fault);
	if (st == ST_OK)
		st = statedb_exec(
		    walk->state, "PRAGMA journal_mode = WAL", walk->fault);
	state_close(&walk->state);
	return st;
}

/*
 * With the old state locked, so that what the milter adds now waits and goes to
 * the new one: add what it added since the first walk, and put the new file in
 * place.
 */
static enum status
replace_locked(
    struct walk *walk, const struct place *place, int64_t since, int busy_ms)
{
	enum status st;
	int lock = statedb_lock(place->path, busy_ms, true, &st, walk->fault);

	walk->since = since;
	walk->again = INT64_MAX;
	if (st == ST_OK)
		st = reindex_walk(walk);
	if (st == ST_OK)
		st = finish_new(walk);
	if (st == ST_OK)
		st = put_in_place(place, walk->fault);
	if (lock != -1)
		(void)close(lock);
	return st;
}

/*
 * Open the old state, if there is one: opening must not make it, or others that
 * look for one meanwhile find it, and it is not whole.
 */
static enum status
open_old(struct state **old, const struct place *place,
    const struct state_options *options, struct fault *fault)
{
	if (access(place->path, F_OK) == -1 && errno == ENOENT)
		return ST_STATE;
	return state_open(old, place->path, options, fault);
}

static enum status
replace_state(struct walk *walk, const struct place *place, int64_t since,
    const struct state_options *options)
{
	struct state *old = NULL;
	enum status st = open_old(&old, place, options, walk->fault);
	bool is_locked = false;

	if (st == ST_OK) {
		st = statedb_begin(old, true, walk->fault);
		is_locked = st == ST_OK;
	}
	/* One that cannot be used by anybody need not be locked, and nobody
	   waits for it while we wait for who opens it in vain. */
	if (st != ST_STATE_BUSY)
		st = replace_locked(walk, place, since,
		    is_locked ? options->busy_ms : STATE_BUSY_MS);
	if (is_locked)
		(void)statedb_end(old, ST_STATE, NULL);
	state_close(&old);
	return st;
}

/* Make the new file from a first walk, and take the old one's place. */
static enum status
make_new(struct walk *walk, const struct place *place,
    const struct state_options *options)
{
	int64_t since = (int64_t)time(NULL) - SLACK;
	enum status st;

	st = state_open_bulk(&walk->state, place->made, options, walk->fault);
	if (st != ST_OK)
		return st;
	st = state_begin(walk->state, walk->fault);
	walk->again = since;
	if (st == ST_OK)
		st = reindex_walk(walk);
	if (st == ST_OK)
		st = replace_state(walk, place, since, options);
	/* What has failed is not worth being worked out. */
	if (walk->state != NULL && walk->state->in_batch) {
		walk->state->batch_status = st;
		(void)state_commit(walk->state, walk->now, NULL, NULL);
	}
	state_close(&walk->state);
	return st;
}

static bool
is_needed(const struct reindex_handler *handler)
{
	return handler == NULL || handler->is_needed == NULL ||
	    handler->is_needed(handler->needed_ctx);
}

enum status
reindex(const char *path, const char *directory, const struct conf *conf,
    const struct state_options *options, int64_t until, int64_t now,
    const struct reindex_handler *handler, struct reindex_progress *progress,
    struct fault *fault)
{
	struct reindex_progress ignored = { 0 };
	struct fault own = { 0 };
	struct walk walk = {
		.directory = directory,
		.conf = conf,
		.since = INT64_MIN,
		.until = until,
		.now = now,
		.handler = handler,
		.progress = progress != NULL ? progress : &ignored,
		.fault = fault != NULL ? fault : &own,
	};
	struct place place;
	enum status st = make_place(&place, path, walk.fault);
	bool is_making = st == ST_OK && is_needed(handler);

	*walk.progress = (struct reindex_progress){ 0 };
	if (is_making)
		st = make_new(&walk, &place, options);
	if (place.fd != -1 && (st != ST_OK || !is_making)) {
		(void)unlink(place.made);
		remove_beside(place.made);
	}
	if (place.fd != -1)
		(void)close(place.fd);
	return st;
}
