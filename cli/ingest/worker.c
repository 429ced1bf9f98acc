#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archivebatch.h"
#include "dispose.h"
#include "ingestlog.h"
#include "input.h"
#include "mbox.h"
#include "rawmail.h"
#include "render.h"
#include "text.h"

enum {
	BLOCK = 65536,
	NAME_ROOM = SOURCE_PATH_MAX + 64,
	SUBMITTER_MAX = 256
};

struct worker {
	struct ingest_run *run;
	struct archive_batch *batch;
	struct source_file file;
	/* Of the message of an mbox that is being read; number is 0 without. */
	const struct mbox_from *from;
	uint64_t number;
	char block[BLOCK];
};

/*
 * What is said.
 */

static void
say(struct ingest_run *run, const char *name, const char *word,
    const char *detail)
{
	progress_clear(&run->progress);
	render_string(stderr, name);
	(void)fputs(": ", stderr);
	if (word != NULL)
		(void)fprintf(stderr, "%s: ", word);
	render_string(stderr, detail);
}

void
worker_complain(
    struct ingest_run *run, const char *name, const struct fault *fault)
{
	(void)pthread_mutex_lock(&run->mutex);
	say(run, name, status_str(fault->status), fault->detail);
	if (fault->has_offset)
		(void)fprintf(stderr, " (offset %llu)",
		    (unsigned long long)fault->offset);
	(void)fputc('\n', stderr);
	(void)pthread_mutex_unlock(&run->mutex);
}

/* The file, and which message of it. */
static const char *
name_of(const struct worker *w, char name[NAME_ROOM])
{
	if (w->number == 0)
		return w->file.path;
	(void)snprintf(name, NAME_ROOM, "%s (message %llu)", w->file.path,
	    (unsigned long long)w->number);
	return name;
}

static void
complain(struct worker *w, const struct fault *fault)
{
	char name[NAME_ROOM];

	worker_complain(w->run, name_of(w, name), fault);
}

static void
complain_errno(struct worker *w, int error)
{
	struct ingest_run *run = w->run;

	(void)pthread_mutex_lock(&run->mutex);
	say(run, w->file.path, NULL,
	    error == EINVAL ? "neither a file nor a directory"
			    : strerror(error));
	(void)fputc('\n', stderr);
	run->has_missing = true;
	(void)pthread_mutex_unlock(&run->mutex);
}

/* Our own failure ends the run, of all workers. */
static enum status
fail(struct ingest_run *run, enum status st, const struct fault *fault)
{
	(void)pthread_mutex_lock(&run->mutex);
	if (run->status == ST_OK) {
		run->status = st;
		run->fault = *fault;
	}
	(void)pthread_mutex_unlock(&run->mutex);
	run->is_stopped = true;
	return st;
}

/*
 * Batches.
 */

static bool
is_unverified_path(const char *path)
{
	return strncmp(path, "unverified/", strlen("unverified/")) == 0;
}

/* Count what is durable now, and return the paths for the index. */
static char *
count_entries(struct worker *w, size_t *count, size_t *len)
{
	struct ingest_run *run = w->run;
	size_t n = archive_batch_count(w->batch);
	char *paths = malloc(n * ARCHIVE_PATH_MAX);

	*count = *len = 0;
	if (paths == NULL)
		return NULL;
	(void)pthread_mutex_lock(&run->mutex);
	for (size_t i = 0; i < n; i++) {
		const struct archived *a = archive_batch_entry(w->batch, i);

		if (is_unverified_path(a->path)) {
			run->counts.unverified++;
			continue;
		}
		if (a->is_duplicate)
			run->counts.known++;
		else
			run->counts.new_reports++;
		memcpy(paths + *len, a->path, strlen(a->path) + 1);
		*len += strlen(a->path) + 1;
		(*count)++;
	}
	(void)pthread_mutex_unlock(&run->mutex);
	return paths;
}

/*
 * Also what was known goes to the index: a run that was stopped between the
 * archive and the index is made up for.
 */
