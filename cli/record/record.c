/*
 * tlsrpt record check [OPTION...] TEXT
 * tlsrpt record lookup [OPTION...] DOMAIN
 * tlsrpt record make [OPTION...] --rua=URI...
 * tlsrpt record check-sts [OPTION...] TEXT|FILE|DOMAIN
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "certificate.h"
#include "command.h"
#include "conf.h"
#include "recordinquiry.h"
#include "recordjson.h"
#include "recordmake.h"
#include "recordoptions.h"
#include "recordtext.h"
#include "recordusage.h"
#include "render.h"
#include "text.h"
#include "zoneline.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

static const char conf_default[] = SYSCONFDIR "/tlsrpt-milter.conf";

enum {
	TIMEOUT = 20,         /* seconds */
	TEXT_MAX = 64 * 1024, /* bytes of a record that is read */
	EXIT_ERROR = 1
};

struct record {
	struct recordoptions options;
	struct conf *conf;
};

/*
 * What all of them need.
 */

static int
fail(const char *why, int status)
{
	(void)fflush(stdout);
	(void)fputs("tlsrpt record: ", stderr);
	render_string(stderr, why);
	(void)fputc('\n', stderr);
	return status;
}

static int
fail_no_memory(void)
{
	return fail("out of memory", EX_OSERR);
}

/* Print it and end it. */
static int
finish(const struct record *r, struct recordinquiry *inquiry)
{
	int status = recordinquiry_exit(inquiry);

	if (!r->options.is_json)
		recordtext_print(inquiry);
	else if (recordjson_print(inquiry) != ST_OK)
		status = fail_no_memory();
	recordinquiry_clear(inquiry);
	return status;
}

/* What there is to say of a line of a zone file besides its text. */
static void
remark_zone(struct recordinquiry *inquiry, const struct zoneline *zone)
{
	const char *name =
	    inquiry->kind == RECORDINQUIRY_STS ? "_mta-sts" : "_smtp._tls";
	size_t len = strlen(zone->owner), n = strlen(name);
	struct remarks *remarks = &inquiry->remarks;

	remark_add(remarks, REMARK_NOTE, REMARK_NOWHERE, NULL,
	    "a line of a zone file: what is checked is the text in it");
	if (zone->is_cut)
		remark_add(remarks, REMARK_ERROR, REMARK_NOWHERE,
		    "put the text in quotes",
		    "in a zone file, \";\" outside of quotes begins a comment: "
		    "the rest is not in the record");
	if (zone->has_more)
		remark_add(remarks, REMARK_WARNING, REMARK_NOWHERE,
		    "check one record at a time",
		    "there is more behind it, which is not looked at");
	if (len == 0 || strcmp(zone->owner, "@") == 0)
		return;
	if (!text_iprefix(zone->owner, name) ||
	    (zone->owner[n] != '\0' && zone->owner[n] != '.'))
		remark_add(remarks, REMARK_ERROR, REMARK_NOWHERE,
		    inquiry->kind == RECORDINQUIRY_STS
			? "name it _mta-sts and the domain"
			: "name it _smtp._tls and the domain",
		    "senders do not look at this owner name");
	else if (zone->owner[n] == '.' && zone->owner[len - 1] != '.')
		remark_add(remarks, REMARK_NOTE, REMARK_NOWHERE,
		    "put a dot behind it, if it is the whole name",
		    "the owner name has no dot at its end: a zone file appends "
		    "its origin");
}

/* The text in a line of a zone file, which len says anew. */
static int
take_zone(struct recordinquiry *inquiry, const char *text, size_t *len,
    struct buf *out, size_t *strings)
{
	struct zoneline zone;

	buf_init(out, TEXT_MAX);
	if (zoneline_read(&zone, text, *len, out) != ST_OK)
		return fail_no_memory();
	remark_zone(inquiry, &zone);
	*len = out->len;
	*strings = zone.strings;
	return -1;
}

