#include "ledger.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "archive.h"
#include "rfc3339.h"
#include "text.h"
#include "unit.h"

struct ledger ledger;
const char *const ledger_senders[3] = { "A", "B", "C" };

int64_t
ledger_at(int64_t day)
{
	return (LEDGER_DAY0 + day) * PROBLEM_DAY;
}

void
ledger_open(void)
{
	struct state_options options;

	state_options(&options);
	options.busy_ms = 300;
	options.evidence_max = ledger.evidence_max;
	options.evidence_ms = ledger.evidence_ms;
	ck_assert_msg(state_open(&ledger.state, ledger.path, &options,
			  &ledger.fault) == ST_OK,
	    "%s", ledger.fault.detail);
}

void
ledger_setup(void)
{
	char directory[512];

	unit_directory(directory, sizeof directory);
	(void)snprintf(
	    ledger.path, sizeof ledger.path, "%s/state.db", directory);
	ledger.conf = conf_new();
	ledger.told[0] = '\0';
	ledger_open();
}

void
ledger_teardown(void)
{
	state_close(&ledger.state);
	conf_unref(&ledger.conf);
}

/*
 * Reports.
 */

static void
print_failures(struct buf *out, const struct ledger_report *g)
{
	unsigned hosts = g->host != NULL ? g->hosts : g->failed > 0;
	char host[64] = "MX1.example.";

	for (unsigned i = 0; i < hosts; i++) {
		if (g->host != NULL)
			(void)snprintf(host, sizeof host, "%s%u", g->host, i);
		ck_status("failure",
		    buf_addf(out,
			"%s{\"result-type\":\"certificate-expired\","
			"\"receiving-mx-hostname\":\"%s\","
			"\"failed-session-count\":%u}",
			i > 0 ? "," : "", host, g->failed),
		    ST_OK);
	}
}

static void
print_policy(struct buf *out, const struct ledger_report *g, const char *type)
{
	unsigned hosts = g->host != NULL ? g->hosts : 1;

	ck_status("policy",
	    buf_addf(out,
		"{\"policy\":{\"policy-type\":\"%s\",\"policy-domain\":\"%s\"},"
		"\"summary\":{\"total-successful-session-count\":%u,"
		"\"total-failure-session-count\":%u},\"failure-details\":[",
		type, g->domain != NULL ? g->domain : "d.example",
		g->successful, g->failed * hosts),
	    ST_OK);
	print_failures(out, g);
	ck_status("policy", buf_adds(out, "]}"), ST_OK);
}

static void
print_report(struct buf *out, const struct ledger_report *g)
{
	const char *types = g->types != NULL ? g->types : "sts";
	char start[RFC3339_MAX], end[RFC3339_MAX];

	(void)rfc3339_format(ledger_at(g->day), start);
	(void)rfc3339_format(ledger_at(g->day + 1) - 1, end);
	ck_status("head",
	    buf_addf(out,
		"{\"organization-name\":\"%s\",\"contact-info\":\"%s\","
		"\"report-id\":\"%s-%lld\",\"date-range\":{\"start-datetime\":"
		"\"%s\",\"end-datetime\":\"%s\"},\"policies\":[",
		g->sender, g->contact != NULL ? g->contact : "tls@x.example",
		g->id != NULL ? g->id : "i", (long long)g->day, start, end),
	    ST_OK);
	for (const char *type = types; *type != '\0';) {
		char word[32];
		size_t len = strcspn(type, " ");

		(void)snprintf(word, sizeof word, "%.*s", (int)len, type);
		if (type != types)
			ck_status("comma", buf_addc(out, ','), ST_OK);
		print_policy(out, g, word);
		type += len + strspn(type + len, " ");
	}
	ck_status("tail", buf_adds(out, "]}"), ST_OK);
}

void
ledger_name(char out[STATE_PATH_MAX])
{
	(void)snprintf(
	    out, STATE_PATH_MAX, "2024/10/04/x%u.json", ledger.records);
}

enum status
ledger_add(const char *text, int64_t received, enum state_added *added)
{
	static struct report report;
	char sha256[ARCHIVE_SHA256_MAX], name[STATE_PATH_MAX];
	struct state_report in = {
		.report = &report,
		.received = received,
		.path = name,
		.sha256 = sha256,
		.rank = ledger.rank,
	};
	struct buf buf;
	enum status st;

	ledger.records++;
	ledger_name(name);
	buf_init(&buf, LEDGER_TEXT_MAX);
	st = buf_adds(&buf, text);
	if (st == ST_OK)
		st = report_read(&report, buf.data, buf.len, 0, &ledger.fault);
	if (st == ST_OK)
		st = archive_sha256(&buf, sha256);
	if (st == ST_OK)
		st = state_add(ledger.state, &in, ledger.conf, received,
		    &ledger_events, added, &ledger.fault);
	buf_free(&buf);
	return st;
}

enum status
ledger_try_at(
    const struct ledger_report *g, int64_t received, enum state_added *added)
{
	enum status st;
	struct buf text;

	buf_init(&text, LEDGER_TEXT_MAX);
	print_report(&text, g);
	ledger.rank = g->rank;
	st = ledger_add(text.data, received, added);
	ledger.rank = RANK_NOBODY;
	buf_free(&text);
	return st;
}

