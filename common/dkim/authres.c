/*
 * Seen by a milter behind opendkim 2.11.0 (Debian 12) and Postfix 3.7, which
 * shows no milter its own Received field:
 *
 *	DKIM-Filter: OpenDKIM Filter v2.11.0 NAME JOB	(SoftwareHeader)
 *	Authentication-Results: NAME[/JOB];
 *		dkim=pass (1024-bit key; unprotected) header.d=D header.i=I
 *		header.a=rsa-sha256 header.s=S header.b=q2+Ns+BG;
 *		dkim-atps=neutral
 *	the message, from its first field on
 *
 * - It writes no field at all for unsigned mail (unless AlwaysAddARHeader), for
 *   mail with a malformed DKIM-Signature (never: it accepts it at the end of
 *the header), and at the first SERVFAIL. In all three the sender has the
 *choice.
 * - It removes fields of its own name that came from outside, in any case, in
 *   quotes, with a comment or a job. But not when it accepts early, and none
 *   that it cannot read: more than 15 results, "dkim/1=pass", rubbish behind.
 * - It writes i= decoded. A valid signature of evil.example with
 *   i=x=3B=20dkim=3Dpass=20header.d=3Dgoogle.com=20header.i=3D@evil.example
 *   makes it write "; dkim=pass header.d=google.com header.i=@evil.example". s=
 *   is written with whatever parentheses and "=" are in it. d= is checked.
 *
 * Hence: the position alone does not tell what opendkim wrote (authres.h says
 * what does); a field that cannot be read decides nonetheless, for the one
 *below it is the sender's; and a message with a signature whose d=, i= or s= is
 *not plain has no results at all.
 */
#include "authres.h"

#include <string.h>

#include "text.h"

enum {
	ID_MAX = 512,     /* an authserv-id; a longer one is nobody's */
	KEYWORD_MAX = 64, /* a longer one is none that we know */
	VALUE_MAX = 1024 /* a property's value; a longer one voids the result */
};

/* Where in the field we are. A broken rule stays broken. */
struct reader {
	const char *p;
	bool is_bad;
};

typedef bool byte_fn(char c);

