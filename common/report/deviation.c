#include "deviation.h"

#include <stddef.h>
#include <string.h>

static const char *const names[DEV_MAX] = {
	[DEV_MISSPELLED_CONTENT_TYPE] = "misspelled-content-type",
	[DEV_REPEATED_CONTENT_TYPE] = "repeated-content-type",
	[DEV_NO_MULTIPART] = "no-multipart",
	[DEV_REPORT_TYPE_MISSING] = "report-type-missing",
	[DEV_MEDIA_TYPE] = "media-type",
	[DEV_LABEL_MISMATCH] = "label-mismatch",
	[DEV_MISSING_MIME_END] = "missing-mime-end",
	[DEV_BASE64_GARBAGE] = "base64-garbage",
	[DEV_TRAILING_BYTES] = "trailing-bytes",
	[DEV_BYTE_ORDER_MARK] = "byte-order-mark",
	[DEV_RAW_CONTROL_CHARACTER] = "raw-control-character",
	[DEV_REPEATED_MEMBER] = "repeated-member",
	[DEV_LONE_SURROGATE] = "lone-surrogate",
	[DEV_NUL_CHARACTER] = "nul-character",
	[DEV_NUMBER_OUT_OF_RANGE] = "number-out-of-range",
	[DEV_NULL_MEMBER] = "null-member",
	[DEV_WRONG_TYPE] = "wrong-type",
	[DEV_LONG_VALUE] = "long-value",
	[DEV_DRAFT_MEMBER] = "draft-member",
	[DEV_MISNAMED_MEMBER] = "misnamed-member",
	[DEV_ORGANIZATION_NAME_MISSING] = "organization-name-missing",
	[DEV_REPORT_ID_MISSING] = "report-id-missing",
	[DEV_DATE_RANGE_MISSING] = "date-range-missing",
	[DEV_DATETIME_WITHOUT_ZONE] = "datetime-without-zone",
	[DEV_DATETIME_INVALID] = "datetime-invalid",
	[DEV_DATE_RANGE_REVERSED] = "date-range-reversed",
	[DEV_POLICIES_NOT_ARRAY] = "policies-not-array",
	[DEV_POLICY_MISSING] = "policy-missing",
	[DEV_POLICY_TYPE_MISSING] = "policy-type-missing",
	[DEV_POLICY_TYPE_UNKNOWN] = "policy-type-unknown",
	[DEV_POLICY_STRING_NOT_ARRAY] = "policy-string-not-array",
	[DEV_POLICY_DOMAIN_MISSING] = "policy-domain-missing",
	[DEV_MX_HOST_NOT_ARRAY] = "mx-host-not-array",
	[DEV_SUMMARY_MISSING] = "summary-missing",
	[DEV_COUNT_MISSING] = "count-missing",
	[DEV_COUNT_AS_STRING] = "count-as-string",
	[DEV_COUNT_INVALID] = "count-invalid",
	[DEV_COUNT_MISMATCH] = "count-mismatch",
	[DEV_FAILURE_DETAILS_NOT_ARRAY] = "failure-details-not-array",
	[DEV_RESULT_TYPE_MISSING] = "result-type-missing",
	[DEV_RESULT_TYPE_UNKNOWN] = "result-type-unknown",
	[DEV_IP_INVALID] = "ip-invalid",
	[DEV_FOREIGN_DOMAIN] = "foreign-domain",
	[DEV_WEAK_KEY] = "weak-key",
	[DEV_KEY_SERVICE_TYPE] = "key-service-type",
};

void
deviation_add(deviations *set, enum deviation deviation)
{
	*set |= UINT64_C(1) << deviation;
}

const char *
deviation_str(enum deviation deviation)
{
	return deviation < DEV_MAX ? names[deviation] : "unknown";
}

void
deviation_add_name(deviations *set, const char *name)
{
	for (unsigned i = 0; i < DEV_MAX; i++) {
		if (strcmp(names[i], name) == 0)
			deviation_add(set, (enum deviation)i);
	}
}

const char *
deviation_next(deviations set, unsigned *next)
{
	for (; *next < DEV_MAX; (*next)++) {
		if (set >> *next & 1)
			return names[(*next)++];
	}
	return NULL;
}
