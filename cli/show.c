/*
 * tlsrpt show [--format=text|logfmt|json] [--verify]
 *     [--resolver=ADDRESS[@PORT]] [FILE...]
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "command.h"
#include "emit.h"
#include "event.h"
#include "input.h"
#include "render.h"

static const char usage[] =
    "usage: tlsrpt show [--format=text|logfmt|json] [--verify]\n"
    "                   [--resolver=ADDRESS[@PORT]] [FILE...]\n"
    "\n"
    "Prints the TLS reports in each FILE, or in standard input: reports as\n"
    "JSON, gzip or zip, mails (.eml), and archive records. What a file is,\n"
    "its bytes say, not its name.\n"
    "\n"
    "  --format=text     for people: each failure with cause and action\n"
    "  --format=logfmt   the lines of the log\n"
    "  --format=json     one object a report, a line each\n"
    "  --verify          verify the DKIM signatures of mails; asks DNS\n"
    "  --resolver=...    for --verify: ask this one instead of the system's\n"
    "\n"
    "Exit status: 0; 65 when something could not be read, which is named on\n"
    "standard error; 66 when a file is missing; 64 for wrong usage.\n";

enum format {
	TEXT,
	LOGFMT,
	JSON
};

struct show {
	enum format format;
	struct conf *conf;
	struct verify_site *verify; /* with --verify, else NULL */
	const char *file;           /* being read */
	bool with_colour;
	bool with_verify;
	bool has_shown;
	int exit_status;
	/* The report being printed. */
	const struct report *report;
	const struct input_origin *origin;
	struct buf line;
	enum severity severity; /* of the policy being walked */
};

static enum status
print_line(struct show *show)
{
	(void)fwrite(show->line.data, 1, show->line.len, stdout);
	(void)fputc('\n', stdout);
	buf_cut(&show->line, 0);
	return ST_OK;
}

/*
 * logfmt.
 */

static void
print_event(struct show *show, const struct event *ev)
{
	if (emit_logfmt(&show->line, ev, show->origin->queue_id) == ST_OK)
		(void)print_line(show);
}

static enum report_visit
logfmt_policy(void *ctx, const struct policy *policy)
{
	struct show *show = ctx;
	struct totals totals;
	struct event ev;

	assess_policy(policy, show->conf, &totals, &show->severity);
	event_policy(&ev, show->report, policy, &totals, show->severity);
	print_event(show, &ev);
	return REPORT_NEXT;
}

static enum report_visit
logfmt_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct show *show = ctx;
	struct event ev;

	event_failure(&ev, show->report, policy, failure, show->severity);
	print_event(show, &ev);
	return REPORT_NEXT;
}

static enum status
show_logfmt(struct show *show, struct reading *reading)
{
	static const struct report_visitor visitor = {
		.policy = logfmt_policy,
		.failure = logfmt_failure,
	};
	struct event ev;

	event_report(&ev, "report", &reading->report, &reading->assessment,
	    show->origin->submitter, show->origin->verdict);
	event_upload(&ev, show->origin->auth, show->origin->client);
	print_event(show, &ev);
	return report_walk(&reading->report, &visitor, show);
}

/*
 * JSON: one object, written as it is walked.
 */

static void
print_members(struct show *show, const struct event *ev)
{
	if (emit_json_members(&show->line, ev, EMIT_VALUE_WHOLE) == ST_OK)
		(void)fwrite(show->line.data, 1, show->line.len, stdout);
	buf_cut(&show->line, 0);
}

static enum report_visit
json_policy(void *ctx, const struct policy *policy)
{
	struct show *show = ctx;
	struct totals totals;
	struct event ev;

	assess_policy(policy, show->conf, &totals, &show->severity);
	event_policy(&ev, show->report, policy, &totals, show->severity);
	(void)fputs(policy->index > 0 ? ",{" : "{", stdout);
	print_members(show, &ev);
	(void)fputs(",\"failures\":[", stdout);
	return REPORT_NEXT;
}

static enum report_visit
json_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct show *show = ctx;
	struct event ev;

	event_failure(&ev, show->report, policy, failure, show->severity);
	(void)fputs(failure->index > 0 ? ",{" : "{", stdout);
	print_members(show, &ev);
	(void)fputc('}', stdout);
	return REPORT_NEXT;
}

static void
json_policy_end(void *ctx, const struct policy *policy)
{
	(void)ctx;
	(void)policy;
	(void)fputs("]}", stdout);
}

static enum status
show_json(struct show *show, struct reading *reading)
{
	static const struct report_visitor visitor = {
		.policy = json_policy,
		.failure = json_failure,
		.policy_end = json_policy_end,
	};
	struct event ev;
	enum status st;

	event_report(&ev, "report", &reading->report, &reading->assessment,
	    show->origin->submitter, show->origin->verdict);
	event_upload(&ev, show->origin->auth, show->origin->client);
	(void)fputs("{\"event\":\"report\",", stdout);
	print_members(show, &ev);
	(void)fputs(",\"policies\":[", stdout);
	st = report_walk(&reading->report, &visitor, show);
	(void)fputs("]}\n", stdout);
	return st;
}

/*
 * Files.
 */

