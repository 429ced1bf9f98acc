#include <check.h>
#include <stdio.h>
#include <string.h>

#include "news.h"
#include "suites.h"
#include "unit.h"

enum {
	DAY = 2000
};

static struct news news;

static void
setup(void)
{
	news_init(&news, DAY);
}

static struct state_problem
make_problem(const char *mx, enum severity severity)
{
	struct state_problem problem = {
		.policy_domain = "d.example",
		.policy_type = "sts",
		.result_type = "certificate-expired",
		.episode = { .severity = severity },
	};

	(void)snprintf(problem.receiving_mx_hostname,
	    sizeof problem.receiving_mx_hostname, "%s", mx);
	return problem;
}

static bool
take(const char *mx, enum problem_change change, enum severity severity,
    uint64_t now)
{
	struct state_problem problem = make_problem(mx, severity);
	struct event ev;

	event_problem(&ev, change, &problem);
	return news_take(&news, &ev, now);
}

START_TEST(a_state_is_told_once)
{
	ck_assert(take("mx1", PROBLEM_OPENED, SEV_WARNING, 1));
	ck_assert(!take("mx1", PROBLEM_OPENED, SEV_WARNING, 2));
	ck_assert(!take("mx1", PROBLEM_WORSE, SEV_WARNING, 3));
	/* It is worse, and then no worse. */
	ck_assert(take("mx1", PROBLEM_WORSE, SEV_ERR, 4));
	ck_assert(!take("mx1", PROBLEM_OPENED, SEV_ERR, 5));
	ck_assert(!take("mx1", PROBLEM_OPENED, SEV_WARNING, 6));
	ck_assert(take("mx1", PROBLEM_IS_RESOLVED, SEV_ERR, 7));
	ck_assert(!take("mx1", PROBLEM_IS_RESOLVED, SEV_ERR, 8));
	/* What was told last must be true: it is open again. */
	ck_assert(take("mx1", PROBLEM_OPENED, SEV_WARNING, 9));
	ck_assert(take("mx1", PROBLEM_IS_STALE, SEV_WARNING, 10));
	ck_assert(!take("mx1", PROBLEM_IS_STALE, SEV_WARNING, 11));
}
END_TEST

START_TEST(a_day_later_it_is_news_again)
{
	ck_assert(take("mx1", PROBLEM_OPENED, SEV_WARNING, 1));
	ck_assert(!take("mx1", PROBLEM_OPENED, SEV_WARNING, DAY));
	ck_assert(take("mx1", PROBLEM_OPENED, SEV_WARNING, DAY + 1));
	ck_assert(!take("mx1", PROBLEM_OPENED, SEV_WARNING, 2 * DAY));
}
END_TEST

/* Each of the four names of a problem counts, and a reporter's. */
START_TEST(what_it_is_about)
{
	struct state_reporter reporter = { .organization_name = "G" };
	struct state_problem problem = make_problem("", SEV_ERR);
	struct event ev;

	ck_assert(take("mx1", PROBLEM_OPENED, SEV_ERR, 1));
	ck_assert(take("mx2", PROBLEM_OPENED, SEV_ERR, 1));
	ck_assert(take("", PROBLEM_OPENED, SEV_ERR, 1));
	event_problem(&ev, PROBLEM_OPENED, &problem);
	ck_assert(!news_take(&news, &ev, 1));
	problem.policy_domain[0] = 'e';
	ck_assert(news_take(&news, &ev, 1));
	problem.policy_type[0] = 't';
	event_problem(&ev, PROBLEM_OPENED, &problem);
	ck_assert(news_take(&news, &ev, 1));
	problem.result_type[0] = '\0';
	event_problem(&ev, PROBLEM_OPENED, &problem);
	ck_assert(news_take(&news, &ev, 1));
	/* A name does not run over into the next. */
	memcpy(problem.policy_type, "", 1);
	memcpy(problem.result_type, "tts", 4);
	event_problem(&ev, PROBLEM_OPENED, &problem);
	ck_assert(news_take(&news, &ev, 1));

	event_silent(&ev, &reporter);
	ck_assert(news_take(&news, &ev, 1));
	ck_assert(!news_take(&news, &ev, 1));
	reporter.organization_name[0] = 'H';
	ck_assert(news_take(&news, &ev, 1));
}
END_TEST

START_TEST(other_events_are_always_news)
{
	struct event ev;

	event_init(&ev, "error", SEV_ERR);
	ck_assert(news_take(&news, &ev, 1));
	ck_assert(news_take(&news, &ev, 1));
	ck_assert_ptr_null(news.item[0].state);
}
END_TEST

/* Of more than can be remembered, those told longest ago are forgotten. */
START_TEST(there_is_a_bound)
{
	char mx[20];

	for (int i = 0; i < NEWS_MAX + 1; i++) {
		(void)snprintf(mx, sizeof mx, "mx%d", i);
		ck_assert(
		    take(mx, PROBLEM_OPENED, SEV_ERR, 1 + (uint64_t)i / 8));
	}
	for (int i = 8; i < NEWS_MAX + 1; i++) {
		(void)snprintf(mx, sizeof mx, "mx%d", i);
		ck_assert(!take(mx, PROBLEM_OPENED, SEV_ERR, NEWS_MAX));
	}
	ck_assert(take("mx0", PROBLEM_OPENED, SEV_ERR, NEWS_MAX));
}
END_TEST

Suite *
news_suite(void)
{
	Suite *suite = suite_create("news");
	TCase *tc = tcase_create("news");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_state_is_told_once);
	tcase_add_test(tc, a_day_later_it_is_news_again);
	tcase_add_test(tc, what_it_is_about);
	tcase_add_test(tc, other_events_are_always_news);
	tcase_add_test(tc, there_is_a_bound);
	suite_add_tcase(suite, tc);
	return suite;
}
