#include "diagnosed.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "judge.h"
#include "result.h"
#include "waiting.h"

enum {
	PORT_HTTPS = 443
};

enum status
diagnosed_run(const struct diagnosed_means *means,
    const struct diagnosed_wish *wish, struct diagnosed *diagnosed,
    struct fault *fault)
{
	struct waiting waiting;
	void (*old)(int);
	enum status st;

	memset(diagnosed, 0, sizeof *diagnosed);
	(void)snprintf(
	    diagnosed->domain, sizeof diagnosed->domain, "%s", wish->domain);
	if (wish->mx != NULL)
		(void)snprintf(
		    diagnosed->mx, sizeof diagnosed->mx, "%s", wish->mx);
	diagnosed->settings = (struct diagnosis_settings){
		.domain = diagnosed->domain,
		.mx = wish->mx != NULL ? diagnosed->mx : NULL,
		.is_mx_of_dns = wish->is_mx_of_dns,
		.without_mx = wish->without_mx,
		.with_sts = wish->with_sts,
		.with_dane = wish->with_dane,
		.is_dane_required = wish->is_dane_required,
		.port = means->port,
		.https_port = PORT_HTTPS,
		.source = means->source,
		.resolver = means->resolver,
		.has_trust_anchor = means->has_trust_anchor,
		.store = means->store,
		.helo = means->helo,
		.milliseconds = means->milliseconds,
	};
	/* A server may close the connection at any time; a reader of what we
	   print may, too, and then we are to end. */
	old = signal(SIGPIPE, SIG_IGN);
	if (means->with_progress)
		waiting_begin(&waiting, diagnosed->domain);
	st = diagnosis_run(&diagnosed->settings, &diagnosed->diagnosis, fault);
	if (means->with_progress)
		waiting_end(&waiting);
	(void)signal(SIGPIPE, old);
	if (st != ST_OK)
		return st;
	st = judge(&diagnosed->diagnosis, &diagnosed->findings);
	return st == ST_OK ? ST_OK : fault_set(fault, st, "no memory");
}

void
diagnosed_clear(struct diagnosed *diagnosed)
{
	findings_clear(&diagnosed->findings);
	diagnosis_clear(&diagnosed->diagnosis);
}

size_t
diagnosed_count(const struct findings *findings, enum finding_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->finding[i].kind == kind;
	return count;
}

/* Copy text, each word replaced by other; cut when it is full. */
static void
replace(char *out, size_t size, const char *text, const char *word,
    const char *other)
{
	size_t len = strlen(word), n = 0;

	while (*text != '\0' && n + 1 < size) {
		int added;

		if (strncmp(text, word, len) != 0) {
			out[n++] = *text++;
			continue;
		}
		added = snprintf(out + n, size - n, "%s", other);
		n = added < 0 || (size_t)added >= size - n ? size - 1
							   : n + (size_t)added;
		text += len;
	}
	out[n] = '\0';
}

const char *
diagnosed_advice(const struct diagnosed *diagnosed, const char *text,
    char out[DIAGNOSED_ADVICE_MAX])
{
	char host[IDN_NAME_MAX + 16];

	if (text == NULL)
		return NULL;
	(void)snprintf(host, sizeof host, "mta-sts.%s", diagnosed->domain);
	replace(out, DIAGNOSED_ADVICE_MAX, text, "mta-sts.DOMAIN", host);
	return out;
}

/* Where a connection is to go: one address of several must be named. */
static void
put_place(char *out, size_t size, const struct finding *finding, unsigned port)
{
	const char *ip = finding->address != NULL && finding->mx->count > 1
	    ? finding->address->address.text
	    : NULL;

	if (ip == NULL)
		(void)snprintf(out, size, "-connect %%m:%u", port);
	else
		(void)snprintf(out, size,
		    strchr(ip, ':') != NULL
			? "-connect \"[%s]:%u\" -servername %%m"
			: "-connect %s:%u -servername %%m",
		    ip, port);
}

const char *
diagnosed_command(const struct diagnosed *diagnosed,
    const struct finding *finding, char out[DIAGNOSED_COMMAND_MAX])
{
	const struct diagnosis_mx *mx = finding->mx;
	unsigned port = diagnosed->settings.port;
	char place[128], text[DIAGNOSED_COMMAND_MAX];
	struct result result = { .verify = text };
	const char *host = NULL;

	if (finding->verify == NULL)
		return NULL;
	if (mx != NULL)
		host = strstr(finding->verify, "_tcp") != NULL &&
			mx->dane_base[0] != '\0'
		    ? mx->dane_base
		    : mx->host;
	put_place(place, sizeof place, finding, port);
	replace(out, DIAGNOSED_COMMAND_MAX, finding->verify, "-connect %m:25",
	    place);
	(void)snprintf(place, sizeof place, "://%%m:%u", port);
	replace(text, sizeof text, out, "://%m:25", place);
	(void)snprintf(place, sizeof place, "_%u._tcp", port);
	replace(out, DIAGNOSED_COMMAND_MAX, text, "_25._tcp", place);
	memcpy(text, out, sizeof text);
	result_verify(
	    &result, host, diagnosed->domain, out, DIAGNOSED_COMMAND_MAX);
	return out;
}

int64_t
diagnosed_days_left(const struct certificate *certificate, int64_t now)
{
	int64_t left = certificate->not_after - now;

	return left >= 0 ? left / 86400 : -((-left + 86399) / 86400);
}