enum status
ledger_try(const struct ledger_report *g, enum state_added *added)
{
	return ledger_try_at(g, ledger_at(g->day + 1) + 3600 + g->late, added);
}

enum state_added
ledger_give(const struct ledger_report *g)
{
	enum state_added added = STATE_NEW;
	enum status st = ledger_try(g, &added);

	ck_assert_msg(
	    st == ST_OK, "%s: %s", status_str(st), ledger.fault.detail);
	return added;
}

/*
 * What the state says, as a text.
 */

static void
note_problem(void *ctx, enum problem_change change,
    const struct state_problem *before, const struct state_problem *after)
{
	size_t len = strlen(ledger.told);

	(void)ctx;
	(void)before;
	ledger.last = *after;
	(void)snprintf(ledger.told + len, sizeof ledger.told - len,
	    "%s %s %s %s %s; ", problem_change_str(change),
	    after->policy_domain, after->receiving_mx_hostname,
	    after->policy_type, after->result_type);
}

static void
note_silent(void *ctx, const struct state_reporter *reporter)
{
	size_t len = strlen(ledger.told);

	(void)ctx;
	(void)snprintf(ledger.told + len, sizeof ledger.told - len,
	    "silent %s; ", reporter->organization_name);
}

const struct state_events ledger_events = { note_problem, note_silent, NULL };

static void
say(const char *text)
{
	size_t len = strlen(ledger.said);

	(void)snprintf(
	    ledger.said + len, sizeof ledger.said - len, "%s\n", text);
}

bool
ledger_say_sum(void *ctx, const struct state_sum *sum)
{
	char line[600];

	(void)snprintf(line, sizeof line, "%s%s %llu %llu %llu",
	    (const char *)ctx, sum->name, (unsigned long long)sum->reports,
	    (unsigned long long)sum->successful,
	    (unsigned long long)sum->failed);
	say(line);
	return true;
}

bool
ledger_say_problem(void *ctx, const struct state_problem *p)
{
	const struct episode *e = &p->episode;
	char line[1200];

	(void)ctx;
	(void)snprintf(line, sizeof line,
	    "%s %s %s %s %s %lld-%lld %lld sessions %llu failed %llu in %llu "
	    "by %llu %s",
	    p->policy_domain, p->receiving_mx_hostname, p->policy_type,
	    p->result_type, problem_state_str(e->state),
	    (long long)(e->since / PROBLEM_DAY - LEDGER_DAY0),
	    (long long)(e->last / PROBLEM_DAY - LEDGER_DAY0),
	    (long long)(e->resolved == INT64_MAX ? e->newest
						 : e->resolved - ledger_at(0)),
	    (unsigned long long)e->sessions, (unsigned long long)e->failed,
	    (unsigned long long)e->sightings, (unsigned long long)e->reporters,
	    severity_str(e->severity));
	say(line);
	return true;
}

bool
ledger_say_reporter(void *ctx, const struct state_reporter *reporter)
{
	char line[600];

	(void)ctx;
	(void)snprintf(line, sizeof line, "reporter %s %lld %llu",
	    reporter->organization_name,
	    (long long)(reporter->newest - ledger_at(0)),
	    (unsigned long long)reporter->reports);
	say(line);
	return true;
}

static const char *const by_names[] = { "all ", "day ", "domain ", "mx ",
	"sender ", "result " };

/* Everything that can be asked. */
void
ledger_say_all(int64_t now)
{
	const struct state_query queries[] = {
		{ 0, ledger_at(1000), NULL },
		{ ledger_at(3), ledger_at(9), "D.example." },
	};
	struct state_counts counts;
	char line[300];

	ledger.said[0] = '\0';
	for (size_t q = 0; q < ARRAY_LEN(queries); q++) {
		for (int by = 0; by <= STATE_BY_RESULT_TYPE; by++)
			ck_status("sums",
			    state_sums(ledger.state, (enum state_by)by,
				&queries[q], ledger_say_sum,
				(void *)(uintptr_t)by_names[by], &ledger.fault),
			    ST_OK);
	}
	ck_status("problems",
	    state_problems(ledger.state, NULL, true, now, ledger_say_problem,
		NULL, &ledger.fault),
	    ST_OK);
	ck_status("reporters",
	    state_reporters(
		ledger.state, ledger_say_reporter, NULL, &ledger.fault),
	    ST_OK);
	ck_status("counts",
	    state_counts(ledger.state, now, &counts, &ledger.fault), ST_OK);
	(void)snprintf(line, sizeof line,
	    "counts %llu %llu %llu %llu, %llu %llu, %llu %llu %llu %s %lld",
	    (unsigned long long)counts.reports,
	    (unsigned long long)counts.differing,
	    (unsigned long long)counts.reporters,
	    (unsigned long long)counts.domains,
	    (unsigned long long)counts.successful,
	    (unsigned long long)counts.failed, (unsigned long long)counts.open,
	    (unsigned long long)counts.stale,
	    (unsigned long long)counts.resolved, severity_str(counts.severity),
	    (long long)(counts.newest - ledger_at(0)));
	say(line);
}

uint64_t
ledger_draw(uint64_t below)
{
	ledger.seed ^= ledger.seed << 13;
	ledger.seed ^= ledger.seed >> 7;
	ledger.seed ^= ledger.seed << 17;
	return ledger.seed % below;
}
