/*
 * news: does an event say more than what was told already?
 *
 * Late reports make a problem open anew that is open, and hostile ones make it
 * go to and fro. An event that says the same as the last one that was told of
 * that problem, or of that reporter, is no news for a day: that it is open, as
 * problem-opened and problem-worse both say, at no worse a severity; that it is
 * resolved; that it is stale; that the reporter is silent. Once something else
 * has been told meanwhile, it is news again.
 */
#ifndef NEWS_H
#define NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

enum {
	NEWS_MAX = 1024,     /* that are remembered, those told last */
	NEWS_DIGEST_LEN = 32 /* SHA-256 */
};

struct news {
	uint64_t lifetime; /* for which what was told counts */
	struct news_item {
		unsigned char id[NEWS_DIGEST_LEN]; /* of what it is about */
		const char *state; /* static storage; NULL: not in use */
		enum severity severity;
		uint64_t told; /* when */
	} item[NEWS_MAX];
};

/* Nothing has been told. Times may be in any unit, that of now below. */
void news_init(struct news *news, uint64_t lifetime);

/*
 * Is the event news? Then it is remembered as the last one of its problem or
 * reporter. Events of other names always are, and are not remembered. now never
 * goes back.
 */
bool news_take(struct news *news, const struct event *ev, uint64_t now);

#endif
