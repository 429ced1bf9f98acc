/*
 * tracing: a run of "tlsrpt trace": what was asked for, and what has been
 * found. tracegather fills it with failures, tracelog with lines, and
 * traceprint prints it.
 */
#ifndef TRACING_H
#define TRACING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state.h"
#include "tracewindow.h"

enum {
	TRACING_FILES_MAX = 64, /* of --maillog */
	TRACING_IP_MAX = 64
};

/* A failure that somebody reported. */
struct tracing_failure {
	char organization_name[STATE_NAME_MAX];
	char report_id[STATE_NAME_MAX];
	char policy_domain[STATE_NAME_MAX];
	char receiving_mx_hostname[STATE_NAME_MAX];
	char policy_type[STATE_TYPE_MAX];
	char result_type[STATE_TYPE_MAX];
	char sending_mta_ip[TRACING_IP_MAX];
	char receiving_ip[TRACING_IP_MAX];
	bool has_failed;
	uint64_t failed;  /* failed-session-count */
	bool has_address; /* sending_mta_ip is one */
	bool has_window;  /* the report says when */
	struct logtime_span span;
	size_t window; /* for trace_get() */
};

/* Strings are those of argv. */
struct tracing {
	const char *conf_path; /* or NULL, as the others */
	const char *state_path;
	const char *archive;
	const char *report;
	unsigned long problem; /* or 0 */
	const char *maillog[TRACING_FILES_MAX];
	size_t maillogs;
	bool with_journal;
	bool is_json;
	bool with_colour;
	size_t lines;

	struct trace *trace;
	struct tracing_failure *failure;
	size_t count;
	size_t cap;
	uint64_t dropped; /* failures that there was no room for */
	bool has_log;     /* one was read */
	bool is_our_log;  /* it is this machine's */
	int exit_status;
};

/*
 * Something to say of a file, on standard error. The first that is wrong sets
 * the exit status; EX_OK: nothing is.
 */
void tracing_complain(
    struct tracing *tracing, const char *file, int status, const char *what);

#endif
