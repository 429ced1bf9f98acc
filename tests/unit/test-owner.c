#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owner.h"
#include "suites.h"
#include "unit.h"

enum {
	SOMEBODY = 4711,
	GROUP = 4712
};

static char dir[256], path[300];
static const struct owner somebody = { true, SOMEBODY, GROUP };

static void
setup(void)
{
	unit_directory(dir, sizeof dir);
	(void)snprintf(path, sizeof path, "%s/file", dir);
	unit_write(path, "x", 1);
}

static struct stat
give(const struct owner *owner, const char *name)
{
	struct stat sb;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	owner_give(owner, fd);
	ck_assert_int_eq(fstat(fd, &sb), 0);
	(void)close(fd);
	return sb;
}

/* Only root can give anything away. */
START_TEST(what_root_makes_is_given)
{
	bool is_root = geteuid() == 0;
	struct stat sb = give(&somebody, path);

	ck_assert_uint_eq(sb.st_uid, is_root ? SOMEBODY : geteuid());
	ck_assert_uint_eq(sb.st_gid, is_root ? GROUP : getegid());
	sb = give(&somebody, dir);
	ck_assert_uint_eq(sb.st_uid, is_root ? SOMEBODY : geteuid());
	/* The owner of the place is known from then on. */
	ck_assert(owner_of_stat(&sb).is_other == is_root);
}
END_TEST

START_TEST(what_has_another_name_stays)
{
	char other[300];

	(void)snprintf(other, sizeof other, "%s/other", dir);
	ck_assert_int_eq(link(path, other), 0);
	ck_assert_uint_eq(give(&somebody, path).st_uid, geteuid());
}
END_TEST

START_TEST(what_is_not_roots_stays)
{
	const struct owner third = { true, SOMEBODY + 1, GROUP };

	(void)give(&somebody, path);
	ck_assert_uint_eq(
	    give(&third, path).st_uid, geteuid() == 0 ? SOMEBODY : geteuid());
}
END_TEST

START_TEST(our_own_place_is_no_other)
{
	struct stat sb = give(&somebody, path);
	struct owner owner;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	owner = owner_of(fd);
	ck_assert(!owner.is_other);
	ck_assert_int_eq(owner_open_flag(&owner), 0);
	ck_assert_int_eq(owner_open_flag(&somebody), O_NOFOLLOW);
	owner = owner_of_stat(&sb);
	ck_assert_uint_eq(owner.uid, sb.st_uid);
	(void)close(fd);
	ck_assert(!owner_of(fd).is_other);
}
END_TEST

START_TEST(links_of_others_lead_elsewhere)
{
	bool is_root = geteuid() == 0;
	char name[300];
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	ck_assert(!owner_is_led(dir, fd));
	(void)snprintf(name, sizeof name, "%s/", dir);
	ck_assert(!owner_is_led(name, fd));
	ck_assert(!owner_is_led("/", fd) || is_root);
	(void)snprintf(name, sizeof name, "%s/link", dir);
	ck_assert(owner_is_led(name, fd) == is_root);
	ck_assert_int_eq(symlink(dir, name), 0);
	ck_assert(!owner_is_led(name, fd));
	if (is_root)
		ck_assert_int_eq(lchown(name, SOMEBODY, GROUP), 0);
	ck_assert(owner_is_led(name, fd) == is_root);
	strcat(name, "/");
	ck_assert(owner_is_led(name, fd) == is_root);
	(void)close(fd);
}
END_TEST

Suite *
owner_suite(void)
{
	Suite *suite = suite_create("owner");
	TCase *tc = tcase_create("owner");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, what_root_makes_is_given);
	tcase_add_test(tc, what_has_another_name_stays);
	tcase_add_test(tc, what_is_not_roots_stays);
	tcase_add_test(tc, our_own_place_is_no_other);
	tcase_add_test(tc, links_of_others_lead_elsewhere);
	suite_add_tcase(suite, tc);
	return suite;
}
