/*
 * fuzz-smtpreply: what an SMTP server says.
 *
 * The input is one reply after the other. However it is cut, the same comes of
 * it; all is within its bounds, and what is kept is plain.
 */
#include "fuzz.h"
#include "smtpreply.h"

static void
check_text(const char text[SMTPREPLY_TEXT_MAX])
{
	const char *end = memchr(text, '\0', SMTPREPLY_TEXT_MAX);

	FUZZ_CHECK(end != NULL);
	FUZZ_CHECK(!fuzz_has_control(text, (size_t)(end - text)));
}

static void
check_state(const struct smtpreply *reply)
{
	FUZZ_CHECK(reply->len < SMTPREPLY_LINE_MAX ||
	    reply->status == SMTPREPLY_TOO_LONG);
	FUZZ_CHECK(reply->lines <= SMTPREPLY_LINES_MAX);
	FUZZ_CHECK(
	    reply->code == 0 || (reply->code >= 200 && reply->code <= 599));
	FUZZ_CHECK(reply->status != SMTPREPLY_DONE || reply->code != 0);
	FUZZ_CHECK(!reply->has_starttls || reply->lines > 1);
	check_text(reply->first);
	check_text(reply->last);
}

/* One reply; how many bytes it took. */
static size_t
read_reply(struct smtpreply *reply, const uint8_t *data, size_t size,
    struct fuzz_cuts cuts)
{
	size_t at = 0;

	smtpreply_init(reply);
	while (at < size && reply->status == SMTPREPLY_MORE) {
		size_t used, n = fuzz_next(&cuts, size - at);
		char *piece = fuzz_copy(data + at, n);

		FUZZ_CHECK(
		    smtpreply_more(reply, piece, n, &used) == reply->status);
		FUZZ_CHECK(
		    used == n || (used < n && reply->status != SMTPREPLY_MORE));
		free(piece);
		at += used;
	}
	check_state(reply);
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_cuts cuts = fuzz_cuts(data, &size);
	struct smtpreply cut, whole;
	size_t n;

	while (size > 0) {
		n = read_reply(&cut, data, size, cuts);
		FUZZ_CHECK(n == read_reply(&whole, data, size, fuzz_whole()));
		FUZZ_CHECK(memcmp(&cut, &whole, sizeof cut) == 0);
		data += n;
		size -= n;
	}
	return 0;
}
