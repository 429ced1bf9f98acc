/*
 * rank: who vouches for a report, as far as its record tells.
 *
 * What makes two reports the same (organization-name, report-id, domain and
 * range) can often be guessed, so that a stranger can send another content of
 * a report before it comes, or after. Of several contents, that with the
 * highest rank counts (state.h). A rank refuses nobody.
 */
#ifndef RANK_H
#define RANK_H

#include "record.h"

enum rank {
	/* Nobody: it was posted (auth=none), or no signature passes, or none
	   was looked at; or it came without a message. */
	RANK_NOBODY,
	/* A signature passes, but neither contact-info nor the submitter nor
	   organization-name is of its domain. */
	RANK_STRANGER,
	/* It was posted with a token of PathSecret, which stands in DNS. */
	RANK_TOKEN,
	/* Signed by the domain of its contact-info or of its submitter: of
	   whom it says it is from. But he says so himself, and can put another
	   name before it. */
	RANK_SIGNER,
	/* Signed by a domain that organization-name names, which is part of
	   what makes the report the same: "Google Inc." by google.com,
	   "mail.example.org" by example.org. Or posted through a proxy that
	   knows the client (auth=proxy). */
	RANK_NAMED
};

/* Of a record with these members: auth, verdict, submitter, report. */
enum rank rank_of(const struct record *record);

#endif
