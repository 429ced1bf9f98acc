#include "prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "rfc3339.h"

enum {
	BATCH = 200, /* reports forgotten in one transaction */
	SETTLED = 8, /* problems worked out in one transaction */
	PROGRESS_EVERY = 100,
	DAY_MAX = 11, /* "YYYY/MM/DD" and its NUL */
	DEPTH_DAY = 3,
	TIME_DIGITS = 12, /* until the year 9999 */
	UNIQUE_DIGITS = 16
};

#define DIGITS     "0123456789"
#define HEX_DIGITS DIGITS "abcdef"
#define SAFE       DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-_"

/* The directories in the archive that have days in them. */
static const struct tree {
	const char *name;
	bool has_ranges; /* in the names of its files */
} trees[] = {
	{ "", true },
	{ "unverified", true },
	{ "unreadable", false },
};

struct run {
	const char *directory;
	const struct prune_options *options;
	struct prune_progress *progress;
	struct fault *fault;
	int root;
	const char *tree; /* the name of the one that is being walked */
	/* The day whose directory was open last, and its descriptor, or -1. */
	char day[DAY_MAX];
	int day_fd;
};

/* where is below the tree that is being walked; name may be "". */
static enum status
fail(const struct run *run, const char *what, const char *where,
    const char *name)
{
	return fault_set(run->fault, ST_ARCHIVE, "%s %s%s%s/%s%s%s: %s", what,
	    run->directory, run->tree[0] != '\0' ? "/" : "", run->tree, where,
	    name[0] != '\0' ? "/" : "", name, strerror(errno));
}

/*
 * Names.
 */

struct name {
	bool is_record; /* and not the mail beside one */
	int64_t begin;  /* of the range, 0 if unknown */
	int64_t end;
};

/* ".json" or ".eml.gz", and nothing behind. */
static bool
read_ending(const char *ending, struct name *name)
{
	name->is_record = strcmp(ending, ".json") == 0;
	return name->is_record || strcmp(ending, ".eml.gz") == 0;
}

/* A part of a name and the "!" behind it. */
static bool
skip_part(const char **p)
{
	size_t len = strspn(*p, SAFE);

	if (len == 0 || (*p)[len] != '!')
		return false;
	*p += len + 1;
	return true;
}

/* Seconds since 1970; some are before. */
static bool
read_time(const char **p, int64_t *time)
{
	bool is_before = (*p)[0] == '-';
	const char *digits = *p + is_before;
	size_t len = strspn(digits, DIGITS);

	*time = 0;
	if (len == 0 || len > TIME_DIGITS || digits[len] != '!')
		return false;
	for (size_t i = 0; i < len; i++)
		*time = *time * 10 + (digits[i] - '0');
	if (is_before)
		*time = -*time;
	*p = digits + len + 1;
	return true;
}

/* submitter!policy-domain!begin!end!UNIQUE.json, as record.c makes it. */
static bool
read_record_name(const char *p, struct name *name)
{
	if (!skip_part(&p) || !skip_part(&p) || !read_time(&p, &name->begin) ||
	    !read_time(&p, &name->end) ||
	    strspn(p, HEX_DIGITS) != UNIQUE_DIGITS)
		return false;
	return read_ending(p + UNIQUE_DIGITS, name);
}

/* SHA256.eml.gz, which says nothing of a range. */
static bool
read_mail_name(const char *p, struct name *name)
{
	name->begin = name->end = 0;
	return strspn(p, HEX_DIGITS) == ARCHIVE_SHA256_MAX - 1 &&
	    read_ending(p + ARCHIVE_SHA256_MAX - 1, name);
}

/* "record.PID.N" of archive.c, "spool.XXXXXX" of spool.c. */
static bool
is_temporary(const char *name)
{
	static const char *const beginnings[] = { "record.", "spool." };

	for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
		size_t len = strlen(beginnings[i]);

		if (strncmp(name, beginnings[i], len) == 0 &&
		    strspn(name + len, SAFE) == strlen(name + len))
			return true;
	}
	return false;
}

