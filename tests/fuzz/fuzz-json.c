/*
 * fuzz-json: the strict check, the walk over what it passed, and cJSON items.
 *
 * What passes must be JSON to cJSON too, be walked member for member as cJSON
 * has it, and compact to a text that passes again, holds no raw control
 * character and compacts to itself.
 */
#include <cjson/cJSON.h>

#include "buf.h"
#include "fuzz.h"
#include "ijson.h"
#include "json.h"
#include "text.h"

enum {
	OUT_MAX = 16 << 20,
	NUMBER_MAX = 60 /* cJSON reads no longer one */
};

static const deviations no_compare = UINT64_C(1) << DEV_LONE_SURROGATE |
    UINT64_C(1) << DEV_NUL_CHARACTER | UINT64_C(1) << DEV_REPEATED_MEMBER |
    UINT64_C(1) << DEV_RAW_CONTROL_CHARACTER;

static enum status
take(void *ctx, const char *data, size_t len)
{
	return buf_add(ctx, data, len);
}

static bool
is_utf8(const char *s)
{
	size_t len = strlen(s), n;
	uint32_t cp;

	for (; len > 0; s += n, len -= n) {
		n = utf8_decode(s, len, &cp);
		if (n == 0)
			return false;
	}
	return true;
}

static void
check_plain(struct json_span span, const cJSON *item)
{
	char out[JSON_VALUE_MAX];
	long len = json_plain_string(span, out);

	if (len < 0)
		return;
	FUZZ_CHECK((size_t)len == strlen(out));
	FUZZ_CHECK(strcmp(out, item->valuestring) == 0);
}

static void
check_scalar(struct json_span span)
{
	deviations dev = 0;
	cJSON *item = json_scalar(span, &dev);

	FUZZ_CHECK(item != NULL);
	switch (json_type(span)) {
	case JSON_STRING:
		FUZZ_CHECK(cJSON_IsString(item));
		FUZZ_CHECK(strlen(item->valuestring) <= JSON_VALUE_MAX);
		FUZZ_CHECK(is_utf8(item->valuestring));
		check_plain(span, item);
		break;
	case JSON_NUMBER:
		FUZZ_CHECK(cJSON_IsNumber(item) || cJSON_IsNull(item));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		FUZZ_CHECK(cJSON_IsBool(item));
		break;
	default:
		FUZZ_CHECK(cJSON_IsNull(item));
	}
	cJSON_Delete(item);
}

static void
check_container(struct json_span span)
{
	deviations dev = 0;
	cJSON *strings;

	FUZZ_CHECK(json_scalar(span, &dev) == NULL);
	if (json_type(span) != JSON_ARRAY)
		return;
	strings = json_strings(span, &dev);
	FUZZ_CHECK(cJSON_IsArray(strings));
	FUZZ_CHECK(cJSON_GetArraySize(strings) <= JSON_ARRAY_MAX);
	cJSON_Delete(strings);
}