static enum status
commit(struct worker *w)
{
	struct fault fault;
	enum status st = archive_batch_commit(w->batch, &fault);
	size_t count, len;
	char *paths;

	if (st != ST_OK)
		return fail(w->run, st, &fault);
	if (archive_batch_count(w->batch) == 0)
		return ST_OK;
	paths = count_entries(w, &count, &len);
	if (paths == NULL) {
		st = fault_set(&fault, ST_NO_MEMORY, "no memory");
		return fail(w->run, st, &fault);
	}
	archive_batch_clear(w->batch);
	if (count > 0 && w->run->indexer != NULL)
		indexer_add(w->run->indexer, paths, count);
	else
		free(paths);
	return ST_OK;
}

/*
 * Reports.
 */

/*
 * The name of a report's file begins with its submitter (RFC 8460, section
 * 5.1): "submitter!policy-domain!begin!end".
 */
static const char *
submitter_of(const char *path, char out[SUBMITTER_MAX])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t len = strcspn(name, "!"), marks = 0;

	for (const char *p = name; *p != '\0'; p++)
		marks += *p == '!';
	if (marks < 3 || len == 0 || len >= SUBMITTER_MAX)
		return NULL;
	memcpy(out, name, len);
	out[len] = '\0';
	return out;
}

static bool
is_sha256(const char *text)
{
	return text != NULL && strlen(text) == ARCHIVE_SHA256_MAX - 1 &&
	    strspn(text, "0123456789abcdef") == ARCHIVE_SHA256_MAX - 1;
}

/*
 * A report or a record where messages are: what follows a "From " line of an
 * mbox may be a stranger's, where a body's lines are not escaped.
 */
static bool
is_among_mail(const struct worker *w, const struct input_origin *origin)
{
	return (w->number > 0 || w->file.is_mail) &&
	    origin->kind != INPUT_MESSAGE;
}

/*
 * A report without a message is the operator's word, and so is a record of one,
 * but not among mail.
 */
static bool
is_genuine(const struct worker *w, const struct input_origin *origin)
{
	const struct conf *conf = w->run->conf;
	enum auth auth;

	if (is_among_mail(w, origin))
		return conf->dkim != DKIM_REQUIRE;
	if (origin->auth != NULL && auth_read(origin->auth, &auth))
		return dispose_is_vouched_for(conf, auth);
	return origin->verdict == NULL ||
	    (origin->kind == INPUT_RECORD &&
		origin->verdict->result == VERDICT_OFF) ||
	    dispose_is_genuine(conf, origin->verdict);
}

/* Not later than now, by which what it says of its range is bounded. */
static int64_t
received_at(const struct worker *w, const struct input_origin *origin)
{
	int64_t now = (int64_t)time(NULL), received = w->file.mtime;

	if (origin->has_received)
		received = origin->received;
	else if (w->from != NULL && w->from->has_date)
		received = w->from->date;
	return received < now ? received : now;
}

/* The message, to be kept beside the record (ArchiveMessage). */
static enum status
keep_message(const struct worker *w, const struct input_origin *origin,
    struct rawmail **raw, struct spool **message, struct fault *fault)
{
	const struct conf *conf = w->run->conf;
	char tmp[SOURCE_PATH_MAX];

	*raw = NULL;
	*message = NULL;
	if (!conf->archive_message || origin->kind != INPUT_MESSAGE)
		return ST_OK;
	archive_tmp(conf->archive_directory, tmp, sizeof tmp);
	*raw = rawmail_new(tmp, conf->max_message_size);
	if (*raw == NULL)
		return fault_set(fault, ST_NO_MEMORY, "no memory");
	rawmail_bytes(*raw, origin->message, origin->message_len);
	return rawmail_finish(*raw, message, fault);
}

