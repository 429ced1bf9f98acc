/*
 * Everything from a report and from a log is made safe for a terminal.
 */
#include "traceprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "emit.h"
#include "jsonwriter.h"
#include "render.h"
#include "rfc3339.h"
#include "traceaddress.h"
#include "traceverdict.h"

enum {
	NOTES_MAX = 6,
	NOTE_MAX = 640,
	GAP =
	    3600 /* seconds without a line at an end of a window, to be said */
};

/* What there is to say besides. */
struct notes {
	char text[NOTES_MAX][NOTE_MAX];
	size_t count;
};

/* A failure, with what was found of it. */
struct traced {
	const struct tracing_failure *failure;
	const struct trace_window *window; /* NULL: not looked for */
	enum trace_verdict verdict;
	char words[TRACE_TEXT_MAX];
	struct notes notes;
};

static char *
new_note(struct notes *notes)
{
	return notes->text[notes->count < NOTES_MAX - 1 ? notes->count++
							: notes->count];
}

static void
note_address(const struct tracing_failure *failure, struct notes *notes)
{
	if (failure->has_address)
		return;
	(void)snprintf(new_note(notes), NOTE_MAX,
	    "%s, so these are the TLS errors of all clients in that time",
	    failure->sending_mta_ip[0] == '\0'
		? "the report does not say from which address it was sent"
		: "the report has a sending-mta-ip that is no address");
}

/* Whose log is it? Names are of a log and of a report. */
static void
note_host(const struct traced *traced, struct notes *notes)
{
	const struct trace_log *log = traced->window->log;
	const char *mx = traced->failure->receiving_mx_hostname;

	if (mx[0] == '\0' || log->hosts == 0)
		return;
	for (size_t i = 0; i < log->hosts; i++) {
		if (trace_is_host(log->host[i], mx))
			return;
	}
	(void)snprintf(new_note(notes), NOTE_MAX,
	    "the report speaks of %s, and this is a log of %s%s: if that is "
	    "another machine, look in its log",
	    mx, log->host[0], log->hosts > 1 ? " and others" : "");
}

static void
note_our_address(const struct tracing *tracing,
    const struct tracing_failure *failure, struct notes *notes)
{
	const char *text = failure->receiving_ip;
	struct address_ip ip;

	if (!tracing->is_our_log || !address_read_ip(text, strlen(text), &ip) ||
	    traceaddress_is_ours(&ip))
		return;
	(void)snprintf(new_note(notes), NOTE_MAX,
	    "%s, where it happened, is no address of this machine: unless "
	    "addresses are translated, it was another's",
	    text);
}

static void
note_range(const struct tracing *tracing, const struct traced *traced,
    struct notes *notes)
{
	const struct trace_seen *seen = trace_seen(tracing->trace);
	const struct logtime_span *span = &traced->window->log->span;
	char time[RFC3339_MAX];

	if (seen->known == 0)
		return;
	if (seen->first > span->start + GAP) {
		(void)rfc3339_format(seen->first, time);
		(void)snprintf(new_note(notes), NOTE_MAX,
		    "the log begins at %s only, within that time or after it",
		    time);
	}
	if (seen->last < span->end - GAP) {
		(void)rfc3339_format(seen->last, time);
		(void)snprintf(new_note(notes), NOTE_MAX,
		    "the log ends at %s, before the end of that time", time);
	}
}

static void
note_disabled(const struct traced *traced, struct notes *notes)
{
	uint64_t disabled = traced->window->log->disabled;

	if (disabled > 0 && traced->verdict != TRACE_REFUSED)
		(void)snprintf(new_note(notes), NOTE_MAX,
		    "in that time, Postfix could not load its certificate or "
		    "key %" PRIu64 " time%s",
		    disabled, disabled == 1 ? "" : "s");
}

/* What was found of failure i. */
static void
find(const struct tracing *tracing, size_t i, struct traced *traced)
{
	const struct tracing_failure *failure = &tracing->failure[i];

	traced->failure = failure;
	traced->window = NULL;
	traced->notes.count = 0;
	traced->verdict = TRACE_NO_LOG;
	if (!failure->has_window) {
		(void)snprintf(traced->words, sizeof traced->words,
		    "the report does not say when it was: there is nothing to "
		    "look for");
		return;
	}
	if (trace_is_before_smtp(failure->result_type)) {
		traced->verdict = TRACE_NOT_SMTP;
		trace_words(NULL, traced->verdict, NULL, traced->words);
		return;
	}
	traced->window = trace_get(tracing->trace, failure->window);
	traced->verdict = trace_judge(traced->window);
	trace_words(traced->window, traced->verdict,
	    failure->has_address ? failure->sending_mta_ip : NULL,
	    traced->words);
	note_address(failure, &traced->notes);
	note_host(traced, &traced->notes);
	note_our_address(tracing, failure, &traced->notes);
	note_range(tracing, traced, &traced->notes);
	note_disabled(traced, &traced->notes);
}

/*
 * Text.
 */

