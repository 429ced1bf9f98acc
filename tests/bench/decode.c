/*
 * decode: what reading a report costs, against inflate and cJSON alone.
 *
 *	decode make BYTES FILE    write a report of that size, gzip-compressed
 *	decode time ROUNDS FILE   read it in each way in turn, and print the
 *				  median of each in microseconds
 *	decode peak WAY FILE      read it once, and print how many kB the
 *				  process had in memory at its peak
 *
 * The ways: "inflate" alone, to a buffer of just the right size; "cjson", the
 * same and cJSON_ParseWithLength() and cJSON_Delete(), which is the floor; and
 * "ours", from the compressed bytes to the assessment of every policy.
 *
 * Links libcommon.a, cJSON and zlib.
 */
#include <cjson/cJSON.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "assess.h"
#include "buf.h"
#include "conf.h"
#include "gunzip.h"
#include "report.h"
#include "sample.h"

enum {
	BLOCK = 65536,   /* bytes fed at a time, as a spool gives them */
	BATCH = 2000000, /* bytes decoded between two looks at the clock */
	ROUNDS_MAX = 1000,
	REPORT_MAX = 32 << 20 /* MaxReportSize */
};

static struct conf *conf;

/* RFC 1952: the last four bytes are the length of the text. */
static size_t
text_size(struct sample gz)
{
	const unsigned char *p = (const unsigned char *)gz.data + gz.len - 4;

	return p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
	    (size_t)p[3] << 24;
}

static struct sample
inflate_all(struct sample gz)
{
	struct sample text = { .len = text_size(gz) };
	z_stream z = { 0 };

	text.data = malloc(text.len + 1);
	if (text.data == NULL || inflateInit2(&z, 15 + 16) != Z_OK)
		err(EXIT_FAILURE, "inflate");
	z.next_in = (Bytef *)gz.data;
	z.avail_in = (uInt)gz.len;
	z.next_out = (Bytef *)text.data;
	z.avail_out = (uInt)text.len;
	if (inflate(&z, Z_FINISH) != Z_STREAM_END)
		errx(EXIT_FAILURE, "inflate");
	inflateEnd(&z);
	text.data[text.len] = '\0';
	return text;
}

static void
read_inflate(struct sample gz)
{
	free(inflate_all(gz).data);
}

static void
read_cjson(struct sample gz)
{
	struct sample text = inflate_all(gz);
	cJSON *tree = cJSON_ParseWithLength(text.data, text.len);

	if (tree == NULL)
		errx(EXIT_FAILURE, "cJSON");
	cJSON_Delete(tree);
	free(text.data);
}

static void
read_ours(struct sample gz)
{
	struct assessment assessment;
	struct report report;
	struct fault fault;
	struct gunzip *gunzip;
	struct buf text;
	enum status st = ST_OK;

	buf_init(&text, REPORT_MAX);
	gunzip = gunzip_new(&text);
	if (gunzip == NULL)
		err(EXIT_FAILURE, "gunzip_new");
	for (size_t i = 0; i < gz.len && st == ST_OK; i += BLOCK) {
		size_t left = gz.len - i;

		st = gunzip_more(
		    gunzip, gz.data + i, left < BLOCK ? left : BLOCK, &fault);
	}
	if (st != ST_OK || gunzip_finish(gunzip, &fault) != ST_OK)
		errx(EXIT_FAILURE, "gunzip: %s", fault.detail);
	gunzip_free(&gunzip);
	if (report_read(&report, text.data, text.len, 0, &fault) != ST_OK)
		errx(EXIT_FAILURE, "report_read: %s", fault.detail);
	if (assess_report(&report, conf, &assessment) != ST_OK ||
	    assessment.failures == 0)
		errx(EXIT_FAILURE, "assess_report");
	buf_free(&text);
}

static const struct way {
	const char *name;
	void (*read)(struct sample gz);
} ways[] = {
	{ "inflate", read_inflate },
	{ "cjson", read_cjson },
	{ "ours", read_ours },
};

enum {
	WAYS = sizeof(ways) / sizeof(ways[0])
};

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
time_all(struct sample gz, size_t rounds)
{
	static double took[WAYS][ROUNDS_MAX];
	size_t batch = 1 + BATCH / (text_size(gz) + 1);

	if (rounds == 0 || rounds > ROUNDS_MAX)
		errx(EXIT_FAILURE, "1 to %d rounds", ROUNDS_MAX);
	for (size_t r = 0; r < rounds; r++) {
		for (size_t w = 0; w < WAYS; w++) {
			double start = sample_seconds();

			for (size_t i = 0; i < batch; i++)
				ways[w].read(gz);
			took[w][r] =
			    (sample_seconds() - start) * 1e6 / (double)batch;
		}
	}
	for (size_t w = 0; w < WAYS; w++) {
		qsort(took[w], rounds, sizeof(took[w][0]), by_value);
		printf("%s %.2f\n", ways[w].name, took[w][rounds / 2]);
	}
}

static void
peak(struct sample gz, const char *name)
{
	FILE *in;
	char line[128];
	unsigned long kb;

	for (size_t w = 0; w < WAYS; w++) {
		if (strcmp(ways[w].name, name) == 0)
			ways[w].read(gz);
	}
	in = fopen("/proc/self/status", "r");
	if (in == NULL)
		err(EXIT_FAILURE, "/proc/self/status");
	while (fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "VmHWM: %lu kB", &kb) == 1)
			printf("%lu\n", kb);
	}
	fclose(in);
}

static struct sample
load(const char *path)
{
	struct sample gz = { 0 };
	FILE *out = sample_open(&gz), *in = fopen(path, "rb");
	char block[BLOCK];
	size_t n;

	if (in == NULL)
		err(EXIT_FAILURE, "%s", path);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		fwrite(block, 1, n, out);
	fclose(in);
	sample_close(out);
	if (gz.len < 18)
		errx(EXIT_FAILURE, "%s: too short", path);
	return gz;
}

static void
make(size_t bytes, const char *path)
{
	struct sample report = sample_report(1, bytes);
	struct sample gz = sample_gzip(report);
	FILE *out = fopen(path, "wb");

	if (out == NULL || fwrite(gz.data, 1, gz.len, out) != gz.len ||
	    fclose(out) != 0)
		err(EXIT_FAILURE, "%s", path);
	printf("%zu %zu\n", report.len, gz.len);
	free(report.data);
	free(gz.data);
}

int
main(int argc, char **argv)
{
	struct sample gz;

	if (argc != 4) {
		fputs("usage: decode make BYTES FILE | time ROUNDS FILE | "
		      "peak WAY FILE\n",
		    stderr);
		return 64;
	}
	if (strcmp(argv[1], "make") == 0) {
		make(strtoul(argv[2], NULL, 10), argv[3]);
		return EXIT_SUCCESS;
	}
	conf = conf_new();
	if (conf == NULL)
		err(EXIT_FAILURE, "conf_new");
	gz = load(argv[3]);
	if (strcmp(argv[1], "time") == 0)
		time_all(gz, strtoul(argv[2], NULL, 10));
	else
		peak(gz, argv[2]);
	free(gz.data);
	conf_unref(&conf);
	return EXIT_SUCCESS;
}
