#include "diagnosis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parallel.h"
#include "text.h"

/* The signature algorithms of servers with a key of the one kind or another. */
#define SIGALGS_RSA                                                            \
	"rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"         \
	"RSA+SHA256:RSA+SHA384:RSA+SHA512"
#define SIGALGS_OTHER "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448"

/* An address of an MX, to be probed. */
struct target {
	struct diagnosis_mx *mx;
	struct diagnosis_address *address;
};

struct work {
	const struct diagnosis_settings *settings;
	struct diagnosis *diagnosis;
	enum status status; /* of the MX */
	/* Our own address, when it is given. */
	struct sockaddr_storage source;
	socklen_t source_len;
	size_t targets;
	struct target target[DIAGNOSIS_PROBES_MAX];
};

/*
 * MTA-STS.
 */

/* False when that is no domain name any more. */
static bool
make_name(char out[IDN_NAME_MAX], const char *label, const char *domain)
{
	int n = snprintf(out, IDN_NAME_MAX, "%s.%s", label, domain);

	return n > 0 && n < IDN_NAME_MAX - 2;
}

struct sts_host {
	const struct diagnosis_settings *settings;
	struct diagnosis_sts *sts;
	char name[IDN_NAME_MAX];
};

static void
ask_sts_addresses(void *ctx, size_t i)
{
	const struct sts_host *host = ctx;

	lookup_addresses(host->settings->resolver, host->name,
	    i == 0 ? AF_INET6 : AF_INET, host->settings->milliseconds,
	    i == 0 ? &host->sts->ipv6 : &host->sts->ipv4);
}

static void
fetch_policy(const struct sts_host *host)
{
	const struct found_address *addresses[DIAGNOSIS_ADDRESSES_MAX];
	struct diagnosis_sts *sts = host->sts;
	struct stsfetch_settings fetch = {
		.host = host->name,
		.address = addresses,
		.port = host->settings->https_port,
		.source = host->settings->source,
		.store = host->settings->store,
		.milliseconds = host->settings->milliseconds,
	};

	for (size_t i = 0; i < sts->ipv6.count; i++)
		addresses[fetch.addresses++] = &sts->ipv6.address[i];
	for (size_t i = 0; i < sts->ipv4.count; i++)
		addresses[fetch.addresses++] = &sts->ipv4.address[i];
	sts->has_address = fetch.addresses > 0;
	if (!sts->has_address)
		return;
	stsfetch_run(&fetch, &sts->fetch);
	if (sts->fetch.end == STSFETCH_OK)
		sts->has_policy = stspolicy_read(
		    sts->fetch.body.data != NULL ? sts->fetch.body.data : "",
		    sts->fetch.body.len, &sts->policy, &sts->policy_remarks);
}

/* Of those that begin as one must, exactly one must be left. */
static void
read_record(struct diagnosis_sts *sts)
{
	size_t which = 0;

	for (size_t i = 0; i < sts->txt.count; i++) {
		if (!stsrecord_is_one(sts->txt.text[i], sts->txt.len[i]))
			continue;
		sts->records++;
		which = i;
	}
	if (sts->records == 1)
		sts->has_record = stsrecord_read(sts->txt.text[which],
		    sts->txt.len[which], &sts->record, &sts->record_remarks);
}

static void
find_sts(const struct work *work)
{
	const struct diagnosis_settings *settings = work->settings;
	struct diagnosis_sts *sts = &work->diagnosis->sts;
	struct sts_host host = { .settings = settings, .sts = sts };

	sts->txt.found.status = RESOLVER_NOT_FOUND;
	if (!settings->with_sts)
		return;
	sts->is_asked = true;
	if (!make_name(sts->name, "_mta-sts", settings->domain) ||
	    !make_name(host.name, "mta-sts", settings->domain))
		return;
	lookup_txt(
	    settings->resolver, sts->name, settings->milliseconds, &sts->txt);
	read_record(sts);
	if (!sts->has_record)
		return;
	sts->has_fetch = true;
	parallel_run(2, ask_sts_addresses, &host);
	fetch_policy(&host);
}

