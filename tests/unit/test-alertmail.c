#include <check.h>
#include <string.h>

#include "alertmail.h"
#include "inject.h"
#include "suites.h"
#include "unit.h"

static struct buf mail;

static void
setup(void)
{
	buf_init(&mail, 1 << 20);
}

static void
teardown(void)
{
	buf_free(&mail);
}

static struct state_problem
make_problem(void)
{
	return (struct state_problem){
		.policy_domain = "d.example",
		.receiving_mx_hostname = "mx2.d.example",
		.policy_type = "sts",
		.result_type = "certificate-expired",
		.episode = {
		    .state = PROBLEM_OPEN,
		    .since = 1770854400,
		    .last = 1771027199,
		    .sessions = 900,
		    .failed = 47,
		    .sightings = 3,
		    .reporters = 2,
		    .severity = SEV_ERR,
		},
	};
}

/* The whole text of the mail about it. */
static const char *
write_problem(enum problem_change change, const struct state_problem *problem)
{
	struct event ev;

	event_problem(&ev, change, problem);
	buf_cut(&mail, 0);
	ck_status("text", alertmail_text(&mail, &ev), ST_OK);
	return mail.data;
}

static void
ck_holds(const char *want)
{
	ck_assert_msg(strstr(mail.data, want) != NULL, "no \"%s\" in:\n%s",
	    want, mail.data);
}

