#include "reindexwalk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "deadline.h"
#include "ijson.h"
#include "json.h"
#include "rank.h"
#include "recordreading.h"

enum {
	HEAD_MAX = 65536, /* bytes of a record besides the report */
	PROGRESS_EVERY = 100
};

/*
 * What is wrong with the archive.
 */

static enum status
fail_archive(const struct walk *walk, const char *what)
{
	return fault_set(walk->fault,
	    errno == ENOMEM ? ST_NO_MEMORY : ST_ARCHIVE, "%s %s: %s", what,
	    walk->directory, strerror(errno));
}

/* What is wrong with one path is told, and does not end the walk. */
static void
tell_fault(struct walk *walk, const char *path, const struct fault *fault)
{
	walk->progress->faults++;
	if (walk->handler != NULL && walk->handler->fault != NULL)
		walk->handler->fault(walk->handler->ctx, path, fault);
}

/*
 * With errno set: a path cannot be opened or read, and is left out; is_again:
 * another walk will tell. What we lack ourselves ends this one, as it is not
 * the path's fault, and every other would be left out, too.
 */
static enum status
leave_out(struct walk *walk, const char *path, const char *what, bool is_again)
{
	struct fault fault;

	if (errno == ENOMEM || errno == EMFILE || errno == ENFILE)
		return fail_archive(walk, what);
	(void)fault_set(&fault, ST_ARCHIVE, "%s: %s", what, strerror(errno));
	if (!is_again)
		tell_fault(walk, path, &fault);
	return ST_OK;
}

/*
 * One record.
 */

static enum status
read_file(struct walk *walk, int fd, struct fault *fault)
{
	enum status st = ST_OK;
	char *space;
	size_t room;
	ssize_t n;

	buf_cut(&walk->text, 0);
	for (;;) {
		st = buf_space(&walk->text, 65536, &space, &room);
		if (st != ST_OK)
			return fault_set(fault, st, "%s",
			    st == ST_TOO_LARGE ? "larger than any record"
					       : "no memory");
		n = read(fd, space, room);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fault_set(
			    fault, ST_ARCHIVE, "%s", strerror(errno));
		if (n == 0)
			return ST_OK;
		buf_grow(&walk->text, (size_t)n);
	}
}

static enum status
read_record(
    struct walk *walk, struct recordreading *reading, struct fault *fault)
{
	deviations dev = 0;
	enum status st;

	if (walk->text.len == 0)
		return fault_set(fault, ST_EMPTY, "no content");
	st = ijson_check(walk->text.data, walk->text.len, NULL, &dev, fault);
	if (st == ST_OK)
		st = recordreading_take(reading, &walk->text, fault);
	return st == ST_OK
	    ? report_read_span(walk->report, reading->report, dev, fault)
	    : st;
}

static void
note_added(struct walk *walk, enum state_added added)
{
	walk->progress->added += added == STATE_NEW;
	walk->progress->differing +=
	    added == STATE_DIFFERS || added == STATE_REPLACES;
}

static enum status
end_batch(struct walk *walk)
{
	walk->in_batch = 0;
	return state_commit(walk->state, walk->now, walk->events, walk->fault);
}

static bool
is_batch_due(const struct walk *walk)
{
	return walk->batch > 0 && walk->in_batch > 0 &&
	    (walk->in_batch == walk->batch ||
		(walk->hold_ms > 0 && deadline_now() >= walk->batch_end));
}

static enum status
begin_batch(struct walk *walk)
{
	enum status st;

	walk->batch_end = deadline_now() + walk->hold_ms;
	st = state_begin(walk->state, walk->fault);
	if (st != ST_OK || !walk->is_marking)
		return st;
	walk->has_marked = true;
	st = state_mark_missing(walk->state, walk->since, walk->fault);
	return st == ST_OK ? ST_OK : end_batch(walk);
}

static enum status
add_record(
    struct walk *walk, const struct recordreading *reading, const char *path)
{
	const struct record record = {
		.auth = reading->has_auth ? reading->auth : NULL,
		.verdict = &reading->verdict,
		.submitter = reading->submitter,
		.report = walk->report,
	};
	const struct state_report report = {
		.report = walk->report,
		.received = reading->received,
		.path = path,
		.sha256 = reading->sha256,
		.rank = rank_of(&record),
	};
	enum state_added added = STATE_KNOWN;
	enum status st = ST_OK;
	bool has = false;

	if (walk->hold_ms > 0)
		st = state_has(walk->state, &report, &has, walk->fault);
	if (st == ST_OK && !has && walk->batch > 0 && walk->in_batch == 0)
		st = begin_batch(walk);
	if (st != ST_OK || has)
		return st;
	walk->in_batch++;
	st = state_add(walk->state, &report, walk->conf, walk->now,
	    walk->events, &added, walk->fault);
	if (st == ST_OK)
		note_added(walk, added);
	if (walk->batch > 0 && st != ST_OK)
		st = end_batch(walk);
	return st;
}

