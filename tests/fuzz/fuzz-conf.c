/*
 * fuzz-conf: the configuration file.
 *
 * A file is either taken, with every value in range and not a word about it,
 * or refused with problems that name it and a line of it.
 */
#include "conf.h"
#include "fuzz.h"
#include "mailbox.h"

/* Every line is "conf:LINE: text", with a line that exists. */
static void
check_problems(const char *problems, size_t lines)
{
	for (const char *p = problems; *p != '\0';) {
		const char *end = strchr(p, '\n');
		char *colon;
		unsigned long line;

		FUZZ_CHECK(end != NULL);
		FUZZ_CHECK(!fuzz_has_control(p, (size_t)(end - p)));
		FUZZ_CHECK(strncmp(p, "conf:", 5) == 0);
		line = strtoul(p + 5, &colon, 10);
		FUZZ_CHECK(line >= 1 && line <= lines);
		FUZZ_CHECK(colon[0] == ':' && colon[1] == ' ');
		FUZZ_CHECK(end > colon + 2);
		p = end + 1;
	}
}

static void
check_conf(struct conf *conf, const char *text, size_t size)
{
	char *address = malloc(size + 1), differing[512];
	struct conf *other = conf_ref(conf);

	FUZZ_CHECK(other == conf && address != NULL);
	conf_unref(&other);
	FUZZ_CHECK(other == NULL);
	FUZZ_CHECK(conf->mailbox.count > 0);
	FUZZ_CHECK(conf->archive_directory[0] == '/');
	FUZZ_CHECK(conf->socket[0] != '\0' && conf->socket_mode <= 0777);
	FUZZ_CHECK(conf->on_report == ACTION_DELIVER ||
	    conf->on_report == ACTION_DISCARD);
	FUZZ_CHECK(conf->on_failure == ACTION_DELIVER ||
	    conf->on_failure == ACTION_TEMPFAIL);
	FUZZ_CHECK(conf->on_malformed == ACTION_DELIVER ||
	    conf->on_malformed == ACTION_QUARANTINE ||
	    conf->on_malformed == ACTION_REJECT);
	FUZZ_CHECK(conf->max_report_size > 0 && conf->max_message_size > 0);
	FUZZ_CHECK(conf->notice_rate <= 10000 && conf->warning_rate <= 10000);
	FUZZ_CHECK(conf_is_given(conf, "Mailbox"));
	conf_restart_needed(conf, conf, differing, sizeof(differing));
	FUZZ_CHECK(differing[0] == '\0');
	/* Any text as a recipient, and each mailbox as one that is ours. */
	memcpy(address, text, size);
	address[size] = '\0';
	(void)mailbox_is_ours(conf, address);
	(void)mailbox_is_our_domain(conf, address);
	free(address);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size), *problems;
	size_t len, lines = 1;
	struct conf *conf;
	FILE *out = open_memstream(&problems, &len);

	FUZZ_CHECK(out != NULL);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	conf = conf_parse("conf", text, size, CONF_MILTER, out);
	fclose(out);
	FUZZ_CHECK((conf == NULL) == (len > 0));
	FUZZ_CHECK(strlen(problems) == len);
	check_problems(problems, lines);
	if (conf != NULL)
		check_conf(conf, text, size);
	conf_unref(&conf);
	FUZZ_CHECK(conf == NULL);
	free(problems);
	free(text);
	return 0;
}
