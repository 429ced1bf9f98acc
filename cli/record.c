/*
 * tlsrpt record check [OPTION...] TEXT
 * tlsrpt record lookup [OPTION...] DOMAIN
 * tlsrpt record make [OPTION...] --rua=URI...
 * tlsrpt record check-sts [OPTION...] TEXT|FILE|DOMAIN
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "certificate.h"
#include "command.h"
#include "conf.h"
#include "keyword.h"
#include "recordinquiry.h"
#include "recordjson.h"
#include "recordmake.h"
#include "recordtext.h"
#include "render.h"
#include "text.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

static const char usage[] =
    "usage: tlsrpt record check [--domain=NAME] [--format=text|json] TEXT\n"
    "       tlsrpt record lookup [-c FILE] [--resolver=ADDR[@PORT]]...\n"
    "                     [--timeout=TIME] [--format=text|json] DOMAIN\n"
    "       tlsrpt record make [--domain=NAME] [--format=text|json]\n"
    "                     --rua=URI...\n"
    "       tlsrpt record check-sts [-c FILE] [--resolver=ADDR[@PORT]]...\n"
    "                     [--ca-file=FILE] [--timeout=TIME]\n"
    "                     [--format=text|json] TEXT|FILE|DOMAIN\n"
    "\n"
    "The TXT record by which a domain asks for reports (RFC 8460, section 3),\n"
    "and those of MTA-STS (RFC 8461, section 3).\n"
    "\n"
    "  check      a record: each mistake with its place and how to mend it;\n"
    "             TEXT is the record itself, or \"-\" for standard input\n"
    "  lookup     the record of DOMAIN, as senders find it\n"
    "  make       write a record, as a line for a zone file\n"
    "  check-sts  what begins with \"v=\" is the record of MTA-STS; else what\n"
    "             has a \"/\" in it, is a file, or \"-\", the policy file;\n"
    "             else DOMAIN, whose record and policy are looked up. A file\n"
    "             is written ./NAME, a domain NAME. where both could be meant\n"
    "\n"
    "  --domain=NAME   whose record it is\n"
    "  --resolver=...  ask this server instead of those configured\n"
    "  --ca-file=FILE  CAs to trust instead of the system's\n"
    "  --timeout=TIME  for each step: 1s to 5m, else 20s\n"
    "  --rua=URI       mailto:user@domain or https://host/path; what must be\n"
    "                  encoded is\n"
    "\n"
    "Exit status: 0 when it is valid; 1 for an error; 2 for warnings only\n"
    "(make: 0 for those, too); 75 when it could not be looked up; 66 for a\n"
    "file that cannot be read, 64 for wrong usage, 78 for a mistake in the\n"
    "configuration.\n";

static const char conf_default[] = SYSCONFDIR "/tlsrpt-milter.conf";

enum {
	TIMEOUT_MIN = 1, /* seconds */
	TIMEOUT_MAX = 300,
	TIMEOUT = 20,
	TEXT_MAX = 64 * 1024, /* bytes of a record that is read */
	EXIT_ERROR = 1
};

/* Options that a verb has. */
enum {
	WITH_DOMAIN = 1 << 0,
	WITH_DNS = 1 << 1,
	WITH_RUA = 1 << 2,
	WITH_HTTPS = 1 << 3
};

struct record {
	const struct verb *verb;
	bool is_json;
	const char *conf_path;
	const char *ca_file;
	char domain[IDN_NAME_MAX]; /* or "" */
	const char *argument;
	size_t uris;
	const char *uri[RECORDMAKE_URIS_MAX];
	struct conf *given; /* values of options, as keywords have them */
	struct conf *conf;
};

struct verb {
	const char *name;
	unsigned options;
	int arguments;
	int (*run)(struct record *r);
};

/*
 * Options.
 */

static bool
bad_word(const struct record *r, const char *word, const char *why)
{
	(void)fprintf(stderr, "tlsrpt record %s: \"", r->verb->name);
	render_string(stderr, word);
	(void)fprintf(stderr, "\" is %s\n", why);
	return false;
}

/* A name that was copied with what stands before it in the DNS will do. */
static bool
read_domain(struct record *r, const char *word)
{
	const char *name = word;

	if (text_iprefix(name, "_smtp._tls."))
		name += strlen("_smtp._tls.");
	else if (text_iprefix(name, "_mta-sts."))
		name += strlen("_mta-sts.");
	return idn_to_ascii(name, r->domain) ||
	    bad_word(r, word, "no domain name");
}

