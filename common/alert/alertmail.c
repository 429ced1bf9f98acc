#include "alertmail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emit.h"
#include "render.h"
#include "result.h"
#include "text.h"

enum {
	SUBJECT_PART_MAX = 100, /* bytes of a name in the subject */
	VALUE_MAX = 400,        /* and of a value in the body */
	COMMAND_MAX = 1024,
	HOST_MAX = 256
};

/* Printable ASCII, "?" for each other character, cut with "...". */
static enum status
put_safe(struct buf *out, const char *string, size_t max)
{
	size_t len = strlen(string), from = out->len;
	enum status st = ST_OK;

	while (len > 0 && st == ST_OK) {
		uint32_t cp;
		size_t n = utf8_decode(string, len, &cp);

		if (out->len - from >= max)
			return buf_adds(out, "...");
		st = buf_addc(
		    out, n == 1 && cp >= 0x20 && cp < 0x7f ? *string : '?');
		n = n > 0 ? n : 1;
		string += n;
		len -= n;
	}
	return st;
}

static const char *
string_of(const struct event *ev, const char *name, const char *otherwise)
{
	const struct field *field = event_find(ev, name);

	return field != NULL && field->type == FIELD_STRING ? field->u.string
							    : otherwise;
}

static bool
is_problem(const struct event *ev)
{
	return strncmp(ev->name, "problem-", 8) == 0;
}

/*
 * The header.
 */

/* "certificate-expired on mx.example.com (example.com)" */
static enum status
put_problem(struct buf *out, const struct event *ev)
{
	const char *mx = string_of(ev, "receiving-mx-hostname", "");
	const char *domain = string_of(ev, "policy-domain", "");
	enum status st =
	    put_safe(out, string_of(ev, "result-type", "failure of no type"),
		SUBJECT_PART_MAX);

	if (st == ST_OK && mx[0] != '\0') {
		st = buf_adds(out, " on ");
		if (st == ST_OK)
			st = put_safe(out, mx, SUBJECT_PART_MAX);
	}
	if (st == ST_OK && domain[0] != '\0') {
		st = buf_adds(out, " (");
		if (st == ST_OK)
			st = put_safe(out, domain, SUBJECT_PART_MAX);
		if (st == ST_OK)
			st = buf_addc(out, ')');
	}
	return st;
}

/* "problem opened: " and so on. */
static enum status
put_name(struct buf *out, const struct event *ev)
{
	enum status st = ST_OK;

	for (const char *p = ev->name; *p != '\0' && st == ST_OK; p++)
		st = buf_addc(out, *p == '-' ? ' ' : *p);
	return st;
}

static enum status
put_subject(struct buf *out, const struct event *ev)
{
	const struct field *alerts = event_find(ev, "alerts");
	const char *who = string_of(ev, "organization-name", NULL);
	enum status st = buf_adds(out, "Subject: [tlsrpt] ");

	if (st == ST_OK && alerts != NULL && alerts->type == FIELD_COUNT) {
		st = buf_addu(out, alerts->u.count);
		if (st == ST_OK)
			st = buf_adds(out,
			    alerts->u.count == 1 ? " more event"
						 : " more events");
		return st == ST_OK ? buf_addc(out, '\n') : st;
	}
	if (st == ST_OK)
		st = put_name(out, ev);
	if (st == ST_OK && (is_problem(ev) || who != NULL))
		st = buf_adds(out, ": ");
	if (st == ST_OK && is_problem(ev))
		st = put_problem(out, ev);
	else if (st == ST_OK && who != NULL)
		st = put_safe(out, who, SUBJECT_PART_MAX);
	return st == ST_OK ? buf_addc(out, '\n') : st;
}

static enum status
put_header(struct buf *out, const struct event *ev)
{
	enum status st = put_subject(out, ev);

	if (st == ST_OK)
		st = buf_adds(out, "X-TLSRPT-Milter: alert; event=");
	if (st == ST_OK)
		st = buf_adds(out, ev->name);
	if (st == ST_OK)
		st = buf_adds(out,
		    "\nAuto-Submitted: auto-generated\n"
		    "X-Auto-Response-Suppress: All\n"
		    "TLS-Required: No\n"
		    "MIME-Version: 1.0\n"
		    "Content-Type: text/plain; charset=us-ascii\n"
		    "Content-Transfer-Encoding: 7bit\n"
		    "\n");
	return st;
}