static enum status
archive(struct worker *w, struct reading *reading,
    const struct input_origin *origin, const char *submitter,
    bool is_unverified)
{
	/* Such a record vouches for nobody. */
	bool is_vouching = !is_among_mail(w, origin);
	const struct record record = {
		.received = received_at(w, origin),
		.queue_id = origin->queue_id,
		.envelope_from =
		    w->from != NULL ? w->from->sender : origin->envelope_from,
		.client = origin->client,
		.message_id = origin->message_id,
		.subject = origin->subject,
		.submitter = submitter,
		.verdict = is_vouching ? origin->verdict : NULL,
		.auth = is_vouching ? origin->auth : NULL,
		.is_unverified = is_unverified,
		.report = &reading->report,
		.assessment = &reading->assessment,
		.text = &reading->text,
	};
	struct rawmail *raw;
	struct spool *message;
	struct fault fault;
	enum status st = keep_message(w, origin, &raw, &message, &fault);

	if (st == ST_OK)
		st = archive_batch_add(w->batch, &record,
		    is_sha256(origin->sha256) ? origin->sha256 : NULL, message,
		    &fault);
	rawmail_free(&raw);
	return st == ST_OK ? ST_OK : fail(w->run, st, &fault);
}

/* It may count when it is tried again: neither kept nor counted now. */
static enum status
put_off(struct worker *w, const struct verdict *verdict)
{
	struct ingest_run *run = w->run;
	char name[NAME_ROOM];

	(void)pthread_mutex_lock(&run->mutex);
	say(run, name_of(w, name), "temperror",
	    verdict_reason_str(verdict->reason));
	(void)fputc('\n', stderr);
	run->counts.later++;
	(void)pthread_mutex_unlock(&run->mutex);
	return ST_OK;
}

static enum status
take_report(
    void *ctx, struct reading *reading, const struct input_origin *origin)
{
	struct worker *w = ctx;
	struct ingest_run *run = w->run;
	char own[SUBMITTER_MAX];
	const char *submitter = origin->kind == INPUT_REPORT
	    ? submitter_of(w->file.path, own)
	    : origin->submitter;
	bool is_unverified = !is_genuine(w, origin);
	enum status st;

	if (origin->kind == INPUT_MESSAGE &&
	    dispose_is_later(run->conf, origin->verdict))
		return put_off(w, origin->verdict);
	st = archive(w, reading, origin, submitter, is_unverified);
	if (st != ST_OK)
		return st;
	run->progress.reports++;
	if (run->log != NULL)
		ingestlog_report(run->log, run->conf, reading, origin,
		    archive_batch_entry(
			w->batch, archive_batch_count(w->batch) - 1),
		    is_unverified);
	return archive_batch_count(w->batch) == ARCHIVE_BATCH_MAX ? commit(w)
								  : ST_OK;
}

/* Does the file have a name by which reports and mails go? */
static bool
is_named_report(const struct worker *w)
{
	static const char *const endings[] = { ".json", ".gz", ".zip", ".eml" };
	size_t len = strlen(w->file.path);

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		size_t n = strlen(endings[i]);

		if (len > n && text_ieq(w->file.path + len - n, endings[i]))
			return true;
	}
	return w->file.is_mail;
}

/*
 * In a heap of files not everything is a report: what is not by its bytes, and
 * what has none and no such name either.
 */
static bool
is_something_else(const struct worker *w, const struct fault *fault)
{
	return fault->status == ST_NOT_A_REPORT ||
	    (w->file.size == 0 && !w->file.is_given && !is_named_report(w));
}

/*
 * But who names a file by itself says that it is a report.
 */
static void
take_fault(void *ctx, const struct fault *fault)
{
	struct worker *w = ctx;
	struct ingest_run *run = w->run;
	bool is_other = is_something_else(w, fault);
	bool is_told = !is_other || (w->file.is_given && w->number == 0);

	(void)pthread_mutex_lock(&run->mutex);
	if (is_other)
		run->counts.not_reports++;
	else
		run->counts.unreadable++;
	run->has_unreadable = run->has_unreadable || is_told;
	(void)pthread_mutex_unlock(&run->mutex);
	if (is_told)
		complain(w, fault);
}

/*
 * Files.
 */

static enum status
take_bytes(struct worker *w, struct buf *data)
{
	const struct input_handler handler = { take_report, take_fault, w };
	enum status st =
	    input_take(data, w->run->conf, w->run->verify, &handler);
	struct fault fault;

	/* What failed in take_report() has been noted with more detail. */
	if (st == ST_OK || w->run->is_stopped)
		return st;
	(void)fault_set(&fault, st, "%s: cannot go on", w->file.path);
	return fail(w->run, st, &fault);
}

