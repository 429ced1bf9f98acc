#define _DEFAULT_SOURCE /* u_char, for opendkim/dkim.h */

#include "signature.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <opendkim/dkim.h>
#include <openssl/evp.h>

#include "base64.h"
#include "crlf.h"
#include "deadline.h"
#include "dkimkey.h"
#include "dkimsig.h"
#include "keycache.h"
#include "pool.h"
#include "text.h"

enum {
	/* Every LF may have to become CRLF. */
	FIELD_MAX = 2 * SIGNATURE_HEADER_MAX + 1,
	NOT_SHOWN = -1
};

struct signature_site {
	DKIM_LIB *lib;
	struct keycache *keys;
	signature_lookup_fn *lookup;
	void *ctx;
};

/* A DKIM-Signature field. */
struct entry {
	struct buf field; /* as libopendkim gets it */
	struct buf value; /* cut up for sig */
	struct dkimsig sig;
	int index; /* in libopendkim's list, or NOT_SHOWN */
};

/* A key that was asked for. */
struct key {
	char name[VERDICT_DOMAIN_MAX];
	enum verdict_reason reason;
	enum verdict_dnssec dnssec;
	struct dkimkey key;
};

struct signature {
	struct signature_site *site;
	DKIM *dkim;
	struct pool pool; /* libopendkim's memory */
	bool is_in_body;
	bool is_hashing; /* some signature may still pass */
	/* Why no signature of this message can be verified. */
	enum verdict_reason trouble;
	size_t header_len, fields, froms, content_types;
	size_t count;
	struct entry entry[SIGNATURE_MAX];
	size_t keys;
	struct key key[SIGNATURE_MAX];
	struct crlf body;
};

/*
 * The site.
 */

/*
 * libopendkim never verifies here, and so asks for no key. Should it all the
 * same, its own resolver is not what answers.
 */
static DKIM_CBSTAT
refuse_key(DKIM *dkim, DKIM_SIGINFO *info, unsigned char *out, size_t size)
{
	(void)dkim;
	(void)info;
	(void)out;
	(void)size;
	return DKIM_CBSTAT_ERROR;
}

/* The body is hashed, and that is all it is wanted for. */
static DKIM_CBSTAT
stop_there(DKIM *dkim, DKIM_SIGINFO **infos, int count)
{
	(void)dkim;
	(void)infos;
	(void)count;
	return DKIM_CBSTAT_REJECT;
}

struct signature_site *
signature_site_new(signature_lookup_fn *lookup, void *ctx)
{
	struct signature_site *site = calloc(1, sizeof *site);
	unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC;
	uint64_t drift = DKIMSIG_DRIFT_MAX;

	if (site == NULL)
		return NULL;
	site->lookup = lookup;
	site->ctx = ctx;
	site->keys = keycache_new();
	site->lib = dkim_init(pool_take, pool_give);
	if (site->keys == NULL || site->lib == NULL ||
	    dkim_options(site->lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags,
		sizeof flags) != DKIM_STAT_OK ||
	    dkim_options(site->lib, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT,
		&drift, sizeof drift) != DKIM_STAT_OK ||
	    dkim_set_key_lookup(site->lib, refuse_key) != DKIM_STAT_OK ||
	    dkim_set_final(site->lib, stop_there) != DKIM_STAT_OK)
		signature_site_free(&site);
	return site;
}

void
signature_site_free(struct signature_site **site)
{
	if (*site == NULL)
		return;
	if ((*site)->lib != NULL)
		dkim_close((*site)->lib);
	keycache_free(&(*site)->keys);
	free(*site);
	*site = NULL;
}

/*
 * A message.
 */

static void hash_body(void *ctx, char *data, size_t len);

struct signature *
signature_new(struct signature_site *site, bool is_file)
{
	struct signature *sig = calloc(1, sizeof *sig);
	DKIM_STAT status;

	if (sig == NULL)
		return NULL;
	sig->site = site;
	crlf_init(&sig->body, is_file, hash_body, sig);
	if (pool_init(&sig->pool))
		sig->dkim = dkim_verify(site->lib, NULL, &sig->pool, &status);
	if (sig->dkim == NULL)
		signature_free(&sig);
	return sig;
}

void
signature_free(struct signature **sig)
{
	if (*sig == NULL)
		return;
	/* Refused memory, libopendkim frees what it has not got, hashes
	   something else, or aborts. */
	if ((*sig)->dkim != NULL && !(*sig)->pool.has_failed)
		(void)dkim_free((*sig)->dkim);
	pool_free(&(*sig)->pool);
	for (size_t i = 0; i < (*sig)->count; i++) {
		buf_free(&(*sig)->entry[i].field);
		buf_free(&(*sig)->entry[i].value);
	}
	for (size_t i = 0; i < (*sig)->keys; i++)
		dkimkey_clear(&(*sig)->key[i].key);
	free(*sig);
	*sig = NULL;
}

