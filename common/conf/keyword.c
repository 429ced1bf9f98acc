#include "keyword.h"

#include <syslog.h>

#include "keywordcheck.h"

#ifndef LOCALSTATEDIR
#define LOCALSTATEDIR "/var"
#endif
#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif

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
	    TYPE_STRING, true, AT(socket), .check = keyword_check_socket },
	{ "SocketMode", "0660", TYPE_MODE, true, AT(socket_mode), .max = 0777 },
	{ "SocketGroup", "postfix", TYPE_STRING, true, AT(socket_group) },
	{ "User", "tlsrpt-milter", TYPE_STRING, true, AT(user) },
	{ "PidFile", "", TYPE_STRING, true, AT(pid_file),
	    .check = keyword_check_path },
	{ "Mailbox", "", TYPE_LIST, false, AT(mailbox),
	    .check = keyword_check_mailbox },
	{ "RecipientDelimiter", "+", TYPE_STRING, false,
	    AT(recipient_delimiter) },
	{ "Domain", "", TYPE_LIST, false, AT(domain),
	    .check = keyword_check_domain },
	{ "ArchiveDirectory", LOCALSTATEDIR "/lib/tlsrpt-milter/archive",
	    TYPE_STRING, false, AT(archive_directory),
	    .check = keyword_check_path },
	{ "ArchiveMessage", "no", TYPE_BOOL, false, AT(archive_message) },
	{ "StateFile", LOCALSTATEDIR "/lib/tlsrpt-milter/state.db", TYPE_STRING,
	    true, AT(state_file), .check = keyword_check_state_file },
	{ "OnReport", "deliver", TYPE_CHOICE, false, AT(on_report),
	    .choices = report_actions },
	{ "OnMalformed", "deliver", TYPE_CHOICE, false, AT(on_malformed),
	    .choices = malformed_actions },
	{ "OnFailure", "deliver", TYPE_CHOICE, false, AT(on_failure),
	    .choices = failure_actions },
	{ "DKIM", "require", TYPE_CHOICE, false, AT(dkim),
	    .choices = dkim_modes },
	{ "AuthservID", "", TYPE_LIST, false, AT(authserv_id),
	    .check = keyword_check_authserv_id },
	{ "Resolver", "", TYPE_LIST, false, AT(resolver),
	    .check = keyword_check_server },
	{ "DNSTimeout", "5s", TYPE_TIME, false, AT(dns_timeout), .min = 1,
	    .max = 60 },
	{ "TrustAnchorFile", "", TYPE_STRING, false, AT(trust_anchor_file),
	    .check = keyword_check_path },
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
	    .check = keyword_check_path },
	{ "AlertMail", "", TYPE_LIST, false, AT(alert_mail),
	    .check = keyword_check_recipient },
	{ "AlertRate", "10", TYPE_COUNT, false, AT(alert_rate), .max = 100000 },
	{ "Listen", "", TYPE_LIST, true, AT(listen),
	    .check = keyword_check_socket },
	{ "ListenMode", "0660", TYPE_MODE, true, AT(listen_mode), .max = 0777 },
	{ "ListenGroup", "", TYPE_STRING, true, AT(listen_group) },
	{ "Path", "/v1/tlsrpt", TYPE_STRING, false, AT(path),
	    .check = keyword_check_http_path },
	{ "PathSecret", "", TYPE_LIST, false, AT(path_secret), .is_pair = true,
	    .check = keyword_check_path_secret },
	{ "TrustedProxy", "", TYPE_LIST, false, AT(trusted_proxy),
	    .check = keyword_check_proxy },
	{ "RequireAuth", "no", TYPE_BOOL, false, AT(require_auth) },
	{ "CertificateFile", "", TYPE_STRING, false, AT(certificate_file),
	    .check = keyword_check_path },
	{ "KeyFile", "", TYPE_STRING, false, AT(key_file),
	    .check = keyword_check_path },
	{ "MaxBodySize", "32M", TYPE_SIZE, false, AT(max_body_size), .min = KIB,
	    .max = GIB },
	{ "MaxConnections", "1024", TYPE_COUNT, false, AT(max_connections),
	    .min = 1, .max = 100000 },
	{ "RequestTimeout", "60s", TYPE_TIME, false, AT(request_timeout),
	    .min = 1, .max = HOUR },
	{ "RatePerClient", "600", TYPE_COUNT, false, AT(rate_per_client),
	    .max = 1000000 },
	{ "LogTarget", "auto", TYPE_CHOICE, false, AT(log_target),
	    .choices = targets },
	{ "LogFormat", "logfmt", TYPE_CHOICE, false, AT(log_format),
	    .choices = formats },
	{ "SyslogFacility", "mail", TYPE_CHOICE, false, AT(syslog_facility),
	    .choices = facilities },
	{ "SyslogIdent", "tlsrpt-milter", TYPE_STRING, false, AT(syslog_ident),
	    .check = keyword_check_ident },
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
