#include "index.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "command.h"
#include "emit.h"
#include "render.h"
#include "rfc3339.h"
#include "text.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

enum {
	OPTIONS_MAX = 16,
	DEFAULT_DAYS = 7,
	SETTLE_STEPS = 50, /* of 20 ms */
	TEXT_MAX = 4 << 20
};

static const char conf_default[] = SYSCONFDIR "/tlsrpt-milter.conf";

/*
 * Options.
 */

static const struct {
	unsigned bit; /* 0: every subcommand has it */
	struct option option;
} all_options[] = {
	{ 0, { "help", no_argument, NULL, 'h' } },
	{ INDEX_STATE, { "state", required_argument, NULL, 's' } },
	{ INDEX_ARCHIVE, { "archive", required_argument, NULL, 'a' } },
	{ INDEX_FORMAT, { "format", required_argument, NULL, 'f' } },
	{ INDEX_DOMAIN, { "domain", required_argument, NULL, 'd' } },
	{ INDEX_SINCE, { "since", required_argument, NULL, 'S' } },
	{ INDEX_SINCE, { "until", required_argument, NULL, 'U' } },
	{ INDEX_BY, { "by", required_argument, NULL, 'b' } },
	{ INDEX_ALL, { "all", no_argument, NULL, 'A' } },
	{ INDEX_PRUNE, { "older-than", required_argument, NULL, 'o' } },
	{ INDEX_PRUNE, { "dry-run", no_argument, NULL, 'n' } },
};

/* The options that a subcommand has, and an end. */
static void
choose_options(unsigned bits, struct option options[OPTIONS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof all_options / sizeof all_options[0];
	     i++) {
		if (all_options[i].bit == 0 || (all_options[i].bit & bits) != 0)
			options[n++] = all_options[i].option;
	}
	options[n] = (struct option){ NULL, 0, NULL, 0 };
}

/* Say what is wrong with a word; always false. */
static bool
bad_word(const struct index *index, const char *word, const char *why)
{
	(void)fprintf(stderr, "tlsrpt %s: \"%s\" is %s\n", index->command->name,
	    word, why);
	return false;
}

static bool
read_format(struct index *index, const char *word)
{
	if (strcmp(word, "text") == 0)
		index->format = INDEX_TEXT;
	else if (strcmp(word, "json") == 0)
		index->format = INDEX_JSON;
	else if (index->command->with_csv && strcmp(word, "csv") == 0)
		index->format = INDEX_CSV;
	else
		return bad_word(index, word,
		    index->command->with_csv ? "none of: text, json, csv"
					     : "none of: text, json");
	return true;
}

static bool
read_by(struct index *index, const char *word)
{
	static const struct {
		const char *word;
		enum state_by by;
	} ways[] = {
		{ "day", STATE_BY_DAY },
		{ "domain", STATE_BY_DOMAIN },
		{ "mx", STATE_BY_MX },
		{ "sender", STATE_BY_SENDER },
		{ "result-type", STATE_BY_RESULT_TYPE },
	};

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		if (strcmp(ways[i].word, word) == 0) {
			index->by = ways[i].by;
			return true;
		}
	}
	return bad_word(
	    index, word, "none of: day, domain, mx, sender, result-type");
}

/* "7d" and so on, as seconds. */
static bool
read_duration(const char *word, int64_t *seconds)
{
	static const char units[] = "mhdw";
	static const int64_t unit_seconds[] = { 60, 3600, 86400, 7 * 86400 };
	size_t digits = strspn(word, "0123456789");
	const char *unit;

	/* No more than fit into 64 bits with the largest unit. */
	if (digits == 0 || digits > 9 || word[digits] == '\0' ||
	    word[digits + 1] != '\0')
		return false;
	unit = strchr(units, text_lower(word[digits]));
	if (unit == NULL)
		return false;
	*seconds = 0;
	for (size_t i = 0; i < digits; i++)
		*seconds = *seconds * 10 + (word[i] - '0');
	*seconds *= unit_seconds[unit - units];
	return true;
}

bool
index_read_time(const char *word, int64_t now, int64_t *time)
{
	char text[RFC3339_MAX];
	int64_t seconds;

	if (read_duration(word, &seconds)) {
		*time = seconds < now ? now - seconds : 0;
		return true;
	}
	if (strlen(word) != strlen("YYYY-MM-DD"))
		return false;
	(void)snprintf(text, sizeof text, "%sT00:00:00Z", word);
	return rfc3339_parse(text, time) == RFC3339_OK;
}

