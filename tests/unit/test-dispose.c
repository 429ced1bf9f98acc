#include <check.h>
#include <stdio.h>
#include <string.h>

#include "dispose.h"
#include "suites.h"
#include "unit.h"

#define DISCARD "Mailbox a@b\nOnReport discard\n"
#define REJECT  DISCARD "OnMalformed reject\nOnFailure tempfail\n"

static const struct {
	const char *name;
	const char *conf;
	unsigned reports, duplicates, malformed;
	bool has_failed, has_others, is_log_stalled;
	enum conf_action want;
} rows[] = {
	{ "nothing", REJECT, 0, 0, 0, false, false, false, ACTION_DELIVER },
	{ "a report, by default", "Mailbox a@b", 1, 0, 0, false, false, false,
	    ACTION_DELIVER },
	{ "a report", DISCARD, 1, 0, 0, false, false, false, ACTION_DISCARD },
	{ "a duplicate", DISCARD, 0, 1, 0, false, false, false,
	    ACTION_DISCARD },
	{ "both", DISCARD, 1, 1, 0, false, false, false, ACTION_DISCARD },
	{ "a report and other recipients", DISCARD, 1, 0, 0, false, true, false,
	    ACTION_DISCARD },
	{ "the log stalls", DISCARD, 1, 0, 0, false, false, true,
	    ACTION_DELIVER },
	{ "a broken one too", DISCARD, 1, 0, 1, false, false, false,
	    ACTION_DELIVER },
	{ "a broken one too, reject", REJECT, 1, 0, 1, false, false, false,
	    ACTION_REJECT },
	{ "our failure too", DISCARD, 1, 0, 0, true, false, false,
	    ACTION_DELIVER },
	{ "our failure too, tempfail", REJECT, 1, 0, 0, true, false, false,
	    ACTION_TEMPFAIL },
	{ "our failure and a broken one", REJECT, 0, 0, 1, true, false, false,
	    ACTION_TEMPFAIL },
	{ "broken", REJECT, 0, 0, 1, false, false, false, ACTION_REJECT },
	{ "broken, by default", DISCARD, 0, 0, 1, false, false, false,
	    ACTION_DELIVER },
	{ "broken, quarantine", "Mailbox a@b\nOnMalformed quarantine", 0, 0, 1,
	    false, false, false, ACTION_QUARANTINE },
	{ "broken, others, reject", REJECT, 0, 0, 1, false, true, false,
	    ACTION_DELIVER },
	{ "broken, others, quarantine", "Mailbox a@b\nOnMalformed quarantine",
	    0, 0, 1, false, true, false, ACTION_DELIVER },
	{ "our failure, others, tempfail", REJECT, 0, 0, 0, true, true, false,
	    ACTION_TEMPFAIL },
};

START_TEST(actions)
{
	struct conf *conf = unit_conf(rows[_i].conf);
	struct outcome outcome = {
		.reports = rows[_i].reports,
		.duplicates = rows[_i].duplicates,
		.malformed = rows[_i].malformed,
		.has_failed = rows[_i].has_failed,
	};
	struct circumstances circumstances = {
		.has_other_recipients = rows[_i].has_others,
		.is_log_ready = !rows[_i].is_log_stalled,
	};

	ck_string(rows[_i].name,
	    action_str(dispose(conf, &outcome, &circumstances)),
	    action_str(rows[_i].want));
	conf_unref(&conf);
}
END_TEST

