#include "store.h"

#include <stdio.h>
#include <string.h>

#include "intake.h"
#include "keep.h"

enum {
	FAILURE_RETRY = 300, /* seconds until a disk may have room again */
	HEADER_MAX = 512
};

static enum status
feed_intake(void *ctx, const char *data, size_t len)
{
	intake_body(ctx, data, len);
	return ST_OK;
}

static enum status
feed_keep(void *ctx, const char *data, size_t len)
{
	return keep_more(ctx, data, len);
}

static const char *
label_of(const struct request *request)
{
	return admission_label(
	    &request->admission, request->sniff, request->nsniff);
}

/*
 * Keep what nobody can read as a message, which the command reads: a header
 * that says what it was called, and the body as it came.
 */
static enum status
keep(struct request *request, const struct intake_origin *origin,
    struct fault *fault)
{
	struct keep *keep = keep_new(request->conf->archive_directory);
	char header[HEADER_MAX];
	enum status st = ST_NO_MEMORY;

	(void)snprintf(header, sizeof header,
	    "Content-Type: %s\r\nContent-Transfer-Encoding: binary\r\n\r\n",
	    label_of(request));
	if (keep != NULL)
		st = keep_more(keep, header, strlen(header));
	if (st == ST_OK)
		st = spool_read(request->body, feed_keep, keep, fault);
	if (st == ST_OK)
		st = keep_finish(keep, request->collector->log, origin, fault);
	else if (st == ST_NO_MEMORY)
		(void)fault_set(fault, st, "out of memory");
	keep_free(&keep);
	return st;
}

/* Everything the intake does; *fault says why it failed. */
static enum status
take(struct request *request, struct fault *fault)
{
	const struct intake_origin origin = {
		.queue_id = request->id,
		.client = request->client.text,
		.is_last = true,
		.auth = request->auth,
		.path_token = request->admission.token,
	};
	struct intake *in =
	    intake_new_upload(&request->collector->server.site, request->conf);
	enum conf_action action = ACTION_TEMPFAIL;
	struct outcome outcome;
	enum status st;

	if (in == NULL)
		return fault_set(fault, ST_NO_MEMORY, "out of memory");
	intake_field(in, "Content-Type", label_of(request));
	st = spool_read(request->body, feed_intake, in, fault);
	if (st == ST_OK) {
		action = intake_finish(in, &origin, &outcome);
		if (outcome.has_failed)
			st = fault_set(fault, outcome.fault.status, "%s",
			    outcome.fault.detail);
	}
	intake_free(&in);
	if (st == ST_OK && action == ACTION_KEEP)
		st = keep(request, &origin, fault);
	return st;
}

void
store_report(struct request *request)
{
	struct fault fault;
	enum status st = ST_NO_SPACE;

	/* A token stands where everybody can read it. */
	if (request->auth == AUTH_PROXY || collector_has_room(request->conf))
		st = take(request, &fault);
	if (st != ST_OK) {
		request_refuse(request, 503, status_str(st), FAILURE_RETRY);
		return;
	}
	request->answer = (struct answer){ .status = 201, .id = request->id };
}
