#include "archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deviation.h"
#include "emit.h"
#include "json.h"
#include "rfc3339.h"

enum {
	NAME_PART_MAX = 100, /* bytes of submitter and domain in a file name */
	UNIQUE_DIGITS = 16,
	HEAD_MAX = 65536,    /* bytes of a record before the report */
	STALE_SECONDS = 3600 /* a temporary file that old was left by a crash */
};

/* Fill in a fault from errno. */
static enum status
fail(struct fault *fault, const char *what, const char *path)
{
	int error = errno;
	enum status st = error == ENOSPC || error == EDQUOT ? ST_NO_SPACE
	    : error == ENOMEM                               ? ST_NO_MEMORY
							    : ST_ARCHIVE;

	return fault_set(fault, st, "%s %s: %s", what, path, strerror(error));
}

enum status
archive_sha256(const struct buf *text, char out[ARCHIVE_SHA256_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(text->data != NULL ? text->data : "", text->len, digest,
		&len, EVP_sha256(), NULL) != 1)
		return ST_NO_MEMORY;
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(out + (size_t)2 * i, 3, "%02x", digest[i]);
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

static enum status
sync_directory(const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum status st = ST_OK;

	if (fd == -1)
		return fail(fault, "cannot open", path);
	if (fsync(fd) == -1)
		st = fail(fault, "cannot sync", path);
	(void)close(fd);
	return st;
}

/* Make one directory; its parent ends at slash. */
static enum status
make_directory(char *path, char *slash, struct fault *fault)
{
	enum status st;

	if (mkdir(path, 0750) == -1)
		return errno == EEXIST ? ST_OK
				       : fail(fault, "cannot make", path);
	*slash = '\0';
	st = sync_directory(path, fault);
	*slash = '/';
	return st;
}

/* Make path, of which the first root bytes are there, level by level. */
static enum status
make_levels(char *path, size_t root, struct fault *fault)
{
	struct stat sb;
	enum status st;
	char *slash;

	if (stat(path, &sb) == 0)
		return ST_OK;
	for (char *p = path + root; *p != '\0'; p = slash) {
		char end;

		slash = p + 1 + strcspn(p + 1, "/");
		end = *slash;
		*slash = '\0';
		st = make_directory(path, p, fault);
		*slash = end;
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/*
 * One at a time: who finds a directory there must be sure that it has been
 * synced by whoever made it a moment ago.
 */
static enum status
make_directories(char *path, size_t root, struct fault *fault)
{
	static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
	enum status st;

	(void)pthread_mutex_lock(&making);
	st = make_levels(path, root, fault);
	(void)pthread_mutex_unlock(&making);
	return st;
}

/* Remove what a crash has left among the temporary files. */
static void
remove_stale(const char *tmp)
{
	DIR *dir = opendir(tmp);
	time_t limit = time(NULL) - STALE_SECONDS;
	struct dirent *entry;
	struct stat sb;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), entry->d_name, &sb,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(sb.st_mode) && sb.st_mtime < limit)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	(void)closedir(dir);
}

enum status
archive_check(const char *directory, struct fault *fault)
{
	char tmp[PATH_MAX], probe[PATH_MAX + 16];
	int fd;

	if (mkdir(directory, 0750) == -1 && errno != EEXIST)
		return fail(fault, "cannot make", directory);
	archive_tmp(directory, tmp, sizeof tmp);
	if (mkdir(tmp, 0750) == -1 && errno != EEXIST)
		return fail(fault, "cannot make", tmp);
	if (access(directory, R_OK | W_OK | X_OK) == -1)
		return fail(fault, "cannot write to", directory);
	(void)snprintf(probe, sizeof probe, "%s/probe.XXXXXX", tmp);
	fd = mkstemp(probe);
	if (fd == -1)
		return fail(fault, "cannot make a file in", tmp);
	(void)close(fd);
	(void)unlink(probe);
	remove_stale(tmp);
	return ST_OK;
}

/*
 * Names.
 */

/* Append a part of a file name, made safe. */
static void
add_part(char *out, size_t size, const char *part)
{
	size_t n = strlen(out), end = n + NAME_PART_MAX;

	if (part == NULL || part[0] == '\0')
		part = "unknown";
	for (; *part != '\0' && n < end && n + 1 < size; part++) {
		bool is_safe = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789.-_",
				   *part) != NULL;

		out[n++] = is_safe ? *part : '_';
	}
	out[n] = '\0';
}

