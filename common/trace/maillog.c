#include "maillog.h"

#include <string.h>

#include "rfc3339.h"

enum {
	PID_DIGITS_MAX = 9,
	COUNT_DIGITS_MAX = 6,
	STAMP_MAX = 48 /* bytes of an RFC 3339 time */
};

/* What is left of a line. */
struct rest {
	const char *at;
	size_t len;
};

static void
skip(struct rest *rest, size_t n)
{
	rest->at += n;
	rest->len -= n;
}

static bool
begins(const struct rest *rest, const char *word)
{
	size_t len = strlen(word);

	return rest->len >= len && memcmp(rest->at, word, len) == 0;
}

static bool
take(struct rest *rest, const char *word)
{
	if (!begins(rest, word))
		return false;
	skip(rest, strlen(word));
	return true;
}

/* Where the word begins within the rest, or NULL. */
static const char *
find(const struct rest *rest, const char *word)
{
	size_t len = strlen(word);
	const char *at = rest->at, *end = rest->at + rest->len;

	while ((size_t)(end - at) >= len) {
		at = memchr(at, word[0], (size_t)(end - at) - len + 1);
		if (at == NULL || memcmp(at, word, len) == 0)
			return at;
		at++;
	}
	return NULL;
}

static bool
take_number(struct rest *rest, size_t digits_max, unsigned *number)
{
	size_t n = 0;

	*number = 0;
	while (n < digits_max && n < rest->len && rest->at[n] >= '0' &&
	    rest->at[n] <= '9')
		*number = *number * 10 + (unsigned)(rest->at[n++] - '0');
	skip(rest, n);
	return n > 0;
}

/* Two digits, the first of which may be a space, up to a bound. */
static bool
take_two(struct rest *rest, int max, int *number)
{
	unsigned value;
	bool has_space = rest->len > 0 && rest->at[0] == ' ';

	if (has_space)
		skip(rest, 1);
	if (!take_number(rest, has_space ? 1 : 2, &value) ||
	    value > (unsigned)max)
		return false;
	*number = (int)value;
	return true;
}

/* The word up to a space, which is passed over; it is not empty. */
static bool
take_word(struct rest *rest, const char **word, size_t *len)
{
	const char *space =
	    rest->len > 0 ? memchr(rest->at, ' ', rest->len) : NULL;

	if (space == NULL || space == rest->at)
		return false;
	*word = rest->at;
	*len = (size_t)(space - rest->at);
	skip(rest, *len + 1);
	return true;
}

/*
 * The head.
 */

static bool
take_month(struct rest *rest, int *month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++) {
		if (rest->len >= 3 && memcmp(rest->at, names + 3 * i, 3) == 0) {
			*month = i + 1;
			skip(rest, 3);
			return true;
		}
	}
	return false;
}

/* "Feb 12 10:00:00 " */
static bool
take_traditional(struct rest *rest, struct maillog_time *when)
{
	when->is_absolute = false;
	when->time = 0;
	return take_month(rest, &when->month) && take(rest, " ") &&
	    take_two(rest, 31, &when->day) && when->day > 0 &&
	    take(rest, " ") && take_two(rest, 23, &when->hour) &&
	    take(rest, ":") && take_two(rest, 59, &when->minute) &&
	    take(rest, ":") && take_two(rest, 60, &when->second) &&
	    take(rest, " ");
}

/* "2026-02-12T10:00:00.123456+00:00 "; journalctl has no colon in the zone. */
static bool
take_stamp(struct rest *rest, struct maillog_time *when)
{
	char stamp[STAMP_MAX + 1];
	const char *word;
	size_t len;

	if (rest->len == 0 || rest->at[0] < '0' || rest->at[0] > '9' ||
	    !take_word(rest, &word, &len) || len > STAMP_MAX || len < 20)
		return false;
	memcpy(stamp, word, len);
	stamp[len] = '\0';
	*when = (struct maillog_time){ .is_absolute = true };
	/* Without a zone nobody can say when that was. */
	return rfc3339_parse(stamp, &when->time) == RFC3339_OK;
}

static bool
ends_in(const char *name, size_t len, const char *server)
{
	size_t server_len = strlen(server);

	return len > server_len &&
	    memcmp(name + len - server_len, server, server_len) == 0;
}

