#include "remark.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

static void
count(struct remarks *remarks, enum remark_kind kind)
{
	if (kind == REMARK_ERROR)
		remarks->errors++;
	if (kind == REMARK_WARNING)
		remarks->warnings++;
}

void
remark_add(struct remarks *remarks, enum remark_kind kind, size_t offset,
    const char *mend, const char *fmt, ...)
{
	/* Longer than what is kept, so that it is cut at a character. */
	char text[2 * REMARK_TEXT_MAX];
	struct remark *remark;
	va_list ap;

	if (remarks == NULL)
		return;
	count(remarks, kind);
	if (remarks->count == REMARKS_MAX) {
		remarks->dropped++;
		return;
	}
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	remark = &remarks->remark[remarks->count++];
	remark->kind = kind;
	remark->has_offset = offset != REMARK_NOWHERE;
	remark->offset = remark->has_offset ? offset : 0;
	(void)text_copy(remark->text, sizeof remark->text, text);
	(void)text_copy(
	    remark->mend, sizeof remark->mend, mend != NULL ? mend : "");
}

const char *
remark_kind_str(enum remark_kind kind)
{
	switch (kind) {
	case REMARK_ERROR:
		return "error";
	case REMARK_WARNING:
		return "warning";
	case REMARK_NOTE:
		break;
	}
	return "note";
}
