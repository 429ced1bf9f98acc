#define _GNU_SOURCE /* syncfs() */

#include "archivebatch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archivefile.h"

/* A file that waits; temporary is "" when there is nothing to be moved. */
struct pending {
	char temporary[ARCHIVE_TEMPORARY_MAX];
	char path[ARCHIVE_PATH_MAX];
	enum archive_over over;
	bool is_made; /* it has its name, by us */
};

struct entry {
	struct archived archived;
	struct pending json;
	struct pending eml;
};

struct archive_batch {
	char *directory;
	struct archive_place place;
	char day[ARCHIVE_DAY_MAX]; /* that place.day is, "" for none */
	size_t count;
	struct entry entry[ARCHIVE_BATCH_MAX];
};

struct archive_batch *
archive_batch_new(const char *directory, struct fault *fault)
{
	struct archive_batch *batch = calloc(1, sizeof *batch);

	if (batch != NULL)
		batch->directory = strdup(directory);
	if (batch == NULL || batch->directory == NULL) {
		(void)fault_set(fault, ST_NO_MEMORY, "archive: no memory");
		free(batch);
		return NULL;
	}
	if (archive_open(&batch->place, batch->directory, fault) != ST_OK)
		archive_batch_free(&batch);
	return batch;
}

size_t
archive_batch_count(const struct archive_batch *batch)
{
	return batch->count;
}

const struct archived *
archive_batch_entry(const struct archive_batch *batch, size_t i)
{
	return &batch->entry[i].archived;
}

/*
 * Writing.
 */

static void
drop_temporary(const struct archive_batch *batch, struct pending *pending)
{
	if (pending->temporary[0] != '\0')
		(void)unlinkat(batch->place.tmp, pending->temporary, 0);
	pending->temporary[0] = '\0';
}

/* The directory part of a path. */
static void
day_of(const char *path, char day[ARCHIVE_DAY_MAX])
{
	(void)snprintf(day, ARCHIVE_DAY_MAX, "%.*s",
	    (int)(strrchr(path, '/') - path), path);
}

/* What is there of the record? */
static enum archive_found
find_record(const struct archive_batch *batch, const char *path)
{
	char day[ARCHIVE_DAY_MAX];
	enum archive_found found;
	int fd, error;

	day_of(path, day);
	fd = archive_open_below(&batch->place, day);
	if (fd == -1)
		return errno == ENOENT ? ARCHIVE_NONE : ARCHIVE_UNSEEN;
	found = archive_find_record(&batch->place, fd, strrchr(path, '/') + 1);
	error = errno;
	(void)close(fd);
	errno = error;
	return found;
}

static enum status
write_pending(struct archive_batch *batch, struct pending *pending,
    archive_write_fn *write_it, const void *arg, struct fault *fault)
{
	const struct archive_place *place = &batch->place;
	int fd = archive_make_temporary(place, pending->temporary);
	enum status st;

	if (fd == -1) {
		pending->temporary[0] = '\0';
		return archive_fail(
		    fault, "cannot make a file in", place->path, "tmp");
	}
	if (archive_fill(fd, write_it, arg, false) == ST_OK)
		return ST_OK;
	st = archive_fail(fault, "cannot write", place->path, pending->path);
	drop_temporary(batch, pending);
	return st;
}

