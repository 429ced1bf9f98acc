#include "conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "keyword.h"
#include "mailbox.h"
#include "text.h"

enum {
	FILE_MAX = 1 << 20
}; /* bytes of a configuration file */

/* The index of a keyword in the table, in any case of letters. */
static bool
find_keyword(const char *name, size_t *index)
{
	const struct keyword *kw;

	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		if (text_ieq(kw->name, name)) {
			*index = i;
			return true;
		}
	}
	return false;
}

const char *
conf_keyword(size_t i, const char **value)
{
	const struct keyword *kw = keyword_at(i);

	if (kw == NULL)
		return NULL;
	*value = kw->value;
	return kw->name;
}

/*
 * Life and death.
 */

static void
conf_free(struct conf *conf)
{
	const struct keyword *kw;

	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		void *at = keyword_place(kw, conf);

		if (kw->type == TYPE_STRING) {
			free(*(char **)at);
		} else if (kw->type == TYPE_LIST) {
			struct conf_list *list = at;

			for (size_t j = 0; j < list->count; j++)
				free(list->item[j]);
			free(list->item);
		}
	}
	free(conf);
}

struct conf *
conf_new(void)
{
	struct conf *conf = calloc(1, sizeof *conf);
	const struct keyword *kw;

	if (conf == NULL)
		return NULL;
	conf->refs = 1;
	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		if (kw->type != TYPE_LIST &&
		    keyword_set(kw, conf, kw->value) != NULL) {
			conf_free(conf);
			return NULL;
		}
	}
	return conf;
}

struct conf *
conf_ref(struct conf *conf)
{
	conf->refs++;
	return conf;
}

void
conf_unref(struct conf **conf)
{
	if (*conf != NULL && --(*conf)->refs == 0)
		conf_free(*conf);
	*conf = NULL;
}

/*
 * The file.
 */

struct parser {
	const char *name;
	FILE *problems;
	struct conf *conf;
	unsigned line;
	unsigned given_at[KEYWORDS_MAX]; /* the line, 0 when not yet */
	bool has_problem;
};

static void problem(struct parser *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
problem(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	p->has_problem = true;
	(void)fprintf(p->problems, "%s:%u: ", p->name, p->line);
	va_start(ap, fmt);
	(void)vfprintf(p->problems, fmt, ap);
	va_end(ap);
	(void)fputc('\n', p->problems);
}

/* Text from the file as it may be printed: it may hold anything. */
struct shown {
	char text[64];
};

static struct shown
show(const char *value)
{
	struct shown shown;
	size_t n = 0;

	for (; value[n] != '\0' && n + 1 < sizeof shown.text; n++)
		shown.text[n] =
		    value[n] >= 0x20 && value[n] < 0x7f ? value[n] : '?';
	shown.text[n] = '\0';
	return shown;
}

static void
bad_value(struct parser *p, const struct keyword *kw, const char *value,
    const char *why)
{
	struct conf_why shown;

	keyword_explain(kw, why, shown.text, sizeof shown.text);
	problem(p, "%s: \"%s\": %s", kw->name, show(value).text, shown.text);
}

/* The two words of a pair, with one blank between them; else one word. */
static bool
join_words(const struct keyword *kw, char *value)
{
	char *second = value + strcspn(value, " \t");

	if (*second == '\0')
		return !kw->is_pair;
	*second = '\0';
	for (second++; text_is_space(*second);)
		second++;
	if (!kw->is_pair || strpbrk(second, " \t") != NULL)
		return false;
	value[strlen(value)] = ' ';
	memmove(strchr(value, ' ') + 1, second, strlen(second) + 1);
	return true;
}

static void
take_setting(struct parser *p, const char *name, char *value)
{
	const struct keyword *kw;
	const char *why;
	size_t i;

	if (!find_keyword(name, &i)) {
		problem(p, "unknown keyword \"%s\"", show(name).text);
		return;
	}
	kw = keyword_at(i);
	if (p->given_at[i] != 0 && kw->type != TYPE_LIST) {
		problem(p, "%s: given already in line %u", kw->name,
		    p->given_at[i]);
		return;
	}
	p->given_at[i] = p->line;
	p->conf->given |= UINT64_C(1) << i;
	if (value[0] == '\0') {
		problem(p, "%s: no value", kw->name);
		return;
	}
	if (!join_words(kw, value)) {
		problem(p, "%s: %s", kw->name,
		    kw->is_pair ? "not two values" : "more than one value");
		return;
	}
	why = keyword_set(kw, p->conf, value);
	if (why != NULL)
		bad_value(p, kw, value, why);
}

/* Cut a comment: "#" at the start of the line or behind white space. */
static void
cut_comment(char *line)
{
	for (char *p = line; *p != '\0'; p++) {
		if (*p == '#' && (p == line || text_is_space(p[-1]))) {
			*p = '\0';
			return;
		}
	}
}

/* One line, NUL-terminated, which this takes apart. */
static void
take_line(struct parser *p, char *line)
{
	char *value, *end;

	cut_comment(line);
	while (text_is_space(*line))
		line++;
	for (end = line + strlen(line); end > line && text_is_space(end[-1]);)
		*--end = '\0';
	if (*line == '\0')
		return;
	for (char *c = line; *c != '\0'; c++) {
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f) {
			problem(p, "control character");
			return;
		}
	}
	value = line + strcspn(line, " \t");
	if (*value != '\0')
		*value++ = '\0';
	while (text_is_space(*value))
		value++;
	take_setting(p, line, value);
}

