/*
 * program: the start of a daemon as its user sees it: options, configuration,
 * and what is said when it cannot start.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>

#include "conf.h"
#include "process.h"
#include "status.h"

struct program {
	const char *name; /* "tlsrpt-milter" */
	enum conf_reader reader;
	/* Run with a configuration, whose reference it takes over; returns an
	   exit status. conf_path is absolute where it can be. */
	int (*run)(
	    struct conf *conf, const char *conf_path, bool is_foreground);
};

/*
 * All of main(): -c FILE, -f, -t, -V and -h, and the configuration. Returns the
 * exit status: what run() returns, or of sysexits.h, EX_CONFIG with each
 * problem of the configuration told.
 */
int program_main(const struct program *program, int argc, char **argv);

/* Tell standard error what is wrong, and return status. */
int program_refuse(
    const struct program *program, int status, const struct fault *fault);

/*
 * Can the archive be written by the user that the daemon will run as?
 * EX_OK, or EX_CANTCREAT, told.
 */
int program_check_archive(const struct program *program,
    const struct identity *identity, const struct conf *conf);

#endif
