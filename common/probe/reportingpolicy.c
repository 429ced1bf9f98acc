#include "reportingpolicy.h"

#include <string.h>

#include "fieldlist.h"
#include "reporturi.h"

#define VERSION_FIELD "v=TLSRPTv1"

bool
reportingpolicy_is_one(const char *text, size_t len)
{
	return fieldlist_has_version(text, len, VERSION_FIELD);
}

/* A record while it is read. */
struct reading {
	struct fieldlist list;
	struct reportingpolicy policy;
	const char *domain;
	bool has_rua;
	size_t first;  /* of the values of rua */
	size_t second; /* URI, or REMARK_NOWHERE */
	size_t nearly; /* a field that is "rua" but for the case */
};

static void
keep(struct reading *in, enum reporturi_kind kind, size_t start, size_t end)
{
	struct reportingpolicy *policy = &in->policy;
	size_t len = end - start;

	if (len >= REPORTINGPOLICY_URI_MAX) {
		fieldlist_error(&in->list, start, "a shorter one will do",
		    "the URI has %zu bytes, more than %d", len,
		    REPORTINGPOLICY_URI_MAX - 1);
		return;
	}
	if (policy->rua_count == REPORTINGPOLICY_RUA_MAX) {
		fieldlist_error(&in->list, start, "take some of them out",
		    "more than %d URIs", REPORTINGPOLICY_RUA_MAX);
		return;
	}
	if (policy->rua_count == 1)
		in->second = start;
	policy->rua[policy->rua_count].scheme =
	    kind == REPORTURI_MAILTO ? RUA_MAILTO : RUA_HTTPS;
	memcpy(policy->rua[policy->rua_count].uri, in->list.text + start, len);
	policy->rua[policy->rua_count++].uri[len] = '\0';
}

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* tlsrpt-rua = %s"rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri) */
static void
read_rua(struct reading *in, const struct fieldlist_field *field)
{
	const char *text = in->list.text;

	for (size_t start = field->value;; start++) {
		size_t comma = start, end;
		enum reporturi_kind kind;

		while (comma < field->end && text[comma] != ',')
			comma++;
		while (start < comma && is_wsp(text[start]))
			start++;
		for (end = comma; end > start && is_wsp(text[end - 1]);)
			end--;
		if (start == end) {
			fieldlist_error(&in->list, start,
			    "write mailto:user@domain or https://host/path; a "
			    "\",\" within a URI is written %2C",
			    "there is no URI here");
		} else {
			kind =
			    reporturi_check(&in->list, start, end, in->domain);
			if (kind != REPORTURI_NONE)
				keep(in, kind, start, end);
		}
		if (comma == field->end)
			return;
		start = comma;
	}
}

/* What senders are to ignore, and what it may have meant. */
static void
remark_extension(struct reading *in, const struct fieldlist_field *field)
{
	static const char *const of_dmarc[] = { "ruf", "ri", "p", "sp", "pct",
		"fo", "rf", "adkim", "aspf", "np", "t" };
	static const char *const of_sts[] = { "id", "mode", "mx", "max_age" };
	const struct fieldlist *list = &in->list;
	struct remarks *remarks = list->remarks;

	for (size_t i = 0; i < sizeof of_dmarc / sizeof of_dmarc[0]; i++) {
		if (!fieldlist_is_nearly(list, field, of_dmarc[i]))
			continue;
		remark_add(remarks, REMARK_WARNING, field->name, "take it out",
		    "\"%s\" is of DMARC: senders of TLS reports ignore it",
		    of_dmarc[i]);
		return;
	}
	for (size_t i = 0; i < sizeof of_sts / sizeof of_sts[0]; i++) {
		if (!fieldlist_is_nearly(list, field, of_sts[i]))
			continue;
		remark_add(remarks, REMARK_WARNING, field->name,
		    "take it out; is this the record for _mta-sts?",
		    "\"%s\" is of MTA-STS: senders of TLS reports ignore it",
		    of_sts[i]);
		return;
	}
	if (fieldlist_is_nearly(list, field, "v")) {
		remark_add(remarks, REMARK_WARNING, field->name,
		    "one record has one version", "a second version");
		return;
	}
	remark_add(remarks, REMARK_NOTE, field->name, NULL,
	    "senders ignore the field \"%.*s\", which RFC 8460 does not name",
	    (int)field->name_len, list->text + field->name);
}

static void
read_field(struct reading *in, const struct fieldlist_field *field)
{
	if (!fieldlist_is(&in->list, field, "rua")) {
		if (!fieldlist_check_extension(&in->list, field))
			return;
		if (fieldlist_is_nearly(&in->list, field, "rua"))
			in->nearly = field->name;
		else
			remark_extension(in, field);
		return;
	}
	if (in->has_rua)
		remark_add(in->list.remarks, REMARK_WARNING, field->name,
		    "write all URIs in one, with \",\" between them",
		    "a second rua: many senders read one only");
	else
		in->first = field->value;
	in->has_rua = true;
	read_rua(in, field);
}

/* What the grammar permits, but the field does not honour. */
static void
remark_field(const struct reading *in)
{
	struct remarks *remarks = in->list.remarks;
	bool has_mailto = false;

	for (size_t i = 0; i < in->policy.rua_count; i++)
		has_mailto |= in->policy.rua[i].scheme == RUA_MAILTO;
	if (in->policy.rua_count > 0 && !has_mailto)
		remark_add(remarks, REMARK_WARNING, in->first,
		    "add a mailto: URI",
		    "https: alone: not all senders support it, and those send "
		    "no reports");
	if (in->second != REMARK_NOWHERE)
		remark_add(remarks, REMARK_WARNING, in->second,
		    "have the first be the one that must get them; distribute "
		    "them from there",
		    "more than one URI: some large senders use only the first");
}

bool
reportingpolicy_read(const char *text, size_t len, const char *domain,
    struct reportingpolicy *policy, struct remarks *remarks)
{
	struct reading in = {
		.domain = domain,
		.second = REMARK_NOWHERE,
		.nearly = REMARK_NOWHERE,
	};
	struct fieldlist_field field;

	fieldlist_begin(&in.list, text, len, VERSION_FIELD, remarks);
	while (fieldlist_next(&in.list, &field))
		read_field(&in, &field);
	if (in.has_rua && in.nearly != REMARK_NOWHERE)
		remark_add(remarks, REMARK_WARNING, in.nearly, "take it out",
		    "\"rua\" in another case: senders ignore it");
	else if (!in.has_rua && in.nearly != REMARK_NOWHERE)
		fieldlist_error(&in.list, in.nearly, "write \"rua=\"",
		    "the name of a field is case-sensitive: this is no "
		    "\"rua\"");
	else if (!in.has_rua)
		fieldlist_error(&in.list, len,
		    "add \"; rua=mailto:user@domain\"",
		    "there is no rua: nobody is asked to send reports");
	if (!in.list.is_good)
		return false;
	remark_field(&in);
	*policy = in.policy;
	return true;
}
