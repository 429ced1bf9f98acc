#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "emit.h"
#include "ijson.h"
#include "inject.h"
#include "suites.h"
#include "text.h"
#include "unit.h"

typedef enum status
emit_fn(struct buf *out, const struct event *ev, const char *queue_id);

/* One value in both syntaxes. */
static const struct {
	const char *value;
	const char *logfmt;
	const char *json;
} values[] = {
	{ "plain", "plain", "\"plain\"" },
	{ "a b", "\"a b\"", "\"a b\"" },
	{ "a=b", "\"a=b\"", "\"a=b\"" },
	{ "say \"x\"", "\"say \\\"x\\\"\"", "\"say \\\"x\\\"\"" },
	{ "\"", "\"\\\"\"", "\"\\\"\"" },
	{ "a\\b", "\"a\\\\b\"", "\"a\\\\b\"" },
	{ "a\nb", "\"a\\x0ab\"", "\"a\\u000ab\"" },
	{ "a\r\n4XyZ: event=report", "\"a\\x0d\\x0a4XyZ: event=report\"",
	    "\"a\\u000d\\u000a4XyZ: event=report\"" },
	{ "\x1b[31m", "\"\\x1b[31m\"", "\"\\u001b[31m\"" },
	{ "\x7f", "\"\\x7f\"", "\"\\u007f\"" },
	{ "\xc2\x9b", "\"\\xc2\\x9b\"", "\"\\u009b\"" },
	{ "\xe2\x80\xae", "\"\\xe2\\x80\\xae\"", "\"\\u202e\"" },
	{ "\xe2\x80\xa8", "\"\\xe2\\x80\\xa8\"", "\"\\u2028\"" },
	{ "a\xc2\xa0"
	  "b",
	    "\"a\xc2\xa0"
	    "b\"",
	    "\"a\xc2\xa0"
	    "b\"" },
	{ "\xc3\xa9\xf0\x9f\x94\x92", "\xc3\xa9\xf0\x9f\x94\x92",
	    "\"\xc3\xa9\xf0\x9f\x94\x92\"" },
	{ "a\xff", "\"a\\xff\"", "\"a\\ufffd\"" },
	{ "\xc3", "\"\\xc3\"", "\"\\ufffd\"" },
	{ "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\\ufffd\\ufffd\\ufffd\"" },
};

START_TEST(values_are_made_safe)
{
	struct event ev;
	char want[512];
	struct buf out;

	event_init(&ev, "report", SEV_INFO);
	event_string(&ev, "name", values[_i].value);
	buf_init(&out, 8192);
	ck_status("logfmt", emit_logfmt(&out, &ev, "Q1"), ST_OK);
	(void)snprintf(
	    want, sizeof want, "Q1: event=report name=%s", values[_i].logfmt);
	ck_assert_str_eq(out.data, want);
	buf_cut(&out, 0);
	ck_status("json", emit_json(&out, &ev, "Q1"), ST_OK);
	(void)snprintf(want, sizeof want,
	    "{\"event\":\"report\",\"queue-id\":\"Q1\",\"name\":%s}",
	    values[_i].json);
	ck_assert_str_eq(out.data, want);
	buf_free(&out);
}
END_TEST

