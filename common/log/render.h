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

/* Who sent a report, as far as it is known: members may be NULL. */
struct render_origin {
	const char *submitter;
	const struct verdict *verdict;
	const char *auth; /* of what came by HTTPS, and from where: */
	const char *client;
};

/*
 * Print the report to out: its head, each policy with counts and rate, each
 * failure with the MX, what it means, what to do and the command that verifies
 * it. Walks the report. with_colour adds SGR sequences; everything from the
 * report is made safe for a terminal.
 */
enum status render_report(FILE *out, struct report *report,
    const struct assessment *assessment, const struct conf *conf,
    const struct render_origin *origin, bool with_colour);

/*
 * The pieces of which such text is made. A string from a report, safe for a
 * terminal; a label in a column as wide as that of render_report(); a label
 * and our own text, wrapped behind it; a severity.
 */
void render_string(FILE *out, const char *string);
void render_label(FILE *out, int indent, const char *label);
void render_wrapped(FILE *out, int indent, const char *label, const char *text);
void render_severity(FILE *out, enum severity severity, bool with_colour);

/*
 * The commands that show a failure, a row each and not wrapped, since they are
 * there to be copied: tlsrpt's own, and the one by hand. mx and domain may be
 * NULL; unsafe names get into neither.
 */
void render_commands(FILE *out, int indent, const struct result *result,
    const char *mx, const char *domain);

/* Print what is known of one result type, or the table of all. */
void render_result(FILE *out, const struct result *result, bool with_colour);
void render_results(FILE *out, bool with_colour);

#endif
