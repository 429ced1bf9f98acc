/*
 * htmlgather: what the page shows, asked of the index.
 */
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "text.h"

enum {
	DAYS_MIN = 28, /* that the plot has, though reports are younger */
	WEEK = 7
};

static void
add_sum(struct state_sum *to, const struct state_sum *sum)
{
	to->reports += sum->reports;
	to->successful += sum->successful;
	to->failed += sum->failed;
}

static bool
take_sum(void *ctx, const struct state_sum *sum)
{
	struct html_list *list = ctx;

	if (sum->reports == 0)
		return true;
	if (list->count < HTML_ROWS_MAX) {
		list->row[list->count++] = *sum;
		return true;
	}
	add_sum(&list->rest, sum);
	list->more++;
	return true;
}

/*
 * Days.
 */

/* The plot: [first, behind) in days since 1970. */
struct span {
	struct html_page *page;
	int64_t first;
	int64_t behind;
};

/* The first day of the slot of so many days that a day is in; a Monday. */
static int64_t
slot_start(int64_t day, int64_t step)
{
	return day - (day + 3) % step;
}

/* Single days as long as there is room, else weeks, four weeks and so on. */
static void
lay_out(struct html_days *days, int64_t first, int64_t behind)
{
	int64_t start = first;

	days->step = 1;
	while (
	    (behind - start + days->step - 1) / days->step > HTML_SLOTS_MAX) {
		days->step = days->step == 1 ? WEEK : 4 * days->step;
		start = slot_start(first, days->step);
	}
	days->count = (size_t)((behind - start + days->step - 1) / days->step);
	for (size_t i = 0; i < days->count; i++)
		days->slot[i].day = start + (int64_t)i * days->step;
}

/* Called with the oldest day first. */
static bool
take_day(void *ctx, const struct state_sum *sum)
{
	struct span *span = ctx;
	struct html_page *page = span->page;
	struct html_days *days = &page->days;
	struct html_slot *slot;
	int64_t time, day, i;

	if (!index_read_time(sum->name, page->index->now, &time))
		return true;
	day = time / PROBLEM_DAY;
	page->reports += sum->reports;
	page->totals.successful += sum->successful;
	page->totals.failed += sum->failed;
	/* The time before the first report is of no interest. */
	if (days->count == 0) {
		if (span->first < span->behind - DAYS_MIN)
			span->first = day < span->behind - DAYS_MIN
			    ? day
			    : span->behind - DAYS_MIN;
		lay_out(days, span->first, span->behind);
	}
	i = (day - days->slot[0].day) / days->step;
	if (i < 0 || i >= (int64_t)days->count)
		return true;
	slot = &days->slot[i];
	slot->reports += sum->reports;
	slot->totals.successful += sum->successful;
	slot->totals.failed += sum->failed;
	return true;
}

static enum status
gather_days(struct html_page *page, const struct state_query *query,
    struct fault *fault)
{
	int64_t today = page->index->now / PROBLEM_DAY;
	struct span span = {
		.page = page,
		.first = query->since / PROBLEM_DAY,
		.behind = query->until / PROBLEM_DAY,
	};
	struct html_days *days = &page->days;
	enum status st;

	if (span.behind > today + 1)
		span.behind = today + 1;
	if (span.behind <= span.first)
		span.behind = span.first + 1;
	st = state_sums(
	    page->index->state, STATE_BY_DAY, query, take_day, &span, fault);
	if (st != ST_OK)
		return st;
	if (days->count == 0) {
		if (span.first < span.behind - DAYS_MIN)
			span.first = span.behind - DAYS_MIN;
		lay_out(days, span.first, span.behind);
	}
	/* Most reports on today come tomorrow: no gap worth a look. */
	if (days->step == 1 && days->count > 1 &&
	    days->slot[days->count - 1].day == today &&
	    days->slot[days->count - 1].reports == 0)
		days->count--;
	return ST_OK;
}

/*
 * Problems.
 */

