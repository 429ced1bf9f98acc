/*
 * tlsrpt: read and explain TLS reports (RFC 8460).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "show", show_main, "print reports, mails and archive records" },
	{ "explain", explain_main, "what a result type means and what to do" },
	{ "ingest", ingest_main, "take in reports without a milter" },
	{ "reindex", reindex_main, "make the index of the archive" },
	{ "summary", summary_main, "sums by day, domain, MX, sender, type" },
	{ "problems", problems_main, "what is broken, and what to do" },
	{ "trace", trace_main, "was it us? a failure in our own log" },
	{ "diagnose", diagnose_main, "see a domain as a sender sees it" },
	{ "record", record_main, "check the DNS records, or write one" },
	{ "html", html_main, "a page to look at, in one file" },
	{ "health", health_main, "for Nagios, Icinga and their like" },
	{ "ready", ready_main, "may a domain go from testing to enforce?" },
	{ "metrics", metrics_main, "for Prometheus" },
	{ "prune", prune_main, "remove what is old" },
};

enum {
	COMMANDS = sizeof commands / sizeof commands[0]
};

bool
command_with_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) &&
	    (no_colour == NULL || no_colour[0] == '\0');
}

static void
usage(FILE *out)
{
	(void)fputs("usage: tlsrpt COMMAND [OPTION...] [ARGUMENT...]\n"
		    "       tlsrpt --help | --version\n\n",
	    out);
	for (size_t i = 0; i < COMMANDS; i++)
		(void)fprintf(
		    out, "  %-10s %s\n", commands[i].name, commands[i].help);
	(void)fputs("\n\"tlsrpt COMMAND --help\" says more.\n", out);
}

int
command_misused(const char *name)
{
	(void)fprintf(
	    stderr, "\"tlsrpt %s --help\" says how it is used.\n", name);
	return EX_USAGE;
}

const char *
command_no_domain(const char *word)
{
	if (strstr(word, "://") != NULL)
		return "a URL; what is asked for is the domain alone";
	if (strchr(word, '@') != NULL)
		return "a mail address; what is asked for is the domain "
		       "behind its \"@\"";
	return "no domain name";
}

/* What was printed must have arrived: a full disk is no success. */
static int
finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("tlsrpt: standard output");
		return EX_IOERR;
	}
	return status;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	static char title[64];

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
	    strcmp(name, "help") == 0) {
		usage(stdout);
		return finish(EX_OK);
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		(void)puts("tlsrpt " VERSION);
		return finish(EX_OK);
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		/* getopt(3) complains under this name. */
		(void)snprintf(title, sizeof title, "tlsrpt %s", name);
		argv[1] = title;
		return finish(commands[i].run(argc - 1, argv + 1));
	}
	if (name[0] != '\0')
		(void)fprintf(stderr, "tlsrpt: unknown command \"%s\"\n", name);
	usage(stderr);
	return EX_USAGE;
}