/* "YYYY/MM/DD/" and the file name without its ending. */
static void
make_name(
    const struct record *record, const char *sha256, char *out, size_t size)
{
	const struct report *r = record->report;
	char day[RFC3339_MAX];

	if (!r->start.is_known || !rfc3339_format(r->start.time, day))
		(void)rfc3339_format(record->received, day);
	(void)snprintf(out, size, "%.4s/%.2s/%.2s/", day, day + 5, day + 8);
	add_part(out, size, record->submitter);
	(void)strncat(out, "!", size - strlen(out) - 1);
	add_part(out, size, record->assessment->policy_domain);
	(void)snprintf(out + strlen(out), size - strlen(out), "!%lld!%lld!%.*s",
	    (long long)(r->start.is_known ? r->start.time : 0),
	    (long long)(r->end.is_known ? r->end.time : 0), UNIQUE_DIGITS,
	    sha256);
}

/*
 * Records.
 */

static enum status
add_member(struct buf *out, const char *name, const char *value)
{
	enum status st = buf_addf(out, "\"%s\":", name);

	if (st == ST_OK)
		st = emit_json_string(
		    out, value != NULL ? value : "", EMIT_VALUE_WHOLE);
	return st == ST_OK ? buf_addc(out, ',') : st;
}

static enum status
add_deviations(struct buf *out, deviations set)
{
	enum status st = buf_adds(out, "\"deviations\":[");
	const char *name, *comma = "";
	unsigned next = 0;

	while (st == ST_OK && (name = deviation_next(set, &next)) != NULL) {
		st = buf_addf(out, "%s\"%s\"", comma, name);
		comma = ",";
	}
	return st == ST_OK ? buf_adds(out, "],") : st;
}

/* Everything of a record that comes before the report. */
static enum status
make_head(struct buf *out, const struct record *record, const char *sha256)
{
	const struct {
		const char *name;
		const char *value;
	} member[] = {
		{ "queue-id", record->queue_id },
		{ "envelope-from", record->envelope_from },
		{ "client", record->client },
		{ "message-id", record->message_id },
		{ "subject", record->subject },
		{ "submitter", record->submitter },
		{ "sha256", sha256 },
	};
	char received[RFC3339_MAX];
	enum status st;

	(void)rfc3339_format(record->received, received);
	st = buf_addc(out, '{');
	if (st == ST_OK)
		st = add_member(out, "received", received);
	for (size_t i = 0; st == ST_OK && i < sizeof member / sizeof member[0];
	     i++)
		st = add_member(out, member[i].name, member[i].value);
	if (st == ST_OK)
		st = add_deviations(out, record->report->dev);
	if (st == ST_OK)
		st = add_member(out, "severity",
		    severity_str(record->assessment->severity));
	return st == ST_OK ? buf_adds(out, "\"report\":") : st;
}

/* What write_record() is handed. */
struct content {
	const struct record *record;
	const char *sha256;
};

static enum status
write_stream(void *ctx, const char *data, size_t len)
{
	FILE *file = ctx;

	return fwrite(data, 1, len, file) == len ? ST_OK : ST_ARCHIVE;
}

static enum status
write_record(FILE *file, const void *arg)
{
	const struct content *what = arg;
	struct buf head;
	enum status st;

	buf_init(&head, HEAD_MAX);
	st = make_head(&head, what->record, what->sha256);
	if (st == ST_OK)
		st = write_stream(file, head.data, head.len);
	if (st == ST_OK)
		st = json_compact(
		    what->record->report->text, write_stream, file);
	if (st == ST_OK)
		st = write_stream(file, "}\n", 2);
	buf_free(&head);
	return st;
}

static enum status
write_message(FILE *file, const void *arg)
{
	struct spool *const *message = arg;

	return spool_read(*message, write_stream, file, NULL);
}

/*
 * Files that are whole or not there.
 */

typedef enum status write_fn(FILE *file, const void *arg);

