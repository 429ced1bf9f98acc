/*
 * html: the page that "tlsrpt html" prints. Everything is gathered first and
 * printed then, so that trouble with the index leaves no half page. What is
 * gathered is bounded, whatever reports hold; what is over a bound is summed.
 */
#ifndef HTML_H
#define HTML_H

#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "state.h"

enum {
	HTML_ROWS_MAX = 50,   /* of a table */
	HTML_BARS_MAX = 12,   /* of a plot */
	HTML_SLOTS_MAX = 120, /* days, or weeks and so on when there are more */
	HTML_NAMES_MAX = 12,  /* reporters of one problem */
	HTML_LANES_MAX = 8    /* problems below the plot of days */
};

/* Sums by domain, MX and so on: the first rows, and what the others make. */
struct html_list {
	struct state_sum row[HTML_ROWS_MAX];
	size_t count;
	struct state_sum rest;
	uint64_t more; /* how many are in rest */
};

/* Sums of a day, or of step days, from the first of them on. */
struct html_slot {
	int64_t day; /* days since 1970 */
	uint64_t reports;
	struct totals totals;
};

struct html_days {
	struct html_slot slot[HTML_SLOTS_MAX];
	size_t count;
	int64_t step;
};

struct html_problem {
	struct state_problem problem;
	char reporter[HTML_NAMES_MAX][STATE_NAME_MAX];
	size_t count;
	uint64_t more;
};

struct html_problems {
	struct html_problem row[HTML_ROWS_MAX];
	size_t count;
	uint64_t more;
};

/*
 * Reporters of any domain: those that sent the most reports, the one silent the
 * longest first.
 */
struct html_reporters {
	int64_t newest;  /* of all */
	uint64_t silent; /* since a day of the period */
	struct state_reporter row[HTML_ROWS_MAX];
	size_t count;
	uint64_t more;
};

struct html_page {
	const struct index *index;
	struct totals totals;
	uint64_t reports;
	struct html_days days;
	struct html_list domains;
	struct html_list mxs;
	struct html_list senders;
	struct html_list result_types;
	struct html_problems open;
	struct html_problems stale;
	struct html_problems resolved; /* in the period */
	struct html_reporters reporters;
};

/* Fill a page that is all zero from the index, which is open. */
enum status html_gather(
    struct html_page *page, const struct index *index, struct fault *fault);

/* Has nothing come for SilentAfter? */
bool html_is_silent(
    const struct html_page *page, const struct state_reporter *reporter);

/*
 * Printing to standard output. The plot of days: failure rate, sessions, and
 * below them how long problems lasted.
 */
void html_plot_days(const struct html_page *page);

/*
 * Horizontal bars of a list, for a list whose sessions are known those and the
 * failure rate, else the failed sessions. id is a word that no other plot of
 * the page has; title says what it shows.
 */
void html_plot_list(const struct html_list *list, const char *id,
    const char *title, bool has_sessions);

/* The problems that are open, stale, and resolved, each a section. */
void html_put_problems(const struct html_page *page);

/* The tables behind the plots, and that of the reporters. */
void html_table_days(const struct html_page *page);
void html_table_list(const struct html_list *list, const char *caption,
    const char *heading, bool has_sessions);
void html_table_reporters(const struct html_page *page);

/*
 * Begin an SVG image with its title, and with its description, which the caller
 * prints and ends. id is a word of its own.
 */
void html_put_svg(const char *id, int height, const char *title);

/* The style sheet. */
void html_put_style(void);

/* A day, as <time>2026-02-12</time>, and alone. */
void html_put_day(int64_t time);

/* A rate in percent. */
void html_put_rate(double percent);

/* "12 reports", "1 report". */
void html_put_plural(uint64_t count, const char *noun);

#endif
