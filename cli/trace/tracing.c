#include "tracing.h"

#include <stdio.h>
#include <sysexits.h>

#include "render.h"

void
tracing_complain(
    struct tracing *tracing, const char *file, int status, const char *what)
{
	/* Standard error and standard output may be the same terminal. */
	(void)fflush(stdout);
	(void)fputs("tlsrpt trace: ", stderr);
	render_string(stderr, file);
	(void)fputs(": ", stderr);
	render_string(stderr, what);
	(void)fputc('\n', stderr);
	if (tracing->exit_status == EX_OK)
		tracing->exit_status = status;
}
