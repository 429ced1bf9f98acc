/*
 * ledger: a state in a directory of the test's own, reports for it, and all
 * that it says as a text.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "state.h"
#include "status.h"

enum {
	LEDGER_DAY0 = 20000, /* 2024-10-04 */
	LEDGER_TEXT_MAX = 1 << 20
};

/* All of it is of one test, whose process is its own. */
extern struct ledger {
	char path[600]; /* of the state */
	struct conf *conf;
	struct state *state;
	struct fault fault;
	size_t evidence_max;       /* to be set before it is opened */
	unsigned evidence_ms;      /* likewise */
	unsigned records;          /* each added text is of another one */
	enum rank rank;            /* of a text that is added */
	uint64_t seed;             /* of what is drawn */
	char told[4096];           /* by ledger_events, one behind another */
	struct state_problem last; /* that was told of */
	char said[65536];          /* a line each */
} ledger;

/* For Check: an empty state is open. */
void ledger_setup(void);
void ledger_teardown(void);
void ledger_open(void);

/* When a day begins. */
int64_t ledger_at(int64_t day);

/* A report of a day by a sender: one policy of each type that is named. */
struct ledger_report {
	const char *sender;
	int64_t day;
	unsigned successful;
	unsigned failed;   /* of certificate-expired, at each of the hosts */
	const char *types; /* or NULL, as the others: "sts" */
	const char *id;
	const char *contact;
	const char *domain; /* d.example */
	const char *host;   /* "mx": at mx0, mx1 and so on; at mx1.example */
	unsigned hosts;     /* if there is a host: how many */
	enum rank rank;
	unsigned late; /* seconds that it was received later, by itself */
};

/* Add a text that was received at a time; the path of the last record. */
enum status
ledger_add(const char *text, int64_t received, enum state_added *added);
void ledger_name(char out[STATE_PATH_MAX]);

/*
 * Add a report, received at a time, or else the day after; the last fails the
 * test if it is refused.
 */
enum status ledger_try_at(const struct ledger_report *report, int64_t received,
    enum state_added *added);
enum status
ledger_try(const struct ledger_report *report, enum state_added *added);
enum state_added ledger_give(const struct ledger_report *report);

/* They write into ledger.told. */
extern const struct state_events ledger_events;

/* They add a line to ledger.said, for state_problems() and so on. */
bool ledger_say_sum(void *ctx, const struct state_sum *sum);
bool ledger_say_problem(void *ctx, const struct state_problem *problem);
bool ledger_say_reporter(void *ctx, const struct state_reporter *reporter);

/* Everything that can be asked, in ledger.said. */
void ledger_say_all(int64_t now);

/* Names to draw from, and a number below another. */
extern const char *const ledger_senders[3];
uint64_t ledger_draw(uint64_t below);

#define ck_said(want)                                                          \
	ck_assert_msg(strstr(ledger.said, (want)) != NULL, "\"%s\" in\n%s",    \
	    want, ledger.said)

#endif
