/*
 * fuzz-stspolicy: policy files of MTA-STS.
 *
 * What is taken says the same when it is written anew; no remark points behind
 * the text; without remarks the verdict is the same.
 */
#include "buf.h"
#include "fuzz.h"
#include "stspolicy.h"

static void
check_mx(const struct stspolicy *policy, const char *mx)
{
	char host[IDN_NAME_MAX + 2];

	FUZZ_CHECK(strspn(mx, "abcdefghijklmnopqrstuvwxyz0123456789-.*") ==
	    strlen(mx));
	if (mx[0] == '*') {
		(void)snprintf(host, sizeof host, "x%s", mx + 1);
		FUZZ_CHECK(!stspolicy_matches(mx, mx + 2));
		mx = host;
	}
	FUZZ_CHECK(strchr(mx, '*') == NULL);
	FUZZ_CHECK(stspolicy_allows(policy, mx));
}

static void
check_policy(const struct stspolicy *policy)
{
	static struct stspolicy again;
	struct buf text;

	FUZZ_CHECK(policy->max_age <= STSPOLICY_AGE_MAX);
	FUZZ_CHECK(policy->mx_count <= STSPOLICY_MX_MAX);
	FUZZ_CHECK(policy->mx_count > 0 || policy->mode == STSPOLICY_NONE);
	buf_init(&text, STSPOLICY_SIZE_MAX);
	FUZZ_CHECK(
	    buf_addf(&text, "version: STSv1\r\nmode: %s\r\nmax_age: %llu",
		stspolicy_mode_str(policy->mode),
		(unsigned long long)policy->max_age) == ST_OK);
	for (size_t i = 0; i < policy->mx_count; i++) {
		check_mx(policy, policy->mx[i]);
		FUZZ_CHECK(buf_adds(&text, "\nmx:") == ST_OK);
		FUZZ_CHECK(buf_adds(&text, policy->mx[i]) == ST_OK);
	}
	FUZZ_CHECK(stspolicy_read(text.data, text.len, &again, NULL));
	FUZZ_CHECK(again.mode == policy->mode);
	FUZZ_CHECK(again.max_age == policy->max_age);
	FUZZ_CHECK(again.mx_count == policy->mx_count);
	for (size_t i = 0; i < policy->mx_count; i++)
		FUZZ_CHECK(strcmp(again.mx[i], policy->mx[i]) == 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	static struct stspolicy policy, other;
	static struct remarks remarks;
	bool is_valid;

	memset(&remarks, 0, sizeof remarks);
	is_valid = stspolicy_read(text, size, &policy, &remarks);
	FUZZ_CHECK(is_valid == (remarks.errors == 0));
	FUZZ_CHECK(stspolicy_read(text, size, &other, NULL) == is_valid);
	for (size_t i = 0; i < remarks.count; i++)
		FUZZ_CHECK(remarks.remark[i].has_offset &&
		    remarks.remark[i].offset <= size);
	if (is_valid)
		check_policy(&policy);
	free(text);
	return 0;
}
