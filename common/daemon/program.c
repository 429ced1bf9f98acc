#include "program.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "archive.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

static const char usage[] =
    "usage: %s [-c FILE] [-f] [-t] [-V] [-h]\n"
    "\n"
    "  -c FILE  configuration (" SYSCONFDIR "/tlsrpt-milter.conf)\n"
    "  -f       stay in the foreground\n"
    "  -t       check the configuration, print each problem, and exit\n"
    "  -V       print the version\n"
    "  -h       print this\n";

struct options {
	const char *conf_path;
	bool is_foreground;
	bool is_test;
};

int
program_refuse(
    const struct program *program, int status, const struct fault *fault)
{
	(void)fprintf(stderr, "%s: %s\n", program->name, fault->detail);
	return status;
}

/*
 * The archive.
 */

struct question {
	const struct conf *conf;
	struct fault *fault;
};

static enum status
ask_archive(void *ctx)
{
	const struct question *q = ctx;

	return archive_check(q->conf->archive_directory, q->fault);
}

int
program_check_archive(const struct program *program,
    const struct identity *identity, const struct conf *conf)
{
	struct fault fault = { .detail = "cannot change to User" };
	struct question question = { conf, &fault };

	if (process_as_user(identity, conf, ask_archive, &question) == ST_OK)
		return EX_OK;
	(void)fprintf(
	    stderr, "%s: ArchiveDirectory: %s\n", program->name, fault.detail);
	return EX_CANTCREAT;
}

/*
 * Options.
 */

static int
misused(const struct program *program)
{
	(void)fprintf(
	    stderr, "\"%s -h\" says how it is used.\n", program->name);
	return EX_USAGE;
}

/* Returns an exit status, or -1 to go on. */
static int
read_options(const struct program *program, struct options *options, int argc,
    char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:ftVh")) != -1) {
		switch (c) {
		case 'c':
			options->conf_path = optarg;
			break;
		case 'f':
			options->is_foreground = true;
			break;
		case 't':
			options->is_test = true;
			break;
		case 'V':
			(void)printf("%s " VERSION "\n", program->name);
			return EX_OK;
		case 'h':
			(void)printf(usage, program->name);
			return EX_OK;
		default:
			return misused(program);
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "%s: \"%s\" is no option\n",
		    program->name, argv[optind]);
		return misused(program);
	}
	return -1;
}

int
program_main(const struct program *program, int argc, char **argv)
{
	struct options options = {
		.conf_path = SYSCONFDIR "/tlsrpt-milter.conf",
	};
	int status = read_options(program, &options, argc, argv);
	char path[PATH_MAX];
	struct conf *conf;

	if (status != -1)
		return status;
	conf = conf_load(options.conf_path, program->reader,
	    options.is_test ? stdout : stderr);
	if (conf == NULL)
		return EX_CONFIG;
	if (options.is_test) {
		conf_unref(&conf);
		return EX_OK;
	}
	/* A daemon has another working directory when it reads it again. */
	if (realpath(options.conf_path, path) != NULL)
		options.conf_path = path;
	return program->run(conf, options.conf_path, options.is_foreground);
}
