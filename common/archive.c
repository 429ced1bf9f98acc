#define _GNU_SOURCE /* renameat2() */

#include "archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

enum {
	DAY_MAX = 32, /* "unverified/YYYY/MM/DD" and its NUL */
	TEMPORARY_MAX = 64,
	BLOCK_MAX = 8192,    /* bytes written at once */
	HEAD_MAX = 65536,    /* bytes of a record before the report */
	STALE_SECONDS = 3600 /* a temporary file that old was left by a crash */
};

/* The archive, and in it the directory of a day; descriptors, or -1. */
struct place {
	const char *path; /* of the archive, for messages */
	int root;
	int day;
};

/* Fill in a fault from errno; name, which may be "", is in the archive. */
static enum status
fail(struct fault *fault, const char *what, const char *directory,
    const char *name)
{
	int error = errno;
	enum status st = error == ENOSPC || error == EDQUOT ? ST_NO_SPACE
	    : error == ENOMEM                               ? ST_NO_MEMORY
							    : ST_ARCHIVE;

	return fault_set(fault, st, "%s %s%s%s: %s", what, directory,
	    name[0] != '\0' ? "/" : "", name, strerror(error));
}

/*
 * SHA-256. EVP_sha256() is looked up among the providers in each digest; one
 * that has been fetched is not.
 */

static const EVP_MD *sha256_method;

static void
fetch_sha256(void)
{
#if OPENSSL_VERSION_MAJOR >= 3
	sha256_method = EVP_MD_fetch(NULL, "SHA256", NULL);
#endif
	if (sha256_method == NULL)
		sha256_method = EVP_sha256();
}

enum status
archive_sha256(const struct buf *text, char out[ARCHIVE_SHA256_MAX])
{
	static const char digits[] = "0123456789abcdef";
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	(void)pthread_once(&once, fetch_sha256);
	if (EVP_Digest(text->data != NULL ? text->data : "", text->len, digest,
		&len, sha256_method, NULL) != 1)
		return ST_NO_MEMORY;
	for (unsigned i = 0; i < len; i++) {
		*out++ = digits[digest[i] >> 4];
		*out++ = digits[digest[i] & 0xf];
	}
	*out = '\0';
	return ST_OK;
}

void
archive_tmp(const char *directory, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/tmp", directory);
}

/*
 * Directories.
 */

