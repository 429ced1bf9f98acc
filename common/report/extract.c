#include "extract.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "payload.h"
#include "qp.h"
#include "spool.h"
#include "text.h"

enum {
	DECODE_BLOCK = 4096
};

/* What the label of a part says of its bytes. */
enum label {
	LABEL_NONE,    /* nothing to do with a report */
	LABEL_ARCHIVE, /* an attachment that could be one */
	LABEL_TLSRPT   /* a report by its media type or file name */
};

struct candidate {
	struct spool *spool;
	enum label label;
	enum payload labelled; /* the kind that the label names */
	enum payload kind;     /* the kind that the magic names */
	bool has_odd_label;    /* another media type than the RFC's */
	uint64_t garbage;      /* bytes that are no base64 */
	uint64_t garbage_offset;
};

struct extract {
	struct extract_limits limits;
	char *spool_dir;
	struct mime *mime;
	struct extract_meta meta;
	deviations dev;
	bool has_report_fields; /* TLS-Report-Domain or -Submitter */
	bool has_tlsrpt_part;
	bool is_upload;
	uint64_t fed;
	enum status failed; /* the first trouble; nothing is read after it */
	struct fault fault;

	struct candidate candidate[EXTRACT_CANDIDATES_MAX];
	size_t count;

	/* The part being read. */
	struct candidate part;
	bool is_wanted; /* it is, or may yet be, a candidate */
	enum mime_encoding encoding;
	struct base64 b64;
	struct qp qp;
	char sniff[PAYLOAD_SNIFF];
	size_t nsniff;
	bool is_sniffed;
};

static bool
is_one_of(const char *string, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (text_ieq(string, *list))
			return true;
	}
	return false;
}

/* "sender!policy-domain!begin!end[!unique].json[.gz]", RFC 8460, 5.1. */
static bool
is_report_name(const char *name)
{
	const char *p = strchr(name, '!');
	unsigned numbers = 0;

	if (!text_isuffix(name, ".json") && !text_isuffix(name, ".json.gz") &&
	    !text_isuffix(name, ".zip"))
		return false;
	for (; p != NULL; p = strchr(p + 1, '!')) {
		size_t n = strspn(p + 1, "0123456789");

		numbers += n > 0 && strchr("!.", p[1 + n]) != NULL;
	}
	return numbers >= 2;
}

static enum payload
name_kind(const char *name)
{
	if (text_isuffix(name, ".gz"))
		return PAYLOAD_GZIP;
	if (text_isuffix(name, ".zip"))
		return PAYLOAD_ZIP;
	if (text_isuffix(name, ".json"))
		return PAYLOAD_JSON;
	return PAYLOAD_OTHER;
}

/* The kind of payload that a media type promises. */
static enum payload
type_kind(const char *type)
{
	static const char *const gzip[] = { "application/tlsrpt+gzip",
		"application/tlsrpt+x-gzip", "application/gzip",
		"application/x-gzip", "application/x-gunzip", NULL };
	static const char *const zip[] = { "application/zip",
		"application/x-zip", "application/x-zip-compressed",
		"application/tlsrpt+zip", NULL };
	static const char *const json[] = { "application/tlsrpt+json",
		"application/json", "text/json", NULL };

	if (is_one_of(type, gzip))
		return PAYLOAD_GZIP;
	if (is_one_of(type, zip))
		return PAYLOAD_ZIP;
	if (is_one_of(type, json))
		return PAYLOAD_JSON;
	return PAYLOAD_OTHER;
}

static void
read_label(struct candidate *c, const struct mime_part *part)
{
	const char *name =
	    part->filename[0] != '\0' ? part->filename : part->description;
	bool is_tlsrpt = text_iprefix(part->type, "application/tlsrpt");

	c->labelled = type_kind(part->type);
	if (c->labelled == PAYLOAD_OTHER)
		c->labelled = name_kind(name);
	if (part->is_quoted)
		c->label = LABEL_NONE;
	else if (is_tlsrpt || is_report_name(name))
		c->label = LABEL_TLSRPT;
	else if (c->labelled != PAYLOAD_OTHER ||
	    strcmp(part->type, "application/octet-stream") == 0)
		c->label = LABEL_ARCHIVE;
	c->has_odd_label = !text_ieq(part->type, "application/tlsrpt+gzip") &&
	    !text_ieq(part->type, "application/tlsrpt+json");
}

