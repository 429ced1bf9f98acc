#include "pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

struct pool_block {
	struct pool_block *next;
	struct pool_block **link; /* what points here; NULL: of the reserve */
	alignas(max_align_t) char memory[];
};

bool
pool_init(struct pool *pool)
{
	pool->has_failed = false;
	pool->first = NULL;
	pool->reserve = malloc(POOL_RESERVE);
	pool->used = 0;
	return pool->reserve != NULL;
}

static void *
take_reserve(struct pool *pool, size_t size)
{
	const size_t unit = alignof(max_align_t);
	struct pool_block *block;

	size = (size + unit - 1) / unit * unit;
	if (size > POOL_RESERVE - pool->used)
		return NULL;
	block = (struct pool_block *)(void *)(pool->reserve + pool->used);
	block->link = NULL;
	pool->used += size;
	return block->memory;
}

void *
pool_take(void *ctx, size_t size)
{
	struct pool *pool = ctx;
	struct pool_block *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	size += sizeof *block;
	block = malloc(size);
	if (block == NULL) {
		pool->has_failed = true;
		return take_reserve(pool, size);
	}
	block->next = pool->first;
	block->link = &pool->first;
	if (block->next != NULL)
		block->next->link = &block->next;
	pool->first = block;
	return block->memory;
}

void
pool_give(void *pool, void *memory)
{
	struct pool_block *block;

	(void)pool;
	if (memory == NULL)
		return;
	block = (struct pool_block *)(void *)((char *)memory -
	    offsetof(struct pool_block, memory));
	if (block->link == NULL)
		return;
	*block->link = block->next;
	if (block->next != NULL)
		block->next->link = block->link;
	free(block);
}

void
pool_free(struct pool *pool)
{
	while (pool->first != NULL)
		pool_give(pool, pool->first->memory);
	free(pool->reserve);
	pool->reserve = NULL;
}