/* As the configuration has it: 5, 5s, 1m. */
static bool
read_timeout(struct record *r, const char *word)
{
	static const struct keyword keyword = {
		.type = TYPE_TIME,
		.offset = offsetof(struct conf, dns_timeout),
		.min = TIMEOUT_MIN,
		.max = TIMEOUT_MAX,
	};
	const char *wrong = keyword_set(&keyword, r->given, word);
	char why[128];

	if (wrong == NULL)
		return true;
	keyword_explain(&keyword, wrong, why, sizeof why);
	return bad_word(r, word, why);
}

static bool
read_resolver(struct record *r, const char *word)
{
	struct conf_why why;

	return conf_set(r->given, "Resolver", word, &why) ||
	    bad_word(r, word, why.text);
}

static bool
read_format(struct record *r, const char *word)
{
	r->is_json = strcmp(word, "json") == 0;
	return r->is_json || strcmp(word, "text") == 0 ||
	    bad_word(r, word, "none of: text, json");
}

static bool
read_rua(struct record *r, const char *word)
{
	if (r->uris == RECORDMAKE_URIS_MAX)
		return bad_word(r, word, "one rua too many");
	r->uri[r->uris++] = word;
	return true;
}

static const struct {
	unsigned bit; /* 0: every verb has it */
	struct option option;
} all_options[] = {
	{ 0, { "help", no_argument, NULL, 'h' } },
	{ 0, { "format", required_argument, NULL, 'f' } },
	{ WITH_DOMAIN, { "domain", required_argument, NULL, 'd' } },
	{ WITH_DNS, { "resolver", required_argument, NULL, 'r' } },
	{ WITH_DNS, { "timeout", required_argument, NULL, 't' } },
	{ WITH_HTTPS, { "ca-file", required_argument, NULL, 'C' } },
	{ WITH_RUA, { "rua", required_argument, NULL, 'u' } },
};

enum {
	OPTIONS = sizeof all_options / sizeof all_options[0]
};

static bool
take_option(struct record *r, int c)
{
	switch (c) {
	case 'c':
		r->conf_path = optarg;
		return true;
	case 'C':
		r->ca_file = optarg;
		return true;
	case 'd':
		return read_domain(r, optarg);
	case 'f':
		return read_format(r, optarg);
	case 'r':
		return read_resolver(r, optarg);
	case 't':
		return read_timeout(r, optarg);
	case 'u':
		return read_rua(r, optarg);
	default:
		break;
	}
	return false;
}

/* Returns -1 to go on, or the exit status. */
static int
read_options(struct record *r, int argc, char **argv)
{
	struct option options[OPTIONS + 1];
	size_t n = 0;
	int c;

	for (size_t i = 0; i < OPTIONS; i++) {
		if (all_options[i].bit == 0 ||
		    (all_options[i].bit & r->verb->options) != 0)
			options[n++] = all_options[i].option;
	}
	options[n] = (struct option){ NULL, 0, NULL, 0 };
	while ((c = getopt_long(argc, argv,
		    (r->verb->options & WITH_DNS) != 0 ? "c:h" : "h", options,
		    NULL)) != -1) {
		if (c == 'h') {
			(void)fputs(usage, stdout);
			return EX_OK;
		}
		if (!take_option(r, c))
			return command_misused("record");
	}
	if (argc - optind != r->verb->arguments) {
		(void)fprintf(stderr, "tlsrpt record %s: %s\n", r->verb->name,
		    r->verb->arguments == 0 ? "it takes no argument"
					    : "it takes one argument");
		return command_misused("record");
	}
	r->argument = argv[optind];
	return -1;
}

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

	if (!r->is_json)
		recordtext_print(inquiry);
	else if (recordjson_print(inquiry) != ST_OK)
		status = fail_no_memory();
	recordinquiry_clear(inquiry);
	return status;
}

