/*
 * tlsrpt prune --older-than=TIME [-c FILE] [--archive=DIRECTORY]
 *     [--state=FILE] [--dry-run]
 */
#include "prune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"
#include "index.h"
#include "render.h"

static const char usage[] =
    "usage: tlsrpt prune --older-than=TIME [-c FILE] [--archive=DIRECTORY]\n"
    "                    [--state=FILE] [--dry-run]\n"
    "\n"
    "Removes from the archive the records, and the mails beside them, of "
    "ranges\n"
    "that ended before TIME, and their reports from the index; then what is "
    "left\n"
    "in unreadable, in tmp, and of empty directories. Run it as the user that\n"
    "owns the archive, or as root.\n"
    "\n"
    "  --older-than=TIME    an age such as 400d, or a day such as 2026-02-12\n"
    "  --dry-run            remove nothing, and say how much it would be\n"
    "  -c FILE              the configuration, for ArchiveDirectory and "
    "StateFile\n"
    "  --archive=DIRECTORY  the archive, instead of ArchiveDirectory\n"
    "  --state=FILE         the index, instead of StateFile\n"
    "\n"
    "Exit status: 0, also when there is no index; 66 when something in the\n"
    "archive cannot be read or removed; 69 when the index cannot be used, 74\n"
    "when the disk is full, 75 when another process holds the index; 64 for\n"
    "wrong usage, 78 for a mistake in the configuration.\n";

enum {
	EVIDENCE_MAX = 5000 /* read at once, while the milter waits */
};

/* Whether standard error is a terminal, to be written to. */
static void
show_progress(void *ctx, const struct prune_progress *progress)
{
	const bool *is_terminal = ctx;

	if (*is_terminal)
		(void)fprintf(stderr,
		    "\r\033[K%" PRIu64 " files read, %" PRIu64
		    " records removed",
		    progress->files, progress->records);
}

/*
 * Open the index. One that is not there, or is to be made anew anyway, does not
 * keep the archive from being pruned.
 */
static enum status
open_state(struct index *index, struct fault *fault)
{
	enum status st;

	if (access(index->state_path, F_OK) == -1 && errno == ENOENT) {
		(void)fprintf(stderr,
		    "tlsrpt prune: there is no index, only the archive is "
		    "pruned\n");
		return ST_OK;
	}
	index->options.evidence_max = EVIDENCE_MAX;
	index->options.is_silent = true;
	st = index->is_dry ? index_open(index, fault)
			   : state_open(&index->state, index->state_path,
				 &index->options, fault);
	if (st != ST_STATE_DAMAGED && st != ST_STATE_VERSION)
		return st;
	(void)index_fail(index, fault);
	(void)fputs("tlsrpt prune: only the archive is pruned\n", stderr);
	return ST_OK;
}

static int
run_prune(struct index *index)
{
	bool is_terminal = isatty(STDERR_FILENO) != 0;
	const struct prune_options options = {
		.before = index->before,
		.now = index->now,
		.is_dry = index->is_dry,
		.progress = show_progress,
		.ctx = &is_terminal,
	};
	struct prune_progress progress;
	struct fault fault;
	enum status st = open_state(index, &fault);

	if (st != ST_OK)
		return index_fail(index, &fault);
	st = prune(index->archive, index->state, &options, &progress, &fault);
	if (is_terminal)
		(void)fputs("\r\033[K", stderr);
	(void)printf("%" PRIu64 " record%s %s, %" PRIu64 " bytes\n",
	    progress.records, progress.records == 1 ? "" : "s",
	    index->is_dry ? "to be removed" : "removed", progress.bytes);
	return st == ST_OK ? EX_OK : index_fail(index, &fault);
}

int
prune_main(int argc, char **argv)
{
	static const struct index_command command = {
		.name = "prune",
		.usage = usage,
		.options = INDEX_STATE | INDEX_ARCHIVE | INDEX_PRUNE,
	};
	struct index index;
	int status = index_begin(&index, &command, argc, argv);

	if (status == -1 && index.older_than == NULL) {
		(void)fputs("tlsrpt prune: --older-than is missing\n", stderr);
		status = command_misused(command.name);
	}
	if (status == -1)
		status = run_prune(&index);
	index_end(&index);
	return status;
}
