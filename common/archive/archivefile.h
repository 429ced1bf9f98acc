/*
 * archivefile: files of the archive that are whole or not there, for the files
 * of archive alone: its directories, temporary files and their moving.
 */
#ifndef ARCHIVEFILE_H
#define ARCHIVEFILE_H

#include "archive.h"
#include "owner.h"

enum {
	ARCHIVE_DAY_MAX = 32,       /* "unverified/YYYY/MM/DD" and its NUL */
	ARCHIVE_TEMPORARY_MAX = 64, /* "record.PID.NUMBER" */
	ARCHIVE_BLOCK_MAX = 8192,   /* bytes written at once */
	ARCHIVE_DAY_TRIES = 100     /* for a directory that somebody removes */
};

/*
 * The archive, and in it tmp and the directory of a day; descriptors, or -1.
 * What is made there belongs to the owner of the archive (owner.h), and so root
 * follows no symbolic link on its way through an archive of somebody else, nor
 * goes any way twice: from these descriptors on there are but last names.
 */
struct archive_place {
	const char *path; /* of the archive, for messages; borrowed */
	int root;
	int tmp;
	int day;
	struct owner owner; /* of the archive */
};

/*
 * Fill in a fault from errno, which stays: ST_NO_SPACE, ST_NO_MEMORY or
 * ST_ARCHIVE. name, which may be "", is in the archive.
 */
enum status archive_fail(struct fault *fault, const char *what,
    const char *directory, const char *name);

/*
 * Open the archive, and tmp if that is there. To be closed, whatever comes of
 * it.
 */
enum status archive_open(
    struct archive_place *place, const char *directory, struct fault *fault);
void archive_close(const struct archive_place *place);

/* Open a directory of the archive, "2026/02/12"; -1 and errno. */
int archive_open_below(const struct archive_place *place, const char *path);

/* Open tmp, and make it if it is not there. */
enum status archive_make_tmp(struct archive_place *place, struct fault *fault);

/*
 * Open a day's directory in place of the one that is open. It is made durably
 * when it is not there. While it is empty, another process may remove it again
 * (prune.h): no file can be made in it then, and archive_is_day_gone().
 */
enum status archive_open_day(
    struct archive_place *place, const char *day, struct fault *fault);
bool archive_is_day_gone(const struct archive_place *place);

/*
 * Make a file in tmp, and put its name there in name. Returns its descriptor,
 * or -1 and errno.
 */
int archive_make_temporary(
    const struct archive_place *place, char name[ARCHIVE_TEMPORARY_MAX]);

/* A file that is being written: few writes, and no more memory than this. */
struct archive_output {
	int fd;
	size_t len; /* bytes in block */
	char block[ARCHIVE_BLOCK_MAX];
};

/* Writes a file with archive_put(). errno tells what went wrong. */
typedef enum status
archive_write_fn(struct archive_output *out, const void *arg);

/* Append to the file; ctx is its struct archive_output. */
enum status archive_put(void *ctx, const char *data, size_t len);

/* Write a record, or a message. */
struct archive_content {
	const struct record *record;
	const char *sha256;
};
archive_write_fn archive_write_record;  /* of a struct archive_content */
archive_write_fn archive_write_message; /* of a struct spool *const * */

/* What there is of a record. */
enum archive_found {
	ARCHIVE_NONE,
	ARCHIVE_PART, /* left by a power failure, before it was durable */
	ARCHIVE_WHOLE,
	ARCHIVE_UNSEEN /* it cannot be seen; errno says why */
};

/* Look at a name in the directory at. What we may not read was not ours. */
enum archive_found archive_find_record(
    const struct archive_place *place, int at, const char *name);

/*
 * Make a record durable that has its name, "2026/02/12/....json", with the
 * message beside it and their directory. What has been removed meanwhile needs
 * nothing.
 */
enum status archive_sync_record(
    const struct archive_place *place, const char *path, struct fault *fault);

/*
 * Write a file that is open, sync it unless that is done later, and close it.
 * errno tells why that failed.
 */
enum status archive_fill(
    int fd, archive_write_fn *write_it, const void *arg, bool with_sync);

/* Over what a file may be moved, in one step: there is a file at any time. */
enum archive_over {
	ARCHIVE_OVER_NOTHING,
	ARCHIVE_OVER_PART, /* of a record; who has written all of it was first
			    */
	ARCHIVE_OVER_ANY
};

/*
 * Move a file of tmp to a name in the directory of the day: 0, or -1 and errno,
 * EEXIST for a name that is taken.
 */
int archive_move(const struct archive_place *place, const char *from,
    const char *to, enum archive_over over);

#endif