START_TEST(fields_of_each_type)
{
	cJSON *list = cJSON_CreateArray();
	struct datetime time = { "x", true, 1459468800 };
	struct event ev;
	struct buf out;

	cJSON_AddItemToArray(list, cJSON_CreateString("a"));
	cJSON_AddItemToArray(list, cJSON_CreateString("b c"));
	event_init(&ev, "policy", SEV_ERR);
	event_string(&ev, "none", NULL);
	event_string(&ev, "none", "");
	event_count(&ev, "count", UINT64_MAX);
	event_known(&ev, "none", (struct count){ .value = 3 });
	event_known(
	    &ev, "known", (struct count){ .is_known = true, .value = 3 });
	event_time(&ev, "time", time);
	event_time(&ev, "time", (struct datetime){ "yesterday", false, 0 });
	event_time(&ev, "none", (struct datetime){ NULL, false, 0 });
	event_rate(&ev, "rate", 5.016);
	event_list(&ev, "list", list);
	event_list(&ev, "none", NULL);
	event_deviations(&ev, 0);
	event_deviations(&ev, DEV(DEV_NULL_MEMBER) | DEV(DEV_TRAILING_BYTES));
	buf_init(&out, 8192);
	ck_status("logfmt", emit_logfmt(&out, &ev, NULL), ST_OK);
	ck_assert_str_eq(out.data,
	    "event=policy count=18446744073709551615 known=3 "
	    "time=2016-04-01T00:00:00Z time=yesterday rate=5.02% "
	    "list=\"a,b c\" deviations=trailing-bytes,null-member");
	buf_cut(&out, 0);
	ck_status("json", emit_json(&out, &ev, NULL), ST_OK);
	ck_assert_str_eq(out.data,
	    "{\"event\":\"policy\",\"count\":18446744073709551615,"
	    "\"known\":3,\"time\":\"2016-04-01T00:00:00Z\","
	    "\"time\":\"yesterday\",\"rate\":\"5.02%\","
	    "\"list\":[\"a\",\"b c\"],"
	    "\"deviations\":[\"trailing-bytes\",\"null-member\"]}");
	buf_cut(&out, 0);
	ck_status(
	    "members", emit_json_members(&out, &ev, EMIT_VALUE_WHOLE), ST_OK);
	ck_assert_int_eq(strncmp(out.data, "\"count\":", 8), 0);
	ck_assert_int_eq(out.data[out.len - 1], ']');
	buf_cut(&out, 0);
	for (size_t i = 0; i < ev.count; i++) {
		ck_status("plain", emit_plain(&out, &ev.field[i]), ST_OK);
		ck_status("plain", buf_addc(&out, '|'), ST_OK);
	}
	ck_assert_str_eq(out.data,
	    "18446744073709551615|3|2016-04-01T00:00:00Z|yesterday|5.02%|"
	    "a,b c|trailing-bytes,null-member|");
	buf_free(&out);
	cJSON_Delete(list);
}
END_TEST

static const char ellipsis[] = "\xe2\x80\xa6";

