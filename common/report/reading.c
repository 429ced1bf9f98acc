#include "reading.h"

#include <string.h>

void
reading_init(struct reading *reading, const struct conf *conf)
{
	report_init(&reading->report);
	reading->assessment = (struct assessment){ .policies = 0 };
	buf_init(&reading->text, (size_t)conf->max_report_size);
}

void
reading_clear(struct reading *reading)
{
	buf_free(&reading->text);
}

static enum status
assess(struct reading *reading, const struct conf *conf, struct fault *fault)
{
	enum status st =
	    assess_report(&reading->report, conf, &reading->assessment);

	return st == ST_OK ? ST_OK
			   : fault_set(fault, st, "report: out of memory");
}

enum status
reading_span(struct reading *reading, struct json_span span, deviations dev,
    const struct conf *conf, struct fault *fault)
{
	enum status st = report_read_span(&reading->report, span, dev, fault);

	return st == ST_OK ? assess(reading, conf, fault) : st;
}

static enum status
reading_text(struct reading *reading, deviations dev, const struct conf *conf,
    struct fault *fault)
{
	const struct buf *text = &reading->text;
	enum status st = report_read(&reading->report,
	    text->data != NULL ? text->data : "", text->len, dev, fault);

	return st == ST_OK ? assess(reading, conf, fault) : st;
}

enum status
reading_candidate(struct reading *reading, struct extract *ex, size_t i,
    const struct conf *conf, struct fault *fault)
{
	deviations dev;
	enum status st;

	reading_clear(reading);
	st = extract_decode(ex, i, &reading->text, &dev, fault);
	if (st == ST_OK)
		st = reading_text(reading, dev, conf, fault);
	/* Garbage among the base64 shows in a JSON text only here. */
	if (st == ST_JSON_SYNTAX || st == ST_JSON_ENCODING)
		st = extract_blame(ex, i, st, fault);
	if (status_is_malformed(st) && !extract_is_claimed(ex, i))
		st =
		    fault_set(fault, ST_NOT_A_REPORT, "it holds no TLS report");
	if (st != ST_OK)
		buf_free(&reading->text);
	return st;
}

const char *
reading_submitter(const struct extract_meta *meta, const char *envelope_from)
{
	const char *at;

	if (meta->submitter[0] != '\0')
		return meta->submitter;
	if (meta->from_domain[0] != '\0')
		return meta->from_domain;
	at = envelope_from != NULL ? strrchr(envelope_from, '@') : NULL;
	return at != NULL && at[1] != '\0' ? at + 1 : NULL;
}
