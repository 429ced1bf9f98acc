#include "recordinquiry.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "text.h"

enum {
	EXIT_ERROR = 1,
	EXIT_WARNING = 2
};

/* Does len bytes of text hold these words, in any case? */
static bool
has_words(const char *text, size_t len, const char *words)
{
	size_t n = strlen(words);

	for (size_t i = 0; i + n <= len; i++) {
		if (text_ieqn(text + i, words, n))
			return true;
	}
	return false;
}

/* The record that belongs at another name. */
static void
remark_mistaken(struct recordinquiry_text *checked)
{
	const char *text = checked->text;
	size_t len = checked->len;

	if (checked->kind == RECORDINQUIRY_REPORTING &&
	    has_words(text, len, "v=STSv1"))
		remark_add(&checked->remarks, REMARK_NOTE, REMARK_NOWHERE,
		    "tlsrpt record check-sts looks at it",
		    "is it the record of MTA-STS, for _mta-sts?");
	if (checked->kind == RECORDINQUIRY_STS &&
	    has_words(text, len, "v=TLSRPT"))
		remark_add(&checked->remarks, REMARK_NOTE, REMARK_NOWHERE,
		    "tlsrpt record check looks at it",
		    "is it the record of TLSRPT, for _smtp._tls?");
}

struct recordinquiry_text *
recordinquiry_check(enum recordinquiry_kind kind, const char *text, size_t len,
    const char *domain)
{
	struct recordinquiry_text *checked = calloc(1, sizeof *checked);

	if (checked == NULL)
		return NULL;
	checked->kind = kind;
	checked->len = len;
	checked->text = malloc(len + 1);
	if (checked->text == NULL) {
		free(checked);
		return NULL;
	}
	if (len > 0)
		memcpy(checked->text, text, len);
	checked->text[len] = '\0';
	switch (kind) {
	case RECORDINQUIRY_REPORTING:
		checked->is_valid = reportingpolicy_read(checked->text, len,
		    domain, &checked->reporting, &checked->remarks);
		break;
	case RECORDINQUIRY_STS:
		checked->is_valid = stsrecord_read(
		    checked->text, len, &checked->sts, &checked->remarks);
		break;
	case RECORDINQUIRY_POLICY:
		checked->is_valid = stspolicy_read(
		    checked->text, len, &checked->policy, &checked->remarks);
		break;
	}
	if (!checked->is_valid)
		remark_mistaken(checked);
	return checked;
}

static size_t
count(const struct remarks *remarks, enum remark_kind kind)
{
	size_t n = 0;

	if (kind == REMARK_ERROR)
		return remarks->errors;
	if (kind == REMARK_WARNING)
		return remarks->warnings;
	for (size_t i = 0; i < remarks->count; i++)
		n += remarks->remark[i].kind == kind;
	return n;
}

size_t
recordinquiry_remarks(
    const struct recordinquiry *inquiry, enum remark_kind kind)
{
	size_t n = count(&inquiry->remarks, kind);

	for (size_t i = 0; i < inquiry->count; i++)
		n += count(&inquiry->record[i]->remarks, kind);
	if (inquiry->policy != NULL)
		n += count(&inquiry->policy->remarks, kind);
	return n;
}

int
recordinquiry_exit(const struct recordinquiry *inquiry)
{
	if (recordinquiry_remarks(inquiry, REMARK_ERROR) > 0)
		return EXIT_ERROR;
	if (inquiry->is_untried)
		return EX_TEMPFAIL;
	return recordinquiry_remarks(inquiry, REMARK_WARNING) > 0 ? EXIT_WARNING
								  : EX_OK;
}

static void
free_text(struct recordinquiry_text *checked)
{
	if (checked != NULL)
		free(checked->text);
	free(checked);
}

void
recordinquiry_clear(struct recordinquiry *inquiry)
{
	for (size_t i = 0; i < inquiry->count; i++)
		free_text(inquiry->record[i]);
	for (size_t i = 0; i < inquiry->places; i++)
		free(inquiry->place[i].text);
	free_text(inquiry->policy);
	if (inquiry->has_fetch)
		stsfetch_clear(&inquiry->fetch);
	memset(inquiry, 0, sizeof *inquiry);
}
