#include "diagnosed.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "judge.h"
#include "result.h"

enum {
	PORT_HTTPS = 443
};

enum status
diagnosed_run(const struct diagnosed_means *means,
    const struct diagnosed_wish *wish, struct diagnosed *diagnosed,
    struct fault *fault)
{
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
	st = diagnosis_run(&diagnosed->settings, &diagnosed->diagnosis, fault);
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

const char *
diagnosed_action(const struct finding *finding)
{
	if (finding->action == NULL && finding->kind == FINDING_FAILURE)
		return result_find(finding->result_type)->action;
	return finding->action;
}

const char *
diagnosed_cause(const struct finding *finding)
{
	const struct result *result = result_find(finding->result_type);

	if (finding->kind != FINDING_FAILURE ||
	    diagnosed_action(finding) != result->action)
		return NULL;
	return result->cause;
}

int64_t
diagnosed_days_left(const struct certificate *certificate, int64_t now)
{
	int64_t left = certificate->not_after - now;

	return left >= 0 ? left / 86400 : -((-left + 86399) / 86400);
}
