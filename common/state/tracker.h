/*
 * tracker: keeps the state (state.h) in step with the archive, in a process
 * that takes reports, and tells of problems (problem.h).
 *
 * A report is in the archive first. Then it is added to the state by the thread
 * that took it, if that can be done at once. If not (another process has the
 * state locked, its disk is full, it is damaged or gone), the tracker is
 * behind: it says so, leaves the state alone, and its own thread adds what is
 * missing from the archive as soon as it can; a state that is damaged, of
 * another version or not there it makes anew, or waits for another process that
 * does so. So the state is no part of a
 * report's fate: whatever happens to it, mail is taken as without it. Only a
 * report that is the same as another in all but its content is not known as
 * such meanwhile.
 *
 * Problems with much evidence are worked out by that thread too, for many
 * reports at once. It also does what time alone brings about: an hourly look
 * for problems that have gone stale and reporters that have fallen silent.
 */
#ifndef TRACKER_H
#define TRACKER_H

#include <stdbool.h>
#include <stddef.h>

#include "alert.h"
#include "conf.h"
#include "log.h"
#include "state.h"
#include "status.h"

enum {
	TRACKER_NEWS_MAX = 100,    /* problems told of for one report */
	TRACKER_BUSY_MS = 1000,    /* that a report waits for another process */
	TRACKER_RETRY_SECONDS = 1, /* when behind; doubled with each try */
	TRACKER_RETRY_SECONDS_MAX = 8,
	TRACKER_OTHERS_SECONDS = 15, /* that the thread waits for another that
					makes the state, before it says so */
	TRACKER_SETTLE_MS = 1000, /* between two times that problems with much
				    evidence are worked out */
	TRACKER_TICK_SECONDS = 3600
};

struct tracker;

/*
 * What adding a report has brought about. To be { 0 } at first; given to
 * tracker_tell(), which empties it.
 */
struct tracker_news {
	struct tracker_item *item;
	size_t count;
	size_t max;     /* MaxFailureLines, but no more than TRACKER_NEWS_MAX */
	size_t omitted; /* above that, or for want of memory */
};

/*
 * Is there to be an index? Not with "StateFile none", nor where nobody has
 * named a StateFile and the directory of the default is not there, as on a
 * machine on which nothing was installed.
 */
bool tracker_is_wanted(const struct conf *conf);

/*
 * Make one; log and alert (which may be NULL) are borrowed. is_daemon: it stays
 * for long, and looks at all of the state for damage first. NULL when there is
 * no memory. It is behind until tracker_start().
 */
struct tracker *
tracker_new(struct log *log, struct alert *alert, bool is_daemon);

/*
 * Take over a configuration, and a reference to it: before tracker_start(), and
 * when it is read again. StateFile, ResolveAfter and SilentAfter stay as they
 * were at the start.
 */
void tracker_configure(struct tracker *tracker, struct conf *conf);

/*
 * Start the thread, which opens the state, and wait until it is in step, but no
 * longer than so many milliseconds: a large archive takes minutes to be read
 * anew, and mail need not wait for it. ST_NO_MEMORY.
 */
enum status tracker_start(
    struct tracker *tracker, unsigned milliseconds, struct fault *fault);

/*
 * Add a report that has just been archived, and was not there before, and judge
 * its policies by conf. STATE_KNOWN: the same report is there from another
 * record. STATE_DIFFERS: the same with another content, which counts.
 * STATE_REPLACES, STATE_RISES: it counted until now, and this one does. Else
 * STATE_NEW, also when that cannot be known now. Waits TRACKER_BUSY_MS at most
 * for another process, and that once; and before that for the thread, if it is
 * waiting for the same.
 */
enum state_added tracker_add(struct tracker *tracker, const struct conf *conf,
    const struct state_report *report, struct tracker_news *news);

/*
 * Log what a report has brought about, behind the lines of the report itself,
 * and hand it to the alerts. queue_id may be NULL.
 */
void tracker_tell(
    struct tracker *tracker, struct tracker_news *news, const char *queue_id);

/*
 * Stop the thread and close the state. Further reports may come and are not
 * added; who starts next finds them in the archive.
 */
void tracker_stop(struct tracker *tracker);

/* Stop, and free; NULL is freed already. */
void tracker_free(struct tracker **tracker);

#endif
