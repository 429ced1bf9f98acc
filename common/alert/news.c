#include "news.h"

#include <openssl/evp.h>
#include <string.h>

#include "buf.h"

static const char *
string_of(const struct event *ev, const char *name)
{
	const struct field *field = event_find(ev, name);

	return field != NULL && field->type == FIELD_STRING ? field->u.string
							    : "";
}

/* Whom or what an event is about. False when that cannot be told. */
static bool
identify(const struct event *ev, unsigned char id[NEWS_DIGEST_LEN])
{
	static const char *const parts[] = { "policy-domain", "policy-type",
		"result-type", "receiving-mx-hostname", "organization-name" };
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buf text;
	enum status st = ST_OK;
	bool is_ok;

	buf_init(&text, 1 << 16);
	/* With the NUL behind each, which none can hold. */
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const char *part = string_of(ev, parts[i]);

		if (st == ST_OK)
			st = buf_add(&text, part, strlen(part) + 1);
	}
	is_ok = st == ST_OK &&
	    EVP_Digest(text.data, text.len, digest, NULL, EVP_sha256(), NULL) ==
		1;
	if (is_ok)
		memcpy(id, digest, NEWS_DIGEST_LEN);
	buf_free(&text);
	return is_ok;
}

/* The state that an event tells of: "open" for two of them. */
static const char *
state_of(const struct event *ev)
{
	static const struct {
		const char *name;
		const char *state;
	} states[] = {
		{ "problem-opened", "open" },
		{ "problem-worse", "open" },
		{ "problem-resolved", "resolved" },
		{ "problem-stale", "stale" },
		{ "reporter-silent", "silent" },
	};

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		if (strcmp(states[i].name, ev->name) == 0)
			return states[i].state;
	}
	return NULL;
}

/* The entry for it, or else a free one, or else the one told longest ago. */
static struct news_item *
find_item(struct news *news, const unsigned char id[NEWS_DIGEST_LEN])
{
	struct news_item *oldest = &news->item[0];

	for (size_t i = 0; i < NEWS_MAX; i++) {
		struct news_item *item = &news->item[i];

		if (item->state == NULL ||
		    memcmp(item->id, id, NEWS_DIGEST_LEN) == 0)
			return item;
		if (item->told < oldest->told)
			oldest = item;
	}
	oldest->state = NULL;
	return oldest;
}

void
news_init(struct news *news, uint64_t lifetime)
{
	memset(news, 0, sizeof *news);
	news->lifetime = lifetime;
}

bool
news_take(struct news *news, const struct event *ev, uint64_t now)
{
	const char *state = state_of(ev);
	unsigned char id[NEWS_DIGEST_LEN];
	struct news_item *item;

	if (state == NULL || !identify(ev, id))
		return true;
	item = find_item(news, id);
	if (item->state != NULL && strcmp(item->state, state) == 0 &&
	    now - item->told < news->lifetime && ev->severity >= item->severity)
		return false;
	memcpy(item->id, id, NEWS_DIGEST_LEN);
	item->state = state;
	item->severity = ev->severity;
	item->told = now;
	return true;
}
