/*
 * htmltable: the tables of the page, and the small pieces that all of it is
 * made of.
 */
#include <stdio.h>

#include "html.h"
#include "markup.h"

/*
 * Pieces.
 */

static const char *const style[] = {
#include "html.css.h"
};

void
html_put_style(void)
{
	for (size_t i = 0; i < sizeof style / sizeof style[0]; i++)
		(void)fputs(style[i], stdout);
}

void
html_put_day(int64_t time)
{
	(void)printf("<time>%s</time>", index_day(time).text);
}

void
html_put_rate(double percent)
{
	char text[MARKUP_RATE_MAX];

	markup_rate(percent, text);
	markup_text(stdout, text);
}

void
html_put_plural(uint64_t count, const char *noun)
{
	markup_count(stdout, count);
	(void)printf(" %s%s", noun, count == 1 ? "" : "s");
}

void
html_put_svg(const char *id, int height, const char *title)
{
	(void)printf("<svg width=\"100%%\" height=\"%d\" role=\"img\" "
		     "aria-labelledby=\"%s-title %s-desc\">\n"
		     "<title id=\"%s-title\">",
	    height, id, id, id);
	markup_text(stdout, title);
	(void)printf("</title>\n<desc id=\"%s-desc\">", id);
}

/*
 * Tables.
 */

static void
begin_table(const char *caption)
{
	(void)printf("<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		     "aria-label=\"%s\">\n<table>\n<caption>%s</caption>\n"
		     "<thead><tr>",
	    caption, caption);
}

static void
end_table(void)
{
	(void)fputs("</tbody>\n</table>\n</div>\n", stdout);
}

static void
put_heading(const char *heading, bool is_number)
{
	(void)printf("<th scope=\"col\"%s>%s</th>",
	    is_number ? " class=\"number\"" : "", heading);
}

static void
put_number(uint64_t number)
{
	(void)fputs("<td class=\"number\">", stdout);
	markup_count(stdout, number);
	(void)fputs("</td>", stdout);
}

static void
put_sum_headings(bool has_sessions)
{
	put_heading("Reports", true);
	if (has_sessions)
		put_heading("Sessions", true);
	put_heading("Failed", true);
	if (has_sessions)
		put_heading("Failure rate", true);
	(void)fputs("</tr></thead>\n<tbody>\n", stdout);
}

static void
put_sum(uint64_t reports, const struct totals *totals, bool has_sessions)
{
	put_number(reports);
	if (has_sessions)
		put_number(totals_all(totals));
	put_number(totals->failed);
	if (has_sessions) {
		(void)fputs("<td class=\"number\">", stdout);
		html_put_rate(totals_rate(totals));
		(void)fputs("</td>", stdout);
	}
	(void)fputs("</tr>\n", stdout);
}

void
html_table_days(const struct html_page *page)
{
	const struct html_days *days = &page->days;

	begin_table("Sessions by day");
	put_heading(days->step == 1 ? "Day" : "From", false);
	put_sum_headings(true);
	for (size_t i = 0; i < days->count; i++) {
		const struct html_slot *slot = &days->slot[i];

		(void)fputs("<tr><th scope=\"row\">", stdout);
		html_put_day(slot->day * PROBLEM_DAY);
		(void)fputs("</th>", stdout);
		if (slot->reports > 0)
			put_sum(slot->reports, &slot->totals, true);
		else
			(void)fputs("<td colspan=\"4\" class=\"nothing\">no "
				    "reports</td></tr>\n",
			    stdout);
	}
	end_table();
}

void
html_table_list(const struct html_list *list, const char *caption,
    const char *heading, bool has_sessions)
{
	begin_table(caption);
	put_heading(heading, false);
	put_sum_headings(has_sessions);
	for (size_t i = 0; i < list->count; i++) {
		const struct state_sum *sum = &list->row[i];

		(void)fputs("<tr><th scope=\"row\">", stdout);
		markup_name(stdout, sum->name);
		(void)fputs("</th>", stdout);
		put_sum(sum->reports,
		    &(struct totals){ sum->successful, sum->failed },
		    has_sessions);
	}
	if (list->more > 0) {
		(void)fputs("<tr><th scope=\"row\">and ", stdout);
		markup_count(stdout, list->more);
		(void)fputs(" more</th>", stdout);
		put_sum(list->rest.reports,
		    &(struct totals){
			list->rest.successful, list->rest.failed },
		    has_sessions);
	}
	end_table();
}

/* How long ago, and whether that is too long. */
static void
put_silence(const struct html_page *page, const struct state_reporter *reporter)
{
	int64_t silence = page->index->now - reporter->newest;

	(void)fputs("<td class=\"number\">", stdout);
	if (silence < PROBLEM_DAY)
		(void)fputs("under a day", stdout);
	else
		html_put_plural((uint64_t)(silence / PROBLEM_DAY), "day");
	(void)printf("</td><td>%s</td></tr>\n",
	    html_is_silent(page, reporter)
		? "<span class=\"badge warning\">silent</span>"
		: "reporting");
}

void
html_table_reporters(const struct html_page *page)
{
	const struct html_reporters *all = &page->reporters;

	begin_table("Reporters, the one silent the longest first");
	put_heading("Reporter", false);
	put_heading("Newest report up to", false);
	put_heading("Reports", true);
	put_heading("Silence", true);
	put_heading("State", false);
	(void)fputs("</tr></thead>\n<tbody>\n", stdout);
	for (size_t i = 0; i < all->count; i++) {
		(void)fputs("<tr><th scope=\"row\">", stdout);
		markup_name(stdout, all->row[i].organization_name);
		(void)fputs("</th><td>", stdout);
		html_put_day(all->row[i].newest);
		(void)fputs("</td>", stdout);
		put_number(all->row[i].reports);
		put_silence(page, &all->row[i]);
	}
	end_table();
	if (all->more == 0)
		return;
	(void)fputs("<p class=\"more\">and ", stdout);
	markup_count(stdout, all->more);
	(void)fputs(" more, that sent fewer reports</p>\n", stdout);
}
