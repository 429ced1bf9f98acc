/*
 * htmlplot: the plots of the page, as inline SVG.
 *
 * Across, everything is in percent of the width, and text is not scaled: a plot
 * is as readable on a phone as on a desk. Down it is in pixels.
 */
#include <math.h>
#include <stdio.h>

#include "html.h"
#include "markup.h"
#include "text.h"

/* Heights of the plot of days, from the top. */
enum {
	RATE_TOP = 28,
	RATE_BASE = 164,
	ZERO_ROOM = 17, /* between no failure and the least rate that shows */
	SESSIONS_TOP = 210,
	SESSIONS_BASE = 294,
	DATES = 312,
	LANES_TOP = 342,
	LANE = 30,
	LANE_NAME_MAX = 32, /* bytes */
	LABELS_MAX = 7,
	LABEL = 14 /* between two labels, at least */
};

/* A logarithmic scale of rates in percent. */
struct scale {
	double low;
	double high;
};

struct date {
	int year;
	const char *month;
	int day;
};

/*
 * Pieces.
 */

static struct date
date_of(int64_t day)
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct index_day text = index_day(day * PROBLEM_DAY);
	struct date date = { 1970, months[0], 1 };
	int month;

	if (sscanf(text.text, "%4d-%2d-%2d", &date.year, &month, &date.day) ==
		3 &&
	    month >= 1 && month <= 12)
		date.month = months[month - 1];
	return date;
}

/* The least round number that is not below a value. */
static double
round_up(double value)
{
	static const double rounds[] = { 1, 2, 3, 4, 5, 6, 8 };
	double power = pow(10, floor(log10(value)));

	for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
		/* What was divided may be off by the last bit. */
		if (rounds[i] * power >= value * (1 - 1e-9))
			return rounds[i] * power;
	}
	return 10 * power;
}

/* 800, 20k, 1.5M: short enough for the margin. */
static void
put_short(double count)
{
	static const char units[] = "\0kMGTPE";
	size_t unit = 0;

	while (count >= 1000 && unit + 2 < sizeof units) {
		count /= 1000;
		unit++;
	}
	(void)printf("%.3g", count);
	if (unit > 0)
		(void)putchar(units[unit]);
}

static void
put_line(const char *class, double y)
{
	(void)printf("<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" "
		     "y2=\"%.1f\"/>\n",
	    class, y, y);
}

static double
slot_x(const struct html_days *days, double i)
{
	return 100 * i / (double)days->count;
}

/*
 * The plot of days.
 */

static double
slot_rate(const struct html_slot *slot)
{
	return totals_rate(&slot->totals);
}

static double
scale_y(const struct scale *scale, double rate)
{
	double bottom = RATE_BASE - ZERO_ROOM, share;

	if (rate <= 0)
		return RATE_BASE;
	if (rate <= scale->low)
		return bottom;
	share = log10(rate / scale->low) / log10(scale->high / scale->low);
	return bottom - share * (bottom - RATE_TOP);
}

/* From the decade of the least rate on, but no more than four. */
static struct scale
scale_for(const struct html_days *days)
{
	double least = 0, greatest = 0;
	struct scale scale;

	for (size_t i = 0; i < days->count; i++) {
		double rate = slot_rate(&days->slot[i]);

		if (rate > 0 && (least <= 0 || rate < least))
			least = rate;
		if (rate > greatest)
			greatest = rate;
	}
	if (greatest <= 0)
		return (struct scale){ 0.1, 1 };
	scale.high = fmin(round_up(greatest), 100);
	scale.low = fmax(pow(10, floor(log10(least))), scale.high / 1e4);
	if (scale.low * 5 > scale.high)
		scale.low = pow(10, floor(log10(scale.high) - 1));
	return scale;
}

/* A line and, where there is room above the one at *last, its label. */
static void
put_rate_tick(const struct scale *scale, double rate, double *last)
{
	double y = scale_y(scale, rate);

	put_line(rate > 0 ? "grid" : "axis", y);
	if (*last - y < LABEL)
		return;
	(void)printf("<text class=\"tick\" x=\"-8\" y=\"%.1f\">%.3g%%</text>\n",
	    y + 4, rate);
	*last = y;
}

/* A rate of the configuration, in hundredths of a percent. */
static void
put_threshold(const struct scale *scale, uint64_t hundredths)
{
	double rate = (double)hundredths / 100;

	if (rate > scale->low && rate < scale->high)
		put_line("threshold", scale_y(scale, rate));
}

static void
put_rate_axis(const struct html_page *page, const struct scale *scale)
{
	double decade = pow(10, ceil(log10(scale->low) - 1e-9));
	double last = INFINITY;

	put_rate_tick(scale, 0, &last);
	for (; decade < scale->high * (1 - 1e-9); decade *= 10)
		put_rate_tick(scale, decade, &last);
	put_rate_tick(scale, scale->high, &last);
	put_threshold(scale, page->index->conf->notice_rate);
	put_threshold(scale, page->index->conf->warning_rate);
}

