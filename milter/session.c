#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "mailbox.h"
#include "text.h"

struct connection *
connection_new(struct server *server)
{
	struct connection *connection = calloc(1, sizeof *connection);

	if (connection != NULL)
		connection->server = server;
	return connection;
}

void
connection_free(struct connection **connection)
{
	if (*connection != NULL) {
		message_end(*connection);
		free(*connection);
		*connection = NULL;
	}
}

void
message_begin(struct connection *connection, const char *sender)
{
	struct message *m = &connection->message;
	char address[HEADER_VALUE_MAX];

	message_end(connection);
	connection->has_message = true;
	m->conf = server_conf(connection->server);
	session_address(sender != NULL ? sender : "", address, sizeof address);
	/* Without memory for it the sender is unknown, no more. */
	m->sender = strdup(address);
}

/*
 * A copy of the recipient without its source route ("<@a,@b:c@d>"), which
 * Postfix takes off as it comes and does not find again.
 */
static char *
without_route(const char *recipient)
{
	size_t bracket = recipient[0] == '<' ? 1 : 0;
	size_t route = mailbox_route_length(
	    recipient + bracket, strlen(recipient + bracket));
	char *copy = strdup(recipient + route);

	/* In the place of the route's last byte. */
	if (copy != NULL && bracket > 0)
		copy[0] = '<';
	return copy;
}

static bool
remember(struct message *m, const char *recipient)
{
	char **ours;

	if (m->count == SESSION_RECIPIENTS_MAX)
		return false;
	ours = realloc(m->ours, (m->count + 1) * sizeof *ours);
	if (ours == NULL)
		return false;
	m->ours = ours;
	ours[m->count] = without_route(recipient);
	if (ours[m->count] == NULL)
		return false;
	m->count++;
	return true;
}

bool
message_recipient(
    struct connection *connection, const char *recipient, const char *resolved)
{
	struct message *m = &connection->message;

	if (!mailbox_is_ours(m->conf, recipient) &&
	    (resolved == NULL || !mailbox_is_ours(m->conf, resolved))) {
		m->has_others = true;
		return true;
	}
	if (remember(m, recipient))
		return true;
	/* It cannot be taken off the envelope, so it counts as another. */
	m->has_others = true;
	return false;
}

enum take
message_take(struct connection *connection, const char *queue_id)
{
	struct message *m = &connection->message;

	if (m->count == 0)
		return TAKE_OTHER;
	m->is_taken = server_begin(connection->server);
	if (!m->is_taken)
		return TAKE_LATER;
	m->intake = intake_new(&connection->server->site, m->conf, queue_id);
	return m->intake != NULL ? TAKE_OURS : TAKE_FAILED;
}

bool
message_is_ours(const struct connection *connection)
{
	return connection != NULL && connection->has_message &&
	    connection->message.intake != NULL;
}

void
message_end(struct connection *connection)
{
	struct message *m = &connection->message;

	if (!connection->has_message)
		return;
	connection->has_message = false;
	intake_free(&m->intake);
	if (m->is_taken)
		server_end(connection->server);
	for (size_t i = 0; i < m->count; i++)
		free(m->ours[i]);
	free(m->ours);
	free(m->sender);
	conf_unref(&m->conf);
	*m = (struct message){ .conf = NULL };
}

void
session_address(const char *address, char *out, size_t size)
{
	size_t len;

	(void)text_copy(out, size, address[0] == '<' ? address + 1 : address);
	len = strlen(out);
	if (address[0] == '<' && len > 0 && out[len - 1] == '>')
		out[len - 1] = '\0';
}
