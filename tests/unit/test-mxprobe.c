#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "deadline.h"
#include "inject.h"
#include "mxprobe.h"
#include "mxserver.h"
#include "suites.h"
#include "unit.h"

#define HOST "mx.example.com"

enum {
	PATIENCE_MS = 20000, /* for what is expected to come */
	BRIEF_MS = 500,      /* for what is expected not to */
	LATE_MS = 5000       /* more than a busy host is behind */
};

static struct cert root, intermediate, leaf;
static const struct cert *chain[] = { &leaf, &intermediate };
static X509_STORE *store;

static void
setup(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	root = certs_make(
	    &(struct certs_spec){ .cn = "Example Root", .is_ca = true });
	intermediate = certs_make(&(struct certs_spec){
	    .cn = "Example Intermediate", .is_ca = true, .issuer = &root });
	leaf = certs_make(&(struct certs_spec){
	    .cn = HOST, .names = "DNS:" HOST, .issuer = &intermediate });
	store = certs_store(&root);
}

static void
teardown(void)
{
	X509_STORE_free(store);
	certs_free(&leaf);
	certs_free(&intermediate);
	certs_free(&root);
}

/* As diagnosis.c asks, of a server that runs. */
static struct mxprobe_settings
ask(const struct mxserver *server)
{
	return (struct mxprobe_settings){ .address = &server->address,
		.port = server->port,
		.host = HOST,
		.helo = "client.example",
		.store = store,
		.milliseconds = PATIENCE_MS };
}

/* Start a server, probe it once, and end it. */
static void
probe_once(const struct mxserver_settings *settings, unsigned milliseconds,
    struct mxserver *server, struct mxprobe *probe)
{
	size_t descriptors = unit_count_descriptors();
	struct mxprobe_settings s;

	mxserver_start(server, settings);
	s = ask(server);
	s.milliseconds = milliseconds;
	mxprobe_run(&s, probe);
	mxserver_stop(server);
	ck_assert_uint_eq(unit_count_descriptors(), descriptors);
}

/* How it ended, by name. */
static void
expect(const char *name, const struct mxprobe *probe, enum mxprobe_stage stage,
    enum mxprobe_end end, const char *detail)
{
	ck_assert_msg(probe->stage == stage && probe->end == end,
	    "%s: %s at %s: %s", name, mxprobe_end_str(probe->end),
	    mxprobe_stage_str(probe->stage), probe->detail);
	ck_assert_msg(strstr(probe->detail, detail) != NULL, "%s: \"%s\"", name,
	    probe->detail);
}

