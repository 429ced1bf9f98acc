/*
 * tlsrpt trace [--maillog=FILE]... [--journal] [--lines=N]
 *     [--format=text|json] FILE | --problem=N [-c FILE] [--state=FILE]
 *     [--archive=DIR]
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "render.h"
#include "tracegather.h"
#include "tracelog.h"
#include "traceprint.h"
#include "tracing.h"

static const char usage[] =
    "usage: tlsrpt trace [--maillog=FILE]... [--journal] [--lines=N]\n"
    "                    [--format=text|json]\n"
    "                    FILE | --problem=N [-c FILE] [--state=FILE]\n"
    "                    [--archive=DIR]\n"
    "\n"
    "Was it us? Looks in our own log of Postfix for each failure of the\n"
    "reports in FILE (- is standard input): what the sending address did\n"
    "here in the time of the report, and what became of TLS.\n"
    "\n"
    "  --report=FILE     the same as FILE\n"
    "  --problem=N       the failures of problem N of \"tlsrpt problems\"\n"
    "  --maillog=FILE    this log, plain or gzip (- is standard input); may\n"
    "                    be repeated. Else /var/log/mail.log and maillog\n"
    "                    and what they were rotated to, or without\n"
    "                    those the journal; --log is the same\n"
    "  --journal         the journal of systemd\n"
    "  --lines=N         show so many lines for each failure; 20\n"
    "  --format=...      text for people, or json, an object a line\n"
    "\n"
    "Exit status: 0 when there were lines for a failure, 1 when there were\n"
    "none; 65 when something could not be read, 66 when a file is missing,\n"
    "69 without an index or a journal; 64 for wrong usage, 78 for a mistake\n"
    "in the configuration.\n";

enum {
	LINES_DEFAULT = 20, /* shown of each failure */
	EX_NONE = 1         /* no line was found */
};

/*
 * Options.
 */

static bool
read_number(const char *word, unsigned long min, unsigned long max,
    unsigned long *number)
{
	char *end;

	if (word[0] < '0' || word[0] > '9')
		return false;
	errno = 0;
	*number = strtoul(word, &end, 10);
	return errno == 0 && *end == '\0' && *number >= min && *number <= max;
}

/* Say what is wrong with a word; always false. */
static bool
bad_word(const char *word, const char *why)
{
	(void)fputs("tlsrpt trace: \"", stderr);
	render_string(stderr, word);
	(void)fprintf(stderr, "\" is %s\n", why);
	return false;
}

static bool
add_maillog(struct tracing *tracing, const char *file)
{
	if (tracing->maillogs == TRACING_FILES_MAX)
		return bad_word(file, "one --maillog too many");
	tracing->maillog[tracing->maillogs++] = file;
	return true;
}

static bool
read_lines(struct tracing *tracing, const char *word)
{
	unsigned long number;

	if (!read_number(word, 0, TRACE_LINES_MAX, &number))
		return bad_word(word, "no number from 0 to 1000");
	tracing->lines = number;
	return true;
}

static bool
read_format(struct tracing *tracing, const char *word)
{
	tracing->is_json = strcmp(word, "json") == 0;
	return tracing->is_json || strcmp(word, "text") == 0 ||
	    bad_word(word, "none of: text, json");
}

static bool
set_report(struct tracing *tracing, const char *file)
{
	if (tracing->report != NULL)
		return bad_word(file, "one FILE too many");
	tracing->report = file;
	return true;
}

static bool
take_option(struct tracing *tracing, int c)
{
	switch (c) {
	case 'a':
		tracing->archive = optarg;
		return true;
	case 'c':
		tracing->conf_path = optarg;
		return true;
	case 'f':
		return read_format(tracing, optarg);
	case 'j':
		tracing->with_journal = true;
		return true;
	case 'l':
		return read_lines(tracing, optarg);
	case 'm':
		return add_maillog(tracing, optarg);
	case 'p':
		return read_number(optarg, 1, 1000000, &tracing->problem) ||
		    bad_word(optarg, "no number of a problem");
	case 'r':
		return set_report(tracing, optarg);
	case 's':
		tracing->state_path = optarg;
		return true;
	default:
		break;
	}
	return false;
}