enum status
archive_batch_add(struct archive_batch *batch, const struct record *record,
    const char *sha256, struct spool *message, struct fault *fault)
{
	struct entry *entry = &batch->entry[batch->count];
	struct archived *archived = &entry->archived;
	const struct archive_content what = { record, archived->sha256 };
	char name[ARCHIVE_PATH_MAX - 8];
	enum archive_found found;
	enum status st = ST_OK;

	if (sha256 != NULL)
		(void)snprintf(
		    archived->sha256, sizeof archived->sha256, "%s", sha256);
	else if (archive_sha256(record->text, archived->sha256) != ST_OK)
		return fault_set(fault, ST_NO_MEMORY, "SHA-256 failed");
	record_name(record, archived->sha256, name, sizeof name);
	entry->json = entry->eml = (struct pending){ .is_made = false };
	(void)snprintf(
	    entry->json.path, sizeof entry->json.path, "%s.json", name);
	(void)snprintf(
	    entry->eml.path, sizeof entry->eml.path, "%s.eml.gz", name);
	memcpy(archived->path, entry->json.path, sizeof archived->path);
	found = find_record(batch, archived->path);
	if (found == ARCHIVE_UNSEEN)
		return archive_fail(
		    fault, "cannot read", batch->directory, archived->path);
	archived->is_duplicate = found == ARCHIVE_WHOLE;
	if (found == ARCHIVE_PART)
		entry->json.over = ARCHIVE_OVER_PART;
	if (!archived->is_duplicate && message != NULL)
		st = write_pending(
		    batch, &entry->eml, archive_write_message, &message, fault);
	if (!archived->is_duplicate && st == ST_OK)
		st = write_pending(
		    batch, &entry->json, archive_write_record, &what, fault);
	if (st == ST_OK)
		batch->count++;
	else
		drop_temporary(batch, &entry->eml);
	return st;
}

/*
 * Syncing. Where the file system cannot be synced as a whole, each file is, and
 * each directory.
 */

/* fd is closed; -1, with errno, is a failure as well. */
static enum status
sync_one(const struct archive_batch *batch, int fd, const char *name,
    struct fault *fault)
{
	enum status st = ST_OK;

	if (fd == -1 || fsync(fd) == -1)
		st = archive_fail(fault, "cannot sync", batch->directory, name);
	if (fd != -1)
		(void)close(fd);
	return st;
}

static enum status
sync_temporary(const struct archive_batch *batch, const struct pending *pending,
    struct fault *fault)
{
	if (pending->temporary[0] == '\0')
		return ST_OK;
	return sync_one(batch,
	    openat(batch->place.tmp, pending->temporary,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW),
	    pending->path, fault);
}

static enum status
sync_files(struct archive_batch *batch, struct fault *fault)
{
	enum status st = ST_OK;

	if (syncfs(batch->place.tmp) == 0)
		return ST_OK;
	for (size_t i = 0; i < batch->count && st == ST_OK; i++) {
		st = sync_temporary(batch, &batch->entry[i].eml, fault);
		if (st == ST_OK)
			st =
			    sync_temporary(batch, &batch->entry[i].json, fault);
	}
	return st;
}

/*
 * Also where nothing was written: a record that was there may have been moved
 * just now by somebody else, or be synced later.
 */
static enum status
sync_days(struct archive_batch *batch, struct fault *fault)
{
	enum status st = ST_OK;

	if (syncfs(batch->place.tmp) == 0)
		return ST_OK;
	for (size_t i = 0; i < batch->count && st == ST_OK; i++)
		st = archive_sync_record(
		    &batch->place, batch->entry[i].archived.path, fault);
	return st;
}

/*
 * Moving.
 */

static enum status
go_to_day(struct archive_batch *batch, const char *path, struct fault *fault)
{
	char day[ARCHIVE_DAY_MAX];
	enum status st;

	day_of(path, day);
	if (strcmp(day, batch->day) == 0 && !archive_is_day_gone(&batch->place))
		return ST_OK;
	batch->day[0] = '\0';
	st = archive_open_day(&batch->place, day, fault);
	if (st == ST_OK)
		memcpy(batch->day, day, sizeof batch->day);
	return st;
}

