/*
 * tlsrpt html [-c FILE] [--state=FILE] [--since=TIME] [--until=TIME]
 *     [--domain=NAME]
 *
 * One page that needs nothing else: no script, no font, no image, no request.
 */
#include "html.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "command.h"
#include "markup.h"
#include "rfc3339.h"

static const char usage[] =
    "usage: tlsrpt html [-c FILE] [--state=FILE] [--since=TIME]\n"
    "                   [--until=TIME] [--domain=NAME] >report.html\n"
    "\n"
    "Prints a page to look at: open problems with what to do, then sessions\n"
    "and failure rate by day, MX, sender, result type and domain. One file,\n"
    "without scripts, that loads nothing. From the index of the archive. A\n"
    "TIME is a time before now (12h, 7d, 4w) or a day (2026-02-12, UTC); both\n"
    "days are included, whole.\n"
    "\n"
    "  --since=TIME   the first day; 90d by default\n"
    "  --until=TIME   the last day; today by default. Problems are those of\n"
    "                 now\n"
    "  --domain=NAME  this policy domain alone\n"
    "\n"
    "Exit status: 0; 69 when there is no index; 64 for wrong usage, 74 when\n"
    "the page could not be written, 78 for a mistake in the configuration.\n";

enum {
	DAYS = 90,
	TITLE_DOMAINS = 3
};

/* Whom the page is about; with_bdi where elements are possible. */
static void
put_subject(const struct html_page *page, bool with_bdi)
{
	const struct html_list *domains = &page->domains;
	void (*put)(FILE *, const char *) =
	    with_bdi ? markup_name : markup_text;
	size_t shown =
	    domains->count < TITLE_DOMAINS ? domains->count : TITLE_DOMAINS;
	uint64_t more = domains->count - shown + domains->more;

	(void)fputs("TLS reports", stdout);
	if (page->index->domain != NULL) {
		(void)fputs(" for ", stdout);
		put(stdout, page->index->domain);
		return;
	}
	for (size_t i = 0; i < shown; i++) {
		(void)fputs(i == 0                    ? " for "
			: more == 0 && i + 1 == shown ? " and "
						      : ", ",
		    stdout);
		put(stdout, domains->row[i].name);
	}
	if (more > 0) {
		(void)fputs(" and ", stdout);
		markup_count(stdout, more);
		(void)fputs(" more", stdout);
	}
}

static void
put_begin(const struct html_page *page)
{
	(void)fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" "
		    "content=\"default-src 'none'; style-src 'unsafe-inline'; "
		    "base-uri 'none'; form-action 'none'\">\n"
		    "<meta name=\"viewport\" "
		    "content=\"width=device-width, initial-scale=1\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<meta name=\"robots\" content=\"noindex\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n"
		    "<meta name=\"generator\" content=\"tlsrpt " VERSION "\">\n"
		    "<title>",
	    stdout);
	put_subject(page, false);
	(void)fputs("</title>\n<style>\n", stdout);
	html_put_style();
	(void)fputs("</style>\n</head>\n<body>\n"
		    "<a class=\"skip\" href=\"#main\">Skip to the problems"
		    "</a>\n",
	    stdout);
}

static void
put_header(const struct html_page *page)
{
	const struct index *index = page->index;
	char made[RFC3339_MAX];

	(void)fputs("<header>\n<h1>", stdout);
	put_subject(page, true);
	(void)fputs("</h1>\n<p class=\"period\">", stdout);
	html_put_day(index->since);
	(void)fputs(" to ", stdout);
	html_put_day(index->until - 1);
	if (rfc3339_format(index->now, made))
		(void)printf(
		    "<span class=\"made\">made <time datetime=\"%s\">%.10s "
		    "%.5s UTC</time> by tlsrpt " VERSION "</span>",
		    made, made, made + 11);
	(void)fputs("</p>\n</header>\n<main id=\"main\">\n", stdout);
}

/*
 * The strip.
 */

static void
begin_tile(const char *name, const char *class)
{
	(void)printf("<div%s%s%s><dt>%s</dt><dd>", class[0] ? " class=\"" : "",
	    class, class[0] ? "\"" : "", name);
}

static void
end_tile(void)
{
	(void)fputs("</small></dd></div>\n", stdout);
}

static void
put_aside(uint64_t count, const char *what)
{
	(void)fputs("<small>", stdout);
	markup_count(stdout, count);
	(void)printf(" %s", what);
	end_tile();
}

/* That nothing is open says little when nothing has come. */
static void
put_none_open(const struct html_page *page)
{
	int64_t newest = page->reporters.newest;
	int64_t silence = page->index->now - newest;

	if (newest == 0) {
		begin_tile("Open problems", "notice");
		(void)fputs("0<small>no reports yet", stdout);
	} else if (silence >= page->index->options.silent_after) {
		begin_tile("Open problems", "warning");
		(void)fputs("0<small>but no recent reports", stdout);
	} else {
		begin_tile("Open problems", "ok");
		(void)fputs("0<small>all clear", stdout);
	}
	end_tile();
}

