/*
 * ratetable: how many requests each client has made lately (RatePerClient), in
 * a table of a size that no number of clients makes grow.
 *
 * A bucket of tokens for each: as many as may be spent in an hour, refilled as
 * time goes by. A client is an IPv4 address or an IPv6 network of 64 bits,
 * which one host has all of. Where a place is wanted and none is free, whoever
 * has spent least is forgotten. Not for several threads at a time.
 */
#ifndef RATETABLE_H
#define RATETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

enum {
	RATETABLE_WAYS = 8,
	RATETABLE_SETS = 1024 /* with WAYS clients each */
};

struct ratetable;

/* NULL when there is no memory. */
struct ratetable *ratetable_new(void);

/*
 * May this client make a request now, at that many milliseconds on a clock that
 * only goes forward? If so it is counted, else *retry is set to the seconds
 * after which it may. rate is in requests an hour; 0 is no limit.
 */
bool ratetable_take(struct ratetable *table, const struct network *client,
    uint64_t rate, uint64_t now, unsigned *retry);

void ratetable_free(struct ratetable **table);

#endif
