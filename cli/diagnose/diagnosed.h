/*
 * diagnosed: a domain that has been diagnosed and judged, and what is said of
 * its findings.
 */
#ifndef DIAGNOSED_H
#define DIAGNOSED_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis.h"
#include "finding.h"
#include "idn.h"
#include "resolver.h"
#include "status.h"

enum {
	DIAGNOSED_ADVICE_MAX = 2048,
	DIAGNOSED_COMMAND_MAX = 2048
};

/* With what domains are diagnosed. All is the caller's. */
struct diagnosed_means {
	unsigned port;
	const char *source; /* or NULL */
	struct resolver *resolver;
	bool has_trust_anchor; /* the resolver validates */
	X509_STORE *store;
	char helo[IDN_NAME_MAX];
	unsigned milliseconds; /* for each step */
	bool with_progress;    /* a line on a terminal meanwhile */
};

/* What is to be looked at. */
struct diagnosed_wish {
	const char *domain; /* A-labels */
	const char *mx;     /* this one alone, or NULL */
	bool is_mx_of_dns;  /* if the DNS has it; else none */
	bool without_mx;    /* the policy alone */
	bool with_sts;
	bool with_dane;
	bool is_dane_required;
};

/* Not to be moved. */
struct diagnosed {
	char domain[IDN_NAME_MAX];
	char mx[IDN_NAME_MAX];
	struct diagnosis_settings settings;
	struct diagnosis diagnosis;
	struct findings findings;
};

/*
 * Diagnose a domain and judge it. means must outlive it. ST_NO_MEMORY. To be
 * given to diagnosed_clear() whatever came of it.
 */
enum status diagnosed_run(const struct diagnosed_means *means,
    const struct diagnosed_wish *wish, struct diagnosed *diagnosed,
    struct fault *fault);
void diagnosed_clear(struct diagnosed *diagnosed);

/* How many findings are of a kind. */
size_t diagnosed_count(const struct findings *findings, enum finding_kind kind);

/*
 * Cause or action of a finding, with the domain in "mta-sts.DOMAIN" filled in.
 * Returns out, or NULL for NULL.
 */
const char *diagnosed_advice(const struct diagnosed *diagnosed,
    const char *text, char out[DIAGNOSED_ADVICE_MAX]);

/*
 * The command that shows a finding by hand, at the address and the port where
 * it was seen. Returns out, or NULL if there is none.
 */
const char *diagnosed_command(const struct diagnosed *diagnosed,
    const struct finding *finding, char out[DIAGNOSED_COMMAND_MAX]);

/* Days from now until a certificate is no longer valid; negative if it is. */
int64_t diagnosed_days_left(const struct certificate *certificate, int64_t now);

#endif