static enum status
show_report(
    void *ctx, struct reading *reading, const struct input_origin *origin)
{
	struct show *show = ctx;
	bool is_first = !show->has_shown;

	show->has_shown = true;
	show->report = &reading->report;
	show->origin = origin;
	if (show->format == JSON)
		return show_json(show, reading);
	if (show->format == LOGFMT)
		return show_logfmt(show, reading);
	if (!is_first)
		(void)fputc('\n', stdout);
	return render_report(stdout, &reading->report, &reading->assessment,
	    show->conf,
	    &(struct render_origin){ origin->submitter, origin->verdict,
		origin->auth, origin->client },
	    show->with_colour);
}

static void
complain(void *ctx, const struct fault *fault)
{
	struct show *show = ctx;
	struct buf detail;

	/* Standard error and standard output may be the same terminal. */
	(void)fflush(stdout);
	buf_init(&detail, 4 * FAULT_DETAIL_MAX);
	(void)emit_visible(&detail, fault->detail);
	(void)fprintf(stderr, "%s: %s: %s", show->file,
	    status_str(fault->status), detail.data != NULL ? detail.data : "");
	if (fault->has_offset)
		(void)fprintf(stderr, " (offset %llu)",
		    (unsigned long long)fault->offset);
	(void)fputc('\n', stderr);
	buf_free(&detail);
	show->exit_status = EX_DATAERR;
}

static void
complain_errno(struct show *show)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "%s: %s\n", show->file, strerror(errno));
	if (show->exit_status == EX_OK)
		show->exit_status = EX_NOINPUT;
}

static void
show_stream(struct show *show, FILE *file)
{
	const struct input_handler handler = { show_report, complain, show };
	struct fault fault;
	enum status st = input_read(file, show->conf, show->verify, &handler);

	if (st == ST_SPOOL) {
		complain_errno(show);
	} else if (st != ST_OK) {
		(void)fault_set(&fault, st, "cannot go on");
		complain(show, &fault);
	}
}

static void
show_file(struct show *show, const char *path)
{
	struct stat sb;
	FILE *file;

	if (strcmp(path, "-") == 0) {
		show->file = "standard input";
		show_stream(show, stdin);
		return;
	}
	show->file = path;
	file = fopen(path, "re");
	if (file != NULL && fstat(fileno(file), &sb) == 0 &&
	    S_ISDIR(sb.st_mode)) {
		(void)fclose(file);
		file = NULL;
		errno = EISDIR;
	}
	if (file == NULL) {
		complain_errno(show);
		return;
	}
	show_stream(show, file);
	(void)fclose(file);
}

static bool
read_format(const char *word, enum format *format)
{
	if (strcmp(word, "text") == 0)
		*format = TEXT;
	else if (strcmp(word, "logfmt") == 0)
		*format = LOGFMT;
	else if (strcmp(word, "json") == 0)
		*format = JSON;
	else
		return false;
	return true;
}

/* Ask this server, as the configuration has it. */
static bool
add_resolver(struct show *show, const char *value)
{
	struct conf_why why;

	if (conf_set(show->conf, "Resolver", value, &why))
		return true;
	(void)fprintf(stderr, "tlsrpt show: \"%s\": %s\n", value, why.text);
	return false;
}

/* Make ready for --verify. */
static bool
prepare_verify(struct show *show)
{
	struct fault fault;

	if (!show->with_verify)
		return true;
	show->verify = verify_site_new();
	if (show->verify != NULL &&
	    verify_site_configure(show->verify, show->conf, &fault) == ST_OK)
		return true;
	(void)fprintf(stderr, "tlsrpt: %s\n",
	    show->verify != NULL ? fault.detail : "out of memory");
	return false;
}

/* Returns an exit status, or -1 to go on. */
static int
read_options(struct show *show, int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "resolver", required_argument, NULL, 'r' },
		{ "verify", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			(void)fputs(usage, stdout);
			return EX_OK;
		}
		if (c == 'f' && read_format(optarg, &show->format))
			continue;
		if (c == 'v') {
			show->with_verify = true;
			continue;
		}
		if (c == 'r' && add_resolver(show, optarg))
			continue;
		if (c == 'f')
			(void)fprintf(stderr,
			    "tlsrpt show: \"%s\" is none of: text, logfmt, "
			    "json\n",
			    optarg);
		return command_misused("show");
	}
	return -1;
}

int
show_main(int argc, char **argv)
{
	struct conf *conf = conf_new();
	struct show show = {
		.conf = conf,
		.with_colour = command_with_colour(),
		.exit_status = EX_OK,
	};
	int status;

	if (conf == NULL) {
		(void)fputs("tlsrpt: out of memory\n", stderr);
		return EX_OSERR;
	}
	status = read_options(&show, argc, argv);
	if (status == -1 && !prepare_verify(&show))
		status = EX_UNAVAILABLE;
	if (status == -1) {
		buf_init(&show.line, (size_t)64 << 20);
		if (optind == argc)
			show_file(&show, "-");
		for (int i = optind; i < argc; i++)
			show_file(&show, argv[i]);
		buf_free(&show.line);
		status = show.exit_status;
	}
	verify_site_free(&show.verify);
	conf_unref(&conf);
	return status;
}