static bool
is_alnum(char c)
{
	c = text_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_control(char c)
{
	return ((unsigned char)c < ' ' && !text_is_space(c)) || c == 0x7f;
}

/* RFC 5321's Ldh-str, and "_", which some filters write. */
static bool
is_keyword_byte(char c)
{
	return is_alnum(c) || c == '-' || c == '_';
}

static bool
is_domain_byte(char c)
{
	return is_keyword_byte(c) || c == '.';
}

static bool
is_base64_byte(char c)
{
	return is_alnum(c) || c == '+' || c == '/' || c == '=';
}

/* RFC 2045's token, UTF-8 too (RFC 8601, section 5), and "/" before a job. */
static bool
is_id_byte(char c)
{
	return c != '\0' && !is_control(c) && !text_is_space(c) &&
	    strchr("()<>@,;:\\\"[]?=", c) == NULL;
}

/*
 * What stands for itself in a value: more than a token, for filters write
 * "a+b@x.example", "q/8=", "2001:db8::1" and "<>" without quotes.
 */
static bool
is_value_byte(char c)
{
	return c != '\0' && !is_control(c) && !text_is_space(c) &&
	    strchr("()\\\";", c) == NULL;
}

/* Bytes of i= that no filter can take for anything else. */
static bool
is_identity_byte(char c)
{
	return is_alnum(c) ||
	    (c != '\0' && strchr("!#$%&'*+-/?^_`{|}~.@", c) != NULL);
}

static bool
is_all(const char *s, byte_fn *is_byte)
{
	while (*s != '\0' && is_byte(*s))
		s++;
	return *s == '\0';
}

/*
 * The parts of a field.
 */

/* Pass over white space and comments, which nest and must be closed. */
static void
skip_cfws(struct reader *r)
{
	size_t depth = 0;

	for (; *r->p != '\0' && !is_control(*r->p); r->p++) {
		if (*r->p == '(') {
			depth++;
		} else if (depth > 0) {
			if (*r->p == ')')
				depth--;
			else if (*r->p == '\\' && r->p[1] != '\0')
				r->p++;
		} else if (!text_is_space(*r->p)) {
			break;
		}
	}
	if (depth > 0)
		r->is_bad = true;
}

/* A byte that must come. */
static void
expect(struct reader *r, char c)
{
	skip_cfws(r);
	if (*r->p == c)
		r->p++;
	else
		r->is_bad = true;
}

/* Append as many bytes as are of a kind. False when out was too small. */
static bool
read_run(struct reader *r, byte_fn *is_byte, char *out, size_t size)
{
	size_t n = strlen(out);
	bool is_whole = true;

	for (; is_byte(*r->p); r->p++) {
		if (n + 1 < size)
			out[n++] = *r->p;
		else
			is_whole = false;
	}
	out[n] = '\0';
	return is_whole;
}

/* What is within quotes, from the first to behind the last, or is bad. */
static bool
read_quoted(struct reader *r, char *out, size_t size)
{
	bool is_whole = true;
	size_t n = 0;

	for (r->p++; *r->p != '"'; r->p++) {
		if (*r->p == '\\')
			r->p++;
		if (*r->p == '\0' || is_control(*r->p)) {
			r->is_bad = true;
			break;
		}
		if (*r->p == '\r' || *r->p == '\n')
			continue;
		if (n + 1 < size)
			out[n++] = *r->p;
		else
			is_whole = false;
	}
	out[n] = '\0';
	if (!r->is_bad)
		r->p++;
	return is_whole;
}

/*
 * A token or a quoted string, or none. The local part of an address may be the
 * latter with its domain behind it.
 */
static bool
read_value(struct reader *r, byte_fn *is_byte, char *out, size_t size)
{
	bool is_whole = true;

	out[0] = '\0';
	skip_cfws(r);
	if (*r->p == '"') {
		is_whole = read_quoted(r, out, size);
		if (*r->p == '@' && is_byte('@') && !r->is_bad)
			is_whole &= read_run(r, is_byte, out, size);
	} else {
		is_whole = read_run(r, is_byte, out, size);
	}
	/* Whatever comes next must not stick to it. */
	if (*r->p != '\0' && *r->p != ';' && *r->p != '(' &&
	    !text_is_space(*r->p))
		r->is_bad = true;
	return is_whole;
}

/* A keyword, which must come; one that is too long is "". */
static void
read_keyword(struct reader *r, char out[KEYWORD_MAX])
{
	out[0] = '\0';
	skip_cfws(r);
	if (!is_keyword_byte(*r->p))
		r->is_bad = true;
	if (!read_run(r, is_keyword_byte, out, KEYWORD_MAX))
		out[0] = '\0';
}

/* One result, "method=result" and its properties. */
struct result {
	bool is_dkim;
	bool is_pass;
	bool is_void; /* contradicts itself, or is more than we keep */
	bool has_d, has_i, has_s, has_b;
	char identity[VERDICT_DOMAIN_MAX]; /* the domain of header.i */
	struct authres_pass pass;
};

/* Keep what is one domain name, in small letters; "" is none. */
static bool
keep_name(char *out, size_t size, const char *value)
{
	size_t len = strlen(value);

	if (len > 0 && value[len - 1] == '.')
		len--;
	if (len == 0 || len >= size || !is_all(value, is_domain_byte))
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = text_lower(value[i]);
	out[len] = '\0';
	return true;
}

/* Take over a property of header.*; each may be there once. */
static void
keep_property(struct result *result, const char *property, const char *value)
{
	struct authres_pass *pass = &result->pass;
	const char *at = strrchr(value, '@');
	bool is_good = true, *has = NULL;

	if (text_ieq(property, "d")) {
		has = &result->has_d;
		is_good = keep_name(pass->domain, sizeof pass->domain, value);
	} else if (text_ieq(property, "i")) {
		has = &result->has_i;
		is_good = keep_name(result->identity, sizeof result->identity,
		    at != NULL ? at + 1 : value);
	} else if (text_ieq(property, "s")) {
		has = &result->has_s;
		is_good =
		    keep_name(pass->selector, sizeof pass->selector, value);
	} else if (text_ieq(property, "b")) {
		has = &result->has_b;
		is_good = is_all(value, is_base64_byte);
		(void)text_copy(pass->b, sizeof pass->b, value);
	}
	if (has == NULL)
		return;
	if (*has || !is_good)
		result->is_void = true;
	*has = true;
}

/*
 * "ptype.property=value", "reason=value", and what some write, a property
 * without a ptype ("action=none").
 */
static void
read_property(struct reader *r, struct result *result)
{
	char ptype[KEYWORD_MAX], property[KEYWORD_MAX] = "", value[VALUE_MAX];

	read_keyword(r, ptype);
	skip_cfws(r);
	if (*r->p == '.') {
		r->p++;
		read_keyword(r, property);
	}
	expect(r, '=');
	if (r->is_bad)
		return;
	if (!read_value(r, is_value_byte, value, sizeof value))
		result->is_void = true;
	else if (text_ieq(ptype, "header"))
		keep_property(result, property, value);
}

/* "method[/version]=result" with its properties, up to a ";" or the end. */
static void
read_result(struct reader *r, struct result *result)
{
	char method[KEYWORD_MAX], word[KEYWORD_MAX], version[KEYWORD_MAX] = "1";

	*result = (struct result){ 0 };
	read_keyword(r, method);
	skip_cfws(r);
	if (*r->p == '/') {
		r->p++;
		read_keyword(r, version);
	}
	expect(r, '=');
	read_keyword(r, word);
	result->is_dkim = text_ieq(method, "dkim");
	/* Another version's words may mean something else. */
	result->is_pass = text_ieq(word, "pass") && strcmp(version, "1") == 0;
	for (skip_cfws(r); !r->is_bad && *r->p != ';' && *r->p != '\0';
	     skip_cfws(r))
		read_property(r, result);
}

/* Is a the domain b, or below it? */
static bool
is_within(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);

	return len_a >= len_b && strcmp(a + len_a - len_b, b) == 0 &&
	    (len_a == len_b || a[len_a - len_b - 1] == '.');
}