/* Check one text and say so. */
static int
check_text(const struct record *r, enum recordinquiry_kind kind,
    const char *file, const char *text, size_t len)
{
	struct recordinquiry inquiry = { .file = file };
	struct recordinquiry_text *checked = recordinquiry_check(
	    kind, text, len, r->domain[0] != '\0' ? r->domain : NULL);

	if (checked == NULL)
		return fail_no_memory();
	inquiry.kind = kind == RECORDINQUIRY_POLICY ? RECORDINQUIRY_STS : kind;
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
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char block[4096], why[1024];
	enum status st = ST_OK;
	bool is_bad;
	size_t n = 0;

	errno = 0;
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
	const char *path = r->conf_path;

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
	struct resolver_settings settings = { .servers = &r->given->resolver };
	struct recordinquiry inquiry = { .kind = kind };
	struct recordinquiry_means means = {
		.milliseconds = (unsigned)r->given->dns_timeout * 1000,
	};
	struct fault fault = { .status = ST_OK };
	int status = read_conf(r);

	if (status != -1)
		return status;
	if (settings.servers->count == 0)
		settings.servers = &r->conf->resolver;
	settings.trust_anchor_file = r->conf->trust_anchor_file;
	(void)snprintf(inquiry.domain, sizeof inquiry.domain, "%s", r->domain);
	(void)signal(SIGPIPE, SIG_IGN);
	means.resolver = resolver_new(&settings, &fault);
	if (means.resolver != NULL && kind == RECORDINQUIRY_STS)
		means.store = certificate_store(r->ca_file, &fault);
	if (means.resolver == NULL ||
	    (kind == RECORDINQUIRY_STS && means.store == NULL))
		status = fail(fault.detail, EX_CONFIG);
	else if (recordinquiry_ask(&inquiry, &means) != ST_OK)
		status = fail_no_memory();
	else
		status = finish(r, &inquiry);
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
	const char *text = r->argument;
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
	if (!read_domain(r, r->argument))
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

static bool
is_file(const char *text)
{
	struct stat sb;

	return strcmp(text, "-") == 0 || strchr(text, '/') != NULL ||
	    (stat(text, &sb) == 0 && !S_ISDIR(sb.st_mode));
}

static int
run_check_sts(struct record *r)
{
	struct buf text;
	int status;

	if (is_record(r->argument))
		return check_text(r, RECORDINQUIRY_STS, NULL, r->argument,
		    strlen(r->argument));
	if (!is_file(r->argument)) {
		if (!read_domain(r, r->argument))
			return command_misused("record");
		return ask(r, RECORDINQUIRY_STS);
	}
	buf_init(&text, STSPOLICY_SIZE_MAX + 1);
	status = read_file(r->argument, &text);
	if (status == -1)
		status = check_text(r, RECORDINQUIRY_POLICY, r->argument,
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
	for (size_t i = 0; i < r->uris; i++) {
		if (i > 0 && buf_addc(text, ',') != ST_OK)
			return fail_no_memory();
		if (!recordmake_uri(text, r->uri[i], &why)) {
			(void)bad_word(r, r->uri[i], "not taken");
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
	st = recordmake_line(&line, r->domain[0] != '\0' ? r->domain : NULL,
	    made->text, made->len);
	if (st == ST_OK && r->is_json) {
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

	if (r->uris == 0) {
		(void)fputs("tlsrpt record make: it needs --rua\n", stderr);
		return command_misused("record");
	}
	buf_init(&text, TEXT_MAX);
	status = make_text(r, &text);
	if (status == -1) {
		made = recordinquiry_check(RECORDINQUIRY_REPORTING, text.data,
		    text.len, r->domain[0] != '\0' ? r->domain : NULL);
		status = made == NULL ? fail_no_memory() : -1;
	}
	buf_free(&text);
	if (status != -1)
		return status;
	inquiry.record[inquiry.count++] = made;
	status = made->is_valid ? print_made(r, made) : EXIT_ERROR;
	(void)fflush(stdout);
	if (!r->is_json || !made->is_valid)
		recordtext_remarks(
		    stderr, made->text, made->len, &made->remarks);
	recordinquiry_clear(&inquiry);
	return status;
}

static const struct verb verbs[] = {
	{ "check", WITH_DOMAIN, 1, run_check },
	{ "lookup", WITH_DNS, 1, run_lookup },
	{ "make", WITH_DOMAIN | WITH_RUA, 0, run_make },
	{ "check-sts", WITH_DNS | WITH_HTTPS, 1, run_check_sts },
};

static int
run_verb(struct record *r, int argc, char **argv)
{
	static char title[64];
	int status;

	r->given = conf_new();
	if (r->given == NULL)
		return fail_no_memory();
	r->given->dns_timeout = TIMEOUT;
	(void)snprintf(title, sizeof title, "tlsrpt record %s", r->verb->name);
	argv[0] = title;
	status = read_options(r, argc, argv);
	if (status == -1)
		status = r->verb->run(r);
	conf_unref(&r->conf);
	conf_unref(&r->given);
	return status;
}

int
record_main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	struct record r = { .verb = NULL };

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		(void)fputs(usage, stdout);
		return EX_OK;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(name, verbs[i].name) == 0)
			r.verb = &verbs[i];
	}
	if (r.verb == NULL) {
		(void)fputs("tlsrpt record: it takes check, lookup, make or "
			    "check-sts\n",
		    stderr);
		return command_misused("record");
	}
	return run_verb(&r, argc - 1, argv + 1);
}
