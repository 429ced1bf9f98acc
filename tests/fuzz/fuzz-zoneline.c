/*
 * fuzz-zoneline: lines of a zone file with a TXT record.
 *
 * The text in it is no longer than the line; an owner is a word of it; what is
 * no such line has no text.
 */
#include "fuzz.h"
#include "zoneline.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	struct zoneline zone;
	struct buf out;

	buf_init(&out, size + 1);
	FUZZ_CHECK(zoneline_read(&zone, text, size, &out) == ST_OK);
	FUZZ_CHECK(out.len <= size && zone.strings <= size);
	FUZZ_CHECK(strlen(zone.owner) < ZONELINE_OWNER_MAX);
	FUZZ_CHECK(strpbrk(zone.owner, " \t\r\n\"=;()") == NULL);
	if (!zoneline_is_one(text, size))
		FUZZ_CHECK(out.len == 0 && zone.strings == 0);
	buf_free(&out);
	free(text);
	return 0;
}
