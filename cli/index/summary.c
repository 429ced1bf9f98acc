/*
 * tlsrpt summary [-c FILE] [--state=FILE] [--since=TIME] [--until=TIME]
 *     [--domain=NAME] [--by=day|domain|mx|sender|result-type]
 *     [--format=text|json|csv]
 */
#include <stdio.h>
#include <sysexits.h>

#include "command.h"
#include "index.h"
#include "render.h"

static const char usage[] =
    "usage: tlsrpt summary [-c FILE] [--state=FILE] [--since=TIME]\n"
    "                      [--until=TIME] [--domain=NAME]\n"
    "                      [--by=day|domain|mx|sender|result-type]\n"
    "                      [--format=text|json|csv]\n"
    "\n"
    "Prints sums of the sessions that reports tell of, from the index of the\n"
    "archive. A TIME is a time before now (12h, 7d, 4w) or a day (2026-02-12,\n"
    "UTC); both days are included, whole.\n"
    "\n"
    "  --since=TIME      the first day; 7d by default\n"
    "  --until=TIME      the last day; today by default\n"
    "  --domain=NAME     this policy domain alone\n"
    "  --by=...          a line for each; day by default. Of MX hosts and\n"
    "                    result types only what failed is known\n"
    "  --format=...      text for people, csv, or json, an object a line\n"
    "\n"
    "Exit status: 0; 69 when there is no index; 64 for wrong usage, 78 for a\n"
    "mistake in the configuration.\n";

struct summary {
	const struct index *index;
	struct state_sum total;
};

/* What the rows are named by, as the log names it, and as a heading. */
static const struct {
	const char *field;
	const char *heading;
	bool has_sessions; /* not failures alone */
} kinds[] = {
	[STATE_BY_DAY] = { "day", "DAY", true },
	[STATE_BY_DOMAIN] = { "policy-domain", "DOMAIN", true },
	[STATE_BY_MX] = { "receiving-mx-hostname", "MX", false },
	[STATE_BY_SENDER] = { "organization-name", "SENDER", true },
	[STATE_BY_RESULT_TYPE] = { "result-type", "RESULT TYPE", false },
};

static struct totals
totals_of(const struct state_sum *sum)
{
	return (struct totals){ sum->successful, sum->failed };
}

/*
 * JSON and CSV.
 */

static bool
print_json(void *ctx, const struct state_sum *sum)
{
	const struct summary *summary = ctx;
	enum state_by by = summary->index->by;
	struct totals totals = totals_of(sum);
	struct event ev;

	event_init(&ev, "sum", SEV_INFO);
	event_string(&ev, kinds[by].field, sum->name);
	event_count(&ev, "reports", sum->reports);
	if (kinds[by].has_sessions)
		event_count(
		    &ev, "total-successful-session-count", sum->successful);
	event_count(&ev, "total-failure-session-count", sum->failed);
	if (kinds[by].has_sessions)
		event_rate(&ev, "failure-rate", totals_rate(&totals));
	index_put_json(&ev);
	return true;
}

static bool
print_csv(void *ctx, const struct state_sum *sum)
{
	const struct summary *summary = ctx;
	struct totals totals = totals_of(sum);

	index_put_csv(sum->name);
	(void)printf(",%llu", (unsigned long long)sum->reports);
	if (kinds[summary->index->by].has_sessions)
		(void)printf(",%llu,%llu,%.2f\r\n",
		    (unsigned long long)sum->successful,
		    (unsigned long long)sum->failed, totals_rate(&totals));
	else
		(void)printf(",%llu\r\n", (unsigned long long)sum->failed);
	return true;
}

static void
print_csv_head(enum state_by by)
{
	(void)printf("%s,reports%s,total-failure-session-count%s\r\n",
	    kinds[by].field,
	    kinds[by].has_sessions ? ",total-successful-session-count" : "",
	    kinds[by].has_sessions ? ",failure-rate" : "");
}

/*
 * Text: numbers first, as names may be of any width.
 */

