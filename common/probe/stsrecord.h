/*
 * stsrecord: the TXT record at _mta-sts.DOMAIN (RFC 8461, section 3.1).
 */
#ifndef STSRECORD_H
#define STSRECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "remark.h"

enum {
	STSRECORD_ID_MAX = 33 /* 32 letters and digits, and the NUL */
};

struct stsrecord {
	char id[STSRECORD_ID_MAX];
};

/*
 * Does a TXT record begin with "v=STSv1;"? All others are left out of account,
 * and then exactly one must be left.
 */
bool stsrecord_is_one(const char *text, size_t len);

/*
 * Read one, joined from its strings. False when it is not valid, whereupon
 * senders take it that there is no policy; remarks (may be NULL) say where and
 * why, and what is odd in a valid one.
 */
bool stsrecord_read(const char *text, size_t len, struct stsrecord *record,
    struct remarks *remarks);

#endif