static bool
find_program(const char *name, size_t len, enum maillog_program *program)
{
	if (ends_in(name, len, "/smtpd"))
		*program = MAILLOG_SMTPD;
	else if (ends_in(name, len, "/postscreen"))
		*program = MAILLOG_POSTSCREEN;
	else if (ends_in(name, len, "/tlsproxy"))
		*program = MAILLOG_TLSPROXY;
	else
		return false;
	return true;
}

/* "postfix/smtpd[12]: " */
static bool
take_program(struct rest *rest, struct maillog_line *out)
{
	const char *bracket, *space;
	unsigned pid;

	if (rest->len == 0)
		return false;
	bracket = memchr(rest->at, '[', rest->len);
	space = memchr(rest->at, ' ', rest->len);
	if (bracket == NULL || (space != NULL && space < bracket))
		return false;
	out->name = rest->at;
	out->name_len = (size_t)(bracket - rest->at);
	skip(rest, out->name_len + 1);
	if (!find_program(out->name, out->name_len, &out->program) ||
	    !take_number(rest, PID_DIGITS_MAX, &pid) || !take(rest, "]: "))
		return false;
	out->pid = pid;
	return true;
}

/*
 * The text.
 */

/*
 * The address behind " from ": "unknown[192.0.2.1]", "[192.0.2.1]:25". Names
 * are of DNS and hold no bracket; the first is of Postfix itself.
 */
static void
read_address(struct maillog_line *out, struct rest text)
{
	const char *open, *close;

	open = text.len > 0 ? memchr(text.at, '[', text.len) : NULL;
	if (open == NULL)
		return;
	skip(&text, (size_t)(open - text.at) + 1);
	close = text.len > 0 ? memchr(text.at, ']', text.len) : NULL;
	out->has_address = close != NULL &&
	    address_read_ip(text.at, (size_t)(close - text.at), &out->address);
}

/* Of one that says "from"; else nothing but the kind is known. */
static void
set_from(struct maillog_line *out, enum maillog_kind kind, struct rest text)
{
	const char *from = find(&text, " from ");

	out->kind = kind;
	if (from != NULL) {
		skip(&text, (size_t)(from - text.at));
		read_address(out, text);
	}
}

/* "... ehlo=1 starttls=0/1 mail=1 commands=1/2" */
static void
read_commands(struct maillog_line *out, struct rest text)
{
	const char *at = find(&text, " starttls=");

	out->has_commands = find(&text, " commands=") != NULL;
	out->has_mail = find(&text, " mail=") != NULL;
	if (at == NULL)
		return;
	skip(&text, (size_t)(at - text.at) + strlen(" starttls="));
	(void)take_number(&text, COUNT_DIGITS_MAX, &out->starttls_done);
	out->starttls_asked = out->starttls_done;
	if (take(&text, "/"))
		(void)take_number(
		    &text, COUNT_DIGITS_MAX, &out->starttls_asked);
}

/* Does it stand before what the client may have said? */
static bool
is_ours(const struct rest *text, const char *word)
{
	const char *at = find(text, word), *from = find(text, " from ");

	return at != NULL && (from == NULL || at < from);
}

/* What Postfix says when it begins without a certificate that it should have.
 */
static bool
is_disabling(const struct rest *text)
{
	static const char *const words[] = { "disabling TLS support",
		"TLS won't be enabled", "error opening chain file",
		"error loading " };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (find(text, words[i]) != NULL)
			return true;
	}
	return false;
}

static void
read_warning(struct maillog_line *out, struct rest text)
{
	set_from(out, MAILLOG_OTHER, text);
	if (begins(&text, "warning: TLS library problem")) {
		out->kind = MAILLOG_LIBRARY;
		out->has_address = false;
		out->is_alert = find(&text, "SSL alert number") != NULL;
	} else if (is_ours(&text, " limit exceeded: ")) {
		out->kind = MAILLOG_LIMIT;
	} else if (!out->has_address && is_disabling(&text)) {
		out->kind = MAILLOG_DISABLED;
	}
}

static bool
is_established(struct rest text)
{
	const char *word;
	size_t len;

	return take_word(&text, &word, &len) &&
	    begins(&text, "TLS connection established from ");
}

static bool
is_warning(const struct rest *text)
{
	return begins(text, "warning: ");
}

