/*
 * result: what is known of the result types (RFC 8460, section 4.3, and the
 * IANA registry "STARTTLS Validation Result Types").
 */
#ifndef RESULT_H
#define RESULT_H

#include <stdbool.h>
#include <stddef.h>

struct result {
	const char *type;     /* "certificate-expired" */
	const char *category; /* "negotiation", "dane", "sts", "unknown" */
	const char *meaning;  /* what the sender saw */
	const char *cause;    /* the usual cause, one sentence */
	const char *action;   /* what to do, one sentence */
	const char *verify;   /* a command that shows it by hand; %m stands for
				 the MX host, %d for the policy domain */
	const char *section;  /* where it is defined */
};

/*
 * The entry for a type; for one that is not in the registry an entry that says
 * so (category "unknown"), never NULL. type may be NULL. Static storage.
 */
const struct result *result_find(const char *type);

/* Is it one of the eleven? */
bool result_is_known(const struct result *result);

/* All eleven in the RFC's order. Static storage. */
const struct result *result_all(size_t *count);

/*
 * The verify command with its %m and %d filled in. A name that is missing, or
 * not made of letters, digits, ".", "-", "_" and ":", is replaced by the word
 * MX or DOMAIN: text from a report must not reach a shell.
 */
void result_verify(const struct result *result, const char *mx,
    const char *domain, char *out, size_t size);

enum {
	RESULT_ACTION_MAX = 513 /* a value of the log, and the NUL */
};

/*
 * The command of tlsrpt that shows whether it is still so: "tlsrpt diagnose
 * --mx mx1.example.com example.com", or with --policy sts where the policy
 * itself has failed. Names as for result_verify(); without an MX, but with a
 * domain, all of its MX.
 */
void result_diagnose(const struct result *result, const char *mx,
    const char *domain, char *out, size_t size);

/*
 * What to do, and that command behind it, for the log. A command that does not
 * fit has the words for the names, so that it is not cut.
 */
void result_action(const struct result *result, const char *mx,
    const char *domain, char out[RESULT_ACTION_MAX]);

#endif
