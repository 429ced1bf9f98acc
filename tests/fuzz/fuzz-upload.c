/*
 * fuzz-upload: a body that was posted, from its labels to its reports.
 *
 * The first two lines are the values of Content-Type and Content-Encoding, the
 * rest is the body. A last byte that is odd has the body gzipped first, so that
 * what is behind the checksum is reached. However the body is cut, the same
 * comes of it.
 */
#include <zlib.h>

#include "admission.h"
#include "assess.h"
#include "buf.h"
#include "extract.h"
#include "fuzz.h"
#include "payload.h"
#include "report.h"

enum {
	VALUE_MAX = 200,
	TEXT_MAX = 1 << 20
};

struct result {
	enum status status, decoded[EXTRACT_CANDIDATES_MAX];
	size_t count;
	deviations dev[EXTRACT_CANDIDATES_MAX];
	struct buf text[EXTRACT_CANDIDATES_MAX];
};

static struct conf *conf;

/* The next line of the input. */
static void
take_line(const uint8_t **data, size_t *size, char out[VALUE_MAX])
{
	const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
	size_t len = end != NULL ? (size_t)(end - *data) : *size;
	size_t n = len < VALUE_MAX ? len : VALUE_MAX - 1;

	memset(out, 0, VALUE_MAX);
	if (n > 0)
		memcpy(out, *data, n);
	len += end != NULL;
	*data += len;
	*size -= len;
}

static char *
pack(const uint8_t *data, size_t size, size_t *len)
{
	char *out = malloc(size + size / 2 + 256);
	z_stream z = { 0 };

	FUZZ_CHECK(out != NULL);
	FUZZ_CHECK(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0) == Z_OK);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)size;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)(size + size / 2 + 256);
	FUZZ_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	*len = z.total_out;
	deflateEnd(&z);
	return out;
}

static void
read_body(struct result *result, const char *label, const char *body,
    size_t len, struct fuzz_cuts cuts)
{
	static const struct extract_limits limits = { TEXT_MAX,
		{ MIME_DEPTH_MAX, MIME_PARTS_MAX }, "/tmp" };
	struct extract *ex = extract_new(&limits);
	struct fault fault = { 0 };

	FUZZ_CHECK(ex != NULL);
	extract_set_upload(ex);
	extract_field(ex, "Content-Type", label);
	for (size_t at = 0, n; at < len; at += n) {
		char *piece;

		n = fuzz_next(&cuts, len - at);
		piece = fuzz_copy(body + at, n);
		extract_body(ex, piece, n);
		free(piece);
	}
	result->status = extract_finish(ex, &fault);
	FUZZ_CHECK(!status_is_failure(result->status));
	result->count = extract_count(ex);
	/* There is no structure in it: one body, one candidate. */
	FUZZ_CHECK(result->count <= 1);
	for (size_t i = 0; i < result->count; i++) {
		buf_init(&result->text[i], TEXT_MAX);
		result->dev[i] = 0;
		result->decoded[i] = extract_decode(
		    ex, i, &result->text[i], &result->dev[i], &fault);
		FUZZ_CHECK(!status_is_failure(result->decoded[i]));
	}
	extract_free(&ex);
}

static void
check_equal(const struct result *a, const struct result *b)
{
	FUZZ_CHECK(a->status == b->status && a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		FUZZ_CHECK(a->decoded[i] == b->decoded[i]);
		FUZZ_CHECK(a->dev[i] == b->dev[i]);
		FUZZ_CHECK(a->text[i].len == b->text[i].len);
		FUZZ_CHECK(a->text[i].len == 0 ||
		    memcmp(a->text[i].data, b->text[i].data, a->text[i].len) ==
			0);
	}
}

static void
finish(struct result *result)
{
	struct assessment assessment;
	struct report report;
	struct fault fault;

	for (size_t i = 0; i < result->count; i++) {
		if (result->decoded[i] == ST_OK &&
		    report_read(&report, result->text[i].data,
			result->text[i].len, result->dev[i], &fault) == ST_OK)
			FUZZ_CHECK(
			    assess_report(&report, conf, &assessment) == ST_OK);
		buf_free(&result->text[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole, pieces;
	char type[VALUE_MAX], encoding[VALUE_MAX], number[32], *body;
	struct upload_field field[] = { { "Host", "x" },
		{ "Content-Length", number }, { "Content-Type", type },
		{ "Content-Encoding", encoding } };
	struct upload_head head = { "POST", "/v1/tlsrpt", "HTTP/1.1", field, 4,
		false };
	bool is_packed = (fuzz_byte(data, &size) & 1) != 0;
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);
	struct admission admission;
	const char *label;
	size_t len = size;

	if (conf == NULL)
		conf = conf_new();
	FUZZ_CHECK(conf != NULL);
	take_line(&data, &size, type);
	take_line(&data, &size, encoding);
	body = is_packed ? pack(data, size, &len) : fuzz_copy(data, size);
	if (!is_packed)
		len = size;
	(void)snprintf(number, sizeof number, "%zu", len);
	admission_judge(&head, conf, &admission);
	if (admission.what == UPLOAD_REPORT) {
		size_t sniff = len < PAYLOAD_SNIFF ? len : PAYLOAD_SNIFF;

		label = admission_label(&admission, body, sniff);
		(void)admission_is_foreign(&admission, body, sniff);
		read_body(&whole, label, body, len, fuzz_whole());
		read_body(&pieces, label, body, len, cuts);
		check_equal(&whole, &pieces);
		finish(&whole);
		finish(&pieces);
	}
	free(body);
	return 0;
}
