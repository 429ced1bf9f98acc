/*
 * store: a whole report, from its spool to the archive, and then the answer.
 */
#ifndef STORE_H
#define STORE_H

#include "request.h"

/*
 * Take the report through the intake and set the answer: 201 once it is durable
 * in the archive, or below "unreadable" when nobody can read it; else 503. May
 * wait for a disk, a decoder and the log.
 */
void store_report(struct request *request);

#endif
