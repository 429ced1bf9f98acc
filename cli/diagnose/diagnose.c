/*
 * tlsrpt diagnose [OPTION...] DOMAIN
 * tlsrpt diagnose [OPTION...] --report=FILE | --problem=N
 */
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "address.h"
#include "certificate.h"
#include "command.h"
#include "diagnosed.h"
#include "diagnosejson.h"
#include "diagnoseproof.h"
#include "diagnosetext.h"
#include "idn.h"
#include "index.h"
#include "judgereported.h"
#include "keyword.h"
#include "render.h"
#include "reportedpolicy.h"
#include "resolver.h"

static const char usage[] =
    "usage: tlsrpt diagnose [-c FILE] [--mx=HOST] [--policy=sts|dane|all]\n"
    "                       [--source=ADDRESS] [--resolver=ADDR[@PORT]]...\n"
    "                       [--trust-anchor=FILE] [--ca-file=FILE]\n"
    "                       [--port=PORT] [--timeout=TIME]\n"
    "                       [--format=text|json] DOMAIN\n"
    "       tlsrpt diagnose [OPTION...] --report=FILE\n"
    "       tlsrpt diagnose [OPTION...] --problem=N\n"
    "\n"
    "Does as a sending server does that has mail for DOMAIN: asks for its MX,\n"
    "MTA-STS policy and TLSA records, and speaks to every address of every "
    "MX\n"
    "up to TLS. Says what the sender would report (RFC 8460), and what will\n"
    "break next. Sends no mail.\n"
    "\n"
    "  --mx=HOST            this MX alone, be it in the DNS or not\n"
    "  --policy=sts         without DANE, which needs DNSSEC\n"
    "  --policy=dane, tlsa  as a sender that demands DANE, without MTA-STS\n"
    "  --source=ADDRESS     connect from this address\n"
    "  --resolver=...       ask this server instead of those configured\n"
    "  --trust-anchor=FILE  DNSKEY or DS of the root, for DNSSEC\n"
    "  --ca-file=FILE       CAs to trust instead of the system's\n"
    "  --port=PORT          of the MX, instead of 25\n"
    "  --timeout=TIME       for each step: 1s to 5m, else 20s\n"
    "  --format=...         text for people, or json, one object\n"
    "  --report=FILE        try what a report says (all that show reads)\n"
    "  --problem=N          try number N of \"tlsrpt problems\"\n"
    "  --state=FILE         the index, instead of StateFile\n"
    "  --archive=DIRECTORY  the archive, instead of ArchiveDirectory\n"
    "\n"
    "Exit status: 0 when all is well; 1 for a failure that a sender would\n"
    "report (with --report and --problem: it is still there); 2 for warnings\n"
    "only; 75 or 69 when something could not be tried, with 75 worth trying\n"
    "again; 64 for wrong usage, 65 and 66 for a report that cannot be read or\n"
    "is not there, 78 for a mistake in the configuration.\n";

enum {
	PORT_SMTP = 25,
	TIMEOUT = 20, /* seconds */
	HOST_MAX = 256
};

/* The subcommand being run. Strings are those of argv or the configuration. */
struct diagnose {
	struct index index; /* with the configuration */
	struct conf *given; /* values of options, as keywords have them */
	bool is_json;
	/* What was asked for. */
	char domain[IDN_NAME_MAX]; /* or "" */
	char mx[IDN_NAME_MAX];     /* or "" */
	bool with_sts;
	bool with_dane;
	bool is_dane_required;
	const char *conf_path; /* or NULL, as the others */
	const char *state_path;
	const char *archive;
	const char *ca_file;
	const char *trust_anchor; /* of --trust-anchor; then the one used */
	const char *report;
	unsigned long problem; /* or 0 */
	/* What it needs. */
	struct diagnosed_means means;
	bool has_index; /* it is open */
};

static const char *const trust_anchors[] = {
	"/usr/share/dns/root.key", /* dns-root-data */
	"/var/lib/unbound/root.key",
};

/*
 * Options.
 */

/* Say what is wrong with a word; always false. */
static bool
bad_word(const char *word, const char *why)
{
	(void)fputs("tlsrpt diagnose: \"", stderr);
	render_string(stderr, word);
	(void)fprintf(stderr, "\" is %s\n", why);
	return false;
}

