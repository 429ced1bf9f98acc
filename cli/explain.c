/*
 * tlsrpt explain [RESULT-TYPE]
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "render.h"
#include "result.h"
#include "text.h"

static const char usage[] =
    "usage: tlsrpt explain [RESULT-TYPE]\n"
    "\n"
    "Prints what a result type of RFC 8460, section 4.3 means, its usual\n"
    "cause, what to do, and a command that shows it. Without an argument,\n"
    "the table of all eleven. A policy type is explained, too: sts, tlsa,\n"
    "no-policy-found.\n";

/* The greatest length of a word for which a similar one is looked for. */
enum {
	WORD_MAX = 40
};

/* Policy types of RFC 8460, section 4.4. */
static const struct {
	const char *type;
	const char *meaning;
} policy_types[] = {
	{ "sts",
	    "the sender applied the MTA-STS policy of the domain (RFC 8461), "
	    "which names the MX hosts and wants certificates of a public CA" },
	{ "tlsa",
	    "the sender applied the TLSA records of the MX host (DANE, RFC "
	    "7672), which DNSSEC must sign" },
	{ "no-policy-found",
	    "the sender found neither MTA-STS nor DANE for the domain: TLS was "
	    "tried all the same, and no certificate was asked of it" },
};

enum {
	POLICY_TYPES = sizeof policy_types / sizeof policy_types[0]
};

static bool
explain_policy(const char *word)
{
	for (size_t i = 0; i < POLICY_TYPES; i++) {
		if (strcmp(word, policy_types[i].type) != 0)
			continue;
		(void)puts(word);
		render_wrapped(stdout, 2, "category", "policy type");
		render_wrapped(stdout, 2, "meaning", policy_types[i].meaning);
		render_wrapped(
		    stdout, 2, "defined in", "RFC 8460, section 4.4");
		return true;
	}
	return false;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must change to make one word of the other (Levenshtein). */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t changed =
			    diagonal + (text_lower(a[i]) != text_lower(b[j]));

			diagonal = row[j + 1];
			row[j + 1] =
			    least(changed, least(row[j], row[j + 1]) + 1);
		}
	}
	return row[n];
}

/* The nearest of all types, if not more than a third of it is wrong; or NULL.
 */
static const char *
find_similar(const char *word)
{
	size_t count, best = strlen(word) / 3 + 1;
	const struct result *results = result_all(&count);
	const char *found = NULL;

	if (strlen(word) > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count + POLICY_TYPES; i++) {
		const char *type =
		    i < count ? results[i].type : policy_types[i - count].type;
		size_t away = distance(word, type);

		if (away < best) {
			best = away;
			found = type;
		}
	}
	return found;
}

static void
complain(const char *word)
{
	const char *similar = find_similar(word);

	(void)fputs("tlsrpt: \"", stderr);
	render_string(stderr, word);
	(void)fputs("\" is not in the IANA registry", stderr);
	if (similar != NULL)
		(void)fprintf(stderr, "; did you mean %s?", similar);
	(void)fputc('\n', stderr);
}

int
explain_main(int argc, char **argv)
{
	const struct result *result;

	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)fputs(usage, stdout);
		return EX_OK;
	}
	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		(void)fprintf(stderr,
		    argc > 2 ? "tlsrpt explain: more than one result type\n"
			     : "tlsrpt explain: unknown option\n");
		return command_misused("explain");
	}
	if (argc == 1) {
		render_results(stdout, command_with_colour());
		return EX_OK;
	}
	if (explain_policy(argv[1]))
		return EX_OK;
	result = result_find(argv[1]);
	if (!result_is_known(result))
		complain(argv[1]);
	render_result(stdout, result, command_with_colour());
	return result_is_known(result) ? EX_OK : EX_DATAERR;
}
