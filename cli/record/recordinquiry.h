/*
 * recordinquiry: what "tlsrpt record" has found out, before any printing: the
 * texts, what there is to say of each, and where they came from.
 */
#ifndef RECORDINQUIRY_H
#define RECORDINQUIRY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "idn.h"
#include "lookup.h"
#include "remark.h"
#include "reportingpolicy.h"
#include "resolver.h"
#include "status.h"
#include "stsfetch.h"
#include "stspolicy.h"
#include "stsrecord.h"

enum {
	RECORDINQUIRY_PLACES_MAX = 10,                 /* wrong ones */
	RECORDINQUIRY_NAME_MAX = 2 * IDN_NAME_MAX + 32 /* of a wrong one */
};

enum recordinquiry_kind {
	RECORDINQUIRY_REPORTING, /* TXT record of TLSRPT */
	RECORDINQUIRY_STS,       /* TXT record of MTA-STS */
	RECORDINQUIRY_POLICY     /* policy file of MTA-STS */
};

/* A text that has been checked. */
struct recordinquiry_text {
	enum recordinquiry_kind kind;
	char *text; /* with a NUL behind, and maybe others in it */
	size_t len;
	size_t strings;  /* of a TXT record of the DNS; else 0 */
	bool is_foreign; /* a TXT record for something else; not checked */
	bool is_valid;
	struct remarks remarks;
	/* That of its kind, if it is valid. */
	struct reportingpolicy reporting;
	struct stsrecord sts;
	struct stspolicy policy;
};

/* All zero is one of nothing. */
struct recordinquiry {
	enum recordinquiry_kind kind;
	char domain[IDN_NAME_MAX]; /* or "" */
	const char *file;          /* or NULL; "-" for standard input */
	/* The question. */
	char name[RECORDINQUIRY_NAME_MAX]; /* or "": nothing was asked */
	struct found found;
	size_t count;
	struct recordinquiry_text *record[LOOKUP_TXT_MAX];
	/* Records in places where nobody looks. */
	size_t places;
	struct {
		char name[RECORDINQUIRY_NAME_MAX];
		char *text;
	} place[RECORDINQUIRY_PLACES_MAX];
	/* The policy of a domain. */
	bool has_fetch;
	struct stsfetch fetch;
	struct recordinquiry_text *policy; /* or NULL */
	struct remarks remarks;            /* on the whole: without places */
	bool is_untried; /* the DNS did not say all; it may later */
};

/*
 * Check a text; domain is whose it is, or NULL. NULL when there is no memory.
 */
struct recordinquiry_text *recordinquiry_check(enum recordinquiry_kind kind,
    const char *text, size_t len, const char *domain);

/* Whom to ask, and how. */
struct recordinquiry_means {
	struct resolver *resolver;
	X509_STORE *store; /* for the policy; else NULL */
	unsigned milliseconds;
};

/*
 * Ask the DNS for the records of inquiry->domain, of inquiry->kind, and for
 * MTA-STS the web server for the policy. ST_NO_MEMORY.
 */
enum status recordinquiry_ask(
    struct recordinquiry *inquiry, const struct recordinquiry_means *means);

/*
 * The exit status: 1 with an error, else 75 when something could not be found
 * out, else 2 with a warning, else 0.
 */
int recordinquiry_exit(const struct recordinquiry *inquiry);

/* How many remarks of a kind there are, on the whole and on each text. */
size_t recordinquiry_remarks(
    const struct recordinquiry *inquiry, enum remark_kind kind);

void recordinquiry_clear(struct recordinquiry *inquiry);

#endif
