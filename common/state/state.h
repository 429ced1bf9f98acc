/*
 * state: an index of the reports in the archive, in a file of SQLite.
 *
 * It knows every report that counts, its policies and failures, sums by day,
 * and the problems that follow from them (problem.h). It holds nothing that the
 * archive does not: a file that is lost, damaged or of another version is made
 * anew from there (reindex.h), and no trouble with it is a reason not to accept
 * a mail. Milter and command have it open at once: it is in WAL mode, and who
 * finds it locked waits no longer than busy_ms.
 *
 * One struct state serves all threads of a process; one mutex lets them in one
 * after the other. When the file has been replaced by a new one (reindex), the
 * next call opens that. No callback of a query may call a function of the same
 * state; those of struct state_events may, they are called when all is done.
 *
 * Identity. Two reports are the same when organization-name, report-id,
 * policy-domain (of the first policy) and range agree, all of them whole and
 * as they were sent. Of the same report with several contents one counts, in
 * whatever order they are added: the one with the highest rank (rank.h), of
 * these the one that was received first, and of those that came in one second
 * the one with the least SHA-256. Of several records with one content the best
 * by the same rule stands for it.
 *
 * Names. Domains and hosts are kept in lower case without a dot at the end,
 * everything is cut at its bound below, "" stands for what a report lacks.
 *
 * Ranges. As sent; a start that is unknown is a day before the end, an end that
 * is unknown or reversed is 23:59:59 later, both unknown is the day until it
 * was received. No range is longer than 31 days, and none ends later than a day
 * after the report was received: a clock that is wrong elsewhere must not
 * resolve what is broken here.
 *
 * Sessions of sts and tlsa. A sender that follows both counts the same
 * sessions under a policy of each type. In sums, therefore, of the sts and the
 * tlsa policy of a report for one domain, that with more sessions gives their
 * number and that with more failed ones the failed: the greater, not the sum.
 * Policies of other types are added. The same is done with the failures of one
 * MX and one result type. Problems are of one policy type; nothing is merged.
 */
#ifndef STATE_H
#define STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "problem.h"
#include "rank.h"
#include "report.h"
#include "status.h"

enum {
	STATE_VERSION = 5,
	STATE_NAME_MAX = 256, /* bytes of a name that is kept, NUL included */
	STATE_TYPE_MAX = 64,  /* of a policy-type and a result-type */
	STATE_PATH_MAX = 320,
	STATE_POLICIES_MAX = 1024, /* of a report; the rest is left out */
	STATE_FAILURES_MAX = 4096, /* failure-details of a report, likewise */
	STATE_PROBLEMS_MAX = 1024, /* of a domain and policy-type that are open,
				      as many that are stale: further ones
				      are not kept; and as many that have not
				      opened, of which the oldest go */
	STATE_RANGE_MAX = 31 * PROBLEM_DAY, /* seconds that a range lasts */
	STATE_BUSY_MS = 2000,
	STATE_SILENT_AFTER = 3 * PROBLEM_DAY
};

struct state;

struct state_options {
	struct problem_limits limits;
	int64_t silent_after; /* seconds */
	int busy_ms;          /* how long to wait for another process */
	size_t evidence_max;  /* for adding one report; 0: no bound */
	unsigned evidence_ms; /* and all reports of so many milliseconds */
	bool is_silent;       /* problems that state_settle() of others is to
				 tell of are left to them */
	bool is_read_only;    /* a command that only asks: makes no file */
	/* Use no file but one that reindex() has made of this archive; it must
	   outlive the state. NULL: any. */
	const char *archive;
};

/* The defaults. */
void state_options(struct state_options *options);

/*
 * Open the file, or make it (not when is_read_only: then its absence is
 * ST_STATE). ST_STATE_DAMAGED: it is no database of ours, or broken, or
 * (with archive) it is absent, not whole, or of another archive;
 * ST_STATE_VERSION: of another version; both are mended by reindex().
 * ST_STATE_BUSY: locked by another process for busy_ms. ST_NO_SPACE,
 * ST_NO_MEMORY, ST_STATE for all else (no such directory, no permission). On
 * failure *state is NULL. The functions below return the same statuses.
 */
enum status state_open(struct state **state, const char *path,
    const struct state_options *options, struct fault *fault);

/*
 * Close, and set *state to NULL; NULL is closed already.
 */
void state_close(struct state **state);

/*
 * Was the file made by reindex(), so that nothing of the archive is missing in
 * it? One that state_open() had to make is empty and not whole, and stays so
 * over restarts: a case for reindex().
 */
enum status
state_is_whole(struct state *state, bool *is_whole, struct fault *fault);

/*
 * Read all of the file for damage that no query has met yet: ST_STATE_DAMAGED.
 * That takes a second for some hundred megabytes.
 */
enum status state_check(struct state *state, struct fault *fault);

/*
 * Adding.
 */