static void
complain_too_large(struct worker *w, size_t max)
{
	struct fault fault;

	(void)fault_set(&fault, ST_TOO_LARGE, "more than %zu bytes", max);
	take_fault(w, &fault);
}

static enum status
take_message(
    void *ctx, struct buf *message, const struct mbox_from *from, bool is_cut)
{
	struct worker *w = ctx;
	enum status st = ST_OK;

	w->number++;
	w->from = from;
	if (is_cut)
		complain_too_large(w, message->max);
	else
		st = take_bytes(w, message);
	w->from = NULL;
	return st == ST_OK && w->run->is_stopped ? ST_SPOOL : st;
}

/* How much may lie in memory of one file, or of one message of an mbox. */
static size_t
room(const struct worker *w)
{
	return 2 * (size_t)w->run->conf->max_message_size;
}

/* As read(2); trouble has been told. */
static ssize_t
read_block(struct worker *w)
{
	ssize_t n;

	do
		n = read(w->file.fd, w->block, sizeof w->block);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		complain_errno(w, errno);
	if (n > 0)
		w->run->progress.bytes += (uint64_t)n;
	return n;
}

static void
take_mbox(struct worker *w, ssize_t n)
{
	struct mbox mbox;
	enum status st;

	mbox_init(&mbox, room(w), take_message, w);
	do
		st = mbox_more(&mbox, w->block, (size_t)n);
	while (st == ST_OK && (n = read_block(w)) > 0);
	if (st == ST_OK)
		st = mbox_finish(&mbox);
	mbox_free(&mbox);
	w->number = 0;
	if (st == ST_NO_MEMORY) {
		struct fault fault;

		(void)fault_set(&fault, st, "%s: no memory", w->file.path);
		(void)fail(w->run, st, &fault);
	}
}

static void
take_whole(struct worker *w, ssize_t n)
{
	struct buf data;
	struct fault fault;
	enum status st = ST_OK;

	buf_init(&data, room(w));
	while (st == ST_OK && n > 0) {
		st = buf_add(&data, w->block, (size_t)n);
		if (st == ST_OK)
			n = read_block(w);
	}
	if (st == ST_TOO_LARGE) {
		complain_too_large(w, data.max);
	} else if (st != ST_OK) {
		(void)fault_set(&fault, st, "%s: no memory", w->file.path);
		(void)fail(w->run, st, &fault);
	} else if (n == 0) {
		(void)take_bytes(w, &data);
	}
	buf_free(&data);
}

static void
take_file(struct worker *w)
{
	ssize_t n;

	if (w->file.fd == -1) {
		complain_errno(w, w->file.error);
		return;
	}
	n = read_block(w);
	if (n > 0 && mbox_is(w->block, (size_t)n))
		take_mbox(w, n);
	else
		take_whole(w, n);
	(void)close(w->file.fd);
}

/* Take files until there are no more, or somebody stops the run. */
static void
work(struct worker *w)
{
	struct ingest_run *run = w->run;
	bool has_failed;

	while (!run->is_stopped && source_next(run->source, &w->file))
		take_file(w);
	(void)pthread_mutex_lock(&run->mutex);
	has_failed = run->status != ST_OK;
	(void)pthread_mutex_unlock(&run->mutex);
	if (!has_failed)
		(void)commit(w);
}

void *
worker_run(void *arg)
{
	struct ingest_run *run = arg;
	struct worker *w = calloc(1, sizeof *w);
	struct fault fault = { .status = ST_NO_MEMORY, .detail = "no memory" };

	if (w != NULL) {
		w->run = run;
		w->batch =
		    archive_batch_new(run->conf->archive_directory, &fault);
	}
	if (w != NULL && w->batch != NULL)
		work(w);
	else
		(void)fail(run, fault.status, &fault);
	if (w != NULL)
		archive_batch_free(&w->batch);
	free(w);
	(void)pthread_mutex_lock(&run->mutex);
	run->working--;
	(void)pthread_cond_broadcast(&run->ended);
	(void)pthread_mutex_unlock(&run->mutex);
	return NULL;
}
