/*
 * traceprint: what "tlsrpt trace" prints.
 */
#ifndef TRACEPRINT_H
#define TRACEPRINT_H

#include <stdbool.h>

#include "tracing.h"

/* Print what was found. Returns whether there was a line of any failure. */
bool traceprint_text(const struct tracing *tracing);
bool traceprint_json(const struct tracing *tracing);

#endif