/* A header field is its name at the start of a line, once. */
static void
ck_fields(void)
{
	static const char *const names[] = { "\nX-TLSRPT-Milter: ",
		"\nAuto-Submitted: auto-generated\n",
		"\nX-Auto-Response-Suppress: All\n", "\nTLS-Required: No\n",
		"\nMIME-Version: 1.0\n",
		"\nContent-Type: text/plain; charset=us-ascii\n",
		"\nContent-Transfer-Encoding: 7bit\n" };
	const char *end = strstr(mail.data, "\n\n"), *at;
	size_t lines = 0;

	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(strncmp(mail.data, "Subject: [tlsrpt] ", 18), 0);
	for (at = mail.data; at <= end; at++)
		lines += *at == '\n';
	ck_assert_uint_eq(lines, 1 + ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		at = strstr(mail.data, names[i]);
		ck_assert_msg(at != NULL && at < end, "%s", names[i]);
	}
	/* ASCII, and no line that is too long (RFC 5322, section 2.1.1). */
	for (at = mail.data; *at != '\0'; at += strcspn(at, "\n") + 1)
		ck_assert_uint_le(strcspn(at, "\n"), 998);
	for (at = mail.data; *at != '\0'; at++)
		ck_assert(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
}

START_TEST(a_problem)
{
	struct state_problem problem = make_problem();

	write_problem(PROBLEM_OPENED, &problem);
	ck_fields();
	ck_holds("Subject: [tlsrpt] problem opened: certificate-expired on "
		 "mx2.d.example (d.example)\n"
		 "X-TLSRPT-Milter: alert; event=problem-opened\n");
	ck_holds("\n\nSenders report that TLS fails on the way to you:\n\n"
		 "  policy-domain               d.example\n"
		 "  policy-type                 sts\n"
		 "  result-type                 certificate-expired\n"
		 "  receiving-mx-hostname       mx2.d.example\n"
		 "  category                    negotiation\n"
		 "  state                       open\n"
		 "  since                       2026-02-12T00:00:00Z\n"
		 "  last                        2026-02-13T23:59:59Z\n"
		 "  failed-session-count        47\n"
		 "  total-session-count         900\n"
		 "  reports                     3\n"
		 "  reporters                   2\n"
		 "  severity                    err\n"
		 "  cause                       renewal failed, or it");
	ck_holds("\n  action                      renew the certificate, ");
	ck_holds("\n  meaning                     the certificate of the MX ");
	ck_holds("\n  verify                      tlsrpt diagnose --mx "
		 "mx2.d.example d.example\n");
	ck_holds("\n  by hand                     openssl s_client -starttls "
		 "smtp -connect mx2.d.example:25 </dev/null 2>/dev/null | "
		 "openssl x509 -noout -dates\n");
	ck_holds("\n\"tlsrpt problems\" prints what is broken now");
}
END_TEST

START_TEST(its_other_states)
{
	struct state_problem problem = make_problem();

	problem.receiving_mx_hostname[0] = '\0';
	write_problem(PROBLEM_WORSE, &problem);
	ck_fields();
	ck_holds("problem worse: certificate-expired (d.example)\n");
	ck_holds("\n\nA problem with TLS has become worse:\n\n");
	problem.result_type[0] = '\0';
	problem.policy_domain[0] = '\0';
	problem.episode.state = PROBLEM_RESOLVED;
	problem.episode.resolved = 1771200000;
	write_problem(PROBLEM_IS_RESOLVED, &problem);
	ck_fields();
	ck_holds("problem resolved: failure of no type\n");
	ck_holds("\n\nA problem with TLS is gone. ");
	ck_holds("\n  resolved                    2026-02-16T00:00:00Z\n");
	write_problem(PROBLEM_IS_STALE, &problem);
	ck_fields();
	ck_holds("event=problem-stale\n");
	ck_holds("\n\nWhether a problem with TLS is gone, nobody knows. ");
}
END_TEST

/* What reports say stays text, in the header as in the body. */
START_TEST(hostile_text)
{
	struct state_problem problem = make_problem();
	struct state_reporter reporter = {
		.organization_name =
		    "Soci\xc3\xa9t\xc3\xa9\r\nBcc: x@y\n\n\x1b[31m\xff"
		    "\xe2\x80\xaetxt",
	};
	struct event ev;

	(void)memcpy(problem.result_type, "x\nBcc: victim@z", 16);
	(void)memcpy(problem.policy_domain, "d\r\n\r\n.\r\nFrom x", 15);
	(void)memcpy(problem.receiving_mx_hostname, "mx; rm -rf $(x)", 16);
	write_problem(PROBLEM_OPENED, &problem);
	ck_fields();
	ck_holds("problem opened: x?Bcc: victim@z on mx; rm -rf $(x) "
		 "(d????.??From x)\n");
	ck_holds("  policy-domain               "
		 "d\\x0d\\x0a\\x0d\\x0a.\\x0d\\x0aFrom x\n");
	/* Such a name gets into no command. */
	ck_assert_ptr_null(strstr(strstr(mail.data, "\n  verify"), "rm -rf"));

	event_silent(&ev, &reporter);
	buf_cut(&mail, 0);
	ck_status("text", alertmail_text(&mail, &ev), ST_OK);
	ck_fields();
	ck_holds("Subject: [tlsrpt] reporter silent: "
		 "Soci?t???Bcc: x@y???[31m??txt\n");
	ck_holds("  organization-name           "
		 "Soci?t?\\x0d\\x0aBcc:\n"
		 "                              "
		 "x@y\\x0a\\x0a\\x1b[31m\\xff\\xe2\\x80\\xaetxt"
		 "\n");
	ck_holds("dig +short TXT");
	ck_assert_ptr_null(strstr(mail.data, "\n  verify"));
}
END_TEST

START_TEST(long_text)
{
	struct state_problem problem = make_problem();

	memset(problem.policy_domain, 'd', sizeof problem.policy_domain - 1);
	memset(problem.receiving_mx_hostname, 'm',
	    sizeof problem.receiving_mx_hostname - 1);
	memset(problem.result_type, 'r', sizeof problem.result_type - 1);
	write_problem(PROBLEM_OPENED, &problem);
	ck_fields();
	ck_holds("mmm... (d");
	ck_holds("ddd...)\n");
	ck_assert_uint_lt(strcspn(mail.data, "\n"), 320);
}
END_TEST

START_TEST(a_sum)
{
	struct event ev;

	event_init(&ev, "alerts-summed", SEV_NOTICE);
	event_count(&ev, "alerts", 12);
	event_count(&ev, "problem-opened", 11);
	event_count(&ev, "reporter-silent", 1);
	ck_status("text", alertmail_text(&mail, &ev), ST_OK);
	ck_fields();
	ck_holds("Subject: [tlsrpt] 12 more events\n");
	ck_holds("There was more than AlertRate lets through");
	ck_holds("\n  problem-opened              11\n"
		 "  reporter-silent             1\n");
	buf_cut(&mail, 0);
	event_init(&ev, "alerts-summed", SEV_NOTICE);
	event_count(&ev, "alerts", 1);
	ck_status("text", alertmail_text(&mail, &ev), ST_OK);
	ck_holds("Subject: [tlsrpt] 1 more event\n");
}
END_TEST

START_TEST(another_event)
{
	struct event ev;

	event_init(&ev, "some-other", SEV_NOTICE);
	ck_status("text", alertmail_text(&mail, &ev), ST_OK);
	ck_fields();
	ck_holds("Subject: [tlsrpt] some other\n");
}
END_TEST

START_TEST(the_addresses)
{
	struct conf *conf = unit_conf("Mailbox a@b.example\n"
				      "AlertMail x@c.example\n");

	ck_status("one", alertmail_addresses(&mail, &conf->alert_mail), ST_OK);
	ck_assert_str_eq(mail.data,
	    "From: TLS report alerts <tlsrpt-milter>\nTo: x@c.example\n");
	conf_unref(&conf);
	conf = unit_conf("Mailbox a@b.example\nAlertMail x@c.example\n"
			 "AlertMail y@c.example\n");
	buf_cut(&mail, 0);
	ck_status("two", alertmail_addresses(&mail, &conf->alert_mail), ST_OK);
	ck_assert_str_eq(mail.data,
	    "From: TLS report alerts <tlsrpt-milter>\n"
	    "To: x@c.example,\n\ty@c.example\n");
	conf_unref(&conf);
}
END_TEST

/* Whichever allocation fails, the mail is whole or there is none. */
START_TEST(no_memory)
{
	struct state_problem problem = make_problem();
	struct event ev;
	size_t whole = strlen(write_problem(PROBLEM_OPENED, &problem));
	unsigned n;

	event_problem(&ev, PROBLEM_OPENED, &problem);
	for (n = 1; n < 1000; n++) {
		enum status st;
		bool has_struck;
		size_t len;

		buf_free(&mail);
		inject_arm(INJECT_MEMORY, n);
		st = alertmail_text(&mail, &ev);
		has_struck = inject_disarm();
		len = mail.len;
		if (st == ST_OK)
			ck_assert_uint_eq(len, whole);
		else
			ck_status("no memory", st, ST_NO_MEMORY);
		if (!has_struck)
			break;
	}
	ck_assert_uint_gt(n, 10);
	ck_assert_uint_lt(n, 1000);
}
END_TEST

Suite *
alertmail_suite(void)
{
	Suite *suite = suite_create("alertmail");
	TCase *tc = tcase_create("alertmail");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_problem);
	tcase_add_test(tc, its_other_states);
	tcase_add_test(tc, hostile_text);
	tcase_add_test(tc, long_text);
	tcase_add_test(tc, a_sum);
	tcase_add_test(tc, another_event);
	tcase_add_test(tc, the_addresses);
	tcase_add_test(tc, no_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
