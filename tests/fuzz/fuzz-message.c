/*
 * fuzz-message: the whole road, from a mail to its reports.
 *
 * The mail is the input as it stands, but for pieces that are encoded first,
 * so that what is behind checksums and alphabets is reached: "<<METHOD:" up to
 * ">>", where METHOD is one or more of g (gzip), z (zip, stored) and then b
 * (base64) or q (quoted-printable). The result must be the same however the
 * mail is cut.
 */
#include <zlib.h>

#include "assess.h"
#include "buf.h"
#include "conf.h"
#include "extract.h"
#include "fuzz.h"
#include "report.h"

enum {
	MAIL_MAX = 1 << 20,
	REPORT_MAX = 1 << 20
};

static void
add(struct buf *out, const void *data, size_t len)
{
	FUZZ_CHECK(buf_add(out, data, len) == ST_OK);
}

static void
add_gzip(struct buf *out, const struct buf *in)
{
	char *space = malloc(in->len + in->len / 2 + 256);
	z_stream z = { 0 };

	FUZZ_CHECK(space != NULL);
	FUZZ_CHECK(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0) == Z_OK);
	z.next_in = (Bytef *)in->data;
	z.avail_in = (uInt)in->len;
	z.next_out = (Bytef *)space;
	z.avail_out = (uInt)(in->len + in->len / 2 + 256);
	FUZZ_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	add(out, space, z.total_out);
	deflateEnd(&z);
	free(space);
}

static void
add_le(struct buf *out, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++, value >>= 8)
		FUZZ_CHECK(buf_addc(out, (char)(value & 0xff)) == ST_OK);
}

static void
add_zip(struct buf *out, const struct buf *in)
{
	uint32_t crc = (uint32_t)crc32(0, Z_NULL, 0);

	if (in->len > 0)
		crc = (uint32_t)crc32(
		    crc, (const Bytef *)in->data, (uInt)in->len);
	add(out, "PK\3\4\24\0\0\0\0\0\0\0\0\0", 14);
	add_le(out, crc, 4);
	add_le(out, (uint32_t)in->len, 4);
	add_le(out, (uint32_t)in->len, 4);
	add(out, "\1\0\0\0r", 5);
	add(out, in->data, in->len);
	add(out, "PK\1\2", 4);
}

static void
add_base64(struct buf *out, const struct buf *in)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)in->data;

	for (size_t i = 0; i < in->len; i += 3) {
		size_t left = in->len - i;
		uint32_t v = (uint32_t)p[i] << 16;
		char group[4];

		v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= left > 2 ? p[i + 2] : 0;
		group[0] = digit[v >> 18];
		group[1] = digit[v >> 12 & 63];
		group[2] = left > 1 ? digit[v >> 6 & 63] : '=';
		group[3] = left > 2 ? digit[v & 63] : '=';
		add(out, group, 4);
		if (i % 57 == 54)
			add(out, "\r\n", 2);
	}
}

static void
add_qp(struct buf *out, const struct buf *in)
{
	for (size_t i = 0; i < in->len; i++)
		FUZZ_CHECK(buf_addf(out, "=%02X%s", (unsigned char)in->data[i],
			       i % 24 == 23 ? "=\r\n" : "") == ST_OK);
}

/* Apply the methods in turn to the bytes. */
static void
encode(struct buf *out, const char *methods, size_t count, const char *data,
    size_t len)
{
	struct buf in, next;

	buf_init(&in, MAIL_MAX);
	add(&in, data, len);
	for (size_t i = 0; i < count; i++) {
		buf_init(&next, MAIL_MAX);
		if (methods[i] == 'g')
			add_gzip(&next, &in);
		else if (methods[i] == 'z')
			add_zip(&next, &in);
		else if (methods[i] == 'b')
			add_base64(&next, &in);
		else
			add_qp(&next, &in);
		buf_free(&in);
		in = next;
	}
	if (in.len > 0)
		add(out, in.data, in.len);
	buf_free(&in);
}

/* Where that character stands twice, or NULL. */
static const char *
find(const char *p, const char *end, char c)
{
	for (; end - p >= 2; p++) {
		if (p[0] == c && p[1] == c)
			return p;
	}
	return NULL;
}

/* The mail that the input describes. */
static void
make_mail(struct buf *mail, const char *text, size_t size)
{
	size_t at = 0;

	while (at < size) {
		const char *p = text + at, *end = text + size, *close;
		const char *open = find(p, end, '<');
		size_t count = 0;

		if (open != NULL) {
			while (open + 2 + count < end && count < 3 &&
			    memchr("gzbq", open[2 + count], 4) != NULL)
				count++;
		}
		if (open == NULL || open + 2 + count == end ||
		    open[2 + count] != ':') {
			/* Not one of ours: the bytes up to it as they are. */
			size_t n =
			    open != NULL ? (size_t)(open - p) + 2 : size - at;

			add(mail, p, n);
			at += n;
			continue;
		}
		add(mail, p, (size_t)(open - p));
		p = open + 2 + count + 1;
		close = find(p, end, '>');
		if (close == NULL)
			close = end;
		encode(mail, open + 2, count, p, (size_t)(close - p));
		at = (size_t)((close == end ? end : close + 2) - text);
	}
}

