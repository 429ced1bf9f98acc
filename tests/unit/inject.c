/*
 * The linker puts these functions in the place of the real ones wherever the
 * library, or a test, calls them. The flags, all of them needed (one list, in
 * inject.flags, for whoever links):
 *
 *	-Wl,@tests/unit/inject.flags
 */
#define _GNU_SOURCE /* O_TMPFILE, syncfs() */

#include "inject.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
	TAKEN_MAX = 1 << 16
};

/* What is being held: the kind is there for structs that begin alike. */
struct taken {
	const void *pointer;
	enum inject kind;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_armed;
static bool has_struck;
static bool is_short;
static bool is_syncless; /* no syncfs() */
static unsigned kinds;
static unsigned left; /* calls until the one that fails; 0: none does */
static struct taken taken[TAKEN_MAX];
static size_t ntaken;
static atomic_size_t mktimes;

void
inject_arm(unsigned which, unsigned nth)
{
	cJSON_Hooks hooks = { .malloc_fn = malloc, .free_fn = free };

	cJSON_InitHooks(&hooks);
	(void)pthread_mutex_lock(&lock);
	kinds = which;
	left = nth;
	has_struck = false;
	is_armed = true;
	memset(taken, 0, sizeof taken);
	ntaken = 0;
	(void)pthread_mutex_unlock(&lock);
}

bool
inject_disarm(void)
{
	bool result;

	(void)pthread_mutex_lock(&lock);
	is_armed = false;
	result = has_struck;
	(void)pthread_mutex_unlock(&lock);
	cJSON_InitHooks(NULL);
	return result;
}

size_t
inject_leaks(void)
{
	return ntaken;
}

size_t
inject_mktimes(void)
{
	return mktimes;
}

void
inject_short_writes(bool is_on)
{
	(void)pthread_mutex_lock(&lock);
	is_short = is_on;
	(void)pthread_mutex_unlock(&lock);
}

void
inject_no_syncfs(bool is_on)
{
	(void)pthread_mutex_lock(&lock);
	is_syncless = is_on;
	(void)pthread_mutex_unlock(&lock);
}

/* Is this the call that is to fail? */
static bool
strikes(enum inject kind)
{
	bool result = false;

	(void)pthread_mutex_lock(&lock);
	if (is_armed && (kinds & (unsigned)kind) != 0 && left > 0 &&
	    --left == 0)
		result = has_struck = true;
	(void)pthread_mutex_unlock(&lock);
	return result;
}

static size_t
slot_of(const void *pointer, enum inject kind)
{
	size_t i = ((uintptr_t)pointer >> 4) * 31 % TAKEN_MAX;

	while (taken[i].pointer != NULL &&
	    (taken[i].pointer != pointer || taken[i].kind != kind))
		i = (i + 1) % TAKEN_MAX;
	return i;
}

/* Take note of a thing; returns it, so that a wrapper can end with this. */
static void *
take(void *pointer, enum inject kind)
{
	if (pointer == NULL)
		return NULL;
	(void)pthread_mutex_lock(&lock);
	if (is_armed && ntaken < TAKEN_MAX / 2) {
		taken[slot_of(pointer, kind)] = (struct taken){ pointer, kind };
		ntaken++;
	}
	(void)pthread_mutex_unlock(&lock);
	return pointer;
}

static void
give_back(const void *pointer, enum inject kind)
{
	size_t i;

	if (pointer == NULL)
		return;
	(void)pthread_mutex_lock(&lock);
	i = slot_of(pointer, kind);
	if (taken[i].pointer != NULL) {
		taken[i].pointer = NULL;
		ntaken--;
		/* Those that had to step aside for it move up. */
		for (i = (i + 1) % TAKEN_MAX; taken[i].pointer != NULL;
		     i = (i + 1) % TAKEN_MAX) {
			struct taken moved = taken[i];

			taken[i].pointer = NULL;
			taken[slot_of(moved.pointer, moved.kind)] = moved;
		}
	}
	(void)pthread_mutex_unlock(&lock);
}

/* Memory. */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *pointer);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *pointer);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t max);
FILE *__real_open_memstream(char **data, size_t *size);
FILE *__wrap_open_memstream(char **data, size_t *size);