static bool
is_of_record(enum status st)
{
	return st == ST_NOT_A_REPORT || st == ST_ARCHIVE ||
	    status_is_malformed(st);
}

static enum status
take_file(struct walk *walk, int fd, const char *path)
{
	struct fault fault;
	struct recordreading reading;
	enum status st = read_file(walk, fd, &fault);

	if (st == ST_OK)
		st = read_record(walk, &reading, &fault);
	walk->progress->records++;
	if (st == ST_OK) {
		st = add_record(walk, &reading, path);
	} else if (is_of_record(st)) {
		if (!walk->is_file_again)
			tell_fault(walk, path, &fault);
		st = ST_OK;
	} else if (walk->fault != NULL) {
		*walk->fault = fault;
	}
	return st == ST_OK && is_batch_due(walk) ? end_batch(walk) : st;
}

static enum status
tell_progress(struct walk *walk)
{
	enum status st;

	if (walk->handler == NULL || walk->handler->progress == NULL)
		return ST_OK;
	st = walk->handler->progress(walk->handler->ctx, walk->progress);
	return st == ST_OK ? ST_OK : fault_set(walk->fault, st, "stopped");
}

/* A file of this kind and time is what the walk is about. */
static bool
is_sought(struct walk *walk, const struct stat *sb)
{
	walk->is_file_again = walk->is_day_again && sb->st_mtime >= walk->again;
	return S_ISREG(sb->st_mode) && sb->st_mtime >= walk->since &&
	    sb->st_mtime < walk->until;
}

/* With errno set by open(). One that has been pruned meanwhile is no fault. */
static enum status
leave_out_record(
    struct walk *walk, int day_fd, const char *name, const char *path)
{
	int error = errno;
	struct stat sb;

	if (error == ENOENT)
		return ST_OK;
	if (fstatat(day_fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!is_sought(walk, &sb))
			return ST_OK;
	} else {
		walk->is_file_again = walk->is_day_again;
	}
	errno = error;
	return leave_out(walk, path, "cannot open", walk->is_file_again);
}

