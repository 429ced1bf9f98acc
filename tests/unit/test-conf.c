#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "conf.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

/* Parse; the problems, a string to be freed, in *problems. */
static struct conf *
parse(const char *text, size_t len, char **problems)
{
	size_t size = 0;
	FILE *file = open_memstream(problems, &size);
	struct conf *conf;

	ck_assert_ptr_nonnull(file);
	conf = conf_parse("f", text, len, CONF_MILTER, file);
	ck_assert_int_eq(fclose(file), 0);
	return conf;
}

START_TEST(the_defaults_are_those_of_the_manual)
{
	struct conf *conf = conf_new();

	ck_assert_ptr_nonnull(conf);
	ck_assert_str_eq(conf->socket, "unix:/run/tlsrpt-milter/milter.sock");
	ck_assert_uint_eq(conf->socket_mode, 0660);
	ck_assert_str_eq(conf->socket_group, "postfix");
	ck_assert_str_eq(conf->user, "tlsrpt-milter");
	ck_assert_str_eq(conf->pid_file, "");
	ck_assert_uint_eq(conf->mailbox.count, 0);
	ck_assert_str_eq(conf->recipient_delimiter, "+");
	ck_assert_uint_eq(conf->domain.count, 0);
	ck_assert_str_eq(
	    conf->archive_directory, "/var/lib/tlsrpt-milter/archive");
	ck_assert(!conf->archive_message);
	ck_assert_str_eq(conf->state_file, "/var/lib/tlsrpt-milter/state.db");
	ck_assert_int_eq(conf->on_report, ACTION_DELIVER);
	ck_assert_int_eq(conf->on_malformed, ACTION_DELIVER);
	ck_assert_int_eq(conf->on_failure, ACTION_DELIVER);
	ck_assert_int_eq(conf->dkim, DKIM_REQUIRE);
	ck_assert_uint_eq(conf->authserv_id.count, 0);
	ck_assert_uint_eq(conf->resolver.count, 0);
	ck_assert_uint_eq(conf->dns_timeout, 5);
	ck_assert_str_eq(conf->trust_anchor_file, "");
	ck_assert_int_eq(conf->on_unverified, ACTION_DELIVER);
	ck_assert_int_eq(conf->on_dns_failure, ACTION_TEMPFAIL);
	ck_assert_uint_eq(conf->max_message_size, 50 << 20);
	ck_assert_uint_eq(conf->max_report_size, 32 << 20);
	ck_assert_uint_eq(conf->max_failure_lines, 100);
	ck_assert_uint_eq(conf->notice_rate, 100);
	ck_assert_uint_eq(conf->warning_rate, 500);
	ck_assert_uint_eq(conf->min_sessions, 10);
	ck_assert_uint_eq(conf->resolve_after, 48 * 3600);
	ck_assert_uint_eq(conf->silent_after, 3 * 86400);
	ck_assert_str_eq(conf->alert_command, "");
	ck_assert_uint_eq(conf->alert_mail.count, 0);
	ck_assert_uint_eq(conf->alert_rate, 10);
	ck_assert_int_eq(conf->log_target, TARGET_AUTO);
	ck_assert_int_eq(conf->log_format, FORMAT_LOGFMT);
	ck_assert_int_eq(conf->syslog_facility, LOG_MAIL);
	ck_assert_str_eq(conf->syslog_ident, "tlsrpt-milter");
	conf_unref(&conf);
	ck_assert_ptr_null(conf);
	conf_unref(&conf);
}
END_TEST

