#include "archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archivefile.h"
#include "rfc3339.h"

enum {
	STALE_SECONDS = 3600 /* a temporary file that old was left by a crash */
};

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

/* Remove what a crash has left among the temporary files. */
static void
remove_stale(const struct archive_place *place)
{
	/* Of its own: a stream has a place where it reads. */
	int fd = openat(place->tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
probe(struct archive_place *place, struct fault *fault)
{
	char name[ARCHIVE_TEMPORARY_MAX];
	enum status st = archive_make_tmp(place, fault);
	int fd;

	if (st != ST_OK)
		return st;
	fd = archive_make_temporary(place, name);
	if (fd == -1)
		return archive_fail(
		    fault, "cannot make a file in", place->path, "tmp");
	(void)close(fd);
	(void)unlinkat(place->tmp, name, 0);
	return ST_OK;
}

/*
 * A new archive belongs to whoever owns the directory that it is in. ".." says
 * which that is whatever has become of the path; so nothing of root's is given
 * to who could not rename it.
 */
static void
give_archive(const char *directory)
{
	int fd =
	    open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct owner owner;
	struct stat sb;

	if (fd == -1)
		return;
	if (fstatat(fd, "..", &sb, AT_SYMLINK_NOFOLLOW) == 0) {
		owner = owner_of_stat(&sb);
		owner_give(&owner, fd);
	}
	(void)close(fd);
}

enum status
archive_check(const char *directory, struct fault *fault)
{
	struct archive_place place;
	enum status st;

	if (mkdir(directory, 0750) == 0)
		give_archive(directory);
	else if (errno != EEXIST)
		return archive_fail(fault, "cannot make", directory, "");
	if (access(directory, R_OK | W_OK | X_OK) == -1)
		return archive_fail(fault, "cannot write to", directory, "");
	st = archive_open(&place, directory, fault);
	if (st == ST_OK)
		st = probe(&place, fault);
	if (st == ST_OK)
		remove_stale(&place);
	archive_close(&place);
	return st;
}

/*
 * Files that are whole or not there.
 */

/* A file of the archive that is being made. */
struct target {
	char path[ARCHIVE_PATH_MAX]; /* from the archive's directory on */
	enum archive_over over;
	bool is_made;  /* by us, just now */
	bool is_there; /* it was there already */
};

/* What is to be stored of a record and a message; either may be NULL. */
struct order {
	const struct record *record;
	struct spool *message;
	bool is_durable; /* before the end; else it is synced later */
	struct target json;
	struct target eml;
};

/* Its name in the directory of the day. */
static const char *
name_of(const struct target *target)
{
	return strrchr(target->path, '/') + 1;
}

/* Make a file under its final name. */
static enum status
store_file(const struct archive_place *place, struct target *target,
    archive_write_fn *write_it, const void *arg, bool is_durable,
    struct fault *fault)
{
	char temporary[ARCHIVE_TEMPORARY_MAX];
	int fd = archive_make_temporary(place, temporary);
	enum status st;

	if (fd == -1)
		return archive_fail(
		    fault, "cannot make a file in", place->path, "tmp");
	st = archive_fill(fd, write_it, arg, is_durable);
	if (st != ST_OK)
		st = archive_fail(
		    fault, "cannot write", place->path, target->path);
	else if (archive_move(
		     place, temporary, name_of(target), target->over) == 0)
		target->is_made = true;
	else if (errno == EEXIST)
		target->is_there = true;
	else
		st = archive_fail(
		    fault, "cannot make", place->path, target->path);
	if (!target->is_made)
		(void)unlinkat(place->tmp, temporary, 0);
	return st;
}

/*
 * What is there of the record? Where it is not, or not whole, a message beside
 * it is one whose record has not come to be, and may be no more whole. Nothing
 * is removed for that, since somebody else may store the same just now: ours
 * takes the place of what is there in one step.
 */
static enum status
find(
    const struct archive_place *place, struct order *order, struct fault *fault)
{
	struct target *json = &order->json, *eml = &order->eml;
	enum archive_found found;

	json->over = eml->over = ARCHIVE_OVER_NOTHING;
	json->is_there = false;
	if (order->record == NULL)
		return ST_OK;
	found = archive_find_record(place, place->day, name_of(json));
	if (found == ARCHIVE_UNSEEN)
		return archive_fail(
		    fault, "cannot read", place->path, json->path);
	json->is_there = found == ARCHIVE_WHOLE;
	if (found == ARCHIVE_PART)
		json->over = ARCHIVE_OVER_PART;
	eml->over = ARCHIVE_OVER_ANY;
	return ST_OK;
}

/* Write what is not there yet, the message before its record. */
static enum status
store_files(const struct archive_place *place, struct order *order,
    const char *sha256, struct fault *fault)
{
	const struct archive_content what = { order->record, sha256 };
	enum status st;

	order->json.is_made = order->eml.is_made = order->eml.is_there = false;
	st = find(place, order, fault);
	if (st != ST_OK || order->json.is_there)
		return st;
	if (order->message != NULL)
		st = store_file(place, &order->eml, archive_write_message,
		    &order->message, order->is_durable, fault);
	if (order->record != NULL && st == ST_OK)
		st = store_file(place, &order->json, archive_write_record,
		    &what, order->is_durable, fault);
	return st;
}

/* What was there, too, may have been moved just now, or be synced later. */
static enum status
make_durable(const struct archive_place *place, const struct order *order,
    struct fault *fault)
{
	if (order->json.is_there)
		return archive_sync_record(place, order->json.path, fault);
	return fsync(place->day) == 0
	    ? ST_OK
	    : archive_fail(fault, "cannot sync the directory of", place->path,
		  order->record != NULL ? order->json.path : order->eml.path);
}

static void
take_back_one(const struct archive_place *place, const struct target *target)
{
	if (target->is_made)
		(void)unlinkat(place->day, name_of(target), 0);
}

/*
 * A later step failed: what has appeared goes again, or the report would be
 * taken for a duplicate when it is sent again, and never be logged. Where
 * somebody else has stored the record meanwhile, the message beside it is his.
 */
static void
take_back(const struct archive_place *place, const struct order *order)
{
	enum archive_found found = ARCHIVE_NONE;

	take_back_one(place, &order->json);
	if (order->record != NULL && order->eml.is_made)
		found = archive_find_record(
		    place, place->day, name_of(&order->json));
	if (found == ARCHIVE_NONE || found == ARCHIVE_PART)
		take_back_one(place, &order->eml);
}

static enum status
store_all(const struct archive_place *place, struct order *order,
    const char *sha256, struct fault *fault)
{
	enum status st = store_files(place, order, sha256, fault);

	if (st == ST_OK && order->is_durable)
		st = make_durable(place, order, fault);
	if (st != ST_OK)
		take_back(place, order);
	return st;
}

/* The directory of the day may have been removed since it was opened. */
static enum status
store_in_day(const char *directory, const char *day, struct order *order,
    const char *sha256, struct fault *fault)
{
	struct archive_place place;
	enum status st = archive_open(&place, directory, fault);
	bool is_open = st == ST_OK;

	for (int tries = 0; is_open && tries < ARCHIVE_DAY_TRIES; tries++) {
		st = archive_open_day(&place, day, fault);
		if (st == ST_OK)
			st = store_all(&place, order, sha256, fault);
		if (st == ST_OK || place.day == -1 ||
		    !archive_is_day_gone(&place))
			break;
	}
	archive_close(&place);
	return st;
}

/* Store a record, and fill in *archived. */
static enum status
store_record(const char *directory, struct order *order,
    struct archived *archived, struct fault *fault)
{
	char name[ARCHIVE_PATH_MAX - 8];
	enum status st;

	if (archive_sha256(order->record->text, archived->sha256) != ST_OK)
		return fault_set(fault, ST_NO_MEMORY, "SHA-256 failed");
	record_name(order->record, archived->sha256, name, sizeof name);
	(void)snprintf(
	    order->json.path, sizeof order->json.path, "%s.json", name);
	(void)snprintf(
	    order->eml.path, sizeof order->eml.path, "%s.eml.gz", name);
	*strrchr(name, '/') = '\0';
	st = store_in_day(directory, name, order, archived->sha256, fault);
	if (st != ST_OK)
		return st;
	memcpy(archived->path, order->json.path, sizeof archived->path);
	archived->is_duplicate = order->json.is_there;
	return ST_OK;
}

enum status
archive_store(const char *directory, const struct record *record,
    struct spool *message, struct archived *archived, struct fault *fault)
{
	struct order order = {
		.record = record,
		.message = message,
		.is_durable = true,
	};

	return store_record(directory, &order, archived, fault);
}

enum status
archive_write(const char *directory, const struct record *record,
    struct spool *message, struct archived *archived, struct fault *fault)
{
	struct order order = { .record = record, .message = message };

	return store_record(directory, &order, archived, fault);
}

enum status
archive_keep(const char *directory, int64_t received, const char *sha256,
    struct spool *message, struct archived *archived, struct fault *fault)
{
	char time[RFC3339_MAX], day[ARCHIVE_DAY_MAX];
	struct order order = { .message = message, .is_durable = true };
	enum status st;

	(void)rfc3339_format(received, time);
	(void)snprintf(day, sizeof day, "unreadable/%.4s/%.2s/%.2s", time,
	    time + 5, time + 8);
	(void)snprintf(order.eml.path, sizeof order.eml.path, "%s/%.64s.eml.gz",
	    day, sha256);
	st = store_in_day(directory, day, &order, sha256, fault);
	if (st != ST_OK)
		return st;
	memcpy(archived->path, order.eml.path, sizeof archived->path);
	(void)snprintf(
	    archived->sha256, sizeof archived->sha256, "%.64s", sha256);
	archived->is_duplicate = order.eml.is_there;
	return ST_OK;
}