/* Reports that were read and are, or are not, genuine. */
static const struct {
	const char *name;
	const char *conf;
	enum verdict_result result;
	unsigned malformed;
	bool has_others, is_log_stalled;
	bool is_genuine, is_later;
	enum conf_action want;
} verified[] = {
	{ "pass", DISCARD, VERDICT_PASS, 0, false, false, true, false,
	    ACTION_DISCARD },
	{ "none, by default", DISCARD, VERDICT_NONE, 0, false, false, false,
	    false, ACTION_DELIVER },
	{ "fail, discard", "Mailbox a@b\nOnUnverified discard", VERDICT_FAIL, 0,
	    false, false, false, false, ACTION_DISCARD },
	{ "fail, discard, the log stalls", "Mailbox a@b\nOnUnverified discard",
	    VERDICT_FAIL, 0, false, true, false, false, ACTION_DELIVER },
	{ "policy, quarantine", "Mailbox a@b\nOnUnverified quarantine",
	    VERDICT_POLICY, 0, false, false, false, false, ACTION_QUARANTINE },
	{ "permerror, reject", "Mailbox a@b\nOnUnverified reject",
	    VERDICT_PERMERROR, 0, false, false, false, false, ACTION_REJECT },
	{ "neutral, reject, others", "Mailbox a@b\nOnUnverified reject",
	    VERDICT_NEUTRAL, 0, true, false, false, false, ACTION_DELIVER },
	{ "temperror, by default", DISCARD, VERDICT_TEMPERROR, 0, false, false,
	    false, true, ACTION_TEMPFAIL },
	{ "temperror, and a broken one", REJECT, VERDICT_TEMPERROR, 1, false,
	    false, false, true, ACTION_TEMPFAIL },
	{ "temperror, deliver",
	    "Mailbox a@b\nOnDNSFailure deliver\nOnUnverified discard",
	    VERDICT_TEMPERROR, 0, false, false, false, false, ACTION_DELIVER },
	{ "fail, and a broken one", REJECT, VERDICT_FAIL, 1, false, false,
	    false, false, ACTION_REJECT },
	{ "fail, reject, and a broken one", "Mailbox a@b\nOnUnverified reject",
	    VERDICT_FAIL, 1, false, false, false, false, ACTION_REJECT },
	{ "fail, quarantine, and a broken one",
	    "Mailbox a@b\nOnUnverified quarantine", VERDICT_FAIL, 1, false,
	    false, false, false, ACTION_QUARANTINE },
	{ "fail, discard, and a broken one",
	    "Mailbox a@b\nOnUnverified discard", VERDICT_FAIL, 1, false, false,
	    false, false, ACTION_DELIVER },
	{ "fail, reject, and a broken one, others",
	    "Mailbox a@b\nOnUnverified reject", VERDICT_FAIL, 1, true, false,
	    false, false, ACTION_DELIVER },
	{ "fail, but only logged", DISCARD "DKIM log", VERDICT_FAIL, 0, false,
	    false, true, false, ACTION_DISCARD },
	{ "temperror, but only logged", DISCARD "DKIM log", VERDICT_TEMPERROR,
	    0, false, false, true, false, ACTION_DISCARD },
	{ "nobody looks", DISCARD "DKIM off", VERDICT_OFF, 0, false, false,
	    true, false, ACTION_DISCARD },
};

START_TEST(verdicts)
{
	struct conf *conf = unit_conf(verified[_i].conf);
	struct outcome outcome = {
		.malformed = verified[_i].malformed,
		.verdict = { .result = verified[_i].result },
	};
	struct circumstances circumstances = {
		.has_other_recipients = verified[_i].has_others,
		.is_log_ready = !verified[_i].is_log_stalled,
	};
	bool is_genuine = dispose_is_genuine(conf, &outcome.verdict);

	if (is_genuine)
		outcome.reports = 1;
	else
		outcome.unverified = 1;
	ck_assert_int_eq(is_genuine, verified[_i].is_genuine);
	ck_assert_int_eq(
	    dispose_is_later(conf, &outcome.verdict), verified[_i].is_later);
	ck_string(verified[_i].name,
	    action_str(dispose(conf, &outcome, &circumstances)),
	    action_str(verified[_i].want));
	conf_unref(&conf);
}
END_TEST

/* Who has no mailbox to deliver to. */
static const struct {
	const char *name;
	const char *conf;
	struct outcome outcome;
	enum conf_action want;
} last[] = {
	{ "nothing", REJECT, { .reports = 0 }, ACTION_KEEP },
	{ "a report", "Mailbox a@b", { .reports = 1 }, ACTION_DISCARD },
	{ "a duplicate", "Mailbox a@b", { .duplicates = 1 }, ACTION_DISCARD },
	{ "unverified", "Mailbox a@b", { .unverified = 1 }, ACTION_DISCARD },
	{ "unverified, quarantine", "Mailbox a@b\nOnUnverified quarantine",
	    { .unverified = 1 }, ACTION_DISCARD },
	{ "unverified, reject", "Mailbox a@b\nOnUnverified reject",
	    { .unverified = 1 }, ACTION_REJECT },
	{ "for later", "Mailbox a@b",
	    { .unverified = 1, .verdict = { .result = VERDICT_TEMPERROR } },
	    ACTION_TEMPFAIL },
	{ "broken", "Mailbox a@b", { .malformed = 1 }, ACTION_KEEP },
	{ "broken, quarantine", "Mailbox a@b\nOnMalformed quarantine",
	    { .malformed = 1 }, ACTION_KEEP },
	{ "broken, reject", REJECT, { .malformed = 1 }, ACTION_REJECT },
	{ "a report and a broken one", DISCARD,
	    { .reports = 1, .malformed = 1 }, ACTION_KEEP },
	{ "our failure, deliver", "Mailbox a@b",
	    { .reports = 1, .has_failed = true }, ACTION_TEMPFAIL },
};

