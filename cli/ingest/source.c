#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory that is being read. */
struct level {
	DIR *dir;
	size_t path_len;
	bool is_maildir;
	dev_t dev;
	ino_t ino;
};

struct source {
	pthread_mutex_t mutex;
	char *const *paths;
	size_t count;
	size_t next;       /* of the paths */
	bool is_measuring; /* files are looked at, but not opened */
	char path[SOURCE_PATH_MAX];
	size_t depth;
	struct level level[SOURCE_DEPTH_MAX];
};

struct source *
source_new(char *const *paths, size_t count)
{
	struct source *source = calloc(1, sizeof *source);

	if (source == NULL)
		return NULL;
	(void)pthread_mutex_init(&source->mutex, NULL);
	source->paths = paths;
	source->count = count;
	return source;
}

void
source_free(struct source **source)
{
	if (*source == NULL)
		return;
	while ((*source)->depth > 0)
		(void)closedir((*source)->level[--(*source)->depth].dir);
	(void)pthread_mutex_destroy(&(*source)->mutex);
	free(*source);
	*source = NULL;
}

/* A file that is to be handed out, as far as the path goes. */
static void
set_file(const struct source *source, struct source_file *file)
{
	(void)snprintf(file->path, sizeof file->path, "%s", source->path);
	file->fd = -1;
	file->error = 0;
	file->is_given = source->depth == 0;
	file->is_mail = false;
}

/* It cannot be opened, and the caller is to say so. */
static bool
give_error(const struct source *source, struct source_file *file, int error)
{
	set_file(source, file);
	file->error = error;
	return true;
}

/*
 * Directories.
 */

static bool
is_directory(int at, const char *name)
{
	struct stat sb;

	return fstatat(at, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(sb.st_mode);
}

/* Are we in it already? A directory may be mounted within itself. */
static bool
is_open(const struct source *source, const struct stat *sb)
{
	for (size_t i = 0; i < source->depth; i++) {
		if (source->level[i].dev == sb->st_dev &&
		    source->level[i].ino == sb->st_ino)
			return true;
	}
	return false;
}

/*
 * Go into the directory that source->path names; takes fd over. Returns an
 * errno, or 0.
 */
static int
enter(struct source *source, int fd, const struct stat *sb)
{
	struct level *level = &source->level[source->depth];
	int error = 0;

	if (is_open(source, sb))
		error = ELOOP;
	else if (source->depth == SOURCE_DEPTH_MAX)
		error = ENAMETOOLONG;
	else if ((level->dir = fdopendir(fd)) == NULL)
		error = errno;
	if (error != 0) {
		(void)close(fd);
		return error;
	}
	level->path_len = strlen(source->path);
	level->dev = sb->st_dev;
	level->ino = sb->st_ino;
	level->is_maildir = is_directory(fd, "cur") &&
	    is_directory(fd, "new") && is_directory(fd, "tmp");
	source->depth++;
	return 0;
}

/*
 * What may be a file or a directory.
 */

/* Descriptor and status of a name; -1 and errno. */
static int
look(const struct source *source, int at, const char *name, int flags,
    struct stat *sb)
{
	int fd = -1;

	/* Whoever measures opens directories alone. */
	if (source->is_measuring) {
		if (fstatat(at, name, sb,
			(flags & O_NOFOLLOW) != 0 ? AT_SYMLINK_NOFOLLOW : 0) ==
		    -1)
			return -1;
		if (!S_ISDIR(sb->st_mode))
			return fd;
	}
	fd = openat(
	    at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
	if (fd != -1 && fstat(fd, sb) == -1) {
		int error = errno;

		(void)close(fd);
		errno = error;
		fd = -1;
	}
	return fd;
}

/* It has been looked at: is it a file to be handed out? */
static bool
take(struct source *source, int fd, const struct stat *sb,
    struct source_file *file)
{
	int error;

	if (S_ISDIR(sb->st_mode)) {
		error = enter(source, fd, sb);
		return error != 0 && give_error(source, file, error);
	}
	if (!S_ISREG(sb->st_mode)) {
		if (fd != -1)
			(void)close(fd);
		/* Who names a device wants to know. */
		return source->depth == 0 && give_error(source, file, EINVAL);
	}
	set_file(source, file);
	file->is_mail =
	    source->depth > 1 && source->level[source->depth - 2].is_maildir;
	file->fd = fd;
	file->size = (uint64_t)sb->st_size;
	file->mtime = (int64_t)sb->st_mtime;
	return true;
}

static bool
is_passed_over(const struct level *level, const struct dirent *entry)
{
	const char *name = entry->d_name;

	if (name[0] == '.')
		return true;
	if (level->is_maildir)
		return strcmp(name, "cur") != 0 && strcmp(name, "new") != 0;
	return strcmp(name, "tmp") == 0 &&
	    is_directory(dirfd(level->dir), name);
}

static bool
take_entry(
    struct source *source, const struct dirent *entry, struct source_file *file)
{
	const struct level *level = &source->level[source->depth - 1];
	size_t room = sizeof source->path - level->path_len;
	struct stat sb;
	int fd;

	if (is_passed_over(level, entry))
		return false;
	if ((size_t)snprintf(source->path + level->path_len, room, "%s%s",
		source->path[level->path_len - 1] == '/' ? "" : "/",
		entry->d_name) >= room)
		return give_error(source, file, ENAMETOOLONG);
	errno = 0;
	fd = look(source, dirfd(level->dir), entry->d_name, O_NOFOLLOW, &sb);
	if (fd != -1 || (source->is_measuring && errno == 0))
		return take(source, fd, &sb, file);
	/* Links and sockets; what was moved or removed meanwhile. */
	return errno != ELOOP && errno != ENXIO && errno != ENOENT &&
	    give_error(source, file, errno);
}

static bool
take_path(struct source *source, const char *path, struct source_file *file)
{
	struct stat sb;
	int fd;

	if ((size_t)snprintf(source->path, sizeof source->path, "%s", path) >=
	    sizeof source->path)
		return give_error(source, file, ENAMETOOLONG);
	errno = 0;
	fd = look(source, AT_FDCWD, path, 0, &sb);
	if (fd != -1 || (source->is_measuring && errno == 0))
		return take(source, fd, &sb, file);
	return give_error(source, file, errno);
}

static bool
next(struct source *source, struct source_file *file)
{
	for (;;) {
		struct level *level;
		const struct dirent *entry;

		if (source->depth == 0) {
			if (source->next == source->count)
				return false;
			if (take_path(
				source, source->paths[source->next++], file))
				return true;
			continue;
		}
		level = &source->level[source->depth - 1];
		entry = readdir(level->dir);
		if (entry == NULL) {
			(void)closedir(level->dir);
			source->depth--;
		} else if (take_entry(source, entry, file)) {
			return true;
		}
	}
}

bool
source_next(struct source *source, struct source_file *file)
{
	bool is_file;

	(void)pthread_mutex_lock(&source->mutex);
	is_file = next(source, file);
	(void)pthread_mutex_unlock(&source->mutex);
	return is_file;
}

void
source_measure(char *const *paths, size_t count, struct source_size *size,
    bool (*fn)(void *ctx), void *ctx)
{
	struct source *source = source_new(paths, count);
	struct source_file file;

	*size = (struct source_size){ 0 };
	if (source == NULL)
		return;
	source->is_measuring = true;
	while (source_next(source, &file) && fn(ctx)) {
		if (file.error == 0) {
			size->files++;
			size->bytes += file.size;
		}
	}
	source_free(&source);
}