static enum status
begin_part(void *ctx, const struct mime_part *part)
{
	struct extract *ex = ctx;

	ex->part = (struct candidate){ .label = LABEL_NONE };
	read_label(&ex->part, part);
	if (ex->is_upload)
		ex->part.label = LABEL_TLSRPT;
	else if (part->is_top)
		deviation_add(&ex->dev, DEV_NO_MULTIPART);
	if (text_iprefix(part->type, "application/tlsrpt") && !part->is_quoted)
		ex->has_tlsrpt_part = true;
	ex->is_wanted = !part->is_quoted;
	ex->encoding = part->encoding;
	base64_init(&ex->b64);
	qp_init(&ex->qp);
	ex->nsniff = 0;
	ex->is_sniffed = false;
	return ST_OK;
}

static enum status
spool_part(struct extract *ex, const char *data, size_t len)
{
	return spool_add(ex->part.spool, data, len, &ex->fault);
}

/*
 * The first bytes are there (or all of them): what is it? A part that nothing
 * calls a report is wanted only if its bytes look like one.
 */
static enum status
sniff_part(struct extract *ex)
{
	struct candidate *c = &ex->part;

	ex->is_sniffed = true;
	c->kind = payload_sniff(ex->sniff, ex->nsniff);
	if (c->label == LABEL_NONE &&
	    (c->kind == PAYLOAD_EMPTY || c->kind == PAYLOAD_OTHER)) {
		ex->is_wanted = false;
		return ST_OK;
	}
	if (ex->count == EXTRACT_CANDIDATES_MAX)
		return fault_set(&ex->fault, ST_TOO_MANY_PARTS,
		    "more than %d parts that may be reports",
		    EXTRACT_CANDIDATES_MAX);
	c->spool = spool_new(ex->spool_dir, ex->limits.message_max);
	if (c->spool == NULL)
		return fault_set(
		    &ex->fault, ST_NO_MEMORY, "spool: out of memory");
	return spool_part(ex, ex->sniff, ex->nsniff);
}

/* Bytes of the part with the transfer encoding undone. */
static enum status
take_decoded(struct extract *ex, const char *data, size_t len)
{
	size_t n = sizeof ex->sniff - ex->nsniff;
	enum status st;

	if (!ex->is_sniffed) {
		n = len < n ? len : n;
		memcpy(ex->sniff + ex->nsniff, data, n);
		ex->nsniff += n;
		data += n;
		len -= n;
		if (ex->nsniff < sizeof ex->sniff)
			return ST_OK;
		st = sniff_part(ex);
		if (st != ST_OK)
			return st;
	}
	if (len == 0 || !ex->is_wanted)
		return ST_OK;
	return spool_part(ex, data, len);
}

static enum status
part_data(void *ctx, const char *data, size_t len)
{
	char out[QP_ROOM(DECODE_BLOCK)];
	struct extract *ex = ctx;
	enum status st = ST_OK;

	if (!ex->is_wanted)
		return ST_OK;
	if (ex->encoding == MIME_IDENTITY)
		return take_decoded(ex, data, len);
	while (len > 0 && st == ST_OK && ex->is_wanted) {
		size_t n = len < DECODE_BLOCK ? len : DECODE_BLOCK;
		size_t got = ex->encoding == MIME_BASE64
		    ? base64_more(&ex->b64, data, n, out)
		    : qp_more(&ex->qp, data, n, out);

		st = take_decoded(ex, out, got);
		data += n;
		len -= n;
	}
	return st;
}

static enum status
end_part(void *ctx)
{
	struct extract *ex = ctx;
	char out[QP_ROOM(0)];
	enum status st = ST_OK;
	size_t n = 0;

	if (!ex->is_wanted)
		return ST_OK;
	if (ex->encoding == MIME_BASE64)
		n = base64_finish(&ex->b64, out);
	else if (ex->encoding == MIME_QUOTED_PRINTABLE)
		n = qp_finish(&ex->qp, out);
	st = take_decoded(ex, out, n);
	if (st == ST_OK && !ex->is_sniffed)
		st = sniff_part(ex);
	if (st != ST_OK || !ex->is_wanted)
		return st;
	if (ex->encoding == MIME_BASE64) {
		ex->part.garbage = ex->b64.garbage;
		ex->part.garbage_offset = ex->b64.garbage_offset;
	}
	ex->candidate[ex->count++] = ex->part;
	ex->part.spool = NULL;
	ex->is_wanted = false;
	return ST_OK;
}

