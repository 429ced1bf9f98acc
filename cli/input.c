#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "extract.h"
#include "ijson.h"
#include "json.h"
#include "pathsecret.h"
#include "payload.h"
#include "recordreading.h"
#include "rfc3339.h"
#include "text.h"

struct input {
	const struct conf *conf;
	struct verify_site *verify; /* NULL: signatures are not verified */
	const struct input_handler *handler;
	bool has_found; /* a report, or something to complain of */
};

static enum status
give_report(struct input *in, struct reading *reading,
    const struct input_origin *origin)
{
	in->has_found = true;
	return in->handler->report(in->handler->ctx, reading, origin);
}

static void
give_fault(struct input *in, const struct fault *fault)
{
	in->has_found = true;
	in->handler->fault(in->handler->ctx, fault);
}

/*
 * Archive records.
 */

enum member {
	REPORT,
	DEVIATIONS,
	DKIM,
	/* Strings. */
	SUBMITTER,
	QUEUE_ID,
	SHA256,
	RECEIVED,
	ENVELOPE_FROM,
	CLIENT,
	AUTH,
	MESSAGE_ID,
	SUBJECT,
	MEMBERS
};

static const char *const member_names[MEMBERS] = { "report", "deviations",
	"dkim", "submitter", "queue-id", "sha256", "received", "envelope-from",
	"client", "auth", "message-id", "subject" };

/* Find the members of a record; false when the object is none. */
static bool
find_record(struct json_span object, struct json_span value[MEMBERS])
{
	struct json_iter iter;

	json_iter(&iter, object);
	while (json_next(&iter)) {
		for (size_t i = 0; i < MEMBERS; i++) {
			if (json_name_is(iter.name, member_names[i],
				strlen(member_names[i]))) {
				value[i] = json_take(&iter);
				break;
			}
		}
	}
	return json_type(value[REPORT]) == JSON_OBJECT &&
	    json_type(value[SHA256]) == JSON_STRING;
}

/* The deviations that only the mail showed, which is gone now. */
static deviations
read_deviations(struct json_span span)
{
	deviations dev = 0, ignored = 0;
	cJSON *list = json_strings(span, &ignored);
	const cJSON *item = NULL;

	cJSON_ArrayForEach(item, list)
	    deviation_add_name(&dev, item->valuestring);
	cJSON_Delete(list);
	return dev;
}

/* A member as a string of its own, or NULL. */
static const char *
read_member(struct json_span span, cJSON **item)
{
	deviations ignored = 0;

	*item =
	    json_type(span) == JSON_STRING ? json_scalar(span, &ignored) : NULL;
	return *item != NULL && (*item)->valuestring[0] != '\0'
	    ? (*item)->valuestring
	    : NULL;
}

/* Hand over the report of a record, and what the record tells of it. */
static enum status
give_record(struct input *in, struct reading *reading,
    const struct json_span value[MEMBERS], const char *const string[MEMBERS])
{
	struct verdict verdict;
	enum auth auth;
	struct input_origin origin = {
		.kind = INPUT_RECORD,
		.submitter = string[SUBMITTER],
		.message_id = string[MESSAGE_ID],
		.subject = string[SUBJECT],
		.verdict = &verdict,
		.queue_id = string[QUEUE_ID],
		.envelope_from = string[ENVELOPE_FROM],
		.client = string[CLIENT],
		.auth = string[AUTH] != NULL && auth_read(string[AUTH], &auth)
		    ? auth_str(auth)
		    : NULL,
		.sha256 = string[SHA256],
	};
	struct fault fault;

	recordreading_verdict(value[DKIM], &verdict);
	origin.has_received = string[RECEIVED] != NULL &&
	    rfc3339_parse(string[RECEIVED], &origin.received) !=
		RFC3339_INVALID;
	if (reading_span(reading, value[REPORT],
		read_deviations(value[DEVIATIONS]), in->conf, &fault) == ST_OK)
		return give_report(in, reading, &origin);
	give_fault(in, &fault);
	return ST_OK;
}

