#include <check.h>
#include <string.h>

#include "inject.h"
#include "mbox.h"
#include "suites.h"
#include "unit.h"

#define LINE    "From a@b.example Thu Feb 12 04:05:06 2026\n"
#define AT_DATE "{a@b.example 1770869106}"

/* What came out: "{sender date}message|", "!" behind one that was cut. */
static struct buf out;

static enum status
collect(
    void *ctx, struct buf *message, const struct mbox_from *from, bool is_cut)
{
	enum status st = buf_addf(&out, "{%s", from->sender);

	(void)ctx;
	if (st == ST_OK && from->has_date)
		st = buf_addf(&out, " %lld", (long long)from->date);
	if (st == ST_OK)
		st = buf_adds(&out, "}");
	if (st == ST_OK && message->len > 0)
		st = buf_add(&out, message->data, message->len);
	return st == ST_OK ? buf_adds(&out, is_cut ? "!|" : "|") : st;
}

static void
feed(void *ctx, const char *data, size_t len)
{
	ck_status("more", mbox_more(ctx, data, len), ST_OK);
}

static void
check_all_ways(const char *name, const char *in, size_t len, size_t max,
    const char *want, size_t want_len)
{
	for (size_t way = 0; way < unit_ways(len); way++) {
		struct mbox mbox;

		buf_init(&out, 1 << 20);
		mbox_init(&mbox, max, collect, NULL);
		unit_feed(way, in, len, feed, &mbox);
		ck_status(name, mbox_finish(&mbox), ST_OK);
		mbox_free(&mbox);
		ck_bytes(name, out.data, out.len, want, want_len);
		buf_free(&out);
	}
}

static const struct {
	const char *name, *in, *want;
} rows[] = {
	{ "nothing", "", "" },
	{ "one", LINE "A: b\n\nbody\n", AT_DATE "A: b\n\nbody\n|" },
	{ "its empty line", LINE "A: b\n\nbody\n\n",
	    AT_DATE "A: b\n\nbody\n|" },
	{ "no line end", LINE "A: b\n\nbody", AT_DATE "A: b\n\nbody|" },
	{ "two", LINE "A: b\n\n1\n\n" LINE "C: d\n\n2\n",
	    AT_DATE "A: b\n\n1\n|" AT_DATE "C: d\n\n2\n|" },
	{ "only one empty line is no part of it",
	    LINE "A: b\n\n1\n\n\n" LINE "C: d\n",
	    AT_DATE "A: b\n\n1\n\n|" AT_DATE "C: d\n|" },
	{ "CRLF", LINE "A: b\r\n\r\n1\r\n\r\n" LINE "C: d\r\n",
	    AT_DATE "A: b\r\n\r\n1\r\n|" AT_DATE "C: d\r\n|" },
	{ "quoted", LINE "A: b\n\n>From x\n>>From y\n> From z\n>Fromm\n",
	    AT_DATE "A: b\n\nFrom x\n>From y\n> From z\n>Fromm\n|" },
	{ "not behind an empty line", LINE "A: b\n\nx\nFrom y\n",
	    AT_DATE "A: b\n\nx\nFrom y\n|" },
	{ "empty messages", LINE "\n" LINE, AT_DATE "\n|" AT_DATE "|" },
	{ "no date", "From x\nA: b\n", "{x}A: b\n|" },
	{ "no sender", "From \nA: b\n", "{}A: b\n|" },
	{ "odd date", "From x Thu Foo 12 04:05:06 2026\nA: b\n", "{x}A: b\n|" },
	{ "no day", "From x Thu Feb 31 04:05:06 2026\nA: b\n", "{x}A: b\n|" },
	{ "month between two", "From x Thu ebM 12 04:05:06 2026\nA: b\n",
	    "{x}A: b\n|" },
	{ "not an mbox", "A: b\n\nbody\n\n" LINE "C: d\n", AT_DATE "C: d\n|" },
};

START_TEST(messages)
{
	check_all_ways(rows[_i].name, rows[_i].in, strlen(rows[_i].in), 1 << 20,
	    rows[_i].want, strlen(rows[_i].want));
}
END_TEST

START_TEST(bytes_of_any_kind)
{
	check_all_ways("NUL", BYTES(LINE "A\0b\n\n\xff\n"), 1 << 20,
	    BYTES(AT_DATE "A\0b\n\n\xff\n|"));
}
END_TEST

