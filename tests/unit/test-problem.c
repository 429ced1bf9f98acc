#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "problem.h"
#include "suites.h"
#include "unit.h"

enum {
	SIGHTINGS_MAX = 400,
	SHUFFLES = 20
};

static const struct problem_limits limits = { PROBLEM_RESOLVE_AFTER,
	PROBLEM_STALE_AFTER };

/*
 * A history is written as words "REPORTER DAY KIND", without spaces between:
 * f fails at notice, w at warning, e at err, n is loop noise; c is clean, z is
 * clean without sessions. "+H" shifts the range by hours. Ten sessions each,
 * one of them failed.
 */
static size_t
read_history(const char *text, struct sighting *out)
{
	size_t n = 0;

	while (*text != '\0') {
		char *end;
		int64_t reporter = *text++;
		int64_t day = strtol(text, &end, 10);
		char kind = *end++;
		int64_t shift = *end == '+' ? strtol(end, &end, 10) * 3600 : 0;

		ck_assert_uint_lt(n, SIGHTINGS_MAX);
		out[n++] = (struct sighting){
			.reporter = reporter,
			.start = day * PROBLEM_DAY + shift,
			.end = (day + 1) * PROBLEM_DAY - 1 + shift,
			.sessions = kind == 'z' ? 0 : 10,
			.failed = strchr("fwen", kind) != NULL,
			.severity = kind == 'w'          ? SEV_WARNING
			    : kind == 'e'                ? SEV_ERR
			    : kind == 'c' || kind == 'z' ? SEV_INFO
							 : SEV_NOTICE,
			.is_failing = strchr("fwen", kind) != NULL,
			.is_noise = kind == 'n',
		};
		text = end + strspn(end, " ");
	}
	return n;
}

/* "STATE FIRST-LAST RxREPORTERS FAILED", in brackets if it has not opened. */
static void
print_episodes(const struct episode *e, size_t n, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(out);

		(void)snprintf(out + len, size - len,
		    "%s%s%s %lld-%lld by %llu failed %llu %s%s",
		    i > 0 ? ", " : "", e[i].has_opened ? "" : "(",
		    problem_state_str(e[i].state),
		    (long long)(e[i].since / PROBLEM_DAY),
		    (long long)(e[i].last / PROBLEM_DAY),
		    (unsigned long long)e[i].reporters,
		    (unsigned long long)e[i].failed,
		    severity_str(e[i].severity), e[i].has_opened ? "" : ")");
	}
}

static void
judge(const struct sighting *s, size_t n, int64_t now, char *out, size_t size)
{
	struct episode *episodes;
	size_t count;

	ck_status("episodes",
	    problem_episodes(s, n, &limits, now, &episodes, &count), ST_OK);
	print_episodes(episodes, count, out, size);
	free(episodes);
}

