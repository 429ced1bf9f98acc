/*
 * inject: makes the Nth call of some kind fail, and watches for leaks.
 *
 *	for (unsigned n = 1;; n++) {
 *		inject_arm(INJECT_MEMORY, n);
 *		st = operation();
 *		if (!inject_disarm())
 *			break;	(it was never called an Nth time: all tried)
 *		...
 *	}
 *
 * The operation must hold no assertion: Check takes memory for each, and is
 * linked statically.
 *
 * Armed, it also notes each piece of memory, compressor and digest that the
 * library takes; inject_leaks() says how many were not given back.
 */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>
#include <stddef.h>

enum inject {
	INJECT_MEMORY = 1 << 0, /* malloc and its relatives, cJSON's too */
	INJECT_ZLIB = 1 << 1,   /* making a compressor or a decompressor */
	INJECT_WRITE = 1 << 2,  /* write: ENOSPC, after half of the bytes */
	INJECT_SYNC = 1 << 3,   /* fsync: EIO */
	INJECT_FILE = 1 << 4,   /* open, mkdir, link and so on: EIO */
	INJECT_READ = 1 << 5,   /* read: EIO */
	INJECT_SOCKET = 1 << 6, /* socket, connect: EMFILE, ECONNREFUSED */
	INJECT_THREAD = 1 << 7, /* pthread_create: EAGAIN */
	INJECT_DIGEST = 1 << 8, /* libcrypto's EVP functions */
	INJECT_FLAGS = 1 << 9,  /* renameat2 with flags: EINVAL */
	INJECT_KEY = 1 << 10,   /* libcrypto's decoding of a public key */
	INJECT_ALL = (1 << 11) - 1,
	/* close: EIO; what is not written does not ask. */
	INJECT_CLOSE = 1 << 11
};

/* Make the nth call of these kinds fail; 0 watches only. */
void inject_arm(unsigned kinds, unsigned nth);

/* Stop. Did the nth call come? */
bool inject_disarm(void);

/* What has been taken since inject_arm() and not been given back. */
size_t inject_leaks(void);

/*
 * A write that takes only some of the bytes, and one that a signal interrupts:
 * every call while armed. Nothing may be lost by them.
 */
void inject_short_writes(bool is_on);

/* A system without syncfs(), armed or not. */
void inject_no_syncfs(bool is_on);

/* How often mktime() has been called, armed or not. */
size_t inject_mktimes(void);

#endif