static bool
is_number(const char *name, size_t len)
{
	return strlen(name) == len && strspn(name, DIGITS) == len;
}

/* The start of a day "YYYY/MM/DD"; false when there is no such day. */
static bool
read_day(const char *day, int64_t *start)
{
	char text[RFC3339_MAX];

	(void)snprintf(text, sizeof text, "%.4s-%.2s-%.2sT00:00:00Z", day,
	    day + 5, day + 8);
	return rfc3339_parse(text, start) == RFC3339_OK;
}

/*
 * What is old.
 */

/* The end of a range, as the state has it, as far as the name knows. */
static int64_t
end_of(const struct name *name, int64_t day)
{
	int64_t begin = name->begin > 0 ? name->begin : day;
	int64_t end = begin + PROBLEM_DAY - 1;

	if (name->end >= begin)
		end = name->end;
	return end < begin + STATE_RANGE_MAX ? end : begin + STATE_RANGE_MAX;
}

/*
 * A file's time counts for a range that lies ahead, and for no other: a copy of
 * the archive may have lost the times.
 */
static bool
is_old(const struct prune_options *options, const struct name *name,
    int64_t day, int64_t written)
{
	int64_t end = end_of(name, day);

	if (end > options->now + PROBLEM_DAY && end > written + PROBLEM_DAY)
		end = written + PROBLEM_DAY;
	return end < options->before;
}

/* May there be something old in the directory of a day? */
static bool
is_day_of_interest(const struct prune_options *options, int64_t day)
{
	return day < options->before || day > options->now + PROBLEM_DAY;
}

/*
 * Files.
 */

static void
count_file(struct run *run, const struct name *name, int64_t size)
{
	run->progress->records += name != NULL && name->is_record;
	run->progress->bytes += size > 0 ? (uint64_t)size : 0;
}

static void
look_at_file(struct run *run)
{
	const struct prune_options *options = run->options;

	if (++run->progress->files % PROGRESS_EVERY == 0 &&
	    options->progress != NULL)
		options->progress(options->ctx, run->progress);
}

/* Who removes it counts it: another may be pruning, too. */
static enum status
remove_file(struct run *run, int fd, const char *where, const char *file,
    const struct name *name, int64_t size)
{
	if (run->options->is_dry || unlinkat(fd, file, 0) == 0)
		count_file(run, name, size);
	else if (errno != ENOENT)
		return fail(run, "cannot remove", where, file);
	return ST_OK;
}

/* The directory of a day, open. */
struct folder {
	const struct tree *tree;
	const char *path; /* from the tree on */
	int fd;
	int64_t day;
};