START_TEST(values_are_cut)
{
	static const char *const units[] = { "x", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x94\x92" };
	const char *unit = units[_i];

	for (size_t len = EMIT_VALUE_MAX - 4; len <= EMIT_VALUE_MAX + 4;
	     len++) {
		size_t n = len / strlen(unit);
		struct event ev;
		struct buf value, out;
		const char *got;

		buf_init(&value, 4096);
		buf_init(&out, 8192);
		unit_repeat(&value, "-", len - n * strlen(unit));
		unit_repeat(&value, unit, n);
		event_init(&ev, "e", SEV_INFO);
		event_string(&ev, "v", value.data);
		ck_status("emit", emit_logfmt(&out, &ev, NULL), ST_OK);
		got = out.data + strlen("event=e v=");
		if (len <= EMIT_VALUE_MAX) {
			ck_assert_str_eq(got, value.data);
		} else {
			ck_assert_uint_le(strlen(got), EMIT_VALUE_MAX);
			ck_assert_uint_gt(strlen(got), EMIT_VALUE_MAX - 4);
			ck_assert(text_isuffix(got, ellipsis));
			ck_assert_int_eq(
			    strncmp(got, value.data, strlen(got) - 3), 0);
			for (const char *p = got; *p != '\0';) {
				uint32_t cp;
				size_t step = utf8_decode(p, strlen(p), &cp);

				ck_assert_uint_gt(step, 0);
				p += step;
			}
		}
		buf_free(&value);
		buf_free(&out);
	}
}
END_TEST

START_TEST(strings_are_cut_as_asked)
{
	static const size_t maxima[] = { 8, 64, 512, 513, 1000, 1024, 1999,
		2000, EMIT_VALUE_WHOLE };
	char value[2001];
	struct buf out;

	memset(value, 'x', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(maxima); i++) {
		/* Above EMIT_VALUE_MAX there is the whole string only. */
		size_t want = maxima[i] <= EMIT_VALUE_MAX ? maxima[i] : 2000;

		buf_init(&out, 8192);
		ck_status(
		    "string", emit_json_string(&out, value, maxima[i]), ST_OK);
		ck_assert_uint_eq(out.len, want + 2);
		ck_assert_int_eq(
		    strstr(out.data, ellipsis) != NULL, want < 2000);
		buf_free(&out);
	}
}
END_TEST

/* What a report fills its line with is not at the expense of what we say. */
START_TEST(our_own_values_stay_whole)
{
	static emit_fn *const emits[] = { emit_logfmt, emit_json };
	static const char *const ours[] = { "archive", "cause" };
	struct buf hostile, own, out;
	struct event ev;

	buf_init(&hostile, 1024);
	unit_repeat(&hostile, "\x01", 600);
	buf_init(&own, 1024);
	unit_repeat(&own, "a", 280);
	event_init(&ev, "report", SEV_ERR);
	for (int i = 0; i < 8; i++)
		event_string(&ev, "receiving-mx-hostname", hostile.data);
	event_deviations(
	    &ev, DEV(DEV_NUL_CHARACTER) | DEV(DEV_RAW_CONTROL_CHARACTER));
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		event_string(&ev, ours[i], own.data);
	for (size_t i = 0; i < ARRAY_LEN(emits); i++) {
		const char *at;

		buf_init(&out, 1 << 20);
		ck_status("emit", emits[i](&out, &ev, "Q"), ST_OK);
		ck_assert_uint_lt(out.len, EMIT_LINE_MAX);
		at = strstr(out.data, own.data);
		ck_assert_ptr_nonnull(at);
		ck_assert_ptr_nonnull(strstr(at + own.len, own.data));
		ck_assert_ptr_nonnull(strstr(out.data, "nul-character"));
		buf_free(&out);
	}
	buf_free(&hostile);
	buf_free(&own);
}
END_TEST

/* The worst that a report can bring: every field full of what grows most. */
START_TEST(a_line_has_its_limit)
{
	static const char *const units[] = { "x", "\n", "\xff", "\"", "\\",
		"\xe2\x80\xae", "\xf0\x9f\x94\x92", " " };
	static emit_fn *const emits[] = { emit_logfmt, emit_json };
	cJSON *list = cJSON_CreateArray();
	struct buf value, out;
	struct event ev;

	buf_init(&value, 8192);
	unit_repeat(&value, units[_i], 4000 / strlen(units[_i]));
	for (int i = 0; i < 256; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(value.data));
	event_init(&ev, "failure", SEV_ERR);
	for (int i = 0; i < EVENT_FIELDS_MAX - 2; i++)
		event_string(&ev, "receiving-mx-hostname", value.data);
	event_list(&ev, "mx-host", list);
	event_deviations(&ev, (UINT64_C(1) << DEV_MAX) - 1);
	for (size_t i = 0; i < ARRAY_LEN(emits); i++) {
		buf_init(&out, 1 << 20);
		ck_status("emit", emits[i](&out, &ev, value.data), ST_OK);
		ck_assert_uint_lt(out.len, EMIT_LINE_MAX);
		ck_assert_ptr_null(memchr(out.data, '\n', out.len));
		if (emits[i] == emit_json) {
			deviations dev = 0;

			ck_status("json",
			    ijson_check(out.data, out.len, NULL, &dev, NULL),
			    ST_OK);
			ck_deviations(
			    "json", dev & ~DEV(DEV_REPEATED_MEMBER), 0);
		}
		buf_free(&out);
	}
	buf_free(&value);
	cJSON_Delete(list);
}
END_TEST

START_TEST(a_queue_id_can_forge_nothing)
{
	struct event ev;
	struct buf out;

	event_init(&ev, "report", SEV_INFO);
	buf_init(&out, 8192);
	ck_status("logfmt", emit_logfmt(&out, &ev, "A\nB"), ST_OK);
	ck_assert_str_eq(out.data, "A\\x0aB: event=report");
	buf_cut(&out, 0);
	ck_status("json", emit_json(&out, &ev, "A\"\n"), ST_OK);
	ck_assert_str_eq(
	    out.data, "{\"event\":\"report\",\"queue-id\":\"A\\\"\\u000a\"}");
	buf_free(&out);
}
END_TEST

START_TEST(journal_entries)
{
	static const char want[] =
	    "MESSAGE=the line\nPRIORITY=4\nSYSLOG_FACILITY=2\n"
	    "SYSLOG_IDENTIFIER=me\nTLSRPT_EVENT=failure\nTLSRPT_QUEUE_ID=Q1\n"
	    "TLSRPT_RESULT_TYPE=certificate-expired\n"
	    "TLSRPT_ADDITIONAL_INFORMATION\n\3\0\0\0\0\0\0\0a\nb\n"
	    "TLSRPT_FAILED_SESSION_COUNT=47\n";
	struct event ev;
	struct buf out;

	event_init(&ev, "failure", SEV_WARNING);
	event_string(&ev, "result-type", "certificate-expired");
	event_string(&ev, "additional-information", "a\nb");
	event_count(&ev, "failed-session-count", 47);
	buf_init(&out, 8192);
	ck_status("journal",
	    emit_journal(&out, &ev, "Q1", "the line", "me", LOG_MAIL), ST_OK);
	ck_bytes("journal", out.data, out.len, want, sizeof want - 1);
	buf_free(&out);
}
END_TEST

START_TEST(text_is_made_visible)
{
	struct buf out;

	buf_init(&out, 1000);
	ck_status("visible",
	    emit_visible(&out, "a\n\xff\xc3\xa9 \\\"\xe2\x80\xae"), ST_OK);
	ck_assert_str_eq(out.data, "a\\x0a\\xff\xc3\xa9 \\\"\\xe2\\x80\\xae");
	buf_free(&out);
}
END_TEST

START_TEST(a_full_buffer_is_told)
{
	static emit_fn *const emits[] = { emit_logfmt, emit_json };
	cJSON *list =
	    cJSON_CreateStringArray((const char *[]){ "a\n", "b\"" }, 2);
	struct event ev;
	struct buf whole, out;

	event_init(&ev, "e", SEV_INFO);
	/* Nothing is long enough to be cut shorter. */
	event_string(&ev, "v", "a\"b\n\xff");
	event_count(&ev, "c", 12);
	event_rate(&ev, "r", 1);
	event_list(&ev, "l", list);
	for (size_t i = 0; i < ARRAY_LEN(emits); i++) {
		buf_init(&whole, 8192);
		ck_status("whole", emits[i](&whole, &ev, "Q"), ST_OK);
		for (size_t max = 0; max < whole.len; max++) {
			buf_init(&out, max);
			ck_status(
			    "full", emits[i](&out, &ev, "Q"), ST_TOO_LARGE);
			buf_free(&out);
		}
		buf_free(&whole);
	}
	/* The journal has no line to shorten; a name is long for the others. */
	event_deviations(&ev, 3);
	buf_init(&whole, 8192);
	ck_status(
	    "whole", emit_journal(&whole, &ev, "Q", "m", "i", LOG_MAIL), ST_OK);
	for (size_t max = 0; max < whole.len; max++) {
		buf_init(&out, max);
		ck_status("full",
		    emit_journal(&out, &ev, "Q", "m", "i", LOG_MAIL),
		    ST_TOO_LARGE);
		buf_free(&out);
	}
	buf_free(&whole);
	cJSON_Delete(list);
}
END_TEST

Suite *
emit_suite(void)
{
	Suite *suite = suite_create("emit");
	TCase *tc = tcase_create("emit");

	tcase_add_loop_test(
	    tc, values_are_made_safe, 0, (int)ARRAY_LEN(values));
	tcase_add_test(tc, fields_of_each_type);
	tcase_add_loop_test(tc, values_are_cut, 0, 4);
	tcase_add_test(tc, strings_are_cut_as_asked);
	tcase_add_loop_test(tc, a_line_has_its_limit, 0, 8);
	tcase_add_test(tc, our_own_values_stay_whole);
	tcase_add_test(tc, a_queue_id_can_forge_nothing);
	tcase_add_test(tc, journal_entries);
	tcase_add_test(tc, text_is_made_visible);
	tcase_add_test(tc, a_full_buffer_is_told);
	suite_add_tcase(suite, tc);
	return suite;
}
