/*
 * proofjson: failures that senders saw and what is seen now, as JSON.
 */
#ifndef PROOFJSON_H
#define PROOFJSON_H

#include "proof.h"
#include "status.h"

/* Print one object, a line. ST_NO_MEMORY, ST_TOO_LARGE. */
enum status proofjson_print(const struct proof *proof);

#endif
