#define _GNU_SOURCE /* renameat2() */

#include "archivefile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

enum {
	HEAD_MAX = 65536 /* bytes of a record before the report */
};

enum status
archive_fail(struct fault *fault, const char *what, const char *directory,
    const char *name)
{
	int error = errno;
	enum status st = error == ENOSPC || error == EDQUOT ? ST_NO_SPACE
	    : error == ENOMEM                               ? ST_NO_MEMORY
							    : ST_ARCHIVE;

	(void)fault_set(fault, st, "%s %s%s%s: %s", what, directory,
	    name[0] != '\0' ? "/" : "", name, strerror(error));
	errno = error;
	return st;
}

/*
 * Directories.
 */

static int
open_directory(const struct archive_place *place, int at, const char *name)
{
	return openat(at, name,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC |
		owner_open_flag(&place->owner));
}

/* A directory was made in at: to whom it belongs, and durably. */
static int
settle_directory(const struct archive_place *place, int at, int fd)
{
	owner_give(&place->owner, fd);
	if (place->owner.is_other && fsync(fd) == -1)
		return -1;
	return fsync(at);
}

/*
 * Open a directory, which is made if need be and may be. What could not be done
 * is in *what; -1 and errno.
 */
static int
open_level(const struct archive_place *place, int at, const char *name,
    bool may_make, const char **what)
{
	int fd = open_directory(place, at, name), error;
	bool is_made;

	*what = "cannot open";
	if (fd != -1 || errno != ENOENT || !may_make)
		return fd;
	is_made = mkdirat(at, name, 0750) == 0;
	if (!is_made && errno != EEXIST) {
		*what = "cannot make";
		return -1;
	}
	fd = open_directory(place, at, name);
	if (fd == -1 || !is_made || settle_directory(place, at, fd) == 0)
		return fd;
	*what = "cannot sync";
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

/*
 * Level by level where something is to be made, or no link to be followed:
 * openat() follows those on the way to the last name.
 */
static int
go_down(const struct archive_place *place, const char *path, bool may_make,
    const char **what)
{
	int at = place->root;

	if (!place->owner.is_other) {
		int fd = open_directory(place, at, path);

		*what = "cannot open";
		if (fd != -1 || errno != ENOENT || !may_make)
			return fd;
	}
	for (const char *name = path; *name != '\0';) {
		char level[ARCHIVE_DAY_MAX];
		size_t len = strcspn(name, "/");
		int fd, error;

		(void)snprintf(level, sizeof level, "%.*s", (int)len, name);
		fd = open_level(place, at, level, may_make, what);
		error = errno;
		if (at != place->root)
			(void)close(at);
		errno = error;
		if (fd == -1)
			return -1;
		at = fd;
		name += len + (name[len] == '/');
	}
	return at;
}

int
archive_open_below(const struct archive_place *place, const char *path)
{
	const char *what;

	return go_down(place, path, false, &what);
}

static enum status
try_day(struct archive_place *place, const char *day, struct fault *fault)
{
	const char *what;

	place->day = go_down(place, day, true, &what);
	return place->day != -1 ? ST_OK
				: archive_fail(fault, what, place->path, day);
}

enum status
archive_make_tmp(struct archive_place *place, struct fault *fault)
{
	const char *what;

	if (place->tmp == -1)
		place->tmp = open_level(place, place->root, "tmp", true, &what);
	return place->tmp != -1 ? ST_OK
				: archive_fail(fault, what, place->path, "tmp");
}

/*
 * One at a time: who finds a directory must be sure that it has been synced by
 * whoever made it a moment ago.
 */
enum status
archive_open_day(
    struct archive_place *place, const char *day, struct fault *fault)
{
	static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
	enum status st = ST_OK;

	if (place->day != -1)
		(void)close(place->day);
	(void)pthread_mutex_lock(&making);
	for (int tries = 0; tries < ARCHIVE_DAY_TRIES; tries++) {
		st = try_day(place, day, fault);
		if (st == ST_OK || errno != ENOENT)
			break;
	}
	(void)pthread_mutex_unlock(&making);
	return st;
}

bool
archive_is_day_gone(const struct archive_place *place)
{
	struct stat sb;

	return fstat(place->day, &sb) == -1 || sb.st_nlink == 0;
}

enum status
archive_open(
    struct archive_place *place, const char *directory, struct fault *fault)
{
	*place = (struct archive_place){ .path = directory,
		.root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.tmp = -1,
		.day = -1 };
	if (place->root == -1)
		return archive_fail(fault, "cannot open", directory, "");
	if (owner_is_led(directory, place->root)) {
		errno = ELOOP;
		return archive_fail(fault, "cannot open", directory, "");
	}
	place->owner = owner_of(place->root);
	place->tmp = open_directory(place, place->root, "tmp");
	if (place->tmp == -1 && errno != ENOENT)
		return archive_fail(fault, "cannot open", directory, "tmp");
	return ST_OK;
}

void
archive_close(const struct archive_place *place)
{
	if (place->day != -1)
		(void)close(place->day);
	if (place->tmp != -1)
		(void)close(place->tmp);
	if (place->root != -1)
		(void)close(place->root);
}

/* The name may be taken: by another process, or since a crash. */
int
archive_make_temporary(
    const struct archive_place *place, char name[ARCHIVE_TEMPORARY_MAX])
{
	static atomic_uint made;
	int fd;

	if (place->tmp == -1) {
		errno = ENOENT;
		return -1;
	}
	do {
		(void)snprintf(name, ARCHIVE_TEMPORARY_MAX, "record.%ld.%u",
		    (long)getpid(), atomic_fetch_add(&made, 1));
		/* With O_EXCL no link is followed. */
		fd = openat(place->tmp, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	} while (fd == -1 && errno == EEXIST);
	if (fd != -1)
		owner_give(&place->owner, fd);
	return fd;
}

/*
 * Files that are whole or not there.
 */

/* Write everything; errno tells why it cannot be. */
static enum status
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return ST_ARCHIVE;
		data += n;
		len -= (size_t)n;
	}
	return ST_OK;
}

