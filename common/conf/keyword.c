#include "keyword.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "address.h"
#include "text.h"

#ifndef LOCALSTATEDIR
#define LOCALSTATEDIR "/var"
#endif
#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif

enum {
	LIST_MAX = 10000,     /* values of a repeatable keyword */
	RECIPIENT_MAX = 254,  /* bytes of an address (RFC 5321) */
	SOCKET_PATH_MAX = 107 /* bytes of sockaddr_un.sun_path, less its NUL */
};

/*
 * Checks of strings.
 */

static const char *
check_socket(const char *value)
{
	const char *at;
	bool is_unix = text_iprefix(value, "unix:");

	if (is_unix || text_iprefix(value, "local:")) {
		value = strchr(value, ':') + 1;
		if (*value != '/')
			return "the path of a socket must begin with \"/\"";
		if (strlen(value) > SOCKET_PATH_MAX)
			return "the path of the socket is too long";
		return NULL;
	}
	if (!text_iprefix(value, "inet:") && !text_iprefix(value, "inet6:"))
		return "not unix:PATH, local:PATH, inet:PORT@HOST or "
		       "inet6:PORT@HOST";
	value = strchr(value, ':') + 1;
	at = strchr(value, '@');
	if (at == NULL || at == value || at[1] == '\0')
		return "not PORT@HOST";
	return address_is_port(value, (size_t)(at - value))
	    ? NULL
	    : "the port is not 1 to 65535";
}

