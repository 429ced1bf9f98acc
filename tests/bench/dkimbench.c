#define _DEFAULT_SOURCE /* u_char, for opendkim/dkim.h */

/*
 * dkimbench: what verifying the signature of a mail costs, against libopendkim
 * alone with the same keys.
 *
 *	dkimbench ROUNDS RECORDS SIZE MAIL...
 *
 * RECORDS has lines "NAME RECORD", MAIL is a mail with LF. With a SIZE that is
 * not 0 its body is made so many bytes long: the body hash fails then, but all
 * is computed none the less. For each mail a line
 *
 *	MAIL hash US library US ours US kept US
 *
 * in microseconds of CPU, medians of the rounds, in which the ways take turns:
 * "hash" is libopendkim without any key, "library" is libopendkim alone, "ours"
 * is signature_finish() and all before it, and "kept" is libopendkim's hashes
 * verified with libcrypto and a key that stays decoded.
 *
 * Links libcommon.a, libopendkim and libcrypto.
 */
#include <err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <opendkim/dkim.h>

#include "base64.h"
#include "buf.h"
#include "header.h"
#include "signature.h"

enum {
	FIELDS_MAX = 100,
	FILE_MAX = 1 << 20,
	BATCH = 100, /* mails between two looks at the clock */
	ROUNDS_MAX = 1000,
	WAYS = 4
};

struct mail {
	size_t count;
	char *name[FIELDS_MAX], *value[FIELDS_MAX];
	struct buf field[FIELDS_MAX]; /* the same in one piece, with CRLF */
	struct buf body;
};

static struct buf records;
static struct signature_site *site;
static DKIM_LIB *alone; /* libopendkim with a lookup and nothing else */
static DKIM_LIB *hashing;
static EVP_PKEY *kept;
static bool has_passed;

static void
need(enum status st)
{
	if (st != ST_OK)
		errx(EXIT_FAILURE, "%s", status_str(st));
}

static void
read_file(const char *path, struct buf *out)
{
	char *space;
	size_t room;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		err(EXIT_FAILURE, "%s", path);
	buf_init(out, FILE_MAX);
	for (size_t n = 1; n > 0; buf_grow(out, n)) {
		need(buf_space(out, 4096, &space, &room));
		n = fread(space, 1, room, file);
	}
	(void)fclose(file);
	need(buf_addc(out, '\0'));
}

/* The record of a name, and its length. */
static const char *
find(const char *name, size_t *len)
{
	size_t n = strlen(name);

	for (const char *p = records.data; *p != '\0';
	     p += strcspn(p, "\n") + 1) {
		if (strncmp(p, name, n) == 0 && p[n] == ' ') {
			*len = strcspn(p + n + 1, "\n");
			return p + n + 1;
		}
	}
	errx(EXIT_FAILURE, "%s: no such record", name);
}

static enum verdict_reason
look_up(void *ctx, const char *name, unsigned milliseconds, struct buf *record,
    enum verdict_dnssec *dnssec)
{
	const char *text;
	size_t len;

	(void)ctx;
	(void)milliseconds;
	(void)dnssec;
	text = find(name, &len);
	need(buf_add(record, text, len));
	return REASON_NONE;
}

static const char *
find_for(DKIM_SIGINFO *info, size_t *len)
{
	char name[600];

	(void)snprintf(name, sizeof name, "%s._domainkey.%s",
	    (char *)dkim_sig_getselector(info),
	    (char *)dkim_sig_getdomain(info));
	return find(name, len);
}

static DKIM_CBSTAT
hand_key(DKIM *dkim, DKIM_SIGINFO *info, unsigned char *out, size_t size)
{
	size_t len;
	const char *text = find_for(info, &len);

	(void)dkim;
	if (len >= size)
		return DKIM_CBSTAT_ERROR;
	memcpy(out, text, len);
	out[len] = '\0';
	return DKIM_CBSTAT_CONTINUE;
}

static DKIM_CBSTAT
stop_there(DKIM *dkim, DKIM_SIGINFO **infos, int count)
{
	(void)dkim;
	(void)infos;
	(void)count;
	return DKIM_CBSTAT_REJECT;
}

