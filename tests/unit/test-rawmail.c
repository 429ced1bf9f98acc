#include <check.h>
#include <string.h>

#include "inject.h"
#include "rawmail.h"
#include "suites.h"
#include "unit.h"

static char dir[512];

static void
setup(void)
{
	unit_directory(dir, sizeof dir);
}

static enum status
collect(void *ctx, const char *data, size_t len)
{
	return buf_add(ctx, data, len);
}

static void
check_mail(struct rawmail *raw, const char *want, size_t len)
{
	struct spool *spool = NULL;
	struct buf packed, mail;

	buf_init(&packed, 1 << 22);
	buf_init(&mail, 1 << 22);
	ck_status("finish", rawmail_finish(raw, &spool, NULL), ST_OK);
	/* It may be asked again: several reports in one message. */
	ck_status("again", rawmail_finish(raw, &spool, NULL), ST_OK);
	ck_status("read", spool_read(spool, collect, &packed, NULL), ST_OK);
	ck_assert(unit_gunzip(&mail, packed.data, packed.len));
	ck_bytes("mail", mail.data, mail.len, want, len);
	buf_free(&packed);
	buf_free(&mail);
}

START_TEST(a_mail_is_kept)
{
	struct rawmail *raw = rawmail_new(dir, 1 << 20);

	ck_assert_ptr_nonnull(raw);
	rawmail_field(raw, "Subject", " a\r\n\tb\n c");
	rawmail_field(raw, "X", "");
	rawmail_field(raw, "Y", " z");
	rawmail_body(raw, BYTES("line\r\n\0"));
	rawmail_body(raw, BYTES("more"));
	check_mail(raw,
	    BYTES("Subject: a\r\n\tb\r\n c\r\nX:\r\nY: z\r\n\r\n"
		  "line\r\n\0more"));
	rawmail_free(&raw);
	ck_assert_ptr_null(raw);
	rawmail_free(&raw);
}
END_TEST

START_TEST(a_mail_may_have_no_body)
{
	struct rawmail *raw = rawmail_new(dir, 1 << 20);

	rawmail_field(raw, "A", " b");
	check_mail(raw, BYTES("A: b\r\n\r\n"));
	rawmail_free(&raw);
}
END_TEST

START_TEST(a_message_as_it_stands)
{
	struct rawmail *raw = rawmail_new(dir, 1 << 20);

	rawmail_bytes(raw, BYTES("From a\nA: "));
	rawmail_bytes(raw, BYTES("b\n\nbody\0"));
	check_mail(raw, BYTES("From a\nA: b\n\nbody\0"));
	rawmail_free(&raw);
}
END_TEST

/* Bytes that do not compress. */
static void
fill_noise(char *out, size_t len)
{
	unsigned x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1103515245 + 12345;
		out[i] = (char)(x >> 16);
	}
}

START_TEST(a_large_mail_is_spooled)
{
	static char noise[300000];
	struct rawmail *raw = rawmail_new(dir, 1 << 20);
	struct buf want;

	fill_noise(noise, sizeof noise);
	for (size_t i = 0; i < sizeof noise; i += 10000)
		rawmail_body(raw, noise + i, 10000);
	buf_init(&want, 1 << 20);
	(void)buf_adds(&want, "\r\n");
	(void)buf_add(&want, noise, sizeof noise);
	check_mail(raw, want.data, want.len);
	rawmail_free(&raw);
	buf_free(&want);
}
END_TEST

START_TEST(trouble_is_remembered)
{
	static char noise[300000];
	struct rawmail *raw = rawmail_new(dir, 100000);
	struct fault fault = { 0 };
	struct spool *spool;

	fill_noise(noise, sizeof noise);
	rawmail_body(raw, noise, sizeof noise);
	rawmail_body(raw, noise, sizeof noise);
	ck_status("finish", rawmail_finish(raw, &spool, &fault), ST_TOO_LARGE);
	ck_status("fault", fault.status, ST_TOO_LARGE);
	rawmail_free(&raw);
}
END_TEST

START_TEST(every_call_may_fail)
{
	static const enum inject kinds[] = { INJECT_MEMORY, INJECT_ZLIB,
		INJECT_WRITE, INJECT_FILE };
	static char noise[200000];
	size_t descriptors = unit_count_descriptors();
	unsigned n;

	fill_noise(noise, sizeof noise);
	for (n = 1;; n++) {
		struct fault fault = { .status = ST_NO_MEMORY };
		enum status st = ST_NO_MEMORY;
		struct rawmail *raw;
		struct spool *spool;

		inject_arm(kinds[_i], n);
		raw = rawmail_new(dir, 1 << 20);
		if (raw != NULL) {
			rawmail_field(raw, "A", " b");
			rawmail_body(raw, noise, sizeof noise);
			st = rawmail_finish(raw, &spool, &fault);
			rawmail_free(&raw);
		}
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_assert_msg(status_is_failure(st), "%s", status_str(st));
		ck_status("fault", fault.status, st);
		ck_assert_uint_eq(inject_leaks(), 0);
		ck_assert_uint_eq(unit_count_descriptors(), descriptors);
	}
	ck_assert_uint_gt(n, 1);
}
END_TEST

Suite *
rawmail_suite(void)
{
	Suite *suite = suite_create("rawmail");
	TCase *tc = tcase_create("rawmail");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_mail_is_kept);
	tcase_add_test(tc, a_mail_may_have_no_body);
	tcase_add_test(tc, a_message_as_it_stands);
	tcase_add_test(tc, a_large_mail_is_spooled);
	tcase_add_test(tc, trouble_is_remembered);
	tcase_add_loop_test(tc, every_call_may_fail, 0, 4);
	suite_add_tcase(suite, tc);
	return suite;
}