/* A line of n bytes, its end included, of this beginning. */
static void
add_line(struct buf *buf, const char *begin, size_t n)
{
	ck_status("begin", buf_adds(buf, begin), ST_OK);
	unit_repeat(buf, "x", n - strlen(begin) - 1);
	ck_status("end", buf_adds(buf, "\n"), ST_OK);
}

START_TEST(long_lines)
{
	/* At the bound a "From " line is one, and above it is not. */
	for (size_t n = MBOX_LINE_MAX - 3; n < MBOX_LINE_MAX + 3; n++) {
		bool is_one = n < MBOX_LINE_MAX;
		struct buf in, want;

		buf_init(&in, 1 << 20);
		buf_init(&want, 1 << 20);
		ck_status("in", buf_adds(&in, LINE "a\n\n"), ST_OK);
		add_line(&in, "From y ", n);
		ck_status("in", buf_adds(&in, "b\n"), ST_OK);
		ck_status("want", buf_adds(&want, AT_DATE "a\n"), ST_OK);
		if (is_one) {
			ck_status("want", buf_adds(&want, "|{y}"), ST_OK);
		} else {
			ck_status("want", buf_adds(&want, "\n"), ST_OK);
			add_line(&want, "From y ", n);
		}
		ck_status("want", buf_adds(&want, "b\n|"), ST_OK);
		check_all_ways(
		    "long", in.data, in.len, 1 << 20, want.data, want.len);
		buf_free(&in);
		buf_free(&want);
	}
}
END_TEST

START_TEST(what_is_too_large_is_cut)
{
	check_all_ways("at the cap", BYTES(LINE "12345\n\n" LINE "1\n"), 7,
	    BYTES(AT_DATE "12345\n|" AT_DATE "1\n|"));
	check_all_ways("above", BYTES(LINE "123456\n\n" LINE "1\n"), 6,
	    BYTES(AT_DATE "123456!|" AT_DATE "1\n|"));
}
END_TEST

static enum status
refuse(
    void *ctx, struct buf *message, const struct mbox_from *from, bool is_cut)
{
	(void)ctx;
	(void)message;
	(void)from;
	(void)is_cut;
	return ST_SPOOL;
}

START_TEST(who_is_handed_them_may_end_it)
{
	struct mbox mbox;

	mbox_init(&mbox, 100, refuse, NULL);
	ck_status("more", mbox_more(&mbox, BYTES(LINE "a\n\n" LINE)), ST_SPOOL);
	mbox_free(&mbox);
	mbox_init(&mbox, 100, refuse, NULL);
	ck_status("more", mbox_more(&mbox, BYTES(LINE "a\n")), ST_OK);
	ck_status("finish", mbox_finish(&mbox), ST_SPOOL);
	mbox_free(&mbox);
}
END_TEST

START_TEST(memory_may_fail)
{
	unsigned n;

	for (n = 1;; n++) {
		struct mbox mbox;
		enum status st;

		buf_init(&out, 1 << 20);
		inject_arm(INJECT_MEMORY, n);
		mbox_init(&mbox, 1 << 20, collect, NULL);
		st = mbox_more(&mbox, BYTES(LINE "a\n\n" LINE "b\n"));
		if (st == ST_OK)
			st = mbox_finish(&mbox);
		mbox_free(&mbox);
		buf_free(&out);
		if (!inject_disarm()) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_status("failed", st, ST_NO_MEMORY);
		ck_assert_uint_eq(inject_leaks(), 0);
	}
	ck_assert_uint_gt(n, 1);
}
END_TEST

START_TEST(what_looks_like_one)
{
	ck_assert(mbox_is(BYTES("From x")));
	ck_assert(mbox_is(BYTES("From ")));
	ck_assert(!mbox_is(BYTES("From")));
	ck_assert(!mbox_is(BYTES("From: x")));
}
END_TEST

Suite *
mbox_suite(void)
{
	Suite *suite = suite_create("mbox");
	TCase *tc = tcase_create("mbox");

	tcase_add_loop_test(tc, messages, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, bytes_of_any_kind);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, what_is_too_large_is_cut);
	tcase_add_test(tc, who_is_handed_them_may_end_it);
	tcase_add_test(tc, memory_may_fail);
	tcase_add_test(tc, what_looks_like_one);
	suite_add_tcase(suite, tc);
	return suite;
}
