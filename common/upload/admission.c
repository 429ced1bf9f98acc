#include "admission.h"

#include <string.h>

#include "pathsecret.h"
#include "payload.h"
#include "text.h"

#define DIGITS "0123456789"
#define ALNUM  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS
#define TCHAR  ALNUM "!#$%&'*+-.^_`|~" /* RFC 9110, section 5.6.2 */

enum {
	LENGTH_DIGITS_MAX = 18 /* which a 64-bit word holds */
};

const char *
admission_field(const struct upload_head *head, const char *name)
{
	for (size_t i = 0; i < head->count; i++) {
		if (text_ieq(head->field[i].name, name))
			return head->field[i].value;
	}
	return NULL;
}

static size_t
count_fields(const struct upload_head *head, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < head->count; i++)
		n += text_ieq(head->field[i].name, name);
	return n;
}

static bool
refuse(struct admission *a, unsigned status, const char *reason)
{
	a->what = UPLOAD_NOTHING;
	a->status = status;
	a->reason = reason;
	return false;
}

/* Refuse what leaves open where the request ends. */
static bool
refuse_framing(struct admission *a, const char *reason)
{
	a->must_close = true;
	return refuse(a, 400, reason);
}

/*
 * Where the request ends.
 */

static bool
is_token(const char *name)
{
	size_t len = strspn(name, TCHAR);

	return len > 0 && name[len] == '\0';
}

/* RFC 9110, section 5.5: some readers end a line at a bare CR. */
static bool
is_plain(const char *value)
{
	for (; *value != '\0'; value++) {
		if (((unsigned char)*value < ' ' && *value != '\t') ||
		    *value == 0x7f)
			return false;
	}
	return true;
}

static bool
check_fields(const struct upload_head *head, struct admission *a)
{
	if (head->count > ADMISSION_FIELDS_MAX) {
		a->must_close = true;
		return refuse(a, 431, "too-many-fields");
	}
	if (head->is_folded)
		return refuse_framing(a, "folded-field");
	for (size_t i = 0; i < head->count; i++) {
		if (!is_token(head->field[i].name))
			return refuse_framing(a, "field-name");
		if (!is_plain(head->field[i].value))
			return refuse_framing(a, "field-value");
	}
	/* RFC 9112, section 3.2. */
	if (count_fields(head, "Host") > 1 ||
	    (count_fields(head, "Host") == 0 &&
		strcmp(head->version, "HTTP/1.0") != 0))
		return refuse_framing(a, "host");
	return true;
}

static bool
read_length(const struct upload_head *head, struct admission *a)
{
	const char *value = admission_field(head, "Content-Length");
	size_t len = strspn(value, DIGITS);

	if (len == 0 || value[len] != '\0')
		return refuse_framing(a, "content-length");
	while (len > LENGTH_DIGITS_MAX && *value == '0') {
		value++;
		len--;
	}
	if (len > LENGTH_DIGITS_MAX) {
		a->length = UINT64_MAX - 1;
		return true;
	}
	a->length = 0;
	for (; *value != '\0'; value++)
		a->length = a->length * 10 + (unsigned)(*value - '0');
	return true;
}

/* RFC 9112, section 6. *has_body is set when a body is announced. */
static bool
check_framing(
    const struct upload_head *head, struct admission *a, bool *has_body)
{
	size_t lengths = count_fields(head, "Content-Length");
	size_t codings = count_fields(head, "Transfer-Encoding");

	*has_body = lengths + codings > 0;
	if (lengths > 0 && codings > 0)
		return refuse_framing(a, "two-lengths");
	if (lengths > 1)
		return refuse_framing(a, "content-length");
	if (codings > 0) {
		if (codings > 1 || strcmp(head->version, "HTTP/1.0") == 0 ||
		    !text_ieq(
			admission_field(head, "Transfer-Encoding"), "chunked"))
			return refuse_framing(a, "transfer-encoding");
		a->length = UINT64_MAX;
	}
	return lengths == 0 || read_length(head, a);
}

/*
 * What is asked for.
 */

/* The path of a target, which may be a whole URI (RFC 9112, section 3.2.2). */
static const char *
path_of(const char *target)
{
	const char *rest;

	if (text_iprefix(target, "http://"))
		rest = target + strlen("http://");
	else if (text_iprefix(target, "https://"))
		rest = target + strlen("https://");
	else
		return target;
	rest = strchr(rest, '/');
	return rest != NULL ? rest : "/";
}