/* Each keyword, and the ways to write one. */
static const char every_keyword[] = "# a comment\n"
				    "\n"
				    "Socket\tinet:8891@127.0.0.1\r\n"
				    "  SocketMode  0600  # another\n"
				    "SOCKETGROUP mail\n"
				    "user nobody\n"
				    "PidFile /run/x.pid\n"
				    "Mailbox a@b.example\n"
				    "Mailbox @c.example\n"
				    "RecipientDelimiter +-\n"
				    "Domain b.example\n"
				    "Domain mx.b.example\n"
				    "ArchiveDirectory /a\n"
				    "ArchiveMessage YES\n"
				    "StateFile /s\n"
				    "OnReport Discard\n"
				    "OnMalformed reject\n"
				    "OnFailure tempfail\n"
				    "dkim log\n"
				    "AuthservID mx.b.example\n"
				    "Resolver 127.0.0.1@5353\n"
				    "Resolver ::1\n"
				    "DNSTimeout 2s\n"
				    "TrustAnchorFile /root.key\n"
				    "OnUnverified reject\n"
				    "OnDNSFailure deliver\n"
				    "MaxMessageSize 1G\n"
				    "MaxReportSize 512k\n"
				    "MaxFailureLines 0\n"
				    "NoticeRate 0.25%\n"
				    "WarningRate 12.5\n"
				    "MinSessions 1\n"
				    "ResolveAfter 3d\n"
				    "SilentAfter 36h\n"
				    "AlertCommand /usr/bin/true\n"
				    "AlertMail x@e.example\n"
				    "AlertMail y@e.example\n"
				    "AlertRate 0\n"
				    "LogTarget journal\n"
				    "LogFormat cee\n"
				    "SyslogFacility local7\n"
				    "SyslogIdent x";

START_TEST(every_keyword_is_taken)
{
	struct conf *conf = unit_conf(every_keyword);

	ck_assert_str_eq(conf->socket, "inet:8891@127.0.0.1");
	ck_assert_uint_eq(conf->socket_mode, 0600);
	ck_assert_str_eq(conf->socket_group, "mail");
	ck_assert_str_eq(conf->user, "nobody");
	ck_assert_str_eq(conf->pid_file, "/run/x.pid");
	ck_assert_uint_eq(conf->mailbox.count, 2);
	ck_assert_str_eq(conf->mailbox.item[0], "a@b.example");
	ck_assert_str_eq(conf->mailbox.item[1], "@c.example");
	ck_assert_str_eq(conf->recipient_delimiter, "+-");
	ck_assert_uint_eq(conf->domain.count, 2);
	ck_assert_str_eq(conf->domain.item[1], "mx.b.example");
	ck_assert_str_eq(conf->archive_directory, "/a");
	ck_assert(conf->archive_message);
	ck_assert_str_eq(conf->state_file, "/s");
	ck_assert_int_eq(conf->on_report, ACTION_DISCARD);
	ck_assert_int_eq(conf->on_malformed, ACTION_REJECT);
	ck_assert_int_eq(conf->on_failure, ACTION_TEMPFAIL);
	ck_assert_int_eq(conf->dkim, DKIM_LOG);
	ck_assert_uint_eq(conf->authserv_id.count, 1);
	ck_assert_str_eq(conf->authserv_id.item[0], "mx.b.example");
	ck_assert_uint_eq(conf->resolver.count, 2);
	ck_assert_str_eq(conf->resolver.item[0], "127.0.0.1@5353");
	ck_assert_uint_eq(conf->dns_timeout, 2);
	ck_assert_str_eq(conf->trust_anchor_file, "/root.key");
	ck_assert_int_eq(conf->on_unverified, ACTION_REJECT);
	ck_assert_int_eq(conf->on_dns_failure, ACTION_DELIVER);
	ck_assert_uint_eq(conf->max_message_size, 1 << 30);
	ck_assert_uint_eq(conf->max_report_size, 512 << 10);
	ck_assert_uint_eq(conf->max_failure_lines, 0);
	ck_assert_uint_eq(conf->notice_rate, 25);
	ck_assert_uint_eq(conf->warning_rate, 1250);
	ck_assert_uint_eq(conf->min_sessions, 1);
	ck_assert_uint_eq(conf->resolve_after, 3 * 86400);
	ck_assert_uint_eq(conf->silent_after, 36 * 3600);
	ck_assert_str_eq(conf->alert_command, "/usr/bin/true");
	ck_assert_uint_eq(conf->alert_mail.count, 2);
	ck_assert_str_eq(conf->alert_mail.item[1], "y@e.example");
	ck_assert_uint_eq(conf->alert_rate, 0);
	ck_assert_int_eq(conf->log_target, TARGET_JOURNAL);
	ck_assert_int_eq(conf->log_format, FORMAT_CEE);
	ck_assert_int_eq(conf->syslog_facility, LOG_LOCAL7);
	ck_assert_str_eq(conf->syslog_ident, "x");
	ck_assert(conf_is_given(conf, "SyslogIdent"));
	conf_unref(&conf);
}
END_TEST

