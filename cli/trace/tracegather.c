#include "tracegather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "index.h"
#include "input.h"
#include "problemlist.h"
#include "text.h"

enum {
	FAILURES_MAX = 4096, /* further ones are counted only */
	RECORDS_MAX = 100,   /* that are read for a problem */
	PATH_MAX_BYTES = 4096,
	DAY_LAST = 86399 /* seconds from the first to the last of a day */
};

/* The reports being read. */
struct gathering {
	struct tracing *tracing;
	const char *file;
	const struct report *report;
	const struct state_problem *problem; /* of which alone, or NULL */
	enum status status;
};

static void
copy(char *out, size_t size, const char *string)
{
	(void)text_copy(out, size, string != NULL ? string : "");
}

/* As the index has it (state.h): what is unknown follows from the other. */
static bool
find_span(const struct report *report, struct logtime_span *span)
{
	if (!report->start.is_known && !report->end.is_known)
		return false;
	span->start = report->start.is_known ? report->start.time
					     : report->end.time - DAY_LAST;
	span->end = report->end.is_known && report->end.time >= span->start
	    ? report->end.time
	    : span->start + DAY_LAST;
	if (span->end - span->start > STATE_RANGE_MAX)
		span->end = span->start + STATE_RANGE_MAX;
	return true;
}

static bool
is_same_name(const char *kept, const char *name)
{
	size_t len = name != NULL ? strlen(name) : 0;

	if (len > 0 && name[len - 1] == '.')
		len--;
	return strlen(kept) == len && (len == 0 || text_ieqn(kept, name, len));
}

static bool
is_of(const struct state_problem *problem, const struct policy *policy,
    const struct failure *failure)
{
	return is_same_name(problem->policy_domain, policy->policy_domain) &&
	    is_same_name(problem->receiving_mx_hostname,
		failure->receiving_mx_hostname) &&
	    is_same_name(problem->policy_type, policy->policy_type) &&
	    is_same_name(problem->result_type, failure->result_type);
}

static struct tracing_failure *
make_room(struct gathering *gathering)
{
	struct tracing *tracing = gathering->tracing;
	size_t cap = tracing->cap == 0 ? 16 : 2 * tracing->cap;
	struct tracing_failure *grown;

	if (tracing->count == FAILURES_MAX) {
		tracing->dropped++;
		return NULL;
	}
	if (tracing->count < tracing->cap)
		return &tracing->failure[tracing->count];
	grown = realloc(tracing->failure, cap * sizeof *grown);
	if (grown == NULL) {
		gathering->status = ST_NO_MEMORY;
		return NULL;
	}
	tracing->failure = grown;
	tracing->cap = cap;
	return &grown[tracing->count];
}

static void
fill(struct tracing_failure *out, const struct report *report,
    const struct policy *policy, const struct failure *failure)
{
	*out = (struct tracing_failure){
		.has_failed = failure->failed.is_known,
		.failed = failure->failed.value,
		.has_window = false,
	};
	copy(out->organization_name, sizeof out->organization_name,
	    report->organization_name);
	copy(out->report_id, sizeof out->report_id, report->report_id);
	copy(out->policy_domain, sizeof out->policy_domain,
	    policy->policy_domain);
	copy(out->policy_type, sizeof out->policy_type, policy->policy_type);
	copy(out->result_type, sizeof out->result_type, failure->result_type);
	copy(out->receiving_mx_hostname, sizeof out->receiving_mx_hostname,
	    failure->receiving_mx_hostname);
	copy(out->sending_mta_ip, sizeof out->sending_mta_ip,
	    failure->sending_mta_ip);
	copy(
	    out->receiving_ip, sizeof out->receiving_ip, failure->receiving_ip);
	out->has_window = find_span(report, &out->span);
}

static enum report_visit
take_failure(
    void *ctx, const struct policy *policy, const struct failure *failure)
{
	struct gathering *gathering = ctx;
	struct tracing *tracing = gathering->tracing;
	struct tracing_failure *out;
	struct address_ip ip;

	if (gathering->problem != NULL &&
	    !is_of(gathering->problem, policy, failure))
		return REPORT_NEXT;
	out = make_room(gathering);
	if (out == NULL)
		return gathering->status == ST_OK ? REPORT_NEXT : REPORT_STOP;
	fill(out, gathering->report, policy, failure);
	out->has_address = address_read_ip(
	    out->sending_mta_ip, strlen(out->sending_mta_ip), &ip);
	if (out->has_window)
		gathering->status = trace_add(tracing->trace, &out->span,
		    out->has_address ? &ip : NULL, &out->window);
	if (gathering->status == ST_TOO_LARGE) {
		gathering->status = ST_OK;
		tracing->dropped++;
		return REPORT_NEXT;
	}
	if (gathering->status != ST_OK)
		return REPORT_STOP;
	tracing->count++;
	return REPORT_NEXT;
}

static enum report_visit
take_policy(void *ctx, const struct policy *policy)
{
	(void)ctx;
	(void)policy;
	return REPORT_NEXT;
}