/* What a server says or does, and where that ends. */
static const struct row {
	const char *name;
	struct mxserver_settings server;
	enum mxprobe_stage stage;
	enum mxprobe_end end;
	int code;
	const char *detail;
	const char *said;
} rows[] = {
	{ "not welcome", { .greeting = "554 go away\r\n" }, MXPROBE_GREETING,
	    MXPROBE_REJECTED, 554, "554 go away", "QUIT" },
	{ "too busy", { .greeting = "421-not\r\n421 now\r\n" },
	    MXPROBE_GREETING, MXPROBE_REJECTED, 421, "421-not ... 421 now",
	    "QUIT" },
	{ "an odd greeting", { .greeting = "250 mx.example\r\n" },
	    MXPROBE_GREETING, MXPROBE_PROTOCOL, 250, "250 mx.example", "" },
	{ "another protocol",
	    { .stage = MXSERVER_GREETING, .trick = MXSERVER_GARBAGE },
	    MXPROBE_GREETING, MXPROBE_PROTOCOL, 0, "no SMTP reply: SSH-2.0",
	    "" },
	{ "closed at once",
	    { .stage = MXSERVER_GREETING, .trick = MXSERVER_CLOSES },
	    MXPROBE_GREETING, MXPROBE_LOST, 0, "closed the connection", "" },
	{ "endless greeting",
	    { .stage = MXSERVER_GREETING, .trick = MXSERVER_ENDLESS },
	    MXPROBE_GREETING, MXPROBE_PROTOCOL, 220, "over 100 lines", "" },
	{ "long greeting",
	    { .stage = MXSERVER_GREETING, .trick = MXSERVER_LONG },
	    MXPROBE_GREETING, MXPROBE_PROTOCOL, 0, "over 2048 bytes: 220 xxx",
	    "" },
	{ "EHLO put off", { .ehlo = "421 later\r\n" }, MXPROBE_EHLO,
	    MXPROBE_REJECTED, 421, "421 later", "EHLO client.example\nQUIT" },
	{ "EHLO unknown", { .ehlo = "502 what\r\n" }, MXPROBE_EHLO,
	    MXPROBE_NOT_OFFERED, 250, "502 what",
	    "EHLO client.example\nHELO client.example\nQUIT" },
	{ "HELO unknown, too", { .ehlo = "502 what\r\n", .helo = "550 no\r\n" },
	    MXPROBE_EHLO, MXPROBE_REJECTED, 550, "550 no",
	    "HELO client.example\nQUIT" },
	{ "an odd reply to EHLO", { .ehlo = "354 go on\r\n" }, MXPROBE_EHLO,
	    MXPROBE_PROTOCOL, 354, "354 go on", "" },
	{ "lost at EHLO", { .stage = MXSERVER_EHLO, .trick = MXSERVER_CLOSES },
	    MXPROBE_EHLO, MXPROBE_LOST, 0, "", "EHLO" },
	{ "endless EHLO", { .stage = MXSERVER_EHLO, .trick = MXSERVER_ENDLESS },
	    MXPROBE_EHLO, MXPROBE_PROTOCOL, 220, "over 100 lines", "" },
	{ "long EHLO", { .stage = MXSERVER_EHLO, .trick = MXSERVER_LONG },
	    MXPROBE_EHLO, MXPROBE_PROTOCOL, 0, "over 2048 bytes", "" },
	{ "no STARTTLS", { .ehlo = "250-mx.example\r\n250 DSN\r\n" },
	    MXPROBE_EHLO, MXPROBE_NOT_OFFERED, 250,
	    "250-mx.example ... 250 DSN", "EHLO client.example\nQUIT" },
	{ "STARTTLS masked", { .ehlo = "250-mx\r\n250 XXXXXXXA\r\n" },
	    MXPROBE_EHLO, MXPROBE_NOT_OFFERED, 250, "XXXXXXXA", "" },
	{ "refused, for now", { .starttls = "454 TLS not available\r\n" },
	    MXPROBE_STARTTLS, MXPROBE_REJECTED, 454, "454 TLS not available",
	    "STARTTLS\nQUIT" },
	{ "refused", { .starttls = "502 unknown\r\n" }, MXPROBE_STARTTLS,
	    MXPROBE_REJECTED, 502, "502 unknown", "STARTTLS\nQUIT" },
	{ "an odd reply to STARTTLS", { .starttls = "250 ok\r\n" },
	    MXPROBE_STARTTLS, MXPROBE_PROTOCOL, 250, "250 ok", "" },
	{ "injected", { .starttls = "220 go\r\n250 injected\r\n" },
	    MXPROBE_STARTTLS, MXPROBE_PROTOCOL, 220, "in clear text", "" },
	{ "lost at STARTTLS",
	    { .stage = MXSERVER_STARTTLS, .trick = MXSERVER_CLOSES },
	    MXPROBE_STARTTLS, MXPROBE_LOST, 0, "", "STARTTLS" },
	{ "lost at the handshake",
	    { .stage = MXSERVER_HANDSHAKE, .trick = MXSERVER_CLOSES },
	    MXPROBE_HANDSHAKE, MXPROBE_LOST, 220, "", "" },
	{ "reset at EHLO", { .stage = MXSERVER_EHLO, .trick = MXSERVER_RESETS },
	    MXPROBE_EHLO, MXPROBE_LOST, 0, "reset", "EHLO" },
	{ "reset at the handshake",
	    { .stage = MXSERVER_HANDSHAKE, .trick = MXSERVER_RESETS },
	    MXPROBE_HANDSHAKE, MXPROBE_LOST, 220, "reset", "" },
	{ "no TLS behind STARTTLS",
	    { .stage = MXSERVER_HANDSHAKE, .trick = MXSERVER_GARBAGE },
	    MXPROBE_HANDSHAKE, MXPROBE_TLS, 220, "wrong version number", "" },
	{ "1 MB behind STARTTLS",
	    { .stage = MXSERVER_HANDSHAKE, .trick = MXSERVER_LONG },
	    MXPROBE_HANDSHAKE, MXPROBE_TLS, 220, "", "" },
	{ "no certificate", { .count = 0 }, MXPROBE_HANDSHAKE, MXPROBE_TLS, 220,
	    "handshake failure", "" },
};

START_TEST(dialogues)
{
	const struct row *row = &rows[_i];
	struct mxserver server;
	struct mxprobe probe;

	probe_once(&row->server, PATIENCE_MS, &server, &probe);
	expect(row->name, &probe, row->stage, row->end, row->detail);
	ck_assert_msg(
	    probe.code == row->code, "%s: code %d", row->name, probe.code);
	ck_assert_msg(strstr(server.said, row->said) != NULL, "%s: \"%s\"",
	    row->name, server.said);
	ck_assert_uint_lt(probe.milliseconds, PATIENCE_MS);
}
END_TEST

