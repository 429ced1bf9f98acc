#include "keycache.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	EVP_PKEY *key; /* NULL: free */
	int type;
	size_t len;
	unsigned char *bytes;
	uint64_t used; /* the cache's clock at its last use */
};

struct keycache {
	pthread_mutex_t mutex; /* over all that follows */
	uint64_t clock;
	struct keycache_count count;
	struct entry entry[KEYCACHE_MAX];
};

struct keycache *
keycache_new(void)
{
	struct keycache *cache = calloc(1, sizeof *cache);

	if (cache != NULL && pthread_mutex_init(&cache->mutex, NULL) != 0) {
		free(cache);
		cache = NULL;
	}
	return cache;
}

static void
clear(struct entry *e)
{
	EVP_PKEY_free(e->key);
	free(e->bytes);
	memset(e, 0, sizeof *e);
}

void
keycache_free(struct keycache **cache)
{
	if (*cache == NULL)
		return;
	for (size_t i = 0; i < KEYCACHE_MAX; i++)
		clear(&(*cache)->entry[i]);
	(void)pthread_mutex_destroy(&(*cache)->mutex);
	free(*cache);
	*cache = NULL;
}

/* The entry with that key, or NULL. */
static struct entry *
find(struct keycache *cache, int type, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < KEYCACHE_MAX; i++) {
		struct entry *e = &cache->entry[i];

		if (e->key != NULL && e->type == type && e->len == len &&
		    memcmp(e->bytes, bytes, len) == 0)
			return e;
	}
	return NULL;
}

/* The entry that was not used for the longest time; a free one never was. */
static struct entry *
find_oldest(struct keycache *cache)
{
	struct entry *oldest = &cache->entry[0];

	for (size_t i = 1; i < KEYCACHE_MAX; i++) {
		if (cache->entry[i].used < oldest->used)
			oldest = &cache->entry[i];
	}
	return oldest;
}

/* Decode a key, and keep it in the place of another. NULL: no memory. */
static struct entry *
add(struct keycache *cache, int type, const unsigned char *bytes, size_t len,
    keycache_decode_fn *decode)
{
	struct entry *e = find_oldest(cache);
	unsigned char *copy = malloc(len);
	EVP_PKEY *key = copy != NULL ? decode(type, bytes, len) : NULL;

	if (key == NULL) {
		free(copy);
		return NULL;
	}
	memcpy(copy, bytes, len);
	clear(e);
	e->key = key;
	e->type = type;
	e->len = len;
	e->bytes = copy;
	return e;
}

EVP_PKEY *
keycache_get(struct keycache *cache, int type, const unsigned char *bytes,
    size_t len, keycache_decode_fn *decode)
{
	EVP_PKEY *key = NULL;
	struct entry *e;

	(void)pthread_mutex_lock(&cache->mutex);
	e = find(cache, type, bytes, len);
	if (e != NULL) {
		cache->count.hits++;
	} else {
		cache->count.misses++;
		e = add(cache, type, bytes, len, decode);
	}
	if (e != NULL && EVP_PKEY_up_ref(e->key) == 1) {
		e->used = ++cache->clock;
		key = e->key;
	}
	(void)pthread_mutex_unlock(&cache->mutex);
	return key;
}

struct keycache_count
keycache_count(struct keycache *cache)
{
	struct keycache_count count;

	(void)pthread_mutex_lock(&cache->mutex);
	count = cache->count;
	(void)pthread_mutex_unlock(&cache->mutex);
	return count;
}