/* Keep a result that says of a domain that its signature is good. */
static void
keep_result(struct authres *ar, struct result *result)
{
	struct authres_pass *pass = &result->pass;

	if (!result->is_dkim || !result->is_pass || result->is_void ||
	    ar->count == AUTHRES_MAX)
		return;
	if (!result->has_d)
		(void)text_copy(
		    pass->domain, sizeof pass->domain, result->identity);
	/* RFC 6376, section 3.5: i= is of d= or of a subdomain. */
	if (pass->domain[0] == '\0' ||
	    (result->has_i && !is_within(result->identity, pass->domain)))
		return;
	ar->pass[ar->count++] = *pass;
}

/* "; none" and no more. */
static bool
read_none(struct reader *r)
{
	struct reader ahead = *r;
	char word[KEYWORD_MAX];

	read_keyword(&ahead, word);
	skip_cfws(&ahead);
	if (ahead.is_bad || !text_ieq(word, "none") || *ahead.p != '\0')
		return false;
	*r = ahead;
	return true;
}

/*
 * The results behind the authserv-id. Was there anything about DKIM? "none"
 * says of DKIM, too, that there was nothing. A final ";" is not in RFC 8601,
 * but is written.
 */
static bool
read_results(struct reader *r, struct authres *ar)
{
	bool has_dkim = false;
	struct result result;

	expect(r, ';');
	if (!r->is_bad && read_none(r))
		return true;
	while (!r->is_bad) {
		read_result(r, &result);
		if (r->is_bad)
			break;
		has_dkim |= result.is_dkim;
		keep_result(ar, &result);
		if (*r->p == '\0')
			break;
		r->p++;
		skip_cfws(r);
		if (*r->p == '\0')
			break;
	}
	return has_dkim;
}

/*
 * Whose field it is.
 */

enum owner {
	OWNER_OTHER,
	OWNER_FORGED, /* a trusted name, but not with this message's job */
	OWNER_TRUSTED
};

/* Is it the field of one trusted name? */
static enum owner
judge_id(const struct authres *ar, const char *id, const char *trusted)
{
	size_t len = strlen(trusted);
	bool needs_job = len > 0 && trusted[len - 1] == '/', has_job;

	if (needs_job)
		len--;
	if (len == 0 || strlen(id) < len || !text_ieqn(id, trusted, len) ||
	    (id[len] != '\0' && id[len] != '/'))
		return OWNER_OTHER;
	has_job = id[len] == '/';
	if (has_job && ar->job != NULL)
		return strcmp(id + len + 1, ar->job) == 0 ? OWNER_TRUSTED
							  : OWNER_FORGED;
	return needs_job ? OWNER_FORGED : OWNER_TRUSTED;
}