/* Where nothing comes, or never enough, the time is that of the settings. */
static const struct late {
	const char *name;
	enum mxserver_stage server_stage;
	enum mxserver_trick trick;
	enum mxprobe_stage stage;
	const char *detail;
} lates[] = {
	{ "silent greeting", MXSERVER_GREETING, MXSERVER_SILENT,
	    MXPROBE_GREETING, "no reply in time" },
	{ "a tar-pit", MXSERVER_GREETING, MXSERVER_TRICKLES, MXPROBE_GREETING,
	    "no whole line in time: 22" },
	{ "silent at EHLO", MXSERVER_EHLO, MXSERVER_SILENT, MXPROBE_EHLO,
	    "no reply in time" },
	{ "a tar-pit at EHLO", MXSERVER_EHLO, MXSERVER_TRICKLES, MXPROBE_EHLO,
	    "no whole line in time: 22" },
	{ "silent at STARTTLS", MXSERVER_STARTTLS, MXSERVER_SILENT,
	    MXPROBE_STARTTLS, "no reply in time" },
	{ "silent at the handshake", MXSERVER_HANDSHAKE, MXSERVER_SILENT,
	    MXPROBE_HANDSHAKE, "no end of the handshake" },
};

START_TEST(late_ones)
{
	const struct late *late = &lates[_i];
	struct mxserver_settings settings = { .chain = chain,
		.count = ARRAY_LEN(chain),
		.stage = late->server_stage,
		.trick = late->trick };
	struct mxserver server;
	struct mxprobe probe;

	probe_once(&settings, BRIEF_MS, &server, &probe);
	expect(late->name, &probe, late->stage, MXPROBE_TIMEOUT, late->detail);
	ck_assert_uint_ge(probe.milliseconds, BRIEF_MS);
	ck_assert_uint_lt(probe.milliseconds, BRIEF_MS + LATE_MS);
}
END_TEST

/* A reply whose last line never comes. */
START_TEST(never_the_last_line)
{
	struct mxserver server;
	struct mxprobe probe;

	probe_once(&(struct mxserver_settings){ .greeting = "220-wait\r\n" },
	    BRIEF_MS, &server, &probe);
	expect("wait", &probe, MXPROBE_GREETING, MXPROBE_TIMEOUT,
	    "no last line in time, after: 220-wait");
}
END_TEST

static const int families[] = { AF_INET, AF_INET6 };

START_TEST(all_is_well)
{
	struct mxserver_settings settings = { .family = families[_i],
		.chain = chain,
		.count = ARRAY_LEN(chain) };
	struct mxserver server;
	struct mxprobe probe;

	if (!peer_has_family(families[_i]))
		return;
	probe_once(&settings, PATIENCE_MS, &server, &probe);
	expect("well", &probe, MXPROBE_DONE, MXPROBE_OK, "");
	ck_assert_str_eq(probe.helo, "mx.example");
	ck_assert_str_eq(probe.protocol, "TLSv1.3");
	ck_assert_ptr_nonnull(strstr(probe.cipher, "TLS_"));
	ck_assert_uint_eq(probe.chain, 2);
	ck_assert_str_eq(probe.certificate.subject, "CN=" HOST);
	ck_assert_uint_eq(probe.pkix.faults, 0);
	ck_assert(!probe.has_dane && !probe.dane_matches);
	/* QUIT comes inside TLS. */
	ck_assert_msg(
	    strstr(server.said,
		"EHLO client.example\nSTARTTLS\nSNI: " HOST "\nQUIT\n") != NULL,
	    "%s", server.said);
}
END_TEST

/* Faults of a certificate are named; the handshake is made all the same. */
static const struct bad {
	const char *name;
	struct certs_spec leaf;
	bool is_self_signed;
	unsigned faults;
} bads[] = {
	{ "expired", { .cn = HOST, .names = "DNS:" HOST, .from = -9, .to = -2 },
	    false, CERTIFICATE_EXPIRED },
	{ "other", { .cn = HOST, .names = "DNS:a.example" }, false,
	    CERTIFICATE_HOST_MISMATCH },
	{ "self-signed", { .cn = HOST, .names = "DNS:" HOST }, true,
	    CERTIFICATE_NOT_TRUSTED },
	{ "weak", { .cn = HOST, .names = "DNS:" HOST, .key = CERTS_WEAK },
	    false, CERTIFICATE_NOT_TRUSTED },
	{ "all", { .cn = "x", .from = -9, .to = -2, .key = CERTS_WEAK }, true,
	    CERTIFICATE_NOT_TRUSTED | CERTIFICATE_HOST_MISMATCH |
		CERTIFICATE_EXPIRED },
};