static enum status
take_report(
    void *ctx, struct reading *reading, const struct input_origin *origin)
{
	static const struct report_visitor visitor = {
		.policy = take_policy,
		.failure = take_failure,
	};
	struct gathering *gathering = ctx;
	enum status st;

	(void)origin;
	gathering->report = &reading->report;
	st = report_walk(&reading->report, &visitor, gathering);
	return st != ST_OK ? st : gathering->status;
}

static void
take_fault(void *ctx, const struct fault *fault)
{
	struct gathering *gathering = ctx;
	char text[FAULT_DETAIL_MAX + 40];

	(void)snprintf(text, sizeof text, "%s: %s", status_str(fault->status),
	    fault->detail);
	tracing_complain(gathering->tracing, gathering->file, EX_DATAERR, text);
}

static bool
gather_stream(struct gathering *gathering, FILE *file, const struct conf *conf)
{
	const struct input_handler handler = { take_report, take_fault,
		gathering };
	enum status st = input_read(file, conf, NULL, &handler);

	if (st == ST_OK)
		return true;
	if (st == ST_SPOOL)
		tracing_complain(gathering->tracing, gathering->file,
		    EX_NOINPUT, strerror(errno));
	else
		tracing_complain(gathering->tracing, gathering->file,
		    st == ST_NO_MEMORY ? EX_OSERR : EX_DATAERR, status_str(st));
	return false;
}

static bool
gather_file(struct gathering *gathering, const struct conf *conf)
{
	FILE *file = fopen(gathering->file, "re");
	struct stat sb;
	bool is_done;

	if (file != NULL && fstat(fileno(file), &sb) == 0 &&
	    S_ISDIR(sb.st_mode)) {
		(void)fclose(file);
		file = NULL;
		errno = EISDIR;
	}
	if (file == NULL) {
		tracing_complain(gathering->tracing, gathering->file,
		    EX_NOINPUT, strerror(errno));
		return false;
	}
	is_done = gather_stream(gathering, file, conf);
	(void)fclose(file);
	return is_done;
}

bool
tracegather_report(struct tracing *tracing)
{
	struct gathering gathering = {
		.tracing = tracing,
		.file = tracing->report,
	};
	struct conf *conf = conf_new();
	bool is_done;

	if (conf == NULL) {
		tracing_complain(
		    tracing, tracing->report, EX_OSERR, "out of memory");
		return false;
	}
	if (strcmp(tracing->report, "-") == 0) {
		gathering.file = "standard input";
		is_done = gather_stream(&gathering, stdin, conf);
	} else {
		is_done = gather_file(&gathering, conf);
	}
	conf_unref(&conf);
	/* What cannot be read has no failures to be looked for. */
	return is_done && (tracing->count > 0 || tracing->exit_status == EX_OK);
}

/*
 * Of a problem.
 */

struct paths {
	char path[RECORDS_MAX][STATE_PATH_MAX];
	size_t count;
};

/* Records are read afterwards: the index is not locked for so long. */
static bool
take_path(void *ctx, const char *path)
{
	struct paths *paths = ctx;

	copy(paths->path[paths->count++], STATE_PATH_MAX, path);
	return paths->count < RECORDS_MAX;
}

static void
gather_paths(struct tracing *tracing, const struct index *index,
    const struct state_problem *problem, const struct paths *paths)
{
	const char *archive =
	    tracing->archive != NULL ? tracing->archive : index->archive;

	for (size_t i = 0; i < paths->count; i++) {
		char file[PATH_MAX_BYTES];
		struct gathering gathering = {
			.tracing = tracing,
			.file = file,
			.problem = problem,
		};

		(void)snprintf(
		    file, sizeof file, "%s/%s", archive, paths->path[i]);
		(void)gather_file(&gathering, index->conf);
	}
}

static enum status
gather_number(struct tracing *tracing, struct index *index, struct fault *fault)
{
	struct state_problem problem;
	struct paths *paths = calloc(1, sizeof *paths);
	bool is_found = false;
	enum status st = index_open(index, fault);

	if (paths == NULL)
		st = fault_set(fault, ST_NO_MEMORY, "no memory");
	if (st == ST_OK)
		st = problemlist_pick(
		    index, tracing->problem, &problem, &is_found, fault);
	if (st == ST_OK && is_found)
		st = state_problem_paths(index->state, &problem, RECORDS_MAX,
		    take_path, paths, fault);
	if (st == ST_OK && is_found)
		gather_paths(tracing, index, &problem, paths);
	else if (st == ST_OK) {
		(void)fprintf(stderr,
		    "tlsrpt trace: there is no problem %lu; see \"tlsrpt "
		    "problems\"\n",
		    tracing->problem);
		tracing->exit_status = EX_USAGE;
	}
	free(paths);
	return st;
}

bool
tracegather_problem(struct tracing *tracing)
{
	static const struct index_command command = { .name = "trace" };
	struct index index;
	struct fault fault;
	int status = index_configure(&index, &command, tracing->conf_path);

	if (status == -1) {
		if (tracing->state_path != NULL)
			index.state_path = tracing->state_path;
		if (gather_number(tracing, &index, &fault) != ST_OK)
			tracing->exit_status = index_fail(&index, &fault);
	} else {
		tracing->exit_status = status;
	}
	index_end(&index);
	return tracing->count > 0 || tracing->exit_status == EX_OK;
}
