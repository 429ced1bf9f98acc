#include "pathsecret.h"

#include <openssl/crypto.h>
#include <string.h>

#include "idn.h"

const char *
auth_str(enum auth auth)
{
	switch (auth) {
	case AUTH_PATH:
		return "path";
	case AUTH_PROXY:
		return "proxy";
	case AUTH_NONE:
		break;
	}
	return "none";
}

bool
auth_read(const char *word, enum auth *auth)
{
	static const enum auth all[] = { AUTH_NONE, AUTH_PATH, AUTH_PROXY };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (strcmp(word, auth_str(all[i])) != 0)
			continue;
		*auth = all[i];
		return true;
	}
	return false;
}

/* The token behind "DOMAIN ". */
static const char *
token_of(const char *secret)
{
	return strchr(secret, ' ') + 1;
}

/* Only the length of a token may show in the time that this takes. */
static bool
is_equal(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len == strlen(b) && CRYPTO_memcmp(a, b, len) == 0;
}

bool
pathsecret_is_token(const struct conf *conf, const char *token)
{
	bool is_found = false;

	/* All of them, whichever it is. */
	for (size_t i = 0; i < conf->path_secret.count; i++)
		is_found |=
		    is_equal(token_of(conf->path_secret.item[i]), token);
	return is_found;
}

static bool
is_domain(const char *secret, const char *domain)
{
	return idn_is_same(
	    secret, strcspn(secret, " "), domain, strlen(domain));
}

bool
pathsecret_is_for(
    const struct conf *conf, const char *token, const char *domain)
{
	bool is_found = false;

	for (size_t i = 0; i < conf->path_secret.count; i++) {
		const char *secret = conf->path_secret.item[i];

		is_found |= is_domain(secret, domain) &&
		    is_equal(token_of(secret), token);
	}
	return is_found;
}

/* What the policies of a report say of a token. */
struct named {
	const struct conf *conf;
	const char *token;
	bool is_named; /* the last one is on the domain of the token */
};

static enum report_visit
check_domain(void *ctx, const struct policy *policy)
{
	struct named *named = ctx;

	if (policy->policy_domain == NULL || policy->policy_domain[0] == '\0')
		return REPORT_SKIP;
	named->is_named =
	    pathsecret_is_for(named->conf, named->token, policy->policy_domain);
	return named->is_named ? REPORT_SKIP : REPORT_STOP;
}

enum auth
pathsecret_vouches(const struct conf *conf, enum auth auth, const char *token,
    struct report *report)
{
	static const struct report_visitor visitor = { .policy = check_domain };
	struct named named = { .conf = conf, .token = token };

	if (auth != AUTH_PATH)
		return auth;
	if (report_walk(report, &visitor, &named) != ST_OK || !named.is_named)
		return AUTH_NONE;
	return AUTH_PATH;
}