/* The line of one of two keywords: whichever was given later. */
static unsigned
later_line(const struct parser *p, const char *one, const char *other)
{
	size_t i = 0, j = 0;

	(void)find_keyword(one, &i);
	(void)find_keyword(other, &j);
	return p->given_at[i] > p->given_at[j] ? p->given_at[i]
					       : p->given_at[j];
}

/* A mail about a problem must not come back to us as a report. */
static void
check_alerts(struct parser *p)
{
	const struct conf *conf = p->conf;

	for (size_t i = 0; i < conf->alert_mail.count; i++) {
		const char *address = conf->alert_mail.item[i];

		if (!mailbox_is_ours(conf, address))
			continue;
		p->line = later_line(p, "AlertMail", "Mailbox");
		problem(p,
		    "AlertMail: \"%s\" is a Mailbox, where reports are "
		    "expected, and alerts are none",
		    show(address).text);
	}
}

/* A name of its own in the log, where the file does not give one. */
static void
name_collector(struct parser *p)
{
	struct conf *conf = p->conf;
	char *ident;

	if (conf_is_given(conf, "SyslogIdent"))
		return;
	ident = strdup("tlsrpt-collector");
	if (ident == NULL) {
		problem(p, "out of memory");
		return;
	}
	free(conf->syslog_ident);
	conf->syslog_ident = ident;
}

static void
check_collector(struct parser *p)
{
	const struct conf *conf = p->conf;

	bool has_certificate = conf->certificate_file[0] != '\0';

	if (has_certificate != (conf->key_file[0] != '\0')) {
		p->line = later_line(p, "CertificateFile", "KeyFile");
		problem(p,
		    has_certificate ? "CertificateFile: needs KeyFile"
				    : "KeyFile: needs CertificateFile");
	}
}

/* What no single line can be blamed for is said of the last one. */
static void
check_whole(struct parser *p, enum conf_reader reader)
{
	const struct conf *conf = p->conf;

	if (reader == CONF_MILTER && conf->mailbox.count == 0)
		problem(p, "Mailbox: at least one is needed");
	if (conf->warning_rate < conf->notice_rate) {
		p->line = later_line(p, "WarningRate", "NoticeRate");
		problem(p, "WarningRate: less than NoticeRate");
	}
	check_alerts(p);
	check_collector(p);
	if (reader == CONF_COLLECTOR)
		name_collector(p);
}