/* The first trouble counts. */
static void
fail(struct signature *sig, enum verdict_reason reason)
{
	if (sig->trouble == REASON_NONE)
		sig->trouble = reason;
}

/* A name as libopendkim compares it: without the spaces before its colon. */
static bool
is_named(const char *name, const char *want)
{
	size_t len = strlen(want);

	return text_ieqn(name, want, len) &&
	    strspn(name + len, " ") == strlen(name + len);
}

/* The field as it was sent, its folds with CRLF. */
static enum status
put_together(struct buf *out, const char *name, const char *value)
{
	enum status st = buf_adds(out, name);

	if (st == ST_OK)
		st = buf_addc(out, ':');
	while (st == ST_OK && *value != '\0') {
		size_t n = strcspn(value, "\n");
		bool is_fold = value[n] == '\n';

		st = buf_add(out, value, n);
		if (st == ST_OK && is_fold)
			st = buf_adds(
			    out, n > 0 && value[n - 1] == '\r' ? "\n" : "\r\n");
		value += n + is_fold;
	}
	return st;
}

/* Give libopendkim a field. It looks at the bytes and writes to none. */
static DKIM_STAT
show(struct signature *sig, const struct buf *field)
{
	DKIM_STAT status =
	    dkim_header(sig->dkim, (u_char *)field->data, field->len);

	if (sig->pool.has_failed)
		fail(sig, REASON_NO_RESOURCES);
	return status;
}

/* Keep a DKIM-Signature field until the header is complete. */
static void
add_entry(struct signature *sig, const char *name, const char *value)
{
	struct entry *e = &sig->entry[sig->count++];
	enum status st;

	e->index = NOT_SHOWN;
	buf_init(&e->field, FIELD_MAX);
	buf_init(&e->value, FIELD_MAX);
	st = put_together(&e->field, name, value);
	if (st == ST_OK)
		st = buf_adds(&e->value, value);
	if (st == ST_OK && e->value.len > 0)
		dkimsig_read(&e->sig, e->value.data, e->value.len, time(NULL));
	else
		e->sig.reason = st == ST_NO_MEMORY ? REASON_NO_RESOURCES
						   : REASON_SIGNATURE_SYNTAX;
}

void
signature_field(struct signature *sig, const char *name, const char *value)
{
	struct buf field;

	if (sig->trouble != REASON_NONE || sig->is_in_body)
		return;
	sig->header_len += strlen(name) + strlen(value);
	if (++sig->fields > SIGNATURE_FIELDS_MAX ||
	    sig->header_len > SIGNATURE_HEADER_MAX) {
		fail(sig, REASON_SIGNATURE_SYNTAX);
		return;
	}
	if (is_named(name, DKIM_SIGNHEADER)) {
		if (sig->count < SIGNATURE_MAX)
			add_entry(sig, name, value);
		return;
	}
	sig->froms += is_named(name, "From");
	sig->content_types += is_named(name, "Content-Type") ||
	    is_named(name, "ContentType"); /* as entity.c reads it */
	buf_init(&field, FIELD_MAX);
	/* A name that libopendkim refuses is one that no h= can have. */
	if (put_together(&field, name, value) == ST_OK)
		(void)show(sig, &field);
	else
		fail(sig, REASON_NO_RESOURCES);
	buf_free(&field);
}

bool
signature_is_there(struct signature *sig, const char *domain,
    const char *selector, const char *b, signature_aligned_fn *is_aligned,
    void *ctx)
{
	for (size_t i = 0; i < sig->count && sig->froms == 1; i++) {
		const struct dkimsig *s = &sig->entry[i].sig;

		if (s->reason == REASON_NONE && text_ieq(s->domain, domain) &&
		    (selector[0] == '\0' || text_ieq(s->selector, selector)) &&
		    strncmp(s->b, b, strlen(b)) == 0 &&
		    is_aligned(ctx, s->domain) &&
		    dkimsig_keeps_type(s, sig->content_types))
			return true;
	}
	return false;
}

/*
 * The end of the header.
 */

/* Is there a signature that may still pass? Does one sign others? */
static bool
may_pass(const struct signature *sig, bool *signs_signatures)
{
	bool may = false;

	*signs_signatures = false;
	if (sig->trouble != REASON_NONE)
		return false;
	for (size_t i = 0; i < sig->count; i++) {
		if (sig->entry[i].sig.reason != REASON_NONE)
			continue;
		may = true;
		if (sig->entry[i].sig.signs_signatures)
			*signs_signatures = true;
	}
	return may;
}

