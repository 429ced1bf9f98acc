/*
 * authres: Authentication-Results fields (RFC 8601), as far as DKIM goes.
 *
 * All fields are handed over in the order of the message, from the top. A
 * milter before us puts its field on top of all that came from outside; so what
 * counts is the topmost field of a trusted name that has a dkim result, and
 * nothing below the first field that no filter puts there.
 *
 * Where the filter wrote no field, one that came from outside may stand there
 * in its place, and nothing tells them apart. Two things do away with that: the
 * MTA removes such fields as a message comes in, or the filter writes the queue
 * id behind its name, which the sender cannot know, and "NAME/" is trusted.
 * See authres.c for what opendkim does.
 */
#ifndef AUTHRES_H
#define AUTHRES_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "verdict.h"

enum {
	AUTHRES_MAX = 8,   /* results that are kept, the first ones */
	AUTHRES_B_MAX = 64 /* bytes of header.b that are kept (RFC 6008) */
};

/* One "dkim=pass" of a trusted field. Strings are "" when not given. */
struct authres_pass {
	char domain[VERDICT_DOMAIN_MAX]; /* header.d, else of header.i; small
					    letters, digits, "-", "_", "." */
	char selector[VERDICT_SELECTOR_MAX]; /* header.s; of the same bytes */
	char b[AUTHRES_B_MAX];               /* header.b; base64, cut */
};

struct authres {
	const struct conf_list *trusted; /* authserv-ids; borrowed */
	const char *job;                 /* the queue id, borrowed, or NULL */
	bool is_over;    /* a field that came with the message was seen */
	bool is_decided; /* a trusted field with a dkim result was seen */
	bool is_tainted; /* a signature that may write results was seen */
	size_t count;    /* 0 as soon as is_tainted */
	struct authres_pass pass[AUTHRES_MAX];
};

/*
 * trusted must outlive it. A name "mx.example" stands for itself and for
 * "mx.example/JOB", as opendkim writes it with AuthservIDWithJobID;
 * "mx.example/" for the latter alone, and then only with the queue id of
 * authres_set_job().
 */
void authres_init(struct authres *ar, const struct conf_list *trusted);

/*
 * The queue id, before the first field; must outlive it. A field with another
 * one counts for nothing then.
 */
void authres_set_job(struct authres *ar, const char *job);

/*
 * A header field, value as a milter gets it. Hand over all of them: a
 * DKIM-Signature anywhere can undo what was found above it. Bad syntax counts
 * for nothing, but in a field of a trusted name it decides. Linear in the
 * field's length; takes no memory.
 */
void authres_field(struct authres *ar, const char *name, const char *value);

#endif