static bool
memory_fails(void)
{
	if (!strikes(INJECT_MEMORY))
		return false;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return memory_fails() ? NULL : take(__real_malloc(size), INJECT_MEMORY);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return memory_fails() ? NULL
			      : take(__real_calloc(n, size), INJECT_MEMORY);
}

void *
__wrap_realloc(void *old, size_t size)
{
	void *new;

	if (memory_fails())
		return NULL;
	new = __real_realloc(old, size);
	if (new != NULL) {
		give_back(old, INJECT_MEMORY);
		(void)take(new, INJECT_MEMORY);
	}
	return new;
}

void
__wrap_free(void *pointer)
{
	give_back(pointer, INJECT_MEMORY);
	__real_free(pointer);
}

char *
__wrap_strndup(const char *string, size_t max)
{
	size_t len = strnlen(string, max);
	char *copy = __wrap_malloc(len + 1);

	if (copy != NULL) {
		memcpy(copy, string, len);
		copy[len] = '\0';
	}
	return copy;
}

char *
__wrap_strdup(const char *string)
{
	return __wrap_strndup(string, SIZE_MAX);
}

FILE *
__wrap_open_memstream(char **data, size_t *size)
{
	return memory_fails() ? NULL : __real_open_memstream(data, size);
}

/* zlib. */

int __real_inflateInit2_(z_stream *zs, int bits, const char *version, int size);
int __real_inflateEnd(z_stream *zs);
int __real_deflateInit2_(z_stream *zs, int level, int method, int bits,
    int mem_level, int strategy, const char *version, int size);
int __real_deflateEnd(z_stream *zs);
int __wrap_inflateInit2_(z_stream *zs, int bits, const char *version, int size);
int __wrap_inflateEnd(z_stream *zs);
int __wrap_deflateInit2_(z_stream *zs, int level, int method, int bits,
    int mem_level, int strategy, const char *version, int size);
int __wrap_deflateEnd(z_stream *zs);

int
__wrap_inflateInit2_(z_stream *zs, int bits, const char *version, int size)
{
	int rc;

	if (strikes(INJECT_ZLIB))
		return Z_MEM_ERROR;
	rc = __real_inflateInit2_(zs, bits, version, size);
	if (rc == Z_OK)
		(void)take(zs, INJECT_ZLIB);
	return rc;
}

int
__wrap_inflateEnd(z_stream *zs)
{
	give_back(zs, INJECT_ZLIB);
	return __real_inflateEnd(zs);
}

int
__wrap_deflateInit2_(z_stream *zs, int level, int method, int bits,
    int mem_level, int strategy, const char *version, int size)
{
	int rc;

	if (strikes(INJECT_ZLIB))
		return Z_MEM_ERROR;
	rc = __real_deflateInit2_(
	    zs, level, method, bits, mem_level, strategy, version, size);
	if (rc == Z_OK)
		(void)take(zs, INJECT_ZLIB);
	return rc;
}

int
__wrap_deflateEnd(z_stream *zs)
{
	give_back(zs, INJECT_ZLIB);
	return __real_deflateEnd(zs);
}

/* Files. */

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t __real_pread(int fd, void *data, size_t len, off_t offset);
time_t __real_mktime(struct tm *tm);
int __real_close(int fd);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_syncfs(int fd);
int __real_open(const char *path, int flags, mode_t mode);
int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __real_mkstemp(char *template);
int __real_mkdir(const char *path, mode_t mode);
int __real_mkdirat(int dir, const char *path, mode_t mode);
int __real_link(const char *from, const char *to);
int __real_linkat(
    int from_dir, const char *from, int to_dir, const char *to, int flags);
int __real_rename(const char *from, const char *to);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_renameat2(
    int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t len, off_t offset);