/* A line that stands alone, with the Mailbox that is needed before it. */
static const struct {
	const char *line;
	const char *problem; /* what it must say, or NULL for none */
} lines[] = {
	{ "Nonsense 1", "f:2: unknown keyword" },
	{ "Mailboxes a@b", "f:2: unknown keyword" },
	{ "Socket", "f:2: Socket: no value" },
	{ "Socket a b", "f:2: Socket: more than one value" },
	{ "User x\nUser y", "f:3: User: given already in line 2" },
	{ "\x01User x", "f:2: control character" },
	{ "User x\x1b[31m", "f:2: control character" },
	{ "Socket unix:relative", "f:2: Socket" },
	{ "Socket inet:8891@localhost", NULL },
	{ "SocketMode 668", "f:2: SocketMode" },
	{ "PidFile run/x", "f:2: PidFile" },
	{ "Mailbox nobody", "f:2: Mailbox" },
	{ "Domain a@b", "f:2: Domain" },
	{ "ArchiveDirectory archive", "f:2: ArchiveDirectory" },
	{ "ArchiveMessage maybe", "f:2: ArchiveMessage" },
	{ "StateFile state.db", "f:2: StateFile" },
	{ "SilentAfter 59m", "f:2: SilentAfter" },
	{ "OnReport reject", "f:2: OnReport" },
	{ "OnMalformed discard", "f:2: OnMalformed" },
	{ "OnFailure reject", "f:2: OnFailure" },
	{ "MaxMessageSize 1023", "f:2: MaxMessageSize" },
	{ "MaxMessageSize 1024", NULL },
	{ "MaxReportSize 1T", "f:2: MaxReportSize" },
	{ "MaxFailureLines 1000001", "f:2: MaxFailureLines" },
	{ "MinSessions 1000000001", "f:2: MinSessions" },
	{ "WarningRate 5.123%", "f:2: WarningRate" },
	{ "WarningRate 1%\nNoticeRate 1%", NULL },
	{ "WarningRate 0.99%", "f:2: WarningRate: less than NoticeRate" },
	{ "NoticeRate 6%\nDNSTimeout 1s", "f:2: WarningRate: less" },
	{ "AlertCommand notify", "f:2: AlertCommand" },
	{ "AlertRate -1", "f:2: AlertRate" },
	{ "AlertMail root", "f:2: AlertMail" },
	{ "AlertMail x@d.example\nUser y", NULL },
	{ "AlertMail A@B\nUser y",
	    "f:2: AlertMail: \"A@B\" is a Mailbox, where" },
	{ "AlertMail a+x@b", "f:2: AlertMail: \"a+x@b\" is" },
	{ "AlertMail x@d.example\nAlertMail y@d.example\nMailbox @d.example",
	    "f:4: AlertMail: \"x@d.example\" is a Mailbox" },
	{ "LogTarget file", "f:2: LogTarget" },
	{ "LogFormat xml", "f:2: LogFormat" },
	{ "SyslogFacility kern", "f:2: SyslogFacility" },
	{ "SyslogIdent a[b]", "f:2: SyslogIdent" },
	{ "Domain a b", "f:2: Domain: more than one value" },
	{ "Listen 8080", "f:2: Listen" },
	{ "Listen unix:/x\nListen inet:80@::1", NULL },
	{ "PathSecret example.com 0123456789abcdef", NULL },
	{ "PathSecret example.com\t \t0123456789abcdef", NULL },
	{ "PathSecret example.com", "f:2: PathSecret: not two values" },
	{ "PathSecret a 0123456789abcdef x", "f:2: PathSecret: not two" },
	{ "PathSecret a 0123456789abcde", "f:2: PathSecret: \"a 01" },
	{ "TrustedProxy 192.0.2.0/33", "f:2: TrustedProxy" },
	{ "KeyFile /k\nUser x", "f:2: KeyFile: needs CertificateFile" },
	{ "CertificateFile /c", "f:2: CertificateFile: needs KeyFile" },
	{ "Path /healthz", "f:2: Path: \"/healthz\": " },
	{ "CertificateFile /c\nKeyFile /k", NULL },
	{ "User x#y", NULL },
	{ "#User", NULL },
};