static enum status
flush(struct archive_output *out)
{
	size_t len = out->len;

	out->len = 0;
	return write_all(out->fd, out->block, len);
}

enum status
archive_put(void *ctx, const char *data, size_t len)
{
	struct archive_output *out = ctx;
	enum status st = ST_OK;

	if (len > sizeof out->block - out->len)
		st = flush(out);
	if (st != ST_OK)
		return st;
	if (len > sizeof out->block)
		return write_all(out->fd, data, len);
	memcpy(out->block + out->len, data, len);
	out->len += len;
	return ST_OK;
}

enum status
archive_write_record(struct archive_output *out, const void *arg)
{
	const struct archive_content *what = arg;
	struct buf head;
	enum status st;

	buf_init(&head, HEAD_MAX);
	st = record_head(&head, what->record, what->sha256);
	if (st == ST_OK)
		st = archive_put(out, head.data, head.len);
	if (st == ST_OK)
		st = json_compact(what->record->report->text, archive_put, out);
	if (st == ST_OK)
		st = archive_put(out, "}\n", 2);
	buf_free(&head);
	return st;
}

enum status
archive_write_message(struct archive_output *out, const void *arg)
{
	struct spool *const *message = arg;

	return spool_read(*message, archive_put, out, NULL);
}

enum status
archive_fill(
    int fd, archive_write_fn *write_it, const void *arg, bool with_sync)
{
	struct archive_output out;
	enum status st;
	int error;

	out.fd = fd;
	out.len = 0;
	errno = 0;
	st = write_it(&out, arg);
	if (st == ST_NO_MEMORY)
		errno = ENOMEM;
	if (st == ST_OK)
		st = flush(&out);
	if (st == ST_OK && with_sync && fsync(fd) == -1)
		st = ST_ARCHIVE;
	error = errno;
	/* Some file systems tell only here that they are full. */
	if (close(fd) == -1 && st == ST_OK && errno != EINTR)
		return ST_ARCHIVE;
	errno = error;
	return st;
}