time_t __wrap_mktime(struct tm *tm);
int __wrap_close(int fd);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap___openat_2(int dir, const char *path, int flags);
int __wrap_mkstemp(char *template);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_link(const char *from, const char *to);
int __wrap_linkat(
    int from_dir, const char *from, int to_dir, const char *to, int flags);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat2(
    int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

/* errno and true when a call of this kind is to fail. */
static bool
fails(enum inject kind, int error)
{
	if (!strikes(kind))
		return false;
	errno = error;
	return true;
}

/* How many bytes of a write are taken: all, or with short writes some. */
static size_t
taken_of(size_t len)
{
	return is_short && len > 1 ? (len + 1) / 2 : len;
}

/* Every second write is interrupted, when writes are short. */
static bool
is_interrupted(void)
{
	static unsigned calls;

	if (!is_short || calls++ % 2 == 0)
		return false;
	errno = EINTR;
	return true;
}

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	if (strikes(INJECT_WRITE)) {
		/* A disk that is full has mostly taken some bytes before. */
		(void)!__real_write(fd, data, len / 2);
		errno = ENOSPC;
		return -1;
	}
	if (is_interrupted())
		return -1;
	return __real_write(fd, data, taken_of(len));
}

ssize_t
__wrap_pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (fails(INJECT_WRITE, ENOSPC) || is_interrupted())
		return -1;
	return __real_pwrite(fd, data, taken_of(len), offset);
}

ssize_t
__wrap_read(int fd, void *data, size_t len)
{
	if (fails(INJECT_READ, EIO) || is_interrupted())
		return -1;
	return __real_read(fd, data, taken_of(len));
}

ssize_t
__wrap_pread(int fd, void *data, size_t len, off_t offset)
{
	if (fails(INJECT_READ, EIO) || is_interrupted())
		return -1;
	return __real_pread(fd, data, taken_of(len), offset);
}

time_t
__wrap_mktime(struct tm *tm)
{
	mktimes++;
	return __real_mktime(tm);
}

int
__wrap_close(int fd)
{
	int rc = __real_close(fd);

	return fails(INJECT_CLOSE, EIO) ? -1 : rc;
}

int
__wrap_fsync(int fd)
{
	return fails(INJECT_SYNC, EIO) ? -1 : __real_fsync(fd);
}

int
__wrap_fdatasync(int fd)
{
	return fails(INJECT_SYNC, EIO) ? -1 : __real_fdatasync(fd);
}

int
__wrap_syncfs(int fd)
{
	if (!is_syncless)
		return __real_syncfs(fd);
	errno = ENOSYS;
	return -1;
}

int
__wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return fails(INJECT_FILE, EIO) ? -1 : __real_open(path, flags, mode);
}

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return fails(INJECT_FILE, EIO) ? -1
				       : __real_openat(dir, path, flags, mode);
}

/* What _FORTIFY_SOURCE makes of openat() where flags are no constant. */
int
__wrap___openat_2(int dir, const char *path, int flags)
{
	return fails(INJECT_FILE, EIO) ? -1
				       : __real_openat(dir, path, flags, 0);
}

int
__wrap_mkstemp(char *template)
{
	return fails(INJECT_FILE, EIO) ? -1 : __real_mkstemp(template);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
	return fails(INJECT_FILE, EIO) ? -1 : __real_mkdir(path, mode);
}

int
__wrap_mkdirat(int dir, const char *path, mode_t mode)
{
	return fails(INJECT_FILE, EIO) ? -1 : __real_mkdirat(dir, path, mode);
}

int
__wrap_link(const char *from, const char *to)
{
	return fails(INJECT_FILE, EIO) ? -1 : __real_link(from, to);
}

int
__wrap_linkat(
    int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return fails(INJECT_FILE, EIO)
	    ? -1
	    : __real_linkat(from_dir, from, to_dir, to, flags);
}

int
__wrap_rename(const char *from, const char *to)
{
	return fails(INJECT_FILE, EIO) ? -1 : __real_rename(from, to);
}

int
__wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return fails(INJECT_FILE, EIO)
	    ? -1
	    : __real_renameat(from_dir, from, to_dir, to);
}

int
__wrap_renameat2(
    int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if (fails(INJECT_FILE, EIO) ||
	    (flags != 0 && fails(INJECT_FLAGS, EINVAL)))
		return -1;
	return __real_renameat2(from_dir, from, to_dir, to, flags);
}

/* Streams: what they hold back is written by the C library itself. */

