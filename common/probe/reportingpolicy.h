/*
 * reportingpolicy: the TXT record at _smtp._tls.DOMAIN (RFC 8460, section 3),
 * by which a domain asks for reports.
 */
#ifndef REPORTINGPOLICY_H
#define REPORTINGPOLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "remark.h"

enum {
	REPORTINGPOLICY_RUA_MAX = 16, /* further ones are an error */
	REPORTINGPOLICY_URI_MAX = 1024
};

enum rua_scheme {
	RUA_MAILTO,
	RUA_HTTPS
};

struct reportingpolicy {
	size_t rua_count;
	struct {
		enum rua_scheme scheme;
		char uri[REPORTINGPOLICY_URI_MAX]; /* as written */
	} rua[REPORTINGPOLICY_RUA_MAX];
};

/*
 * Does a TXT record begin with "v=TLSRPTv1;"? All others are left out of
 * account, and then exactly one must be left.
 */
bool reportingpolicy_is_one(const char *text, size_t len);

/*
 * Read one, joined from its strings, by the grammar of section 3: version,
 * rua with "," between URIs, extension fields of any name. False when it is
 * not valid. Remarks (may be NULL): every error with its place and how to mend
 * it, and what the grammar permits but the field does not honour. domain, whose
 * record it is, or NULL, tells a rua mailbox in that very domain.
 */
bool reportingpolicy_read(const char *text, size_t len, const char *domain,
    struct reportingpolicy *policy, struct remarks *remarks);

#endif
