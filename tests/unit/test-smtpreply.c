#include <check.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "smtpreply.h"
#include "suites.h"
#include "unit.h"

/* A reply that is whole, with what must come out; rest is what lies behind. */
static const struct row {
	const char *name;
	const char *data;
	size_t len;
	enum smtpreply_status status;
	int code;
	size_t lines;
	const char *first;
	const char *last;
	bool has_starttls;
	size_t rest;
} rows[] = {
	{ "one line", BYTES("220 mx.example ESMTP\r\n"), SMTPREPLY_DONE, 220, 1,
	    "220 mx.example ESMTP", "220 mx.example ESMTP", false, 0 },
	{ "bare LF", BYTES("220 hi\n"), SMTPREPLY_DONE, 220, 1, "220 hi",
	    "220 hi", false, 0 },
	{ "several CR", BYTES("220 hi\r\r\n"), SMTPREPLY_DONE, 220, 1, "220 hi",
	    "220 hi", false, 0 },
	{ "code alone", BYTES("250\r\n"), SMTPREPLY_DONE, 250, 1, "250", "250",
	    false, 0 },
	{ "offered last", BYTES("250-mx\r\n250 STARTTLS\r\n"), SMTPREPLY_DONE,
	    250, 2, "250-mx", "250 STARTTLS", true, 0 },
	{ "offered between", BYTES("250-mx\r\n250-starttls\r\n250 DSN\r\n"),
	    SMTPREPLY_DONE, 250, 3, "250-mx", "250 DSN", true, 0 },
	{ "with a parameter", BYTES("250-mx\r\n250 StartTLS now\r\n"),
	    SMTPREPLY_DONE, 250, 2, "250-mx", "250 StartTLS now", true, 0 },
	{ "in the first line", BYTES("250-STARTTLS\r\n250 DSN\r\n"),
	    SMTPREPLY_DONE, 250, 2, "250-STARTTLS", "250 DSN", false, 0 },
	{ "a longer word", BYTES("250-mx\r\n250 STARTTLSX\r\n"), SMTPREPLY_DONE,
	    250, 2, "250-mx", "250 STARTTLSX", false, 0 },
	{ "a shorter word", BYTES("250-mx\r\n250 STARTTL\r\n"), SMTPREPLY_DONE,
	    250, 2, "250-mx", "250 STARTTL", false, 0 },
	{ "not the first word", BYTES("250-mx\r\n250 X STARTTLS\r\n"),
	    SMTPREPLY_DONE, 250, 2, "250-mx", "250 X STARTTLS", false, 0 },
	{ "masked by a firewall", BYTES("250-mx\r\n250 XXXXXXXA\r\n"),
	    SMTPREPLY_DONE, 250, 2, "250-mx", "250 XXXXXXXA", false, 0 },
	{ "more behind it", BYTES("220 go\r\n250 evil\r\n"), SMTPREPLY_DONE,
	    220, 1, "220 go", "220 go", false, 10 },
	{ "codes that differ", BYTES("250-mx\r\n550 no\r\n"), SMTPREPLY_DONE,
	    550, 2, "250-mx", "550 no", false, 0 },
	{ "controls", BYTES("554 a\0b\x1b[2J\tc\x7f\r\n"), SMTPREPLY_DONE, 554,
	    1, "554 a?b?[2J?c?", "554 a?b?[2J?c?", false, 0 },
	{ "UTF-8", BYTES("554 \xc3\xa4\r\n"), SMTPREPLY_DONE, 554, 1,
	    "554 \xc3\xa4", "554 \xc3\xa4", false, 0 },
	{ "empty line", BYTES("\r\n220 hi\r\n"), SMTPREPLY_NOT_SMTP, 0, 1, "",
	    "", false, 8 },
	{ "another protocol", BYTES("SSH-2.0-x\r\n"), SMTPREPLY_NOT_SMTP, 0, 1,
	    "SSH-2.0-x", "SSH-2.0-x", false, 0 },
	{ "two digits", BYTES("22 hi\r\n"), SMTPREPLY_NOT_SMTP, 0, 1, "22 hi",
	    "22 hi", false, 0 },
	{ "four digits", BYTES("2200 hi\r\n"), SMTPREPLY_NOT_SMTP, 0, 1,
	    "2200 hi", "2200 hi", false, 0 },
	{ "1xx", BYTES("199 hi\r\n"), SMTPREPLY_NOT_SMTP, 0, 1, "199 hi",
	    "199 hi", false, 0 },
	{ "6xx", BYTES("600 hi\r\n"), SMTPREPLY_NOT_SMTP, 0, 1, "600 hi",
	    "600 hi", false, 0 },
	{ "wrong behind a good one", BYTES("250-mx\r\nSTARTTLS\r\n"),
	    SMTPREPLY_NOT_SMTP, 250, 2, "250-mx", "STARTTLS", false, 0 },
	{ "not yet", BYTES("250-mx\r\n250 STARTTLS\r"), SMTPREPLY_MORE, 250, 1,
	    "250-mx", "250-mx", false, 0 },
};

