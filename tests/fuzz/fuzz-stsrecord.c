/*
 * fuzz-stsrecord: TXT records of MTA-STS.
 *
 * What is taken is what the grammar of RFC 8461, section 3.1 has; no remark
 * points behind the text; without remarks the verdict is the same.
 */
#include "fuzz.h"
#include "stsrecord.h"

static void
check_id(const char *id)
{
	size_t len = strlen(id);

	FUZZ_CHECK(len > 0 && len < STSRECORD_ID_MAX);
	FUZZ_CHECK(strspn(id,
		       "abcdefghijklmnopqrstuvwxyz"
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	static struct remarks remarks;
	struct stsrecord record, again;
	bool is_valid;

	memset(&remarks, 0, sizeof remarks);
	memset(&record, 0xff, sizeof record);
	is_valid = stsrecord_read(text, size, &record, &remarks);
	FUZZ_CHECK(is_valid == (remarks.errors == 0));
	FUZZ_CHECK(stsrecord_read(text, size, &again, NULL) == is_valid);
	for (size_t i = 0; i < remarks.count; i++)
		FUZZ_CHECK(remarks.remark[i].has_offset &&
		    remarks.remark[i].offset <= size);
	if (is_valid) {
		FUZZ_CHECK(stsrecord_is_one(text, size));
		FUZZ_CHECK(!fuzz_has_control(text, size) ||
		    memchr(text, '\t', size) != NULL);
		check_id(record.id);
		FUZZ_CHECK(strcmp(record.id, again.id) == 0);
	}
	free(text);
	return 0;
}