/* A report that counts, and what the archive knows of it. */
struct state_report {
	struct report *report;
	int64_t received;   /* seconds since 1970 */
	const char *path;   /* of its record, from ArchiveDirectory on */
	const char *sha256; /* of the decoded text, 64 hexadecimal digits */
	enum rank rank;     /* who vouches for it */
};

enum state_added {
	STATE_NEW,
	STATE_KNOWN,    /* the same, with the same content: counts once */
	STATE_PRESENT,  /* this very record is there: nothing was done */
	STATE_DIFFERS,  /* the same with another content: kept, counts once */
	STATE_REPLACES, /* and this one counts now, that one no longer */
	STATE_RISES     /* likewise, of a content that was there, and did not */
};

/* A problem, in what became of it. */
struct state_problem {
	char policy_domain[STATE_NAME_MAX];
	char receiving_mx_hostname[STATE_NAME_MAX];
	char policy_type[STATE_TYPE_MAX];
	char result_type[STATE_TYPE_MAX];
	struct episode episode;
};

/* A reporter, as an organization-name. */
struct state_reporter {
	char organization_name[STATE_NAME_MAX];
	int64_t newest;   /* end of its newest range */
	uint64_t reports; /* that count */
};

/*
 * What happened to problems and reporters. Called behind the transaction, in
 * the calling thread, without any lock; before is NULL for a problem that was
 * not known or had not opened. One that was open, and of which nothing is left
 * since a report no longer counts, is told as resolved by then.
 */
struct state_events {
	void (*problem)(void *ctx, enum problem_change change,
	    const struct state_problem *before,
	    const struct state_problem *after);
	void (*silent)(void *ctx, const struct state_reporter *reporter);
	void *ctx;
};

/*
 * Add a report in one transaction: all of it or nothing. Its policies are
 * walked and judged by conf. now is for problems that are stale at once.
 * events may be NULL.
 */
enum status state_add(struct state *state, const struct state_report *report,
    const struct conf *conf, int64_t now, const struct state_events *events,
    enum state_added *added, struct fault *fault);

/* Is this very record there (STATE_PRESENT)? To ask keeps nobody waiting. */
enum status state_has(struct state *state, const struct state_report *report,
    bool *has, struct fault *fault);

/*
 * Many at once: between these two, state_add() is part of one transaction, and
 * problems are worked out once for all of them at its end, which also tells
 * events. Between them no other thread gets in: for commands. When state_add()
 * fails, or state_commit() does, the whole batch is undone; state_commit() must
 * be called all the same, and then returns that failure again.
 */
enum status state_begin(struct state *state, struct fault *fault);
/*
 * The same for the reports of a few messages that came together: each is worked
 * out by itself, as state_add() would outside, and told to its own events; but
 * at state_commit(), and not at all when that fails.
 */
enum status state_begin_group(struct state *state, struct fault *fault);
enum status state_commit(struct state *state, int64_t now,
    const struct state_events *events, struct fault *fault);

/*
 * For who adds, in many transactions, what came since a time and is not there,
 * in no order: the newest that is there says nothing of the others then. Each
 * transaction notes the time first (between state_begin() and state_commit()),
 * and when all is there, it is cleared. *since is what one has noted that was
 * ended in between; INT64_MAX: none.
 */
enum status
state_mark_missing(struct state *state, int64_t since, struct fault *fault);
enum status
state_clear_missing(struct state *state, int64_t since, struct fault *fault);
enum status
state_missing(struct state *state, int64_t *since, struct fault *fault);

/*
 * With evidence_max, a report does not wait until problems are worked out that
 * have more evidence than that (sightings, in all problems that it touches),
 * or more than the reports of the last evidence_ms have left of it: these are
 * left to state_settle(), which works out max of them at a time, each once for
 * all its reports; *has_more says whether to come again. Until then they are as
 * they were.
 * state_is_unsettled(): there may be some.
 */
enum status state_settle(struct state *state, size_t max, int64_t now,
    const struct state_events *events, bool *has_more, struct fault *fault);
bool state_is_unsettled(struct state *state);

/* For whoever only asks: is nothing left to be worked out? */
enum status
state_is_settled(struct state *state, bool *is_settled, struct fault *fault);

/*
 * What time alone brings about: problems that have gone stale by now, and
 * reporters that have fallen silent: those that came daily (ranges that start
 * on at least five of the seven days that end with their newest) and whose
 * newest range ended silent_after ago. Each is told once, until something new
 * comes from it. What fell silent more than 30 days ago is history, not news.
 * To be called about once an hour.
 */
enum status state_tick(struct state *state, int64_t now,
    const struct state_events *events, struct fault *fault);

/*
 * Forget the reports whose range ended before a time, at most max of them in
 * one transaction, and all that follows from them; *count is how many there
 * were. fn is called for each with the path of its record, for a file that is
 * to go; a status other than ST_OK from it undoes the transaction and is
 * returned. A problem that began before then begins with what is left.
 * evidence_max is as for state_add().
 */
