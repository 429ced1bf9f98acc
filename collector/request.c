#include "request.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "text.h"

enum {
	STOPPING_RETRY = 60, /* seconds until we may be back, or have time */
	FAILURE_RETRY = 300  /* until a disk may have room again */
};

void
request_refuse(struct request *request, unsigned status, const char *reason,
    unsigned retry)
{
	request->answer = (struct answer){
		.status = status,
		.retry = retry,
		.must_close = request->admission.must_close,
		.allows_post = request->admission.allows_post,
	};
	collector_refused(request->collector, status, reason,
	    request->client.text, request->id);
}

/* The n-th value of X-Forwarded-For from the end. */
static const char *
forwarded(void *ctx, size_t index)
{
	const struct upload_head *head = ctx;

	for (size_t i = head->count; i > 0; i--) {
		if (text_ieq(head->field[i - 1].name, "X-Forwarded-For") &&
		    index-- == 0)
			return head->field[i - 1].value;
	}
	return NULL;
}

/* Who vouches for it? A proxy may say so, and else the path. */
static void
authenticate(struct request *request, const struct upload_head *head)
{
	const char *user = admission_field(head, "X-Remote-User");

	if (request->client.is_proxy_trusted && user != NULL && user[0] != '\0')
		request->auth = AUTH_PROXY;
	else if (request->admission.token[0] != '\0')
		request->auth = AUTH_PATH;
}

/* What bears on it besides its head. */
static bool
is_welcome(struct request *request)
{
	unsigned retry = 0;

	if (request->admission.what != UPLOAD_HEALTH &&
	    request->client.is_known &&
	    !collector_may_ask(request->collector, request->conf,
		&request->client.network, &retry)) {
		request->admission.must_close |=
		    request->admission.what == UPLOAD_REPORT;
		request_refuse(request, 429, "rate", retry);
		return false;
	}
	return true;
}

static bool
make_body(struct request *request)
{
	char tmp[PATH_MAX];

	archive_tmp(request->conf->archive_directory, tmp, sizeof tmp);
	request->body = spool_new(tmp, request->conf->max_body_size);
	return request->body != NULL;
}

/* A report may come in. */
static void
admit(struct request *request)
{
	request->phase = REQUEST_DONE;
	request->is_counted = server_begin(&request->collector->server);
	if (!request->is_counted) {
		request->admission.must_close = true;
		request_refuse(request, 503, "stopping", STOPPING_RETRY);
	} else if (!make_body(request)) {
		request->admission.must_close = true;
		request_refuse(request, 503, "no-memory", FAILURE_RETRY);
	} else {
		request->phase = REQUEST_READING;
	}
}

static void
begin(struct request *request)
{
	const struct admission *a = &request->admission;

	request->phase = REQUEST_DONE;
	if (!is_welcome(request))
		return;
	switch (a->what) {
	case UPLOAD_NOTHING:
		request_refuse(request, a->status, a->reason, 0);
		break;
	case UPLOAD_REPORT:
		admit(request);
		break;
	case UPLOAD_PAGE:
		request->answer = (struct answer){ .status = 200,
			.is_page = true,
			.must_close = a->must_close };
		break;
	case UPLOAD_HEALTH:
		request->phase = REQUEST_WORKING;
		break;
	}
}

struct request *
request_new(struct collector *collector, const struct upload_head *head,
    const struct sockaddr *peer)
{
	struct request *request = calloc(1, sizeof *request);

	if (request == NULL)
		return NULL;
	request->collector = collector;
	request->conf = server_conf(&collector->server);
	collector_id(collector, request->id);
	admission_judge(head, request->conf, &request->admission);
	clientaddress_find(request->conf, peer, forwarded,
	    (void *)(uintptr_t)head, &request->client);
	authenticate(request, head);
	begin(request);
	return request;
}

/* What is in memory needs no room: small reports get in whoever else comes. */
static bool
reserve(struct request *request, size_t len)
{
	if (request->size <= SPOOL_MEMORY)
		return true;
	if (!collector_reserve(request->collector, request->conf, len))
		return false;
	request->reserved += len;
	return true;
}

static void
release(struct request *request)
{
	spool_free(&request->body);
	if (request->reserved > 0)
		collector_release(request->collector, request->reserved);
	request->reserved = 0;
}

/* What still comes is of no use; the answer waits for its end. */
static void
give_up(struct request *request, unsigned status, const char *reason,
    unsigned retry)
{
	request->phase = REQUEST_DISCARDING;
	release(request);
	request->admission.must_close = true;
	request_refuse(request, status, reason, retry);
}

static void
keep_sniff(struct request *request, const char *data, size_t len)
{
	size_t n = sizeof request->sniff - request->nsniff;

	if (len < n)
		n = len;
	memcpy(request->sniff + request->nsniff, data, n);
	request->nsniff += n;
}

bool
request_more(struct request *request, const char *data, size_t len)
{
	struct fault fault;
	enum status st;

	request->size += len;
	if (request->phase == REQUEST_READING && !reserve(request, len)) {
		give_up(request, 503, "busy", STOPPING_RETRY);
	} else if (request->phase == REQUEST_READING) {
		keep_sniff(request, data, len);
		st = spool_add(request->body, data, len, &fault);
		if (st == ST_TOO_LARGE)
			give_up(request, 413, "too-large", 0);
		else if (st != ST_OK)
			give_up(request, 503, status_str(st), FAILURE_RETRY);
	}
	/* The library takes no answer before the end of a body. As much again
	   as may be is read for a client to get it. */
	return request->size / 2 <= request->conf->max_body_size;
}

void
request_complete(struct request *request)
{
	if (request->phase == REQUEST_WORKING)
		return;
	if (request->phase != REQUEST_READING) {
		request->phase = REQUEST_DONE;
		return;
	}
	request->phase = REQUEST_DONE;
	if (request->size == 0)
		request_refuse(request, 400, "empty", 0);
	else if (admission_is_foreign(
		     &request->admission, request->sniff, request->nsniff))
		request_refuse(request, 415, "no-report", 0);
	else
		request->phase = REQUEST_WORKING;
}

void
request_free(struct request **request)
{
	struct request *r = *request;

	if (r == NULL)
		return;
	if (r->is_counted)
		server_end(&r->collector->server);
	release(r);
	conf_unref(&r->conf);
	free(r);
	*request = NULL;
}
