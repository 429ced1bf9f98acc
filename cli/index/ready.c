/*
 * tlsrpt ready [-c FILE] [--state=FILE] DOMAIN
 */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "command.h"
#include "index.h"
#include "render.h"

static const char usage[] =
    "usage: tlsrpt ready [-c FILE] [--state=FILE] DOMAIN\n"
    "\n"
    "May the MTA-STS policy of DOMAIN go from testing to enforce? Prints what\n"
    "speaks for it and against it: there must be reports of 14 of the last 30\n"
    "days, the newest no older than SilentAfter, of MinSessions sessions;\n"
    "fewer failures in the last 14 days than NoticeRate; and no problem that\n"
    "is not resolved. Only sessions under a policy of type sts count: who "
    "found\n"
    "none has not tested it. From the index of the archive.\n"
    "\n"
    "Exit status: 0 for yes, 1 for no; 69 when there is no index; 64 for\n"
    "wrong usage, 78 for a mistake in the configuration.\n";

enum {
	WINDOW_DAYS = 30,
	NEEDED_DAYS = 14 /* of them, and those whose failures count */
};

enum {
	READY_YES = 0,
	READY_NO = 1
};

/* Begin a line; the caller says the rest. Returns whether all is well. */
static bool
begin_line(bool is_well, const char *label)
{
	(void)fputs(is_well ? "  yes  " : "  NO   ", stdout);
	(void)printf("%-10s", label);
	return is_well;
}

static bool
check_days(const struct index *index, const struct state_coverage *coverage)
{
	int64_t end = coverage->last + PROBLEM_DAY;
	bool is_well = begin_line(coverage->days >= NEEDED_DAYS, "days");

	(void)printf("%" PRIu64 " of the last %d have reports on the policy; "
		     "%d are needed\n",
	    coverage->days, WINDOW_DAYS, NEEDED_DAYS);
	is_well &= begin_line(coverage->days > 0 &&
		index->now - end <= index->options.silent_after,
	    "newest");
	if (coverage->days > 0)
		(void)printf("the last day with reports is %s\n",
		    index_day(coverage->last).text);
	else
		(void)printf(
		    "no day of the last %d has reports\n", WINDOW_DAYS);
	return is_well;
}

static bool
check_sessions(const struct index *index, const struct state_coverage *coverage)
{
	const struct totals totals = { coverage->successful, coverage->failed };
	uint64_t needed =
	    index->conf->min_sessions > 0 ? index->conf->min_sessions : 1;
	bool is_well = begin_line(totals_all(&totals) >= needed, "sessions");

	(void)printf("%" PRIu64 " reported by %" PRIu64 " sender%s; %" PRIu64
		     " are needed\n",
	    totals_all(&totals), coverage->reporters,
	    coverage->reporters == 1 ? "" : "s", needed);
	return is_well;
}

/* What failed long ago, and has been mended, does not count. */
static bool
check_failures(const struct index *index, const struct state_coverage *recent)
{
	const struct totals totals = { recent->successful, recent->failed };
	bool is_well = begin_line(
	    totals_severity(&totals, index->conf) > SEV_WARNING, "failures");

	(void)printf("%" PRIu64 " sessions of the last %d days (%.2f%%)\n",
	    totals.failed, NEEDED_DAYS, totals_rate(&totals));
	return is_well;
}

static bool
check_problems(const struct state_coverage *coverage)
{
	bool is_well = begin_line(coverage->open == 0, "problems");

	if (is_well)
		(void)puts("none that has not been resolved");
	else
		(void)printf("%" PRIu64 " not resolved, see \"tlsrpt "
			     "problems\"\n",
		    coverage->open);
	return is_well;
}

/* What is known of some whole days, up to yesterday. */
static enum status
ask_days(const struct index *index, int days, struct state_coverage *coverage,
    struct fault *fault)
{
	int64_t today = index->now / PROBLEM_DAY * PROBLEM_DAY;
	const struct state_query query = { today - days * PROBLEM_DAY, today,
		index->argument };

	return state_coverage(
	    index->state, &query, index->now, coverage, fault);
}

static int
run_ready(struct index *index)
{
	struct state_coverage coverage, recent;
	struct fault fault;
	bool is_ready;

	if (index_open(index, &fault) != ST_OK ||
	    ask_days(index, WINDOW_DAYS, &coverage, &fault) != ST_OK ||
	    ask_days(index, NEEDED_DAYS, &recent, &fault) != ST_OK)
		return index_fail(index, &fault);
	is_ready = check_days(index, &coverage);
	is_ready &= check_sessions(index, &coverage);
	is_ready &= check_failures(index, &recent);
	is_ready &= check_problems(&coverage);
	render_string(stdout, index->argument);
	(void)puts(is_ready ? " is ready to enforce" : ": stay in testing");
	return is_ready ? READY_YES : READY_NO;
}

int
ready_main(int argc, char **argv)
{
	static const struct index_command command = {
		.name = "ready",
		.usage = usage,
		.options = INDEX_STATE,
		.arguments = 1,
	};
	struct index index;
	int status = index_begin(&index, &command, argc, argv);

	if (status == -1)
		status = run_ready(&index);
	index_end(&index);
	return status;
}