static bool
read_policy(struct diagnose *d, const char *word)
{
	bool is_all = strcmp(word, "all") == 0;

	d->with_sts = is_all || strcmp(word, "sts") == 0;
	/* Reports call it by its records. */
	d->with_dane =
	    is_all || strcmp(word, "dane") == 0 || strcmp(word, "tlsa") == 0;
	d->is_dane_required = d->with_dane && !is_all;
	return d->with_sts || d->with_dane ||
	    bad_word(word, "none of: sts, dane (or tlsa), all");
}

static bool
read_port(struct diagnose *d, const char *word)
{
	if (!address_is_port(word, strlen(word)))
		return bad_word(word, "no port, 1 to 65535");
	d->means.port = (unsigned)strtoul(word, NULL, 10);
	return true;
}

static bool
read_problem(struct diagnose *d, const char *word)
{
	size_t digits = strspn(word, "0123456789");

	if (digits == 0 || digits > 9 || word[digits] != '\0' ||
	    (d->problem = strtoul(word, NULL, 10)) == 0)
		return bad_word(
		    word, "no number as \"tlsrpt problems\" prints them");
	return true;
}

static bool
read_format(struct diagnose *d, const char *word)
{
	d->is_json = strcmp(word, "json") == 0;
	return d->is_json || strcmp(word, "text") == 0 ||
	    bad_word(word, "none of: text, json");
}

/* As the configuration has it: 5, 5s, 1m. */
static bool
read_timeout(struct diagnose *d, const char *word)
{
	static const struct keyword keyword = {
		.type = TYPE_TIME,
		.offset = offsetof(struct conf, dns_timeout),
		.min = 1,
		.max = 300,
	};
	const char *wrong = keyword_set(&keyword, d->given, word);
	char why[128];

	if (wrong == NULL)
		return true;
	keyword_explain(&keyword, wrong, why, sizeof why);
	return bad_word(word, why);
}

static bool
read_resolver(struct diagnose *d, const char *word)
{
	struct conf_why why;

	return conf_set(d->given, "Resolver", word, &why) ||
	    bad_word(word, why.text);
}

/* Else each connection fails, and the domain gets the blame. */
static bool
is_our_address(const char *word)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	bool is_ours = true;
	int fd;

	if (getaddrinfo(word, NULL, &hints, &found) != 0)
		return true;
	fd = socket(found->ai_family, found->ai_socktype, 0);
	if (fd >= 0) {
		is_ours = bind(fd, found->ai_addr, found->ai_addrlen) == 0 ||
		    errno != EADDRNOTAVAIL;
		(void)close(fd);
	}
	freeaddrinfo(found);
	return is_ours;
}

static bool
read_source(struct diagnose *d, const char *word)
{
	d->means.source = word;
	if (!address_is_ip(word, strlen(word)))
		return bad_word(word, "no IP address");
	return is_our_address(word) ||
	    bad_word(word, "no address of this machine");
}

static bool
read_host(const char *word, char out[IDN_NAME_MAX])
{
	if (idn_to_ascii(word, out))
		return true;
	out[0] = '\0';
	return bad_word(word, command_no_domain(word));
}

/* What has a reader of its own. */
static bool
take_option(struct diagnose *d, int c)
{
	switch (c) {
	case 'm':
		return read_host(optarg, d->mx);
	case 'p':
		return read_policy(d, optarg);
	case 's':
		return read_source(d, optarg);
	case 'r':
		return read_resolver(d, optarg);
	case 'P':
		return read_port(d, optarg);
	case 't':
		return read_timeout(d, optarg);
	case 'f':
		return read_format(d, optarg);
	case 'N':
		return read_problem(d, optarg);
	default:
		break;
	}
	return false;
}

