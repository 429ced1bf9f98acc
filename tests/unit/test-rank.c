/* Tests of rank: who vouches, by what stands in a record. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "rank.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

static const struct {
	enum rank rank;
	const char *domain; /* of the signature that passes */
	const char *organization;
	const char *contact;
	const char *submitter;
} signers[] = {
	/* Those that send most of all reports. */
	{ RANK_NAMED, "google.com", "Google Inc.",
	    "smtp-tls-reporting@google.com", "google.com" },
	{ RANK_NAMED, "microsoft.com", "Microsoft Corporation",
	    "tlsrpt-noreply@microsoft.com", "microsoft.com" },
	{ RANK_NAMED, "corp.mail.ru", "Mail.Ru", "tlsrpt@corp.mail.ru",
	    "mail.ru" },
	/* A Stalwart server. */
	{ RANK_NAMED, "example.org", "mail.example.org", NULL, "example.org" },
	/* The name alone says it, in whatever way it is written. */
	{ RANK_NAMED, "my-example.co.uk", "My Example", NULL, NULL },
	{ RANK_NAMED, "my-example.co.uk", "My-Example Ltd", NULL, NULL },
	{ RANK_NAMED, "mail.example.org", "EXAMPLE", NULL, NULL },
	{ RANK_NAMED, "example.org", "  example.org, of all places", NULL,
	    NULL },
	/* He says where he is from. */
	{ RANK_SIGNER, "example.org", "Sender A", "tlsrpt@example.org", NULL },
	{ RANK_SIGNER, "mail.example.org", "A",
	    "mailto:tlsrpt@rep.example.org?subject=x", "other.test" },
	{ RANK_SIGNER, "example.org", "A", "Us <us@example.org>", NULL },
	{ RANK_SIGNER, "example.org", "A", NULL, "Example.org." },
	{ RANK_SIGNER, "example.org", NULL, "x@y@example.org", NULL },
	{ RANK_SIGNER, "evil.test", "Google Inc.", "us@evil.test",
	    "google.com" },
	/* He says that he is somebody else. */
	{ RANK_STRANGER, "evil.test", "Google Inc.",
	    "smtp-tls-reporting@google.com", "google.com" },
	{ RANK_STRANGER, "google.com.evil.test", "Google Inc.",
	    "smtp-tls-reporting@google.com", "google.com" },
	{ RANK_STRANGER, "inc.test", "Google Inc.", NULL, NULL },
	{ RANK_STRANGER, "googl.test", "Google Inc.", NULL, NULL },
	{ RANK_STRANGER, "google-inc-x.test", "Google Inc.", NULL, NULL },
	{ RANK_STRANGER, "evil.test", "google.com evil.test", NULL, NULL },
	{ RANK_STRANGER, "evil.test", "e\303\251vil", "us", "evil" },
	{ RANK_STRANGER, "evil.test", "", "", "" },
	{ RANK_STRANGER, "evil.test", " \t", "@", "." },
	{ RANK_STRANGER, "evil.test", "...", "us@", "test" },
	{ RANK_STRANGER, "test", "test", "us@evil.test", "evil.test" },
	{ RANK_STRANGER, "", "", "@", "" },
	{ RANK_STRANGER, "xn--.test", "--", NULL, NULL },
	{ RANK_STRANGER, "-.test", "-", NULL, NULL },
	{ RANK_STRANGER, "evil.test", NULL, NULL, NULL },
};

static struct verdict verdict;
static struct report report;
static struct record record;

static void
prepare(const char *domain, const char *organization)
{
	verdict = (struct verdict){ .result = VERDICT_PASS };
	(void)text_copy(verdict.domain, sizeof verdict.domain, domain);
	report = (struct report){ .organization_name = organization };
	record = (struct record){ .verdict = &verdict, .report = &report };
}

START_TEST(signers_have_their_ranks)
{
	prepare(signers[_i].domain, signers[_i].organization);
	report.contact_info = signers[_i].contact;
	record.submitter = signers[_i].submitter;
	ck_assert_msg(rank_of(&record) == signers[_i].rank, "%s of \"%s\": %d",
	    signers[_i].domain, signers[_i].organization,
	    (int)rank_of(&record));
	/* But only if the signature passes. */
	for (int result = VERDICT_OFF; result <= VERDICT_NEUTRAL; result++) {
		verdict.result = (enum verdict_result)result;
		if (result != VERDICT_PASS)
			ck_assert_int_eq(rank_of(&record), RANK_NOBODY);
	}
	record.verdict = NULL;
	ck_assert_int_eq(rank_of(&record), RANK_NOBODY);
}
END_TEST

START_TEST(uploads_have_their_ranks)
{
	prepare("google.com", "Google Inc.");
	record.auth = "proxy";
	ck_assert_int_eq(rank_of(&record), RANK_NAMED);
	record.auth = "path";
	ck_assert_int_eq(rank_of(&record), RANK_TOKEN);
	record.auth = "none";
	ck_assert_int_eq(rank_of(&record), RANK_NOBODY);
	record.auth = "";
	ck_assert_int_eq(rank_of(&record), RANK_NOBODY);
}
END_TEST

/* Names of any length, within and beyond what a domain has. */
START_TEST(long_names)
{
	static char name[4096], contact[5000];

	for (size_t len = 1; len < sizeof name; len++) {
		memset(name, 'a', len);
		name[len] = '\0';
		(void)snprintf(contact, sizeof contact, "x@%s", name);
		prepare("evil.test", name);
		record.submitter = name;
		report.contact_info = contact;
		ck_assert_int_eq(rank_of(&record), RANK_STRANGER);
	}
}
END_TEST

Suite *
rank_suite(void)
{
	Suite *suite = suite_create("rank");
	TCase *tc = tcase_create("rank");

	tcase_add_loop_test(
	    tc, signers_have_their_ranks, 0, (int)ARRAY_LEN(signers));
	tcase_add_test(tc, uploads_have_their_ranks);
	tcase_add_test(tc, long_names);
	suite_add_tcase(suite, tc);
	return suite;
}
