#include "runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that runs a suite. */
struct job {
	pid_t pid; /* 0: none */
	FILE *output;
};

/* All in this process, with one count at the end. */
static bool
run_here(runner_suite_fn *const *suites, size_t n)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

	for (size_t i = 0; i < n; i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0;
}

/* In the child, which goes when the parent goes. */
static void
run_job(runner_suite_fn *suite, FILE *output)
{
	bool is_good;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(fileno(output), STDOUT_FILENO) == -1 ||
	    dup2(fileno(output), STDERR_FILENO) == -1)
		_exit(EXIT_FAILURE);
	is_good = run_here(&suite, 1);
	exit(is_good ? EXIT_SUCCESS : EXIT_FAILURE);
}

static bool
start_job(struct job *job, runner_suite_fn *suite)
{
	job->output = tmpfile();
	if (job->output == NULL)
		return false;
	(void)fflush(stdout);
	job->pid = fork();
	if (job->pid == 0)
		run_job(suite, job->output);
	if (job->pid > 0)
		return true;
	job->pid = 0;
	(void)fclose(job->output);
	return false;
}

/* Show what it has printed; did it end well? */
static bool
end_job(struct job *job, int status)
{
	char block[8192];
	size_t len;

	job->pid = 0;
	rewind(job->output);
	while ((len = fread(block, 1, sizeof block, job->output)) > 0)
		(void)fwrite(block, 1, len, stdout);
	(void)fclose(job->output);
	if (WIFSIGNALED(status))
		(void)printf("killed by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* Wait for one of them to end; the place is free then. */
static bool
wait_for_job(struct job *jobs, unsigned n)
{
	int status;
	pid_t pid;

	do
		pid = wait(&status);
	while (pid == -1 && errno == EINTR);
	for (unsigned i = 0; pid > 0 && i < n; i++) {
		if (jobs[i].pid == pid)
			return end_job(&jobs[i], status);
	}
	return false;
}

bool
runner_run(runner_suite_fn *const *suites, size_t n, unsigned jobs)
{
	struct job job[RUNNER_JOBS_MAX] = { { .pid = 0 } };
	unsigned running = 0;
	bool is_good = true;

	if (jobs <= 1)
		return run_here(suites, n);
	for (size_t i = 0; i < n || running > 0;) {
		unsigned place = 0;

		if (running == jobs || i == n) {
			is_good &= wait_for_job(job, jobs);
			running--;
			continue;
		}
		while (job[place].pid != 0)
			place++;
		if (start_job(&job[place], suites[i++]))
			running++;
		else
			is_good = false;
	}
	return is_good;
}