/* What came out of a candidate. */
struct outcome {
	enum status status;
	deviations dev;
	bool is_claimed;
	struct buf text;
};

struct road {
	enum status status;
	size_t count;
	bool is_claimed;
	struct extract_meta meta;
	struct outcome outcome[EXTRACT_CANDIDATES_MAX];
};

static void
decode_candidates(struct road *road, struct extract *ex)
{
	struct fault fault = { 0 };

	road->count = extract_count(ex);
	FUZZ_CHECK(road->count <= EXTRACT_CANDIDATES_MAX);
	for (size_t i = 0; i < road->count; i++) {
		struct outcome *outcome = &road->outcome[i];

		buf_init(&outcome->text, REPORT_MAX);
		outcome->is_claimed = extract_is_claimed(ex, i);
		outcome->status = extract_decode(
		    ex, i, &outcome->text, &outcome->dev, &fault);
		FUZZ_CHECK(!status_is_failure(outcome->status));
		FUZZ_CHECK(outcome->status == ST_OK ||
		    fault.status == outcome->status);
	}
}

static void
take_road(struct road *road, const struct buf *mail, struct fuzz_cuts cuts,
    const struct extract_limits *limits)
{
	struct extract_raw raw;
	struct extract *ex = extract_new(limits);
	struct fault fault = { 0 };
	size_t n;

	*road = (struct road){ .status = ST_OK };
	FUZZ_CHECK(ex != NULL);
	extract_raw_init(&raw, ex, NULL);
	for (size_t at = 0; at < mail->len; at += n) {
		char *piece;

		n = fuzz_next(&cuts, mail->len - at);
		piece = fuzz_copy(mail->data + at, n);
		FUZZ_CHECK(extract_raw_more(&raw, piece, n) == ST_OK);
		free(piece);
	}
	FUZZ_CHECK(extract_raw_finish(&raw) == ST_OK);
	road->status = extract_finish(ex, &fault);
	FUZZ_CHECK(!status_is_failure(road->status));
	FUZZ_CHECK(road->status == fault.status);
	road->is_claimed = extract_claims_report(ex);
	road->meta = *extract_meta(ex);
	decode_candidates(road, ex);
	extract_free(&ex);
	FUZZ_CHECK(ex == NULL);
}

static void
check_equal(const struct road *a, const struct road *b)
{
	FUZZ_CHECK(a->status == b->status);
	FUZZ_CHECK(a->is_claimed == b->is_claimed);
	FUZZ_CHECK(a->count == b->count);
	FUZZ_CHECK(strcmp(a->meta.subject, b->meta.subject) == 0);
	FUZZ_CHECK(strcmp(a->meta.message_id, b->meta.message_id) == 0);
	FUZZ_CHECK(strcmp(a->meta.submitter, b->meta.submitter) == 0);
	FUZZ_CHECK(strcmp(a->meta.from_domain, b->meta.from_domain) == 0);
	for (size_t i = 0; i < a->count; i++) {
		const struct outcome *x = &a->outcome[i], *y = &b->outcome[i];

		FUZZ_CHECK(x->status == y->status);
		FUZZ_CHECK(x->dev == y->dev);
		FUZZ_CHECK(x->is_claimed == y->is_claimed);
		FUZZ_CHECK(x->text.len == y->text.len);
		FUZZ_CHECK(x->text.len == 0 ||
		    memcmp(x->text.data, y->text.data, x->text.len) == 0);
	}
}

/* The candidates as reports, and everything given back. */
static void
read_reports(struct road *road, const struct conf *conf)
{
	struct assessment assessment;
	struct report report;
	struct fault fault;

	for (size_t i = 0; i < road->count; i++) {
		struct outcome *outcome = &road->outcome[i];

		if (outcome->status == ST_OK &&
		    report_read(&report, outcome->text.data, outcome->text.len,
			outcome->dev, &fault) == ST_OK) {
			FUZZ_CHECK(
			    assess_report(&report, conf, &assessment) == ST_OK);
		}
		buf_free(&outcome->text);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct extract_limits limits = { 16 << 20,
		{ MIME_DEPTH_MAX, MIME_PARTS_MAX }, "/tmp" };
	static struct road whole, pieces;
	static struct conf *conf;
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);
	struct buf mail;

	if (conf == NULL)
		conf = conf_new();
	FUZZ_CHECK(conf != NULL);
	buf_init(&mail, MAIL_MAX);
	make_mail(&mail, (const char *)data, size);
	take_road(&whole, &mail, fuzz_whole(), &limits);
	take_road(&pieces, &mail, cuts, &limits);
	check_equal(&whole, &pieces);
	read_reports(&whole, conf);
	read_reports(&pieces, conf);
	buf_free(&mail);
	return 0;
}
