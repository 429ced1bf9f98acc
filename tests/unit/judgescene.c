#include "judgescene.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "result.h"
#include "text.h"
#include "unit.h"

#define DOMAIN "example.com"

enum {
	LINES_MAX = 4096
};

static void
set_address(struct diagnosis_address *a, const char *ip, const char *host)
{
	struct mxprobe *probe = &a->probe;

	a->is_tried = true;
	(void)text_copy(a->address.text, sizeof a->address.text, ip);
	probe->stage = MXPROBE_DONE;
	probe->end = MXPROBE_OK;
	probe->code = 220;
	(void)strcpy(probe->protocol, "TLSv1.3");
	(void)strcpy(probe->cipher, "TLS_AES_256_GCM_SHA384");
	probe->chain = 2;
	(void)snprintf(probe->certificate.subject,
	    sizeof probe->certificate.subject, "CN=%s", host);
	(void)strcpy(probe->certificate.issuer, "CN=Good CA");
	(void)strcpy(probe->certificate.key, "RSA 2048");
	(void)snprintf(probe->certificate.sha256,
	    sizeof probe->certificate.sha256, "aa%s", host);
	(void)strcpy(probe->certificate.spki_sha256, "0123abcd");
	probe->certificate.not_before = SCENE_NOW - 10 * SCENE_DAY;
	probe->certificate.not_after = SCENE_NOW + 80 * SCENE_DAY;
	probe->certificate.names = 1;
	(void)text_copy(probe->certificate.name[0],
	    sizeof probe->certificate.name[0], host);
	a->has_old_tls_answer = true;
}

static void
set_mx(struct scene *s, size_t i, const char *host, unsigned preference)
{
	struct diagnosis_mx *mx = &s->mx[i];

	(void)strcpy(mx->host, host);
	(void)strcpy(mx->dane_base, host);
	mx->preference = preference;
	mx->is_in_dns = true;
	mx->ipv4.found.status = RESOLVER_FOUND;
	mx->ipv6.found.status = RESOLVER_NOT_FOUND;
	mx->has_tlsa_answer = true;
	mx->tlsa.found.status = RESOLVER_NOT_FOUND;
	mx->count = i + 1;
	mx->address = &s->address[i];
	(void)strcpy(s->d.found_mx.mx[i].host, host);
	s->d.found_mx.mx[i].preference = preference;
}

void
scene_make(struct scene *s)
{
	memset(s, 0, sizeof *s);
	s->settings = (struct diagnosis_settings){ .domain = DOMAIN,
		.with_sts = true,
		.with_dane = true,
		.port = 25,
		.https_port = 443,
		.has_trust_anchor = true };
	s->d.settings = &s->settings;
	s->d.now = SCENE_NOW;
	s->d.found_mx.found.status = RESOLVER_FOUND;
	s->d.found_mx.count = 2;
	s->d.mx_count = 2;
	s->d.mx = s->mx;
	set_mx(s, 0, "a.example.com", 10);
	set_mx(s, 1, "b.example.com", 20);
	set_address(&s->address[0], "192.0.2.1", "a.example.com");
	set_address(&s->address[1], "2001:db8::2", "b.example.com");
	set_address(&s->address[2], "192.0.2.2", "b.example.com");
	s->d.sts.is_asked = true;
	(void)strcpy(s->d.sts.name, "_mta-sts." DOMAIN);
	s->d.sts.txt.found.status = RESOLVER_NOT_FOUND;
}

void
scene_sts(struct scene *s)
{
	struct diagnosis_sts *d = &s->d.sts;

	d->txt.found.status = RESOLVER_FOUND;
	d->records = 1;
	d->has_record = true;
	(void)strcpy(d->record.id, "20260201000000");
	d->has_fetch = true;
	d->has_address = true;
	d->fetch.end = STSFETCH_OK;
	d->fetch.http_status = 200;
	d->fetch.has_certificate = true;
	(void)strcpy(d->fetch.ip, "192.0.2.9");
	(void)strcpy(d->fetch.certificate.subject, "CN=mta-sts." DOMAIN);
	(void)strcpy(d->fetch.certificate.issuer, "CN=Good CA");
	d->fetch.certificate.not_after = SCENE_NOW + 60 * SCENE_DAY;
	d->has_policy = true;
	d->policy.mode = STSPOLICY_ENFORCE;
	d->policy.max_age = 30 * SCENE_DAY;
	d->policy.mx_count = 2;
	(void)strcpy(d->policy.mx[0], "a.example.com");
	(void)strcpy(d->policy.mx[1], "b.example.com");
}

void
scene_dane(struct scene *s)
{
	static const unsigned char data[32] = { 1, 2, 3 };

	s->d.found_mx.found.is_secure = true;
	for (size_t i = 0; i < 2; i++) {
		struct diagnosis_mx *mx = &s->mx[i];

		mx->is_dane_possible = true;
		mx->tlsa.found.status = RESOLVER_FOUND;
		mx->tlsa.found.is_secure = true;
		mx->tlsa.count = 1;
		mx->tlsa.tlsa[0] = (struct tlsa){ 3, 1, 1, data, 32 };
		mx->usable = 1;
	}
	for (size_t i = 0; i < 3; i++) {
		s->address[i].probe.has_dane = true;
		s->address[i].probe.dane_matches = true;
		s->address[i].probe.dane_record = s->mx[0].tlsa.tlsa[0];
	}
}

