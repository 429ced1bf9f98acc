/*
 * answer: what a client is told: status, header and a few words. Nothing that a
 * client has sent is in it.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <microhttpd.h>
#include <stdbool.h>

#include "admission.h"

struct answer {
	unsigned status;  /* 0: there is none yet */
	unsigned retry;   /* seconds, for Retry-After; 0: none */
	bool must_close;  /* the connection */
	bool is_page;     /* the page that says what this is */
	const char *id;   /* of a report that was taken, else NULL */
	bool allows_post; /* of status 405 */
};

/*
 * Queue it, in a thread of the library. False when there is no memory; then the
 * connection is to be closed.
 */
bool
answer_send(struct MHD_Connection *connection, const struct answer *answer);

#endif