static enum status
take_entry(struct walk *walk, int day_fd, const char *day, const char *name)
{
	char path[STATE_PATH_MAX];
	size_t len = strlen(name);
	struct stat sb;
	enum status st = ST_OK;
	int fd;

	if (len < 5 || strcmp(name + len - 5, ".json") != 0 ||
	    (size_t)snprintf(path, sizeof path, "%s/%s", day, name) >=
		sizeof path)
		return ST_OK;
	fd = openat(
	    day_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return leave_out_record(walk, day_fd, name, path);
	if (fstat(fd, &sb) == 0 && is_sought(walk, &sb))
		st = take_file(walk, fd, path);
	(void)close(fd);
	if (st == ST_OK && walk->progress->records % PROGRESS_EVERY == 0 &&
	    walk->progress->records > 0)
		st = tell_progress(walk);
	return st;
}

/*
 * Directories.
 */

static bool
is_number(const char *name, size_t len)
{
	return strlen(name) == len && strspn(name, "0123456789") == len;
}

static enum status
note_day(struct walk *walk, const char *day)
{
	if (walk->days_count == walk->days_cap) {
		size_t cap = walk->days_cap == 0 ? 64 : 2 * walk->days_cap;
		void *grown = realloc(walk->days, cap * sizeof walk->days[0]);

		if (grown == NULL)
			return fault_set(
			    walk->fault, ST_NO_MEMORY, "reindex: no memory");
		walk->days = grown;
		walk->days_cap = cap;
	}
	(void)snprintf(walk->days[walk->days_count++], DAY_NAME_MAX, "%s", day);
	return ST_OK;
}

/* A directory; NULL with errno. */
static DIR *
open_directory(int root, const char *path, int flags)
{
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	int error = errno;

	if (dir == NULL && fd != -1) {
		(void)close(fd);
		errno = error;
	}
	return dir;
}

/* The next entry; NULL at the end with errno 0, else with what went wrong. */
static struct dirent *
next_entry(DIR *dir)
{
	errno = 0;
	return readdir(dir);
}

/*
 * A year or a month cannot be read. Its time says nothing of what came to its
 * days, so that every walk has this fault. Without the archive there is none.
 */
static enum status
leave_out_days(struct walk *walk, const char *path)
{
	if (path[0] == '\0')
		return fail_archive(walk, "cannot read");
	return leave_out(walk, path, "cannot open", walk->again != INT64_MAX);
}

/*
 * Note the days below a directory of the archive: years at depth 0, months at
 * 1, days at 2. tmp and unverified are no numbers.
 */
static enum status
find_days(struct walk *walk, int root, const char *prefix, int depth)
{
	DIR *dir =
	    open_directory(root, prefix[0] != '\0' ? prefix : ".", O_NOFOLLOW);
	enum status st = ST_OK;
	struct dirent *entry;

	if (dir == NULL)
		return errno == ENOTDIR || errno == ELOOP || errno == ENOENT
		    ? ST_OK
		    : leave_out_days(walk, prefix);
	while (st == ST_OK && (entry = next_entry(dir)) != NULL) {
		char path[DAY_NAME_MAX];

		if (!is_number(entry->d_name, depth == 0 ? 4 : 2))
			continue;
		if ((size_t)snprintf(path, sizeof path, "%s%s%s", prefix,
			depth > 0 ? "/" : "", entry->d_name) >= sizeof path)
			continue;
		st = depth == 2 ? note_day(walk, path)
				: find_days(walk, root, path, depth + 1);
	}
	if (st == ST_OK && errno != 0)
		st = leave_out_days(walk, prefix);
	(void)closedir(dir);
	return st;
}

static int
compare_days(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* A day to which no file has come since need not be looked at. */
static bool
is_day_sought(struct walk *walk, const struct stat *sb)
{
	walk->is_day_again = sb->st_mtime >= walk->again;
	return sb->st_mtime >= walk->since;
}

/* With errno set by open(). */
static enum status
leave_out_day(struct walk *walk, int root, const char *day)
{
	int error = errno;
	struct stat sb;

	if (error == ENOENT || error == ENOTDIR)
		return ST_OK;
	if (fstatat(root, day, &sb, 0) == 0) {
		if (!is_day_sought(walk, &sb))
			return ST_OK;
	} else {
		walk->is_day_again = walk->again != INT64_MAX;
	}
	errno = error;
	return leave_out(walk, day, "cannot open", walk->is_day_again);
}

static enum status
take_entries(struct walk *walk, DIR *dir, const char *day)
{
	enum status st = ST_OK;
	struct dirent *entry;

	while (st == ST_OK && (entry = next_entry(dir)) != NULL)
		st = take_entry(walk, dirfd(dir), day, entry->d_name);
	return st == ST_OK && errno != 0
	    ? leave_out(walk, day, "cannot read", walk->is_day_again)
	    : st;
}

static enum status
take_day(struct walk *walk, int root, const char *day)
{
	DIR *dir = open_directory(root, day, 0);
	enum status st = ST_OK;
	struct stat sb;

	if (dir == NULL)
		return leave_out_day(walk, root, day);
	if (fstat(dirfd(dir), &sb) == 0 && is_day_sought(walk, &sb))
		st = take_entries(walk, dir, day);
	(void)closedir(dir);
	walk->progress->days++;
	return st;
}

static enum status
walk_days(struct walk *walk, int root)
{
	enum status st = find_days(walk, root, "", 0);

	if (st == ST_OK && walk->days_count > 0)
		qsort(walk->days, walk->days_count, sizeof walk->days[0],
		    compare_days);
	walk->progress->days_all = walk->days_count;
	walk->progress->days = 0;
	for (size_t i = 0; i < walk->days_count && st == ST_OK; i++)
		st = take_day(walk, root, walk->days[i]);
	if (walk->batch > 0 && walk->in_batch > 0) {
		enum status end = end_batch(walk);

		st = st == ST_OK ? end : st;
	}
	return st == ST_OK ? tell_progress(walk) : st;
}

/* Everything up to the walk itself; *root is closed by end_walk(). */
static enum status
begin_walk(struct walk *walk, int *root)
{
	*root = open(walk->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*root == -1)
		return fail_archive(walk, "cannot open");
	buf_init(
	    &walk->text, 2 * (size_t)walk->conf->max_report_size + HEAD_MAX);
	walk->report = malloc(sizeof *walk->report);
	return walk->report != NULL
	    ? ST_OK
	    : fault_set(walk->fault, ST_NO_MEMORY, "reindex: no memory");
}

static void
end_walk(struct walk *walk, int root)
{
	if (root == -1)
		return;
	free(walk->report);
	walk->report = NULL;
	free(walk->days);
	walk->days = NULL;
	walk->days_count = walk->days_cap = 0;
	buf_free(&walk->text);
	(void)close(root);
}

enum status
reindex_walk(struct walk *walk)
{
	int root;
	enum status st = begin_walk(walk, &root);

	if (st == ST_OK)
		st = walk_days(walk, root);
	end_walk(walk, root);
	return st;
}

/* One that has been pruned meanwhile is no fault. */
static enum status
take_path(struct walk *walk, int root, const char *path)
{
	int fd =
	    openat(root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum status st;

	if (fd == -1)
		return errno == ENOENT
		    ? ST_OK
		    : leave_out(walk, path, "cannot open", false);
	st = take_file(walk, fd, path);
	(void)close(fd);
	return st;
}

enum status
reindex_walk_paths(struct walk *walk, const char *const *paths, size_t count)
{
	int root;
	enum status st = begin_walk(walk, &root);

	for (size_t i = 0; i < count && st == ST_OK; i++)
		st = take_path(walk, root, paths[i]);
	if (walk->in_batch > 0) {
		enum status end = end_batch(walk);

		st = st == ST_OK ? end : st;
	}
	end_walk(walk, root);
	return st;
}
