/*
 * recordoptions: the options and the argument of "tlsrpt record".
 */
#ifndef RECORDOPTIONS_H
#define RECORDOPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "idn.h"
#include "recordmake.h"

/* Options that a verb has. */
enum {
	RECORDOPTIONS_DOMAIN = 1 << 0,
	RECORDOPTIONS_DNS = 1 << 1,
	RECORDOPTIONS_RUA = 1 << 2,
	RECORDOPTIONS_HTTPS = 1 << 3
};

/* Strings are those of argv. */
struct recordoptions {
	/* To be set before. */
	const char *verb; /* "check" */
	const char *usage;
	unsigned has;       /* a bit for each kind of option */
	int arguments;      /* how many it takes: none or one */
	struct conf *given; /* values of options, as keywords have them */
	/* What was given. */
	bool is_json;
	const char *conf_path; /* or NULL, as the others */
	const char *ca_file;
	char domain[IDN_NAME_MAX]; /* or "" */
	const char *argument;
	size_t uris;
	const char *uri[RECORDMAKE_URIS_MAX];
};

/*
 * Read them; what is wrong is said on standard error. Returns -1 to go on, or
 * the exit status.
 */
int recordoptions_read(struct recordoptions *options, int argc, char **argv);

/*
 * Take a word as the domain, with or without what stands before it in the DNS.
 * False when it is none, which is said.
 */
bool recordoptions_domain(struct recordoptions *options, const char *word);

/* Say that a word is this; always false. */
bool recordoptions_bad(
    const struct recordoptions *options, const char *word, const char *why);

#endif
