/*
 * render: a report as text for people, as "tlsrpt show" prints it.
 */
#ifndef RENDER_H
#define RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include "assess.h"
#include "report.h"
#include "result.h"
#include "status.h"
#include "verdict.h"

/*
 * Print the report to out: its head, each policy with counts and rate, each
 * failure with the MX, what it means, what to do and the command that verifies
 * it. submitter and verdict may be NULL. Walks the report. with_colour adds SGR
 * sequences; everything from the report is made safe for a terminal.
 */
enum status render_report(FILE *out, struct report *report,
    const struct assessment *assessment, const struct conf *conf,
    const char *submitter, const struct verdict *verdict, bool with_colour);

/* Print what is known of one result type, or the table of all. */
void render_result(FILE *out, const struct result *result, bool with_colour);
void render_results(FILE *out, bool with_colour);

#endif