static int
open_directory(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum status
sync_directory(const struct place *place, const char *name, struct fault *fault)
{
	int fd = open_directory(place->root, name);
	enum status st = ST_OK;

	if (fd == -1)
		return fail(fault, "cannot open", place->path, name);
	if (fsync(fd) == -1)
		st = fail(fault, "cannot sync", place->path, name);
	(void)close(fd);
	return st;
}

/* Make a day's directory, level by level, each durably. */
static enum status
make_day(const struct place *place, const char *day, struct fault *fault)
{
	char path[DAY_MAX], parent[DAY_MAX] = ".";
	enum status st = ST_OK;

	for (size_t end = 0; st == ST_OK && day[end] != '\0';) {
		end += 1 + strcspn(day + end + 1, "/");
		(void)snprintf(path, sizeof path, "%.*s", (int)end, day);
		if (mkdirat(place->root, path, 0750) == 0)
			st = sync_directory(place, parent, fault);
		else if (errno != EEXIST)
			st = fail(fault, "cannot make", place->path, path);
		memcpy(parent, path, sizeof parent);
	}
	return st;
}

/*
 * Open a day's directory; it is made when it is not there. One at a time: who
 * finds one must be sure that it has been synced by whoever made it a moment
 * ago.
 */
static enum status
open_day(struct place *place, const char *day, struct fault *fault)
{
	static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
	enum status st = ST_OK;

	(void)pthread_mutex_lock(&making);
	place->day = open_directory(place->root, day);
	if (place->day == -1 && errno == ENOENT) {
		st = make_day(place, day, fault);
		if (st == ST_OK)
			place->day = open_directory(place->root, day);
	}
	if (st == ST_OK && place->day == -1)
		st = fail(fault, "cannot open", place->path, day);
	(void)pthread_mutex_unlock(&making);
	return st;
}

static enum status
open_root(struct place *place, const char *directory, struct fault *fault)
{
	*place = (struct place){ directory, open_directory(AT_FDCWD, directory),
		-1 };
	if (place->root == -1)
		return fail(fault, "cannot open", directory, "");
	return ST_OK;
}

static void
close_place(const struct place *place)
{
	if (place->day != -1)
		(void)close(place->day);
	if (place->root != -1)
		(void)close(place->root);
}

/*
 * Make a file in DIRECTORY/tmp and put its name, from the archive's directory
 * on, in name. The name may be taken: by another process, or since a crash.
 */
static int
make_temporary(const struct place *place, char name[TEMPORARY_MAX])
{
	static atomic_uint made;
	int fd;

	do {
		(void)snprintf(name, TEMPORARY_MAX, "tmp/record.%ld.%u",
		    (long)getpid(), atomic_fetch_add(&made, 1));
		fd = openat(place->root, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	} while (fd == -1 && errno == EEXIST);
	return fd;
}

/* Remove what a crash has left among the temporary files. */
static void
remove_stale(const struct place *place)
{
	int fd = open_directory(place->root, "tmp");
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	time_t limit = time(NULL) - STALE_SECONDS;
	struct dirent *entry;
	struct stat sb;

	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (fstatat(fd, entry->d_name, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(sb.st_mode) && sb.st_mtime < limit)
			(void)unlinkat(fd, entry->d_name, 0);
	}
	(void)closedir(dir);
}

/* The archive is open: can a file be made in it? */
static enum status
probe(const struct place *place, struct fault *fault)
{
	char name[TEMPORARY_MAX];
	int fd;

	if (mkdirat(place->root, "tmp", 0750) == -1 && errno != EEXIST)
		return fail(fault, "cannot make", place->path, "tmp");
	fd = make_temporary(place, name);
	if (fd == -1)
		return fail(fault, "cannot make a file in", place->path, "tmp");
	(void)close(fd);
	(void)unlinkat(place->root, name, 0);
	return ST_OK;
}

enum status
archive_check(const char *directory, struct fault *fault)
{
	struct place place;
	enum status st;

	if (mkdir(directory, 0750) == -1 && errno != EEXIST)
		return fail(fault, "cannot make", directory, "");
	if (access(directory, R_OK | W_OK | X_OK) == -1)
		return fail(fault, "cannot write to", directory, "");
	st = open_root(&place, directory, fault);
	if (st == ST_OK)
		st = probe(&place, fault);
	if (st == ST_OK)
		remove_stale(&place);
	close_place(&place);
	return st;
}

/*
 * Files that are whole or not there.
 */

/* A file that is being written: few writes, and no more memory than this. */
struct output {
	int fd;
	size_t len; /* bytes in block */
	char block[BLOCK_MAX];
};

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
flush(struct output *out)
{
	size_t len = out->len;

	out->len = 0;
	return write_all(out->fd, out->block, len);
}

static enum status
put(void *ctx, const char *data, size_t len)
{
	struct output *out = ctx;
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

typedef enum status write_fn(struct output *out, const void *arg);

/* What write_record() is handed. */
struct content {
	const struct record *record;
	const char *sha256;
};

static enum status
write_record(struct output *out, const void *arg)
{
	const struct content *what = arg;
	struct buf head;
	enum status st;

	buf_init(&head, HEAD_MAX);
	st = record_head(&head, what->record, what->sha256);
	if (st == ST_OK)
		st = put(out, head.data, head.len);
	if (st == ST_OK)
		st = json_compact(what->record->report->text, put, out);
	if (st == ST_OK)
		st = put(out, "}\n", 2);
	buf_free(&head);
	return st;
}

static enum status
write_message(struct output *out, const void *arg)
{
	struct spool *const *message = arg;

	return spool_read(*message, put, out, NULL);
}

/* Write and sync a file that is open already; closes it. errno on failure. */
static enum status
fill_file(int fd, write_fn *write_it, const void *arg)
{
	struct output out;
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
	if (st == ST_OK && fsync(fd) == -1)
		st = ST_ARCHIVE;
	error = errno;
	(void)close(fd);
	errno = error;
	return st;
}

/* A file of the archive that is being made. */
struct target {
	char path[ARCHIVE_PATH_MAX]; /* from the archive's directory on */
	bool is_made;                /* by us, just now */
	bool is_there;               /* it was there already */
};

/* Its name in the directory of the day. */
static const char *
name_of(const struct target *target)
{
	return strrchr(target->path, '/') + 1;
}

/*
 * Move a file to its final name unless that is taken: EEXIST then. File
 * systems that cannot do so in one step (EINVAL), and kernels, link.
 */
static int
move_file(const struct place *place, const char *from, const char *to)
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

/* Make a file under its final name; one of that name is left alone. */
static enum status
store_file(const struct place *place, struct target *target, write_fn *write_it,
    const void *arg, struct fault *fault)
{
	char temporary[TEMPORARY_MAX];
	int fd = make_temporary(place, temporary);
	enum status st;

	if (fd == -1)
		return fail(fault, "cannot make a file in", place->path, "tmp");
	st = fill_file(fd, write_it, arg);
	if (st != ST_OK)
		st = fail(fault, "cannot write", place->path, target->path);
	else if (move_file(place, temporary, name_of(target)) == 0)
		target->is_made = true;
	else if (errno == EEXIST)
		target->is_there = true;
	else
		st = fail(fault, "cannot make", place->path, target->path);
	if (!target->is_made)
		(void)unlinkat(place->root, temporary, 0);
	return st;
}

/*
 * A later step failed: what has appeared goes again, or the report would be
 * taken for a duplicate when it is sent again, and never be logged.
 */
static void
take_back(const struct place *place, const struct target *target)
{
	if (target->is_made)
		(void)unlinkat(place->day, name_of(target), 0);
}

/* Store the record, and the message before it, and sync their directory. */
static enum status
store_both(const struct place *place, struct target *json, struct target *eml,
    const struct content *what, struct spool *message, struct fault *fault)
{
	enum status st = ST_OK;

	json->is_there = faccessat(place->day, name_of(json), F_OK, 0) == 0;
	if (!json->is_there && message != NULL)
		st = store_file(place, eml, write_message, &message, fault);
	if (!json->is_there && st == ST_OK)
		st = store_file(place, json, write_record, what, fault);
	/* Also for one that is there: it may have been linked just now. */
	if (st == ST_OK && fsync(place->day) == -1)
		st = fail(fault, "cannot sync the directory of", place->path,
		    json->path);
	if (st != ST_OK) {
		take_back(place, json);
		take_back(place, eml);
	}
	return st;
}

enum status
archive_store(const char *directory, const struct record *record,
    struct spool *message, struct archived *archived, struct fault *fault)
{
	char sha256[ARCHIVE_SHA256_MAX], name[ARCHIVE_PATH_MAX - 8];
	const struct content what = { record, sha256 };
	struct target json = { .is_made = false }, eml = { .is_made = false };
	struct place place;
	enum status st;

	if (archive_sha256(record->text, sha256) != ST_OK)
		return fault_set(fault, ST_NO_MEMORY, "SHA-256 failed");
	record_name(record, sha256, name, sizeof name);
	(void)snprintf(json.path, sizeof json.path, "%s.json", name);
	(void)snprintf(eml.path, sizeof eml.path, "%s.eml.gz", name);
	*strrchr(name, '/') = '\0';
	st = open_root(&place, directory, fault);
	if (st == ST_OK)
		st = open_day(&place, name, fault);
	if (st == ST_OK)
		st = store_both(&place, &json, &eml, &what, message, fault);
	close_place(&place);
	if (st != ST_OK)
		return st;
	memcpy(archived->path, json.path, sizeof archived->path);
	archived->is_duplicate = json.is_there;
	return ST_OK;
}