/* Read "authserv-id [version]" up to the ";". */
static enum owner
read_owner(struct reader *r, const struct authres *ar)
{
	char id[ID_MAX], version[KEYWORD_MAX];
	enum owner owner = OWNER_OTHER;

	if (!read_value(r, is_id_byte, id, sizeof id) || r->is_bad)
		return OWNER_OTHER;
	for (size_t i = 0; i < ar->trusted->count; i++) {
		enum owner other = judge_id(ar, id, ar->trusted->item[i]);

		if (other > owner)
			owner = other;
	}
	skip_cfws(r);
	if (*r->p != ';' && *r->p != '\0') {
		read_keyword(r, version);
		if (strcmp(version, "1") != 0)
			r->is_bad = true;
	}
	return owner;
}

static void
read_field(struct authres *ar, const char *value)
{
	struct reader r = { .p = value };
	enum owner owner = read_owner(&r, ar);
	bool has_dkim;

	if (owner == OWNER_OTHER)
		return;
	has_dkim = read_results(&r, ar);
	/* What a sender got the filter to write must not make room for what he
	   wrote himself, further down. */
	ar->is_decided = has_dkim || r.is_bad;
	if (r.is_bad || owner == OWNER_FORGED)
		ar->count = 0;
}

/*
 * Fields that filters put on top of a message. All else has come with it: what
 * a message is made of, and what an earlier hop wrote.
 */
static bool
is_of_filter(const char *name)
{
	static const char *const names[] = { "Authentication-Results",
		"DKIM-Filter", "DMARC-Filter", "Received-SPF" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (text_ieq(name, names[i]))
			return true;
	}
	return text_iprefix(name, "X-") || text_iprefix(name, "ARC-");
}

/*
 * Signatures that write results.
 */

/* The bytes that a tag of DKIM-Signature may have when it is written out. */
static byte_fn *
bytes_of_tag(const char *name)
{
	if (text_ieq(name, "d") || text_ieq(name, "s") || text_ieq(name, "a"))
		return is_domain_byte;
	if (text_ieq(name, "i"))
		return is_identity_byte;
	if (text_ieq(name, "b"))
		return is_base64_byte;
	return NULL; /* nobody writes it */
}

static const char *
skip_space(const char *p)
{
	while (text_is_space(*p))
		p++;
	return p;
}

/*
 * Is one tag, up to its ";" or the end, plain? Folding within b= is usual, and
 * within the others it is not.
 */
static bool
is_plain_tag(struct reader *r)
{
	char name[KEYWORD_MAX] = "";
	byte_fn *is_byte;

	/* There are no comments here. */
	r->p = skip_space(r->p);
	if (!is_keyword_byte(*r->p) ||
	    !read_run(r, is_keyword_byte, name, sizeof name))
		return false;
	r->p = skip_space(r->p);
	if (*r->p != '=')
		return false;
	is_byte = bytes_of_tag(name);
	for (r->p = skip_space(r->p + 1); *r->p != '\0' && *r->p != ';';
	     r->p++) {
		if (text_is_space(*r->p)) {
			const char *next = skip_space(r->p);

			if (is_byte != NULL && is_byte != is_base64_byte &&
			    *next != '\0' && *next != ';')
				return false;
			r->p = next - 1;
		} else if (is_control(*r->p) ||
		    (is_byte != NULL && !is_byte(*r->p))) {
			return false;
		}
	}
	return true;
}

static bool
is_plain_signature(const char *value)
{
	struct reader r = { .p = value };

	do {
		if (!is_plain_tag(&r))
			return false;
		if (*r.p == ';')
			r.p++;
		r.p = skip_space(r.p);
	} while (*r.p != '\0');
	return true;
}

void
authres_init(struct authres *ar, const struct conf_list *trusted)
{
	*ar = (struct authres){ .trusted = trusted };
}

void
authres_set_job(struct authres *ar, const char *job)
{
	ar->job = job;
}

void
authres_field(struct authres *ar, const char *name, const char *value)
{
	if (text_ieq(name, "DKIM-Signature") && !is_plain_signature(value)) {
		ar->is_tainted = true;
		ar->count = 0;
	}
	if (!is_of_filter(name))
		ar->is_over = true;
	if (!ar->is_over && !ar->is_decided && !ar->is_tainted &&
	    text_ieq(name, "Authentication-Results"))
		read_field(ar, value);
}