/*
 * Which MX there are.
 */

static void
set_mx(struct diagnosis_mx *mx, const char *host, unsigned preference)
{
	(void)text_copy(mx->host, sizeof mx->host, host);
	mx->preference = preference;
	mx->is_in_dns = true;
}

/* The one that was asked for, be it an MX or, if that may be, not. */
static void
keep_one(struct diagnosis *diagnosis, const char *host, bool is_of_dns)
{
	size_t i = 0;

	while (
	    i < diagnosis->mx_count && !text_ieq(diagnosis->mx[i].host, host))
		i++;
	if (i < diagnosis->mx_count) {
		diagnosis->mx[0] = diagnosis->mx[i];
	} else if (is_of_dns) {
		diagnosis->mx_count = 0;
		return;
	} else {
		set_mx(&diagnosis->mx[0], host, 0);
		diagnosis->mx[0].is_in_dns = false;
	}
	diagnosis->mx_count = 1;
}

static enum status
find_mx(const struct work *work)
{
	const struct diagnosis_settings *settings = work->settings;
	struct diagnosis *diagnosis = work->diagnosis;
	struct found_mx *found = &diagnosis->found_mx;

	lookup_mx(settings->resolver, settings->domain, settings->milliseconds,
	    found);
	diagnosis->mx = calloc(found->count + 1, sizeof diagnosis->mx[0]);
	if (diagnosis->mx == NULL)
		return ST_NO_MEMORY;
	if (!found->is_null) {
		for (size_t i = 0; i < found->count; i++)
			set_mx(&diagnosis->mx[diagnosis->mx_count++],
			    found->mx[i].host, found->mx[i].preference);
	}
	/* Records that were dropped are records. */
	diagnosis->is_implicit = found->found.status == RESOLVER_NOT_FOUND;
	if (diagnosis->is_implicit)
		set_mx(
		    &diagnosis->mx[diagnosis->mx_count++], settings->domain, 0);
	if (settings->without_mx)
		diagnosis->mx_count = 0;
	else if (settings->mx != NULL)
		keep_one(diagnosis, settings->mx, settings->is_mx_of_dns);
	return ST_OK;
}

/*
 * Their addresses and TLSA records.
 */

static void
ask_addresses(void *ctx, size_t i)
{
	const struct work *work = ctx;
	struct diagnosis_mx *mx = &work->diagnosis->mx[i / 2];

	lookup_addresses(work->settings->resolver, mx->host,
	    i % 2 == 0 ? AF_INET6 : AF_INET, work->settings->milliseconds,
	    i % 2 == 0 ? &mx->ipv6 : &mx->ipv4);
}

static bool
is_insecure(const struct found *found)
{
	return found->status == RESOLVER_FOUND && !found->is_secure;
}

/* Does a sender go on to ask for TLSA records (RFC 7672, section 2.2)? */
static bool
is_dane_possible(
    const struct diagnosis *diagnosis, const struct diagnosis_mx *mx)
{
	return diagnosis->found_mx.found.is_secure &&
	    (mx->ipv6.found.status == RESOLVER_FOUND ||
		mx->ipv4.found.status == RESOLVER_FOUND) &&
	    !is_insecure(&mx->ipv6.found) && !is_insecure(&mx->ipv4.found);
}

static void
ask_tlsa(const struct work *work, struct diagnosis_mx *mx, const char *base)
{
	found_tlsa_clear(&mx->tlsa);
	(void)text_copy(mx->dane_base, sizeof mx->dane_base, base);
	lookup_tlsa(work->settings->resolver, base, work->settings->port,
	    work->settings->milliseconds, &mx->tlsa);
	mx->has_tlsa_answer = true;
}

/*
 * The base domain is where a CNAME led to, if all is secure up to there and it
 * has secure TLSA records, else the name itself (RFC 7672, section 2.2.3). A
 * lookup that fails is not gone around: with it the MX is not to be used.
 */
