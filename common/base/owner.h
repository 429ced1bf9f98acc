/*
 * owner: what root makes in a place of somebody else is given to whoever owns
 * the place, or that user could not write to it later. For who is not root,
 * and in places of root, nothing here does anything.
 *
 * Such a place is not to be trusted: its owner may rename and link there what
 * he likes, at any moment. So a file is given away by its descriptor and never
 * by its path, only if it is root's (what was made just now is), and only if it
 * has no other name, by which it would be a file of another place.
 */
#ifndef OWNER_H
#define OWNER_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct owner {
	bool is_other; /* we are root, and the place is not */
	uid_t uid;
	gid_t gid;
};

/* Who owns an open directory or file, or what sb tells of. */
struct owner owner_of(int fd);
struct owner owner_of_stat(const struct stat *sb);

/*
 * Give an open file or directory to the owner of its place. Where that is not
 * permitted, it stays as it is. errno stays.
 */
void owner_give(const struct owner *owner, int fd);

/*
 * We are root and have opened a directory by its path: was that led elsewhere
 * by a symbolic link, its last name, that is not root's own?
 */
bool owner_is_led(const char *path, int fd);

/* The flag for openat() that a place of that owner needs: O_NOFOLLOW or 0. */
int owner_open_flag(const struct owner *owner);

#endif
