/*
 * sample: report mails for the benchmarks, deterministic by a seed.
 *
 * Of 64 domains with two MX; in the manner of the large senders: compact JSON,
 * policies of some twenty failure-details each, a multipart/report with a text
 * part and a base64-encoded gzip part behind the header of a relayed message.
 * What is returned is the caller's to free; trouble ends the program.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum {
	SAMPLE_FAILURES = 20 /* of one policy */
};

struct sample {
	char *data;
	size_t len;
};

/* xorshift32: the same numbers on every machine. */
static inline uint32_t
sample_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static inline FILE *
sample_open(struct sample *sample)
{
	FILE *out = open_memstream(&sample->data, &sample->len);

	if (out == NULL)
		err(EXIT_FAILURE, "open_memstream");
	return out;
}

static inline void
sample_close(FILE *out)
{
	if (fclose(out) != 0)
		err(EXIT_FAILURE, "open_memstream");
}

static inline void
sample_failure(FILE *out, uint32_t *state)
{
	static const char *const type[] = { "certificate-host-mismatch",
		"certificate-expired", "starttls-not-supported",
		"validation-failure", "sts-policy-fetch-error" };
	uint32_t r = sample_random(state), s = sample_random(state);

	fprintf(out,
	    "{\"result-type\":\"%s\",\"sending-mta-ip\":\"2001:db8:4864:20::%"
	    "x\""
	    ",\"receiving-mx-hostname\":\"mx%u.mail.example.com\","
	    "\"receiving-mx-helo\":\"mx%u.mail.example.com\","
	    "\"receiving-ip\":\"198.51.100.%u\",\"failed-session-count\":%u,"
	    "\"additional-information\":\"https://reports.example.net/tls/"
	    "%08x\""
	    ",\"failure-reason-code\":\"X509_V_ERR_%u\"}",
	    type[r % 5], r >> 16, s % 2, s % 2, s >> 8 & 0xff,
	    1 + (s >> 16 & 63), sample_random(state), r >> 8 & 31);
}

static inline void
sample_policy(FILE *out, uint32_t *state, size_t failures)
{
	uint32_t r = sample_random(state);

	fprintf(out,
	    "{\"policy\":{\"policy-type\":\"sts\",\"policy-string\":"
	    "[\"version: STSv1\",\"mode: enforce\",\"mx: *.mail.example.com\","
	    "\"max_age: 604800\"],\"policy-domain\":\"d%u.example.com\","
	    "\"mx-host\":[\"*.mail.example.com\"]},\"summary\":"
	    "{\"total-successful-session-count\":%u,"
	    "\"total-failure-session-count\":%u},\"failure-details\":[",
	    r & 63, r >> 12 & 0xffff, r & 0x3ff);
	for (size_t i = 0; i < failures; i++) {
		if (i > 0)
			fputc(',', out);
		sample_failure(out, state);
	}
	fputs("]}", out);
}

/* A report of about that many bytes. */
static inline struct sample
sample_report(uint32_t seed, size_t bytes)
{
	struct sample report = { 0 };
	uint32_t state = seed * 2654435761U + 1;
	bool is_next = false;
	FILE *out = sample_open(&report);

	fprintf(out,
	    "{\"organization-name\":\"Example Reporter Inc.\",\"date-range\":"
	    "{\"start-datetime\":\"2026-02-12T00:00:00Z\","
	    "\"end-datetime\":\"2026-02-12T23:59:59Z\"},\"contact-info\":"
	    "\"smtp-tls-reporting@reporter.example\","
	    "\"report-id\":\"2026-02-12T00:00:00Z_%08x\",\"policies\":[",
	    seed);
	for (long at = ftell(out); (size_t)at + 200 < bytes; at = ftell(out)) {
		/* A failure takes some 360 bytes, a policy as much besides. */
		size_t fit = (bytes - (size_t)at) / 360;

		if (is_next)
			fputc(',', out);
		is_next = true;
		fit = fit > 1 ? fit - 1 : 1;
		sample_policy(
		    out, &state, fit < SAMPLE_FAILURES ? fit : SAMPLE_FAILURES);
	}
	fputs("]}", out);
	sample_close(out);
	return report;
}

