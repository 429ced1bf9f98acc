#include "keep.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event.h"
#include "rawmail.h"

struct keep {
	char *directory;
	struct rawmail *raw;
	EVP_MD_CTX *digest;
};

struct keep *
keep_new(const char *archive_directory)
{
	struct keep *keep = calloc(1, sizeof *keep);
	char tmp[PATH_MAX];

	if (keep == NULL)
		return NULL;
	archive_tmp(archive_directory, tmp, sizeof tmp);
	keep->directory = strdup(archive_directory);
	/* Whatever its size, whoever hands it over has bounded it. */
	keep->raw = rawmail_new(tmp, UINT64_MAX);
	keep->digest = EVP_MD_CTX_new();
	if (keep->directory == NULL || keep->raw == NULL ||
	    keep->digest == NULL ||
	    EVP_DigestInit_ex(keep->digest, EVP_sha256(), NULL) != 1)
		keep_free(&keep);
	return keep;
}

enum status
keep_more(struct keep *keep, const void *data, size_t len)
{
	rawmail_bytes(keep->raw, data, len);
	return EVP_DigestUpdate(keep->digest, data, len) == 1 ? ST_OK
							      : ST_NO_MEMORY;
}

static bool
end_digest(struct keep *keep, char out[ARCHIVE_SHA256_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_DigestFinal_ex(keep->digest, digest, &len) != 1 ||
	    2 * len >= ARCHIVE_SHA256_MAX)
		return false;
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
	return true;
}

static void
log_kept(struct log *log, const struct intake_origin *origin,
    const struct archived *archived)
{
	struct event ev;

	event_init(&ev, "kept", SEV_NOTICE);
	event_string(&ev, "envelope-from", origin->envelope_from);
	event_string(&ev, "archive", archived->path);
	event_string(&ev, "severity", severity_str(SEV_NOTICE));
	(void)log_event(
	    log, &ev, origin->queue_id != NULL ? origin->queue_id : "NOQUEUE");
}

enum status
keep_finish(struct keep *keep, struct log *log,
    const struct intake_origin *origin, struct fault *fault)
{
	char sha256[ARCHIVE_SHA256_MAX];
	struct spool *message = NULL;
	struct archived archived;
	enum status st = rawmail_finish(keep->raw, &message, fault);

	if (st == ST_OK && !end_digest(keep, sha256))
		st = fault_set(fault, ST_NO_MEMORY, "SHA-256 failed");
	if (st == ST_OK)
		st = archive_keep(keep->directory, (int64_t)time(NULL), sha256,
		    message, &archived, fault);
	if (st == ST_OK)
		log_kept(log, origin, &archived);
	return st;
}

void
keep_free(struct keep **keep)
{
	if (*keep == NULL)
		return;
	EVP_MD_CTX_free((*keep)->digest);
	rawmail_free(&(*keep)->raw);
	free((*keep)->directory);
	free(*keep);
	*keep = NULL;
}
