/*
 * recordlookup: the questions of recordinquiry_ask().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parallel.h"
#include "recordinquiry.h"
#include "reporturi.h"
#include "text.h"

/* Where records are put by mistake, and were put by drafts; %s is the domain.
 */
static const char *const reporting_places[] = {
	"_tlsrpt.%s",
	"_smtp-tls.%s",
	"_smtp-tlsrpt.%s", /* drafts before RFC 8460 */
	"_smtp_tls.%s",
	"_tls._smtp.%s",
	"_tls.%s",
	"_smtp._tls.%s.%s", /* a zone editor has appended it again */
	"%s",
};
static const char *const sts_places[] = {
	"mta-sts.%s",
	"_mta_sts.%s",
	"_mtasts.%s",
	"_sts.%s",
	"_mta-sts.%s.%s",
	"%s",
};

enum {
	REPORTING_PLACES = sizeof reporting_places / sizeof reporting_places[0],
	STS_PLACES = sizeof sts_places / sizeof sts_places[0],
	HTTPS_PORT = 443
};

_Static_assert((int)REPORTING_PLACES <= (int)RECORDINQUIRY_PLACES_MAX &&
	(int)STS_PLACES <= (int)RECORDINQUIRY_PLACES_MAX,
    "room for all");

/* One that is looked into. */
struct asking {
	struct recordinquiry *inquiry;
	const struct recordinquiry_means *means;
};

static bool
is_reporting(const struct recordinquiry *inquiry)
{
	return inquiry->kind == RECORDINQUIRY_REPORTING;
}

/*
 * The record.
 */

/* Does it look like one that was meant, if not like one that counts? */
static bool
is_meant(enum recordinquiry_kind kind, const char *text, size_t len)
{
	const char *word = kind == RECORDINQUIRY_REPORTING ? "TLSRPT" : "STSv1";
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++) {
		if (text_ieqn(text + i, word, n))
			return true;
	}
	return false;
}

static bool
is_one(enum recordinquiry_kind kind, const char *text, size_t len)
{
	return kind == RECORDINQUIRY_REPORTING
	    ? reportingpolicy_is_one(text, len)
	    : stsrecord_is_one(text, len);
}

/* Check those that are meant; the others are kept to be shown. */
static enum status
take_records(struct recordinquiry *inquiry, const struct found_txt *txt)
{
	for (size_t i = 0; i < txt->count; i++) {
		struct recordinquiry_text *checked = recordinquiry_check(
		    inquiry->kind, txt->text[i], txt->len[i], inquiry->domain);

		if (checked == NULL)
			return ST_NO_MEMORY;
		checked->strings = txt->strings[i];
		if (!is_meant(inquiry->kind, txt->text[i], txt->len[i])) {
			checked->is_foreign = true;
			memset(&checked->remarks, 0, sizeof checked->remarks);
		}
		inquiry->record[inquiry->count++] = checked;
	}
	return ST_OK;
}

/* How many of them senders look at: there must be one. */
static size_t
count_records(const struct recordinquiry *inquiry)
{
	size_t n = 0;

	for (size_t i = 0; i < inquiry->count; i++)
		n += is_one(inquiry->kind, inquiry->record[i]->text,
		    inquiry->record[i]->len);
	return n;
}

static const char *
begins(const struct recordinquiry *inquiry)
{
	return is_reporting(inquiry) ? "v=TLSRPTv1;" : "v=STSv1;";
}

static void
remark_count(struct recordinquiry *inquiry)
{
	size_t n = count_records(inquiry);
	bool is_there = inquiry->count > 0;

	if (n == 1)
		return;
	if (n > 1)
		remark_add(&inquiry->remarks, REMARK_ERROR, REMARK_NOWHERE,
		    "take out all but one",
		    "%zu records begin with \"%s\": senders take it that "
		    "there is none",
		    n, begins(inquiry));
	else
		remark_add(&inquiry->remarks, REMARK_ERROR, REMARK_NOWHERE,
		    is_reporting(inquiry)
			? "\"tlsrpt record make --rua=URI\" writes one"
			: "add one: \"v=STSv1; id=\" and letters and digits",
		    is_there ? "none of the records here begins with \"%s\""
			     : "there is no TXT record (\"%s...\") here",
		    begins(inquiry));
}

