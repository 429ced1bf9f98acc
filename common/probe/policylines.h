/*
 * policylines: a policy as the lines of policy-string (RFC 8460, section 4.2),
 * to be compared with the one of another time.
 */
#ifndef POLICYLINES_H
#define POLICYLINES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

enum {
	POLICYLINES_MAX = 256,      /* lines; the rest is left out */
	POLICYLINES_LINE_MAX = 1024 /* bytes of one, NUL included; cut */
};

/* All zero has no lines. */
struct policylines {
	size_t count;
	char *line[POLICYLINES_MAX]; /* none is empty */
	uint64_t sum;                /* private: of their hashes */
};

/*
 * Add the lines of a text: a policy file, or one TLSA record. White space at
 * their ends is left out, and so are empty lines. ST_NO_MEMORY.
 */
enum status
policylines_add(struct policylines *lines, const char *text, size_t len);

/*
 * Add policy-string as senders write it: an array of lines; as Microsoft has
 * it, an array of one string that holds such an array; or an array of one
 * string with all lines in it. NULL has none. ST_NO_MEMORY.
 */
enum status
policylines_read(struct policylines *lines, const cJSON *policy_string);

void policylines_clear(struct policylines *lines);

/*
 * Compare: fn is called for each line of before, with "-" when after lacks it,
 * else " "; then for each line of after that before lacks, with "+". fn may be
 * NULL. Case, white space and the order of lines mean nothing. Returns how many
 * lines differ.
 */
size_t policylines_compare(const struct policylines *before,
    const struct policylines *after,
    void (*fn)(void *ctx, char sign, const char *line), void *ctx);

/*
 * Would policylines_compare() find no difference? Cheap when there is one.
 */
bool
policylines_is_same(const struct policylines *a, const struct policylines *b);

#endif
