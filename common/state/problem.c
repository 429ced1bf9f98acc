#include "problem.h"

#include <stdlib.h>
#include <string.h>

#include "member.h"
#include "text.h"

const char *
problem_state_str(enum problem_state state)
{
	switch (state) {
	case PROBLEM_NONE:
		break;
	case PROBLEM_OPEN:
		return "open";
	case PROBLEM_RESOLVED:
		return "resolved";
	case PROBLEM_STALE:
		return "stale";
	}
	return "none";
}

const char *
problem_change_str(enum problem_change change)
{
	switch (change) {
	case PROBLEM_SAME:
		break;
	case PROBLEM_OPENED:
		return "problem-opened";
	case PROBLEM_WORSE:
		return "problem-worse";
	case PROBLEM_IS_RESOLVED:
		return "problem-resolved";
	case PROBLEM_IS_STALE:
		return "problem-stale";
	}
	return "";
}

bool
problem_is_noise(uint64_t sessions, const char *contact_info)
{
	if (sessions > PROBLEM_NOISE_SESSIONS)
		return false;
	if (contact_info == NULL || contact_info[0] == '\0')
		return true;
	if (text_iprefix(contact_info, "mailto:"))
		contact_info += strlen("mailto:");
	return text_iprefix(contact_info, "postmaster@");
}

/*
 * Ranges and orders.
 */

/* Behind the last second of a range: see problem.h. */
static int64_t
behind(int64_t end)
{
	return end % 60 == 59 ? end + 1 : end;
}

static int64_t
last_second(const struct sighting *s)
{
	return s->end > s->start ? s->end : s->start;
}

static int
compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_unsigned(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What is left to tell two sightings apart, so that any order is total. */
static int
compare_rest(const struct sighting *a, const struct sighting *b)
{
	int order = compare(a->end, b->end);

	if (order == 0)
		order = compare_unsigned(a->sessions, b->sessions);
	if (order == 0)
		order = compare_unsigned(a->failed, b->failed);
	if (order == 0)
		order = compare((int64_t)a->severity, (int64_t)b->severity);
	if (order == 0)
		order = (int)a->is_failing - (int)b->is_failing;
	if (order == 0)
		order = (int)a->is_noise - (int)b->is_noise;
	return order;
}

static int
by_time(const void *left, const void *right)
{
	const struct sighting *a = left, *b = right;
	int order = compare(a->start, b->start);

	if (order == 0)
		order = compare(a->reporter, b->reporter);
	return order != 0 ? order : compare_rest(a, b);
}

static int
by_reporter(const void *left, const void *right)
{
	const struct sighting *a = left, *b = right;
	int order = compare(a->reporter, b->reporter);

	if (order == 0)
		order = compare(a->start, b->start);
	return order != 0 ? order : compare_rest(a, b);
}

/*
 * The evidence, in the two orders that are needed, and what is being made of
 * it. One episode grows at a time, and reporters are those of that one.
 */
struct history {
	const struct problem_limits *limits;
	int64_t now;
	struct sighting *all; /* by reporter */
	size_t count;
	struct sighting *failing; /* by time, without noise */
	size_t failing_count;
	int64_t *reporters; /* ascending */
	size_t reporters_count;
	struct episode *episodes;
	size_t n;
};

/* The first sighting of a reporter. */
static size_t
find_reporter(const struct history *h, int64_t reporter)
{
	size_t low = 0, high = h->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->all[middle].reporter < reporter)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Note a reporter of the episode. */
static void
add_reporter(struct history *h, int64_t reporter)
{
	size_t low = 0, high = h->reporters_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->reporters[middle] < reporter)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < h->reporters_count && h->reporters[low] == reporter)
		return;
	memmove(h->reporters + low + 1, h->reporters + low,
	    (h->reporters_count - low) * sizeof *h->reporters);
	h->reporters[low] = reporter;
	h->reporters_count++;
}

/*
 * When one reporter's clean ranges have covered resolve_after seconds behind
 * the time last; INT64_MAX when they have not. Ranges come by their start, so
 * that the union grows at its end only.
 */
static int64_t
covered_at(const struct history *h, int64_t reporter, int64_t last)
{
	int64_t left =
	    h->limits->resolve_after > 0 ? h->limits->resolve_after : 1;
	int64_t at = last;

	for (size_t i = find_reporter(h, reporter);
	     i < h->count && h->all[i].reporter == reporter; i++) {
		const struct sighting *s = &h->all[i];
		int64_t end = behind(last_second(s));

		if (s->is_failing || s->sessions == 0 || end <= at)
			continue;
		if (s->start > at)
			at = s->start;
		if (end - at >= left)
			return at + left;
		left -= end - at;
		at = end;
	}
	return INT64_MAX;
}

/* When the episode that grows is resolved by what is known. */
static int64_t
resolved_at(const struct history *h, const struct episode *episode)
{
	int64_t first = INT64_MAX, last = behind(episode->last);

	for (size_t i = 0; i < h->reporters_count; i++) {
		int64_t at = covered_at(h, h->reporters[i], last);

		if (at < first)
			first = at;
	}
	return first;
}

/* The end of the newest range of the episode's reporters. */
static int64_t
newest_of(const struct history *h)
{
	int64_t newest = INT64_MIN;

	for (size_t i = 0; i < h->reporters_count; i++) {
		int64_t reporter = h->reporters[i];

		for (size_t k = find_reporter(h, reporter);
		     k < h->count && h->all[k].reporter == reporter; k++) {
			if (last_second(&h->all[k]) > newest)
				newest = last_second(&h->all[k]);
		}
	}
	return newest;
}