static const struct mime_handler handler = { begin_part, part_data, end_part };

struct extract *
extract_new(const struct extract_limits *limits)
{
	struct extract *ex = calloc(1, sizeof *ex);

	if (ex == NULL)
		return NULL;
	ex->limits = *limits;
	ex->spool_dir = strdup(limits->spool_dir);
	ex->mime = mime_new(&handler, ex, &limits->mime);
	if (ex->spool_dir == NULL || ex->mime == NULL)
		extract_free(&ex);
	return ex;
}

void
extract_free(struct extract **ex)
{
	if (*ex == NULL)
		return;
	for (size_t i = 0; i < (*ex)->count; i++)
		spool_free(&(*ex)->candidate[i].spool);
	spool_free(&(*ex)->part.spool);
	mime_free(&(*ex)->mime);
	free((*ex)->spool_dir);
	free(*ex);
	*ex = NULL;
}

void
extract_set_upload(struct extract *ex)
{
	ex->is_upload = true;
}

/* Remember the first trouble; fault is filled in already. */
static void
note_failure(struct extract *ex, enum status st)
{
	if (st == ST_OK || ex->failed != ST_OK)
		return;
	ex->failed = st;
	if (ex->fault.status != st)
		(void)fault_set(&ex->fault, st, "%s", status_str(st));
}

/*
 * The walk failed, or what it found was not to be kept: then the fault is there
 * already, with more to say than the walk has.
 */
static void
note_walk(struct extract *ex, enum status st, const struct fault *fault)
{
	if (st != ST_OK && ex->failed == ST_OK && ex->fault.status != st)
		ex->fault = *fault;
	note_failure(ex, st);
}

/*
 * Count what is fed against the limit of the message. Returns how many of the
 * bytes are within it; the first one beyond is the trouble.
 */
static size_t
within_limit(struct extract *ex, size_t len)
{
	uint64_t room = ex->limits.message_max - ex->fed;

	if (ex->failed != ST_OK)
		return 0;
	if (len > room)
		len = (size_t)room;
	ex->fed += len;
	return len;
}

static void
fail_too_large(struct extract *ex)
{
	note_failure(ex,
	    fault_set(&ex->fault, ST_TOO_LARGE, "message exceeds %llu bytes",
		(unsigned long long)ex->limits.message_max));
}

void
extract_field(struct extract *ex, const char *name, const char *value)
{
	struct extract_meta *meta = &ex->meta;

	size_t len = strlen(name) + strlen(value) + 3;

	if (ex->failed != ST_OK)
		return;
	if (within_limit(ex, len) < len) {
		fail_too_large(ex);
		return;
	}
	if (text_ieq(name, "Subject"))
		header_unfold(value, meta->subject, sizeof meta->subject);
	else if (text_ieq(name, "Message-ID"))
		header_unfold(value, meta->message_id, sizeof meta->message_id);
	else if (text_ieq(name, "From"))
		(void)header_address_domain(
		    value, meta->from_domain, sizeof meta->from_domain);
	else if (text_ieq(name, "TLS-Report-Submitter"))
		header_unfold(value, meta->submitter, sizeof meta->submitter);
	if (text_iprefix(name, "TLS-Report-"))
		ex->has_report_fields = true;
	note_failure(ex, mime_field(ex->mime, name, value));
}

void
extract_body(struct extract *ex, const char *data, size_t len)
{
	size_t n = within_limit(ex, len);
	struct fault fault = { .status = ST_OK };

	if (ex->failed != ST_OK)
		return;
	note_walk(ex, mime_body(ex->mime, data, n, &fault), &fault);
	if (n < len)
		fail_too_large(ex);
}