enum status
alertmail_addresses(struct buf *out, const struct conf_list *to)
{
	enum status st =
	    buf_adds(out, "From: TLS report alerts <tlsrpt-milter>\nTo: ");

	for (size_t i = 0; i < to->count && st == ST_OK; i++) {
		st = buf_adds(out, i > 0 ? ",\n\t" : "");
		if (st == ST_OK)
			st = buf_adds(out, to->item[i]);
	}
	return st == ST_OK ? buf_addc(out, '\n') : st;
}

/*
 * The body. A stream into memory remembers that there was none left.
 */

static void
print_opening(FILE *out, const struct event *ev)
{
	static const struct {
		const char *name;
		const char *sentence;
	} sentences[] = {
		{ "problem-opened",
		    "Senders report that TLS fails on the way to you:" },
		{ "problem-worse", "A problem with TLS has become worse:" },
		{ "problem-resolved",
		    "A problem with TLS is gone. Senders that had it report "
		    "sessions without it:" },
		{ "problem-stale",
		    "Whether a problem with TLS is gone, nobody knows. Those "
		    "who reported it\nsend no more reports:" },
		{ "reporter-silent",
		    "A sender that reported every day does so no more:" },
		{ "alerts-summed",
		    "There was more than AlertRate lets through in an hour, or "
		    "than alerts could\nbe sent. What was left out, by its "
		    "name in the log:" },
	};

	for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
		if (strcmp(sentences[i].name, ev->name) == 0)
			(void)fprintf(out, "%s\n\n", sentences[i].sentence);
	}
}

static enum status
print_field(FILE *out, const struct field *field)
{
	struct buf plain, safe;
	enum status st;

	buf_init(&plain, 1 << 21);
	buf_init(&safe, 2 * VALUE_MAX);
	st = emit_plain(&plain, field);
	if (st == ST_OK && plain.len > 0)
		st = put_safe(&safe, plain.data, VALUE_MAX);
	if (st == ST_OK && safe.len > 0)
		render_wrapped(out, 2, field->name, safe.data);
	buf_free(&plain);
	buf_free(&safe);
	return st;
}

/* What it means, and commands to see it oneself. */
static void
print_knowledge(FILE *out, const struct event *ev)
{
	const struct result *result =
	    result_find(string_of(ev, "result-type", NULL));

	render_wrapped(out, 2, "meaning", result->meaning);
	render_commands(out, 2, result,
	    string_of(ev, "receiving-mx-hostname", NULL),
	    string_of(ev, "policy-domain", NULL));
}

static void
print_closing(FILE *out)
{
	char host[HOST_MAX] = "";

	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	(void)fprintf(out,
	    "\n\"tlsrpt problems\" prints what is broken now, \"tlsrpt "
	    "summary\" the figures.\n"
	    "\n-- \ntlsrpt-milter%s%s; AlertMail in tlsrpt-milter.conf\n",
	    host[0] != '\0' ? " on " : "", host);
}

static enum status
print_body(FILE *out, const struct event *ev)
{
	enum status st = ST_OK;

	print_opening(out, ev);
	for (size_t i = 0; i < ev->count && st == ST_OK; i++)
		st = print_field(out, &ev->field[i]);
	if (is_problem(ev))
		print_knowledge(out, ev);
	print_closing(out);
	return st;
}

enum status
alertmail_text(struct buf *out, const struct event *ev)
{
	char *body = NULL;
	size_t len = 0;
	enum status st = put_header(out, ev);
	FILE *file = open_memstream(&body, &len);

	if (file == NULL)
		return ST_NO_MEMORY;
	if (st == ST_OK)
		st = print_body(file, ev);
	if (ferror(file) && st == ST_OK)
		st = ST_NO_MEMORY;
	if (fclose(file) != 0 && st == ST_OK)
		st = ST_NO_MEMORY;
	if (st == ST_OK)
		st = buf_add(out, body, len);
	free(body);
	return st;
}
