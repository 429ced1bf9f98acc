/*
 * reportedpolicy: the policy that a sender says it applied, as it lies in the
 * archive.
 */
#ifndef REPORTEDPOLICY_H
#define REPORTEDPOLICY_H

#include <stdint.h>

#include "index.h"
#include "policylines.h"
#include "status.h"

struct reportedpolicy {
	char organization_name[STATE_NAME_MAX];
	char policy_domain[STATE_NAME_MAX];
	char policy_type[STATE_TYPE_MAX];
	int64_t seen; /* end of the report's range */
	struct policylines lines;
};

/*
 * The newest one of this type for this domain that the open index knows, read
 * from its record. ST_OK without lines: there is none, or the report does not
 * say. ST_ARCHIVE: the record cannot be read; and the statuses of
 * state_newest_path(). To be given to reportedpolicy_clear() either way.
 */
enum status reportedpolicy_newest(struct reportedpolicy *reported,
    const struct index *index, const char *domain, const char *type,
    struct fault *fault);

void reportedpolicy_clear(struct reportedpolicy *reported);

#endif