START_TEST(lines_are_judged)
{
	char text[512], *problems = NULL;
	struct conf *conf;

	(void)snprintf(text, sizeof text, "Mailbox a@b\n%s\n", lines[_i].line);
	conf = parse(text, strlen(text), &problems);
	if (lines[_i].problem == NULL) {
		ck_assert_msg(conf != NULL, "%s: %s", lines[_i].line, problems);
		ck_assert_str_eq(problems, "");
	} else {
		ck_assert_msg(conf == NULL, "%s", lines[_i].line);
		ck_assert_msg(strstr(problems, lines[_i].problem) != NULL,
		    "%s: %s", lines[_i].line, problems);
		/* A line each, and nothing that a terminal would act on. */
		ck_assert_uint_eq(strspn(problems,
				      "\n !\"#$%&'()*+,-./0123456789:;<=>?@"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
				      "abcdefghijklmnopqrstuvwxyz{|}~"),
		    strlen(problems));
	}
	free(problems);
	conf_unref(&conf);
}
END_TEST

/* One blank between the two words, whatever the file has. */
START_TEST(a_pair_is_one_value)
{
	static const char text[] =
	    "Mailbox a@b\nPathSecret a.example \t 0123456789abcdef  # x\n";
	char *problems = NULL;
	struct conf *conf = parse(BYTES(text), &problems);

	ck_assert_uint_eq(conf->path_secret.count, 1);
	ck_assert_str_eq(
	    conf->path_secret.item[0], "a.example 0123456789abcdef");
	conf_unref(&conf);
	free(problems);
}
END_TEST

/* The collector needs no Mailbox, and has a name of its own in the log. */
START_TEST(the_collector_reads_the_same_file)
{
	static const char none[] = "User x\n";
	static const char given[] = "SyslogIdent tlsrpt-milter\n";
	FILE *file = fopen("/dev/null", "w");
	struct conf *conf = conf_parse("f", BYTES(none), CONF_COLLECTOR, file);

	ck_assert_str_eq(conf->syslog_ident, "tlsrpt-collector");
	conf_unref(&conf);
	conf = conf_parse("f", BYTES(given), CONF_COLLECTOR, file);
	ck_assert_str_eq(conf->syslog_ident, "tlsrpt-milter");
	conf_unref(&conf);
	(void)fclose(file);
}
END_TEST

/* Lists are compared by what is in them. */
START_TEST(listening_elsewhere_needs_a_restart)
{
	static const char one[] = "Mailbox a@b\nListen unix:/x\n";
	static const char two[] = "Mailbox a@b\nListen unix:/y\n";
	char *problems = NULL, restart[64];
	struct conf *a = parse(BYTES(one), &problems), *b, *c;

	free(problems);
	b = parse(BYTES(one), &problems);
	free(problems);
	c = parse(BYTES(two), &problems);
	free(problems);
	conf_restart_needed(a, b, restart, sizeof restart);
	ck_assert_str_eq(restart, "");
	conf_restart_needed(a, c, restart, sizeof restart);
	ck_assert_str_eq(restart, "Listen");
	conf_unref(&a);
	conf_unref(&b);
	conf_unref(&c);
}
END_TEST

START_TEST(every_problem_is_told)
{
	static const char text[] = "Bad 1\nUser\nMaxReportSize x\n";
	char *problems = NULL;

	ck_assert_ptr_null(parse(BYTES(text), &problems));
	ck_assert_ptr_nonnull(strstr(problems, "f:1: "));
	ck_assert_ptr_nonnull(strstr(problems, "f:2: "));
	ck_assert_ptr_nonnull(strstr(problems, "f:3: MaxReportSize"));
	ck_assert_ptr_nonnull(strstr(problems, "Mailbox: at least one"));
	free(problems);
}
END_TEST

/* A command is handed what is ours, and asks no Mailbox. */
START_TEST(commands_need_no_mailbox)
{
	static const char text[] = "User x\nAlertMail a@b\n";
	static const char bad[] = "User x\nUser y\n";
	char *problems = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&problems, &size);
	struct conf *conf;

	conf = conf_parse("f", BYTES(text), CONF_COMMAND, file);
	ck_assert_ptr_nonnull(conf);
	ck_assert_str_eq(conf->user, "x");
	conf_unref(&conf);
	ck_assert_ptr_null(conf_parse("f", BYTES(text), CONF_MILTER, file));
	ck_assert_ptr_null(conf_parse("f", BYTES(bad), CONF_COMMAND, file));
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_str_eq(problems,
	    "f:2: Mailbox: at least one is needed\n"
	    "f:2: User: given already in line 1\n");
	free(problems);
}
END_TEST

