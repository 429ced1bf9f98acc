/*
 * pool: memory for a library that does not bear to be refused any. When memory
 * is short there is a reserve for it to get through its current call, and
 * has_failed tells the caller to make no further one.
 */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>

enum {
	POOL_RESERVE = 131072 /* bytes; without being used it costs no page */
};

struct pool {
	bool has_failed;          /* some memory was not to be had */
	struct pool_block *first; /* private, as is what follows */
	char *reserve;
	size_t used; /* bytes of the reserve */
};

/* False when there is no memory for the reserve. */
bool pool_init(struct pool *pool);

/*
 * malloc(3) and free(3), with the struct pool in front. Beyond the reserve,
 * pool_take() returns NULL after all.
 */
void *pool_take(void *pool, size_t size);
void pool_give(void *pool, void *memory);

/* Give everything back. */
void pool_free(struct pool *pool);

#endif
