#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"
#include "suites.h"
#include "unit.h"

static const char text[] = "Mailbox tls-reports@example.com\n"
			   "Mailbox TLS@Other.Example.\n"
			   "Mailbox @reports.example.com\n"
			   "Mailbox tls@m\xc3\xbcn.example\n"
			   "Mailbox @xn--caf-dma.example\n";

static const struct {
	const char *recipient;
	bool is_ours;
} recipients[] = {
	{ "tls-reports@example.com", true },
	{ "<tls-reports@example.com>", true },
	{ "<TLS-Reports@EXAMPLE.COM>", true },
	{ "tls-reports@example.com.", true },
	{ "<tls-reports@example.com> ", true },
	{ "<@relay.example,@b.example:tls-reports@example.com>", true },
	{ "\"tls-reports\"@example.com", true },
	{ "\"tls\\-reports\"@example.com", true },
	{ "tls-reports+google@example.com", true },
	{ "\"tls-reports+a b\"@example.com", true },
	{ "tls@other.example", true },
	{ "anything@reports.example.com", true },
	{ "a+b@Reports.Example.Com", true },
	{ "\"a@b\"@reports.example.com", true },
	{ "tls-reports", false },
	{ "", false },
	{ "<>", false },
	{ "@", false },
	{ "tls-reports@", false },
	{ "tls-reports@example.org", false },
	{ "tls-reports@sub.example.com", false },
	{ "tls-reports@xexample.com", false },
	{ "tls-report@example.com", false },
	{ "tls-reports2@example.com", false },
	{ "xtls-reports@example.com", false },
	{ "tls-reports-x@example.com", false },
	{ "+tls-reports@example.com", false },
	{ "x@sub.reports.example.com", false },
	{ "tls-reports@example.com@example.org", false },
	{ "\"tls-reports@example.com\"@example.org", false },
	{ "tls-reports@example.com..", false },
	{ "\xc3\xa9@example.com", false },
	{ "tls@m\xc3\xbcn.example", true },
	{ "TLS@M\xc3\x9cN.Example.", true },
	{ "tls@xn--mn-xka.example", true },
	{ "tls@mun.example", false },
	{ "tls@m\xc3n.example", false },
	{ "a@caf\xc3\xa9.example", true },
	{ "a@XN--CAF-DMA.example", true },
	{ "a@caf\xc3\xa9.b.example", false },
};

START_TEST(recipients_are_ours_or_not)
{
	struct conf *conf = unit_conf(text);
	char *copy = strdup(recipients[_i].recipient);

	ck_assert_msg(
	    mailbox_is_ours(conf, copy) == recipients[_i].is_ours, "%s", copy);
	free(copy);
	conf_unref(&conf);
}
END_TEST

START_TEST(the_delimiter_is_configured)
{
	struct conf *conf =
	    unit_conf("Mailbox a@b.example\nRecipientDelimiter -=");

	ck_assert(mailbox_is_ours(conf, "a@b.example"));
	ck_assert(mailbox_is_ours(conf, "a-x@b.example"));
	ck_assert(mailbox_is_ours(conf, "a=x@b.example"));
	ck_assert(!mailbox_is_ours(conf, "a+x@b.example"));
	conf_unref(&conf);
}
END_TEST

START_TEST(long_recipients_are_not_ours)
{
	struct conf *conf = unit_conf("Mailbox a@b.example");
	struct buf name;

	for (size_t len = 500; len < 530; len++) {
		buf_init(&name, 10000);
		(void)buf_adds(&name, "a+");
		unit_repeat(&name, "x", len);
		(void)buf_adds(&name, "@b.example");
		/* Longer than any address may be: no overrun, no match or
		   one, but the same for quotes. */
		(void)mailbox_is_ours(conf, name.data);
		buf_free(&name);
	}
	buf_init(&name, 1 << 20);
	unit_repeat(&name, "a", 100000);
	(void)buf_adds(&name, "@b.example");
	ck_assert(!mailbox_is_ours(conf, name.data));
	buf_free(&name);
	conf_unref(&conf);
}
END_TEST

static const struct {
	const char *name;
	bool is_ours;
} domains[] = {
	{ "example.com", true },
	{ "EXAMPLE.com.", true },
	{ "mx.example.com", false },
	{ "a.b.example.com", false },
	{ "mx.other.example", true },
	{ "other.example", false },
	{ "xmx.other.example", false },
	{ "xexample.com", false },
	{ "com", false },
	{ "", false },
	{ ".", false },
	{ "example.com.evil.org", false },
	{ "XN--MN-XKA.example", true },
	{ "m\xc3\xbcn.example.", true },
};

START_TEST(names_are_ours_or_not)
{
	struct conf *conf = unit_conf("Mailbox a@b\nDomain example.com\n"
				      "Domain MX.other.example.\n"
				      "Domain m\xc3\xbcn.example\n");
	struct conf *none = unit_conf("Mailbox a@b\n");

	ck_assert_msg(mailbox_is_our_domain(conf, domains[_i].name) ==
		domains[_i].is_ours,
	    "%s", domains[_i].name);
	ck_assert(mailbox_is_our_domain(none, domains[_i].name));
	conf_unref(&conf);
	conf_unref(&none);
}
END_TEST

Suite *
mailbox_suite(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tc = tcase_create("mailbox");

	tcase_add_loop_test(
	    tc, recipients_are_ours_or_not, 0, (int)ARRAY_LEN(recipients));
	tcase_add_test(tc, the_delimiter_is_configured);
	tcase_add_test(tc, long_recipients_are_not_ours);
	tcase_add_loop_test(
	    tc, names_are_ours_or_not, 0, (int)ARRAY_LEN(domains));
	suite_add_tcase(suite, tc);
	return suite;
}
