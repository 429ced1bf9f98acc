#include "finding.h"

#include <stdlib.h>
#include <sysexits.h>

#include "result.h"

static struct finding *
make_room(struct findings *findings)
{
	size_t cap = findings->cap == 0 ? 16 : 2 * findings->cap;
	struct finding *larger;

	if (findings->count < findings->cap)
		return &findings->finding[findings->count++];
	larger = realloc(findings->finding, cap * sizeof *larger);
	if (larger == NULL)
		return NULL;
	findings->finding = larger;
	findings->cap = cap;
	return &findings->finding[findings->count++];
}

/* What is known of the result type, where nothing is of this failure. */
static void
advise(struct finding *finding)
{
	const struct result *result = result_find(finding->result_type);

	finding->action = result->action;
	if (finding->cause == NULL)
		finding->cause = result->cause;
	if (finding->verify == NULL)
		finding->verify = result->verify;
}

enum status
findings_add(struct findings *findings, const struct finding *model)
{
	struct finding *finding = make_room(findings);

	if (finding == NULL)
		return ST_NO_MEMORY;
	*finding = *model;
	if (finding->kind == FINDING_FAILURE && finding->action == NULL)
		advise(finding);
	return ST_OK;
}

void
findings_clear(struct findings *findings)
{
	free(findings->finding);
	*findings = (struct findings){ .count = 0 };
}

static bool
is_aside(const struct finding *finding)
{
	return finding->kind == FINDING_WARNING ||
	    finding->kind == FINDING_NOTE;
}

enum status
findings_put_aside(struct findings *findings)
{
	struct finding *ordered;
	size_t n = 0;

	if (findings->count == 0)
		return ST_OK;
	ordered = calloc(findings->count, sizeof *ordered);
	if (ordered == NULL)
		return ST_NO_MEMORY;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < findings->count; i++) {
			if (is_aside(&findings->finding[i]) == (pass == 1))
				ordered[n++] = findings->finding[i];
		}
	}
	free(findings->finding);
	findings->finding = ordered;
	findings->cap = findings->count;
	return ST_OK;
}

int
findings_exit(const struct findings *findings)
{
	bool has[FINDING_NOTE + 1] = { false };
	bool is_temporary = false;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->finding[i];

		has[finding->kind] = true;
		is_temporary |=
		    finding->kind == FINDING_UNTRIED && finding->is_temporary;
	}
	if (has[FINDING_FAILURE])
		return 1;
	if (has[FINDING_UNTRIED])
		return is_temporary ? EX_TEMPFAIL : EX_UNAVAILABLE;
	return has[FINDING_WARNING] ? 2 : 0;
}

const char *
finding_kind_str(enum finding_kind kind)
{
	switch (kind) {
	case FINDING_SUCCESS:
		return "success";
	case FINDING_FAILURE:
		return "failure";
	case FINDING_WARNING:
		return "warning";
	case FINDING_UNTRIED:
		return "untried";
	case FINDING_NOTE:
		break;
	}
	return "note";
}