/* Write, flush and sync a file that is open already; closes it. */
static enum status
fill_file(int fd, write_fn *write_it, const void *arg, const char *path,
    struct fault *fault)
{
	FILE *file = fdopen(fd, "w");
	enum status st;

	if (file == NULL) {
		(void)close(fd);
		return fail(fault, "cannot open", path);
	}
	errno = 0;
	st = write_it(file, arg);
	if (st == ST_NO_MEMORY)
		errno = ENOMEM;
	if (st != ST_OK || fflush(file) != 0 || fchmod(fd, 0640) == -1 ||
	    fsync(fd) == -1)
		st = fail(fault, "cannot write", path);
	if (fclose(file) != 0 && st == ST_OK)
		st = fail(fault, "cannot write", path);
	return st;
}

/* A file of the archive that is being made. */
struct target {
	char path[PATH_MAX];
	bool is_made;  /* by us, just now */
	bool is_there; /* it was there already */
};

/* Make a file under its final name; one of that name is left alone. */
static enum status
store_file(struct target *target, const char *tmp, write_fn *write_it,
    const void *arg, struct fault *fault)
{
	char temporary[PATH_MAX + 16];
	enum status st;
	int fd;

	target->is_there = access(target->path, F_OK) == 0;
	if (target->is_there)
		return ST_OK;
	(void)snprintf(temporary, sizeof temporary, "%s/record.XXXXXX", tmp);
	fd = mkstemp(temporary);
	if (fd == -1)
		return fail(fault, "cannot make a file in", tmp);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	st = fill_file(fd, write_it, arg, target->path, fault);
	if (st == ST_OK && link(temporary, target->path) == 0)
		target->is_made = true;
	else if (st == ST_OK && errno == EEXIST)
		target->is_there = true;
	else if (st == ST_OK)
		st = fail(fault, "cannot make", target->path);
	(void)unlink(temporary);
	return st;
}

/*
 * A later step failed: what has appeared goes again, or the report would be
 * taken for a duplicate when it is sent again, and never be logged.
 */
static void
take_back(const struct target *target)
{
	if (target->is_made)
		(void)unlink(target->path);
}

/* Store the record, and the message before it, and sync their directory. */
static enum status
store_both(struct target *json, struct target *eml, const char *directory,
    const struct content *what, struct spool *message, struct fault *fault)
{
	char tmp[PATH_MAX], day[PATH_MAX];
	enum status st;

	archive_tmp(directory, tmp, sizeof tmp);
	/* The day's directory is the record's path up to its last slash. */
	(void)snprintf(day, sizeof day, "%.*s",
	    (int)(strrchr(json->path, '/') - json->path), json->path);
	st = make_directories(day, strlen(directory), fault);
	if (st == ST_OK && message != NULL && access(json->path, F_OK) != 0)
		st = store_file(eml, tmp, write_message, &message, fault);
	if (st == ST_OK)
		st = store_file(json, tmp, write_record, what, fault);
	/* Also for one that is there: it may have been linked just now. */
	return st == ST_OK ? sync_directory(day, fault) : st;
}

enum status
archive_store(const char *directory, const struct record *record,
    struct spool *message, struct archived *archived, struct fault *fault)
{
	char sha256[ARCHIVE_SHA256_MAX], name[ARCHIVE_PATH_MAX - 8];
	const struct content what = { record, sha256 };
	struct target json = { .is_made = false }, eml = { .is_made = false };
	enum status st;

	if (archive_sha256(record->text, sha256) != ST_OK)
		return fault_set(fault, ST_NO_MEMORY, "SHA-256 failed");
	make_name(record, sha256, name, sizeof name);
	if (snprintf(eml.path, sizeof eml.path, "%s/%s.eml.gz", directory,
		name) >= (int)sizeof eml.path)
		return fault_set(
		    fault, ST_ARCHIVE, "the archive's path is too long");
	(void)snprintf(
	    json.path, sizeof json.path, "%s/%s.json", directory, name);
	st = store_both(&json, &eml, directory, &what, message, fault);
	if (st != ST_OK) {
		take_back(&json);
		take_back(&eml);
		return st;
	}
	(void)snprintf(archived->path, sizeof archived->path, "%s.json", name);
	archived->is_duplicate = json.is_there;
	return ST_OK;
}
