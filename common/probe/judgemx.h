/*
 * judgemx: what a sender would report of each MX, under each policy.
 */
#ifndef JUDGEMX_H
#define JUDGEMX_H

#include "judging.h"

void judgemx(struct judging *judging);

#endif