static const char *
check_mailbox(const char *value)
{
	const char *at = strrchr(value, '@');

	if (at == NULL || at[1] == '\0')
		return "not an address (tls-reports@example.com) or a domain "
		       "(@reports.example.com)";
	return strpbrk(value, "<>") != NULL ? "angle brackets are not part of "
					      "the address"
					    : NULL;
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/*
 * A plain address, for it goes to sendmail(8) and into a header field: a
 * dot-atom (RFC 5322, section 3.2.3) that does not look like an option, and a
 * domain.
 */
static const char *
check_recipient(const char *value)
{
	size_t local = strspn(value, ALNUM "!#$%&'*+-/=?^_`{|}~.");
	size_t domain =
	    value[local] == '@' ? strspn(value + local + 1, ALNUM ".-") : 0;

	return local == 0 || domain == 0 || value[0] == '-' ||
		value[local + 1 + domain] != '\0' ||
		strlen(value) > RECIPIENT_MAX
	    ? "not a plain address such as postmaster@example.com"
	    : NULL;
}

static const char *
check_path(const char *value)
{
	return value[0] != '/' ? "a path must begin with \"/\"" : NULL;
}

static const char *
check_state_file(const char *value)
{
	return strcmp(value, "none") == 0 ? NULL : check_path(value);
}

static const char *
check_domain(const char *value)
{
	return strpbrk(value, "@/: ") != NULL ? "not a domain name" : NULL;
}

/* A name, and a "/" where only its fields with our queue id count. */
static const char *
check_authserv_id(const char *value)
{
	size_t len = strcspn(value, "/");

	return len == 0 || strpbrk(value, "@;\"()") != NULL ||
		(value[len] == '/' && value[len + 1] != '\0')
	    ? "not an authserv-id such as mx.example.com or mx.example.com/"
	    : NULL;
}

static const char *
check_server(const char *value)
{
	size_t len = strcspn(value, "@");

	if (!address_is_ip(value, len))
		return "not an IP address";
	value += len;
	return *value == '@' && !address_is_port(value + 1, strlen(value + 1))
	    ? "the port is not 1 to 65535"
	    : NULL;
}

static const char *
check_ident(const char *value)
{
	return strpbrk(value, "[]:%") != NULL || strlen(value) > 32
	    ? "an identity has up to 32 characters and none of \"[]:%\""
	    : NULL;
}

/*
 * The table.
 */

static const struct choice report_actions[] = {
	{ "deliver", ACTION_DELIVER },
	{ "discard", ACTION_DISCARD },
	{ NULL, 0 },
};

static const struct choice malformed_actions[] = {
	{ "deliver", ACTION_DELIVER },
	{ "quarantine", ACTION_QUARANTINE },
	{ "reject", ACTION_REJECT },
	{ NULL, 0 },
};

static const struct choice failure_actions[] = {
	{ "deliver", ACTION_DELIVER },
	{ "tempfail", ACTION_TEMPFAIL },
	{ NULL, 0 },
};

static const struct choice unverified_actions[] = {
	{ "deliver", ACTION_DELIVER },
	{ "discard", ACTION_DISCARD },
	{ "quarantine", ACTION_QUARANTINE },
	{ "reject", ACTION_REJECT },
	{ NULL, 0 },
};

static const struct choice dkim_modes[] = {
	{ "require", DKIM_REQUIRE },
	{ "log", DKIM_LOG },
	{ "off", DKIM_OFF },
	{ NULL, 0 },
};

static const struct choice targets[] = {
	{ "auto", TARGET_AUTO },
	{ "syslog", TARGET_SYSLOG },
	{ "journal", TARGET_JOURNAL },
	{ "stderr", TARGET_STDERR },
	{ NULL, 0 },
};

static const struct choice formats[] = {
	{ "logfmt", FORMAT_LOGFMT },
	{ "json", FORMAT_JSON },
	{ "cee", FORMAT_CEE },
	{ NULL, 0 },
};

static const struct choice facilities[] = {
	{ "mail", LOG_MAIL },
	{ "daemon", LOG_DAEMON },
	{ "user", LOG_USER },
	{ "local0", LOG_LOCAL0 },
	{ "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 },
	{ "local7", LOG_LOCAL7 },
	{ NULL, 0 },
};

#define AT(member) .offset = offsetof(struct conf, member)
#define KIB        (UINT64_C(1) << 10)
#define GIB        (UINT64_C(1) << 30)
#define HOUR       UINT64_C(3600)
#define MONTH      (UINT64_C(30) * 86400)

static const struct keyword keywords[] = {
	{ "Socket", "unix:" RUNSTATEDIR "/tlsrpt-milter/milter.sock",
	    TYPE_STRING, true, AT(socket), .check = check_socket },
	{ "SocketMode", "0660", TYPE_MODE, true, AT(socket_mode), .max = 0777 },
	{ "SocketGroup", "postfix", TYPE_STRING, true, AT(socket_group) },
	{ "User", "tlsrpt-milter", TYPE_STRING, true, AT(user) },
	{ "PidFile", "", TYPE_STRING, true, AT(pid_file), .check = check_path },
	{ "Mailbox", "", TYPE_LIST, false, AT(mailbox),
	    .check = check_mailbox },
	{ "RecipientDelimiter", "+", TYPE_STRING, false,
	    AT(recipient_delimiter) },
	{ "Domain", "", TYPE_LIST, false, AT(domain), .check = check_domain },
	{ "ArchiveDirectory", LOCALSTATEDIR "/lib/tlsrpt-milter/archive",
	    TYPE_STRING, false, AT(archive_directory), .check = check_path },
	{ "ArchiveMessage", "no", TYPE_BOOL, false, AT(archive_message) },
	{ "StateFile", LOCALSTATEDIR "/lib/tlsrpt-milter/state.db", TYPE_STRING,
	    true, AT(state_file), .check = check_state_file },
	{ "OnReport", "deliver", TYPE_CHOICE, false, AT(on_report),
	    .choices = report_actions },
	{ "OnMalformed", "deliver", TYPE_CHOICE, false, AT(on_malformed),
	    .choices = malformed_actions },
	{ "OnFailure", "deliver", TYPE_CHOICE, false, AT(on_failure),
	    .choices = failure_actions },
	{ "DKIM", "require", TYPE_CHOICE, false, AT(dkim),
	    .choices = dkim_modes },
	{ "AuthservID", "", TYPE_LIST, false, AT(authserv_id),
	    .check = check_authserv_id },
	{ "Resolver", "", TYPE_LIST, false, AT(resolver),
	    .check = check_server },
	{ "DNSTimeout", "5s", TYPE_TIME, false, AT(dns_timeout), .min = 1,
	    .max = 60 },
	{ "TrustAnchorFile", "", TYPE_STRING, false, AT(trust_anchor_file),
	    .check = check_path },
	{ "OnUnverified", "deliver", TYPE_CHOICE, false, AT(on_unverified),
	    .choices = unverified_actions },
	{ "OnDNSFailure", "tempfail", TYPE_CHOICE, false, AT(on_dns_failure),
	    .choices = failure_actions },
	{ "MaxMessageSize", "50M", TYPE_SIZE, false, AT(max_message_size),
	    .min = KIB, .max = 2 * GIB },
	{ "MaxReportSize", "32M", TYPE_SIZE, false, AT(max_report_size),
	    .min = KIB, .max = GIB },
	{ "MaxFailureLines", "100", TYPE_COUNT, false, AT(max_failure_lines),
	    .max = 1000000 },
	{ "NoticeRate", "1%", TYPE_RATE, false, AT(notice_rate), .max = 10000 },
	{ "WarningRate", "5%", TYPE_RATE, false, AT(warning_rate),
	    .max = 10000 },
	{ "MinSessions", "10", TYPE_COUNT, false, AT(min_sessions),
	    .max = 1000000000 },
	{ "ResolveAfter", "48h", TYPE_TIME, true, AT(resolve_after),
	    .min = HOUR, .max = MONTH },
	{ "SilentAfter", "3d", TYPE_TIME, true, AT(silent_after), .min = HOUR,
	    .max = MONTH },
	{ "AlertCommand", "", TYPE_STRING, false, AT(alert_command),
	    .check = check_path },
	{ "AlertMail", "", TYPE_LIST, false, AT(alert_mail),
	    .check = check_recipient },
	{ "AlertRate", "10", TYPE_COUNT, false, AT(alert_rate), .max = 100000 },
	{ "LogTarget", "auto", TYPE_CHOICE, false, AT(log_target),
	    .choices = targets },
	{ "LogFormat", "logfmt", TYPE_CHOICE, false, AT(log_format),
	    .choices = formats },
	{ "SyslogFacility", "mail", TYPE_CHOICE, false, AT(syslog_facility),
	    .choices = facilities },
	{ "SyslogIdent", "tlsrpt-milter", TYPE_STRING, false, AT(syslog_ident),
	    .check = check_ident },
};

enum {
	KEYWORDS = sizeof keywords / sizeof keywords[0]
};

_Static_assert(sizeof(enum conf_action) == sizeof(int) &&
	sizeof(enum conf_dkim) == sizeof(int) &&
	sizeof(enum log_target) == sizeof(int) &&
	sizeof(enum log_format) == sizeof(int),
    "a choice is stored as an int");
_Static_assert((int)KEYWORDS <= (int)KEYWORDS_MAX,
    "conf.given has a bit for each keyword");

const struct keyword *
keyword_at(size_t i)
{
	return i < KEYWORDS ? &keywords[i] : NULL;
}

void *
keyword_place(const struct keyword *keyword, struct conf *conf)
{
	return (char *)conf + keyword->offset;
}

/*
 * Values. Each reader returns what is wrong with the value, or NULL.
 */

static const char out_of_memory[] = "out of memory";
static const char out_of_range[] = "out of range";
static const char not_a_word[] = "not one of its words";

static const char *
read_string(void *at, const char *value)
{
	char **string = at;
	char *copy = strdup(value);

	if (copy == NULL)
		return out_of_memory;
	free(*string);
	*string = copy;
	return NULL;
}

static const char *
read_item(void *at, const char *value)
{
	struct conf_list *list = at;
	char **item;

	if (list->count == LIST_MAX)
		return "too many values";
	item = realloc(list->item, (list->count + 1) * sizeof *item);
	if (item == NULL)
		return out_of_memory;
	list->item = item;
	list->item[list->count] = strdup(value);
	if (list->item[list->count] == NULL)
		return out_of_memory;
	list->count++;
	return NULL;
}

static const char *
read_bool(void *at, const char *value)
{
	bool is_yes = text_ieq(value, "yes") || text_ieq(value, "true") ||
	    strcmp(value, "1") == 0;

	if (!is_yes && !text_ieq(value, "no") && !text_ieq(value, "false") &&
	    strcmp(value, "0") != 0)
		return "not yes or no";
	*(bool *)at = is_yes;
	return NULL;
}

static const char *
read_choice(const struct keyword *kw, void *at, const char *value)
{
	for (const struct choice *c = kw->choices; c->word != NULL; c++) {
		if (text_ieq(c->word, value)) {
			*(int *)at = c->value;
			return NULL;
		}
	}
	return not_a_word;
}

/* Digits in the given base, at most max; *rest is what follows them. */
static bool
read_digits(const char *value, int base, uint64_t *number, const char **rest)
{
	char *end;

	if (value[0] < '0' || value[0] > '9')
		return false;
	errno = 0;
	*number = strtoull(value, &end, base);
	*rest = end;
	return errno == 0;
}

static const char *
check_range(const struct keyword *kw, uint64_t number)
{
	return number < kw->min || number > kw->max ? out_of_range : NULL;
}

static const char *
read_mode(const struct keyword *kw, void *at, const char *value)
{
	const char *rest;
	uint64_t number;

	if (!read_digits(value, 8, &number, &rest) || *rest != '\0')
		return "not an octal mode such as 0660";
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(unsigned *)at = (unsigned)number;
	return NULL;
}

static const char *
read_size(const struct keyword *kw, void *at, const char *value)
{
	static const char units[] = "kmg";
	const char *rest, *unit;
	uint64_t number;
	unsigned shift = 0;

	if (!read_digits(value, 10, &number, &rest))
		return "not a size such as 512K or 32M";
	if (*rest != '\0') {
		unit = strchr(units, text_lower(*rest));
		if (unit == NULL || rest[1] != '\0')
			return "not a size such as 512K or 32M";
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (number > UINT64_MAX >> shift)
		return out_of_range;
	number <<= shift;
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(uint64_t *)at = number;
	return NULL;
}

static const char *
read_time(const struct keyword *kw, void *at, const char *value)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	static const char *const wrong = "not a time such as 30s, 5m, 2h or 7d";
	uint64_t number, seconds = 1;
	const char *rest;

	if (!read_digits(value, 10, &number, &rest))
		return wrong;
	if (*rest != '\0') {
		seconds = 0;
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
			if (text_lower(*rest) == units[i].unit)
				seconds = units[i].seconds;
		}
		if (seconds == 0 || rest[1] != '\0')
			return wrong;
	}
	if (number > UINT64_MAX / seconds)
		return out_of_range;
	number *= seconds;
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(uint64_t *)at = number;
	return NULL;
}

static const char *
read_count(const struct keyword *kw, void *at, const char *value)
{
	const char *rest;
	uint64_t number;

	if (!read_digits(value, 10, &number, &rest) || *rest != '\0')
		return "not a number";
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(uint64_t *)at = number;
	return NULL;
}

static const char *
read_rate(const struct keyword *kw, void *at, const char *value)
{
	static const char *const wrong =
	    "not a percentage with at most two decimals, such as 1% or 0.25%";
	uint64_t number, decimals = 0;
	const char *rest;

	if (!read_digits(value, 10, &number, &rest) || number > kw->max)
		return wrong;
	number *= 100;
	if (*rest == '.') {
		const char *from = rest + 1;

		if (!read_digits(from, 10, &decimals, &rest) || rest - from > 2)
			return wrong;
		number += rest - from == 1 ? decimals * 10 : decimals;
	}
	if (strcmp(rest, "%") != 0 && *rest != '\0')
		return wrong;
	if (check_range(kw, number) != NULL)
		return check_range(kw, number);
	*(uint64_t *)at = number;
	return NULL;
}

const char *
keyword_set(const struct keyword *kw, struct conf *conf, const char *value)
{
	void *at = keyword_place(kw, conf);

	if (kw->check != NULL && value[0] != '\0' && kw->check(value) != NULL)
		return kw->check(value);
	switch (kw->type) {
	case TYPE_STRING:
		return read_string(at, value);
	case TYPE_LIST:
		return read_item(at, value);
	case TYPE_BOOL:
		return read_bool(at, value);
	case TYPE_SIZE:
		return read_size(kw, at, value);
	case TYPE_TIME:
		return read_time(kw, at, value);
	case TYPE_COUNT:
		return read_count(kw, at, value);
	case TYPE_RATE:
		return read_rate(kw, at, value);
	case TYPE_MODE:
		return read_mode(kw, at, value);
	case TYPE_CHOICE:
		break;
	}
	return read_choice(kw, at, value);
}

/*
 * What is wrong, for people.
 */

struct number {
	char text[32];
};

/* In the largest unit that gives a whole number. */
static struct number
write_units(uint64_t number, const uint64_t *units, const char *letters)
{
	struct number written;
	size_t i = 0;

	while (number % units[i] != 0)
		i++;
	(void)snprintf(written.text, sizeof written.text, "%llu%.1s",
	    (unsigned long long)(number / units[i]), letters + i);
	return written;
}

/* As the file would give it. */
static struct number
write_number(const struct keyword *kw, uint64_t number)
{
	static const uint64_t seconds[] = { 86400, 3600, 60, 1 };
	static const uint64_t bytes[] = { GIB, KIB * KIB, KIB, 1 };
	struct number written;

	if (kw->type == TYPE_TIME && number != 0)
		return write_units(number, seconds, "dhms");
	if (kw->type == TYPE_SIZE && number != 0)
		return write_units(number, bytes, "GMK");
	if (kw->type == TYPE_RATE)
		number /= 100;
	(void)snprintf(written.text, sizeof written.text,
	    kw->type == TYPE_MODE       ? "%04llo"
		: kw->type == TYPE_RATE ? "%llu%%"
					: "%llu",
	    (unsigned long long)number);
	return written;
}

static void
list_words(const struct keyword *kw, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "none of: ");

	for (const struct choice *c = kw->choices; c->word != NULL && n < size;
	     c++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    c == kw->choices ? "" : ", ", c->word);
}

void
keyword_explain(
    const struct keyword *kw, const char *wrong, char *out, size_t size)
{
	if (wrong == not_a_word)
		list_words(kw, out, size);
	else if (wrong == out_of_range)
		(void)snprintf(out, size, "%s: %s to %s", wrong,
		    write_number(kw, kw->min).text,
		    write_number(kw, kw->max).text);
	else
		(void)snprintf(out, size, "%s", wrong);
}