static bool
take_problem(void *ctx, const struct state_problem *problem)
{
	struct html_page *page = ctx;
	const struct episode *episode = &problem->episode;
	struct html_problems *problems = &page->open;
	int64_t since = page->index->since;

	if (episode->state == PROBLEM_STALE) {
		problems = &page->stale;
	} else if (episode->state == PROBLEM_RESOLVED) {
		problems = &page->resolved;
		if (episode->resolved < since - since % PROBLEM_DAY ||
		    episode->resolved >= page->index->until)
			return true;
	}
	if (problems->count == HTML_ROWS_MAX)
		problems->more++;
	else
		problems->row[problems->count++].problem = *problem;
	return true;
}

static bool
take_name(void *ctx, const struct state_reporter *reporter)
{
	struct html_problem *row = ctx;

	if (row->count == HTML_NAMES_MAX) {
		row->more++;
		return true;
	}
	(void)text_copy(row->reporter[row->count++], STATE_NAME_MAX,
	    reporter->organization_name);
	return true;
}

static enum status
gather_names(
    struct html_page *page, struct html_problems *problems, struct fault *fault)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < problems->count; i++)
		st = state_problem_reporters(page->index->state,
		    &problems->row[i].problem, take_name, &problems->row[i],
		    fault);
	return st;
}

static enum status
gather_problems(struct html_page *page, struct fault *fault)
{
	const struct index *index = page->index;
	enum status st = state_problems(index->state, index->domain, true,
	    index->now, take_problem, page, fault);

	if (st == ST_OK)
		st = gather_names(page, &page->open, fault);
	if (st == ST_OK)
		st = gather_names(page, &page->stale, fault);
	return st;
}

/*
 * Reporters.
 */

bool
html_is_silent(
    const struct html_page *page, const struct state_reporter *reporter)
{
	return page->index->now - reporter->newest >=
	    page->index->options.silent_after;
}

/* When there are too many, the one with the fewest reports gives way. */
static bool
take_reporter(void *ctx, const struct state_reporter *reporter)
{
	struct html_page *page = ctx;
	struct html_reporters *all = &page->reporters;
	size_t least = 0;

	if (reporter->newest > all->newest)
		all->newest = reporter->newest;
	if (reporter->newest >= page->index->since &&
	    html_is_silent(page, reporter))
		all->silent++;
	if (all->count < HTML_ROWS_MAX) {
		all->row[all->count++] = *reporter;
		return true;
	}
	all->more++;
	for (size_t i = 1; i < all->count; i++) {
		if (all->row[i].reports < all->row[least].reports)
			least = i;
	}
	if (all->row[least].reports < reporter->reports)
		all->row[least] = *reporter;
	return true;
}

static int
compare_reporters(const void *a, const void *b)
{
	const struct state_reporter *one = a, *other = b;

	if (one->newest != other->newest)
		return one->newest < other->newest ? -1 : 1;
	return strcmp(one->organization_name, other->organization_name);
}

enum status
html_gather(
    struct html_page *page, const struct index *index, struct fault *fault)
{
	const struct state_query query = { index->since, index->until,
		index->domain };
	const struct {
		enum state_by by;
		struct html_list *list;
	} lists[] = {
		{ STATE_BY_DOMAIN, &page->domains },
		{ STATE_BY_MX, &page->mxs },
		{ STATE_BY_SENDER, &page->senders },
		{ STATE_BY_RESULT_TYPE, &page->result_types },
	};
	enum status st;

	page->index = index;
	st = gather_days(page, &query, fault);
	for (size_t i = 0; st == ST_OK && i < sizeof lists / sizeof lists[0];
	     i++)
		st = state_sums(index->state, lists[i].by, &query, take_sum,
		    lists[i].list, fault);
	if (st == ST_OK)
		st = gather_problems(page, fault);
	if (st == ST_OK)
		st = state_reporters(index->state, take_reporter, page, fault);
	qsort(page->reporters.row, page->reporters.count,
	    sizeof page->reporters.row[0], compare_reporters);
	return st;
}
