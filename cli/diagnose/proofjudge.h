/*
 * proofjudge: what has become of failures that senders saw.
 */
#ifndef PROOFJUDGE_H
#define PROOFJUDGE_H

#include "conf.h"
#include "diagnosed.h"
#include "proof.h"
#include "status.h"

/*
 * Diagnose what the failures name, as far as conf lists it as Domain, and say
 * what has become of each. ST_NO_MEMORY.
 */
enum status proofjudge(const struct diagnosed_means *means,
    const struct conf *conf, struct proof *proof, struct fault *fault);

#endif