static bool
read_moment(struct index *index, const char *word, bool is_until)
{
	int64_t moment;

	if (!index_read_time(word, index->now, &moment))
		return bad_word(index, word,
		    "neither a time before now such as 12h or 7d nor a day "
		    "such as 2026-02-12");
	if (is_until)
		index->until = (moment / PROBLEM_DAY + 1) * PROBLEM_DAY;
	else
		index->since = moment;
	return true;
}

/* A time that lies ahead would leave nothing. */
static bool
read_age(struct index *index, const char *word)
{
	index->older_than = word;
	return (index_read_time(word, index->now, &index->before) &&
		   index->before <= index->now) ||
	    bad_word(index, word,
		"neither an age such as 400d nor a day that has been, such as "
		"2026-02-12");
}

static bool
take_option(struct index *index, int c)
{
	switch (c) {
	case 'c':
		index->conf_path = optarg;
		return true;
	case 's':
		index->state_path = optarg;
		return true;
	case 'a':
		index->archive = optarg;
		return true;
	case 'd':
		index->domain = optarg;
		return true;
	case 'A':
		index->is_all = true;
		return true;
	case 'f':
		return read_format(index, optarg);
	case 'n':
		index->is_dry = true;
		return true;
	case 'o':
		return read_age(index, optarg);
	case 'b':
		return read_by(index, optarg);
	case 'S':
	case 'U':
		return read_moment(index, optarg, c == 'U');
	default:
		break;
	}
	return false;
}

/* Returns -1 to go on, or the exit status. */
static int
read_options(struct index *index, int argc, char **argv)
{
	const struct index_command *command = index->command;
	struct option options[OPTIONS_MAX];
	int c;

	choose_options(command->options, options);
	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'h') {
			(void)fputs(command->usage, stdout);
			return EX_OK;
		}
		if (!take_option(index, c))
			return command_misused(command->name);
	}
	if (argc - optind != command->arguments) {
		(void)fprintf(stderr, "tlsrpt %s: %s\n", command->name,
		    command->arguments == 0 ? "it takes no argument"
					    : "it takes one argument");
		return command_misused(command->name);
	}
	if (command->arguments == 1)
		index->argument = argv[optind];
	if (index->since >= index->until) {
		(void)fprintf(stderr,
		    "tlsrpt %s: --since is later than --until\n",
		    command->name);
		return command_misused(command->name);
	}
	return -1;
}

/*
 * The configuration.
 */

static int
read_conf(struct index *index)
{
	const char *path = index->conf_path;

	if (path == NULL && index->state_path == NULL &&
	    access(conf_default, F_OK) == 0)
		path = conf_default;
	index->conf =
	    path != NULL ? conf_load(path, CONF_COMMAND, stderr) : conf_new();
	if (index->conf == NULL && path != NULL)
		return EX_CONFIG;
	if (index->conf == NULL) {
		(void)fputs("tlsrpt: out of memory\n", stderr);
		return EX_OSERR;
	}
	state_options(&index->options);
	index->options.limits.resolve_after =
	    (int64_t)index->conf->resolve_after;
	index->options.silent_after = (int64_t)index->conf->silent_after;
	if (index->state_path == NULL)
		index->state_path = index->conf->state_file;
	if (index->archive == NULL)
		index->archive = index->conf->archive_directory;
	return -1;
}

static void
init(struct index *index, const struct index_command *command)
{
	int64_t now = (int64_t)time(NULL);
	int days = command->days != 0 ? command->days : DEFAULT_DAYS;

	*index = (struct index){
		.command = command,
		.now = now,
		.with_colour = command_with_colour(),
		.by = STATE_BY_DAY,
		.since = now - days * PROBLEM_DAY,
		.until = (now / PROBLEM_DAY + 1) * PROBLEM_DAY,
	};
}

int
index_begin(struct index *index, const struct index_command *command, int argc,
    char **argv)
{
	int status;

	init(index, command);
	status = read_options(index, argc, argv);
	return status == -1 ? read_conf(index) : status;
}

int
index_configure(struct index *index, const struct index_command *command,
    const char *conf_path)
{
	init(index, command);
	index->conf_path = conf_path;
	return read_conf(index);
}