/* Whose reports may be synced behind the reply? */
static const struct {
	const char *settings;
	enum verdict_result result;
	bool want;
} kept[] = {
	{ "DKIM off", VERDICT_OFF, true },
	{ "", VERDICT_PASS, true },
	{ "", VERDICT_NONE, true },
	{ "OnMalformed quarantine\nOnUnverified quarantine", VERDICT_NONE,
	    true },
	{ "OnReport discard", VERDICT_PASS, false },
	{ "OnMalformed reject", VERDICT_PASS, false },
	{ "OnFailure tempfail", VERDICT_PASS, false },
	{ "OnUnverified discard", VERDICT_PASS, true },
	{ "OnUnverified discard", VERDICT_NONE, false },
	{ "OnUnverified reject", VERDICT_FAIL, false },
	{ "OnUnverified reject\nDKIM off", VERDICT_OFF, true },
};

START_TEST(a_message_may_be_kept_in_any_case)
{
	const struct verdict verdict = { .result = kept[_i].result };
	char settings[200];
	struct conf *conf;

	(void)snprintf(
	    settings, sizeof settings, "Mailbox a@b\n%s", kept[_i].settings);
	conf = unit_conf(settings);
	ck_expect(
	    dispose_is_kept(conf, &verdict) == kept[_i].want, "%s", settings);
	conf_unref(&conf);
}
END_TEST

/* Who posted it takes any answer for success: it is kept whatever it is. */
START_TEST(an_upload_is_never_rejected)
{
	struct conf *conf = unit_conf(REJECT "\nOnUnverified reject\n");
	const struct circumstances circumstances = {
		.is_last = true,
		.is_upload = true,
	};
	const struct outcome broken = { .malformed = 1 };
	const struct outcome unverified = { .unverified = 1 };
	const struct outcome failed = { .reports = 1, .has_failed = true };

	ck_assert_int_eq(dispose(conf, &broken, &circumstances), ACTION_KEEP);
	ck_assert_int_eq(
	    dispose(conf, &unverified, &circumstances), ACTION_DISCARD);
	ck_assert_int_eq(
	    dispose(conf, &failed, &circumstances), ACTION_TEMPFAIL);
	conf_unref(&conf);
}
END_TEST

START_TEST(who_is_vouched_for)
{
	struct conf *no = unit_conf("Mailbox a@b\n");
	struct conf *yes = unit_conf("Mailbox a@b\nRequireAuth yes\n");

	ck_assert(dispose_is_vouched_for(no, AUTH_NONE));
	ck_assert(!dispose_is_vouched_for(yes, AUTH_NONE));
	ck_assert(dispose_is_vouched_for(yes, AUTH_PATH));
	ck_assert(dispose_is_vouched_for(yes, AUTH_PROXY));
	conf_unref(&no);
	conf_unref(&yes);
}
END_TEST

START_TEST(nothing_is_delivered_by_who_is_last)
{
	struct conf *conf = unit_conf(last[_i].conf);

	for (int is_log_ready = 0; is_log_ready < 2; is_log_ready++) {
		const struct circumstances circumstances = {
			.is_last = true,
			.is_log_ready = is_log_ready == 1,
		};

		ck_string(last[_i].name,
		    action_str(
			dispose(conf, &last[_i].outcome, &circumstances)),
		    action_str(last[_i].want));
	}
	conf_unref(&conf);
}
END_TEST

START_TEST(actions_have_names)
{
	ck_assert_str_eq(action_str(ACTION_DELIVER), "deliver");
	ck_assert_str_eq(action_str(ACTION_DISCARD), "discard");
	ck_assert_str_eq(action_str(ACTION_QUARANTINE), "quarantine");
	ck_assert_str_eq(action_str(ACTION_REJECT), "reject");
	ck_assert_str_eq(action_str(ACTION_TEMPFAIL), "tempfail");
	ck_assert_str_eq(action_str(ACTION_KEEP), "kept");
}
END_TEST