/* Check one text and say so. */
static int
check_text(const struct record *r, enum recordinquiry_kind kind,
    const char *file, const char *text, size_t len)
{
	struct recordinquiry inquiry = { .file = file };
	struct recordinquiry_text *checked;
	struct buf zone = { 0 };
	size_t strings = 0;

	inquiry.kind = kind == RECORDINQUIRY_POLICY ? RECORDINQUIRY_STS : kind;
	if (kind != RECORDINQUIRY_POLICY && zoneline_is_one(text, len)) {
		int status = take_zone(&inquiry, text, &len, &zone, &strings);

		if (status != -1) {
			buf_free(&zone);
			return status;
		}
		text = zone.data != NULL ? zone.data : "";
	}
	checked = recordinquiry_check(kind, text, len,
	    r->options.domain[0] != '\0' ? r->options.domain : NULL);
	buf_free(&zone);
	if (checked == NULL)
		return fail_no_memory();
	checked->strings = strings;
	if (kind == RECORDINQUIRY_POLICY)
		inquiry.policy = checked;
	else
		inquiry.record[inquiry.count++] = checked;
	return finish(r, &inquiry);
}

/* Read one byte more than permitted, for whoever looks to see it. */
static int
read_file(const char *path, struct buf *text)
{
	FILE *file = stdin;
	char block[4096], why[1024];
	enum status st = ST_OK;
	bool is_bad;
	size_t n = 0;

	errno = 0;
	if (strcmp(path, "-") != 0)
		file = fopen(path, "re");
	while (file != NULL && st == ST_OK && text->len < text->max &&
	    (n = fread(block, 1, sizeof block, file)) > 0) {
		if (n > text->max - text->len)
			n = text->max - text->len;
		st = buf_add(text, block, n);
	}
	is_bad = file == NULL || ferror(file);
	(void)snprintf(why, sizeof why, "%s: %s",
	    file == stdin ? "standard input" : path, strerror(errno));
	if (file != NULL && file != stdin)
		(void)fclose(file);
	if (is_bad)
		return fail(why, EX_NOINPUT);
	return st == ST_OK ? -1 : fail_no_memory();
}

/*
 * DNS.
 */

static int
read_conf(struct record *r)
{
	const char *path = r->options.conf_path;

	if (path == NULL && access(conf_default, F_OK) == 0)
		path = conf_default;
	r->conf =
	    path != NULL ? conf_load(path, CONF_COMMAND, stderr) : conf_new();
	if (r->conf == NULL)
		return path != NULL ? EX_CONFIG : fail_no_memory();
	return -1;
}

static int
ask(struct record *r, enum recordinquiry_kind kind)
{
	struct resolver_settings settings = { .servers =
						  &r->options.given->resolver };
	struct recordinquiry inquiry = { .kind = kind };
	struct recordinquiry_means means = {
		.milliseconds = (unsigned)r->options.given->dns_timeout * 1000,
	};
	struct fault fault = { .status = ST_OK };
	int status = read_conf(r);
	void (*old)(int);
	bool is_asked;

	if (status != -1)
		return status;
	if (settings.servers->count == 0)
		settings.servers = &r->conf->resolver;
	settings.trust_anchor_file = r->conf->trust_anchor_file;
	(void)snprintf(
	    inquiry.domain, sizeof inquiry.domain, "%s", r->options.domain);
	old = signal(SIGPIPE, SIG_IGN);
	means.resolver = resolver_new(&settings, &fault);
	if (means.resolver != NULL && kind == RECORDINQUIRY_STS)
		means.store = certificate_store(r->options.ca_file, &fault);
	if (means.resolver == NULL ||
	    (kind == RECORDINQUIRY_STS && means.store == NULL))
		status = fail(fault.detail, EX_CONFIG);
	is_asked = status == -1 && recordinquiry_ask(&inquiry, &means) == ST_OK;
	(void)signal(SIGPIPE, old);
	if (is_asked)
		status = finish(r, &inquiry);
	else if (status == -1)
		status = fail_no_memory();
	recordinquiry_clear(&inquiry);
	X509_STORE_free(means.store);
	resolver_free(&means.resolver);
	return status;
}