static void
remark_found(struct recordinquiry *inquiry)
{
	const struct found *found = &inquiry->found;

	if (found->status != RESOLVER_FOUND &&
	    found->status != RESOLVER_NOT_FOUND) {
		inquiry->is_untried = true;
		return;
	}
	remark_count(inquiry);
	if (found->dropped > 0)
		remark_add(&inquiry->remarks, REMARK_WARNING, REMARK_NOWHERE,
		    "take out what is not needed",
		    "%zu more record%s that %s too long, or too many",
		    found->dropped, found->dropped == 1 ? "" : "s",
		    found->dropped == 1 ? "is" : "are");
	if (found->alias[0] != '\0')
		remark_add(&inquiry->remarks, REMARK_NOTE, REMARK_NOWHERE, NULL,
		    "by CNAME: the record is that of another name, and whoever "
		    "owns that one may change it");
}

/*
 * Wrong places.
 */

struct place {
	struct asking *asking;
	char name[RECORDINQUIRY_NAME_MAX];
	struct found_txt txt;
};

static void
ask_place(void *ctx, size_t i)
{
	struct place *place = (struct place *)ctx + i;

	lookup_txt(place->asking->means->resolver, place->name,
	    place->asking->means->milliseconds, &place->txt);
}

/* The name that a pattern makes of a domain. */
static void
make_name(char *out, size_t size, const char *pattern, const char *domain)
{
	size_t n = 0;

	while (*pattern != '\0' && n + 1 < size) {
		if (strncmp(pattern, "%s", 2) == 0) {
			n += (size_t)snprintf(out + n, size - n, "%s", domain);
			pattern += 2;
		} else {
			out[n++] = *pattern++;
		}
	}
	out[n < size ? n : size - 1] = '\0';
}

static enum status
keep_place(struct recordinquiry *inquiry, const struct place *place)
{
	for (size_t i = 0; i < place->txt.count; i++) {
		char *text;

		if (!is_meant(
			inquiry->kind, place->txt.text[i], place->txt.len[i]))
			continue;
		text = strdup(place->txt.text[i]);
		if (text == NULL)
			return ST_NO_MEMORY;
		memcpy(inquiry->place[inquiry->places].name, place->name,
		    sizeof place->name);
		inquiry->place[inquiry->places++].text = text;
		return ST_OK;
	}
	return ST_OK;
}

static enum status
search(struct asking *asking)
{
	struct recordinquiry *inquiry = asking->inquiry;
	const char *const *pattern =
	    is_reporting(inquiry) ? reporting_places : sts_places;
	size_t count = is_reporting(inquiry) ? REPORTING_PLACES : STS_PLACES;
	struct place *places = calloc(count, sizeof *places);
	enum status st = ST_OK;

	if (places == NULL)
		return ST_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		places[i].asking = asking;
		make_name(places[i].name, sizeof places[i].name, pattern[i],
		    inquiry->domain);
	}
	parallel_run(count, ask_place, places);
	for (size_t i = 0; i < count; i++) {
		if (st == ST_OK)
			st = keep_place(inquiry, &places[i]);
		found_txt_clear(&places[i].txt);
	}
	free(places);
	if (inquiry->places > 0)
		remark_add(&inquiry->remarks, REMARK_NOTE, REMARK_NOWHERE,
		    "move it to the name that was asked for",
		    "there is one in a place where no sender looks");
	return st;
}

/*
 * Where reports go.
 */

/* Is one of two names below the other, or the same? */
static bool
is_related(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	if (n < m)
		return is_related(b, a);
	return text_ieq(a + n - m, b) && (n == m || a[n - m - 1] == '.');
}

