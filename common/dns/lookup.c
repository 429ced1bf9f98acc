#include "lookup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "text.h"

enum {
	TYPE_A = 1,
	TYPE_MX = 15,
	TYPE_AAAA = 28,
	TYPE_TLSA = 52,
	LABEL_MAX = 63, /* bytes (RFC 1035, section 2.3.4) */
	NAME_TEXT_MAX = 253,
	TLSA_NAME_MAX = IDN_NAME_MAX + sizeof "_4294967295._tcp."
};

/*
 * Names.
 */

static bool
is_host_char(char c)
{
	c = text_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

/*
 * Read a name from len bytes of the wire, not compressed, as libunbound hands
 * it over: "" for the root. False when it is none that a host may have, or does
 * not end with the bytes.
 */
static bool
read_name(const unsigned char *wire, size_t len, char out[IDN_NAME_MAX])
{
	size_t at = 0, n = 0;

	while (at < len && wire[at] != 0) {
		size_t label = wire[at++];

		if (label > LABEL_MAX || label > len - at ||
		    n + (n > 0) + label > NAME_TEXT_MAX)
			return false;
		if (n > 0)
			out[n++] = '.';
		for (size_t end = at + label; at < end; at++) {
			if (!is_host_char((char)wire[at]))
				return false;
			out[n++] = text_lower((char)wire[at]);
		}
	}
	out[n] = '\0';
	return at + 1 == len;
}

/* The same from text, with a dot at the end. */
static bool
read_text_name(const char *text, char out[IDN_NAME_MAX])
{
	size_t n = 0;

	for (; *text != '\0' && n < NAME_TEXT_MAX; text++) {
		if (*text == '.' && text[1] == '\0')
			break;
		if (*text != '.' && !is_host_char(*text))
			return false;
		out[n++] = text_lower(*text);
	}
	out[n] = '\0';
	return strcmp(text, ".") == 0;
}

/* Ask, and note what is common to all answers. */
static void
ask(struct resolver *resolver, const char *name, int type,
    unsigned milliseconds, struct answer *answer, struct found *found)
{
	char alias[IDN_NAME_MAX];

	resolver_ask(resolver, name, type, milliseconds, answer);
	found->status = answer->status;
	found->is_secure = answer->is_secure;
	if (answer->canonical[0] == '\0')
		return;
	if (read_text_name(answer->canonical, alias))
		(void)text_copy(found->alias, sizeof found->alias, alias);
	else
		found->dropped++;
}

/*
 * MX.
 */

/* Keep the best of them, in order. */
static void
add_mx(struct found_mx *found, unsigned preference, const char *host)
{
	size_t i = found->count;

	while (i > 0 &&
	    (found->mx[i - 1].preference > preference ||
		(found->mx[i - 1].preference == preference &&
		    strcmp(found->mx[i - 1].host, host) > 0)))
		i--;
	if (found->count == LOOKUP_MX_MAX)
		found->found.dropped++;
	else
		found->count++;
	if (i == LOOKUP_MX_MAX)
		return;
	memmove(&found->mx[i + 1], &found->mx[i],
	    (found->count - 1 - i) * sizeof *found->mx);
	found->mx[i].preference = preference;
	(void)text_copy(found->mx[i].host, sizeof found->mx[i].host, host);
}

/* A preference of 16 bits and a name (RFC 1035, section 3.3.9). */
static void
read_mx(const struct answer *answer, size_t i, struct found_mx *found)
{
	size_t len;
	const unsigned char *record = answer_record(answer, i, &len);
	char host[IDN_NAME_MAX];
	unsigned preference;

	if (len < 2 || !read_name(record + 2, len - 2, host)) {
		found->found.dropped++;
		return;
	}
	preference = (unsigned)record[0] << 8 | record[1];
	if (host[0] != '\0')
		add_mx(found, preference, host);
	else if (preference == 0 && answer->count == 1)
		found->is_null = true;
	else
		found->found.dropped++;
}

void
lookup_mx(struct resolver *resolver, const char *domain, unsigned milliseconds,
    struct found_mx *found)
{
	struct answer answer;

	*found = (struct found_mx){ .count = 0 };
	ask(resolver, domain, TYPE_MX, milliseconds, &answer, &found->found);
	for (size_t i = 0; i < answer.count; i++)
		read_mx(&answer, i, found);
	answer_clear(&answer);
}

/*
 * Addresses.
 */

static bool
read_ipv4(const unsigned char *record, size_t len, struct found_address *found)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (len != sizeof sin.sin_addr)
		return false;
	memcpy(&sin.sin_addr, record, len);
	memcpy(&found->sa, &sin, sizeof sin);
	found->len = sizeof sin;
	return inet_ntop(AF_INET, record, found->text, sizeof found->text) !=
	    NULL;
}

static bool
read_ipv6(const unsigned char *record, size_t len, struct found_address *found)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	if (len != sizeof sin6.sin6_addr)
		return false;
	memcpy(&sin6.sin6_addr, record, len);
	memcpy(&found->sa, &sin6, sizeof sin6);
	found->len = sizeof sin6;
	return inet_ntop(AF_INET6, record, found->text, sizeof found->text) !=
	    NULL;
}

/* All of one family, and the bytes before the address the same. */
static int
compare_addresses(const void *a, const void *b)
{
	const struct found_address *one = a, *other = b;

	return memcmp(&one->sa, &other->sa, one->len);
}

