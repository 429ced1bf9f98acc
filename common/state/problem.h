/*
 * problem: what is broken, since when, who says so, and is it gone?
 *
 * A problem is a failure that reports tell of again and again: one
 * policy-domain, receiving-mx-hostname, policy-type and result-type. All that
 * reports say of one problem is its evidence, a sighting for each report that
 * has such a policy, with the failure or without it. From the evidence, and
 * from nothing else, follow the episodes of the problem: each begins with a
 * failure and ends when it is resolved. Pure functions: no clock, no database.
 * The order in which reports came plays no part; late ones give the same
 * result as those in time.
 *
 * The rules:
 *
 * - Ranges. A range is from start to end. An end at a second 59 includes that
 *   second, as most reporters mean it (23:59:59), so that two days make 48 h. A
 *   range that is reversed is as long as nothing.
 * - Beginning. The failure of the earliest start begins an episode. Each later
 *   one belongs to it, unless the episode was resolved at or before its start;
 *   then it begins the next.
 * - Opening. An episode has opened when the policy of one of its failures is at
 *   warning or worse, or when two reporters have reported it, or on two days
 *   (UTC, by the start of the range). Those that have not are remembered, and
 *   told to nobody.
 * - Resolving. An episode is resolved when the reports of one of its reporters,
 *   with sessions and without the failure, cover resolve_after seconds behind
 *   the end of its last failing range, whoever reported that. They cover the
 *   union of their ranges, as far as these lie behind that end: what overlaps
 *   counts once, gaps count nothing and do no harm. The moment at which the
 *   union is that long is the moment of the resolution.
 * - Going stale. An episode that is not resolved is stale when none of its
 *   reporters has sent a report with that policy, whatever it says, whose range
 *   ended in the last stale_after seconds. A failure after a silence goes on
 *   with the same episode: nobody has said that it was gone.
 * - Loop noise. A failure that is loop noise (problem_is_noise()) neither
 * begins nor prolongs an episode, and does not show that it is gone; it shows
 * only that the reporter is not silent.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assess.h"
#include "status.h"

enum {
	PROBLEM_DAY = 86400,
	PROBLEM_RESOLVE_AFTER = 48 * 3600,     /* default of resolve_after */
	PROBLEM_STALE_AFTER = 7 * PROBLEM_DAY, /* and of stale_after */
	PROBLEM_NOISE_SESSIONS = 2             /* at most, for loop noise */
};

/* What one report says of a problem. */
struct sighting {
	int64_t reporter;       /* any number that stands for it */
	int64_t start;          /* of the report's range, seconds since 1970 */
	int64_t end;            /* and its end */
	uint64_t sessions;      /* of the policy, failed and successful */
	uint64_t failed;        /* of this failure; 0 when it is clean */
	enum severity severity; /* of the policy */
	bool is_failing;        /* the report tells of the failure */
	bool is_noise;          /* loop noise */
};

/* Times that the configuration sets, in seconds. */
struct problem_limits {
	int64_t resolve_after;
	int64_t stale_after;
};

enum problem_state {
	PROBLEM_NONE, /* there is no episode, or it has not opened */
	PROBLEM_OPEN,
	PROBLEM_RESOLVED,
	PROBLEM_STALE
};

/* "none", "open", "resolved", "stale". Static storage. */
const char *problem_state_str(enum problem_state state);

struct episode {
	enum problem_state state; /* not PROBLEM_NONE, opened or not */
	bool has_opened;
	int64_t since;      /* start of the first failing range */
	int64_t last;       /* end of the last failing range */
	int64_t resolved;   /* when it was resolved; INT64_MAX if it is not */
	int64_t newest;     /* end of its reporters' newest range */
	uint64_t sessions;  /* of the policies that had the failure */
	uint64_t failed;    /* sessions of the failure */
	uint64_t sightings; /* reports that told of it */
	uint64_t reporters; /* how many reported it */
	enum severity severity; /* the worst of a policy that had it */
};

/*
 * The episodes that count sightings, in any order, make up at the time now, in
 * order: *episodes is an array of *n, which the caller frees; NULL when there
 * are none. Only the last can be open or stale. ST_NO_MEMORY.
 */
enum status problem_episodes(const struct sighting *sightings, size_t count,
    const struct problem_limits *limits, int64_t now, struct episode **episodes,
    size_t *n);

/*
 * The state of an episode at another time, when nothing was reported meanwhile:
 * what is open becomes stale.
 */
enum problem_state problem_state_at(const struct episode *episode,
    const struct problem_limits *limits, int64_t now);

/*
 * Is a failure loop noise? Mail servers that send reports about the mails that
 * brought them reports can go on for ever, with one session a day or two. It is
 * noise when the largest policy of the report has at most
 * PROBLEM_NOISE_SESSIONS sessions, and the reporter looks like one server of
 * somebody's own: its report has no contact-info (Stalwart's have none), or
 * names the postmaster. Large senders name an address for reports, and what
 * they say counts even of one session.
 */
bool problem_is_noise(uint64_t sessions, const char *contact_info);

/* What has become of a problem. */
enum problem_change {
	PROBLEM_SAME,
	PROBLEM_OPENED, /* or opened again, by a late report or a next episode
			 */
	PROBLEM_WORSE,  /* still open, at a worse severity */
	PROBLEM_IS_RESOLVED,
	PROBLEM_IS_STALE
};

/*
 * The event that tells of a change: "problem-opened", "problem-worse",
 * "problem-resolved", "problem-stale"; "" for none. Static storage.
 */
const char *problem_change_str(enum problem_change change);

/*
 * Compare the last opened episode before with the last after; NULL for none. A
 * problem that is known only after it has been resolved, or has gone stale, is
 * told as such; that nothing was known before is seen by before being NULL. One
 * that was stale is told as opened again when there is a new failure, not when
 * a reporter is back and has not yet said enough.
 */
enum problem_change
problem_compare(const struct episode *before, const struct episode *after);

#endif
