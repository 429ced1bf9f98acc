/*
 * event: one line of the log as a list of named fields, before any printing.
 *
 * What a report, a policy and a failure consist of is named here and nowhere
 * else; logfmt, JSON, the journal and the text of "tlsrpt show" are printed
 * from the same fields. Names are RFC 8460's own member names.
 */
#ifndef EVENT_H
#define EVENT_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "assess.h"
#include "deviation.h"
#include "report.h"
#include "result.h"
#include "rfc3339.h"
#include "state.h"
#include "verdict.h"

enum {
	EVENT_FIELDS_MAX = 32
};

enum field_type {
	FIELD_STRING,
	FIELD_TIME, /* a string that is held in the field */
	FIELD_COUNT,
	FIELD_RATE,      /* percent */
	FIELD_LIST,      /* cJSON array of strings */
	FIELD_ACTION,    /* what to do about a failure */
	FIELD_DEVIATIONS /* their names */
};

struct field {
	const char *name;
	enum field_type type;
	union {
		const char *string;
		char time[RFC3339_MAX];
		uint64_t count;
		double rate;
		const cJSON *list;
		deviations set;
		struct {
			const struct result *result;
			const char *mx; /* or NULL */
			const char *domain;
		} action;
	} u;
};

/* Strings and lists are borrowed and must outlive the event. */
struct event {
	const char *name; /* "report", "failure", ... */
	enum severity severity;
	size_t count;
	struct field field[EVENT_FIELDS_MAX];
};

void event_init(struct event *ev, const char *name, enum severity severity);

/* Add a field. What is missing (NULL, unknown, empty) is left out. */
void event_string(struct event *ev, const char *name, const char *value);
void event_count(struct event *ev, const char *name, uint64_t value);
void event_known(struct event *ev, const char *name, struct count value);
void event_time(struct event *ev, const char *name, struct datetime value);
void event_rate(struct event *ev, const char *name, double percent);
void event_list(struct event *ev, const char *name, const cJSON *value);
void event_deviations(struct event *ev, deviations value);

/* action=: what to do about a failure, and the command that shows it. */
void event_action(struct event *ev, const struct result *result, const char *mx,
    const char *domain);

/* The field of that name, or NULL. */
const struct field *event_find(const struct event *ev, const char *name);

/*
 * The fields of a report's events. name is "report", "duplicate" or
 * "unverified", whose severity is notice whatever the report says; submitter
 * and verdict may be NULL. disposition and archive are added by whoever knows
 * them.
 */
void event_report(struct event *ev, const char *name,
    const struct report *report, const struct assessment *assessment,
    const char *submitter, const struct verdict *verdict);
void event_policy(struct event *ev, const struct report *report,
    const struct policy *policy, const struct totals *totals,
    enum severity severity);
void event_failure(struct event *ev, const struct report *report,
    const struct policy *policy, const struct failure *failure,
    enum severity severity);

/* auth= and client=, of what came by HTTPS; nothing when auth is NULL. */
void event_upload(struct event *ev, const char *auth, const char *client);

/* label=loop-noise, where the failures of a report open no problem. */
void event_label(struct event *ev, const struct assessment *assessment);

/* dkim=, dkim-domain=, dkim-selector=, dkim-reason=, dkim-dnssec=. */
void event_verdict(struct event *ev, const struct verdict *verdict);

/*
 * What has become of a problem: "problem-opened" and so on, as
 * problem_change_str() has it, with the episode as it is now. severity= is that
 * of the problem, and notice when it is resolved or stale. Times are RFC 3339,
 * in UTC. change must not be PROBLEM_SAME.
 */
void event_problem(struct event *ev, enum problem_change change,
    const struct state_problem *problem);

/*
 * "reporter-silent": one that came daily comes no more. last= is the end of its
 * newest range.
 */
void event_silent(struct event *ev, const struct state_reporter *reporter);

/* reason=, detail= and, where it applies, offset=. */
void event_fault(struct event *ev, const struct fault *fault);

#endif