/* Problems come with the worst first. */
static void
put_open_tile(const struct html_page *page)
{
	uint64_t open = page->open.count + page->open.more;
	uint64_t stale = page->stale.count + page->stale.more;
	const char *worst = "notice";

	if (open == 0 && stale == 0) {
		put_none_open(page);
		return;
	}
	if (open > 0)
		worst =
		    severity_str(page->open.row[0].problem.episode.severity);
	begin_tile("Open problems", worst);
	markup_count(stdout, open);
	(void)fputs("<small>", stdout);
	if (open > 0)
		(void)printf("worst: %s", worst);
	if (open > 0 && stale > 0)
		(void)fputs(", ", stdout);
	if (stale > 0) {
		markup_count(stdout, stale);
		(void)fputs(" stale", stdout);
	}
	end_tile();
}

static void
put_strip(const struct html_page *page)
{
	(void)fputs(
	    "<section aria-label=\"Summary\">\n<dl class=\"strip\">\n", stdout);
	put_open_tile(page);
	begin_tile("Failure rate", "");
	if (totals_all(&page->totals) > 0)
		html_put_rate(totals_rate(&page->totals));
	else
		(void)fputs("–", stdout);
	put_aside(page->totals.failed, "failed");
	begin_tile("Sessions", "");
	markup_count(stdout, totals_all(&page->totals));
	put_aside(page->totals.successful, "successful");
	begin_tile("Reports", "");
	markup_count(stdout, page->reports);
	(void)fputs("<small>newest up to ", stdout);
	html_put_day(page->reporters.newest); /* "-" without any */
	end_tile();
	begin_tile("Reporters", "");
	markup_count(stdout, page->senders.count + page->senders.more);
	put_aside(page->reporters.silent, "silent");
	(void)fputs("</dl>\n</section>\n", stdout);
}

/*
 * Plots.
 */

static void
begin_details(void)
{
	(void)fputs("<details><summary>Table</summary>\n", stdout);
}

static void
put_list(const struct html_list *list, const char *id, const char *title,
    const char *heading, bool has_sessions)
{
	(void)printf(
	    "<section class=\"card\" id=\"%s\">\n<h3>%s</h3>\n", id, title);
	if (list->count == 0) {
		(void)printf("<p class=\"nothing\">%s</p>\n</section>\n",
		    has_sessions ? "No reports." : "No failures.");
		return;
	}
	(void)printf("<figure aria-label=\"%s\">\n", title);
	html_plot_list(list, id, title, has_sessions);
	(void)fputs("</figure>\n", stdout);
	begin_details();
	html_table_list(list, title, heading, has_sessions);
	(void)fputs("</details>\n</section>\n", stdout);
}

/* Rates of the configuration are in hundredths of a percent. */
static void
put_caption(const struct conf *conf)
{
	(void)printf("<figcaption><span><span class=\"key gap-key\"></span>no "
		     "reports</span> <span><span class=\"key rate-key\">"
		     "</span>NoticeRate %.3g%%, WarningRate %.3g%%</span> "
		     "<span><span class=\"key after-key\"></span>until it was "
		     "resolved, or now</span></figcaption>\n",
	    (double)conf->notice_rate / 100, (double)conf->warning_rate / 100);
}

static void
put_plots(const struct html_page *page)
{
	(void)fputs("<section id=\"sessions\">\n<h2>Sessions</h2>\n"
		    "<section class=\"card\" id=\"day\">\n<h3>By day</h3>\n"
		    "<figure class=\"days\" aria-label=\"By day\">\n",
	    stdout);
	html_plot_days(page);
	put_caption(page->index->conf);
	(void)fputs("</figure>\n", stdout);
	begin_details();
	html_table_days(page);
	(void)fputs("</details>\n</section>\n<div class=\"pair\">\n", stdout);
	put_list(&page->result_types, "result-type", "By result type",
	    "Result type", false);
	put_list(&page->mxs, "mx", "By MX", "MX", false);
	put_list(&page->domains, "domain", "By domain", "Policy domain", true);
	put_list(&page->senders, "sender", "By sender", "Sender", true);
	(void)fputs("</div>\n</section>\n", stdout);
}

static void
put_page(const struct html_page *page)
{
	put_begin(page);
	put_header(page);
	put_strip(page);
	html_put_problems(page);
	put_plots(page);
	(void)fputs("<section id=\"reporters\">\n<h2>Reporters</h2>\n"
		    "<div class=\"card\">\n",
	    stdout);
	html_table_reporters(page);
	(void)fputs("</div>\n</section>\n</main>\n</body>\n</html>\n", stdout);
}

static int
run_html(struct index *index)
{
	struct html_page *page = calloc(1, sizeof *page);
	struct fault fault;
	int status = EX_OK;

	if (page == NULL) {
		(void)fault_set(&fault, ST_NO_MEMORY, "no memory");
		return index_fail(index, &fault);
	}
	if (index_open(index, &fault) != ST_OK ||
	    html_gather(page, index, &fault) != ST_OK)
		status = index_fail(index, &fault);
	else
		put_page(page);
	free(page);
	return status;
}

int
html_main(int argc, char **argv)
{
	static const struct index_command command = {
		.name = "html",
		.usage = usage,
		.options = INDEX_STATE | INDEX_DOMAIN | INDEX_SINCE,
		.days = DAYS,
	};
	struct index index;
	int status = index_begin(&index, &command, argc, argv);

	if (status == -1)
		status = run_html(&index);
	index_end(&index);
	return status;
}
