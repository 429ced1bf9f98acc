#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "inject.h"
#include "payload.h"
#include "suites.h"
#include "unit.h"

static char dir[512];

static void
setup(void)
{
	unit_directory(dir, sizeof dir);
}

static const struct {
	const char *bytes;
	size_t len;
	enum payload want;
} sniffs[] = {
	{ BYTES(""), PAYLOAD_EMPTY },
	{ BYTES(" \r\n\t"), PAYLOAD_EMPTY },
	{ BYTES("\xef\xbb\xbf"), PAYLOAD_EMPTY },
	{ BYTES("\x1f\x8b"), PAYLOAD_GZIP },
	{ BYTES("\x1f\x8b\x08"), PAYLOAD_GZIP },
	{ BYTES("\x1f"), PAYLOAD_OTHER },
	{ BYTES("\x1f\x9d"), PAYLOAD_OTHER },
	{ BYTES("PK\3\4"), PAYLOAD_ZIP },
	{ BYTES("PK\5\6"), PAYLOAD_ZIP },
	{ BYTES("PK"), PAYLOAD_OTHER },
	{ BYTES("PK plus"), PAYLOAD_OTHER },
	{ BYTES("{"), PAYLOAD_JSON },
	{ BYTES(" \r\n\t{}"), PAYLOAD_JSON },
	{ BYTES("\xef\xbb\xbf {}"), PAYLOAD_JSON },
	{ BYTES("[{}]"), PAYLOAD_OTHER },
	{ BYTES("hello"), PAYLOAD_OTHER },
	{ BYTES("\0{"), PAYLOAD_OTHER },
	{ BYTES(" \x1f\x8b"), PAYLOAD_OTHER },
};

START_TEST(magic_decides)
{
	char *copy = malloc(sniffs[_i].len + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, sniffs[_i].bytes, sniffs[_i].len);
	ck_assert_msg(payload_sniff(copy, sniffs[_i].len) == sniffs[_i].want,
	    "%s", sniffs[_i].bytes);
	free(copy);
}
END_TEST

START_TEST(white_space_is_empty_only_if_it_is_all)
{
	char spaces[PAYLOAD_SNIFF];

	memset(spaces, ' ', sizeof spaces);
	ck_assert_int_eq(
	    payload_sniff(spaces, PAYLOAD_SNIFF - 1), PAYLOAD_EMPTY);
	/* More may follow of what fills the window. */
	ck_assert_int_eq(payload_sniff(spaces, PAYLOAD_SNIFF), PAYLOAD_OTHER);
}
END_TEST

static const char text[] = "{\"policies\":[]}";

static void
build(struct buf *out, enum payload kind)
{
	struct unit_zip zip = { "a.json", 0, 8, BYTES(text), false };

	switch (kind) {
	case PAYLOAD_GZIP:
		unit_gzip(out, text, strlen(text));
		break;
	case PAYLOAD_ZIP:
		unit_zip_member(out, &zip);
		unit_zip_end(out);
		break;
	default:
		ck_status("text", buf_adds(out, text), ST_OK);
		break;
	}
}

static struct spool *
spool_of(const struct buf *in)
{
	struct spool *spool = spool_new(dir, 1 << 24);

	ck_assert_ptr_nonnull(spool);
	ck_status("spool", spool_add(spool, in->data, in->len, NULL), ST_OK);
	return spool;
}

static const enum payload kinds[] = { PAYLOAD_GZIP, PAYLOAD_ZIP, PAYLOAD_JSON,
	PAYLOAD_OTHER };

START_TEST(each_kind_is_decoded)
{
	size_t len = strlen(text);
	deviations dev = 0;
	struct fault fault;
	struct spool *spool;
	struct buf in, out;

	buf_init(&in, 1000);
	build(&in, kinds[_i]);
	spool = spool_of(&in);
	for (size_t max = len + 1; max >= len - 1; max--) {
		enum status want = max < len ? ST_TOO_LARGE : ST_OK;

		buf_init(&out, max);
		ck_status("decode",
		    payload_decode(spool, kinds[_i], &out, &dev, &fault), want);
		if (want == ST_OK) {
			ck_bytes("text", out.data, out.len, text, len);
		} else {
			ck_status("fault", fault.status, want);
			ck_assert(fault.has_offset);
			ck_assert_uint_eq(fault.offset, max);
		}
		ck_deviations("dev", dev, 0);
		buf_free(&out);
	}
	spool_free(&spool);
	buf_free(&in);
}
END_TEST