static void
find_tlsa(void *ctx, size_t i)
{
	const struct work *work = ctx;
	struct diagnosis_mx *mx = &work->diagnosis->mx[i];
	const char *alias = mx->ipv6.found.alias[0] != '\0'
	    ? mx->ipv6.found.alias
	    : mx->ipv4.found.alias;

	mx->is_dane_possible = is_dane_possible(work->diagnosis, mx);
	if (mx->is_dane_possible && alias[0] != '\0')
		ask_tlsa(work, mx, alias);
	if (!mx->has_tlsa_answer ||
	    mx->tlsa.found.status == RESOLVER_NOT_FOUND ||
	    is_insecure(&mx->tlsa.found))
		ask_tlsa(work, mx, mx->host);
	for (size_t k = 0; k < mx->tlsa.count; k++)
		mx->usable += tlsa_why_unusable(&mx->tlsa.tlsa[k]) == NULL;
}

/*
 * Their addresses, probed.
 */

/* Those to be probed, IPv6 first, and a place for what is found. */
static enum status
make_targets(struct work *work)
{
	struct diagnosis *diagnosis = work->diagnosis;

	for (size_t i = 0; i < diagnosis->mx_count; i++) {
		struct diagnosis_mx *mx = &diagnosis->mx[i];
		size_t count = mx->ipv6.count + mx->ipv4.count;

		if (count == 0)
			continue;
		mx->address = calloc(count, sizeof mx->address[0]);
		if (mx->address == NULL)
			return ST_NO_MEMORY;
		for (mx->count = 0; mx->count < count; mx->count++) {
			struct diagnosis_address *a = &mx->address[mx->count];

			a->address = mx->count < mx->ipv6.count
			    ? mx->ipv6.address[mx->count]
			    : mx->ipv4.address[mx->count - mx->ipv6.count];
			a->is_tried = work->targets < DIAGNOSIS_PROBES_MAX;
			if (a->is_tried)
				work->target[work->targets++] =
				    (struct target){ .mx = mx, .address = a };
			else
				diagnosis->untried++;
		}
	}
	return ST_OK;
}

/* What a sender does with that address. */
static struct mxprobe_settings
probe_settings(const struct work *work, const struct target *target)
{
	const struct diagnosis_settings *settings = work->settings;
	const struct diagnosis_mx *mx = target->mx;

	return (struct mxprobe_settings){
		.address = &target->address->address,
		.port = settings->port,
		.host = mx->host,
		.helo = settings->helo,
		.source = work->source_len > 0
		    ? (const struct sockaddr *)&work->source
		    : NULL,
		.source_len = work->source_len,
		.store = settings->store,
		.tlsa = diagnosis_has_dane(mx) ? &mx->tlsa : NULL,
		.dane_base = mx->dane_base,
		.milliseconds = settings->milliseconds,
	};
}

static void
probe(void *ctx, size_t i)
{
	const struct work *work = ctx;
	const struct target *target = &work->target[i];
	struct mxprobe_settings settings = probe_settings(work, target);
	struct mxprobe *result = &target->address->probe;

	if (work->source_len == 0 ||
	    work->source.ss_family == target->address->address.sa.ss_family) {
		mxprobe_run(&settings, result);
		return;
	}
	result->stage = MXPROBE_CONNECT;
	result->end = MXPROBE_NO_ROUTE;
	(void)text_copy(result->detail, sizeof result->detail,
	    "the source address is of the other family");
}

static void
ask_old_tls(const struct work *work, const struct target *target)
{
	struct mxprobe_settings settings = probe_settings(work, target);
	struct diagnosis_address *address = target->address;

	settings.tlsa = NULL;
	settings.max_version = TLS1_1_VERSION;
	mxprobe_run(&settings, &address->old_tls);
	address->offers_old_tls = address->old_tls.stage == MXPROBE_DONE;
	address->has_old_tls_answer = address->offers_old_tls ||
	    (address->old_tls.stage == MXPROBE_HANDSHAKE &&
		address->old_tls.end != MXPROBE_TIMEOUT &&
		address->old_tls.end != MXPROBE_OURSELVES);
}