/* Where a URI of the record leads. */
struct destination {
	const struct asking *asking;
	size_t offset; /* of the host, in the text of the record */
	char host[IDN_NAME_MAX];
	bool is_mailto;
	/* Found out; only what the DNS proves: trouble with it is not the
	   record's. */
	bool is_null;
	bool is_nowhere;
};

static bool
has_no_address(const struct destination *to)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct found_addresses found;

	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		lookup_addresses(to->asking->means->resolver, to->host,
		    families[i], to->asking->means->milliseconds, &found);
		if (found.found.status != RESOLVER_NOT_FOUND)
			return false;
	}
	return true;
}

static void
ask_destination(void *ctx, size_t i)
{
	struct destination *to = (struct destination *)ctx + i;
	struct found_mx found = { .found.status = RESOLVER_NOT_FOUND };

	if (to->is_mailto)
		lookup_mx(to->asking->means->resolver, to->host,
		    to->asking->means->milliseconds, &found);
	to->is_null = found.is_null;
	to->is_nowhere =
	    found.found.status == RESOLVER_NOT_FOUND && has_no_address(to);
}

/* Those of a record, but for hosts that are addresses. */
static size_t
list_destinations(const struct asking *asking,
    const struct recordinquiry_text *record,
    struct destination list[REPORTINGPOLICY_RUA_MAX])
{
	const struct reportingpolicy *policy = &record->reporting;
	size_t n = 0, at, len;

	for (size_t i = 0; i < policy->rua_count; i++) {
		const char *uri = policy->rua[i].uri;
		const char *there = strstr(record->text, uri);

		if (!reporturi_host(uri, strlen(uri), &at, &len) ||
		    there == NULL || len >= IDN_NAME_MAX || uri[at] == '[')
			continue;
		list[n].asking = asking;
		list[n].offset = (size_t)(there - record->text) + at;
		list[n].is_mailto = policy->rua[i].scheme == RUA_MAILTO;
		memcpy(list[n].host, uri + at, len);
		list[n++].host[len] = '\0';
	}
	return n;
}

static void
remark_destination(
    const struct destination *to, const char *domain, struct remarks *remarks)
{
	if (!is_related(to->host, domain))
		remark_add(remarks, REMARK_NOTE, to->offset, NULL,
		    "reports go to another domain; unlike DMARC, TLSRPT asks "
		    "for no permission there");
	if (to->is_null)
		remark_add(remarks, REMARK_WARNING, to->offset,
		    "name a mailbox in a domain that takes mail",
		    "this domain takes no mail (null MX)");
	else if (to->is_nowhere && to->is_mailto)
		remark_add(remarks, REMARK_WARNING, to->offset,
		    "name a mailbox in a domain that takes mail",
		    "this domain has neither MX nor address in the DNS");
	else if (to->is_nowhere)
		remark_add(remarks, REMARK_WARNING, to->offset,
		    "name a host that is there",
		    "this host has no address in the DNS");
}

/* Of the one record that senders go by, all at the same time. */
static enum status
remark_destinations(const struct asking *asking)
{
	struct recordinquiry *inquiry = asking->inquiry;
	struct recordinquiry_text *record = NULL;
	struct destination *list;
	size_t n;

	for (size_t i = 0; i < inquiry->count; i++) {
		if (inquiry->record[i]->is_valid)
			record = inquiry->record[i];
	}
	if (record == NULL || count_records(inquiry) != 1)
		return ST_OK;
	list = calloc(REPORTINGPOLICY_RUA_MAX, sizeof *list);
	if (list == NULL)
		return ST_NO_MEMORY;
	n = list_destinations(asking, record, list);
	parallel_run(n, ask_destination, list);
	for (size_t i = 0; i < n; i++)
		remark_destination(&list[i], inquiry->domain, &record->remarks);
	free(list);
	return ST_OK;
}

/*
 * The policy.
 */

