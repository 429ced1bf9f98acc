#include "stspolicy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

enum {
	NAME_MAX_FIELD = 32, /* bytes of the name of a field */
	AGE_DIGITS_MAX = 10,
	LABEL_MAX = 63,
	DOMAIN_MAX = 253,
	A_LABELS_SHOWN = 160, /* bytes of a name that a mend has room for */
	DAY = 86400
};

/* A policy while it is read. */
struct reading {
	const char *text;
	size_t len;
	struct remarks *remarks;
	bool is_good;
	bool has_version;
	bool has_mode;
	bool has_max_age;
	bool has_mx;    /* any, good or not */
	size_t max_age; /* offset of its value */
	size_t first_mx;
	struct stspolicy *policy;
};

/* A line, less white space at its end. Offsets in the text. */
struct line {
	size_t start;
	size_t name_len;
	size_t value;
	size_t end;
};

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
	char lower = text_lower(c);

	return (lower >= 'a' && lower <= 'z') || is_digit(c);
}

__attribute__((format(printf, 4, 5))) static void
say(struct reading *in, size_t offset, const char *mend, const char *fmt, ...)
{
	char text[REMARK_TEXT_MAX];
	va_list ap;

	in->is_good = false;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	remark_add(in->remarks, REMARK_ERROR, offset, mend, "%s", text);
}

/*
 * Values.
 */

static bool
is_value(const struct reading *in, const struct line *line, const char *value)
{
	return line->end - line->value == strlen(value) &&
	    memcmp(in->text + line->value, value, line->end - line->value) == 0;
}

static void
read_version(struct reading *in, const struct line *line)
{
	if (!is_value(in, line, "STSv1"))
		say(in, line->value, "write \"version: STSv1\"",
		    "the version is not \"STSv1\"");
}

static void
read_mode(struct reading *in, const struct line *line)
{
	size_t len = line->end - line->value;

	for (int mode = STSPOLICY_NONE; mode <= STSPOLICY_ENFORCE; mode++) {
		const char *word =
		    stspolicy_mode_str((enum stspolicy_mode)mode);

		if (is_value(in, line, word)) {
			in->policy->mode = (enum stspolicy_mode)mode;
			return;
		}
		if (len == strlen(word) &&
		    text_ieqn(in->text + line->value, word, len)) {
			say(in, line->value, "write it in lower case",
			    "the mode is in the wrong case: it is \"%s\"",
			    word);
			return;
		}
	}
	say(in, line->value, "write \"enforce\", \"testing\" or \"none\"",
	    "this is no mode");
}

static void
read_max_age(struct reading *in, const struct line *line)
{
	static const char mend[] = "a number of seconds, such as 604800 for a "
				   "week; 31557600 at most";
	uint64_t age = 0;

	in->max_age = line->value;
	for (size_t i = line->value; i < line->end; i++) {
		if (!is_digit(in->text[i])) {
			say(in, i, mend, "max_age may have digits only");
			return;
		}
		if (i - line->value == AGE_DIGITS_MAX) {
			say(in, i, mend, "max_age has more than %d digits",
			    AGE_DIGITS_MAX);
			return;
		}
		age = age * 10 + (uint64_t)(in->text[i] - '0');
	}
	if (age > STSPOLICY_AGE_MAX)
		say(in, line->value, mend,
		    "max_age is more than %d seconds, about a year",
		    STSPOLICY_AGE_MAX);
	in->policy->max_age = age;
}

/* What is not ASCII: how would it be written? */
static void
say_u_label(struct reading *in, const struct line *line, size_t offset)
{
	size_t from = line->value, len;
	char name[IDN_NAME_MAX], ascii[IDN_NAME_MAX];
	char mend[REMARK_TEXT_MAX] = "write it in A-labels (\"xn--...\")";
	const char *star = "";

	if (line->end - from > 2 && memcmp(in->text + from, "*.", 2) == 0) {
		star = "*.";
		from += 2;
	}
	len = line->end - from;
	if (len < sizeof name && memchr(in->text + from, '\0', len) == NULL) {
		memcpy(name, in->text + from, len);
		name[len] = '\0';
		if (idn_to_ascii(name, ascii) &&
		    strlen(ascii) <= A_LABELS_SHOWN)
			(void)snprintf(mend, sizeof mend,
			    "write \"mx: %s%.*s\"", star, A_LABELS_SHOWN,
			    ascii);
	}
	say(in, offset, mend,
	    "a name in mx is written in A-labels (RFC 8461, section 3.2)");
}

