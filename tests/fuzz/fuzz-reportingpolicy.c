/*
 * fuzz-reportingpolicy: TXT records of TLSRPT.
 *
 * What is taken is visible ASCII and white space, its URIs are in it as they
 * stand, each has a host, and none has what must be encoded. No remark points
 * behind the text; without remarks the verdict is the same.
 */
#include "fuzz.h"
#include "reportingpolicy.h"
#include "reporturi.h"

static bool
is_in(const char *text, size_t size, const char *uri)
{
	size_t len = strlen(uri);

	for (size_t i = 0; i + len <= size; i++) {
		if (memcmp(text + i, uri, len) == 0)
			return true;
	}
	return false;
}

static void
check_uri(const char *uri)
{
	size_t len = strlen(uri), at, host_len;

	FUZZ_CHECK(strcspn(uri, ",!; \t\"<>") == len);
	FUZZ_CHECK(reporturi_host(uri, len, &at, &host_len));
	FUZZ_CHECK(host_len > 0 && at + host_len <= len);
}

static void
check_policy(
    const struct reportingpolicy *policy, const char *text, size_t size)
{
	FUZZ_CHECK(reportingpolicy_is_one(text, size));
	for (size_t i = 0; i < size; i++)
		FUZZ_CHECK(
		    text[i] == '\t' || (text[i] >= ' ' && text[i] < 0x7f));
	FUZZ_CHECK(policy->rua_count > 0);
	FUZZ_CHECK(policy->rua_count <= REPORTINGPOLICY_RUA_MAX);
	for (size_t i = 0; i < policy->rua_count; i++) {
		FUZZ_CHECK(is_in(text, size, policy->rua[i].uri));
		check_uri(policy->rua[i].uri);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	static struct reportingpolicy policy, again;
	static struct remarks remarks;
	size_t at, len;
	bool is_valid;

	memset(&remarks, 0, sizeof remarks);
	is_valid =
	    reportingpolicy_read(text, size, "b.example", &policy, &remarks);
	FUZZ_CHECK(is_valid == (remarks.errors == 0));
	FUZZ_CHECK(
	    reportingpolicy_read(text, size, NULL, &again, NULL) == is_valid);
	for (size_t i = 0; i < remarks.count; i++)
		FUZZ_CHECK(remarks.remark[i].has_offset &&
		    remarks.remark[i].offset <= size);
	if (is_valid)
		check_policy(&policy, text, size);
	/* Whatever it is. */
	if (reporturi_host(text, size, &at, &len))
		FUZZ_CHECK(len > 0 && at + len <= size);
	free(text);
	return 0;
}
