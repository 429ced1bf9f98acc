/*
 * diagnosis: all that a sending server meets when it has mail for a domain: its
 * MX hosts, its MTA-STS policy (RFC 8461), their TLSA records (RFC 7672), and
 * every address of every MX.
 *
 * Facts only; what they mean is said by judge.h.
 */
#ifndef DIAGNOSIS_H
#define DIAGNOSIS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idn.h"
#include "lookup.h"
#include "mxprobe.h"
#include "remark.h"
#include "resolver.h"
#include "status.h"
#include "stsfetch.h"
#include "stspolicy.h"
#include "stsrecord.h"

enum {
	DIAGNOSIS_ADDRESSES_MAX = 2 * LOOKUP_ADDRESSES_MAX, /* of an MX */
	DIAGNOSIS_PROBES_MAX = 256 /* addresses of all MX; the rest is not
				      tried, and counted */
};

struct diagnosis_settings {
	const char *domain; /* A-labels */
	const char *mx;     /* this host alone, whether the DNS has it as MX or
			       not; or NULL */
	bool is_mx_of_dns;  /* mx only if the DNS has it, else none */
	bool without_mx;    /* the policy alone: no MX is looked at */
	bool with_sts;
	bool with_dane;
	bool is_dane_required; /* as senders that demand it */
	unsigned port;
	unsigned https_port; /* 443 */
	const char *source;  /* address to connect from, or NULL */
	struct resolver *resolver;
	bool has_trust_anchor; /* it validates: else DANE cannot be judged */
	X509_STORE *store;
	const char *helo;
	unsigned milliseconds; /* for each step: a lookup, the policy, an
				  address */
};

/* One address of an MX. */
struct diagnosis_address {
	struct found_address address;
	bool is_tried; /* else there were too many */
	struct mxprobe probe;
	/* Asked on the first address that comes as far as TLS: */
	bool has_old_tls_answer; /* else it was not asked, or in vain */
	bool offers_old_tls;     /* TLS 1.1 or older, see old_tls */
	struct mxprobe old_tls;
	bool has_other_key; /* the server has a second key of another kind */
	struct mxprobe other_key;
};

struct diagnosis_mx {
	char host[IDN_NAME_MAX];
	unsigned preference;
	bool is_in_dns; /* not with settings.mx, if it is none of them */
	struct found_addresses ipv4;
	struct found_addresses ipv6;
	/* DANE. Where MX or addresses are not secure a sender does not ask for
	   TLSA records; they are asked for all the same, to be told of. */
	bool is_dane_possible; /* MX and addresses are secure */
	bool has_tlsa_answer;
	struct found_tlsa tlsa;
	char dane_base[IDN_NAME_MAX]; /* TLSA base domain */
	size_t usable; /* of the TLSA records, by what they hold */
	size_t count;  /* addresses, IPv6 first */
	struct diagnosis_address *address;
};

/* The MTA-STS policy, as far as it came. */
struct diagnosis_sts {
	bool is_asked;
	char name[IDN_NAME_MAX]; /* _mta-sts.DOMAIN */
	struct found_txt txt;
	size_t records; /* of them that begin with v=STSv1; */
	bool has_record;
	struct stsrecord record;
	struct remarks record_remarks;
	bool has_fetch; /* it was tried: there is one valid record */
	struct found_addresses ipv4; /* of mta-sts.DOMAIN */
	struct found_addresses ipv6;
	bool has_address;
	struct stsfetch fetch;
	bool has_policy; /* it is valid */
	struct stspolicy policy;
	struct remarks policy_remarks;
};

struct diagnosis {
	const struct diagnosis_settings *settings;
	int64_t now; /* seconds since 1970 */
	struct found_mx found_mx;
	bool is_implicit; /* no MX: the domain itself (RFC 5321, section 5.1) */
	struct diagnosis_sts sts;
	size_t mx_count;
	struct diagnosis_mx *mx; /* in the order of preference */
	size_t untried;          /* addresses over DIAGNOSIS_PROBES_MAX */
};

/*
 * Find out. Takes no longer than a few times settings->milliseconds, however
 * many MX there are. ST_NO_MEMORY. To be given to diagnosis_clear() either way;
 * settings must outlive it. SIGPIPE must be ignored.
 */
enum status diagnosis_run(const struct diagnosis_settings *settings,
    struct diagnosis *diagnosis, struct fault *fault);

/* Does a sender hold the MX to its TLSA records: are there secure ones? */
bool diagnosis_has_dane(const struct diagnosis_mx *mx);

void diagnosis_clear(struct diagnosis *diagnosis);

#endif