START_TEST(bad_certificates)
{
	const struct bad *bad = &bads[_i];
	struct certs_spec spec = bad->leaf;
	const struct cert *bad_chain[] = { NULL, &intermediate };
	struct mxserver_settings settings = { .chain = bad_chain, .count = 2 };
	struct mxserver server;
	struct mxprobe probe;
	struct cert cert;

	if (!bad->is_self_signed)
		spec.issuer = &intermediate;
	cert = certs_make(&spec);
	bad_chain[0] = &cert;
	probe_once(&settings, PATIENCE_MS, &server, &probe);
	expect(bad->name, &probe, MXPROBE_DONE, MXPROBE_OK, "");
	ck_assert_msg(probe.pkix.faults == bad->faults, "%s: %#x: %s",
	    bad->name, probe.pkix.faults, probe.pkix.detail);
	certs_free(&cert);
}
END_TEST

/* Whose certificate a TLSA record of a row is of. */
enum whose {
	NOBODY,
	LEAF,
	INTERMEDIATE,
	ROOT,
	OLD /* a key that is not in use any more */
};

static const struct dane {
	const char *name;
	struct certs_spec leaf;
	bool sends_root;
	struct {
		enum whose whose;
		unsigned char usage, selector, matching;
	} record[3];
	bool has_dane;
	int matches;     /* which record; -1: none */
	unsigned faults; /* besides, by DANE */
} danes[] = {
#define GOOD                                                                   \
	{                                                                      \
		.cn = HOST, .names = "DNS:" HOST                               \
	}
#define EXPIRED                                                                \
	{                                                                      \
		.cn = HOST, .names = "DNS:" HOST, .from = -9, .to = -2         \
	}
	{ "3 1 1", GOOD, false, { { LEAF, 3, 1, 1 } }, true, 0, 0 },
	{ "3 0 1", GOOD, false, { { LEAF, 3, 0, 1 } }, true, 0, 0 },
	{ "3 1 2", GOOD, false, { { LEAF, 3, 1, 2 } }, true, 0, 0 },
	{ "3 1 0", GOOD, false, { { LEAF, 3, 1, 0 } }, true, 0, 0 },
	{ "3 0 0", GOOD, false, { { LEAF, 3, 0, 0 } }, true, 0, 0 },
	{ "3 1 1 needs no date", EXPIRED, false, { { LEAF, 3, 1, 1 } }, true, 0,
	    0 },
	{ "3 1 1 needs no name", { .cn = "x" }, false, { { LEAF, 3, 1, 1 } },
	    true, 0, 0 },
	{ "3 1 1 of the old key", GOOD, false, { { OLD, 3, 1, 1 } }, true, -1,
	    CERTIFICATE_NOT_TRUSTED },
	{ "3 1 1 of the issuer", GOOD, false, { { INTERMEDIATE, 3, 1, 1 } },
	    true, -1, CERTIFICATE_NOT_TRUSTED },
	{ "old and new", GOOD, false, { { OLD, 3, 1, 1 }, { LEAF, 3, 1, 1 } },
	    true, 1, 0 },
	{ "2 0 1", GOOD, false, { { INTERMEDIATE, 2, 0, 1 } }, true, 0, 0 },
	{ "2 1 1", GOOD, false, { { INTERMEDIATE, 2, 1, 1 } }, true, 0, 0 },
	{ "2 1 2 of the root", GOOD, true, { { ROOT, 2, 1, 2 } }, true, 0, 0 },
	{ "2 0 1 that is not sent", GOOD, false, { { ROOT, 2, 0, 1 } }, true,
	    -1, CERTIFICATE_NOT_TRUSTED },
	{ "2 0 0 that is not sent", GOOD, false, { { ROOT, 2, 0, 0 } }, true, 0,
	    0 },
	{ "2 1 0 that is not sent", GOOD, false, { { ROOT, 2, 1, 0 } }, true, 0,
	    0 },
	{ "2 0 1 of another", GOOD, true, { { OLD, 2, 0, 1 } }, true, -1,
	    CERTIFICATE_NOT_TRUSTED },
	{ "2 0 1 expired", EXPIRED, false, { { INTERMEDIATE, 2, 0, 1 } }, true,
	    0, CERTIFICATE_EXPIRED },
	{ "2 0 1 other name", { .cn = HOST, .names = "DNS:a.example" }, false,
	    { { INTERMEDIATE, 2, 0, 1 } }, true, 0, CERTIFICATE_HOST_MISMATCH },
	{ "2 0 1 with CN alone", { .cn = HOST }, false,
	    { { INTERMEDIATE, 2, 0, 1 } }, true, 0, 0 },
	{ "2 0 1 both",
	    { .cn = "x", .names = "DNS:a.example", .from = -9, .to = -2 },
	    false, { { INTERMEDIATE, 2, 0, 1 } }, true, 0,
	    CERTIFICATE_HOST_MISMATCH | CERTIFICATE_EXPIRED },
	{ "2 0 1 not yet",
	    { .cn = HOST, .names = "DNS:" HOST, .from = 2, .to = 9 }, false,
	    { { INTERMEDIATE, 2, 0, 1 } }, true, 0, CERTIFICATE_NOT_TRUSTED },
	{ "2 0 1 no match, expired, other name",
	    { .cn = "x", .names = "DNS:a.example", .from = -9, .to = -2 },
	    false, { { OLD, 2, 0, 1 } }, true, -1,
	    CERTIFICATE_NOT_TRUSTED | CERTIFICATE_HOST_MISMATCH |
		CERTIFICATE_EXPIRED },
	{ "2 expired, but 3 matches", EXPIRED, false,
	    { { INTERMEDIATE, 2, 0, 1 }, { LEAF, 3, 1, 1 } }, true, 1, 0 },
	{ "weak", { .cn = HOST, .names = "DNS:" HOST, .key = CERTS_WEAK },
	    false, { { LEAF, 3, 1, 1 } }, true, 0, CERTIFICATE_NOT_TRUSTED },
	{ "usages of the web", GOOD, false,
	    { { LEAF, 1, 1, 1 }, { INTERMEDIATE, 0, 0, 1 } }, false, -1, 0 },
	{ "one of them usable", GOOD, false,
	    { { LEAF, 1, 1, 1 }, { OLD, 3, 1, 3 }, { LEAF, 3, 1, 1 } }, true, 2,
	    0 },
	{ "none", GOOD, false, { { NOBODY, 0, 0, 0 } }, false, -1, 0 },
};