static const struct {
	struct outcome outcome;
	const char *want; /* NULL: no field */
} headers[] = {
	{ { .reports = 1,
	      .severity = SEV_WARNING,
	      .totals = { 890, 47 },
	      .organization_name = "Microsoft Corporation" },
	    "report; severity=warning; failed=47; total=937; "
	    "organization-name=\"Microsoft Corporation\"" },
	{ { .duplicates = 1, .severity = SEV_INFO, .totals = { 1, 0 } },
	    "report; severity=info; failed=0; total=1" },
	{ { .malformed = 1, .fault = { .status = ST_GZIP_CORRUPT } },
	    "malformed; reason=gzip-corrupt" },
	{ { .reports = 1, .malformed = 1, .fault = { .status = ST_EMPTY } },
	    "malformed; reason=empty" },
	{ { .reports = 1, .has_failed = true }, NULL },
	{ { .reports = 1,
	      .severity = SEV_INFO,
	      .totals = { 1, 0 },
	      .organization_name = "A",
	      .verdict = { .result = VERDICT_PASS,
		  .domain = "example.com",
		  .selector = "s1" } },
	    "report; severity=info; failed=0; total=1; organization-name=\"A\""
	    "; dkim=pass; dkim-domain=example.com; dkim-selector=s1" },
	{ { .unverified = 1,
	      .organization_name = "A",
	      .verdict = { .result = VERDICT_NONE,
		  .reason = REASON_NO_SIGNATURE } },
	    "unverified; dkim=none; dkim-reason=no-signature" },
	{ { .malformed = 1,
	      .fault = { .status = ST_EMPTY },
	      .verdict = { .result = VERDICT_FAIL,
		  .reason = REASON_BODY_HASH,
		  .domain = "a\r\nb;c",
		  .selector = "\xc3\xa9" } },
	    "malformed; reason=empty; dkim=fail; dkim-domain=a??b?c; "
	    "dkim-selector=??; dkim-reason=body-hash" },
	{ { .malformed = 0 }, NULL },
	/* No value may end the field, or forge another. */
	{ { .reports = 1,
	      .severity = SEV_ERR,
	      .totals = { 0, 1 },
	      .organization_name = "a\r\nX-Evil: \"b\\\x7f\x01" },
	    "report; severity=err; failed=1; total=1; "
	    "organization-name=\"a??X-Evil: \\\"b\\\\??\"" },
	{ { .reports = 1,
	      .severity = SEV_ERR,
	      .totals = { 0, 1 },
	      .organization_name = "Soci\xc3\xa9t\xc3\xa9" },
	    "report; severity=err; failed=1; total=1; "
	    "organization-name=\"Soci?t?\"" },
};

START_TEST(header_fields)
{
	char out[1024] = "untouched";

	ck_assert_int_eq(dispose_header(&headers[_i].outcome, out, sizeof out),
	    headers[_i].want != NULL);
	ck_assert_str_eq(
	    out, headers[_i].want != NULL ? headers[_i].want : "untouched");
}
END_TEST

START_TEST(sums_that_wrap)
{
	struct outcome outcome = {
		.reports = 1,
		.severity = SEV_ERR,
		.totals = { UINT64_MAX, UINT64_MAX },
	};
	char out[256];

	ck_assert(dispose_header(&outcome, out, sizeof out));
	ck_assert_ptr_nonnull(strstr(out, "total=18446744073709551615"));
}
END_TEST

START_TEST(a_name_that_does_not_fit_is_left_out)
{
	struct outcome outcome = { .reports = 1, .severity = SEV_ERR };

	memset(outcome.organization_name, '"',
	    sizeof outcome.organization_name - 1);
	for (size_t size = 64; size < 700; size++) {
		char out[700];

		memset(out, '#', sizeof out);
		ck_assert(dispose_header(&outcome, out, size));
		if (strlen(out) >= size)
			ck_abort_msg("%zu", size);
		/* All of the name or nothing of it. */
		if (strchr(out, '"') != NULL && out[strlen(out) - 1] != '"')
			ck_abort_msg("%s", out);
	}
}
END_TEST

Suite *
dispose_suite(void)
{
	Suite *suite = suite_create("dispose");
	TCase *tc = tcase_create("dispose");

	tcase_add_loop_test(tc, actions, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(tc, verdicts, 0, (int)ARRAY_LEN(verified));
	tcase_add_loop_test(
	    tc, nothing_is_delivered_by_who_is_last, 0, (int)ARRAY_LEN(last));
	tcase_add_test(tc, actions_have_names);
	tcase_add_loop_test(tc, header_fields, 0, (int)ARRAY_LEN(headers));
	tcase_add_test(tc, sums_that_wrap);
	tcase_add_test(tc, a_name_that_does_not_fit_is_left_out);
	tcase_add_loop_test(
	    tc, a_message_may_be_kept_in_any_case, 0, ARRAY_LEN(kept));
	tcase_add_test(tc, an_upload_is_never_rejected);
	tcase_add_test(tc, who_is_vouched_for);
	suite_add_tcase(suite, tc);
	return suite;
}