/*
 * Show libopendkim the signatures that may pass; the others too when one of
 * them may be signed. Among fields of other names their place does not matter.
 */
static void
show_signatures(struct signature *sig, bool are_signed)
{
	int shown = 0;

	for (size_t i = 0; i < sig->count; i++) {
		struct entry *e = &sig->entry[i];
		DKIM_STAT status;

		if (e->sig.reason != REASON_NONE &&
		    !(are_signed && e->sig.is_sound))
			continue;
		status = show(sig, &e->field);
		if (status == DKIM_STAT_OK)
			e->index = shown++;
		else if (e->sig.reason == REASON_NONE)
			e->sig.reason = REASON_SIGNATURE_SYNTAX;
	}
}

/*
 * libopendkim writes behind its array when h= names more fields than the
 * message has, and all of those. This one no h= can name.
 */
static void
show_unnameable(struct signature *sig)
{
	char name[] = "no name:";
	const struct buf field = { .data = name, .len = sizeof name - 1 };

	(void)show(sig, &field);
}

static void
end_header(struct signature *sig)
{
	bool signs_signatures;

	sig->is_in_body = true;
	if (sig->froms > 1)
		fail(sig, REASON_SEVERAL_FROM);
	if (!may_pass(sig, &signs_signatures))
		return;
	show_signatures(sig, signs_signatures);
	show_unnameable(sig);
	if (!may_pass(sig, &signs_signatures))
		return;
	sig->is_hashing = dkim_eoh(sig->dkim) == DKIM_STAT_OK;
	/* Of a From that it cannot parse libopendkim takes no signature. */
	if (!sig->is_hashing)
		fail(sig, REASON_SIGNATURE_SYNTAX);
}

/*
 * The body.
 */

static void
hash_body(void *ctx, char *data, size_t len)
{
	struct signature *sig = ctx;

	if (!sig->pool.has_failed &&
	    dkim_body(sig->dkim, (u_char *)data, len) != DKIM_STAT_OK)
		fail(sig, REASON_NO_RESOURCES);
}

void
signature_body(struct signature *sig, const char *data, size_t len)
{
	if (!sig->is_in_body)
		end_header(sig);
	if (sig->is_hashing)
		crlf_more(&sig->body, data, len);
}

static void
end_body(struct signature *sig)
{
	if (!sig->is_in_body)
		end_header(sig);
	if (!sig->is_hashing)
		return;
	crlf_finish(&sig->body);
	if (sig->pool.has_failed ||
	    dkim_eom(sig->dkim, NULL) != DKIM_STAT_CBREJECT)
		fail(sig, REASON_NO_RESOURCES);
}

/*
 * The verdict.
 */

/* Ask for the key of that name, if there is time left. */
static void
ask(struct signature *sig, struct key *key, int64_t deadline)
{
	int64_t left = deadline - (int64_t)deadline_now();
	struct buf record;

	if (left <= 0) {
		key->reason = REASON_DNS_TIMEOUT;
		return;
	}
	buf_init(&record, SIGNATURE_KEY_MAX);
	key->reason = sig->site->lookup(
	    sig->site->ctx, key->name, (unsigned)left, &record, &key->dnssec);
	if (key->reason == REASON_NONE)
		key->reason = dkimkey_read(
		    record.data, record.len, sig->site->keys, &key->key);
	buf_free(&record);
}

/* The key of a signature, asked for once in a message. */
static const struct key *
find_key(struct signature *sig, const struct dkimsig *s, int64_t deadline)
{
	char name[VERDICT_DOMAIN_MAX];
	struct key *key;

	(void)snprintf(
	    name, sizeof name, "%s._domainkey.%s", s->selector, s->domain);
	for (size_t i = 0; i < sig->keys; i++) {
		if (strcmp(sig->key[i].name, name) == 0)
			return &sig->key[i];
	}
	key = &sig->key[sig->keys++];
	memcpy(key->name, name, sizeof name);
	ask(sig, key, deadline);
	return key;
}

/*
 * What libopendkim has against a field means to us. Hardly any of it can be,
 * since dkimsig_read() looked before.
 */
static enum verdict_reason
reason_of(DKIM_SIGERROR error)
{
	switch (error) {
	case DKIM_SIGERROR_EXPIRED:
		return REASON_EXPIRED;
	case DKIM_SIGERROR_FUTURE:
		return REASON_FUTURE;
	case DKIM_SIGERROR_INVALID_L:
	case DKIM_SIGERROR_TOOLARGE_L:
		return REASON_LENGTH_LIMIT;
	case DKIM_SIGERROR_INVALID_H:
		return REASON_FROM_NOT_SIGNED;
	default:
		return REASON_SIGNATURE_SYNTAX;
	}
}