/* Is it the path, alone or with a token that we know? */
static bool
is_our_path(const char *path, const struct conf *conf, struct admission *a)
{
	size_t len = strlen(conf->path);

	if (strncmp(path, conf->path, len) != 0)
		return false;
	if (path[len] == '\0')
		return true;
	path += len;
	if (*path++ != '/' || strlen(path) >= sizeof a->token ||
	    !pathsecret_is_token(conf, path))
		return false;
	(void)text_copy(a->token, sizeof a->token, path);
	return true;
}

static bool
find_target(const struct upload_head *head, const struct conf *conf,
    struct admission *a)
{
	const char *path = path_of(head->target);
	bool is_read = strcmp(head->method, "GET") == 0 ||
	    strcmp(head->method, "HEAD") == 0;

	if (strcmp(path, "/healthz") == 0)
		a->what = UPLOAD_HEALTH;
	else if (!is_our_path(path, conf, a))
		return refuse(a, 404, "path");
	else
		a->what = UPLOAD_PAGE;
	if (is_read)
		return true;
	a->allows_post = a->what == UPLOAD_PAGE;
	if (!a->allows_post || strcmp(head->method, "POST") != 0)
		return refuse(a, 405, "method");
	a->what = UPLOAD_REPORT;
	return true;
}

/* A media type without its parameters, if it is of a length that one has. */
static void
read_type(const struct upload_head *head, struct admission *a)
{
	const char *value = admission_field(head, "Content-Type");
	size_t n = 0;

	a->type[0] = '\0';
	if (value == NULL)
		return;
	while (text_is_space(*value))
		value++;
	n = strspn(value, TCHAR "/");
	if (n >= sizeof a->type || strchr("; \t", value[n]) == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		a->type[i] = text_lower(value[i]);
	a->type[n] = '\0';
}

static void
read_encoding(const struct upload_head *head, struct admission *a)
{
	const char *value = admission_field(head, "Content-Encoding");

	a->is_gzip = value != NULL &&
	    (text_ieq(value, "gzip") || text_ieq(value, "x-gzip"));
}

static bool
check_body(const struct conf *conf, bool has_body, struct admission *a)
{
	if (!has_body)
		return refuse(a, 411, "no-length");
	if (a->length == 0)
		return refuse(a, 400, "empty");
	if (a->length != UINT64_MAX && a->length > conf->max_body_size) {
		a->must_close = true;
		return refuse(a, 413, "too-large");
	}
	return true;
}

void
admission_judge(const struct upload_head *head, const struct conf *conf,
    struct admission *admission)
{
	bool has_body = false;

	*admission = (struct admission){ .what = UPLOAD_NOTHING };
	if (!check_fields(head, admission) ||
	    !check_framing(head, admission, &has_body))
		return;
	/* What is refused before its body is read ends the connection. */
	admission->must_close = has_body && admission->length > 0;
	if (!find_target(head, conf, admission))
		return;
	if (admission->what != UPLOAD_REPORT)
		return;
	if (!check_body(conf, has_body, admission))
		return;
	admission->must_close = false;
	read_type(head, admission);
	read_encoding(head, admission);
}

/*
 * What a body is.
 */

const char *
admission_label(const struct admission *admission, const char *data, size_t len)
{
	const char *type = admission->type;

	if (type[0] == '\0' || text_iprefix(type, "multipart/") ||
	    text_iprefix(type, "message/"))
		return "application/octet-stream";
	if (admission->is_gzip && payload_sniff(data, len) == PAYLOAD_GZIP &&
	    strcmp(type, "application/tlsrpt+json") == 0)
		return "application/tlsrpt+gzip";
	return type;
}

/* The beginnings of pages and pictures. */
static bool
is_foreign_magic(const char *data, size_t len)
{
	static const char *const magic[] = { "\x89PNG", "GIF8", "\xff\xd8\xff",
		"RIFF", "%PDF-" };

	for (size_t i = 0; i < sizeof magic / sizeof magic[0]; i++) {
		size_t n = strlen(magic[i]);

		if (len >= n && memcmp(data, magic[i], n) == 0)
			return true;
	}
	while (len > 0 && text_is_space(*data)) {
		data++;
		len--;
	}
	return len > 0 && *data == '<';
}

bool
admission_is_foreign(
    const struct admission *admission, const char *data, size_t len)
{
	static const char *const foreign[] = { "text/html", "text/xml",
		"application/xml", "application/xhtml+xml", "application/pdf",
		"image/", "audio/", "video/", "font/" };
	bool is_labelled = false;

	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
		is_labelled |= text_iprefix(admission->type, foreign[i]);
	return is_labelled && is_foreign_magic(data, len);
}