static enum status
take_record(struct input *in, struct reading *reading,
    const struct json_span value[MEMBERS])
{
	cJSON *item[MEMBERS] = { NULL };
	const char *string[MEMBERS] = { NULL };
	enum status st;

	for (size_t i = SUBMITTER; i < MEMBERS; i++)
		string[i] = read_member(value[i], &item[i]);
	st = give_record(in, reading, value, string);
	for (size_t i = SUBMITTER; i < MEMBERS; i++)
		cJSON_Delete(item[i]);
	return st;
}

/* A JSON text in reading->text: a record or a report. */
static enum status
take_json(struct input *in, struct reading *reading, deviations dev)
{
	static const struct input_origin nowhere = { .kind = INPUT_REPORT };
	const struct buf *text = &reading->text;
	const char *data = text->data != NULL ? text->data : "";
	struct json_span value[MEMBERS] = { 0 };
	struct fault fault;
	enum status st;

	st = ijson_check(data, text->len, NULL, &dev, &fault);
	if (st == ST_OK && find_record(json_root(data, text->len), value))
		return take_record(in, reading, value);
	if (st == ST_OK)
		st = reading_span(
		    reading, json_root(data, text->len), dev, in->conf, &fault);
	if (st == ST_OK)
		return give_report(in, reading, &nowhere);
	give_fault(in, &fault);
	return ST_OK;
}

/* Several records, a line each, as cat(1) puts files together. */
static bool
is_lines(const char *data, size_t len)
{
	const char *nl = memchr(data, '\n', len);
	deviations ignored = 0;

	return nl != NULL && nl + 1 < data + len && nl[1] == '{' &&
	    ijson_check(data, (size_t)(nl - data), NULL, &ignored, NULL) ==
	    ST_OK;
}

static enum status
take_lines(struct input *in, const char *data, size_t len)
{
	const char *end = data + len;
	enum status st = ST_OK;
	struct reading reading;

	reading_init(&reading, in->conf);
	while (data < end && st == ST_OK) {
		const char *nl = memchr(data, '\n', (size_t)(end - data));
		size_t n = (size_t)((nl != NULL ? nl : end) - data);

		if (n > 0)
			st = buf_add(&reading.text, data, n);
		if (st == ST_OK && n > 0)
			st = take_json(in, &reading, 0);
		reading_clear(&reading);
		data += nl != NULL ? n + 1 : n;
	}
	return st;
}

/*
 * Messages.
 */

/* Who is fed with a message: one finds reports, the other signatures. */
struct feeding {
	struct extract *ex;
	struct verify *verify; /* or NULL */
};

static void
verify_one_field(void *ctx, const char *name, const char *value)
{
	verify_field(ctx, name, value);
}

static void
verify_one_block(void *ctx, const char *data, size_t len)
{
	verify_body(ctx, data, len);
}

static enum status
feed_message(const struct feeding *feed, const char *data, size_t len)
{
	const struct extract_also also = { verify_one_field, verify_one_block,
		feed->verify };
	struct extract_raw raw;
	enum status st;

	extract_raw_init(&raw, feed->ex, feed->verify != NULL ? &also : NULL);
	st = extract_raw_more(&raw, data, len);
	if (st == ST_OK)
		return extract_raw_finish(&raw);
	(void)extract_raw_finish(&raw);
	return st;
}

static enum status
take_candidates(
    struct input *in, struct extract *ex, const struct input_origin *origin)
{
	struct reading reading;
	struct fault fault;
	enum status st = ST_OK;

	reading_init(&reading, in->conf);
	for (size_t i = 0; i < extract_count(ex) && st == ST_OK; i++) {
		enum status one =
		    reading_candidate(&reading, ex, i, in->conf, &fault);

		reading.report.dev |= origin->verdict->dev;
		if (one == ST_OK)
			st = give_report(in, &reading, origin);
		else if (one != ST_NOT_A_REPORT)
			give_fault(in, &fault);
	}
	reading_clear(&reading);
	return st;
}