static double
put_sessions_axis(const struct html_days *days)
{
	uint64_t greatest = 1;
	double top;

	for (size_t i = 0; i < days->count; i++) {
		uint64_t all = totals_all(&days->slot[i].totals);

		if (all > greatest)
			greatest = all;
	}
	top = fmax(round_up((double)greatest), 2);
	for (int i = 0; i <= 2; i++) {
		double y =
		    SESSIONS_BASE - i * (SESSIONS_BASE - SESSIONS_TOP) / 2.0;

		put_line(i > 0 ? "grid" : "axis", y);
		(void)printf(
		    "<text class=\"tick\" x=\"-8\" y=\"%.1f\">", y + 4);
		put_short(top * i / 2);
		(void)fputs("</text>\n", stdout);
	}
	return top;
}

/*
 * Dates below, at most LABELS_MAX, and none where it would not fit. A phone has
 * room for every second.
 */
static void
put_dates(const struct html_days *days)
{
	size_t stride = 1, n = 0;
	static const size_t strides[] = { 1, 2, 7, 14, 28, 56 };

	for (size_t i = 0; days->count / stride >= LABELS_MAX &&
	     i < sizeof strides / sizeof strides[0];
	     i++)
		stride = strides[i];
	for (size_t i = 0; i < days->count; i += stride) {
		struct date date = date_of(days->slot[i].day);
		double x = slot_x(days, (double)i);

		(void)printf("<line class=\"grid\" x1=\"%.3f%%\" "
			     "x2=\"%.3f%%\" y1=\"%d\" y2=\"%d\"/>\n",
		    x, x, SESSIONS_BASE, SESSIONS_BASE + 6);
		if (x > 90)
			continue;
		(void)printf("<text class=\"date%s\" x=\"%.3f%%\" y=\"%d\">",
		    n++ % 2 == 0 ? "" : " between", x, DATES);
		if (days->step == 1)
			(void)printf("%d %s</text>\n", date.day, date.month);
		else
			(void)printf("%s %d</text>\n", date.month, date.year);
	}
}

/* Slots without any report, side by side as one. */
static void
put_gaps(const struct html_days *days)
{
	for (size_t i = 0; i < days->count; i++) {
		size_t from = i;

		while (i < days->count && days->slot[i].reports == 0)
			i++;
		if (i > from)
			(void)printf("<rect class=\"gap\" x=\"%.3f%%\" "
				     "width=\"%.3f%%\" y=\"%d\" "
				     "height=\"%d\"/>\n",
			    slot_x(days, (double)from),
			    slot_x(days, (double)(i - from)), RATE_TOP,
			    SESSIONS_BASE - RATE_TOP);
	}
}

/* What a pointer that rests on a slot is told. */
static void
put_slot_title(const struct html_days *days, const struct html_slot *slot)
{
	(void)printf("<title>%s%s: ", days->step > 1 ? "from " : "",
	    index_day(slot->day * PROBLEM_DAY).text);
	if (slot->reports == 0) {
		(void)fputs("no reports</title>", stdout);
		return;
	}
	markup_count(stdout, totals_all(&slot->totals));
	(void)fputs(" sessions, ", stdout);
	markup_count(stdout, slot->totals.failed);
	(void)fputs(" failed, ", stdout);
	html_put_rate(slot_rate(slot));
	(void)fputs("</title>", stdout);
}

static void
put_slot(const struct html_page *page, size_t i, const struct scale *scale,
    double sessions_top)
{
	const struct html_days *days = &page->days;
	const struct html_slot *slot = &days->slot[i];
	enum severity severity =
	    totals_severity(&slot->totals, page->index->conf);
	double x = slot_x(days, (double)i), width = slot_x(days, 1);
	double y = scale_y(scale, slot_rate(slot));
	double height = (SESSIONS_BASE - SESSIONS_TOP) *
	    (double)totals_all(&slot->totals) / sessions_top;

	(void)fputs("<g>", stdout);
	put_slot_title(days, slot);
	(void)printf("<rect class=\"hit\" x=\"%.3f%%\" width=\"%.3f%%\" "
		     "y=\"%d\" height=\"%d\"/>",
	    x, width, RATE_TOP, SESSIONS_BASE - RATE_TOP);
	if (slot->reports > 0) {
		if (slot->totals.failed > 0)
			(void)printf("<line class=\"stem %s\" x1=\"%.3f%%\" "
				     "x2=\"%.3f%%\" y1=\"%d\" y2=\"%.1f\"/>",
			    severity_str(severity), x + width / 2,
			    x + width / 2, RATE_BASE, y);
		(void)printf("<circle class=\"dot %s\" cx=\"%.3f%%\" "
			     "cy=\"%.1f\" r=\"%s\"/>"
			     "<rect class=\"sessions\" x=\"%.3f%%\" "
			     "width=\"%.3f%%\" y=\"%.1f\" height=\"%.1f\"/>",
		    severity_str(severity), x + width / 2, y,
		    slot->totals.failed > 0 ? "3" : "1.5", x + width * 0.14,
		    width * 0.72, SESSIONS_BASE - fmax(height, 1),
		    fmax(height, 1));
	}
	(void)fputs("</g>\n", stdout);
}

