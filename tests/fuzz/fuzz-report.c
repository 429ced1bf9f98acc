/*
 * fuzz-report: from the text of a report to every line that is printed of it.
 *
 * Whatever the text: a logged line is short, holds no control character and
 * reads back into the fields and values that it was made from; a JSON line is
 * I-JSON; a journal entry is one by the protocol; and what is printed for
 * people cannot act on their terminal.
 */
#include <cjson/cJSON.h>

#include "assess.h"
#include "buf.h"
#include "conf.h"
#include "emit.h"
#include "event.h"
#include "fuzz.h"
#include "ijson.h"
#include "render.h"
#include "report.h"
#include "text.h"

enum {
	OUT_MAX = 16 << 20
};

static const char ellipsis[] = "\xe2\x80\xa6";

struct printer {
	struct report *report;
	const struct conf *conf;
	const char *queue_id;
	uint64_t failures;
	uint64_t policies;
	uint64_t sessions;
};

/* Valid UTF-8 without characters that act on a line or a terminal. */
static void
check_clean(const char *line, size_t len, bool may_end_lines)
{
	uint32_t cp = 0;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(line + i, len - i, &cp);
		FUZZ_CHECK(n > 0);
		FUZZ_CHECK(
		    !utf8_is_control(cp) || (may_end_lines && cp == '\n'));
	}
}

/* Undo the escapes of a quoted value at *p, and move *p behind it. */
static void
unquote(const char **p, struct buf *out)
{
	const char *s = *p + 1;

	for (; *s != '"'; s++) {
		FUZZ_CHECK(*s != '\0');
		if (*s != '\\') {
			FUZZ_CHECK(buf_addc(out, *s) == ST_OK);
		} else if (s[1] == 'x') {
			FUZZ_CHECK(text_hex(s[2]) >= 0 && text_hex(s[3]) >= 0);
			FUZZ_CHECK(buf_addc(out,
				       (char)(text_hex(s[2]) * 16 +
					   text_hex(s[3]))) == ST_OK);
			s += 3;
		} else {
			s++;
			FUZZ_CHECK(*s == '"' || *s == '\\');
			FUZZ_CHECK(buf_addc(out, *s) == ST_OK);
		}
	}
	*p = s + 1;
}

/* Is the value the string, or the start of it with an ellipsis? */
static void
check_value(const struct buf *value, const char *string)
{
	size_t len = strlen(string), tail = sizeof(ellipsis) - 1;

	if (value->len == len && memcmp(value->data, string, len) == 0)
		return;
	FUZZ_CHECK(value->len >= tail && value->len <= EMIT_VALUE_MAX);
	FUZZ_CHECK(
	    memcmp(value->data + value->len - tail, ellipsis, tail) == 0);
	FUZZ_CHECK(value->len - tail < len);
	FUZZ_CHECK(memcmp(value->data, string, value->len - tail) == 0);
}

/* One " name=value" at p; returns what is behind it. */
static const char *
check_field(const char *p, const struct field *field)
{
	size_t len = strlen(field->name);
	struct buf value;

	buf_init(&value, OUT_MAX);
	FUZZ_CHECK(*p == ' ');
	p++;
	FUZZ_CHECK(strncmp(p, field->name, len) == 0 && p[len] == '=');
	p += len + 1;
	if (*p == '"') {
		unquote(&p, &value);
	} else {
		len = strcspn(p, " ");
		FUZZ_CHECK(memchr(p, '=', len) == NULL);
		FUZZ_CHECK(memchr(p, '"', len) == NULL);
		FUZZ_CHECK(memchr(p, '\\', len) == NULL);
		FUZZ_CHECK(buf_add(&value, p, len) == ST_OK);
		p += len;
	}
	if (field->type == FIELD_STRING)
		check_value(&value, field->u.string);
	buf_free(&value);
	return p;
}

static void
check_logfmt(const struct event *ev, const char *queue_id)
{
	struct buf line;
	const char *p;

	buf_init(&line, OUT_MAX);
	FUZZ_CHECK(emit_logfmt(&line, ev, queue_id) == ST_OK);
	FUZZ_CHECK(line.len < EMIT_LINE_MAX);
	FUZZ_CHECK(strlen(line.data) == line.len);
	check_clean(line.data, line.len, false);
	p = line.data;
	if (queue_id != NULL) {
		p = strstr(p, ": event=");
		FUZZ_CHECK(p != NULL);
		p += 2;
	}
	FUZZ_CHECK(strncmp(p, "event=", 6) == 0);
	p += 6;
	FUZZ_CHECK(strncmp(p, ev->name, strlen(ev->name)) == 0);
	p += strlen(ev->name);
	for (size_t i = 0; i < ev->count; i++)
		p = check_field(p, &ev->field[i]);
	FUZZ_CHECK(*p == '\0');
	buf_free(&line);
}

static void
check_json_member(const cJSON *item, const struct field *field)
{
	FUZZ_CHECK(item != NULL && strcmp(item->string, field->name) == 0);
	switch (field->type) {
	case FIELD_COUNT:
		FUZZ_CHECK(cJSON_IsNumber(item));
		FUZZ_CHECK(item->valuedouble == (double)field->u.count);
		break;
	case FIELD_LIST:
	case FIELD_DEVIATIONS:
		FUZZ_CHECK(cJSON_IsArray(item));
		break;
	case FIELD_STRING:
	case FIELD_TIME:
	case FIELD_RATE:
		FUZZ_CHECK(cJSON_IsString(item));
		break;
	}
}