enum problem_state
problem_state_at(const struct episode *episode,
    const struct problem_limits *limits, int64_t now)
{
	if (episode->resolved != INT64_MAX)
		return PROBLEM_RESOLVED;
	return now - behind(episode->newest) >= limits->stale_after
	    ? PROBLEM_STALE
	    : PROBLEM_OPEN;
}

/* No more failures belong to it. */
static void
finish(struct history *h)
{
	struct episode *e = &h->episodes[h->n - 1];

	e->reporters = h->reporters_count;
	e->has_opened = e->has_opened || h->reporters_count > 1;
	e->resolved = resolved_at(h, e);
	e->newest = e->resolved != INT64_MAX ? e->resolved : newest_of(h);
	e->state = problem_state_at(e, h->limits, h->now);
}

static void
begin(struct history *h, const struct sighting *s)
{
	h->reporters_count = 0;
	h->episodes[h->n++] = (struct episode){
		.since = s->start,
		.last = last_second(s),
		.resolved = INT64_MAX,
		.severity = s->severity,
	};
}

static int64_t
day_of(int64_t time)
{
	return time >= 0 ? time / PROBLEM_DAY
			 : -((-time + PROBLEM_DAY - 1) / PROBLEM_DAY);
}

/* A failure belongs to the episode that grows. */
static void
join(struct history *h, const struct sighting *s)
{
	struct episode *e = &h->episodes[h->n - 1];

	if (last_second(s) > e->last)
		e->last = last_second(s);
	if (s->severity < e->severity)
		e->severity = s->severity;
	e->sessions = count_add(e->sessions, s->sessions);
	e->failed = count_add(e->failed, s->failed);
	e->sightings++;
	/* Failures come by their start: the first is that of since. */
	e->has_opened = e->has_opened || e->severity <= SEV_WARNING ||
	    day_of(s->start) != day_of(e->since);
	add_reporter(h, s->reporter);
}

/* Was the episode that grows resolved before a time? */
static bool
is_resolved_by(const struct history *h, int64_t time)
{
	const struct episode *e = &h->episodes[h->n - 1];

	/* Most failures follow each other closely: no need to look. */
	if (time - behind(e->last) < h->limits->resolve_after)
		return false;
	return resolved_at(h, e) <= time;
}

static void
make_episodes(struct history *h)
{
	for (size_t i = 0; i < h->failing_count; i++) {
		const struct sighting *s = &h->failing[i];

		if (h->n > 0 && is_resolved_by(h, s->start))
			finish(h);
		else if (h->n > 0) {
			join(h, s);
			continue;
		}
		begin(h, s);
		join(h, s);
	}
	if (h->n > 0)
		finish(h);
}

/* Copy and sort; false when there is no memory. */
static bool
prepare(struct history *h, const struct sighting *sightings, size_t count)
{
	h->all = calloc(count, sizeof *h->all);
	h->failing = calloc(count, sizeof *h->failing);
	h->reporters = calloc(count, sizeof *h->reporters);
	h->episodes = calloc(count, sizeof *h->episodes);
	if (h->all == NULL || h->failing == NULL || h->reporters == NULL ||
	    h->episodes == NULL)
		return false;
	memcpy(h->all, sightings, count * sizeof *h->all);
	h->count = count;
	for (size_t i = 0; i < count; i++) {
		if (sightings[i].is_failing && !sightings[i].is_noise)
			h->failing[h->failing_count++] = sightings[i];
	}
	qsort(h->all, count, sizeof *h->all, by_reporter);
	qsort(h->failing, h->failing_count, sizeof *h->failing, by_time);
	return true;
}

enum status
problem_episodes(const struct sighting *sightings, size_t count,
    const struct problem_limits *limits, int64_t now, struct episode **episodes,
    size_t *n)
{
	struct history h = { .limits = limits, .now = now };
	bool is_prepared;

	*episodes = NULL;
	*n = 0;
	if (count == 0)
		return ST_OK;
	is_prepared = prepare(&h, sightings, count);
	if (is_prepared)
		make_episodes(&h);
	free(h.all);
	free(h.failing);
	free(h.reporters);
	if (h.n == 0) {
		free(h.episodes);
		return is_prepared ? ST_OK : ST_NO_MEMORY;
	}
	*episodes = h.episodes;
	*n = h.n;
	return ST_OK;
}

enum problem_change
problem_compare(const struct episode *before, const struct episode *after)
{
	bool is_next;

	if (after == NULL || !after->has_opened)
		return PROBLEM_SAME;
	if (before != NULL && !before->has_opened)
		before = NULL;
	is_next = before == NULL || after->since > before->last;
	if (!is_next && before->state == after->state)
		return after->state == PROBLEM_OPEN &&
			after->severity < before->severity
		    ? PROBLEM_WORSE
		    : PROBLEM_SAME;
	/* A reporter is back and has not yet said enough. */
	if (!is_next && before->state == PROBLEM_STALE &&
	    after->state == PROBLEM_OPEN && after->last <= before->last)
		return PROBLEM_SAME;
	switch (after->state) {
	case PROBLEM_NONE:
		break;
	case PROBLEM_OPEN:
		return PROBLEM_OPENED;
	case PROBLEM_RESOLVED:
		return PROBLEM_IS_RESOLVED;
	case PROBLEM_STALE:
		return PROBLEM_IS_STALE;
	}
	return PROBLEM_SAME;
}
