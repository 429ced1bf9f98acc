#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	PATH_ROOM = 4096
};

struct owner
owner_of_stat(const struct stat *sb)
{
	struct owner owner = { false, sb->st_uid, sb->st_gid };

	owner.is_other =
	    geteuid() == 0 && (owner.uid != 0 || owner.gid != getegid());
	return owner;
}

struct owner
owner_of(int fd)
{
	struct stat sb;

	if (fstat(fd, &sb) == -1)
		return (struct owner){ .is_other = false };
	return owner_of_stat(&sb);
}

void
owner_give(const struct owner *owner, int fd)
{
	int error = errno;
	struct stat sb;

	if (owner->is_other && fstat(fd, &sb) == 0 && sb.st_uid == 0 &&
	    (S_ISDIR(sb.st_mode) || (S_ISREG(sb.st_mode) && sb.st_nlink == 1)))
		(void)!fchown(fd, owner->uid, owner->gid);
	errno = error;
}

bool
owner_is_led(const char *path, int fd)
{
	char name[PATH_ROOM];
	struct stat named, opened;
	size_t len = strlen(path);

	if (geteuid() != 0)
		return false;
	while (len > 1 && path[len - 1] == '/')
		len--;
	if ((size_t)snprintf(name, sizeof name, "%.*s", (int)len, path) >=
		sizeof name ||
	    lstat(name, &named) == -1 || fstat(fd, &opened) == -1)
		return true;
	if (S_ISLNK(named.st_mode))
		return named.st_uid != 0;
	return named.st_dev != opened.st_dev || named.st_ino != opened.st_ino;
}

int
owner_open_flag(const struct owner *owner)
{
	return owner->is_other ? O_NOFOLLOW : 0;
}