/* The words and the range that a value is to be of. */
START_TEST(values_are_told)
{
	static const struct {
		const char *keyword, *value, *want;
	} rows[] = {
		{ "SilentAfter", "5", "out of range: 1h to 30d" },
		{ "DNSTimeout", "0", "out of range: 1s to 1m" },
		{ "MaxMessageSize", "3G", "out of range: 1K to 2G" },
		{ "MaxFailureLines", "1000001", "out of range: 0 to 1000000" },
		{ "NoticeRate", "100.5%", "out of range: 0% to 100%" },
		{ "SocketMode", "1000", "out of range: 0000 to 0777" },
		{ "DKIM", "foo", "none of: require, log, off" },
		{ "MinSessions", "x", "not a number" },
		{ "User", "", "no value" },
		{ "Nonsense", "x", "no such keyword" },
	};
	struct conf *conf = conf_new();
	struct conf_why why;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert(
		    !conf_set(conf, rows[i].keyword, rows[i].value, &why));
		ck_string(rows[i].keyword, why.text, rows[i].want);
	}
	ck_assert(!conf_set(conf, "SyslogFacility", "x", &why));
	ck_assert_ptr_nonnull(strstr(why.text, "local7"));
	ck_assert(conf_set(conf, "DKIM", "log", &why));
	ck_assert_int_eq(conf->dkim, DKIM_LOG);
	conf_unref(&conf);
}
END_TEST

START_TEST(odd_files)
{
	static const struct {
		const char *text;
		size_t len;
	} files[] = { { BYTES("") }, { BYTES("\n\n") },
		{ BYTES("Mailbox a@b\0c\n") },
		{ BYTES("Mailbox a@b\n\x7fUser x\n") },
		{ BYTES("Us\x9b"
			"31mer x\n") } };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *problems = NULL;

		ck_assert_ptr_null(
		    parse(files[i].text, files[i].len, &problems));
		ck_assert_int_eq(strncmp(problems, "f:", 2), 0);
		for (const char *p = problems; *p != '\0'; p++)
			ck_assert_msg(*p == '\n' || (*p >= ' ' && *p < 0x7f),
			    "%zu: %s", i, problems);
		free(problems);
	}
}
END_TEST

START_TEST(lines_and_lists_have_their_limit)
{
	char *problems = NULL;
	struct conf *conf;
	struct buf text;

	buf_init(&text, 10000);
	(void)buf_adds(&text, "Mailbox a@b\nUser ");
	unit_repeat(&text, "x", 5000);
	ck_assert_ptr_null(parse(text.data, text.len, &problems));
	ck_assert_ptr_nonnull(strstr(problems, "f:2: line too long"));
	free(problems);
	buf_free(&text);
	for (size_t n = 10000; n <= 10001; n++) {
		buf_init(&text, 1 << 20);
		unit_repeat(&text, "Mailbox a@b\n", n);
		conf = parse(text.data, text.len, &problems);
		ck_assert_int_eq(conf != NULL, n == 10000);
		if (conf == NULL)
			ck_assert_ptr_nonnull(
			    strstr(problems, "f:10001: Mailbox"));
		conf_unref(&conf);
		free(problems);
		buf_free(&text);
	}
}
END_TEST

START_TEST(files_are_loaded)
{
	char dir[256], path[512], *problems = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&problems, &size);
	struct conf *conf;
	struct buf text;

	unit_directory(dir, sizeof dir);
	(void)snprintf(path, sizeof path, "%s/conf", dir);
	ck_assert_ptr_null(conf_load(path, CONF_MILTER, file));
	unit_write(path, BYTES("Mailbox a@b\n"));
	conf = conf_load(path, CONF_MILTER, file);
	ck_assert_ptr_nonnull(conf);
	ck_assert(conf_is_given(conf, "mailbox"));
	ck_assert(!conf_is_given(conf, "User"));
	ck_assert(!conf_is_given(conf, "Nonsense"));
	conf_unref(&conf);
	unit_write(path, "", 0);
	ck_assert_ptr_null(conf_load(path, CONF_MILTER, file));
	/* A directory is no file, and a megabyte is no configuration. */
	ck_assert_ptr_null(conf_load(dir, CONF_MILTER, file));
	buf_init(&text, 2 << 20);
	unit_repeat(&text, "#\n", (1 << 19) + 1);
	unit_write(path, text.data, text.len);
	ck_assert_ptr_null(conf_load(path, CONF_MILTER, file));
	buf_free(&text);
	ck_assert_int_eq(fclose(file), 0);
	/* No line of it is to blame. */
	ck_assert_ptr_nonnull(strstr(problems, "/conf: No such file"));
	ck_assert_ptr_nonnull(strstr(problems, ": Is a directory"));
	ck_assert_ptr_nonnull(strstr(problems, "/conf: file too large"));
	free(problems);
}
END_TEST

