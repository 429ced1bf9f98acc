/*
 * tlsrpt health [-c FILE] [--state=FILE]
 *
 * The output and exit statuses of a plugin for Nagios, Icinga and their like.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "index.h"
#include "render.h"

static const char usage[] =
    "usage: tlsrpt health [-c FILE] [--state=FILE]\n"
    "\n"
    "A plugin for Nagios, Icinga and other monitoring systems: one line that\n"
    "says how things are, with performance data. From the index of the\n"
    "archive.\n"
    "\n"
    "Exit status: 0 when no problem is open; 1 (warning) when one is, or the\n"
    "newest report is older than SilentAfter; 2 (critical) when one is at "
    "err;\n"
    "3 (unknown) when there is no index, or after wrong usage.\n";

enum health {
	HEALTH_OK,
	HEALTH_WARNING,
	HEALTH_CRITICAL,
	HEALTH_UNKNOWN
};

static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

static enum health
judge(const struct state_counts *counts, int64_t age, int64_t silent_after)
{
	if (counts->open > 0 && counts->severity == SEV_ERR)
		return HEALTH_CRITICAL;
	if (counts->open > 0 || counts->newest == 0 || age > silent_after)
		return HEALTH_WARNING;
	return HEALTH_OK;
}

static int
print_health(const struct index *index, const struct state_counts *counts)
{
	int64_t silent_after = index->options.silent_after;
	int64_t age = index->now > counts->newest && counts->newest != 0
	    ? index->now - counts->newest
	    : 0;
	enum health health = judge(counts, age, silent_after);

	(void)printf("TLSRPT %s - ", words[health]);
	if (counts->open == 0)
		(void)fputs("no problem is open", stdout);
	else
		(void)printf("%" PRIu64 " problem%s open, the worst at %s",
		    counts->open, counts->open == 1 ? " is" : "s are",
		    severity_str(counts->severity));
	if (counts->newest == 0)
		(void)fputs(", no report is in the index", stdout);
	else
		(void)printf(", the newest report ends on %s",
		    index_day(counts->newest).text);
	/* 'label'=value[unit];warning;critical;least */
	(void)printf(" | open=%" PRIu64 ";0;;0 stale=%" PRIu64
		     ";;;0 reports=%" PRIu64 ";;;0 reporters=%" PRIu64 ";;;0",
	    counts->open, counts->stale, counts->reports, counts->reporters);
	if (counts->newest != 0)
		(void)printf(
		    " age=%" PRId64 "s;%" PRId64 ";;0", age, silent_after);
	(void)fputc('\n', stdout);
	return (int)health;
}

/* The detail is in one line, and "|" would begin the performance data. */
static int
print_unknown(const struct index *index, const struct fault *fault)
{
	struct fault shown = *fault;

	for (char *p = shown.detail; (p = strchr(p, '|')) != NULL;)
		*p = '/';
	(void)printf("TLSRPT UNKNOWN - %s: ", status_str(shown.status));
	render_string(stdout, shown.detail);
	(void)puts(index_whose(index));
	return HEALTH_UNKNOWN;
}

static int
run_health(struct index *index)
{
	struct state_counts counts;
	struct fault fault;

	if (index_open(index, &fault) != ST_OK ||
	    state_counts(index->state, index->now, &counts, &fault) != ST_OK)
		return print_unknown(index, &fault);
	return print_health(index, &counts);
}

int
health_main(int argc, char **argv)
{
	static const struct index_command command = {
		.name = "health",
		.usage = usage,
		.options = INDEX_STATE,
	};
	struct index index;
	int status = index_begin(&index, &command, argc, argv);

	if (status == -1) {
		status = run_health(&index);
	} else if (status != EX_OK) {
		(void)puts("TLSRPT UNKNOWN - wrong usage or configuration");
		status = HEALTH_UNKNOWN;
	}
	index_end(&index);
	return status;
}
