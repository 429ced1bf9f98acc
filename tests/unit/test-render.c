#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

#define HEAD                                                                   \
	"{\"organization-name\":\"Org\x1b[31m\",\"date-range\":{"              \
	"\"start-datetime\":\"2024-01-01T00:00:00Z\",\"end-datetime\":"        \
	"\"2024-01-01T23:59:59Z\"},\"report-id\":\"id\xe2\x80\xae\","          \
	"\"policies\":[{\"policy\":{\"policy-type\":\"sts\",\"policy-"         \
	"domain\":"                                                            \
	"\"d.example\",\"mx-host\":[\"a\\n\",\"b\"]},\"summary\":{"            \
	"\"total-successful-session-count\":890,"                              \
	"\"total-failure-session-count\":47},\"failure-details\":["
static const char report_text[] = HEAD
    "{\"result-type\":\"certificate-host-mismatch\","
    "\"receiving-mx-hostname\":\"mx2.d.example\",\"failed-session-count\":47}"
    ",{\"result-type\":\"new\\u001btype\",\"receiving-mx-hostname\":"
    "\"mx;reboot\"}]}]}";

static const struct verdict verdict = {
	.result = VERDICT_FAIL,
	.reason = REASON_EXPIRED,
	.domain = "sig\x1b.example",
};

static const struct render_origin origin = {
	.submitter = "s.example",
	.verdict = &verdict,
	.auth = "none",
	.client = "192.0.2.1\x1b",
};

/* What is printed, to be freed. */
static char *
render(bool with_colour, int what)
{
	struct conf *conf = conf_new();
	struct assessment as;
	struct report r;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(file);
	if (what == 0) {
		ck_status("read", report_read(&r, BYTES(report_text), 0, NULL),
		    ST_OK);
		ck_status("assess", assess_report(&r, conf, &as), ST_OK);
		ck_status("render",
		    render_report(file, &r, &as, conf, &origin, with_colour),
		    ST_OK);
	} else if (what == 1) {
		render_results(file, with_colour);
	} else {
		render_result(
		    file, result_find("certificate-expired"), with_colour);
	}
	ck_assert_int_eq(fclose(file), 0);
	conf_unref(&conf);
	return text;
}

START_TEST(a_report_is_told)
{
	static const char *const wants[] = { "Org\\x1b[31m", "s.example",
		"2024-01-01T00:00:00Z", "890", "47", "5.02%", "err", "sts",
		"d.example", "certificate-host-mismatch", "mx2.d.example",
		"tlsrpt diagnose --mx mx2.d.example d.example\n",
		"openssl s_client -starttls smtp -connect mx2.d.example:25",
		"new\\x1btype", "-connect MX:25", "unknown number",
		"sig\\x1b.example", "signature-expired", "auth",
		"192.0.2.1\\x1b" };
	char *text = render(false, 0);

	for (size_t i = 0; i < ARRAY_LEN(wants); i++)
		ck_assert_msg(strstr(text, wants[i]) != NULL, "%s in:\n%s",
		    wants[i], text);
	/* Nothing acts on the terminal but line ends. */
	for (const char *p = text; *p != '\0';) {
		uint32_t cp;
		size_t n = utf8_decode(p, strlen(p), &cp);

		ck_assert_msg(
		    n > 0 && (cp == '\n' || !utf8_is_control(cp)), "%s", p);
		p += n;
	}
	free(text);
}
END_TEST

/* Colours come and go in pairs, and are all that is added. */
START_TEST(colour_adds_colour_alone)
{
	char *bare = render(false, _i), *coloured = render(true, _i);
	char *out = coloured;

	ck_assert_ptr_null(strchr(bare, '\033'));
	ck_assert_ptr_nonnull(strchr(coloured, '\033'));
	for (const char *p = coloured; *p != '\0';) {
		if (*p == '\033')
			p += strcspn(p, "m") + 1;
		else
			*out++ = *p++;
	}
	*out = '\0';
	ck_assert_str_eq(coloured, bare);
	free(bare);
	free(coloured);
}
END_TEST

START_TEST(knowledge_is_told)
{
	size_t count;
	const struct result *all = result_all(&count);
	char *table = render(false, 1), *one = render(false, 2);

	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_nonnull(strstr(table, all[i].type));
	ck_assert_ptr_nonnull(strstr(one, "certificate-expired"));
	ck_assert_ptr_nonnull(strstr(one, "negotiation"));
	ck_assert_ptr_nonnull(strstr(one, "openssl s_client"));
	ck_assert_ptr_nonnull(strstr(one, "tlsrpt diagnose --mx MX DOMAIN\n"));
	ck_assert_ptr_nonnull(strstr(one, "RFC 8460"));
	free(table);
	free(one);
}
END_TEST

Suite *
render_suite(void)
{
	Suite *suite = suite_create("render");
	TCase *tc = tcase_create("render");

	tcase_add_test(tc, a_report_is_told);
	tcase_add_loop_test(tc, colour_adds_colour_alone, 0, 3);
	tcase_add_test(tc, knowledge_is_told);
	suite_add_tcase(suite, tc);
	return suite;
}