static const struct option options[] = {
	{ "mx", required_argument, NULL, 'm' },
	{ "policy", required_argument, NULL, 'p' },
	{ "source", required_argument, NULL, 's' },
	{ "resolver", required_argument, NULL, 'r' },
	{ "trust-anchor", required_argument, NULL, 'T' },
	{ "ca-file", required_argument, NULL, 'C' },
	{ "port", required_argument, NULL, 'P' },
	{ "timeout", required_argument, NULL, 't' },
	{ "format", required_argument, NULL, 'f' },
	{ "report", required_argument, NULL, 'R' },
	{ "problem", required_argument, NULL, 'N' },
	{ "state", required_argument, NULL, 'S' },
	{ "archive", required_argument, NULL, 'A' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* One of DOMAIN, --report and --problem, and what goes with it. */
static int
check_arguments(struct diagnose *d, int argc, char **argv)
{
	int subjects = argc - optind + (d->report != NULL) + (d->problem != 0);

	if (subjects != 1) {
		(void)fputs("tlsrpt diagnose: it takes one of DOMAIN, "
			    "--report=FILE and --problem=N\n",
		    stderr);
		return command_misused("diagnose");
	}
	if (optind == argc &&
	    (d->mx[0] != '\0' || !d->with_sts || !d->with_dane)) {
		(void)fputs("tlsrpt diagnose: --mx and --policy go with "
			    "DOMAIN; a failure has its own\n",
		    stderr);
		return command_misused("diagnose");
	}
	if (optind < argc && !read_host(argv[optind], d->domain))
		return command_misused("diagnose");
	return -1;
}

/* Returns -1 to go on, or the exit status. */
static int
read_options(struct diagnose *d, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'h') {
			(void)fputs(usage, stdout);
			return EX_OK;
		}
		if (c == 'c')
			d->conf_path = optarg;
		else if (c == 'S')
			d->state_path = optarg;
		else if (c == 'A')
			d->archive = optarg;
		else if (c == 'T')
			d->trust_anchor = optarg;
		else if (c == 'C')
			d->ca_file = optarg;
		else if (c == 'R')
			d->report = optarg;
		else if (!take_option(d, c))
			return command_misused("diagnose");
	}
	return check_arguments(d, argc, argv);
}

/*
 * What it needs.
 */

/* That of --trust-anchor, else of the configuration, else of the system. */
static void
choose_trust_anchor(struct diagnose *d)
{
	size_t count = sizeof trust_anchors / sizeof trust_anchors[0];

	if (d->trust_anchor == NULL &&
	    d->index.conf->trust_anchor_file[0] != '\0')
		d->trust_anchor = d->index.conf->trust_anchor_file;
	for (size_t i = 0; d->trust_anchor == NULL && i < count; i++) {
		if (access(trust_anchors[i], R_OK) == 0)
			d->trust_anchor = trust_anchors[i];
	}
}

/* Our name, as Postfix would make one of a name without a domain. */
static void
choose_helo(struct diagnose *d)
{
	char host[HOST_MAX] = "", whole[HOST_MAX + 16];

	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	(void)snprintf(whole, sizeof whole, "%s%s",
	    host[0] != '\0' ? host : "localhost",
	    strchr(host, '.') == NULL ? ".localdomain" : "");
	if (!idn_to_ascii(whole, d->means.helo))
		(void)snprintf(d->means.helo, sizeof d->means.helo,
		    "localhost.localdomain");
}

/* Say what has failed; returns the exit status that stands for it. */
static int
fail(const struct fault *fault, int status)
{
	(void)fflush(stdout);
	(void)fputs("tlsrpt diagnose: ", stderr);
	render_string(stderr, fault->detail);
	(void)fputc('\n', stderr);
	return status;
}

/* Returns -1 to go on, or the exit status. */
static int
prepare(struct diagnose *d)
{
	const struct conf_list *given = &d->given->resolver;
	struct resolver_settings settings = {
		.servers = given->count > 0 ? given : &d->index.conf->resolver,
	};
	struct fault fault = { .status = ST_OK };

	choose_helo(d);
	choose_trust_anchor(d);
	d->means.with_progress = !d->is_json;
	d->means.has_trust_anchor = d->with_dane && d->trust_anchor != NULL;
	d->means.milliseconds = (unsigned)d->given->dns_timeout * 1000;
	settings.trust_anchor_file = d->with_dane ? d->trust_anchor : NULL;
	d->means.resolver = resolver_new(&settings, &fault);
	if (d->means.resolver == NULL)
		return fail(&fault, EX_CONFIG);
	d->means.store = certificate_store(d->ca_file, &fault);
	if (d->means.store != NULL)
		return -1;
	return fail(
	    &fault, fault.status == ST_NO_MEMORY ? EX_OSERR : EX_CONFIG);
}

