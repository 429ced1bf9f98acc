#include "verify.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "align.h"
#include "authres.h"
#include "resolver.h"
#include "signature.h"
#include "text.h"

enum {
	QUEUE_ID_MAX = 64
};

/*
 * Where keys come from. Replaced as a whole when the configuration asks another
 * resolver; messages that began with the old one end with it.
 */
struct source {
	unsigned refs; /* under the site's mutex */
	char *identity;
	struct resolver *resolver;
	struct signature_site *signatures;
};

struct verify_site {
	pthread_mutex_t mutex; /* over the pointer and the references */
	struct source *source; /* NULL: nothing is verified */
};

struct verify {
	struct verify_site *site;
	const struct conf *conf;
	struct source *source;
	struct signature *signature;
	struct authres authres;
	char queue_id[QUEUE_ID_MAX];
};

/*
 * The source.
 */

static void
source_free(struct source *source)
{
	signature_site_free(&source->signatures);
	resolver_free(&source->resolver);
	free(source->identity);
	free(source);
}

/* What two configurations must agree in to share a resolver. */
static char *
make_identity(const struct conf *conf)
{
	struct buf text;
	enum status st;

	buf_init(&text, 1 << 20);
	st = buf_adds(&text, conf->trust_anchor_file);
	for (size_t i = 0; st == ST_OK && i < conf->resolver.count; i++) {
		st = buf_addc(&text, '\n');
		if (st == ST_OK)
			st = buf_adds(&text, conf->resolver.item[i]);
	}
	if (st == ST_OK)
		st = buf_addc(&text, '\n');
	if (st != ST_OK)
		buf_free(&text);
	return text.data;
}

static struct source *
source_new(const struct conf *conf, struct fault *fault)
{
	const struct resolver_settings settings = {
		.servers = &conf->resolver,
		.trust_anchor_file = conf->trust_anchor_file,
	};
	struct source *source = calloc(1, sizeof *source);

	(void)fault_set(fault, ST_NO_MEMORY, "no memory to verify signatures");
	if (source == NULL)
		return NULL;
	source->refs = 1;
	source->identity = make_identity(conf);
	if (source->identity != NULL)
		source->resolver = resolver_new(&settings, fault);
	if (source->resolver != NULL)
		source->signatures = signature_site_new(
		    signature_ask_resolver, source->resolver);
	if (source->signatures != NULL)
		return source;
	source_free(source);
	return NULL;
}

static struct source *
source_ref(struct verify_site *site)
{
	struct source *source;

	(void)pthread_mutex_lock(&site->mutex);
	source = site->source;
	if (source != NULL)
		source->refs++;
	(void)pthread_mutex_unlock(&site->mutex);
	return source;
}

static void
source_unref(struct verify_site *site, struct source *source)
{
	bool is_last;

	(void)pthread_mutex_lock(&site->mutex);
	is_last = source != NULL && --source->refs == 0;
	(void)pthread_mutex_unlock(&site->mutex);
	if (is_last)
		source_free(source);
}

/*
 * The site.
 */

struct verify_site *
verify_site_new(void)
{
	struct verify_site *site = calloc(1, sizeof *site);

	if (site != NULL)
		(void)pthread_mutex_init(&site->mutex, NULL);
	return site;
}

/* Put another source in place. */
static void
replace_source(struct verify_site *site, struct source *source)
{
	struct source *old;

	(void)pthread_mutex_lock(&site->mutex);
	old = site->source;
	site->source = source;
	(void)pthread_mutex_unlock(&site->mutex);
	source_unref(site, old);
}

enum status
verify_site_configure(
    struct verify_site *site, const struct conf *conf, struct fault *fault)
{
	struct source *source;
	char *identity;
	bool is_same;

	/* Messages that have begun may still want what there is. */
	if (conf->dkim == DKIM_OFF)
		return ST_OK;
	/* Nobody but the caller replaces it. */
	identity = make_identity(conf);
	is_same = identity != NULL && site->source != NULL &&
	    strcmp(identity, site->source->identity) == 0;
	free(identity);
	if (is_same)
		return ST_OK;
	source = source_new(conf, fault);
	if (source == NULL)
		return fault->status;
	replace_source(site, source);
	return ST_OK;
}

void
verify_site_free(struct verify_site **site)
{
	if (*site == NULL)
		return;
	replace_source(*site, NULL);
	(void)pthread_mutex_destroy(&(*site)->mutex);
	free(*site);
	*site = NULL;
}

/*
 * A message.
 */

struct verify *
verify_new(struct verify_site *site, const struct conf *conf,
    const char *queue_id, bool is_file)
{
	struct source *source = source_ref(site);
	struct verify *v;

	if (source == NULL)
		return NULL;
	v = calloc(1, sizeof *v);
	if (v == NULL) {
		source_unref(site, source);
		return NULL;
	}
	v->site = site;
	v->conf = conf;
	v->source = source;
	authres_init(&v->authres, &conf->authserv_id);
	if (queue_id != NULL &&
	    text_copy(v->queue_id, sizeof v->queue_id, queue_id))
		authres_set_job(&v->authres, v->queue_id);
	v->signature = signature_new(source->signatures, is_file);
	if (v->signature == NULL)
		verify_free(&v);
	return v;
}

void
verify_free(struct verify **v)
{
	if (*v == NULL)
		return;
	signature_free(&(*v)->signature);
	source_unref((*v)->site, (*v)->source);
	free(*v);
	*v = NULL;
}

void
verify_field(struct verify *v, const char *name, const char *value)
{
	if (v->conf->authserv_id.count > 0)
		authres_field(&v->authres, name, value);
	signature_field(v->signature, name, value);
}

void
verify_body(struct verify *v, const char *data, size_t len)
{
	signature_body(v->signature, data, len);
}

/* Who may sign: whoever shares the organizational domain of one of these. */
struct reporting_domains {
	const char *from;
	const char *submitter;
};

static bool
is_aligned(void *ctx, const char *domain)
{
	const struct reporting_domains *of = ctx;

	return align_domains(domain, of->from) ||
	    align_domains(domain, of->submitter);
}

/*
 * Does a milter before us vouch for a signature of the reporting domain? Only
 * for one that is there, and that would do for us.
 */
static bool
is_vouched_for(
    struct verify *v, struct reporting_domains *of, struct verdict *verdict)
{
	for (size_t i = 0; i < v->authres.count; i++) {
		const struct authres_pass *pass = &v->authres.pass[i];

		if (!signature_is_there(v->signature, pass->domain,
			pass->selector, pass->b, is_aligned, of))
			continue;
		verdict->result = VERDICT_PASS;
		verdict->reason = REASON_AUTHENTICATION_RESULTS;
		(void)text_copy(
		    verdict->domain, sizeof verdict->domain, pass->domain);
		(void)text_copy(verdict->selector, sizeof verdict->selector,
		    pass->selector);
		return true;
	}
	return false;
}

void
verify_finish(struct verify *v, const char *from_domain, const char *submitter,
    struct verdict *verdict)
{
	struct reporting_domains of = { from_domain, submitter };

	*verdict = (struct verdict){ .result = VERDICT_OFF };
	if (is_vouched_for(v, &of, verdict))
		return;
	signature_finish(v->signature, is_aligned, &of,
	    (unsigned)v->conf->dns_timeout * 1000, verdict);
	/* Where nobody validates, "insecure" would tell nothing. */
	if (v->conf->trust_anchor_file[0] == '\0')
		verdict->dnssec = DNSSEC_UNKNOWN;
}
