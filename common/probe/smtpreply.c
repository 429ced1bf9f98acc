#include "smtpreply.h"

#include <string.h>

#include "text.h"

static const char keyword[] = "STARTTLS";

void
smtpreply_init(struct smtpreply *reply)
{
	memset(reply, 0, sizeof *reply);
	reply->status = SMTPREPLY_MORE;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ehlo-line: the keyword, alone or with parameters behind it. */
static bool
is_starttls(const char *text, size_t len)
{
	size_t n = sizeof keyword - 1;

	return len >= n && text_ieqn(text, keyword, n) &&
	    (len == n || text_is_space(text[n]));
}

/*
 * Take in a line that is whole. Its code is that of the reply: the RFC has the
 * same in all lines, and where they differ senders go by the last.
 */
static enum smtpreply_status
take_line(struct smtpreply *reply)
{
	const char *line = reply->line;
	size_t len = reply->len;

	while (len > 0 && line[len - 1] == '\r')
		len--;
	reply->len = 0;
	reply->lines++;
	text_plain(reply->last, sizeof reply->last, line, len);
	if (reply->lines == 1)
		memcpy(reply->first, reply->last, sizeof reply->first);
	if (len < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) ||
	    !is_digit(line[2]) || (len > 3 && line[3] != ' ' && line[3] != '-'))
		return SMTPREPLY_NOT_SMTP;
	reply->code =
	    (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	if (reply->lines > 1 && len > 4 && is_starttls(line + 4, len - 4))
		reply->has_starttls = true;
	if (len == 3 || line[3] == ' ')
		return SMTPREPLY_DONE;
	return reply->lines == SMTPREPLY_LINES_MAX ? SMTPREPLY_TOO_MANY
						   : SMTPREPLY_MORE;
}

enum smtpreply_status
smtpreply_more(
    struct smtpreply *reply, const char *data, size_t len, size_t *used)
{
	size_t i = 0;

	while (i < len && reply->status == SMTPREPLY_MORE) {
		char c = data[i++];

		if (c == '\n') {
			reply->status = take_line(reply);
		} else {
			reply->line[reply->len++] = c;
			/* There is no room for its end any more. */
			if (reply->len == SMTPREPLY_LINE_MAX) {
				text_plain(reply->last, sizeof reply->last,
				    reply->line, reply->len);
				reply->status = SMTPREPLY_TOO_LONG;
			}
		}
	}
	*used = i;
	return reply->status;
}
