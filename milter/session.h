/*
 * session: the contexts of a connection and of a message, each with one
 * clean-up. Knows nothing of libmilter.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "intake.h"
#include "server.h"

enum {
	/* Our recipients of one message that are remembered; Postfix's own
	   limit is 1,000 (smtpd_recipient_limit). */
	SESSION_RECIPIENTS_MAX = 1000
};

/* A message, from MAIL to its end. */
struct message {
	struct conf *conf; /* in force when it began */
	char *sender;
	char **ours; /* the report mailbox as sent, less source routes */
	size_t count;
	bool has_others; /* recipients besides */
	bool is_taken;   /* counted in the server as in flight */
	struct intake *intake;
	size_t header_fields; /* X-TLSRPT-Milter fields that came with it */
};

/* A connection from the MTA. */
struct connection {
	struct server *server;
	bool has_message;
	struct message message;
};

/* NULL when there is no memory. */
struct connection *connection_new(struct server *server);
void connection_free(struct connection **connection);

/* A message begins; one that was open is dropped. sender may be NULL. */
void message_begin(struct connection *connection, const char *sender);

/*
 * A recipient as the client wrote it and as the MTA understands it, or NULL: is
 * it ours? False when there is no memory to remember it.
 */
bool message_recipient(
    struct connection *connection, const char *recipient, const char *resolved);

/* The recipients are complete: is the message to be read? queue_id or NULL. */
enum take {
	TAKE_OTHER, /* none of them is ours */
	TAKE_OURS,  /* yes; its intake is made */
	TAKE_LATER, /* we are about to stop */
	TAKE_FAILED /* no memory */
};
enum take message_take(struct connection *connection, const char *queue_id);

/* Is there one, and its message ours and still open? */
bool message_is_ours(const struct connection *connection);

/* Drop the message, if one is open. */
void message_end(struct connection *connection);

/* An address without its angle brackets, in out. */
void session_address(const char *address, char *out, size_t size);

#endif
