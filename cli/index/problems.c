/*
 * tlsrpt problems [-c FILE] [--state=FILE] [--all] [--domain=NAME]
 *     [--format=text|json]
 */
#include <stdio.h>
#include <sysexits.h>

#include "command.h"
#include "emit.h"
#include "index.h"
#include "problemlist.h"
#include "render.h"
#include "result.h"

static const char usage[] =
    "usage: tlsrpt problems [-c FILE] [--state=FILE] [--all] [--domain=NAME]\n"
    "                       [--format=text|json]\n"
    "\n"
    "Prints what is broken: failures that reports tell of again and again,\n"
    "the worst first, with what to do. From the index of the archive.\n"
    "\n"
    "  --all          those that have been resolved, too\n"
    "  --domain=NAME  of this policy domain alone\n"
    "  --format=...   text for people, or json, an object a line\n"
    "\n"
    "Exit status: 0, with problems or without; 69 when there is no index; 64\n"
    "for wrong usage, 78 for a mistake in the configuration.\n";

/* Names of reporters, one after the other. */
struct names {
	bool is_json;
	bool has_one;
};

static bool
print_name(void *ctx, const struct state_reporter *reporter)
{
	struct names *names = ctx;
	struct buf text;

	if (names->has_one)
		(void)fputs(names->is_json ? "," : ", ", stdout);
	names->has_one = true;
	if (!names->is_json) {
		render_string(stdout,
		    reporter->organization_name[0] != '\0'
			? reporter->organization_name
			: "-");
		return true;
	}
	buf_init(&text, 1 << 16);
	if (emit_json_string(
		&text, reporter->organization_name, EMIT_VALUE_WHOLE) == ST_OK)
		(void)fputs(text.data, stdout);
	buf_free(&text);
	return true;
}

static void
put_row(const char *label, const char *value)
{
	render_label(stdout, 2, label);
	render_string(stdout, value);
	(void)fputc('\n', stdout);
}

static void
print_knowledge(const struct state_problem *problem)
{
	const struct result *result = result_find(problem->result_type);

	render_wrapped(stdout, 2, "meaning", result->meaning);
	render_wrapped(stdout, 2, "cause", result->cause);
	render_wrapped(stdout, 2, "action", result->action);
	render_commands(stdout, 2, result, problem->receiving_mx_hostname,
	    problem->policy_domain);
}

static void
print_text_head(
    const struct index *index, const struct state_problem *problem, size_t n)
{
	const struct episode *episode = &problem->episode;

	(void)printf("%s%s%zu. ", n > 1 ? "\n" : "",
	    index->with_colour ? "\033[1m" : "", n);
	render_string(stdout,
	    problem->result_type[0] != '\0' ? problem->result_type
					    : "failure of no type");
	if (problem->receiving_mx_hostname[0] != '\0') {
		(void)fputs(" on MX ", stdout);
		render_string(stdout, problem->receiving_mx_hostname);
	}
	(void)printf("%s: %s, ", index->with_colour ? "\033[0m" : "",
	    problem_state_str(episode->state));
	render_severity(stdout, episode->severity, index->with_colour);
	(void)fputc('\n', stdout);
}

static enum status
print_text(const struct index *index, const struct state_problem *problem,
    size_t n, struct fault *fault)
{
	const struct episode *episode = &problem->episode;
	struct names names = { .is_json = false };
	enum status st;

	print_text_head(index, problem, n);
	put_row("policy-domain", problem->policy_domain);
	put_row("policy-type", problem->policy_type);
	put_row("since", index_day(episode->since).text);
	put_row("last", index_day(episode->last).text);
	if (episode->state == PROBLEM_RESOLVED)
		put_row("resolved", index_day(episode->resolved).text);
	render_label(stdout, 2, "sessions");
	(void)printf("%llu failed of %llu, in %llu report%s\n",
	    (unsigned long long)episode->failed,
	    (unsigned long long)episode->sessions,
	    (unsigned long long)episode->sightings,
	    episode->sightings == 1 ? "" : "s");
	render_label(stdout, 2, "reporters");
	st = state_problem_reporters(
	    index->state, problem, print_name, &names, fault);
	(void)fputc('\n', stdout);
	print_knowledge(problem);
	return st;
}

static void
event_moment(struct event *ev, const char *name, int64_t time)
{
	event_time(
	    ev, name, (struct datetime){ .is_known = true, .time = time });
}

static enum status
print_json(const struct index *index, const struct state_problem *problem,
    size_t n, struct fault *fault)
{
	const struct result *result = result_find(problem->result_type);
	const struct episode *episode = &problem->episode;
	struct names names = { .is_json = true };
	struct event ev;
	enum status st;

	event_init(&ev, "problem", episode->severity);
	event_count(&ev, "number", n);
	event_string(&ev, "state", problem_state_str(episode->state));
	event_string(&ev, "severity", severity_str(episode->severity));
	event_string(&ev, "policy-domain", problem->policy_domain);
	event_string(&ev, "policy-type", problem->policy_type);
	event_string(&ev, "result-type", problem->result_type);
	event_string(
	    &ev, "receiving-mx-hostname", problem->receiving_mx_hostname);
	event_moment(&ev, "since", episode->since);
	event_moment(&ev, "last", episode->last);
	if (episode->state == PROBLEM_RESOLVED)
		event_moment(&ev, "resolved", episode->resolved);
	event_count(&ev, "total-session-count", episode->sessions);
	event_count(&ev, "failed-session-count", episode->failed);
	event_count(&ev, "reports", episode->sightings);
	event_string(&ev, "cause", result->cause);
	event_action(&ev, result, problem->receiving_mx_hostname,
	    problem->policy_domain);
	(void)fputc('{', stdout);
	index_put_members(&ev);
	(void)fputs(",\"reporters\":[", stdout);
	st = state_problem_reporters(
	    index->state, problem, print_name, &names, fault);
	(void)fputs("]}\n", stdout);
	return st;
}

/* That nothing is broken says little when nothing has come. */
static enum status
print_none(const struct index *index, struct fault *fault)
{
	struct state_counts counts;
	enum status st = state_counts(index->state, index->now, &counts, fault);

	if (st == ST_OK && counts.reports == 0)
		(void)puts("No problem is known: the index holds no report.");
	else if (st == ST_OK)
		(void)puts(
		    index->is_all ? "No problem is known." : "No problem.");
	return st;
}

static enum status
print_all(const struct index *index, struct fault *fault)
{
	struct problemlist list;
	enum status st = problemlist_read(index, &list, fault);

	for (size_t i = 0; st == ST_OK && i < list.count; i++)
		st = index->format == INDEX_JSON
		    ? print_json(index, &list.problem[i], i + 1, fault)
		    : print_text(index, &list.problem[i], i + 1, fault);
	if (st == ST_OK && list.count == 0 && index->format == INDEX_TEXT)
		st = print_none(index, fault);
	problemlist_clear(&list);
	return st;
}

int
problems_main(int argc, char **argv)
{
	static const struct index_command command = {
		.name = "problems",
		.usage = usage,
		.options =
		    INDEX_STATE | INDEX_FORMAT | INDEX_DOMAIN | INDEX_ALL,
	};
	struct index index;
	struct fault fault;
	int status = index_begin(&index, &command, argc, argv);

	if (status == -1) {
		status = EX_OK;
		if (index_open(&index, &fault) != ST_OK ||
		    print_all(&index, &fault) != ST_OK)
			status = index_fail(&index, &fault);
	}
	index_end(&index);
	return status;
}
