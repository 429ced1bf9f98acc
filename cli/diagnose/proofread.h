/*
 * proofread: the failures of a report or of a problem, and the policies that
 * senders applied.
 */
#ifndef PROOFREAD_H
#define PROOFREAD_H

#include "conf.h"
#include "index.h"
#include "proof.h"

/*
 * Take the failures of the reports in a file ("-": standard input; all that
 * input_read() reads), or those of the problem with that number, for which the
 * index is open. Returns -1 to go on, or the exit status; what is wrong has
 * been said then.
 */
int proofread_report(
    const char *path, const struct conf *conf, struct proof *proof);
int proofread_problem(
    unsigned long number, const struct index *index, struct proof *proof);

#endif
