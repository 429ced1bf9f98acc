#include "tracewindow.h"

#include <stdlib.h>
#include <string.h>

enum {
	WINDOWS_FIRST = 64,
	SESSIONS = 1 << 13, /* that can be open at once; the oldest go */
	SESSIONS_PROBE = 8
};

/* A session of an smtpd. */
struct session {
	uint64_t key; /* of host, program and process; 0: none */
	uint64_t touched;
	struct address_ip address;
	bool is_established;
	bool has_failed;
};

struct trace {
	struct trace_window *window;
	size_t count;
	size_t cap;
	size_t *order; /* of the windows with an address, by address */
	size_t ordered;
	struct trace_log *log; /* each span of time once */
	struct logtime_span *spans;
	size_t logs;
	size_t logs_cap;
	bool is_of_all; /* there is a window without an address */
	size_t lines_max;
	size_t kept; /* bytes */
	struct logtime time;
	struct trace_seen seen;
	struct session session[SESSIONS];
};

/* What a line means for the session that it is of. */
struct outcome {
	bool established, left, failed, broken_off, refused, plain;
};

struct trace *
trace_new(size_t lines_max)
{
	struct trace *trace = calloc(1, sizeof *trace);

	if (trace == NULL)
		return NULL;
	trace->lines_max =
	    lines_max < TRACE_LINES_MAX ? lines_max : TRACE_LINES_MAX;
	trace->seen.first = INT64_MAX;
	trace->seen.last = INT64_MIN;
	return trace;
}

static void
free_lines(struct trace_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i].text);
	free(lines->line);
}

void
trace_free(struct trace **trace)
{
	struct trace *t = *trace;

	*trace = NULL;
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->count; i++) {
		free_lines(&t->window[i].telling);
		free_lines(&t->window[i].others);
	}
	free(t->window);
	free(t->order);
	free(t->log);
	free(t->spans);
	free(t);
}

/*
 * Windows.
 */

/* Room for one more; false without memory. */
static bool
make_room(void **array, size_t size, size_t count, size_t *cap)
{
	size_t more = *cap == 0 ? WINDOWS_FIRST : 2 * *cap;
	void *grown;

	if (count < *cap)
		return true;
	grown = realloc(*array, more * size);
	if (grown == NULL)
		return false;
	*array = grown;
	*cap = more;
	return true;
}

static bool
is_same_span(const struct logtime_span *a, const struct logtime_span *b)
{
	return a->start == b->start && a->end == b->end;
}

static enum status
add_log(struct trace *trace, const struct logtime_span *span, size_t *number)
{
	for (*number = 0; *number < trace->logs; (*number)++) {
		if (is_same_span(&trace->log[*number].span, span))
			return ST_OK;
	}
	if (!make_room((void **)&trace->log, sizeof trace->log[0], trace->logs,
		&trace->logs_cap))
		return ST_NO_MEMORY;
	trace->log[trace->logs++] = (struct trace_log){ .span = *span };
	return ST_OK;
}

static bool
is_address(const struct trace_window *window, const struct address_ip *address)
{
	return window->has_address == (address != NULL) &&
	    (address == NULL ||
		memcmp(&window->address, address, sizeof *address) == 0);
}

enum status
trace_add(struct trace *trace, const struct logtime_span *span,
    const struct address_ip *address, size_t *number)
{
	struct trace_window *window;
	size_t log;

	if (add_log(trace, span, &log) != ST_OK)
		return ST_NO_MEMORY;
	for (size_t i = 0; i < trace->count; i++) {
		if (trace->window[i].log_number == log &&
		    is_address(&trace->window[i], address)) {
			*number = i;
			return ST_OK;
		}
	}
	if (trace->count == TRACE_WINDOWS_MAX)
		return ST_TOO_LARGE;
	if (!make_room((void **)&trace->window, sizeof trace->window[0],
		trace->count, &trace->cap))
		return ST_NO_MEMORY;
	window = &trace->window[trace->count];
	*window = (struct trace_window){ .log_number = log };
	if (address != NULL) {
		window->has_address = true;
		window->address = *address;
	}
	*number = trace->count++;
	return ST_OK;
}

