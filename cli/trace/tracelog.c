/*
 * Files, compressed or not, and the journal.
 */
#include "tracelog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <zlib.h>

#include "child.h"
#include "logreader.h"
#include "text.h"

enum {
	BLOCK = 1 << 16,
	GZ_BUFFER = 1 << 17,
	USUAL_MAX = 512, /* files of one log */
	JOURNAL_LIMIT_MS = 3600 * 1000,
	JOURNAL_GRACE_MS = 2000,
	EARLIER = 7200 /* seconds of the journal before what is asked for */
};

static const char log_directory[] = "/var/log";
static const char *const usual_logs[] = { "mail.log", "maillog" };
static const char *const journalctls[] = { "/usr/bin/journalctl",
	"/bin/journalctl" };

/*
 * Files.
 */

static bool
read_blocks(gzFile gz, struct trace *trace)
{
	struct logreader *reader = malloc(sizeof *reader);
	char *block = malloc(BLOCK);
	int n = -1;

	if (reader != NULL && block != NULL) {
		logreader_init(reader, trace_line, trace);
		while ((n = gzread(gz, block, BLOCK)) > 0)
			logreader_more(reader, block, (size_t)n);
		logreader_finish(reader);
	} else {
		errno = ENOMEM;
	}
	free(block);
	free(reader);
	return n == 0;
}

/* What is wrong with a file, after a failed read. */
static void
complain_gz(struct tracing *tracing, const char *file, gzFile gz)
{
	int code = Z_ERRNO;
	const char *text = gzerror(gz, &code);

	if (code == Z_ERRNO || code == Z_OK)
		tracing_complain(tracing, file, EX_NOINPUT, strerror(errno));
	else
		tracing_complain(tracing, file, EX_DATAERR, text);
}

/* Bytes at the start of files that zlib cannot read: xz, zstd, bzip2. */
static bool
is_other_compression(int fd)
{
	static const struct {
		const char *magic;
		size_t len;
	} magics[] = { { "\xfd"
			 "7zXZ",
			   5 },
		{ "\x28\xb5\x2f\xfd", 4 }, { "BZh", 3 } };
	char begin[8];
	ssize_t n = pread(fd, begin, sizeof begin, 0);

	for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
		if (n >= (ssize_t)magics[i].len &&
		    memcmp(begin, magics[i].magic, magics[i].len) == 0)
			return true;
	}
	return false;
}

static void
read_fd(struct tracing *tracing, const char *file, int fd)
{
	struct stat sb;
	bool is_file = fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode);
	bool is_read;
	gzFile gz;

	if (is_file && is_other_compression(fd)) {
		tracing_complain(tracing, file, EX_DATAERR,
		    "compressed otherwise than by gzip: unpack it first");
		(void)close(fd);
		return;
	}
	gz = gzdopen(fd, "r");
	if (gz == NULL) {
		tracing_complain(tracing, file, EX_OSERR, "out of memory");
		(void)close(fd);
		return;
	}
	(void)gzbuffer(gz, GZ_BUFFER);
	trace_file(tracing->trace, is_file ? (int64_t)sb.st_mtime : INT64_MAX);
	tracing->has_log = true;
	is_read = read_blocks(gz, tracing->trace);
	if (!is_read)
		complain_gz(tracing, file, gz);
	/* That it was cut off is said at the end alone. */
	if (gzclose(gz) != Z_OK && is_read)
		tracing_complain(tracing, file, EX_DATAERR,
		    "it ends amidst what gzip compressed");
}

static void
read_file(struct tracing *tracing, const char *path)
{
	bool is_input = strcmp(path, "-") == 0;
	int fd =
	    is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	const char *file = is_input ? "standard input" : path;

	if (fd == -1)
		tracing_complain(tracing, file, EX_NOINPUT, strerror(errno));
	else
		read_fd(tracing, file, fd);
}

/*
 * The usual files: a log and what it was rotated to, the oldest first.
 */

struct usual {
	char path[300];
	int64_t written;
};

static int
compare_written(const void *a, const void *b)
{
	const struct usual *left = a, *right = b;

	return (left->written > right->written) -
	    (left->written < right->written);
}

/* "mail.log", "mail.log.1", "mail.log.2.gz", "mail.log-20260212.gz" */
static bool
is_of_log(const char *name, const char *log)
{
	size_t len = strlen(log);

	return strncmp(name, log, len) == 0 &&
	    (name[len] == '\0' ||
		((name[len] == '.' || name[len] == '-') &&
		    name[len + 1] >= '0' && name[len + 1] <= '9'));
}

