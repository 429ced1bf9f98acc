/*
 * runner: runs suites, several at once, since many of them wait most of their
 * time.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	RUNNER_JOBS_MAX = 64 /* suites at once */
};

typedef Suite *runner_suite_fn(void);

/*
 * Run n suites, of which at most jobs (1 to RUNNER_JOBS_MAX) at the same time,
 * begun in the order given. Each has a process of its own, and what it prints
 * comes in one piece when it ends; with one job all are run by this process,
 * as a debugger likes it. Did every test pass?
 */
bool runner_run(runner_suite_fn *const *suites, size_t n, unsigned jobs);

#endif