enum status state_forget(struct state *state, int64_t before, size_t max,
    int64_t now, enum status (*fn)(void *ctx, const char *path), void *ctx,
    size_t *count, struct fault *fault);

/*
 * What state_forget() would forget: fn is called for each path. A status other
 * than ST_OK from it ends that and is returned.
 */
enum status state_old(struct state *state, int64_t before,
    enum status (*fn)(void *ctx, const char *path), void *ctx,
    struct fault *fault);

/* Work out all problems and sums anew from the reports in the file. */
enum status
state_rebuild(struct state *state, int64_t now, struct fault *fault);

/*
 * Asking. Callbacks get each row in turn; false ends the query, with ST_OK.
 */

enum state_by {
	STATE_BY_ALL, /* one row, named "" */
	STATE_BY_DAY,
	STATE_BY_DOMAIN,
	STATE_BY_MX,
	STATE_BY_SENDER,
	STATE_BY_RESULT_TYPE
};

/*
 * Which reports: those whose ranges start on a day (UTC) that lies in
 * [since, until), even if in part; with domain, that policy-domain alone.
 */
struct state_query {
	int64_t since;
	int64_t until;
	const char *domain; /* or NULL */
};

/*
 * Of an MX or a result type only what failed there is known: successful is 0,
 * and reports is how many told of it, once for each domain, MX and result type.
 */
struct state_sum {
	char name[STATE_NAME_MAX]; /* "2026-02-12" for a day */
	uint64_t reports;          /* one for each policy domain in them */
	uint64_t successful;
	uint64_t failed;
};

/* Sums, in the order of days, else the one that failed most first. */
enum status state_sums(struct state *state, enum state_by by,
    const struct state_query *query,
    bool (*fn)(void *ctx, const struct state_sum *sum), void *ctx,
    struct fault *fault);

/*
 * The problems that have opened, those with the worst severity first, then by
 * the last failure, the latest first; those that are open or stale, or (is_all)
 * every episode. domain may be NULL. States are those of the time now.
 */
enum status state_problems(struct state *state, const char *domain, bool is_all,
    int64_t now, bool (*fn)(void *ctx, const struct state_problem *problem),
    void *ctx, struct fault *fault);

/*
 * The organization-names that reported an episode, in alphabetical order, with
 * their newest range and how many of their reports told of the failure.
 */
enum status state_problem_reporters(struct state *state,
    const struct state_problem *problem,
    bool (*fn)(void *ctx, const struct state_reporter *reporter), void *ctx,
    struct fault *fault);

/*
 * What is known of one domain, to judge whether its MTA-STS policy may go to
 * enforce: of policies of type sts. Senders that found no policy did not check
 * what it demands, and those that followed DANE checked other things.
 */
struct state_coverage {
	uint64_t days;      /* on which a report with sessions starts */
	uint64_t reports;   /* for this domain */
	uint64_t reporters; /* that sent them */
	uint64_t successful;
	uint64_t failed;
	int64_t first; /* start of the first of these days; 0 without any */
	int64_t last;  /* of the last */
	uint64_t open; /* problems of any type that are open or stale now */
};

/* The domain of the query must not be NULL. */
enum status state_coverage(struct state *state, const struct state_query *query,
    int64_t now, struct state_coverage *coverage, struct fault *fault);

/*
 * The newest report that counts and has a policy of this type for this domain:
 * the path of its record, from ArchiveDirectory on, and the end of its range.
 * path is "" when there is none.
 */
enum status state_newest_path(struct state *state, const char *policy_domain,
    const char *policy_type, char path[STATE_PATH_MAX], int64_t *end,
    struct fault *fault);

/*
 * The records of the reports that told of an episode, those with the latest
 * range first, at most max of them: the paths from ArchiveDirectory on.
 */
enum status state_problem_paths(struct state *state,
    const struct state_problem *problem, size_t max,
    bool (*fn)(void *ctx, const char *path), void *ctx, struct fault *fault);

/* All reporters, in alphabetical order. */
enum status state_reporters(struct state *state,
    bool (*fn)(void *ctx, const struct state_reporter *reporter), void *ctx,
    struct fault *fault);

/* For metrics and health: the whole file. */
struct state_counts {
	uint64_t reports;   /* that count */
	uint64_t differing; /* that do not: the same with another content */
	uint64_t reporters;
	uint64_t domains;
	uint64_t successful;
	uint64_t failed;
	uint64_t open; /* problems, by what they are now */
	uint64_t stale;
	uint64_t resolved;
	enum severity severity; /* the worst of those that are open */
	int64_t newest;         /* end of the newest range, 0 without any */
	int64_t received;       /* when the last report came */
};
enum status state_counts(struct state *state, int64_t now,
    struct state_counts *counts, struct fault *fault);

#endif
