/*
 * tlsrpt ingest [-c FILE] [OPTION...] [PATH...]
 */
#include "ingest.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

static const char usage[] =
    "usage: tlsrpt ingest [-c FILE] [--sender=ADDRESS] [--queue-id=ID]\n"
    "                     [--client=TEXT] [--dkim=WORD]\n"
    "       tlsrpt ingest [-c FILE] [--dkim=WORD] [--log] PATH...\n"
    "\n"
    "Takes TLS reports into the archive and its index where no milter does.\n"
    "Without PATH, or with \"-\", one message on standard input, as Exim's\n"
    "pipe transport, Postfix's pipe(8) and Dovecot's Sieve hand it over. With\n"
    "PATH, what lies in Maildirs, mboxes, directories and files: mails,\n"
    "reports as JSON, gzip or zip, archive records. What is archived already\n"
    "is passed over, so a run that was stopped goes on when it is started\n"
    "again. Run it as the user that owns the archive, or as root.\n"
    "\n"
    "  -c FILE              the configuration of the milter\n"
    "  --archive=DIRECTORY  the archive, instead of ArchiveDirectory\n"
    "  --state=FILE         the index, instead of StateFile\n"
    "  --dkim=WORD          require, log or off, instead of DKIM\n"
    "  --sender=ADDRESS     the envelope sender, instead of $SENDER\n"
    "  --queue-id=ID        the MTA's name for it, instead of $MESSAGE_ID\n"
    "  --client=TEXT        the SMTP client, instead of $CLIENT_HOSTNAME\n"
    "                       and $CLIENT_ADDRESS\n"
    "  --log                write the events of files to the log, too\n"
    "\n"
    "Exit status of a message: 0 when it is taken; 75 when it is to be tried\n"
    "again; 65 when it is refused (OnMalformed, OnUnverified), with a text\n"
    "for the bounce on standard error. Of files: 0; 65 when something could\n"
    "not be read, which is named on standard error; 66 when a PATH is\n"
    "missing; 75 when something is to be tried again: DNS failed, or the\n"
    "index could not be brought up to date; 73 and 74 when the archive cannot\n"
    "be written. 64 for wrong usage, 78 for a mistake in the configuration.\n";

static const char conf_default[] = SYSCONFDIR "/tlsrpt-milter.conf";

/* What comes in place of a keyword of the file; NULL for none. */
struct overrides {
	const char *conf_path;
	const char *archive;
	const char *state;
	const char *dkim;
};

/* Returns an exit status, or -1 to go on. */
static int
read_options(
    struct ingest *ingest, struct overrides *overrides, int argc, char **argv)
{
	static const struct option options[] = {
		{ "archive", required_argument, NULL, 'a' },
		{ "client", required_argument, NULL, 'C' },
		{ "dkim", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "log", no_argument, NULL, 'l' },
		{ "queue-id", required_argument, NULL, 'q' },
		{ "sender", required_argument, NULL, 's' },
		{ "state", required_argument, NULL, 'S' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			overrides->archive = optarg;
			break;
		case 'c':
			overrides->conf_path = optarg;
			break;
		case 'C':
			ingest->client = optarg;
			break;
		case 'd':
			overrides->dkim = optarg;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return EX_OK;
		case 'l':
			ingest->with_log = true;
			break;
		case 'q':
			ingest->queue_id = optarg;
			break;
		case 's':
			ingest->sender = optarg;
			break;
		case 'S':
			overrides->state = optarg;
			break;
		default:
			return command_misused("ingest");
		}
	}
	return -1;
}

/* An option that belongs to the other way of use is a mistake. */
static int
check_options(const struct ingest *ingest, size_t paths)
{
	const char *why = NULL;

	if (paths == 0 && ingest->with_log)
		why = "--log needs a PATH: a message is logged anyway";
	if (paths > 0 &&
	    (ingest->sender != NULL || ingest->queue_id != NULL ||
		ingest->client != NULL))
		why = "--sender, --queue-id and --client are for a message on "
		      "standard input";
	if (why == NULL)
		return -1;
	(void)fprintf(stderr, "tlsrpt ingest: %s\n", why);
	return command_misused("ingest");
}

/* Set a keyword to the value of an option, if that was given. */
static int
override(struct conf *conf, const char *keyword, const char *value)
{
	struct conf_why why;

	if (value == NULL || conf_set(conf, keyword, value, &why))
		return -1;
	(void)fprintf(stderr, "tlsrpt ingest: \"%s\": %s\n", value, why.text);
	return command_misused("ingest");
}

static int
read_conf(struct ingest *ingest, const struct overrides *overrides)
{
	const char *path = overrides->conf_path;
	int status;

	if (path == NULL && access(conf_default, F_OK) == 0)
		path = conf_default;
	ingest->conf =
	    path != NULL ? conf_load(path, CONF_COMMAND, stderr) : conf_new();
	if (ingest->conf == NULL && path != NULL)
		return EX_CONFIG;
	if (ingest->conf == NULL) {
		(void)fputs("tlsrpt: out of memory\n", stderr);
		return EX_TEMPFAIL;
	}
	status = override(ingest->conf, "ArchiveDirectory", overrides->archive);
	if (status == -1)
		status = override(ingest->conf, "StateFile", overrides->state);
	if (status == -1)
		status = override(ingest->conf, "DKIM", overrides->dkim);
	return status;
}

int
ingest_main(int argc, char **argv)
{
	struct ingest ingest = { .conf = NULL };
	struct overrides overrides = { .conf_path = NULL };
	int status = read_options(&ingest, &overrides, argc, argv);
	size_t paths = (size_t)(argc - optind);

	if (paths == 1 && strcmp(argv[optind], "-") == 0)
		paths = 0;
	if (status == -1)
		status = check_options(&ingest, paths);
	if (status == -1)
		status = read_conf(&ingest, &overrides);
	if (status == -1) {
		/* As the milter makes its files. */
		(void)umask(027);
		status = paths == 0
		    ? ingest_message(&ingest)
		    : ingest_files(&ingest, argv + optind, paths);
	}
	conf_unref(&ingest.conf);
	return status;
}
