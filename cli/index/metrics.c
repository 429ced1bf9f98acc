/*
 * tlsrpt metrics [-c FILE] [--state=FILE]
 *
 * The text format of Prometheus. Everything is a gauge: what the index holds
 * shrinks when old records leave the archive, and a counter that does is taken
 * for one that has begun anew.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "buf.h"
#include "command.h"
#include "emit.h"
#include "index.h"

static const char usage[] =
    "usage: tlsrpt metrics [-c FILE] [--state=FILE]\n"
    "\n"
    "Prints what the index holds in the text format of Prometheus, for the\n"
    "textfile collector of node_exporter.\n"
    "\n"
    "Exit status: 0; 69 when there is no index; 64 for wrong usage, 78 for a\n"
    "mistake in the configuration.\n";

enum {
	PROBLEMS_MAX = 200, /* series; names come from reports */
	LABEL_MAX = 8 * STATE_NAME_MAX
};

static void
print_head(const char *name, const char *help)
{
	(void)printf(
	    "# HELP tlsrpt_%s %s\n# TYPE tlsrpt_%s gauge\n", name, help, name);
}

static void
print_gauge(const char *name, const char *help, uint64_t value)
{
	print_head(name, help);
	(void)printf("tlsrpt_%s %" PRIu64 "\n", name, value);
}

/* A moment; nothing when there is none. */
static void
print_moment(const char *name, const char *help, int64_t moment)
{
	if (moment > 0)
		print_gauge(name, help, (uint64_t)moment);
}

static void
print_counts(const struct state_counts *counts)
{
	print_gauge(
	    "reports", "Reports in the index that count.", counts->reports);
	print_gauge("reports_differing",
	    "Reports that came with another content than one that counts.",
	    counts->differing);
	print_gauge(
	    "reporters", "Organizations that sent reports.", counts->reporters);
	print_gauge("policy_domains", "Domains that reports are about.",
	    counts->domains);
	print_head("sessions", "Sessions that reports in the index tell of.");
	(void)printf("tlsrpt_sessions{result=\"successful\"} %" PRIu64 "\n"
		     "tlsrpt_sessions{result=\"failed\"} %" PRIu64 "\n",
	    counts->successful, counts->failed);
	print_head("problems", "Problems by their state.");
	(void)printf("tlsrpt_problems{state=\"open\"} %" PRIu64 "\n"
		     "tlsrpt_problems{state=\"stale\"} %" PRIu64 "\n"
		     "tlsrpt_problems{state=\"resolved\"} %" PRIu64 "\n",
	    counts->open, counts->stale, counts->resolved);
	print_moment("newest_report_end_timestamp_seconds",
	    "End of the newest range that was reported on.", counts->newest);
	print_moment("last_report_received_timestamp_seconds",
	    "When the last report came.", counts->received);
}

/* Escapes what is special within the quotes of a label. */
static void
print_escaped(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', stdout);
		(void)fputc(*text, stdout);
	}
}

/*
 * Controls become \xNN. A backslash is doubled before, so that two names never
 * become one: a series that is there twice spoils all.
 */
static void
print_label(const char *before, const char *name, const char *value)
{
	struct buf doubled, text;
	enum status st = ST_OK;

	buf_init(&doubled, LABEL_MAX);
	buf_init(&text, LABEL_MAX);
	for (; *value != '\0' && st == ST_OK; value++) {
		st = buf_addc(&doubled, *value);
		if (*value == '\\' && st == ST_OK)
			st = buf_addc(&doubled, '\\');
	}
	if (st == ST_OK && doubled.len > 0)
		st = emit_visible(&text, doubled.data);
	(void)printf("%s%s=\"", before, name);
	if (st == ST_OK && text.len > 0)
		print_escaped(text.data);
	(void)fputc('"', stdout);
	buf_free(&doubled);
	buf_free(&text);
}

/* One series for each problem that is not resolved, the worst first. */
static bool
print_problem(void *ctx, const struct state_problem *problem)
{
	unsigned *count = ctx;
	const struct episode *episode = &problem->episode;

	if ((*count)++ == 0)
		print_head("problem_failed_sessions",
		    "Failed sessions of each problem that is not resolved.");
	(void)fputs("tlsrpt_problem_failed_sessions", stdout);
	print_label("{", "policy_domain", problem->policy_domain);
	print_label(
	    ",", "receiving_mx_hostname", problem->receiving_mx_hostname);
	print_label(",", "policy_type", problem->policy_type);
	print_label(",", "result_type", problem->result_type);
	print_label(",", "state", problem_state_str(episode->state));
	print_label(",", "severity", severity_str(episode->severity));
	(void)printf("} %" PRIu64 "\n", episode->failed);
	return *count < PROBLEMS_MAX;
}

static int
run_metrics(struct index *index)
{
	struct state_counts counts;
	unsigned problems = 0;
	struct fault fault;

	if (index_open(index, &fault) != ST_OK ||
	    state_counts(index->state, index->now, &counts, &fault) != ST_OK)
		return index_fail(index, &fault);
	print_counts(&counts);
	if (state_problems(index->state, NULL, false, index->now, print_problem,
		&problems, &fault) != ST_OK)
		return index_fail(index, &fault);
	return EX_OK;
}

int
metrics_main(int argc, char **argv)
{
	static const struct index_command command = {
		.name = "metrics",
		.usage = usage,
		.options = INDEX_STATE,
	};
	struct index index;
	int status = index_begin(&index, &command, argc, argv);

	if (status == -1)
		status = run_metrics(&index);
	index_end(&index);
	return status;
}