static void
say_mx_byte(struct reading *in, const struct line *line, size_t at)
{
	char c = in->text[at];

	if ((unsigned char)c >= 0x80)
		say_u_label(in, line, at);
	else if (c == ',' || c == ';' || is_wsp(c))
		say(in, at, "write a line \"mx: ...\" for each",
		    "a line has one mx only");
	else if (c == '*')
		say(in, at, "write \"*.\" and a domain",
		    "\"*\" may stand for the whole of the first label only");
	else if (c == ':')
		say(in, at, "take it out",
		    "an mx is a name, without port and address");
	else if (c == '_')
		say(in, at, NULL, "\"_\" is in no name of a host");
	else
		say(in, at, NULL, "a byte that is in no name of a host");
}

/* Domain = sub-domain *("." sub-domain) (RFC 5321, section 4.1.2) */
static bool
check_domain(struct reading *in, const struct line *line, size_t from)
{
	size_t label = from;

	for (size_t i = from; i <= line->end; i++) {
		bool is_end = i == line->end || in->text[i] == '.';

		if (!is_end && !is_alnum(in->text[i]) && in->text[i] != '-') {
			say_mx_byte(in, line, i);
			return false;
		}
		if (!is_end)
			continue;
		if (i == label) {
			say(in, label == line->end ? label - 1 : label,
			    i == line->value ? "write \"*.\" and a domain, "
					       "or the domain alone"
					     : "take the \".\" out",
			    i == line->end
				? "an mx ends without a dot"
				: "there is nothing before this dot");
			return false;
		}
		if (i - label > LABEL_MAX || in->text[label] == '-' ||
		    in->text[i - 1] == '-') {
			say(in, label, NULL, "this is no label of a domain");
			return false;
		}
		label = i + 1;
	}
	if (line->end - from <= DOMAIN_MAX)
		return true;
	say(in, from, NULL, "a name has at most %d bytes", DOMAIN_MAX);
	return false;
}

/* Four numbers are a name by the grammar, and never that of an MX. */
static bool
is_address(const char *mx)
{
	const char *dot = strrchr(mx, '.');
	const char *last = dot != NULL ? dot + 1 : mx;

	return last[strspn(last, "0123456789")] == '\0';
}

static void
read_mx(struct reading *in, const struct line *line)
{
	struct stspolicy *policy = in->policy;
	const char *value = in->text + line->value;
	size_t len = line->end - line->value, from = line->value;
	char *mx;

	if (len >= 2 && memcmp(value, "*.", 2) == 0)
		from += 2;
	if (from == line->end) {
		say(in, line->value, "write \"*.\" and a domain",
		    "there is no domain behind \"*.\"");
		return;
	}
	if (!check_domain(in, line, from))
		return;
	if (policy->mx_count == STSPOLICY_MX_MAX) {
		say(in, line->start, "say more of them with \"*.\"",
		    "more than %d mx", STSPOLICY_MX_MAX);
		return;
	}
	mx = policy->mx[policy->mx_count];
	for (size_t i = 0; i < len; i++)
		mx[i] = text_lower(value[i]);
	mx[len] = '\0';
	if (is_address(mx))
		remark_add(in->remarks, REMARK_WARNING, line->value,
		    "write the name of the MX",
		    "an address: it matches no MX, which are names");
	for (size_t i = 0; i < policy->mx_count; i++) {
		if (strcmp(policy->mx[i], mx) != 0)
			continue;
		remark_add(in->remarks, REMARK_NOTE, line->start, "take it out",
		    "the same mx again");
		return;
	}
	policy->mx_count++;
}

/* sts-policy-ext-value: no controls, and UTF-8 where it is not ASCII. */
static bool
check_value(struct reading *in, const struct line *line)
{
	for (size_t i = line->value; i < line->end;) {
		uint32_t cp;
		size_t n = utf8_decode(in->text + i, line->end - i, &cp);

		if (n == 0 || cp < ' ' || cp == 0x7f) {
			say(in, i, "take it out",
			    n == 0 ? "this is not UTF-8"
				   : "a control character");
			return false;
		}
		i += n;
	}
	return true;
}

