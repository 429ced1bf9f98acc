/*
 * tracegather: which failures "tlsrpt trace" looks for.
 */
#ifndef TRACEGATHER_H
#define TRACEGATHER_H

#include <stdbool.h>

#include "tracing.h"

/*
 * Take the failures of a report (any file that "tlsrpt show" reads), or of the
 * records that tell of a problem. False when nothing can be done, which has
 * been said, with exit_status.
 */
bool tracegather_report(struct tracing *tracing);
bool tracegather_problem(struct tracing *tracing);

#endif