static const struct {
	const char *name;
	const char *history;
	int64_t now; /* a day, at its end */
	const char *want;
} histories[] = {
	{ "nothing", "", 1, "" },
	{ "clean", "A1c A2c A3c", 4, "" },
	{ "once at notice", "A1f", 2, "(open 1-1 by 1 failed 1 notice)" },
	{ "at warning", "A1w", 2, "open 1-1 by 1 failed 1 warning" },
	{ "at err", "A1e", 2, "open 1-1 by 1 failed 1 err" },
	{ "two reporters", "A1f B1f", 2, "open 1-1 by 2 failed 2 notice" },
	{ "one, two reports", "A1f A1f+2", 2,
	    "(open 1-2 by 1 failed 2 notice)" },
	{ "two days", "A1f A2f", 2, "open 1-2 by 1 failed 2 notice" },
	{ "the worst counts", "A1w A2e A3f", 3, "open 1-3 by 1 failed 3 err" },
	{ "48 hours clean", "A1w A2c A3c", 4,
	    "resolved 1-1 by 1 failed 1 warning" },
	{ "24 hours clean", "A1w A2c", 3, "open 1-1 by 1 failed 1 warning" },
	{ "clean with a gap", "A1w A2c A5c", 5,
	    "resolved 1-1 by 1 failed 1 warning" },
	{ "overlap counts once", "A1w A2c A2c+12", 4,
	    "open 1-1 by 1 failed 1 warning" },
	{ "overlap adds up", "A1w A2c A2c+12 A3c+12", 4,
	    "resolved 1-1 by 1 failed 1 warning" },
	{ "partly before the end", "A1w A1c+12 A2c+12", 4,
	    "open 1-1 by 1 failed 1 warning" },
	{ "no sessions", "A1w A2z A3z A4z", 5,
	    "open 1-1 by 1 failed 1 warning" },
	{ "clean before", "A1c A2c A3w", 4, "open 3-3 by 1 failed 1 warning" },
	{ "others do not resolve", "A1w B2c B3c B4c", 5,
	    "open 1-1 by 1 failed 1 warning" },
	{ "half each", "A1w B1w A2c B3c", 4, "open 1-1 by 2 failed 2 warning" },
	{ "one of two resolves", "A1w B1w B2c B3c", 4,
	    "resolved 1-1 by 2 failed 2 warning" },
	{ "the other goes on", "A1w B1w A2c B2w A3c B3w", 4,
	    "open 1-3 by 2 failed 4 warning" },
	{ "again", "A1w A2c A3c A4w", 5,
	    "resolved 1-1 by 1 failed 1 warning, open 4-4 by 1 failed 1 "
	    "warning" },
	{ "again by another", "A1w A2c A3c B9w", 9,
	    "resolved 1-1 by 1 failed 1 warning, open 9-9 by 1 failed 1 "
	    "warning" },
	{ "again too early", "A1w A2c A3w", 4,
	    "open 1-3 by 1 failed 2 warning" },
	{ "now and then opens nothing", "A1f A2c A3c A9f A10c A11c", 12,
	    "(resolved 1-1 by 1 failed 1 notice), (resolved 9-9 by 1 failed "
	    "1 notice)" },
	{ "stale", "A1w", 8, "stale 1-1 by 1 failed 1 warning" },
	{ "not yet stale", "A1w", 7, "open 1-1 by 1 failed 1 warning" },
	{ "a report without sessions", "A1w A5z", 8,
	    "open 1-1 by 1 failed 1 warning" },
	{ "others are not silent", "A1w B2c B3c B8c", 9,
	    "stale 1-1 by 1 failed 1 warning" },
	{ "one reporter is not", "A1w B1w B5c", 9,
	    "open 1-1 by 2 failed 2 warning" },
	{ "silent and back", "A1w A20w", 20,
	    "open 1-20 by 1 failed 2 warning" },
	{ "silent and well", "A1w A20c A21c", 22,
	    "resolved 1-1 by 1 failed 1 warning" },
	{ "resolved is not stale", "A1w A2c A3c", 90,
	    "resolved 1-1 by 1 failed 1 warning" },
	{ "noise opens nothing", "A1n A2n B1n", 3, "" },
	{ "noise does not prolong", "A1w A2c A3c A4n", 4,
	    "resolved 1-1 by 1 failed 1 warning" },
	{ "noise does not resolve", "A1w A2n A3n A4n", 4,
	    "open 1-1 by 1 failed 1 warning" },
	{ "noise is not silence", "A1w A6n", 9,
	    "open 1-1 by 1 failed 1 warning" },
};

START_TEST(episodes_of_histories)
{
	struct sighting s[SIGHTINGS_MAX];
	size_t n = read_history(histories[_i].history, s);
	char got[1024];

	judge(s, n, (histories[_i].now + 1) * PROBLEM_DAY, got, sizeof got);
	ck_string(histories[_i].name, got, histories[_i].want);
}
END_TEST

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static void
shuffle(struct sighting *s, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = draw(i);
		struct sighting other = s[i - 1];

		s[i - 1] = s[k];
		s[k] = other;
	}
}

static size_t
draw_history(struct sighting *s)
{
	size_t n = 1 + draw(60);

	for (size_t i = 0; i < n; i++) {
		int64_t start =
		    (int64_t)draw(30) * PROBLEM_DAY + (int64_t)draw(3) * 3600;
		bool is_failing = draw(3) == 0;

		s[i] = (struct sighting){
			.reporter = (int64_t)draw(4),
			.start = start,
			.end = start + (int64_t)draw(3) * 43200 - 1,
			.sessions = draw(5),
			.failed = is_failing ? draw(4) : 0,
			.severity = (enum severity)(3 + draw(4)),
			.is_failing = is_failing,
			.is_noise = is_failing && draw(6) == 0,
		};
	}
	return n;
}

/* Late and out of order: the same. */
START_TEST(order_plays_no_part)
{
	struct sighting s[SIGHTINGS_MAX];
	char want[8192], got[8192];
	int64_t now;
	size_t n;

	seed = UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)_i;
	n = draw_history(s);
	now = (int64_t)(20 + draw(20)) * PROBLEM_DAY;
	judge(s, n, now, want, sizeof want);
	for (int i = 0; i < SHUFFLES; i++) {
		shuffle(s, n);
		judge(s, n, now, got, sizeof got);
		ck_string("shuffled", got, want);
	}
}
END_TEST