FILE *__real_fdopen(int fd, const char *mode);
size_t __real_fwrite(const void *data, size_t size, size_t n, FILE *file);
int __real_fflush(FILE *file);
int __real_fclose(FILE *file);
FILE *__wrap_fdopen(int fd, const char *mode);
size_t __wrap_fwrite(const void *data, size_t size, size_t n, FILE *file);
int __wrap_fflush(FILE *file);
int __wrap_fclose(FILE *file);

FILE *
__wrap_fdopen(int fd, const char *mode)
{
	return memory_fails() ? NULL : __real_fdopen(fd, mode);
}

size_t
__wrap_fwrite(const void *data, size_t size, size_t n, FILE *file)
{
	if (strikes(INJECT_WRITE)) {
		n = __real_fwrite(data, size, n / 2, file);
		errno = ENOSPC;
		return n;
	}
	return __real_fwrite(data, size, n, file);
}

int
__wrap_fflush(FILE *file)
{
	return fails(INJECT_WRITE, ENOSPC) ? EOF : __real_fflush(file);
}

int
__wrap_fclose(FILE *file)
{
	bool is_struck = strikes(INJECT_WRITE);
	int rc = __real_fclose(file);

	if (is_struck)
		errno = ENOSPC;
	return is_struck ? EOF : rc;
}

/* Sockets and threads. */

int __real_socket(int domain, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg);

int
__wrap_socket(int domain, int type, int protocol)
{
	return fails(INJECT_SOCKET, EMFILE)
	    ? -1
	    : __real_socket(domain, type, protocol);
}

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	return fails(INJECT_SOCKET, ECONNREFUSED) ? -1
						  : __real_connect(fd, to, len);
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg)
{
	return strikes(INJECT_THREAD)
	    ? EAGAIN
	    : __real_pthread_create(thread, attr, start, arg);
}

/* libcrypto. */

EVP_MD_CTX *__real_EVP_MD_CTX_new(void);
void __real_EVP_MD_CTX_free(EVP_MD_CTX *ctx);
int
__real_EVP_DigestInit_ex(EVP_MD_CTX *ctx, const EVP_MD *type, ENGINE *engine);
int __real_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t len);
int
__real_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *len);
int __real_EVP_Digest(const void *data, size_t len, unsigned char *out,
    unsigned *out_len, const EVP_MD *type, ENGINE *engine);
EVP_MD_CTX *__wrap_EVP_MD_CTX_new(void);
void __wrap_EVP_MD_CTX_free(EVP_MD_CTX *ctx);
int
__wrap_EVP_DigestInit_ex(EVP_MD_CTX *ctx, const EVP_MD *type, ENGINE *engine);
int __wrap_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t len);
int
__wrap_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *len);
int __wrap_EVP_Digest(const void *data, size_t len, unsigned char *out,
    unsigned *out_len, const EVP_MD *type, ENGINE *engine);

EVP_MD_CTX *
__wrap_EVP_MD_CTX_new(void)
{
	return strikes(INJECT_DIGEST)
	    ? NULL
	    : take(__real_EVP_MD_CTX_new(), INJECT_DIGEST);
}

void
__wrap_EVP_MD_CTX_free(EVP_MD_CTX *ctx)
{
	give_back(ctx, INJECT_DIGEST);
	__real_EVP_MD_CTX_free(ctx);
}

int
__wrap_EVP_DigestInit_ex(EVP_MD_CTX *ctx, const EVP_MD *type, ENGINE *engine)
{
	return strikes(INJECT_DIGEST)
	    ? 0
	    : __real_EVP_DigestInit_ex(ctx, type, engine);
}

int
__wrap_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t len)
{
	return strikes(INJECT_DIGEST) ? 0
				      : __real_EVP_DigestUpdate(ctx, data, len);
}

int
__wrap_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *len)
{
	return strikes(INJECT_DIGEST)
	    ? 0
	    : __real_EVP_DigestFinal_ex(ctx, out, len);
}

int
__wrap_EVP_Digest(const void *data, size_t len, unsigned char *out,
    unsigned *out_len, const EVP_MD *type, ENGINE *engine)
{
	return strikes(INJECT_DIGEST)
	    ? 0
	    : __real_EVP_Digest(data, len, out, out_len, type, engine);
}