/* The message was fed: hand over what was found in it. */
static enum status
finish_message(
    struct input *in, const struct feeding *feed, const char *data, size_t len)
{
	struct fault fault;
	bool is_whole = extract_finish(feed->ex, &fault) == ST_OK;
	const struct extract_meta *meta = extract_meta(feed->ex);
	struct verdict verdict = { .result = VERDICT_OFF };
	const struct input_origin origin = {
		.kind = INPUT_MESSAGE,
		.submitter = reading_submitter(meta, NULL),
		.message_id = meta->message_id,
		.subject = meta->subject,
		.verdict = &verdict,
		.message = data,
		.message_len = len,
	};
	enum status st;

	if (feed->verify != NULL && extract_count(feed->ex) > 0)
		verify_finish(
		    feed->verify, meta->from_domain, meta->submitter, &verdict);
	st = take_candidates(in, feed->ex, &origin);
	if (is_whole && !in->has_found && extract_claims_report(feed->ex))
		(void)fault_set(&fault, ST_EMPTY,
		    "the message says that it is a TLS report, and has none");
	else if (is_whole && !in->has_found)
		(void)fault_set(
		    &fault, ST_NOT_A_REPORT, "a message without a TLS report");
	if (!is_whole || !in->has_found)
		give_fault(in, &fault);
	return st;
}

static enum status
take_message(struct input *in, const char *data, size_t len)
{
	const struct extract_limits limits = {
		.message_max = in->conf->max_message_size,
		.mime = { MIME_DEPTH_MAX, MIME_PARTS_MAX },
		.spool_dir = P_tmpdir,
	};
	struct feeding feed = { .ex = extract_new(&limits) };
	enum status st = ST_NO_MEMORY;

	if (in->verify != NULL)
		feed.verify = verify_new(in->verify, in->conf, NULL, true);
	if (feed.ex != NULL && (in->verify == NULL || feed.verify != NULL))
		st = feed_message(&feed, data, len);
	if (st == ST_OK)
		st = finish_message(in, &feed, data, len);
	verify_free(&feed.verify);
	extract_free(&feed.ex);
	return st;
}

/*
 * What is it?
 */

/* Does it begin with a header field, or with an mbox "From " line? */
static bool
is_message(const char *data, size_t len)
{
	size_t n = 0;

	if (len >= 5 && memcmp(data, "From ", 5) == 0)
		return true;
	while (n < len && data[n] > ' ' && data[n] < 0x7f && data[n] != ':')
		n++;
	return n > 0 && n < len && data[n] == ':';
}

/*
 * JSON of another kind, or in another encoding, deserves to be told so. Not
 * what begins as a number, a string or a literal does: any text may. No message
 * begins with a bracket.
 */
static bool
is_like_json(const char *data, size_t len)
{
	size_t i = 0;

	if (len >= 2 &&
	    (memcmp(data, "\xff\xfe", 2) == 0 ||
		memcmp(data, "\xfe\xff", 2) == 0 ||
		memcmp(data, "{\0", 2) == 0 || memcmp(data, "\0{", 2) == 0))
		return true;
	while (i < len && text_is_space(data[i]))
		i++;
	return i < len && (data[i] == '{' || data[i] == '[');
}

/*
 * Say what a text is that looks like nothing of ours: white space, a JSON value
 * from its beginning to its end, or something else.
 */
static void
give_no_report(struct input *in, const char *data, size_t len)
{
	deviations ignored = 0;
	struct fault fault;
	enum status st = ijson_check(data, len, NULL, &ignored, &fault);

	if (st != ST_EMPTY && st != ST_JSON_NOT_OBJECT)
		(void)fault_set(&fault, ST_NOT_A_REPORT,
		    "neither a JSON object nor gzip, zip or a message");
	give_fault(in, &fault);
}