static void
put_row(const char *label, const char *value)
{
	if (value[0] == '\0')
		return;
	render_label(stdout, 2, label);
	render_string(stdout, value);
	(void)fputc('\n', stdout);
}

/* Words of ours with words of others in them. */
static void
put_wrapped(const char *label, const char *text)
{
	struct buf safe;

	buf_init(&safe, 4 * TRACE_TEXT_MAX + 1);
	if (emit_visible(&safe, text) == ST_OK && safe.data != NULL)
		render_wrapped(stdout, 2, label, safe.data);
	buf_free(&safe);
}

static void
put_head(const struct tracing *tracing, const struct traced *traced, size_t n)
{
	const struct tracing_failure *failure = traced->failure;

	(void)printf("%s%s%zu. ", n > 1 ? "\n" : "",
	    tracing->with_colour ? "\033[1m" : "", n);
	render_string(stdout,
	    failure->result_type[0] != '\0' ? failure->result_type
					    : "failure of no type");
	if (failure->receiving_mx_hostname[0] != '\0') {
		(void)fputs(" on MX ", stdout);
		render_string(stdout, failure->receiving_mx_hostname);
	}
	if (failure->has_failed)
		(void)printf(", %" PRIu64 " session%s", failure->failed,
		    failure->failed == 1 ? "" : "s");
	(void)printf("%s\n", tracing->with_colour ? "\033[0m" : "");
}

static void
put_time(const struct traced *traced)
{
	char start[RFC3339_MAX], end[RFC3339_MAX];

	if (!traced->failure->has_window)
		return;
	(void)rfc3339_format(traced->failure->span.start, start);
	(void)rfc3339_format(traced->failure->span.end, end);
	render_label(stdout, 2, "time");
	(void)printf("%s to %s\n", start, end);
}

/* "47 connects, 47 TLS handshakes failed", and what the library said. */
static void
put_counts(const struct trace_window *window)
{
	bool has_one = false;

	for (int kind = 0; kind < MAILLOG_KINDS; kind++) {
		uint64_t count = window->kinds[kind];

		if (count == 0 || kind == MAILLOG_DISCONNECT)
			continue;
		if (!has_one)
			render_label(stdout, 2, "our log");
		(void)printf("%s%" PRIu64 " %s", has_one ? ", " : "", count,
		    maillog_kind_str((enum maillog_kind)kind, count));
		has_one = true;
	}
	if (has_one)
		(void)fputc('\n', stdout);
	for (size_t i = 0; i < window->reasons; i++) {
		const struct trace_reason *reason = &window->reason[i];

		render_label(stdout, 2, i == 0 ? "OpenSSL" : "");
		render_string(stdout, reason->text);
		(void)printf(" (%" PRIu64 "%s)\n", reason->count,
		    reason->is_alert ? ", said by the sender" : "");
	}
}

struct shown {
	struct jsonwriter *writer; /* NULL: text */
	uint64_t count;
};

static void
put_line(void *ctx, const char *line)
{
	struct shown *shown = ctx;

	shown->count++;
	if (shown->writer != NULL) {
		jsonwriter_string(shown->writer, NULL, line);
		return;
	}
	(void)fputs("    ", stdout);
	render_string(stdout, line);
	(void)fputc('\n', stdout);
}

static void
put_lines(const struct tracing *tracing, const struct trace_window *window)
{
	struct shown shown = { 0 };
	uint64_t total = trace_total(window);

	trace_show(window, tracing->lines, put_line, &shown);
	if (total > shown.count)
		(void)printf("    and %" PRIu64 " more line%s\n",
		    total - shown.count, total - shown.count == 1 ? "" : "s");
}

static void
print_text(const struct tracing *tracing, const struct traced *traced, size_t n)
{
	const struct tracing_failure *failure = traced->failure;

	put_head(tracing, traced, n);
	put_row("reporter", failure->organization_name);
	put_row("policy-domain", failure->policy_domain);
	put_row("policy-type", failure->policy_type);
	put_row("sending-mta-ip", failure->sending_mta_ip);
	put_row("receiving-ip", failure->receiving_ip);
	put_time(traced);
	if (traced->window != NULL)
		put_counts(traced->window);
	put_wrapped("verdict", traced->words);
	for (size_t i = 0; i < traced->notes.count; i++)
		put_wrapped("note", traced->notes.text[i]);
	if (traced->window != NULL)
		put_lines(tracing, traced->window);
}

bool
traceprint_text(const struct tracing *tracing)
{
	struct traced traced;
	bool has_lines = false;

	for (size_t i = 0; i < tracing->count; i++) {
		find(tracing, i, &traced);
		print_text(tracing, &traced, i + 1);
		has_lines = has_lines ||
		    (traced.window != NULL && trace_total(traced.window) > 0);
	}
	if (tracing->count == 0)
		(void)puts("No failure was reported.");
	if (tracing->dropped > 0)
		(void)printf("\nand %" PRIu64 " more failures, for which there "
			     "was no room\n",
		    tracing->dropped);
	return has_lines;
}

