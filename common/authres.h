/*
 * authres: Authentication-Results fields (RFC 8601), as far as DKIM goes.
 *
 * The fields are handed over in the order of the message, from the top, with
 * the others between them. A milter before us puts its field on top of all that
 * came from outside; so what counts are the topmost fields of a trusted name,
 * and nothing below the first field that was part of the message when it came.
 */
#ifndef AUTHRES_H
#define AUTHRES_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "verdict.h"

enum {
	AUTHRES_MAX = 8,   /* results that are kept */
	AUTHRES_B_MAX = 64 /* bytes of header.b that are kept (RFC 6008) */
};

/* One "dkim=pass" of a trusted field. Strings are "" when not given. */
struct authres_pass {
	char domain[VERDICT_DOMAIN_MAX];     /* header.d, else of header.i */
	char selector[VERDICT_SELECTOR_MAX]; /* header.s */
	char b[AUTHRES_B_MAX];               /* header.b */
};

struct authres {
	const struct conf_list *trusted; /* authserv-ids; borrowed */
	bool is_over;    /* a field that came with the message was seen */
	bool is_decided; /* a trusted field with a dkim result was seen */
	size_t count;
	struct authres_pass pass[AUTHRES_MAX];
};

/* trusted must outlive it. */
void authres_init(struct authres *ar, const struct conf_list *trusted);

/* A header field, value as a milter gets it. Bad syntax counts for nothing. */
void authres_field(struct authres *ar, const char *name, const char *value);

#endif
