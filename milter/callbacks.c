#include "callbacks.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

#include "dispose.h"
#include "event.h"
#include "session.h"
#include "text.h"
#include "wake.h"

#define HEADER_NAME "X-TLSRPT-Milter"

/* libmilter has no place for it but a connection's own. */
static struct server *the_server;
static struct wake the_wake;

static const char *
macro(SMFICTX *ctx, const char *name)
{
	return smfi_getsymval(ctx, (char *)(uintptr_t)name);
}

static void
set_macros(SMFICTX *ctx, int stage, const char *names)
{
	(void)smfi_setsymlist(ctx, stage, (char *)(uintptr_t)names);
}

/* The reply to DATA. A "%" would be a format to libmilter. */
static void
set_reply(SMFICTX *ctx, const char *code, const char *xcode, const char *text)
{
	char copy[256];

	(void)text_copy(copy, sizeof copy, text);
	for (char *p = copy; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~' || *p == '%')
			*p = '?';
	}
	(void)smfi_setreply(
	    ctx, (char *)(uintptr_t)code, (char *)(uintptr_t)xcode, copy);
}

static sfsistat
tempfail(SMFICTX *ctx)
{
	set_reply(ctx, "451", "4.3.0",
	    "TLS report cannot be taken now, try again later");
	return SMFIS_TEMPFAIL;
}

/*
 * The state of a connection, made when there is none yet: an MTA may say MAIL
 * without having negotiated, or use a connection again after it was closed
 * (SMFIC_QUIT_NC). NULL when there is no memory, and then nothing is ours.
 */
static struct connection *
open_connection(SMFICTX *ctx)
{
	struct connection *connection = smfi_getpriv(ctx);

	if (connection == NULL) {
		connection = connection_new(the_server);
		(void)smfi_setpriv(ctx, connection);
	}
	return connection;
}

/*
 * Ask for no more than is needed. Mail that is not for the mailbox costs one
 * round trip, at DATA: the end of a message cannot be negotiated away, so
 * leaving there is cheaper than staying without interest.
 */
static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long reserved2, unsigned long reserved3, unsigned long *p_actions,
    unsigned long *p_steps, unsigned long *p_reserved2,
    unsigned long *p_reserved3)
{
	const unsigned long wanted = SMFIP_NOCONNECT | SMFIP_NOHELO |
	    SMFIP_NOUNKNOWN | SMFIP_NOEOH | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
	    SMFIP_NR_HDR | SMFIP_NR_BODY | SMFIP_HDR_LEADSPC;
	const unsigned long changes =
	    SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_DELRCPT | SMFIF_QUARANTINE;
	(void)reserved2;
	(void)reserved3;
	if ((actions & changes) != changes)
		log_text(the_server->log, SEV_WARNING,
		    "the MTA does not let us change header and envelope");
	*p_actions = actions & (changes | SMFIF_SETSYMLIST);
	*p_steps = steps & wanted;
	*p_reserved2 = *p_reserved3 = 0;
	if (actions & SMFIF_SETSYMLIST) {
		set_macros(ctx, SMFIM_ENVFROM, "i");
		set_macros(ctx, SMFIM_ENVRCPT, "i {rcpt_addr}");
		set_macros(ctx, SMFIM_DATA, "i {client_addr} {client_name}");
		set_macros(ctx, SMFIM_EOM, "i");
	}
	return open_connection(ctx) != NULL ? SMFIS_CONTINUE : SMFIS_ACCEPT;
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct connection *connection = open_connection(ctx);

	if (connection != NULL)
		message_begin(connection, argv[0]);
	return SMFIS_NOREPLY;
}

