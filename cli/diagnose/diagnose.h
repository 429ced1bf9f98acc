/*
 * diagnose: what the files of "tlsrpt diagnose" have in common.
 */
#ifndef DIAGNOSE_H
#define DIAGNOSE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "diagnosis.h"
#include "idn.h"
#include "index.h"
#include "judge.h"
#include "resolver.h"
#include "status.h"

enum {
	DIAGNOSE_PATH_MAX = 4096
};

/* The subcommand being run. Strings are those of argv or the configuration. */
struct diagnose {
	struct index index; /* with the configuration */
	struct conf *given; /* values of options, as keywords have them */
	bool is_json;
	/* What was asked for. */
	char domain[IDN_NAME_MAX]; /* or "" */
	char mx[IDN_NAME_MAX];     /* or "" */
	bool with_sts;
	bool with_dane;
	bool is_dane_required;
	const char *conf_path; /* or NULL, as the others */
	const char *state_path;
	const char *archive;
	const char *source;
	const char *ca_file;
	const char *trust_anchor; /* of --trust-anchor; then the one used */
	const char *report;
	unsigned long problem; /* or 0 */
	unsigned port;
	/* What it needs. */
	char helo[IDN_NAME_MAX];
	struct resolver *resolver;
	X509_STORE *store;
	bool has_index; /* it is open */
};

/* What is to be looked at. */
struct diagnose_wish {
	const char *domain; /* A-labels */
	const char *mx;     /* this one alone, or NULL */
	bool is_mx_of_dns;  /* if the DNS has it; else none */
	bool without_mx;    /* the policy alone */
	bool with_sts;
	bool with_dane;
	bool is_dane_required;
};

/* A domain that has been diagnosed and judged. Not to be moved. */
struct diagnosed {
	char domain[IDN_NAME_MAX];
	char mx[IDN_NAME_MAX];
	struct diagnosis_settings settings;
	struct diagnosis diagnosis;
	struct findings findings;
};

/*
 * Diagnose a domain and judge it. ST_NO_MEMORY. To be given to
 * diagnosed_clear() whatever came of it.
 */
enum status
diagnosed_run(const struct diagnose *diagnose, const struct diagnose_wish *wish,
    struct diagnosed *diagnosed, struct fault *fault);
void diagnosed_clear(struct diagnosed *diagnosed);

/* How many findings are of a kind. */
size_t diagnosed_count(const struct findings *findings, enum finding_kind kind);

/* What to do about a finding, or NULL. Static storage. */
const char *diagnose_action(const struct finding *finding);

/*
 * The usual cause of a failure; NULL for another finding, and for a failure
 * that is known well enough to have an action of its own. Static storage.
 */
const char *diagnose_cause(const struct finding *finding);

/* Days from now until a certificate is no longer valid; negative if it is. */
int64_t diagnose_days_left(const struct certificate *certificate, int64_t now);

#endif
