/*
 * fuzz-maillog: a mail log, and what is found of an address in it.
 *
 * The input is a log, cut into blocks. Nothing in it may make counts that are
 * not of lines, keep more than was asked for, or depend on how it was cut.
 */
#include "fuzz.h"
#include "logreader.h"
#include "traceverdict.h"
#include "tracewindow.h"

enum {
	KEPT = 3
};

static const struct logtime_span span = { 1770854400, 1770940799 };

static size_t numbers[3];

static struct trace *
make_trace(void)
{
	static const char *const addresses[] = { "192.0.2.1", "2001:db8::1",
		NULL };
	struct trace *trace = trace_new(KEPT);

	FUZZ_CHECK(trace != NULL);
	for (size_t i = 0; i < 3; i++) {
		const char *text = addresses[i];
		struct address_ip ip;

		if (text != NULL)
			FUZZ_CHECK(address_read_ip(text, strlen(text), &ip));
		FUZZ_CHECK(trace_add(trace, &span, text != NULL ? &ip : NULL,
			       &numbers[i]) == ST_OK);
	}
	FUZZ_CHECK(trace_prepare(trace) == ST_OK);
	return trace;
}

static void
check_line(void *ctx, const char *line, size_t len)
{
	char *copy = fuzz_copy(line, len);
	char reason[MAILLOG_REASON_MAX];
	struct maillog_line parsed;

	FUZZ_CHECK(len <= MAILLOG_LINE_MAX);
	if (maillog_parse(copy, len, &parsed)) {
		FUZZ_CHECK(parsed.text + parsed.text_len == copy + len);
		FUZZ_CHECK(parsed.host_len > 0 && parsed.name_len > 0);
		FUZZ_CHECK(
		    !parsed.has_address || parsed.kind != MAILLOG_LIBRARY);
		maillog_reason(&parsed, reason);
		FUZZ_CHECK(memchr(reason, '\0', sizeof reason) != NULL);
	}
	trace_line(ctx, copy, len);
	free(copy);
}

static struct trace *
read_log(const char *text, size_t size, struct fuzz_cuts cuts)
{
	static struct logreader reader;
	struct trace *trace = make_trace();

	logreader_init(&reader, check_line, trace);
	for (size_t at = 0, n; at < size; at += n) {
		char *copy;

		n = fuzz_next(&cuts, size - at);
		copy = fuzz_copy(text + at, n);
		logreader_more(&reader, copy, n);
		free(copy);
	}
	logreader_finish(&reader);
	return trace;
}

static void
count_line(void *ctx, const char *line)
{
	FUZZ_CHECK(strlen(line) <= TRACE_LINE_KEPT);
	++*(size_t *)ctx;
}

static void
check_window(const struct trace *trace, const struct trace_window *window)
{
	const struct trace_seen *seen = trace_seen(trace);
	char words[TRACE_TEXT_MAX];
	uint64_t sum = 0;
	size_t shown = 0;

	for (int i = 0; i < MAILLOG_KINDS; i++)
		sum += window->kinds[i];
	FUZZ_CHECK(sum <= window->log->lines);
	FUZZ_CHECK(window->log->lines <= seen->known);
	FUZZ_CHECK(seen->known <= seen->lines);
	FUZZ_CHECK(trace_total(window) <= sum);
	FUZZ_CHECK(!window->has_address || trace_total(window) == sum);
	FUZZ_CHECK(window->broken_off <= window->failed);
	FUZZ_CHECK(window->reasons <= TRACE_REASONS_MAX);
	trace_show(window, KEPT, count_line, &shown);
	FUZZ_CHECK(shown <= KEPT && shown <= trace_total(window));
	trace_words(window, trace_judge(window), "192.0.2.1", words);
	FUZZ_CHECK(memchr(words, '\0', sizeof words) != NULL);
	FUZZ_CHECK(words[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);
	struct trace *trace = read_log((const char *)data, size, cuts);
	struct trace *whole = read_log((const char *)data, size, fuzz_whole());

	for (size_t i = 0; i < 3; i++) {
		const struct trace_window *a = trace_get(trace, numbers[i]);
		const struct trace_window *b = trace_get(whole, numbers[i]);

		check_window(trace, a);
		FUZZ_CHECK(memcmp(a->kinds, b->kinds, sizeof a->kinds) == 0);
		FUZZ_CHECK(trace_judge(a) == trace_judge(b));
	}
	trace_free(&trace);
	trace_free(&whole);
	return 0;
}