/* What does not go together. */
static bool
check_usage(const struct tracing *tracing)
{
	bool needs_problem = tracing->conf_path != NULL ||
	    tracing->state_path != NULL || tracing->archive != NULL;
	const char *wrong = NULL;

	if ((tracing->report == NULL) == (tracing->problem == 0))
		wrong = "it takes one FILE, or --problem=N";
	else if (needs_problem && tracing->problem == 0)
		wrong = "-c, --state and --archive are for --problem";
	if (wrong != NULL)
		(void)fprintf(stderr, "tlsrpt trace: %s\n", wrong);
	return wrong == NULL;
}

/* Returns -1 to go on, or the exit status. */
static int
read_options(struct tracing *tracing, int argc, char **argv)
{
	static const struct option options[] = {
		{ "archive", required_argument, NULL, 'a' },
		{ "format", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "journal", no_argument, NULL, 'j' },
		{ "lines", required_argument, NULL, 'l' },
		{ "log", required_argument, NULL, 'm' },
		{ "maillog", required_argument, NULL, 'm' },
		{ "problem", required_argument, NULL, 'p' },
		{ "report", required_argument, NULL, 'r' },
		{ "state", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'h') {
			(void)fputs(usage, stdout);
			return EX_OK;
		}
		if (!take_option(tracing, c))
			return command_misused("trace");
	}
	while (optind < argc) {
		if (!set_report(tracing, argv[optind++]))
			return command_misused("trace");
	}
	return check_usage(tracing) ? -1 : command_misused("trace");
}

/*
 * Running.
 */

/* Failures whose reports do not say when have no window. */
static bool
has_window(const struct tracing *tracing)
{
	for (size_t i = 0; i < tracing->count; i++) {
		if (tracing->failure[i].has_window)
			return true;
	}
	return false;
}

static void
note_memory(struct tracing *tracing)
{
	if (trace_seen(tracing->trace)->is_out_of_memory)
		tracing_complain(tracing, "lines", EX_OSERR, "out of memory");
}

static int
run(struct tracing *tracing)
{
	bool has_lines,
	    has_failure = tracing->problem != 0 ? tracegather_problem(tracing)
						: tracegather_report(tracing);

	if (!has_failure)
		return tracing->exit_status;
	if (has_window(tracing)) {
		if (trace_prepare(tracing->trace) != ST_OK) {
			tracing_complain(
			    tracing, "windows", EX_OSERR, "out of memory");
			return tracing->exit_status;
		}
		tracelog_read(tracing);
		if (!tracing->has_log)
			return tracing->exit_status;
		note_memory(tracing);
	}
	has_lines = tracing->is_json ? traceprint_json(tracing)
				     : traceprint_text(tracing);
	if (tracing->exit_status != EX_OK)
		return tracing->exit_status;
	return has_lines ? EX_OK : EX_NONE;
}

int
trace_main(int argc, char **argv)
{
	struct tracing *tracing = calloc(1, sizeof *tracing);
	int status;

	if (tracing == NULL) {
		(void)fputs("tlsrpt: out of memory\n", stderr);
		return EX_OSERR;
	}
	tracing->lines = LINES_DEFAULT;
	tracing->with_colour = command_with_colour();
	tracing->exit_status = EX_OK;
	status = read_options(tracing, argc, argv);
	if (status == -1) {
		tracing->trace = trace_new(tracing->lines);
		if (tracing->trace == NULL) {
			(void)fputs("tlsrpt: out of memory\n", stderr);
			status = EX_OSERR;
		} else {
			status = run(tracing);
		}
	}
	trace_free(&tracing->trace);
	free(tracing->failure);
	free(tracing);
	return status;
}
