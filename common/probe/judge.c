#include "judge.h"

#include "judgedns.h"
#include "judgemx.h"
#include "judgests.h"
#include "judgewarn.h"

enum status
judge(const struct diagnosis *diagnosis, struct findings *findings)
{
	struct judging judging = { .diagnosis = diagnosis,
		.findings = findings };

	*findings = (struct findings){ .count = 0 };
	judgedns(&judging);
	judgests(&judging);
	judgemx(&judging);
	judgewarn(&judging);
	if (judging.status == ST_OK)
		judging.status = findings_put_aside(findings);
	return judging.status;
}
