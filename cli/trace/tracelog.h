/*
 * tracelog: which logs "tlsrpt trace" reads, and how.
 */
#ifndef TRACELOG_H
#define TRACELOG_H

#include "tracing.h"

/*
 * Read the logs: those of --maillog and --journal, else the usual ones. What
 * cannot be read is complained of.
 */
void tracelog_read(struct tracing *tracing);

#endif
