/*
 * conf: the configuration file, "Keyword value" and "#" comments.
 *
 * A table in conf.c names each keyword once: its type, default, least and
 * greatest value, and where it goes. A configuration never changes once it has
 * been read; whoever uses it holds a reference, so that a new file can take
 * over while messages are still treated by the old one.
 */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "status.h"

enum conf_action {
	ACTION_DELIVER,
	ACTION_DISCARD,
	ACTION_QUARANTINE,
	ACTION_REJECT,
	ACTION_TEMPFAIL,
	ACTION_KEEP /* in the archive as it came; no keyword says so */
};

/* What a report needs to count (RFC 8460, section 3). */
enum conf_dkim {
	DKIM_REQUIRE, /* a valid signature of the reporting domain */
	DKIM_LOG,     /* nothing; the verdict is recorded */
	DKIM_OFF      /* nothing; nobody looks */
};

enum log_target {
	TARGET_AUTO,
	TARGET_SYSLOG,
	TARGET_JOURNAL,
	TARGET_STDERR
};
enum log_format {
	FORMAT_LOGFMT,
	FORMAT_JSON,
	FORMAT_CEE
};

/* Who reads a configuration. */
enum conf_reader {
	CONF_MILTER,  /* it needs all: without Mailbox, no mail would be ours */
	CONF_COMMAND, /* what it is given is ours, so Mailbox may be missing */
	CONF_COLLECTOR /* the same; and it logs under a name of its own */
};

struct conf_list {
	char **item;
	size_t count;
};

struct conf {
	/* The milter's place in the system. */
	char *socket;
	unsigned socket_mode;
	char *socket_group;
	char *user;
	char *pid_file;
	/* Whose mail is ours. */
	struct conf_list mailbox;
	char *recipient_delimiter;
	struct conf_list domain;
	/* What is kept. */
	char *archive_directory;
	bool archive_message;
	char *state_file; /* the index of the archive (state.h), or "none" */
	/* What is done with the mail. */
	enum conf_action on_report;
	enum conf_action on_malformed;
	enum conf_action on_failure;
	/* Which reports are genuine. */
	enum conf_dkim dkim;
	struct conf_list authserv_id;
	struct conf_list resolver;
	uint64_t dns_timeout; /* seconds */
	char *trust_anchor_file;
	enum conf_action on_unverified;
	enum conf_action on_dns_failure;
	/* Limits. */
	uint64_t max_message_size;
	uint64_t max_report_size;
	uint64_t max_failure_lines;
	/* Severity: rates in hundredths of a percent. */
	uint64_t notice_rate;
	uint64_t warning_rate;
	uint64_t min_sessions;
	/* Problems (problem.h): seconds. */
	uint64_t resolve_after;
	uint64_t silent_after;
	/* Who is told of them. */
	char *alert_command;
	struct conf_list alert_mail;
	uint64_t alert_rate; /* an hour; 0 for no limit */
	/* The collector: reports by HTTPS. */
	struct conf_list listen; /* as Socket */
	unsigned listen_mode;
	char *listen_group;
	char *path;
	struct conf_list path_secret; /* "DOMAIN TOKEN" */
	struct conf_list trusted_proxy;
	bool require_auth;
	char *certificate_file;
	char *key_file;
	uint64_t max_body_size;
	uint64_t max_connections;
	uint64_t request_timeout; /* seconds */
	uint64_t rate_per_client; /* requests an hour; 0 for no limit */
	/* The log. */
	enum log_target log_target;
	enum log_format log_format;
	int syslog_facility; /* LOG_MAIL and so on, as syslog(3) has them */
	char *syslog_ident;

	/* Private: references, counted without a lock. */
	_Atomic unsigned refs;
	uint64_t given; /* keywords that the file named, a bit each */
};

/* The defaults alone, as for the command; NULL when there is no memory. */
struct conf *conf_new(void);

/*
 * Read a file. Each problem (unknown keyword, bad value, value out of range,
 * keyword given twice, one missing that the reader needs) is written to
 * problems as "FILE:LINE: text", or as "FILE: text" when the file cannot be
 * read; after any, NULL is returned.
 */
struct conf *
conf_load(const char *path, enum conf_reader reader, FILE *problems);

/* The same from memory; name stands for the file in problems. */
struct conf *conf_parse(const char *name, const char *text, size_t len,
    enum conf_reader reader, FILE *problems);

/* Take and give back a reference; the last one frees. */
struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf **conf);

/*
 * Set a keyword, as a line of a file would. False when the value is wrong: then
 * why says it. For whoever made the configuration, before others see it.
 */
struct conf_why {
	char text[256];
};
bool conf_set(struct conf *conf, const char *keyword, const char *value,
    struct conf_why *why);

/* Did the file name this keyword, or is its value the default? */
bool conf_is_given(const struct conf *conf, const char *keyword);

/*
 * Keywords that differ between the two and take effect at a restart only,
 * comma-separated in out; "" when there are none.
 */
void conf_restart_needed(
    const struct conf *old, const struct conf *new, char *out, size_t size);

/*
 * The table: keyword i and the default as the file would give it ("" for
 * none), or NULL behind the last. Static storage.
 */
const char *conf_keyword(size_t i, const char **value);

#endif