/* Is bh= the hash, written as signers do: with its padding? */
static bool
is_body_hash(const struct dkimsig *s, const unsigned char *hash)
{
	const char *bh = taglist_value(&s->list, "bh");
	unsigned char digits[DKIMKEY_HASH_LEN / 3 * 4 + 5];

	(void)EVP_EncodeBlock(digits, hash, DKIMKEY_HASH_LEN);
	return strcmp((const char *)digits, bh) == 0;
}

/*
 * Verify a signature over the hashes that libopendkim computed. It would do so
 * itself, in dkim_sig_process(), but decode the key anew each time.
 */
static enum verdict_reason
check(struct signature *sig, const struct entry *e, const struct dkimkey *key)
{
	char b[BASE64_ROOM(DKIMSIG_FIELD_MAX)];
	size_t b_len, header_len, body_len;
	enum verdict_reason reason;
	void *header, *body;
	DKIM_SIGINFO **infos;
	DKIM_SIGERROR error;
	struct base64 b64;
	int count;

	if (sig->pool.has_failed ||
	    dkim_getsiglist(sig->dkim, &infos, &count) != DKIM_STAT_OK ||
	    e->index >= count)
		return REASON_NO_RESOURCES;
	/* Of a field that it refuses, there are no hashes to ask for. */
	error = dkim_sig_geterror(infos[e->index]);
	if (error != DKIM_SIGERROR_UNKNOWN)
		return reason_of(error);
	if (dkim_sig_gethashes(infos[e->index], &header, &header_len, &body,
		&body_len) != DKIM_STAT_OK ||
	    header_len != DKIMKEY_HASH_LEN || body_len != DKIMKEY_HASH_LEN)
		return REASON_NO_RESOURCES;
	base64_init(&b64);
	b_len = base64_more(&b64, e->sig.b, strlen(e->sig.b), b);
	b_len += base64_finish(&b64, b + b_len);
	reason = dkimkey_verify(key, header, (const unsigned char *)b, b_len);
	if (reason == REASON_NONE && !is_body_hash(&e->sig, body))
		reason = REASON_BODY_HASH;
	return reason;
}

/* Look up the key of an aligned signature, and verify it. */
static enum verdict_reason
verify(struct signature *sig, const struct entry *e, int64_t deadline,
    struct verdict *verdict)
{
	const struct key *key = find_key(sig, &e->sig, deadline);

	verdict->dnssec = key->dnssec;
	verdict->dev = key->key.dev;
	if (key->reason != REASON_NONE)
		return key->reason;
	if ((key->key.bits == 0) != e->sig.is_ed25519 ||
	    (key->key.is_strict && e->sig.is_narrow))
		return REASON_KEY_MISMATCH;
	/* As good as unsigned, says RFC 6376, section 3.6.1. */
	if (key->key.is_testing)
		return REASON_KEY_TESTING;
	return check(sig, e, &key->key);
}

/* May a take the place of b, as the verdict that is told? */
static bool
is_better(const struct verdict *a, const struct verdict *b)
{
	/* Of two alike, the one of the reporting domain says more. */
	return verdict_is_better(a, b) ||
	    (!verdict_is_better(b, a) && b->reason == REASON_NOT_ALIGNED);
}

void
signature_finish(struct signature *sig, signature_aligned_fn *is_aligned,
    void *ctx, unsigned milliseconds, struct verdict *verdict)
{
	int64_t deadline = (int64_t)deadline_now() + milliseconds;

	end_body(sig);
	if (sig->pool.has_failed)
		sig->trouble = REASON_NO_RESOURCES;
	memset(verdict, 0, sizeof *verdict);
	verdict->reason =
	    sig->trouble != REASON_NONE ? sig->trouble : REASON_NO_SIGNATURE;
	verdict->result = verdict_of_reason(verdict->reason);
	for (size_t i = 0; i < sig->count; i++) {
		const struct entry *e = &sig->entry[i];
		struct verdict v = { .reason = e->sig.reason };

		memcpy(v.domain, e->sig.domain, sizeof v.domain);
		memcpy(v.selector, e->sig.selector, sizeof v.selector);
		if (v.domain[0] != '\0' && !is_aligned(ctx, v.domain))
			v.reason = REASON_NOT_ALIGNED;
		else if (sig->trouble != REASON_NONE)
			v.reason = sig->trouble;
		else if (!dkimsig_keeps_type(&e->sig, sig->content_types))
			v.reason = REASON_SIGNATURE;
		else if (v.reason == REASON_NONE)
			v.reason = verify(sig, e, deadline, &v);
		v.result = verdict_of_reason(v.reason);
		if (i == 0 || is_better(&v, verdict))
			*verdict = v;
		if (v.result == VERDICT_PASS)
			break;
	}
}
