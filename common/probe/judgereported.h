/*
 * judgereported: the policy that a sender applied beside that of now.
 */
#ifndef JUDGEREPORTED_H
#define JUDGEREPORTED_H

#include <stddef.h>
#include <stdint.h>

#include "diagnosis.h"
#include "finding.h"
#include "status.h"

/*
 * What senders applied before, to be compared with the policy of now: adds a
 * warning "policy-id-unchanged" when the policy differs, and nothing says that
 * the id of the record is newer than seen, the end of the report's range. lines
 * is what policy-string had.
 */
enum status
judgereported(const struct diagnosis *diagnosis, const char *const *lines,
    size_t count, int64_t seen, struct findings *findings);

#endif
