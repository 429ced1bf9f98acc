/*
 * trace: what the files of "tlsrpt trace" have in common.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "index.h"
#include "state.h"
#include "tracewindow.h"

enum {
	TRACE_FAILURES_MAX = 4096, /* further ones are counted only */
	TRACE_RECORDS_MAX = 100,   /* that are read for a problem */
	TRACE_FILES_MAX = 64,      /* of --maillog */
	TRACE_LINES_DEFAULT = 20,
	TRACE_IP_MAX = 64
};

/* A failure that somebody reported. */
struct trace_failure {
	char organization_name[STATE_NAME_MAX];
	char report_id[STATE_NAME_MAX];
	char policy_domain[STATE_NAME_MAX];
	char receiving_mx_hostname[STATE_NAME_MAX];
	char policy_type[STATE_TYPE_MAX];
	char result_type[STATE_TYPE_MAX];
	char sending_mta_ip[TRACE_IP_MAX];
	char receiving_ip[TRACE_IP_MAX];
	bool has_failed;
	uint64_t failed;  /* failed-session-count */
	bool has_address; /* sending_mta_ip is one */
	bool has_window;  /* the report says when */
	struct logtime_span span;
	size_t window; /* for trace_get() */
};

/* The subcommand being run. Strings are those of argv. */
struct tracing {
	const char *conf_path; /* or NULL, as the others */
	const char *state_path;
	const char *archive;
	const char *report;
	unsigned long problem; /* or 0 */
	const char *maillog[TRACE_FILES_MAX];
	size_t maillogs;
	bool with_journal;
	bool is_json;
	bool with_colour;
	size_t lines;

	struct trace *trace;
	struct trace_failure *failure;
	size_t count;
	size_t cap;
	uint64_t dropped; /* failures that there was no room for */
	bool has_log;     /* one was read */
	bool is_our_log;  /* it is this machine's */
	int exit_status;
};

/* Something of a file that is wrong, on standard error. */
void tracing_complain(
    struct tracing *tracing, const char *file, int status, const char *what);

/*
 * Take the failures of a report (any file that "tlsrpt show" reads), or of the
 * records that tell of a problem. False when nothing can be done, which has
 * been said, with exit_status.
 */
bool tracing_gather_report(struct tracing *tracing);
bool tracing_gather_problem(struct tracing *tracing);

/*
 * Read the logs: those of --maillog and --journal, else the usual ones. What
 * cannot be read is complained of.
 */
void tracing_read_logs(struct tracing *tracing);

/* Print what was found. Returns whether there was a line of any failure. */
bool tracing_print_text(const struct tracing *tracing);
bool tracing_print_json(const struct tracing *tracing);

/* Is it an address of this machine? True too when nobody knows. */
bool tracing_is_our_address(const struct address_ip *address);

#endif
