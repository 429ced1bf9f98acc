/*
 * request: one request: who asks, for what, and its body as it comes in.
 *
 * Everything here is done by the thread of the library that serves the
 * connection, but for what a worker does between request_complete() and the
 * answer.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "admission.h"
#include "answer.h"
#include "clientaddress.h"
#include "collector.h"
#include "conf.h"
#include "pathsecret.h"
#include "payload.h"
#include "spool.h"

enum request_phase {
	REQUEST_READING,    /* the body is to come */
	REQUEST_DISCARDING, /* the rest of it is of no use: answer is known */
	REQUEST_WORKING,    /* a worker has it */
	REQUEST_DONE        /* answer is known */
};

struct request {
	struct collector *collector;
	struct conf *conf; /* in force when it began */
	enum request_phase phase;
	struct admission admission;
	struct clientaddress client;
	enum auth auth;
	char id[COLLECTOR_ID_MAX];
	struct answer answer;
	bool is_answered;
	bool is_counted;           /* server_begin() */
	struct spool *body;        /* of a report */
	uint64_t size;             /* of what has come */
	uint64_t reserved;         /* of that, on disk */
	char sniff[PAYLOAD_SNIFF]; /* its first bytes */
	size_t nsniff;

	struct MHD_Connection *connection; /* for whoever resumes it */
	struct request *next;              /* in the queue of the workers */
};

/*
 * The head is there. The result is READING, DONE (it is refused, or the page is
 * asked for), or WORKING for what only a worker can answer. NULL when there is
 * no memory.
 */
struct request *request_new(struct collector *collector,
    const struct upload_head *head, const struct sockaddr *peer);

/*
 * The next bytes of the body. False when the connection is to be closed, since
 * far too much has come.
 */
bool request_more(struct request *request, const char *data, size_t len);

/* All of the request is there: it becomes WORKING, or DONE, or stays so. */
void request_complete(struct request *request);

/* Answer with a refusal, which is logged. For workers as well. */
void request_refuse(struct request *request, unsigned status,
    const char *reason, unsigned retry);

/* The connection is over, or the answer is sent. */
void request_free(struct request **request);

#endif