static void
check_json(const struct event *ev, const char *queue_id)
{
	struct fault fault;
	deviations dev = 0;
	struct buf line;
	cJSON *tree;
	const cJSON *item;

	buf_init(&line, OUT_MAX);
	FUZZ_CHECK(emit_json(&line, ev, queue_id) == ST_OK);
	FUZZ_CHECK(line.len < EMIT_LINE_MAX);
	check_clean(line.data, line.len, false);
	FUZZ_CHECK(
	    ijson_check(line.data, line.len, NULL, &dev, &fault) == ST_OK);
	FUZZ_CHECK(dev == 0);
	tree = cJSON_ParseWithOpts(line.data, NULL, true);
	FUZZ_CHECK(cJSON_IsObject(tree));
	item = tree->child;
	FUZZ_CHECK(strcmp(item->string, "event") == 0);
	FUZZ_CHECK(strcmp(item->valuestring, ev->name) == 0);
	item = item->next;
	if (queue_id != NULL) {
		FUZZ_CHECK(item != NULL && cJSON_IsString(item));
		FUZZ_CHECK(strcmp(item->string, "queue-id") == 0);
		item = item->next;
	}
	for (size_t i = 0; i < ev->count; i++, item = item->next)
		check_json_member(item, &ev->field[i]);
	FUZZ_CHECK(item == NULL);
	cJSON_Delete(tree);
	buf_free(&line);
}

/* "NAME=value\n", or "NAME\n", eight bytes of length, value, "\n". */
static void
check_journal(const struct event *ev, const char *queue_id)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	struct buf entry;
	size_t at = 0, fields = 0;

	buf_init(&entry, OUT_MAX);
	FUZZ_CHECK(emit_journal(&entry, ev, queue_id, "message", "ident",
		       2 << 3) == ST_OK);
	while (at < entry.len) {
		const char *p = entry.data + at;
		size_t n = strspn(p, chars), size = 0;

		FUZZ_CHECK(n > 0);
		if (p[n] == '=') {
			const char *nl = memchr(p, '\n', entry.len - at);

			FUZZ_CHECK(nl != NULL);
			at += (size_t)(nl - p) + 1;
		} else {
			FUZZ_CHECK(p[n] == '\n' && entry.len - at > n + 9);
			for (size_t i = 8; i > 0; i--)
				size = size << 8 | (unsigned char)p[n + i];
			FUZZ_CHECK(size < entry.len - at - n - 9);
			FUZZ_CHECK(p[n + 9 + size] == '\n');
			at += n + 10 + size;
		}
		fields++;
	}
	FUZZ_CHECK(fields > ev->count);
	buf_free(&entry);
}

static void
check_event(const struct event *ev, const char *queue_id)
{
	FUZZ_CHECK(ev->count < EVENT_FIELDS_MAX);
	check_logfmt(ev, queue_id);
	check_json(ev, queue_id);
	check_journal(ev, queue_id);
}

static enum report_visit
print_policy(void *ctx, const struct policy *policy)
{
	struct printer *p = ctx;
	enum severity severity;
	struct totals totals;
	struct event ev;

	p->policies++;
	assess_policy(policy, p->conf, &totals, &severity);
	FUZZ_CHECK(severity >= SEV_ERR && severity <= SEV_INFO);
	event_policy(&ev, p->report, policy, &totals, severity);
	check_event(&ev, p->queue_id);
	return REPORT_NEXT;
}

static enum report_visit
print_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct printer *p = ctx;
	struct event ev;

	p->failures++;
	if (failure->failed.is_known)
		p->sessions += failure->failed.value;
	event_failure(&ev, p->report, policy, failure, SEV_ERR);
	check_event(&ev, p->queue_id);
	return REPORT_NEXT;
}

static void
check_render(struct report *report, const struct assessment *assessment,
    const struct conf *conf)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	FUZZ_CHECK(out != NULL);
	FUZZ_CHECK(render_report(out, report, assessment, conf,
		       &(struct render_origin){
			   .submitter = report->organization_name },
		       false) == ST_OK);
	fclose(out);
	check_clean(text, len, true);
	free(text);
}

static void
print_report(struct report *report, const struct conf *conf, unsigned how)
{
	static const struct report_visitor visitor = { .policy = print_policy,
		.failure = print_failure };
	static const char *const id[] = { NULL, "4XyZ1k2mq3z", "a b=\"\n\x1b[",
		"0123456789012345678901234567890123456789012345678901234567890"
		"123456789" };
	struct printer printer = {
		.report = report, .conf = conf, .queue_id = id[how & 3]
	};
	struct assessment assessment;
	struct event ev;

	FUZZ_CHECK(assess_report(report, conf, &assessment) == ST_OK);
	event_report(&ev, "report", report, &assessment,
	    how & 4 ? report->contact_info : NULL, NULL);
	check_event(&ev, printer.queue_id);
	FUZZ_CHECK(report_walk(report, &visitor, &printer) == ST_OK);
	FUZZ_CHECK(printer.policies == assessment.policies);
	FUZZ_CHECK(printer.failures == assessment.failures);
	FUZZ_CHECK(printer.policies > 0);
	check_render(report, &assessment, conf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf *conf;
	unsigned how = fuzz_byte(data, &size);
	char *text = fuzz_copy(data, size);
	struct fault fault = { 0 };
	struct report report;
	struct event ev;
	enum status st;

	if (conf == NULL)
		conf = conf_new();
	FUZZ_CHECK(conf != NULL);
	st = report_read(&report, text, size, 0, &fault);
	if (st == ST_OK) {
		print_report(&report, conf, how);
	} else {
		FUZZ_CHECK(status_is_malformed(st) && fault.status == st);
		event_init(&ev, "malformed", SEV_WARNING);
		event_fault(&ev, &fault);
		check_event(&ev, NULL);
	}
	free(text);
	return 0;
}
