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

int
archive_open_directory(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum status
sync_directory(
    const struct archive_place *place, const char *name, struct fault *fault)
{
	int fd = archive_open_directory(place->root, name);
	enum status st = ST_OK;

	if (fd == -1)
		return archive_fail(fault, "cannot open", place->path, name);
	if (fsync(fd) == -1)
		st = archive_fail(fault, "cannot sync", place->path, name);
	(void)close(fd);
	return st;
}

/* Make a day's directory, level by level, each durably. */
static enum status
make_day(
    const struct archive_place *place, const char *day, struct fault *fault)
{
	char path[ARCHIVE_DAY_MAX], parent[ARCHIVE_DAY_MAX] = ".";
	enum status st = ST_OK;

	for (size_t end = 0; st == ST_OK && day[end] != '\0';) {
		end += 1 + strcspn(day + end + 1, "/");
		(void)snprintf(path, sizeof path, "%.*s", (int)end, day);
		if (mkdirat(place->root, path, 0750) == 0)
			st = sync_directory(place, parent, fault);
		else if (errno != EEXIST)
			st = archive_fail(
			    fault, "cannot make", place->path, path);
		memcpy(parent, path, sizeof parent);
	}
	return st;
}

static enum status
try_day(struct archive_place *place, const char *day, struct fault *fault)
{
	enum status st = ST_OK;

	place->day = archive_open_directory(place->root, day);
	if (place->day == -1 && errno == ENOENT) {
		st = make_day(place, day, fault);
		if (st == ST_OK)
			place->day = archive_open_directory(place->root, day);
	}
	if (st == ST_OK && place->day == -1)
		st = archive_fail(fault, "cannot open", place->path, day);
	return st;
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
	*place = (struct archive_place){ directory,
		archive_open_directory(AT_FDCWD, directory), -1 };
	if (place->root == -1)
		return archive_fail(fault, "cannot open", directory, "");
	return ST_OK;
}

void
archive_close(const struct archive_place *place)
{
	if (place->day != -1)
		(void)close(place->day);
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

	do {
		(void)snprintf(name, ARCHIVE_TEMPORARY_MAX, "tmp/record.%ld.%u",
		    (long)getpid(), atomic_fetch_add(&made, 1));
		fd = openat(place->root, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	} while (fd == -1 && errno == EEXIST);
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
	(void)close(fd);
	errno = error;
	return st;
}

/*
 * Move a file to its final name unless that is taken: EEXIST then. File
 * systems that cannot do so in one step (EINVAL), and kernels, link.
 */
int
archive_move(
    const struct archive_place *place, const char *from, const char *to)
{
	if (renameat2(place->root, from, place->day, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(place->root, from, place->day, to, 0) == -1)
		return -1;
	(void)unlinkat(place->root, from, 0);
	return 0;
}