static bool
get_file(int fd, const char *file, struct stat *sb)
{
	return fstatat(fd, file, sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(sb->st_mode);
}

static enum status
take_file(struct run *run, const struct folder *folder, const char *file)
{
	struct name name;
	struct stat sb;

	look_at_file(run);
	if (!(folder->tree->has_ranges ? read_record_name(file, &name)
				       : read_mail_name(file, &name)) ||
	    !get_file(folder->fd, file, &sb) ||
	    !is_old(run->options, &name, folder->day, (int64_t)sb.st_mtime))
		return ST_OK;
	return remove_file(
	    run, folder->fd, folder->path, file, &name, (int64_t)sb.st_size);
}

/*
 * Directories. One that has gone meanwhile, or is none, is passed over, and so
 * is a symbolic link.
 */

static int
open_directory(int at, const char *name)
{
	return openat(
	    at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool
is_passed_over(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

static enum status
open_stream(const struct run *run, int at, const char *name, const char *path,
    DIR **dir)
{
	int fd = open_directory(at, name);

	*dir = fd != -1 ? fdopendir(fd) : NULL;
	if (*dir != NULL || (fd == -1 && is_passed_over(errno)))
		return ST_OK;
	if (fd != -1)
		(void)close(fd);
	return fail(run, "cannot read", path, "");
}

/* One that is not empty stays; so does one that is mounted. */
static enum status
remove_directory(
    const struct run *run, int at, const char *name, const char *path)
{
	if (run->options->is_dry || unlinkat(at, name, AT_REMOVEDIR) == 0 ||
	    errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT ||
	    errno == EBUSY)
		return ST_OK;
	return fail(run, "cannot remove", path, "");
}

static enum status
take_files(struct run *run, const struct tree *tree, DIR *dir, const char *path,
    int64_t day)
{
	const struct folder folder = { tree, path, dirfd(dir), day };
	enum status st = ST_OK;
	struct dirent *entry;

	while (st == ST_OK && (entry = readdir(dir)) != NULL)
		st = take_file(run, &folder, entry->d_name);
	return st;
}

static enum status take_directories(struct run *run, const struct tree *tree,
    DIR *dir, const char *path, int depth);

/* One directory of a year, a month or a day; path is from the tree on. */
static enum status
take_directory(struct run *run, const struct tree *tree, int at,
    const char *name, const char *path, int depth)
{
	int64_t day = 0;
	enum status st;
	DIR *dir;

	if (depth == DEPTH_DAY &&
	    (!read_day(path, &day) || !is_day_of_interest(run->options, day)))
		return ST_OK;
	st = open_stream(run, at, name, path, &dir);
	if (st != ST_OK || dir == NULL)
		return st;
	st = depth == DEPTH_DAY ? take_files(run, tree, dir, path, day)
				: take_directories(run, tree, dir, path, depth);
	(void)closedir(dir);
	return st == ST_OK ? remove_directory(run, at, name, path) : st;
}

/* What is below a tree (depth 0), a year (1) or a month. */
static enum status
take_directories(struct run *run, const struct tree *tree, DIR *dir,
    const char *path, int depth)
{
	enum status st = ST_OK;
	struct dirent *entry;

	while (st == ST_OK && (entry = readdir(dir)) != NULL) {
		char below[DAY_MAX];

		if (is_number(entry->d_name, depth == 0 ? 4 : 2) &&
		    (size_t)snprintf(below, sizeof below, "%s%s%s", path,
			depth == 0 ? "" : "/", entry->d_name) < sizeof below)
			st = take_directory(run, tree, dirfd(dir),
			    entry->d_name, below, depth + 1);
	}
	return st;
}

static enum status
take_tree(struct run *run, const struct tree *tree)
{
	DIR *dir;
	enum status st = open_stream(run, run->root,
	    tree->name[0] != '\0' ? tree->name : ".", tree->name, &dir);

	if (st != ST_OK || dir == NULL)
		return st;
	run->tree = tree->name;
	st = take_directories(run, tree, dir, "", 0);
	run->tree = "";
	(void)closedir(dir);
	return st;
}

/* What a crash has left. Who is writing needs no day for it. */
static enum status
take_temporary(struct run *run)
{
	struct dirent *entry;
	struct stat sb;
	DIR *dir;
	enum status st = open_stream(run, run->root, "tmp", "tmp", &dir);

	if (st != ST_OK || dir == NULL)
		return st;
	while (st == ST_OK && (entry = readdir(dir)) != NULL) {
		if (is_temporary(entry->d_name) &&
		    get_file(dirfd(dir), entry->d_name, &sb) &&
		    (int64_t)sb.st_mtime < run->options->now - PROBLEM_DAY)
			st = remove_file(run, dirfd(dir), "tmp", entry->d_name,
			    NULL, (int64_t)sb.st_size);
	}
	(void)closedir(dir);
	return st;
}

/*
 * The state. Its paths are no more to be trusted than names are.
 */

/* Open the directory of a day, level by level, unless it is open. */
static enum status
open_day(struct run *run, const char *day)
{
	static const size_t ends[] = { 4, 7, 10 };
	int at = run->root;

	if (run->day_fd != -1 && strcmp(run->day, day) == 0)
		return ST_OK;
	if (run->day_fd != -1)
		(void)close(run->day_fd);
	run->day_fd = -1;
	(void)snprintf(run->day, sizeof run->day, "%s", day);
	for (size_t i = 0, begin = 0; i < 3; begin = ends[i++] + 1) {
		char level[5] = "";
		int fd;

		memcpy(level, day + begin, ends[i] - begin);
		fd = open_directory(at, level);
		if (at != run->root)
			(void)close(at);
		if (fd == -1)
			return is_passed_over(errno)
			    ? ST_OK
			    : fail(run, "cannot read", day, "");
		at = fd;
	}
	run->day_fd = at;
	return ST_OK;
}

/* In a dry run what the walk will find does not count twice. */
static enum status
take_named(struct run *run, const char *file, int64_t day)
{
	struct name name;
	struct stat sb;

	if (!read_record_name(file, &name) ||
	    !get_file(run->day_fd, file, &sb) ||
	    (run->options->is_dry && is_day_of_interest(run->options, day) &&
		is_old(run->options, &name, day, (int64_t)sb.st_mtime)))
		return ST_OK;
	return remove_file(
	    run, run->day_fd, run->day, file, &name, (int64_t)sb.st_size);
}

/* A report leaves the state: its record goes, and the mail beside it. */
static enum status
take_report(void *ctx, const char *path)
{
	struct run *run = ctx;
	char day[DAY_MAX], mail[STATE_PATH_MAX + 8];
	size_t len = strlen(path);
	int64_t start;
	enum status st;

	look_at_file(run);
	(void)snprintf(day, sizeof day, "%.10s", path);
	if (len <= sizeof day + 5 || path[DAY_MAX - 1] != '/' ||
	    strcmp(path + len - 5, ".json") != 0 || !read_day(day, &start))
		return ST_OK;
	st = open_day(run, day);
	if (st != ST_OK || run->day_fd == -1)
		return st;
	(void)snprintf(mail, sizeof mail, "%.*s.eml.gz",
	    (int)(len - DAY_MAX - 5), path + DAY_MAX);
	st = take_named(run, mail, start);
	return st == ST_OK ? take_named(run, path + DAY_MAX, start) : st;
}

static enum status
take_state(struct run *run, struct state *state)
{
	const struct prune_options *options = run->options;
	struct fault fault = { 0 };
	size_t count = BATCH;
	bool has_more = true;
	enum status st = ST_OK;

	if (options->is_dry)
		return state_old(
		    state, options->before, take_report, run, run->fault);
	while (st == ST_OK && count == BATCH)
		st = state_forget(state, options->before, BATCH, options->now,
		    take_report, run, &count, &fault);
	/* What had too much evidence to be worked out with each batch. */
	while (st == ST_OK && has_more)
		st = state_settle(
		    state, SETTLED, options->now, NULL, &has_more, &fault);
	/* What take_report() has said is more than the state knows. */
	if (st != ST_OK && st != ST_ARCHIVE)
		*run->fault = fault;
	return st;
}

static enum status
take_archive(struct run *run)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < sizeof trees / sizeof trees[0] && st == ST_OK;
	     i++)
		st = take_tree(run, &trees[i]);
	return st == ST_OK ? take_temporary(run) : st;
}

enum status
prune(const char *directory, struct state *state,
    const struct prune_options *options, struct prune_progress *progress,
    struct fault *fault)
{
	struct fault of_state = { 0 }, of_archive = { 0 };
	struct run run = {
		.directory = directory,
		.options = options,
		.progress = progress,
		.fault = &of_state,
		.root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.tree = "",
		.day_fd = -1,
	};
	enum status st = ST_OK, end = ST_OK;

	*progress = (struct prune_progress){ 0 };
	if (run.root == -1)
		return fault_set(fault, ST_ARCHIVE, "cannot open %s: %s",
		    directory, strerror(errno));
	if (state != NULL)
		end = take_state(&run, state);
	run.fault = &of_archive;
	if (end != ST_ARCHIVE)
		st = take_archive(&run);
	if (run.day_fd != -1)
		(void)close(run.day_fd);
	(void)close(run.root);
	if (fault != NULL && (st != ST_OK || end != ST_OK))
		*fault = st != ST_OK ? of_archive : of_state;
	return st != ST_OK ? st : end;
}