/* The milter may be working out what its latest reports mean. */
static enum status
wait_until_settled(struct index *index, struct fault *fault)
{
	const struct timespec step = { .tv_nsec = 20000000 };
	bool is_settled = false;

	for (int i = 0; i < SETTLE_STEPS; i++) {
		enum status st =
		    state_is_settled(index->state, &is_settled, fault);

		if (st != ST_OK || is_settled)
			return st;
		(void)nanosleep(&step, NULL);
	}
	return ST_OK;
}

enum status
index_check(const struct index *index, struct fault *fault)
{
	return strcmp(index->state_path, "none") == 0
	    ? fault_set(fault, ST_STATE, "there is none: StateFile is none")
	    : ST_OK;
}

/* A file without a byte: one that was to be made, or was cut off. */
static bool
is_empty_file(const struct index *index)
{
	struct stat sb;

	return stat(index->state_path, &sb) == 0 && S_ISREG(sb.st_mode) &&
	    sb.st_size == 0;
}

enum status
index_open(struct index *index, struct fault *fault)
{
	enum status st = index_check(index, fault);

	if (st != ST_OK)
		return st;

	index->options.is_read_only = true;
	st = state_open(
	    &index->state, index->state_path, &index->options, fault);
	/* That is all there is to say; SQLite has more. */
	if (st == ST_STATE && access(index->state_path, R_OK) == 0 &&
	    is_empty_file(index))
		st = fault_set(fault, st, "%s is empty", index->state_path);
	return st == ST_OK ? wait_until_settled(index, fault) : st;
}

void
index_end(struct index *index)
{
	state_close(&index->state);
	conf_unref(&index->conf);
}

/*
 * What went wrong.
 */

static int
exit_status(enum status status)
{
	switch (status) {
	case ST_NO_MEMORY:
		return EX_OSERR;
	case ST_NO_SPACE:
		return EX_IOERR;
	case ST_STATE_BUSY:
		return EX_TEMPFAIL;
	case ST_ARCHIVE:
		return EX_NOINPUT;
	default:
		break;
	}
	return EX_UNAVAILABLE;
}

const char *
index_whose(const struct index *index)
{
	return access(index->state_path, R_OK) == -1 && errno == EACCES
	    ? "; it is for the user and the group of tlsrpt-milter"
	    : "";
}

/* Is it one that reindex mends? What may not be read may be well. */
static bool
is_mendable(const struct index *index, const struct fault *fault)
{
	if (fault->status == ST_STATE_DAMAGED ||
	    fault->status == ST_STATE_VERSION)
		return true;
	return index->options.is_read_only && fault->status == ST_STATE &&
	    (is_empty_file(index) ||
		(access(index->state_path, F_OK) == -1 && errno == ENOENT));
}

int
index_fail(const struct index *index, const struct fault *fault)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "tlsrpt %s: %s: ", index->command->name,
	    status_str(fault->status));
	render_string(stderr, fault->detail);
	(void)fprintf(stderr, "%s\n",
	    fault->status == ST_STATE ? index_whose(index) : "");
	if (is_mendable(index, fault))
		(void)fputs(
		    "\"tlsrpt reindex\" makes it from the archive.\n", stderr);
	return exit_status(fault->status);
}

/*
 * Printing.
 */

struct index_day
index_day(int64_t time)
{
	char text[RFC3339_MAX];
	struct index_day day = { "-" };

	if (time != 0 && rfc3339_format(time, text))
		(void)snprintf(day.text, sizeof day.text, "%.10s", text);
	return day;
}

void
index_put_members(const struct event *ev)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (emit_json_members(&text, ev, EMIT_VALUE_WHOLE) == ST_OK &&
	    text.len > 0)
		(void)fwrite(text.data, 1, text.len, stdout);
	buf_free(&text);
}

void
index_put_json(const struct event *ev)
{
	(void)fputc('{', stdout);
	index_put_members(ev);
	(void)fputs("}\n", stdout);
}

void
index_put_csv(const char *value)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	(void)fputc('"', stdout);
	if (emit_visible(&text, value) == ST_OK && text.len > 0) {
		if (strchr("=+-@", text.data[strspn(text.data, " ")]) != NULL)
			(void)fputc('\'', stdout);
		for (const char *p = text.data; *p != '\0'; p++) {
			if (*p == '"')
				(void)fputc('"', stdout);
			(void)fputc(*p, stdout);
		}
	}
	(void)fputc('"', stdout);
	buf_free(&text);
}