static inline struct sample
sample_gzip(struct sample text)
{
	z_stream z = { 0 };
	struct sample gz;

	if (text.len > UINT32_MAX / 2 ||
	    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0) != Z_OK)
		errx(EXIT_FAILURE, "deflate");
	gz.len = deflateBound(&z, (uLong)text.len);
	gz.data = malloc(gz.len);
	if (gz.data == NULL)
		err(EXIT_FAILURE, "malloc");
	z.next_in = (Bytef *)text.data;
	z.avail_in = (uInt)text.len;
	z.next_out = (Bytef *)gz.data;
	z.avail_out = (uInt)gz.len;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		errx(EXIT_FAILURE, "deflate");
	gz.len = z.total_out;
	deflateEnd(&z);
	return gz;
}

static inline void
sample_base64(FILE *out, struct sample bytes)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)bytes.data;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t v = (uint32_t)p[i] << 16;

		v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= left > 2 ? p[i + 2] : 0;
		fputc(digit[v >> 18], out);
		fputc(digit[v >> 12 & 63], out);
		fputc(left > 1 ? digit[v >> 6 & 63] : '=', out);
		fputc(left > 2 ? digit[v & 63] : '=', out);
		if (i % 57 == 54)
			fputs("\r\n", out);
	}
	fputs("\r\n", out);
}

/* A signature's worth of text that no compression makes smaller. */
static inline void
sample_signature(FILE *out, const char *name, uint32_t *state)
{
	char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(sample_random(state) >> 13);
	fprintf(out,
	    "%s: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	    "\td=reporter.example; s=20251104; t=1771000000; x=1771600000;\r\n"
	    "\th=tls-report-submitter:tls-report-domain:to:from:subject:"
	    "date\r\n"
	    "\t :message-id:mime-version; b=",
	    name);
	for (size_t i = 0; i < sizeof(bytes); i += 48) {
		size_t left = sizeof(bytes) - i;
		struct sample line = { bytes + i, left < 48 ? left : 48 };

		fputs("\r\n\t ", out);
		sample_base64(out, line);
		fseek(out, -2, SEEK_CUR);
	}
	fputs("\r\n", out);
}

/*
 * The report as a message with CRLF line ends, without the dot that ends it.
 * A 10 KB report gives some 5 KB.
 */
static inline struct sample
sample_mail(uint32_t seed, size_t bytes)
{
	struct sample mail = { 0 };
	struct sample report = sample_report(seed, bytes);
	struct sample gz = sample_gzip(report);
	uint32_t state = seed + 1;
	FILE *out = sample_open(&mail);

	sample_signature(out, "ARC-Message-Signature", &state);
	sample_signature(out, "ARC-Seal", &state);
	sample_signature(out, "DKIM-Signature", &state);
	sample_signature(out, "X-Reporter-DKIM-Signature", &state);
	fprintf(out,
	    "Date: Fri, 13 Feb 2026 02:10:07 +0000\r\n"
	    "Message-ID: <%08x@reporter.example>\r\n"
	    "Subject: Report Domain: example.com Submitter: "
	    "reporter.example\r\n"
	    "\tReport-ID: <%08x@reporter.example>\r\n"
	    "From: noreply-smtp-tls-reporting@reporter.example\r\n"
	    "To: tls-reports@example.com\r\n"
	    "MIME-Version: 1.0\r\n"
	    "TLS-Report-Domain: example.com\r\n"
	    "TLS-Report-Submitter: reporter.example\r\n"
	    "Content-Type: multipart/report; boundary=\"0000%08x\";"
	    " report-type=tlsrpt\r\n\r\n"
	    "--0000%08x\r\n"
	    "Content-Type: text/plain; charset=\"UTF-8\"\r\n\r\n"
	    "This is an aggregate TLS report from reporter.example\r\n\r\n"
	    "--0000%08x\r\n"
	    "Content-Type: application/tlsrpt+gzip;\r\n"
	    "\tname=\"reporter.example!example.com!1770854400!1770940799!"
	    "%08x.json.gz\"\r\n"
	    "Content-Disposition: attachment;\r\n"
	    "\tfilename=\"reporter.example!example.com!1770854400!1770940799!"
	    "%08x.json.gz\"\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n",
	    seed, seed, seed, seed, seed, seed, seed);
	sample_base64(out, gz);
	fprintf(out, "--0000%08x--\r\n", seed);
	sample_close(out);
	free(report.data);
	free(gz.data);
	return mail;
}

/* So many different mails, made before the clock starts. */
static inline struct sample *
sample_mails(uint32_t seed, size_t count, size_t bytes)
{
	struct sample *mails = calloc(count, sizeof(*mails));

	if (mails == NULL)
		err(EXIT_FAILURE, "calloc");
	for (size_t i = 0; i < count; i++)
		mails[i] = sample_mail(seed + (uint32_t)i, bytes);
	return mails;
}

static inline double
sample_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#endif
