/*
 * pathsecret: who vouches for a report that came by HTTPS, and the tokens of
 * PathSecret, which only the TLS-RPT record of a domain shows.
 *
 * RFC 8460, section 5.4, defines no authentication. A token in the path of the
 * rua says that the sender has read the record; it is compared in a time that
 * does not depend on how much of it is right.
 */
#ifndef PATHSECRET_H
#define PATHSECRET_H

#include <stdbool.h>

#include "conf.h"
#include "report.h"

enum auth {
	AUTH_NONE,
	AUTH_PATH, /* by a token, for the reports on its domain alone */
	AUTH_PROXY /* by a trusted proxy, which knows the client */
};

/* "none", "path", "proxy". Static storage. */
const char *auth_str(enum auth auth);

/* The same the other way round; false when it is none of these words. */
bool auth_read(const char *word, enum auth *auth);

/* Is this a token of the configuration? */
bool pathsecret_is_token(const struct conf *conf, const char *token);

/*
 * Is this a token for the policy domain? Case and a final dot of the domain do
 * not matter.
 */
bool pathsecret_is_for(
    const struct conf *conf, const char *token, const char *domain);

/*
 * Who vouches for a report that came with this auth and token? Of AUTH_PATH
 * nothing is left when the report is on another domain than that of the token,
 * or names none at all: policies are walked until one is another.
 */
enum auth pathsecret_vouches(const struct conf *conf, enum auth auth,
    const char *token, struct report *report);

#endif