enum status
extract_finish(struct extract *ex, struct fault *fault)
{
	struct fault walk = { .status = ST_OK };

	if (ex->failed == ST_OK)
		note_walk(ex, mime_finish(ex->mime, &walk), &walk);
	ex->dev |= mime_deviations(ex->mime);
	if (fault != NULL)
		*fault = ex->fault;
	return ex->failed;
}

const struct extract_meta *
extract_meta(const struct extract *ex)
{
	return &ex->meta;
}

size_t
extract_count(const struct extract *ex)
{
	return ex->count;
}

bool
extract_claims_report(const struct extract *ex)
{
	return ex->is_upload || mime_is_tlsrpt(ex->mime) ||
	    ex->has_tlsrpt_part || ex->has_report_fields;
}

bool
extract_is_claimed(const struct extract *ex, size_t i)
{
	const struct candidate *c = &ex->candidate[i];

	return c->label == LABEL_TLSRPT ||
	    (c->label == LABEL_ARCHIVE && extract_claims_report(ex));
}

/* The label promises a compressed payload that the bytes are not. */
static enum status
check_label(const struct candidate *c, struct fault *fault)
{
	if (c->kind != PAYLOAD_OTHER)
		return ST_OK;
	if (c->labelled == PAYLOAD_GZIP)
		return fault_at(fault, ST_GZIP_CORRUPT, 0,
		    "labelled gzip, but the bytes are no gzip header");
	if (c->labelled == PAYLOAD_ZIP)
		return fault_set(fault, ST_ZIP_UNSUPPORTED,
		    "labelled zip, but the bytes are no zip header");
	return ST_OK;
}

enum status
extract_blame(
    const struct extract *ex, size_t i, enum status st, struct fault *fault)
{
	const struct candidate *c = &ex->candidate[i];

	if (c->garbage == 0)
		return st;
	return fault_at(fault, ST_BASE64_CORRUPT, c->garbage_offset,
	    "%llu bytes that are no base64", (unsigned long long)c->garbage);
}

enum status
extract_decode(struct extract *ex, size_t i, struct buf *text, deviations *dev,
    struct fault *fault)
{
	const struct candidate *c = &ex->candidate[i];
	enum status st;

	*dev = ex->dev;
	if (c->has_odd_label)
		deviation_add(dev, DEV_MEDIA_TYPE);
	if (c->garbage > 0)
		deviation_add(dev, DEV_BASE64_GARBAGE);
	if (c->labelled != PAYLOAD_OTHER && c->kind != PAYLOAD_OTHER &&
	    c->kind != PAYLOAD_EMPTY && c->labelled != c->kind)
		deviation_add(dev, DEV_LABEL_MISMATCH);
	if (c->kind == PAYLOAD_EMPTY)
		return extract_blame(ex, i,
		    fault_set(fault, ST_EMPTY, "the part has no content"),
		    fault);
	st = check_label(c, fault);
	if (st == ST_OK)
		st = payload_decode(c->spool, c->kind, text, dev, fault);
	if (st == ST_GZIP_CORRUPT || st == ST_GZIP_TRUNCATED)
		st = extract_blame(ex, i, st, fault);
	return st;
}

static enum status
raw_field(void *ctx, const char *name, const char *value)
{
	struct extract_raw *raw = ctx;

	extract_field(raw->ex, name, value);
	if (raw->also != NULL)
		raw->also->field(raw->also->ctx, name, value);
	return ST_OK;
}

void
extract_raw_init(struct extract_raw *raw, struct extract *ex,
    const struct extract_also *also)
{
	raw->ex = ex;
	raw->also = also;
	header_splitter_init(&raw->splitter, raw_field, raw);
}

enum status
extract_raw_more(struct extract_raw *raw, const char *data, size_t len)
{
	enum status st = ST_OK;
	size_t used = 0;

	if (!raw->splitter.is_done)
		st = header_splitter_more(&raw->splitter, data, len, &used);
	if (used == len)
		return st;
	extract_body(raw->ex, data + used, len - used);
	if (raw->also != NULL)
		raw->also->body(raw->also->ctx, data + used, len - used);
	return st;
}

enum status
extract_raw_finish(struct extract_raw *raw)
{
	enum status st = header_splitter_finish(&raw->splitter);

	header_splitter_free(&raw->splitter);
	return st;
}