/*
 * The verbs.
 */

static int
run_check(struct record *r)
{
	const char *text = r->options.argument;
	struct buf input;
	int status;

	if (strcmp(text, "-") != 0)
		return check_text(
		    r, RECORDINQUIRY_REPORTING, NULL, text, strlen(text));
	buf_init(&input, TEXT_MAX);
	status = read_file("-", &input);
	/* The end of a line is that of the terminal, not of the record. */
	if (input.len > 0 && input.data[input.len - 1] == '\n')
		buf_cut(&input, input.len - 1);
	if (status == -1 && input.len == input.max)
		status = fail("standard input: too long", EX_NOINPUT);
	if (status == -1)
		status = check_text(r, RECORDINQUIRY_REPORTING, "-",
		    input.data != NULL ? input.data : "", input.len);
	buf_free(&input);
	return status;
}

static int
run_lookup(struct record *r)
{
	if (!recordoptions_domain(&r->options, r->options.argument))
		return command_misused("record");
	return ask(r, RECORDINQUIRY_REPORTING);
}

/* Something like "v=STSv1", maybe in quotes: neither a file nor a domain. */
static bool
is_record(const char *text)
{
	static const char *const quotes[] = { "\"", "'", " ", "\t",
		"\xe2\x80\x9c", "\xe2\x80\x9e", "\xe2\x80\x98" };

	for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
		if (strncmp(text, quotes[i], strlen(quotes[i])) == 0) {
			text += strlen(quotes[i]);
			i = (size_t)-1;
		}
	}
	if (text_lower(*text++) != 'v')
		return false;
	return text[strspn(text, " \t")] == '=';
}

/* A policy file is named .txt, which no domain is. */
static bool
is_file(const char *text)
{
	struct stat sb;

	if (strstr(text, "://") != NULL)
		return false;
	return strcmp(text, "-") == 0 || strchr(text, '/') != NULL ||
	    text_isuffix(text, ".txt") ||
	    (stat(text, &sb) == 0 && !S_ISDIR(sb.st_mode));
}

static int
run_check_sts(struct record *r)
{
	struct buf text;
	int status;

	if (is_record(r->options.argument) ||
	    zoneline_is_one(r->options.argument, strlen(r->options.argument)))
		return check_text(r, RECORDINQUIRY_STS, NULL,
		    r->options.argument, strlen(r->options.argument));
	if (!is_file(r->options.argument)) {
		if (!recordoptions_domain(&r->options, r->options.argument))
			return command_misused("record");
		return ask(r, RECORDINQUIRY_STS);
	}
	buf_init(&text, STSPOLICY_SIZE_MAX + 1);
	status = read_file(r->options.argument, &text);
	if (status == -1)
		status =
		    check_text(r, RECORDINQUIRY_POLICY, r->options.argument,
			text.data != NULL ? text.data : "", text.len);
	buf_free(&text);
	return status;
}

/* The text of a record with all URIs. Returns -1, or the exit status. */
static int
make_text(const struct record *r, struct buf *text)
{
	const char *why = "";

	if (buf_adds(text, "v=TLSRPTv1; rua=") != ST_OK)
		return fail_no_memory();
	for (size_t i = 0; i < r->options.uris; i++) {
		if (i > 0 && buf_addc(text, ',') != ST_OK)
			return fail_no_memory();
		if (!recordmake_uri(text, r->options.uri[i], &why)) {
			(void)recordoptions_bad(
			    &r->options, r->options.uri[i], "not taken");
			return fail(why, EXIT_ERROR);
		}
	}
	return -1;
}

