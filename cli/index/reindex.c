/*
 * tlsrpt reindex [-c FILE] [--archive=DIRECTORY] [--state=FILE]
 */
#include "reindex.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"
#include "index.h"
#include "render.h"

static const char usage[] =
    "usage: tlsrpt reindex [-c FILE] [--archive=DIRECTORY] [--state=FILE]\n"
    "\n"
    "Makes the index of the archive anew, which the commands summary,\n"
    "problems, health, ready and metrics ask. The old one stays in use until\n"
    "the new one is whole. Run it as the user that owns the archive, or as\n"
    "root.\n"
    "\n"
    "  -c FILE              the configuration, for ArchiveDirectory, "
    "StateFile\n"
    "                       and the rates by which severity is judged\n"
    "  --archive=DIRECTORY  the archive, instead of ArchiveDirectory\n"
    "  --state=FILE         the index, instead of StateFile\n"
    "\n"
    "Exit status: 0; 65 when a record or a directory could not be read, which\n"
    "is named on standard error, and the others are in the index; 66 when the\n"
    "archive cannot be read; 69 when the index cannot be made, 74 when the\n"
    "disk is full, 75 when another process is making it; 64 for wrong usage,\n"
    "78 for a mistake in the configuration.\n";

struct run {
	const char *archive;
	bool is_terminal; /* standard error is one */
	bool has_line;    /* of progress, to be written over */
};

/* Make room for a line of another kind. */
static void
clear_line(struct run *run)
{
	if (run->has_line)
		(void)fputs("\r\033[K", stderr);
	run->has_line = false;
}

static enum status
show_progress(void *ctx, const struct reindex_progress *progress)
{
	struct run *run = ctx;

	if (!run->is_terminal)
		return ST_OK;
	(void)fprintf(stderr,
	    "\r\033[K%llu records read, %llu of %llu days done",
	    (unsigned long long)progress->records,
	    (unsigned long long)progress->days,
	    (unsigned long long)progress->days_all);
	run->has_line = true;
	return ST_OK;
}

static void
complain(void *ctx, const char *path, const struct fault *fault)
{
	struct run *run = ctx;

	clear_line(run);
	render_string(stderr, run->archive);
	(void)fputc('/', stderr);
	render_string(stderr, path);
	(void)fprintf(stderr, ": %s: ", status_str(fault->status));
	render_string(stderr, fault->detail);
	if (fault->has_offset)
		(void)fprintf(stderr, " (offset %llu)",
		    (unsigned long long)fault->offset);
	(void)fputc('\n', stderr);
}

static int
run_reindex(const struct index *index)
{
	struct run run = {
		.archive = index->archive,
		.is_terminal = isatty(STDERR_FILENO) != 0,
	};
	const struct reindex_handler handler = {
		.progress = show_progress,
		.fault = complain,
		.ctx = &run,
	};
	struct reindex_progress progress;
	struct fault fault;
	enum status st;

	st = index_check(index, &fault);
	if (st == ST_OK)
		st = reindex(index->state_path, index->archive, index->conf,
		    &index->options, INT64_MAX, index->now, &handler, &progress,
		    &fault);
	clear_line(&run);
	if (st != ST_OK)
		return index_fail(index, &fault);
	if (run.is_terminal)
		(void)fprintf(stderr, "%llu reports in the index\n",
		    (unsigned long long)progress.added);
	return progress.faults > 0 ? EX_DATAERR : EX_OK;
}

int
reindex_main(int argc, char **argv)
{
	static const struct index_command command = {
		.name = "reindex",
		.usage = usage,
		.options = INDEX_STATE | INDEX_ARCHIVE,
	};
	struct index index;
	int status = index_begin(&index, &command, argc, argv);

	if (status == -1)
		status = run_reindex(&index);
	index_end(&index);
	return status;
}