static void
take_text(struct parser *p, const char *text, size_t len)
{
	const char *end = text + len;
	char line[2048];

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n =
		    nl != NULL ? (size_t)(nl - text) : (size_t)(end - text);

		p->line++;
		if (n >= sizeof line) {
			problem(p, "line too long");
		} else if (memchr(text, '\0', n) != NULL) {
			problem(p, "control character");
		} else {
			memcpy(line, text, n);
			line[n] = '\0';
			take_line(p, line);
		}
		text += nl != NULL ? n + 1 : n;
	}
	if (p->line == 0)
		p->line = 1;
}

struct conf *
conf_parse(const char *name, const char *text, size_t len,
    enum conf_reader reader, FILE *problems)
{
	struct parser p = {
		.name = name,
		.problems = problems,
		.conf = conf_new(),
	};

	if (p.conf == NULL) {
		(void)fprintf(problems, "%s: out of memory\n", name);
		return NULL;
	}
	take_text(&p, text, len);
	check_whole(&p, reader);
	if (p.has_problem)
		conf_unref(&p.conf);
	return p.conf;
}

struct conf *
conf_load(const char *path, enum conf_reader reader, FILE *problems)
{
	struct conf *conf = NULL;
	struct buf text;
	enum status st = ST_OK;
	char block[4096];
	FILE *file = fopen(path, "re");
	size_t n;

	if (file == NULL) {
		(void)fprintf(problems, "%s: %s\n", path, strerror(errno));
		return NULL;
	}
	buf_init(&text, FILE_MAX);
	errno = 0;
	while (st == ST_OK && (n = fread(block, 1, sizeof block, file)) > 0)
		st = buf_add(&text, block, n);
	if (ferror(file))
		(void)fprintf(problems, "%s: %s\n", path, strerror(errno));
	else if (st != ST_OK)
		(void)fprintf(problems, "%s: file too large\n", path);
	else
		conf = conf_parse(path, text.data != NULL ? text.data : "",
		    text.len, reader, problems);
	(void)fclose(file);
	buf_free(&text);
	return conf;
}

bool
conf_set(struct conf *conf, const char *keyword, const char *value,
    struct conf_why *why)
{
	const char *wrong = "no value";
	size_t i;

	if (!find_keyword(keyword, &i)) {
		(void)text_copy(why->text, sizeof why->text, "no such keyword");
		return false;
	}
	if (value[0] != '\0')
		wrong = keyword_set(keyword_at(i), conf, value);
	if (wrong != NULL)
		keyword_explain(
		    keyword_at(i), wrong, why->text, sizeof why->text);
	else
		conf->given |= UINT64_C(1) << i;
	return wrong == NULL;
}

bool
conf_is_given(const struct conf *conf, const char *keyword)
{
	size_t i;

	return find_keyword(keyword, &i) && (conf->given >> i & 1);
}

static bool
is_same_list(const struct conf_list *a, const struct conf_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->item[i], b->item[i]) != 0)
			return false;
	}
	return true;
}

static bool
is_same(const struct keyword *kw, const struct conf *a, const struct conf *b)
{
	const void *x = (const char *)a + kw->offset;
	const void *y = (const char *)b + kw->offset;

	if (kw->type == TYPE_STRING)
		return strcmp(*(char *const *)x, *(char *const *)y) == 0;
	if (kw->type == TYPE_LIST)
		return is_same_list(x, y);
	return memcmp(x, y, sizeof(unsigned)) == 0;
}

void
conf_restart_needed(
    const struct conf *old, const struct conf *new, char *out, size_t size)
{
	const struct keyword *kw;
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		if (!kw->is_at_restart || is_same(kw, old, new))
			continue;
		if (n + strlen(kw->name) + 3 > size)
			break;
		n += (size_t)snprintf(
		    out + n, size - n, "%s%s", n > 0 ? ", " : "", kw->name);
	}
}