static bool
is_aligned(void *ctx, const char *domain)
{
	(void)ctx;
	(void)domain;
	return true;
}

/* The ways. */

static void
ours(struct mail *mail)
{
	struct signature *sig = signature_new(site, false);
	struct verdict verdict;

	for (size_t i = 0; i < mail->count; i++)
		signature_field(sig, mail->name[i], mail->value[i]);
	signature_body(sig, mail->body.data, mail->body.len);
	signature_finish(sig, is_aligned, NULL, 1000, &verdict);
	has_passed = verdict.result == VERDICT_PASS;
	signature_free(&sig);
}

/* Feed libopendkim all but the end. */
static DKIM *
feed(DKIM_LIB *lib, struct mail *mail)
{
	DKIM_STAT status;
	DKIM *dkim = dkim_verify(lib, NULL, NULL, &status);

	for (size_t i = 0; i < mail->count; i++)
		(void)dkim_header(
		    dkim, (u_char *)mail->field[i].data, mail->field[i].len);
	if (dkim_eoh(dkim) != DKIM_STAT_OK)
		errx(EXIT_FAILURE, "dkim_eoh");
	(void)dkim_body(dkim, (u_char *)mail->body.data, mail->body.len);
	return dkim;
}

static void
library(struct mail *mail)
{
	DKIM *dkim = feed(alone, mail);

	has_passed = dkim_eom(dkim, NULL) == DKIM_STAT_OK;
	(void)dkim_free(dkim);
}

static DKIM_SIGINFO *
hash(DKIM *dkim)
{
	DKIM_SIGINFO **infos;
	int count;

	if (dkim_eom(dkim, NULL) != DKIM_STAT_CBREJECT ||
	    dkim_getsiglist(dkim, &infos, &count) != DKIM_STAT_OK)
		errx(EXIT_FAILURE, "dkim_eom");
	return infos[0];
}

static void
hash_only(struct mail *mail)
{
	DKIM *dkim = feed(hashing, mail);

	(void)hash(dkim);
	(void)dkim_free(dkim);
}

static size_t
decode(const char *text, size_t len, char *out)
{
	struct base64 b64;
	size_t n;

	base64_init(&b64);
	n = base64_more(&b64, text, len, out);
	return n + base64_finish(&b64, out + n);
}

static EVP_PKEY *
decode_key(DKIM_SIGINFO *info)
{
	size_t len;
	const char *text = find_for(info, &len);
	const char *p = strstr(text, "p=") + 2;
	unsigned char der[4096];
	const unsigned char *at = der;

	len = decode(p, len - (size_t)(p - text), (char *)der);
	return len == 32
	    ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, der, len)
	    : d2i_PUBKEY(NULL, &at, (long)len);
}

static bool
check(const unsigned char *hashed, size_t len, const unsigned char *b,
    size_t b_len)
{
	bool is_good;

	if (EVP_PKEY_get_id(kept) == EVP_PKEY_ED25519) {
		EVP_MD_CTX *md = EVP_MD_CTX_new();

		is_good =
		    EVP_DigestVerifyInit(md, NULL, NULL, NULL, kept) == 1 &&
		    EVP_DigestVerify(md, b, b_len, hashed, len) == 1;
		EVP_MD_CTX_free(md);
	} else {
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(kept, NULL);

		is_good = EVP_PKEY_verify_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		    EVP_PKEY_verify(ctx, b, b_len, hashed, len) == 1;
		EVP_PKEY_CTX_free(ctx);
	}
	return is_good;
}

static void
keep(struct mail *mail)
{
	DKIM *dkim = feed(hashing, mail);
	DKIM_SIGINFO *info = hash(dkim);
	char b[1024], tag[] = "b";
	const char *text =
	    (char *)dkim_sig_gettagvalue(info, false, (u_char *)tag);
	void *head, *body;
	size_t head_len, body_len;

	if (kept == NULL)
		kept = decode_key(info);
	if (dkim_sig_gethashes(info, &head, &head_len, &body, &body_len) !=
	    DKIM_STAT_OK)
		errx(EXIT_FAILURE, "dkim_sig_gethashes");
	has_passed = check(
	    head, head_len, (unsigned char *)b, decode(text, strlen(text), b));
	(void)dkim_free(dkim);
}

