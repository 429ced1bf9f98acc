#include "recordoptions.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "keyword.h"
#include "render.h"
#include "text.h"

enum {
	TIMEOUT_MIN = 1, /* seconds */
	TIMEOUT_MAX = 300
};

bool
recordoptions_bad(
    const struct recordoptions *options, const char *word, const char *why)
{
	(void)fprintf(stderr, "tlsrpt record %s: \"", options->verb);
	render_string(stderr, word);
	(void)fprintf(stderr, "\" is %s\n", why);
	return false;
}

/*
 * A name that was copied with what stands before it in the DNS. Of mta-sts, a
 * domain may be left: mta-sts.example is one.
 */
static const char *
skip_prefix(const char *name)
{
	static const char *const prefixes[] = { "_smtp._tls.", "_mta-sts.",
		"mta-sts." };

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		const char *rest = name + strlen(prefixes[i]);
		const char *dot;

		if (!text_iprefix(name, prefixes[i]))
			continue;
		dot = strchr(rest, '.');
		if (prefixes[i][0] == '_' || (dot != NULL && dot[1] != '\0'))
			return rest;
	}
	return name;
}

bool
recordoptions_domain(struct recordoptions *options, const char *word)
{
	const char *name = skip_prefix(word);

	if (!idn_to_ascii(name, options->domain))
		return recordoptions_bad(
		    options, word, command_no_domain(word));
	if (name != word)
		(void)fprintf(stderr,
		    "tlsrpt record %s: \"%.*s\" is not part of the domain, "
		    "which is %s\n",
		    options->verb, (int)(name - word - 1), word,
		    options->domain);
	return true;
}

/* As the configuration has it: 5, 5s, 1m. */
static bool
read_timeout(struct recordoptions *options, const char *word)
{
	static const struct keyword keyword = {
		.type = TYPE_TIME,
		.offset = offsetof(struct conf, dns_timeout),
		.min = TIMEOUT_MIN,
		.max = TIMEOUT_MAX,
	};
	const char *wrong = keyword_set(&keyword, options->given, word);
	char why[128];

	if (wrong == NULL)
		return true;
	keyword_explain(&keyword, wrong, why, sizeof why);
	return recordoptions_bad(options, word, why);
}

static bool
read_resolver(struct recordoptions *options, const char *word)
{
	struct conf_why why;

	return conf_set(options->given, "Resolver", word, &why) ||
	    recordoptions_bad(options, word, why.text);
}

static bool
read_format(struct recordoptions *options, const char *word)
{
	options->is_json = strcmp(word, "json") == 0;
	return options->is_json || strcmp(word, "text") == 0 ||
	    recordoptions_bad(options, word, "none of: text, json");
}

static bool
read_rua(struct recordoptions *options, const char *word)
{
	if (options->uris == RECORDMAKE_URIS_MAX)
		return recordoptions_bad(options, word, "one rua too many");
	options->uri[options->uris++] = word;
	return true;
}

static const struct {
	unsigned bit; /* 0: every verb has it */
	struct option option;
} all_options[] = {
	{ 0, { "help", no_argument, NULL, 'h' } },
	{ 0, { "format", required_argument, NULL, 'f' } },
	{ RECORDOPTIONS_DOMAIN, { "domain", required_argument, NULL, 'd' } },
	{ RECORDOPTIONS_DNS, { "resolver", required_argument, NULL, 'r' } },
	{ RECORDOPTIONS_DNS, { "timeout", required_argument, NULL, 't' } },
	{ RECORDOPTIONS_HTTPS, { "ca-file", required_argument, NULL, 'C' } },
	{ RECORDOPTIONS_RUA, { "rua", required_argument, NULL, 'u' } },
};

enum {
	OPTIONS = sizeof all_options / sizeof all_options[0]
};

static bool
take_option(struct recordoptions *options, int c)
{
	switch (c) {
	case 'c':
		options->conf_path = optarg;
		return true;
	case 'C':
		options->ca_file = optarg;
		return true;
	case 'd':
		return recordoptions_domain(options, optarg);
	case 'f':
		return read_format(options, optarg);
	case 'r':
		return read_resolver(options, optarg);
	case 't':
		return read_timeout(options, optarg);
	case 'u':
		return read_rua(options, optarg);
	default:
		break;
	}
	return false;
}

int
recordoptions_read(struct recordoptions *options, int argc, char **argv)
{
	struct option list[OPTIONS + 1];
	size_t n = 0;
	int c;

	for (size_t i = 0; i < OPTIONS; i++) {
		if (all_options[i].bit == 0 ||
		    (all_options[i].bit & options->has) != 0)
			list[n++] = all_options[i].option;
	}
	list[n] = (struct option){ NULL, 0, NULL, 0 };
	while ((c = getopt_long(argc, argv,
		    (options->has & RECORDOPTIONS_DNS) != 0 ? "c:h" : "h", list,
		    NULL)) != -1) {
		if (c == 'h') {
			(void)fputs(options->usage, stdout);
			return EX_OK;
		}
		if (!take_option(options, c))
			return command_misused("record");
	}
	if (argc - optind != options->arguments) {
		(void)fprintf(stderr, "tlsrpt record %s: %s\n", options->verb,
		    options->arguments == 0 ? "it takes no argument"
					    : "it takes one argument");
		return command_misused("record");
	}
	options->argument = argv[optind];
	return -1;
}