/*
 * Files that have their names.
 */

static int
open_file(const struct archive_place *place, int at, const char *name)
{
	return openat(at, name,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | owner_open_flag(&place->owner));
}

/* Why something could not be opened: is it none that we have made? */
static bool
is_others(int error)
{
	return error == EACCES || error == ELOOP;
}

/* A record ends with "}" and, unless somebody has edited it, a newline. */
static enum archive_found
judge_end(int fd)
{
	struct stat sb;
	ssize_t n;
	char last;

	if (fstat(fd, &sb) == -1)
		return ARCHIVE_UNSEEN;
	if (!S_ISREG(sb.st_mode))
		return ARCHIVE_WHOLE;
	if (sb.st_size == 0)
		return ARCHIVE_PART;
	do
		n = pread(fd, &last, 1, sb.st_size - 1);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return ARCHIVE_UNSEEN;
	if (n == 0)
		return ARCHIVE_PART;
	return last == '\n' || last == '}' ? ARCHIVE_WHOLE : ARCHIVE_PART;
}

enum archive_found
archive_find_record(const struct archive_place *place, int at, const char *name)
{
	int fd = open_file(place, at, name);
	enum archive_found found;
	int error;

	if (fd == -1)
		return errno == ENOENT ? ARCHIVE_NONE
		    : is_others(errno) ? ARCHIVE_WHOLE
				       : ARCHIVE_UNSEEN;
	found = judge_end(fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return found;
}

/*
 * File systems that cannot rename to a name that is free alone (EINVAL), and
 * kernels, link.
 */
static int
move_to_free_name(
    const struct archive_place *place, const char *from, const char *to)
{
	if (renameat2(place->tmp, from, place->day, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(place->tmp, from, place->day, to, 0) == -1)
		return -1;
	(void)unlinkat(place->tmp, from, 0);
	return 0;
}

int
archive_move(const struct archive_place *place, const char *from,
    const char *to, enum archive_over over)
{
	enum archive_found found = ARCHIVE_NONE;

	if (over == ARCHIVE_OVER_NOTHING)
		return move_to_free_name(place, from, to);
	if (over == ARCHIVE_OVER_PART)
		found = archive_find_record(place, place->day, to);
	if (found == ARCHIVE_WHOLE)
		errno = EEXIST;
	if (found == ARCHIVE_WHOLE || found == ARCHIVE_UNSEEN)
		return -1;
	return renameat(place->tmp, from, place->day, to);
}

/*
 * -1, with errno, unless it is durable, or not there. One that has come from
 * elsewhere, and we may not read, was not written a moment ago.
 */
static int
sync_file(const struct archive_place *place, int at, const char *name)
{
	int fd = open_file(place, at, name), rc, error;

	if (fd == -1)
		return errno == ENOENT || is_others(errno) ? 0 : -1;
	rc = fsync(fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return rc;
}

enum status
archive_sync_record(
    const struct archive_place *place, const char *path, struct fault *fault)
{
	char day[ARCHIVE_DAY_MAX], message[ARCHIVE_PATH_MAX];
	const char *name = strrchr(path, '/') + 1;
	enum status st = ST_OK;
	int fd;

	(void)snprintf(day, sizeof day, "%.*s", (int)(name - 1 - path), path);
	(void)snprintf(message, sizeof message, "%.*s.eml.gz",
	    (int)(strrchr(name, '.') - name), name);
	fd = archive_open_below(place, day);
	if (fd == -1 && errno == ENOENT)
		return ST_OK;
	if (fd == -1 || sync_file(place, fd, message) == -1 ||
	    sync_file(place, fd, name) == -1 || fsync(fd) == -1)
		st = archive_fail(fault, "cannot sync", place->path, path);
	if (fd != -1)
		(void)close(fd);
	return st;
}
