#include "remarking.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

void
remarking_short(const struct remarks *remarks, char out[REMARKING_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < remarks->count; i++) {
		const struct remark *r = &remarks->remark[i];
		char letter = r->kind == REMARK_ERROR ? 'E'
		    : r->kind == REMARK_WARNING       ? 'W'
						      : 'N';

		ck_expect(r->text[0] != '\0', "remark %zu says nothing", i);
		/* Cut ones have lost their point. */
		ck_expect(strlen(r->text) < REMARK_TEXT_MAX - 1 &&
			strlen(r->mend) < REMARK_TEXT_MAX - 1,
		    "cut: \"%s\"", r->text);
		ck_expect(n + 24 < REMARKING_MAX, "too many remarks");
		if (i > 0)
			out[n++] = ' ';
		if (r->has_offset)
			n += (size_t)snprintf(
			    out + n, 22, "%c%zu", letter, r->offset);
		else
			n += (size_t)snprintf(out + n, 22, "%c-", letter);
	}
}

bool
remarking_has(const struct remarks *remarks, const char *words)
{
	for (size_t i = 0; i < remarks->count; i++) {
		if (strstr(remarks->remark[i].text, words) != NULL ||
		    strstr(remarks->remark[i].mend, words) != NULL)
			return true;
	}
	return false;
}
