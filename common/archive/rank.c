#include "rank.h"

#include <string.h>

#include "align.h"
#include "text.h"

enum {
	NAME_ROOM = 256 /* a longer name is no domain's */
};

/* Is the address that is to be contacted, with or without "mailto:", there? */
static bool
is_contact(const char *contact, const char *domain)
{
	const char *at = contact != NULL ? strrchr(contact, '@') : NULL;
	char name[NAME_ROOM];
	size_t len;

	if (at == NULL)
		return false;
	len = strcspn(++at, " \t>),;?");
	if (len >= sizeof name)
		return false;
	memcpy(name, at, len);
	name[len] = '\0';
	return align_domains(name, domain);
}

static bool
is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (unsigned char)c >= 0x80;
}

/* Is this, but for case and for what is neither letter nor digit, the label? */
static bool
is_label(const char *text, size_t len, const char *label, size_t label_len)
{
	size_t i = 0, k = 0;
	bool has_any = false;

	for (;; has_any = true) {
		while (i < len && !is_word_byte(text_lower(text[i])))
			i++;
		while (k < label_len && !is_word_byte(label[k]))
			k++;
		if (i == len || k == label_len)
			return has_any && i == len && k == label_len;
		if (text_lower(text[i++]) != label[k++])
			return false;
	}
}

/*
 * Is an organization called as its domain is? Its first word is a name there
 * ("mail.example.org"), or the first word or all of it is the label that was
 * registered ("Example Ltd", "My Example" for my-example.org).
 */
static bool
is_name(const char *organization, const char *domain)
{
	char name[NAME_ROOM], own[ALIGN_DOMAIN_MAX];
	size_t len, word, label;

	if (organization == NULL || !align_organization(domain, own))
		return false;
	organization += strspn(organization, " \t");
	len = strlen(organization);
	word = strcspn(organization, " \t");
	label = strcspn(own, ".");
	if (is_label(organization, word, own, label) ||
	    is_label(organization, len, own, label))
		return true;
	while (word > 0 && !is_word_byte(text_lower(organization[word - 1])))
		word--;
	if (word >= sizeof name)
		return false;
	memcpy(name, organization, word);
	name[word] = '\0';
	return align_domains(name, domain);
}

enum rank
rank_of(const struct record *record)
{
	const struct verdict *verdict = record->verdict;

	/* The words of auth_str(). */
	if (record->auth != NULL)
		return strcmp(record->auth, "proxy") == 0 ? RANK_NAMED
		    : strcmp(record->auth, "path") == 0   ? RANK_TOKEN
							  : RANK_NOBODY;
	if (verdict == NULL || verdict->result != VERDICT_PASS)
		return RANK_NOBODY;
	if (is_name(record->report->organization_name, verdict->domain))
		return RANK_NAMED;
	return is_contact(record->report->contact_info, verdict->domain) ||
		align_domains(record->submitter, verdict->domain)
	    ? RANK_SIGNER
	    : RANK_STRANGER;
}