struct feed {
	struct smtpreply reply;
	size_t used;
};

static void
feed(void *ctx, const char *data, size_t len)
{
	struct feed *f = ctx;
	size_t used;

	(void)smtpreply_more(&f->reply, data, len, &used);
	f->used += used;
}

START_TEST(replies)
{
	const struct row *row = &rows[_i];

	for (size_t way = 0; way < unit_ways(row->len); way++) {
		struct feed f = { .used = 0 };

		smtpreply_init(&f.reply);
		unit_feed(way, row->data, row->len, feed, &f);
		ck_expect(f.reply.status == row->status, "%s: status %d",
		    row->name, (int)f.reply.status);
		ck_expect(f.reply.code == row->code, "%s: code %d", row->name,
		    f.reply.code);
		ck_expect(f.reply.lines == row->lines, "%s: %zu lines",
		    row->name, f.reply.lines);
		ck_string(row->name, f.reply.first, row->first);
		ck_string(row->name, f.reply.last, row->last);
		ck_expect(f.reply.has_starttls == row->has_starttls,
		    "%s: has_starttls", row->name);
		ck_expect(row->len - f.used == row->rest,
		    "%s: %zu bytes behind", row->name, row->len - f.used);
	}
}
END_TEST

START_TEST(line_is_bounded)
{
	static const int lengths[] = { SMTPREPLY_LINE_MAX,
		SMTPREPLY_LINE_MAX + 1 };
	char line[SMTPREPLY_LINE_MAX + 2];

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		size_t len = (size_t)lengths[i];
		struct feed f = { .used = 0 };

		memset(line, 'x', sizeof line);
		memcpy(line, "220 ", 4);
		line[len - 1] = '\n';
		smtpreply_init(&f.reply);
		feed(&f, line, len);
		ck_assert_int_eq(f.reply.status,
		    i == 0 ? SMTPREPLY_DONE : SMTPREPLY_TOO_LONG);
		ck_assert_uint_eq(f.used, SMTPREPLY_LINE_MAX);
		ck_assert_uint_eq(strlen(f.reply.last), SMTPREPLY_TEXT_MAX - 1);
		/* That is the end of it. */
		feed(&f, line, len);
		ck_assert_uint_eq(f.used, SMTPREPLY_LINE_MAX);
	}
}
END_TEST

START_TEST(lines_are_bounded)
{
	for (int lines = SMTPREPLY_LINES_MAX; lines <= SMTPREPLY_LINES_MAX + 1;
	     lines++) {
		bool is_within = lines == SMTPREPLY_LINES_MAX;
		struct feed f = { .used = 0 };

		smtpreply_init(&f.reply);
		for (int i = 1; i < lines; i++)
			feed(&f, BYTES("250-x\r\n"));
		feed(&f, BYTES("250 y\r\n"));
		ck_assert_int_eq(f.reply.status,
		    is_within ? SMTPREPLY_DONE : SMTPREPLY_TOO_MANY);
		ck_assert_uint_eq(f.reply.lines, SMTPREPLY_LINES_MAX);
		ck_assert_str_eq(f.reply.last, is_within ? "250 y" : "250-x");
	}
}
END_TEST

START_TEST(text_is_cut_at_a_character)
{
	char line[SMTPREPLY_TEXT_MAX + 8];
	struct feed f = { .used = 0 };

	memset(line, 'x', sizeof line);
	memcpy(line, "220 ", 4);
	memcpy(line + SMTPREPLY_TEXT_MAX - 2, "\xc3\xa4\r\n", 4);
	smtpreply_init(&f.reply);
	feed(&f, line, SMTPREPLY_TEXT_MAX + 2);
	ck_assert_int_eq(f.reply.status, SMTPREPLY_DONE);
	ck_assert_uint_eq(strlen(f.reply.first), SMTPREPLY_TEXT_MAX - 2);
}
END_TEST

Suite *
smtpreply_suite(void)
{
	Suite *suite = suite_create("smtpreply");
	TCase *tc = tcase_create("smtpreply");

	tcase_add_loop_test(tc, replies, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, line_is_bounded);
	tcase_add_test(tc, lines_are_bounded);
	tcase_add_test(tc, text_is_cut_at_a_character);
	suite_add_tcase(suite, tc);
	return suite;
}
