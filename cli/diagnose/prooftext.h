/*
 * prooftext: failures that senders saw and what is seen now, for people.
 */
#ifndef PROOFTEXT_H
#define PROOFTEXT_H

#include <stdbool.h>

#include "proof.h"

void prooftext_print(const struct proof *proof, bool with_colour);

#endif