/* The records of a row; data holds what they point to. */
static void
make_records(const struct dane *dane, const struct cert *cert,
    const struct cert *old, struct found_tlsa *found,
    unsigned char data[3][2048])
{
	const struct cert *of[] = { NULL, cert, &intermediate, &root, old };

	memset(found, 0, sizeof *found);
	for (size_t i = 0; i < 3 && dane->record[i].whose != NOBODY; i++) {
		struct tlsa *tlsa = &found->tlsa[found->count++];

		tlsa->usage = dane->record[i].usage;
		tlsa->selector = dane->record[i].selector;
		tlsa->matching = dane->record[i].matching;
		tlsa->data = data[i];
		tlsa->len = certs_tlsa(of[dane->record[i].whose],
		    tlsa->selector, tlsa->matching, data[i], sizeof data[i]);
	}
}

static void
check_dane(const struct dane *dane, const struct found_tlsa *found,
    const struct mxprobe *probe)
{
	expect(dane->name, probe, MXPROBE_DONE, MXPROBE_OK, "");
	ck_assert_msg(
	    probe->has_dane == dane->has_dane, "%s: has_dane", dane->name);
	ck_assert_msg(probe->dane_matches == (dane->matches >= 0),
	    "%s: matches %d: %s", dane->name, probe->dane_matches,
	    probe->dane.detail);
	ck_assert_msg(probe->dane.faults == dane->faults, "%s: %#x: %s",
	    dane->name, probe->dane.faults, probe->dane.detail);
	ck_assert_msg(
	    (probe->dane.faults == 0) == (probe->dane.detail[0] == '\0'),
	    "%s: \"%s\"", dane->name, probe->dane.detail);
	if (dane->matches >= 0)
		ck_assert_ptr_eq(
		    probe->dane_record.data, found->tlsa[dane->matches].data);
}

START_TEST(dane_verdicts)
{
	const struct dane *dane = &danes[_i];
	struct certs_spec spec = dane->leaf;
	const struct cert *sent[] = { NULL, &intermediate, &root };
	struct mxserver_settings settings = { .chain = sent,
		.count = dane->sends_root ? 3 : 2 };
	struct cert cert, old = certs_make(&(struct certs_spec){ .cn = "old" });
	static unsigned char data[3][2048];
	struct mxprobe_settings s;
	struct mxserver server;
	struct found_tlsa found;
	struct mxprobe probe;

	spec.issuer = &intermediate;
	cert = certs_make(&spec);
	sent[0] = &cert;
	make_records(dane, &cert, &old, &found, data);
	mxserver_start(&server, &settings);
	s = ask(&server);
	s.tlsa = &found;
	s.dane_base = HOST;
	mxprobe_run(&s, &probe);
	mxserver_stop(&server);
	check_dane(dane, &found, &probe);
	certs_free(&cert);
	certs_free(&old);
}
END_TEST