/* Our own trouble before there is an intake to tell of it. */
static sfsistat
give_up(struct connection *connection, SMFICTX *ctx)
{
	struct message *m = &connection->message;
	enum conf_action action = m->conf->on_failure;
	const char *queue_id = macro(ctx, "i");
	struct fault fault;
	struct event ev;

	(void)fault_set(&fault, ST_NO_MEMORY, "no memory for a message");
	event_init(&ev, "error", SEV_ERR);
	event_fault(&ev, &fault);
	event_string(&ev, "severity", severity_str(SEV_ERR));
	event_string(&ev, "disposition", action_str(action));
	(void)log_event(connection->server->log, &ev,
	    queue_id != NULL ? queue_id : "NOQUEUE");
	message_end(connection);
	return action == ACTION_TEMPFAIL ? tempfail(ctx) : SMFIS_ACCEPT;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct connection *connection = smfi_getpriv(ctx);

	if (connection != NULL && connection->has_message)
		(void)message_recipient(
		    connection, argv[0], macro(ctx, "{rcpt_addr}"));
	return SMFIS_NOREPLY;
}

static sfsistat
on_data(SMFICTX *ctx)
{
	struct connection *connection = smfi_getpriv(ctx);

	if (connection == NULL || !connection->has_message)
		return SMFIS_ACCEPT;
	switch (message_take(connection, macro(ctx, "i"))) {
	case TAKE_OURS:
		return SMFIS_CONTINUE;
	case TAKE_LATER:
		return tempfail(ctx);
	case TAKE_FAILED:
		return give_up(connection, ctx);
	case TAKE_OTHER:
		break;
	}
	return SMFIS_ACCEPT;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct connection *connection = smfi_getpriv(ctx);

	if (!message_is_ours(connection))
		return SMFIS_NOREPLY;
	if (text_ieq(name, HEADER_NAME))
		connection->message.header_fields++;
	intake_field(connection->message.intake, name, value);
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	struct connection *connection = smfi_getpriv(ctx);

	if (message_is_ours(connection))
		intake_body(
		    connection->message.intake, (const char *)data, len);
	return SMFIS_NOREPLY;
}

/* "name [address]" of the SMTP client, as far as the MTA tells. */
static void
describe_client(SMFICTX *ctx, char *out, size_t size)
{
	const char *name = macro(ctx, "{client_name}");
	const char *address = macro(ctx, "{client_addr}");

	out[0] = '\0';
	if (name != NULL && address != NULL)
		(void)snprintf(out, size, "%s [%s]", name, address);
	else if (address != NULL)
		(void)snprintf(out, size, "%s", address);
}

/* Take out what forged fields of ours came with the message, last first. */
static void
remove_headers(SMFICTX *ctx, size_t count)
{
	for (size_t i = count; i > 0; i--)
		(void)smfi_chgheader(
		    ctx, (char *)(uintptr_t)HEADER_NAME, (int)i, NULL);
}

static sfsistat
deliver(SMFICTX *ctx, const struct message *m, const struct outcome *outcome)
{
	char value[900] = " "; /* SMFIP_HDR_LEADSPC: the space is ours */

	remove_headers(ctx, m->header_fields);
	if (dispose_header(outcome, value + 1, sizeof value - 1))
		(void)smfi_addheader(
		    ctx, (char *)(uintptr_t)HEADER_NAME, value);
	return SMFIS_ACCEPT;
}

/* The report is archived: take our recipients off, or drop the message. */
static sfsistat
discard(SMFICTX *ctx, const struct message *m)
{
	if (!m->has_others)
		return SMFIS_DISCARD;
	remove_headers(ctx, m->header_fields);
	for (size_t i = 0; i < m->count; i++)
		(void)smfi_delrcpt(ctx, m->ours[i]);
	return SMFIS_ACCEPT;
}

/* Is it OnUnverified that was asked, and not OnMalformed? See dispose(). */
static bool
is_merely_unverified(const struct outcome *outcome)
{
	return outcome->malformed == 0 && outcome->unverified > 0;
}