/*
 * Lanes: how long problems lasted.
 */

/* A moment as percent of the width, within it. */
static double
moment_x(const struct html_days *days, int64_t time)
{
	double first = (double)days->slot[0].day;
	double day = (double)time / PROBLEM_DAY - first;
	double x = 100 * day / (double)((int64_t)days->count * days->step);

	return fmin(fmax(x, 0), 100);
}

/* A name that does not leave the plot: begun, ended, or in the middle of it. */
static void
put_lane_name(
    const struct state_problem *problem, double from, double end, int y)
{
	char name[LANE_NAME_MAX];
	const char *class = "lane-name middle";
	double x = (from + end) / 2;
	bool is_whole = text_copy(name, sizeof name, problem->result_type);

	if (from < 35) {
		class = "lane-name";
		x = from;
	} else if (end > 65) {
		class = "lane-name right";
		x = end;
	}
	(void)printf("<text class=\"%s\" x=\"%.3f%%\" y=\"%d\">", class, x, y);
	markup_text(stdout, name[0] != '\0' ? name : "failure of no type");
	(void)printf("%s, %s</text>\n", is_whole ? "" : "…",
	    problem_state_str(problem->episode.state));
}

static void
put_lane(
    const struct html_days *days, const struct state_problem *problem, int y)
{
	const struct episode *episode = &problem->episode;
	double from = moment_x(days, episode->since);
	double to = fmax(moment_x(days, episode->last + 1), from + 0.4);
	double end = episode->state == PROBLEM_RESOLVED
	    ? fmax(moment_x(days, episode->resolved), to)
	    : 100;

	put_lane_name(problem, from, end, y + 12);
	(void)printf("<line class=\"lane-after\" x1=\"%.3f%%\" x2=\"%.3f%%\" "
		     "y1=\"%d\" y2=\"%d\"/>\n"
		     "<rect class=\"lane %s\" x=\"%.3f%%\" width=\"%.3f%%\" "
		     "y=\"%d\" height=\"8\" rx=\"2\"/>\n",
	    to, end, y + 22, y + 22, severity_str(episode->severity), from,
	    to - from, y + 18);
}

/* Can it be seen in the plot? */
static bool
is_seen(const struct html_days *days, const struct episode *episode)
{
	int64_t end =
	    episode->state == PROBLEM_RESOLVED ? episode->resolved : INT64_MAX;

	return moment_x(days, episode->since) < 100 && moment_x(days, end) > 0;
}

/*
 * Those of the period, the open ones first. Returns how many pixels they take.
 */
static int
put_lanes(const struct html_page *page, int y, bool is_printing)
{
	const struct html_problems *all[] = { &page->open, &page->stale,
		&page->resolved };
	size_t count = 0;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		for (size_t j = 0; j < all[i]->count && count < HTML_LANES_MAX;
		     j++) {
			if (!is_seen(
				&page->days, &all[i]->row[j].problem.episode))
				continue;
			if (is_printing)
				put_lane(&page->days, &all[i]->row[j].problem,
				    y + LANE * (int)count);
			count++;
		}
	}
	return LANE * (int)count;
}

static void
put_panel_name(const char *name, const char *note, int y)
{
	(void)printf("<text class=\"panel\" x=\"0\" y=\"%d\">%s "
		     "<tspan class=\"note\">%s</tspan></text>\n",
	    y, name, note);
}

void
html_plot_days(const struct html_page *page)
{
	const struct html_days *days = &page->days;
	struct scale scale = scale_for(days);
	int lanes = put_lanes(page, 0, false);
	double top;

	html_put_svg("days", lanes > 0 ? LANES_TOP + 10 + lanes : DATES + 10,
	    "Failure rate and sessions by day");
	(void)printf("Above, a dot for each %s at its failure rate on a "
		     "logarithmic scale; below, a bar for its sessions; then "
		     "how long each problem lasted. The table has the "
		     "numbers.</desc>\n"
		     "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" "
		     "patternUnits=\"userSpaceOnUse\" "
		     "patternTransform=\"rotate(45)\"><line class=\"hatch\" "
		     "x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs>\n",
	    days->step == 1 ? "day" : "time");
	put_gaps(days);
	put_panel_name("Failure rate", "logarithmic", 14);
	put_rate_axis(page, &scale);
	put_panel_name("Sessions", "", SESSIONS_TOP - 14);
	top = put_sessions_axis(days);
	put_dates(days);
	for (size_t i = 0; i < days->count; i++)
		put_slot(page, i, &scale, top);
	if (lanes > 0)
		put_panel_name("Problems", "from the first to the last failure",
		    LANES_TOP);
	(void)put_lanes(page, LANES_TOP + 6, true);
	(void)fputs("</svg>\n", stdout);
}