/* The longest run of bytes that may be a number. */
static size_t
longest_number(const char *text, size_t len)
{
	size_t longest = 0, run = 0;

	for (size_t i = 0; i < len; i++) {
		run = text[i] != '\0' && strchr("0123456789+-.eE", text[i])
		    ? run + 1
		    : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

/* Visit everything: some values measured and then walked, some entered. */
static void
walk(struct json_span span, unsigned depth)
{
	struct json_iter iter, inner;
	struct json_span value;
	size_t n = 0;

	if (json_type(span) != JSON_ARRAY && json_type(span) != JSON_OBJECT) {
		check_scalar(span);
		return;
	}
	check_container(span);
	for (json_iter(&iter, span); json_next(&iter); n++) {
		FUZZ_CHECK(
		    (json_type(span) == JSON_OBJECT) == (iter.name.len >= 2));
		if ((n + depth) % 3 == 0)
			continue;
		if ((n + depth) % 3 == 1 &&
		    (json_next_type(&iter) == JSON_ARRAY ||
			json_next_type(&iter) == JSON_OBJECT)) {
			json_enter(&inner, &iter);
			(void)json_next(&inner);
			json_leave(&iter, &inner);
			continue;
		}
		value = json_take(&iter);
		FUZZ_CHECK(value.len > 0 && value.text > span.text);
		FUZZ_CHECK(value.text + value.len < span.text + span.len);
		walk(value, depth + 1);
	}
	FUZZ_CHECK(!json_next(&iter));
	FUZZ_CHECK(iter.at == span.text + span.len - 1);
}

/* The same members in the same order, and the same values? */
static void
compare(struct json_span span, const cJSON *item)
{
	const cJSON *child = item->child;
	struct json_iter iter;

	if (json_type(span) != JSON_ARRAY && json_type(span) != JSON_OBJECT) {
		deviations dev = 0;
		cJSON *scalar = json_scalar(span, &dev);

		FUZZ_CHECK(scalar != NULL);
		if (dev == 0)
			FUZZ_CHECK(cJSON_Compare(scalar, item, true) ||
			    cJSON_IsNumber(item));
		cJSON_Delete(scalar);
		return;
	}
	for (json_iter(&iter, span); json_next(&iter); child = child->next) {
		FUZZ_CHECK(child != NULL);
		if (iter.name.len > 0 &&
		    memchr(iter.name.text, '\\', iter.name.len) == NULL)
			FUZZ_CHECK(json_name_is(
			    iter.name, child->string, strlen(child->string)));
		compare(json_take(&iter), child);
	}
	FUZZ_CHECK(child == NULL);
}

static void
compact(struct json_span span, struct buf *out)
{
	buf_init(out, OUT_MAX);
	FUZZ_CHECK(json_compact(span, take, out) == ST_OK);
	FUZZ_CHECK(!fuzz_has_control(out->data, out->len) ||
	    memchr(out->data, 0x7f, out->len) != NULL);
}

static void
check_compact(struct json_span root, deviations dev)
{
	struct buf once, twice;
	deviations again = 0;
	struct fault fault;

	compact(root, &once);
	FUZZ_CHECK(
	    ijson_check(once.data, once.len, NULL, &again, &fault) == ST_OK);
	FUZZ_CHECK(!(again & UINT64_C(1) << DEV_RAW_CONTROL_CHARACTER));
	FUZZ_CHECK(!(again & UINT64_C(1) << DEV_BYTE_ORDER_MARK));
	FUZZ_CHECK((again & ~dev & ~no_compare) == 0);
	compact(json_root(once.data, once.len), &twice);
	FUZZ_CHECK(once.len == twice.len);
	FUZZ_CHECK(memcmp(once.data, twice.data, once.len) == 0);
	buf_free(&once);
	buf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ijson_limits tight = { 4, 20 };
	unsigned depth = fuzz_byte(data, &size);
	char *text = fuzz_copy(data, size);
	struct fault fault = { 0 };
	deviations dev = 0, tight_dev = 0;
	enum status st = ijson_check(text, size, NULL, &dev, &fault);
	enum status tight_st =
	    ijson_check(text, size, &tight, &tight_dev, NULL);

	FUZZ_CHECK(tight_st == st || tight_st == ST_TOO_DEEP ||
	    tight_st == ST_TOO_LARGE);
	if (st != ST_OK) {
		FUZZ_CHECK(status_is_malformed(st) && fault.status == st);
		FUZZ_CHECK(!fault.has_offset || fault.offset <= size);
	} else {
		struct json_span root = json_root(text, size);
		cJSON *tree;

		FUZZ_CHECK(json_type(root) == JSON_OBJECT);
		walk(root, depth);
		check_compact(root, dev);
		if (longest_number(text, size) < NUMBER_MAX &&
		    (dev & no_compare) == 0) {
			tree = cJSON_ParseWithLength(root.text, root.len);
			FUZZ_CHECK(cJSON_IsObject(tree));
			compare(root, tree);
			cJSON_Delete(tree);
		}
	}
	free(text);
	return 0;
}