static enum status
take_text(struct input *in, struct buf *text, deviations dev)
{
	struct reading reading;
	struct fault fault;
	enum status st;

	if (payload_sniff(text->data, text->len) != PAYLOAD_JSON &&
	    !is_like_json(text->data, text->len)) {
		if (is_message(text->data, text->len))
			return take_message(in, text->data, text->len);
		give_no_report(in, text->data, text->len);
		return ST_OK;
	}
	if (is_lines(text->data, text->len))
		return take_lines(in, text->data, text->len);
	if (text->len > in->conf->max_report_size) {
		(void)fault_set(&fault, ST_TOO_LARGE,
		    "report exceeds %llu bytes",
		    (unsigned long long)in->conf->max_report_size);
		give_fault(in, &fault);
		return ST_OK;
	}
	reading_init(&reading, in->conf);
	/* The text changes hands. */
	reading.text = *text;
	buf_init(text, text->max);
	st = take_json(in, &reading, dev);
	reading_clear(&reading);
	return st;
}

/* A compressed report or message: decode it and look again. */
static enum status
take_compressed(struct input *in, struct buf *data, enum payload kind)
{
	size_t max = (size_t)in->conf->max_message_size;
	struct spool *spool = spool_new(P_tmpdir, data->len);
	deviations dev = 0;
	struct fault fault;
	struct buf text;
	enum status st;

	if (spool == NULL)
		return ST_NO_MEMORY;
	if (max < in->conf->max_report_size)
		max = (size_t)in->conf->max_report_size;
	buf_init(&text, max);
	st = spool_add(spool, data->data, data->len, &fault);
	buf_free(data);
	if (st == ST_OK)
		st = payload_decode(spool, kind, &text, &dev, &fault);
	spool_free(&spool);
	if (st == ST_OK && text.len == 0)
		st = fault_set(&fault, ST_EMPTY, "no text in it");
	if (st == ST_OK)
		st = take_text(in, &text, dev);
	else if (status_is_malformed(st)) {
		give_fault(in, &fault);
		st = ST_OK;
	}
	buf_free(&text);
	return st;
}

static enum status
take_file(struct input *in, struct buf *data)
{
	enum payload kind =
	    payload_sniff(data->data != NULL ? data->data : "", data->len);
	struct fault fault;

	switch (kind) {
	case PAYLOAD_EMPTY:
		(void)fault_set(&fault, ST_EMPTY, "no content");
		give_fault(in, &fault);
		return ST_OK;
	case PAYLOAD_GZIP:
	case PAYLOAD_ZIP:
		return take_compressed(in, data, kind);
	case PAYLOAD_JSON:
	case PAYLOAD_OTHER:
		break;
	}
	return take_text(in, data, 0);
}

enum status
input_take(struct buf *data, const struct conf *conf,
    struct verify_site *verify, const struct input_handler *handler)
{
	struct input in = {
		.conf = conf,
		.verify = verify,
		.handler = handler,
	};
	enum status st = take_file(&in, data);

	buf_free(data);
	return st;
}

enum status
input_read(FILE *file, const struct conf *conf, struct verify_site *verify,
    const struct input_handler *handler)
{
	struct input in = {
		.conf = conf,
		.verify = verify,
		.handler = handler,
	};
	enum status st = ST_OK;
	struct fault fault;
	struct buf data;
	char block[16384];
	size_t n;

	/* A line of JSON for each of many records may be long. */
	buf_init(&data, (size_t)conf->max_message_size * 2);
	while (st == ST_OK && (n = fread(block, 1, sizeof block, file)) > 0)
		st = buf_add(&data, block, n);
	if (ferror(file)) {
		st = ST_SPOOL;
	} else if (st == ST_TOO_LARGE) {
		(void)fault_set(&fault, st, "more than %zu bytes", data.max);
		give_fault(&in, &fault);
		st = ST_OK;
	} else if (st == ST_OK) {
		st = take_file(&in, &data);
	}
	buf_free(&data);
	return st;
}
