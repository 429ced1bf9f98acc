/*
 * dialogue: an SMTP connection of a client's: it connects, sends commands and
 * takes in replies, all before one deadline. The socket does not block.
 */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "mxprobe.h"
#include "smtpreply.h"

enum {
	DIALOGUE_BLOCK = 4096 /* bytes read at a time */
};

struct dialogue {
	int fd;                 /* or -1 */
	uint64_t deadline;      /* as deadline_now() counts */
	struct smtpreply reply; /* the latest */
	/* Of what ended it: the error of the system, the line. */
	char detail[MXPROBE_DETAIL_MAX];
	/* Private: what was read and belongs to no reply yet. */
	size_t at;
	size_t len;
	char data[DIALOGUE_BLOCK];
};

/*
 * Connect to an address and port, from source (may be NULL). Not MXPROBE_OK:
 * detail says why. To be given to dialogue_close() either way.
 */
enum mxprobe_end dialogue_open(struct dialogue *dialogue,
    const struct mxprobe_settings *settings, uint64_t deadline);

/*
 * Wait until the socket is ready for poll(2)'s events: MXPROBE_OK,
 * MXPROBE_TIMEOUT, MXPROBE_OURSELVES.
 */
enum mxprobe_end dialogue_wait(int fd, short events, uint64_t deadline);

/* Take in the next reply. Not MXPROBE_OK: it did not come, or is none. */
enum mxprobe_end dialogue_read(struct dialogue *dialogue);

/* Send a line, with its CRLF. */
enum mxprobe_end dialogue_send(struct dialogue *dialogue, const char *line);

/* Has the server said more than it should have by now? */
bool dialogue_has_more(const struct dialogue *dialogue);

/* Take leave, without waiting for an answer. */
void dialogue_quit(struct dialogue *dialogue);

void dialogue_close(struct dialogue *dialogue);

/* errno in words, of any thread. */
void dialogue_error(char *out, size_t size, int error);

#endif