/* Where an alias led to the TLSA records, that is the name asked for; the
   certificate may have either (RFC 7672, section 3.2.3). */
START_TEST(dane_base_is_the_sni)
{
	static const char *const names[] = { "DNS:base.example", ("DNS:" HOST),
		"DNS:a.example" };
	static unsigned char data[3][2048];
	static const struct dane dane = { .record = {
					      { INTERMEDIATE, 2, 0, 1 } } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct cert cert = certs_make(&(struct certs_spec){
		    .cn = "x", .names = names[i], .issuer = &intermediate });
		const struct cert *sent[] = { &cert, &intermediate };
		struct mxprobe_settings s;
		struct mxserver server;
		struct found_tlsa found;
		struct mxprobe probe;

		make_records(&dane, &cert, NULL, &found, data);
		mxserver_start(&server,
		    &(struct mxserver_settings){ .chain = sent, .count = 2 });
		s = ask(&server);
		s.tlsa = &found;
		s.dane_base = "base.example";
		mxprobe_run(&s, &probe);
		mxserver_stop(&server);
		ck_assert(probe.dane_matches);
		ck_assert_uint_eq(
		    probe.dane.faults, i < 2 ? 0 : CERTIFICATE_HOST_MISMATCH);
		ck_assert_ptr_nonnull(
		    strstr(server.said, "SNI: base.example\n"));
		certs_free(&cert);
	}
}
END_TEST

/* A server that speaks old TLS alone, and one that does not. */
START_TEST(old_versions)
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, 0 };
	static const char *const names[] = { "TLSv1", "TLSv1.1", NULL };

	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct mxserver_settings settings = { .chain = chain,
			.count = ARRAY_LEN(chain),
			.max_version = versions[i] };
		struct mxprobe_settings s;
		struct mxserver server;
		struct mxprobe probe;

		mxserver_start(&server, &settings);
		s = ask(&server);
		mxprobe_run(&s, &probe);
		if (names[i] != NULL)
			expect("new", &probe, MXPROBE_HANDSHAKE, MXPROBE_TLS,
			    "version");
		else
			expect("new", &probe, MXPROBE_DONE, MXPROBE_OK, "");
		s.max_version = TLS1_1_VERSION;
		mxprobe_run(&s, &probe);
		mxserver_stop(&server);
		if (names[i] == NULL) {
			expect(
			    "old", &probe, MXPROBE_HANDSHAKE, MXPROBE_TLS, "");
			continue;
		}
		expect("old", &probe, MXPROBE_DONE, MXPROBE_OK, "");
		ck_assert_str_eq(probe.protocol, names[i]);
		ck_assert_uint_eq(probe.pkix.faults, 0);
	}
}
END_TEST

/* A server with an RSA key besides that of an elliptic curve. */
START_TEST(other_keys)
{
	struct cert rsa = certs_make(&(struct certs_spec){ .cn = HOST,
	    .names = "DNS:" HOST,
	    .issuer = &intermediate,
	    .key = CERTS_RSA });
	struct mxserver_settings settings = {
		.chain = chain, .count = ARRAY_LEN(chain), .other = &rsa
	};
	struct mxprobe_settings s;
	struct mxserver server;
	struct mxprobe probe;

	mxserver_start(&server, &settings);
	s = ask(&server);
	s.sigalgs = "ECDSA+SHA256:ECDSA+SHA384";
	mxprobe_run(&s, &probe);
	ck_assert_str_eq(probe.certificate.key, "EC P-256");
	s.sigalgs = "RSA-PSS+SHA256:RSA+SHA256:RSA-PSS+SHA384:RSA+SHA384";
	mxprobe_run(&s, &probe);
	ck_assert_str_eq(probe.certificate.key, "RSA 2048");
	ck_assert_uint_eq(probe.pkix.faults, 0);
	s.sigalgs = "ed25519";
	mxprobe_run(&s, &probe);
	expect("ed25519", &probe, MXPROBE_HANDSHAKE, MXPROBE_TLS, "handshake");
	s.sigalgs = "nonsense";
	mxprobe_run(&s, &probe);
	expect("nonsense", &probe, MXPROBE_HANDSHAKE, MXPROBE_OURSELVES, "");
	mxserver_stop(&server);
	certs_free(&rsa);
}
END_TEST

