/*
 * htmlbars: the plots with horizontal bars; see htmlplot.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "html.h"
#include "markup.h"
#include "text.h"

enum {
	HEAD = 26, /* pixels above the first row */
	ROW = 44,
	NAME_MAX = 52 /* bytes of a name that is drawn; the table has it all */
};

/* A plot, and its greatest values. Widths are percent of the plot's. */
struct bars {
	bool has_sessions;
	double count_max;
	double count_width;
	double rate_max;
};

enum {
	RATE_X = 60,
	RATE_WIDTH = 22
};

static struct totals
totals_of(const struct state_sum *sum)
{
	return (struct totals){ sum->successful, sum->failed };
}

static double
rate_of(const struct state_sum *sum)
{
	struct totals totals = totals_of(sum);

	return totals_rate(&totals);
}

static uint64_t
count_of(const struct bars *bars, const struct state_sum *sum)
{
	struct totals totals = totals_of(sum);

	return bars->has_sessions ? totals_all(&totals) : sum->failed;
}

static void
measure(struct bars *bars, const struct state_sum *sum)
{
	bars->count_max = fmax(bars->count_max, (double)count_of(bars, sum));
	bars->rate_max = fmax(bars->rate_max, rate_of(sum));
}

/* A bar that can be seen when there is anything, and its number behind it. */
static double
put_bar(const char *class, double x, double width, int y)
{
	if (width > 0)
		width = fmax(width, 0.6);
	(void)printf("<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" "
		     "y=\"%d\" height=\"10\" rx=\"1\"/>",
	    class, x, width, y + 20);
	return x + width;
}

static void
put_count(const struct bars *bars, const struct state_sum *sum, int y)
{
	uint64_t count = count_of(bars, sum);
	double end = put_bar(bars->has_sessions ? "sessions" : "failed", 0,
	    bars->count_width * (double)count / bars->count_max, y);

	(void)printf("<text class=\"value\" x=\"%.3f%%\" dx=\"6\" y=\"%d\">",
	    end, y + 29);
	markup_count(stdout, count);
	(void)fputs("</text>", stdout);
}

static void
put_rate(const struct bars *bars, const struct state_sum *sum, int y)
{
	double rate = rate_of(sum);
	double end = put_bar("failed", RATE_X,
	    bars->rate_max > 0 ? RATE_WIDTH * rate / bars->rate_max : 0, y);

	(void)printf("<text class=\"value\" x=\"%.3f%%\" dx=\"6\" y=\"%d\">",
	    end, y + 29);
	html_put_rate(rate);
	(void)fputs("</text>", stdout);
}

/* The name is clipped where what is on the right begins. */
static void
put_row(const struct bars *bars, const struct state_sum *sum, int y)
{
	char name[NAME_MAX];
	bool is_whole = text_copy(name, sizeof name, sum->name);

	(void)fputs("<g><title>", stdout);
	markup_text(stdout, sum->name);
	(void)printf("</title><svg x=\"0\" y=\"%d\" width=\"72%%\" "
		     "height=\"18\"><text class=\"name\" x=\"0\" y=\"13\">",
	    y);
	markup_text(stdout, name[0] != '\0' ? name : "(none)");
	(void)printf("%s</text></svg><text class=\"aside\" x=\"100%%\" "
		     "y=\"%d\">",
	    is_whole ? "" : "…", y + 13);
	if (bars->has_sessions) {
		markup_count(stdout, sum->failed);
		(void)fputs(" failed", stdout);
	} else {
		html_put_plural(sum->reports, "report");
	}
	(void)fputs("</text>", stdout);
	put_count(bars, sum, y);
	if (bars->has_sessions)
		put_rate(bars, sum, y);
	(void)fputs("</g>\n", stdout);
}

/* What the plot has no room for, as one row; false when there is nothing. */
static bool
rest_of(const struct html_list *list, struct state_sum *rest)
{
	*rest = list->rest;
	if (list->count <= HTML_BARS_MAX)
		return false;
	for (size_t i = HTML_BARS_MAX; i < list->count; i++) {
		rest->reports += list->row[i].reports;
		rest->successful += list->row[i].successful;
		rest->failed += list->row[i].failed;
	}
	(void)snprintf(rest->name, sizeof rest->name, "and %llu more",
	    (unsigned long long)(list->count - HTML_BARS_MAX + list->more));
	return true;
}

static void
put_frame(const struct bars *bars)
{
	(void)printf("<text class=\"panel\" x=\"0\" y=\"13\">%s</text>\n",
	    bars->has_sessions ? "Sessions" : "Failed sessions");
	if (bars->has_sessions)
		(void)printf(
		    "<text class=\"panel\" x=\"%d%%\" y=\"13\">Failure rate"
		    "</text>\n",
		    RATE_X);
}

void
html_plot_list(const struct html_list *list, const char *id, const char *title,
    bool has_sessions)
{
	struct bars bars = {
		.has_sessions = has_sessions,
		.count_max = 1,
		.count_width = has_sessions ? 38 : 76,
	};
	size_t count =
	    list->count < HTML_BARS_MAX ? list->count : HTML_BARS_MAX;
	struct state_sum rest;
	bool has_rest = rest_of(list, &rest);
	int height = HEAD + ROW * ((int)count + has_rest);

	for (size_t i = 0; i < count; i++)
		measure(&bars, &list->row[i]);
	if (has_rest)
		measure(&bars, &rest);
	html_put_svg(id, height, title);
	(void)fputs("A bar for each, that with the most failed sessions first. "
		    "The table has the numbers.</desc>\n",
	    stdout);
	put_frame(&bars);
	for (size_t i = 0; i < count; i++)
		put_row(&bars, &list->row[i], HEAD + ROW * (int)i);
	if (has_rest)
		put_row(&bars, &rest, HEAD + ROW * (int)count);
	(void)fputs("</svg>\n", stdout);
}
