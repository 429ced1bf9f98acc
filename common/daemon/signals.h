/*
 * signals: the signals of a daemon, for its main thread to wait for.
 *
 * One for the process. All other threads are started with signals blocked.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

enum {
	SIGNALS_GONE = 0 /* what serves in another thread has come to its end */
};

/*
 * From here on SIGHUP, SIGTERM and SIGINT are remembered until
 * signals_wait() asks for them; SIGPIPE is ignored, SIGCHLD as it is by
 * default. False when the system refuses.
 */
bool signals_catch(void);

/* The next signal's number, or SIGNALS_GONE. */
int signals_wait(void);

/* Tell the main thread that it need not wait any longer: SIGNALS_GONE. */
void signals_gone(void);

#endif