static void
read_tls(struct maillog_line *out, struct rest text)
{
	if (begins(&text, "SSL_accept error from ") ||
	    begins(&text, "TLS handshake failed ")) {
		set_from(out, MAILLOG_HANDSHAKE, text);
		out->is_broken_off = find(&text, "]: lost connection") != NULL;
	} else if (begins(&text, "SSL3 alert read:fatal:")) {
		out->kind = MAILLOG_LIBRARY;
		out->is_alert = true;
	} else if (is_established(text)) {
		set_from(out, MAILLOG_ESTABLISHED, text);
	} else if (is_warning(&text)) {
		read_warning(out, text);
	} else {
		set_from(out, MAILLOG_OTHER, text);
	}
}

static void
read_smtpd(struct maillog_line *out, struct rest text)
{
	if (begins(&text, "connect from ")) {
		set_from(out, MAILLOG_CONNECT, text);
	} else if (begins(&text, "disconnect from ")) {
		set_from(out, MAILLOG_DISCONNECT, text);
		read_commands(out, text);
	} else if (begins(&text, "lost connection after ") ||
	    begins(&text, "timeout after ")) {
		set_from(out, MAILLOG_LOST, text);
	} else {
		read_tls(out, text);
	}
}

/* The first address in brackets is the client's in all that they say. */
static void
read_screen(struct maillog_line *out, struct rest text)
{
	if (out->program == MAILLOG_TLSPROXY || is_warning(&text))
		read_tls(out, text);
	if (out->kind != MAILLOG_OTHER)
		return;
	out->kind = MAILLOG_SCREEN;
	if (!out->has_address)
		read_address(out, text);
}

bool
maillog_parse(const char *line, size_t len, struct maillog_line *out)
{
	struct rest rest = { line, len };

	*out = (struct maillog_line){ .kind = MAILLOG_OTHER };
	if (!take_stamp(&rest, &out->when)) {
		rest = (struct rest){ line, len };
		if (!take_traditional(&rest, &out->when))
			return false;
	}
	if (!take_word(&rest, &out->host, &out->host_len) ||
	    !take_program(&rest, out))
		return false;
	out->text = rest.at;
	out->text_len = rest.len;
	if (out->program == MAILLOG_SMTPD)
		read_smtpd(out, rest);
	else
		read_screen(out, rest);
	return true;
}

/*
 * "error:0A000418:SSL routines::tlsv1 alert unknown ca:../ssl/...": the fifth
 * piece, with the name of a function or without one in the fourth.
 */
void
maillog_reason(const struct maillog_line *line, char out[MAILLOG_REASON_MAX])
{
	struct rest text = { line->text, line->text_len };
	const char *end = NULL;

	(void)take(&text, "warning: ");
	if (take(&text, "TLS library problem: ") && begins(&text, "error:")) {
		struct rest piece = text;

		for (int i = 0; i < 4 && piece.len > 0; i++) {
			end = memchr(piece.at, ':', piece.len);
			if (end == NULL)
				break;
			skip(&piece, (size_t)(end - piece.at) + 1);
		}
		if (end != NULL && piece.len > 0) {
			end = memchr(piece.at, ':', piece.len);
			if (end != NULL && end > piece.at)
				text = (struct rest){ piece.at,
					(size_t)(end - piece.at) };
		}
	}
	if (text.len > MAILLOG_REASON_MAX - 1)
		text.len = MAILLOG_REASON_MAX - 1;
	if (text.len > 0)
		memcpy(out, text.at, text.len);
	out[text.len] = '\0';
}

const char *
maillog_kind_str(enum maillog_kind kind, uint64_t count)
{
	static const char *const names[MAILLOG_KINDS][2] = {
		[MAILLOG_CONNECT] = { "connect", "connects" },
		[MAILLOG_DISCONNECT] = { "disconnect", "disconnects" },
		[MAILLOG_ESTABLISHED] = { "TLS session", "TLS sessions" },
		[MAILLOG_HANDSHAKE] = { "TLS handshake failed",
		    "TLS handshakes failed" },
		[MAILLOG_LIBRARY] = { "TLS library problem",
		    "TLS library problems" },
		[MAILLOG_LOST] = { "connection lost", "connections lost" },
		[MAILLOG_LIMIT] = { "refused by a limit",
		    "refused by a limit" },
		[MAILLOG_DISABLED] = { "time without certificate",
		    "times without certificate" },
		[MAILLOG_SCREEN] = { "line of postscreen",
		    "lines of postscreen" },
		[MAILLOG_OTHER] = { "other line", "other lines" },
	};

	return names[kind][count != 1];
}