/* Public keys. */

EVP_PKEY *__real_EVP_PKEY_new_raw_public_key(
    int type, ENGINE *engine, const unsigned char *bytes, size_t len);
int __real_EVP_PKEY_fromdata(
    EVP_PKEY_CTX *ctx, EVP_PKEY **key, int selection, OSSL_PARAM params[]);
EVP_PKEY_CTX *__real_EVP_PKEY_CTX_new(EVP_PKEY *key, ENGINE *engine);
int __real_EVP_PKEY_verify_init(EVP_PKEY_CTX *ctx);
int __real_EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *b,
    size_t b_len, const unsigned char *hash, size_t len);
int __real_EVP_DigestVerifyInit(EVP_MD_CTX *ctx, EVP_PKEY_CTX **pctx,
    const EVP_MD *type, ENGINE *engine, EVP_PKEY *key);
int __real_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *b,
    size_t b_len, const unsigned char *data, size_t len);
EVP_PKEY *__wrap_EVP_PKEY_new_raw_public_key(
    int type, ENGINE *engine, const unsigned char *bytes, size_t len);
int __wrap_EVP_PKEY_fromdata(
    EVP_PKEY_CTX *ctx, EVP_PKEY **key, int selection, OSSL_PARAM params[]);
EVP_PKEY_CTX *__wrap_EVP_PKEY_CTX_new(EVP_PKEY *key, ENGINE *engine);
int __wrap_EVP_PKEY_verify_init(EVP_PKEY_CTX *ctx);
int __wrap_EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *b,
    size_t b_len, const unsigned char *hash, size_t len);
int __wrap_EVP_DigestVerifyInit(EVP_MD_CTX *ctx, EVP_PKEY_CTX **pctx,
    const EVP_MD *type, ENGINE *engine, EVP_PKEY *key);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *b,
    size_t b_len, const unsigned char *data, size_t len);

EVP_PKEY *
__wrap_EVP_PKEY_new_raw_public_key(
    int type, ENGINE *engine, const unsigned char *bytes, size_t len)
{
	return strikes(INJECT_KEY)
	    ? NULL
	    : __real_EVP_PKEY_new_raw_public_key(type, engine, bytes, len);
}

int
__wrap_EVP_PKEY_fromdata(
    EVP_PKEY_CTX *ctx, EVP_PKEY **key, int selection, OSSL_PARAM params[])
{
	return strikes(INJECT_KEY)
	    ? 0
	    : __real_EVP_PKEY_fromdata(ctx, key, selection, params);
}

EVP_PKEY_CTX *
__wrap_EVP_PKEY_CTX_new(EVP_PKEY *key, ENGINE *engine)
{
	return strikes(INJECT_DIGEST) ? NULL
				      : __real_EVP_PKEY_CTX_new(key, engine);
}

int
__wrap_EVP_PKEY_verify_init(EVP_PKEY_CTX *ctx)
{
	return strikes(INJECT_DIGEST) ? 0 : __real_EVP_PKEY_verify_init(ctx);
}

/* As libcrypto says that it was no memory, and not the signature. */
static bool
verifying_fails(void)
{
	if (!strikes(INJECT_DIGEST))
		return false;
	ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
	return true;
}

int
__wrap_EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *b, size_t b_len,
    const unsigned char *hash, size_t len)
{
	return verifying_fails()
	    ? -1
	    : __real_EVP_PKEY_verify(ctx, b, b_len, hash, len);
}

int
__wrap_EVP_DigestVerifyInit(EVP_MD_CTX *ctx, EVP_PKEY_CTX **pctx,
    const EVP_MD *type, ENGINE *engine, EVP_PKEY *key)
{
	return strikes(INJECT_DIGEST)
	    ? 0
	    : __real_EVP_DigestVerifyInit(ctx, pctx, type, engine, key);
}

int
__wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *b, size_t b_len,
    const unsigned char *data, size_t len)
{
	return verifying_fails()
	    ? -1
	    : __real_EVP_DigestVerify(ctx, b, b_len, data, len);
}
