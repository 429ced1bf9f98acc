/*
 * tlsrpt explain [RESULT-TYPE]
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "render.h"
#include "result.h"

static const char usage[] =
    "usage: tlsrpt explain [RESULT-TYPE]\n"
    "\n"
    "Prints what a result type of RFC 8460, section 4.3 means, its usual\n"
    "cause, what to do, and a command that shows it. Without an argument,\n"
    "the table of all eleven.\n";

int
explain_main(int argc, char **argv)
{
	const struct result *result;

	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)fputs(usage, stdout);
		return EX_OK;
	}
	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		(void)fprintf(stderr,
		    argc > 2 ? "tlsrpt explain: more than one result type\n"
			     : "tlsrpt explain: unknown option\n");
		return command_misused("explain");
	}
	if (argc == 1) {
		render_results(stdout, command_with_colour());
		return EX_OK;
	}
	result = result_find(argv[1]);
	if (!result_is_known(result))
		(void)fprintf(stderr,
		    "tlsrpt: \"%s\" is not in the IANA registry\n", argv[1]);
	render_result(stdout, result, command_with_colour());
	return result_is_known(result) ? EX_OK : EX_DATAERR;
}