static void
print_line(enum state_by by, const struct state_sum *sum)
{
	struct totals totals = totals_of(sum);

	(void)printf("%10llu", (unsigned long long)sum->reports);
	if (kinds[by].has_sessions)
		(void)printf(" %12llu", (unsigned long long)sum->successful);
	(void)printf(" %12llu", (unsigned long long)sum->failed);
	if (kinds[by].has_sessions)
		(void)printf(" %7.2f%%", totals_rate(&totals));
	(void)fputs("  ", stdout);
	render_string(stdout, sum->name[0] != '\0' ? sum->name : "-");
	(void)fputc('\n', stdout);
}

static bool
print_text(void *ctx, const struct state_sum *sum)
{
	struct summary *summary = ctx;

	print_line(summary->index->by, sum);
	summary->total.reports += sum->reports;
	summary->total.successful += sum->successful;
	summary->total.failed += sum->failed;
	return true;
}

static void
print_text_head(const struct index *index)
{
	const char *on = index->with_colour ? "\033[1m" : "";
	const char *off = index->with_colour ? "\033[0m" : "";
	bool has_sessions = kinds[index->by].has_sessions;

	(void)printf("%sTLS reports of %s to %s%s", on,
	    index_day(index->since).text, index_day(index->until - 1).text,
	    index->domain != NULL ? " for " : "");
	if (index->domain != NULL)
		render_string(stdout, index->domain);
	(void)printf("%s\n\n%s%10s", off, on, "REPORTS");
	if (has_sessions)
		(void)printf(" %12s", "SUCCESSFUL");
	(void)printf(" %12s", "FAILED");
	if (has_sessions)
		(void)printf(" %8s", "RATE");
	(void)printf("  %s%s\n", kinds[index->by].heading, off);
}

/*
 * A table of nothing says where there is something.
 */

/* The last row that there is. */
static bool
keep_sum(void *ctx, const struct state_sum *sum)
{
	*(struct state_sum *)ctx = *sum;
	return true;
}

static enum status
print_hint(const struct index *index, struct fault *fault)
{
	const struct state_query asked = { index->since, index->until,
		index->domain };
	const struct state_query before = {
		0,
		index->since / PROBLEM_DAY * PROBLEM_DAY,
		index->domain,
	};
	struct state_sum sum = { .reports = 0 }, day = { .reports = 0 };
	enum status st = state_sums(
	    index->state, STATE_BY_ALL, &asked, keep_sum, &sum, fault);

	if (st == ST_OK && sum.reports == 0)
		st = state_sums(
		    index->state, STATE_BY_DAY, &before, keep_sum, &day, fault);
	if (st == ST_OK && day.reports > 0)
		(void)printf(
		    "\nNo report is of these days. The last before them is of "
		    "%s: --since=%s\n",
		    day.name, day.name);
	return st;
}

static enum status
print_all(struct summary *summary, struct fault *fault)
{
	const struct index *index = summary->index;
	const struct state_query query = { index->since, index->until,
		index->domain };
	bool (*print)(void *, const struct state_sum *) = print_text;
	enum status st;

	if (index->format == INDEX_JSON)
		print = print_json;
	else if (index->format == INDEX_CSV)
		print = print_csv;
	if (index->format == INDEX_CSV)
		print_csv_head(index->by);
	else if (index->format == INDEX_TEXT)
		print_text_head(index);
	st = state_sums(index->state, index->by, &query, print, summary, fault);
	/* What is told under sts and under tlsa counts once for each MX and
	   each result type: their sum is nothing. */
	if (st == ST_OK && index->format == INDEX_TEXT &&
	    kinds[index->by].has_sessions) {
		(void)snprintf(
		    summary->total.name, sizeof summary->total.name, "in all");
		print_line(index->by, &summary->total);
	}
	return st == ST_OK && index->format == INDEX_TEXT
	    ? print_hint(index, fault)
	    : st;
}

int
summary_main(int argc, char **argv)
{
	static const struct index_command command = {
		.name = "summary",
		.usage = usage,
		.options = INDEX_STATE | INDEX_FORMAT | INDEX_DOMAIN |
		    INDEX_SINCE | INDEX_BY,
		.with_csv = true,
	};
	struct index index;
	struct summary summary = { .index = &index };
	struct fault fault;
	int status = index_begin(&index, &command, argc, argv);

	if (status == -1) {
		status = EX_OK;
		if (index_open(&index, &fault) != ST_OK ||
		    print_all(&summary, &fault) != ST_OK)
			status = index_fail(&index, &fault);
	}
	index_end(&index);
	return status;
}
