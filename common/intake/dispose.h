/*
 * dispose: what becomes of a message. The one place where that is decided.
 */
#ifndef DISPOSE_H
#define DISPOSE_H

#include <stdbool.h>

#include "assess.h"
#include "conf.h"
#include "pathsecret.h"
#include "status.h"
#include "verdict.h"

/* What was found in a message, all its reports together. */
struct outcome {
	unsigned reports;    /* archived for the first time */
	unsigned duplicates; /* archived before */
	unsigned unverified; /* readable, but not genuine; none of the above */
	unsigned malformed;
	struct fault fault; /* the first malformed one, or our own failure */
	bool has_failed;    /* our own failure */
	enum severity severity;      /* the worst of the reports */
	struct totals totals;        /* of the reports */
	char organization_name[256]; /* of the first report */
	struct verdict verdict;      /* on the whole message */
};

/* What bears on the decision besides the outcome. */
struct circumstances {
	bool has_other_recipients; /* besides the report mailbox */
	bool is_log_ready;         /* the log takes lines at once */
	bool is_last;   /* nobody behind us has a mailbox to deliver it to */
	bool is_upload; /* and its sender may never try again */
};

/*
 * Is a report that was read to be tried again later, since DNS could not tell
 * whether it is genuine (OnDNSFailure)? Then it is neither kept nor counted.
 */
bool dispose_is_later(const struct conf *conf, const struct verdict *verdict);

/* Does a report with this verdict count? Always, unless DKIM is require. */
bool dispose_is_genuine(const struct conf *conf, const struct verdict *verdict);

/* Does one that came by HTTPS count? Always, unless RequireAuth is set. */
bool dispose_is_vouched_for(const struct conf *conf, enum auth auth);

/*
 * Has somebody the message, whatever is found in it and whatever becomes of its
 * reports? Its verdict is known. Then it is no loss if these are not durable
 * before the reply.
 */
bool dispose_is_kept(const struct conf *conf, const struct verdict *verdict);

/*
 * The action, by OnReport, OnUnverified, OnDNSFailure, OnMalformed and
 * OnFailure. Discard needs reports that are all archived and a log that works;
 * DNS that failed never discards. With other recipients, reject and quarantine
 * give way to deliver: their mail is none of our business.
 *
 * Who is last delivers nothing: what holds reports that are all in the archive
 * is discarded, what holds none, or one that cannot be read, is kept; our own
 * failure is for another time. Reject and tempfail stay, but not for an upload,
 * which is kept or counted in any case.
 */
enum conf_action dispose(const struct conf *conf, const struct outcome *outcome,
    const struct circumstances *circumstances);

/* "deliver", "discard", "quarantine", "reject", "tempfail", "kept". */
const char *action_str(enum conf_action action);

/*
 * The value of the X-TLSRPT-Milter field, or false when the message gets none
 * (it is no report, or the failure is ours). It begins with "report",
 * "unverified" or "malformed".
 */
bool dispose_header(const struct outcome *outcome, char *out, size_t size);

#endif