/* 0, or -1 and errno; the directory may be removed just now. */
static int
move_to_day(struct archive_batch *batch, const struct pending *pending,
    enum status *st, struct fault *fault)
{
	for (int tries = 0;; tries++) {
		*st = go_to_day(batch, pending->path, fault);
		if (*st != ST_OK)
			return -1;
		if (archive_move(&batch->place, pending->temporary,
			strrchr(pending->path, '/') + 1, pending->over) == 0)
			return 0;
		if (errno != ENOENT || tries == ARCHIVE_DAY_TRIES)
			return -1;
	}
}

/* Give a file its name; one that has been taken meanwhile stays as it is. */
static enum status
move_pending(struct archive_batch *batch, struct pending *pending,
    bool *is_there, struct fault *fault)
{
	enum status st;

	if (pending->temporary[0] == '\0')
		return ST_OK;
	if (move_to_day(batch, pending, &st, fault) == 0) {
		pending->is_made = true;
		pending->temporary[0] = '\0';
		return ST_OK;
	}
	if (st != ST_OK)
		return st;
	if (errno != EEXIST)
		return archive_fail(
		    fault, "cannot make", batch->directory, pending->path);
	*is_there = true;
	drop_temporary(batch, pending);
	return ST_OK;
}

/*
 * A message beside which there is no record may be no more whole, and ours
 * takes its place; is there one by now, it stays.
 */
static enum status
move_message(
    struct archive_batch *batch, struct entry *entry, struct fault *fault)
{
	enum archive_found found;
	bool ignored;

	if (entry->eml.temporary[0] == '\0')
		return ST_OK;
	found = find_record(batch, entry->json.path);
	if (found == ARCHIVE_UNSEEN)
		return archive_fail(
		    fault, "cannot read", batch->directory, entry->json.path);
	if (found != ARCHIVE_WHOLE)
		entry->eml.over = ARCHIVE_OVER_ANY;
	return move_pending(batch, &entry->eml, &ignored, fault);
}

static enum status
move_entry(
    struct archive_batch *batch, struct entry *entry, struct fault *fault)
{
	enum status st = move_message(batch, entry, fault);

	if (st == ST_OK)
		st = move_pending(
		    batch, &entry->json, &entry->archived.is_duplicate, fault);
	return st;
}

static void
take_back(struct archive_batch *batch, struct pending *pending)
{
	char day[ARCHIVE_DAY_MAX];
	int fd;

	drop_temporary(batch, pending);
	if (!pending->is_made)
		return;
	pending->is_made = false;
	day_of(pending->path, day);
	fd = archive_open_below(&batch->place, day);
	if (fd == -1)
		return;
	(void)unlinkat(fd, strrchr(pending->path, '/') + 1, 0);
	(void)close(fd);
}

/* The message beside somebody else's record is his. */
static void
take_back_entry(struct archive_batch *batch, struct entry *entry)
{
	take_back(batch, &entry->json);
	if (entry->archived.is_duplicate)
		drop_temporary(batch, &entry->eml);
	else
		take_back(batch, &entry->eml);
}

enum status
archive_batch_commit(struct archive_batch *batch, struct fault *fault)
{
	enum status st;

	if (batch->count == 0)
		return ST_OK;
	st = sync_files(batch, fault);
	for (size_t i = 0; i < batch->count && st == ST_OK; i++)
		st = move_entry(batch, &batch->entry[i], fault);
	if (st == ST_OK)
		st = sync_days(batch, fault);
	if (st == ST_OK)
		return ST_OK;
	/* As of one: what is known to be there is never told again. */
	for (size_t i = 0; i < batch->count; i++)
		take_back_entry(batch, &batch->entry[i]);
	return st;
}

void
archive_batch_clear(struct archive_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		drop_temporary(batch, &batch->entry[i].json);
		drop_temporary(batch, &batch->entry[i].eml);
	}
	batch->count = 0;
}

void
archive_batch_free(struct archive_batch **batch)
{
	if (*batch == NULL)
		return;
	archive_batch_clear(*batch);
	archive_close(&(*batch)->place);
	free((*batch)->directory);
	free(*batch);
	*batch = NULL;
}