void
lookup_addresses(struct resolver *resolver, const char *host, int family,
    unsigned milliseconds, struct found_addresses *found)
{
	const bool is_ipv4 = family == AF_INET;
	struct answer answer;

	*found = (struct found_addresses){ .count = 0 };
	ask(resolver, host, is_ipv4 ? TYPE_A : TYPE_AAAA, milliseconds, &answer,
	    &found->found);
	for (size_t i = 0; i < answer.count; i++) {
		struct found_address address = { .len = 0 };
		size_t len;
		const unsigned char *record = answer_record(&answer, i, &len);

		if (found->count < LOOKUP_ADDRESSES_MAX &&
		    (is_ipv4 ? read_ipv4(record, len, &address)
			     : read_ipv6(record, len, &address)))
			found->address[found->count++] = address;
		else
			found->found.dropped++;
	}
	qsort(found->address, found->count, sizeof *found->address,
	    compare_addresses);
	answer_clear(&answer);
}

/*
 * TLSA.
 */

static int
compare_tlsa(const void *a, const void *b)
{
	const struct tlsa *one = a, *other = b;
	/* They are parts of records of which these bytes are the first. */
	int order = memcmp(one->data - 3, other->data - 3,
	    3 + (one->len < other->len ? one->len : other->len));

	if (order != 0 || one->len == other->len)
		return order;
	return one->len < other->len ? -1 : 1;
}

/* Add those that are usable, or those that are not, as long as there is room.
 */
static void
add_tlsa(struct found_tlsa *found, bool is_usable)
{
	const size_t first = found->count;

	for (size_t i = 0;
	     i < found->answer.count && found->count < LOOKUP_TLSA_MAX; i++) {
		size_t len;
		const unsigned char *record =
		    answer_record(&found->answer, i, &len);
		struct tlsa tlsa;

		if (tlsa_read(&tlsa, record, len) &&
		    (tlsa_why_unusable(&tlsa) == NULL) == is_usable)
			found->tlsa[found->count++] = tlsa;
	}
	qsort(found->tlsa + first, found->count - first, sizeof *found->tlsa,
	    compare_tlsa);
}

void
lookup_tlsa(struct resolver *resolver, const char *host, unsigned port,
    unsigned milliseconds, struct found_tlsa *found)
{
	char name[TLSA_NAME_MAX];

	*found = (struct found_tlsa){ .count = 0 };
	(void)snprintf(name, sizeof name, "_%u._tcp.%s", port, host);
	ask(resolver, name, TYPE_TLSA, milliseconds, &found->answer,
	    &found->found);
	/* Whoever has too many shall not hide those that count. */
	add_tlsa(found, true);
	add_tlsa(found, false);
	found->found.dropped += found->answer.count - found->count;
}

void
found_tlsa_clear(struct found_tlsa *found)
{
	found->count = 0;
	answer_clear(&found->answer);
}

/*
 * TXT.
 */

/* How many strings a record is made of (RFC 1035, section 3.3.14). */
static size_t
count_strings(const struct answer *answer, size_t i)
{
	size_t len, n = 0;
	const unsigned char *record = answer_record(answer, i, &len);

	for (size_t at = 0; at < len; at += (size_t)1 + record[at])
		n++;
	return n;
}

static enum status
add_txt(const struct answer *answer, size_t i, struct found_txt *found)
{
	struct buf text;
	enum status st;

	buf_init(&text, LOOKUP_TXT_LENGTH);
	/* An empty one has its NUL, too. */
	st = buf_add(&text, "", 0);
	if (st == ST_OK)
		st = answer_txt(answer, i, &text);
	if (st != ST_OK) {
		buf_free(&text);
		return st;
	}
	found->text[found->count] = text.data;
	found->len[found->count] = text.len;
	found->strings[found->count] = count_strings(answer, i);
	found->count++;
	return ST_OK;
}

void
lookup_txt(struct resolver *resolver, const char *name, unsigned milliseconds,
    struct found_txt *found)
{
	struct answer answer;
	enum status st = ST_OK;

	*found = (struct found_txt){ .count = 0 };
	ask(resolver, name, RESOLVER_TXT, milliseconds, &answer, &found->found);
	for (size_t i = 0; i < answer.count && st != ST_NO_MEMORY; i++) {
		st = ST_TOO_LARGE;
		if (found->count < LOOKUP_TXT_MAX)
			st = add_txt(&answer, i, found);
		if (st == ST_TOO_LARGE)
			found->found.dropped++;
	}
	answer_clear(&answer);
	if (st != ST_NO_MEMORY)
		return;
	/* Half an answer would be a wrong one. */
	found_txt_clear(found);
	*found = (struct found_txt){ .found.status = RESOLVER_FAILED };
}

void
found_txt_clear(struct found_txt *found)
{
	for (size_t i = 0; i < found->count; i++)
		free(found->text[i]);
	found->count = 0;
}

const char *
found_str(const struct found *found)
{
	switch (found->status) {
	case RESOLVER_FOUND:
		return "found";
	case RESOLVER_NOT_FOUND:
		return "NXDOMAIN or no such record";
	case RESOLVER_TIMEOUT:
		return "timed out";
	case RESOLVER_BOGUS:
		return "bogus: DNSSEC validation failed";
	case RESOLVER_FAILED:
		break;
	}
	return "SERVFAIL, or no server there";
}
