/*
 * htmlproblem: the problems on the page, each with what to do.
 */
#include <stdio.h>

#include "html.h"
#include "markup.h"
#include "result.h"

enum {
	COMMAND_MAX = 1024
};

static void
put_name(const char *label, const char *name)
{
	(void)printf("<div><dt>%s</dt><dd>", label);
	markup_name(stdout, name);
	(void)fputs("</dd></div>\n", stdout);
}

static void
put_failed(const struct episode *episode)
{
	double rate = totals_rate(&(struct totals){
	    .successful = episode->sessions > episode->failed
		? episode->sessions - episode->failed
		: 0,
	    .failed = episode->failed,
	});

	markup_count(stdout, episode->failed);
	(void)fputs(" of ", stdout);
	markup_count(stdout, episode->sessions);
	(void)fputs(" (", stdout);
	html_put_rate(rate);
	(void)fputs(")", stdout);
}

static void
put_reporters(const struct html_problem *row)
{
	for (size_t i = 0; i < row->count; i++) {
		if (i > 0)
			(void)fputs(", ", stdout);
		markup_name(stdout, row->reporter[i]);
	}
	if (row->more > 0) {
		(void)fputs(" and ", stdout);
		markup_count(stdout, row->more);
		(void)fputs(" more", stdout);
	}
}

static void
put_heading(const struct state_problem *problem)
{
	if (problem->result_type[0] != '\0')
		markup_name(stdout, problem->result_type);
	else
		(void)fputs("failure of no type", stdout);
	if (problem->receiving_mx_hostname[0] != '\0') {
		(void)fputs(" <span class=\"on\">on MX</span> ", stdout);
		markup_name(stdout, problem->receiving_mx_hostname);
	}
}

static void
put_facts(const struct html_problem *row)
{
	const struct episode *episode = &row->problem.episode;

	(void)fputs("<dl class=\"facts\">\n", stdout);
	put_name("Policy domain", row->problem.policy_domain);
	put_name("Policy type", row->problem.policy_type);
	(void)fputs("<div><dt>Since</dt><dd>", stdout);
	html_put_day(episode->since);
	(void)fputs("</dd></div>\n<div><dt>Last failure</dt><dd>", stdout);
	html_put_day(episode->last);
	(void)fputs("</dd></div>\n<div><dt>Failed sessions</dt><dd>", stdout);
	put_failed(episode);
	(void)fputs("</dd></div>\n<div><dt>Reports</dt><dd>", stdout);
	markup_count(stdout, episode->sightings);
	(void)printf("</dd></div>\n<div class=\"wide\"><dt>Reporter%s</dt><dd>",
	    episode->reporters == 1 ? "" : "s");
	put_reporters(row);
	(void)fputs("</dd></div>\n</dl>\n", stdout);
}

static void
put_told(const char *label, const char *text)
{
	(void)printf("<dt>%s</dt><dd>", label);
	markup_text(stdout, text);
	(void)fputs("</dd>\n", stdout);
}

static void
put_command(const char *label, const char *command)
{
	(void)printf("<dt>%s</dt><dd><pre tabindex=\"0\"><code>", label);
	markup_text(stdout, command);
	(void)fputs("</code></pre></dd>\n", stdout);
}

/* What a result type means and what to do, and the commands to see it. */
static void
put_knowledge(const struct state_problem *problem)
{
	const struct result *result = result_find(problem->result_type);
	char command[COMMAND_MAX];

	(void)fputs("<dl class=\"advice\">\n", stdout);
	put_told("Meaning", result->meaning);
	put_told("Usual cause", result->cause);
	put_told("What to do", result->action);
	result_diagnose(result, problem->receiving_mx_hostname,
	    problem->policy_domain, command, sizeof command);
	put_command("Verify", command);
	result_verify(result, problem->receiving_mx_hostname,
	    problem->policy_domain, command, sizeof command);
	put_command("By hand", command);
	(void)fputs("</dl>\n", stdout);
}

