/*
 * intake: the road that every message takes, whoever brings it.
 *
 * Header fields and body go in. At the end the reports are decoded one at a
 * time, assessed and archived; then it is decided what becomes of the message,
 * and the events are logged.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "dispose.h"
#include "log.h"
#include "status.h"
#include "syncer.h"
#include "tracker.h"
#include "verify.h"

enum {
	/* Reports decoded at the same time, and large ones kept until they are
	   on disk. Each may take twice MaxReportSize, so this bounds what a
	   flood of them can cost. */
	INTAKE_DECODERS = 4,
	/* Bytes of a report that is not large: no more than what a session may
	   spool in memory besides. */
	INTAKE_SMALL = 98304
};

/* What all messages of a process share. */
struct intake_site {
	struct log *log;
	struct verify_site *verify; /* borrowed */
	struct tracker *tracker; /* borrowed; NULL: reports are not indexed */
	/* Borrowed. NULL: nobody has the messages but us, and each report is
	   durable before its reply. */
	struct syncer *syncer;
	sem_t decoders;
};
void intake_site_init(struct intake_site *site, struct log *log,
    struct verify_site *verify, struct tracker *tracker, struct syncer *syncer);

/* Where a message came from. Strings may be NULL. */
struct intake_origin {
	const char *queue_id;
	const char *envelope_from;
	const char *client; /* "name [address]" or an address */
	bool has_other_recipients;
	bool is_last; /* see struct circumstances */
	/* Of an upload. A token vouches for reports on its domain alone. */
	enum auth auth;
	const char *path_token; /* with AUTH_PATH */
};

struct intake;

/*
 * Make one for one message. Takes a reference to conf; site must outlive it.
 * queue_id is that of the message if it is known by now, else NULL. NULL when
 * there is no memory. Unless conf says "DKIM off", the site's verify must have
 * been given a configuration.
 */
struct intake *
intake_new(struct intake_site *site, struct conf *conf, const char *queue_id);

/*
 * Make one for a body that came by HTTPS (RFC 8460, section 5.4). Nobody signed
 * it: whether it counts is said by RequireAuth and the origin's auth. Feed it
 * with the field Content-Type, whose value is no multipart and no message, and
 * with the body, of which no byte is changed.
 */
struct intake *intake_new_upload(struct intake_site *site, struct conf *conf);

/* Feed it. Values as a milter gets them; nothing here fails or blocks. */
void intake_field(struct intake *in, const char *name, const char *value);
void intake_body(struct intake *in, const char *data, size_t len);

/*
 * The message is complete: do everything. Returns the action, with which the
 * log agrees; *outcome says what was found. May wait for a decoder, and for DNS
 * as long as DNSTimeout allows.
 */
enum conf_action intake_finish(struct intake *in,
    const struct intake_origin *origin, struct outcome *outcome);

void intake_free(struct intake **in);

#endif