/* A chain of 1000 certificates is not taken; one of 100 is, and is judged. */
START_TEST(giant_chains)
{
	static const struct cert *giant[1000];
	struct mxserver_settings settings = { .chain = giant };
	struct mxserver server;
	struct mxprobe probe;

	for (size_t i = 0; i < ARRAY_LEN(giant); i++)
		giant[i] = i == 0 ? &leaf : &intermediate;
	settings.count = ARRAY_LEN(giant);
	probe_once(&settings, PATIENCE_MS, &server, &probe);
	expect("1000", &probe, MXPROBE_HANDSHAKE, MXPROBE_TLS, "excessive");
	settings.count = 100;
	probe_once(&settings, PATIENCE_MS, &server, &probe);
	expect("100", &probe, MXPROBE_DONE, MXPROBE_OK, "");
	ck_assert_uint_eq(probe.chain, 100);
	ck_assert_uint_eq(probe.pkix.faults, 0);
}
END_TEST

/* Behind the handshake nothing can go wrong any more, nor take long. */
START_TEST(tricks_behind_the_handshake)
{
	static const enum mxserver_trick tricks[] = { MXSERVER_CLOSES,
		MXSERVER_SILENT, MXSERVER_ENDLESS, MXSERVER_TRICKLES,
		MXSERVER_LONG, MXSERVER_RENEGOTIATES };

	for (size_t i = 0; i < ARRAY_LEN(tricks); i++) {
		struct mxserver_settings settings = { .chain = chain,
			.count = ARRAY_LEN(chain),
			.stage = MXSERVER_AFTER,
			.trick = tricks[i],
			/* The last that renegotiates. */
			.max_version = tricks[i] == MXSERVER_RENEGOTIATES
			    ? TLS1_2_VERSION
			    : 0 };
		uint64_t start = deadline_now();
		struct mxserver server;
		struct mxprobe probe;

		probe_once(&settings, PATIENCE_MS, &server, &probe);
		ck_assert_uint_lt(deadline_now() - start, LATE_MS);
		expect("after", &probe, MXPROBE_DONE, MXPROBE_OK, "");
		ck_assert_uint_eq(probe.pkix.faults, 0);
	}
}
END_TEST

/* Nobody listens there. */
START_TEST(nobody_there)
{
	struct found_address address = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)&address.sa;
	struct mxserver server = { .port = 0 };
	struct mxprobe_settings s;
	struct mxprobe probe;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof *in;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)in, sizeof *in), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)in, &len), 0);
	s = ask(&server);
	s.address = &address;
	s.port = ntohs(in->sin_port);
	mxprobe_run(&s, &probe);
	expect("nobody", &probe, MXPROBE_CONNECT, MXPROBE_REFUSED, "refused");
	(void)close(fd);
}
END_TEST

/* A queue that is full: the connection never comes about. */
START_TEST(no_connection)
{
	struct found_address address = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)&address.sa;
	struct mxserver server = { .port = 0 };
	socklen_t len = sizeof *in;
	struct mxprobe_settings s;
	struct mxprobe probe;
	int fd = socket(AF_INET, SOCK_STREAM, 0), waiting[2];

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)in, sizeof *in), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)in, &len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	for (size_t i = 0; i < 2; i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(waiting[i], (struct sockaddr *)in, sizeof *in);
	}
	s = ask(&server);
	s.address = &address;
	s.port = ntohs(in->sin_port);
	s.milliseconds = BRIEF_MS;
	mxprobe_run(&s, &probe);
	expect("full", &probe, MXPROBE_CONNECT, MXPROBE_TIMEOUT,
	    "no connection in time");
	for (size_t i = 0; i < 2; i++)
		(void)close(waiting[i]);
	(void)close(fd);
}
END_TEST

/* Addresses that no route leads to, whatever this host's routes are. */
START_TEST(no_route)
{
	struct found_address address = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)&address.sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.sa;
	struct mxserver server = { .port = 25 };
	struct mxprobe_settings s = ask(&server);
	struct mxprobe probe;

	/* Multicast is not for TCP. */
	s.address = &address;
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(0xe0000001);
	mxprobe_run(&s, &probe);
	expect("IPv4", &probe, MXPROBE_CONNECT, MXPROBE_NO_ROUTE, "");
	if (!peer_has_family(AF_INET6))
		return;
	/* Link-local, but by which link? */
	memset(&address.sa, 0, sizeof address.sa);
	address.len = sizeof *in6;
	in6->sin6_family = AF_INET6;
	in6->sin6_addr.s6_addr[0] = 0xfe;
	in6->sin6_addr.s6_addr[1] = 0x80;
	in6->sin6_addr.s6_addr[15] = 1;
	mxprobe_run(&s, &probe);
	expect("IPv6", &probe, MXPROBE_CONNECT, MXPROBE_NO_ROUTE, "");
}
END_TEST