static int
compare_addresses(const void *a, const void *b)
{
	const struct trace_window *const *left = a, *const *right = b;

	return memcmp(
	    &(*left)->address, &(*right)->address, sizeof(struct address_ip));
}

/* The windows that have an address, by address. */
static bool
sort_windows(struct trace *trace)
{
	const struct trace_window **sorted =
	    calloc(trace->count, sizeof *sorted);

	trace->order = calloc(trace->count, sizeof trace->order[0]);
	if (sorted == NULL || trace->order == NULL) {
		free(sorted);
		return false;
	}
	for (size_t i = 0; i < trace->count; i++) {
		if (trace->window[i].has_address)
			sorted[trace->ordered++] = &trace->window[i];
		else
			trace->is_of_all = true;
	}
	qsort(sorted, trace->ordered, sizeof *sorted, compare_addresses);
	for (size_t i = 0; i < trace->ordered; i++)
		trace->order[i] = (size_t)(sorted[i] - trace->window);
	free(sorted);
	return true;
}

enum status
trace_prepare(struct trace *trace)
{
	trace->spans = calloc(trace->logs, sizeof trace->spans[0]);
	if (trace->spans == NULL || !sort_windows(trace))
		return ST_NO_MEMORY;
	for (size_t i = 0; i < trace->logs; i++)
		trace->spans[i] = trace->log[i].span;
	for (size_t i = 0; i < trace->count; i++)
		trace->window[i].log = &trace->log[trace->window[i].log_number];
	logtime_init(&trace->time, trace->spans, trace->logs);
	return ST_OK;
}

struct logtime_span
trace_range(const struct trace *trace)
{
	struct logtime_span range = { INT64_MAX, INT64_MIN };

	for (size_t i = 0; i < trace->logs; i++) {
		const struct logtime_span *span = &trace->log[i].span;

		if (span->start < range.start)
			range.start = span->start;
		if (span->end > range.end)
			range.end = span->end;
	}
	return range;
}

void
trace_file(struct trace *trace, int64_t written)
{
	logtime_file(&trace->time, written);
}