/*
 * Fields.
 */

enum field {
	VERSION_OF_POLICY,
	MODE,
	MAX_AGE,
	MX,
	NEARLY, /* one of these but for the case: has been said */
	OTHER
};

static const char *const names[] = { "version", "mode", "max_age", "mx" };

static enum field
find_field(struct reading *in, const struct line *line)
{
	const char *name = in->text + line->start;

	for (int i = 0; i < NEARLY; i++) {
		if (line->name_len != strlen(names[i]) ||
		    !text_ieqn(name, names[i], line->name_len))
			continue;
		if (memcmp(name, names[i], line->name_len) == 0)
			return (enum field)i;
		say(in, line->start, "write it in lower case",
		    "the name of a field is case-sensitive: this is no \"%s\"",
		    names[i]);
		in->has_version |= i == VERSION_OF_POLICY;
		in->has_mode |= i == MODE;
		in->has_max_age |= i == MAX_AGE;
		in->has_mx |= i == MX;
		return NEARLY;
	}
	return OTHER;
}

/* The first one counts (section 3.2). */
static bool
is_first(struct reading *in, const struct line *line, bool *has)
{
	if (!*has) {
		*has = true;
		return true;
	}
	remark_add(in->remarks, REMARK_WARNING, line->start,
	    "take one of them out", "\"%.*s\" a second time: it is ignored",
	    (int)line->name_len, in->text + line->start);
	return false;
}

static void
read_field(struct reading *in, const struct line *line)
{
	switch (find_field(in, line)) {
	case VERSION_OF_POLICY:
		if (is_first(in, line, &in->has_version))
			read_version(in, line);
		return;
	case MODE:
		if (is_first(in, line, &in->has_mode))
			read_mode(in, line);
		return;
	case MAX_AGE:
		if (is_first(in, line, &in->has_max_age))
			read_max_age(in, line);
		return;
	case MX:
		if (!in->has_mx)
			in->first_mx = line->start;
		in->has_mx = true;
		read_mx(in, line);
		return;
	case NEARLY:
		return;
	case OTHER:
		if (check_value(in, line))
			remark_add(in->remarks, REMARK_NOTE, line->start, NULL,
			    "senders ignore the field \"%.*s\", which RFC 8461 "
			    "does not name",
			    (int)line->name_len, in->text + line->start);
	}
}

static bool
is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(name[i]) &&
		    (i == 0 || memchr("_-.", name[i], 3) == NULL))
			return false;
	}
	return len > 0 && len <= NAME_MAX_FIELD;
}

static void
say_no_field(struct reading *in, const struct line *line)
{
	const char *text = in->text + line->start;
	size_t len = line->end - line->start;

	if (len > 0 && text[0] == '<')
		say(in, line->start, "serve the policy file itself",
		    "this is HTML and no policy");
	else if (len > 7 && text_ieqn(text, "v=STSv1", 7))
		say(in, line->start, "begin with \"version: STSv1\"",
		    "this is the record of the DNS and no policy");
	else if (len > 0 && text[0] == '#')
		say(in, line->start, "take it out", "a policy has no comments");
	else if (memchr(text, '=', len) != NULL)
		say(in, line->start, "write name: value",
		    "there is \"=\" instead of \":\"");
	else
		say(in, line->start, "write name: value",
		    "there is no \":\" in this line");
}

/* sts-policy-field-delim = ":" *WSP */
static void
read_line(struct reading *in, size_t start, size_t end)
{
	const char *text = in->text;
	struct line line = { .start = start, .end = end };
	const char *colon;

	while (line.end > start && is_wsp(text[line.end - 1]))
		line.end--;
	if (line.end == start) {
		/* No sender is known to refuse it. */
		remark_add(in->remarks, REMARK_WARNING, start,
		    "take the line out", "a policy has no empty lines");
		return;
	}
	if (is_wsp(text[start]))
		say(in, start, "take it out",
		    "white space at the beginning of a line");
	while (is_wsp(text[line.start]))
		line.start++;
	colon = memchr(text + line.start, ':', line.end - line.start);
	if (colon == NULL) {
		say_no_field(in, &line);
		return;
	}
	line.value = (size_t)(colon - text) + 1;
	line.name_len = line.value - 1 - line.start;
	if (line.name_len > 0 && is_wsp(colon[-1])) {
		say(in, line.value - 2, "take it out",
		    "white space before \":\"");
		while (line.name_len > 0 &&
		    is_wsp(text[line.start + line.name_len - 1]))
			line.name_len--;
	}
	while (line.value < line.end && is_wsp(text[line.value]))
		line.value++;
	if (!is_name(text + line.start, line.name_len))
		say(in, line.start,
		    "a name is a letter or digit and up to 31 more, with "
		    "\"_\", \"-\" and \".\" among them",
		    "this is no name of a field");
	else if (line.value == line.end)
		say(in, line.value, NULL, "there is no value");
	else
		read_field(in, &line);
}

