#include "ratetable.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	HOUR_MS = 3600 * 1000,
	IPV6_BYTES = 8 /* of a network that one host has */
};

struct bucket {
	unsigned char key[IPV6_BYTES];
	sa_family_t family; /* 0: free */
	uint64_t spent;     /* in requests, times HOUR_MS */
	uint64_t when;      /* that was so */
};

struct ratetable {
	uint64_t seed; /* so that nobody can aim at a set */
	struct bucket bucket[RATETABLE_SETS][RATETABLE_WAYS];
};

struct ratetable *
ratetable_new(void)
{
	struct ratetable *table = calloc(1, sizeof *table);

	if (table != NULL)
		(void)RAND_bytes(
		    (unsigned char *)&table->seed, sizeof table->seed);
	return table;
}

void
ratetable_free(struct ratetable **table)
{
	free(*table);
	*table = NULL;
}

/* FNV-1a, its end stirred. */
static size_t
hash(const struct ratetable *table, const struct bucket *key)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ table->seed;

	for (size_t i = 0; i < sizeof key->key; i++)
		h = (h ^ key->key[i]) * UINT64_C(1099511628211);
	h ^= (uint64_t)key->family;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 40) % RATETABLE_SETS;
}

/* What is left of what was spent, by the time that has gone. */
static uint64_t
left(const struct bucket *bucket, uint64_t rate, uint64_t now)
{
	uint64_t elapsed = now > bucket->when ? now - bucket->when : 0;
	uint64_t back = elapsed > HOUR_MS ? UINT64_MAX : elapsed * rate;

	return bucket->spent > back ? bucket->spent - back : 0;
}

static struct bucket *
find(struct bucket *set, const struct bucket *key, uint64_t rate, uint64_t now)
{
	struct bucket *found = &set[0];

	for (size_t i = 0; i < RATETABLE_WAYS; i++) {
		struct bucket *bucket = &set[i];

		if (bucket->family == key->family &&
		    memcmp(bucket->key, key->key, sizeof key->key) == 0)
			return bucket;
		if (left(bucket, rate, now) < left(found, rate, now))
			found = bucket;
	}
	*found = *key;
	found->when = now;
	return found;
}

bool
ratetable_take(struct ratetable *table, const struct network *client,
    uint64_t rate, uint64_t now, unsigned *retry)
{
	struct bucket key = { .family = (sa_family_t)client->family };
	size_t len = client->family == AF_INET ? 4 : IPV6_BYTES;
	struct bucket *bucket;

	if (rate == 0)
		return true;
	memcpy(key.key, client->bytes, len);
	bucket = find(table->bucket[hash(table, &key)], &key, rate, now);
	bucket->spent = left(bucket, rate, now);
	bucket->when = now;
	if (bucket->spent > (rate - 1) * HOUR_MS) {
		uint64_t wait =
		    (bucket->spent - (rate - 1) * HOUR_MS + rate - 1) / rate;

		*retry = (unsigned)((wait + 999) / 1000);
		return false;
	}
	bucket->spent += HOUR_MS;
	return true;
}