/* The first of those in order with the address, or ordered. */
static size_t
find_address(const struct trace *trace, const struct address_ip *address)
{
	size_t low = 0, high = trace->ordered;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&trace->window[trace->order[middle]].address,
			address, sizeof *address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_asked_for(const struct trace *trace, const struct address_ip *address)
{
	size_t i = find_address(trace, address);

	return trace->is_of_all ||
	    (i < trace->ordered &&
		is_address(&trace->window[trace->order[i]], address));
}

/*
 * Sessions.
 */

/* FNV-1a, which is enough: nobody gains by two that are equal. */
static uint64_t
hash(uint64_t value, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		value = (value ^ bytes[i]) * UINT64_C(1099511628211);
	return value;
}

static uint64_t
key_of(const struct maillog_line *line)
{
	uint64_t key =
	    hash(UINT64_C(14695981039346656037), &line->pid, sizeof line->pid);

	key = hash(key, line->host, line->host_len);
	key = hash(key, line->name, line->name_len);
	return key != 0 ? key : 1;
}

/* That of the process, or where one can be put: a free place, or the oldest. */
static struct session *
find_session(struct trace *trace, uint64_t key)
{
	struct session *oldest = NULL;

	for (size_t i = 0; i < SESSIONS_PROBE; i++) {
		struct session *s = &trace->session[(key + i) & (SESSIONS - 1)];

		if (s->key == key)
			return s;
		if (oldest == NULL || s->touched < oldest->touched)
			oldest = s;
	}
	return oldest;
}

/*
 * The session that a line of smtpd is of: one that begins, goes on, or is
 * found in the middle. NULL when nobody asks for its address, or it is unknown.
 */
static struct session *
follow(struct trace *trace, const struct maillog_line *line)
{
	uint64_t key = key_of(line);
	struct session *s = find_session(trace, key);
	bool is_new = s->key != key || line->kind == MAILLOG_CONNECT ||
	    (line->has_address &&
		memcmp(&s->address, &line->address, sizeof s->address) != 0);

	if (is_new && !line->has_address)
		return NULL;
	if (is_new && !is_asked_for(trace, &line->address)) {
		if (s->key == key)
			*s = (struct session){ 0 };
		return NULL;
	}
	if (is_new)
		*s = (struct session){ .key = key, .address = line->address };
	s->touched = trace->seen.lines;
	return s;
}

static void
end_session(
    struct session *s, const struct maillog_line *line, struct outcome *outcome)
{
	/* With smtpd_tls_loglevel = 0 that is all there is to see. */
	outcome->established = line->starttls_done > 0 && !s->is_established;
	outcome->refused =
	    line->starttls_asked > line->starttls_done && !s->has_failed;
	outcome->left =
	    line->has_commands && !line->has_mail && (line->starttls_done > 0);
	outcome->plain = line->has_commands && line->starttls_asked == 0 &&
	    !s->is_established;
	*s = (struct session){ 0 };
}

static void
judge(
    struct session *s, const struct maillog_line *line, struct outcome *outcome)
{
	if (line->kind == MAILLOG_ESTABLISHED) {
		outcome->established = true;
		s->is_established = true;
	} else if (line->kind == MAILLOG_HANDSHAKE) {
		outcome->failed = true;
		outcome->broken_off = line->is_broken_off;
		s->has_failed = true;
	} else if (line->kind == MAILLOG_DISCONNECT) {
		end_session(s, line, outcome);
	}
}

/*
 * Counting.
 */

static bool
is_telling(const struct maillog_line *line, const struct outcome *outcome)
{
	switch (line->kind) {
	case MAILLOG_HANDSHAKE:
	case MAILLOG_LIBRARY:
	case MAILLOG_LOST:
	case MAILLOG_LIMIT:
	case MAILLOG_DISABLED:
		return true;
	default:
		break;
	}
	return outcome->refused;
}

static void
keep(struct trace *trace, struct trace_lines *lines, const char *text,
    size_t len)
{
	char *copy;

	lines->total++;
	if (len > TRACE_LINE_KEPT)
		len = TRACE_LINE_KEPT;
	if (lines->count >= trace->lines_max ||
	    trace->kept + len + 1 > TRACE_KEPT_MAX)
		return;
	if (lines->line == NULL)
		lines->line = calloc(trace->lines_max, sizeof lines->line[0]);
	copy = lines->line != NULL ? malloc(len + 1) : NULL;
	if (copy == NULL) {
		trace->seen.is_out_of_memory = true;
		return;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	trace->kept += len + 1;
	lines->line[lines->count++] = (struct trace_kept){
		.number = trace->seen.lines,
		.text = copy,
	};
}

static void
count_reason(struct trace_window *window, const struct maillog_line *line)
{
	char text[MAILLOG_REASON_MAX];
	struct trace_reason *reason;
	size_t i;

	window->alerts += line->is_alert;
	maillog_reason(line, text);
	for (i = 0; i < window->reasons; i++) {
		if (strcmp(window->reason[i].text, text) == 0)
			break;
	}
	if (i == TRACE_REASONS_MAX)
		return;
	reason = &window->reason[i];
	if (i == window->reasons) {
		window->reasons++;
		reason->is_alert = line->is_alert;
		memcpy(reason->text, text, sizeof text);
	}
	reason->count++;
}

/* A line of a window, with the whole of it for whoever reads. */
static void
count(struct trace *trace, struct trace_window *window,
    const struct maillog_line *line, const struct outcome *outcome,
    const char *whole, size_t len)
{
	window->kinds[line->kind]++;
	window->established += outcome->established;
	window->left += outcome->left;
	window->failed += outcome->failed;
	window->broken_off += outcome->broken_off;
	window->refused += outcome->refused;
	window->plain += outcome->plain;
	if (line->kind == MAILLOG_LIBRARY)
		count_reason(window, line);
	if (is_telling(line, outcome))
		keep(trace, &window->telling, whole, len);
	else if (window->has_address)
		keep(trace, &window->others, whole, len);
}

static bool
is_within(const struct logtime_span *span, int64_t time)
{
	return time >= span->start && time <= span->end;
}

static void
note_host(struct trace_log *log, const struct maillog_line *line)
{
	size_t len = line->host_len < TRACE_HOST_MAX ? line->host_len
						     : TRACE_HOST_MAX - 1;

	for (size_t i = 0; i < log->hosts; i++) {
		if (strlen(log->host[i]) == len &&
		    memcmp(log->host[i], line->host, len) == 0)
			return;
	}
	if (log->hosts == TRACE_HOSTS_MAX)
		return;
	memcpy(log->host[log->hosts], line->host, len);
	log->host[log->hosts++][len] = '\0';
}

static void
count_log(struct trace *trace, const struct maillog_line *line, int64_t time)
{
	for (size_t i = 0; i < trace->logs; i++) {
		struct trace_log *log = &trace->log[i];

		if (!is_within(&log->span, time))
			continue;
		log->lines++;
		log->failed += line->kind == MAILLOG_HANDSHAKE;
		log->disabled += line->kind == MAILLOG_DISABLED;
		note_host(log, line);
	}
}

/* All windows of the address, or (NULL) those of all. */
static void
count_windows(struct trace *trace, const struct address_ip *address,
    const struct maillog_line *line, const struct outcome *outcome,
    int64_t time, const char *whole, size_t len)
{
	size_t i = address != NULL ? find_address(trace, address) : 0;

	for (; address != NULL && i < trace->ordered; i++) {
		struct trace_window *window = &trace->window[trace->order[i]];

		if (!is_address(window, address))
			break;
		if (is_within(&window->log->span, time))
			count(trace, window, line, outcome, whole, len);
	}
	for (i = 0; trace->is_of_all && i < trace->count; i++) {
		struct trace_window *window = &trace->window[i];

		if (!window->has_address && is_within(&window->log->span, time))
			count(trace, window, line, outcome, whole, len);
	}
}

static void
take_line(struct trace *trace, const struct maillog_line *line, int64_t time,
    const char *whole, size_t len)
{
	const struct address_ip *address =
	    line->has_address ? &line->address : NULL;
	struct session *s = NULL, unknown = { 0 };
	struct outcome outcome = { 0 };
	struct address_ip known;

	if (line->program == MAILLOG_SMTPD)
		s = follow(trace, line);
	if (s != NULL && address == NULL) {
		known = s->address;
		address = &known;
	}
	/* judge() ends a session. */
	judge(s != NULL ? s : &unknown, line, &outcome);
	count_log(trace, line, time);
	count_windows(trace, address, line, &outcome, time, whole, len);
}

void
trace_line(void *ctx, const char *line, size_t len)
{
	struct trace *trace = ctx;
	struct maillog_line parsed;
	int64_t time;

	trace->seen.lines++;
	if (!maillog_parse(line, len, &parsed) ||
	    !logtime_find(&trace->time, &parsed.when, &time))
		return;
	trace->seen.known++;
	if (time < trace->seen.first)
		trace->seen.first = time;
	if (time > trace->seen.last)
		trace->seen.last = time;
	take_line(trace, &parsed, time, line, len);
}

/*
 * Asking.
 */

const struct trace_seen *
trace_seen(const struct trace *trace)
{
	return &trace->seen;
}

const struct trace_window *
trace_get(const struct trace *trace, size_t number)
{
	return &trace->window[number];
}

void
trace_show(const struct trace_window *window, size_t max,
    void (*fn)(void *ctx, const char *line), void *ctx)
{
	const struct trace_lines *telling = &window->telling;
	const struct trace_lines *others = &window->others;
	size_t first = telling->count < max ? telling->count : max;
	size_t second =
	    others->count < max - first ? others->count : max - first;

	for (size_t i = 0, j = 0; i < first || j < second;) {
		bool is_first = j == second ||
		    (i < first &&
			telling->line[i].number < others->line[j].number);

		fn(ctx,
		    is_first ? telling->line[i++].text
			     : others->line[j++].text);
	}
}

uint64_t
trace_total(const struct trace_window *window)
{
	return window->telling.total + window->others.total;
}
