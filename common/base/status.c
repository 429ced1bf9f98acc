#include "status.h"

#include <stdarg.h>
#include <stdio.h>

const char *
status_str(enum status status)
{
	switch (status) {
	case ST_OK:
		return "ok";
	case ST_NOT_A_REPORT:
		return "not-a-report";
	case ST_GZIP_CORRUPT:
		return "gzip-corrupt";
	case ST_GZIP_TRUNCATED:
		return "gzip-truncated";
	case ST_ZIP_UNSUPPORTED:
		return "zip-unsupported";
	case ST_BASE64_CORRUPT:
		return "base64-corrupt";
	case ST_TOO_LARGE:
		return "too-large";
	case ST_TOO_MANY_PARTS:
		return "too-many-parts";
	case ST_TOO_DEEP:
		return "too-deep";
	case ST_JSON_SYNTAX:
		return "json-syntax";
	case ST_JSON_NOT_OBJECT:
		return "json-not-object";
	case ST_JSON_ENCODING:
		return "json-encoding";
	case ST_NO_POLICIES:
		return "no-policies";
	case ST_EMPTY:
		return "empty";
	case ST_NO_MEMORY:
		return "no-memory";
	case ST_NO_SPACE:
		return "no-space";
	case ST_ARCHIVE:
		return "archive";
	case ST_SPOOL:
		return "spool";
	case ST_LOG_STALLED:
		return "log-stalled";
	case ST_STATE:
		return "state";
	case ST_STATE_BUSY:
		return "state-busy";
	case ST_STATE_DAMAGED:
		return "state-damaged";
	case ST_STATE_VERSION:
		return "state-version";
	case ST_ALERT:
		return "alert-failed";
	}
	return "unknown";
}

bool
status_is_malformed(enum status status)
{
	return status >= ST_GZIP_CORRUPT && status <= ST_EMPTY;
}

bool
status_is_failure(enum status status)
{
	return status >= ST_NO_MEMORY;
}

static enum status
fault_fill(struct fault *fault, enum status status, const char *fmt, va_list ap)
{
	if (fault != NULL) {
		fault->status = status;
		fault->has_offset = false;
		fault->offset = 0;
		(void)vsnprintf(fault->detail, sizeof fault->detail, fmt, ap);
	}
	return status;
}

enum status
fault_set(struct fault *fault, enum status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fault_fill(fault, status, fmt, ap);
	va_end(ap);
	return status;
}

enum status
fault_at(struct fault *fault, enum status status, uint64_t offset,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fault_fill(fault, status, fmt, ap);
	va_end(ap);
	if (fault != NULL) {
		fault->has_offset = true;
		fault->offset = offset;
	}
	return status;
}