static size_t
list_log(const char *log, struct usual *list)
{
	DIR *dir = opendir(log_directory);
	struct dirent *entry;
	size_t count = 0;

	while (dir != NULL && count < USUAL_MAX &&
	    (entry = readdir(dir)) != NULL) {
		struct usual *usual = &list[count];
		struct stat sb;

		if (!is_of_log(entry->d_name, log))
			continue;
		(void)snprintf(usual->path, sizeof usual->path, "%s/%s",
		    log_directory, entry->d_name);
		if (stat(usual->path, &sb) == -1 || !S_ISREG(sb.st_mode))
			continue;
		usual->written = (int64_t)sb.st_mtime;
		count++;
	}
	if (dir != NULL)
		(void)closedir(dir);
	if (count > 0)
		qsort(list, count, sizeof *list, compare_written);
	return count;
}

/*
 * Each file goes from about when that before it was written last until it was
 * written last itself.
 */
static bool
read_usual(struct tracing *tracing, const char *log)
{
	struct logtime_span range = trace_range(tracing->trace);
	struct usual *list = calloc(USUAL_MAX, sizeof *list);
	size_t count = list != NULL ? list_log(log, list) : 0;

	for (size_t i = 0; i < count; i++) {
		if (list[i].written < range.start)
			continue;
		if (i > 0 && list[i - 1].written > range.end)
			break;
		read_file(tracing, list[i].path);
	}
	/* Files that end before the window are a log, too: that says so. */
	tracing->has_log = tracing->has_log || count > 0;
	free(list);
	return count > 0;
}

/*
 * The journal.
 */

static void
take_output(void *ctx, const char *data, size_t len)
{
	logreader_more(ctx, data, len);
}

/* Where it is, or NULL. */
static const char *
find_journalctl(void)
{
	for (size_t i = 0; i < sizeof journalctls / sizeof journalctls[0];
	     i++) {
		if (access(journalctls[i], X_OK) == 0)
			return journalctls[i];
	}
	return NULL;
}

static void
read_journal(struct tracing *tracing)
{
	struct logtime_span range = trace_range(tracing->trace);
	struct logreader *reader = malloc(sizeof *reader);
	char since[40], until[40];
	char quiet[] = "--quiet", pager[] = "--no-pager", utc[] = "--utc";
	char format[] = "--output=short-iso-precise";
	/* Postfix may have any name there, but what it says is mail. */
	char facility[] = "SYSLOG_FACILITY=2";
	char path[64], language[] = "LC_ALL=C", colours[] = "SYSTEMD_COLORS=0";
	char *const environment[] = { language, colours, NULL };
	char *const argv[] = { path, quiet, pager, utc, format, since, until,
		facility, NULL };
	struct child child = {
		.argv = argv,
		.environment = environment,
		.input = "",
		.limit_ms = JOURNAL_LIMIT_MS,
		.grace_ms = JOURNAL_GRACE_MS,
		.cancel_fd = -1,
		.output = take_output,
		.output_ctx = reader,
	};
	struct child_end end;
	char text[CHILD_TEXT_MAX];
	int64_t begin = range.start > EARLIER ? range.start - EARLIER : 0;

	if (reader == NULL) {
		tracing_complain(tracing, "journal", EX_OSERR, "out of memory");
		return;
	}
	(void)snprintf(since, sizeof since, "--since=@%" PRId64, begin);
	(void)snprintf(until, sizeof until, "--until=@%" PRId64, range.end + 1);
	(void)text_copy(path, sizeof path,
	    find_journalctl() != NULL ? find_journalctl() : journalctls[0]);
	trace_file(tracing->trace, INT64_MAX);
	logreader_init(reader, trace_line, tracing->trace);
	child_run(&child, &end);
	logreader_finish(reader);
	free(reader);
	if (end.how == CHILD_EXITED && end.code == 0) {
		tracing->has_log = true;
		return;
	}
	child_describe(&end, text);
	tracing_complain(tracing, "journalctl", EX_UNAVAILABLE, text);
}

/* Without any of the usual files. */
static void
read_instead(struct tracing *tracing)
{
	if (find_journalctl() == NULL) {
		tracing_complain(tracing, log_directory, EX_NOINPUT,
		    "neither mail.log nor maillog is there: --maillog=FILE "
		    "names another, --journal asks the journal");
		return;
	}
	tracing_complain(tracing, log_directory, EX_OK,
	    "neither mail.log nor maillog is there: asking the journal "
	    "(--maillog=FILE names another log)");
	read_journal(tracing);
}

void
tracelog_read(struct tracing *tracing)
{
	bool has_usual = false;

	for (size_t i = 0; i < tracing->maillogs; i++)
		read_file(tracing, tracing->maillog[i]);
	if (tracing->with_journal)
		read_journal(tracing);
	tracing->is_our_log = tracing->maillogs == 0;
	if (tracing->maillogs > 0 || tracing->with_journal)
		return;
	for (size_t i = 0; i < sizeof usual_logs / sizeof usual_logs[0]; i++)
		has_usual = read_usual(tracing, usual_logs[i]) || has_usual;
	if (!has_usual)
		read_instead(tracing);
}
