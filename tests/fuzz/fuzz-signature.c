/*
 * fuzz-signature: whole mails with DKIM-Signature fields.
 *
 * The keys are those of the seeds, and what a mail says itself in X-Key fields,
 * so that both sides of a lookup are under test. The verdict must be the same
 * however the mail is cut, and hold together.
 */
#include <ctype.h>

#include "buf.h"
#include "fuzz.h"
#include "header.h"
#include "signature.h"
#include "text.h"

/* Of tests/data/dkim/records. */
static const struct {
	const char *name;
	const char *record;
} keys[] = {
	{ "rsa1024._domainkey.example.com",
	    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDtHe"
	    "KGH9hanbQ5Qw+F5Xsg3i+oCSNBGyLykg4vvqlAGeKGm8tWteFkGtj1HZFPCn"
	    "3S8FcZ5cHodnbh0HP7kg5sg/sQIU/gsbtXfzcb6uDu5jafRs6TPmnjBMjbpg"
	    "sJw6XaBEmELog6d9pwxYc3T3+K7XJEpzjGEpGD7EkSh2j6FQIDAQAB" },
	{ "ed25519._domainkey.example.com",
	    "v=DKIM1; k=ed25519; p=BV42GEhwQtxZ2mHv7g6NxcMHTOKIm9zIsI7EMV"
	    "K9+ek=" },
	{ "brisbane._domainkey.example.com",
	    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SB"
	    "sEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ij"
	    "Ssq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4Ou"
	    "KhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB" },
};

/* The last X-Key of the mail. */
static struct buf own_key;
static size_t asked;

static enum verdict_reason
look_up(void *ctx, const char *name, unsigned milliseconds, struct buf *record,
    enum verdict_dnssec *dnssec)
{
	(void)ctx;
	FUZZ_CHECK(milliseconds > 0 && milliseconds <= 60000);
	FUZZ_CHECK(strlen(name) <= 253 && strstr(name, "._domainkey.") != NULL);
	for (const char *p = name; *p != '\0'; p++)
		FUZZ_CHECK(islower((unsigned char)*p) ||
		    isdigit((unsigned char)*p) || strchr("-_.", *p) != NULL);
	FUZZ_CHECK(++asked <= SIGNATURE_MAX);
	*dnssec = DNSSEC_INSECURE;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].name, name) == 0)
			return buf_adds(record, keys[i].record) == ST_OK
			    ? REASON_NONE
			    : REASON_NO_RESOURCES;
	}
	if (own_key.len == 0)
		return name[0] == 't' ? REASON_DNS_TIMEOUT : REASON_NO_KEY;
	return buf_add(record, own_key.data, own_key.len) == ST_OK
	    ? REASON_NONE
	    : REASON_KEY_SYNTAX;
}

static bool
is_aligned(void *ctx, const char *domain)
{
	(void)ctx;
	FUZZ_CHECK(domain[0] != '\0' && strlen(domain) <= 253);
	return !text_isuffix(domain, ".org");
}

static enum status
take_field(void *ctx, const char *name, const char *value)
{
	signature_field(ctx, name, value);
	if (text_ieq(name, "X-Key")) {
		buf_cut(&own_key, 0);
		FUZZ_CHECK(buf_adds(&own_key, value) == ST_OK);
	}
	return ST_OK;
}

static void
verify(struct signature_site *site, bool is_file, const uint8_t *data,
    size_t size, struct fuzz_cuts cuts, struct verdict *verdict)
{
	struct signature *sig = signature_new(site, is_file);
	struct header_splitter splitter;
	const char *text = (const char *)data;
	size_t used;

	FUZZ_CHECK(sig != NULL);
	buf_cut(&own_key, 0);
	asked = 0;
	header_splitter_init(&splitter, take_field, sig);
	FUZZ_CHECK(header_splitter_more(&splitter, text, size, &used) == ST_OK);
	FUZZ_CHECK(header_splitter_finish(&splitter) == ST_OK);
	header_splitter_free(&splitter);
	(void)signature_is_there(sig, "example.com", "", "A", is_aligned, NULL);
	while (used < size) {
		size_t n = fuzz_next(&cuts, size - used);
		char *piece = fuzz_copy(text + used, n);

		signature_body(sig, piece, n);
		free(piece);
		used += n;
	}
	signature_finish(sig, is_aligned, NULL, 60000, verdict);
	signature_free(&sig);
}

static void
check_verdict(const struct verdict *v)
{
	FUZZ_CHECK(v->result != VERDICT_OFF);
	FUZZ_CHECK(v->result == verdict_of_reason(v->reason));
	FUZZ_CHECK(v->reason != REASON_NO_RESOURCES);
	FUZZ_CHECK((v->reason == REASON_NOT_ALIGNED) ==
	    (v->domain[0] != '\0' && text_isuffix(v->domain, ".org")));
	if (v->result == VERDICT_PASS)
		FUZZ_CHECK(v->domain[0] != '\0' && v->selector[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signature_site *site;
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);
	bool is_file = (fuzz_byte(data, &size) & 1) == 0;
	struct verdict whole, pieces;

	if (site == NULL) {
		site = signature_site_new(look_up, NULL);
		buf_init(&own_key, HEADER_FIELD_MAX);
	}
	FUZZ_CHECK(site != NULL);
	verify(site, is_file, data, size, fuzz_whole(), &whole);
	check_verdict(&whole);
	verify(site, is_file, data, size, cuts, &pieces);
	FUZZ_CHECK(whole.reason == pieces.reason);
	FUZZ_CHECK(strcmp(whole.selector, pieces.selector) == 0);
	return 0;
}
