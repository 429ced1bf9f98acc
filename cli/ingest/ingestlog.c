#include "ingestlog.h"

#include "event.h"

/* A report on its way to the log. */
struct logging {
	struct log *log;
	const struct conf *conf;
	const struct report *report;
	const char *queue_id;
	enum severity severity; /* of the policy being visited */
	uint64_t policies;      /* lines written */
	uint64_t failures;
};

static enum report_visit
log_policy(void *ctx, const struct policy *policy)
{
	struct logging *l = ctx;
	struct totals totals;
	struct event ev;

	assess_policy(policy, l->conf, &totals, &l->severity);
	if (l->policies++ == l->conf->max_failure_lines)
		return REPORT_STOP;
	event_policy(&ev, l->report, policy, &totals, l->severity);
	(void)log_event(l->log, &ev, l->queue_id);
	return REPORT_NEXT;
}

static enum report_visit
log_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct logging *l = ctx;
	struct event ev;

	if (l->failures == l->conf->max_failure_lines)
		return REPORT_SKIP;
	l->failures++;
	event_failure(&ev, l->report, policy, failure, l->severity);
	(void)log_event(l->log, &ev, l->queue_id);
	return REPORT_NEXT;
}

void
ingestlog_report(struct log *log, const struct conf *conf,
    struct reading *reading, const struct input_origin *origin,
    const struct archived *archived, bool is_unverified)
{
	static const struct report_visitor visitor = {
		.policy = log_policy,
		.failure = log_failure,
	};
	const char *name = is_unverified ? "unverified"
	    : archived->is_duplicate     ? "duplicate"
					 : "report";
	struct logging logging = {
		.log = log,
		.conf = conf,
		.report = &reading->report,
		.queue_id =
		    origin->queue_id != NULL ? origin->queue_id : "NOQUEUE",
	};
	struct event ev;

	event_report(&ev, name, &reading->report, &reading->assessment,
	    origin->submitter, origin->verdict);
	event_string(&ev, "archive", archived->path);
	(void)log_event(log, &ev, logging.queue_id);
	if (!is_unverified && !archived->is_duplicate)
		(void)report_walk(&reading->report, &visitor, &logging);
}