/*
 * JSON.
 */

static void
write_failure(struct jsonwriter *writer, const struct traced *traced, size_t n)
{
	const struct tracing_failure *f = traced->failure;

	jsonwriter_string(writer, "event", "trace");
	jsonwriter_number(writer, "number", (int64_t)n);
	jsonwriter_string(writer, "organization-name", f->organization_name);
	jsonwriter_string(writer, "report-id", f->report_id);
	if (f->has_window) {
		jsonwriter_time(writer, "start-datetime", f->span.start);
		jsonwriter_time(writer, "end-datetime", f->span.end);
	}
	jsonwriter_string(writer, "policy-domain", f->policy_domain);
	jsonwriter_string(writer, "policy-type", f->policy_type);
	jsonwriter_string(writer, "result-type", f->result_type);
	if (f->has_failed)
		jsonwriter_number(writer, "failed-session-count",
		    f->failed < INT64_MAX ? (int64_t)f->failed : INT64_MAX);
	jsonwriter_string(writer, "sending-mta-ip", f->sending_mta_ip);
	jsonwriter_string(
	    writer, "receiving-mx-hostname", f->receiving_mx_hostname);
	jsonwriter_string(writer, "receiving-ip", f->receiving_ip);
	jsonwriter_string(
	    writer, "verdict", trace_verdict_str(traced->verdict));
	jsonwriter_string(
	    writer, "blame", trace_blame_str(trace_blame(traced->verdict)));
	jsonwriter_string(writer, "text", traced->words);
	jsonwriter_array(writer, "notes");
	for (size_t i = 0; i < traced->notes.count; i++)
		jsonwriter_string(writer, NULL, traced->notes.text[i]);
	jsonwriter_array_end(writer);
}

static void
write_counts(struct jsonwriter *writer, const struct trace_window *window)
{
	const struct {
		const char *name;
		uint64_t count;
	} counts[] = {
		{ "connects", window->kinds[MAILLOG_CONNECT] },
		{ "tls-established", window->established },
		{ "tls-without-mail", window->left },
		{ "tls-failed", window->failed },
		{ "tls-broken-off", window->broken_off },
		{ "starttls-refused", window->refused },
		{ "without-starttls", window->plain },
		{ "library-problems", window->kinds[MAILLOG_LIBRARY] },
		{ "alerts", window->alerts },
		{ "lost", window->kinds[MAILLOG_LOST] },
		{ "limited", window->kinds[MAILLOG_LIMIT] },
		{ "postscreen", window->kinds[MAILLOG_SCREEN] },
		{ "log-lines", window->log->lines },
		{ "log-tls-failed", window->log->failed },
		{ "log-tls-disabled", window->log->disabled },
		{ "lines-total", trace_total(window) },
	};

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		jsonwriter_number(
		    writer, counts[i].name, (int64_t)counts[i].count);
	jsonwriter_array(writer, "log-hosts");
	for (size_t i = 0; i < window->log->hosts; i++)
		jsonwriter_string(writer, NULL, window->log->host[i]);
	jsonwriter_array_end(writer);
	jsonwriter_array(writer, "reasons");
	for (size_t i = 0; i < window->reasons; i++) {
		jsonwriter_object(writer, NULL);
		jsonwriter_string(writer, "text", window->reason[i].text);
		jsonwriter_number(
		    writer, "count", (int64_t)window->reason[i].count);
		jsonwriter_bool(
		    writer, "by-sender", window->reason[i].is_alert);
		jsonwriter_object_end(writer);
	}
	jsonwriter_array_end(writer);
}

static enum status
print_json(const struct tracing *tracing, const struct traced *traced, size_t n)
{
	struct jsonwriter writer;
	struct shown shown = { .writer = &writer };
	enum status st;

	jsonwriter_init(&writer);
	jsonwriter_object(&writer, NULL);
	write_failure(&writer, traced, n);
	if (traced->window != NULL) {
		write_counts(&writer, traced->window);
		jsonwriter_array(&writer, "lines");
		trace_show(traced->window, tracing->lines, put_line, &shown);
		jsonwriter_array_end(&writer);
	}
	jsonwriter_object_end(&writer);
	st = jsonwriter_print(&writer);
	jsonwriter_clear(&writer);
	return st;
}

bool
traceprint_json(const struct tracing *tracing)
{
	struct traced traced;
	bool has_lines = false;

	for (size_t i = 0; i < tracing->count; i++) {
		enum status st;

		find(tracing, i, &traced);
		st = print_json(tracing, &traced, i + 1);
		if (st != ST_OK)
			(void)fprintf(
			    stderr, "tlsrpt trace: %s\n", status_str(st));
		has_lines = has_lines ||
		    (traced.window != NULL && trace_total(traced.window) > 0);
	}
	if (tracing->dropped > 0)
		(void)fprintf(stderr,
		    "tlsrpt trace: %" PRIu64 " more failures, for which there "
		    "was no room\n",
		    tracing->dropped);
	return has_lines;
}