struct policy_host {
	const struct asking *asking;
	char name[IDN_NAME_MAX + 16];
	struct found_addresses found[2]; /* IPv6, IPv4 */
};

static void
ask_address(void *ctx, size_t i)
{
	struct policy_host *host = ctx;

	lookup_addresses(host->asking->means->resolver, host->name,
	    i == 0 ? AF_INET6 : AF_INET, host->asking->means->milliseconds,
	    &host->found[i]);
}

static enum status
take_policy(struct recordinquiry *inquiry)
{
	const struct stsfetch *fetch = &inquiry->fetch;

	if (fetch->end == STSFETCH_OK) {
		inquiry->policy = recordinquiry_check(RECORDINQUIRY_POLICY,
		    fetch->body.data, fetch->body.len, inquiry->domain);
		if (inquiry->policy == NULL)
			return ST_NO_MEMORY;
		if (fetch->detail[0] != '\0')
			remark_add(&inquiry->remarks, REMARK_WARNING,
			    REMARK_NOWHERE, NULL, "%s", fetch->detail);
		return ST_OK;
	}
	if (fetch->end == STSFETCH_OURSELVES)
		return ST_NO_MEMORY;
	remark_add(&inquiry->remarks, REMARK_ERROR, REMARK_NOWHERE,
	    "\"tlsrpt diagnose\" says what a sender would report",
	    "the policy cannot be fetched: %s", fetch->detail);
	return ST_OK;
}

static enum status
fetch_policy(const struct asking *asking)
{
	const struct found_address *addresses[2 * LOOKUP_ADDRESSES_MAX];
	struct recordinquiry *inquiry = asking->inquiry;
	struct policy_host host = { .asking = asking };
	struct stsfetch_settings settings = {
		.host = host.name,
		.address = addresses,
		.port = HTTPS_PORT,
		.store = asking->means->store,
		.milliseconds = asking->means->milliseconds,
	};

	(void)snprintf(
	    host.name, sizeof host.name, "mta-sts.%s", inquiry->domain);
	parallel_run(2, ask_address, &host);
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < host.found[i].count; j++)
			addresses[settings.addresses++] =
			    &host.found[i].address[j];
	}
	if (settings.addresses == 0) {
		bool is_proven =
		    host.found[0].found.status == RESOLVER_NOT_FOUND &&
		    host.found[1].found.status == RESOLVER_NOT_FOUND;

		inquiry->is_untried |= !is_proven;
		remark_add(&inquiry->remarks,
		    is_proven ? REMARK_ERROR : REMARK_NOTE, REMARK_NOWHERE,
		    is_proven ? "add an address, and serve the policy there"
			      : NULL,
		    is_proven ? "%s has no address: there is no policy"
			      : "no address of %s could be found out",
		    host.name);
		return ST_OK;
	}
	stsfetch_run(&settings, &inquiry->fetch);
	inquiry->has_fetch = true;
	return take_policy(inquiry);
}

enum status
recordinquiry_ask(
    struct recordinquiry *inquiry, const struct recordinquiry_means *means)
{
	struct asking asking = { inquiry, means };
	struct found_txt *txt = calloc(1, sizeof *txt);
	enum status st;

	if (txt == NULL)
		return ST_NO_MEMORY;
	make_name(inquiry->name, sizeof inquiry->name,
	    is_reporting(inquiry) ? "_smtp._tls.%s" : "_mta-sts.%s",
	    inquiry->domain);
	lookup_txt(means->resolver, inquiry->name, means->milliseconds, txt);
	inquiry->found = txt->found;
	st = take_records(inquiry, txt);
	found_txt_clear(txt);
	free(txt);
	if (st != ST_OK)
		return st;
	remark_found(inquiry);
	if (!inquiry->is_untried && count_records(inquiry) == 0)
		st = search(&asking);
	if (st == ST_OK && is_reporting(inquiry))
		st = remark_destinations(&asking);
	if (st == ST_OK && !is_reporting(inquiry))
		st = fetch_policy(&asking);
	return st;
}