/* Lines end in LF or CRLF; the last may go without. */
static void
read_lines(struct reading *in, size_t at)
{
	while (at < in->len) {
		const char *lf = memchr(in->text + at, '\n', in->len - at);
		size_t end = lf != NULL ? (size_t)(lf - in->text) : in->len;
		size_t next = lf != NULL ? end + 1 : end;

		if (lf != NULL && end > at && in->text[end - 1] == '\r')
			end--;
		read_line(in, at, end);
		at = next;
	}
}

/*
 * The whole.
 */

static void
check_required(struct reading *in)
{
	if (!in->has_version)
		say(in, in->len, "add \"version: STSv1\"",
		    "there is no version");
	if (!in->has_mode)
		say(in, in->len, "add \"mode: testing\" or \"mode: enforce\"",
		    "there is no mode");
	if (!in->has_max_age)
		say(in, in->len, "add \"max_age: 604800\"",
		    "there is no max_age");
	if (!in->has_mx && in->policy->mode != STSPOLICY_NONE)
		say(in, in->len, "add \"mx: ...\" for each MX of the domain",
		    "there is no mx, and the mode is not \"none\"");
}

static void
remark_odd(struct reading *in)
{
	const struct stspolicy *policy = in->policy;

	if (policy->mode == STSPOLICY_NONE) {
		if (in->has_mx)
			remark_add(in->remarks, REMARK_NOTE, in->first_mx, NULL,
			    "mx has no meaning with the mode \"none\"");
		return;
	}
	if (policy->max_age < DAY)
		remark_add(in->remarks, REMARK_WARNING, in->max_age,
		    "a week is 604800; weeks or more are the aim",
		    "max_age is less than a day: whoever attacks need keep "
		    "senders from the policy for so long only");
}

bool
stspolicy_read(const char *text, size_t len, struct stspolicy *policy,
    struct remarks *remarks)
{
	struct stspolicy got = { .mode = STSPOLICY_NONE };
	struct reading in = {
		.text = text,
		.len = len,
		.remarks = remarks,
		.is_good = true,
		.policy = &got,
	};
	size_t at = 0;

	if (len > STSPOLICY_SIZE_MAX) {
		say(&in, STSPOLICY_SIZE_MAX, NULL,
		    "a policy of more than %d bytes", STSPOLICY_SIZE_MAX);
		return false;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		say(&in, 0, "save it as UTF-8 without byte order mark",
		    "the policy begins with a byte order mark");
		at = 3;
	}
	read_lines(&in, at);
	check_required(&in);
	if (!in.is_good)
		return false;
	remark_odd(&in);
	*policy = got;
	return true;
}

bool
stspolicy_matches(const char *pattern, const char *host)
{
	size_t label;

	if (strncmp(pattern, "*.", 2) != 0)
		return text_ieq(pattern, host);
	label = strcspn(host, ".");
	return label > 0 && text_ieq(pattern + 1, host + label);
}

bool
stspolicy_allows(const struct stspolicy *policy, const char *host)
{
	for (size_t i = 0; i < policy->mx_count; i++) {
		if (stspolicy_matches(policy->mx[i], host))
			return true;
	}
	return false;
}

const char *
stspolicy_mode_str(enum stspolicy_mode mode)
{
	switch (mode) {
	case STSPOLICY_NONE:
		return "none";
	case STSPOLICY_TESTING:
		return "testing";
	case STSPOLICY_ENFORCE:
		return "enforce";
	}
	return "none";
}
