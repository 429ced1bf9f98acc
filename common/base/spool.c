#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

struct spool {
	char *dir;
	struct buf memory; /* the first bytes */
	int fd;            /* the rest, or -1 while there is none */
	uint64_t size;
	uint64_t max;
};

struct spool *
spool_new(const char *dir, uint64_t max)
{
	struct spool *spool = calloc(1, sizeof *spool);

	if (spool == NULL)
		return NULL;
	spool->dir = strdup(dir);
	if (spool->dir == NULL) {
		free(spool);
		return NULL;
	}
	buf_init(&spool->memory, SPOOL_MEMORY);
	spool->fd = -1;
	spool->max = max;
	return spool;
}

void
spool_free(struct spool **spool)
{
	if (*spool != NULL) {
		if ((*spool)->fd != -1)
			(void)close((*spool)->fd);
		buf_free(&(*spool)->memory);
		free((*spool)->dir);
		free(*spool);
		*spool = NULL;
	}
}

uint64_t
spool_size(const struct spool *spool)
{
	return spool->size;
}

static enum status
spool_errno(struct fault *fault, const char *what, const char *dir)
{
	return fault_set(fault,
	    errno == ENOSPC || errno == EDQUOT ? ST_NO_SPACE : ST_SPOOL,
	    "%s in %s: %s", what, dir, strerror(errno));
}

/* A file without a name: nothing is left behind, however we end. */
static enum status
open_file(struct spool *spool, struct fault *fault)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/spool.XXXXXX", spool->dir);

	if (n < 0 || (size_t)n >= sizeof path)
		return fault_set(fault, ST_SPOOL, "directory name too long");
	spool->fd = mkstemp(path);
	if (spool->fd == -1)
		return spool_errno(
		    fault, "cannot make a spool file", spool->dir);
	(void)unlink(path);
	(void)fcntl(spool->fd, F_SETFD, FD_CLOEXEC);
	return ST_OK;
}

static enum status
write_file(
    struct spool *spool, const char *data, size_t len, struct fault *fault)
{
	while (len > 0) {
		ssize_t n = write(spool->fd, data, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return spool_errno(
			    fault, "cannot write a spool file", spool->dir);
		data += n;
		len -= (size_t)n;
	}
	return ST_OK;
}

enum status
spool_add(
    struct spool *spool, const char *data, size_t len, struct fault *fault)
{
	enum status st = ST_OK;

	if (len > spool->max - spool->size)
		return fault_set(fault, ST_TOO_LARGE, "more than %llu bytes",
		    (unsigned long long)spool->max);
	if (spool->fd == -1) {
		st = buf_add(&spool->memory, data, len);
		if (st == ST_OK) {
			spool->size += len;
			return ST_OK;
		}
		if (st == ST_NO_MEMORY)
			return fault_set(fault, st, "spool: out of memory");
		st = open_file(spool, fault);
	}
	if (st == ST_OK)
		st = write_file(spool, data, len, fault);
	if (st == ST_OK)
		spool->size += len;
	return st;
}

enum status
spool_read(struct spool *spool,
    enum status (*fn)(void *ctx, const char *data, size_t len), void *ctx,
    struct fault *fault)
{
	char block[16384];
	off_t at = 0;
	enum status st = ST_OK;

	if (spool->memory.len > 0)
		st = fn(ctx, spool->memory.data, spool->memory.len);
	while (st == ST_OK && spool->fd != -1) {
		ssize_t n = pread(spool->fd, block, sizeof block, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return spool_errno(
			    fault, "cannot read a spool file", spool->dir);
		if (n == 0)
			break;
		at += n;
		st = fn(ctx, block, (size_t)n);
	}
	return st;
}
