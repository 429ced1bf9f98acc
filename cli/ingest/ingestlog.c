#include "ingestlog.h"

#include "event.h"
#include "reportlog.h"

void
ingestlog_report(struct log *log, const struct conf *conf,
    struct reading *reading, const struct input_origin *origin,
    const struct archived *archived, bool is_unverified)
{
	const char *name = is_unverified ? "unverified"
	    : archived->is_duplicate     ? "duplicate"
					 : "report";
	const char *queue_id =
	    origin->queue_id != NULL ? origin->queue_id : "NOQUEUE";
	struct event ev;

	event_report(&ev, name, &reading->report, &reading->assessment,
	    origin->submitter, origin->verdict);
	event_upload(&ev, origin->auth, origin->client);
	event_string(&ev, "archive", archived->path);
	(void)log_event(log, &ev, queue_id);
	if (!is_unverified && !archived->is_duplicate)
		reportlog_details(log, queue_id, conf, reading);
}