/* What was resolved before a time is so whatever is known of later. */
START_TEST(what_is_past_stays)
{
	struct sighting s[SIGHTINGS_MAX], later[SIGHTINGS_MAX];
	struct episode *whole, *part;
	size_t n, m = 0, count, part_count;

	seed = UINT64_C(0xd1b54a32d192ed03) + (uint64_t)_i;
	n = draw_history(s);
	ck_status("whole",
	    problem_episodes(s, n, &limits, 60 * PROBLEM_DAY, &whole, &count),
	    ST_OK);
	for (size_t i = 0; i < n && count > 1; i++) {
		int64_t floor = whole[0].resolved;

		if (s[i].is_failing ? s[i].start >= floor : s[i].end >= floor)
			later[m++] = s[i];
	}
	ck_status("part",
	    problem_episodes(
		later, m, &limits, 60 * PROBLEM_DAY, &part, &part_count),
	    ST_OK);
	if (count > 1) {
		char want[8192], got[8192];

		print_episodes(whole + 1, count - 1, want, sizeof want);
		print_episodes(part, part_count, got, sizeof got);
		ck_string("later", got, want);
	}
	free(whole);
	free(part);
}
END_TEST

START_TEST(noise_is_told_by_size_and_contact)
{
	static const struct {
		uint64_t sessions;
		const char *contact;
		bool want;
	} rows[] = {
		{ 1, NULL, true },
		{ 2, "", true },
		{ 3, NULL, false },
		{ 1, "postmaster@mail.example", true },
		{ 1, "mailto:Postmaster@mail.example", true },
		{ 3, "postmaster@mail.example", false },
		{ 1, "smtp-tls-reporting@google.com", false },
		{ 1, "tls_support@corp.mail.ru", false },
		{ 0, NULL, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(problem_is_noise(rows[i].sessions,
				  rows[i].contact) == rows[i].want,
		    "row %zu", i);
}
END_TEST

START_TEST(changes_are_told)
{
	static const struct episode none = { .state = PROBLEM_OPEN },
				    open = { .state = PROBLEM_OPEN,
					    .has_opened = true,
					    .since = 10,
					    .last = 20,
					    .severity = SEV_WARNING },
				    later = { .state = PROBLEM_OPEN,
					    .has_opened = true,
					    .since = 10,
					    .last = 30,
					    .severity = SEV_WARNING },
				    worse = { .state = PROBLEM_OPEN,
					    .has_opened = true,
					    .since = 10,
					    .last = 30,
					    .severity = SEV_ERR },
				    resolved = { .state = PROBLEM_RESOLVED,
					    .has_opened = true,
					    .since = 10,
					    .last = 20 },
				    stale = { .state = PROBLEM_STALE,
					    .has_opened = true,
					    .since = 10,
					    .last = 20 },
				    next = { .state = PROBLEM_OPEN,
					    .has_opened = true,
					    .since = 50,
					    .last = 60,
					    .severity = SEV_WARNING };
	static const struct {
		const struct episode *before, *after;
		const char *want;
	} rows[] = {
		{ NULL, NULL, "" },
		{ NULL, &none, "" },
		{ NULL, &open, "problem-opened" },
		{ &none, &open, "problem-opened" },
		{ &open, &open, "" },
		{ &open, &later, "" },
		{ &open, &worse, "problem-worse" },
		{ &worse, &later, "" },
		{ &open, &resolved, "problem-resolved" },
		{ &open, &stale, "problem-stale" },
		{ &stale, &stale, "" },
		{ &stale, &open, "" },
		{ &stale, &later, "problem-opened" },
		{ &stale, &resolved, "problem-resolved" },
		{ &resolved, &resolved, "" },
		{ &resolved, &open, "problem-opened" },
		{ &resolved, &next, "problem-opened" },
		{ &open, &next, "problem-opened" },
		{ NULL, &resolved, "problem-resolved" },
		{ &open, NULL, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_string("change",
		    problem_change_str(
			problem_compare(rows[i].before, rows[i].after)),
		    rows[i].want);
}
END_TEST

Suite *
problem_suite(void)
{
	Suite *suite = suite_create("problem");
	TCase *tcase = tcase_create("problem");

	tcase_add_loop_test(
	    tcase, episodes_of_histories, 0, (int)ARRAY_LEN(histories));
	tcase_add_loop_test(tcase, order_plays_no_part, 0, 100);
	tcase_add_loop_test(tcase, what_is_past_stays, 0, 100);
	tcase_add_test(tcase, noise_is_told_by_size_and_contact);
	tcase_add_test(tcase, changes_are_told);
	suite_add_tcase(suite, tcase);
	return suite;
}