static void
ask_other_key(const struct work *work, const struct target *target)
{
	struct mxprobe_settings settings = probe_settings(work, target);
	struct diagnosis_address *address = target->address;

	if (settings.tlsa == NULL || target->mx->usable == 0)
		return;
	settings.sigalgs =
	    strncmp(address->probe.certificate.key, "RSA", 3) == 0
	    ? SIGALGS_OTHER
	    : SIGALGS_RSA;
	mxprobe_run(&settings, &address->other_key);
	address->has_other_key = address->other_key.stage == MXPROBE_DONE &&
	    strcmp(address->other_key.certificate.spki_sha256,
		address->probe.certificate.spki_sha256) != 0;
}

/* What else there is to ask of an MX, at its first address that has TLS. */
static void
probe_more(void *ctx, size_t i)
{
	const struct work *work = ctx;
	struct diagnosis_mx *mx = &work->diagnosis->mx[i / 2];

	for (size_t k = 0; k < mx->count; k++) {
		struct target target = { .mx = mx, .address = &mx->address[k] };

		if (mx->address[k].probe.stage != MXPROBE_DONE)
			continue;
		if (i % 2 == 0)
			ask_old_tls(work, &target);
		else
			ask_other_key(work, &target);
		return;
	}
}

/*
 * All of it.
 */

static void
set_source(struct work *work)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&work->source;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&work->source;
	const char *source = work->settings->source;

	if (source == NULL)
		return;
	if (inet_pton(AF_INET, source, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		work->source_len = sizeof *ipv4;
	} else if (inet_pton(AF_INET6, source, &ipv6->sin6_addr) == 1) {
		ipv6->sin6_family = AF_INET6;
		work->source_len = sizeof *ipv6;
	}
}

static enum status
examine_mx(struct work *work)
{
	struct diagnosis *diagnosis = work->diagnosis;
	enum status status = find_mx(work);

	if (status != ST_OK)
		return status;
	parallel_run(2 * diagnosis->mx_count, ask_addresses, work);
	if (work->settings->with_dane)
		parallel_run(diagnosis->mx_count, find_tlsa, work);
	status = make_targets(work);
	if (status != ST_OK)
		return status;
	parallel_run(work->targets, probe, work);
	parallel_run(2 * diagnosis->mx_count, probe_more, work);
	return ST_OK;
}

static void
run_half(void *ctx, size_t i)
{
	struct work *work = ctx;

	if (i == 0)
		find_sts(work);
	else
		work->status = examine_mx(work);
}

enum status
diagnosis_run(const struct diagnosis_settings *settings,
    struct diagnosis *diagnosis, struct fault *fault)
{
	struct work work = { .settings = settings, .diagnosis = diagnosis };

	memset(diagnosis, 0, sizeof *diagnosis);
	diagnosis->settings = settings;
	diagnosis->now = time(NULL);
	set_source(&work);
	parallel_run(2, run_half, &work);
	if (work.status != ST_OK)
		return fault_set(fault, work.status, "no memory for the MX");
	return ST_OK;
}

bool
diagnosis_has_dane(const struct diagnosis_mx *mx)
{
	return mx->is_dane_possible && mx->has_tlsa_answer &&
	    mx->tlsa.found.status == RESOLVER_FOUND && mx->tlsa.found.is_secure;
}

void
diagnosis_clear(struct diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->mx_count; i++) {
		if (diagnosis->mx[i].has_tlsa_answer)
			found_tlsa_clear(&diagnosis->mx[i].tlsa);
		free(diagnosis->mx[i].address);
	}
	free(diagnosis->mx);
	diagnosis->mx = NULL;
	diagnosis->mx_count = 0;
	found_txt_clear(&diagnosis->sts.txt);
	stsfetch_clear(&diagnosis->sts.fetch);
}