START_TEST(source_is_bound)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	struct sockaddr_in6 source6 = { .sin6_family = AF_INET6 };
	struct mxprobe_settings s;
	struct mxserver server;
	struct mxprobe probe;

	mxserver_start(&server,
	    &(struct mxserver_settings){
		.chain = chain, .count = ARRAY_LEN(chain) });
	s = ask(&server);
	s.source = (const struct sockaddr *)&source;
	s.source_len = sizeof source;
	source.sin_addr.s_addr = htonl(0x7f000002);
	mxprobe_run(&s, &probe);
	expect("127.0.0.2", &probe, MXPROBE_DONE, MXPROBE_OK, "");
	/* TEST-NET-1: none of ours. */
	source.sin_addr.s_addr = htonl(0xc0000201);
	mxprobe_run(&s, &probe);
	expect("192.0.2.1", &probe, MXPROBE_CONNECT, MXPROBE_NO_ROUTE, "");
	s.source = (const struct sockaddr *)&source6;
	s.source_len = sizeof source6;
	mxprobe_run(&s, &probe);
	expect("IPv6", &probe, MXPROBE_CONNECT, MXPROBE_NO_ROUTE,
	    "the other family");
	mxserver_stop(&server);
	ck_assert_ptr_nonnull(strstr(server.said, "FROM: 127.0.0.2\n"));
}
END_TEST

/* No socket, no connection: both are ours to say, and leave nothing open. */
START_TEST(our_own_trouble)
{
	size_t descriptors;
	struct mxprobe_settings s;
	struct mxserver server;
	struct mxprobe probe;

	mxserver_start(&server, &(struct mxserver_settings){ .count = 0 });
	s = ask(&server);
	descriptors = unit_count_descriptors();
	inject_arm(INJECT_SOCKET, 1);
	mxprobe_run(&s, &probe);
	ck_assert(inject_disarm());
	expect("socket", &probe, MXPROBE_CONNECT, MXPROBE_OURSELVES, "");
	inject_arm(INJECT_SOCKET, 2);
	mxprobe_run(&s, &probe);
	ck_assert(inject_disarm());
	expect("connect", &probe, MXPROBE_CONNECT, MXPROBE_REFUSED, "refused");
	ck_assert_uint_eq(unit_count_descriptors(), descriptors);
	mxserver_stop(&server);
}
END_TEST

START_TEST(words)
{
	for (int i = MXPROBE_CONNECT; i <= MXPROBE_DONE; i++)
		ck_assert_str_ne(
		    mxprobe_stage_str((enum mxprobe_stage)i), "unknown");
	for (int i = MXPROBE_OK; i <= MXPROBE_OURSELVES; i++)
		ck_assert_str_ne(
		    mxprobe_end_str((enum mxprobe_end)i), "unknown");
	ck_assert_str_eq(mxprobe_stage_str(MXPROBE_STARTTLS), "starttls");
	ck_assert_str_eq(mxprobe_end_str(MXPROBE_NOT_OFFERED), "not-offered");
}
END_TEST

Suite *
mxprobe_suite(void)
{
	Suite *suite = suite_create("mxprobe");
	TCase *tc = tcase_create("mxprobe");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, dialogues, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(tc, late_ones, 0, (int)ARRAY_LEN(lates));
	tcase_add_test(tc, never_the_last_line);
	tcase_add_loop_test(tc, all_is_well, 0, (int)ARRAY_LEN(families));
	tcase_add_loop_test(tc, bad_certificates, 0, (int)ARRAY_LEN(bads));
	tcase_add_loop_test(tc, dane_verdicts, 0, (int)ARRAY_LEN(danes));
	tcase_add_test(tc, dane_base_is_the_sni);
	tcase_add_test(tc, old_versions);
	tcase_add_test(tc, other_keys);
	tcase_add_test(tc, giant_chains);
	tcase_add_test(tc, tricks_behind_the_handshake);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, no_connection);
	tcase_add_test(tc, no_route);
	tcase_add_test(tc, source_is_bound);
	tcase_add_test(tc, our_own_trouble);
	tcase_add_test(tc, words);
	suite_add_tcase(suite, tc);
	return suite;
}