static sfsistat
quarantine(SMFICTX *ctx, const struct message *m, const struct outcome *outcome)
{
	bool is_unverified = is_merely_unverified(outcome);
	char reason[128];

	(void)snprintf(reason, sizeof reason, "%s TLS report: %s",
	    is_unverified ? "unverified" : "malformed",
	    is_unverified ? verdict_reason_str(outcome->verdict.reason)
			  : status_str(outcome->fault.status));
	(void)smfi_quarantine(ctx, reason);
	return deliver(ctx, m, outcome);
}

/* No passing DKIM signature: RFC 7372, section 3.1. */
static sfsistat
reject_unverified(SMFICTX *ctx, const struct verdict *verdict)
{
	char text[2 * VERDICT_DOMAIN_MAX + 64];
	int len = snprintf(text, sizeof text, "TLS report is not genuine: %s",
	    verdict_reason_str(verdict->reason));

	if (verdict->domain[0] != '\0')
		(void)snprintf(text + len, sizeof text - (size_t)len,
		    ", s=%s d=%s", verdict->selector, verdict->domain);
	set_reply(ctx, "550", "5.7.20", text);
	return SMFIS_REJECT;
}

static sfsistat
reject(SMFICTX *ctx, const struct outcome *outcome)
{
	const struct fault *fault = &outcome->fault;
	char text[256];

	if (is_merely_unverified(outcome))
		return reject_unverified(ctx, &outcome->verdict);
	(void)snprintf(text, sizeof text, "TLS report cannot be read: %s: %s",
	    status_str(fault->status), fault->detail);
	set_reply(ctx, "550", "5.6.0", text);
	return SMFIS_REJECT;
}

static sfsistat
act(SMFICTX *ctx, const struct message *m, enum conf_action action,
    const struct outcome *outcome)
{
	switch (action) {
	case ACTION_DISCARD:
		return discard(ctx, m);
	case ACTION_QUARANTINE:
		return quarantine(ctx, m, outcome);
	case ACTION_REJECT:
		return reject(ctx, outcome);
	case ACTION_TEMPFAIL:
		return tempfail(ctx);
	case ACTION_DELIVER:
	case ACTION_KEEP: /* is for those who cannot deliver */
		break;
	}
	return deliver(ctx, m, outcome);
}

static sfsistat
on_end_of_message(SMFICTX *ctx)
{
	struct connection *connection = smfi_getpriv(ctx);
	struct message *m;
	char client[512];
	struct outcome outcome;
	struct intake_origin origin;
	sfsistat verdict;

	if (!message_is_ours(connection))
		return SMFIS_ACCEPT;
	m = &connection->message;
	describe_client(ctx, client, sizeof client);
	origin = (struct intake_origin){
		.queue_id = macro(ctx, "i"),
		.envelope_from = m->sender,
		.client = client,
		.has_other_recipients = m->has_others,
	};
	/* From here on we may wait for DNS, and others must not for us. */
	if (m->conf->dkim != DKIM_OFF)
		wake_pool(&the_wake);
	verdict =
	    act(ctx, m, intake_finish(m->intake, &origin, &outcome), &outcome);
	message_end(connection);
	return verdict;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct connection *connection = smfi_getpriv(ctx);

	if (connection != NULL)
		message_end(connection);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct connection *connection = smfi_getpriv(ctx);

	connection_free(&connection);
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

void
callbacks_log(int priority, const char *text)
{
	enum severity severity = SEV_INFO;

	if (priority <= SEV_NOTICE)
		severity =
		    priority < SEV_ERR ? SEV_ERR : (enum severity)priority;
	if (the_server != NULL)
		log_text(the_server->log, severity, "libmilter: %s", text);
}

bool
callbacks_register(struct server *server)
{
	static char name[] = "tlsrpt-milter";
	struct smfiDesc filter = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_DELRCPT |
		    SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_end_of_message,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};

	the_server = server;
	wake_init(&the_wake, server->conf->socket);
	return smfi_register(filter) == MI_SUCCESS;
}