START_TEST(references_are_counted)
{
	struct conf *conf = unit_conf("Mailbox a@b"), *other;

	other = conf_ref(conf);
	ck_assert_ptr_eq(other, conf);
	conf_unref(&conf);
	ck_assert_ptr_null(conf);
	ck_assert_str_eq(other->mailbox.item[0], "a@b");
	conf_unref(&other);
}
END_TEST

START_TEST(what_needs_a_restart_is_told)
{
	static const struct {
		const char *text, *want;
	} changes[] = {
		{ "", "" },
		{ "OnReport discard\nMailbox c@d\nLogTarget stderr", "" },
		{ "User nobody", "User" },
		{ "Socket unix:/x\nSocketMode 0666\nPidFile /p",
		    "Socket, SocketMode, PidFile" },
	};
	struct conf *old = unit_conf("Mailbox a@b");

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		char text[256], out[256], small[12];
		struct conf *new;

		(void)snprintf(
		    text, sizeof text, "Mailbox a@b\n%s", changes[i].text);
		new = unit_conf(text);
		conf_restart_needed(old, new, out, sizeof out);
		ck_string(changes[i].text, out, changes[i].want);
		conf_restart_needed(old, new, small, sizeof small);
		ck_assert_uint_lt(strlen(small), sizeof small);
		ck_assert_int_eq(strncmp(small, out, strlen(small)), 0);
		conf_unref(&new);
	}
	conf_unref(&old);
}
END_TEST

START_TEST(every_keyword_has_a_name)
{
	const char *name, *value;
	size_t n = 0;

	while ((name = conf_keyword(n, &value)) != NULL) {
		ck_assert_uint_gt(strlen(name), 3);
		ck_assert_ptr_nonnull(value);
		n++;
	}
	ck_assert_uint_eq(n, 49);
	ck_assert_ptr_null(conf_keyword(n, &value));
}
END_TEST

START_TEST(every_call_may_fail)
{
	static const char text[] = "Mailbox a@b\nMailbox c@d\nUser x\n";
	FILE *null = fopen("/dev/null", "w");
	unsigned n;

	ck_assert_ptr_nonnull(null);
	for (n = 1;; n++) {
		struct conf *conf;
		bool is_there;

		inject_arm(INJECT_MEMORY, n);
		conf = conf_parse("f", BYTES(text), CONF_MILTER, null);
		is_there = conf != NULL;
		conf_unref(&conf);
		if (!inject_disarm()) {
			ck_assert(is_there);
			break;
		}
		ck_assert(!is_there);
		ck_assert_uint_eq(inject_leaks(), 0);
	}
	ck_assert_uint_gt(n, 10);
	ck_assert_int_eq(fclose(null), 0);
}
END_TEST

Suite *
conf_suite(void)
{
	Suite *suite = suite_create("conf");
	TCase *tc = tcase_create("conf");

	/* Ten thousand reallocations take a sanitizer seconds. */
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_defaults_are_those_of_the_manual);
	tcase_add_test(tc, every_keyword_is_taken);
	tcase_add_loop_test(tc, lines_are_judged, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(tc, every_problem_is_told);
	tcase_add_test(tc, a_pair_is_one_value);
	tcase_add_test(tc, the_collector_reads_the_same_file);
	tcase_add_test(tc, listening_elsewhere_needs_a_restart);
	tcase_add_test(tc, commands_need_no_mailbox);
	tcase_add_test(tc, values_are_told);
	tcase_add_test(tc, odd_files);
	tcase_add_test(tc, lines_and_lists_have_their_limit);
	tcase_add_test(tc, files_are_loaded);
	tcase_add_test(tc, references_are_counted);
	tcase_add_test(tc, what_needs_a_restart_is_told);
	tcase_add_test(tc, every_keyword_has_a_name);
	tcase_add_test(tc, every_call_may_fail);
	suite_add_tcase(suite, tc);
	return suite;
}