/* A .gz that was compressed on its way once more; thrice is nobody's. */
START_TEST(gzip_within_gzip_is_decoded_twice)
{
	deviations dev = 0;
	struct fault fault;
	struct spool *spool;
	struct buf once, twice, out;

	buf_init(&once, 1000);
	buf_init(&twice, 1000);
	buf_init(&out, 1000);
	build(&once, PAYLOAD_GZIP);
	for (unsigned n = 2; n <= 3; n++) {
		buf_cut(&twice, 0);
		unit_gzip(&twice, once.data, once.len);
		buf_free(&out);
		dev = 0;
		spool = spool_of(&twice);
		ck_status("decode",
		    payload_decode(spool, PAYLOAD_GZIP, &out, &dev, &fault),
		    ST_OK);
		ck_deviations("decode", dev, DEV(DEV_LABEL_MISMATCH));
		if (n == 2)
			ck_bytes("text", out.data, out.len, text, strlen(text));
		else
			ck_assert_int_eq(
			    payload_sniff(out.data, out.len), PAYLOAD_GZIP);
		spool_free(&spool);
		buf_cut(&once, 0);
		ck_status("next", buf_add(&once, twice.data, twice.len), ST_OK);
	}
	buf_free(&once);
	buf_free(&twice);
	buf_free(&out);
}
END_TEST

START_TEST(damage_is_told)
{
	static const struct {
		enum payload kind;
		size_t cut;   /* bytes missing at the end */
		bool is_more; /* or bytes behind it */
		enum status want;
		deviations dev;
	} rows[] = {
		{ PAYLOAD_GZIP, 1, false, ST_GZIP_TRUNCATED, 0 },
		{ PAYLOAD_GZIP, 0, true, ST_OK, DEV(DEV_TRAILING_BYTES) },
		{ PAYLOAD_ZIP, 70, false, ST_GZIP_TRUNCATED, 0 },
		{ PAYLOAD_JSON, 0, true, ST_OK, 0 },
	};
	deviations dev = 0;
	struct fault fault;
	struct spool *spool;
	struct buf in, out;

	buf_init(&in, 1000);
	buf_init(&out, 1000);
	build(&in, rows[_i].kind);
	buf_cut(&in, in.len - rows[_i].cut);
	if (rows[_i].is_more)
		ck_status("more", buf_adds(&in, "\n-- \nlist"), ST_OK);
	spool = spool_of(&in);
	ck_status("decode",
	    payload_decode(spool, rows[_i].kind, &out, &dev, &fault),
	    rows[_i].want);
	ck_deviations("decode", dev, rows[_i].dev);
	spool_free(&spool);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

START_TEST(every_call_may_fail)
{
	struct spool *spool;
	struct buf in;
	unsigned n;

	buf_init(&in, 1000);
	build(&in, kinds[_i]);
	spool = spool_of(&in);
	for (n = 1;; n++) {
		struct fault fault = { 0 };
		deviations dev = 0;
		bool is_struck;
		enum status st;
		struct buf out;

		buf_init(&out, 1000);
		inject_arm(INJECT_MEMORY | INJECT_ZLIB, n);
		st = payload_decode(spool, kinds[_i], &out, &dev, &fault);
		buf_free(&out);
		is_struck = inject_disarm();
		ck_assert_uint_eq(inject_leaks(), 0);
		if (!is_struck) {
			ck_status("all", st, ST_OK);
			break;
		}
		ck_status("one", st, ST_NO_MEMORY);
		ck_status("fault", fault.status, ST_NO_MEMORY);
	}
	ck_assert_uint_gt(n, 1);
	spool_free(&spool);
	buf_free(&in);
}
END_TEST

Suite *
payload_suite(void)
{
	Suite *suite = suite_create("payload");
	TCase *tc = tcase_create("payload");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, magic_decides, 0, (int)ARRAY_LEN(sniffs));
	tcase_add_test(tc, white_space_is_empty_only_if_it_is_all);
	tcase_add_loop_test(tc, each_kind_is_decoded, 0, (int)ARRAY_LEN(kinds));
	tcase_add_test(tc, gzip_within_gzip_is_decoded_twice);
	tcase_add_loop_test(tc, damage_is_told, 0, 4);
	tcase_add_loop_test(tc, every_call_may_fail, 0, (int)ARRAY_LEN(kinds));
	suite_add_tcase(suite, tc);
	return suite;
}
