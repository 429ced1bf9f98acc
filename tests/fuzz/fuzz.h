/*
 * fuzz: what the fuzz targets share.
 *
 * The last bytes of an input steer: where it is cut, which mode is taken. What
 * is before them is the text under test, so that seeds are ordinary files.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold; a broken one ends the run as a finding. */
#define FUZZ_CHECK(condition)                                                  \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
			    __LINE__, #condition);                             \
			abort();                                               \
		}                                                              \
	} while (0)

/* Take the last byte of the input; 0 when there is none. */
static inline uint8_t
fuzz_byte(const uint8_t *data, size_t *size)
{
	return *size > 0 ? data[--*size] : 0;
}

/* Pieces of an input: one byte each, or of lengths that follow a seed. */
struct fuzz_cuts {
	uint32_t state; /* 0: one byte each; UINT32_MAX: all at once */
};

static inline struct fuzz_cuts
fuzz_cuts(const uint8_t *data, size_t *size)
{
	struct fuzz_cuts cuts = { fuzz_byte(data, size) };

	cuts.state |= (uint32_t)fuzz_byte(data, size) << 8;
	return cuts;
}

/* The length of the next piece of what is left: 1 to left. */
static inline size_t
fuzz_next(struct fuzz_cuts *cuts, size_t left)
{
	size_t want;

	if (cuts->state == UINT32_MAX)
		return left;
	if (cuts->state == 0)
		return 1;
	cuts->state = cuts->state * 1664525U + 1013904223U;
	/* Mostly short, so that cuts fall within delimiters and escapes. */
	want = 1 + (cuts->state >> 16 & (cuts->state >> 30 != 0 ? 7 : 255));
	if (cuts->state == 0 || cuts->state == UINT32_MAX)
		cuts->state = 1;
	return want < left ? want : left;
}

static inline struct fuzz_cuts
fuzz_whole(void)
{
	return (struct fuzz_cuts){ UINT32_MAX };
}

/* The same bytes in memory of just their size, for the sanitizer to guard. */
static inline char *
fuzz_copy(const void *data, size_t size)
{
	char *copy = malloc(size + (size == 0));

	FUZZ_CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* Is there a byte that acts on a line or a terminal? */
static inline bool
fuzz_has_control(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)data[i] < 0x20 || data[i] == 0x7f)
			return true;
	}
	return false;
}

#endif
