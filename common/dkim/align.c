#include "align.h"

#include <libpsl.h>
#include <string.h>

#include "text.h"

enum {
	NAME_MAX_LEN = ALIGN_DOMAIN_MAX - 1, /* RFC 1035, 2.3.4, as text */
	LABEL_MAX_LEN = 63
};

/* Letters, digits, "-" and "_" (as of "_dmarc"), and nothing of UTF-8. */
static bool
is_label_byte(char c)
{
	c = text_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

/*
 * Copy a domain name in small letters and without a final dot. False when it is
 * none: an empty or long label, a byte that no domain has, an IPv4 address (no
 * top-level domain is a number, RFC 3696, section 2).
 *
 * A name in UTF-8 is none either. libpsl knows such suffixes, but not that they
 * are the same as their A-label forms, which is what d= has (RFC 8616, section
 * 4): the two forms of one name would compare as two domains, and a letter with
 * several encodings as whatever the sender likes.
 */
static bool
read_domain(char out[NAME_MAX_LEN + 1], const char *name)
{
	size_t len = name != NULL ? strlen(name) : 0, label = 0;
	bool is_number = true;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '.') {
			if (i == label)
				return false;
			label = i + 1;
			is_number = true;
		} else if (!is_label_byte(name[i]) ||
		    i - label >= LABEL_MAX_LEN) {
			return false;
		} else if (name[i] < '0' || name[i] > '9') {
			is_number = false;
		}
		out[i] = text_lower(name[i]);
	}
	out[len] = '\0';
	/* An empty label at the end counts as a number, too. */
	return !is_number;
}

bool
align_domains(const char *a, const char *b)
{
	char name_a[NAME_MAX_LEN + 1], name_b[NAME_MAX_LEN + 1];
	const char *org_a, *org_b;
	const psl_ctx_t *list;

	if (!read_domain(name_a, a) || !read_domain(name_b, b))
		return false;
	if (strcmp(name_a, name_b) == 0)
		return true;
	/*
	 * The list within libpsl never changes, so nothing needs a lock. A
	 * library built without one leaves names that are the same (strict
	 * alignment, RFC 7489, section 3.1.1); a file read at run time would
	 * be one more thing that may be missing or differ between machines.
	 */
	list = psl_builtin();
	if (list == NULL)
		return false;
	org_a = psl_registrable_domain(list, name_a);
	org_b = psl_registrable_domain(list, name_b);
	return org_a != NULL && org_b != NULL && strcmp(org_a, org_b) == 0;
}

bool
align_organization(const char *domain, char out[ALIGN_DOMAIN_MAX])
{
	char name[NAME_MAX_LEN + 1];
	const psl_ctx_t *list = psl_builtin();
	const char *own;

	if (list == NULL || !read_domain(name, domain))
		return false;
	own = psl_registrable_domain(list, name);
	return own != NULL && text_copy(out, ALIGN_DOMAIN_MAX, own);
}