static void
put_card(const struct html_problem *row)
{
	const struct episode *episode = &row->problem.episode;
	const char *severity = severity_str(episode->severity);

	(void)printf("<article class=\"problem\">\n"
		     "<h3><span class=\"badge %s\">%s</span> ",
	    severity, severity);
	put_heading(&row->problem);
	(void)fputs("</h3>\n", stdout);
	put_facts(row);
	put_knowledge(&row->problem);
	(void)fputs("</article>\n", stdout);
}

static void
put_more(const struct html_problems *problems)
{
	if (problems->more == 0)
		return;
	(void)fputs("<p class=\"more\">and ", stdout);
	markup_count(stdout, problems->more);
	(void)fputs(
	    " more: <code>tlsrpt problems</code> lists all.</p>\n", stdout);
}

static void
put_cards(
    const char *id, const char *title, const struct html_problems *problems)
{
	(void)printf("<section id=\"%s\">\n<h2>%s <span class=\"count\">%zu"
		     "</span></h2>\n",
	    id, title, problems->count + (size_t)problems->more);
	for (size_t i = 0; i < problems->count; i++)
		put_card(&problems->row[i]);
	put_more(problems);
	(void)fputs("</section>\n", stdout);
}

static void
put_resolved_row(const struct state_problem *problem)
{
	const struct episode *episode = &problem->episode;

	(void)fputs("<tr><th scope=\"row\">", stdout);
	markup_name(stdout, problem->result_type);
	(void)fputs("</th><td>", stdout);
	markup_name(stdout, problem->receiving_mx_hostname);
	(void)fputs("</td><td>", stdout);
	markup_name(stdout, problem->policy_domain);
	(void)fputs("</td><td>", stdout);
	markup_name(stdout, problem->policy_type);
	(void)printf("</td><td>%s</td><td>", severity_str(episode->severity));
	html_put_day(episode->since);
	(void)fputs("</td><td>", stdout);
	html_put_day(episode->last);
	(void)fputs("</td><td>", stdout);
	html_put_day(episode->resolved);
	(void)fputs("</td><td class=\"number\">", stdout);
	put_failed(episode);
	(void)fputs("</td><td class=\"number\">", stdout);
	markup_count(stdout, episode->reporters);
	(void)fputs("</td></tr>\n", stdout);
}

/* The columns behind the first NAMES are numbers. */
static void
put_resolved(const struct html_problems *problems)
{
	static const char *const headings[] = { "Result type", "MX",
		"Policy domain", "Type", "Severity", "Since", "Last failure",
		"Resolved", "Failed sessions", "Reporters" };
	enum {
		NAMES = 8
	};

	(void)printf("<section id=\"resolved\">\n<h2>Resolved in this period "
		     "<span class=\"count\">%zu</span></h2>\n"
		     "<div class=\"card scroll\" tabindex=\"0\" "
		     "role=\"region\" aria-label=\"Resolved problems\">\n"
		     "<table>\n<caption class=\"unseen\">Resolved "
		     "problems</caption>\n<thead><tr>",
	    problems->count + (size_t)problems->more);
	for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++)
		(void)printf("<th scope=\"col\"%s>%s</th>",
		    i < NAMES ? "" : " class=\"number\"", headings[i]);
	(void)fputs("</tr></thead>\n<tbody>\n", stdout);
	for (size_t i = 0; i < problems->count; i++)
		put_resolved_row(&problems->row[i].problem);
	(void)fputs("</tbody>\n</table>\n</div>\n", stdout);
	put_more(problems);
	(void)fputs("</section>\n", stdout);
}

void
html_put_problems(const struct html_page *page)
{
	if (page->open.count > 0)
		put_cards("open", "Open problems", &page->open);
	if (page->stale.count > 0)
		put_cards("stale", "Stale: no news from who reported it",
		    &page->stale);
	if (page->resolved.count > 0)
		put_resolved(&page->resolved);
}