static int
print_made(const struct record *r, const struct recordinquiry_text *made)
{
	struct jsonwriter writer;
	struct buf line;
	enum status st;

	buf_init(&line, 4 * TEXT_MAX);
	st = recordmake_line(&line,
	    r->options.domain[0] != '\0' ? r->options.domain : NULL, made->text,
	    made->len);
	if (st == ST_OK && r->options.is_json) {
		jsonwriter_init(&writer);
		jsonwriter_object(&writer, NULL);
		jsonwriter_string(&writer, "text", made->text);
		jsonwriter_string(&writer, "line", line.data);
		recordjson_remarks(&writer, &made->remarks);
		jsonwriter_object_end(&writer);
		st = jsonwriter_print(&writer);
		jsonwriter_clear(&writer);
	} else if (st == ST_OK) {
		(void)puts(line.data);
	}
	buf_free(&line);
	return st == ST_OK ? EX_OK : fail_no_memory();
}

/* What was made is checked as any record is; a bad one is not printed. */
static int
run_make(struct record *r)
{
	struct recordinquiry inquiry = { .kind = RECORDINQUIRY_REPORTING };
	struct recordinquiry_text *made = NULL;
	struct buf text;
	int status;

	if (r->options.uris == 0) {
		(void)fputs("tlsrpt record make: it needs --rua\n", stderr);
		return command_misused("record");
	}
	buf_init(&text, TEXT_MAX);
	status = make_text(r, &text);
	if (status == -1) {
		made = recordinquiry_check(RECORDINQUIRY_REPORTING, text.data,
		    text.len,
		    r->options.domain[0] != '\0' ? r->options.domain : NULL);
		status = made == NULL ? fail_no_memory() : -1;
	}
	buf_free(&text);
	if (status != -1)
		return status;
	inquiry.record[inquiry.count++] = made;
	status = made->is_valid ? print_made(r, made) : EXIT_ERROR;
	(void)fflush(stdout);
	if (!r->options.is_json || !made->is_valid)
		recordtext_remarks(
		    stderr, made->text, made->len, &made->remarks);
	recordinquiry_clear(&inquiry);
	return status;
}

static const struct verb {
	const char *name;
	const char *usage;
	unsigned options;
	int arguments;
	int (*run)(struct record *r);
} verbs[] = {
	{ "check", recordusage_check, RECORDOPTIONS_DOMAIN, 1, run_check },
	{ "lookup", recordusage_lookup, RECORDOPTIONS_DNS, 1, run_lookup },
	{ "make", recordusage_make, RECORDOPTIONS_DOMAIN | RECORDOPTIONS_RUA, 0,
	    run_make },
	{ "check-sts", recordusage_check_sts,
	    RECORDOPTIONS_DNS | RECORDOPTIONS_HTTPS, 1, run_check_sts },
};

static int
run_verb(const struct verb *verb, int argc, char **argv)
{
	struct record r = {
		.options = {
			.verb = verb->name,
			.usage = verb->usage,
			.has = verb->options,
			.arguments = verb->arguments,
			.given = conf_new(),
		},
	};
	static char title[64];
	int status;

	if (r.options.given == NULL)
		return fail_no_memory();
	r.options.given->dns_timeout = TIMEOUT;
	(void)snprintf(title, sizeof title, "tlsrpt record %s", verb->name);
	argv[0] = title;
	status = recordoptions_read(&r.options, argc, argv);
	if (status == -1)
		status = verb->run(&r);
	conf_unref(&r.conf);
	conf_unref(&r.options.given);
	return status;
}

int
record_main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		(void)fputs(recordusage, stdout);
		return EX_OK;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(name, verbs[i].name) == 0)
			return run_verb(&verbs[i], argc - 1, argv + 1);
	}
	(void)fputs(
	    "tlsrpt record: it takes check, lookup, make or check-sts\n",
	    stderr);
	return command_misused("record");
}