/*
 * Diagnosing.
 */

/* What senders applied last, if the index knows it and we may ask. */
static enum status
judge_reported(struct diagnose *d, struct diagnosed *diagnosed)
{
	struct reportedpolicy reported;
	struct fault fault;
	enum status st = ST_OK;

	if (!d->with_sts || !d->has_index)
		return ST_OK;
	if (reportedpolicy_newest(
		&reported, &d->index, d->domain, "sts", &fault) == ST_OK &&
	    reported.lines.count > 0)
		st = judgereported(&diagnosed->diagnosis,
		    (const char *const *)reported.lines.line,
		    reported.lines.count, reported.seen, &diagnosed->findings);
	reportedpolicy_clear(&reported);
	return st;
}

static int
diagnose_domain(struct diagnose *d)
{
	const struct diagnosed_wish wish = {
		.domain = d->domain,
		.mx = d->mx[0] != '\0' ? d->mx : NULL,
		.with_sts = d->with_sts,
		.with_dane = d->with_dane,
		.is_dane_required = d->is_dane_required,
	};
	struct fault fault = { .status = ST_NO_MEMORY, .detail = "no memory" };
	struct diagnosed *diagnosed = calloc(1, sizeof *diagnosed);
	int status = EX_OSERR;
	enum status st = ST_NO_MEMORY;

	if (diagnosed != NULL)
		st = diagnosed_run(&d->means, &wish, diagnosed, &fault);
	if (st == ST_OK)
		st = judge_reported(d, diagnosed);
	if (st == ST_OK && d->is_json)
		st = diagnosejson_print(diagnosed);
	else if (st == ST_OK)
		diagnosetext_print(diagnosed, d->index.with_colour);
	if (st == ST_OK)
		status = findings_exit(&diagnosed->findings);
	else
		status = fail(&fault, EX_OSERR);
	if (diagnosed != NULL)
		diagnosed_clear(diagnosed);
	free(diagnosed);
	return status;
}

/* What a report or a problem says. */
static int
diagnose_proof(struct diagnose *d)
{
	const struct diagnoseproof how = {
		.means = &d->means,
		.index = &d->index,
		.report = d->report,
		.problem = d->problem,
		.is_json = d->is_json,
	};

	return diagnoseproof_run(&how);
}

/* The index is needed for a problem; else it is asked if it can be. */
static int
open_index(struct diagnose *d)
{
	struct fault fault;

	if (d->report != NULL)
		return -1;
	if (d->state_path != NULL)
		d->index.state_path = d->state_path;
	if (d->archive != NULL)
		d->index.archive = d->archive;
	d->has_index = index_open(&d->index, &fault) == ST_OK;
	return d->has_index || d->problem == 0 ? -1
					       : index_fail(&d->index, &fault);
}

static int
run(struct diagnose *d)
{
	int status = open_index(d);

	if (status == -1)
		status = prepare(d);
	if (status != -1)
		return status;
	return d->domain[0] != '\0' ? diagnose_domain(d) : diagnose_proof(d);
}

int
diagnose_main(int argc, char **argv)
{
	static const struct index_command command = { .name = "diagnose" };
	struct diagnose d = {
		.given = conf_new(),
		.with_sts = true,
		.with_dane = true,
		.means.port = PORT_SMTP,
	};
	int status;

	if (d.given == NULL) {
		(void)fputs("tlsrpt: out of memory\n", stderr);
		return EX_OSERR;
	}
	d.given->dns_timeout = TIMEOUT;
	status = read_options(&d, argc, argv);
	if (status == -1)
		status = index_configure(&d.index, &command, d.conf_path);
	if (status == -1)
		status = run(&d);
	resolver_free(&d.means.resolver);
	X509_STORE_free(d.means.store);
	index_end(&d.index);
	conf_unref(&d.given);
	return status;
}
