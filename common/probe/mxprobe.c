#include "mxprobe.h"

#include <stdio.h>
#include <string.h>

#include "deadline.h"
#include "dialogue.h"
#include "mxtls.h"
#include "text.h"

const char *
mxprobe_stage_str(enum mxprobe_stage stage)
{
	switch (stage) {
	case MXPROBE_CONNECT:
		return "connect";
	case MXPROBE_GREETING:
		return "greeting";
	case MXPROBE_EHLO:
		return "ehlo";
	case MXPROBE_STARTTLS:
		return "starttls";
	case MXPROBE_HANDSHAKE:
		return "handshake";
	case MXPROBE_DONE:
		return "done";
	}
	return "unknown";
}

const char *
mxprobe_end_str(enum mxprobe_end end)
{
	switch (end) {
	case MXPROBE_OK:
		return "ok";
	case MXPROBE_NO_ROUTE:
		return "no-route";
	case MXPROBE_REFUSED:
		return "refused";
	case MXPROBE_TIMEOUT:
		return "timeout";
	case MXPROBE_LOST:
		return "lost";
	case MXPROBE_REJECTED:
		return "rejected";
	case MXPROBE_PROTOCOL:
		return "protocol";
	case MXPROBE_NOT_OFFERED:
		return "not-offered";
	case MXPROBE_TLS:
		return "tls";
	case MXPROBE_OURSELVES:
		return "ourselves";
	}
	return "unknown";
}

/* The server's name: the word behind the code. */
static void
read_helo(struct mxprobe *probe, const struct smtpreply *reply)
{
	const char *word = reply->first;
	size_t len;

	if (strlen(word) < 5)
		return;
	word += 4;
	len = strcspn(word, " \t");
	if (len > 0)
		text_plain(probe->helo, sizeof probe->helo, word, len);
}

/* Show the reply that was not the right one, with its last line if it has. */
static void
show_reply(struct mxprobe *probe, const struct smtpreply *reply)
{
	char text[2 * SMTPREPLY_TEXT_MAX + 4];

	(void)snprintf(text, sizeof text, "%s%s%s", reply->first,
	    reply->lines > 1 ? " ... " : "",
	    reply->lines > 1 ? reply->last : "");
	(void)text_copy(probe->detail, sizeof probe->detail, text);
}

/* Take in a reply; any but the one that is wanted ends the probe. */
static enum mxprobe_end
expect(struct dialogue *dialogue, struct mxprobe *probe, int code)
{
	enum mxprobe_end end = dialogue_read(dialogue);

	probe->code = dialogue->reply.code;
	if (end != MXPROBE_OK) {
		(void)text_copy(
		    probe->detail, sizeof probe->detail, dialogue->detail);
		return end;
	}
	if (probe->code == code)
		return MXPROBE_OK;
	show_reply(probe, &dialogue->reply);
	return probe->code >= 400 ? MXPROBE_REJECTED : MXPROBE_PROTOCOL;
}

/* Send a command, name may be NULL, and take in the reply. */
static enum mxprobe_end
ask(struct dialogue *dialogue, struct mxprobe *probe, const char *verb,
    const char *name, int code)
{
	char line[IDN_NAME_MAX + 16];
	enum mxprobe_end end;

	(void)snprintf(line, sizeof line, "%s%s%.255s\r\n", verb,
	    name != NULL ? " " : "", name != NULL ? name : "");
	end = dialogue_send(dialogue, line);
	if (end == MXPROBE_OK)
		return expect(dialogue, probe, code);
	(void)text_copy(probe->detail, sizeof probe->detail, dialogue->detail);
	return end;
}

/*
 * EHLO, or HELO where the server knows no EHLO (RFC 5321, section 3.2), which
 * then has no STARTTLS to offer; detail is what it said to EHLO.
 */
static enum mxprobe_end
greet(struct dialogue *dialogue, struct mxprobe *probe, const char *helo)
{
	enum mxprobe_end end = ask(dialogue, probe, "EHLO", helo, 250);
	char refusal[MXPROBE_DETAIL_MAX];

	if (end == MXPROBE_OK) {
		read_helo(probe, &dialogue->reply);
		if (dialogue->reply.has_starttls)
			return MXPROBE_OK;
		show_reply(probe, &dialogue->reply);
		return MXPROBE_NOT_OFFERED;
	}
	if (end != MXPROBE_REJECTED || probe->code < 500)
		return end;
	memcpy(refusal, probe->detail, sizeof refusal);
	end = ask(dialogue, probe, "HELO", helo, 250);
	if (end != MXPROBE_OK)
		return end;
	read_helo(probe, &dialogue->reply);
	memcpy(probe->detail, refusal, sizeof refusal);
	return MXPROBE_NOT_OFFERED;
}

static enum mxprobe_end
start_tls(struct dialogue *dialogue, struct mxprobe *probe)
{
	enum mxprobe_end end = ask(dialogue, probe, "STARTTLS", NULL, 220);

	if (end != MXPROBE_OK || !dialogue_has_more(dialogue))
		return end;
	/* In clear text, by whoever is in between: as good as forged. */
	(void)snprintf(probe->detail, sizeof probe->detail,
	    "more in clear text behind the reply to STARTTLS");
	return MXPROBE_PROTOCOL;
}

/* From the connection to the go-ahead for TLS; stage is where it ended. */
static enum mxprobe_end
talk(struct dialogue *dialogue, const struct mxprobe_settings *settings,
    uint64_t deadline, struct mxprobe *probe)
{
	enum mxprobe_end end = dialogue_open(dialogue, settings, deadline);

	if (end != MXPROBE_OK) {
		(void)text_copy(
		    probe->detail, sizeof probe->detail, dialogue->detail);
		return end;
	}
	probe->stage = MXPROBE_GREETING;
	end = expect(dialogue, probe, 220);
	if (end != MXPROBE_OK)
		return end;
	read_helo(probe, &dialogue->reply);
	probe->stage = MXPROBE_EHLO;
	end = greet(dialogue, probe, settings->helo);
	if (end != MXPROBE_OK)
		return end;
	probe->stage = MXPROBE_STARTTLS;
	return start_tls(dialogue, probe);
}

void
mxprobe_run(const struct mxprobe_settings *settings, struct mxprobe *probe)
{
	uint64_t start = deadline_now();
	uint64_t deadline = start + settings->milliseconds;
	struct dialogue dialogue;
	struct mxtls tls = { 0 };

	memset(probe, 0, sizeof *probe);
	probe->end = talk(&dialogue, settings, deadline, probe);
	if (probe->end == MXPROBE_OK) {
		probe->stage = MXPROBE_HANDSHAKE;
		probe->end =
		    mxtls_run(&tls, settings, dialogue.fd, deadline, probe);
	}
	probe->milliseconds = (unsigned)(deadline_now() - start);
	if (probe->end == MXPROBE_OK) {
		probe->stage = MXPROBE_DONE;
		mxtls_quit(&tls, dialogue.fd, deadline);
	} else if (probe->end == MXPROBE_REJECTED ||
	    probe->end == MXPROBE_NOT_OFFERED) {
		dialogue_quit(&dialogue);
	}
	mxtls_close(&tls);
	dialogue_close(&dialogue);
}