static const struct {
	const char *name;
	void (*run)(struct mail *mail);
	bool verifies;
} ways[WAYS] = {
	{ "hash", hash_only, false },
	{ "library", library, true },
	{ "ours", ours, true },
	{ "kept", keep, true },
};

/* A mail in pieces. */

static enum status
take_field(void *ctx, const char *name, const char *value)
{
	struct mail *mail = ctx;
	struct buf *field = &mail->field[mail->count];

	if (mail->count == FIELDS_MAX)
		return ST_TOO_LARGE;
	mail->name[mail->count] = strdup(name);
	mail->value[mail->count++] = strdup(value);
	buf_init(field, FILE_MAX);
	need(buf_adds(field, name));
	need(buf_addc(field, ':'));
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			need(buf_addc(field, '\r'));
		need(buf_addc(field, *value));
	}
	return ST_OK;
}

static void
read_mail(const char *path, size_t size, struct mail *mail)
{
	struct header_splitter splitter;
	struct buf text;
	size_t used;

	memset(mail, 0, sizeof *mail);
	read_file(path, &text);
	header_splitter_init(&splitter, take_field, mail);
	need(header_splitter_more(&splitter, text.data, text.len - 1, &used));
	need(header_splitter_finish(&splitter));
	header_splitter_free(&splitter);
	buf_init(&mail->body, 2 * FILE_MAX + size);
	for (const char *p = text.data + used; *p != '\0'; p++) {
		if (*p == '\n')
			need(buf_addc(&mail->body, '\r'));
		need(buf_addc(&mail->body, *p));
	}
	while (mail->body.len < size)
		need(buf_adds(&mail->body,
		    "H4sIAAAAAAAAA61Uy27bMBC85ysI3VOJetgOUBQFeuihQA5Fb0VgUOTK"
		    "YCyRAkk5\r\n"));
	buf_free(&text);
}

static void
free_mail(struct mail *mail)
{
	for (size_t i = 0; i < mail->count; i++) {
		free(mail->name[i]);
		free(mail->value[i]);
		buf_free(&mail->field[i]);
	}
	buf_free(&mail->body);
}

/* The measurement. */

static double
cpu_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(const char *path, size_t size, size_t rounds)
{
	static double us[WAYS][ROUNDS_MAX];
	struct mail mail;

	read_mail(path, size, &mail);
	for (size_t round = 0; round < rounds; round++) {
		for (size_t way = 0; way < WAYS; way++) {
			double start = cpu_us();

			for (size_t i = 0; i < BATCH; i++)
				ways[way].run(&mail);
			us[way][round] = (cpu_us() - start) / BATCH;
			if (size == 0 && ways[way].verifies && !has_passed)
				errx(EXIT_FAILURE, "%s: %s does not pass", path,
				    ways[way].name);
		}
	}
	printf("%s", path);
	for (size_t way = 0; way < WAYS; way++) {
		qsort(us[way], rounds, sizeof us[way][0], compare);
		printf(" %s %.1f", ways[way].name, us[way][rounds / 2]);
	}
	printf("\n");
	EVP_PKEY_free(kept);
	kept = NULL;
	free_mail(&mail);
}

int
main(int argc, char *argv[])
{
	unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC;
	size_t rounds = argc > 4 ? strtoul(argv[1], NULL, 10) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		errx(EXIT_FAILURE,
		    "usage: dkimbench ROUNDS RECORDS SIZE MAIL...");
	read_file(argv[2], &records);
	site = signature_site_new(look_up, NULL);
	alone = dkim_init(NULL, NULL);
	hashing = dkim_init(NULL, NULL);
	if (site == NULL || alone == NULL || hashing == NULL)
		errx(EXIT_FAILURE, "no memory");
	(void)dkim_set_key_lookup(alone, hand_key);
	(void)dkim_set_final(hashing, stop_there);
	(void)dkim_options(
	    hashing, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags);
	for (int i = 4; i < argc; i++)
		measure(argv[i], strtoul(argv[3], NULL, 10), rounds);
	dkim_close(hashing);
	dkim_close(alone);
	signature_site_free(&site);
	buf_free(&records);
	return EXIT_SUCCESS;
}