void
scene_both(struct scene *s)
{
	scene_sts(s);
	scene_dane(s);
}

void
scene_fault(
    struct certificate_verdict *verdict, unsigned faults, const char *detail)
{
	verdict->faults = faults;
	(void)text_copy(verdict->detail, sizeof verdict->detail, detail);
}

void
scene_stop(struct diagnosis_address *a, enum mxprobe_stage stage,
    enum mxprobe_end end, int code, const char *detail)
{
	struct mxprobe *probe = &a->probe;

	memset(probe, 0, sizeof *probe);
	probe->stage = stage;
	probe->end = end;
	probe->code = code;
	(void)text_copy(probe->detail, sizeof probe->detail, detail);
}

void
scene_alone(struct scene *s)
{
	s->d.mx_count = 1;
	s->d.found_mx.count = 1;
	s->d.sts.policy.mx_count = s->d.sts.has_policy ? 1 : 0;
}

void
scene_sts_alone(struct scene *s)
{
	scene_sts(s);
	scene_alone(s);
}

void
scene_dane_alone(struct scene *s)
{
	scene_dane(s);
	scene_alone(s);
}

void
scene_both_alone(struct scene *s)
{
	scene_both(s);
	scene_alone(s);
}

void
scene_nothing(struct scene *s)
{
	(void)s;
}

static const char *
or_dash(const char *text)
{
	return text != NULL ? text : "-";
}

static void
write_findings(const struct findings *findings, char out[LINES_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->finding[i];

		n += (size_t)snprintf(out + n, LINES_MAX - n,
		    "%s %s %s %s %s %s\n", finding_kind_str(f->kind),
		    or_dash(f->policy_type), or_dash(f->result_type),
		    or_dash(f->reason), f->mx != NULL ? f->mx->host : "-",
		    f->address != NULL ? f->address->address.text : "-");
		ck_assert_uint_lt(n, LINES_MAX);
	}
}

/* What holds of each, whatever it is. */
static void
check_finding(const char *name, const struct finding *f)
{
	bool is_failure = f->kind == FINDING_FAILURE;

	ck_assert_msg(f->detail[0] != '\0', "%s: no detail", name);
	ck_assert_msg((f->result_type != NULL) == is_failure, "%s", name);
	ck_assert_msg(
	    !is_failure || result_is_known(result_find(f->result_type)),
	    "%s: %s", name, f->result_type);
	ck_assert_msg((f->reason == NULL) == (f->kind == FINDING_SUCCESS),
	    "%s: reason", name);
	ck_assert_msg(f->kind == FINDING_NOTE ||
		(f->action == NULL) == (f->kind == FINDING_SUCCESS),
	    "%s: action", name);
	ck_assert_msg(!f->is_temporary || f->kind == FINDING_UNTRIED ||
		f->kind == FINDING_WARNING || f->kind == FINDING_NOTE,
	    "%s: temporary", name);
}

void
scene_check(const struct scene_row *rows, size_t count)
{
	struct scene *s = malloc(sizeof *s);
	char got[LINES_MAX];

	ck_assert_ptr_nonnull(s);
	for (size_t i = 0; i < count; i++) {
		struct findings findings;
		bool is_said = rows[i].says == NULL;

		scene_make(s);
		rows[i].base(s);
		rows[i].spoil(s);
		ck_status(rows[i].name, judge(&s->d, &findings), ST_OK);
		write_findings(&findings, got);
		ck_string(rows[i].name, got, rows[i].want);
		ck_assert_msg(findings_exit(&findings) == rows[i].code,
		    "%s: exit %d", rows[i].name, findings_exit(&findings));
		for (size_t k = 0; k < findings.count; k++) {
			const struct finding *f = &findings.finding[k];

			check_finding(rows[i].name, f);
			is_said =
			    is_said || strstr(f->detail, rows[i].says) != NULL;
		}
		ck_assert_msg(is_said, "%s: \"%s\"", rows[i].name,
		    findings.finding[0].detail);
		findings_clear(&findings);
	}
	free(s);
}

static bool
has_type(const struct scene_row *rows, size_t count, const char *type)
{
	for (size_t i = 0; i < count; i++) {
		if (strstr(rows[i].want, type) != NULL)
			return true;
	}
	return false;
}

void
scene_check_types(const struct scene_row *rows, size_t count,
    const char *const *categories, size_t category_count)
{
	size_t results;
	const struct result *all = result_all(&results);

	for (size_t i = 0; i < results; i++) {
		for (size_t k = 0; k < category_count; k++) {
			if (strcmp(all[i].category, categories[k]) == 0)
				ck_assert_msg(
				    has_type(rows, count, all[i].type), "%s",
				    all[i].type);
		}
	}
}
